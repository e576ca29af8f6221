//! Cross-entropy over a large vocabulary, without ever holding all logits.
//!
//! A row of logits of SmolLM2 is 192 KiB; those of 512 tokens, their softmax and its gradient would
//! be 300 MB, more than everything else in a step. Here rows are taken some at a time: logits, loss,
//! and at once the gradient, `(softmax - one-hot) W`, in place of the logits; nothing is kept (the
//! idea of Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models", 2024,
//! <https://arxiv.org/abs/2411.09009>).

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor};
use rayon::prelude::*;

/// Logits held at a time, in numbers: 32 MiB.
pub(crate) const HELD: usize = 8 * 1024 * 1024;

/// Which gradients are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gradient {
    /// None: an evaluation.
    None,
    /// That of the states.
    Hidden {
        /// What each row's loss counts.
        weight: f32,
    },
    /// Those of the states and of the head.
    HiddenAndHead {
        /// What each row's loss counts.
        weight: f32,
    },
}

/// Losses and gradients of some rows.
#[derive(Debug)]
pub struct Loss {
    /// Of each row, in nats.
    pub rows: Vec<f32>,
    /// Of the states, `(rows, hidden)`.
    pub hidden: Option<Tensor>,
    /// Of the head, `(vocab, hidden)`.
    pub head: Option<Tensor>,
}

impl Loss {
    /// The sum over rows.
    pub fn sum(&self) -> f64 {
        self.rows.iter().map(|loss| f64::from(*loss)).sum()
    }
}

/// The loss of predicting `targets` from normalised states `hidden` `(rows, hidden)` with the head's
/// weights `head` `(vocab, hidden)`, both f32.
///
/// # Errors
/// Shapes that do not fit, or a target that is not in the vocabulary.
pub fn cross_entropy(
    hidden: &Tensor,
    head: &Tensor,
    targets: &[u32],
    gradient: Gradient,
) -> Result<Loss> {
    let vocab = head.dim(0)?;
    in_pieces(hidden, head, targets, gradient, (HELD / vocab).max(1))
}

fn in_pieces(
    hidden: &Tensor,
    head: &Tensor,
    targets: &[u32],
    gradient: Gradient,
    piece: usize,
) -> Result<Loss> {
    let (hidden, head) = (hidden.detach(), head.detach());
    let (rows, vocab) = (hidden.dim(0)?, head.dim(0)?);
    if targets.len() != rows {
        candle_core::bail!("{rows} rows have {} targets", targets.len())
    }
    if let Some(target) = targets.iter().find(|target| **target as usize >= vocab) {
        candle_core::bail!("the target {target} is not among {vocab} tokens")
    }
    let weight = match gradient {
        Gradient::None => None,
        Gradient::Hidden { weight } | Gradient::HiddenAndHead { weight } => Some(weight),
    };
    let transposed = head.t()?;
    let mut losses = Vec::with_capacity(rows);
    let (mut parts, mut head_gradient) = (Vec::new(), None::<Tensor>);
    for start in (0..rows).step_by(piece) {
        let count = piece.min(rows - start);
        let states = hidden.narrow(0, start, count)?;
        let logits = states.matmul(&transposed)?;
        let softmax = SoftmaxLoss {
            targets: &targets[start..start + count],
            weight,
            losses: Mutex::new(vec![0.0; count]),
        };
        logits.inplace_op1(&softmax)?;
        losses.extend(
            softmax
                .losses
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        );
        if weight.is_some() {
            parts.push(logits.matmul(&head)?);
        }
        if matches!(gradient, Gradient::HiddenAndHead { .. }) {
            let part = logits.t()?.matmul(&states)?;
            head_gradient = Some(match head_gradient {
                None => part,
                Some(total) => (total + part)?,
            });
        }
    }
    let hidden = match parts.is_empty() {
        true => None,
        false => Some(Tensor::cat(&parts, 0)?),
    };
    Ok(Loss {
        rows: losses,
        hidden,
        head: head_gradient,
    })
}

/// Logits to the gradient of the weighted loss, in place; the losses beside it.
struct SoftmaxLoss<'a> {
    targets: &'a [u32],
    /// `None` where the gradient is not wanted.
    weight: Option<f32>,
    losses: Mutex<Vec<f32>>,
}

