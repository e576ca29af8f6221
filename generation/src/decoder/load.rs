//! Models from files: GGUF, or a Hugging Face folder with `config.json` and safetensors.
//!
//! The weights end up in the order of `transformers` whatever they came from. GGUF files of the Llama
//! architecture have the rows of query and key permuted, for rotary pairs that lie side by side; a
//! row is a whole number of blocks in every block format, so they are put back by moving bytes, and
//! nothing is quantised anew.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::safetensors::BufferedSafetensors;
use candle_core::{DType, Device, Tensor};

use super::block::Block;
use super::linear::{Dense, Linear, Quantised};
use super::nf4::Nf4;
use super::rope::frequencies;
use super::{Decoder, DecoderConfig};
use crate::Result;
use crate::gguf::{Gguf, first_line, unusable};

/// In what form weights are held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// As the file has them: block formats stay (those without a fast kernel become Q8_0), bf16 stays,
    /// f16 becomes f32.
    AsStored,
    /// All in f32: the fastest to train on.
    F32,
    /// All in bf16: half the memory, unpacked for each use.
    Bf16,
    /// Projections in NF4, embeddings and head in Q8_0: QLoRA's base.
    Nf4,
}

/// A weight as it was read.
enum Stored {
    Blocks(QTensor),
    Dense(Tensor),
}

impl Stored {
    fn tensor(&self) -> candle_core::Result<Tensor> {
        match self {
            Stored::Blocks(blocks) => blocks.dequantize(&Device::Cpu),
            Stored::Dense(tensor) => tensor.to_dtype(DType::F32),
        }
    }

    fn dims(&self) -> &[usize] {
        match self {
            Stored::Blocks(blocks) => blocks.shape().dims(),
            Stored::Dense(tensor) => tensor.dims(),
        }
    }

    fn into_linear(
        self,
        precision: Precision,
        is_projection: bool,
    ) -> candle_core::Result<Arc<dyn Linear>> {
        Ok(match (precision, self) {
            (Precision::AsStored, Stored::Dense(tensor)) => Arc::new(Dense::new(tensor)?),
            (Precision::AsStored, Stored::Blocks(blocks)) => Arc::new(Quantised::new(blocks)?),
            (Precision::F32, stored) => Arc::new(Dense::new(stored.tensor()?)?),
            (Precision::Bf16, stored) => {
                Arc::new(Dense::new(stored.tensor()?.to_dtype(DType::BF16)?)?)
            }
            (Precision::Nf4, stored) if is_projection => {
                Arc::new(Nf4::quantise(&stored.tensor()?)?)
            }
            (Precision::Nf4, stored) => {
                let weight = stored.tensor()?;
                let block = GgmlDType::Q8_0.block_size();
                match weight.dims2()?.1.is_multiple_of(block) {
                    true => Arc::new(Quantised::new(QTensor::quantize(
                        &weight,
                        GgmlDType::Q8_0,
                    )?)?),
                    false => Arc::new(Dense::new(weight.to_dtype(DType::BF16)?)?),
                }
            }
        })
    }
}

/// Where weights come from: by their names in `transformers`.
trait Source {
    /// `Ok(None)` where there is no such weight.
    fn weight(&mut self, name: &str) -> Result<Option<Stored>>;
}

impl Decoder {
    /// Loads a GGUF file of the llama, mistral or qwen2 architecture.
    ///
    /// # Errors
    /// [`crate::Error::Model`] where the file is missing, damaged, of another architecture, or lacks
    /// a weight.
    pub fn from_gguf(path: &Path, precision: Precision) -> Result<Self> {
        Self::from_open_gguf(Gguf::open(path)?, path, precision)
    }

    pub(crate) fn from_open_gguf(gguf: Gguf, path: &Path, precision: Precision) -> Result<Self> {
        let config = DecoderConfig::from_gguf(&gguf, path)?;
        let mut source = GgufSource {
            gguf,
            path,
            config: &config,
        };
        let factors = source.read("rope_freqs.weight")?;
        let factors = match factors {
            Some(factors) => Some(factors.tensor()?.flatten_all()?.to_vec1::<f32>()?),
            None => None,
        };
        let mut decoder = build(&mut source, path, config.clone(), precision)?;
        // Llama 3.1 and later: what the frequencies are divided by is written out in full.
        if let Some(factors) = factors {
            if factors.len() != decoder.frequencies.len() {
                return Err(unusable(
                    path,
                    "its rotary factors don't fit its heads; hint: delete it and fetch it again",
                ));
            }
            decoder.frequencies = decoder
                .frequencies
                .iter()
                .zip(factors)
                .map(|(frequency, factor)| frequency / f64::from(factor))
                .collect();
        }
        Ok(decoder)
    }

