//! `lectern finetune` as clap parses it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

mod adapters;

use super::Reranker;
use super::runs::{ExportRun, Merge, Run, Runs};
pub(in crate::cli) use adapters::{Adapters, Compare, Evaluate, Promote, Rollback};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Finetune {
    /// Make a dataset from approved feedback, from the library, or from files of questions
    Prepare(Prepare),
    /// List, show and delete datasets
    #[command(subcommand)]
    Datasets(Datasets),
    /// Put a trained adapter to held-out questions, beside what answers now
    Evaluate(Evaluate),
    /// Judge two models' answers side by side, without knowing whose is whose
    Compare(Compare),
    /// Have an adapter answer that was shown to be better
    Promote(Promote),
    /// Have the adapter before answer again
    Rollback(Rollback),
    /// List, show and delete adapters
    #[command(subcommand)]
    Adapters(Adapters),
    /// Show where an answer comes from: adapter, run, data, feedback
    Lineage {
        /// An answer's id, or an adapter's
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Train the answerer, or go on with that
    Run(Box<Run>),
    /// List, show, watch, stop and delete training runs
    Runs(Runs),
    /// Write a model with what was trained merged into it, as safetensors
    Merge(Merge),
    /// Write what was trained out for other programs
    Export(ExportRun),
    /// Train a small model that orders passages, and use it where it is better than none
    Reranker(Reranker),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Prepare {
    /// Its name: small letters, digits, - and _
    #[arg(long)]
    pub(in crate::cli) name: String,
    /// Take the feedback that was approved
    #[arg(long)]
    pub(in crate::cli) feedback: bool,
    /// Make so many examples of sentences of the library
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(in crate::cli) generate: usize,
    /// Files of questions: SQuAD's JSON, or JSON lines with contexts or with papers' files
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(in crate::cli) import: Vec<PathBuf>,
    /// Share of what is generated and imported that is to be refused, 0 to 0.9
    #[arg(long, value_name = "SHARE", default_value_t = 0.25)]
    pub(in crate::cli) refusals: f64,
    /// Decides which documents are kept for the test, and what is chosen
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(in crate::cli) seed: u64,
    /// Leave out examples of more tokens
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub(in crate::cli) max_tokens: usize,
    /// Folder to write, which is not there yet [default: in the data folder]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Datasets {
    /// List datasets, newest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a dataset holds, and what was left out of it
    Show {
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete datasets; files outside the data folder stay
    Delete {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Finetune {
    /// True where a script reads the output.
    pub(in crate::cli) fn is_json(&self) -> bool {
        match self {
            Finetune::Prepare(prepare) => prepare.json,
            Finetune::Evaluate(evaluate) => evaluate.json,
            Finetune::Compare(compare) => compare.json,
            Finetune::Promote(promote) => promote.json,
            Finetune::Rollback(rollback) => rollback.json,
            Finetune::Adapters(adapters) => adapters.is_json(),
            Finetune::Lineage { json, .. } => *json,
            Finetune::Reranker(reranker) => reranker.json,
            Finetune::Datasets(
                Datasets::List { json }
                | Datasets::Show { json, .. }
                | Datasets::Delete { json, .. },
            ) => *json,
            Finetune::Run(run) => run.json,
            Finetune::Runs(runs) => runs.is_json(),
            Finetune::Merge(merge) => merge.json,
            Finetune::Export(export) => export.json,
        }
    }
}
