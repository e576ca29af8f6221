//! AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019,
//! <https://arxiv.org/abs/1711.05101>): Adam's step, and beside it, not through it, a share of the
//! weight taken off.
//!
//! Norms and biases, which have one dimension, do not decay: a scale that shrinks is a change of
//! the model, not a simpler model.

use candle_core::{Device, Result, Tensor, Var};
use rayon::prelude::*;

use crate::backward::Gradients;
use crate::config::TrainConfig;

/// Numbers that a core takes at a time.
const RUN: usize = 64 * 1024;

/// Running means of a variable's gradients and of their squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Of the gradients.
    pub first: Vec<f32>,
    /// Of their squares.
    pub second: Vec<f32>,
}

/// The optimizer and its memory.
#[derive(Debug, Clone)]
pub struct AdamW {
    betas: [f64; 2],
    epsilon: f64,
    weight_decay: f64,
    /// One for each variable, in their order.
    pub moments: Vec<Moments>,
    /// Steps taken.
    pub steps: usize,
}

impl AdamW {
    /// A new one for `variables`.
    pub fn new(config: &TrainConfig, variables: &[(String, Var)]) -> Self {
        let moments = variables.iter().map(|(_, variable)| Moments {
            first: vec![0.0; variable.elem_count()],
            second: vec![0.0; variable.elem_count()],
        });
        Self {
            betas: config.betas,
            epsilon: config.epsilon,
            weight_decay: config.weight_decay,
            moments: moments.collect(),
            steps: 0,
        }
    }

    /// Takes a step: each variable is changed by its gradient times `scale`. One without a gradient
    /// stays as it is.
    ///
    /// # Errors
    /// Gradients of other shapes.
    pub fn step(
        &mut self,
        variables: &[(String, Var)],
        gradients: &Gradients,
        scale: f64,
        learning_rate: f64,
    ) -> Result<()> {
        self.steps += 1;
        let [first, second] = self.betas;
        let correction = |beta: f64| 1.0 - beta.powi(self.steps.min(i32::MAX as usize) as i32);
        let correction = [correction(first), correction(second)];
        let all = variables
            .iter()
            .zip(gradients.sums())
            .zip(&mut self.moments);
        for (((_, variable), gradient), moments) in all {
            let Some(gradient) = gradient else { continue };
            let decay = match variable.rank() {
                0 | 1 => 0.0,
                _ => self.weight_decay,
            };
            let step = Step {
                betas: [first as f32, second as f32],
                keep: (1.0 - learning_rate * decay) as f32,
                rate: (learning_rate / correction[0]) as f32,
                root: (1.0 / correction[1].sqrt()) as f32,
                epsilon: self.epsilon as f32,
                scale: scale as f32,
            };
            let mut values = variable.flatten_all()?.to_vec1::<f32>()?;
            let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
            if gradient.len() != values.len() {
                candle_core::bail!("{} weights have {} gradients", values.len(), gradient.len())
            }
            values
                .par_chunks_mut(RUN)
                .zip(gradient.par_chunks(RUN))
                .zip(moments.first.par_chunks_mut(RUN))
                .zip(moments.second.par_chunks_mut(RUN))
                .for_each(|(((values, gradient), first), second)| {
                    step.take(values, gradient, first, second);
                });
            variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }
}

/// The constants of a step.
struct Step {
    betas: [f32; 2],
    /// What decay leaves of a weight.
    keep: f32,
    /// The learning rate over the first correction.
    rate: f32,
    /// One over the root of the second correction.
    root: f32,
    epsilon: f32,
    scale: f32,
}

impl Step {
    fn take(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let [beta1, beta2] = self.betas;
        let moments = first.iter_mut().zip(second);
        for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
            let gradient = gradient * self.scale;
            *first = beta1 * *first + (1.0 - beta1) * gradient;
            *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
            let size = second.sqrt() * self.root + self.epsilon;
            *value = *value * self.keep - self.rate * *first / size;
        }
    }
}

/// What gradients are multiplied by so that their norm is at most `limit`; 0 for no limit.
pub fn clip(norm: f64, limit: f64) -> f64 {
    match limit > 0.0 && norm > limit {
        true => limit / norm,
        false => 1.0,
    }
}
