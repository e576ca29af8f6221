//! The same formula in candle, in float32: where no ONNX Runtime can be used.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::{Linear, Module, VarBuilder};
use candle_transformers::models::bert::{BertModel, Config};
use serde::Deserialize;

use super::{CrossEncoder, Pair, PairTokenizer};
use crate::{Error, Result};

/// A BERT sequence classifier on the CPU.
pub struct CandleCrossEncoder {
    tokenizer: PairTokenizer,
    encoder: BertModel,
    pooler: Linear,
    classifier: Linear,
    /// True where the classifier reads the mean of all tokens rather than the first.
    reads_mean: bool,
}

/// What of `config.json` the encoder does not know.
#[derive(Deserialize)]
struct Reading {
    #[serde(default)]
    classifier_pooling: Option<String>,
}

impl CandleCrossEncoder {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` of `folder`. Pairs longer than
    /// `context` tokens are cut.
    ///
    /// # Errors
    /// [`Error::Model`] where a file is missing or unreadable, or the model is no BERT classifier.
    pub fn load(folder: &Path, context: usize) -> Result<Self> {
        let broken = |reason: String| Error::Model {
            folder: folder.display().to_string(),
            reason,
        };
        let read = |name: &str| {
            std::fs::read(folder.join(name)).map_err(|error| broken(format!("{name}: {error}")))
        };
        let bytes = read("config.json")?;
        let malformed = |error: serde_json::Error| broken(format!("config.json: {error}"));
        let config: Config = serde_json::from_slice(&bytes).map_err(malformed)?;
        let reading: Reading = serde_json::from_slice(&bytes).map_err(malformed)?;
        if config
            .model_type
            .as_deref()
            .is_some_and(|kind| kind != "bert")
        {
            return Err(broken(
                "its architecture runs in ONNX Runtime only; hint: run `lectern models pull \
                 onnxruntime`"
                    .to_owned(),
            ));
        }
        let damaged = |error: candle_core::Error| broken(format!("model.safetensors: {error}"));
        let bytes = read("model.safetensors")?;
        let weights = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)
            .map_err(damaged)?;
        let is_prefixed = weights.contains_tensor("bert.pooler.dense.weight");
        let inner = match is_prefixed {
            true => weights.pp("bert"),
            false => weights.clone(),
        };
        let width = config.hidden_size;
        Ok(Self {
            tokenizer: PairTokenizer::load(folder, context)?,
            encoder: BertModel::load(inner.clone(), &config).map_err(damaged)?,
            pooler: candle_nn::linear(width, width, inner.pp("pooler.dense")).map_err(damaged)?,
            classifier: candle_nn::linear(width, 1, weights.pp("classifier")).map_err(damaged)?,
            reads_mean: reading.classifier_pooling.as_deref() == Some("mean"),
        })
    }

    fn logit(&self, pair: Pair) -> Result<f32> {
        let row = |values: Vec<u32>| Tensor::new(values, &Device::Cpu)?.unsqueeze(0);
        let states = self
            .encoder
            .forward(&row(pair.ids)?, &row(pair.types)?, None)?;
        // One pair at a time, so that there is no padding to leave out.
        let pooled = match self.reads_mean {
            true => states.mean(1)?,
            false => states.narrow(1, 0, 1)?.squeeze(1)?,
        };
        let inner = self.pooler.forward(&pooled)?.tanh()?;
        let logits = self.classifier.forward(&inner)?;
        Ok(logits.flatten_all()?.get(0)?.to_scalar()?)
    }
}

impl CrossEncoder for CandleCrossEncoder {
    fn score(&self, query: &str, texts: &[&str]) -> Result<Vec<f32>> {
        texts
            .iter()
            .map(|text| self.logit(self.tokenizer.pair(query, text)?))
            .collect()
    }
}