    /// Loads a folder in Hugging Face's layout: `config.json` with `model.safetensors`, or with the
    /// parts that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// [`crate::Error::Model`] where a file is missing or damaged, the architecture is another one,
    /// or a weight is missing or of the wrong shape.
    pub fn from_safetensors(folder: &Path, precision: Precision) -> Result<Self> {
        let config = DecoderConfig::from_config_json(&folder.join("config.json"))?;
        let mut source = SafetensorsSource::open(folder)?;
        build(&mut source, folder, config, precision)
    }
}

fn build(
    source: &mut dyn Source,
    path: &Path,
    config: DecoderConfig,
    precision: Precision,
) -> Result<Decoder> {
    let mut needed = |name: &str, dims: &[usize]| -> Result<Stored> {
        let stored = source.weight(name)?.ok_or_else(|| {
            unusable(
                path,
                format!("the weights {name} are missing; hint: delete it and fetch it again"),
            )
        })?;
        match stored.dims() == dims {
            true => Ok(stored),
            false => Err(unusable(
                path,
                format!(
                    "the weights {name} have the shape {:?} and {dims:?} is needed; hint: delete it \
                     and fetch it again",
                    stored.dims()
                ),
            )),
        }
    };
    let (vocab, hidden) = (config.vocab, config.hidden);
    let embedding =
        needed("model.embed_tokens.weight", &[vocab, hidden])?.into_linear(precision, false)?;
    let mut blocks = Vec::new();
    for layer in 0..config.n_layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let mut linears: Vec<Arc<dyn Linear>> = Vec::new();
        let mut biases = Vec::new();
        for (part, rows, columns) in config.projections() {
            let weight = needed(&name(&format!("{part}.weight")), &[rows, columns])?;
            linears.push(weight.into_linear(precision, true)?);
            if config.qkv_bias && biases.len() < 3 {
                biases.push(needed(&name(&format!("{part}.bias")), &[rows])?.tensor()?);
            }
        }
        let Ok(linears) = linears.try_into() else {
            return Err(unusable(path, "a block has another number of projections"));
        };
        blocks.push(Block {
            linears,
            biases: biases.try_into().ok(),
            attention_norm: needed(&name("input_layernorm.weight"), &[hidden])?.tensor()?,
            mlp_norm: needed(&name("post_attention_layernorm.weight"), &[hidden])?.tensor()?,
        });
    }
    let norm = needed("model.norm.weight", &[hidden])?.tensor()?;
    let head = match config.tied_embeddings {
        true => embedding.clone(),
        false => needed("lm_head.weight", &[vocab, hidden])?.into_linear(precision, false)?,
    };
    let blocks: Arc<[Block]> = blocks.into();
    Ok(Decoder {
        frequencies: frequencies(&config).into(),
        config: Arc::new(config),
        embedding,
        base: blocks.clone(),
        blocks,
        norm,
        head,
    })
}

struct GgufSource<'a> {
    gguf: Gguf,
    path: &'a Path,
    config: &'a DecoderConfig,
}

impl GgufSource<'_> {
    fn read(&mut self, name: &str) -> Result<Option<Stored>> {
        let Gguf { content, reader } = &mut self.gguf;
        if !content.tensor_infos.contains_key(name) {
            return Ok(None);
        }
        let tensor = content
            .tensor(reader, name, &Device::Cpu)
            .map_err(|error| unusable(self.path, first_line(&error)))?;
        Ok(Some(match tensor.dtype() {
            GgmlDType::F32 | GgmlDType::F16 => Stored::Dense(tensor.dequantize(&Device::Cpu)?),
            GgmlDType::BF16 => {
                Stored::Dense(tensor.dequantize(&Device::Cpu)?.to_dtype(DType::BF16)?)
            }
            _ => Stored::Blocks(tensor),
        }))
    }
}

/// GGUF's name of a weight of `transformers`.
pub(super) fn gguf_name(name: &str) -> Option<String> {
    let plain = match name {
        "model.embed_tokens.weight" => "token_embd.weight",
        "model.norm.weight" => "output_norm.weight",
        "lm_head.weight" => "output.weight",
        _ => "",
    };
    if !plain.is_empty() {
        return Some(plain.to_owned());
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, kind) = part.rsplit_once('.')?;
    let part = match part {
        "input_layernorm" => "attn_norm",
        "post_attention_layernorm" => "ffn_norm",
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        "mlp.down_proj" => "ffn_down",
        _ => return None,
    };
    Some(format!("blk.{layer}.{part}.{kind}"))
}

