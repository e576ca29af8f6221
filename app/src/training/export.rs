//! What is made of a run's end, or of any adapter in PEFT's format: the adapter by itself, a model with
//! the adapter merged as a folder of safetensors, or as a GGUF file. Blocking.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use candle_core::DType;
use finetune::Recipe;
use generation::chat::ChatFormat;
use generation::decoder::merge::{GgufFormat, save_folder, save_gguf};
use generation::decoder::{Adapter, Decoder, Precision};
use serde::Serialize;

use super::{RunState, Runs, details, name, state};
use crate::error::{Fault, Problem};

/// In what form something is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `adapter_config.json` and `adapter_model.safetensors`, in f32 or f16.
    Peft(Weights),
    /// `config.json` and `model.safetensors`, as `transformers` has them, in this precision, with the
    /// tokenizer.
    Safetensors(Weights),
    /// One file with tokenizer and chat template.
    Gguf(Weights),
}

/// What weights are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// 32 bits.
    F32,
    /// 16 bits.
    F16,
    /// 16 bits of a wider range.
    Bf16,
    /// 8 bits in blocks of 32.
    Q8_0,
}

/// Something that was trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trained {
    /// The base model's GGUF file.
    base: PathBuf,
    /// The adapter's folder, or that of a whole model.
    folder: PathBuf,
    /// True where all weights were trained.
    is_whole: bool,
}

impl Runs {
    /// What `wanted` names: a run that has finished, or an adapter's folder. `base`, where given, takes
    /// the place of the base model that the run or the answerer says.
    ///
    /// # Errors
    /// A problem `run_not_found`, `run_unfinished` or `adapter_unusable`.
    pub fn trained(
        &self,
        wanted: &str,
        base: Option<&Path>,
        default_base: impl FnOnce() -> Result<PathBuf>,
    ) -> Result<Trained> {
        let path = Path::new(wanted);
        if path.join("adapter_config.json").is_file() {
            return Ok(Trained {
                base: match base {
                    Some(base) => base.to_owned(),
                    None => default_base()?,
                },
                folder: path.to_owned(),
                is_whole: false,
            });
        }
        let run = match path.join("config.toml").is_file() {
            true => path.to_owned(),
            false if path.is_dir() => return Err(no_adapter(path).into()),
            false => self.find(wanted)?,
        };
        let config = details::config(&run)
            .with_context(|| format!("reading the settings of {}", run.display()))?;
        let is_whole = config.recipe == Recipe::Full;
        let folder = run.join(if is_whole { "model" } else { "adapter" });
        if !folder.is_dir() {
            return Err(unfinished(&run).into());
        }
        Ok(Trained {
            base: base.map_or(config.base, Path::to_owned),
            folder,
            is_whole,
        })
    }
}

fn no_adapter(path: &Path) -> Problem {
    Problem::new(
        Fault::Input,
        "adapter_unusable",
        format!(
            "{} holds no adapter: adapter_config.json is missing",
            path.display()
        ),
        "name a run, or a folder that PEFT or Lectern wrote",
    )
}

fn unfinished(run: &Path) -> Problem {
    let state = state(run);
    Problem::new(
        Fault::Conflict,
        "run_unfinished",
        format!(
            "the run {} is {}, and what it trains is written at its end",
            name(run),
            state.as_str()
        ),
        match state {
            RunState::Running => "wait for it; `lectern finetune runs watch` shows how far it is",
            _ => "go on with it: `lectern finetune run --resume`",
        },
    )
}

impl Trained {
    /// Writes it to `out`, which is not there yet.
    ///
    /// # Errors
    /// A problem `export_impossible` where it has no such form, `export_exists` where `out` is there,
    /// and what `generation` says of files that cannot be used or written.
    pub fn write(&self, form: Form, out: &Path) -> Result<()> {
        let occupied = match std::fs::read_dir(out) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => out.exists(),
        };
        if occupied {
            return Err(Problem::new(
                Fault::Conflict,
                "export_exists",
                format!("{} is there already", out.display()),
                "name a place where nothing is, or delete it first",
            )
            .into());
        }
        if let Some(parent) = out.parent().filter(|it| !it.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("making the folder {}", parent.display()))?;
        }
        match form {
            Form::Peft(_) if self.is_whole => Err(impossible(
                "all weights of it were trained, so there is no adapter",
                "take --format safetensors or gguf",
            )),
            Form::Peft(weights) => {
                let adapter = Adapter::load(&self.folder)?;
                match weights {
                    Weights::F32 => Ok(adapter.save(out)?),
                    Weights::F16 => Ok(adapter.halved()?.save(out)?),
                    Weights::Bf16 | Weights::Q8_0 => Err(impossible(
                        "adapters are written in f32 or f16",
                        "take --type f32 or f16",
                    )),
                }
            }
            Form::Safetensors(weights) => {
                let precision = match weights {
                    Weights::F32 => DType::F32,
                    Weights::F16 => DType::F16,
                    Weights::Bf16 => DType::BF16,
                    Weights::Q8_0 => {
                        return Err(impossible(
                            "safetensors have no blocks of 8 bits",
                            "take --type f32, f16 or bf16, or --format gguf",
                        ));
                    }
                };
                save_folder(&self.model()?, out, precision)?;
                Ok(ChatFormat::from_gguf(&self.base)?.save(out)?)
            }
            Form::Gguf(weights) => {
                let format = match weights {
                    Weights::F16 => GgufFormat::F16,
                    Weights::Q8_0 => GgufFormat::Q8_0,
                    Weights::F32 | Weights::Bf16 => {
                        return Err(impossible(
                            "GGUF files are written in f16 or q8_0",
                            "take --type f16 or q8_0",
                        ));
                    }
                };
                Ok(save_gguf(&self.model()?, &self.base, out, format)?)
            }
        }
    }

    /// All weights, with the adapter on them.
    fn model(&self) -> Result<Decoder> {
        if self.is_whole {
            return Ok(Decoder::from_safetensors(&self.folder, Precision::F32)?);
        }
        let adapter = Adapter::load(&self.folder)?;
        let base = Decoder::from_gguf(&self.base, Precision::F32)?;
        Ok(base.with_adapter(&adapter)?)
    }
}

fn impossible(message: &str, hint: &str) -> anyhow::Error {
    Problem::new(Fault::Usage, "export_impossible", message, hint).into()
}
