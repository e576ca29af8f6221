//! `lectern finetune runs`: what there is, how it is getting on, and an end to it. Files alone are read, so
//! it works whoever started a run, and beside a server.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::super::args::{Runs as Command, RunsCommand};
use super::super::{Exit, output};
use crate::error::{Fault, Problem};
use crate::library::blocking;
use crate::progress::{Bar, Spinner};
use crate::settings::Settings;
use crate::training::details::{RunRecord, details, record};
use crate::training::log::{RunEvent, since_begun};
use crate::training::plan::{count_text, time_text};
use crate::training::start::died;
use crate::training::{RunState, Runs, is_gone, name};

/// How often the log is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn run(settings: &Settings, command: Command) -> Result<Exit> {
    let runs = Runs::new(settings);
    match command.command {
        None => list(&runs, command.json),
        Some(RunsCommand::List { json }) => list(&runs, json),
        Some(RunsCommand::Show { run, json }) => show(&runs.find(&run)?, json),
        Some(RunsCommand::Watch { run, json }) => watch(&runs.find(&run)?, json).await,
        Some(RunsCommand::Stop { run, json }) => stop(&runs, &run, json).await,
        Some(RunsCommand::Delete { runs: names, json }) => delete(&runs, names, json).await,
    }
}

fn list(runs: &Runs, json: bool) -> Result<Exit> {
    let records: Vec<RunRecord> = runs.list().iter().map(|run| record(run)).collect();
    if json {
        output::json(&json!({ "runs": records }))?;
        return Ok(Exit::Done);
    }
    for one in &records {
        let loss = one.eval_loss.or(one.loss);
        let loss = loss.map_or_else(String::new, |loss| format!("\tloss {loss:.3}"));
        let left = one
            .seconds_left
            .map_or_else(String::new, |left| format!("\t{} left", time_text(left)));
        output::line(&format!(
            "{}\t{}\tstep {} of {}{loss}{left}",
            one.name,
            one.state.as_str(),
            one.step,
            one.steps,
        ))?;
    }
    Ok(Exit::Done)
}

fn show(run: &Path, json: bool) -> Result<Exit> {
    let one = details(run);
    if json {
        output::json(&one)?;
        return Ok(Exit::Done);
    }
    let head = &one.run;
    output::line(&format!("{}: {}", head.name, head.state.as_str()))?;
    if let Some(reason) = &head.reason {
        output::line(&output::plain(reason))?;
    }
    output::line(&format!("folder: {}", output::plain(&head.folder)))?;
    if let Some(result) = &head.result {
        output::line(&format!("trained: {}", output::plain(result)))?;
    }
    output::line(&format!("steps: {} of {}", head.step, head.steps))?;
    let figures = [
        ("loss", head.loss),
        ("lowest held-out loss", head.eval_loss),
        ("tokens a second", head.tokens_per_second),
    ];
    for (what, figure) in figures {
        if let Some(figure) = figure {
            output::line(&format!("{what}: {figure:.3}"))?;
        }
    }
    for (what, seconds) in [("time", head.seconds), ("left", head.seconds_left)] {
        if let Some(seconds) = seconds {
            output::line(&format!("{what}: {}", time_text(seconds)))?;
        }
    }
    for warning in &one.warnings {
        output::line(&format!("warning: {}", output::plain(warning)))?;
    }
    for point in &one.metrics.eval {
        output::line(&format!(
            "step {}: held-out loss {:.3}, perplexity {:.2}",
            point.step, point.loss, point.perplexity
        ))?;
    }
    for sample in &one.samples {
        output::line(&format!("expected: {}", output::plain(&sample.expected)))?;
        output::line(&format!("written: {}", output::plain(&sample.written)))?;
    }
    output::line("settings:")?;
    for (key, value) in one.settings.as_object().into_iter().flatten() {
        output::line(&format!("  {key} = {value}"))?;
    }
    if head.resumable {
        eprintln!(
            "`lectern finetune run --resume {}` goes on with it",
            head.name
        );
    }
    Ok(Exit::Done)
}

async fn watch(run: &Path, json: bool) -> Result<Exit> {
    let mut shown = Watched::new(json, Vec::new());
    let (past, mut log) = since_begun(run);
    let mut events = past;
    loop {
        for event in &events {
            shown.show(event)?;
            if event.is_last() {
                shown.finish();
                return ended(event, json);
            }
        }
        let is_gone = is_gone(run);
        events = log.news();
        if is_gone && events.is_empty() {
            shown.finish();
            return Err(died(run, None).into());
        }
        if events.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = tokio::signal::ctrl_c() => {
                    shown.finish();
                    eprintln!("it goes on; `lectern finetune runs stop {}` stops it", name(run));
                    return Ok(Exit::Interrupted);
                }
            }
        }
    }
}

