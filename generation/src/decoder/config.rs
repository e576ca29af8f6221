//! The shape of a decoder, read from a GGUF header or from a Hugging Face `config.json`.
//!
//! Llama, Mistral and Qwen2 are one architecture with different settings: pre-normalised blocks of
//! grouped-query attention and SwiGLU, rotary positions, no biases but (Qwen2) those of query, key
//! and value. What such a file can ask for beyond that is refused by name rather than run wrongly.

use std::path::Path;

use serde::Deserialize;

use crate::gguf::{Gguf, unusable};
use crate::{Error, Result};

/// Layers, heads and a head's dimensions beyond which a file is damaged or hostile.
const LARGEST_COUNT: usize = 1 << 12;

/// The same for widths and the vocabulary.
const LARGEST_WIDTH: usize = 1 << 22;

/// How rotary frequencies are stretched for contexts longer than the model was first trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// Positions are divided by a factor (Chen et al., "Extending Context Window of Large Language
    /// Models via Position Interpolation", 2023, <https://arxiv.org/abs/2306.15595>).
    Linear {
        /// What positions are divided by.
        factor: f64,
    },
    /// Llama 3.1's: low frequencies are divided by a factor, high ones kept, those between blended
    /// (Grattafiori et al., "The Llama 3 Herd of Models", 2024, <https://arxiv.org/abs/2407.21783>).
    Llama3 {
        /// What low frequencies are divided by.
        factor: f64,
        /// Wavelengths longer than the old context divided by this are low frequencies.
        low_freq_factor: f64,
        /// Wavelengths shorter than the old context divided by this are high frequencies.
        high_freq_factor: f64,
        /// The old context, in tokens.
        original_context: usize,
    },
}

/// The shape of a decoder and the constants in it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderConfig {
    /// `llama`, `mistral` or `qwen2`.
    pub architecture: String,
    /// Number of blocks.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub intermediate: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; each serves `n_heads / n_kv_heads` query heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How rotary frequencies are stretched.
    pub rope_scaling: Option<RopeScaling>,
    /// Added to the mean square before its root is taken.
    pub rms_eps: f64,
    /// True where the head's weights are the embedding's.
    pub tied_embeddings: bool,
    /// True where query, key and value have a bias.
    pub qkv_bias: bool,
    /// A token sees itself and this many less one before it; `None` for all.
    pub sliding_window: Option<usize>,
    /// Tokens that the model was trained to read.
    pub context: usize,
}

