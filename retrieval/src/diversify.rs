//! Fewer passages that say the same: maximal marginal relevance (Carbonell and Goldstein, "The use
//! of MMR, diversity-based reranking for reordering documents and producing summaries", SIGIR
//! 1998).
//!
//! Passages are chosen one by one; each time the one that is most relevant, less what it repeats
//! of those chosen before. Relevance is brought to 0 to 1 over the candidates, because scores of
//! different stages have different scales and cosines between passages do not.

/// The order in which to show candidates: places in `relevance`, all of them, first choice first.
///
/// `relevance[i]` is the score of candidate `i`, higher is better; `vectors[i]` its L2-normalised
/// vector, where it is known: a candidate without one repeats nobody. `strength` is 0 (the order of
/// relevance) to 1 (relevance counts for nothing after the first). Ties go to the candidate that
/// comes first.
pub fn order(relevance: &[f32], vectors: &[Option<Vec<f32>>], strength: f32) -> Vec<usize> {
    let strength = if strength.is_nan() {
        0.0
    } else {
        strength.clamp(0.0, 1.0)
    };
    let relevance = scaled(relevance);
    let mut left: Vec<usize> = (0..relevance.len()).collect();
    // How like each candidate is to the likest of those chosen.
    let mut repeats = vec![0.0_f32; relevance.len()];
    let mut chosen = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let gain = |candidate: usize| {
            if chosen.is_empty() {
                relevance[candidate]
            } else {
                (1.0 - strength) * relevance[candidate] - strength * repeats[candidate]
            }
        };
        let mut best = 0;
        for place in 1..left.len() {
            if gain(left[place]) > gain(left[best]) {
                best = place;
            }
        }
        let next = left.remove(best);
        chosen.push(next);
        for &candidate in &left {
            let likeness = match (vector(vectors, next), vector(vectors, candidate)) {
                (Some(a), Some(b)) => cosine(a, b),
                _ => 0.0,
            };
            repeats[candidate] = repeats[candidate].max(likeness);
        }
    }
    chosen
}

fn vector(vectors: &[Option<Vec<f32>>], place: usize) -> Option<&[f32]> {
    vectors.get(place).and_then(Option::as_deref)
}

/// Cosine of two normalised vectors.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Scores on a scale from 0 (worst) to 1 (best); all 1 where they are equal. What is no number
/// counts as the worst.
fn scaled(scores: &[f32]) -> Vec<f32> {
    let finite = || scores.iter().copied().filter(|score| score.is_finite());
    let low = finite().fold(f32::INFINITY, f32::min);
    let high = finite().fold(f32::NEG_INFINITY, f32::max);
    scores
        .iter()
        .map(|&score| {
            if !score.is_finite() {
                0.0
            } else if high > low {
                (score - low) / (high - low)
            } else {
                1.0
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(angle: f32) -> Option<Vec<f32>> {
        Some(vec![angle.cos(), angle.sin()])
    }

    #[test]
    fn a_repetition_comes_after_something_new() {
        let relevance = [0.9, 0.88, 0.5, 0.4];
        let vectors = [unit(0.0), unit(0.01), unit(1.5), None];
        assert_eq!(order(&relevance, &vectors, 0.0), [0, 1, 2, 3]);
        assert_eq!(order(&relevance, &vectors, 0.6)[..2], [0, 2]);
        assert_eq!(
            order(&relevance, &vectors, 1.0),
            [0, 3, 2, 1],
            "relevance counts no more"
        );
    }

    #[test]
    fn scores_of_any_scale_give_the_same_order() {
        let vectors = [unit(0.0), unit(0.02), unit(1.2)];
        for scale in [1e-3, 1.0, 1e4] {
            let relevance = [3.0 * scale, 2.9 * scale, 2.0 * scale];
            assert_eq!(order(&relevance, &vectors, 0.7), [0, 2, 1]);
        }
    }

    #[test]
    fn nothing_and_no_numbers_are_borne() {
        assert!(order(&[], &[], 0.5).is_empty());
        assert_eq!(order(&[f32::NAN, 1.0], &[None, None], 0.5), [1, 0]);
        assert_eq!(order(&[1.0, 2.0], &[], f32::NAN), [1, 0]);
    }

    proptest! {
        #[test]
        fn every_candidate_comes_once_and_the_best_first(
            candidates in prop::collection::vec((0.0f32..1.0, 0.0f32..6.3, any::<bool>()), 1..40),
            strength in 0.0f32..=1.0,
        ) {
            let relevance: Vec<f32> = candidates.iter().map(|(score, ..)| *score).collect();
            let vectors: Vec<_> = candidates
                .iter()
                .map(|(_, angle, has)| has.then(|| vec![angle.cos(), angle.sin()]))
                .collect();
            let found = order(&relevance, &vectors, strength);
            let mut sorted = found.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..relevance.len()).collect::<Vec<_>>());
            prop_assert!(relevance.iter().all(|&score| score <= relevance[found[0]]));
        }
    }
}
