//! Orders the best of a ranking again, by what the ranking could not see.
//!
//! Three things are added, each from what is stored already, so that no model runs:
//! late interaction sees words where the ranking saw whole passages; the question's vector is moved
//! towards the passages that look best (pseudo-relevance feedback; Rocchio 1971), so that what is
//! like them rises; and a passage is lifted towards the candidates nearest to it, since passages that
//! answer the same question lie together (van Rijsbergen's cluster hypothesis; Diaz, "Regularizing
//! ad hoc retrieval scores", 2005). It is lifted only, never lowered: the one passage that answers a
//! question must not fall because nothing else is like it.
//!
//! All terms are cosines or on their scale ([`Bm25Scale`]), so no statistics of the list are needed.

use crate::fusion::{Bm25Scale, Candidate, sorted};
use crate::{ChunkId, Hit, Result};

/// Candidates that are looked at.
pub const DEPTH: usize = 100;
/// Weight of late interaction beside the cosine.
const MAXSIM_WEIGHT: f32 = 1.0;
/// Candidates that the question's vector is moved towards, how sharply the first count more than
/// the next, and how far it moves.
const FEEDBACK: usize = 10;
const FEEDBACK_TEMPERATURE: f32 = 0.1;
const FEEDBACK_WEIGHT: f32 = 1.0;
/// Nearest candidates that a score is lifted towards, and how far.
const NEIGHBOURS: usize = 5;
const NEIGHBOUR_SHARE: f32 = 0.6;
/// How sharply the nearest count more than the next.
const NEIGHBOUR_POWER: i32 = 8;

/// What the candidates are compared with.
pub struct Question<'a> {
    /// Its vector, L2-normalised.
    pub vector: &'a [f32],
    /// Puts BM25 on the scale of the cosine.
    pub scale: Bm25Scale,
    /// How far the embedder's cosines lie apart, where all-MiniLM-L6-v2's count 1.
    pub spread: f32,
}

/// Orders the first [`DEPTH`] of `hits` again; the rest follows in its order. `candidate` gives what
/// is known of a chunk, `maxsim` the late-interaction scores of chunks, `None` for one without.
///
/// # Errors
/// Where `maxsim` fails.
pub fn rerank<'c>(
    hits: Vec<Hit>,
    question: &Question<'_>,
    candidate: impl Fn(ChunkId) -> Option<&'c Candidate>,
    maxsim: impl FnOnce(&[ChunkId]) -> Result<Vec<Option<f32>>>,
) -> Result<Vec<Hit>> {
    let mut head = hits;
    let tail = head.split_off(head.len().min(DEPTH));
    let ids: Vec<ChunkId> = head.iter().map(|hit| hit.chunk_id).collect();
    let late = maxsim(&ids)?;
    let typical = mean(late.iter().flatten().copied()).unwrap_or(0.0);
    let vectors: Vec<Option<&[f32]>> = ids
        .iter()
        .map(|id| candidate(*id)?.vector.as_deref())
        .collect();
    // What does not change when the question's vector moves.
    let fixed: Vec<f32> = head
        .iter()
        .zip(&late)
        .map(|(hit, late)| {
            question.scale.apply(hit.scores.bm25.unwrap_or(0.0))
                + MAXSIM_WEIGHT * question.spread * late.unwrap_or(typical)
        })
        .collect();
    let cosines: Vec<f32> = head
        .iter()
        .map(|hit| hit.scores.dense.unwrap_or(0.0))
        .collect();

    let first = sums(&cosines, &fixed);
    let moved = fed_back(question, &first, &vectors);
    let cosines: Vec<f32> = vectors
        .iter()
        .zip(&cosines)
        .map(|(vector, cosine)| vector.map_or(*cosine, |vector| dot(&moved, vector)))
        .collect();
    let scores = lifted(&sums(&cosines, &fixed), &vectors);

    for (at, hit) in head.iter_mut().enumerate() {
        hit.scores.rerank = late[at];
        hit.score = scores[at];
    }
    let mut hits = sorted(head);
    // Scores fall from the first to the last, also from what was looked at to what was not.
    let lowest = hits.last().map_or(f32::MAX, |hit| hit.score);
    hits.extend(tail.into_iter().map(|hit| Hit {
        score: hit.score.min(lowest),
        ..hit
    }));
    Ok(hits)
}

/// The question's vector, moved towards the candidates that `scores` put first.
fn fed_back(question: &Question<'_>, scores: &[f32], vectors: &[Option<&[f32]>]) -> Vec<f32> {
    let mut best: Vec<usize> = (0..scores.len())
        .filter(|at| vectors[*at].is_some())
        .collect();
    best.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    best.truncate(FEEDBACK);
    let Some(top) = best.first().map(|at| scores[*at]) else {
        return question.vector.to_vec();
    };
    let temperature = FEEDBACK_TEMPERATURE * question.spread;
    let weights: Vec<f32> = best
        .iter()
        .map(|at| ((scores[*at] - top) / temperature).exp())
        .collect();
    let total: f32 = weights.iter().sum();
    let mut moved = question.vector.to_vec();
    for (at, weight) in best.iter().zip(&weights) {
        if let Some(vector) = vectors[*at] {
            let weight = FEEDBACK_WEIGHT * weight / total;
            for (sum, value) in moved.iter_mut().zip(vector) {
                *sum += weight * value;
            }
        }
    }
    let length = dot(&moved, &moved).sqrt().max(f32::MIN_POSITIVE);
    moved.iter_mut().for_each(|value| *value /= length);
    moved
}

