//! Text to vectors: one vector a text for dense search, one a token for late interaction.
//!
//! Both come out of one forward pass, so a chunk is run once. [`bert`] computes them in candle.

mod bert;

pub use bert::BertEmbedder;

use ingest::TokenCounter;

use crate::Result;

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

/// The words of lower-case letters that are whole in a vocabulary, in the order of their numbers.
pub(crate) fn whole_words(tokenizer: &tokenizers::Tokenizer) -> Vec<String> {
    let mut words: Vec<(u32, String)> = tokenizer
        .get_vocab(false)
        .into_iter()
        // SentencePiece marks the start of a word, WordPiece what is none.
        .map(|(word, id)| (id, word.trim_start_matches('\u{2581}').to_owned()))
        .filter(|(_, word)| word.chars().count() > 2 && word.chars().all(char::is_lowercase))
        .collect();
    words.sort();
    words.into_iter().map(|(_, word)| word).collect()
}

/// Counts as an embedder does, for [`ingest::chunk`].
pub struct EmbedderTokens<'a>(pub &'a dyn Embedder);

impl TokenCounter for EmbedderTokens<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }
}
