//! The best passages, read again by a cross-encoder where one is set (`search.reranker`).
//!
//! It runs a model for every passage, so it is given few, after everything cheaper has ordered them.

use std::sync::Arc;

use anyhow::Result;
use retrieval::cross_encoder::CrossEncoder;
use retrieval::{ChunkId, Hit, ParsedQuery};

use crate::library::{Library, blocking};
use crate::models::pull::Place;
use crate::models::reranker::RerankerModel;

/// Passages that are read again.
const DEPTH: usize = 20;

impl Library {
    /// Puts the first hits in the order of the cross-encoder, where one is set. One that cannot be
    /// used is done without, and a warning says so.
    pub(super) async fn read_again(
        &self,
        mut hits: Vec<Hit>,
        asked: &ParsedQuery,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Hit>> {
        let encoder = match self.cross_encoder().await {
            Ok(Some(encoder)) => encoder,
            Ok(None) => return Ok(hits),
            Err(error) => {
                warnings.push(format!("not read again by the reranker: {error:#}"));
                return Ok(hits);
            }
        };
        let rest = hits.split_off(hits.len().min(DEPTH));
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
        let texts = self.catalog.chunk_texts(&ids).await?;
        if texts.len() < ids.len() {
            // One was deleted meanwhile; texts and hits no longer stand side by side.
            hits.extend(rest);
            return Ok(hits);
        }
        let question = asked.plain_text();
        let scores = blocking(move || {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            Ok(encoder.score(&question, &texts)?)
        })
        .await?;
        for (hit, score) in hits.iter_mut().zip(&scores) {
            hit.scores.rerank = Some(*score);
        }
        // The places of a ranking keep their scores, so that these fall from first to last.
        let falling: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
        let mut order: Vec<usize> = (0..hits.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let mut read: Vec<Hit> = order.into_iter().map(|at| hits[at].clone()).collect();
        for (hit, score) in read.iter_mut().zip(falling) {
            hit.score = score;
        }
        read.extend(rest);
        Ok(read)
    }

    async fn cross_encoder(&self) -> Result<Option<Arc<dyn CrossEncoder>>> {
        let Some(model) = RerankerModel::choose(&self.settings)? else {
            return Ok(None);
        };
        let load = || async {
            let (models_dir, offline) = (self.settings.models_dir.clone(), self.settings.offline);
            blocking(move || {
                let place = Place {
                    models_dir: &models_dir,
                    offline,
                };
                Ok(Arc::from(model.load(&place)?))
            })
            .await
        };
        self.cross_encoder
            .get_or_try_init(load)
            .await
            .cloned()
            .map(Some)
    }
}
