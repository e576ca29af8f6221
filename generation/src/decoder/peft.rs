//! The files of an adapter, in the format of Hugging Face's PEFT: `adapter_config.json` beside
//! `adapter_model.safetensors`, whose tensors are called
//! `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
//!
//! What an adapter of PEFT's can ask for and isn't done here is refused by name; a reason here is a
//! text, to which [`Adapter::load`](super::Adapter::load) adds the folder.
//!
//! Format: <https://huggingface.co/docs/peft/developer_guides/checkpoint>

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::safetensors::BufferedSafetensors;
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::adapter::Pair;
use super::numeric::with_values;
use crate::gguf::first_line;

pub(super) const CONFIG: &str = "adapter_config.json";
pub(super) const WEIGHTS: &str = "adapter_model.safetensors";
pub(super) const PREFIX: &str = "base_model.model.";

type Read<T> = Result<T, String>;

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

    pub(super) fn check(&self) -> Read<()> {
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

/// Reads an adapter's folder.
pub(super) fn read(folder: &Path) -> Read<(AdapterConfig, BTreeMap<String, Pair>)> {
    let text = std::fs::read_to_string(folder.join(CONFIG)).map_err(|error| {
        format!(
            "{CONFIG} can't be read ({error}); hint: name the folder of an adapter in PEFT's format"
        )
    })?;
    let malformed = |error: serde_json::Error| {
        format!(
            "{CONFIG} is no adapter's configuration ({error}); hint: it must have at least \
             peft_type, r, lora_alpha and a list target_modules"
        )
    };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
    // First of all, since other kinds have other fields.
    if let Some(kind) = json["peft_type"].as_str().filter(|kind| *kind != "LORA") {
        return Err(format!(
            "it is of the kind {kind} and only LORA can be run; hint: train a LoRA adapter \
             instead"
        ));
    }
    let config: AdapterConfig = serde_json::from_value(json.clone()).map_err(malformed)?;
    config.check()?;
    let unsupported: Unsupported = serde_json::from_value(json).map_err(malformed)?;
    if let Some(name) = unsupported.name() {
        return Err(format!(
            "it uses `{name}`, which can't be run; hint: merge it with PEFT, or train it without"
        ));
    }
    let bytes = std::fs::read(folder.join(WEIGHTS)).map_err(|error| {
        format!("{WEIGHTS} can't be read ({error}); hint: save the adapter as safetensors")
    })?;
    let layers = read_layers(bytes, config.r)?;
    Ok((config, layers))
}

fn read_layers(bytes: Vec<u8>, rank: usize) -> Read<BTreeMap<String, Pair>> {
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
        let is_finite = with_values(&tensor, |values| {
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
