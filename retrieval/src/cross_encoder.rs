//! A cross-encoder reads a question and a passage together and puts one number to the pair
//! (Nogueira and Cho, "Passage Re-ranking with BERT", 2019): better than comparing vectors where it
//! was trained on texts of the kind, and a forward pass for each passage.
//!
//! It is read from a folder: with a graph that was published, as fastembed's rerankers have it, or
//! with the weights of a BERT-family sequence classifier, whose graph is written here. [`load`] runs
//! it in ONNX Runtime or, where there is none, in [`candle`]. One that Lectern trained adds to a
//! ranking rather than replacing it ([`residual`]).

mod candle;
mod pair;
pub mod residual;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fastembed::{
    OnnxSource, RerankInitOptionsUserDefined, TextRerank, TokenizerFiles, UserDefinedRerankingModel,
};
use ort::environment::Environment;

use crate::embed::{Backend, Engine, environment, failed, graph_file};
use crate::onnx::Head;
use crate::{Error, Result};

pub use candle::CandleCrossEncoder;
pub use pair::{Pair, PairTokenizer};
pub use residual::Residual;

/// Passages of a ranking that are read, unless a model says otherwise.
pub const DEPTH: usize = 20;

/// Where a published graph lies in its folder.
const GRAPHS: &[&str] = &["onnx/model.onnx", "model.onnx"];

/// Scores passages for a question.
pub trait CrossEncoder: Send + Sync {
    /// A score for each text, higher is better; of no fixed scale.
    ///
    /// # Errors
    /// Where tokenising or the model fails.
    fn score(&self, query: &str, texts: &[&str]) -> Result<Vec<f32>>;
}

/// A cross-encoder that was loaded.
pub struct Loaded {
    /// The model.
    pub encoder: Box<dyn CrossEncoder>,
    /// What it runs in: `onnx` or `candle`.
    pub backend: &'static str,
    /// What the person should know: a library that could not be used.
    pub warnings: Vec<String>,
}

/// Loads the model in `folder` in what `engine` asks for; a graph that has to be written goes to
/// `derived`. Pairs longer than `context` tokens are cut.
///
/// # Errors
/// [`Error::Model`] where a file is missing or is no classifier, [`Error::Onnx`] where ONNX Runtime
/// is needed and cannot be used.
pub fn load(folder: &Path, derived: &Path, context: usize, engine: &Engine) -> Result<Loaded> {
    let has_graph = GRAPHS.iter().any(|name| folder.join(name).is_file());
    let onnx = || -> Result<Loaded> {
        Ok(Loaded {
            encoder: Box::new(OnnxCrossEncoder::load(folder, derived, context, engine)?),
            backend: "onnx",
            warnings: Vec::new(),
        })
    };
    let reason = match engine.backend {
        Backend::Onnx => return onnx(),
        Backend::Auto if has_graph => return onnx(),
        Backend::Candle => None,
        Backend::Auto => match onnx() {
            Err(error @ (Error::Onnx(_) | Error::Io(_))) => Some(error.to_string()),
            loaded => return loaded,
        },
    };
    Ok(Loaded {
        encoder: Box::new(CandleCrossEncoder::load(folder, context)?),
        backend: "candle",
        warnings: reason
            .into_iter()
            .map(|reason| {
                format!("the reranker runs several times slower in candle, because {reason}")
            })
            .collect(),
    })
}

/// A cross-encoder in ONNX Runtime, by way of fastembed.
pub struct OnnxCrossEncoder {
    session: Mutex<TextRerank>,
}

impl OnnxCrossEncoder {
    /// Loads the model in `folder`; a graph that has to be written goes to `derived`. Pairs longer
    /// than `context` tokens are cut.
    ///
    /// # Errors
    /// [`Error::Model`] where a file is missing or is no classifier, [`Error::Onnx`] where no
    /// ONNX Runtime can be used.
    pub fn load(folder: &Path, derived: &Path, context: usize, engine: &Engine) -> Result<Self> {
        let (environment, _) = environment(&engine.libraries).map_err(|reasons| {
            Error::Onnx(format!("no library can be used: {}", reasons.join("; ")))
        })?;
        let mut tokenizer = PairTokenizer::load(folder, context)?.tokenizer.tokenizer;
        let config = serde_json::json!({ "model_max_length": context, "pad_token": "[PAD]" });
        let open = |graph: PathBuf| open(&environment, graph, &config.to_string(), folder, engine);
        let published = GRAPHS
            .iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file());
        let mut session = match published {
            Some(graph) => open(graph)?,
            None => graph_file(
                folder,
                derived,
                Head::Classification,
                engine.precision,
                open,
            )?,
        };
        tokenizer.with_padding(None);
        session.tokenizer = tokenizer;
        Ok(Self {
            session: Mutex::new(session),
        })
    }
}

fn open(
    environment: &Environment,
    graph: PathBuf,
    config: &str,
    folder: &Path,
    engine: &Engine,
) -> Result<TextRerank> {
    let files = TokenizerFiles {
        tokenizer_file: std::fs::read(folder.join("tokenizer.json"))?,
        config_file: b"{}".to_vec(),
        special_tokens_map_file: b"{}".to_vec(),
        tokenizer_config_file: config.into(),
    };
    let options = RerankInitOptionsUserDefined::new()
        .with_environment(environment.clone())
        .with_intra_threads(engine.threads.max(1))
        .with_execution_providers(vec![ort::ep::CPU::default().build()])
        .with_session_config("session.intra_op.allow_spinning", "0");
    let model = UserDefinedRerankingModel::new(OnnxSource::File(graph), files);
    TextRerank::try_new_from_user_defined(model, options).map_err(failed)
}

impl CrossEncoder for OnnxCrossEncoder {
    fn score(&self, query: &str, texts: &[&str]) -> Result<Vec<f32>> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        // One pair at a time: in int8 a pair's score would depend on those beside it.
        let ranked = session
            .rerank(query, texts, false, Some(1))
            .map_err(failed)?;
        let mut scores = vec![0.0; texts.len()];
        for result in ranked {
            scores[result.index] = result.score;
        }
        Ok(scores)
    }
}
