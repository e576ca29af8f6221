//! Text to vectors: all-MiniLM-L6-v2 (or any BERT-family folder) through candle's `BertModel`.
//!
//! A vector is the mean of the last layer's token vectors, padding left out, scaled to length 1,
//! as sentence-transformers computes it (Reimers and Gurevych, "Sentence-BERT", 2019). Texts are
//! run in batches of like length, because padding costs as much as words do.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use ingest::TokenCounter;
use tokenizers::{Encoding, Tokenizer, TruncationParams};

use crate::{Error, Result};

/// Tokens in one batch at most, padding included: bounds the memory of a forward pass.
const BATCH_TOKENS: usize = 2_048;

/// What makes vectors comparable: the same model, in the same version, of the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorSpace {
    /// Model id.
    pub id: String,
    /// Which version of the model's files.
    pub revision: String,
    /// Length of a vector.
    pub dimension: usize,
}

/// Turns text into vectors of one [`VectorSpace`].
pub trait Embedder: Send + Sync {
    /// Model id, as indexes and answers record it.
    fn id(&self) -> &str;
    /// Which version of the model's files.
    fn revision(&self) -> &str;
    /// Length of a vector.
    fn dimension(&self) -> usize;
    /// Tokens in `text`, without special tokens.
    fn count_tokens(&self, text: &str) -> usize;
    /// Vectors of passages, L2-normalised, in the order of `texts`.
    ///
    /// # Errors
    /// Where tokenising or the model fails.
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>>;
    /// Vector of a question, L2-normalised.
    ///
    /// # Errors
    /// Where tokenising or the model fails.
    fn embed_query(&self, text: &str) -> Result<Vec<f32>>;
}

/// A BERT encoder with mean pooling, on the CPU in float32.
pub struct BertEmbedder {
    id: String,
    revision: String,
    dimension: usize,
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
            id: id.to_owned(),
            revision: revision.to_owned(),
            dimension: config.hidden_size,
            model,
            tokenizer,
        })
    }

    /// Vectors `(batch, dimension)` of encodings, padded to the longest.
    fn forward(&self, batch: &[&Encoding]) -> Result<Vec<Vec<f32>>> {
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
        Ok(mean.broadcast_div(&norm)?.to_vec2()?)
    }
}

impl Embedder for BertEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn revision(&self) -> &str {
        &self.revision
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer
            .encode_fast(text, false)
            .map_or(usize::MAX, |encoding| encoding.len())
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let encodings = self
            .tokenizer
            .encode_batch_fast(texts.to_vec(), true)
            .map_err(|error| Error::Tokenize(error.to_string()))?;
        let mut order: Vec<usize> = (0..encodings.len()).collect();
        order.sort_by_key(|&index| encodings[index].len());

        let mut vectors = vec![Vec::new(); encodings.len()];
        for indices in batches(&order, |index| encodings[index].len()) {
            let batch: Vec<&Encoding> = indices.iter().map(|&index| &encodings[index]).collect();
            for (&index, vector) in indices.iter().zip(self.forward(&batch)?) {
                vectors[index] = vector;
            }
        }
        Ok(vectors)
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>> {
        Ok(self.embed_documents(&[text])?.swap_remove(0))
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

/// Counts as `embedder` does, for [`ingest::chunk`].
pub struct EmbedderTokens<'a>(pub &'a dyn Embedder);

impl TokenCounter for EmbedderTokens<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }
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
