//! A decoder-only language model of the Llama, Mistral or Qwen2 kind, that can be trained and carry
//! adapters.
//!
//! One model, two ways of running it. [`Kernels::Fused`] keeps no graph and multiplies quantised
//! weights as they are; [`Kernels::Differentiable`] lets gradients through to whatever is a candle
//! `Var`. The blocks are the same code either way, over operations of our own that know their
//! backward pass ([`norm`], [`rope`], [`attention`], [`swiglu`], [`linear`], [`lora`]): candle's
//! fused ones stop gradients without a word.
//!
//! A [`Decoder`] is immutable and cheap to clone: weights are shared. [`Decoder::with_adapter`]
//! makes another one over the same weights, so that an adapter is swapped by swapping an `Arc`, and
//! requests that run on the old one finish on it. Keys and values are kept outside, in a
//! [`KvCache`] per request.
//!
//! Tokens of several sequences are packed one behind the other into `(tokens, hidden)`, with no
//! padding; [`Packing`] says where each sequence begins. For gradient checkpointing, a trainer runs
//! the parts by itself: [`Decoder::embed`], [`Decoder::block`], [`Decoder::final_norm`],
//! [`Decoder::head`].

pub mod adapter;
pub mod config;
pub mod kv_cache;
pub mod linear;
pub mod lora;
pub mod merge;
pub mod nf4;

mod attention;
mod block;
pub(crate) mod files;
mod load;
mod norm;
mod numeric;
mod peft;
mod rope;
mod swiglu;

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, Var};

pub use adapter::Adapter;
pub use config::DecoderConfig;
pub use kv_cache::KvCache;
pub use linear::Linear;
pub use load::Precision;
pub use peft::AdapterConfig;

use attention::{Attention, Span};
use block::{Block, Place};
use linear::Dense;
use norm::rms_norm;
use rope::Rotation;

/// How a forward pass is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// The fastest; no gradients.
    Fused,
    /// Gradients pass; dropout is off.
    Differentiable,
    /// Gradients pass and adapters' dropout is on. The same seed drops the same, so a block that is
    /// computed again gives what it gave before; take another for each step.
    Training {
        /// What dropout is drawn from.
        seed: u64,
    },
}

/// Sequences packed one behind the other: where each token stands and what it sees. A token sees
/// itself and those before it in its own sequence.
#[derive(Debug, Clone)]
pub struct Packing {
    place: Place,
    tokens: usize,
}

impl Packing {
    /// Tokens in all sequences together.
    pub fn tokens(&self) -> usize {
        self.tokens
    }
}

/// A language model. Clones share its weights.
#[derive(Debug, Clone)]
pub struct Decoder {
    config: Arc<DecoderConfig>,
    embedding: Arc<dyn Linear>,
    /// As loaded; what an adapter is put on.
    base: Arc<[Block]>,
    /// As run.
    blocks: Arc<[Block]>,
    norm: Tensor,
    head: Arc<dyn Linear>,
    /// Radians per token of each pair of a head's dimensions.
    frequencies: Arc<[f64]>,
}

impl Decoder {
    /// Its shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Runs `tokens`, which follow those in `cache`, and returns the last one's logits `(vocab)`.
    /// The cache then holds `tokens` as well.
    ///
    /// # Errors
    /// No tokens, one that is not in the vocabulary, or a cache of another model.
    pub fn forward(&self, tokens: &[u32], cache: &mut KvCache, kernels: Kernels) -> Result<Tensor> {
        let hidden = self.run(tokens, cache, kernels)?;
        let hidden = self.final_norm(&hidden.narrow(0, tokens.len() - 1, 1)?, kernels)?;
        self.head.forward(&hidden, kernels)?.squeeze(0)
    }

