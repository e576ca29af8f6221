//! More like this: passages that mean what a passage means and use the words that set it apart, or
//! documents that do so with a document.
//!
//! The vectors are those that the dense index has anyway; a document's is the mean of its chunks'.
//! The words are the most characteristic ones of the text. The two rankings are joined by their
//! ranks, since neither's scores were tuned for questions as long as these. Documents come with
//! their best passage, one each. A passage is not like itself, nor like its neighbours, with which
//! it shares text.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use retrieval::fusion::{self, Candidate};
use retrieval::{ChunkId, Error, Filter, Hit, Mode, Scores};

use super::pool::{DEEP, Pool};
use crate::catalog::ChunkPlace;
use crate::error::{Fault, Problem};
use crate::library::{Indexes, Library, blocking};

type Ranking = Vec<(ChunkId, f32)>;

/// What others are to be like.
enum Pattern {
    Passage(ChunkPlace),
    Document { id: String, chunks: Vec<ChunkId> },
}

impl Library {
    /// Ranks what is like a passage (by its chunk id) or a document.
    pub(super) async fn alike(&self, like: &str, mode: Mode, filter: Filter) -> Result<Pool> {
        let pattern = self.pattern(like).await?;
        let ids = match &pattern {
            Pattern::Passage(place) => vec![place.chunk_id],
            Pattern::Document { chunks, .. } => chunks.clone(),
        };
        let text = self.catalog.chunk_texts(&ids).await?.join("\n");
        // A document's own chunks come first and are left out.
        let depth = DEEP + ids.len();
        let indexes = self.indexes().await?;
        let (hits, warnings, up_to) = blocking(move || {
            let up_to = indexes.watermark();
            let (hits, warnings) = ranked(&indexes, mode, &ids, &text, depth, &filter)?;
            Ok((hits, warnings, up_to))
        })
        .await?;
        let hits = self.searchable(hits, up_to).await?;
        Ok(Pool {
            hits: self.others(&pattern, hits).await?,
            warnings,
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

/// What is nearest to the mean of `ids`, what has the words of `text`, or both joined; with what
/// was done without.
fn ranked(
    indexes: &Indexes,
    mode: Mode,
    ids: &[ChunkId],
    text: &str,
    depth: usize,
    filter: &Filter,
) -> Result<(Vec<Hit>, Vec<String>)> {
    let (dense, lexical) = (indexes.dense(), indexes.lexical());
    let by_words = || lexical.similar(text, depth, filter);
    let by_meaning = || -> retrieval::Result<Option<(Vec<f32>, Ranking)>> {
        let Some(vector) = mean(dense.vectors(ids)?.into_iter().flatten()) else {
            return Ok(None);
        };
        let found = dense.search(&vector, depth, filter)?;
        Ok(Some((vector, found)))
    };
    let alone = |ranking: Ranking, scores: fn(f32) -> Scores| -> Vec<Hit> {
        ranking
            .into_iter()
            .map(|(chunk_id, score)| Hit {
                chunk_id,
                score,
                scores: scores(score),
            })
            .collect()
    };
    let bm25 = |score| Scores {
        bm25: Some(score),
        ..Scores::default()
    };
    if mode == Mode::Bm25 {
        return Ok((alone(by_words()?, bm25), Vec::new()));
    }
    let (vector, meaning) = match by_meaning() {
        Ok(Some(found)) => found,
        Ok(None) => {
            return Err(Problem::new(
                Fault::Conflict,
                "not_indexed_yet",
                "the dense index does not have it yet",
                "wait until the indexes have caught up; `lectern doctor` tells",
            )
            .into());
        }
        Err(error @ Error::Unavailable { .. }) if mode == Mode::Hybrid => {
            let warning = format!("found by words alone: {error}");
            return Ok((alone(by_words()?, bm25), vec![warning]));
        }
        Err(error) => return Err(error.into()),
    };
    if mode == Mode::Dense {
        let dense = |score| Scores {
            dense: Some(score),
            ..Scores::default()
        };
        return Ok((alone(meaning, dense), Vec::new()));
    }
    let words = by_words()?;
    let candidates = candidates(indexes, &vector, &meaning, &words)?;
    let hits = fusion::reciprocal_rank(&candidates, &meaning, &words);
    Ok((hits, Vec::new()))
}

fn candidates(
    indexes: &Indexes,
    vector: &[f32],
    meaning: &[(ChunkId, f32)],
    words: &[(ChunkId, f32)],
) -> Result<Vec<Candidate>> {
    let cosines: HashMap<ChunkId, f32> = meaning.iter().copied().collect();
    let scores: HashMap<ChunkId, f32> = words.iter().copied().collect();
    let by_words_alone: Vec<ChunkId> = words
        .iter()
        .map(|(id, _)| *id)
        .filter(|id| !cosines.contains_key(id))
        .collect();
    let vectors = indexes.dense().vectors(&by_words_alone)?;
    let nearest = meaning.iter().map(|(id, cosine)| (*id, Some(*cosine)));
    let others = by_words_alone.into_iter().zip(vectors).map(|(id, found)| {
        let cosine = found.map(|found| vector.iter().zip(found).map(|(a, b)| a * b).sum());
        (id, cosine)
    });
    Ok(nearest
        .chain(others)
        .map(|(chunk_id, cosine)| Candidate {
            chunk_id,
            cosine,
            bm25: Some(scores.get(&chunk_id).copied().unwrap_or_default()),
            vector: None,
        })
        .collect())
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
