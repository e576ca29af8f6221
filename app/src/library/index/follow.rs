//! How the indexes follow the catalog: changes as they are made, and what was missed.
//!
//! Making a change durable costs each index a few disk flushes, more than a short paper's vectors
//! cost. So changes are applied one by one and made durable together, twice a second at most: until
//! then the watermark stays behind, a kill costs nothing but doing them again, and a search leaves
//! out what is not durable in all indexes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use retrieval::IndexedDocument;
use retrieval::embed::Embedder;
use retrieval::tokens::TokenIndex;

use super::{Indexes, Order, Vectors, digest, locked};
use crate::catalog::Change;
use crate::library::{Library, blocking};
use crate::progress::Bar;

/// Changes are durable, and can be found, after this time at the latest.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// Chunks embedded between two looks at whether to stop.
const EMBED_AT_ONCE: usize = 32;

/// Whether whoever catches up holds `writing` already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// It does: nothing changes meanwhile.
    Held,
    /// It does not: taken only to apply what is ready, so that nobody waits for an embedder.
    Free,
}

/// How one pass over the pending changes ended.
enum Pass {
    Done,
    /// An index was replaced by an empty one, which lacks more than the pass knew.
    Replaced,
}

impl Library {
    /// Applies a change that was just made, with the vectors at hand where there are any: those
    /// of the active generation's embedder. It can be found a moment later, or after
    /// [`commit`](Self::commit).
    ///
    /// The caller holds `writing`.
    pub(in crate::library) async fn follow(
        &self,
        sequence: u64,
        document_id: String,
        vectors: Option<Vectors>,
    ) -> Result<()> {
        let indexes = self
            .active()
            .context("the indexes are open before a change is made")?;
        let mut order = Order::InTurn;
        // Where an earlier change is not applied yet, its number must not be skipped.
        if self.pending(&indexes, Some(sequence - 1)).await?.is_empty() {
        } else if self.is_resident() {
            order = Order::Early;
            self.wake_upkeep();
        } else {
            let caught_up = self
                .catch_up(&indexes, Some(sequence - 1), Writing::Held, &|_, _| ())
                .await;
            self.outlived(&indexes, caught_up).await?;
            if !self.pending(&indexes, Some(sequence - 1)).await?.is_empty() {
                order = Order::Early;
            }
        }
        let change = self
            .catalog
            .change(sequence, document_id, indexes.generation.chunking)
            .await?;
        let same_text = self.same_text(&indexes, &change).await?;
        let vectors = match vectors {
            None if indexes.needs_vectors(&change, same_text)? => {
                Some(self.embedded(&indexes, &change).await?)
            }
            vectors => vectors,
        };
        let applied = blocking({
            let indexes = indexes.clone();
            move || indexes.apply(&change, vectors, order)
        })
        .await;
        self.outlived(&indexes, applied).await?;
        self.commit_sometimes(&indexes).await
    }

    /// Makes durable, and lets be found, what the indexes were told of.
    ///
    /// # Errors
    /// Where an index cannot be written; it catches up later then.
    pub async fn commit(&self) -> Result<()> {
        let _writing = self.writing.lock().await;
        match self.active() {
            Some(indexes) => self.commit_these(&indexes).await,
            None => Ok(()),
        }
    }

    /// The caller holds `writing`.
    pub(in crate::library) async fn commit_these(&self, indexes: &Arc<Indexes>) -> Result<()> {
        if locked(&indexes.dirty).is_some() {
            self.unoptimised.store(true, Ordering::Relaxed);
        }
        let committing = indexes.clone();
        let committed = blocking(move || committing.commit()).await;
        let recorded = self.outlived(indexes, committed).await?;
        self.catalog
            .set_embedded(indexes.generation.id, &recorded)
            .await
    }

    /// The caller holds `writing`.
    async fn commit_sometimes(&self, indexes: &Arc<Indexes>) -> Result<()> {
        let since = *locked(&indexes.dirty);
        if since.is_some_and(|since| since.elapsed() >= COMMIT_EVERY) {
            return self.commit_these(indexes).await;
        }
        // Nothing else may come: then this makes it durable.
        if !self.commit_is_due.swap(true, Ordering::AcqRel) {
            let library = self.me.clone();
            tokio::spawn(async move {
                tokio::time::sleep(COMMIT_EVERY).await;
                let Some(library) = library.upgrade() else {
                    return;
                };
                library.commit_is_due.store(false, Ordering::Release);
                if let Err(error) = library.commit().await {
                    tracing::warn!(
                        "the indexes could not be written and catch up later: {error:#}"
                    );
                }
            });
        }
        Ok(())
    }

    /// Where an engine failed over damaged files, what is damaged is replaced; the change at hand
    /// is then pending and comes again. Other failures stay failures.
    async fn outlived<T: Default>(&self, indexes: &Arc<Indexes>, outcome: Result<T>) -> Result<T> {
        match outcome {
            Ok(done) => Ok(done),
            Err(error) => {
                if let Some(retrieval::Error::Unavailable { .. }) = error.downcast_ref() {
                    tracing::warn!("{error:#}; the index follows when it is back");
                    self.wake_upkeep();
                    return Ok(T::default());
                }
                if self.mend(indexes, &error).await? {
                    return Ok(T::default());
                }
                Err(error)
            }
        }
    }

