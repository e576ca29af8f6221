//! Text to vectors: one vector a text for dense search, one a token for late interaction.
//!
//! Both come out of one forward pass, so a chunk is run once. [`onnx`] computes them in ONNX
//! Runtime, from a graph that [`crate::onnx`] writes; [`bert`] computes the same formula in candle,
//! three to seven times slower, where no ONNX Runtime is found. [`load`] chooses.
//!
//! In float32 the two agree to 1e-4, so they share a [`VectorSpace`]. Int8 vectors differ more
//! (cosine of 0.994 and better) and are a space of their own, named by the precision *asked for*:
//! where candle has to stand in, which knows no int8, its vectors go to the same index, since a
//! library that vanished must not cost the index, and the difference is that of int8 itself.

mod batch;
mod bert;
mod load;
mod onnx;
mod published;
mod runtime;
mod tokens;

pub use bert::BertEmbedder;
pub(crate) use load::graph_file;
pub use load::{Backend, Engine, Loaded, load};
pub use onnx::OnnxEmbedder;
pub(crate) use onnx::failed;
pub use published::{Published, published, published_rerankers};
pub(crate) use runtime::environment;
pub use runtime::system_library;
pub(crate) use tokens::TextTokenizer;

use std::path::PathBuf;

use ingest::TokenCounter;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::onnx::Pooling;

/// A model on this machine, ready to be loaded.
#[derive(Debug, Clone)]
pub struct EmbeddingModel {
    /// Folder with `config.json`, `tokenizer.json` and the weights.
    pub folder: PathBuf,
    /// Where a graph that is written goes.
    pub derived: PathBuf,
    /// A graph that was published, below `folder`; none where it is to be written.
    pub graph: Option<PathBuf>,
    /// Tensors that the published graph keeps in files of their own, below `folder`.
    pub tensor_files: Vec<PathBuf>,
    /// What its vectors can be compared with.
    pub space: VectorSpace,
    /// Which vector stands for a text.
    pub pooling: Pooling,
    /// What it wants before a text.
    pub prompts: Prompts,
    /// Longest input, in tokens, special ones included.
    pub context: usize,
}

/// What a model was trained to find before a text, so that it tells questions from passages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompts {
    /// Before a question.
    #[serde(default)]
    pub query: String,
    /// Before a passage.
    #[serde(default)]
    pub document: String,
}

/// What makes vectors comparable: the same model, in the same version, of the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorSpace {
    /// Model id.
    pub id: String,
    /// Which version of the model's files, and how they are computed where that changes vectors.
    pub revision: String,
    /// Length of a vector.
    pub dimension: usize,
}

impl VectorSpace {
    /// Name of the folder of an index of this space.
    pub(crate) fn folder_name(&self, index: &str) -> String {
        let safe = |text: &str| -> String {
            text.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect()
        };
        format!("{index}-{}-{}", safe(&self.id), safe(&self.revision))
    }
}

/// A text as the model sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embedded {
    /// The text's vector, L2-normalised, `(dimension)`.
    pub vector: Vec<f32>,
    /// Its tokens' vectors.
    pub tokens: TokenVectors,
}

/// The last layer's states of a text's tokens, without special tokens, as the model gives them
/// (not normalised).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenVectors {
    /// Length of a vector.
    pub dimension: usize,
    /// The tokens.
    pub tokens: Vec<TextToken>,
    /// `(tokens, dimension)`, flat.
    pub vectors: Vec<f32>,
}

/// A token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextToken {
    /// Number in the vocabulary.
    pub id: u32,
    /// First byte in the text that was embedded.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Turns text into vectors of one [`VectorSpace`].
pub trait Embedder: Send + Sync {
    /// What its vectors can be compared with.
    fn space(&self) -> &VectorSpace;
    /// Tokens in `text`, without special tokens.
    fn count_tokens(&self, text: &str) -> usize;
    /// Tokens of a text that are looked at, without special tokens; a longer text is cut there.
    fn max_tokens(&self) -> usize;
    /// Words that are one token each, in the order of the vocabulary.
    fn whole_words(&self) -> Vec<String>;
    /// Passages with their token vectors, in the order of `texts`.
    ///
    /// # Errors
    /// Where tokenising or the model fails.
    fn encode_documents(&self, texts: &[&str]) -> Result<Vec<Embedded>>;
    /// A question with its token vectors.
    ///
    /// # Errors
    /// Where tokenising or the model fails.
    fn encode_query(&self, text: &str) -> Result<Embedded>;

    /// Vectors of passages, L2-normalised, in the order of `texts`.
    ///
    /// # Errors
    /// Where tokenising or the model fails.
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let embedded = self.encode_documents(texts)?;
        Ok(embedded.into_iter().map(|text| text.vector).collect())
    }

    /// Vector of a question, L2-normalised.
    ///
    /// # Errors
    /// Where tokenising or the model fails.
    fn embed_query(&self, text: &str) -> Result<Vec<f32>> {
        Ok(self.encode_query(text)?.vector)
    }
}

/// Counts as an embedder does, for [`ingest::chunk`].
pub struct EmbedderTokens<'a>(pub &'a dyn Embedder);

impl TokenCounter for EmbedderTokens<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }
}

/// A vector scaled to length 1; one of zeros stays as it is.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}
