//! Causal attention with grouped queries (Ainslie et al., "GQA", 2023,
//! <https://arxiv.org/abs/2305.13245>), over packed sequences or a cache.
//!
//! Query heads that share a key head are rows of one multiplication with it, so that keys and values
//! are never repeated. Queries are taken some at a time, with the keys that they can see and no
//! others: the scores of a long prompt are never all in memory, and half of them never computed. The
//! backward pass computes the weights again instead of keeping them (Dao et al., "FlashAttention",
//! 2022, <https://arxiv.org/abs/2205.14135>).

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp3, InplaceOp1, InplaceOp2, Layout, Result, Shape, Storage, Tensor,
};

use super::Kernels;
use super::numeric::{dot, exp, for_each_row, highest, sum, with_values};

/// Queries taken at a time.
const QUERIES: usize = 128;

/// Queries and the keys of their sequence: query `i` is at position `first + i` among the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) queries: Range<usize>,
    pub(super) keys: Range<usize>,
    pub(super) first: usize,
}

/// What attention needs to know beside its inputs.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    pub(super) spans: Arc<[Span]>,
    pub(super) sliding_window: Option<usize>,
}

/// A run of queries and the keys that at least one of them sees.
struct Step {
    queries: Range<usize>,
    keys: Range<usize>,
    mask: Mask,
}

impl Attention {
    fn steps(&self) -> impl Iterator<Item = Step> {
        self.spans.iter().flat_map(|span| {
            (0..span.queries.len())
                .step_by(QUERIES)
                .map(|start| self.step(span, start..span.queries.len().min(start + QUERIES)))
        })
    }

    fn step(&self, span: &Span, queries: Range<usize>) -> Step {
        let window = self.sliding_window.unwrap_or(usize::MAX);
        let seen = (span.first + queries.start + 1).saturating_sub(window);
        let keys = seen..(span.first + queries.end).min(span.keys.len());
        Step {
            mask: Mask {
                queries: queries.len(),
                first: span.first + queries.start - seen,
                window,
            },
            queries: span.queries.start + queries.start..span.queries.start + queries.end,
            keys: span.keys.start + keys.start..span.keys.start + keys.end,
        }
    }

    /// Attends with `q` `(n_heads, tokens, head_dim)` to `k` and `v` `(n_kv_heads, keys, head_dim)`;
    /// returns `(tokens, n_heads * head_dim)`.
    pub(super) fn attend(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        kernels: Kernels,
    ) -> Result<Tensor> {
        let value = self.value(&q.detach(), &k.detach(), &v.detach())?;
        match kernels {
            Kernels::Fused => Ok(value),
            _ => q.apply_op3(
                k,
                v,
                AttentionOp {
                    attention: self.clone(),
                    value: Mutex::new(Some(value)),
                },
            ),
        }
    }

    fn value(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (n_heads, _, head_dim) = q.dims3()?;
        let mut out = Vec::new();
        for step in self.steps() {
            let weights = step.weights(q, k)?;
            let mixed = weights.matmul(&narrow(v, &step.keys)?)?;
            let mixed = mixed.reshape((n_heads, step.queries.len(), head_dim))?;
            out.push(mixed.transpose(0, 1)?);
        }
        let tokens = match out.as_slice() {
            [only] => only.contiguous()?,
            several => Tensor::cat(several, 0)?,
        };
        tokens.reshape(((), n_heads * head_dim))
    }
}

fn narrow(x: &Tensor, tokens: &Range<usize>) -> Result<Tensor> {
    x.narrow(1, tokens.start, tokens.len())
}

impl Step {
    /// The queries, those that share a key head together: `(n_kv_heads, group * queries, head_dim)`.
    fn grouped(&self, q: &Tensor, n_kv_heads: usize) -> Result<Tensor> {
        let (n_heads, _, head_dim) = q.dims3()?;
        let rows = n_heads / n_kv_heads * self.queries.len();
        narrow(q, &self.queries)?
            .contiguous()?
            .reshape((n_kv_heads, rows, head_dim))
    }

    /// The attention weights, `(n_kv_heads, group * queries, keys)`.
    fn weights(&self, q: &Tensor, k: &Tensor) -> Result<Tensor> {
        let q = self.grouped(q, k.dim(0)?)?;
        let scores = q.matmul(&narrow(k, &self.keys)?.t()?)?;
        scores.inplace_op1(&MaskedSoftmax {
            mask: self.mask,
            scale: scale(q.dim(2)?),
        })?;
        Ok(scores)
    }
}

fn scale(head_dim: usize) -> f32 {
    1.0 / (head_dim as f32).sqrt()
}

/// Which keys each query of a [`Step`] sees.
#[derive(Debug, Clone, Copy)]
struct Mask {
    queries: usize,
    /// Position of the first query among the step's keys.
    first: usize,
    window: usize,
}

impl Mask {
    /// The keys that the query of row `row` sees; rows are queries, head after head.
    #[inline(always)]
    fn seen(&self, row: usize, keys: usize) -> Range<usize> {
        let end = (self.first + row % self.queries + 1).min(keys);
        end.saturating_sub(self.window)..end
    }
}

