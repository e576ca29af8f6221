//! The model's tokenizer, built from what its GGUF file holds.
//!
//! A GGUF file carries the vocabulary and the merges of a byte-level BPE tokenizer, and only the
//! *name* of the rule that cuts text into words before merging (`tokenizer.ggml.pre`). The rules
//! of SmolLM2, Llama 3 and Qwen 2, which treat digits each in their own way, are built here; any
//! other name is taken for GPT-2's.
//!
//! A token is a run of *bytes*, often a part of a character; [`Utf8Stream`] holds bytes back until
//! the character is whole.

use std::path::Path;

use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use crate::gguf::{Gguf, unusable};
use crate::{Error, Result};

/// Token types of `tokenizer.ggml.token_type` that never come from text: unknown, control,
/// user-defined and unused.
const SPECIAL_TYPES: std::ops::RangeInclusive<u32> = 2..=5;

/// Llama 3's rule, from its tokenizer.json.
const LLAMA3_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Qwen 2's rule, from its tokenizer.json.
const QWEN2_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Builds the tokenizer of the model at `path`.
pub(crate) fn from_gguf(gguf: &Gguf, path: &Path) -> Result<Tokenizer> {
    let kind = gguf.string("tokenizer.ggml.model").unwrap_or("none");
    if kind != "gpt2" {
        return Err(unusable(
            path,
            format!(
                "its tokenizer is of kind `{kind}` and only byte-level BPE (`gpt2`) can be run; \
                 hint: choose another model with `lectern models recommend`"
            ),
        ));
    }
    let words = match gguf.string("tokenizer.ggml.pre") {
        Some("smollm") => Sequence::new(vec![Digits::new(true).into(), byte_level(true).into()]),
        Some("llama-bpe" | "llama3") => by_pattern(LLAMA3_WORDS)?,
        Some("qwen2") => by_pattern(QWEN2_WORDS)?,
        _ => Sequence::new(vec![byte_level(true).into()]),
    };
    build(gguf, words.into()).ok_or_else(|| {
        unusable(
            path,
            "its tokenizer is incomplete; hint: delete it and fetch it again with \
             `lectern models pull`",
        )
    })?
}

fn by_pattern(pattern: &str) -> Result<Sequence> {
    let split = Split::new(
        SplitPattern::Regex(pattern.to_owned()),
        SplitDelimiterBehavior::Isolated,
        false,
    )
    .map_err(|error| Error::Tokenize(error.to_string()))?;
    Ok(Sequence::new(vec![split.into(), byte_level(false).into()]))
}

fn byte_level(use_regex: bool) -> ByteLevel {
    ByteLevel::new(false, true, use_regex)
}

/// `None` where the vocabulary or the merges are missing or not lists of texts.
fn build(gguf: &Gguf, words: PreTokenizerWrapper) -> Option<Result<Tokenizer>> {
    let tokens = gguf.strings("tokenizer.ggml.tokens")?;
    let types = gguf.numbers("tokenizer.ggml.token_type")?;
    let merges: Vec<(String, String)> = gguf
        .strings("tokenizer.ggml.merges")?
        .iter()
        .map(|merge| merge.split_once(' '))
        .map(|pair| pair.map(|(left, right)| (left.to_owned(), right.to_owned())))
        .collect::<Option<_>>()?;
    let special: Vec<AddedToken> = tokens
        .iter()
        .zip(&types)
        .filter(|(_, kind)| SPECIAL_TYPES.contains(*kind))
        .map(|(token, _)| AddedToken::from(token.clone(), true))
        .collect();
    let vocabulary = (0..).zip(tokens).map(|(id, token)| (token, id));
    Some(
        BPE::builder()
            .vocab_and_merges(vocabulary.collect::<Vocab>(), merges)
            // Llama 3 keeps a whole word that is in the vocabulary, whatever its merges say.
            .ignore_merges(matches!(
                gguf.string("tokenizer.ggml.pre"),
                Some("llama-bpe" | "llama3")
            ))
            .build()
            .and_then(|model| {
                let mut tokenizer = Tokenizer::new(model);
                tokenizer.with_pre_tokenizer(Some(words));
                tokenizer.with_decoder(Some(ByteLevel::default()));
                tokenizer.add_special_tokens(special)?;
                Ok(tokenizer)
            })
            .map_err(|error| Error::Tokenize(error.to_string())),
    )
}

/// Turns tokens into text as they come, never half a character.
pub(crate) struct Utf8Stream<'a> {
    tokenizer: &'a Tokenizer,
    pending: Vec<u8>,
}

impl<'a> Utf8Stream<'a> {
    pub(crate) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self {
            tokenizer,
            pending: Vec::new(),
        }
    }

    /// Adds a token and returns the text that is now whole, which may be empty.
    pub(crate) fn push(&mut self, token: u32) -> String {
        let token = self.tokenizer.id_to_token(token).unwrap_or_default();
        for character in token.chars() {
            match byte_of(character) {
                Some(byte) => self.pending.push(byte),
                None => self
                    .pending
                    .extend(character.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        let mut text = String::new();
        loop {
            let error = match std::str::from_utf8(&self.pending) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.pending.clear();
                    return text;
                }
                Err(error) => error,
            };
            let valid: Vec<u8> = self.pending.drain(..error.valid_up_to()).collect();
            text.push_str(&String::from_utf8_lossy(&valid));
            match error.error_len() {
                // More bytes may complete it.
                None => return text,
                Some(length) => {
                    self.pending.drain(..length);
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }
}

/// The byte that a character of a byte-level vocabulary stands for, as in GPT-2's
/// `bytes_to_unicode`: printable bytes stand for themselves, the others for U+0100 and up.
fn byte_of(character: char) -> Option<u8> {
    let is_printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let code = u32::from(character);
    match u8::try_from(code) {
        Ok(byte) => is_printable(byte).then_some(byte),
        Err(_) => (0..=u8::MAX)
            .filter(|byte| !is_printable(*byte))
            .nth(usize::try_from(code - 0x100).ok()?),
    }
}
