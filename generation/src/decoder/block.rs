//! One transformer block: attention and feed-forward, each on a normalised copy of the residual
//! stream and added back to it.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::attention::Attention;
use super::kv_cache::KvCache;
use super::linear::Linear;
use super::norm::rms_norm;
use super::rope::{Rotation, split_heads};
use super::swiglu::swiglu;
use super::{DecoderConfig, Kernels};

/// The projections of a block, in the order of [`DecoderConfig::projections`].
pub(super) const PROJECTIONS: usize = 7;

/// The weights of a block. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Query, key, value, output, gate, up, down.
    pub(super) linears: [Arc<dyn Linear>; PROJECTIONS],
    /// Of query, key and value.
    pub(super) biases: Option<[Tensor; 3]>,
    pub(super) attention_norm: Tensor,
    pub(super) mlp_norm: Tensor,
}

/// Which tokens a block is given: where they stand and what they see.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) rotation: Rotation,
    pub(super) attention: Attention,
}

impl Block {
    /// Runs `hidden` `(tokens, hidden)` through the block. With a cache, keys and values are kept in
    /// layer `layer` of it and those that it has are attended to as well.
    pub(super) fn forward(
        &self,
        config: &DecoderConfig,
        hidden: &Tensor,
        place: &Place,
        cache: Option<(&mut KvCache, usize)>,
        kernels: Kernels,
    ) -> Result<Tensor> {
        let [query, key, value, output, gate, up, down] = &self.linears;
        // Embeddings that are trained would have the residual stream remembered.
        let hidden = &match kernels {
            Kernels::Fused => hidden.detach(),
            _ => hidden.clone(),
        };
        let x = rms_norm(hidden, &self.attention_norm, config.rms_eps, kernels)?;
        let heads = |linear: &Arc<dyn Linear>, which: usize, rotation: Option<&Rotation>| {
            let projected = linear.forward(&x, kernels)?;
            let projected = match &self.biases {
                Some(biases) => projected.broadcast_add(&biases[which])?,
                None => projected,
            };
            let n_heads = match which {
                0 => config.n_heads,
                _ => config.n_kv_heads,
            };
            split_heads(&projected, n_heads, rotation, kernels)
        };
        let q = heads(query, 0, Some(&place.rotation))?;
        let k = heads(key, 1, Some(&place.rotation))?;
        let v = heads(value, 2, None)?;
        let (k, v) = match cache {
            Some((cache, layer)) => cache.append(layer, &k, &v)?,
            None => (k, v),
        };
        let mixed = place.attention.attend(&q, &k, &v, kernels)?;
        let hidden = (hidden + output.forward(&mixed, kernels)?)?;

        let x = rms_norm(&hidden, &self.mlp_norm, config.rms_eps, kernels)?;
        let opened = swiglu(
            &gate.forward(&x, kernels)?,
            &up.forward(&x, kernels)?,
            kernels,
        )?;
        &hidden + down.forward(&opened, kernels)?
    }

    /// All weights that no adapter changes, in bytes, and those that one may.
    pub(super) fn bytes(&self) -> usize {
        let biases = self.biases.iter().flatten();
        let norms = [&self.attention_norm, &self.mlp_norm];
        let plain: usize = norms
            .into_iter()
            .chain(biases)
            .map(|tensor| tensor.elem_count() * tensor.dtype().size_in_bytes())
            .sum();
        plain
            + self
                .linears
                .iter()
                .map(|linear| linear.bytes())
                .sum::<usize>()
    }
}
