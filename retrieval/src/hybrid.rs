//! The path of one query: dense and BM25 search side by side, every candidate scored by both, the
//! scores joined, the best looked at again.
//!
//! A dense index that cannot be reached (a server that is down) is done without: BM25 answers
//! alone, and the warning says so.

use std::collections::HashMap;

use crate::dense::DenseIndex;
use crate::embed::{Embedded, Embedder};
use crate::fusion::{self, Bm25Scale, Candidate, Fusion};
use crate::lexical::{self, LexicalIndex};
use crate::rerank::{self, Question, dot};
use crate::tokens::TokenIndex;
use crate::{ChunkId, Error, Found, Hit, Mode, Query, Result, Scores};

/// Each ranking's length before fusion: a chunk far down in one may still be first in the other.
const CANDIDATES: usize = 100;

/// What a query is put to.
pub struct Stores<'a> {
    /// Of the model that the vectors come from.
    pub embedder: &'a dyn Embedder,
    /// Chunk vectors.
    pub dense: &'a dyn DenseIndex,
    /// Postings.
    pub lexical: &'a LexicalIndex,
    /// Token vectors, where they are kept.
    pub tokens: Option<&'a TokenIndex>,
}

type Ranking = Vec<(ChunkId, f32)>;

/// Finds the chunks that answer `query`, best first, `query.top_k` at most.
///
/// # Errors
/// Where the embedder or an index fails.
pub fn search(query: &Query, stores: &Stores<'_>) -> Result<Found> {
    let limit = CANDIDATES.max(query.top_k);
    let text = query.asked.plain_text();
    let by_words = || {
        stores
            .lexical
            .search_parsed(&query.asked, limit, &query.filter)
    };
    let by_meaning = || -> Result<(Embedded, Ranking)> {
        let asked = stores.embedder.encode_query(&text)?;
        let found = stores.dense.search(&asked.vector, limit, &query.filter)?;
        Ok((asked, allowed(query, stores, found)?))
    };

    let mut warnings = Vec::new();
    let (words, meaning) = match query.mode {
        Mode::Bm25 if query.rerank => {
            let asked = stores.embedder.encode_query(&text)?;
            (by_words()?, Some((asked, Ranking::new())))
        }
        Mode::Bm25 => (by_words()?, None),
        Mode::Dense => (Ranking::new(), Some(by_meaning()?)),
        Mode::Hybrid => {
            let (words, meaning) = std::thread::scope(|scope| {
                let words = scope.spawn(by_words);
                let meaning = by_meaning();
                (words.join(), meaning)
            });
            let words = words.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            match meaning {
                Ok(meaning) => (words, Some(meaning)),
                Err(error @ Error::Unavailable { .. }) => {
                    warnings.push(format!("found by words alone: {error}"));
                    (words, None)
                }
                Err(error) => return Err(error),
            }
        }
    };
    let mut hits = match meaning {
        None => alone(words, |score| Scores {
            bm25: Some(score),
            ..Scores::default()
        }),
        Some((_, ranking)) if query.mode == Mode::Dense && !query.rerank => {
            alone(ranking, |score| Scores {
                dense: Some(score),
                ..Scores::default()
            })
        }
        Some((asked, ranking)) => match joined(query, stores, &asked, &ranking, &words) {
            // It went away between search and vectors.
            Err(error @ Error::Unavailable { .. }) if query.mode == Mode::Hybrid => {
                warnings.push(format!("found by words alone: {error}"));
                alone(words, |score| Scores {
                    bm25: Some(score),
                    ..Scores::default()
                })
            }
            joined => joined?,
        },
    };
    hits.truncate(query.top_k);
    Ok(Found { hits, warnings })
}

/// Scores every candidate of either ranking by both, joins the scores, and reranks where asked to.
fn joined(
    query: &Query,
    stores: &Stores<'_>,
    asked: &Embedded,
    meaning: &[(ChunkId, f32)],
    words: &[(ChunkId, f32)],
) -> Result<Vec<Hit>> {
    let candidates = candidates(query, stores, asked, meaning, words)?;
    let best = candidates
        .iter()
        .filter_map(|candidate| candidate.bm25)
        .fold(0.0, f32::max);
    let text = query.asked.plain_text();
    let spread = stores.tokens.map_or(1.0, TokenIndex::spread);
    let exact = !lexical::identifiers(&text).is_empty();
    let scale = Bm25Scale::new(best, stores.lexical.bound(&query.asked)?, exact, spread);
    let hits = match query.fusion {
        Fusion::Convex => fusion::convex(&candidates, scale),
        Fusion::Rrf => fusion::reciprocal_rank(&candidates, meaning, words),
    };
    let Some(tokens) = stores.tokens.filter(|_| query.rerank) else {
        return Ok(hits);
    };
    let by_id: HashMap<ChunkId, &Candidate> = candidates
        .iter()
        .map(|candidate| (candidate.chunk_id, candidate))
        .collect();
    let question = Question {
        vector: &asked.vector,
        scale,
        spread,
    };
    let idf = |words: &[&str]| stores.lexical.idf(words);
    let late = |ids: &[ChunkId]| tokens.maxsim(&text, &asked.tokens, idf, ids);
    rerank::rerank(hits, &question, |id| by_id.get(&id).copied(), late)
}

/// The chunks of either ranking, each with its cosine, its BM25 score and its vector.
fn candidates(
    query: &Query,
    stores: &Stores<'_>,
    asked: &Embedded,
    meaning: &[(ChunkId, f32)],
    words: &[(ChunkId, f32)],
) -> Result<Vec<Candidate>> {
    let mut ids: Vec<ChunkId> = meaning.iter().chain(words).map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let bm25 = stores.lexical.scores(&query.asked, &ids)?;
    // Vectors serve the cosine of what BM25 found, and reranking.
    let vectors = stores.dense.vectors(&ids)?;
    let found: HashMap<ChunkId, f32> = meaning.iter().copied().collect();
    Ok(ids
        .into_iter()
        .zip(bm25)
        .zip(vectors)
        .map(|((chunk_id, bm25), vector)| Candidate {
            chunk_id,
            cosine: vector
                .as_deref()
                .map(|vector| dot(vector, &asked.vector))
                .or_else(|| found.get(&chunk_id).copied()),
            bm25: Some(bm25),
            vector,
        })
        .collect())
}

/// What of a dense ranking meets the conditions of the question (phrases, words required or
/// excluded), which only the postings know.
fn allowed(query: &Query, stores: &Stores<'_>, ranking: Ranking) -> Result<Ranking> {
    if !query.asked.has_conditions() {
        return Ok(ranking);
    }
    let ids: Vec<ChunkId> = ranking.iter().map(|(id, _)| *id).collect();
    let allowed = stores.lexical.matching(&query.asked, &query.filter, &ids)?;
    Ok(ranking
        .into_iter()
        .zip(allowed)
        .filter_map(|(found, allowed)| allowed.then_some(found))
        .collect())
}

fn alone(ranking: Ranking, scores: impl Fn(f32) -> Scores) -> Vec<Hit> {
    ranking
        .into_iter()
        .map(|(chunk_id, score)| Hit {
            chunk_id,
            score,
            scores: scores(score),
        })
        .collect()
}
