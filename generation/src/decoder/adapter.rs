//! Adapters: the matrices of [`Lora`] layers by the layers' names.
//!
//! An adapter knows the names and shapes of its matrices and nothing of a model; it is held against
//! one when it is put on it ([`Decoder::with_adapter`](super::Decoder::with_adapter)).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};

use super::DecoderConfig;
use super::block::Block;
use super::files;
use super::lora::{Lora, mix};
use super::peft::{self, AdapterConfig, CONFIG, PREFIX, WEIGHTS};
use crate::{Error, Result};

/// The two matrices of one layer.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// `(rank, in)`.
    pub(super) a: Tensor,
    /// `(out, rank)`.
    pub(super) b: Tensor,
}

/// A low-rank adapter. Clones share its matrices, variables included.
#[derive(Debug, Clone)]
pub struct Adapter {
    config: AdapterConfig,
    /// Where it came from, for messages.
    origin: String,
    /// By the layer's name, `model.layers.0.self_attn.q_proj`.
    layers: BTreeMap<String, Pair>,
}

impl Adapter {
    /// A new adapter for a model of the shape `model`, its matrices variables: `B` is zero, so that
    /// the model is unchanged at first, and `A` is drawn evenly from ±1/√in as in PEFT. The same
    /// seed draws the same.
    ///
    /// # Errors
    /// [`Error::Adapter`] where the settings are impossible or name a projection that the model has
    /// not.
    pub fn new(config: AdapterConfig, model: &DecoderConfig, seed: u64) -> Result<Self> {
        let origin = "to be trained".to_owned();
        let refused = |reason: String| unusable(&origin, reason);
        config.check().map_err(refused)?;
        let projections = model.projections();
        let known: Vec<&str> = projections
            .iter()
            .map(|(name, _, _)| short_name(name))
            .collect();
        if let Some(unknown) = config
            .target_modules
            .iter()
            .find(|name| !known.contains(&name.as_str()))
        {
            return Err(refused(format!(
                "the model has no `{unknown}`; hint: choose target modules among {}",
                known.join(", ")
            )));
        }
        if config.target_modules.is_empty() {
            return Err(refused(format!(
                "it has no target modules; hint: choose some of {}",
                known.join(", ")
            )));
        }
        let mut layers = BTreeMap::new();
        for layer in 0..model.n_layers {
            for (which, (name, rows, columns)) in projections.iter().enumerate() {
                if !config
                    .target_modules
                    .iter()
                    .any(|target| target == short_name(name))
                {
                    continue;
                }
                let seed = mix(seed ^ mix(salt(layer, which)));
                let pair = Pair {
                    a: drawn((config.r, *columns), seed)?,
                    b: Var::zeros((*rows, config.r), DType::F32, &Device::Cpu)?
                        .as_tensor()
                        .clone(),
                };
                layers.insert(format!("model.layers.{layer}.{name}"), pair);
            }
        }
        Ok(Self {
            config,
            origin,
            layers,
        })
    }

    /// Its settings.
    pub fn config(&self) -> &AdapterConfig {
        &self.config
    }

    /// Number of its weights.
    pub fn parameters(&self) -> usize {
        self.layers
            .values()
            .map(|pair| pair.a.elem_count() + pair.b.elem_count())
            .sum()
    }