impl DecoderConfig {
    /// Rows and columns of the projections of a block, by their names in PEFT and `transformers`:
    /// `(name, out, in)`, in the order in which a block uses them.
    pub fn projections(&self) -> [(&'static str, usize, usize); 7] {
        let (queries, keys) = (
            self.n_heads * self.head_dim,
            self.n_kv_heads * self.head_dim,
        );
        [
            ("self_attn.q_proj", queries, self.hidden),
            ("self_attn.k_proj", keys, self.hidden),
            ("self_attn.v_proj", keys, self.hidden),
            ("self_attn.o_proj", self.hidden, queries),
            ("mlp.gate_proj", self.intermediate, self.hidden),
            ("mlp.up_proj", self.intermediate, self.hidden),
            ("mlp.down_proj", self.hidden, self.intermediate),
        ]
    }

    /// Number of weights, tied ones once.
    pub fn parameters(&self) -> usize {
        let block: usize = self
            .projections()
            .iter()
            .map(|(_, rows, columns)| rows * columns)
            .sum();
        let bias = match self.qkv_bias {
            true => (self.n_heads + 2 * self.n_kv_heads) * self.head_dim,
            false => 0,
        };
        let embeddings = self.vocab * self.hidden * if self.tied_embeddings { 1 } else { 2 };
        self.n_layers * (block + bias + 2 * self.hidden) + embeddings + self.hidden
    }

    /// Reads the header of a GGUF file, and none of its weights.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) where it is none, or of an architecture that can't be run.
    pub fn read_gguf(path: &Path) -> Result<Self> {
        Self::from_gguf(&Gguf::open(path)?, path)
    }

    /// As [`Self::read_gguf`], of a file that is open.
    pub(crate) fn from_gguf(gguf: &Gguf, path: &Path) -> Result<Self> {
        let architecture = gguf.string("general.architecture").unwrap_or("unknown");
        if !matches!(architecture, "llama" | "mistral" | "qwen2") {
            return Err(unusable(
                path,
                format!(
                    "it is of the {architecture} architecture and only llama, mistral and qwen2 can \
                     be run; hint: choose another model with `lectern models recommend`"
                ),
            ));
        }
        let key = |name: &str| format!("{architecture}.{name}");
        let number = |name: &str| gguf.number(&key(name)).map(|number| number as usize);
        let needed = |name: &str| {
            number(name).ok_or_else(|| {
                unusable(
                    path,
                    format!(
                        "its header has no {}; hint: delete it and fetch it again with \
                         `lectern models pull`",
                        key(name)
                    ),
                )
            })
        };
        if number("expert_count").unwrap_or(0) > 0 {
            return Err(unusable(
                path,
                "it is a mixture of experts, which can't be run; hint: choose a dense model with \
                 `lectern models recommend`",
            ));
        }
        let scaling = match gguf.string(&key("rope.scaling.type")) {
            None | Some("none") => None,
            Some("linear") => Some(RopeScaling::Linear {
                factor: gguf.float(&key("rope.scaling.factor")).unwrap_or(1.0),
            }),
            Some(kind) => return Err(unusable(path, unknown_scaling(kind))),
        };
        let (hidden, n_heads) = (needed("embedding_length")?, needed("attention.head_count")?);
        let tensor = |name: &str| gguf.content.tensor_infos.get(name);
        let vocab = tensor("token_embd.weight").map(|info| info.shape.dims().to_vec());
        let config = Self {
            architecture: architecture.to_owned(),
            n_layers: needed("block_count")?,
            hidden,
            intermediate: match number("feed_forward_length") {
                Some(width) => width,
                None => tensor("blk.0.ffn_up.weight")
                    .and_then(|info| info.shape.dims().first().copied())
                    .unwrap_or(0),
            },
            n_heads,
            n_kv_heads: number("attention.head_count_kv").unwrap_or(n_heads),
            head_dim: number("attention.key_length")
                .unwrap_or(hidden.checked_div(n_heads).unwrap_or(0)),
            vocab: vocab.and_then(|dims| dims.first().copied()).unwrap_or(0),
            rope_theta: gguf.float(&key("rope.freq_base")).unwrap_or(10_000.0),
            rope_scaling: scaling,
            rms_eps: gguf
                .float(&key("attention.layer_norm_rms_epsilon"))
                .unwrap_or(1e-5),
            tied_embeddings: tensor("output.weight").is_none(),
            qkv_bias: tensor("blk.0.attn_q.bias").is_some(),
            sliding_window: number("attention.sliding_window").filter(|window| *window > 0),
            context: number("context_length").unwrap_or(usize::MAX),
        };
        let rotated = number("rope.dimension_count").unwrap_or(config.head_dim);
        if rotated != config.head_dim {
            return Err(unusable(
                path,
                format!(
                    "it rotates {rotated} of a head's {} dimensions and only whole heads can be \
                     rotated; hint: choose another model with `lectern models recommend`",
                    config.head_dim
                ),
            ));
        }
        config.check(path)?;
        Ok(config)
    }

    /// Reads a Hugging Face `config.json`.
    ///
    /// # Errors
    /// [`Error::Model`] where the file is missing, no JSON, lacks a field or asks for something
    /// that can't be run.
    pub fn from_config_json(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            unusable(
                path,
                format!("{error}; hint: name a folder with a model's config.json and safetensors"),
            )
        })?;
        let json: ConfigJson = serde_json::from_str(&text).map_err(|error| {
            unusable(
                path,
                format!("it is no model's configuration ({error}); hint: fetch it again"),
            )
        })?;
        json.into_config(path)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let too_large = self.n_layers.max(self.n_heads).max(self.head_dim) > LARGEST_COUNT
            || self.hidden.max(self.intermediate).max(self.vocab) > LARGEST_WIDTH;
        let wrong = [
            (too_large, "its dimensions are larger than any model's"),
            (self.n_layers == 0, "it has no layers"),
            (
                self.hidden == 0 || self.intermediate == 0 || self.vocab == 0,
                "it has a dimension of 0",
            ),
            (
                self.n_kv_heads == 0 || !self.n_heads.is_multiple_of(self.n_kv_heads.max(1)),
                "its query heads can't be shared out among its key heads",
            ),
            (
                self.head_dim == 0 || !self.head_dim.is_multiple_of(2),
                "its heads have an odd width, which can't be rotated",
            ),
            (
                !(self.rms_eps >= 0.0 && self.rope_theta > 0.0 && self.rope_theta.is_finite()),
                "its constants are out of range",
            ),
        ];
        match wrong.iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, reason)) => Err(unusable(
                path,
                format!("{reason}; hint: delete it and fetch it again"),
            )),
            None => Ok(()),
        }
    }
}

