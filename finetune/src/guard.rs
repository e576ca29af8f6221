//! Stops a run that has gone wrong before its weights are changed by it.
//!
//! A loss or gradient that is no number is always wrong. One that is many times what is usual, the
//! median of the last steps, and far above the largest of them most often is: a broken example, or a
//! learning rate at which training diverges. The median alone says too little: of a model that has
//! learnt most of its data, and batches of a few short answers, one hard question is ten times it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Steps that the median is taken over.
const WINDOW: usize = 50;

/// Steps before a spike can be told.
const LEAST: usize = 10;

/// Losses below this are none, in nats per token, however many times the median: a model that answers
/// most questions as it should gives two short answers that it would not have given 2 or 3. What is broken
/// or has diverged is above: tokens that are less likely than one in 55, where the logarithm of a
/// vocabulary, which is knowing nothing, is 10.
const LOW_LOSS: f64 = 4.0;

/// Norms below this are none: a memorised set has spikes that mean nothing.
const LOW_NORM: f64 = 0.5;

/// How many times the largest of the last steps a spike is at least.
const BEYOND: f64 = 2.0;

/// What is usual in a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    losses: VecDeque<f64>,
    norms: VecDeque<f64>,
}

impl Guard {
    /// What is wrong with a batch's loss per token, if anything. `factor` is how many times the
    /// median is a spike; 0 for never.
    pub fn check_loss(&self, loss: f64, factor: f64) -> Option<String> {
        check("loss", loss, &self.losses, factor, LOW_LOSS)
    }

    /// What is wrong with a step's gradient norm, if anything.
    pub fn check_norm(&self, norm: f64, factor: f64) -> Option<String> {
        // Norms vary more than losses.
        check("gradient norm", norm, &self.norms, factor * 4.0, LOW_NORM)
    }

    /// Takes a good step into what is usual.
    pub fn record(&mut self, loss: f64, norm: f64) {
        for (values, value) in [(&mut self.losses, loss), (&mut self.norms, norm)] {
            if values.len() == WINDOW {
                values.pop_front();
            }
            values.push_back(value);
        }
    }
}

fn check(what: &str, value: f64, usual: &VecDeque<f64>, factor: f64, low: f64) -> Option<String> {
    if !value.is_finite() {
        return Some(format!("the {what} is {value}"));
    }
    if factor <= 0.0 || usual.len() < LEAST || value < low {
        return None;
    }
    let median = median(usual);
    let largest = usual.iter().copied().fold(0.0, f64::max);
    (value > factor * median && value > BEYOND * largest).then(|| {
        format!("the {what} is {value:.4}, more than {factor} times its median of {median:.4}")
    })
}

fn median(values: &VecDeque<f64>) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_and_spikes_are_seen() {
        let mut guard = Guard::default();
        assert!(guard.check_loss(f64::NAN, 8.0).is_some());
        assert!(guard.check_norm(f64::INFINITY, 0.0).is_some());
        assert!(guard.check_loss(1e9, 8.0).is_none(), "nothing is usual yet");
        for step in 0..100 {
            guard.record(2.0 + f64::from(step % 7) / 10.0, 1.0);
        }
        assert_eq!(guard.losses.len(), WINDOW);
        assert!(guard.check_loss(10.0, 8.0).is_none());
        let told = guard.check_loss(30.0, 8.0).unwrap();
        assert!(
            told.contains("more than 8 times its median of 2."),
            "{told}"
        );
        assert!(guard.check_loss(30.0, 0.0).is_none());
        assert!(guard.check_norm(10.0, 8.0).is_none() && guard.check_norm(40.0, 8.0).is_some());
    }

    #[test]
    fn a_hard_question_among_easy_ones_is_no_spike() {
        let mut guard = Guard::default();
        for step in 0..50 {
            guard.record(if step % 10 == 0 { 1.3 } else { 0.2 }, 1.0);
        }
        assert!(guard.check_loss(2.2, 8.0).is_none());
        // Nor are two of them in one batch of a run whose others are all known.
        assert!(guard.check_loss(3.5, 8.0).is_none());
        assert!(guard.check_loss(5.0, 8.0).is_some());
    }
}
