//! The files themselves, named by their SHA-256 and spread over 256 folders.

use std::path::Path as FilePath;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

/// Content-addressed files.
pub struct Blobs {
    store: LocalFileSystem,
}

impl Blobs {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(folder: &FilePath) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("making the folder {}", folder.display()))?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store })
    }

    /// The name under which these bytes are stored.
    pub fn name_of(bytes: &[u8]) -> String {
        format!("{:x}", Sha256::digest(bytes))
    }

    /// Stores bytes under their [`name_of`](Self::name_of); doing so twice is harmless.
    ///
    /// # Errors
    /// Where they cannot be written; nothing is there then.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.store
            .put(&location(name), bytes.into())
            .await
            .context("storing the file")?;
        Ok(())
    }

    /// The bytes of that name.
    ///
    /// # Errors
    /// Where they are not there or cannot be read.
    pub async fn get(&self, name: &str) -> Result<Vec<u8>> {
        let found = self
            .store
            .get(&location(name))
            .await
            .context("reading a stored file")?;
        Ok(found.bytes().await?.to_vec())
    }

    /// True where a file of that name is there.
    pub async fn has(&self, name: &str) -> bool {
        self.store.head(&location(name)).await.is_ok()
    }

    /// Deletes the file of that name; harmless where there is none.
    ///
    /// # Errors
    /// Where it cannot be deleted.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match self.store.delete(&location(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).context("deleting a stored file"),
        }
    }

    /// The names of all files.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub async fn list(&self) -> Result<Vec<String>> {
        let found: Vec<_> = self
            .store
            .list(None)
            .try_collect()
            .await
            .context("listing stored files")?;
        Ok(found
            .iter()
            .filter_map(|meta| meta.location.filename().map(str::to_owned))
            .collect())
    }
}

fn location(name: &str) -> Path {
    let folder: String = name.chars().take(2).collect();
    Path::from_iter([folder.as_str(), name])
}
