//! Words of a text, put together from the pieces that a model reads.
//!
//! Stop words and punctuation decide nothing and are half of a text: they are left out.

use std::ops::Range;

use super::projection::{difference, normalised};
use crate::embed::TokenVectors;
use crate::lexical::is_stop_word;
use crate::rerank::dot;

/// The words of a text that count, with vectors whose inner product is a cosine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WordVectors {
    /// Bytes of the text.
    pub ranges: Vec<Range<usize>>,
    /// A vector a word, `(dimension)`, centred and of length 1.
    pub vectors: Vec<Vec<f32>>,
}

impl WordVectors {
    /// From what an embedder gave for `text`. `centre`, the mean of the model's token vectors,
    /// is taken away from each, since a BERT's all lean one way; empty takes nothing away.
    pub fn new(text: &str, tokens: &TokenVectors, centre: &[f32]) -> Self {
        let found = words(text, tokens);
        let vectors = found
            .iter()
            .map(|word| {
                let vector = mean(tokens, &word.tokens);
                match centre.len() == vector.len() {
                    true => normalised(&difference(&vector, centre)),
                    false => normalised(&vector),
                }
            })
            .collect();
        Self {
            ranges: found.into_iter().map(|word| word.range).collect(),
            vectors,
        }
    }

    /// The cosines of word `at` to all words of `other`.
    pub fn cosines(&self, at: usize, other: &WordVectors) -> Vec<f32> {
        let vector = &self.vectors[at];
        other.vectors.iter().map(|word| dot(vector, word)).collect()
    }
}

pub(super) struct Word {
    /// Bytes of the text.
    pub(super) range: Range<usize>,
    /// Which tokens.
    pub(super) tokens: Vec<usize>,
}

/// The words of a text that count, with their tokens: runs of letters and digits.
pub(super) fn words(text: &str, tokens: &TokenVectors) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (at, token) in tokens.tokens.iter().enumerate() {
        let Some(piece) = text.get(token.start..token.end) else {
            continue;
        };
        if !piece.chars().any(char::is_alphanumeric) {
            continue;
        }
        match words.last_mut() {
            Some(word) if word.range.end == token.start => {
                word.range.end = token.end;
                word.tokens.push(at);
            }
            _ => words.push(Word {
                range: token.start..token.end,
                tokens: vec![at],
            }),
        }
    }
    words.retain(|word| !is_stop_word(&text[word.range.clone()]));
    words
}

/// The mean of some of the vectors.
pub(super) fn mean(tokens: &TokenVectors, indices: &[usize]) -> Vec<f32> {
    let dimension = tokens.dimension;
    let mut sum = vec![0.0; dimension];
    for &index in indices {
        let vector = &tokens.vectors[index * dimension..(index + 1) * dimension];
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += value;
        }
    }
    let count = indices.len().max(1) as f32;
    sum.iter_mut().for_each(|value| *value /= count);
    sum
}
