//! The adapter that Lectern brings with it, which answers unless another was promoted: SmolLM2-135M
//! trained to answer from notes, to cite them, and to decline (`docs/default-adapter.md` says how, on
//! what, and with what success).

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Result;

use super::files::Files;
use crate::library::{Library, blocking};

/// What its id begins with.
pub(super) const BUILT_IN: &str = "built-in-";

/// An adapter that Lectern brings with it.
#[derive(Debug)]
pub struct BuiltIn {
    /// Its `adapter_config.json`.
    config: &'static [u8],
    /// Its `adapter_model.safetensors`.
    weights: &'static [u8],
    /// What it learnt from, as datasets name it: one a line.
    documents: &'static str,
    /// SHA-256 of the file that the model which it was trained on is made of, as the registry has it.
    pub(super) base_sha256: &'static str,
    /// Of its files, once they were read.
    sha256: OnceLock<String>,
}

static OWN: BuiltIn = BuiltIn {
    config: include_bytes!("../../../../adapters/answerer/adapter_config.json"),
    weights: include_bytes!("../../../../adapters/answerer/adapter_model.safetensors"),
    documents: include_str!("../../../../adapters/answerer/documents.txt"),
    base_sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    sha256: OnceLock::new(),
};

/// The adapter that Lectern brings: the last in line.
#[must_use]
pub fn built_in() -> &'static BuiltIn {
    &OWN
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
        ID.get_or_init(|| format!("{BUILT_IN}{}", &self.sha256()[..8]))
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

#[cfg(test)]
mod tests {
    use generation::decoder::Adapter;

    use super::*;
    use crate::models::{DEFAULT_ANSWERER, find};

    #[test]
    fn it_is_small_whole_and_for_the_default_model() {
        let own = built_in();
        assert!(own.config.len() + own.weights.len() < 10_000_000);
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(own.sha256());
        own.files().keep(&folder).unwrap();
        let adapter = Adapter::load(&folder).unwrap();
        // Seven projections in each of 30 layers.
        assert_eq!(adapter.tensors().len(), 2 * 7 * 30);
        let model = find(DEFAULT_ANSWERER).unwrap();
        let fetched = model.weights_sha256(home.path()).unwrap();
        assert_eq!(fetched, own.base_sha256);
        assert!(own.id().starts_with(BUILT_IN));
        assert!(own.documents().count() > 100);
        assert!(own.documents().all(|name| name.starts_with("import:")));
    }
}
