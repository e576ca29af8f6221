//! Adapters and their files, in the format of Hugging Face's PEFT: `adapter_config.json` beside
//! `adapter_model.safetensors`, whose tensors are called
//! `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
//!
//! An adapter knows the names and shapes of its matrices and nothing of a model; it is held against
//! one when it is put on it ([`Decoder::with_adapter`](super::Decoder::with_adapter)).
//!
//! Format: <https://huggingface.co/docs/peft/developer_guides/checkpoint>

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::safetensors::BufferedSafetensors;
use candle_core::{DType, Device, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::DecoderConfig;
use super::block::Block;
use super::files;
use super::lora::{Lora, mix};
use crate::gguf::first_line;
use crate::{Error, Result};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";

/// What `adapter_config.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdapterConfig {
    /// Always `LORA`.
    pub peft_type: String,
    /// Rank of the matrices.
    pub r: usize,
    /// What the scale is made from, see [`Self::scale`].
    pub lora_alpha: f64,
    /// The share of inputs that training drops.
    #[serde(default)]
    pub lora_dropout: f32,
    /// Names of the projections that have one, such as `q_proj`.
    pub target_modules: Vec<String>,
    /// True where the scale is divided by the root of the rank.
    #[serde(default)]
    pub use_rslora: bool,
    /// The model that it was trained on.
    #[serde(default)]
    pub base_model_name_or_path: Option<String>,
    /// Always `none`.
    #[serde(default = "none")]
    pub bias: String,
    /// Always `CAUSAL_LM`.
    #[serde(default)]
    pub task_type: Option<String>,
    /// Always true in a file: nothing in it is being trained.
    #[serde(default)]
    pub inference_mode: bool,
}

fn none() -> String {
    "none".to_owned()
}

impl AdapterConfig {
    /// An adapter of rank `r` on the projections `target_modules` (`q_proj`, `down_proj`, ...).
    pub fn new(r: usize, lora_alpha: f64, target_modules: &[&str]) -> Self {
        Self {
            peft_type: "LORA".to_owned(),
            r,
            lora_alpha,
            lora_dropout: 0.0,
            target_modules: target_modules
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            use_rslora: false,
            base_model_name_or_path: None,
            bias: none(),
            task_type: Some("CAUSAL_LM".to_owned()),
            inference_mode: true,
        }
    }

    /// What the adapter's output is multiplied by.
    pub fn scale(&self) -> f64 {
        let rank = self.r as f64;
        self.lora_alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }

