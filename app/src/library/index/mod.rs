//! The derived indexes and how they follow the catalog.
//!
//! All of them hang on one thing, the catalog's sequence of changes: each index knows the number of
//! the last change that it has durably applied, its watermark, and applying a change twice is
//! harmless. So a kill, a lost folder and a new library are the same case: an index that is behind
//! catches up. [`follow`] applies changes as they are made and catches up; [`part`] opens an index
//! and replaces it where it is damaged; [`build`] builds a whole new set beside the one that
//! answers and switches over; [`find`] puts queries to them; [`upkeep`] does in the background of
//! a server what nobody should wait for.
//!
//! A set of indexes is a [`Generation`], built for one embedder and one way of cutting documents,
//! in a folder of its own: `indexes/generation-3/{vectors,postings,tokens}-1/`. Which generation answers
//! is a row of the catalog.

mod build;
pub mod check;
mod find;
mod follow;
mod part;
mod upkeep;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use anyhow::{Context, Result};
use retrieval::IndexedDocument;
use retrieval::dense::{self, DenseConfig, DenseIndex};
use retrieval::embed::{Embedded, Embedder};
use retrieval::lexical::LexicalIndex;
use retrieval::tokens::TokenIndex;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::{Library, blocking};
use crate::catalog::{Change, Generation, GenerationState};
use crate::error::{Fault, Problem};
use crate::models::embedder::EmbedderModel;
pub(super) use find::Searched;
pub(super) use follow::embed;
use part::{Following, Part};

/// What the indexes need of a document's forward pass, in the order of its chunks. What no index
/// keeps is dropped batch by batch, so that a book does not fill the memory.
#[derive(Default)]
pub(super) struct Vectors {
    chunks: Vec<Vec<f32>>,
    /// Records of the token index.
    tokens: Vec<Vec<u8>>,
}

impl Vectors {
    fn push(
        &mut self,
        text: &str,
        embedded: Embedded,
        tokens: &TokenIndex,
        embedder: &dyn Embedder,
    ) -> retrieval::Result<()> {
        let record = tokens.encode(text, &embedded.tokens, embedder)?;
        self.tokens.push(record);
        self.chunks.push(embedded.vector);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }
}

/// A set of indexes of one generation.
pub struct Indexes {
    /// What they are built for.
    pub generation: Generation,
    vectors: Part<dyn DenseIndex>,
    postings: Part<LexicalIndex>,
    tokens: Part<TokenIndex>,
    embedder: OnceCell<Arc<dyn Embedder>>,
    /// What vectors were computed from, to be taken down once they are durable.
    unrecorded: Mutex<Vec<(String, Vec<u8>)>>,
    /// Since when something is not durable yet.
    dirty: Mutex<Option<Instant>>,
    /// Documents done and in all, while catching up.
    catching_up: Mutex<Option<(u64, u64)>>,
}

impl Indexes {
    /// Opens a generation's indexes below `parent`. One that is damaged is set aside and made
    /// anew, empty: catching up fills it from the catalog.
    ///
    /// # Errors
    /// Where the folder cannot be written, or a server that keeps an index cannot be reached.
    pub fn open(parent: &Path, generation: Generation, config: DenseConfig) -> Result<Self> {
        let config = for_generation(config, &generation);
        let home = parent.join(folder_name(&generation));
        let space = generation.spec.space();
        let same_space = space.clone();
        Ok(Self {
            vectors: Part::open(
                "vectors",
                &home,
                Box::new(move |folder| Ok(Arc::from(dense::open(&config, folder, &space)?))),
            )?,
            postings: Part::open(
                "postings",
                &home,
                Box::new(|folder| LexicalIndex::open(folder).map(Arc::new)),
            )?,
            tokens: Part::open(
                "tokens",
                &home,
                Box::new(move |folder| TokenIndex::open(folder, &same_space).map(Arc::new)),
            )?,
            generation,
            embedder: OnceCell::new(),
            unrecorded: Mutex::default(),
            dirty: Mutex::default(),
            catching_up: Mutex::default(),
        })
    }

    /// The chunk vectors. Held only for a moment: they may be replaced.
    pub fn dense(&self) -> Arc<dyn DenseIndex> {
        self.vectors.index()
    }

    /// The postings. Held only for a moment: they may be replaced.
    pub fn lexical(&self) -> Arc<LexicalIndex> {
        self.postings.index()
    }

    /// The token vectors. Held only for a moment: they may be replaced.
    pub fn tokens(&self) -> Arc<TokenIndex> {
        self.tokens.index()
    }

    /// Number of the last change that all of them have durably.
    pub fn watermark(&self) -> u64 {
        self.least(|part| part.committed())
    }

