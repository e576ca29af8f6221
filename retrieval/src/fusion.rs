//! Joins rankings by reciprocal rank fusion: a chunk's score is the sum over rankings of
//! `1 / (k + rank)` (Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms
//! Condorcet and individual rank learning methods", SIGIR 2009). Only ranks count, so BM25 scores
//! and cosines need no common scale.

use std::collections::HashMap;

use crate::{ChunkId, Hit, Scores};

/// The paper's constant: dampens the weight of the very first ranks.
pub const RANK_CONSTANT: f32 = 60.0;

/// Joins two rankings, best first; ties by chunk id, so that a result is reproducible.
pub fn reciprocal_rank(dense: &[(ChunkId, f32)], bm25: &[(ChunkId, f32)]) -> Vec<Hit> {
    let mut joined: HashMap<ChunkId, Scores> = HashMap::new();
    for (rank, &(id, score)) in dense.iter().enumerate() {
        let scores = joined.entry(id).or_default();
        scores.dense = Some(score);
        *scores.fused.get_or_insert(0.0) += contribution(rank);
    }
    for (rank, &(id, score)) in bm25.iter().enumerate() {
        let scores = joined.entry(id).or_default();
        scores.bm25 = Some(score);
        *scores.fused.get_or_insert(0.0) += contribution(rank);
    }
    let mut hits: Vec<Hit> = joined
        .into_iter()
        .map(|(chunk_id, scores)| Hit {
            chunk_id,
            score: scores.fused.unwrap_or_default(),
            scores,
        })
        .collect();
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.chunk_id.cmp(&b.chunk_id))
    });
    hits
}

/// Scores scaled to mean 0 and deviation 1; all alike become 0.
pub(crate) fn standardised(scores: &[f32]) -> Vec<f32> {
    let count = scores.len().max(1) as f32;
    let mean = scores.iter().sum::<f32>() / count;
    let variance = scores
        .iter()
        .map(|score| (score - mean).powi(2))
        .sum::<f32>()
        / count;
    let scale = if variance > 1e-12 {
        variance.sqrt().recip()
    } else {
        0.0
    };
    scores.iter().map(|score| (score - mean) * scale).collect()
}

fn contribution(rank_from_0: usize) -> f32 {
    1.0 / (RANK_CONSTANT + rank_from_0 as f32 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chunk_in_both_rankings_beats_the_first_of_one() {
        let hits = reciprocal_rank(&[(1, 0.9), (2, 0.8)], &[(3, 12.0), (2, 7.0)]);
        assert_eq!(
            hits.iter().map(|hit| hit.chunk_id).collect::<Vec<_>>(),
            [2, 1, 3]
        );
        assert_eq!(hits[0].scores.bm25, Some(7.0));
        assert_eq!(hits[0].scores.dense, Some(0.8));
        let expected = 2.0 / 62.0;
        assert!((hits[0].score - expected).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn every_chunk_comes_out_once(dense in prop::collection::btree_set(0u64..40, 0..20),
                                      bm25 in prop::collection::btree_set(0u64..40, 0..20)) {
            let list = |ids: &std::collections::BTreeSet<u64>| -> Vec<(u64, f32)> {
                ids.iter().map(|&id| (id, 1.0)).collect()
            };
            let hits = reciprocal_rank(&list(&dense), &list(&bm25));
            let mut found: Vec<u64> = hits.iter().map(|hit| hit.chunk_id).collect();
            found.sort_unstable();
            let expected: Vec<u64> = dense.union(&bm25).copied().collect();
            prop_assert_eq!(found, expected);
            prop_assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
        }
    }
}
