//! Chooses what a model is run in: ONNX Runtime where it can be had, candle where it cannot.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{BertEmbedder, Embedder, EmbeddingModel, OnnxEmbedder, runtime};
use crate::onnx::{self, Head, Precision};
use crate::{Error, Result};

/// What models are run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// ONNX Runtime, else candle.
    #[default]
    Auto,
    /// ONNX Runtime or an error.
    Onnx,
    /// candle, in float32.
    Candle,
}

impl FromStr for Backend {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text {
            "auto" => Ok(Backend::Auto),
            "onnx" => Ok(Backend::Onnx),
            "candle" => Ok(Backend::Candle),
            _ => Err(()),
        }
    }
}

/// How models are run on this machine.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    /// In what.
    pub backend: Backend,
    /// In what numbers, where the graph is written here.
    pub precision: Precision,
    /// Processor threads.
    pub threads: usize,
    /// ONNX Runtime's library, candidates in the order in which they are tried; a name without a
    /// folder is looked for by the system.
    pub libraries: Vec<PathBuf>,
}

/// A model that was loaded.
pub struct Loaded {
    /// The model.
    pub embedder: Box<dyn Embedder>,
    /// What it runs in: `onnx` or `candle`.
    pub backend: &'static str,
    /// What the person should know: a library that could not be used.
    pub warnings: Vec<String>,
}

/// Loads a model, writing its graph first where it has none.
///
/// # Errors
/// [`Error::Model`] where a file is missing, unreadable or of an unknown architecture,
/// [`Error::Onnx`] where ONNX Runtime is needed and cannot be used.
pub fn load(model: &EmbeddingModel, engine: &Engine) -> Result<Loaded> {
    let candle = |warnings| {
        Ok(Loaded {
            embedder: Box::new(BertEmbedder::load(model)?),
            backend: "candle",
            warnings,
        })
    };
    if engine.backend == Backend::Candle {
        return candle(Vec::new());
    }
    let (environment, reasons) = match runtime::environment(&engine.libraries) {
        Ok(found) => found,
        Err(reasons) if engine.backend == Backend::Auto && model.graph.is_none() => {
            return candle(vec![format!(
                "no ONNX Runtime library can be used ({}), so the embedder runs several times \
                 slower in candle; hint: run `lectern models pull onnxruntime`, or name a library \
                 of version 1.{} or newer in ORT_DYLIB_PATH",
                reasons.join("; "),
                ort::MINOR_VERSION,
            )]);
        }
        Err(reasons) => {
            return Err(Error::Onnx(format!(
                "no library can be used: {}; hint: run `lectern models pull onnxruntime`, or name \
                 a library of version 1.{} or newer in ORT_DYLIB_PATH",
                reasons.join("; "),
                ort::MINOR_VERSION,
            )));
        }
    };
    let open = |graph: PathBuf| OnnxEmbedder::load(model, engine, environment.clone(), graph);
    let embedder = match &model.graph {
        Some(published) => open(model.folder.join(published))?,
        None => {
            let head = Head::Embedding(model.pooling);
            graph_file(&model.folder, &model.derived, head, engine.precision, open)?
        }
    };
    Ok(Loaded {
        embedder: Box::new(embedder),
        backend: "onnx",
        warnings: reasons
            .into_iter()
            .map(|reason| format!("an ONNX Runtime library was passed over: {reason}"))
            .collect(),
    })
}

/// Opens the graph of a model, which is written where it is missing, and once more where the one
/// that is there cannot be opened.
pub(crate) fn graph_file<T>(
    folder: &Path,
    derived: &Path,
    head: Head,
    precision: Precision,
    open: impl Fn(PathBuf) -> Result<T>,
) -> Result<T> {
    let path = derived.join(onnx::file_name(head, precision));
    let was_there = path.is_file();
    if !was_there {
        onnx::write(folder, &path, head, precision)?;
    }
    match open(path.clone()) {
        Err(Error::Onnx(_)) if was_there => {
            onnx::write(folder, &path, head, precision)?;
            open(path)
        }
        opened => opened,
    }
}
