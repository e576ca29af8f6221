//! The ranking that pages are cut from.
//!
//! A page must follow the one before it, so the order may not depend on how much of it is asked
//! for. Scores do depend on how many candidates the stages look at; so the first hundred always
//! come from a search of one depth, and what lies beyond them from one deeper search, without
//! those that came before.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Result;
use retrieval::{ChunkId, Filter, Hit, Mode, Query, diversify};

use super::SearchRequest;
use crate::library::index::Searched;
use crate::library::{Indexes, Library, blocking};

/// Depth of the search that most pages come from.
const DEPTH: usize = 100;
/// Depth where a page lies beyond; some more than pages can reach, since some may be left out.
pub(super) const DEEP: usize = 1200;

/// Passages that can be shown, best first.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) hits: Vec<Hit>,
    /// What was done without.
    pub(super) warnings: Vec<String>,
}

impl Library {
    /// Ranks passages for a query, more than `end` of them where there are as many.
    pub(super) async fn ranked(
        &self,
        request: &SearchRequest,
        filter: Filter,
        end: usize,
    ) -> Result<Pool> {
        let is_hybrid = request.mode == Mode::Hybrid;
        let mut query = Query {
            asked: request.asked(),
            mode: request.mode,
            fusion: self.settings.search_fusion,
            top_k: DEPTH,
            // Who asks one index alone wants to see its order, unless told otherwise.
            rerank: request
                .rerank
                .unwrap_or(is_hybrid && self.settings.search_rerank),
            filter,
        };
        let mut pool = Pool::default();
        let mut seen: HashSet<ChunkId> = HashSet::new();
        for depth in [DEPTH, DEEP] {
            query.top_k = depth;
            let Searched {
                mut found,
                up_to,
                indexes: _in_use,
            } = self.find(&query).await?;
            let is_all = found.hits.len() < depth;
            found.hits.retain(|hit| seen.insert(hit.chunk_id));
            let mut hits = self.searchable(found.hits, up_to).await?;
            if depth == DEPTH {
                pool.warnings = found.warnings;
                if query.rerank {
                    hits = self
                        .read_again(hits, &query.asked, &mut pool.warnings)
                        .await?;
                }
                hits = self.diversified(hits, request, &mut pool.warnings).await?;
            }
            pool.hits.extend(hits);
            if is_all || pool.hits.len() > end {
                break;
            }
        }
        Ok(pool)
    }

    /// Leaves out hits that not every index knows in their present state.
    pub(in crate::library) async fn searchable(
        &self,
        mut hits: Vec<Hit>,
        up_to: u64,
    ) -> Result<Vec<Hit>> {
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
        let known = self.catalog.searchable(&ids, up_to).await?;
        hits.retain(|hit| known.contains(&hit.chunk_id));
        Ok(hits)
    }

    async fn diversified(
        &self,
        hits: Vec<Hit>,
        request: &SearchRequest,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Hit>> {
        let strength = request.diversify.unwrap_or(0.0);
        if strength <= 0.0 || hits.len() < 2 {
            return Ok(hits);
        }
        let indexes = self.indexes().await?;
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
        match vectors(indexes, ids).await? {
            Ok(vectors) => {
                let scores: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
                let order = diversify::order(&scores, &vectors, strength);
                Ok(order.into_iter().map(|at| hits[at].clone()).collect())
            }
            Err(error @ retrieval::Error::Unavailable { .. }) => {
                warnings.push(format!("not diversified: {error}"));
                Ok(hits)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The vectors of chunks; the inner result is what the index says.
async fn vectors(
    indexes: Arc<Indexes>,
    ids: Vec<ChunkId>,
) -> Result<retrieval::Result<Vec<Option<Vec<f32>>>>> {
    blocking(move || Ok(indexes.dense().vectors(&ids))).await
}
