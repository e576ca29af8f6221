//! `lectern finetune run`: what it will take, a process that trains, and watching that.

use std::path::Path;

use anyhow::{Context, Result};
use finetune::{Recipe, TrainConfig};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::args::{RecipeName, Run};
use super::super::{Exit, output, single};
use super::{adapters, asked};
use crate::control::{AdaptersRequest, DatasetsRequest, Event, Request};
use crate::library::blocking;
use crate::settings::Settings;
use crate::training::request::{RunRequest, default_base};
use crate::training::start::Started;
use crate::training::{RunState, Runs, ask_to_stop, name, state};

use super::runs::{LOOK, Watched, ended};

pub(super) async fn run(settings: Settings, command: Run) -> Result<Exit> {
    let runs = Runs::new(&settings);
    let (json, background) = (command.json, command.background);
    let mut told = Vec::new();
    // From here on what is started must not be left alone by a Ctrl-C that nobody heard.
    let listen = || signal(SignalKind::interrupt());
    let (started, interrupts) = match &command.resume {
        Some(wanted) => {
            let run = runs.find(wanted)?;
            let interrupts = listen()?;
            (blocking(move || runs.resume(&run)).await?, interrupts)
        }
        None => {
            runs.refuse_second()?;
            let config = resolve(&settings, command).await?;
            told = estimated(&runs, &config, json).await?;
            let interrupts = listen()?;
            (blocking(move || runs.start(&config)).await?, interrupts)
        }
    };
    match background {
        true => left(started, json),
        false => watched(started, interrupts, json, told).await,
    }
}

/// The settings of a new run.
async fn resolve(settings: &Settings, command: Run) -> Result<TrainConfig> {
    let mut request = RunRequest {
        recipe: command.recipe.map(|recipe| match recipe {
            RecipeName::Lora => Recipe::Lora,
            RecipeName::Qlora => Recipe::Qlora,
            RecipeName::Full => Recipe::Full,
        }),
        config: command.config,
        overrides: command.set,
        train: command.train,
        eval: command.eval,
        base: command.base,
        adapter: None,
    };
    if let Some(steps) = command.max_steps {
        request.overrides.push(format!("max_steps={steps}"));
    }
    if let Some(name) = &command.name {
        let name = toml::Value::from(name.as_str());
        request.overrides.push(format!("name={name}"));
    }
    if let Some(name) = command.dataset {
        let found = asked(settings.clone(), DatasetsRequest::Show { name }).await?;
        let dataset = found.first().context("a dataset that was found")?;
        request.name_dataset(dataset);
    }
    // A base that is named is another than what answers, whose adapter does not fit it.
    if command.from.is_some() || !request.names_model() {
        let from = AdaptersRequest::ToTrain {
            from: command.from.as_deref().map(adapters::whole),
        };
        let request_of = Request::Adapters(from);
        request.adapter = single(settings.clone(), request_of, |event| match event {
            Event::AdapterFolder(folder) => Some(folder),
            _ => None,
        })
        .await?;
    }
    let settings = settings.clone();
    blocking(move || request.resolve(|| default_base(&settings))).await
}

/// Tells what it will take. Returns the warnings that were told.
async fn estimated(runs: &Runs, config: &TrainConfig, json: bool) -> Result<Vec<String>> {
    let (runs, config) = (runs.clone(), config.clone());
    let plan = blocking(move || runs.plan(&config)).await?;
    if json {
        output::json(&json!({ "event": "plan", "plan": plan }))?;
    }
    for warning in &plan.warnings {
        eprintln!("warning: {}", output::plain(warning));
    }
    eprintln!("{}", output::plain(&plan.to_string()));
    Ok(plan.warnings)
}

fn left(started: Started, json: bool) -> Result<Exit> {
    let run = started.leave();
    let name = name(&run);
    match json {
        true => output::json(&json!({ "run": name, "folder": run }))?,
        false => {
            output::line(&name)?;
            eprintln!("it goes on in the background; `lectern finetune runs watch` shows it");
        }
    }
    Ok(Exit::Done)
}

/// Follows a run that this process started. The first Ctrl-C stops it, the second ends it.
async fn watched(
    mut started: Started,
    mut interrupts: Signal,
    json: bool,
    told: Vec<String>,
) -> Result<Exit> {
    let run = started.run.clone();
    let name = name(&run);
    let mut log = started.log.clone();
    let mut shown = Watched::new(json, told);
    let mut is_stopping = false;
    loop {
        // Before the log is read: what is written last is read after it.
        let status = started.ended();
        for event in log.news() {
            shown.show(&event)?;
            if event.is_last() {
                let is_ours = is_stopping && state(&run) == RunState::Stopped;
                // Another run can be started once the process is gone.
                let waiting = blocking(move || {
                    started.wait();
                    Ok(())
                });
                waiting.await?;
                shown.finish();
                return match is_ours {
                    true => {
                        eprintln!("saved; `lectern finetune run --resume {name}` goes on with it");
                        Ok(Exit::Interrupted)
                    }
                    false => ended(&event, json),
                };
            }
        }
        if let Some(status) = status {
            let problem = started.died(status);
            shown.finish();
            return Err(problem.into());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = interrupts.recv() => {
                if is_stopping {
                    started.kill();
                    shown.finish();
                    eprintln!(
                        "ended at once; `lectern finetune run --resume {name}` goes on from the newest \
                         checkpoint"
                    );
                    return Ok(Exit::Interrupted);
                }
                is_stopping = true;
                shown.line("stopping: a checkpoint is saved first (Ctrl-C again ends it at once)");
                stop(&run);
            }
        }
    }
}

fn stop(run: &Path) {
    if let Err(error) = ask_to_stop(run) {
        eprintln!("warning: {error:#}; Ctrl-C again ends it at once");
    }
}
