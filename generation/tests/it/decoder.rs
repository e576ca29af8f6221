//! Small random models for tests of the decoder, in Hugging Face's layout and as GGUF.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use generation::decoder::{Decoder, DecoderConfig, Kernels, KvCache, Precision};
use tempfile::TempDir;

mod adapters;
mod gradients;
mod nf4;
mod parity;
mod speed;

const CPU: &Device = &Device::Cpu;

const LLAMA: &str = r#"{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64,
    "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 128, "rope_theta": 10000.0, "rms_norm_eps": 1e-5, "hidden_act": "silu",
    "tie_word_embeddings": true, "max_position_embeddings": 512}"#;

const LLAMA3: &str = r#"{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64,
    "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 128, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
    "rope_theta": 500.0, "max_position_embeddings": 512,
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}"#;

const MISTRAL: &str = r#"{"model_type": "mistral", "num_hidden_layers": 2, "hidden_size": 64,
    "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
    "vocab_size": 128, "rope_theta": 1000000.0, "rms_norm_eps": 1e-5, "hidden_act": "silu",
    "sliding_window": 4096, "max_position_embeddings": 512}"#;

const QWEN2: &str = r#"{"model_type": "qwen2", "num_hidden_layers": 2, "hidden_size": 64,
    "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 1,
    "vocab_size": 128, "rope_theta": 1000000.0, "rms_norm_eps": 1e-6, "hidden_act": "silu",
    "tie_word_embeddings": true, "sliding_window": 4096, "use_sliding_window": false,
    "max_window_layers": 2, "max_position_embeddings": 512}"#;

/// Numbers in -1 to 1, the same each time.
struct Noise(u64);

impl Noise {
    fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| {
                self.0 = self
                    .0
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            })
            .collect()
    }

    fn tensor(&mut self, shape: &[usize], scale: f32) -> Tensor {
        let numbers = self.numbers(shape.iter().product());
        let numbers = numbers.into_iter().map(|number| number * scale).collect();
        Tensor::from_vec(numbers, shape, CPU).unwrap()
    }
}

/// A model's folder, its weights and its shape.
struct Model {
    folder: TempDir,
    tensors: HashMap<String, Tensor>,
    config: DecoderConfig,
}

impl Model {
    fn new(config_json: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config_json).unwrap();
        let config = DecoderConfig::from_config_json(&path).unwrap();
        let mut noise = Noise(7);
        let mut tensors = HashMap::new();
        let mut add = |name: String, shape: &[usize], scale: f32| {
            tensors.insert(name, noise.tensor(shape, scale));
        };
        let (vocab, hidden) = (config.vocab, config.hidden);
        add("model.embed_tokens.weight".into(), &[vocab, hidden], 1.0);
        if !config.tied_embeddings {
            add("lm_head.weight".into(), &[vocab, hidden], 0.2);
        }
        add("model.norm.weight".into(), &[hidden], 1.0);
        for layer in 0..config.n_layers {
            for (index, (name, rows, columns)) in config.projections().into_iter().enumerate() {
                let name = format!("model.layers.{layer}.{name}");
                add(format!("{name}.weight"), &[rows, columns], 0.2);
                if config.qkv_bias && index < 3 {
                    add(format!("{name}.bias"), &[rows], 0.5);
                }
            }
            for norm in ["input_layernorm", "post_attention_layernorm"] {
                add(
                    format!("model.layers.{layer}.{norm}.weight"),
                    &[hidden],
                    1.0,
                );
            }
        }
        candle_core::safetensors::save(&tensors, folder.path().join("model.safetensors")).unwrap();
        Self {
            folder,
            tensors,
            config,
        }
    }

    fn decoder(&self, precision: Precision) -> Decoder {
        Decoder::from_safetensors(self.folder.path(), precision).unwrap()
    }

    /// The same weights as llama.cpp's converter writes them.
    fn gguf(&self, format: GgmlDType) -> PathBuf {
        let path = self.folder.path().join("model.gguf");
        let config = &self.config;
        let is_qwen = config.architecture == "qwen2";
        let architecture = if is_qwen { "qwen2" } else { "llama" };
        let mut metadata = vec![(
            "general.architecture".to_owned(),
            Value::String(architecture.to_owned()),
        )];
        for (key, value) in [
            ("block_count", config.n_layers),
            ("context_length", config.context),
            ("embedding_length", config.hidden),
            ("feed_forward_length", config.intermediate),
            ("attention.head_count", config.n_heads),
            ("attention.head_count_kv", config.n_kv_heads),
            ("attention.key_length", config.head_dim),
            ("rope.dimension_count", config.head_dim),
        ] {
            metadata.push((format!("{architecture}.{key}"), Value::U32(value as u32)));
        }
        for (key, value) in [
            ("attention.layer_norm_rms_epsilon", config.rms_eps),
            ("rope.freq_base", config.rope_theta),
        ] {
            metadata.push((format!("{architecture}.{key}"), Value::F32(value as f32)));
        }
        let mut tensors: Vec<(String, QTensor)> = Vec::new();
        for (name, tensor) in &self.tensors {
            let heads = match name {
                name if is_qwen || name.ends_with("bias") => 0,
                name if name.contains("q_proj") => config.n_heads,
                name if name.contains("k_proj") => config.n_kv_heads,
                _ => 0,
            };
            let tensor = match heads {
                0 => tensor.clone(),
                // As `permute` in llama.cpp's convert_hf_to_gguf.py.
                heads => tensor
                    .reshape((heads, 2, config.head_dim / 2, config.hidden))
                    .and_then(|tensor| tensor.transpose(1, 2)?.contiguous())
                    .and_then(|tensor| tensor.reshape(tensor_shape(tensor.dims())))
                    .unwrap(),
            };
            let format = if tensor.rank() == 1 {
                GgmlDType::F32
            } else {
                format
            };
            let block = QTensor::quantize(&tensor, format).unwrap();
            tensors.push((gguf_name(name), block));
        }
        if let Some(factors) = llama3_factors(config) {
            let factors = Tensor::new(factors, CPU).unwrap();
            let factors = QTensor::quantize(&factors, GgmlDType::F32).unwrap();
            tensors.push(("rope_freqs.weight".to_owned(), factors));
        }
        let metadata: Vec<(&str, &Value)> = metadata
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        let tensors: Vec<(&str, &QTensor)> = tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
            .collect();
        let mut file = std::fs::File::create(&path).unwrap();
        gguf_file::write(&mut file, &metadata, &tensors).unwrap();
        path
    }
}

