//! Recipes: how a model is trained, each one function from top to bottom.
//!
//! They differ in what is loaded and what is trained, and repeat each other otherwise; that is
//! wanted. A recipe is changed by editing it, not by setting options of a framework.

pub mod full;
pub mod lora;
pub mod qlora;
pub mod reranker;

use generation::chat::ChatFormat;
use generation::decoder::{Adapter, AdapterConfig, Decoder};

use crate::dataset::Limits;
use crate::run::Status;
use crate::watch::{Ending, Event};
use crate::{Dataset, Recipe, Result, RunFolder, Summary, TrainConfig, Watch, start};

/// Trains as `config` says in the folder `run`; goes on where it was interrupted.
///
/// # Errors
/// Those of the recipe. Where the run failed, its status says so.
pub fn train(config: &TrainConfig, run: &RunFolder, watch: &mut Watch<'_>) -> Result<Summary> {
    for warning in config.warnings() {
        (watch.on_event)(&Event::Warning(warning));
    }
    let recipe = match config.recipe {
        Recipe::Lora => lora::run,
        Recipe::Qlora => qlora::run,
        Recipe::Full => full::run,
        Recipe::Reranker => reranker::run,
    };
    let result = recipe(config, run, watch);
    let (state, reason) = match &result {
        Ok(summary) if summary.ending == Ending::Stopped => ("stopped", None),
        Ok(summary) if summary.ending == Ending::Stale => (
            "finished",
            Some("the held-out loss no longer fell".to_owned()),
        ),
        Ok(_) => ("finished", None),
        Err(error) => ("failed", Some(error.to_string())),
    };
    let before = crate::run::status(run.path()).ok();
    let (step, steps) = before.map_or((0, 0), |status| (status.step, status.steps));
    let status = Status {
        state: state.to_owned(),
        step: result.as_ref().map_or(step, |summary| summary.steps),
        steps,
        reason,
    };
    match result {
        Ok(summary) => {
            run.write_json("summary.json", &summary)?;
            run.set_status(&status)?;
            Ok(summary)
        }
        Err(error) => {
            // What failed is the error to tell, not that it could not be recorded.
            let _ = run.set_status(&status);
            Err(error)
        }
    }
}

/// The training data and the held-out data, with their warnings told.
fn read_data(
    config: &TrainConfig,
    chat: &ChatFormat,
    context: usize,
    watch: &mut Watch<'_>,
) -> Result<(Dataset, Option<Dataset>)> {
    if config.max_length > context {
        (watch.on_event)(&Event::Warning(format!(
            "the model reads {context} tokens at most, so max_length is taken to be that"
        )));
    }
    let limits = Limits {
        max_length: config.max_length.min(context),
        too_long: config.too_long,
    };
    let train = Dataset::read_repeated(&config.train, chat, limits, config.feedback_repeats)?;
    let held_out = match config.eval.as_os_str().is_empty() {
        true => None,
        false => Some(Dataset::read(&config.eval, chat, limits)?),
    };
    for warning in train.warnings(chat, config) {
        (watch.on_event)(&Event::Warning(warning));
    }
    Ok((train, held_out))
}

/// The adapter to train: a new one, or a copy of that which the run goes on from.
fn adapter_to_train(
    config: &TrainConfig,
    run: &RunFolder,
    base: &Decoder,
    name: &str,
) -> Result<Adapter> {
    let modules: Vec<&str> = config.target_modules.iter().map(String::as_str).collect();
    let settings = AdapterConfig {
        lora_dropout: config.dropout as f32,
        use_rslora: config.rslora,
        base_model_name_or_path: Some(name.to_owned()),
        ..AdapterConfig::new(config.rank, config.alpha, &modules)
    };
    match start::of(config, run)? {
        None => Ok(Adapter::new(settings, base.config(), config.seed)?),
        Some(start) => Ok(start.with_dropout(settings.lora_dropout).trainable()?),
    }
}

/// The model with the adapter that the run goes on from, where what is not feedback is to be answered as
/// it answers it.
fn to_keep_to(
    config: &TrainConfig,
    run: &RunFolder,
    base: &Decoder,
    data: &Dataset,
) -> Result<Option<Decoder>> {
    match start::of(config, run)? {
        Some(start) if config.self_distills(data) => Ok(Some(base.with_adapter(&start)?)),
        _ => Ok(None),
    }
}
