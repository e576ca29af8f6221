//! What was committed, so that damage is noticed.
//!
//! The engine's files carry no checksums, and some of them, lost or cut short, leave it running
//! with fewer points or other vectors. So each commit writes down the size of every file and a
//! checksum of a few of its blocks, and opening compares. A file named `writing` stands beside the
//! record from the first write after a commit to the next: while it is there, files may differ
//! from the record without being damaged, and the changes since are applied again by the catalog's
//! sequence. A block in the middle of a large file that is overwritten without a change of size
//! can go unnoticed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

const RECORD: &str = "watermark.json";
const WRITING: &str = "writing";
/// Blocks of a file that are looked at, evenly spread, the first and last among them.
const BLOCKS: u64 = 4;
const BLOCK: u64 = 4096;

/// Size and checksum by path below the index's folder.
pub(super) type Files = BTreeMap<String, (u64, u32)>;

/// What was committed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Last change of the catalog that is in.
    pub(super) sequence: u64,
    /// Operations that the engine has been given, at least: it ignores one that is numbered lower
    /// than what it has already done to a point.
    pub(super) operations: u64,
    /// Points held.
    pub(super) points: usize,
    /// The engine's files.
    pub(super) files: Files,
}

impl Record {
    /// Reads the record of a folder; `None` where there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        match std::fs::read(folder.join(RECORD)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| Error::Dense(format!("{RECORD} is damaged: {error}"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes it so that either the old or the new one is there, whatever happens.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(|error| Error::Dense(error.to_string()))?;
        let partial = folder.join("watermark.partial");
        std::fs::write(&partial, bytes)?;
        File::open(&partial)?.sync_all()?;
        std::fs::rename(partial, folder.join(RECORD))?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    /// Compares the files with those of the commit.
    pub(super) fn check(&self, folder: &Path) -> Result<()> {
        let now = files(folder)?;
        for (path, was) in &self.files {
            match now.get(path) {
                None => return Err(Error::Dense(format!("its file {path} is missing"))),
                Some(is) if is != was => {
                    return Err(Error::Dense(format!(
                        "its file {path} is not as it was written"
                    )));
                }
                Some(_) => {}
            }
        }
        match now.keys().find(|path| !self.files.contains_key(*path)) {
            Some(path) => Err(Error::Dense(format!(
                "it has a file of unknown origin, {path}"
            ))),
            None => Ok(()),
        }
    }
}

/// True where writes after the last commit may have reached the files.
pub(super) fn is_writing(folder: &Path) -> bool {
    folder.join(WRITING).exists()
}

/// Says that writes follow. Durable before it returns: else a power cut could leave changed files
/// that look damaged.
pub(super) fn begin_writing(folder: &Path) -> Result<()> {
    File::create(folder.join(WRITING))?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Says that the files are as the record has them.
pub(super) fn end_writing(folder: &Path) -> Result<()> {
    match std::fs::remove_file(folder.join(WRITING)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The engine's files as they are, without its journal.
pub(super) fn files(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let segments = folder.join("segments");
    if segments.is_dir() {
        collect(folder, &segments, &mut files)?;
    }
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Files) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name: PathBuf = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            files.insert(name.to_string_lossy().into_owned(), fingerprint(&path)?);
        }
    }
    Ok(())
}

fn fingerprint(path: &Path) -> Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut hasher = crc32fast::Hasher::new();
    let mut block = Vec::with_capacity(BLOCK as usize);
    if size <= BLOCKS * BLOCK {
        file.read_to_end(&mut block)?;
        hasher.update(&block);
        return Ok((size, hasher.finalize()));
    }
    for number in 0..BLOCKS {
        let at = (size - BLOCK) / (BLOCKS - 1) * number;
        file.seek(SeekFrom::Start(at))?;
        block.clear();
        file.by_ref().take(BLOCK).read_to_end(&mut block)?;
        hasher.update(&block);
    }
    Ok((size, hasher.finalize()))
}
