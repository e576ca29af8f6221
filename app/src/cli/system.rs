//! `lectern doctor`, `reindex`, `config show` and `completions`.

use anyhow::Result;
use clap::CommandFactory;
use serde_json::json;

use super::args::{Arguments, Config};
use super::{Exit, output, single};
use crate::control::{Event, Request};
use crate::library::doctor::Report;
use crate::progress::Bar;
use crate::settings::Settings;

pub(super) async fn doctor(settings: Settings, json: bool) -> Result<Exit> {
    let report = single(settings, Request::Doctor, report).await?;
    show(&report, json)
}

pub(super) async fn reindex(settings: Settings, json: bool) -> Result<Exit> {
    let mut bar: Option<(u64, Bar)> = None;
    let reported = single(settings, Request::Reindex, |event| {
        if let Event::Indexing { done, total } = event {
            if bar.as_ref().is_none_or(|(of, _)| *of != total) {
                bar = Some((total, Bar::items("building the indexes", total)));
            }
            if let Some((_, bar)) = &bar {
                bar.set(done);
            }
            return None;
        }
        report(event)
    })
    .await;
    if let Some((_, bar)) = &bar {
        bar.finish();
    }
    show(&reported?, json)
}

fn report(event: Event) -> Option<Report> {
    match event {
        Event::Report(report) => Some(report),
        _ => None,
    }
}

fn show(report: &Report, json: bool) -> Result<Exit> {
    if json {
        output::json(report)?;
    } else {
        output::line(&format!(
            "{} documents; chunks: {} in the catalog, {} dense, {} BM25",
            report.documents, report.chunks.catalog, report.chunks.dense, report.chunks.bm25
        ))?;
        for check in &report.checks {
            let mark = if check.ok { "ok  " } else { "FAIL" };
            output::line(&format!("{mark} {}: {}", check.name, check.detail))?;
            if let Some(hint) = &check.hint {
                output::line(&format!("     hint: {hint}"))?;
            }
        }
    }
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}

pub(super) fn config(settings: &Settings, command: &Config) -> Result<Exit> {
    let Config::Show { json } = command;
    if *json {
        output::json(&json!({ "settings": settings.entries }))?;
    } else {
        for entry in &settings.entries {
            output::line(&format!(
                "{} = {:?}  # {}; from: {}",
                entry.key, entry.value, entry.meaning, entry.origin
            ))?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "lectern", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
