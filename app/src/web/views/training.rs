//! Training as plain data: datasets, runs, and how the one that goes on is getting on.

use askama::Template;
use finetune::data::{Kind, Side};

use super::adapters::{AdapterCard, ComparisonRow};
use super::curve::LossCurve;
use crate::catalog::DatasetRecord;
use crate::error::Problem;
use crate::training::RunState;
use crate::training::details::{RunDetails, RunRecord, RunSample};
use crate::training::plan::{size_text, time_text};

/// `/training`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "training.html")]
pub struct TrainingPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// Feedback that waits for a review.
    pub pending: u64,
    /// Feedback that was approved.
    pub approved: u64,
    /// Documents in the library.
    pub documents: u64,
    /// Datasets, newest first.
    pub datasets: Vec<DatasetCard>,
    /// The run that goes on, or the newest.
    pub current: Option<RunPanel>,
    /// Whether one goes on.
    pub is_running: bool,
    /// The other runs, newest first.
    pub runs: Vec<RunRow>,
    /// Runs that came to an adapter which was not evaluated yet, newest first.
    pub trained: Vec<RunRow>,
    /// Adapters that were, newest first.
    pub adapters: Vec<AdapterCard>,
    /// The one that answers; empty where none does.
    pub serving: String,
    /// Why that is.
    pub because: String,
    /// True where something was promoted that can be taken back.
    pub can_roll_back: bool,
    /// Blind comparisons, newest first.
    pub comparisons: Vec<ComparisonRow>,
    /// The model that is trained.
    pub base: String,
    /// Why there is none.
    pub base_problem: Option<Problem>,
}

/// `/training/runs/{run}`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "training_run.html")]
pub struct RunPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// How it stands.
    pub panel: RunPanel,
    /// Its settings, by name.
    pub settings: Vec<(String, String)>,
}

/// `/training/runs/{run}/panel`: how a run stands, to be put into the page.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "_training_run.html")]
pub struct RunPanelPage {
    /// How it stands.
    pub panel: RunPanel,
}

