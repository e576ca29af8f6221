//! The library: what one process that owns a data folder can do with it.
//!
//! [`Library::open`] takes the folder's lock; [`add`] brings a file in, [`remove`] takes a
//! document out, [`collections`] moves it, [`search`] and [`ask`] read, [`answers`] are those that
//! were given, [`feedback`] is what people say of them, [`adapters`] are what was
//! trained on that, [`index`] keeps the indexes level with the catalog, [`doctor`] checks that all of it
//! agrees. Models and indexes are opened when first needed, so that listing documents loads no
//! model.

pub mod adapters;
pub mod add;
pub mod answers;
pub mod ask;
mod blobs;
pub mod collections;
pub mod conversations;
mod cut;
pub mod datasets;
pub mod details;
pub mod doctor;
pub mod feedback;
pub mod index;
mod lock;
pub mod page_image;
pub mod reading;
pub mod remove;
pub mod report;
pub mod search;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use anyhow::{Context, Result};
use generation::Generator;
use generation::llama::Llama;
use retrieval::embed::Embedder;
use tokio::sync::{Mutex, Notify, OnceCell};

use crate::catalog::Catalog;
use crate::models::answerer::Answerer;
use crate::models::embedder::EmbedderModel;
use crate::models::reranker::LoadedReranker;
use crate::models::server::Server;
use crate::models::{Model, pull};
use crate::settings::Settings;
use reading::FileReader;

pub use add::{Stage, Upload};
pub use blobs::Blobs;
pub use index::Indexes;
pub use reading::READER_COMMAND;
pub use report::{FileReport, FileStatus};

/// An open data folder.
pub struct Library {
    /// Settings in force.
    pub settings: Settings,
    /// The truth.
    pub catalog: Catalog,
    /// The files.
    pub blobs: Blobs,
    /// Reads files, each in a process of its own.
    pub reader: FileReader,
    embedder_model: EmbedderModel,
    answerer: Answerer,
    /// The answerer on a server.
    generator: OnceCell<Arc<dyn Generator>>,
    /// The answerer in this process, without an adapter, and the hash of its file.
    base: OnceCell<Arc<Llama>>,
    base_sha256: OnceCell<String>,
    /// The answerer in this process as it answers now.
    serving: Mutex<Option<adapters::service::Served>>,
    /// Held while it is decided which adapter answers.
    adapting: Mutex<()>,
    /// Held while an adapter is evaluated.
    one_evaluation: Arc<Mutex<()>>,
    evaluating: adapters::background::Background,
    /// The cross-encoder that was used last, with what tells it from others.
    cross_encoder: Mutex<Option<(String, Arc<LoadedReranker>)>>,
    /// The indexes that answer, once they are open.
    active: std::sync::Mutex<Option<Arc<Indexes>>>,
    /// The indexes that are being built beside them.
    building: std::sync::Mutex<Option<Arc<Indexes>>>,
    opening: Mutex<()>,
    one_builder: Mutex<()>,
    /// Held while a dataset is made, so that its folder is nobody else's.
    preparing: Mutex<()>,
    /// Held while deleted documents are taken out of datasets' files.
    erasing: Mutex<()>,
    /// Comparisons of models that are being asked their questions.
    comparing: std::sync::Mutex<std::collections::BTreeSet<String>>,
    /// Held while the library is asked its own questions.
    pub(crate) asking_itself: Arc<Mutex<()>>,
    /// A server runs: slow work on the indexes is done in the background.
    resident: AtomicBool,
    upkeep: Arc<Notify>,
    commit_is_due: AtomicBool,
    /// Something was written since the indexes were last optimised.
    unoptimised: AtomicBool,
    me: Weak<Library>,
    /// Held while the catalog changes and the indexes follow, so that their order is the same.
    writing: Mutex<()>,
    /// Pictures of pages rendered at once.
    rendering: tokio::sync::Semaphore,
    _lock: lock::FolderLock,
}

