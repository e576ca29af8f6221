//! A run as it is shown: what its folder says, put together.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use finetune::metrics::{EvalMetrics, StepMetrics};
use finetune::run::{self, Origin};
use finetune::{Recipe, Summary, TrainConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::log::{self, RunEvent};
use super::{RunState, is_stopping, name, start, state};

/// The numbers of a run.
pub(super) const METRICS: &str = "metrics.jsonl";
const CONFIG: &str = "config.toml";
const ORIGIN: &str = "run.json";
const SUMMARY: &str = "summary.json";
const SAMPLES: &str = "samples.jsonl";

/// Bytes from the end of the numbers in which their newest are looked for.
const TAIL: u64 = 16 * 1024;

/// Points of a curve, at most.
const POINTS: usize = 400;

/// A run as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunRecord {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// Where it stands.
    pub state: RunState,
    /// True where it was asked to stop and has not yet.
    pub stopping: bool,
    /// True where it can go on.
    pub resumable: bool,
    /// What is trained: `lora`, `qlora` or `full`.
    pub recipe: String,
    /// The dataset's name; null where files were named.
    #[schema(required)]
    pub dataset: Option<String>,
    /// When it began, RFC 3339.
    pub started: String,
    /// Steps taken; of a run that was killed those of its newest checkpoint.
    pub step: usize,
    /// Steps in all; 0 before they are known.
    pub steps: usize,
    /// Loss per token of the newest step, in nats.
    #[schema(required)]
    pub loss: Option<f64>,
    /// The lowest held-out loss so far.
    #[schema(required)]
    pub eval_loss: Option<f64>,
    /// Tokens a second in the newest step.
    #[schema(required)]
    pub tokens_per_second: Option<f64>,
    /// Estimated time to the end, in seconds, of a run that goes on.
    #[schema(required)]
    pub seconds_left: Option<f64>,
    /// Time spent, pauses aside, in seconds.
    #[schema(required)]
    pub seconds: Option<f64>,
    /// What ended it.
    #[schema(required)]
    pub reason: Option<String>,
    /// The folder of what was trained; null before its end.
    #[schema(required)]
    pub result: Option<String>,
}

/// A point of the training loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepPoint {
    /// After this step.
    pub step: usize,
    /// Mean loss per token of the steps that this point stands for, in nats.
    pub loss: f64,
    /// Learning rate of that step.
    pub learning_rate: f64,
    /// Norm of all gradients of that step, before clipping.
    pub gradient_norm: f64,
    /// Tokens a second in that step.
    pub tokens_per_second: f64,
}

/// A point of the held-out loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvalPoint {
    /// After this step; 0 for before training.
    pub step: usize,
    /// Per token, in nats.
    pub loss: f64,
    /// e to the power of it.
    pub perplexity: f64,
}

/// The numbers of a run over its steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// Of training, 400 points at most.
    pub train: Vec<StepPoint>,
    /// Of evaluations.
    pub eval: Vec<EvalPoint>,
}

/// What the model wrote for a held-out prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSample {
    /// After this step.
    pub step: usize,
    /// Line in the held-out data, from 1.
    pub line: usize,
    /// The end of the prompt.
    pub prompt: String,
    /// What it should have written.
    pub expected: String,
    /// What it wrote.
    pub written: String,
}

/// A run in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetails {
    /// What lists show.
    #[serde(flatten)]
    pub run: RunRecord,
    /// All its settings, by name.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    /// Version of the program that began it.
    pub version: String,
    /// Git revision, where there was one.
    #[schema(required)]
    pub git_revision: Option<String>,
    /// SHA-256 of the base model's file.
    pub base_sha256: String,
    /// SHA-256 of the training data; null before it was read.
    #[schema(required)]
    pub data_sha256: Option<String>,
    /// What is probably a mistake.
    pub warnings: Vec<String>,
    /// Its numbers.
    pub metrics: Series,
    /// What it wrote at the newest evaluation.
    pub samples: Vec<RunSample>,
}

