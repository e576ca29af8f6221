//! The first layers of a BERT (Devlin et al., 2019) with a classifier over the mean of the tokens, in
//! operations that gradients go through.
//!
//! It computes what the graph of [`retrieval::onnx`] and candle's own `BertModel` compute, in other
//! operations: backward through candle's fused `layer_norm` and `softmax_last_dim` passes no gradient.
//! The tables of words and positions are left as they are. They are two thirds of a small model, a few
//! hundred questions touch few of their rows, and those would drift from all others.
//!
//! The mean, not `[CLS]`: after three layers of a model that was trained for sentences, `[CLS]` is nearly
//! the same whatever the passage says, and the mean is not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{D, DType, Device, Result as Computed, Tensor, Var};
use retrieval::cross_encoder::{Pair, Residual};
use serde_json::Value;

use crate::files::{self, Array, Numbers};
use crate::{Error, Result, random};

/// Tables that stay as they are.
const WORDS: &str = "embeddings.word_embeddings.weight";
const POSITIONS: &str = "embeddings.position_embeddings.weight";
const TYPES: &str = "embeddings.token_type_embeddings.weight";

/// Added where a token is padding: no other score comes near it.
const MASKED: f32 = -1e9;

/// A cross-encoder that can be trained.
#[derive(Debug)]
pub struct RerankerModel {
    folder: PathBuf,
    /// `config.json`, with the layers that were taken.
    config: Value,
    n_layers: usize,
    n_heads: usize,
    width: usize,
    epsilon: f64,
    words: Tensor,
    positions: Tensor,
    variables: Vec<(String, Var)>,
    by_name: HashMap<String, Tensor>,
}

