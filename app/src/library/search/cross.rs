//! The best passages, read again by a cross-encoder where there is one (`search.reranker`).
//!
//! It runs a model for every passage, so it is given few, after everything cheaper has ordered them.
//! One that was trained here is looked for at every search: a library uses it from the moment on that
//! it was found better, without a restart.

use std::sync::Arc;

use anyhow::Result;
use retrieval::cross_encoder::residual;
use retrieval::{ChunkId, Hit, ParsedQuery, headings};

use crate::library::{Library, blocking};
use crate::models::pull::Place;
use crate::models::reranker::{LoadedReranker, RerankerModel};

impl Library {
    /// Puts the first hits in the order of the cross-encoder, where there is one. One that cannot be
    /// used is done without, and a warning says so.
    pub(super) async fn read_again(
        &self,
        mut hits: Vec<Hit>,
        asked: &ParsedQuery,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Hit>> {
        let reranker = match self.cross_encoder().await {
            Ok(Some(reranker)) => reranker,
            Ok(None) => return Ok(hits),
            Err(error) => {
                warnings.push(format!("not read again by the reranker: {error:#}"));
                return Ok(hits);
            }
        };
        let rest = hits.split_off(hits.len().min(reranker.depth()));
        let texts = match reranker.residual {
            Some(_) => self.embedded_texts(&hits).await?,
            None => {
                let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
                self.catalog.chunk_texts(&ids).await?
            }
        };
        if texts.len() < hits.len() {
            // One was deleted meanwhile; texts and hits no longer stand side by side.
            hits.extend(rest);
            return Ok(hits);
        }
        let question = asked.plain_text();
        let scores: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
        let (logits, order) = blocking(move || {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let logits = reranker.encoder.score(&question, &texts)?;
            let order = residual::order(&scores, &logits, reranker.residual.as_ref());
            Ok((logits, order))
        })
        .await?;
        for (hit, logit) in hits.iter_mut().zip(&logits) {
            hit.scores.rerank = Some(*logit);
        }
        // The places of a ranking keep their scores, so that these fall from first to last.
        let falling: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
        let mut read: Vec<Hit> = order.into_iter().map(|at| hits[at].clone()).collect();
        for (hit, score) in read.iter_mut().zip(falling) {
            hit.score = score;
        }
        read.extend(rest);
        Ok(read)
    }

    /// The texts of hits with their titles and headings, as they are embedded.
    pub(in crate::library) async fn embedded_texts(&self, hits: &[Hit]) -> Result<Vec<String>> {
        let passages = self.catalog.passages(hits, 1).await?;
        let text = |passage: &retrieval::Passage| {
            headings(&passage.title, passage.section.as_deref()) + &passage.text
        };
        Ok(passages.iter().map(text).collect())
    }

    async fn cross_encoder(&self) -> Result<Option<Arc<LoadedReranker>>> {
        let Some(model) = RerankerModel::choose(&self.settings)? else {
            return Ok(None);
        };
        let mut kept = self.cross_encoder.lock().await;
        let name = model.name();
        if let Some((_, loaded)) = kept.as_ref().filter(|(known, _)| *known == name) {
            return Ok(Some(loaded.clone()));
        }
        let (models_dir, offline) = (self.settings.models_dir.clone(), self.settings.offline);
        let loaded = blocking(move || {
            let place = Place {
                models_dir: &models_dir,
                offline,
            };
            Ok(Arc::new(model.load(&place)?))
        })
        .await?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        *kept = Some((name, loaded.clone()));
        Ok(Some(loaded))
    }
}
