//! Low-rank adapters (Hu et al., "LoRA", 2021, <https://arxiv.org/abs/2106.09685>): beside frozen
//! weights `W`, `y = x W^T + scale * dropout(x) A^T B^T`, with `A` `(rank, in)` and `B` `(out, rank)`.
//!
//! `scale` is `alpha / rank`, or `alpha / sqrt(rank)` where the adapter is rank-stabilised
//! (Kalajdzievski, 2023, <https://arxiv.org/abs/2312.03732>). The whole layer is one operation with
//! its own backward: the same by candle's operations is nine, each allocating for every gradient.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::Kernels;
use super::linear::{Linear, multiply_transposed};
use super::numeric::{for_each_row, values};

/// A linear layer with an adapter on top.
#[derive(Debug, Clone)]
pub struct Lora {
    base: Arc<dyn Linear>,
    a: Tensor,
    b: Tensor,
    scale: f64,
    dropout: f32,
    /// Makes this layer's dropout differ from the others'.
    salt: u64,
}

impl Lora {
    /// An adapter of `a` `(rank, in)` and `b` `(out, rank)` in f32 on top of `base`; variables get
    /// gradients. `salt` tells this layer's dropout from the others'.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn new(
        base: Arc<dyn Linear>,
        a: Tensor,
        b: Tensor,
        scale: f64,
        dropout: f32,
        salt: u64,
    ) -> Result<Self> {
        let (rows, columns) = base.shape();
        let rank = a.dims2()?.0;
        if a.dims() != [rank, columns] || b.dims() != [rows, rank] {
            candle_core::bail!(
                "adapter matrices {:?} and {:?} don't fit weights ({rows}, {columns})",
                a.dims(),
                b.dims()
            )
        }
        Ok(Self {
            base,
            a,
            b,
            scale,
            dropout,
            salt,
        })
    }
}

impl Linear for Lora {
    fn forward(&self, x: &Tensor, kernels: Kernels) -> Result<Tensor> {
        let dropout = match kernels {
            Kernels::Fused => {
                let low = x.matmul(&self.a.detach().t()?)?;
                let change = (low.matmul(&self.b.detach().t()?)? * self.scale)?;
                return self.base.forward(x, kernels)? + change;
            }
            Kernels::Training { seed } if self.dropout > 0.0 => Some(Dropout {
                rate: self.dropout,
                seed: mix(seed ^ mix(self.salt)),
            }),
            _ => None,
        };
        let op = Adapted {
            base: self.base.clone(),
            scale: self.scale,
            dropout,
        };
        x.contiguous()?.apply_op3(&self.a, &self.b, op)
    }

    fn weight(&self) -> Result<Tensor> {
        let change = self.b.detach().matmul(&self.a.detach())?;
        self.base.weight()? + (change * self.scale)?
    }

    fn shape(&self) -> (usize, usize) {
        self.base.shape()
    }

    fn bytes(&self) -> usize {
        let adapter = self.a.elem_count() + self.b.elem_count();
        self.base.bytes() + adapter * size_of::<f32>()
    }
}

struct Adapted {
    base: Arc<dyn Linear>,
    scale: f64,
    dropout: Option<Dropout>,
}

impl CustomOp3 for Adapted {
    fn name(&self) -> &'static str {
        "lectern-lora"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        let (tokens, columns) = x_layout.shape().dims2()?;
        let rank = a_layout.shape().dims2()?.0;
        let rows = b_layout.shape().dims2()?.0;
        let mut out = multiply_transposed(x, x_layout, &self.base.weight()?)?;

        let dropped = match &self.dropout {
            None => None,
            Some(dropout) => Some(CpuStorage::F32(dropout.apply(values(x, x_layout)?))),
        };
        let whole = Layout::contiguous((tokens, columns));
        let (x, x_layout) = match &dropped {
            None => (x, x_layout),
            Some(dropped) => (dropped, &whole),
        };
        let low = x.matmul(
            a,
            (1, tokens, rank, columns),
            x_layout,
            &a_layout.transpose(0, 1)?,
        )?;
        let change = low.matmul(
            b,
            (1, tokens, rows, rank),
            &Layout::contiguous((tokens, rank)),
            &b_layout.transpose(0, 1)?,
        )?;
        let (CpuStorage::F32(out_values), CpuStorage::F32(change)) = (&mut out, &change) else {
            candle_core::bail!("adapters are trained in f32")
        };
        let scale = self.scale as f32;
        for_each_row(out_values, rows, |index, out| {
            for (out, change) in out.iter_mut().zip(&change[index * rows..]) {
                *out += scale * change;
            }
        });
        Ok((out, Shape::from((tokens, rows))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (a, b) = (a.detach(), b.detach());
        let dropped = match &self.dropout {
            None => x.detach(),
            Some(dropout) => dropout.tensor(&x.detach())?,
        };
        let low = dropped.matmul(&a.t()?)?;
        let grad_low = (grad.matmul(&b)? * self.scale)?;
        let grad_a = grad_low.t()?.matmul(&dropped)?;
        let grad_b = (grad.t()?.matmul(&low)? * self.scale)?;
        let grad_x = match x.track_op() {
            false => None,
            true => {
                let through = grad_low.matmul(&a)?;
                let through = match &self.dropout {
                    None => through,
                    Some(dropout) => dropout.tensor(&through)?,
                };
                Some((grad.matmul(&self.base.weight()?)? + through)?)
            }
        };
        Ok((grad_x, Some(grad_a), Some(grad_b)))
    }
}

/// Drops a share of numbers and scales up the others (Srivastava et al., 2014). Which ones is a
/// function of the seed and the place alone, so that the backward pass, and a block that is computed
/// again for it, drop the same.
#[derive(Debug, Clone, Copy)]
struct Dropout {
    rate: f32,
    seed: u64,
}

impl Dropout {
    fn apply(&self, x: &[f32]) -> Vec<f32> {
        const WIDTH: usize = 64;
        // Four numbers share what is drawn, 16 bits each: drawing costs more than dropping.
        const SHARE: usize = 4;
        let keep = 1.0 / (1.0 - self.rate);
        let threshold = (self.rate * 65_536.0).round() as u32;
        let mut out = x.to_vec();
        let whole = out.len() / WIDTH * WIDTH;
        let drop = |index: usize, out: &mut [f32]| {
            let mut factors = [0.0; WIDTH];
            for group in 0..WIDTH / SHARE {
                let drawn = mix(self.seed ^ (index * WIDTH / SHARE + group) as u64);
                for lane in 0..SHARE {
                    let drawn = (drawn >> (16 * lane)) as u16;
                    let factor = if u32::from(drawn) < threshold {
                        0.0
                    } else {
                        keep
                    };
                    factors[group * SHARE + lane] = factor;
                }
            }
            for (out, factor) in out.iter_mut().zip(factors) {
                *out *= factor;
            }
        };
        let (rows, rest) = out.split_at_mut(whole);
        for_each_row(rows, WIDTH, drop);
        drop(whole / WIDTH, rest);
        out
    }

    fn tensor(&self, x: &Tensor) -> Result<Tensor> {
        let out = super::numeric::with_values(x, |x| self.apply(x))?;
        Tensor::from_vec(out, x.shape(), x.device())
    }
}

/// SplitMix64's mixing of a counter (Steele et al., 2014): every bit of the input changes half of
/// the output's.
pub(super) fn mix(counter: u64) -> u64 {
    let mixed = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
