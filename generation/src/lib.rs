//! Turns a question and passages into an answer whose sentences are tied to quotes.
//!
//! This file is the contract. [`answer`] is the path of one question; [`evidence`] chooses what
//! the model reads, [`prompt`] writes it as a chat ([`fence`] keeps papers' text from being read as
//! anything else), [`template`] renders that, [`llama`] writes on with the
//! model ([`decoder`]),
//! [`sampling`] chooses tokens, [`stop`] ends a text where it was told to, [`align`] ties each
//! sentence to evidence and [`quote`] cuts that out verbatim; [`replay`] makes an answer again from
//! what was kept of it. [`intent`] tells questions about papers from questions that papers answer;
//! [`mention`], [`summary`] and [`parts`] answer those without a model. The crate never touches the
//! database: passages come in, an [`Answer`] goes out.

pub mod align;
pub mod answer;
pub mod calibration;
pub mod chat;
pub mod decoder;
pub mod evidence;
pub mod family;
pub mod fence;
pub mod followup;
pub mod gguf;
pub mod intent;
pub mod llama;
pub mod mention;
pub mod parts;
pub mod prompt;
pub mod question;
pub mod quote;
pub mod replay;
pub mod sampling;
pub mod stop;
pub mod summary;
pub mod template;

mod centrality;
mod clauses;
mod numbers;
mod polarity;
mod short;
mod tokenizer;
mod words;

use ingest::PageRect;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the papers answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is an answer with at least one supported sentence.
    Answered,
    /// Nothing in the library supports an answer; `citations` are the nearest passages.
    InsufficientEvidence,
}

/// How the words of an answer came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The model wrote them, and the papers support them.
    Model,
    /// The model wrote something that the papers do not support; these are quotes in its place.
    Fallback,
    /// Quotes were asked for, or there is no model.
    #[default]
    Extractive,
    /// Read from the catalog: counts and lists of papers.
    Catalog,
}

/// Consecutive sentences under a heading: a row of a comparison, a section of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// The paper's title, or the section's.
    pub heading: String,
    /// The paper that it is about.
    pub document_id: Option<String>,
    /// In a comparison, what the sentences say something on: the column of the table.
    #[serde(default)]
    pub aspect: Option<String>,
    /// How many of [`Answer::sentences`] it has, after those of the parts before.
    pub sentences: usize,
}

/// The few words that answer a factual question, as they stand in a quote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShortAnswer {
    /// Verbatim part of the quote of `citation`, line ends as spaces.
    pub text: String,
    /// Key of the citation that holds it.
    pub citation: u32,
}

/// A sentence of the answer and what supports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sentence {
    /// The sentence, without citation markers.
    pub text: String,
    /// True where a quote supports it.
    pub supported: bool,
    /// How well the best quote supports it, 0 to 1.
    pub support: f32,
    /// Keys of [`Answer::citations`], best first; empty where nothing supports it.
    pub citations: Vec<u32>,
}

/// A quote that supports a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// Number shown as `[key]`, from 1, in order of first use.
    pub key: u32,
    /// The catalog's document id.
    pub document_id: String,
    /// File name as it was added.
    pub file: String,
    /// Title, or the file name where none was found.
    pub title: String,
    /// Authors, where known.
    pub authors: Vec<String>,
    /// Year, where known.
    pub year: Option<i32>,
    /// Page that the quote starts on, from 1.
    pub page: u32,
    /// Verbatim text of that page.
    pub quote: String,
    /// Where the quote is printed, a rectangle a line.
    pub rects: Vec<PageRect>,
    /// The catalog's chunk id.
    pub chunk_id: u64,
    /// The passage's retrieval score.
    pub score: f32,
}

/// Which model answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelInfo {
    /// Model id; `extractive` where the answer is made of quotes only.
    pub id: String,
    /// Adapter in use.
    pub adapter: Option<String>,
}

/// Which index found the passages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexInfo {
    /// Embedder id.
    pub embedder: String,
    /// The catalog's change sequence that the index had seen.
    pub revision: u64,
}

/// Where the time went, in milliseconds; `null` where a stage did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// Both searches, fusion and loading the passages.
    pub retrieve: Option<f64>,
    /// Reranking.
    pub rerank: Option<f64>,
    /// Running the prompt through the model.
    pub prefill: Option<f64>,
    /// From the question to the first token.
    pub first_token: Option<f64>,
    /// From the question to the finished answer.
    pub total: Option<f64>,
}

/// Tokens used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Tokens in the prompt.
    pub prompt_tokens: usize,
    /// Tokens generated.
    pub completion_tokens: usize,
}

