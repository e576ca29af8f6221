//! Adapters as plain data: how each fared beside what answers, and two models' answers side by side.

use askama::Template;
use finetune::gate::Verdict;
use finetune::score::Metric;
use finetune::score::bootstrap::Difference;

use crate::catalog::{AdapterAction, AdapterState};
use crate::library::adapters::compare::{BlindPair, ComparisonDetails};
use crate::library::adapters::{AdapterDetails, Evaluation};

/// Figures that the table has, with what people call them.
const SHOWN: [(Metric, &str); 8] = [
    (Metric::F1, "F1"),
    (Metric::AnswerF1, "F1 of answers"),
    (Metric::ExactMatch, "Right to the word"),
    (Metric::CitationPrecision, "Cited notes that are right"),
    (Metric::CitationRecall, "Right notes that are cited"),
    (Metric::RefusalRecall, "Declined where it should"),
    (Metric::FalseRefusals, "Declined where it should not"),
    (Metric::Perplexity, "Perplexity"),
];

/// An adapter on the training page.
#[derive(Debug, Clone, Default)]
pub struct AdapterCard {
    /// Its id.
    pub id: String,
    /// Its run, or the folder that it was in.
    pub name: String,
    /// Where it stands, for style.
    pub state: &'static str,
    /// The same in words.
    pub standing: &'static str,
    /// What it is: dataset, rank, size.
    pub about: String,
    /// What speaks against using it here.
    pub notes: Vec<String>,
    /// How it fared.
    pub evaluation: Option<EvaluationTable>,
    /// How an evaluation comes along that runs: answers given, and in all.
    pub evaluating: Option<(usize, usize)>,
    /// Why the last evaluation failed.
    pub failed: Option<String>,
    /// True where it answers.
    pub is_serving: bool,
    /// When it came to answer and went.
    pub history: Vec<String>,
}

/// How an adapter fared beside another model.
#[derive(Debug, Clone, Default)]
pub struct EvaluationTable {
    /// The verdict, for style.
    pub verdict: &'static str,
    /// The verdict in words.
    pub words: String,
    /// What speaks against it.
    pub reasons: Vec<String>,
    /// How to get what is missing for a verdict.
    pub more: Option<String>,
    /// Questions and where they are from.
    pub asked: String,
    /// The model beside it.
    pub against: String,
    /// Figures: what, of the adapter, of the other, the difference.
    pub rows: Vec<[String; 4]>,
    /// True where the gate lets it answer.
    pub passes: bool,
    /// True where it is shown not to be worse.
    pub not_worse: bool,
}

impl AdapterCard {
    /// What is shown of an adapter; `serving` is the one that answers.
    #[must_use]
    pub fn of(details: &AdapterDetails, serving: Option<&str>) -> Self {
        let adapter = &details.adapter;
        let is_serving = serving == Some(adapter.id.as_str());
        let (state, standing) = match adapter.state {
            _ if is_serving => ("running", "answers now"),
            AdapterState::Candidate => ("candidate", "candidate"),
            AdapterState::InService => ("finished", "promoted, not in use"),
            AdapterState::Retired => ("retired", "retired"),
        };
        let mut notes = Vec::new();
        if !details.fits {
            notes.push(format!(
                "It was trained on {}, which is not the model that answers here.",
                adapter.base.model
            ));
        }
        if adapter.deleted_documents > 0 {
            notes.push(format!(
                "It learnt from {} documents that were deleted since.",
                adapter.deleted_documents
            ));
        }
        let dataset = adapter.dataset.as_ref().and_then(|one| one.name.clone());
        let on = dataset.map_or_else(String::new, |name| format!("on {name}, "));
        let evaluating = details.evaluating.as_ref();
        Self {
            id: adapter.id.clone(),
            name: adapter.name.clone(),
            state,
            standing,
            about: format!(
                "{on}rank {}, {:.1} million numbers{}",
                adapter.rank,
                adapter.parameters as f64 / 1e6,
                match &adapter.started_from {
                    Some(before) => format!(", further training of {before}"),
                    None => String::new(),
                }
            ),
            notes,
            evaluation: adapter.evaluation.as_ref().map(EvaluationTable::of),
            evaluating: evaluating
                .filter(|state| state.failed.is_none())
                .map(|state| (state.done, state.total)),
            failed: evaluating.and_then(|state| state.failed.clone()),
            is_serving,
            history: details
                .history
                .iter()
                .map(|change| {
                    let done = match change.action {
                        AdapterAction::Promoted => "promoted",
                        AdapterAction::Forced => "promoted by force",
                        AdapterAction::RolledBack => "rolled back",
                    };
                    let why = change.note.as_ref().map(|note| format!(": {note}"));
                    let day = change.at.get(..16).unwrap_or(&change.at).replace('T', " ");
                    format!("{day} {done} by {}{}", change.by, why.unwrap_or_default())
                })
                .collect(),
        }
    }
}

/// A difference with its interval.
fn change(one: &Difference) -> String {
    format!(
        "{:+.2} ({:+.2} to {:+.2})",
        one.difference, one.low, one.high
    )
}

