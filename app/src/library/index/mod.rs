//! The two derived indexes and how they follow the catalog.
//!
//! Each index has a watermark: the number of the last change that it has durably applied. A change
//! is applied to both and then committed in each; after a kill the watermarks may lag, and
//! [`Library::catch_up`] applies what they have missed. Applying a change twice is harmless.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use retrieval::dense::{DenseIndex, EdgeIndex};
use retrieval::embed::VectorSpace;
use retrieval::lexical::LexicalIndex;

use super::{Library, blocking};
use crate::catalog::Change;
use crate::progress::Bar;

/// Dense vectors and postings.
pub struct Indexes {
    /// Vectors.
    pub dense: EdgeIndex,
    /// Postings.
    pub lexical: LexicalIndex,
}

impl Indexes {
    /// Opens both below `parent`. One that is damaged is set aside and made anew, empty: catching
    /// up fills it from the catalog.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn open(parent: &Path, space: &VectorSpace) -> Result<Self> {
        let dense = or_anew(&EdgeIndex::folder_for(parent, space), || {
            Ok(EdgeIndex::open(parent, space)?)
        })?;
        let lexical = or_anew(&LexicalIndex::folder_in(parent), || {
            Ok(LexicalIndex::open(parent)?)
        })?;
        Ok(Self { dense, lexical })
    }

    /// Number of the last change that both have.
    ///
    /// # Errors
    /// Where an index cannot be read.
    pub fn watermark(&self) -> Result<u64> {
        Ok(self.dense.watermark()?.min(self.lexical.watermark()?))
    }

    /// Applies one change to the indexes that lack it. `vectors` are those of the document's
    /// chunks; they are needed only where [`DenseIndex`] lacks the change.
    fn apply(&self, change: &Change, vectors: Option<Vec<Vec<f32>>>) -> Result<()> {
        if self.dense.watermark()? < change.sequence {
            match (&change.document, vectors) {
                (Some(document), Some(vectors)) => self.dense.put(document, vectors)?,
                _ => self.dense.remove(&change.document_id)?,
            }
            self.dense.commit(change.sequence)?;
        }
        if self.lexical.watermark()? < change.sequence {
            match &change.document {
                Some(document) => self.lexical.put(document)?,
                None => self.lexical.remove(&change.document_id),
            }
            self.lexical.commit(change.sequence)?;
        }
        Ok(())
    }
}

fn or_anew<T>(folder: &Path, open: impl Fn() -> Result<T>) -> Result<T> {
    open().or_else(|error| {
        tracing::warn!(
            "the index {} is damaged and is rebuilt: {error:#}",
            folder.display()
        );
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("removing the damaged index {}", folder.display()))?;
        open()
    })
}

impl Library {
    /// Applies a change that was just made, with the vectors at hand where there are any.
    ///
    /// The caller holds `writing`.
    pub(super) async fn follow(
        &self,
        sequence: u64,
        document_id: String,
        vectors: Vec<Vec<f32>>,
    ) -> Result<()> {
        let indexes = self
            .indexes
            .get()
            .context("the indexes are open before a change is made")?
            .clone();
        // Where an earlier change failed half-way, its number must not be skipped.
        if !self.pending(&indexes, sequence - 1).await?.is_empty() {
            self.catch_up_to(&indexes, sequence - 1).await?;
        }
        let change = self.catalog.change(sequence, document_id).await?;
        blocking(move || indexes.apply(&change, Some(vectors))).await
    }

    /// Brings both indexes level with the catalog.
    ///
    /// The caller holds `writing`.
    pub(super) async fn catch_up(&self, indexes: &Arc<Indexes>) -> Result<()> {
        let latest = self.catalog.latest_change().await?;
        self.catch_up_to(indexes, latest).await
    }

    async fn catch_up_to(&self, indexes: &Arc<Indexes>, latest: u64) -> Result<()> {
        let pending = self.pending(indexes, latest).await?;
        if pending.is_empty() {
            return Ok(());
        }
        let bar = Bar::items("catching up the indexes", pending.len() as u64);
        for (done, (sequence, document_id)) in pending.into_iter().enumerate() {
            bar.set(done as u64);
            let change = self.catalog.change(sequence, document_id).await?;
            let embedder = match &change.document {
                Some(_) if indexes.dense.watermark()? < sequence => Some(self.embedder().await?),
                _ => None,
            };
            let indexes = indexes.clone();
            blocking(move || {
                let vectors = match (&embedder, &change.document) {
                    (Some(embedder), Some(document)) => {
                        let texts: Vec<&str> = document
                            .chunks
                            .iter()
                            .map(|chunk| chunk.text.as_str())
                            .collect();
                        Some(embedder.embed_documents(&texts)?)
                    }
                    _ => None,
                };
                indexes.apply(&change, vectors)
            })
            .await?;
        }
        bar.finish();
        Ok(())
    }

    async fn pending(&self, indexes: &Arc<Indexes>, up_to: u64) -> Result<Vec<(u64, String)>> {
        let mut pending = self.catalog.changes_after(indexes.watermark()?).await?;
        pending.retain(|(sequence, _)| *sequence <= up_to);
        Ok(pending)
    }

    /// Drops both indexes' contents and builds them again from the catalog. Only for a library
    /// that has not opened its indexes yet.
    ///
    /// # Errors
    /// Where the indexes are open, or cannot be rebuilt.
    pub async fn reindex(&self) -> Result<()> {
        anyhow::ensure!(self.indexes.get().is_none(), "the indexes are in use");
        let folder = self.index_folder();
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("removing the indexes {}", folder.display()))?;
        }
        self.indexes().await.map(drop)
    }
}
