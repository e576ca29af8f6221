//! Files that appear whole or not at all: written beside their place, put on disk, renamed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{View, serialize_to_file};

use crate::Error;
use crate::gguf::unusable;

/// Runs `write` on a temporary path beside `destination`, puts what it wrote on disk and renames it.
pub(super) fn write_whole(
    destination: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = destination.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let temporary = destination.with_file_name(name);
    let written = write(&temporary)
        .and_then(|()| File::open(&temporary)?.sync_all())
        .and_then(|()| std::fs::rename(&temporary, destination))
        .and_then(|()| sync_folder(destination));
    if written.is_err() {
        // Whatever is left of it is of no use; that it may already be gone is no second error.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// What is said where it could not be written.
pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Error {
    unusable(
        path,
        format!(
            "writing it failed ({error}); hint: check the free space and the folder's permissions"
        ),
    )
}

/// A rename lasts only once the folder is on disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or(PathBuf::from("."), Path::to_path_buf);
    File::open(folder)?.sync_all()
}

pub(crate) fn write_bytes(destination: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(destination, |path| File::create(path)?.write_all(bytes))
}

pub(super) fn write_safetensors<V: View>(
    destination: &Path,
    tensors: impl IntoIterator<Item = (String, V)>,
) -> io::Result<()> {
    write_whole(destination, |path| serialize(path, tensors))
}

/// Tensors as `transformers` and PEFT read them: in the PyTorch layout, said in the header.
pub(super) fn serialize<V: View>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, V)>,
) -> io::Result<()> {
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    serialize_to_file(tensors, Some(format), path).map_err(io::Error::other)
}
