//! A question and a passage as a cross-encoder reads them: `[CLS] question [SEP] passage [SEP]`, the
//! second part marked by its token types.
//!
//! Training and search cut and count by this one function, so that a model is trained on what it will
//! be given.

use std::path::Path;

use crate::embed::TextTokenizer;
use crate::{Error, Result};

/// Tokens of a pair, special ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Their numbers in the vocabulary.
    pub ids: Vec<u32>,
    /// 0 for the question's, 1 for the passage's.
    pub types: Vec<u32>,
}

/// The tokenizer of a cross-encoder's folder.
#[derive(Clone)]
pub struct PairTokenizer {
    pub(super) tokenizer: TextTokenizer,
}

impl std::fmt::Debug for PairTokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PairTokenizer")
    }
}

impl PairTokenizer {
    /// Loads `tokenizer.json` of `folder`; of pairs longer than `context` tokens the longer part is
    /// cut.
    ///
    /// # Errors
    /// [`Error::Model`] where the file is missing or unreadable.
    pub fn load(folder: &Path, context: usize) -> Result<Self> {
        let tokenizer = TextTokenizer::load(folder, context)?;
        Ok(Self { tokenizer })
    }

    /// The tokens of a question and a passage.
    ///
    /// # Errors
    /// [`Error::Tokenize`] where they cannot be tokenised.
    pub fn pair(&self, question: &str, passage: &str) -> Result<Pair> {
        let encoding = self
            .tokenizer
            .tokenizer
            .encode((question, passage), true)
            .map_err(|error| Error::Tokenize(error.to_string()))?;
        Ok(Pair {
            ids: encoding.get_ids().to_vec(),
            types: encoding.get_type_ids().to_vec(),
        })
    }

    /// The text of tokens, as far as they have any; for reports, not for search.
    pub fn text(&self, ids: &[u32]) -> String {
        self.tokenizer
            .tokenizer
            .decode(ids, false)
            .unwrap_or_default()
    }
}
