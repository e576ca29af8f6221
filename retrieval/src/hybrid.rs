//! The path of one query: dense and BM25 search side by side, then fusion.
//!
//! A dense index that cannot be reached (a server that is down) is done without: BM25 answers
//! alone, and the warning says so.

use crate::dense::DenseIndex;
use crate::embed::Embedder;
use crate::lexical::LexicalIndex;
use crate::{ChunkId, Error, Found, Hit, Mode, Query, Result, Scores, fusion};

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
}

/// Finds the chunks that answer `query`, best first, `query.top_k` at most.
///
/// # Errors
/// Where the embedder or an index fails.
pub fn search(query: &Query, stores: &Stores<'_>) -> Result<Found> {
    let candidates = CANDIDATES.max(query.top_k);
    let by_meaning = || {
        let vector = stores.embedder.embed_query(&query.text)?;
        stores.dense.search(&vector, candidates, &query.filter)
    };
    let by_words = || {
        stores
            .lexical
            .search(&query.text, candidates, &query.filter)
    };
    let bm25 = |score| Scores {
        bm25: Some(score),
        ..Scores::default()
    };

    let mut warnings = Vec::new();
    let mut hits = match query.mode {
        Mode::Dense => single(by_meaning()?, |score| Scores {
            dense: Some(score),
            ..Scores::default()
        }),
        Mode::Bm25 => single(by_words()?, bm25),
        Mode::Hybrid => {
            let (meaning, words) = std::thread::scope(|scope| {
                let words = scope.spawn(by_words);
                let meaning = by_meaning();
                (meaning, words.join())
            });
            let words = words.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            match meaning {
                Ok(meaning) => fusion::reciprocal_rank(&meaning, &words),
                Err(error @ Error::Unavailable { .. }) => {
                    warnings.push(format!("found by words alone: {error}"));
                    single(words, bm25)
                }
                Err(error) => return Err(error),
            }
        }
    };
    hits.truncate(query.top_k);
    Ok(Found { hits, warnings })
}

fn single(ranking: Vec<(ChunkId, f32)>, scores: impl Fn(f32) -> Scores) -> Vec<Hit> {
    ranking
        .into_iter()
        .map(|(chunk_id, score)| Hit {
            chunk_id,
            score,
            scores: scores(score),
        })
        .collect()
}