    /// Brings indexes level with the catalog, or to change `up_to`. `tell` hears of documents done
    /// and in all.
    ///
    /// # Errors
    /// Where a document cannot be embedded or an index not be written; what was done stays done.
    pub(super) async fn catch_up(
        &self,
        indexes: &Arc<Indexes>,
        up_to: Option<u64>,
        writing: Writing,
        tell: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<()> {
        let refreshing = indexes.clone();
        blocking(move || {
            refreshing
                .parts()
                .iter()
                .try_for_each(|part| part.refresh())
        })
        .await?;
        let caught_up = loop {
            match self.catch_up_pending(indexes, up_to, writing, tell).await {
                Ok(Pass::Replaced) => {}
                Ok(Pass::Done) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        *locked(&indexes.catching_up) = None;
        caught_up
    }

    async fn catch_up_pending(
        &self,
        indexes: &Arc<Indexes>,
        up_to: Option<u64>,
        writing: Writing,
        tell: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Pass> {
        let epoch = indexes.epoch();
        let pending = self.pending(indexes, up_to).await?;
        let total = pending.len() as u64;
        let mut committed = Instant::now();
        for (done, (sequence, document_id)) in (0..).zip(pending) {
            *locked(&indexes.catching_up) = Some((done, total));
            tell(done, total);
            self.cut_for(indexes, sequence, &document_id).await?;
            let chunking = indexes.generation.chunking;
            let change = self.catalog.change(sequence, document_id, chunking).await?;
            let same_text = self.same_text(indexes, &change).await?;
            let asking = indexes.clone();
            let (change, needs_vectors) = blocking(move || {
                let needs_vectors = asking.needs_vectors(&change, same_text)?;
                Ok((change, needs_vectors))
            })
            .await?;
            let vectors = match needs_vectors {
                true => Some(self.embedded(indexes, &change).await?),
                false => None,
            };
            let _writing = match writing {
                Writing::Held => None,
                Writing::Free => Some(self.writing.lock().await),
            };
            if indexes.epoch() != epoch {
                return Ok(Pass::Replaced);
            }
            // Changed once more while it was embedded: that change is further on, and this one's
            // number may be passed over.
            let is_latest = self.catalog.is_latest_change(sequence).await?;
            let applying = indexes.clone();
            blocking(move || {
                if is_latest {
                    return applying.apply(&change, vectors, Order::InTurn);
                }
                locked(&applying.dirty).get_or_insert_with(Instant::now);
                for part in applying.parts() {
                    part.advance(sequence);
                }
                Ok(())
            })
            .await?;
            if committed.elapsed() >= COMMIT_EVERY {
                self.commit_these(indexes).await?;
                committed = Instant::now();
            }
        }
        if total > 0 {
            tell(total, total);
            let _writing = match writing {
                Writing::Held => None,
                Writing::Free => Some(self.writing.lock().await),
            };
            self.commit_these(indexes).await?;
        }
        Ok(Pass::Done)
    }

    /// Catches up with a bar on stderr.
    ///
    /// The caller holds `writing`.
    pub(super) async fn catch_up_showing(&self, indexes: &Arc<Indexes>) -> Result<()> {
        let pending = self.pending(indexes, None).await?.len() as u64;
        if pending == 0 {
            return Ok(());
        }
        let bar = Bar::items("catching up the indexes", pending);
        let mut caught_up = self
            .catch_up(indexes, None, Writing::Held, &|done, _| bar.set(done))
            .await;
        if let Err(error) = &caught_up {
            if let Some(retrieval::Error::Unavailable { .. }) = error.downcast_ref() {
                bar.line(&format!("the index follows later: {error:#}"));
                caught_up = Ok(());
            } else if self.mend(indexes, error).await? {
                caught_up = self
                    .catch_up(indexes, None, Writing::Held, &|done, _| bar.set(done))
                    .await;
            }
        }
        bar.finish();
        caught_up
    }

    /// Changes that an index lacks, oldest first, `up_to` at most.
    pub(super) async fn pending(
        &self,
        indexes: &Indexes,
        up_to: Option<u64>,
    ) -> Result<Vec<(u64, String)>> {
        let mut pending = self.catalog.changes_after(indexes.applied()).await?;
        if let Some(up_to) = up_to {
            pending.retain(|(sequence, _)| *sequence <= up_to);
        }
        Ok(pending)
    }

    /// True where the vectors that these indexes may hold were computed from the document's text
    /// as it is now.
    async fn same_text(&self, indexes: &Indexes, change: &Change) -> Result<bool> {
        let Some(document) = &change.document else {
            return Ok(false);
        };
        let recorded = self
            .catalog
            .embedded(indexes.generation.id, &change.document_id)
            .await?;
        Ok(recorded.is_some_and(|recorded| recorded == digest(document)))
    }

    async fn embedded(&self, indexes: &Arc<Indexes>, change: &Change) -> Result<Vectors> {
        let Some(document) = change
            .document
            .clone()
            .filter(|document| !document.chunks.is_empty())
        else {
            return Ok(Vectors::default());
        };
        let embedder = self.embedder_of(indexes).await?;
        let tokens = indexes.tokens();
        blocking(move || embed(&document, embedder.as_ref(), &tokens, &mut |_| Ok(()))).await
    }
}

/// Embeds a document's chunks, some at a time; `go_on` hears how many are done and may stop it.
pub(in crate::library) fn embed(
    document: &IndexedDocument,
    embedder: &dyn Embedder,
    tokens: &TokenIndex,
    go_on: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Vectors> {
    let texts = document.embedded_texts();
    let mut vectors = Vectors::default();
    for group in texts.chunks(EMBED_AT_ONCE) {
        go_on(vectors.len())?;
        let group: Vec<&str> = group.iter().map(AsRef::as_ref).collect();
        for (text, embedded) in group.iter().zip(embedder.encode_documents(&group)?) {
            vectors.push(text, embedded, tokens, embedder)?;
        }
    }
    go_on(vectors.len())?;
    Ok(vectors)
}
