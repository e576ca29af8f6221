//! A model through ONNX Runtime, by way of fastembed.
//!
//! Every text is run alone. On a processor a batch buys nothing (254 tokens fill it, and 20 tokens
//! take 2 ms either way) and costs three things: padding, memory, and, in int8, that a text's
//! vector would depend on the texts beside it, since a batch shares its activations' scales. Texts
//! are shared out to sessions of one thread each instead, which scales better than threads within
//! a matrix product do.
//!
//! Questions have a session of their own, so that a search does not wait for a running ingest.
//! Sessions for passages are made when first needed: a process that only searches has one.
//!
//! fastembed runs the session and knows the models' outputs; it tokenises for itself and keeps the
//! tokens, so a text is tokenised here too for their places (a hundredth of the time).

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fastembed::{
    InitOptionsUserDefined, OutputKey, SingleBatchOutput, TextEmbedding, TokenizerFiles,
    UserDefinedEmbeddingModel,
};
use ort::environment::Environment;

use super::tokens::{TextTokenizer, prompted, token_vectors};
use super::{Embedded, Embedder, EmbeddingModel, Engine, TokenVectors, VectorSpace};
use crate::onnx::Pooling;
use crate::{Error, Result};

/// Sessions for passages at most: each has the weights for itself.
const WORKERS: usize = 8;
/// Threads of the session for questions at most: they are short.
const QUERY_THREADS: usize = 4;

/// Outputs with a vector for each token.
const TOKEN_STATES: &[OutputKey] = &[
    OutputKey::ByName("token_embeddings"),
    OutputKey::ByName("last_hidden_state"),
];
/// Outputs that are the text's vector, or that it can be pooled from.
const POOLED: &[OutputKey] = &[
    OutputKey::OnlyOne,
    OutputKey::ByName("text_embeds"),
    OutputKey::ByName("last_hidden_state"),
    OutputKey::ByName("sentence_embedding"),
];

/// Stands in for the tokenizer while fastembed reads one; ours is put in its place.
const NO_TOKENIZER: &str =
    r#"{"version":"1.0","model":{"type":"WordLevel","vocab":{"?":0},"unk_token":"?"}}"#;

/// An encoder in ONNX Runtime.
pub struct OnnxEmbedder {
    model: EmbeddingModel,
    tokenizer: TextTokenizer,
    source: Source,
    query: Mutex<TextEmbedding>,
    workers: Vec<Mutex<Option<TextEmbedding>>>,
    threads_each: usize,
}

/// What sessions are made from.
struct Source {
    environment: Environment,
    graph: PathBuf,
    /// Tensors beside the graph, by the names it knows them under.
    further: Vec<(String, PathBuf)>,
}

impl OnnxEmbedder {
    /// Loads the graph that is at `graph`.
    ///
    /// # Errors
    /// [`Error::Model`] where a file is missing or unreadable, [`Error::Onnx`] where the graph
    /// cannot be run.
    pub(super) fn load(
        model: &EmbeddingModel,
        engine: &Engine,
        environment: Environment,
        graph: PathBuf,
    ) -> Result<Self> {
        let tokenizer = TextTokenizer::load(&model.folder, model.context)?;
        let further = model
            .tensor_files
            .iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                Some((name.to_owned(), model.folder.join(path)))
            })
            .collect();
        let source = Source {
            environment,
            graph,
            further,
        };
        let threads = engine.threads.max(1);
        let query = source.session(&tokenizer, model, threads.min(QUERY_THREADS))?;
        let workers = threads.min(WORKERS);
        let embedder = Self {
            model: model.clone(),
            tokenizer,
            source,
            query: Mutex::new(query),
            workers: (0..workers).map(|_| Mutex::default()).collect(),
            threads_each: threads / workers,
        };
        // A graph of another shape is found out here rather than at the first search.
        let probe = embedder.encode_query("a")?;
        if probe.vector.len() != model.space.dimension {
            return Err(Error::Onnx(format!(
                "{} gives vectors of {} numbers, not {}",
                embedder.source.graph.display(),
                probe.vector.len(),
                model.space.dimension
            )));
        }
        Ok(embedder)
    }

    fn run(&self, session: &mut TextEmbedding, prompt: &str, text: &str) -> Result<Embedded> {
        let dimension = self.model.space.dimension;
        let text = prompted(prompt, text);
        let encoding = self.tokenizer.encode(&text)?;
        let outputs = session
            .transform([text.as_ref()], Some(1))
            .map_err(failed)?
            .into_raw();
        let output = outputs
            .first()
            .ok_or_else(|| Error::Onnx("it gave no output".into()))?;
        let vector = text_vector(output, self.model.pooling)?;
        let tokens = match output.select_output(&TOKEN_STATES) {
            Ok(states) => {
                let states = states
                    .as_slice()
                    .filter(|states| states.len() == encoding.len() * dimension)
                    .ok_or_else(|| Error::Onnx("its token vectors are of another shape".into()))?;
                token_vectors(&encoding, states, dimension, prompt.len())
            }
            Err(_) => TokenVectors {
                dimension,
                ..TokenVectors::default()
            },
        };
        Ok(Embedded { vector, tokens })
    }

    /// A session that nobody uses, or the first one when it is free.
    fn worker(&self) -> MutexGuard<'_, Option<TextEmbedding>> {
        self.workers
            .iter()
            .find_map(|worker| worker.try_lock().ok())
            .unwrap_or_else(|| lock(&self.workers[0]))
    }

    fn run_passage(&self, text: &str) -> Result<Embedded> {
        let mut worker = self.worker();
        let session = match worker.as_mut() {
            Some(session) => session,
            None => worker.insert(self.source.session(
                &self.tokenizer,
                &self.model,
                self.threads_each,
            )?),
        };
        self.run(session, &self.model.prompts.document, text)
    }
}

