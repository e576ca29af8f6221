//! What is learnt of a list.
//!
//! The ranking that there is gives each passage a prior, `softmax(scale * score)`; with the model's
//! logits added it is to put the answer first (listwise softmax cross-entropy; Cao et al., "Learning to
//! Rank: From Pairwise Approach to Listwise Approach", 2007), and not to leave the prior further than
//! that needs: the divergence from it counts `distillation` (Hinton, Vinyals and Dean, "Distilling the
//! Knowledge in a Neural Network", 2015, the teacher being late interaction, MaxSim).

use candle_core::{Device, Result, Tensor};

use super::lists::EncodedList;

/// Scales that are tried: from one under which a ranking says little to one under which its first
/// passage is as good as certain.
const SCALES: std::ops::RangeInclusive<i32> = -4..=24;

/// The scale under which the scores of lists best foretell what answers.
pub fn fit_scale(lists: &[EncodedList]) -> f32 {
    let cost = |scale: f32| -> f64 {
        let costs = lists.iter().map(|list| {
            let prior = log_softmax(&list.scores, scale);
            let told = list.shares.iter().zip(prior);
            told.map(|(share, log)| -f64::from(share * log))
                .sum::<f64>()
        });
        costs.sum()
    };
    SCALES
        .map(|step| 2f32.powf(step as f32 / 4.0))
        .min_by(|one, other| cost(*one).total_cmp(&cost(*other)))
        .unwrap_or(1.0)
}

fn log_softmax(scores: &[f32], scale: f32) -> Vec<f32> {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let shifted = scores.iter().map(|score| scale * (score - highest));
    let total: f32 = shifted.clone().map(f32::exp).sum();
    shifted.map(|value| value - total.ln()).collect()
}

/// The loss of one list, a scalar; `logits` are the model's, `(passages,)`.
///
/// # Errors
/// Those of computing.
pub fn of_list(
    logits: &Tensor,
    list: &EncodedList,
    scale: f32,
    distillation: f32,
) -> Result<Tensor> {
    let constant = |values: Vec<f32>| {
        let count = values.len();
        Tensor::from_vec(values, count, &Device::Cpu)
    };
    let prior = log_softmax(&list.scores, scale);
    let teacher: Vec<f32> = prior.iter().map(|log| log.exp()).collect();
    // The entropy of the teacher, which makes of a cross-entropy a divergence.
    let known: f32 = prior
        .iter()
        .zip(&teacher)
        .map(|(log, share)| log * share)
        .sum();
    let wanted: Vec<f32> = list
        .shares
        .iter()
        .zip(&teacher)
        .map(|(share, teacher)| share + distillation * teacher)
        .collect();

    let total = (logits + constant(prior)?)?;
    let highest = total.max(0)?.detach();
    let shifted = total.broadcast_sub(&highest)?;
    let sum = shifted.exp()?.sum_all()?.log()?;
    let log = shifted.broadcast_sub(&sum)?;
    let cross = (log * constant(wanted)?)?.sum_all()?.neg()?;
    cross + f64::from(distillation * known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(scores: &[f32], answer: usize) -> EncodedList {
        EncodedList {
            line: 1,
            pairs: Vec::new(),
            scores: scores.to_vec(),
            shares: (0..scores.len())
                .map(|at| f32::from(u8::from(at == answer)))
                .collect(),
        }
    }

    fn loss(logits: &[f32], list: &EncodedList, distillation: f32) -> f32 {
        let logits = Tensor::new(logits, &Device::Cpu).unwrap();
        let loss = of_list(&logits, list, 2.0, distillation).unwrap();
        loss.to_scalar().unwrap()
    }

    #[test]
    fn it_is_the_cross_entropy_of_the_answer_and_the_divergence_from_the_ranking() {
        let list = list(&[0.5, 0.0], 1);
        // The prior is softmax(1, 0); nothing is added, so nothing diverges.
        let prior = (1.0 + 1f32.exp()).ln();
        assert!((loss(&[0.0, 0.0], &list, 0.0) - prior).abs() < 1e-5);
        assert!((loss(&[0.0, 0.0], &list, 7.0) - prior).abs() < 1e-5);
        // Logits that undo the ranking leave even odds.
        let even = 2f32.ln();
        assert!((loss(&[-1.0, 0.0], &list, 0.0) - even).abs() < 1e-5);
        let first = 1.0 / (1.0 + (-1f32).exp());
        let divergence = first * (first / 0.5).ln() + (1.0 - first) * ((1.0 - first) / 0.5).ln();
        assert!((loss(&[-1.0, 0.0], &list, 3.0) - even - 3.0 * divergence).abs() < 1e-4);
    }

    #[test]
    fn a_ranking_that_is_mostly_right_gets_a_high_scale_and_a_blind_one_a_low_one() {
        let right = vec![list(&[0.9, 0.5, 0.1], 0); 9];
        let blind = [0, 1, 2].map(|answer| list(&[0.9, 0.5, 0.1], answer));
        assert!(fit_scale(&right) > 10.0 * fit_scale(&blind));
    }
}
