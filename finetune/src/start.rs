//! What a run goes on from: an adapter that answers already, so that a few corrections add to what it
//! can do and do not take its place.
//!
//! Its two files are copied into the run's folder, `start/`, when the run is made: a run can be made
//! again from its folder, and the adapter may be deleted meanwhile. A low-rank run trains the copy, so
//! it must have that shape; training all weights merges it into them first.

use std::collections::BTreeSet;
use std::path::Path;

use generation::decoder::{Adapter, AdapterConfig};

use crate::config::{Problem, Recipe};
use crate::{Error, Result, RunFolder, TrainConfig};

/// The files of an adapter in PEFT's format.
pub const FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

/// What `config` says of the adapter that it goes on from: none where it begins anew.
///
/// # Errors
/// [`Error::Config`] where the adapter cannot be read or, for a low-rank recipe, has another shape
/// than the run.
pub fn check(config: &TrainConfig) -> Result<()> {
    match config.adapter.as_os_str().is_empty() {
        true => Ok(()),
        false => load(config, &config.adapter).map(drop),
    }
}

/// The copy in the run's folder; none where the run begins anew.
pub(crate) fn of(config: &TrainConfig, run: &RunFolder) -> Result<Option<Adapter>> {
    match config.adapter.as_os_str().is_empty() {
        true => Ok(None),
        false => load(config, &run.start()).map(Some),
    }
}

fn load(config: &TrainConfig, folder: &Path) -> Result<Adapter> {
    let refused = |message: String| {
        Error::Config(vec![Problem {
            key: "adapter".to_owned(),
            message,
        }])
    };
    let adapter = Adapter::load(folder).map_err(|error| refused(error.to_string()))?;
    let differs = match config.recipe {
        Recipe::Lora | Recipe::Qlora => differs(config, adapter.config()),
        Recipe::Full | Recipe::Reranker => None,
    };
    match differs {
        None => Ok(adapter),
        Some((key, has)) => Err(refused(format!(
            "{} has {key} {has}, and an adapter keeps its shape when it is trained further; hint: \
             set {key} to that, or leave adapter empty to begin anew",
            folder.display()
        ))),
    }
}

/// The first setting that an adapter has otherwise, and as what.
fn differs(config: &TrainConfig, adapter: &AdapterConfig) -> Option<(&'static str, String)> {
    let wanted: BTreeSet<&String> = config.target_modules.iter().collect();
    let given: BTreeSet<&String> = adapter.target_modules.iter().collect();
    if adapter.r != config.rank {
        return Some(("rank", adapter.r.to_string()));
    }
    if adapter.lora_alpha != config.alpha {
        return Some(("alpha", adapter.lora_alpha.to_string()));
    }
    if adapter.use_rslora != config.rslora {
        return Some(("rslora", adapter.use_rslora.to_string()));
    }
    if given != wanted {
        let given: Vec<&str> = given.into_iter().map(String::as_str).collect();
        return Some(("target_modules", given.join(",")));
    }
    None
}
