//! Cross-entropy over a large vocabulary, without ever holding all logits.
//!
//! A row of logits of SmolLM2 is 192 KiB; those of 512 tokens, their softmax and its gradient would
//! be 300 MB, more than everything else in a step. Here rows are taken some at a time: logits, loss,
//! and at once the gradient, `(softmax - one-hot) W`, in place of the logits; nothing is kept (the
//! idea of Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models", 2024,
//! <https://arxiv.org/abs/2411.09009>).
//!
//! What is to be learnt of a row may be a [`Teacher`]'s distribution beside its token, as far as is said
//! (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015,
//! <https://arxiv.org/abs/1503.02531>): the gradient is then that of the cross-entropy with a mixture of
//! the two, `(softmax - ((1 - share) one-hot + share softmax of the teacher)) W`.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, Tensor};
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

/// Another model over the same head, from which rows are learnt.
#[derive(Debug, Clone, Copy)]
pub struct Teacher<'a> {
    /// Its normalised states, `(rows, hidden)`.
    pub states: &'a Tensor,
    /// What share of each row's gradient is from it, 0 to 1; the rest is from the row's target.
    pub shares: &'a [f32],
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
    let piece = (HELD / head.dim(0)?).max(1);
    in_pieces(hidden, head, targets, None, gradient, piece)
}

/// As [`cross_entropy`], with gradients of what `teacher` says too. The losses are those of the targets
/// alone, so that they compare with those of a run without a teacher.
///
/// # Errors
/// As [`cross_entropy`].
pub fn distilled(
    hidden: &Tensor,
    head: &Tensor,
    targets: &[u32],
    teacher: Teacher<'_>,
    gradient: Gradient,
) -> Result<Loss> {
    // Logits of both are held.
    let piece = (HELD / 2 / head.dim(0)?).max(1);
    in_pieces(hidden, head, targets, Some(teacher), gradient, piece)
}

fn in_pieces(
    hidden: &Tensor,
    head: &Tensor,
    targets: &[u32],
    teacher: Option<Teacher<'_>>,
    gradient: Gradient,
    piece: usize,
) -> Result<Loss> {
    let (hidden, head) = (hidden.detach(), head.detach());
    let (rows, vocab) = (hidden.dim(0)?, head.dim(0)?);
    if targets.len() != rows {
        candle_core::bail!("{rows} rows have {} targets", targets.len())
    }
    if let Some(teacher) = teacher
        && (teacher.shares.len() != rows || teacher.states.dim(0)? != rows)
    {
        candle_core::bail!("{rows} rows have a teacher of {}", teacher.shares.len())
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
            shares: teacher.map_or(&[], |it| &it.shares[start..start + count]),
            losses: Mutex::new(vec![0.0; count]),
        };
        match teacher {
            None => logits.inplace_op1(&softmax)?,
            Some(teacher) => {
                let states = teacher.states.narrow(0, start, count)?;
                logits.inplace_op2(&states.detach().matmul(&transposed)?, &softmax)?;
            }
        }
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
    /// What share of each row is the teacher's; empty where there is none.
    shares: &'a [f32],
    losses: Mutex<Vec<f32>>,
}

impl InplaceOp1 for SoftmaxLoss<'_> {
    fn name(&self) -> &'static str {
        "lectern-softmax-loss"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        self.replace((storage, layout), None)
    }
}

/// With the teacher's logits beside.
impl InplaceOp2 for SoftmaxLoss<'_> {
    fn name(&self) -> &'static str {
        "lectern-distilled-loss"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        teacher: &CpuStorage,
        teacher_layout: &Layout,
    ) -> Result<()> {
        let (CpuStorage::F32(teacher), Some((start, end))) =
            (teacher, teacher_layout.contiguous_offsets())
        else {
            candle_core::bail!("the loss needs the teacher's logits contiguous and in f32")
        };
        self.replace((storage, layout), Some(&teacher[start..end]))
    }
}

