//! What the doctor wants to know of the indexes: whether each holds exactly the chunks that the
//! catalog has, document by document, how far each has followed, and what is being built.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{Indexes, locked};
use crate::catalog::{Generation, GenerationState};
use crate::library::{Library, blocking};

/// The indexes, as `doctor --json` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexesReport {
    /// Number of the generation that answers.
    pub generation: i64,
    /// Its embedder.
    pub embedder: String,
    /// The version of its vectors.
    pub revision: String,
    /// Longest chunk, in the embedder's tokens.
    pub max_tokens: usize,
    /// Tokens that neighbouring chunks share.
    pub overlap_tokens: usize,
    /// Number of the catalog's last change.
    pub latest_change: u64,
    /// Each index.
    pub parts: Vec<PartReport>,
    /// What is being built to take its place.
    pub building: Option<BuildReport>,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReport {
    /// What it holds: `vectors`, `postings`.
    pub name: String,
    /// Chunks held.
    pub chunks: u64,
    /// Documents of which it does not hold exactly the chunks that the catalog has.
    pub incomplete: Vec<String>,
    /// Chunks of documents that are no more.
    pub orphans: u64,
    /// Number of the last change that it has.
    pub change: u64,
    /// Size on disk.
    pub bytes: u64,
}

/// A generation that is being built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildReport {
    /// Its number.
    pub generation: i64,
    /// Its embedder.
    pub embedder: String,
    /// Longest chunk, in the embedder's tokens.
    pub max_tokens: usize,
    /// Documents done, where it is being worked on.
    pub done: Option<u64>,
    /// Documents in all, where it is being worked on.
    pub total: Option<u64>,
}

impl PartReport {
    /// True where it holds what it should.
    pub fn is_exact(&self) -> bool {
        self.incomplete.is_empty() && self.orphans == 0
    }
}

impl Library {
    /// Looks at the indexes as they are, without catching up; `None` where there are none yet.
    ///
    /// # Errors
    /// Where they cannot be opened or asked.
    pub(in crate::library) async fn check_indexes(&self) -> Result<Option<IndexesReport>> {
        // Held, so that nobody else opens the same files meanwhile.
        let _opening = self.opening.lock().await;
        let indexes = match self.active() {
            Some(active) => {
                self.commit().await?;
                active
            }
            None => {
                let Some(generation) = self.catalog.generation(GenerationState::Active).await?
                else {
                    return Ok(None);
                };
                let parent = self.index_folder();
                let config = self.settings.dense_config()?;
                Arc::new(blocking(move || Indexes::open(&parent, generation, config)).await?)
            }
        };
        let latest_change = self.catalog.latest_change().await?;
        let parts = self.check_parts(&indexes).await?;
        let spec = &indexes.generation.spec;
        Ok(Some(IndexesReport {
            generation: indexes.generation.id,
            embedder: spec.embedder.clone(),
            revision: spec.revision.clone(),
            max_tokens: spec.max_tokens,
            overlap_tokens: spec.overlap_tokens,
            latest_change,
            parts,
            building: self.check_building().await?,
        }))
    }

    async fn check_building(&self) -> Result<Option<BuildReport>> {
        let report = |generation: &Generation, progress: Option<(u64, u64)>| BuildReport {
            generation: generation.id,
            embedder: generation.spec.embedder.clone(),
            max_tokens: generation.spec.max_tokens,
            done: progress.map(|(done, _)| done),
            total: progress.map(|(_, total)| total),
        };
        let building = locked(&self.building).clone();
        Ok(match building {
            Some(building) => Some(report(&building.generation, building.catching_up())),
            None => self
                .catalog
                .generation(GenerationState::Building)
                .await?
                .map(|generation| report(&generation, None)),
        })
    }

    async fn check_parts(&self, indexes: &Arc<Indexes>) -> Result<Vec<PartReport>> {
        let mut reports: Vec<PartReport> = indexes
            .parts()
            .into_iter()
            .map(|part| PartReport {
                name: part.name().to_owned(),
                chunks: 0,
                incomplete: Vec::new(),
                orphans: 0,
                change: part.committed(),
                bytes: size_of(&part.folder()),
            })
            .collect();
        let mut known = vec![0; reports.len()];
        for record in self.catalog.documents(None).await? {
            let chunking = indexes.generation.chunking;
            let Some(document) = self.catalog.indexed_document(&record.id, chunking).await? else {
                continue;
            };
            let asking = indexes.clone();
            let answers = blocking(move || {
                let mut answers = Vec::new();
                for part in asking.parts() {
                    let index = part.derived();
                    let held = index.count(Some(&document.document_id))?;
                    answers.push((held as u64, index.holds(&document)?));
                }
                Ok(answers)
            })
            .await?;
            for (place, (held, is_exact)) in answers.into_iter().enumerate() {
                known[place] += held;
                if !is_exact {
                    reports[place].incomplete.push(record.file.clone());
                }
            }
        }
        let asking = indexes.clone();
        let held = blocking(move || {
            let counts = asking.parts().map(|part| part.derived().count(None));
            Ok(counts.into_iter().collect::<Result<Vec<_>, _>>()?)
        })
        .await?;
        for ((report, held), known) in reports.iter_mut().zip(held).zip(known) {
            report.chunks = held as u64;
            report.orphans = (held as u64).saturating_sub(known);
        }
        Ok(reports)
    }
}

/// Bytes of all files in a folder.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