/// Each score, lifted where the nearest other candidates have better ones.
fn lifted(scores: &[f32], vectors: &[Option<&[f32]>]) -> Vec<f32> {
    (0..scores.len())
        .map(|at| {
            let Some(vector) = vectors[at] else {
                return scores[at];
            };
            let mut near: Vec<(f32, f32)> = vectors
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .filter_map(|(other, vector_of)| {
                    Some((dot(vector, (*vector_of)?).max(0.0), scores[other]))
                })
                .collect();
            near.sort_by(|a, b| b.0.total_cmp(&a.0));
            near.truncate(NEIGHBOURS);
            let weight: f32 = near
                .iter()
                .map(|(cosine, _)| cosine.powi(NEIGHBOUR_POWER))
                .sum();
            if weight <= 0.0 {
                return scores[at];
            }
            let neighbours: f32 = near
                .iter()
                .map(|(cosine, score)| cosine.powi(NEIGHBOUR_POWER) * score)
                .sum::<f32>()
                / weight;
            scores[at] + NEIGHBOUR_SHARE * (neighbours - scores[at]).max(0.0)
        })
        .collect()
}

fn sums(one: &[f32], other: &[f32]) -> Vec<f32> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one + other)
        .collect()
}

fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f32)
}

/// In eight lanes, so that it is vectorised.
pub(crate) fn dot(one: &[f32], other: &[f32]) -> f32 {
    let (ones, ones_rest) = one.as_chunks::<8>();
    let (others, others_rest) = other.as_chunks::<8>();
    let mut lanes = [0.0f32; 8];
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..8 {
            lanes[lane] += one[lane] * other[lane];
        }
    }
    let rest: f32 = ones_rest
        .iter()
        .zip(others_rest)
        .map(|(one, other)| one * other)
        .sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::convex;

    const SCALE: fn() -> Bm25Scale = || Bm25Scale::new(0.0, 0.0, false, 1.0);

    /// Candidates on a plane, `angle` degrees from the question.
    fn candidates(angles: &[f32]) -> Vec<Candidate> {
        angles
            .iter()
            .enumerate()
            .map(|(id, angle)| {
                let (sin, cos) = angle.to_radians().sin_cos();
                Candidate {
                    chunk_id: id as u64,
                    cosine: Some(cos),
                    bm25: None,
                    vector: Some(vec![cos, sin]),
                }
            })
            .collect()
    }

    fn reranked(candidates: &[Candidate], maxsim: &[Option<f32>]) -> Vec<Hit> {
        let question = Question {
            vector: &[1.0, 0.0],
            scale: SCALE(),
            spread: 1.0,
        };
        rerank(
            convex(candidates, SCALE()),
            &question,
            |id| candidates.get(id as usize),
            |ids| {
                Ok(ids
                    .iter()
                    .map(|id| maxsim.get(*id as usize).copied().flatten())
                    .collect())
            },
        )
        .unwrap()
    }

    fn order(hits: &[Hit]) -> Vec<u64> {
        hits.iter().map(|hit| hit.chunk_id).collect()
    }

    #[test]
    fn a_chunk_whose_words_answer_better_comes_first() {
        let found = reranked(&candidates(&[10.0, 20.0]), &[Some(0.2), Some(0.9)]);
        assert_eq!(order(&found), [1, 0]);
        assert_eq!(found[0].scores.rerank, Some(0.9));
        assert!(found[0].scores.fused.unwrap() < found[1].scores.fused.unwrap());
    }

    #[test]
    fn what_is_like_the_best_rises() {
        // Two at the same distance from the question; the first four lie on one's side.
        let found = reranked(&candidates(&[50.0, -50.0, 10.0, 15.0, 20.0, 25.0]), &[]);
        let place = |id: u64| order(&found).iter().position(|found| *found == id);
        assert!(place(0) < place(1), "{found:?}");
    }

    #[test]
    fn nothing_known_keeps_the_order() {
        let mut unknown = candidates(&[10.0, 20.0, 30.0]);
        for candidate in &mut unknown {
            candidate.vector = None;
        }
        assert_eq!(order(&reranked(&unknown, &[])), [0, 1, 2]);
        assert_eq!(reranked(&[], &[]), []);
    }

    #[test]
    fn what_lies_deeper_stays_behind() {
        let angles: Vec<f32> = (0..DEPTH + 5).map(|at| at as f32 * 0.5).collect();
        let maxsim: Vec<Option<f32>> = (0..DEPTH + 5).map(|at| Some(at as f32)).collect();
        let found = reranked(&candidates(&angles), &maxsim);
        assert_eq!(order(&found)[DEPTH..], [100, 101, 102, 103, 104]);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}
