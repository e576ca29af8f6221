//! The adapter that Lectern brings with it, which answers unless another was promoted: SmolLM2-135M
//! trained to answer from notes, to cite them, and to decline (`docs/default-adapter.md` says how, on
//! what, and with what success).

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Result;

use super::files::Files;
use crate::library::{Library, blocking};

/// An adapter that Lectern brings with it.
#[derive(Debug)]
pub struct BuiltIn {
    /// Its `adapter_config.json`.
    config: &'static [u8],
    /// Its `adapter_model.safetensors`.
    weights: &'static [u8],
    /// What it learnt from, as datasets name it: one a line.
    documents: &'static str,
    /// SHA-256 of the file of the model that it was trained on or, where that one is made of another
    /// here, of that other.
    pub(super) base_sha256: &'static str,
    /// Of its files, once they were read.
    sha256: OnceLock<String>,
}

static OWN: Option<BuiltIn> = None;

/// The adapter that Lectern brings: the last in line.
#[must_use]
pub fn built_in() -> Option<&'static BuiltIn> {
    OWN.as_ref()
}

impl BuiltIn {
    fn files(&self) -> Files {
        Files::of([self.config.to_vec(), self.weights.to_vec()])
    }

    /// SHA-256 of its files, in hexadecimal.
    pub(super) fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| self.files().sha256)
    }

    /// What answers record.
    #[must_use]
    pub fn id(&self) -> &str {
        static ID: OnceLock<String> = OnceLock::new();
        ID.get_or_init(|| format!("built-in-{}", &self.sha256()[..8]))
    }

    /// What it learnt from.
    pub(super) fn documents(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.documents.lines()
    }
}

impl Library {
    /// Puts the files of the adapter that Lectern brings beside the others. Returns their folder.
    pub(super) async fn keep_built_in(&self, own: &'static BuiltIn) -> Result<PathBuf> {
        let folder = self.adapter_folder(own.sha256());
        let kept = folder.clone();
        blocking(move || own.files().keep(&kept)).await?;
        Ok(folder)
    }
}
