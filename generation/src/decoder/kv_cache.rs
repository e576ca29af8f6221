//! The keys and values of the tokens that were read already, so that each is computed once.
//!
//! It belongs to a request, not to the model. Room is reserved ahead and new tokens are written into
//! it in place: a step of decoding copies one token, not the whole past.

use candle_core::{DType, Device, Result, Tensor};

use super::config::DecoderConfig;

/// Tokens of room added at a time, at least.
const STEP: usize = 256;

/// Keys and values of one sequence, for all layers.
#[derive(Debug)]
pub struct KvCache {
    layers: Vec<Option<Layer>>,
    n_kv_heads: usize,
    head_dim: usize,
    len: usize,
    reserved: usize,
}

/// `(n_kv_heads, capacity, head_dim)` each.
#[derive(Debug)]
struct Layer {
    keys: Tensor,
    values: Tensor,
}

impl KvCache {
    /// An empty cache for a model of this shape; room for `tokens` is made at the first of them, and
    /// more as they come.
    pub fn new(config: &DecoderConfig, tokens: usize) -> Self {
        Self {
            layers: (0..config.n_layers).map(|_| None).collect(),
            n_kv_heads: config.n_kv_heads,
            head_dim: config.head_dim,
            len: 0,
            reserved: tokens,
        }
    }

    /// Tokens read so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True before the first token.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all tokens from position `len` on; the room stays.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Memory held, in bytes.
    pub fn bytes(&self) -> usize {
        self.layers
            .iter()
            .flatten()
            .map(|layer| 2 * layer.keys.elem_count() * DType::F32.size_in_bytes())
            .sum()
    }

    /// Writes `keys` and `values` `(n_kv_heads, tokens, head_dim)` of a layer behind those that are
    /// there, and returns all of that layer's, `(n_kv_heads, len + tokens, head_dim)`. The length
    /// moves on with [`Self::advance`], once every layer has had its turn.
    pub(super) fn append(
        &mut self,
        layer: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let start = self.len;
        let end = start + keys.dim(1)?;
        let room = self.room_for(layer, end)?;
        room.keys.slice_set(&keys.contiguous()?, 1, start)?;
        room.values.slice_set(&values.contiguous()?, 1, start)?;
        Ok((room.keys.narrow(1, 0, end)?, room.values.narrow(1, 0, end)?))
    }

    pub(super) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }

    fn room_for(&mut self, layer: usize, tokens: usize) -> Result<&Layer> {
        let Some(slot) = self.layers.get_mut(layer) else {
            candle_core::bail!("the cache has no layer {layer}: it is another model's")
        };
        let held = match slot {
            Some(layer) => layer.keys.dim(1)?,
            None => 0,
        };
        if tokens > held || slot.is_none() {
            let wanted = tokens.max(self.reserved).max(held + held / 2);
            let shape = (
                self.n_kv_heads,
                wanted.next_multiple_of(STEP),
                self.head_dim,
            );
            let grown = Layer {
                keys: Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
                values: Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
            };
            if let Some(old) = slot.take() {
                grown.keys.slice_set(&old.keys, 1, 0)?;
                grown.values.slice_set(&old.values, 1, 0)?;
            }
            *slot = Some(grown);
        }
        match slot {
            Some(layer) => Ok(layer),
            None => candle_core::bail!("the cache has no room"),
        }
    }
}