    /// Number of the last change that all of them were told of.
    fn applied(&self) -> u64 {
        self.least(|part| part.applied())
    }

    fn least(&self, number: impl Fn(&dyn Following) -> u64) -> u64 {
        self.parts().into_iter().map(number).min().unwrap_or(0)
    }

    fn parts(&self) -> [&dyn Following; 3] {
        [&self.vectors, &self.postings, &self.tokens]
    }

    /// True where a change's document has to be embedded: an index lacks the change and does not
    /// hold the chunks either, or holds vectors of another text.
    fn needs_vectors(&self, change: &Change, same_text: bool) -> Result<bool> {
        let Some(document) = &change.document else {
            return Ok(false);
        };
        let lacks = |part: &dyn Following| -> retrieval::Result<bool> {
            Ok(part.applied() < change.sequence
                && !(same_text && part.derived().holds(document)?))
        };
        Ok(lacks(&self.vectors)? || lacks(&self.tokens)?)
    }

    /// Tells the indexes that lack it of a change. Without vectors, those that are held stay.
    fn apply(&self, change: &Change, vectors: Option<Vectors>, order: Order) -> Result<()> {
        locked(&self.dirty).get_or_insert_with(Instant::now);
        let advance = |part: &dyn Following| {
            if order == Order::InTurn {
                part.advance(change.sequence);
            }
        };
        let mut vectors = vectors;
        if self.tokens.applied() < change.sequence {
            let index = self.tokens.index();
            part::guarded(|| match (&change.document, &mut vectors) {
                (Some(document), Some(vectors)) => {
                    index.put(document, std::mem::take(&mut vectors.tokens))
                }
                (Some(_), None) => Ok(()),
                (None, _) => index.remove(&change.document_id),
            })?;
            advance(&self.tokens);
        }
        // A server that is down must not keep the postings from following.
        let mut failed = Ok(());
        if self.vectors.applied() < change.sequence {
            let index = self.vectors.index();
            failed = part::guarded(|| match (&change.document, vectors) {
                (Some(document), Some(vectors)) => {
                    index.put(document, vectors.chunks)?;
                    locked(&self.unrecorded).push((document.document_id.clone(), digest(document)));
                    Ok(())
                }
                (Some(document), None) => index.describe(document),
                (None, _) => index.remove(&change.document_id),
            });
            if failed.is_ok() {
                advance(&self.vectors);
            }
        }
        if self.postings.applied() < change.sequence {
            let index = self.postings.index();
            part::guarded(|| match &change.document {
                Some(document) => index.put(document),
                None => {
                    index.remove(&change.document_id);
                    Ok(())
                }
            })?;
            advance(&self.postings);
        }
        Ok(failed?)
    }

    /// Which indexes these are: another number after one was replaced.
    fn epoch(&self) -> [u32; 3] {
        self.parts().map(|part| part.number())
    }

    /// Makes durable what the indexes were told of. What their vectors were computed from is to
    /// be taken down after it.
    fn commit(&self) -> Result<Vec<(String, Vec<u8>)>> {
        if locked(&self.dirty).is_none() {
            return Ok(Vec::new());
        }
        for part in self.parts() {
            part.commit()?;
        }
        *locked(&self.dirty) = None;
        Ok(std::mem::take(&mut *locked(&self.unrecorded)))
    }

    /// How far catching up is, while it goes on: documents done and in all.
    pub(super) fn catching_up(&self) -> Option<(u64, u64)> {
        *locked(&self.catching_up)
    }
}

/// Whether all changes before one were applied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// They were: the change counts as applied.
    InTurn,
    /// They were not: the change will come again in its turn.
    Early,
}

/// Where a generation keeps its vectors: on a server too, two of one embedder lie side by side.
fn for_generation(mut config: DenseConfig, generation: &Generation) -> DenseConfig {
    if let Some(server) = &mut config.server {
        server.collection = format!("{}-{}", server.collection, generation.id);
    }
    config
}

/// Name of a generation's folder below `indexes/`.
fn folder_name(generation: &Generation) -> String {
    format!("generation-{}", generation.id)
}

