//! `lectern finetune merge` and `lectern finetune export`: what was trained, for other programs.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::super::args::{ExportRun, ExportTo, Merge, WeightType};
use super::super::{Exit, output};
use crate::library::blocking;
use crate::progress::Spinner;
use crate::settings::Settings;
use crate::training::Runs;
use crate::training::export::{Form, Weights};
use crate::training::request::default_base;

impl From<WeightType> for Weights {
    fn from(weights: WeightType) -> Self {
        match weights {
            WeightType::F32 => Weights::F32,
            WeightType::F16 => Weights::F16,
            WeightType::Bf16 => Weights::Bf16,
            WeightType::Q8_0 => Weights::Q8_0,
        }
    }
}

pub(super) async fn merge(settings: Settings, command: Merge) -> Result<Exit> {
    let form = Form::Safetensors(command.weights.into());
    let (out, base) = (command.out, command.base);
    write(settings, command.from, base, form, out, command.json).await
}

pub(super) async fn export(settings: Settings, command: ExportRun) -> Result<Exit> {
    let weights = |default| command.weights.map_or(default, Weights::from);
    let form = match command.format {
        ExportTo::Peft => Form::Peft(weights(Weights::F32)),
        ExportTo::Safetensors => Form::Safetensors(weights(Weights::F32)),
        ExportTo::Gguf => Form::Gguf(weights(Weights::Q8_0)),
    };
    let (out, base) = (command.out, command.base);
    write(settings, command.from, base, form, out, command.json).await
}

async fn write(
    settings: Settings,
    from: String,
    base: Option<PathBuf>,
    form: Form,
    out: PathBuf,
    json: bool,
) -> Result<Exit> {
    let runs = Runs::new(&settings);
    let out = std::path::absolute(out)?;
    let spinner = Spinner::start("writing");
    let place = out.clone();
    let written = blocking(move || {
        let trained = runs.trained(&from, base.as_deref(), || default_base(&settings))?;
        trained.write(form, &place)
    })
    .await;
    spinner.finish();
    written?;
    match json {
        true => output::json(&json!({ "out": out, "format": form }))?,
        false => output::line(&output::plain(&out.display().to_string()))?,
    }
    Ok(Exit::Done)
}