    fn check(&self) -> std::result::Result<(), String> {
        if self.peft_type != "LORA" {
            return Err(format!(
                "it is of the kind {} and only LORA can be run; hint: train a LoRA adapter instead",
                self.peft_type
            ));
        }
        if self.bias != "none" {
            return Err(format!(
                "it trains biases (`bias` is `{}`), which can't be run; hint: train it with `bias` \
                 `none`",
                self.bias
            ));
        }
        if self.r == 0 || self.r > 4096 {
            return Err(format!(
                "its rank is {}; hint: `r` must be 1 to 4096",
                self.r
            ));
        }
        if !self.lora_alpha.is_finite() || !(0.0..1.0).contains(&self.lora_dropout) {
            return Err(
                "`lora_alpha` must be a number and `lora_dropout` at least 0 and below 1; hint: \
                 check adapter_config.json"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// What PEFT can ask for that changes how an adapter is run, and isn't done here.
#[derive(Deserialize)]
struct Unsupported {
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    fan_in_fan_out: bool,
    modules_to_save: Option<Vec<String>>,
    #[serde(default)]
    rank_pattern: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    alpha_pattern: BTreeMap<String, serde_json::Value>,
}

impl Unsupported {
    fn name(&self) -> Option<&'static str> {
        let saved = self
            .modules_to_save
            .as_ref()
            .is_some_and(|modules| !modules.is_empty());
        [
            (self.use_dora, "use_dora"),
            (self.fan_in_fan_out, "fan_in_fan_out"),
            (saved, "modules_to_save"),
            (!self.rank_pattern.is_empty(), "rank_pattern"),
            (!self.alpha_pattern.is_empty(), "alpha_pattern"),
        ]
        .into_iter()
        .find_map(|(is_used, name)| is_used.then_some(name))
    }
}

/// The two matrices of one layer.
#[derive(Debug, Clone)]
struct Pair {
    /// `(rank, in)`.
    a: Tensor,
    /// `(out, rank)`.
    b: Tensor,
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
        let broken = |reason: String| unusable(&origin, reason);
        let text = std::fs::read_to_string(folder.join(CONFIG)).map_err(|error| {
            broken(format!(
                "{CONFIG} can't be read ({error}); hint: name the folder of an adapter in PEFT's \
                 format"
            ))
        })?;
        let malformed = |error: serde_json::Error| {
            broken(format!(
                "{CONFIG} is no adapter's configuration ({error}); hint: it must have at least \
                 peft_type, r, lora_alpha and a list target_modules"
            ))
        };
        let json: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
        // First of all, since other kinds have other fields.
        if let Some(kind) = json["peft_type"].as_str().filter(|kind| *kind != "LORA") {
            return Err(broken(format!(
                "it is of the kind {kind} and only LORA can be run; hint: train a LoRA adapter \
                 instead"
            )));
        }
        let config: AdapterConfig = serde_json::from_value(json.clone()).map_err(malformed)?;
        config.check().map_err(broken)?;
        let unsupported: Unsupported = serde_json::from_value(json).map_err(malformed)?;
        if let Some(name) = unsupported.name() {
            return Err(broken(format!(
                "it uses `{name}`, which can't be run; hint: merge it with PEFT, or train it without"
            )));
        }
        let bytes = std::fs::read(folder.join(WEIGHTS)).map_err(|error| {
            broken(format!(
                "{WEIGHTS} can't be read ({error}); hint: save the adapter as safetensors"
            ))
        })?;
        let layers = read_layers(bytes, config.r).map_err(broken)?;
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

fn read_layers(bytes: Vec<u8>, rank: usize) -> std::result::Result<BTreeMap<String, Pair>, String> {
    let damaged = |error: candle_core::Error| {
        format!(
            "{WEIGHTS} is not a readable safetensors file ({}); hint: save the adapter again",
            first_line(&error)
        )
    };
    let file = BufferedSafetensors::new(bytes).map_err(damaged)?;
    let mut halves: BTreeMap<String, [Option<Tensor>; 2]> = BTreeMap::new();
    let mut names: Vec<String> = file.tensors().into_iter().map(|(name, _)| name).collect();
    // What is wrong with several is said of the first.
    names.sort();
    for name in names {
        let place = name
            .strip_prefix(PREFIX)
            .and_then(|name| name.strip_suffix(".weight"))
            .and_then(|name| name.rsplit_once(".lora_"));
        let (layer, which) = match place {
            Some((layer, "A")) => (layer, 0),
            Some((layer, "B")) => (layer, 1),
            _ => {
                return Err(format!(
                    "{WEIGHTS} has a tensor {name}, which is no LoRA matrix; hint: only \
                     lora_A and lora_B of linear layers can be run"
                ));
            }
        };
        let tensor = file
            .load(&name, &Device::Cpu)
            .and_then(|tensor| tensor.to_dtype(DType::F32))
            .map_err(damaged)?;
        let fits = tensor.rank() == 2 && tensor.dims()[which] == rank;
        if !fits {
            return Err(format!(
                "{name} has the shape {:?} and the rank is {rank}; hint: {CONFIG} and {WEIGHTS} are \
                 not of one adapter",
                tensor.dims()
            ));
        }
        let is_finite = super::numeric::with_values(&tensor, |values| {
            values.iter().all(|value| value.is_finite())
        });
        if !is_finite.map_err(damaged)? {
            return Err(format!(
                "{name} holds values that are no numbers; hint: its training went wrong, train it \
                 again"
            ));
        }
        halves.entry(layer.to_owned()).or_default()[which] = Some(tensor);
    }
    let mut layers = BTreeMap::new();
    for (layer, halves) in halves {
        let [Some(a), Some(b)] = halves else {
            return Err(format!(
                "{layer} has only one of lora_A and lora_B; hint: save the adapter again"
            ));
        };
        layers.insert(layer, Pair { a, b });
    }
    if layers.is_empty() {
        return Err(format!("{WEIGHTS} is empty; hint: save the adapter again"));
    }
    Ok(layers)
}
