//! How good a ranking is, as trec_eval counts it, and how sure that is.
//!
//! nDCG with linear gain (Jaervelin and Kekaelaeinen, "Cumulated gain-based evaluation of IR
//! techniques", 2002), recall, reciprocal rank and average precision, each per query; means over
//! queries with a 95 % interval by bootstrap (Efron, 1979) over queries.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;

/// What one ranking is worth for one query.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QueryScore {
    /// Normalised discounted cumulative gain of the first ten.
    pub ndcg_at_10: f64,
    /// Share of the relevant documents among the first hundred.
    pub recall_at_100: f64,
    /// 1 / rank of the first relevant document among the first ten, else 0.
    pub mrr_at_10: f64,
    /// Average precision over the ranking.
    pub average_precision: f64,
}

/// Scores a ranking of documents, best first, against graded judgements.
pub fn score(ranking: &[String], grades: &HashMap<String, u32>) -> QueryScore {
    let grade = |document: &String| grades.get(document).copied().unwrap_or(0);
    let discount = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
    let gain: f64 = ranking
        .iter()
        .take(10)
        .enumerate()
        .map(|(rank, document)| f64::from(grade(document)) * discount(rank))
        .sum();
    let mut best: Vec<u32> = grades
        .values()
        .copied()
        .filter(|grade| *grade > 0)
        .collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    let ideal: f64 = best
        .iter()
        .take(10)
        .enumerate()
        .map(|(rank, grade)| f64::from(*grade) * discount(rank))
        .sum();
    let relevant = best.len() as f64;
    let places: Vec<usize> = ranking
        .iter()
        .enumerate()
        .filter(|(_, document)| grade(document) > 0)
        .map(|(rank, _)| rank)
        .collect();
    if relevant == 0.0 {
        return QueryScore::default();
    }
    QueryScore {
        ndcg_at_10: gain / ideal,
        recall_at_100: places.iter().filter(|rank| **rank < 100).count() as f64 / relevant,
        mrr_at_10: places
            .first()
            .filter(|rank| **rank < 10)
            .map_or(0.0, |rank| 1.0 / (rank + 1) as f64),
        average_precision: places
            .iter()
            .enumerate()
            .map(|(found, rank)| (found + 1) as f64 / (rank + 1) as f64)
            .sum::<f64>()
            / relevant,
    }
}

/// A mean with the interval that holds it in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The mean of `values` with its bootstrap interval; the same for the same values.
pub fn estimate(values: &[f64]) -> Estimate {
    if values.is_empty() {
        return Estimate {
            mean: 0.0,
            low: 0.0,
            high: 0.0,
        };
    }
    let count = values.len() as f64;
    let mut rng = StdRng::seed_from_u64(1);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            (0..values.len())
                .map(|_| values[rng.random_range(0..values.len())])
                .sum::<f64>()
                / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((RESAMPLES - 1) as f64 * share).round() as usize];
    Estimate {
        mean: values.iter().sum::<f64>() / count,
        low: at(0.025),
        high: at(0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn grades(pairs: &[(&str, u32)]) -> HashMap<String, u32> {
        pairs
            .iter()
            .map(|(id, grade)| ((*id).to_owned(), *grade))
            .collect()
    }

    #[test]
    fn scores_are_those_of_trec_eval() {
        // By hand: relevant at ranks 2 and 3 with grades 1 and 2; one of three is missed.
        let judged = grades(&[("b", 1), ("c", 2), ("z", 1), ("n", 0)]);
        let score = score(&names(&["a", "b", "c", "n"]), &judged);
        let dcg = 1.0 / 3f64.log2() + 2.0 / 4f64.log2();
        let ideal = 2.0 / 2f64.log2() + 1.0 / 3f64.log2() + 1.0 / 4f64.log2();
        assert!((score.ndcg_at_10 - dcg / ideal).abs() < 1e-12);
        assert!((score.recall_at_100 - 2.0 / 3.0).abs() < 1e-12);
        assert!((score.mrr_at_10 - 0.5).abs() < 1e-12);
        assert!((score.average_precision - (1.0 / 2.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn only_the_first_ten_count_for_ndcg_and_mrr() {
        let ranking: Vec<String> = (0..20).map(|at| at.to_string()).collect();
        let score = score(&ranking, &grades(&[("10", 1)]));
        assert_eq!((score.ndcg_at_10, score.mrr_at_10), (0.0, 0.0));
        assert_eq!(score.recall_at_100, 1.0);
    }

    #[test]
    fn intervals_hold_the_mean_and_shrink_with_more_queries() {
        let few: Vec<f64> = (0..10).map(|at| f64::from(at % 2)).collect();
        let many: Vec<f64> = (0..1000).map(|at| f64::from(at % 2)).collect();
        let (few, many) = (estimate(&few), estimate(&many));
        assert!(few.low < few.mean && few.mean < few.high);
        assert!(many.high - many.low < few.high - few.low);
        assert_eq!(estimate(&[1.0, 1.0]).low, 1.0);
    }
}
