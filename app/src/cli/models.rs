//! `lectern models`.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::args::Models;
use super::{Exit, output};
use crate::library::blocking;
use crate::models::answerer::Answerer;
use crate::models::{self, Model, pull};
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, command: Models) -> Result<Exit> {
    let models_dir = settings.models_dir.clone();
    match command {
        Models::List { json } => {
            let models = models::registry();
            let answerer = Answerer::choose(settings)?.info();
            if json {
                let models: Vec<Value> = models
                    .iter()
                    .map(|model| describe(model, &models_dir))
                    .collect();
                output::json(&json!({ "models": models, "answerer": answerer }))?;
            } else {
                for model in &models {
                    output::line(&one_line(model, &models_dir))?;
                }
                output::line(&format!("answers come from {answerer}"))?;
            }
            Ok(Exit::Done)
        }
        Models::Pull { models, json } => pull_all(settings, models, json).await,
        Models::Info { model, json } => {
            let model = models::find(&model)?;
            let described = describe(&model, &models_dir);
            let present = model.is_present(&models_dir);
            if json {
                output::json(&described)?;
            } else {
                output::line(&serde_json::to_string_pretty(&described)?)?;
            }
            if present {
                blocking(move || pull::verify(&model, &models_dir)).await?;
                eprintln!("all files are there and have the expected SHA-256");
            } else {
                eprintln!(
                    "not on this machine yet\nhint: run `lectern models pull {}`",
                    model.id
                );
            }
            Ok(Exit::Done)
        }
    }
}

async fn pull_all(settings: &Settings, ids: Vec<String>, json: bool) -> Result<Exit> {
    let wanted = if ids.is_empty() {
        models::needed(settings)?
    } else {
        ids.iter()
            .map(|id| models::find(id))
            .collect::<Result<_, _>>()?
    };
    for model in wanted {
        let (models_dir, offline) = (settings.models_dir.clone(), settings.offline);
        let (model, fetched) = blocking(move || {
            let fetched = pull::ensure(
                &model,
                &pull::Place {
                    models_dir: &models_dir,
                    offline,
                },
            )?;
            Ok((model, fetched))
        })
        .await?;
        if json {
            let mut described = describe(&model, &settings.models_dir);
            described["fetched"] = fetched.into();
            output::json(&described)?;
        } else {
            let how = if fetched { "fetched" } else { "already there" };
            output::line(&format!(
                "{} {how}: {}",
                model.id,
                model.folder(&settings.models_dir).display()
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn describe(model: &Model, models_dir: &Path) -> Value {
    json!({
        "id": model.id,
        "role": model.role,
        "task": model.task,
        "tier": model.tier,
        "parameters": model.parameters,
        "context": model.context,
        "dimension": model.dimension,
        "pooling": model.pooling,
        "prompts": model.prompts,
        "licence": model.licence,
        "revision": model.revision(),
        "bytes": model.bytes(),
        "folder": model.folder(models_dir),
        "present": model.is_present(models_dir),
    })
}

fn one_line(model: &Model, models_dir: &Path) -> String {
    let state = if model.is_present(models_dir) {
        "present"
    } else {
        "not here yet"
    };
    format!(
        "{}  {:?}, {}{}{}, {state}",
        model.id,
        model.role,
        counted(model.parameters, "M parameters, "),
        counted(model.bytes(), "MB, "),
        model.licence,
    )
}

/// Millions of something, where any are known.
fn counted(number: u64, of: &str) -> String {
    match number {
        0 => String::new(),
        number => format!("{} {of}", number / 1_000_000),
    }
}
