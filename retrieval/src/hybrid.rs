//! The path of one query: dense and BM25 search side by side, then fusion, then late interaction
//! over the best.
//!
//! A dense index that cannot be reached (a server that is down) is done without: BM25 answers
//! alone, and the warning says so.

use crate::dense::DenseIndex;
use crate::embed::{Embedded, Embedder};
use crate::lexical::LexicalIndex;
use crate::tokens::TokenIndex;
use crate::{ChunkId, Error, Found, Hit, Mode, Query, Result, Scores, fusion, rerank};

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

/// Finds the chunks that answer `query`, best first, `query.top_k` at most.
///
/// # Errors
/// Where the embedder or an index fails.
pub fn search(query: &Query, stores: &Stores<'_>) -> Result<Found> {
    let candidates = CANDIDATES.max(query.top_k);
    let by_meaning = || {
        let asked = stores.embedder.encode_query(&query.text)?;
        let ranking = stores
            .dense
            .search(&asked.vector, candidates, &query.filter);
        Ok::<_, Error>((asked, ranking))
    };
    let by_words = || {
        stores
            .lexical
            .search(&query.text, candidates, &query.filter)
    };

    let mut found = Found::default();
    let mut asked: Option<Embedded> = None;
    found.hits = match query.mode {
        Mode::Bm25 => by_words_alone(by_words()?),
        Mode::Dense => {
            let (embedded, ranking) = by_meaning()?;
            asked = Some(embedded);
            single(ranking?, |score| Scores {
                dense: Some(score),
                ..Scores::default()
            })
        }
        Mode::Hybrid => {
            let (meaning, words) = std::thread::scope(|scope| {
                let words = scope.spawn(by_words);
                let meaning = by_meaning();
                (meaning, words.join())
            });
            let words = words.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            let (embedded, ranking) = meaning?;
            asked = Some(embedded);
            match ranking {
                Ok(ranking) => fusion::reciprocal_rank(&ranking, &words),
                Err(error @ Error::Unavailable { .. }) => {
                    found
                        .warnings
                        .push(format!("found by words alone: {error}"));
                    by_words_alone(words)
                }
                Err(error) => return Err(error),
            }
        }
    };
    if let Some(tokens) = stores.tokens.filter(|_| query.rerank) {
        let asked = match asked {
            Some(asked) => asked,
            None => stores.embedder.encode_query(&query.text)?,
        };
        let idf = |word: &str| stores.lexical.idf(word);
        rerank::rerank(&mut found.hits, |ids| {
            tokens.maxsim(&query.text, &asked.tokens, idf, ids)
        });
    }
    found.hits.truncate(query.top_k);
    Ok(found)
}

fn by_words_alone(ranking: Vec<(ChunkId, f32)>) -> Vec<Hit> {
    single(ranking, |score| Scores {
        bm25: Some(score),
        ..Scores::default()
    })
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
