//! A BERT-family folder, all-MiniLM-L6-v2 or another, through candle's `BertModel`.
//!
//! A vector is the mean of the last layer's token vectors, padding left out, scaled to length 1,
//! as sentence-transformers computes it (Reimers and Gurevych, "Sentence-BERT", 2019). Texts are
//! run in batches of like length, because padding costs as much as words do.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::{Embedded, Embedder, TextToken, TokenVectors, VectorSpace};
use crate::{Error, Result};

/// Tokens in one batch at most, padding included: bounds the memory of a forward pass.
const BATCH_TOKENS: usize = 2_048;

/// A BERT encoder with mean pooling, on the CPU in float32.
pub struct BertEmbedder {
    space: VectorSpace,
    /// Longest input in tokens, special ones included.
    context: usize,
    model: BertModel,
    tokenizer: Tokenizer,
}

impl BertEmbedder {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` from a folder.
    ///
    /// # Errors
    /// [`Error::Model`] where a file is missing, unreadable or of another architecture.
    pub fn load(folder: &Path, id: &str, revision: &str) -> Result<Self> {
        let broken = |reason: String| Error::Model {
            folder: folder.display().to_string(),
            reason,
        };
        let read = |name: &str| {
            std::fs::read(folder.join(name)).map_err(|error| broken(format!("{name}: {error}")))
        };
        let config: Config = serde_json::from_slice(&read("config.json")?)
            .map_err(|error| broken(format!("config.json: {error}")))?;
        let mut tokenizer = Tokenizer::from_bytes(read("tokenizer.json")?)
            .map_err(|error| broken(format!("tokenizer.json: {error}")))?;
        // The file as published truncates and pads at 128 tokens, which would cut every chunk.
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams {
                max_length: config.max_position_embeddings,
                ..TruncationParams::default()
            }))
            .map_err(|error| broken(format!("tokenizer.json: {error}")))?;
        let weights = VarBuilder::from_buffered_safetensors(
            read("model.safetensors")?,
            DType::F32,
            &Device::Cpu,
        )
        .map_err(|error| broken(format!("model.safetensors: {error}")))?;
        let model = BertModel::load(weights, &config)
            .map_err(|error| broken(format!("model.safetensors: {error}")))?;
        Ok(Self {
            space: VectorSpace {
                id: id.to_owned(),
                revision: revision.to_owned(),
                dimension: config.hidden_size,
            },
            context: config.max_position_embeddings,
            model,
            tokenizer,
        })
    }

    /// Runs encodings, padded to the longest, as one batch.
    fn forward(&self, batch: &[&Encoding]) -> Result<Vec<Embedded>> {
        let longest = batch
            .iter()
            .map(|encoding| encoding.len())
            .max()
            .unwrap_or(0);
        let mut ids = Vec::with_capacity(batch.len() * longest);
        let mut mask = Vec::with_capacity(batch.len() * longest);
        for encoding in batch {
            let padding = longest - encoding.len();
            ids.extend_from_slice(encoding.get_ids());
            ids.extend(std::iter::repeat_n(0, padding));
            mask.extend(std::iter::repeat_n(1f32, encoding.len()));
            mask.extend(std::iter::repeat_n(0f32, padding));
        }
        let shape = (batch.len(), longest);
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        let hidden = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let summed = hidden.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
        let mean = summed.broadcast_div(&mask.sum_keepdim(1)?)?;
        let norm = mean.sqr()?.sum_keepdim(1)?.sqrt()?;
        let vectors: Vec<Vec<f32>> = mean.broadcast_div(&norm)?.to_vec2()?;
        batch
            .iter()
            .zip(vectors)
            .enumerate()
            .map(|(row, (encoding, vector))| {
                let states: Vec<f32> = hidden.get(row)?.flatten_all()?.to_vec1()?;
                let tokens = token_vectors(encoding, &states, self.space.dimension);
                Ok(Embedded { vector, tokens })
            })
            .collect()
    }
}

/// The states of an encoding's own tokens, special ones left out. `states` is
/// `(seq, dimension)`, flat.
fn token_vectors(encoding: &Encoding, states: &[f32], dimension: usize) -> TokenVectors {
    let mut vectors = TokenVectors {
        dimension,
        ..TokenVectors::default()
    };
    for (at, state) in states
        .chunks_exact(dimension)
        .take(encoding.len())
        .enumerate()
    {
        if encoding.get_special_tokens_mask()[at] == 1 {
            continue;
        }
        let (start, end) = encoding.get_offsets()[at];
        vectors.tokens.push(TextToken {
            id: encoding.get_ids()[at],
            start,
            end,
        });
        vectors.vectors.extend_from_slice(state);
    }
    vectors
}

impl Embedder for BertEmbedder {
    fn space(&self) -> &VectorSpace {
        &self.space
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer
            .encode_fast(text, false)
            .map_or(usize::MAX, |encoding| encoding.len())
    }

    fn max_tokens(&self) -> usize {
        // [CLS] and [SEP] are the model's.
        self.context - 2
    }

    fn whole_words(&self) -> Vec<String> {
        super::whole_words(&self.tokenizer)
    }

    fn encode_documents(&self, texts: &[&str]) -> Result<Vec<Embedded>> {
        let encodings = self
            .tokenizer
            .encode_batch(texts.to_vec(), true)
            .map_err(|error| Error::Tokenize(error.to_string()))?;
        let mut order: Vec<usize> = (0..encodings.len()).collect();
        order.sort_by_key(|&index| encodings[index].len());

        let mut all = vec![Embedded::default(); encodings.len()];
        for indices in batches(&order, |index| encodings[index].len()) {
            let batch: Vec<&Encoding> = indices.iter().map(|&index| &encodings[index]).collect();
            for (&index, embedded) in indices.iter().zip(self.forward(&batch)?) {
                all[index] = embedded;
            }
        }
        Ok(all)
    }

    fn encode_query(&self, text: &str) -> Result<Embedded> {
        Ok(self.encode_documents(&[text])?.swap_remove(0))
    }
}

/// Cuts `order`, sorted by ascending length, into runs of at most [`BATCH_TOKENS`] when padded.
fn batches(order: &[usize], length: impl Fn(usize) -> usize) -> Vec<&[usize]> {
    let mut runs = Vec::new();
    let mut start = 0;
    for end in 1..=order.len() {
        let full = end == order.len() || length(order[end]) * (end + 1 - start) > BATCH_TOKENS;
        if full {
            runs.push(&order[start..end]);
            start = end;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_everything_and_bound_padding() {
        let lengths = [10, 20, 300, 4000, 4096, 5000];
        let order: Vec<usize> = (0..lengths.len()).collect();
        let runs = batches(&order, |index| lengths[index]);
        assert_eq!(runs.concat(), order);
        for run in runs {
            let longest = lengths[run[run.len() - 1]];
            assert!(
                run.len() == 1 || longest * run.len() <= BATCH_TOKENS,
                "{run:?}"
            );
        }
        assert!(batches(&[], |_| 1).is_empty());
    }
}
