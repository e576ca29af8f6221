//! Files that appear whole or not at all, and tensors in them.
//!
//! What is written goes beside its place, is put on disk, and is renamed; a kill or a full disk in
//! the middle leaves what was there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use candle_core::Tensor;
use safetensors::{Dtype, SafeTensors};

/// Opens a file to write. Tests put a disk that fills up in its place.
pub(crate) type Create<'a> = &'a dyn Fn(&Path) -> io::Result<Box<dyn Write>>;

/// Opens a file on the real disk.
pub(crate) fn create(path: &Path) -> io::Result<Box<dyn Write>> {
    Ok(Box::new(BufWriter::new(File::create(path)?)))
}

/// Where something is written before it has its name.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    path.with_file_name(name)
}

/// Writes a file whole.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = beside(path);
    write_synced(&part, &create, |out| out.write_all(bytes))?;
    std::fs::rename(&part, path)?;
    sync_folder_of(path)
}

/// Writes a file and puts it on disk, under the name that it is given.
pub(crate) fn write_synced(
    path: &Path,
    create: Create<'_>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = create(path)?;
    write(&mut out)?;
    out.flush()?;
    drop(out);
    File::open(path)?.sync_all()
}

/// A rename lasts only once the folder is on disk.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Numbers to be written.
pub(crate) enum Numbers<'a> {
    Tensor(&'a Tensor),
    Slice(&'a [f32]),
}

/// A named array to be written.
pub(crate) struct Array<'a> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Numbers<'a>,
}

/// Writes arrays in f32 as safetensors (<https://huggingface.co/docs/safetensors>): the length of a
/// JSON header, the header, the numbers. Streaming, so that a large model is not copied first.
pub(crate) fn write_arrays(out: &mut dyn Write, arrays: &[Array<'_>]) -> io::Result<()> {
    let mut header = serde_json::Map::new();
    header.insert(
        "__metadata__".to_owned(),
        serde_json::json!({"format": "pt"}),
    );
    let mut end = 0;
    for array in arrays {
        let start = end;
        end += array.shape.iter().product::<usize>() * size_of::<f32>();
        let entry = serde_json::json!({
            "dtype": "F32", "shape": array.shape, "data_offsets": [start, end],
        });
        header.insert(array.name.clone(), entry);
    }
    let mut header = serde_json::to_vec(&header)?;
    // The numbers begin at a multiple of 8.
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for array in arrays {
        match &array.numbers {
            Numbers::Slice(values) => write_numbers(out, values)?,
            Numbers::Tensor(tensor) => {
                let values = tensor
                    .flatten_all()
                    .and_then(|flat| flat.to_vec1::<f32>())
                    .map_err(io::Error::other)?;
                write_numbers(out, &values)?;
            }
        }
    }
    Ok(())
}

fn write_numbers(out: &mut dyn Write, values: &[f32]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(64 * 1024);
    for run in values.chunks(16 * 1024) {
        bytes.clear();
        for value in run {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// Reads what [`write_arrays`] wrote, or any safetensors file in f32, by name.
pub(crate) fn read_arrays(path: &Path) -> Result<BTreeMap<String, Vec<f32>>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| format!("it is no readable safetensors file ({error})"))?;
    let mut arrays = BTreeMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("{name} is in {:?} and not in F32", view.dtype()));
        }
        let (values, _) = view.data().as_chunks::<4>();
        let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
        arrays.insert(name, values.collect());
    }
    Ok(arrays)
}
