//! Rotary positions (Su et al., "RoFormer", 2021, <https://arxiv.org/abs/2104.09864>), and the split
//! of a projection into heads, done in one pass.
//!
//! A head's dimensions `i` and `i + head_dim / 2` are a pair that is turned by `position *
//! frequency[i]`: the order of `transformers`. GGUF files of the Llama architecture have the pairs
//! side by side instead; their query and key rows are put back into this order when they are loaded,
//! so that there is one order everywhere and adapters need no care.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::Kernels;
use super::config::{DecoderConfig, RopeScaling};
use super::numeric::{for_each_row, values, with_values};

/// Radians per token for each pair of a head's dimensions, scaling included.
pub(super) fn frequencies(config: &DecoderConfig) -> Vec<f64> {
    let head_dim = config.head_dim as f64;
    (0..config.head_dim)
        .step_by(2)
        .map(|dimension| {
            let plain = config.rope_theta.powf(-(dimension as f64) / head_dim);
            match config.rope_scaling {
                None => plain,
                Some(RopeScaling::Linear { factor }) => plain / factor,
                Some(RopeScaling::Llama3 {
                    factor,
                    low_freq_factor,
                    high_freq_factor,
                    original_context,
                }) => {
                    let context = original_context as f64;
                    let wavelength = std::f64::consts::TAU / plain;
                    if wavelength < context / high_freq_factor {
                        plain
                    } else if wavelength > context / low_freq_factor {
                        plain / factor
                    } else {
                        let share = (context / wavelength - low_freq_factor)
                            / (high_freq_factor - low_freq_factor);
                        (1.0 - share) * plain / factor + share * plain
                    }
                }
            }
        })
        .collect()
}

/// Cosines and sines of the angles at some positions.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// `(tokens, head_dim / 2)`.
    cos: Arc<[f32]>,
    sin: Arc<[f32]>,
    half: usize,
}

impl Rotation {
    /// For tokens at `positions`.
    pub(super) fn new(frequencies: &[f64], positions: impl Iterator<Item = usize>) -> Self {
        let angles: Vec<f64> = positions
            .flat_map(|position| {
                frequencies
                    .iter()
                    .map(move |frequency| position as f64 * frequency)
            })
            .collect();
        Self {
            cos: angles.iter().map(|angle| angle.cos() as f32).collect(),
            sin: angles.iter().map(|angle| angle.sin() as f32).collect(),
            half: frequencies.len(),
        }
    }
}

/// Splits `x` `(tokens, n_heads * head_dim)` into heads `(n_heads, tokens, head_dim)`, turned where
/// a rotation is given.
pub(super) fn split_heads(
    x: &Tensor,
    n_heads: usize,
    rotation: Option<&Rotation>,
    kernels: Kernels,
) -> Result<Tensor> {
    let op = SplitHeads {
        n_heads,
        rotation: rotation.cloned(),
    };
    let x = x.contiguous()?;
    match kernels {
        Kernels::Fused => x.apply_op1_no_bwd(&op),
        _ => x.apply_op1(op),
    }
}

struct SplitHeads {
    n_heads: usize,
    rotation: Option<Rotation>,
}

#[inline(always)]
fn turn(from: &[f32], to: &mut [f32], cos: &[f32], sin: &[f32], direction: f32) {
    let half = cos.len();
    let (from_low, from_high) = from.split_at(half);
    let (to_low, to_high) = to.split_at_mut(half);
    for pair in 0..half {
        let sin = sin[pair] * direction;
        to_low[pair] = from_low[pair] * cos[pair] - from_high[pair] * sin;
        to_high[pair] = from_high[pair] * cos[pair] + from_low[pair] * sin;
    }
}

impl SplitHeads {
    #[inline(always)]
    fn copy(&self, token: usize, from: &[f32], to: &mut [f32], direction: f32) {
        match &self.rotation {
            None => to.copy_from_slice(from),
            Some(Rotation { cos, sin, half }) => {
                let (cos, sin) = (&cos[token * half..][..*half], &sin[token * half..][..*half]);
                turn(from, to, cos, sin, direction);
            }
        }
    }

    fn check(&self, tokens: usize, head_dim: usize) -> Result<()> {
        match &self.rotation {
            Some(rotation) if rotation.cos.len() != tokens * rotation.half => {
                candle_core::bail!("{tokens} tokens have angles for another number of them")
            }
            Some(rotation) if rotation.half * 2 != head_dim => {
                candle_core::bail!("heads of {head_dim} have angles for {}", rotation.half * 2)
            }
            _ => Ok(()),
        }
    }
}

impl CustomOp1 for SplitHeads {
    fn name(&self) -> &'static str {
        "lectern-split-heads"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (tokens, width) = layout.shape().dims2()?;
        let head_dim = width / self.n_heads;
        self.check(tokens, head_dim)?;
        let x = values(x, layout)?;
        let mut out = vec![0.0; x.len()];
        for_each_row(&mut out, head_dim, |index, out| {
            let (head, token) = (index / tokens, index % tokens);
            let from = &x[token * width + head * head_dim..][..head_dim];
            self.copy(token, from, out, 1.0);
        });
        let shape = Shape::from((self.n_heads, tokens, head_dim));
        Ok((CpuStorage::F32(out), shape))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (tokens, width) = x.dims2()?;
        let head_dim = width / self.n_heads;
        let out = with_values(grad, |grad| {
            let mut out = vec![0.0; grad.len()];
            for_each_row(&mut out, head_dim, |index, out| {
                let (token, head) = (index / self.n_heads, index % self.n_heads);
                let from = &grad[(head * tokens + token) * head_dim..][..head_dim];
                // A rotation's transpose turns the other way.
                self.copy(token, from, out, -1.0);
            });
            out
        })?;
        Ok(Some(Tensor::from_vec(out, (tokens, width), x.device())?))
    }
}
