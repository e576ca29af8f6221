//! How well a model tells questions to be refused from those that it can answer, wherever the line is
//! drawn: the area under the receiver operating characteristic (Hanley and McNeil, 1982), which is the
//! share of pairs of one of each that it puts in the right order, ties counting half.
//!
//! What orders the questions is the probability that the model gives the words that decline. A model
//! that never writes them can still know when it should; what it writes shows only on which side of its
//! own line a question is.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Difference, difference, draw, ends};

/// A question, and how strongly it calls for the positive verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Higher for those that should be positive.
    pub score: f64,
    /// What it should be.
    pub is_positive: bool,
}

/// How well two models tell questions apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ToldApart {
    /// The first.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// The other.
    pub against: f64,
    /// Its interval.
    pub against_interval: [f64; 2],
    /// How they differ.
    pub difference: Difference,
}

/// The area; none where all are positive, or none is.
#[must_use]
pub fn auroc(ranked: &[Ranked]) -> Option<f64> {
    Order::of(ranked).area(&vec![1; ranked.len()])
}

/// Compares two models by the same questions in the same order; none where all should be positive, or
/// none.
#[must_use]
pub fn told_apart(first: &[Ranked], second: &[Ranked], seed: u64) -> Option<ToldApart> {
    let questions = first.len().min(second.len());
    let orders = [first, second].map(|ranked| Order::of(&ranked[..questions]));
    let all = vec![1; questions];
    let (ours, theirs) = (orders[0].area(&all)?, orders[1].area(&all)?);
    let mut drawn: [Vec<f64>; 3] = Default::default();
    let mut counts = vec![0; questions];
    draw(questions, seed, |places| {
        counts.fill(0);
        for place in places {
            counts[*place] += 1;
        }
        if let (Some(ours), Some(theirs)) = (orders[0].area(&counts), orders[1].area(&counts)) {
            drawn[0].push(ours);
            drawn[1].push(theirs);
            drawn[2].push(ours - theirs);
        }
    });
    let [of_first, of_second, of_both] = &mut drawn;
    let interval = |drawn: &mut Vec<f64>, value| {
        let (low, high) = ends(Some(drawn), value);
        [low, high]
    };
    Some(ToldApart {
        value: ours,
        interval: interval(of_first, ours),
        against: theirs,
        against_interval: interval(of_second, theirs),
        difference: difference(ours, theirs, Some(of_both), false),
    })
}

/// Questions from the lowest score to the highest.
struct Order<'a> {
    ranked: &'a [Ranked],
    places: Vec<usize>,
}

impl<'a> Order<'a> {
    fn of(ranked: &'a [Ranked]) -> Self {
        let mut places: Vec<usize> = (0..ranked.len()).collect();
        places.sort_by(|left, right| ranked[*left].score.total_cmp(&ranked[*right].score));
        Self { ranked, places }
    }

    /// The area where question `i` is there `counts[i]` times.
    fn area(&self, counts: &[u32]) -> Option<f64> {
        let (mut below, mut positives, mut area) = (0.0, 0.0, 0.0);
        let score = |place: usize| self.ranked[place].score;
        for tied in self
            .places
            .chunk_by(|left, right| score(*left) == score(*right))
        {
            let count = |is_positive: bool| -> f64 {
                let these = tied
                    .iter()
                    .filter(|place| self.ranked[**place].is_positive == is_positive);
                these.map(|place| f64::from(counts[*place])).sum()
            };
            let (right, wrong) = (count(true), count(false));
            area += right * (below + wrong / 2.0);
            below += wrong;
            positives += right;
        }
        let pairs: f64 = below * positives;
        (pairs > 0.0).then(|| area / pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(pairs: &[(f64, bool)]) -> Vec<Ranked> {
        pairs
            .iter()
            .map(|&(score, is_positive)| Ranked { score, is_positive })
            .collect()
    }

    #[test]
    fn pairs_in_order_count_and_ties_half() {
        let area = |pairs: &[(f64, bool)]| auroc(&ranked(pairs));
        assert_eq!(area(&[(0.9, true), (0.1, false)]), Some(1.0));
        assert_eq!(area(&[(0.1, true), (0.9, false)]), Some(0.0));
        assert_eq!(area(&[(0.5, true), (0.5, false)]), Some(0.5));
        // Pairs: (0.8, 0.7) in order, (0.8, 0.4) in order, (0.4, 0.7) not, (0.4, 0.4) tied.
        let four = [(0.8, true), (0.4, true), (0.7, false), (0.4, false)];
        assert_eq!(area(&four), Some(2.5 / 4.0));
        assert_eq!(area(&[(0.5, true)]), None);
        assert_eq!(area(&[]), None);
    }

    #[test]
    fn a_model_that_knows_is_told_from_one_that_guesses() {
        let truth = |place: u64| place.is_multiple_of(2);
        let knows: Vec<Ranked> = (0..80)
            .map(|place| Ranked {
                score: f64::from(u8::from(truth(place))) + (place % 5) as f64 / 3.0,
                is_positive: truth(place),
            })
            .collect();
        let guesses: Vec<Ranked> = (0..80)
            .map(|place| Ranked {
                score: (crate::random::of(3, &[place]) >> 40) as f64,
                is_positive: truth(place),
            })
            .collect();
        let found = told_apart(&knows, &guesses, 1).unwrap();
        assert_eq!(found.value, auroc(&knows).unwrap());
        assert!(found.value > 0.8 && (found.against - 0.5).abs() < 0.15);
        let [low, high] = found.interval;
        assert!(low < found.value && found.value < high && high - low < 0.25);
        assert!(found.difference.p < 0.01 && found.difference.low > 0.0);
        let same = told_apart(&guesses, &guesses, 1).unwrap().difference;
        assert_eq!((same.difference, same.p), (0.0, 1.0));
        let all = vec![knows[0]; 5];
        assert_eq!(told_apart(&all, &all, 1), None);
    }
}
