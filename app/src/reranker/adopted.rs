//! Which reranker a library has found better than none: `reranker.json` in the data folder.
//!
//! The file is written whole or not at all, and read at each search, so that a running server takes
//! the new one up, and one that is taken away is used no more.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use retrieval::cross_encoder::Residual;
use serde::{Deserialize, Serialize};

use super::judge::Judgement;

const FILE: &str = "reranker.json";

/// What is recorded of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adopted {
    /// The model's folder.
    pub folder: PathBuf,
    /// What was measured.
    pub judgement: Judgement,
}

/// The folder of the library's reranker, `None` where it has none or the folder is gone.
pub fn folder(data_dir: &Path) -> Option<PathBuf> {
    let text = std::fs::read(data_dir.join(FILE)).ok()?;
    let adopted: Adopted = serde_json::from_slice(&text).ok()?;
    let folder = data_dir.join(adopted.folder);
    folder.join(Residual::FILE).is_file().then_some(folder)
}

/// Has the library use the reranker in `folder` from now on.
///
/// # Errors
/// Where the file cannot be written.
pub fn adopt(data_dir: &Path, folder: &Path, judgement: &Judgement) -> Result<()> {
    let adopted = Adopted {
        // Relative where it lies in the data folder, which may be moved.
        folder: folder.strip_prefix(data_dir).unwrap_or(folder).to_owned(),
        judgement: judgement.clone(),
    };
    let path = data_dir.join(FILE);
    let write = || -> Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(data_dir)?;
        file.write_all(&serde_json::to_vec_pretty(&adopted)?)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Has the library do without; true where there was one.
///
/// # Errors
/// Where the file cannot be removed.
pub fn forget(data_dir: &Path) -> Result<bool> {
    let path = data_dir.join(FILE);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("removing {}", path.display())),
    }
}