/// The settings of a run.
pub(super) fn config(run: &Path) -> Option<TrainConfig> {
    let text = std::fs::read_to_string(run.join(CONFIG)).ok()?;
    TrainConfig::parse(&text, &[], None).ok()
}

/// A run as lists show it.
pub fn record(run: &Path) -> RunRecord {
    let state = state(run);
    let config = config(run);
    let status = run::status(run).ok();
    let summary: Option<Summary> = json(&run.join(SUMMARY)).filter(|_| state == RunState::Finished);
    let newest = newest_step(run);
    let progress = match state {
        RunState::Running => newest_progress(run),
        _ => None,
    };
    let recorded = status.as_ref().map_or(0, |status| status.step);
    let result = match config.as_ref().map(|config| config.recipe) {
        Some(Recipe::Full) => run.join("model"),
        _ => run.join("adapter"),
    };
    let reason = match (
        state,
        status.as_ref().and_then(|status| status.reason.clone()),
    ) {
        (RunState::Killed, _) => Some(start::died(run, None).message),
        (_, reason) => reason,
    };
    RunRecord {
        name: name(run),
        folder: run.display().to_string(),
        state,
        stopping: state == RunState::Running && is_stopping(run),
        resumable: state.is_resumable(),
        recipe: config
            .as_ref()
            .map_or_else(String::new, |config| config.recipe.name().to_owned()),
        dataset: config.as_ref().and_then(dataset_name),
        started: json::<Origin>(&run.join(ORIGIN)).map_or_else(String::new, |it| it.started),
        step: match (state, &newest) {
            (RunState::Running, Some(newest)) => newest.step.max(recorded),
            _ => recorded,
        },
        steps: progress
            .map(|(_, steps)| steps)
            .or(status.map(|status| status.steps))
            .unwrap_or(0),
        loss: newest.as_ref().map(|newest| newest.loss),
        eval_loss: summary
            .as_ref()
            .and_then(|summary| summary.eval_loss)
            .or_else(|| lowest(run)),
        tokens_per_second: newest.as_ref().map(|newest| newest.tokens_per_second),
        seconds_left: progress.map(|(left, _)| left),
        seconds: summary
            .map(|summary| summary.seconds)
            .or(newest.map(|newest| newest.seconds)),
        reason,
        result: (state == RunState::Finished && result.is_dir())
            .then(|| result.display().to_string()),
    }
}

/// A run in full.
pub fn details(run: &Path) -> RunDetails {
    let origin: Option<Origin> = json(&run.join(ORIGIN));
    let text = std::fs::read_to_string(run.join(CONFIG)).unwrap_or_default();
    let settings = text.parse::<toml::Table>().ok();
    let data: Option<serde_json::Value> = json(&run.join("dataset.json"));
    let mut warnings = Vec::new();
    for event in log::since_begun(run).0 {
        if let RunEvent::Warning { message } = event
            && !warnings.contains(&message)
        {
            warnings.push(message);
        }
    }
    RunDetails {
        run: record(run),
        settings: settings
            .and_then(|table| serde_json::to_value(table).ok())
            .unwrap_or_default(),
        version: origin
            .as_ref()
            .map_or_else(String::new, |origin| origin.version.clone()),
        git_revision: origin.as_ref().and_then(|it| it.git_revision.clone()),
        base_sha256: origin.map_or_else(String::new, |origin| origin.base_sha256),
        data_sha256: data
            .as_ref()
            .and_then(|data| data["train"]["sha256"].as_str())
            .map(str::to_owned),
        warnings,
        metrics: series(run),
        samples: samples(run),
    }
}

/// The name of the dataset whose files a run trains on; none where they are files of their own.
fn dataset_name(config: &TrainConfig) -> Option<String> {
    let folder = config.train.parent()?;
    let card = finetune::data::folder::read_card(folder).ok()?;
    Some(card.name)
}