/// A complete answer, as `lectern ask --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// Id under which the answer is stored.
    pub id: String,
    /// The question as asked.
    pub question: String,
    /// Answered or not.
    pub outcome: Outcome,
    /// The text, with `[key]` markers after each supported sentence.
    pub answer: String,
    /// The same, sentence by sentence.
    pub sentences: Vec<Sentence>,
    /// The quotes.
    pub citations: Vec<Citation>,
    /// How the words came about.
    #[serde(default)]
    pub origin: Origin,
    /// The exact words asked for, where the question asks for a fact and they are certain.
    #[serde(default)]
    pub short: Option<ShortAnswer>,
    /// Headings over the sentences, in order; empty for a plain answer.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// The question as it was searched for, where it was a follow-up.
    #[serde(default)]
    pub standalone: Option<String>,
    /// The conversation that it belongs to.
    #[serde(default)]
    pub conversation: Option<String>,
    /// What went less well than it should, for people to read.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Probability that the answer is right.
    pub confidence: Option<f32>,
    /// Which model answered.
    pub model: ModelInfo,
    /// Which index found the passages.
    pub index: IndexInfo,
    /// Seed, where sampling was used.
    pub seed: Option<u64>,
    /// Where the time went.
    pub timings_ms: Timings,
    /// Tokens used.
    pub usage: Usage,
}

/// A sentence that the model was given, as it stood then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedEvidence {
    /// The catalog's document id.
    pub document_id: String,
    /// The catalog's chunk id.
    pub chunk_id: u64,
    /// First byte in the chunk's text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The text itself.
    pub text: String,
    /// Why it was chosen, with its place among [`Trace::passages`].
    #[serde(default)]
    pub chosen: evidence::Evidence,
}

/// What it takes to make an answer again, beyond the answer itself. It holds text of documents
/// and goes with them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The chat as the model was given it; empty where no model was asked.
    pub prompt: Vec<Message>,
    /// What the model wrote, before alignment.
    pub completion: Option<String>,
    /// The sentences that could be cited, best first.
    pub evidence: Vec<TracedEvidence>,
    /// The chunks that they were chosen from, best first.
    pub passages: Vec<u64>,
    /// How the model chose its words.
    pub sampling: sampling::Sampling,
    /// True where quotes were asked for.
    pub extractive: bool,
    /// What the decision to answer went by.
    #[serde(default)]
    pub signals: calibration::Signals,
}

/// An answer with what it takes to make it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// How it came about.
    pub trace: Trace,
}

/// A message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// What a model wrote.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// The text, without stop tokens.
    pub text: String,
    /// Tokens used.
    pub usage: Usage,
    /// Running the prompt through the model, in milliseconds.
    pub prefill_ms: f64,
    /// True where it ended at its token limit rather than at a stop token.
    pub truncated: bool,
    /// The logarithm of the probability of each token of it, the stop token included; empty where the
    /// model does not say.
    pub log_probs: Vec<f32>,
}

impl Completion {
    /// How sure the model was of its words: the geometric mean of their probabilities, 0 to 1. None where
    /// the model does not say.
    pub fn certainty(&self) -> Option<f32> {
        let count = self.log_probs.len() as f32;
        (count > 0.0).then(|| (self.log_probs.iter().sum::<f32>() / count).exp())
    }
}

/// A language model that answers. Blocking: call it from a thread that may block.
pub trait Generator: Send + Sync {
    /// Model id, as answers record it.
    fn id(&self) -> &str;

    /// The adapter that it runs with, as answers record it; none where it runs as it was made.
    fn adapter(&self) -> Option<&str> {
        None
    }

    /// Continues the chat. `on_text` is given each new piece of text as it comes and returns
    /// false to stop early. A piece may be empty: a model elsewhere that keeps it waiting only asks
    /// whether to go on.
    fn generate(
        &self,
        messages: &[Message],
        sampling: &sampling::Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Completion>;
}

/// What kept an answer from being made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model file is unreadable or of a kind that cannot be run.
    #[error("the model {path} cannot be used: {reason}")]
    Model {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The adapter is unreadable, of a kind that cannot be run, or made for another model.
    #[error("the adapter {path} cannot be used: {reason}")]
    Adapter {
        /// Its folder.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model ran and failed.
    #[error("generation failed: {0}")]
    Run(#[from] candle_core::Error),
    /// Tokenising failed.
    #[error("tokenising failed: {0}")]
    Tokenize(String),
    /// The chat template is broken.
    #[error("the model's chat template cannot be rendered: {0}")]
    Template(#[from] minijinja::Error),
    /// The prompt is longer than the model's context.
    #[error("the prompt is {tokens} tokens long and the model reads {context} at most")]
    TooLong {
        /// Tokens in the prompt.
        tokens: usize,
        /// The model's context length.
        context: usize,
    },
    /// The server that the model runs on failed; what it is, the caller who named it knows.
    #[error(transparent)]
    Backend(Box<dyn std::error::Error + Send + Sync>),
    /// Embedding the evidence failed.
    #[error(transparent)]
    Retrieval(#[from] retrieval::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
