//! More like this: passages that mean what a passage means, or documents that mean what a document
//! means, by the vectors that the dense index has anyway.
//!
//! A document's vector is the mean of its chunks'. Documents come with their nearest passage, one
//! each. A passage is not like itself, nor like its neighbours, with which it shares text.

use std::collections::HashSet;

use anyhow::Result;
use retrieval::dense::DenseIndex;
use retrieval::{ChunkId, Filter, Hit, Scores};

use super::pool::{DEEP, DEPTH, Pool, vectors};
use crate::catalog::ChunkPlace;
use crate::error::{Fault, Problem};
use crate::library::{Library, blocking};

/// What others are to be like.
enum Pattern {
    Passage(ChunkPlace),
    Document { id: String, chunks: Vec<ChunkId> },
}

impl Library {
    /// Ranks what is like a passage (by its chunk id) or a document, more than `end` of it where
    /// there is as much.
    pub(super) async fn alike(&self, like: &str, filter: Filter, end: usize) -> Result<Pool> {
        let pattern = self.pattern(like).await?;
        let (ids, depth) = match &pattern {
            Pattern::Passage(place) => {
                let depth = if end < DEPTH - 10 { DEPTH } else { DEEP };
                (vec![place.chunk_id], depth)
            }
            Pattern::Document { chunks, .. } => (chunks.clone(), DEEP + chunks.len()),
        };
        let indexes = self.indexes().await?;
        let vectors = vectors(indexes.clone(), ids).await??;
        let Some(vector) = mean(vectors.into_iter().flatten()) else {
            return Err(Problem::new(
                Fault::Conflict,
                "not_indexed_yet",
                format!("the index does not have {like:?} yet"),
                "wait until the indexes have caught up; `lectern doctor` tells",
            )
            .into());
        };
        let (found, up_to) = blocking(move || {
            let up_to = indexes.watermark()?;
            Ok((indexes.dense.search(&vector, depth, &filter)?, up_to))
        })
        .await?;
        let hits = found
            .into_iter()
            .map(|(chunk_id, score)| Hit {
                chunk_id,
                score,
                scores: Scores {
                    dense: Some(score),
                    ..Scores::default()
                },
            })
            .collect();
        let hits = self.searchable(hits, up_to).await?;
        Ok(Pool {
            hits: self.others(&pattern, hits).await?,
            warnings: Vec::new(),
        })
    }

    async fn pattern(&self, like: &str) -> Result<Pattern> {
        let like = like.trim();
        if let Ok(id) = like.parse::<ChunkId>()
            && let Some(place) = self.catalog.chunk_places(&[id]).await?.pop()
        {
            return Ok(Pattern::Passage(place));
        }
        let record = self.document(like).await.map_err(|error| {
            match error.downcast::<Problem>() {
                Ok(problem) if problem.code == "document_not_found" => Problem::new(
                    Fault::NotFound,
                    "like_not_found",
                    format!("there is no passage and no document {like:?}"),
                    "give the chunk_id of a passage, as `lectern search --json` prints it, or an id or file name that `lectern documents list` shows",
                )
                .into(),
                Ok(problem) => problem.into(),
                Err(error) => error,
            }
        })?;
        let chunks = self.catalog.chunk_ids(&record.id).await?;
        if chunks.is_empty() {
            return Err(Problem::new(
                Fault::Input,
                "document_without_text",
                format!("{} has no text to compare", record.file),
                "where its pages are pictures, install tesseract and add it again",
            )
            .into());
        }
        Ok(Pattern::Document {
            id: record.id,
            chunks,
        })
    }

    /// Leaves out what the pattern itself is, and of documents all but the first passage.
    async fn others(&self, pattern: &Pattern, hits: Vec<Hit>) -> Result<Vec<Hit>> {
        let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
        let places = self.catalog.chunk_places(&ids).await?;
        let mut shown: HashSet<&str> = HashSet::new();
        let kept: HashSet<ChunkId> = match pattern {
            Pattern::Passage(own) => places
                .iter()
                .filter(|place| {
                    place.document_id != own.document_id
                        || place.position.abs_diff(own.position) > 1
                })
                .map(|place| place.chunk_id)
                .collect(),
            Pattern::Document { id, .. } => places
                .iter()
                .filter(|place| place.document_id != *id && shown.insert(&place.document_id))
                .map(|place| place.chunk_id)
                .collect(),
        };
        Ok(hits
            .into_iter()
            .filter(|hit| kept.contains(&hit.chunk_id))
            .collect())
    }
}

/// The mean of vectors, L2-normalised; none of none.
fn mean(vectors: impl Iterator<Item = Vec<f32>>) -> Option<Vec<f32>> {
    let sum = vectors.reduce(|mut sum, vector| {
        sum.iter_mut()
            .zip(vector)
            .for_each(|(total, value)| *total += value);
        sum
    })?;
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    (length > 0.0).then(|| sum.into_iter().map(|value| value / length).collect())
}

#[cfg(test)]
mod tests {
    use super::mean;

    #[test]
    fn a_mean_has_length_one() {
        let found = mean([vec![1.0, 0.0], vec![0.0, 1.0]].into_iter()).unwrap();
        assert!((found[0] - 0.5_f32.sqrt()).abs() < 1e-6 && (found[0] - found[1]).abs() < 1e-6);
        assert_eq!(mean(std::iter::empty()), None);
        assert_eq!(mean([vec![1.0], vec![-1.0]].into_iter()), None);
    }
}