fn tensor_shape(dims: &[usize]) -> (usize, usize) {
    (dims[0] * dims[1] * dims[2], dims[3])
}

fn gguf_name(name: &str) -> String {
    [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("model.layers", "blk"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ]
    .into_iter()
    .fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

/// What llama.cpp's converter writes as `rope_freqs` for the numbers of [`LLAMA3`].
fn llama3_factors(config: &DecoderConfig) -> Option<Vec<f32>> {
    config.rope_scaling?;
    let (factor, low, high, old) = (8.0, 1.0, 4.0, 64.0);
    let factors = (0..config.head_dim).step_by(2).map(|dimension| {
        let frequency = config
            .rope_theta
            .powf(-(dimension as f64) / config.head_dim as f64);
        let wavelength = std::f64::consts::TAU / frequency;
        if wavelength < old / high {
            1.0
        } else if wavelength > old / low {
            factor
        } else {
            let smooth = (old / wavelength - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        }
    });
    Some(factors.map(|factor| factor as f32).collect())
}

fn tokens(count: usize) -> Vec<u32> {
    (0..count as u32)
        .map(|index| (index * 37 + 11) % 128)
        .collect()
}

/// The last logits of `tokens`, in one piece.
fn logits(decoder: &Decoder, tokens: &[u32], kernels: Kernels) -> Vec<f32> {
    let mut cache = KvCache::new(decoder.config(), 0);
    numbers(&decoder.forward(tokens, &mut cache, kernels).unwrap())
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn close(left: &[f32], right: &[f32], tolerance: f32) {
    assert_eq!(left.len(), right.len());
    assert!(left.iter().any(|value| value.abs() > 0.01), "all near 0");
    let apart = left
        .iter()
        .zip(right)
        .map(|(left, right)| (left - right).abs())
        .fold(0.0, |most: f32, apart| {
            if apart.is_nan() {
                f32::NAN
            } else {
                most.max(apart)
            }
        });
    assert!(apart <= tolerance, "{apart} apart: {left:?} {right:?}");
}

fn broken(result: generation::Result<impl std::fmt::Debug>, parts: &[&str]) {
    let message = result.unwrap_err().to_string();
    for part in parts.iter().chain(&["hint: "]) {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(!message.contains('\n'), "{message}");
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), bytes).unwrap();
}
