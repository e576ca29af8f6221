//! `lectern finetune`: datasets here, runs in [`runs`] and [`training`], what they come to in [`export`].

mod export;
mod runs;
mod training;

mod adapters;
mod compare;

mod reranker;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::args::{Datasets, Finetune, Prepare};
use super::{Exit, lost, output, single};
use crate::catalog::DatasetRecord;
use crate::control::{self, DatasetsRequest, Event, Request};
use crate::library::datasets::prepare::PrepareRequest;
use crate::progress::Bar;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, command: Finetune) -> Result<Exit> {
    match command {
        Finetune::Prepare(command) => prepare(settings, command).await,
        Finetune::Evaluate(command) => adapters::evaluate(settings, command).await,
        Finetune::Compare(command) => compare::run(settings, command).await,
        Finetune::Promote(command) => adapters::promote(settings, command).await,
        Finetune::Rollback(command) => adapters::rollback(settings, command).await,
        Finetune::Adapters(command) => adapters::run(settings, command).await,
        Finetune::Lineage { id, json } => adapters::lineage(settings, id, json).await,
        Finetune::Run(command) => training::run(settings, *command).await,
        Finetune::Runs(command) => runs::run(&settings, command).await,
        Finetune::Merge(command) => export::merge(settings, command).await,
        Finetune::Export(command) => export::export(settings, command).await,
        Finetune::Reranker(command) => reranker::run(settings, command).await,
        Finetune::Datasets(Datasets::List { json }) => {
            let datasets = asked(settings, DatasetsRequest::List).await?;
            if json {
                output::json(&json!({ "datasets": datasets }))?;
                return Ok(Exit::Done);
            }
            for one in &datasets {
                let changed = if one.changed { "\tchanged" } else { "" };
                output::line(&format!(
                    "{}\t{}\t{} examples\t{}{changed}",
                    one.name,
                    one.created_at.get(..16).unwrap_or(&one.created_at),
                    one.card.examples(),
                    output::plain(&one.folder),
                ))?;
            }
            Ok(Exit::Done)
        }
        Finetune::Datasets(Datasets::Show { name, json }) => {
            for one in asked(settings, DatasetsRequest::Show { name }).await? {
                show(&one, json)?;
            }
            Ok(Exit::Done)
        }
        Finetune::Datasets(Datasets::Delete { names, json }) => {
            let request = Request::Datasets(DatasetsRequest::Delete { names });
            let deleted = single(settings, request, |event| match event {
                Event::DatasetsDeleted(deleted) => Some(deleted),
                _ => None,
            })
            .await?;
            if json {
                let names: Vec<&str> = deleted.iter().map(|one| one.name.as_str()).collect();
                output::json(&json!({ "deleted": names }))?;
                return Ok(Exit::Done);
            }
            for one in deleted {
                output::line(&format!("deleted {}", one.name))?;
                if Path::new(&one.folder).exists() {
                    eprintln!(
                        "note: its files stay in {}, as they are not in the data folder",
                        output::plain(&one.folder)
                    );
                }
            }
            Ok(Exit::Done)
        }
    }
}

async fn asked(settings: Settings, request: DatasetsRequest) -> Result<Vec<DatasetRecord>> {
    single(settings, Request::Datasets(request), |event| match event {
        Event::Datasets(datasets) => Some(datasets),
        _ => None,
    })
    .await
}

async fn prepare(settings: Settings, command: Prepare) -> Result<Exit> {
    let absolute = |path: PathBuf| -> Result<PathBuf> {
        std::path::absolute(&path).with_context(|| path.display().to_string())
    };
    let request = PrepareRequest {
        name: command.name,
        feedback: command.feedback,
        generate: command.generate,
        imports: command
            .import
            .into_iter()
            .map(absolute)
            .collect::<Result<_>>()?,
        refusals: command.refusals,
        seed: command.seed,
        max_tokens: command.max_tokens,
        out: command.out.map(absolute).transpose()?,
    };
    let request = Request::Datasets(DatasetsRequest::Prepare(request));
    let mut events = control::start(settings, request).await?;
    let mut bar: Option<Bar> = None;
    let made = loop {
        match events.recv().await.ok_or_else(lost)? {
            Event::Preparing { done, total } => bar
                .get_or_insert_with(|| Bar::items("examples", total as u64))
                .set(done as u64),
            Event::Datasets(made) => break made,
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    for one in &made {
        show(one, command.json)?;
    }
    Ok(Exit::Done)
}

fn show(one: &DatasetRecord, json: bool) -> Result<()> {
    if json {
        return output::json(one);
    }
    if one.changed {
        eprintln!("note: documents were deleted since, and their examples with them");
    }
    output::line(&output::plain(&one.folder))?;
    output::line("")?;
    for line in one.card.to_markdown().lines() {
        output::line(&output::plain(line))?;
    }
    Ok(())
}
