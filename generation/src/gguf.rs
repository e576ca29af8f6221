//! Model files in GGUF, llama.cpp's container: reading their metadata, and rewriting one whose
//! quantisation has no fast kernel.
//!
//! candle multiplies Q4_0, Q8_0 and the K-quants with SIMD instructions and the formats Q4_1,
//! Q5_0 and Q5_1 one number at a time, several times slower. [`requantise`] writes such weights
//! again as Q8_0, whose 32-weight blocks hold them almost without loss, so that it is done once
//! for each model file rather than at each start.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use candle_core::Device;
use candle_core::quantized::gguf_file::{self, Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};

use crate::{Error, Result};

/// `general.file_type` of a file whose weights are mostly Q8_0.
const FILE_TYPE_Q8_0: u32 = 7;

/// An open model file and what its header says.
pub(crate) struct Gguf {
    pub(crate) content: Content,
    pub(crate) reader: BufReader<File>,
}

/// An [`Error::Model`] about `path`.
pub(crate) fn unusable(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Model {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

impl Gguf {
    /// Opens a file and reads its header; checks that it is as long as the header says.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => "fetch it with `lectern models pull`",
                _ => "check that the file can be read",
            };
            unusable(path, format!("{error}; hint: {hint}"))
        })?;
        let length = file
            .metadata()
            .map_err(|error| unusable(path, error))?
            .len();
        let mut reader = BufReader::new(file);
        let content = Content::read(&mut reader).map_err(|error| {
            unusable(
                path,
                format!(
                    "it is not a readable GGUF file ({}); hint: delete it and fetch it again with \
                     `lectern models pull`, or name a .gguf file",
                    first_line(&error)
                ),
            )
        })?;
        for (name, info) in &content.tensor_infos {
            let blocks = info.shape.elem_count() / info.ggml_dtype.block_size();
            let end = content
                .tensor_data_offset
                .saturating_add(info.offset)
                .saturating_add((blocks * info.ggml_dtype.type_size()) as u64);
            if end > length {
                return Err(unusable(
                    path,
                    format!(
                        "it is cut short: the weights {name} end at byte {end} and the file has \
                         {length}; hint: delete it and fetch it again with `lectern models pull`"
                    ),
                ));
            }
        }
        Ok(Self { content, reader })
    }

    /// A text in the metadata.
    pub(crate) fn string(&self, key: &str) -> Option<&str> {
        self.content
            .metadata
            .get(key)?
            .to_string()
            .ok()
            .map(String::as_str)
    }

    /// A whole number in the metadata, whatever its width.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        number(self.content.metadata.get(key)?)
    }

    /// A number in the metadata, whatever its kind.
    pub(crate) fn float(&self, key: &str) -> Option<f64> {
        match self.content.metadata.get(key)? {
            Value::F32(number) => Some(f64::from(*number)),
            Value::F64(number) => Some(*number),
            whole => number(whole).map(f64::from),
        }
    }

    /// A list of texts in the metadata.
    pub(crate) fn strings(&self, key: &str) -> Option<Vec<String>> {
        let values = self.content.metadata.get(key)?.to_vec().ok()?;
        values
            .iter()
            .map(|value| value.to_string().ok().cloned())
            .collect()
    }

    /// A list of whole numbers in the metadata.
    pub(crate) fn numbers(&self, key: &str) -> Option<Vec<u32>> {
        let values = self.content.metadata.get(key)?.to_vec().ok()?;
        values.iter().map(number).collect()
    }
}

fn number(value: &Value) -> Option<u32> {
    match value {
        Value::U8(number) => Some(u32::from(*number)),
        Value::U16(number) => Some(u32::from(*number)),
        Value::U32(number) => Some(*number),
        Value::U64(number) => u32::try_from(*number).ok(),
        Value::I8(number) => u32::try_from(*number).ok(),
        Value::I16(number) => u32::try_from(*number).ok(),
        Value::I32(number) => u32::try_from(*number).ok(),
        Value::I64(number) => u32::try_from(*number).ok(),
        _ => None,
    }
}

/// candle's errors carry a backtrace on further lines, which no user should see.
pub(crate) fn first_line(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// What a model file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// `general.architecture`, such as `llama`.
    pub architecture: String,
    /// `general.name`.
    pub name: Option<String>,
    /// `general.license`.
    pub license: Option<String>,
    /// Tokens that the model was trained to read.
    pub context_length: Option<u32>,
    /// Number of weights.
    pub parameters: u64,
    /// Size of the weights in the file, in bytes.
    pub weight_bytes: u64,
    /// The quantisation that most weights have, such as `Q4_1`.
    pub quantisation: String,
    /// True where [`requantise`] would make it faster.
    pub slow: bool,
}

