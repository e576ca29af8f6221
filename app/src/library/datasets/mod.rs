//! Datasets for training that were prepared from this library: where they are, and what leaves them.
//!
//! Their files hold text of documents, so a document that is deleted is taken out of them. The catalog
//! marks it first, in the transaction that deletes it; the files follow, and a kill in between is made
//! good when the library is next opened.
//!
//! [`prepare`] is the path of a new one: [`questions`] makes questions of sentences, `imports` reads
//! those of files, `refusals` says which are to be declined, `pool` finds passages and `build` makes an
//! example of a question and passages, as it would be served.

mod build;
mod imports;
mod lists;
mod pool;
pub mod prepare;
pub mod questions;
mod refusals;

/// What the names of imported documents begin with.
pub(crate) use imports::PREFIX as IMPORTED;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use finetune::data::{Card, folder};

use super::{Library, blocking};
use crate::catalog::DatasetRecord;
use crate::error::{Fault, Problem};

impl Library {
    /// Datasets, newest first.
    ///
    /// # Errors
    /// Where the catalog cannot be read.
    pub async fn datasets(&self) -> Result<Vec<DatasetRecord>> {
        self.erase_from_datasets().await;
        self.catalog.datasets().await
    }

    /// A dataset by its name.
    ///
    /// # Errors
    /// A problem `dataset_not_found`.
    pub async fn dataset(&self, name: &str) -> Result<DatasetRecord> {
        self.erase_from_datasets().await;
        let found = self.catalog.dataset(name).await?;
        found.ok_or_else(|| not_found(name).into())
    }

    /// Deletes a dataset; its files too where they are in the data folder, else they stay and the
    /// record alone goes. Returns it as it was.
    ///
    /// # Errors
    /// A problem `dataset_not_found`, or where the files cannot be deleted.
    pub async fn delete_dataset(&self, name: &str) -> Result<DatasetRecord> {
        let record = self.dataset(name).await?;
        // The files first: without its record nothing would take deleted documents out of them.
        let own = self.dataset_folder(&record.name);
        if own == Path::new(&record.folder) {
            blocking(move || remove(&own)).await?;
        }
        match self.catalog.delete_dataset(&record.name).await? {
            true => Ok(record),
            false => Err(not_found(name).into()),
        }
    }

    /// Where a dataset is, unless another folder was named.
    pub(crate) fn dataset_folder(&self, name: &str) -> PathBuf {
        self.settings.data_dir.join("datasets").join(name)
    }

    /// Takes deleted documents out of the files of datasets. What fails is tried again next time: the
    /// document is gone from the catalog already, and that must not be undone by a folder that is on
    /// a disk that is not there today.
    pub(in crate::library) async fn erase_from_datasets(&self) {
        if let Err(error) = self.erase_deleted().await {
            tracing::warn!("taking deleted documents out of datasets: {error:#}");
        }
    }

    async fn erase_deleted(&self) -> Result<()> {
        let _erasing = self.erasing.lock().await;
        self.erase_lists().await?;
        let mut pending: BTreeMap<(String, PathBuf), Vec<String>> = BTreeMap::new();
        for (name, folder, document) in self.catalog.datasets_to_erase().await? {
            let documents = pending.entry((name, PathBuf::from(folder))).or_default();
            documents.push(document);
        }
        for ((name, path), documents) in pending {
            let erasing = documents.clone();
            let card: Option<Card> = blocking(move || {
                match path.try_exists() {
                    Ok(true) => Ok(Some(folder::erase(&path, &erasing)?)),
                    // Somebody deleted it: nothing is left to erase.
                    Ok(false) if path.parent().is_some_and(Path::exists) => Ok(None),
                    _ => anyhow::bail!("{} cannot be reached", path.display()),
                }
            })
            .await
            .with_context(|| format!("the dataset {name}"))?;
            self.catalog
                .dataset_erased(&name, &documents, card.as_ref())
                .await?;
        }
        Ok(())
    }
}

/// An order of names that is the same each time and another for each of `salt`.
pub(crate) fn order(name: &str, salt: &str) -> [u8; 32] {
    prepare::digest(0, &format!("{salt} {name}"))
}

impl Library {
    /// Takes away what runs of a reranker that were stopped hold of deleted documents.
    async fn erase_lists(&self) -> Result<()> {
        let data_dir = self.settings.data_dir.clone();
        if !data_dir.join("runs").is_dir() {
            return Ok(());
        }
        let documents = self.catalog.documents(None).await?;
        let documents = documents.into_iter().map(|document| document.id).collect();
        blocking(move || crate::reranker::forget_documents(&data_dir, &documents)).await
    }
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("deleting {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn not_found(name: &str) -> Problem {
    let shown: String = name.chars().take(64).collect();
    Problem::new(
        Fault::NotFound,
        "dataset_not_found",
        format!("there is no dataset {shown:?}"),
        "`lectern finetune datasets list` shows their names",
    )
}
