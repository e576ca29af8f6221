//! Writes a BERT-family model as an ONNX file, from the safetensors folder that it is published in.
//!
//! ONNX Runtime runs an encoder two to four times as fast as a plain interpreter of its formula,
//! and needs a graph for it. Ready-made graphs are published for some models, in places that not
//! every machine reaches, each with its own choice of outputs. So the graph is written here: the
//! weights as they are, or quantised to bytes ([`int8`]), and the outputs that search needs, the
//! text's vector beside its tokens' ([`bert`]). It is ONNX of operator set 17
//! (<https://onnx.ai/onnx/operators/>) but for two of ONNX Runtime's own: `MultiHeadAttention` saves
//! the transpositions, and a fifth of the time at 500 tokens; `MatMulIntegerToFloat` scales a
//! product of bytes as it is made.
//!
//! A file is written under a temporary name and renamed, so one that is there is whole.

mod bert;
mod graph;
mod int8;
mod proto;
mod weights;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use prost::Message;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Changes whenever the graph does, so that a file of an older Lectern is not taken for a new one.
const FORMAT: u32 = 2;

/// Files written by this process.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);

/// In what numbers a model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As published.
    Float32,
    /// Weights and activations of matrix products in bytes: twice as fast, a quarter of the
    /// memory, cosine to float32 of 0.99 and better.
    #[default]
    Int8,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Precision::Float32 => "float32",
            Precision::Int8 => "int8",
        })
    }
}

/// Which vector stands for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean of its tokens' vectors (Reimers and Gurevych, "Sentence-BERT", 2019).
    #[default]
    Mean,
    /// The vector of its first token, `[CLS]`.
    Cls,
}

impl std::fmt::Display for Pooling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Pooling::Mean => "mean",
            Pooling::Cls => "cls",
        })
    }
}

/// What a graph puts out, beside computing the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// `sentence_embedding`, `(batch, dimension)`, of length 1, and `token_embeddings`,
    /// `(batch, sequence, dimension)`, the last layer's states.
    Embedding(Pooling),
    /// `logits`, `(batch, labels)`, of a sequence classifier.
    Classification,
}

/// Name for the file of a head at a precision, in the folder of its model. Int8 files differ by
/// what the machine's instructions allow (see [`int8`]), so that a folder can be shared.
pub fn file_name(head: Head, precision: Precision) -> String {
    let head = match head {
        Head::Embedding(pooling) => pooling.to_string(),
        Head::Classification => "classifier".to_owned(),
    };
    let width = match precision {
        Precision::Int8 if int8::levels() < 127 => "-narrow",
        _ => "",
    };
    format!("lectern-v{FORMAT}-{head}-{precision}{width}.onnx")
}

/// Reads `config.json` and `model.safetensors` of `folder` and writes the model to `destination`.
///
/// # Errors
/// [`Error::Model`] where a file is missing, unreadable or of an architecture that is not known
/// here; [`Error::Io`] where the destination cannot be written.
pub fn write(folder: &Path, destination: &Path, head: Head, precision: Precision) -> Result<()> {
    let broken = |reason: String| Error::Model {
        folder: folder.display().to_string(),
        reason,
    };
    let read = |name: &str| {
        std::fs::read(folder.join(name)).map_err(|error| broken(format!("{name}: {error}")))
    };
    let config = bert::Config::parse(&read("config.json")?).map_err(broken)?;
    let model = {
        let bytes = read("model.safetensors")?;
        let weights = weights::Weights::new(&bytes).map_err(broken)?;
        bert::graph(&config, &weights, head, precision).map_err(broken)?
    };
    // Protobuf messages end at 2 GiB.
    if model.encoded_len() > i32::MAX as usize {
        return Err(broken(format!(
            "in {precision} it is larger than an ONNX file can be; hint: use int8"
        )));
    }
    if let Some(parent) = destination.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // Two threads may write the same file, as two processes may.
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let partial = destination.with_extension(format!("{}-{number}.partial", std::process::id()));
    let written = write_whole(&partial, &model.encode_to_vec())
        .and_then(|()| std::fs::rename(&partial, destination));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    Ok(written?)
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