/// Scores to weights, in place.
struct MaskedSoftmax {
    mask: Mask,
    scale: f32,
}

impl InplaceOp1 for MaskedSoftmax {
    fn name(&self) -> &'static str {
        "lectern-masked-softmax"
    }

    fn cpu_fwd(&self, scores: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (scores, keys) = rows_mut(scores, layout)?;
        for_each_row(scores, keys, |index, row| {
            let seen = self.mask.seen(index, keys);
            row[..seen.start].fill(0.0);
            row[seen.end..].fill(0.0);
            let row = &mut row[seen];
            let highest = highest(row);
            for score in row.iter_mut() {
                *score = exp((*score - highest) * self.scale);
            }
            let total = 1.0 / sum(row);
            for score in row.iter_mut() {
                *score *= total;
            }
        });
        Ok(())
    }
}

fn rows_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<(&'a mut [f32], usize)> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(all), Some((start, end))) => {
            let width = layout.dims().last().copied().unwrap_or(0);
            Ok((&mut all[start..end], width))
        }
        _ => candle_core::bail!("attention needs contiguous scores in f32"),
    }
}

/// Gradient of the weights to gradient of the scores, in place; the argument is the weights.
struct SoftmaxBackward {
    scale: f32,
}

impl InplaceOp2 for SoftmaxBackward {
    fn name(&self) -> &'static str {
        "lectern-softmax-backward"
    }

    fn cpu_fwd(
        &self,
        grad: &mut CpuStorage,
        layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<()> {
        let weights = super::numeric::values(weights, weights_layout)?;
        let (grad, keys) = rows_mut(grad, layout)?;
        for_each_row(grad, keys, |index, grad| {
            let weights = &weights[index * keys..][..keys];
            let mean = dot(grad, weights);
            for (grad, weight) in grad.iter_mut().zip(weights) {
                *grad = weight * (*grad - mean) * self.scale;
            }
        });
        Ok(())
    }
}

/// A value that was computed beforehand, with the way back.
struct AttentionOp {
    attention: Attention,
    value: Mutex<Option<Tensor>>,
}

impl CustomOp3 for AttentionOp {
    fn name(&self) -> &'static str {
        "lectern-attention"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let value = self
            .value
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(value) = value else {
            candle_core::bail!("attention is computed once")
        };
        let (storage, layout) = value.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            _ => candle_core::bail!("the decoder runs on the CPU only"),
        }
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (q, k, v) = (q.detach(), k.detach(), v.detach());
        let (n_heads, tokens, head_dim) = q.dims3()?;
        let n_kv_heads = k.dim(0)?;
        // (n_heads, tokens, head_dim), as the queries are.
        let grad = grad
            .reshape((tokens, n_heads, head_dim))?
            .transpose(0, 1)?
            .contiguous()?;
        let mut grad_q = Sum::like(&q)?;
        let (mut grad_k, mut grad_v) = (Sum::like(&k)?, Sum::like(&v)?);
        for step in self.attention.steps() {
            let queries = step.grouped(&q, n_kv_heads)?;
            let grad = step.grouped(&grad, n_kv_heads)?;
            let weights = step.weights(&q, &k)?;
            let scores = grad.matmul(&narrow(&v, &step.keys)?.t()?)?;
            scores.inplace_op2(
                &weights,
                &SoftmaxBackward {
                    scale: scale(head_dim),
                },
            )?;
            let by_query = scores.matmul(&narrow(&k, &step.keys)?)?;
            let by_query = by_query.reshape((n_heads, step.queries.len(), head_dim))?;
            grad_q.add(&step.queries, &by_query)?;
            grad_k.add(&step.keys, &scores.transpose(1, 2)?.matmul(&queries)?)?;
            grad_v.add(&step.keys, &weights.transpose(1, 2)?.matmul(&grad)?)?;
        }
        Ok((
            Some(grad_q.finish()?),
            Some(grad_k.finish()?),
            Some(grad_v.finish()?),
        ))
    }
}

/// A sum of parts of a `(heads, tokens, head_dim)` tensor.
struct Sum {
    total: Vec<f32>,
    shape: (usize, usize, usize),
}

impl Sum {
    fn like(x: &Tensor) -> Result<Self> {
        Ok(Self {
            total: vec![0.0; x.elem_count()],
            shape: x.dims3()?,
        })
    }

    fn add(&mut self, tokens: &Range<usize>, part: &Tensor) -> Result<()> {
        let (_, all, width) = self.shape;
        let run = tokens.len() * width;
        with_values(part, |part| {
            for (head, part) in part.chunks_exact(run.max(1)).enumerate() {
                let start = (head * all + tokens.start) * width;
                for (total, part) in self.total[start..][..run].iter_mut().zip(part) {
                    *total += part;
                }
            }
        })
    }

    fn finish(self) -> Result<Tensor> {
        Tensor::from_vec(self.total, self.shape, &candle_core::Device::Cpu)
    }
}
