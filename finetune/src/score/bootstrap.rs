//! What figures are worth that were had from a few questions: the bootstrap (Efron, "Bootstrap
//! Methods", 1979).
//!
//! Questions are drawn from those that were asked, with repetition, as many as there are, ten thousand
//! times, and each figure is worked out for each draw. An interval is what 95 of 100 draws stay in
//! (the percentile method). Two models are compared on the same draws (the paired bootstrap; Koehn,
//! "Statistical Significance Tests for Machine Translation Evaluation", 2004,
//! <https://aclanthology.org/W04-3250/>): how often the one is not better than the other is the
//! one-sided p-value, with one added to both counts so that it is never 0 (Davison and Hinkley,
//! "Bootstrap Methods and their Application", 1997, section 4.2).
//!
//! The seed decides all draws.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Metric, Part, Parts};
use crate::random;

/// Draws.
pub const RESAMPLES: usize = 10_000;

/// A figure and the interval that holds it in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Questions that it is defined for.
    pub n: usize,
}

/// How one model differs from another on the same questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The figure of the first less that of the second.
    pub difference: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Of draws, how many the first is not better in: the one-sided p-value.
    pub p: f64,
    /// The end of the one-sided 95 % interval that is worse for the first.
    pub worst: f64,
    /// The figure of the first over that of the second, where that is not 0.
    pub ratio: Option<f64>,
}

/// All figures of a model, with their intervals; those that no question defines are left out.
#[must_use]
pub fn figures(examples: &[Parts], seed: u64) -> BTreeMap<Metric, Figure> {
    let columns = columns(examples);
    let mut drawn: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
    draw(examples.len(), seed, |places| {
        for (metric, column) in &columns {
            if let Some(value) = metric.of(sum(column, places)) {
                drawn.entry(*metric).or_default().push(value);
            }
        }
    });
    columns
        .iter()
        .filter_map(|(metric, column)| {
            let value = metric.of(whole(column))?;
            let (low, high) = ends(drawn.get_mut(metric), value);
            let n = column.iter().filter(|part| part.weight > 0.0).count();
            Some((
                *metric,
                Figure {
                    value,
                    low,
                    high,
                    n,
                },
            ))
        })
        .collect()
}

/// Compares two models by the same questions in the same order; figures that either has none of are
/// left out, and so are those of questions that there are more of on one side.
#[must_use]
pub fn compare(first: &[Parts], second: &[Parts], seed: u64) -> BTreeMap<Metric, Difference> {
    let questions = first.len().min(second.len());
    let (first, second) = (&first[..questions], &second[..questions]);
    let (ours, theirs) = (columns(first), columns(second));
    let both: Vec<(Metric, &[Part], &[Part])> = ours
        .iter()
        .filter_map(|(metric, column)| {
            let other = theirs.get(metric)?;
            Some((*metric, column.as_slice(), other.as_slice()))
        })
        .collect();
    let mut drawn: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
    draw(questions, seed, |places| {
        for (metric, ours, theirs) in &both {
            let pair = (metric.of(sum(ours, places)), metric.of(sum(theirs, places)));
            if let (Some(ours), Some(theirs)) = pair {
                drawn.entry(*metric).or_default().push(ours - theirs);
            }
        }
    });
    both.iter()
        .filter_map(|(metric, ours, theirs)| {
            let (ours, theirs) = (metric.of(whole(ours))?, metric.of(whole(theirs))?);
            let drawn = drawn.get_mut(metric);
            Some((*metric, difference(ours, theirs, drawn, metric.is_cost())))
        })
        .collect()
}

/// What differences that were drawn say of that of two figures.
pub(super) fn difference(
    ours: f64,
    theirs: f64,
    mut drawn: Option<&mut Vec<f64>>,
    is_cost: bool,
) -> Difference {
    let difference = ours - theirs;
    let (low, high) = ends(drawn.as_deref_mut(), difference);
    let drawn = drawn.map_or(&[][..], |drawn| drawn.as_slice());
    let is_better = |draw: &&f64| if is_cost { **draw < 0.0 } else { **draw > 0.0 };
    let not_better = drawn.len() - drawn.iter().filter(is_better).count();
    Difference {
        difference,
        low,
        high,
        p: (not_better + 1) as f64 / (drawn.len() + 1) as f64,
        worst: at(drawn, if is_cost { 0.95 } else { 0.05 }).unwrap_or(difference),
        ratio: (theirs != 0.0).then(|| ours / theirs),
    }
}

/// What each example gives each figure that any of them knows of, in the order of the examples.
fn columns(examples: &[Parts]) -> BTreeMap<Metric, Vec<Part>> {
    let mut columns: BTreeMap<Metric, Vec<Part>> = BTreeMap::new();
    for (place, parts) in examples.iter().enumerate() {
        for (metric, part) in parts {
            let column = columns
                .entry(*metric)
                .or_insert_with(|| vec![Part::default(); examples.len()]);
            column[place] = *part;
        }
    }
    columns
}