/// A dataset in short.
#[derive(Debug, Clone, Default)]
pub struct DatasetCard {
    /// Its name.
    pub name: String,
    /// The day it was made.
    pub created_at: String,
    /// Examples in all.
    pub examples: usize,
    /// Examples by side: those to train on, to choose with, to test with.
    pub sides: Vec<(&'static str, usize)>,
    /// Examples that are to be answered.
    pub answers: usize,
    /// Examples that are to be refused.
    pub refusals: usize,
    /// Where they come from, as text.
    pub sources: String,
    /// What was left out, with counts.
    pub dropped: Vec<(&'static str, usize)>,
    /// How many were left out.
    pub left_out: usize,
    /// Lengths in tokens: what a bucket is, and how many are in it.
    pub lengths: Vec<(String, usize)>,
    /// The most that are in one bucket.
    pub most: usize,
    /// What to know before training.
    pub warnings: Vec<String>,
    /// Whether documents were deleted since.
    pub changed: bool,
}

impl DatasetCard {
    /// What is shown of a dataset.
    #[must_use]
    pub fn of(record: &DatasetRecord) -> Self {
        let card = &record.card;
        let side = |side: Side| card.sides.get(&side).map_or(0, |counts| counts.examples);
        let kind = |kind: Kind| -> usize {
            let counts = card.sides.values();
            counts.filter_map(|counts| counts.kinds.get(&kind)).sum()
        };
        let mut sources: std::collections::BTreeMap<&str, usize> = Default::default();
        for (source, count) in card.sides.values().flat_map(|counts| &counts.sources) {
            *sources.entry(source.as_str()).or_default() += count;
        }
        let sources: Vec<String> = sources
            .iter()
            .map(|(source, count)| format!("{count} {source}"))
            .collect();
        let mut from = 0;
        let lengths: Vec<(String, usize)> = card
            .lengths
            .iter()
            .map(|bucket| {
                let label = match bucket.up_to {
                    Some(up_to) => format!("{} to {up_to}", from + 1),
                    None => format!("over {from}"),
                };
                from = bucket.up_to.unwrap_or(from);
                (label, bucket.examples)
            })
            .collect();
        Self {
            name: record.name.clone(),
            created_at: record.created_at.clone(),
            examples: card.examples(),
            sides: vec![
                ("to train on", side(Side::Train)),
                ("to choose with", side(Side::Validation)),
                ("to test with", side(Side::Test)),
            ],
            answers: kind(Kind::Answer),
            refusals: kind(Kind::Refusal),
            sources: sources.join(", "),
            left_out: card.dropped.values().sum(),
            dropped: card
                .dropped
                .iter()
                .map(|(reason, count)| (reason.as_str(), *count))
                .collect(),
            most: lengths.iter().map(|(_, count)| *count).max().unwrap_or(0),
            lengths: lengths
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
            warnings: card.warnings.clone(),
            changed: record.changed,
        }
    }

    /// Whether there is something to train on.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.sides.first().is_some_and(|(_, count)| *count > 0)
    }
}

/// A run in a list.
#[derive(Debug, Clone, Default)]
pub struct RunRow {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: &'static str,
    /// What is trained.
    pub recipe: String,
    /// On what.
    pub dataset: String,
    /// Steps, as text.
    pub steps: String,
    /// The lowest held-out loss, or the last one of training.
    pub loss: String,
    /// The folder of what was trained.
    pub result: String,
}

impl RunRow {
    /// What a list shows of a run.
    #[must_use]
    pub fn of(record: &RunRecord) -> Self {
        let loss = record
            .eval_loss
            .map(|loss| format!("{loss:.3} held out"))
            .or(record.loss.map(|loss| format!("{loss:.3}")));
        Self {
            name: record.name.clone(),
            state: record.state.as_str(),
            recipe: record.recipe.clone(),
            dataset: record.dataset.clone().unwrap_or_default(),
            steps: format!("{} of {}", record.step, record.steps),
            loss: loss.unwrap_or_default(),
            result: record.result.clone().unwrap_or_default(),
        }
    }
}

/// How a run stands.
#[derive(Debug, Clone, Default)]
pub struct RunPanel {
    /// Its name.
    pub name: String,
    /// The state's name.
    pub state: &'static str,
    /// What the name alone does not say; may be empty.
    pub standing: String,
    /// Whether it goes on.
    pub is_running: bool,
    /// Whether it was asked to stop and has not yet.
    pub is_stopping: bool,
    /// Whether it can go on.
    pub is_resumable: bool,
    /// Steps taken.
    pub step: usize,
    /// Steps in all; 0 before they are known.
    pub steps: usize,
    /// Its figures.
    pub facts: Vec<(&'static str, String)>,
    /// Its losses.
    pub curve: Option<LossCurve>,
    /// What is probably a mistake.
    pub warnings: Vec<String>,
    /// What ended it.
    pub reason: Option<String>,
    /// What to do about that.
    pub hint: Option<String>,
    /// What the model wrote at the newest evaluation.
    pub samples: Vec<RunSample>,
    /// The folder of what was trained.
    pub result: Option<String>,
}

impl RunPanel {
    /// What is shown of a run.
    #[must_use]
    pub fn of(details: &RunDetails) -> Self {
        let run = &details.run;
        let is_running = run.state == RunState::Running;
        let (reason, hint) = match run.reason.as_deref().map(|it| it.rsplit_once("; hint: ")) {
            Some(Some((reason, hint))) => (Some(reason.to_owned()), Some(hint.to_owned())),
            _ => (run.reason.clone(), None),
        };
        let mut facts = Vec::new();
        let mut fact = |what: &'static str, figure: Option<String>| {
            facts.extend(figure.map(|figure| (what, figure)));
        };
        fact("Recipe", Some(run.recipe.clone()));
        fact("Dataset", run.dataset.clone());
        fact(
            "Step",
            (run.steps > 0).then(|| format!("{} of {}", run.step, run.steps)),
        );
        fact("Loss", run.loss.map(|loss| format!("{loss:.3}")));
        let held_out = run.eval_loss.map(|loss| format!("{loss:.3}"));
        fact("Held-out loss", held_out);
        let speed = run.tokens_per_second.filter(|_| is_running);
        fact("Speed", speed.map(|rate| format!("{rate:.0} tokens/s")));
        fact("Time left", run.seconds_left.map(time_text));
        fact("Time", run.seconds.filter(|_| !is_running).map(time_text));
        let model = run.result.as_deref().map(folder_size);
        fact("Size", model.filter(|bytes| *bytes > 0).map(size_text));
        Self {
            name: run.name.clone(),
            state: run.state.as_str(),
            standing: standing(run),
            is_running,
            is_stopping: run.stopping,
            is_resumable: run.resumable,
            step: run.step,
            steps: run.steps,
            facts,
            curve: LossCurve::of(&details.metrics, run.steps),
            warnings: details.warnings.clone(),
            reason,
            hint,
            samples: details.samples.clone(),
            result: run.result.clone(),
        }
    }
}

/// What the state alone does not say.
fn standing(run: &RunRecord) -> String {
    match run.state {
        RunState::Running if run.stopping => "Stopping: a checkpoint is being saved".to_owned(),
        RunState::Running if run.steps == 0 => "Reading the model and the data".to_owned(),
        RunState::Running | RunState::Finished | RunState::Failed => String::new(),
        RunState::Stopped => "It can go on where it was".to_owned(),
        RunState::Killed => {
            "Ended from outside; it can go on from its newest checkpoint".to_owned()
        }
    }
}

/// Bytes of the files in a folder.
fn folder_size(folder: &str) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::adapters::{ComparisonPage, EvaluationTable};
    use super::*;
    use crate::library::adapters::compare::BlindPair;

