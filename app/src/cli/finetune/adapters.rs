//! `lectern finetune evaluate`, `promote`, `rollback`, `adapters` and `lineage`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use finetune::gate::Verdict;
use finetune::score::Metric;
use serde_json::json;

use crate::catalog::{AdapterAction, AdapterState};
use crate::cli::args::{Adapters, Evaluate, Promote, Rollback};
use crate::cli::feedback::who;
use crate::cli::{Exit, lost, output, single};
use crate::control::{self, AdaptersRequest, Event, Request};
use crate::library::adapters::evaluate::EvaluateRequest;
use crate::library::adapters::lineage::Lineage;
use crate::library::adapters::promote::{PromoteRequest, RollbackRequest};
use crate::library::adapters::{AdapterDetails, AdapterList, Evaluation, Step};
use crate::progress::Bar;
use crate::settings::Settings;

/// Figures that a table for people has, of all that there are.
const SHOWN: [Metric; 11] = [
    Metric::F1,
    Metric::AnswerF1,
    Metric::ExactMatch,
    Metric::RougeL,
    Metric::Bleu,
    Metric::Perplexity,
    Metric::CitationPrecision,
    Metric::CitationRecall,
    Metric::RefusalPrecision,
    Metric::RefusalRecall,
    Metric::FalseRefusals,
];