impl Library {
    /// Opens the data folder of `settings`, or makes it.
    ///
    /// # Errors
    /// A problem `folder_in_use` where another process owns the folder.
    pub async fn open(settings: Settings) -> Result<Arc<Self>> {
        let folder = &settings.data_dir;
        lock::make_private_folder(folder)?;
        let lock = lock::FolderLock::take(folder)?;
        let catalog = Catalog::open(&folder.join("catalog.sqlite")).await?;
        let blobs = Blobs::open(&folder.join("blobs"))?;
        let reader = FileReader::new(&settings)?;
        let embedder_model = EmbedderModel::choose(&settings)?;
        let answerer = Answerer::choose(&settings)?;
        Ok(Arc::new_cyclic(|me| Self {
            embedder_model,
            answerer,
            generator: OnceCell::new(),
            base: OnceCell::new(),
            base_sha256: OnceCell::new(),
            serving: Mutex::default(),
            adapting: Mutex::new(()),
            one_evaluation: Arc::default(),
            evaluating: Default::default(),
            cross_encoder: Mutex::default(),
            active: std::sync::Mutex::default(),
            building: std::sync::Mutex::default(),
            opening: Mutex::new(()),
            one_builder: Mutex::new(()),
            preparing: Mutex::new(()),
            erasing: Mutex::new(()),
            comparing: std::sync::Mutex::default(),
            asking_itself: Arc::default(),
            resident: AtomicBool::new(false),
            upkeep: Arc::default(),
            commit_is_due: AtomicBool::new(false),
            unoptimised: AtomicBool::new(true),
            me: me.clone(),
            writing: Mutex::new(()),
            rendering: tokio::sync::Semaphore::new(2),
            _lock: lock,
            settings,
            catalog,
            blobs,
            reader,
        }))
    }

    /// The embedder of the indexes that answer or, where its model is gone, that of the settings.
    ///
    /// # Errors
    /// Where the model is missing and cannot be fetched, or is unusable.
    pub async fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        let indexes = self.indexes().await?;
        match self.embedder_of(&indexes).await {
            Err(_) if indexes.generation.spec.space() != self.embedder_model.space() => {
                self.load_embedder(self.embedder_model.clone()).await
            }
            found => found,
        }
    }

    /// Loads an embedder, and fetches it first where it is missing.
    async fn load_embedder(&self, model: EmbedderModel) -> Result<Arc<dyn Embedder>> {
        let (models_dir, offline) = (self.settings.models_dir.clone(), self.settings.offline);
        blocking(move || {
            let loaded = model.load(&pull::Place {
                models_dir: &models_dir,
                offline,
            })?;
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            Ok(Arc::from(loaded.embedder))
        })
        .await
    }

    /// The answerer, loaded (and fetched) when first asked for.
    ///
    /// # Errors
    /// Where the model is missing and cannot be fetched, or is unusable; where it is on a server
    /// that has to be asked for its name, and does not answer.
    pub async fn generator(&self) -> Result<Arc<dyn Generator>> {
        let Answerer::Server(config) = &self.answerer else {
            return Ok(self.served().await?.llama);
        };
        let load = || async {
            let config = config.clone();
            blocking(move || Ok(Arc::new(Server::choose(&config)?) as _)).await
        };
        if config.model.is_none() {
            // Not kept: the server may be started anew with another model.
            return load().await;
        }
        self.generator.get_or_try_init(load).await.cloned()
    }

    /// True where pages without text can be put through text recognition.
    pub(crate) fn can_recognise(&self) -> bool {
        self.reader.recognition().is_ok()
    }

    /// Folder of the derived indexes.
    pub fn index_folder(&self) -> PathBuf {
        self.settings.data_dir.join("indexes")
    }

    /// Runs blocking work on a model that is fetched first where it is missing.
    async fn with_model<T: Send + 'static>(
        &self,
        model: Model,
        load: impl FnOnce(&Model, &std::path::Path) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let models_dir = self.settings.models_dir.clone();
        let offline = self.settings.offline;
        blocking(move || {
            pull::ensure(
                &model,
                &pull::Place {
                    models_dir: &models_dir,
                    offline,
                },
            )?;
            load(&model, &models_dir)
        })
        .await
    }

    /// Removes blobs that nothing needs: left by a kill between storing a file and its document, or
    /// between deleting a document and its file. Once a process, with the indexes, so that listing
    /// documents does not list every file.
    ///
    /// The caller holds `writing`.
    async fn sweep(&self) -> Result<()> {
        let needed = self.catalog.needed_blobs().await?;
        for name in self.blobs.list().await? {
            if !needed.contains(&name) {
                self.blobs.delete(&name).await?;
            }
        }
        self.erase_from_datasets().await;
        Ok(())
    }
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .context("a worker thread panicked")?
}
