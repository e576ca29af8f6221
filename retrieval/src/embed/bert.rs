//! A BERT-family folder, all-MiniLM-L6-v2 or another, through candle's `BertModel`.
//!
//! A vector is the mean of the last layer's token vectors, padding left out, or the first of them,
//! scaled to length 1, as sentence-transformers computes it (Reimers and Gurevych,
//! "Sentence-BERT", 2019). Texts are run in batches of like length, because padding costs as much
//! as words do.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::Encoding;

use super::batch::batches;
use super::tokens::{TextTokenizer, prompted, token_vectors};
use super::{Embedded, Embedder, EmbeddingModel, VectorSpace};
use crate::onnx::Pooling;
use crate::{Error, Result};

/// A BERT encoder on the CPU in float32.
pub struct BertEmbedder {
    about: EmbeddingModel,
    model: BertModel,
    tokenizer: TextTokenizer,
}

impl BertEmbedder {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` from the model's folder.
    ///
    /// # Errors
    /// [`Error::Model`] where a file is missing, unreadable or of another architecture.
    pub fn load(about: &EmbeddingModel) -> Result<Self> {
        let broken = |reason: String| Error::Model {
            folder: about.folder.display().to_string(),
            reason,
        };
        let read = |name: &str| {
            std::fs::read(about.folder.join(name))
                .map_err(|error| broken(format!("{name}: {error}")))
        };
        let config: Config = serde_json::from_slice(&read("config.json")?)
            .map_err(|error| broken(format!("config.json: {error}")))?;
        if let Some(kind) = config.model_type.as_deref()
            && kind != "bert"
        {
            return Err(broken(format!(
                "its architecture `{kind}` runs in ONNX Runtime only; \
                 hint: run `lectern models pull onnxruntime`"
            )));
        }
        let tokenizer = TextTokenizer::load(&about.folder, about.context)?;
        let weights = VarBuilder::from_buffered_safetensors(
            read("model.safetensors")?,
            DType::F32,
            &Device::Cpu,
        )
        .map_err(|error| broken(format!("model.safetensors: {error}")))?;
        let model = BertModel::load(weights, &config)
            .map_err(|error| broken(format!("model.safetensors: {error}")))?;
        Ok(Self {
            about: about.clone(),
            model,
            tokenizer,
        })
    }

    fn encode(&self, texts: &[&str], prompt: &str) -> Result<Vec<Embedded>> {
        let encodings = texts
            .iter()
            .map(|text| self.tokenizer.encode(&prompted(prompt, text)))
            .collect::<Result<Vec<_>>>()?;
        let mut order: Vec<usize> = (0..encodings.len()).collect();
        order.sort_by_key(|&index| encodings[index].len());

        let mut all = vec![Embedded::default(); encodings.len()];
        for indices in batches(&order, |index| encodings[index].len()) {
            let batch: Vec<&Encoding> = indices.iter().map(|&index| &encodings[index]).collect();
            for (&index, embedded) in indices.iter().zip(self.forward(&batch, prompt.len())?) {
                all[index] = embedded;
            }
        }
        Ok(all)
    }

    /// Runs encodings, padded to the longest, as one batch.
    fn forward(&self, batch: &[&Encoding], prompt: usize) -> Result<Vec<Embedded>> {
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
        let pooled = match self.about.pooling {
            // The sum has the mean's direction, and its length is lost below.
            Pooling::Mean => hidden.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?,
            Pooling::Cls => hidden.narrow(1, 0, 1)?.squeeze(1)?,
        };
        let vectors: Vec<Vec<f32>> = pooled.to_vec2()?;
        let dimension = self.about.space.dimension;
        batch
            .iter()
            .zip(vectors)
            .enumerate()
            .map(|(row, (encoding, vector))| {
                let states: Vec<f32> = hidden.get(row)?.flatten_all()?.to_vec1()?;
                Ok(Embedded {
                    vector: super::unit(vector),
                    tokens: token_vectors(encoding, &states, dimension, prompt),
                })
            })
            .collect()
    }
}

impl Embedder for BertEmbedder {
    fn space(&self) -> &VectorSpace {
        &self.about.space
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn max_tokens(&self) -> usize {
        self.tokenizer.room(self.about.context, &self.about.prompts)
    }

    fn whole_words(&self) -> Vec<String> {
        self.tokenizer.whole_words()
    }

    fn encode_documents(&self, texts: &[&str]) -> Result<Vec<Embedded>> {
        self.encode(texts, &self.about.prompts.document)
    }

    fn encode_query(&self, text: &str) -> Result<Embedded> {
        Ok(self
            .encode(&[text], &self.about.prompts.query)?
            .swap_remove(0))
    }
}
