//! Hashes of files whose hash nobody could know before: what came the first time is what is expected
//! from then on (trust on first use), in `fetched.json` of the model's folder.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::ModelFile;

const NAME: &str = "fetched.json";

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// What a file of a model must be: as the registry says, else as it was first fetched.
pub(super) fn expected(folder: &Path, file: &ModelFile) -> Option<Known> {
    if file.sha256.is_empty() {
        return read(folder).remove(&file.name);
    }
    Some(Known {
        bytes: file.bytes,
        sha256: file.sha256.clone(),
    })
}

/// Notes what a file was when it was fetched.
pub(super) fn add(folder: &Path, name: &str, known: &Known) -> Result<()> {
    let mut all = read(folder);
    all.insert(name.to_owned(), known.clone());
    let partial = folder.join(format!(".{NAME}.partial"));
    std::fs::write(&partial, serde_json::to_vec_pretty(&all)?)
        .and_then(|()| std::fs::rename(&partial, folder.join(NAME)))
        .with_context(|| format!("writing {NAME} in {}", folder.display()))
}

fn read(folder: &Path) -> BTreeMap<String, Known> {
    std::fs::read(folder.join(NAME))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}