/// Reads what a model file says of itself, without its weights.
///
/// # Errors
/// [`Error::Model`] where the file is missing, unreadable or no GGUF file.
pub fn metadata(path: &Path) -> Result<Metadata> {
    let gguf = Gguf::open(path)?;
    let architecture = gguf
        .string("general.architecture")
        .unwrap_or_default()
        .to_owned();
    let mut by_format: Vec<(GgmlDType, u64)> = Vec::new();
    let mut weight_bytes = 0;
    for info in gguf.content.tensor_infos.values() {
        let count = info.shape.elem_count() as u64;
        weight_bytes +=
            count / info.ggml_dtype.block_size() as u64 * info.ggml_dtype.type_size() as u64;
        match by_format
            .iter_mut()
            .find(|(format, _)| *format == info.ggml_dtype)
        {
            Some((_, total)) => *total += count,
            None => by_format.push((info.ggml_dtype, count)),
        }
    }
    Ok(Metadata {
        name: gguf.string("general.name").map(str::to_owned),
        license: gguf.string("general.license").map(str::to_owned),
        context_length: gguf.number(&format!("{architecture}.context_length")),
        parameters: by_format.iter().map(|(_, count)| count).sum(),
        weight_bytes,
        slow: by_format.iter().any(|(format, _)| is_slow(*format)),
        quantisation: by_format
            .iter()
            .max_by_key(|(_, count)| *count)
            .map(|(format, _)| format!("{format:?}"))
            .unwrap_or_default(),
        architecture,
    })
}

/// True for the formats that candle multiplies without SIMD.
pub(crate) fn is_slow(format: GgmlDType) -> bool {
    matches!(
        format,
        GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1 | GgmlDType::Q8_1
    )
}

/// Writes `source` again at `destination` with the weights that have no fast kernel as Q8_0 and
/// everything else as it is. `destination` appears whole or not at all. Holds all weights in
/// memory meanwhile.
///
/// # Errors
/// [`Error::Model`] where `source` is unreadable or `destination` can't be written;
/// [`Error::Run`] where a tensor can't be converted.
pub fn requantise(source: &Path, destination: &Path) -> Result<()> {
    let Gguf {
        content,
        mut reader,
    } = Gguf::open(source)?;

    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort_by_key(|name| content.tensor_infos[*name].offset);
    let mut tensors: Vec<(&str, QTensor)> = Vec::with_capacity(names.len());
    for name in names {
        let tensor = content
            .tensor(&mut reader, name, &Device::Cpu)
            .map_err(|error| unusable(source, first_line(&error)))?;
        let tensor = if is_slow(tensor.dtype()) {
            QTensor::quantize(&tensor.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)?
        } else {
            tensor
        };
        tensors.push((name, tensor));
    }

    let file_type = Value::U32(FILE_TYPE_Q8_0);
    let metadata = metadata_with(&content, &file_type);
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (*name, tensor))
        .collect();
    write_whole(destination, |file| {
        gguf_file::write(file, &metadata, &tensors)
    })
}

/// Writes through a temporary file beside `destination`, so that a kill leaves no half file.
fn write_whole(
    destination: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> candle_core::Result<()>,
) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| {
        unusable(
            destination,
            format!(
                "writing it failed ({error}); hint: check the free space and the folder's permissions"
            ),
        )
    };
    let mut name = destination.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let temporary = destination.with_file_name(name);
    let written = (|| -> std::io::Result<()> {
        let mut writer = BufWriter::new(File::create(&temporary)?);
        write(&mut writer).map_err(|error| std::io::Error::other(first_line(&error)))?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        std::fs::rename(&temporary, destination)?;
        // The rename itself lasts only once the folder is on disk.
        let folder = destination
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if cfg!(unix) {
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    })();
    written.map_err(|error| {
        // Whatever is left of it is of no use; that it may already be gone is no second error.
        let _ = std::fs::remove_file(&temporary);
        failed(&error)
    })
}

/// The metadata of a file for a copy of it with another `file_type`, in the order of the keys.
pub(crate) fn metadata_with<'a>(
    content: &'a gguf_file::Content,
    file_type: &'a Value,
) -> Vec<(&'a str, &'a Value)> {
    let mut metadata: Vec<(&str, &Value)> = content
        .metadata
        .iter()
        // The writer always aligns by 32 bytes, the format's default.
        .filter(|(key, _)| *key != "general.alignment")
        .map(|(key, value)| match key.as_str() {
            "general.file_type" => (key.as_str(), file_type),
            key => (key, value),
        })
        .collect();
    metadata.sort_by_key(|(key, _)| *key);
    metadata
}
