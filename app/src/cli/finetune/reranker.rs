//! `lectern finetune reranker`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use finetune::reranker::lists::List;
use finetune::{RunFolder, TrainConfig, Watch};
use serde_json::json;

use crate::cli::args::Reranker;
use crate::cli::{Exit, lost, output};
use crate::control::{self, DatasetsRequest, Event, Request};
use crate::library::blocking;
use crate::progress::Bar;
use crate::reranker::judge::{ENOUGH, Judgement, Verdict};
use crate::reranker::{self, Trained, Training, adopted};
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, command: Reranker) -> Result<Exit> {
    if command.off {
        let had_one = adopted::forget(&settings.data_dir)?;
        match (command.json, had_one) {
            (true, _) => output::json(&json!({ "off": had_one }))?,
            (_, true) => output::line("the library does without its reranker from now on")?,
            (_, false) => output::line("the library has no reranker of its own")?,
        }
        return Ok(Exit::Done);
    }
    let is_own = command.pairs.is_empty() && command.collections.is_empty();
    let run = match &command.resume {
        Some(run) => RunFolder::open(run)?.0,
        None => begin(&settings, &command, is_own).await?,
    };
    let (run, config) = reopened(run)?;
    eprintln!("run: {}", run.path().display());
    let stop = Arc::new(AtomicBool::new(false));
    let heard = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("saving; what is done is kept");
            heard.store(true, Ordering::Relaxed);
        }
    });
    let training = settings.clone();
    let (trained, config) = blocking(move || {
        let trained = train(&training, &run, &config, &stop)?;
        Ok((trained, config))
    })
    .await?;
    let mut is_used = false;
    if let Some(judgement) = &trained.judgement {
        // Lists of the library hold text of its documents; nothing needs them any more.
        let of_library = reranker::is_of_library(&config);
        if of_library {
            reranker::delete_lists(&config)?;
        }
        is_used = of_library && judgement.verdict == Verdict::Better;
        if is_used {
            adopted::adopt(&settings.data_dir, &trained.model, judgement)?;
        }
    }
    show(&trained, is_used, command.json)?;
    Ok(match trained.judgement {
        Some(_) => Exit::Done,
        None => Exit::Interrupted,
    })
}

/// Finds the lists and makes the run's folder.
async fn begin(settings: &Settings, command: &Reranker, is_own: bool) -> Result<RunFolder> {
    let mut set = command.set.clone();
    for (key, value) in [("layers", command.layers), ("epochs", command.epochs)] {
        set.extend(value.map(|value| format!("{key}={value}")));
    }
    let absolute =
        |path: &PathBuf| std::path::absolute(path).with_context(|| path.display().to_string());
    let training = Training {
        base: command.base.as_ref().map(absolute).transpose()?,
        runs: command.out.as_ref().map(absolute).transpose()?,
        settings: set,
        seed: command.seed,
    };
    // Settings that are wrong are told before an hour is spent on lists.
    training.check()?;
    let mut documents = BTreeSet::new();
    let lists = match is_own {
        true => of_library(settings, command, &mut documents).await?,
        false => {
            let (folders, files) = (&command.collections, &command.pairs);
            reranker::collected(settings, folders, files, command.keep.as_deref()).await?
        }
    };
    reranker::begin(settings, &training, lists, is_own.then_some(&documents)).await
}

/// The run with its settings.
fn reopened(run: RunFolder) -> Result<(RunFolder, TrainConfig)> {
    let path = run.path().to_owned();
    // It is locked while it is open.
    drop(run);
    Ok(RunFolder::open(&path)?)
}

async fn of_library(
    settings: &Settings,
    command: &Reranker,
    documents: &mut BTreeSet<String>,
) -> Result<Vec<List>> {
    let request = Request::Datasets(DatasetsRequest::RerankerLists {
        count: command.generate,
        seed: command.seed,
    });
    let mut events = control::start(settings.clone(), request).await?;
    let mut bar: Option<Bar> = None;
    let mut lists = Vec::new();
    loop {
        match events.recv().await.ok_or_else(lost)? {
            Event::RerankerList { list, done, total } => {
                lists.push(*list);
                bar.get_or_insert_with(|| Bar::items("searching", total as u64))
                    .set(done as u64);
            }
            Event::RerankerDocuments(found) => {
                documents.extend(found);
                break;
            }
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    }
    if let Some(bar) = bar {
        bar.finish();
    }
    Ok(lists)
}

fn train(
    settings: &Settings,
    run: &RunFolder,
    config: &TrainConfig,
    stop: &AtomicBool,
) -> Result<Trained> {
    let mut bar: Option<Bar> = None;
    let mut on_event = |event: &finetune::Event| match event {
        finetune::Event::Warning(warning) => eprintln!("warning: {warning}"),
        finetune::Event::Started { step, steps, .. } => {
            let steps = bar.insert(Bar::items("training", *steps as u64));
            steps.set(*step as u64);
        }
        finetune::Event::Step(progress) => {
            if let Some(bar) = &bar {
                bar.set(progress.step as u64);
                bar.message(&format!(
                    "loss {:.3}, {:.0} tokens/s",
                    progress.loss, progress.tokens_per_second
                ));
            }
        }
        finetune::Event::Evaluated { step, loss, .. } => {
            let text = format!("after step {step}: held-out loss {loss:.4}");
            match &bar {
                Some(bar) => bar.line(&text),
                None => eprintln!("{text}"),
            }
        }
        finetune::Event::Saved { .. } => {}
    };
    let mut watch = Watch {
        on_event: &mut on_event,
        stop,
    };
    let trained = reranker::train(settings, run, config, &mut watch)?;
    if let Some(bar) = bar {
        bar.finish();
    }
    Ok(trained)
}

fn show(trained: &Trained, is_used: bool, json: bool) -> Result<()> {
    if json {
        let mut shown = serde_json::to_value(trained)?;
        shown["used"] = is_used.into();
        return output::json(&shown);
    }
    let model = trained.model.display();
    let Some(judgement) = &trained.judgement else {
        let run = trained.summary.run.display();
        return output::line(&format!(
            "stopped after step {}; `lectern finetune reranker --resume {run}` goes on",
            trained.summary.steps
        ));
    };
    let Judgement {
        questions,
        before,
        after,
        difference,
        depth,
        ms_per_query,
        ..
    } = judgement;
    output::line(&format!(
        "{model}: {:.1} MB in int8",
        trained.bytes as f64 / 1e6
    ))?;
    output::line(&format!(
        "nDCG@10 of {questions} held-out questions: {before:.4} with MaxSim, {after:.4} with the \
         reranker on top: {:+.1} points ({:+.1} to {:+.1})",
        difference.mean * 100.0,
        difference.low * 100.0,
        difference.high * 100.0
    ))?;
    output::line(&format!("{ms_per_query:.0} ms to read {depth} passages"))?;
    output::line(&match (judgement.verdict, is_used) {
        (Verdict::Better, true) => "better: the library uses it from now on".to_owned(),
        (Verdict::Better, false) => format!(
            "better on these questions; hint: `search.reranker = \"{model}\"` uses it in a library"
        ),
        (Verdict::NotBetter, _) => "not better, so it is not used".to_owned(),
        (Verdict::NotEnoughEvidence, _) => format!(
            "not enough evidence, {} more held-out questions needed of {ENOUGH}, so it is not used; \
             hint: a third of the questions is held out",
            judgement.lacking
        ),
    })
}
