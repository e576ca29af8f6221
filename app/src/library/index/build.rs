//! A new generation of the indexes, built beside the one that answers.
//!
//! Building is catching up from nothing: the new indexes follow the same changes, so what comes in
//! meanwhile comes in there too. Where documents are to be cut otherwise, they are cut anew from
//! the pages that the catalog holds, a document at a time, just before its change is applied. When
//! nothing is left to apply, writers are held up for a moment, the catalog switches over in one
//! transaction, and the old generation goes when nobody reads it any more. A kill at any moment
//! leaves a half-built generation that is built on, or one that is swept away.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use retrieval::dense::ServerIndex;
use retrieval::lexical::LexicalIndex;

use super::check::IndexesReport;
use super::follow::Writing;
use super::{Indexes, locked, part};
use crate::catalog::{Generation, GenerationState, IndexSpec};
use crate::library::cut::cut;
use crate::library::{Library, blocking};

/// Version of how documents are cut. Raised where cutting them again is worth it.
const CUTTER_VERSION: u32 = 1;
/// Changes that writers wait for before the switch.
const LAST_CHANGES: usize = 2;

impl Library {
    /// What the settings in force ask of the indexes.
    pub(super) fn wanted_spec(&self) -> IndexSpec {
        let space = self.embedder_model.space();
        let analysis = LexicalIndex::folder_in(std::path::Path::new(""));
        IndexSpec {
            embedder: space.id,
            revision: space.revision,
            dimension: space.dimension,
            max_tokens: self.settings.chunk.max_tokens,
            overlap_tokens: self.settings.chunk.overlap_tokens,
            cutter: CUTTER_VERSION,
            analysis: analysis.display().to_string(),
        }
    }

    /// True where the indexes are not those that the settings in force ask for.
    pub(in crate::library) fn settings_ask_for_others(&self, indexes: &IndexesReport) -> bool {
        let wanted = self.wanted_spec();
        (&wanted.embedder, &wanted.revision) != (&indexes.embedder, &indexes.revision)
            || (wanted.max_tokens, wanted.overlap_tokens)
                != (indexes.max_tokens, indexes.overlap_tokens)
    }