impl Source for GgufSource<'_> {
    fn weight(&mut self, name: &str) -> Result<Option<Stored>> {
        let Some(stored) = gguf_name(name)
            .map(|name| self.read(&name))
            .transpose()?
            .flatten()
        else {
            return Ok(None);
        };
        let is_permuted = self.config.architecture != "qwen2";
        let is_rotated = name.contains("q_proj") || name.contains("k_proj");
        if !(is_permuted && is_rotated) {
            return Ok(Some(stored));
        }
        let rows = stored.dims().first().copied().unwrap_or(0);
        if !rows.is_multiple_of(self.config.head_dim) {
            return Ok(Some(stored));
        }
        let order = halves_order(rows, self.config.head_dim);
        Ok(Some(match stored {
            Stored::Dense(tensor) => {
                let order = Tensor::from_vec(order, rows, &Device::Cpu)?;
                Stored::Dense(tensor.index_select(&order, 0)?)
            }
            Stored::Blocks(blocks) => Stored::Blocks(reorder_rows(&blocks, &order)?),
        }))
    }
}

/// For each row in the order of `transformers`, where it is among rows whose rotary pairs lie side by
/// side.
fn halves_order(rows: usize, head_dim: usize) -> Vec<u32> {
    (0..rows)
        .map(|row| {
            let (head, dimension) = (row / head_dim, row % head_dim);
            let half = head_dim / 2;
            (head * head_dim + dimension % half * 2 + dimension / half) as u32
        })
        .collect()
}

/// The way back: for each row in GGUF's order, where it is among rows in the order of `transformers`.
pub(super) fn sides_order(rows: usize, head_dim: usize) -> Vec<u32> {
    let half = head_dim / 2;
    (0..rows)
        .map(|row| {
            let (head, dimension) = (row / head_dim, row % head_dim);
            (head * head_dim + dimension % 2 * half + dimension / 2) as u32
        })
        .collect()
}

fn reorder_rows(blocks: &QTensor, order: &[u32]) -> candle_core::Result<QTensor> {
    let data = blocks.data()?;
    let row = data.len() / order.len().max(1);
    let mut moved = Vec::with_capacity(data.len());
    for from in order {
        moved.extend_from_slice(&data[*from as usize * row..][..row]);
    }
    let storage = QStorage::from_data(Cow::Owned(moved), &Device::Cpu, blocks.dtype())?;
    QTensor::new(storage, blocks.shape().clone())
}

struct SafetensorsSource {
    files: Vec<(PathBuf, BufferedSafetensors)>,
    /// Which file has a weight.
    names: HashMap<String, usize>,
}

impl SafetensorsSource {
    fn open(folder: &Path) -> Result<Self> {
        let index = folder.join("model.safetensors.index.json");
        let mut paths = vec![folder.join("model.safetensors")];
        if index.is_file() {
            let broken = |error: &dyn std::fmt::Display| {
                unusable(&index, format!("{error}; hint: fetch the folder again"))
            };
            let text = std::fs::read_to_string(&index).map_err(|error| broken(&error))?;
            let parts: Index = serde_json::from_str(&text).map_err(|error| broken(&error))?;
            let mut names: Vec<String> = parts.weight_map.into_values().collect();
            names.sort();
            names.dedup();
            if let Some(name) = names.iter().find(|name| name.contains(['/', '\\'])) {
                return Err(broken(&format!(
                    "it names {name}, which is not in its folder"
                )));
            }
            paths = names.iter().map(|name| folder.join(name)).collect();
        }
        let mut source = Self {
            files: Vec::new(),
            names: HashMap::new(),
        };
        for path in paths {
            let bytes = std::fs::read(&path).map_err(|error| {
                unusable(&path, format!("{error}; hint: fetch the folder again"))
            })?;
            let file = BufferedSafetensors::new(bytes).map_err(|error| {
                unusable(
                    &path,
                    format!(
                        "it is not a readable safetensors file ({}); hint: fetch it again",
                        first_line(&error)
                    ),
                )
            })?;
            for (name, _) in file.tensors() {
                source.names.insert(name, source.files.len());
            }
            source.files.push((path, file));
        }
        Ok(source)
    }
}

#[derive(serde::Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl Source for SafetensorsSource {
    fn weight(&mut self, name: &str) -> Result<Option<Stored>> {
        let Some(index) = self.names.get(name) else {
            return Ok(None);
        };
        let (path, file) = &self.files[*index];
        let tensor = file
            .load(name, &Device::Cpu)
            .map_err(|error| unusable(path, first_line(&error)))?;
        match tensor.dtype() {
            DType::F32 | DType::F16 | DType::BF16 | DType::F64 => Ok(Some(Stored::Dense(tensor))),
            kind => Err(unusable(
                path,
                format!(
                    "the weights {name} are in {kind:?}, which can't be run; hint: take the GGUF \
                     file of this model instead"
                ),
            )),
        }
    }
}