impl RerankerModel {
    /// Takes the first `n_layers` layers of the model in `folder`, with a classifier that gives 0 for
    /// everything. A pooler that the model does not have is drawn from `seed`.
    ///
    /// # Errors
    /// [`Error::Run`] where a file is missing, or the model is no BERT or has fewer layers.
    pub fn load(folder: &Path, n_layers: usize, seed: u64) -> Result<Self> {
        let refused = |reason: String| Error::run(folder, reason);
        let path = folder.join("config.json");
        let text = std::fs::read(&path).map_err(|error| {
            refused(format!(
                "config.json: {error}; hint: name a folder with config.json, tokenizer.json and \
                 model.safetensors"
            ))
        })?;
        let mut config: Value = serde_json::from_slice(&text)
            .map_err(|error| refused(format!("config.json: {error}; hint: fetch it again")))?;
        let kind = config["model_type"].as_str().unwrap_or("bert");
        let activation = config["hidden_act"].as_str().unwrap_or("gelu");
        if kind != "bert" || activation != "gelu" {
            return Err(refused(format!(
                "its architecture is {kind} with {activation}; hint: a reranker is made of a BERT \
                 with gelu, such as all-MiniLM-L6-v2"
            )));
        }
        let number = |key: &str| config[key].as_u64().unwrap_or(0) as usize;
        let [width, inner, n_heads, has_layers] = [
            "hidden_size",
            "intermediate_size",
            "num_attention_heads",
            "num_hidden_layers",
        ]
        .map(number);
        if n_heads == 0 || width == 0 || !width.is_multiple_of(n_heads) || inner == 0 {
            return Err(refused(format!(
                "config.json: {width} dimensions cannot be shared by {n_heads} heads; hint: fetch \
                 it again"
            )));
        }
        if n_layers == 0 || n_layers > has_layers {
            return Err(refused(format!(
                "it has {has_layers} layers, not {n_layers}; hint: set layers to 1 to {has_layers}"
            )));
        }
        let epsilon = config["layer_norm_eps"].as_f64().unwrap_or(1e-12);
        let weights =
            candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu)
                .map_err(|error| {
                    refused(format!("model.safetensors: {error}; hint: fetch it again"))
                })?;
        let taken = |name: &str, shape: &[usize]| -> Result<Option<Tensor>> {
            let prefixed = format!("bert.{name}");
            let Some(found) = weights.get(name).or_else(|| weights.get(&prefixed)) else {
                return Ok(None);
            };
            if found.dims() != shape {
                return Err(refused(format!(
                    "{name} has the shape {:?} where config.json means {shape:?}; hint: fetch it \
                     again",
                    found.dims()
                )));
            }
            Ok(Some(found.to_dtype(DType::F32)?))
        };
        let needed = |name: &str, shape: &[usize]| {
            taken(name, shape)?.ok_or_else(|| {
                refused(format!(
                    "model.safetensors has no {name}; hint: take the weights of a whole BERT"
                ))
            })
        };
        let words = needed(WORDS, &[number("vocab_size"), width])?;
        let positions = needed(POSITIONS, &[number("max_position_embeddings"), width])?;
        let mut variables = Vec::new();
        for (name, shape) in shapes(n_layers, width, inner, number("type_vocab_size").max(1)) {
            let tensor = match taken(&name, &shape)? {
                Some(found) if !name.starts_with("classifier") => found,
                _ if name.starts_with("pooler") => drawn(&shape, seed)?,
                _ if name.starts_with("classifier") => {
                    Tensor::zeros(shape.as_slice(), DType::F32, &Device::Cpu)?
                }
                _ => needed(&name, &shape)?,
            };
            variables.push((name, Var::from_tensor(&tensor)?));
        }
        config["num_hidden_layers"] = n_layers.into();
        config["num_labels"] = 1.into();
        config["classifier_pooling"] = "mean".into();
        config["architectures"] = serde_json::json!(["BertForSequenceClassification"]);
        let by_name = variables
            .iter()
            .map(|(name, variable)| (name.clone(), variable.as_tensor().clone()))
            .collect();
        Ok(Self {
            folder: folder.to_owned(),
            config,
            n_layers,
            n_heads,
            width,
            epsilon,
            words,
            positions,
            variables,
            by_name,
        })
    }

    /// What is trained, by the names that BERT's weights have.
    pub fn variables(&self) -> Vec<(String, Var)> {
        self.variables.clone()
    }

    /// Longest pair that it can read, in tokens.
    pub fn context(&self) -> usize {
        self.positions.dims().first().copied().unwrap_or(0)
    }

    /// The logit of each pair, `(pairs,)`. Pairs are padded to the longest.
    ///
    /// # Errors
    /// Those of computing; a pair that is longer than [`Self::context`].
    pub fn logits(&self, pairs: &[Pair]) -> Computed<Tensor> {
        let longest = pairs.iter().map(|pair| pair.ids.len()).max().unwrap_or(0);
        let (mut ids, mut types, mut mask) = (Vec::new(), Vec::new(), Vec::new());
        // What each token counts in the mean of its pair.
        let mut shares: Vec<f32> = Vec::new();
        for pair in pairs {
            let length = pair.ids.len();
            ids.extend_from_slice(&pair.ids);
            types.extend_from_slice(&pair.types);
            mask.extend(std::iter::repeat_n(0f32, length));
            shares.extend(std::iter::repeat_n(1.0 / length.max(1) as f32, length));
            ids.resize(mask.len() + longest - length, 0);
            types.resize(ids.len(), 0);
            mask.resize(ids.len(), MASKED);
            shares.resize(ids.len(), 0.0);
        }
        let (batch, all) = (pairs.len(), pairs.len() * longest);
        let mask = Tensor::from_vec(mask, (batch, 1, 1, longest), &Device::Cpu)?;
        let words = self
            .words
            .index_select(&Tensor::from_vec(ids, all, &Device::Cpu)?, 0)?;
        let types = self
            .named(TYPES)?
            .index_select(&Tensor::from_vec(types, all, &Device::Cpu)?, 0)?;
        let sum = (words + types)?
            .reshape((batch, longest, self.width))?
            .broadcast_add(&self.positions.narrow(0, 0, longest)?)?
            .reshape((all, self.width))?;
        let mut states = self.norm(&sum, "embeddings.LayerNorm")?;
        for layer in 0..self.n_layers {
            states = self.layer(layer, &states, &mask, (batch, longest))?;
        }
        let shares = Tensor::from_vec(shares, (batch, 1, longest), &Device::Cpu)?;
        let mean = shares
            .matmul(&states.reshape((batch, longest, self.width))?)?
            .squeeze(1)?;
        let pooled = self.linear(&mean, "pooler.dense")?.tanh()?;
        self.linear(&pooled, "classifier")?.squeeze(1)
    }

    /// One layer of `states`, `(batch * seq, width)`.
    fn layer(
        &self,
        layer: usize,
        states: &Tensor,
        mask: &Tensor,
        (batch, seq): (usize, usize),
    ) -> Computed<Tensor> {
        let base = format!("encoder.layer.{layer}");
        let head = self.width / self.n_heads;
        let heads = |name: &str| {
            self.linear(states, &format!("{base}.attention.self.{name}"))?
                .reshape((batch, seq, self.n_heads, head))?
                .transpose(1, 2)?
                .contiguous()
        };
        let (query, key, value) = (heads("query")?, heads("key")?, heads("value")?);
        let scores = (query.matmul(&key.transpose(2, 3)?.contiguous()?)? / (head as f64).sqrt())?;
        let attended = softmax(&scores.broadcast_add(mask)?)?
            .matmul(&value)?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((batch * seq, self.width))?;
        let joined = self.linear(&attended, &format!("{base}.attention.output.dense"))?;
        let states = self.norm(
            &(joined + states)?,
            &format!("{base}.attention.output.LayerNorm"),
        )?;
        let widened = self.linear(&states, &format!("{base}.intermediate.dense"))?;
        let narrowed = self.linear(&widened.gelu_erf()?, &format!("{base}.output.dense"))?;
        self.norm(&(narrowed + states)?, &format!("{base}.output.LayerNorm"))
    }

    fn named(&self, name: &str) -> Computed<&Tensor> {
        match self.by_name.get(name) {
            Some(tensor) => Ok(tensor),
            None => candle_core::bail!("there is no {name}"),
        }
    }

    fn linear(&self, input: &Tensor, name: &str) -> Computed<Tensor> {
        let weight = self.named(&format!("{name}.weight"))?;
        let bias = self.named(&format!("{name}.bias"))?;
        input.matmul(&weight.t()?)?.broadcast_add(bias)
    }

    fn norm(&self, input: &Tensor, name: &str) -> Computed<Tensor> {
        let centred = input.broadcast_sub(&input.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let unit = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?;
        unit.broadcast_mul(self.named(&format!("{name}.weight"))?)?
            .broadcast_add(self.named(&format!("{name}.bias"))?)
    }

    /// Writes the model as a folder that [`retrieval::cross_encoder`] reads.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written.
    pub fn save(&self, to: &Path, residual: &Residual) -> Result<()> {
        let failed = |error: std::io::Error| Error::unwritable(to, &error);
        std::fs::create_dir_all(to).map_err(failed)?;
        let json = |value: Value| serde_json::to_vec_pretty(&value).map_err(|it| failed(it.into()));
        let tables = [(WORDS, &self.words), (POSITIONS, &self.positions)];
        let trained = self.variables.iter();
        let trained = trained.map(|(name, variable)| (name.as_str(), variable.as_tensor()));
        let arrays: Vec<Array<'_>> = tables
            .into_iter()
            .chain(trained)
            .map(|(name, tensor)| Array {
                name: name.to_owned(),
                shape: tensor.dims().to_vec(),
                numbers: Numbers::Tensor(tensor),
            })
            .collect();
        let weights = to.join("model.safetensors");
        let part = files::beside(&weights);
        files::write_synced(&part, &files::create, |out| {
            files::write_arrays(out, &arrays)
        })
        .and_then(|()| std::fs::rename(&part, &weights))
        .map_err(failed)?;
        let tokenizer = std::fs::read(self.folder.join("tokenizer.json"))
            .map_err(|error| Error::run(&self.folder, format!("tokenizer.json: {error}")))?;
        let residual = serde_json::to_value(residual).map_err(|it| failed(it.into()))?;
        for (name, bytes) in [
            ("tokenizer.json", tokenizer),
            ("config.json", json(self.config.clone())?),
            // Last: a folder that has it is whole.
            (Residual::FILE, json(residual)?),
        ] {
            files::write_whole(&to.join(name), &bytes).map_err(failed)?;
        }
        Ok(())
    }
}