    /// Its matrices by their names in PEFT's files, in order.
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        self.layers
            .iter()
            .flat_map(|(layer, pair)| {
                [("A", &pair.a), ("B", &pair.b)].map(|(which, tensor)| {
                    (
                        format!("{PREFIX}{layer}.lora_{which}.weight"),
                        tensor.clone(),
                    )
                })
            })
            .collect()
    }

    /// Its matrices as variables, where they are: those of [`Self::new`] and [`Self::trainable`].
    pub fn variables(&self) -> Vec<(String, Var)> {
        self.tensors()
            .into_iter()
            .filter(|(_, tensor)| tensor.is_variable())
            .filter_map(|(name, tensor)| Some((name, Var::from_tensor(&tensor).ok()?)))
            .collect()
    }

    /// The same with another dropout: one of PEFT's settings that only training heeds, and that is
    /// another run's to choose.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f32) -> Self {
        self.config.lora_dropout = dropout;
        self
    }

    /// The same with its matrices in half precision, to write it in half the size. Reading it makes
    /// them f32 again.
    ///
    /// # Errors
    /// Those of converting.
    pub fn halved(&self) -> Result<Self> {
        self.with_each(|tensor| tensor.detach().to_dtype(DType::F16))
    }

    /// A copy whose matrices are variables of its own, to train it further.
    ///
    /// # Errors
    /// Those of copying.
    pub fn trainable(&self) -> Result<Self> {
        self.with_each(|tensor| {
            let variable = Var::from_tensor(&tensor.detach().copy()?)?;
            Ok(variable.as_tensor().clone())
        })
    }

    /// A copy that training no longer changes, to serve it.
    ///
    /// # Errors
    /// Those of copying.
    pub fn frozen(&self) -> Result<Self> {
        self.with_each(|tensor| tensor.detach().copy())
    }

    fn with_each(&self, change: impl Fn(&Tensor) -> candle_core::Result<Tensor>) -> Result<Self> {
        let mut layers = BTreeMap::new();
        for (name, pair) in &self.layers {
            let pair = Pair {
                a: change(&pair.a)?,
                b: change(&pair.b)?,
            };
            layers.insert(name.clone(), pair);
        }
        Ok(Self {
            layers,
            ..self.clone()
        })
    }

    /// Reads an adapter's folder.
    ///
    /// # Errors
    /// [`Error::Adapter`] where a file is missing or damaged, a matrix is missing, has no partner,
    /// is not of the rank or holds no numbers, or something is asked for that can't be run.
    pub fn load(folder: &Path) -> Result<Self> {
        let origin = folder.display().to_string();
        let (config, layers) = peft::read(folder).map_err(|reason| unusable(&origin, reason))?;
        Ok(Self {
            config,
            origin,
            layers,
        })
    }

    /// Writes the folder, which is made where it is missing. A file appears whole or not at all, and
    /// one that is there already stays until the new one is on disk.
    ///
    /// # Errors
    /// [`Error::Adapter`] where it can't be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let failed = |error: std::io::Error| {
            unusable(
                &folder.display().to_string(),
                format!(
                    "writing it failed ({error}); hint: check the free space and the folder's \
                     permissions"
                ),
            )
        };
        let config = AdapterConfig {
            inference_mode: true,
            ..self.config.clone()
        };
        let mut config = serde_json::to_vec_pretty(&config)
            .map_err(|error| failed(std::io::Error::other(error)))?;
        config.push(b'\n');
        std::fs::create_dir_all(folder).map_err(failed)?;
        let tensors = self
            .tensors()
            .into_iter()
            .map(|(name, tensor)| Ok((name, tensor.detach().contiguous()?)))
            .collect::<Result<Vec<_>>>()?;
        files::write_safetensors(&folder.join(WEIGHTS), tensors).map_err(failed)?;
        // Last, since a folder without it is no adapter.
        files::write_bytes(&folder.join(CONFIG), &config).map_err(failed)
    }

    /// Puts it on the blocks of a model.
    pub(super) fn apply(&self, model: &DecoderConfig, blocks: &mut [Block]) -> Result<()> {
        let projections = model.projections();
        for (name, pair) in &self.layers {
            let place = name
                .strip_prefix("model.layers.")
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(layer, part)| {
                    let which = projections.iter().position(|(name, _, _)| *name == part)?;
                    Some((layer.parse::<usize>().ok()?, which))
                })
                .filter(|(layer, _)| *layer < blocks.len());
            let Some((layer, which)) = place else {
                return Err(unusable(
                    &self.origin,
                    format!(
                        "it changes {name}, which the model has not; hint: it was trained on {}",
                        self.base()
                    ),
                ));
            };
            let (_, rows, columns) = projections[which];
            let rank = self.config.r;
            let (a, b) = (pair.a.dims(), pair.b.dims());
            if a != [rank, columns] || b != [rows, rank] {
                return Err(unusable(
                    &self.origin,
                    format!(
                        "its matrices for {name} are {a:?} and {b:?}, and the model needs \
                         [{rank}, {columns}] and [{rows}, {rank}]; hint: it was trained on {}",
                        self.base()
                    ),
                ));
            }
            let linear = &mut blocks[layer].linears[which];
            *linear = Arc::new(Lora::new(
                linear.clone(),
                pair.a.clone(),
                pair.b.clone(),
                self.config.scale(),
                self.config.lora_dropout,
                salt(layer, which),
            )?);
        }
        Ok(())
    }

    fn base(&self) -> &str {
        self.config
            .base_model_name_or_path
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or("another model")
    }
}

fn unusable(origin: &str, reason: String) -> Error {
    Error::Adapter {
        path: origin.to_owned(),
        reason,
    }
}

fn short_name(projection: &str) -> &str {
    projection
        .rsplit_once('.')
        .map_or(projection, |(_, name)| name)
}

fn salt(layer: usize, which: usize) -> u64 {
    (layer * super::block::PROJECTIONS + which) as u64
}

/// A variable drawn evenly from ±1/√columns: Kaiming's with a slope of √5.
fn drawn((rows, columns): (usize, usize), seed: u64) -> candle_core::Result<Tensor> {
    let bound = 1.0 / (columns as f64).sqrt();
    let values: Vec<f32> = (0..rows * columns)
        .map(|place| {
            let unit = (mix(seed ^ place as u64) >> 11) as f64 / (1u64 << 53) as f64;
            (bound * (2.0 * unit - 1.0)) as f32
        })
        .collect();
    let tensor = Tensor::from_vec(values, (rows, columns), &Device::Cpu)?;
    Ok(Var::from_tensor(&tensor)?.as_tensor().clone())
}
