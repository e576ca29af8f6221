//! Models in files, an adapter merged into the weights: `W + scale * B A`.
//!
//! A merged model needs nothing of ours to run: a folder for `transformers`, or a GGUF file for
//! llama.cpp. Weights are unpacked, merged and converted one at a time while the folder is written;
//! a GGUF file is put together in memory first.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use safetensors::tensor::View;
use serde_json::json;

use super::load::{gguf_name, sides_order};
use super::{Decoder, DecoderConfig, config::RopeScaling, files};
use crate::Result;
use crate::gguf::{Gguf, first_line, metadata_with, unusable};

/// The format of the matrices in a GGUF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GgufFormat {
    /// Half precision.
    F16,
    /// Eight bits in blocks of 32.
    Q8_0,
}

/// Writes `config.json` and `model.safetensors` in `transformers`' names into `folder`, which is made
/// where it is missing, with the weights in `precision` (f32, f16 or bf16). Files appear whole or not
/// at all.
///
/// # Errors
/// [`Error::Model`] where the folder can't be written.
pub fn save_folder(decoder: &Decoder, folder: &Path, precision: DType) -> Result<()> {
    let failed = |error: io::Error| files::unwritable(folder, &error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let trouble = RefCell::new(None);
    let weights = decoder.weights().into_iter().map(|weight| {
        let name = weight.name.clone();
        let lazy = Lazy {
            weight,
            precision,
            trouble: &trouble,
        };
        (name, lazy)
    });
    files::write_whole(&folder.join("model.safetensors"), |path| {
        files::serialize(path, weights)?;
        match trouble.take() {
            Some(error) => Err(io::Error::other(first_line(&error))),
            None => Ok(()),
        }
    })
    .map_err(failed)?;
    let config = config_json(decoder.config(), precision);
    let mut config = serde_json::to_vec_pretty(&config).map_err(|error| failed(error.into()))?;
    config.push(b'\n');
    files::write_bytes(&folder.join("config.json"), &config).map_err(failed)
}

/// A weight of a model by its name in `transformers`.
pub(super) struct Weight {
    pub(super) name: String,
    pub(super) dims: Vec<usize>,
    pub(super) unpack: Box<dyn Fn() -> candle_core::Result<Tensor>>,
}

/// A weight that is unpacked when it is written.
struct Lazy<'a> {
    weight: Weight,
    precision: DType,
    /// What went wrong, since a [`View`] can't say so.
    trouble: &'a RefCell<Option<candle_core::Error>>,
}

impl Lazy<'_> {
    fn bytes(&self) -> candle_core::Result<Vec<u8>> {
        let tensor = (self.weight.unpack)()?.to_dtype(self.precision)?;
        Ok(View::data(&tensor.contiguous()?).into_owned())
    }
}

impl View for Lazy<'_> {
    fn dtype(&self) -> safetensors::Dtype {
        match self.precision {
            DType::F16 => safetensors::Dtype::F16,
            DType::BF16 => safetensors::Dtype::BF16,
            _ => safetensors::Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.weight.dims
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.bytes().unwrap_or_else(|error| {
            self.trouble.borrow_mut().get_or_insert(error);
            vec![0; self.data_len()]
        }))
    }

    fn data_len(&self) -> usize {
        let width = match self.precision {
            DType::F16 | DType::BF16 => 2,
            _ => 4,
        };
        self.weight.dims.iter().product::<usize>() * width
    }
}

fn config_json(config: &DecoderConfig, precision: DType) -> serde_json::Value {
    let architecture = match config.architecture.as_str() {
        "qwen2" => "Qwen2ForCausalLM",
        "mistral" => "MistralForCausalLM",
        _ => "LlamaForCausalLM",
    };
    let mut json = json!({
        "architectures": [architecture],
        "model_type": config.architecture,
        "num_hidden_layers": config.n_layers,
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.head_dim,
        "vocab_size": config.vocab,
        "rope_theta": config.rope_theta,
        "rms_norm_eps": config.rms_eps,
        "hidden_act": "silu",
        "tie_word_embeddings": config.tied_embeddings,
        "attention_bias": false,
        "max_position_embeddings": config.context,
        "torch_dtype": match precision {
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            _ => "float32",
        },
    });
    if let Some(window) = config.sliding_window {
        json["sliding_window"] = json!(window);
    }
    if config.architecture == "qwen2" {
        json["use_sliding_window"] = json!(config.sliding_window.is_some());
    }
    json["rope_scaling"] = match config.rope_scaling {
        None => serde_json::Value::Null,
        Some(RopeScaling::Linear { factor }) => json!({"rope_type": "linear", "factor": factor}),
        Some(RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_context,
        }) => json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
            "original_max_position_embeddings": original_context,
        }),
    };
    json
}

/// Writes the model as a GGUF file with the metadata of `source`, the GGUF file that it comes from:
/// tokenizer, chat template and the rest. The file appears whole or not at all.
///
/// # Errors
/// [`Error::Model`] where `source` is unreadable or of another architecture, or `destination` can't
/// be written; [`Error::Run`] where a weight can't be converted.
pub fn save_gguf(
    decoder: &Decoder,
    source: &Path,
    destination: &Path,
    format: GgufFormat,
) -> Result<()> {
    let gguf = Gguf::open(source)?;
    let config = DecoderConfig::from_gguf(&gguf, source)?;
    let ours = decoder.config();
    if (config.n_layers, config.hidden, config.vocab) != (ours.n_layers, ours.hidden, ours.vocab) {
        return Err(unusable(
            source,
            "it is not the model that this one comes from; hint: name the GGUF file of the base model",
        ));
    }
    let (matrices, file_type) = match format {
        GgufFormat::F16 => (GgmlDType::F16, 1),
        GgufFormat::Q8_0 => (GgmlDType::Q8_0, 7),
    };
    let mut tensors = Vec::new();
    for weight in decoder.weights() {
        let Some(name) = gguf_name(&weight.name) else {
            continue;
        };
        let mut tensor = (weight.unpack)()?;
        let is_rotated = weight.name.contains("q_proj") || weight.name.contains("k_proj");
        if config.architecture != "qwen2" && is_rotated {
            let rows = tensor.dim(0)?;
            let order = Tensor::from_vec(sides_order(rows, config.head_dim), rows, &Device::Cpu)?;
            tensor = tensor.index_select(&order, 0)?;
        }
        let fits = tensor.dims().last().copied().unwrap_or(0) % matrices.block_size() == 0;
        let kind = match (tensor.rank(), fits) {
            (2, true) => matrices,
            (2, false) => GgmlDType::F16,
            _ => GgmlDType::F32,
        };
        tensors.push((name, QTensor::quantize(&tensor, kind)?));
    }
    let Gguf {
        content,
        mut reader,
    } = gguf;
    let factors = "rope_freqs.weight";
    if content.tensor_infos.contains_key(factors) {
        let kept = content
            .tensor(&mut reader, factors, &Device::Cpu)
            .map_err(|error| unusable(source, first_line(&error)))?;
        tensors.push((factors.to_owned(), kept));
    }

    let file_type = Value::U32(file_type);
    let metadata = metadata_with(&content, &file_type);
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    files::write_whole(destination, |path| {
        let mut writer = BufWriter::new(File::create(path)?);
        gguf_file::write(&mut writer, &metadata, &tensors)
            .map_err(|error| io::Error::other(first_line(&error)))?;
        writer.flush()
    })
    .map_err(|error| files::unwritable(destination, &error))
}