/// Everything that is trained, with its shape.
fn shapes(n_layers: usize, width: usize, inner: usize, kinds: usize) -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![(TYPES.to_owned(), vec![kinds, width])];
    let norm = |name: &str, shapes: &mut Vec<(String, Vec<usize>)>| {
        shapes.push((format!("{name}.weight"), vec![width]));
        shapes.push((format!("{name}.bias"), vec![width]));
    };
    let linear = |name: &str, from: usize, to: usize, shapes: &mut Vec<(String, Vec<usize>)>| {
        shapes.push((format!("{name}.weight"), vec![to, from]));
        shapes.push((format!("{name}.bias"), vec![to]));
    };
    norm("embeddings.LayerNorm", &mut shapes);
    for layer in 0..n_layers {
        let base = format!("encoder.layer.{layer}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            linear(
                &format!("{base}.attention.{part}"),
                width,
                width,
                &mut shapes,
            );
        }
        norm(&format!("{base}.attention.output.LayerNorm"), &mut shapes);
        linear(
            &format!("{base}.intermediate.dense"),
            width,
            inner,
            &mut shapes,
        );
        linear(&format!("{base}.output.dense"), inner, width, &mut shapes);
        norm(&format!("{base}.output.LayerNorm"), &mut shapes);
    }
    linear("pooler.dense", width, width, &mut shapes);
    linear("classifier", width, 1, &mut shapes);
    shapes
}

/// Small numbers around 0, as BERT begins with.
fn drawn(shape: &[usize], seed: u64) -> Computed<Tensor> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count as u64)
        .map(|at| {
            let drawn = random::of(seed, &[3, shape.len() as u64, at]) >> 40;
            (drawn as f32 / (1u32 << 24) as f32 - 0.5) * 0.07
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// Over the last dimension.
fn softmax(scores: &Tensor) -> Computed<Tensor> {
    let highest = scores.max_keepdim(D::Minus1)?.detach();
    let shifted = scores.broadcast_sub(&highest)?.exp()?;
    shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)
}
