//! Fits the calibration of refusal to labelled questions: `lectern eval answers FILE --calibrate`.
//!
//! What an answer's probability should foretell is whether the library can answer the question. The
//! thresholds are set on probabilities of questions that a fit has not seen (five folds), since on
//! those that it has any model looks better than it is.

use generation::calibration::{Calibration, Signals};
use serde::Serialize;

use super::{Judged, Set};
use crate::error::{Fault, Problem};
use crate::eval::calibration::{Forecast, SURE, auroc, threshold};

/// Questions that a fit needs, in all and of the rarer kind.
const LEAST: usize = 20;
const LEAST_OF_A_KIND: usize = 5;
const FOLDS: usize = 5;
/// Precisions whose thresholds are taken down.
const PRECISIONS: [f32; 8] = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

/// What a fit came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fitted {
    /// The calibration.
    pub calibration: Calibration,
    /// Questions that it was fitted on.
    pub questions: usize,
    /// Those that the library can answer.
    pub answerable: usize,
    /// Area under the curve on questions that a fit has not seen.
    pub auroc: Option<f64>,
    /// The highest precision that was reached for sure.
    pub reached: Option<f32>,
}

/// Fits `base` to judged questions.
///
/// # Errors
/// A problem `too_few_questions` where they are too few, or nearly all of one kind.
pub fn fit(base: &Calibration, judged: &[Judged]) -> Result<Fitted, Problem> {
    let examples: Vec<(Signals, bool)> = judged
        .iter()
        .filter_map(|one| Some((one.signals?, one.set == Set::Answerable)))
        .collect();
    let answerable = examples.iter().filter(|(_, can)| *can).count();
    let rarer = answerable.min(examples.len() - answerable);
    if examples.len() < LEAST || rarer < LEAST_OF_A_KIND {
        return Err(Problem::new(
            Fault::Input,
            "too_few_questions",
            format!(
                "{} questions, {answerable} of them answerable, are too few to calibrate with",
                examples.len()
            ),
            format!(
                "give at least {LEAST}, of which {LEAST_OF_A_KIND} or more that the papers answer and \
                 {LEAST_OF_A_KIND} or more that they do not"
            ),
        ));
    }
    let forecasts = unseen(base, &examples);
    let mut thresholds: Vec<(f32, f32)> = Vec::new();
    for precision in PRECISIONS {
        let Some(found) = threshold(&forecasts, f64::from(precision), SURE) else {
            break;
        };
        // A higher precision never asks for less.
        let least = thresholds.last().map_or(0.0, |(_, least)| *least);
        thresholds.push((precision, (found.threshold as f32).max(least)));
    }
    if thresholds.is_empty() {
        return Err(Problem::new(
            Fault::Input,
            "precision_not_reached",
            "these questions do not tell what is answerable from what is not, at any probability",
            "look at them with --questions-out: are the labels right, and are the papers there?",
        ));
    }
    Ok(Fitted {
        reached: thresholds.last().map(|(precision, _)| *precision),
        calibration: Calibration {
            thresholds,
            ..base.fit(&examples)
        },
        questions: examples.len(),
        answerable,
        auroc: auroc(&forecasts.iter().collect::<Vec<_>>()),
    })
}

/// The probability of each question by a fit to the other folds.
fn unseen(base: &Calibration, examples: &[(Signals, bool)]) -> Vec<Forecast> {
    let mut forecasts = Vec::with_capacity(examples.len());
    for fold in 0..FOLDS {
        let is_held_out = |at: usize| at % FOLDS == fold;
        let others: Vec<(Signals, bool)> = (0..examples.len())
            .filter(|at| !is_held_out(*at))
            .map(|at| examples[at])
            .collect();
        let fitted = base.fit(&others);
        let held_out = (0..examples.len()).filter(|at| is_held_out(*at));
        forecasts.extend(held_out.map(|at| Forecast {
            features: f64::from(fitted.probability(&examples[at].0)),
            is_right: examples[at].1,
        }));
    }
    forecasts
}
