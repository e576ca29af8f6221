//! The gated activation of the feed-forward part, `silu(gate) * up` (Shazeer, "GLU Variants Improve
//! Transformer", 2020, <https://arxiv.org/abs/2002.05202>), as one operation with its own backward.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::Kernels;
use super::numeric::{for_each_row, sigmoid, values, with_values};

/// Numbers that a core takes at a time.
const RUN: usize = 1024;

struct SwiGlu;

/// `silu(gate) * up`, element by element; both `(tokens, intermediate)`.
pub(super) fn swiglu(gate: &Tensor, up: &Tensor, kernels: Kernels) -> Result<Tensor> {
    let (gate, up) = (gate.contiguous()?, up.contiguous()?);
    match kernels {
        Kernels::Fused => gate.apply_op2_no_bwd(&up, &SwiGlu),
        _ => gate.apply_op2(&up, SwiGlu),
    }
}

/// `out[i] = of(left[i], right[i])` in runs, the last of which may be shorter.
fn zip_runs(
    left: &[f32],
    right: &[f32],
    of: impl Fn(usize, f32, f32) -> f32 + Send + Sync,
) -> Vec<f32> {
    let mut out = vec![0.0; left.len()];
    let whole = left.len() / RUN * RUN;
    let (runs, rest) = out.split_at_mut(whole);
    for_each_row(runs, RUN, |index, out| {
        let start = index * RUN;
        let (left, right) = (&left[start..][..RUN], &right[start..][..RUN]);
        for lane in 0..RUN {
            out[lane] = of(start + lane, left[lane], right[lane]);
        }
    });
    for (lane, out) in rest.iter_mut().enumerate() {
        *out = of(whole + lane, left[whole + lane], right[whole + lane]);
    }
    out
}

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "lectern-swiglu"
    }

    fn cpu_fwd(
        &self,
        gate: &CpuStorage,
        gate_layout: &Layout,
        up: &CpuStorage,
        up_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (gate, up) = (values(gate, gate_layout)?, values(up, up_layout)?);
        if gate.len() != up.len() {
            candle_core::bail!("gate and up differ in size: {} {}", gate.len(), up.len())
        }
        let out = zip_runs(gate, up, |_, gate, up| gate * sigmoid(gate) * up);
        Ok((CpuStorage::F32(out), gate_layout.shape().clone()))
    }

    fn bwd(
        &self,
        gate: &Tensor,
        up: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (grad_gate, grad_up) = with_values(gate, |gate| {
            with_values(up, |up| {
                with_values(grad, |grad| {
                    let grad_gate = zip_runs(gate, up, |index, gate, up| {
                        let open = sigmoid(gate);
                        grad[index] * up * open * (1.0 + gate * (1.0 - open))
                    });
                    let grad_up = zip_runs(gate, grad, |_, gate, grad| grad * gate * sigmoid(gate));
                    (grad_gate, grad_up)
                })
            })
        })???;
        Ok((
            Some(Tensor::from_vec(grad_gate, gate.shape(), gate.device())?),
            Some(Tensor::from_vec(grad_up, up.shape(), up.device())?),
        ))
    }
}
