//! `lectern finetune reranker` as clap parses it.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct Reranker {
    /// Make so many questions of sentences of the library
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(in crate::cli) generate: usize,
    /// Train on files of questions and passages instead, JSON lines
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(in crate::cli) pairs: Vec<PathBuf>,
    /// Train on collections of judged questions instead, folders in BEIR's layout
    #[arg(long, value_name = "FOLDER", num_args = 1..)]
    pub(in crate::cli) collections: Vec<PathBuf>,
    /// Keep the indexes of those in this folder, and use those that are there
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) keep: Option<PathBuf>,
    /// BERT to begin with: a folder [default: the default embedder's]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) base: Option<PathBuf>,
    /// Layers of it that are taken [default: 3]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) layers: Option<usize>,
    /// Passes over the questions [default: 2]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) epochs: Option<usize>,
    /// Any setting of docs/training.md
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(in crate::cli) set: Vec<String>,
    /// Decides which questions are held out
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(in crate::cli) seed: u64,
    /// Folder for the run's folder [default: runs in the data folder]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Go on with a run that was stopped or killed
    #[arg(long, value_name = "RUN", conflicts_with_all = ["pairs", "collections", "base"])]
    pub(in crate::cli) resume: Option<PathBuf>,
    /// Do without the library's reranker from now on, and train nothing
    #[arg(long, conflicts_with_all = ["resume", "pairs", "collections"])]
    pub(in crate::cli) off: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
