//! Root-mean-square normalisation (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019,
//! <https://arxiv.org/abs/1910.07467>): `y = x / sqrt(mean(x^2) + eps) * weight`, row by row.
//!
//! One operation with its own backward. candle's fused one stops gradients, and its slow one is
//! eight operations, each of which allocates twice on the way back.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::Kernels;
use super::numeric::{dot, for_each_row, values, with_values};

struct RmsNorm {
    eps: f32,
}

/// Normalises each row of `x` `(tokens, width)` and multiplies it by `weight` `(width)`.
pub(super) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64, kernels: Kernels) -> Result<Tensor> {
    let op = RmsNorm { eps: eps as f32 };
    let x = x.contiguous()?;
    match kernels {
        Kernels::Fused => x.apply_op2_no_bwd(weight, &op),
        _ => x.apply_op2(weight, op),
    }
}

impl RmsNorm {
    /// The reciprocal root mean square of a row.
    #[inline(always)]
    fn reciprocal(&self, row: &[f32]) -> f32 {
        1.0 / (dot(row, row) / row.len() as f32 + self.eps).sqrt()
    }
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "lectern-rms-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight) = (values(x, x_layout)?, values(weight, weight_layout)?);
        let width = weight.len();
        if width == 0 || !x.len().is_multiple_of(width) {
            candle_core::bail!("rows of {:?} can't be {width} wide", x_layout.shape())
        }
        let mut out = vec![0.0; x.len()];
        for_each_row(&mut out, width, |index, out| {
            let row = &x[index * width..][..width];
            let scale = self.reciprocal(row);
            for ((out, x), weight) in out.iter_mut().zip(row).zip(weight) {
                *out = x * scale * weight;
            }
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let width = weight.elem_count();
        let (grad_x, grad_weight) = with_values(x, |x| {
            with_values(weight, |weight_values| {
                with_values(grad, |grad| {
                    let grad_x = self.grad_x(x, weight_values, grad);
                    let grad_weight = weight.track_op().then(|| self.grad_weight(x, width, grad));
                    (grad_x, grad_weight)
                })
            })
        })???;
        let grad_x = Tensor::from_vec(grad_x, x.shape(), x.device())?;
        let grad_weight = grad_weight
            .map(|grad| Tensor::from_vec(grad, width, x.device()))
            .transpose()?;
        Ok((Some(grad_x), grad_weight))
    }
}

impl RmsNorm {
    fn grad_x(&self, x: &[f32], weight: &[f32], grad: &[f32]) -> Vec<f32> {
        let width = weight.len();
        let mut out = vec![0.0; x.len()];
        for_each_row(&mut out, width, |index, out| {
            let (x, grad) = (
                &x[index * width..][..width],
                &grad[index * width..][..width],
            );
            let scale = self.reciprocal(x);
            for ((out, grad), weight) in out.iter_mut().zip(grad).zip(weight) {
                *out = grad * weight;
            }
            let along = dot(out, x) * scale * scale * scale / width as f32;
            for (out, x) in out.iter_mut().zip(x) {
                *out = *out * scale - x * along;
            }
        });
        out
    }

    fn grad_weight(&self, x: &[f32], width: usize, grad: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; width];
        for (x, grad) in x.chunks_exact(width).zip(grad.chunks_exact(width)) {
            let scale = self.reciprocal(x);
            for ((out, x), grad) in out.iter_mut().zip(x).zip(grad) {
                *out += grad * x * scale;
            }
        }
        out
    }
}