    const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";

    #[test]
    fn whatever_a_run_or_a_model_says_is_text() {
        let hostile = || HOSTILE.to_owned();
        let sample = RunSample {
            step: 1,
            line: 1,
            prompt: hostile(),
            expected: hostile(),
            written: hostile(),
        };
        let panel = RunPanel {
            name: hostile(),
            state: "failed",
            facts: vec![("Dataset", hostile())],
            warnings: vec![hostile()],
            reason: Some(hostile()),
            hint: Some(hostile()),
            samples: vec![sample],
            result: Some(hostile()),
            curve: Some(LossCurve {
                description: hostile(),
                ..LossCurve::default()
            }),
            ..RunPanel::default()
        };
        let row = RunRow {
            name: hostile(),
            dataset: hostile(),
            ..RunRow::default()
        };
        let page = TrainingPage {
            csrf_token: hostile(),
            base: hostile(),
            datasets: vec![DatasetCard {
                name: hostile(),
                sources: hostile(),
                warnings: vec![hostile()],
                sides: vec![("to train on", 1)],
                ..DatasetCard::default()
            }],
            current: Some(panel.clone()),
            runs: vec![row.clone()],
            trained: vec![row],
            because: hostile(),
            serving: hostile(),
            adapters: vec![AdapterCard {
                id: hostile(),
                name: hostile(),
                notes: vec![hostile()],
                history: vec![hostile()],
                failed: Some(hostile()),
                evaluation: Some(EvaluationTable {
                    reasons: vec![hostile()],
                    asked: hostile(),
                    against: hostile(),
                    ..EvaluationTable::default()
                }),
                ..AdapterCard::default()
            }],
            comparisons: vec![ComparisonRow {
                id: hostile(),
                models: hostile(),
                ..ComparisonRow::default()
            }],
            ..TrainingPage::default()
        };
        let run = RunPage {
            csrf_token: hostile(),
            settings: vec![(hostile(), hostile())],
            panel,
        };
        let comparison = ComparisonPage {
            id: hostile(),
            pair: Some(BlindPair {
                position: 1,
                question: hostile(),
                notes: vec![hostile()],
                expected: hostile(),
                left: hostile(),
                right: hostile(),
            }),
            failed: Some(hostile()),
            ..ComparisonPage::default()
        };
        for html in [
            page.render().unwrap(),
            run.render().unwrap(),
            comparison.render().unwrap(),
        ] {
            assert!(!html.contains("<script>") && !html.contains("<img src=x"));
            assert!(html.matches("&#60;script&#62;").count() > 5);
            // The policy of the pages allows neither.
            assert!(!html.contains("style=") && !html.contains("onclick"));
        }
    }
}