async fn stop(runs: &Runs, wanted: &str, json: bool) -> Result<Exit> {
    // The newest is meant where none is named, but only one can be running.
    let run = match (wanted, runs.running()) {
        ("latest", Some(running)) => running,
        _ => runs.find(wanted)?,
    };
    runs.stop(&run)?;
    let spinner = Spinner::start("saving a checkpoint");
    while !is_gone(&run) {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c() => {
                spinner.finish();
                eprintln!("it stops as soon as it has saved a checkpoint");
                return Ok(Exit::Interrupted);
            }
        }
    }
    spinner.finish();
    let one = record(&run);
    if json {
        output::json(&one)?;
    } else {
        output::line(&format!(
            "{} {} at step {} of {}",
            one.name,
            one.state.as_str(),
            one.step,
            one.steps
        ))?;
        if one.resumable {
            eprintln!(
                "`lectern finetune run --resume {}` goes on with it",
                one.name
            );
        }
    }
    Ok(Exit::Done)
}

async fn delete(runs: &Runs, names: Vec<String>, json: bool) -> Result<Exit> {
    // All are looked up before one is deleted: a typing error deletes nothing.
    let mut found = Vec::new();
    for wanted in &names {
        found.push(runs.find(wanted)?);
    }
    let runs = runs.clone();
    let deleted = blocking(move || {
        let mut deleted = Vec::new();
        for run in found {
            runs.delete(&run)?;
            deleted.push(name(&run));
        }
        Ok(deleted)
    })
    .await?;
    if json {
        output::json(&json!({ "deleted": deleted }))?;
        return Ok(Exit::Done);
    }
    for one in deleted {
        output::line(&format!("deleted {one}"))?;
    }
    Ok(Exit::Done)
}

/// A run as it is shown while it goes on: a bar on stderr, or JSON lines on stdout.
pub(super) struct Watched {
    json: bool,
    bar: Option<Bar>,
    /// Warnings that were told before.
    told: Vec<String>,
}

impl Watched {
    pub(super) fn new(json: bool, told: Vec<String>) -> Self {
        Self {
            json,
            bar: None,
            told,
        }
    }

    /// Shows what happened; how it ended is left to [`ended`].
    pub(super) fn show(&mut self, event: &RunEvent) -> Result<()> {
        if self.json {
            return match event {
                RunEvent::Failed { .. } => Ok(()),
                event => output::json(event),
            };
        }
        match event {
            RunEvent::Loading { run, .. } => {
                self.line(&format!("run {run}: reading model and data"))
            }
            RunEvent::Warning { message } => {
                if !self.told.contains(message) {
                    self.line(&format!("warning: {}", output::plain(message)));
                    self.told.push(message.clone());
                }
            }
            RunEvent::Started {
                parameters,
                step,
                steps,
            } => {
                let from = match step {
                    0 => String::new(),
                    step => format!(", from step {step}"),
                };
                let count = count_text(*parameters);
                self.line(&format!("training {count} numbers in {steps} steps{from}"));
                let bar = Bar::steps("training", *steps as u64);
                bar.set(*step as u64);
                self.bar = Some(bar);
            }
            RunEvent::Step {
                step,
                loss,
                tokens_per_second,
                seconds_left,
                ..
            } => {
                if let Some(bar) = &self.bar {
                    let text = format!(
                        "loss {loss:.3}, {tokens_per_second:.0} tokens/s, {} left",
                        time_text(*seconds_left)
                    );
                    bar.set_with(*step as u64, &text);
                }
            }
            RunEvent::Evaluated {
                step,
                loss,
                perplexity,
            } => self.line(&format!(
                "step {step}: held-out loss {loss:.3}, perplexity {perplexity:.2}"
            )),
            RunEvent::Saved { .. } | RunEvent::Ended { .. } | RunEvent::Failed { .. } => {}
        }
        Ok(())
    }

    /// Prints a line on stderr, above the bar.
    pub(super) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.line(text),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}

/// Says how a run ended, and exits with that.
pub(super) fn ended(event: &RunEvent, json: bool) -> Result<Exit> {
    match event {
        RunEvent::Ended {
            run,
            state,
            step,
            kept_step,
            loss,
            eval_loss,
            seconds,
            result,
        } => {
            let held_out = eval_loss.map_or_else(String::new, |loss| {
                format!(", lowest held-out loss {loss:.3} after step {kept_step}")
            });
            eprintln!(
                "{} after {step} steps and {}: loss {loss:.3}{held_out}",
                state.as_str(),
                time_text(*seconds)
            );
            if *state == RunState::Stopped {
                eprintln!("`lectern finetune run --resume {run}` goes on with it");
                return Ok(Exit::Partly);
            }
            if !json {
                output::line(&output::plain(result))?;
            }
            Ok(Exit::Done)
        }
        RunEvent::Failed {
            code,
            message,
            hint,
            ..
        } => {
            let fault = match code.as_str() {
                "training_settings_invalid" => Fault::Usage,
                _ => Fault::Machine,
            };
            Err(Problem::new(fault, code, message.as_str(), hint.as_str()).into())
        }
        _ => Ok(Exit::Done),
    }
}