/// Hash of what a document's vectors are computed from.
fn digest(document: &IndexedDocument) -> Vec<u8> {
    let mut hash = Sha256::new();
    for text in document.embedded_texts() {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().to_vec()
}

// Nothing panics while it holds one of these locks.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Library {
    /// The indexes that answer. Where they are first asked for they are opened and brought level
    /// with the catalog, by a server in the background.
    ///
    /// # Errors
    /// Where an index cannot be opened or brought up to date.
    pub async fn indexes(&self) -> Result<Arc<Indexes>> {
        if let Some(active) = self.active() {
            return Ok(active);
        }
        let _opening = self.opening.lock().await;
        if let Some(active) = self.active() {
            return Ok(active);
        }
        let generation = self.active_generation().await?;
        self.sweep_generations(&generation).await?;
        let parent = self.index_folder();
        let config = self.settings.dense_config()?;
        let indexes = blocking(move || Indexes::open(&parent, generation, config)).await?;
        let indexes = Arc::new(indexes);
        self.mend_what_lies(&indexes).await?;
        if self.is_resident() {
            self.sweep().await?;
            *locked(&self.active) = Some(indexes.clone());
            self.wake_upkeep();
        } else {
            let _writing = self.writing.lock().await;
            self.catch_up_showing(&indexes).await?;
            self.sweep().await?;
            *locked(&self.active) = Some(indexes.clone());
        }
        Ok(indexes)
    }

    /// The indexes that answer, where they are open.
    pub(super) fn active(&self) -> Option<Arc<Indexes>> {
        locked(&self.active).clone()
    }

    /// The generation that answers. In a library without documents that is one for the settings
    /// in force: there is nothing that would have to be built first.
    async fn active_generation(&self) -> Result<Generation> {
        let wanted = self.wanted_spec();
        let found = self.catalog.generation(GenerationState::Active).await?;
        match found {
            Some(found) if found.spec == wanted || self.catalog.count_documents().await? > 0 => {
                Ok(found)
            }
            // What was cut before there were generations has the first tag.
            _ => {
                let chunking = found.map_or(0, |found| found.chunking);
                self.catalog
                    .begin_generation(GenerationState::Active, &wanted, Some(chunking))
                    .await
            }
        }
    }

    /// Removes what a kill has left: folders and chunks of generations that are no more.
    async fn sweep_generations(&self, active: &Generation) -> Result<()> {
        let building = self.catalog.generation(GenerationState::Building).await?;
        let kept: Vec<String> = std::iter::once(active)
            .chain(building.as_ref())
            .map(folder_name)
            .collect();
        let parent = self.index_folder();
        blocking(move || {
            std::fs::create_dir_all(&parent)
                .with_context(|| format!("making {}", parent.display()))?;
            for entry in std::fs::read_dir(&parent)? {
                let entry = entry?;
                let is_kept = kept.iter().any(|name| entry.file_name() == name.as_str());
                if !is_kept && entry.file_type()?.is_dir() {
                    part::remove_folder(&entry.path());
                }
            }
            Ok(())
        })
        .await?;
        self.catalog.sweep_chunks().await
    }

    /// Replaces indexes that do not hold the chunks that their watermark promises.
    async fn mend_what_lies(&self, indexes: &Arc<Indexes>) -> Result<()> {
        for (place, part) in indexes.parts().into_iter().enumerate() {
            let wanted = self
                .catalog
                .count_chunks_up_to(indexes.generation.chunking, part.committed())
                .await?;
            let is_level = part.committed() >= self.catalog.latest_change().await?;
            let indexes = indexes.clone();
            blocking(move || {
                let part = indexes.parts()[place];
                let why = match part.derived().count(None) {
                    Ok(held) if held as u64 == wanted => return Ok(()),
                    // What came and went after its last change may still be in it.
                    Ok(held) if held as u64 > wanted && !is_level => return Ok(()),
                    Ok(held) => format!("it holds {held} chunks and should hold {wanted}"),
                    Err(retrieval::Error::Unavailable { .. }) => return Ok(()),
                    Err(error) => error.to_string(),
                };
                part.replace(&why).map(drop)
            })
            .await?;
        }
        Ok(())
    }

    /// The embedder whose vectors these indexes hold, loaded (and fetched) when first asked for.
    ///
    /// # Errors
    /// Where the model is missing and cannot be fetched, is unusable, or is not the one any more.
    pub(super) async fn embedder_of(&self, indexes: &Indexes) -> Result<Arc<dyn Embedder>> {
        let space = indexes.generation.spec.space();
        let load = || async {
            let others = [self.active(), locked(&self.building).clone()];
            for other in others.into_iter().flatten() {
                if other.generation.spec.space() == space
                    && let Some(embedder) = other.embedder.get()
                {
                    return Ok(embedder.clone());
                }
            }
            let model = if self.embedder_model.space() == space {
                Some(self.embedder_model.clone())
            } else {
                EmbedderModel::of_space(&space, &self.settings)
            };
            let Some(model) = model else {
                return Err(Problem::new(
                    Fault::Unavailable,
                    "embedder_gone",
                    format!(
                        "the embedder {} ({}) that the index was built with is not known any more",
                        space.id, space.revision
                    ),
                    "run `lectern reindex` to build the index for the embedder of the settings",
                )
                .into());
            };
            self.load_embedder(model).await
        };
        indexes.embedder.get_or_try_init(load).await.cloned()
    }
}
