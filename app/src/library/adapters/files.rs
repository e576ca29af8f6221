//! The files of an adapter in PEFT's format, and the folder that they are kept in.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::error::{Fault, Problem};

/// The files that make an adapter.
const NAMES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

/// What is in them, in the order of [`NAMES`].
pub(super) struct Files {
    contents: [Vec<u8>; 2],
    /// SHA-256 over names, lengths and contents, in hexadecimal.
    pub(super) sha256: String,
}

impl Files {
    /// Reads the two files of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut contents: [Vec<u8>; 2] = Default::default();
        for (name, content) in NAMES.iter().zip(&mut contents) {
            let path = folder.join(name);
            *content = fs::read(&path).map_err(|error| {
                Problem::new(
                    Fault::Input,
                    "adapter_unusable",
                    format!("{} cannot be read: {error}", path.display()),
                    "name a run that has finished, or the folder of an adapter in PEFT's format",
                )
            })?;
        }
        Ok(Self::of(contents))
    }

    /// Takes their contents.
    pub(super) fn of(contents: [Vec<u8>; 2]) -> Self {
        let mut hash = Sha256::new();
        for (name, content) in NAMES.iter().zip(&contents) {
            hash.update(name);
            hash.update([0]);
            hash.update((content.len() as u64).to_le_bytes());
            hash.update(content);
        }
        Self {
            contents,
            sha256: format!("{:x}", hash.finalize()),
        }
    }

    /// Puts them into a folder that is named after them; it appears whole or not at all, and one that
    /// is there and whole is left as it is.
    pub(super) fn keep(&self, folder: &Path) -> Result<()> {
        let writing = || format!("writing {}", folder.display());
        if Self::read(folder).is_ok_and(|there| there.sha256 == self.sha256) {
            return Ok(());
        }
        // Of a copy that was damaged, or of one that a kill left half removed.
        remove(folder)?;
        let parent = folder.parent().unwrap_or(folder);
        let part = parent.join(format!(".{}.part", self.sha256));
        remove(&part)?;
        fs::create_dir_all(&part).with_context(writing)?;
        for (name, content) in NAMES.iter().zip(&self.contents) {
            let mut file = File::create(part.join(name)).with_context(writing)?;
            file.write_all(content).with_context(writing)?;
            file.sync_all().with_context(writing)?;
        }
        fs::rename(&part, folder).with_context(writing)?;
        File::open(parent)
            .and_then(|parent| parent.sync_all())
            .with_context(writing)
    }
}

/// Deletes a folder that may be gone already.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("deleting {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_whole_and_named_after_what_is_in_them() {
        let home = tempfile::tempdir().unwrap();
        let of = |weights: &[u8]| Files::of([b"{}".to_vec(), weights.to_vec()]);
        let (one, two) = (of(b"one"), of(b"two"));
        assert_ne!(one.sha256, two.sha256);
        let folder = home.path().join("adapters").join(&one.sha256);
        one.keep(&folder).unwrap();
        assert_eq!(Files::read(&folder).unwrap().sha256, one.sha256);
        // A damaged copy is made good, a whole one is left.
        fs::write(folder.join(NAMES[1]), "tw").unwrap();
        assert_ne!(Files::read(&folder).unwrap().sha256, one.sha256);
        one.keep(&folder).unwrap();
        one.keep(&folder).unwrap();
        assert_eq!(Files::read(&folder).unwrap().sha256, one.sha256);
        remove(&folder).unwrap();
        remove(&folder).unwrap();
        assert!(Files::read(&folder).is_err());
    }
}