pub(super) async fn evaluate(settings: Settings, command: Evaluate) -> Result<Exit> {
    let answers = command.answers.as_deref().map(output::Lines::new);
    let mut answers = answers.transpose()?;
    let request = EvaluateRequest {
        adapter: whole(&command.adapter),
        dataset: command.dataset.as_deref().map(whole),
        against: command.against,
        limit: command.limit,
        seed: command.seed,
    };
    let request = Request::Adapters(AdaptersRequest::Evaluate {
        request,
        with_answers: answers.is_some(),
    });
    let mut events = control::start(settings, request).await?;
    let mut bar: Option<Bar> = None;
    let found = loop {
        match events.recv().await.ok_or_else(lost)? {
            Event::AdapterEvaluating(Step::Answers { done, total }) => bar
                .get_or_insert_with(|| Bar::items("answers", total as u64))
                .set(done as u64),
            Event::AdapterEvaluating(Step::Case(case)) => {
                if let Some(answers) = &mut answers {
                    answers.add(&case)?;
                }
            }
            Event::AdapterEvaluated(found) => break found,
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    match command.json {
        true => output::json(&found)?,
        false => show_evaluation(&found)?,
    }
    Ok(Exit::Done)
}

pub(super) async fn promote(settings: Settings, command: Promote) -> Result<Exit> {
    let request = PromoteRequest {
        adapter: whole(&command.adapter),
        tolerant: command.tolerant,
        force: command.force,
        reason: command.reason,
        by: Some(who(command.by)),
    };
    let promoted = one(settings, AdaptersRequest::Promote(request)).await?;
    match command.json {
        true => output::json(&promoted)?,
        false => {
            output::line(&format!("the adapter {} answers now", promoted.adapter.id))?;
            let deleted = promoted.adapter.deleted_documents;
            if deleted > 0 {
                eprintln!("note: it learnt from {deleted} documents that were deleted since");
            }
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn rollback(settings: Settings, command: Rollback) -> Result<Exit> {
    let request = RollbackRequest {
        reason: command.reason,
        by: Some(who(command.by)),
    };
    let now = list(settings, AdaptersRequest::Rollback(request)).await?;
    match command.json {
        true => output::json(&now)?,
        false => output::line(&serving(&now))?,
    }
    Ok(Exit::Done)
}

pub(super) async fn lineage(settings: Settings, id: String, json: bool) -> Result<Exit> {
    let request = Request::Adapters(AdaptersRequest::Lineage { id });
    let found = single(settings, request, |event| match event {
        Event::Lineage(lineage) => Some(lineage),
        _ => None,
    })
    .await?;
    match json {
        true => output::json(&found)?,
        false => show_lineage(&found)?,
    }
    Ok(Exit::Done)
}

pub(super) async fn run(settings: Settings, command: Adapters) -> Result<Exit> {
    match command {
        Adapters::List { json } => {
            let found = list(settings, AdaptersRequest::List).await?;
            if json {
                output::json(&found)?;
                return Ok(Exit::Done);
            }
            for one in &found.adapters {
                output::line(&line(one))?;
            }
            eprintln!("{}", serving(&found));
        }
        Adapters::Show { id, json } => {
            let found = one(settings, AdaptersRequest::Show { id }).await?;
            match json {
                true => output::json(&found)?,
                false => show(&found)?,
            }
        }
        Adapters::Delete { ids, json } => {
            let request = Request::Adapters(AdaptersRequest::Delete { ids });
            let deleted = single(settings, request, |event| match event {
                Event::AdaptersDeleted(ids) => Some(ids),
                _ => None,
            })
            .await?;
            if json {
                output::json(&json!({ "deleted": deleted }))?;
                return Ok(Exit::Done);
            }
            for id in deleted {
                output::line(&format!("deleted {id}"))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// A path as a server elsewhere reads it; what is none is the name or id of something.
pub(super) fn whole(named: &str) -> String {
    let path = Path::new(named);
    match std::path::absolute(path) {
        Ok(whole) if path.is_dir() => whole.display().to_string(),
        _ => named.to_owned(),
    }
}

async fn one(settings: Settings, request: AdaptersRequest) -> Result<Box<AdapterDetails>> {
    single(settings, Request::Adapters(request), |event| match event {
        Event::Adapter(adapter) => Some(adapter),
        _ => None,
    })
    .await
}

async fn list(settings: Settings, request: AdaptersRequest) -> Result<AdapterList> {
    single(settings, Request::Adapters(request), |event| match event {
        Event::AdapterList(list) => Some(list),
        _ => None,
    })
    .await
}

fn serving(list: &AdapterList) -> String {
    let what = match &list.serving {
        Some(id) => format!("the adapter {id} answers"),
        None => "the model answers without an adapter".to_owned(),
    };
    format!("{what}: {}", output::plain(&list.because))
}

fn line(one: &AdapterDetails) -> String {
    let adapter = &one.adapter;
    let state = match adapter.state {
        AdapterState::Candidate => "candidate",
        AdapterState::InService => "in service",
        AdapterState::Retired => "retired",
    };
    let verdict = match &adapter.evaluation {
        Some(found) => format!(
            "{}, F1 {:.3} of {}",
            found.verdict.as_str(),
            found.figures.metrics.get(&Metric::F1).unwrap_or(&0.0),
            found.n
        ),
        None => "not evaluated".to_owned(),
    };
    let mut notes = Vec::new();
    if !one.fits {
        notes.push(format!("\tfor {}", output::plain(&adapter.base.model)));
    }
    if adapter.deleted_documents > 0 {
        notes.push(format!(
            "\tlearnt from {} deleted documents",
            adapter.deleted_documents
        ));
    }
    if let Some(running) = one.evaluating.as_ref().filter(|it| it.failed.is_none()) {
        notes.push(format!(
            "\tbeing evaluated: {} of {}",
            running.done, running.total
        ));
    }
    format!(
        "{}\t{}\t{state}\t{verdict}\t{}{}",
        adapter.id,
        adapter.created_at.get(..16).unwrap_or_default(),
        output::plain(&adapter.name),
        notes.concat()
    )
}

fn show(one: &AdapterDetails) -> Result<()> {
    output::line(&line(one))?;
    let adapter = &one.adapter;
    output::line(&format!(
        "rank {}, {} weights, on {}",
        adapter.rank,
        adapter.parameters,
        output::plain(&adapter.base.model)
    ))?;
    if let Some(run) = &adapter.run {
        output::line(&format!("run: {}", output::plain(run)))?;
    }
    if let Some(dataset) = &adapter.dataset {
        let name = dataset.name.as_deref().unwrap_or(&dataset.train);
        output::line(&format!(
            "trained on {} examples: {}",
            dataset.examples,
            output::plain(name)
        ))?;
    }
    if let Some(before) = &adapter.started_from {
        output::line(&format!("further training of the adapter {before}"))?;
    }
    for change in &one.history {
        let what = match (change.action, change.adapter.as_ref() == Some(&adapter.id)) {
            (AdapterAction::Promoted, true) => "promoted",
            (AdapterAction::Forced, true) => "promoted by force",
            (AdapterAction::RolledBack, true) => "brought back",
            (AdapterAction::RolledBack, false) => "rolled back",
            (_, false) => "replaced",
        };
        let why = change.note.as_deref().map(|note| format!(": {note}"));
        output::line(&format!(
            "{} {what} by {}{}",
            change.at.get(..16).unwrap_or_default(),
            output::plain(&change.by),
            output::plain(&why.unwrap_or_default())
        ))?;
    }
    match &adapter.evaluation {
        Some(found) => {
            output::line("")?;
            show_evaluation(found)
        }
        None => Ok(()),
    }
}

fn show_evaluation(found: &Evaluation) -> Result<()> {
    let against = found.against.adapter.as_deref().unwrap_or("no adapter");
    output::line(&format!(
        "{} beside {against}, {} held-out questions of {}",
        found.adapter,
        found.n,
        output::plain(&found.dataset)
    ))?;
    output::line("")?;
    output::line("|  | adapter | beside | difference | p |")?;
    output::line("|---|---|---|---|---|")?;
    let (ours, theirs) = (&found.figures, &found.against.figures);
    let rows = table(&ours.metrics, &ours.intervals, &theirs.metrics, |metric| {
        found.differences.get(&metric).copied()
    });
    let seen = &found.end_to_end;
    let seen_rows = table(
        &seen.figures.metrics,
        &seen.figures.intervals,
        &seen.against.metrics,
        |metric| seen.differences.get(&metric).copied(),
    );
    for row in rows {
        output::line(&format!("| {row}"))?;
    }
    if let Some(found) = &found.refusal_auroc {
        let [low, high] = found.interval;
        let change = found.difference;
        output::line(&format!(
            "| refusal_auroc | {:.3} ({low:.3} to {high:.3}) | {:.3} | {:+.3} ({:+.3} to {:+.3}) | \
             {:.4} |",
            found.value, found.against, change.difference, change.low, change.high, change.p
        ))?;
    }
    for row in seen_rows {
        output::line(&format!("| end to end, {row}"))?;
    }
    output::line(&format!(
        "| end to end, quotes instead | {:.3} | {:.3} |  |  |",
        seen.fallback, seen.fallback_against
    ))?;
    output::line("")?;
    output::line(&format!(
        "general requests: perplexity {:.1} (base model {:.1}), {} of {} declined",
        found.general.perplexity,
        found.general_base.perplexity,
        found.general.declined,
        found.general.requests
    ))?;
    if let Some(recited) = found.recited {
        output::line(&format!("recited: {:.1} %", 100.0 * recited.candidate))?;
    }
    if found.left_out > 0 {
        output::line(&format!(
            "left out, as they were trained on: {} questions",
            found.left_out
        ))?;
    }
    let verdict = match found.verdict {
        Verdict::Better => "better".to_owned(),
        Verdict::NotBetter if found.not_worse => "not better, and not worse".to_owned(),
        Verdict::NotBetter => "not better".to_owned(),
        Verdict::NotEnoughEvidence => {
            format!("not enough evidence, {} more needed", found.needed)
        }
    };
    output::line(&format!("verdict: {verdict}"))?;
    for reason in &found.reasons {
        output::line(&format!("- {reason}"))?;
    }
    if let Some(how) = found.how_to_get_more() {
        eprintln!("hint: {how}");
    }
    Ok(())
}

fn table(
    ours: &BTreeMap<Metric, f64>,
    intervals: &BTreeMap<Metric, [f64; 2]>,
    theirs: &BTreeMap<Metric, f64>,
    difference: impl Fn(Metric) -> Option<finetune::score::bootstrap::Difference>,
) -> Vec<String> {
    SHOWN
        .into_iter()
        .filter(|metric| ours.contains_key(metric) || theirs.contains_key(metric))
        .map(|metric| {
            let own = match (ours.get(&metric), intervals.get(&metric)) {
                (Some(value), Some([low, high])) => format!("{value:.3} ({low:.3} to {high:.3})"),
                _ => "-".to_owned(),
            };
            let other = theirs
                .get(&metric)
                .map_or("-".to_owned(), |value| format!("{value:.3}"));
            let (by, p) = match difference(metric) {
                Some(found) => (
                    format!("{:+.3}", found.difference),
                    format!("{:.3}", found.p),
                ),
                None => (String::new(), String::new()),
            };
            format!("{} | {own} | {other} | {by} | {p} |", metric.as_str())
        })
        .collect()
}

fn show_lineage(found: &Lineage) -> Result<()> {
    let unknown = || "unknown".to_owned();
    if let Some(answer) = &found.answer {
        output::line(&format!("answer: {answer}"))?;
    }
    let model = found
        .model
        .clone()
        .unwrap_or_else(|| "quotes only".to_owned());
    output::line(&format!("model: {}", output::plain(&model)))?;
    let Some(id) = &found.adapter_id else {
        return output::line("adapter: none");
    };
    output::line(&format!("adapter: {id}"))?;
    if let Some(run) = &found.run {
        output::line(&format!(
            "run: {}, started {}, revision {}",
            output::plain(&run.folder),
            run.started.clone().unwrap_or_else(unknown),
            run.git_revision.clone().unwrap_or_else(unknown)
        ))?;
    }
    let dataset = found.adapter.as_ref().and_then(|it| it.dataset.as_ref());
    if let Some(dataset) = dataset {
        output::line(&format!(
            "dataset: {}, {} examples, SHA-256 {}",
            output::plain(dataset.name.as_deref().unwrap_or(&dataset.train)),
            dataset.examples,
            dataset.train_sha256
        ))?;
    }
    let adapter = found.adapter.as_ref();
    if let Some(before) = adapter.and_then(|it| it.started_from.as_ref()) {
        output::line(&format!("further training of the adapter {before}"))?;
    }
    for one in &found.feedback {
        let question = one.question.as_deref().unwrap_or("(deleted)");
        output::line(&format!(
            "feedback: {}\t{}",
            one.id,
            output::plain(question)
        ))?;
    }
    Ok(())
}
