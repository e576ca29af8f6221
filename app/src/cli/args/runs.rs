//! `lectern finetune run`, `runs`, `merge` and `export` as clap parses them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RecipeName {
    /// A low-rank adapter over frozen weights
    Lora,
    /// The same over weights in four bits: less memory
    Qlora,
    /// Every weight
    Full,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    /// What is trained [default: lora, or what the file says]
    #[arg(long, value_enum)]
    pub(in crate::cli) recipe: Option<RecipeName>,
    /// Dataset of the library to train on, by its name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["train", "eval"])]
    pub(in crate::cli) dataset: Option<String>,
    /// Training data: JSON lines of chats
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) train: Option<PathBuf>,
    /// Held-out data in the same form
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) eval: Option<PathBuf>,
    /// Settings of the run in TOML (docs/training.md lists them); here it is not Lectern's own
    /// settings file, which LECTERN_CONFIG names
    #[arg(long, value_name = "FILE.toml")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// One setting, after those of the file; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(in crate::cli) set: Vec<String>,
    /// Steps after which to stop [default: when all epochs are done]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_steps: Option<u64>,
    /// What the run's folder is named after [default: the recipe]
    #[arg(long)]
    pub(in crate::cli) name: Option<String>,
    /// Base model, a GGUF file [default: the model that answers]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) base: Option<PathBuf>,
    /// Adapter to train further, by its id or folder, or `base` to begin anew [default: what
    /// answers, unless a base is named]
    #[arg(long, value_name = "ADAPTER")]
    pub(in crate::cli) from: Option<String>,
    /// Go on with a run that was stopped, killed or failed: its name or the start of it
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        default_missing_value = "latest",
        conflicts_with_all = ["recipe", "dataset", "train", "eval", "config", "set", "max_steps", "name", "base", "from"]
    )]
    pub(in crate::cli) resume: Option<String>,
    /// Leave it running, and return
    #[arg(long)]
    pub(in crate::cli) background: bool,
    /// Print a JSON object for each thing that happens
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Runs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<RunsCommand>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunsCommand {
    /// List runs, newest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one with its settings and numbers
    Show {
        /// Its name, or the start of it
        #[arg(default_value = "latest")]
        run: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Follow one to its end; Ctrl-C ends the watching, not the run
    Watch {
        /// Its name, or the start of it
        #[arg(default_value = "latest")]
        run: String,
        /// Print a JSON object for each thing that happens
        #[arg(long)]
        json: bool,
    },
    /// Stop one; it is saved and can go on
    Stop {
        /// Its name, or the start of it
        #[arg(default_value = "latest")]
        run: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete runs with their checkpoints and adapters
    Delete {
        /// Their names, or the starts of them
        #[arg(required = true)]
        runs: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Numbers that weights are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum WeightType {
    /// 32 bits
    F32,
    /// 16 bits
    F16,
    /// 16 bits of a wider range
    Bf16,
    /// 8 bits in blocks (GGUF)
    #[value(name = "q8_0")]
    Q8_0,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Merge {
    /// A run, or the folder of an adapter in PEFT's format
    #[arg(value_name = "RUN|FOLDER")]
    pub(in crate::cli) from: String,
    /// Folder to write, which is not there yet
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) out: PathBuf,
    /// f32, f16 or bf16
    #[arg(long = "type", value_enum, default_value = "f32")]
    pub(in crate::cli) weights: WeightType,
    /// Base model, a GGUF file [default: the run's; for a folder, the model that answers]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) base: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Forms that what was trained is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportTo {
    /// The adapter, a folder
    Peft,
    /// The merged model, a folder
    Safetensors,
    /// The merged model, one file with tokenizer and template
    Gguf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportRun {
    /// A run, or the folder of an adapter in PEFT's format
    #[arg(value_name = "RUN|FOLDER")]
    pub(in crate::cli) from: String,
    /// In what form
    #[arg(long, value_enum)]
    pub(in crate::cli) format: ExportTo,
    /// What weights are written in [default: f32 for peft and safetensors, q8_0 for gguf]
    #[arg(long = "type", value_enum)]
    pub(in crate::cli) weights: Option<WeightType>,
    /// Folder or file to write, which is not there yet
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) out: PathBuf,
    /// Base model, a GGUF file [default: the run's; for a folder, the model that answers]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) base: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

impl Runs {
    /// True where a script reads the output.
    pub(in crate::cli) fn is_json(&self) -> bool {
        match &self.command {
            None => self.json,
            Some(
                RunsCommand::List { json }
                | RunsCommand::Show { json, .. }
                | RunsCommand::Watch { json, .. }
                | RunsCommand::Stop { json, .. }
                | RunsCommand::Delete { json, .. },
            ) => *json,
        }
    }
}
