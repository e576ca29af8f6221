//! Token vectors in 32 bytes a word.
//!
//! Word pieces of one word are averaged, stop words and punctuation left out: they decide nothing
//! and are half of a text. What is left is centred (a BERT's token vectors all lean one way),
//! projected to 256 dimensions and kept as signs, one bit each. A question's words stay in float:
//! the inner product of a float vector with a sign vector is an unbiased guide to their cosine once
//! the directions are mixed by a random rotation (Gao and Long, "RaBitQ", 2024).
//!
//! Mean and projection are fitted once for a model, on what it makes of random words of its own
//! vocabulary, so that neither a text has to be shipped nor a library has to be there.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::projection::{Projection, normalised};
use super::words::{mean, words};
use crate::embed::{Embedded, Embedder, TokenVectors};
use crate::rerank::dot;
use crate::{Error, Result};

/// Bytes of a word.
const WORD_BYTES: usize = BITS / 8;
/// Signs kept of a word.
pub(super) const BITS: usize = 256;
/// Words of a chunk that are kept: 4,066 bytes at most.
const MAX_WORDS: usize = 127;
/// What the codec is fitted on: so many texts of so many random words.
const SAMPLE_TEXTS: usize = 150;
const SAMPLE_WORDS: usize = 32;
/// [`Codec::deviation`] of all-MiniLM-L6-v2.
const MINILM_DEVIATION: f32 = 0.072;

/// Compresses token vectors of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Codec {
    projection: Projection,
    /// Deviation of the cosines of texts that have nothing to do with each other.
    deviation: f32,
}

/// A question's words, ready to be compared with compressed ones.
pub struct QueryTokens {
    words: Vec<QueryWord>,
}

struct QueryWord {
    weight: f32,
    /// `table[at][byte]`: the inner product of eight dimensions with the signs in a byte.
    table: Vec<[f32; 256]>,
}

impl Codec {
    /// Fits a codec for the embedder's model; the same each time.
    ///
    /// # Errors
    /// Where the model fails, or has no vocabulary of whole words.
    pub fn fit(embedder: &dyn Embedder) -> Result<Self> {
        let vocabulary = embedder.whole_words();
        if vocabulary.is_empty() {
            return Err(Error::Tokens(format!(
                "{} has no whole words in its vocabulary",
                embedder.space().id
            )));
        }
        let mut rng = StdRng::seed_from_u64(0);
        let texts: Vec<String> = (0..SAMPLE_TEXTS)
            .map(|_| {
                let words: Vec<&str> = (0..SAMPLE_WORDS)
                    .map(|_| vocabulary[rng.random_range(0..vocabulary.len())].as_str())
                    .collect();
                words.join(" ")
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let embedded = embedder.encode_documents(&texts)?;
        let deviation = deviation(&embedded);
        let samples: Vec<f32> = embedded
            .into_iter()
            .flat_map(|text| text.tokens.vectors)
            .collect();
        Ok(Self {
            projection: Projection::fit(&samples, embedder.space().dimension),
            deviation,
        })
    }

    /// How far the model's cosines lie apart, where all-MiniLM-L6-v2's count 1: what weights that
    /// were tuned on that model are multiplied by.
    pub fn spread(&self) -> f32 {
        self.deviation / MINILM_DEVIATION
    }

    /// The mean of the model's token vectors, `(dimension)`.
    pub(super) fn centre(&self) -> &[f32] {
        self.projection.mean()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.deviation.to_le_bytes().to_vec();
        bytes.extend(self.projection.to_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (deviation, projection) = bytes.split_first_chunk::<4>()?;
        let deviation = f32::from_le_bytes(*deviation);
        Some(Self {
            projection: Projection::from_bytes(projection)?,
            deviation: (deviation.is_finite() && deviation > 0.0).then_some(deviation)?,
        })
    }

    /// Compresses the tokens of `text`: `(words)` little-endian in two bytes, then 32 bytes a word.
    pub fn encode(&self, text: &str, tokens: &TokenVectors) -> Vec<u8> {
        let mut words = words(text, tokens);
        words.truncate(MAX_WORDS);
        let mut bytes = Vec::with_capacity(2 + words.len() * WORD_BYTES);
        bytes.extend((words.len() as u16).to_le_bytes());
        for word in words {
            let vector = self.projection.apply(&mean(tokens, &word.tokens));
            bytes.extend(vector.chunks(8).map(|eight| {
                eight.iter().enumerate().fold(0u8, |byte, (bit, value)| {
                    byte | (u8::from(*value >= 0.0) << bit)
                })
            }));
        }
        bytes
    }

    /// A question's words with their weights.
    pub fn query(
        &self,
        text: &str,
        tokens: &TokenVectors,
        weights: impl Fn(&[&str]) -> Result<Vec<f32>>,
    ) -> Result<QueryTokens> {
        let words = words(text, tokens);
        let names: Vec<&str> = words.iter().map(|word| &text[word.range.clone()]).collect();
        let weights = weights(&names)?;
        let words = words
            .iter()
            .zip(weights)
            .map(|(word, weight)| {
                let vector = self.projection.apply(&mean(tokens, &word.tokens));
                QueryWord {
                    weight,
                    table: table(&normalised(&vector)),
                }
            })
            .collect();
        Ok(QueryTokens { words })
    }

    /// The weighted mean over the question's words of the best cosine among the compressed ones.
    /// `None` where either has no words, or the bytes are none of [`encode`](Self::encode)'s.
    pub fn maxsim(&self, query: &QueryTokens, bytes: &[u8]) -> Option<f32> {
        let (count, signs) = bytes.split_first_chunk::<2>()?;
        let count = usize::from(u16::from_le_bytes(*count));
        if count == 0 || signs.len() != count * WORD_BYTES {
            return None;
        }
        let total: f32 = query.words.iter().map(|word| word.weight).sum();
        if total <= 0.0 {
            return None;
        }
        let sum: f32 = query
            .words
            .iter()
            .map(|word| {
                let best = signs
                    .chunks_exact(WORD_BYTES)
                    .map(|signs| {
                        signs
                            .iter()
                            .zip(&word.table)
                            .map(|(byte, table)| table[usize::from(*byte)])
                            .sum::<f32>()
                    })
                    .fold(f32::MIN, f32::max);
                word.weight * best
            })
            .sum();
        Some(sum / total)
    }
}

/// Deviation of the cosines between neighbours in a list of unrelated texts.
fn deviation(texts: &[Embedded]) -> f32 {
    let cosines: Vec<f32> = texts
        .windows(2)
        .map(|pair| dot(&pair[0].vector, &pair[1].vector))
        .collect();
    let count = cosines.len().max(1) as f32;
    let mean = cosines.iter().sum::<f32>() / count;
    let variance = cosines
        .iter()
        .map(|cosine| (cosine - mean).powi(2))
        .sum::<f32>()
        / count;
    variance.sqrt().max(1e-4)
}

/// For each eight dimensions the inner product with every pattern of signs, scaled so that the sum
/// over all is a cosine.
fn table(vector: &[f32]) -> Vec<[f32; 256]> {
    let scale = 1.0 / (BITS as f32).sqrt();
    vector
        .chunks(8)
        .map(|eight| {
            let mut sums = [0.0; 256];
            for (byte, sum) in sums.iter_mut().enumerate() {
                *sum = eight
                    .iter()
                    .enumerate()
                    .map(|(bit, value)| {
                        if byte >> bit & 1 == 1 {
                            *value
                        } else {
                            -*value
                        }
                    })
                    .sum::<f32>()
                    * scale;
            }
            sums
        })
        .collect()
}