impl Source {
    fn session(
        &self,
        tokenizer: &TextTokenizer,
        model: &EmbeddingModel,
        threads: usize,
    ) -> Result<TextEmbedding> {
        let config = serde_json::json!({ "model_max_length": model.context, "pad_token": "?" });
        let files = TokenizerFiles {
            tokenizer_file: NO_TOKENIZER.into(),
            config_file: b"{}".to_vec(),
            special_tokens_map_file: b"{}".to_vec(),
            tokenizer_config_file: config.to_string().into_bytes(),
        };
        let mut given = UserDefinedEmbeddingModel::new(std::fs::read(&self.graph)?, files);
        for (name, path) in &self.further {
            given = given.with_external_initializer(name.clone(), std::fs::read(path)?);
        }
        let mut session =
            TextEmbedding::try_new_from_user_defined(given, self.options(threads, model.context))
                .map_err(failed)?;
        session.tokenizer = tokenizer.tokenizer.clone();
        Ok(session)
    }

    fn options(&self, threads: usize, context: usize) -> InitOptionsUserDefined {
        InitOptionsUserDefined::new()
            .with_environment(self.environment.clone())
            .with_intra_threads(threads)
            .with_max_length(context)
            // An arena keeps the memory of the longest text for good, in each session.
            .with_execution_providers(vec![ort::ep::CPU::default().build()])
            // Threads that wait for work in a loop take it from the other sessions.
            .with_session_config("session.intra_op.allow_spinning", "0")
    }
}

impl Embedder for OnnxEmbedder {
    fn space(&self) -> &VectorSpace {
        &self.model.space
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn max_tokens(&self) -> usize {
        self.tokenizer.room(self.model.context, &self.model.prompts)
    }

    fn whole_words(&self) -> Vec<String> {
        self.tokenizer.whole_words()
    }

    fn encode_documents(&self, texts: &[&str]) -> Result<Vec<Embedded>> {
        // The longest first, so that none is left to run alone at the end.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(texts[index].len()));
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Embedded)>> {
            let mut done = Vec::new();
            while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((index, self.run_passage(texts[index])?));
            }
            Ok(done)
        };
        let helpers = self.workers.len().min(texts.len()).saturating_sub(1);
        let parts = std::thread::scope(|scope| {
            let others: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mut parts = vec![work()];
            parts.extend(others.into_iter().map(|other| {
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }));
            parts
        });
        let mut all = vec![Embedded::default(); texts.len()];
        for part in parts {
            for (index, embedded) in part? {
                all[index] = embedded;
            }
        }
        Ok(all)
    }

    fn encode_query(&self, text: &str) -> Result<Embedded> {
        self.run(&mut lock(&self.query), &self.model.prompts.query, text)
    }
}

/// The vector of the only text of a batch, of length 1.
fn text_vector(output: &SingleBatchOutput, pooling: Pooling) -> Result<Vec<f32>> {
    let named: &[OutputKey] = &[OutputKey::ByName("sentence_embedding")];
    let pooling = match pooling {
        Pooling::Mean => fastembed::Pooling::Mean,
        Pooling::Cls => fastembed::Pooling::Cls,
    };
    let pooled = match output.select_output(&named) {
        Ok(ours) => ours.iter().copied().collect(),
        Err(_) => output
            .select_and_pool_output(&POOLED, Some(pooling))
            .map_err(failed)?
            .iter()
            .copied()
            .collect(),
    };
    Ok(super::unit(pooled))
}

pub(crate) fn failed(error: fastembed::Error) -> Error {
    Error::Onnx(error.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