    /// As [`Self::forward`], and returns the normalised states `(tokens, hidden)` of all of `tokens`,
    /// which `head()` turns into logits.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn states_behind(
        &self,
        tokens: &[u32],
        cache: &mut KvCache,
        kernels: Kernels,
    ) -> Result<Tensor> {
        let hidden = self.run(tokens, cache, kernels)?;
        self.final_norm(&hidden, kernels)
    }

    /// What the last block returns for `tokens`, which follow those in `cache`.
    fn run(&self, tokens: &[u32], cache: &mut KvCache, kernels: Kernels) -> Result<Tensor> {
        if tokens.is_empty() {
            candle_core::bail!("there are no tokens to run")
        }
        let (past, ids) = (cache.len(), Tensor::new(tokens, &Device::Cpu)?);
        let place = Place {
            rotation: Rotation::new(&self.frequencies, past..past + tokens.len()),
            attention: Attention {
                spans: Arc::new([Span {
                    queries: 0..tokens.len(),
                    keys: 0..past + tokens.len(),
                    first: past,
                }]),
                sliding_window: self.config.sliding_window,
            },
        };
        let mut hidden = self.embed(&ids)?;
        for (layer, block) in self.blocks.iter().enumerate() {
            let cached = Some((&mut *cache, layer));
            hidden = block.forward(&self.config, &hidden, &place, cached, kernels)?;
        }
        cache.advance(tokens.len());
        Ok(hidden)
    }

    /// The packing of sequences of these lengths, each from position 0.
    pub fn packing(&self, lengths: &[usize]) -> Packing {
        let mut spans = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for length in lengths {
            let tokens = start..start + length;
            start = tokens.end;
            spans.push(Span {
                queries: tokens.clone(),
                keys: tokens,
                first: 0,
            });
        }
        let positions = lengths.iter().flat_map(|length| 0..*length);
        Packing {
            place: Place {
                rotation: Rotation::new(&self.frequencies, positions),
                attention: Attention {
                    spans: spans.into(),
                    sliding_window: self.config.sliding_window,
                },
            },
            tokens: start,
        }
    }

    /// The embeddings `(tokens, hidden)` of `tokens`, u32 ids in one dimension.
    ///
    /// # Errors
    /// An id that is not in the vocabulary.
    pub fn embed(&self, tokens: &Tensor) -> Result<Tensor> {
        self.embedding.rows(tokens)
    }

    /// Runs `hidden` `(tokens, hidden)` through block `layer`.
    ///
    /// # Errors
    /// A block that is not there, or a packing of another number of tokens.
    pub fn block(
        &self,
        layer: usize,
        hidden: &Tensor,
        packing: &Packing,
        kernels: Kernels,
    ) -> Result<Tensor> {
        let Some(block) = self.blocks.get(layer) else {
            candle_core::bail!("there is no block {layer} among {}", self.blocks.len())
        };
        if hidden.dim(0)? != packing.tokens {
            candle_core::bail!(
                "{} tokens are given and {} are packed",
                hidden.dim(0)?,
                packing.tokens
            )
        }
        block.forward(&self.config, hidden, &packing.place, None, kernels)
    }

    /// Normalises what the last block returned, `(tokens, hidden)`, for the head.
    ///
    /// # Errors
    /// Another width.
    pub fn final_norm(&self, hidden: &Tensor, kernels: Kernels) -> Result<Tensor> {
        rms_norm(hidden, &self.norm, self.config.rms_eps, kernels)
    }

    /// What turns normalised states into logits, `(vocab, hidden)`.
    pub fn head(&self) -> &dyn Linear {
        self.head.as_ref()
    }

    /// All parts in one: normalised states `(tokens, hidden)` of packed sequences. `head()` turns
    /// them, or some of them, into logits.
    ///
    /// # Errors
    /// Those of the parts.
    pub fn hidden_states(
        &self,
        tokens: &[u32],
        packing: &Packing,
        kernels: Kernels,
    ) -> Result<Tensor> {
        let mut hidden = self.embed(&Tensor::new(tokens, &Device::Cpu)?)?;
        for layer in 0..self.blocks.len() {
            hidden = self.block(layer, &hidden, packing, kernels)?;
        }
        self.final_norm(&hidden, kernels)
    }

    /// The layers that an adapter may change, by their names in PEFT
    /// (`model.layers.0.self_attn.q_proj`), as they are run: with the adapter, where there is one.
    pub fn named_linears(&self) -> impl Iterator<Item = (String, &Arc<dyn Linear>)> {
        named(&self.config, &self.blocks)
    }

    /// The same model with an adapter, over the same weights; an adapter that it has is left off.
    ///
    /// # Errors
    /// [`crate::Error::Adapter`] where the adapter is for another model.
    pub fn with_adapter(&self, adapter: &Adapter) -> crate::Result<Decoder> {
        let mut blocks = self.base.to_vec();
        adapter.apply(&self.config, &mut blocks)?;
        Ok(Decoder {
            blocks: blocks.into(),
            ..self.clone()
        })
    }

    /// The same model without an adapter.
    pub fn without_adapter(&self) -> Decoder {
        Decoder {
            blocks: self.base.clone(),
            ..self.clone()
        }
    }

    /// Memory that all weights hold, in bytes, an adapter's included.
    pub fn bytes(&self) -> usize {
        let head = match self.config.tied_embeddings {
            true => 0,
            false => self.head.bytes(),
        };
        let blocks: usize = self.blocks.iter().map(Block::bytes).sum();
        self.embedding.bytes() + head + blocks + self.norm.elem_count() * size_of::<f32>()
    }

    /// All weights by their names in `transformers`, as they are run: an adapter is merged.
    fn weights(&self) -> Vec<merge::Weight> {
        let linear = |name: String, linear: &Arc<dyn Linear>| {
            let (linear, (rows, columns)) = (linear.clone(), linear.shape());
            merge::Weight {
                name: format!("{name}.weight"),
                dims: vec![rows, columns],
                unpack: Box::new(move || linear.weight()),
            }
        };
        let plain = |name: String, tensor: &Tensor| {
            let tensor = tensor.detach();
            merge::Weight {
                name,
                dims: tensor.dims().to_vec(),
                unpack: Box::new(move || Ok(tensor.clone())),
            }
        };
        let mut weights = vec![linear("model.embed_tokens".into(), &self.embedding)];
        weights.extend(
            self.named_linears()
                .map(|(name, layer)| linear(name, layer)),
        );
        for (layer, block) in self.blocks.iter().enumerate() {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            for (norm, part) in [
                (&block.attention_norm, "input_layernorm"),
                (&block.mlp_norm, "post_attention_layernorm"),
            ] {
                weights.push(plain(name(&format!("{part}.weight")), norm));
            }
            let biases = block.biases.iter().flatten();
            for (bias, (part, _, _)) in biases.zip(self.config.projections()) {
                weights.push(plain(name(&format!("{part}.bias")), bias));
            }
        }
        weights.push(plain("model.norm.weight".into(), &self.norm));
        if !self.config.tied_embeddings {
            weights.push(linear("lm_head".into(), &self.head));
        }
        weights
    }

    /// The same model with every weight in f32 and a variable, for training all of it, and those
    /// variables by their names in `transformers`. An adapter is merged.
    ///
    /// # Errors
    /// Those of unpacking.
    pub fn to_variables(&self) -> Result<(Decoder, Vec<(String, Var)>)> {
        let mut variables = Vec::new();
        let mut variable = |name: String, tensor: Tensor| -> Result<Tensor> {
            // A copy: other models go on with the old weights.
            let variable = Var::from_tensor(&tensor.detach().copy()?)?;
            let tensor = variable.as_tensor().clone();
            variables.push((name, variable));
            Ok(tensor)
        };
        let embedding = variable("model.embed_tokens.weight".into(), self.embedding.weight()?)?;
        let embedding: Arc<dyn Linear> = Arc::new(Dense::new(embedding)?);
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for (layer, block) in self.blocks.iter().enumerate() {
            let mut trained = block.clone();
            let projections = self.config.projections();
            for (linear, (name, _, _)) in trained.linears.iter_mut().zip(projections) {
                let name = format!("model.layers.{layer}.{name}.weight");
                *linear = Arc::new(Dense::new(variable(name, linear.weight()?)?)?);
            }
            if let Some(biases) = &mut trained.biases {
                for (bias, (name, _, _)) in biases.iter_mut().zip(projections) {
                    let name = format!("model.layers.{layer}.{name}.bias");
                    *bias = variable(name, bias.clone())?;
                }
            }
            for (norm, name) in [
                (&mut trained.attention_norm, "input_layernorm"),
                (&mut trained.mlp_norm, "post_attention_layernorm"),
            ] {
                let name = format!("model.layers.{layer}.{name}.weight");
                *norm = variable(name, norm.clone())?;
            }
            blocks.push(trained);
        }
        let norm = variable("model.norm.weight".into(), self.norm.clone())?;
        let head = match self.config.tied_embeddings {
            true => embedding.clone(),
            false => Arc::new(Dense::new(variable(
                "lm_head.weight".into(),
                self.head.weight()?,
            )?)?),
        };
        let blocks: Arc<[Block]> = blocks.into();
        let decoder = Decoder {
            embedding,
            base: blocks.clone(),
            blocks,
            norm,
            head,
            config: self.config.clone(),
            frequencies: self.frequencies.clone(),
        };
        Ok((decoder, variables))
    }
}

fn named<'a>(
    config: &DecoderConfig,
    blocks: &'a [Block],
) -> impl Iterator<Item = (String, &'a Arc<dyn Linear>)> {
    let projections = config.projections();
    blocks.iter().enumerate().flat_map(move |(layer, block)| {
        block
            .linears
            .iter()
            .zip(projections)
            .map(move |(linear, (name, _, _))| (format!("model.layers.{layer}.{name}"), linear))
    })
}