/// The numbers of a run over its steps.
pub fn series(run: &Path) -> Series {
    let text = std::fs::read_to_string(run.join(METRICS)).unwrap_or_default();
    let mut steps: Vec<StepMetrics> = Vec::new();
    let mut eval = Vec::new();
    for line in text.lines() {
        if let Ok(step) = serde_json::from_str(line) {
            steps.push(step);
        } else if let Ok(EvalMetrics {
            step,
            eval_loss,
            perplexity,
            ..
        }) = serde_json::from_str(line)
        {
            eval.push(EvalPoint {
                step,
                loss: eval_loss,
                perplexity,
            });
        }
    }
    let each = steps.len().div_ceil(POINTS).max(1);
    let train = steps
        .chunks(each)
        .filter_map(|part| {
            let last = part.last()?;
            Some(StepPoint {
                step: last.step,
                loss: part.iter().map(|step| step.loss).sum::<f64>() / part.len() as f64,
                learning_rate: last.learning_rate,
                gradient_norm: last.gradient_norm,
                tokens_per_second: last.tokens_per_second,
            })
        })
        .collect();
    Series { train, eval }
}

/// The lowest held-out loss, that before training aside.
fn lowest(run: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(run.join(METRICS)).ok()?;
    text.lines()
        .filter(|line| line.contains("eval_loss"))
        .filter_map(|line| serde_json::from_str::<EvalMetrics>(line).ok())
        .filter(|metrics| metrics.step > 0)
        .map(|metrics| metrics.eval_loss)
        .min_by(f64::total_cmp)
}

/// The newest line of the numbers, without reading all of them.
fn newest_step(run: &Path) -> Option<StepMetrics> {
    let lines = tail(&run.join(METRICS))?;
    let newest = |line: &str| serde_json::from_str(line).ok();
    lines.lines().rev().find_map(newest)
}

/// Estimated seconds to the end, and steps in all, as the log last said.
fn newest_progress(run: &Path) -> Option<(f64, usize)> {
    let lines = tail(&run.join(log::LOG))?;
    for line in lines.lines().rev() {
        match serde_json::from_str::<RunEvent>(line) {
            Ok(RunEvent::Step {
                seconds_left,
                steps,
                ..
            }) => return Some((seconds_left, steps)),
            // What was said before the run went on holds no more.
            Ok(RunEvent::Loading { .. }) => return None,
            _ => {}
        }
    }
    None
}

/// The last lines of a file.
fn tail(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What was written at the newest evaluation.
fn samples(run: &Path) -> Vec<RunSample> {
    let text = std::fs::read_to_string(run.join(SAMPLES)).unwrap_or_default();
    let mut by_step: BTreeMap<usize, Vec<RunSample>> = BTreeMap::new();
    for line in text.lines() {
        if let Ok(sample) = serde_json::from_str::<RunSample>(line) {
            by_step.entry(sample.step).or_default().push(sample);
        }
    }
    by_step
        .pop_last()
        .map_or_else(Vec::new, |(_, newest)| newest)
}

fn json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_steps_are_drawn_together_and_evaluations_are_not() {
        let run = tempfile::tempdir().unwrap();
        let mut lines = String::new();
        for step in 1..=1000 {
            let line = serde_json::json!({
                "step": step, "epoch": 0.1, "loss": step as f64, "learning_rate": 1e-4,
                "gradient_norm": 1.0, "tokens": 10, "tokens_per_second": 50.0, "seconds": 1.0,
            });
            lines.push_str(&format!("{line}\n"));
            if step % 100 == 0 {
                let line = serde_json::json!({
                    "step": step, "eval_loss": 2.0, "perplexity": 7.4, "eval_examples": 5,
                });
                lines.push_str(&format!("{line}\n"));
            }
        }
        lines.push_str("{\"step\": 10");
        std::fs::write(run.path().join(METRICS), lines).unwrap();
        let series = series(run.path());
        assert_eq!((series.train.len(), series.eval.len()), (334, 10));
        assert_eq!((series.train[0].step, series.train[0].loss), (3, 2.0));
        assert_eq!(series.train.last().unwrap().step, 1000);
        assert_eq!(newest_step(run.path()).unwrap().step, 1000);
        assert_eq!(lowest(run.path()), Some(2.0));
    }
}