fn unknown_scaling(kind: &str) -> String {
    format!(
        "its rotary positions are scaled by `{kind}` and only `linear` and `llama3` can be run; \
         hint: choose another model with `lectern models recommend`"
    )
}

#[derive(Deserialize)]
struct ConfigJson {
    model_type: String,
    num_hidden_layers: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    vocab_size: usize,
    rope_theta: Option<f64>,
    rope_scaling: Option<RopeJson>,
    /// What newer versions write in place of `rope_theta` and `rope_scaling`.
    rope_parameters: Option<RopeJson>,
    rms_norm_eps: f64,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    hidden_act: Option<String>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    max_position_embeddings: usize,
}

#[derive(Deserialize)]
struct RopeJson {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
}

impl ConfigJson {
    fn into_config(self, path: &Path) -> Result<DecoderConfig> {
        let unsupported = |what: String| -> Error {
            unusable(
                path,
                format!("{what}; hint: choose another model with `lectern models recommend`"),
            )
        };
        if !matches!(self.model_type.as_str(), "llama" | "mistral" | "qwen2") {
            return Err(unsupported(format!(
                "it is of the {} architecture and only llama, mistral and qwen2 can be run",
                self.model_type
            )));
        }
        if let Some(activation) = self.hidden_act.as_deref().filter(|name| *name != "silu") {
            return Err(unsupported(format!(
                "its activation is `{activation}` and only `silu` can be run"
            )));
        }
        if self.attention_bias || self.mlp_bias {
            return Err(unsupported(
                "its projections have biases, which only qwen2 may have".to_owned(),
            ));
        }
        let rope = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref());
        let theta = rope.and_then(|rope| rope.rope_theta).or(self.rope_theta);
        let rope_scaling = match rope {
            Some(rope) => rope.scaling(path)?,
            None => None,
        };
        let windowed = self
            .use_sliding_window
            .unwrap_or(self.model_type == "mistral");
        let config = DecoderConfig {
            n_layers: self.num_hidden_layers,
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            n_heads: self.num_attention_heads,
            n_kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self.head_dim.unwrap_or(
                self.hidden_size
                    .checked_div(self.num_attention_heads)
                    .unwrap_or(0),
            ),
            vocab: self.vocab_size,
            rope_theta: theta.unwrap_or(10_000.0),
            rope_scaling,
            rms_eps: self.rms_norm_eps,
            tied_embeddings: self.tie_word_embeddings,
            qkv_bias: self.model_type == "qwen2",
            sliding_window: self.sliding_window.filter(|_| windowed),
            context: self.max_position_embeddings,
            architecture: self.model_type,
        };
        config.check(path)?;
        Ok(config)
    }
}

impl RopeJson {
    fn scaling(&self, path: &Path) -> Result<Option<RopeScaling>> {
        let needed = |value: Option<f64>, name: &str| {
            value
                .filter(|value| value.is_finite() && *value > 0.0)
                .ok_or_else(|| {
                    unusable(
                        path,
                        format!("its rope_scaling has no usable {name}; hint: fetch it again"),
                    )
                })
        };
        match self.rope_type.as_deref() {
            None | Some("default") => Ok(None),
            Some("linear") => Ok(Some(RopeScaling::Linear {
                factor: needed(self.factor, "factor")?,
            })),
            Some("llama3") => Ok(Some(RopeScaling::Llama3 {
                factor: needed(self.factor, "factor")?,
                low_freq_factor: needed(self.low_freq_factor, "low_freq_factor")?,
                high_freq_factor: needed(self.high_freq_factor, "high_freq_factor")?,
                original_context: needed(
                    self.original_max_position_embeddings.map(|n| n as f64),
                    "original_max_position_embeddings",
                )? as usize,
            })),
            Some(kind) => Err(unusable(path, unknown_scaling(kind))),
        }
    }
}
