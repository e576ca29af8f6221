//! Joins what dense and BM25 search say of the same candidates.
//!
//! By default a convex combination of the scores themselves ([`convex`]): ranks throw away how much
//! better the first is than the second, which is what tells a question that words answer from one
//! that meaning answers (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
//! Retrieval", 2023). BM25 has no scale of its own, so it is put on that of a cosine by the best
//! score found and by the most that the question could score: a question whose words all stand in
//! one passage gives BM25 its full weight, one that matches only here and there gives it little.
//! Reciprocal rank fusion ([`reciprocal_rank`]) is there by setting.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{ChunkId, Hit, Scores};

/// Weight of BM25 beside the cosine.
const BM25_WEIGHT: f32 = 0.6;
/// The same where the question names an identifier: whoever types `BRCA1` wants just that.
const BM25_WEIGHT_EXACT: f32 = 1.2;
/// Dampens the weight of the very first ranks; the constant of the paper.
const RANK_CONSTANT: f32 = 60.0;

/// How two rankings become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fusion {
    /// Weighted sum of the scores.
    #[default]
    Convex,
    /// Sum of reciprocal ranks.
    Rrf,
}

/// What is known of one candidate; `None` where an index could not be asked for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidate {
    /// Which chunk.
    pub chunk_id: ChunkId,
    /// Its cosine with the question.
    pub cosine: Option<f32>,
    /// Its BM25 score, 0 where it has none of the words.
    pub bm25: Option<f32>,
    /// Its vector, L2-normalised.
    pub vector: Option<Vec<f32>>,
}

/// Puts BM25 scores of one question on the scale of a cosine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25Scale(f32);

impl Bm25Scale {
    /// `best` is the highest score found, `bound` what no passage's can exceed; `exact` says that
    /// the question names an identifier, `spread` how far the embedder's cosines lie apart, where
    /// all-MiniLM-L6-v2's count 1.
    pub fn new(best: f32, bound: f32, exact: bool, spread: f32) -> Self {
        let weight = if exact {
            BM25_WEIGHT_EXACT
        } else {
            BM25_WEIGHT
        };
        let scale = (best * bound).sqrt();
        Self(if scale > 0.0 {
            weight * spread / scale
        } else {
            0.0
        })
    }

    /// A score's share of the sum.
    pub fn apply(self, bm25: f32) -> f32 {
        self.0 * bm25
    }
}

/// Ranks candidates by cosine plus scaled BM25; ties by chunk id, so that a result is reproducible.
pub fn convex(candidates: &[Candidate], scale: Bm25Scale) -> Vec<Hit> {
    let hits = candidates
        .iter()
        .map(|candidate| {
            let bm25 = candidate.bm25.map_or(0.0, |score| scale.apply(score));
            hit(candidate, candidate.cosine.unwrap_or(0.0) + bm25)
        })
        .collect();
    sorted(hits)
}

/// Ranks candidates by the sum over both rankings of `1 / (k + rank)` (Cormack, Clarke and Buettcher,
/// "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009).
/// `dense` and `bm25` are the rankings, best first.
pub fn reciprocal_rank(
    candidates: &[Candidate],
    dense: &[(ChunkId, f32)],
    bm25: &[(ChunkId, f32)],
) -> Vec<Hit> {
    let mut sums: HashMap<ChunkId, f32> = HashMap::new();
    for ranking in [dense, bm25] {
        for (rank, (id, _)) in ranking.iter().enumerate() {
            *sums.entry(*id).or_default() += 1.0 / (RANK_CONSTANT + rank as f32 + 1.0);
        }
    }
    let hits = candidates
        .iter()
        .map(|candidate| {
            let sum = sums.get(&candidate.chunk_id).copied().unwrap_or_default();
            hit(candidate, sum)
        })
        .collect();
    sorted(hits)
}

fn hit(candidate: &Candidate, score: f32) -> Hit {
    Hit {
        chunk_id: candidate.chunk_id,
        score,
        scores: Scores {
            bm25: candidate.bm25,
            dense: candidate.cosine,
            fused: Some(score),
            rerank: None,
        },
    }
}

/// Best first; ties by chunk id.
pub(crate) fn sorted(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.chunk_id.cmp(&b.chunk_id))
    });
    hits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(chunk_id: u64, cosine: f32, bm25: f32) -> Candidate {
        Candidate {
            chunk_id,
            cosine: Some(cosine),
            bm25: Some(bm25),
            vector: None,
        }
    }

    fn order(hits: &[Hit]) -> Vec<u64> {
        hits.iter().map(|hit| hit.chunk_id).collect()
    }

    #[test]
    fn a_chunk_in_both_rankings_beats_the_first_of_one() {
        let candidates = [
            candidate(1, 0.9, 0.0),
            candidate(2, 0.8, 7.0),
            candidate(3, 0.0, 12.0),
        ];
        let hits = reciprocal_rank(&candidates, &[(1, 0.9), (2, 0.8)], &[(3, 12.0), (2, 7.0)]);
        assert_eq!(order(&hits), [2, 1, 3]);
        assert!((hits[0].score - 2.0 / 62.0).abs() < 1e-6);
    }

    #[test]
    fn words_count_as_much_as_they_match() {
        let candidates = [candidate(1, 0.50, 2.0), candidate(2, 0.45, 10.0)];
        // Hardly a word of the question is found anywhere: meaning decides.
        let weak = convex(&candidates[..1], Bm25Scale::new(2.0, 200.0, false, 1.0));
        assert!(weak[0].score < 0.6);
        // All of its words stand in the second.
        let strong = convex(&candidates, Bm25Scale::new(10.0, 10.0, false, 1.0));
        assert_eq!(order(&strong), [2, 1]);
        assert!((strong[0].score - 1.05).abs() < 1e-6);
    }

    #[test]
    fn identifiers_lean_to_words() {
        let candidates = [candidate(1, 0.9, 0.0), candidate(2, 0.2, 5.0)];
        let scale = |exact| Bm25Scale::new(5.0, 5.0, exact, 1.0);
        assert_eq!(order(&convex(&candidates, scale(false))), [1, 2]);
        assert_eq!(order(&convex(&candidates, scale(true))), [2, 1]);
    }

    #[test]
    fn without_words_or_without_vectors_the_other_decides() {
        let scale = Bm25Scale::new(0.0, 0.0, false, 1.0);
        let candidates = [candidate(1, 0.1, 0.0), candidate(2, 0.2, 0.0)];
        assert_eq!(order(&convex(&candidates, scale)), [2, 1]);
    }

    proptest! {
        #[test]
        fn every_candidate_comes_out_once_and_in_order(
            scores in prop::collection::vec((-1.0f32..1.0, 0.0f32..30.0), 0..40)
        ) {
            let candidates: Vec<Candidate> = scores
                .iter()
                .enumerate()
                .map(|(id, (cosine, bm25))| candidate(id as u64, *cosine, *bm25))
                .collect();
            let hits = convex(&candidates, Bm25Scale::new(30.0, 60.0, false, 1.0));
            let mut found = order(&hits);
            found.sort_unstable();
            prop_assert_eq!(found, (0..candidates.len() as u64).collect::<Vec<_>>());
            prop_assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
        }
    }
}
