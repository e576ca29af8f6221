//! Figures with 95 % intervals, by bootstrap over questions (Efron, 1979): also of ratios and
//! areas, which are no means of one value a question.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;

/// A figure, what it was counted over, and the interval that holds it in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Number of questions that it is defined for.
    pub n: usize,
}

/// The figure that `of` gives for all `items`, with its interval over resamples of them; `None`
/// where `of` gives none for all of them.
pub fn figure<T>(items: &[T], seed: u64, of: impl Fn(&[&T]) -> Option<f64>) -> Option<Figure> {
    let all: Vec<&T> = items.iter().collect();
    let value = of(&all)?;
    // An area has no value for one question alone.
    let n = match all.iter().filter(|item| of(&[**item]).is_some()).count() {
        0 => items.len(),
        defined => defined,
    };
    let mut rng = StdRng::seed_from_u64(seed);
    let mut resample: Vec<&T> = Vec::with_capacity(items.len());
    let mut values: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            resample.clear();
            resample.extend((0..items.len()).map(|_| &items[rng.random_range(0..items.len())]));
            of(&resample)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().saturating_sub(1) as f64;
        values.get((last * share).round() as usize).copied()
    };
    Some(Figure {
        value,
        low: at(0.025).unwrap_or(value),
        high: at(0.975).unwrap_or(value),
        n,
    })
}

/// The mean of the values that there are.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

/// The value that a share of the values does not exceed.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)? as f64;
    values.get((last * share).ceil() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_the_figure_and_are_the_same_for_the_same_seed() {
        let values: Vec<f64> = (0..50).map(|at| f64::from(at % 2)).collect();
        let of = |values: &[&f64]| mean(values.iter().map(|value| **value));
        let figure_of = |seed| figure(&values, seed, of).unwrap();
        let found = figure_of(1);
        assert_eq!((found.value, found.n), (0.5, 50));
        assert!(found.low < 0.45 && 0.55 < found.high && found.low > 0.3);
        assert_eq!(found, figure_of(1));
        assert_eq!(figure(&[] as &[f64], 1, of), None);
        assert_eq!(figure(&[1.0], 1, of).unwrap().low, 1.0);
    }

    #[test]
    fn quantiles_are_values_that_occur() {
        let mut values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&mut values, 0.5), Some(3.0));
        assert_eq!(quantile(&mut values, 0.95), Some(5.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }
}
