//! One process owns a data folder: an exclusive lock on a file in it, which the system gives back
//! when the process ends, however it ends.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::error::{Fault, Problem};

/// The lock; given back on drop.
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening the lock file {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = std::fs::read_to_string(&path).unwrap_or_default();
                return Err(Problem::new(
                    Fault::Conflict,
                    "folder_in_use",
                    format!(
                        "the data folder {} is in use by another Lectern process{}",
                        folder.display(),
                        if owner.is_empty() {
                            String::new()
                        } else {
                            format!(" ({})", owner.trim())
                        },
                    ),
                    "wait until it has finished, stop it, or use another folder with --data-dir",
                )
                .into());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        file.set_len(0)?;
        writeln!(file, "process {}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

/// Makes a folder that only its owner can read: it holds people's papers and questions.
pub(super) fn make_private_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making the data folder {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let _first = FolderLock::take(folder.path()).unwrap();
        let problem = Problem::from_error(&FolderLock::take(folder.path()).err().unwrap());
        assert_eq!(problem.code, "folder_in_use");
        assert!(
            problem.message.contains(&std::process::id().to_string()),
            "{problem}"
        );
        drop(_first);
        assert!(FolderLock::take(folder.path()).is_ok());
    }
}