impl SoftmaxLoss<'_> {
    fn replace(
        &self,
        (storage, layout): (&mut CpuStorage, &Layout),
        teacher: Option<&[f32]>,
    ) -> Result<()> {
        let (CpuStorage::F32(logits), Some((start, end))) = (storage, layout.contiguous_offsets())
        else {
            candle_core::bail!("the loss needs contiguous logits in f32")
        };
        let vocab = layout.dims().last().copied().unwrap_or(1);
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        logits[start..end]
            .par_chunks_mut(vocab)
            .zip(losses.par_iter_mut())
            .enumerate()
            .for_each(|(index, (row, loss))| {
                let target = self.targets[index] as usize;
                *loss = self.row(row, target);
                let share = self.shares.get(index).copied().unwrap_or(0.0);
                if let (Some(weight), Some(teacher), true) = (self.weight, teacher, share > 0.0) {
                    let said = &teacher[index * vocab..][..vocab];
                    learn(row, target, said, share * weight);
                }
            });
        Ok(())
    }

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

/// Takes `weight` of a row's gradient from its target and gives it to what the teacher says.
fn learn(row: &mut [f32], target: usize, teacher: &[f32], weight: f32) {
    let highest = teacher.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let parts = teacher.chunks(64);
    let total: f64 = parts
        .map(|part| f64::from(part.iter().map(|it| (it - highest).exp()).sum::<f32>()))
        .sum();
    let scale = (f64::from(weight) / total) as f32;
    for (value, logit) in row.iter_mut().zip(teacher) {
        *value -= scale * (logit - highest).exp();
    }
    row[target] += weight;
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device, Var};

    use super::*;

    /// Logarithms of probabilities, by candle's operations.
    fn log_softmax(hidden: &Tensor, head: &Tensor) -> Tensor {
        let logits = hidden.matmul(&head.t().unwrap()).unwrap();
        let highest = logits.max_keepdim(D::Minus1).unwrap().detach();
        let shifted = logits.broadcast_sub(&highest).unwrap();
        let total = shifted.exp().unwrap().sum_keepdim(D::Minus1).unwrap();
        shifted.broadcast_sub(&total.log().unwrap()).unwrap()
    }

    /// The plain formula.
    fn plain(hidden: &Tensor, head: &Tensor, targets: &[u32]) -> Tensor {
        let log = log_softmax(hidden, head);
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
            let loss = in_pieces(&hidden, &head, &targets, None, gradient, piece).unwrap();
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
    fn a_teacher_s_share_is_learnt_from_its_distribution() {
        let device = Device::Cpu;
        let hidden = Var::randn(0f32, 2.0, (9, 8), &device).unwrap();
        let taught = Tensor::randn(0f32, 2.0, (9, 8), &device).unwrap();
        let head = Tensor::randn(0f32, 1.0, (101, 8), &device).unwrap();
        let targets: Vec<u32> = (0..9).map(|row| row * 7 % 101).collect();
        let shares: Vec<f32> = (0..9).map(|row| row as f32 / 8.0).collect();
        let share = Tensor::new(shares.as_slice(), &device).unwrap();

        // The cross-entropy with the teacher's probabilities, by candle's operations.
        let said = log_softmax(&taught, &head).exp().unwrap();
        let soft = (said * log_softmax(&hidden, &head)).unwrap();
        let soft = soft.sum(1).unwrap();
        let hard = plain(&hidden, &head, &targets);
        let mixed =
            ((&hard * (1.0 - &share).unwrap()).unwrap() - (soft * &share).unwrap()).unwrap();
        let grads = mixed.sum_all().unwrap().backward().unwrap();

        let gradient = Gradient::Hidden { weight: 1.0 };
        let teacher = Teacher {
            states: &taught,
            shares: &shares,
        };
        for piece in [1, 4, 64] {
            let loss = in_pieces(&hidden, &head, &targets, Some(teacher), gradient, piece);
            let loss = loss.unwrap();
            let rows = Tensor::new(loss.rows.as_slice(), &device).unwrap();
            assert!(far(&rows, &hard) < 1e-5);
            assert!(far(&loss.hidden.unwrap(), grads.get(&hidden).unwrap()) < 1e-5);
        }
        // Who says the same as the teacher has nothing to learn of it.
        let same = Teacher {
            states: &hidden,
            shares: &[1.0; 9],
        };
        let loss = distilled(&hidden, &head, &targets, same, gradient).unwrap();
        let learnt = loss.hidden.unwrap();
        assert!(far(&learnt, &learnt.zeros_like().unwrap()) < 1e-5);
        let short = Teacher {
            states: &taught,
            shares: &shares[1..],
        };
        assert!(distilled(&hidden, &head, &targets, short, gradient).is_err());
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
