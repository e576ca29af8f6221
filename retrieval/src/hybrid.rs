//! The path of one query: dense and BM25 search side by side, then fusion.

use crate::dense::DenseIndex;
use crate::embed::Embedder;
use crate::lexical::LexicalIndex;
use crate::{ChunkId, Hit, Mode, Query, Result, Scores, fusion};

/// Each ranking's length before fusion: a chunk far down in one may still be first in the other.
const CANDIDATES: usize = 100;

/// Finds the chunks that answer `query`, best first, `query.top_k` at most.
///
/// # Errors
/// Where the embedder or an index fails.
pub fn search(
    query: &Query,
    embedder: &dyn Embedder,
    dense: &DenseIndex,
    lexical: &LexicalIndex,
) -> Result<Vec<Hit>> {
    let candidates = CANDIDATES.max(query.top_k);
    let by_meaning = || {
        dense.search(
            embedder.embed_query(&query.text)?,
            candidates,
            &query.filter,
        )
    };
    let by_words = || lexical.search(&query.text, candidates, &query.filter);

    let mut hits = match query.mode {
        Mode::Dense => single(by_meaning()?, |score| Scores {
            dense: Some(score),
            ..Scores::default()
        }),
        Mode::Bm25 => single(by_words()?, |score| Scores {
            bm25: Some(score),
            ..Scores::default()
        }),
        Mode::Hybrid => {
            let (meaning, words) = std::thread::scope(|scope| {
                let words = scope.spawn(by_words);
                let meaning = by_meaning();
                (meaning, words.join())
            });
            let words = words.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            fusion::reciprocal_rank(&meaning?, &words?)
        }
    };
    hits.truncate(query.top_k);
    Ok(hits)
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
