//! A model's tokenizer, and a text's tokens with the prompt and the special ones left out.

use std::borrow::Cow;
use std::path::Path;

use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::{Prompts, TextToken, TokenVectors};
use crate::{Error, Result};

/// The tokenizer of a model's folder.
#[derive(Clone)]
pub(crate) struct TextTokenizer {
    pub(crate) tokenizer: Tokenizer,
}

impl TextTokenizer {
    /// Loads `tokenizer.json`; longer texts are cut at `context` tokens.
    pub(crate) fn load(folder: &Path, context: usize) -> Result<Self> {
        let broken = |reason: String| Error::Model {
            folder: folder.display().to_string(),
            reason: format!("tokenizer.json: {reason}"),
        };
        let bytes = std::fs::read(folder.join("tokenizer.json"))
            .map_err(|error| broken(error.to_string()))?;
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| broken(error.to_string()))?;
        // Some files, all-MiniLM-L6-v2's among them, truncate and pad at 128 tokens, which would
        // cut every chunk.
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams {
                max_length: context,
                ..TruncationParams::default()
            }))
            .map_err(|error| broken(error.to_string()))?;
        Ok(Self { tokenizer })
    }

    /// Tokens in `text`, without special tokens, however long it is.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.tokenizer
            .encode_fast(text, false)
            .map_or(usize::MAX, |encoding| {
                let beyond = encoding.get_overflowing().iter().map(Encoding::len);
                encoding.len() + beyond.sum::<usize>()
            })
    }

    /// Tokens of a text that are looked at: what the model's special tokens and the longer of the
    /// prompts leave of `context`.
    pub(crate) fn room(&self, context: usize, prompts: &Prompts) -> usize {
        let special = self.encode("").map_or(2, |encoding| encoding.len());
        let prompt = self
            .count(&prompts.query)
            .max(self.count(&prompts.document));
        context.saturating_sub(special + prompt)
    }

    /// The words of lower-case letters that are whole in the vocabulary, in the order of their
    /// numbers.
    pub(crate) fn whole_words(&self) -> Vec<String> {
        let mut words: Vec<(u32, String)> = self
            .tokenizer
            .get_vocab(false)
            .into_iter()
            // SentencePiece marks the start of a word, WordPiece what is none.
            .map(|(word, id)| (id, word.trim_start_matches('\u{2581}').to_owned()))
            .filter(|(_, word)| word.chars().count() > 2 && word.chars().all(char::is_lowercase))
            .collect();
        words.sort();
        words.into_iter().map(|(_, word)| word).collect()
    }

    /// The tokens that the model reads, with special ones.
    pub(crate) fn encode(&self, text: &str) -> Result<Encoding> {
        self.tokenizer
            .encode(text, true)
            .map_err(|error| Error::Tokenize(error.to_string()))
    }
}

/// A text with what the model wants before it.
pub(crate) fn prompted<'a>(prompt: &str, text: &'a str) -> Cow<'a, str> {
    if prompt.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{prompt}{text}"))
    }
}

/// The states of a text's own tokens: special ones and those of a prompt of `prompt` bytes left
/// out, places told from the text's start. `states` is `(seq, dimension)`, flat.
pub(crate) fn token_vectors(
    encoding: &Encoding,
    states: &[f32],
    dimension: usize,
    prompt: usize,
) -> TokenVectors {
    let mut vectors = TokenVectors {
        dimension,
        ..TokenVectors::default()
    };
    for (at, state) in states
        .chunks_exact(dimension)
        .take(encoding.len())
        .enumerate()
    {
        let (start, end) = encoding.get_offsets()[at];
        if encoding.get_special_tokens_mask()[at] == 1 || end <= prompt && prompt > 0 {
            continue;
        }
        vectors.tokens.push(TextToken {
            id: encoding.get_ids()[at],
            start: start.saturating_sub(prompt),
            end: end - prompt,
        });
        vectors.vectors.extend_from_slice(state);
    }
    vectors
}