pub(super) fn draw(questions: usize, seed: u64, mut with: impl FnMut(&[usize])) {
    let mut places = vec![0; questions];
    for resample in 0..RESAMPLES as u64 {
        let mut state = random::of(seed, &[resample]);
        for place in &mut places {
            state = random::mix(state);
            // The upper half of the product: as even as division, without one.
            *place = ((u128::from(state) * questions as u128) >> 64) as usize;
        }
        with(&places);
    }
}

fn sum(column: &[Part], places: &[usize]) -> Part {
    let mut total = Part::default();
    for place in places {
        total += column[*place];
    }
    total
}

fn whole(column: &[Part]) -> Part {
    let mut total = Part::default();
    for part in column {
        total += *part;
    }
    total
}

/// Both ends of the 95 % interval of what was drawn, which is then in order.
pub(super) fn ends(drawn: Option<&mut Vec<f64>>, otherwise: f64) -> (f64, f64) {
    let Some(drawn) = drawn else {
        return (otherwise, otherwise);
    };
    drawn.sort_by(f64::total_cmp);
    let end = |share| at(drawn, share).unwrap_or(otherwise);
    (end(0.025), end(0.975))
}

fn at(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * share).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples whose F1 are these.
    fn examples(values: &[f64]) -> Vec<Parts> {
        values
            .iter()
            .map(|value| Parts::from([(Metric::F1, Part::one(*value))]))
            .collect()
    }

    #[test]
    fn an_interval_of_a_share_is_about_as_wide_as_the_normal_one() {
        let values: Vec<f64> = (0..100).map(|at| f64::from(at % 2)).collect();
        let found = figures(&examples(&values), 1)[&Metric::F1];
        assert_eq!((found.value, found.n), (0.5, 100));
        // 0.5 ± 1.96 * sqrt(0.25 / 100)
        assert!((found.low - 0.402).abs() < 0.015, "{found:?}");
        assert!((found.high - 0.598).abs() < 0.015, "{found:?}");
        assert_eq!(found, figures(&examples(&values), 1)[&Metric::F1]);
        assert!(figures(&[], 1).is_empty());
    }

    #[test]
    fn pairs_tell_what_intervals_of_each_do_not() {
        // Questions differ much, models little: each is 0.05 better on its own question.
        let hard: Vec<f64> = (0..100).map(|at| f64::from(at % 10) / 10.0).collect();
        let better: Vec<f64> = hard.iter().map(|value| value + 0.05).collect();
        let found = compare(&examples(&better), &examples(&hard), 1)[&Metric::F1];
        assert!((found.difference - 0.05).abs() < 1e-9);
        assert!(found.p < 0.001 && found.low > 0.04, "{found:?}");
        let back = compare(&examples(&hard), &examples(&better), 1)[&Metric::F1];
        assert!(back.p > 0.99, "{back:?}");
        let same = compare(&examples(&hard), &examples(&hard), 1)[&Metric::F1];
        assert_eq!(
            (same.difference, same.p),
            (0.0, 1.0),
            "the same is no better"
        );
    }

    #[test]
    fn by_chance_one_of_twenty_is_found_better() {
        // 40 pairs of models that are the same but for noise, 50 questions each.
        let noise = |seed: u64| -> Vec<f64> {
            let unit = |place| (random::of(seed, &[place]) >> 40) as f64 / (1u64 << 24) as f64;
            (0..50).map(unit).collect()
        };
        let found = (0..40u64)
            .filter(|pair| {
                let (one, two) = (noise(2 * pair), noise(2 * pair + 1));
                compare(&examples(&one), &examples(&two), *pair)[&Metric::F1].p < 0.05
            })
            .count();
        assert!(found <= 6, "{found} of 40");
    }

    #[test]
    fn ratios_are_of_sums_and_less_perplexity_is_better() {
        let tokens = |losses: &[(f64, f64)]| -> Vec<Parts> {
            losses
                .iter()
                .map(|(sum, weight)| {
                    let part = Part {
                        sum: *sum,
                        weight: *weight,
                    };
                    Parts::from([(Metric::Perplexity, part)])
                })
                .collect()
        };
        let one = tokens(&[(2.0, 2.0), (8.0, 8.0), (5.0, 5.0)]);
        let two = tokens(&[(4.0, 2.0), (16.0, 8.0), (10.0, 5.0)]);
        let value = figures(&two, 3)[&Metric::Perplexity].value;
        assert!((value - 2.0f64.exp()).abs() < 1e-9);
        let found = compare(&one, &two, 3)[&Metric::Perplexity];
        assert!(found.difference < 0.0 && found.p < 0.001, "{found:?}");
        assert!((found.ratio.unwrap() - (-1.0f64).exp()).abs() < 1e-9);
    }

    #[test]
    fn what_one_side_does_not_define_is_not_compared() {
        let refused = Parts::from([(Metric::RefusalPrecision, Part::one(1.0))]);
        let both = compare(
            &[refused.clone(), refused],
            &[Parts::new(), Parts::new()],
            0,
        );
        assert!(both.is_empty());
    }
}