impl InplaceOp1 for SoftmaxLoss<'_> {
    fn name(&self) -> &'static str {
        "lectern-softmax-loss"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(logits), Some((start, end))) = (storage, layout.contiguous_offsets())
        else {
            candle_core::bail!("the loss needs contiguous logits in f32")
        };
        let vocab = layout.dims().last().copied().unwrap_or(1);
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        logits[start..end]
            .par_chunks_mut(vocab)
            .zip(losses.par_iter_mut())
            .zip(self.targets)
            .for_each(|((row, loss), target)| *loss = self.row(row, *target as usize));
        Ok(())
    }
}

impl SoftmaxLoss<'_> {
    fn row(&self, row: &mut [f32], target: usize) -> f32 {
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let wanted = row[target] - highest;
        // Part sums, since one f32 sum over a vocabulary loses digits.
        let mut total = 0.0;
        for part in row.chunks_mut(64) {
            for logit in part.iter_mut() {
                *logit = (*logit - highest).exp();
            }
            total += f64::from(part.iter().sum::<f32>());
        }
        if let Some(weight) = self.weight {
            let scale = (f64::from(weight) / total) as f32;
            for value in row.iter_mut() {
                *value *= scale;
            }
            row[target] -= weight;
        }
        (total.ln() - f64::from(wanted)) as f32
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device, Var};

    use super::*;

    /// The plain formula, by candle's operations.
    fn plain(hidden: &Tensor, head: &Tensor, targets: &[u32]) -> Tensor {
        let logits = hidden.matmul(&head.t().unwrap()).unwrap();
        let highest = logits.max_keepdim(D::Minus1).unwrap().detach();
        let shifted = logits.broadcast_sub(&highest).unwrap();
        let total = shifted.exp().unwrap().sum_keepdim(D::Minus1).unwrap();
        let log = shifted.broadcast_sub(&total.log().unwrap()).unwrap();
        let targets = Tensor::new(targets, &Device::Cpu).unwrap();
        let picked = log.gather(&targets.unsqueeze(1).unwrap(), 1).unwrap();
        picked.neg().unwrap().squeeze(1).unwrap()
    }

    fn far(left: &Tensor, right: &Tensor) -> f32 {
        let difference = (left - right).unwrap().abs().unwrap();
        difference
            .flatten_all()
            .unwrap()
            .max(0)
            .unwrap()
            .to_scalar()
            .unwrap()
    }

    #[test]
    fn it_is_the_plain_formula_and_its_gradients_however_it_is_cut() {
        let device = Device::Cpu;
        let hidden = Var::randn(0f32, 2.0, (13, 8), &device).unwrap();
        let head = Var::randn(0f32, 1.0, (101, 8), &device).unwrap();
        let targets: Vec<u32> = (0..13).map(|row| row * 7 % 101).collect();
        let expected = plain(&hidden, &head, &targets);
        let weight = 1.0 / 13.0;
        let grads = (expected.sum_all().unwrap() * weight)
            .unwrap()
            .backward()
            .unwrap();
        for piece in [1, 4, 13, 64] {
            let gradient = Gradient::HiddenAndHead {
                weight: weight as f32,
            };
            let loss = in_pieces(&hidden, &head, &targets, gradient, piece).unwrap();
            let rows = Tensor::new(loss.rows.as_slice(), &device).unwrap();
            assert!(far(&rows, &expected) < 1e-5);
            assert!(far(&loss.hidden.unwrap(), grads.get(&hidden).unwrap()) < 1e-6);
            assert!(far(&loss.head.unwrap(), grads.get(&head).unwrap()) < 1e-6);
        }
        let loss = cross_entropy(&hidden, &head, &targets, Gradient::None).unwrap();
        assert!(loss.hidden.is_none() && loss.head.is_none());
        let total: f32 = expected.sum_all().unwrap().to_scalar().unwrap();
        assert!((loss.sum() - f64::from(total)).abs() < 1e-4);
    }

    #[test]
    fn extreme_logits_stay_numbers_and_nonsense_is_seen() {
        let device = Device::Cpu;
        let head = Tensor::new(&[[1f32], [-1.0]], &device).unwrap();
        let at = |state: f32| {
            let hidden = Tensor::new(&[[state]], &device).unwrap();
            cross_entropy(&hidden, &head, &[1], Gradient::Hidden { weight: 1.0 }).unwrap()
        };
        assert_eq!(at(1e4).rows, [2e4]);
        assert_eq!(at(-1e4).rows, [0.0]);
        assert!(at(f32::NAN).rows[0].is_nan());
        let hidden = Tensor::new(&[[0f32]], &device).unwrap();
        assert!(cross_entropy(&hidden, &head, &[2], Gradient::None).is_err());
        assert!(cross_entropy(&hidden, &head, &[], Gradient::None).is_err());
    }
}