impl EvaluationTable {
    fn of(found: &Evaluation) -> Self {
        let words = match found.verdict {
            Verdict::Better => "Better than what it was compared with".to_owned(),
            Verdict::NotBetter if found.not_worse => {
                "Not shown to be better, and not worse".to_owned()
            }
            Verdict::NotBetter => "Not shown to be better".to_owned(),
            Verdict::NotEnoughEvidence => {
                format!(
                    "Not enough evidence: {} more questions are needed",
                    found.needed
                )
            }
        };
        let share = |share: f64| format!("{:.0} %", share * 100.0);
        let mut rows: Vec<[String; 4]> = SHOWN
            .iter()
            .filter_map(|(metric, label)| {
                let value = found.figures.metrics.get(metric)?;
                let interval = found.figures.intervals.get(metric);
                let other = found.against.figures.metrics.get(metric);
                let difference = found.differences.get(metric);
                Some([
                    (*label).to_owned(),
                    match interval {
                        Some([low, high]) => format!("{value:.2} ({low:.2} to {high:.2})"),
                        None => format!("{value:.2}"),
                    },
                    other.map_or_else(String::new, |value| format!("{value:.2}")),
                    difference.map_or_else(String::new, change),
                ])
            })
            .collect();
        if let Some(found) = &found.refusal_auroc {
            let [low, high] = found.interval;
            rows.push([
                "Questions to be declined told from others (AUROC)".to_owned(),
                format!("{:.2} ({low:.2} to {high:.2})", found.value),
                format!("{:.2}", found.against),
                change(&found.difference),
            ]);
        }
        let seen = &found.end_to_end;
        if seen.n > 0 {
            let f1 = |figures: &crate::library::adapters::Figures| {
                let value = figures.metrics.get(&Metric::F1);
                value.map_or_else(String::new, |value| format!("{value:.2}"))
            };
            rows.push([
                "F1 as people see it".to_owned(),
                f1(&seen.figures),
                f1(&seen.against),
                seen.differences
                    .get(&Metric::F1)
                    .map_or_else(String::new, change),
            ]);
            rows.push([
                "Quotes took the place of the answer".to_owned(),
                share(seen.fallback),
                share(seen.fallback_against),
                String::new(),
            ]);
        }
        if let Some(recited) = &found.recited {
            rows.push([
                "Recited from training".to_owned(),
                share(recited.candidate),
                share(recited.against),
                String::new(),
            ]);
        }
        let sources: Vec<String> = found
            .sources
            .iter()
            .map(|(source, count)| format!("{count} {}", source.as_str()))
            .collect();
        Self {
            verdict: found.verdict.as_str(),
            words,
            reasons: found.reasons.clone(),
            more: found.how_to_get_more(),
            asked: format!(
                "{} held-out questions of {} ({})",
                found.n,
                found.dataset,
                sources.join(", ")
            ),
            against: match &found.against.adapter {
                Some(id) => id.clone(),
                None => "without an adapter".to_owned(),
            },
            rows,
            passes: found.verdict == Verdict::Better,
            not_worse: found.not_worse,
        }
    }
}

/// A comparison in a list.
#[derive(Debug, Clone, Default)]
pub struct ComparisonRow {
    /// Its id.
    pub id: String,
    /// The two models.
    pub models: String,
    /// How many votes there are, of how many pairs.
    pub votes: String,
    /// The first model's win rate with its interval.
    pub win_rate: String,
}

impl ComparisonRow {
    /// What a list shows of a comparison.
    #[must_use]
    pub fn of(details: &ComparisonDetails) -> Self {
        let [first, second] = &details.comparison.models;
        let votes = details.wins + details.losses + details.ties;
        Self {
            id: details.comparison.id.clone(),
            models: format!("{first} beside {second}"),
            votes: format!("{votes} of {}", details.pairs),
            win_rate: details.win_rate.as_ref().map_or_else(
                || "no votes yet".to_owned(),
                |rate| format!("{:.2} ({:.2} to {:.2})", rate.value, rate.low, rate.high),
            ),
        }
    }
}

/// `/training/comparisons/{id}`: two answers, and nothing of whose they are.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "comparison.html")]
pub struct ComparisonPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// The comparison's id.
    pub id: String,
    /// The pair to vote on.
    pub pair: Option<BlindPair>,
    /// How many votes there are, of how many pairs.
    pub votes: String,
    /// Questions that both answered alike.
    pub same: usize,
    /// True while the two models are being asked.
    pub is_asking: bool,
    /// Why not all were asked.
    pub failed: Option<String>,
    /// How the votes stand, once none are wanted: which models, win rate, wins, losses and ties.
    pub result: Option<(String, String, [usize; 3])>,
}

impl ComparisonPage {
    /// What is shown of a comparison. How the votes stand is told when there is nothing left to vote on,
    /// so that it sways nobody.
    #[must_use]
    pub fn of(details: &ComparisonDetails, csrf_token: String) -> Self {
        let row = ComparisonRow::of(details);
        let comparison = &details.comparison;
        let is_asking = !comparison.finished && comparison.failed.is_none();
        Self {
            csrf_token,
            id: comparison.id.clone(),
            pair: details.next.clone(),
            votes: row.votes,
            same: comparison.same,
            is_asking,
            failed: comparison.failed.clone(),
            result: (details.next.is_none() && !is_asking).then(|| {
                let counts = [details.wins, details.losses, details.ties];
                (row.models, row.win_rate, counts)
            }),
        }
    }
}