    /// Builds all indexes again from the catalog, for the settings in force, while those there are
    /// answer on. `tell` hears of documents done and in all.
    ///
    /// # Errors
    /// Where they cannot be built; the old ones answer on then.
    pub async fn reindex(&self, tell: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.indexes().await?;
        let under_way = locked(&self.building)
            .as_ref()
            .filter(|building| building.generation.spec == self.wanted_spec())
            .map(|building| building.generation.id);
        let waiting = async {
            loop {
                let progress = locked(&self.building)
                    .as_ref()
                    .and_then(|building| building.catching_up());
                if let Some((done, total)) = progress {
                    tell(done, total);
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let one_at_a_time = tokio::select! {
            guard = self.one_builder.lock() => guard,
            () = waiting => unreachable!("waiting never ends"),
        };
        // What was being built when this was asked for is what was asked for.
        if let (Some(id), Some(active)) = (under_way, self.active())
            && active.generation.id == id
        {
            return Ok(());
        }
        let built = self.build(tell).await;
        drop(one_at_a_time);
        built
    }

    /// Builds a generation for the settings in force where the active one is for others.
    pub(super) async fn build_if_wanted(&self) -> Result<()> {
        let _one_at_a_time = self.one_builder.lock().await;
        let wanted = self.wanted_spec();
        let begun = self.catalog.generation(GenerationState::Building).await?;
        let is_wanted = self.indexes().await?.generation.spec == wanted;
        match begun {
            // Begun by `lectern reindex`, or for these settings, and killed.
            Some(begun) if begun.spec == wanted => {}
            Some(begun) if is_wanted => {
                self.catalog.drop_building().await?;
                let folder = self.index_folder().join(super::folder_name(&begun));
                blocking(move || {
                    part::remove_folder(&folder);
                    Ok(())
                })
                .await?;
                return self.catalog.sweep_chunks().await;
            }
            None if is_wanted => return Ok(()),
            _ => tracing::info!(
                "the settings ask for other indexes than there are: they are built in the background"
            ),
        }
        self.build(&|_, _| ()).await
    }

    /// The caller holds `one_builder`.
    async fn build(&self, tell: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let active = self.indexes().await?;
        let generation = self.generation_to_build(&active.generation).await?;
        let parent = self.index_folder();
        let config = self.settings.dense_config()?;
        let next = blocking(move || Indexes::open(&parent, generation, config)).await?;
        let next = Arc::new(next);
        *locked(&self.building) = Some(next.clone());
        let built = self.build_and_switch(&next, tell).await;
        *locked(&self.building) = None;
        built?;
        drop(next);
        self.retire(active).await
    }

    /// The half-built generation where it fits, else a new one.
    async fn generation_to_build(&self, active: &Generation) -> Result<Generation> {
        let wanted = self.wanted_spec();
        if let Some(begun) = self.catalog.generation(GenerationState::Building).await?
            && begun.spec == wanted
        {
            return Ok(begun);
        }
        let chunking = active.spec.cuts_like(&wanted).then_some(active.chunking);
        let begun = self
            .catalog
            .begin_generation(GenerationState::Building, &wanted, chunking)
            .await?;
        self.catalog.sweep_chunks().await?;
        Ok(begun)
    }

    async fn build_and_switch(
        &self,
        next: &Arc<Indexes>,
        tell: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<()> {
        // Loaded first, so that a model that cannot be had is said at once.
        self.embedder_of(next).await?;
        self.mend_what_lies(next).await?;
        loop {
            self.catch_up(next, None, Writing::Free, tell).await?;
            self.optimize(next).await?;
            let _writing = self.writing.lock().await;
            if self.pending(next, None).await?.len() > LAST_CHANGES {
                continue;
            }
            self.catch_up(next, None, Writing::Held, &|_, _| ()).await?;
            self.commit_these(next).await?;
            if let Some(active) = self.active() {
                self.commit_these(&active).await?;
            }
            self.is_complete(next).await?;
            self.catalog.switch_generation(&next.generation).await?;
            *locked(&self.active) = Some(next.clone());
            return Ok(());
        }
    }

    /// Fails where an index that claims to be level does not hold what it should.
    async fn is_complete(&self, indexes: &Arc<Indexes>) -> Result<()> {
        let wanted = self
            .catalog
            .count_chunks_up_to(indexes.generation.chunking, u64::MAX)
            .await?;
        for part in indexes.parts() {
            let held = part.derived().count(None)? as u64;
            if held != wanted {
                part.replace(&format!("it holds {held} chunks and should hold {wanted}"))?;
                anyhow::bail!(
                    "the new index of {} came out with {held} chunks instead of {wanted}",
                    part.name()
                );
            }
        }
        Ok(())
    }

    /// Deletes a generation that was switched away from, when nobody reads it any more.
    async fn retire(&self, old: Arc<Indexes>) -> Result<()> {
        let folder = self
            .index_folder()
            .join(super::folder_name(&old.generation));
        let generation = old.generation.id;
        let config = super::for_generation(self.settings.dense_config()?, &old.generation);
        let space = old.generation.spec.space();
        let waited = blocking(move || {
            for _ in 0..600 {
                if Arc::strong_count(&old) == 1 {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            // An engine whose files are damaged may panic over them once more.
            let _ = part::guarded(|| {
                drop(old);
                Ok(())
            });
            part::remove_folder(&folder);
            if let Some(server) = &config.server {
                let deleted = ServerIndex::open(server, config.quantization, &space)
                    .and_then(|collection| collection.delete());
                if let Err(error) = deleted {
                    tracing::warn!("the vectors of generation {generation} stay there: {error}");
                }
            }
            Ok(())
        })
        .await;
        waited.with_context(|| format!("removing the generation {generation} of the indexes"))?;
        self.catalog.sweep_chunks().await
    }

    /// Cuts a document for a generation whose cut is not the active one's, where that has not been
    /// done. Pages that were read before layout was kept are cut by their text alone.
    pub(super) async fn cut_for(
        &self,
        indexes: &Arc<Indexes>,
        sequence: u64,
        document_id: &str,
    ) -> Result<()> {
        let chunking = indexes.generation.chunking;
        let is_active = self
            .active()
            .is_none_or(|active| active.generation.chunking == chunking);
        if is_active || self.catalog.is_cut(document_id, chunking).await? {
            return Ok(());
        }
        let Some(record) = self.catalog.document(document_id).await? else {
            return Ok(());
        };
        if record.chunks == 0 {
            return Ok(());
        }
        let document = self.stored_document(&record).await?;
        let embedder = self.embedder_of(indexes).await?;
        let config = indexes.generation.spec.chunk();
        let chunks = blocking(move || Ok(cut(&document, config, embedder.as_ref()))).await?;
        self.catalog
            .recut(sequence, document_id, chunking, &chunks)
            .await
            .map(drop)
    }

    /// Lets the indexes do the slow work that makes searching faster. True where there was any.
    pub(super) async fn optimize(&self, indexes: &Arc<Indexes>) -> Result<bool> {
        let indexes = indexes.clone();
        blocking(move || {
            let mut done = false;
            for part in indexes.parts() {
                match part.derived().optimize() {
                    Ok(did) => done |= did,
                    Err(retrieval::Error::Unavailable { .. }) => {}
                    Err(error) => {
                        part::is_writable(&part.folder())?;
                        return Err(error.into());
                    }
                }
            }
            Ok(done)
        })
        .await
    }
}
