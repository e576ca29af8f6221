//! Orders the best of a ranking again by late interaction, which sees words where the ranking saw
//! whole passages.
//!
//! The new score joins two that have no common scale, so both are standardised over the candidates.

use crate::fusion::standardised;
use crate::{ChunkId, Hit};

/// Candidates that are looked at: their records are read and compared in a few milliseconds.
pub const DEPTH: usize = 100;
/// How much late interaction counts beside the ranking it is given.
const WEIGHT: f32 = 0.5;

/// Orders the first [`DEPTH`] of `hits` again; `maxsim` gives the scores of chunks, `None` for one
/// that it does not know, which keeps the standing that it had.
pub fn rerank(hits: &mut [Hit], maxsim: impl FnOnce(&[ChunkId]) -> Vec<Option<f32>>) {
    let depth = hits.len().min(DEPTH);
    let head = &mut hits[..depth];
    let ids: Vec<ChunkId> = head.iter().map(|hit| hit.chunk_id).collect();
    let late = maxsim(&ids);
    if late.iter().all(Option::is_none) {
        return;
    }
    let known: Vec<f32> = late.iter().flatten().copied().collect();
    let mean = known.iter().sum::<f32>() / known.len() as f32;
    let filled: Vec<f32> = late.iter().map(|score| score.unwrap_or(mean)).collect();
    let before: Vec<f32> = head.iter().map(|hit| hit.score).collect();
    let (before, filled) = (standardised(&before), standardised(&filled));
    for (at, hit) in head.iter_mut().enumerate() {
        hit.scores.rerank = late[at];
        hit.score = before[at] + WEIGHT * filled[at];
    }
    head.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.chunk_id.cmp(&b.chunk_id))
    });
    // What was not looked at stays behind, on a scale that says so.
    let last = head.last().map_or(0.0, |hit| hit.score);
    for (at, hit) in hits[depth..].iter_mut().enumerate() {
        hit.score = last - 1.0 - at as f32 * 1e-3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scores;

    fn hits(scores: &[f32]) -> Vec<Hit> {
        scores
            .iter()
            .enumerate()
            .map(|(at, &score)| Hit {
                chunk_id: at as u64,
                score,
                scores: Scores {
                    fused: Some(score),
                    ..Scores::default()
                },
            })
            .collect()
    }

    fn order(hits: &[Hit]) -> Vec<u64> {
        hits.iter().map(|hit| hit.chunk_id).collect()
    }

    #[test]
    fn a_chunk_whose_words_answer_better_comes_first() {
        let mut found = hits(&[3.0, 2.9, 1.0]);
        rerank(&mut found, |_| vec![Some(0.2), Some(0.9), Some(0.3)]);
        assert_eq!(order(&found), [1, 0, 2]);
        assert_eq!(found[0].scores.rerank, Some(0.9));
        assert_eq!(found[0].scores.fused, Some(2.9));
    }

    #[test]
    fn unknown_chunks_keep_their_standing() {
        let mut found = hits(&[3.0, 2.0, 1.0]);
        rerank(&mut found, |ids| vec![None; ids.len()]);
        assert_eq!(order(&found), [0, 1, 2]);
        let mut found = hits(&[3.0, 2.0, 1.0]);
        rerank(&mut found, |_| vec![Some(0.5), None, Some(0.5)]);
        assert_eq!(order(&found), [0, 1, 2]);
    }

    #[test]
    fn what_lies_deeper_stays_behind() {
        let many: Vec<f32> = (0..DEPTH + 5).map(|at| -(at as f32)).collect();
        let mut found = hits(&many);
        rerank(&mut found, |ids| {
            ids.iter().map(|id| Some(*id as f32)).collect()
        });
        assert_eq!(order(&found)[DEPTH..], [100, 101, 102, 103, 104]);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}
