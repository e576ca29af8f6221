//! What `lectern finetune` does with adapters, as clap parses it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(in crate::cli) struct Evaluate {
    /// A run's name (or `latest`), an adapter's id, or the folder of either
    #[arg(value_name = "RUN|ADAPTER", default_value = "latest")]
    pub(in crate::cli) adapter: String,
    /// Dataset with the questions: a name or a folder [default: the one it was trained on]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) dataset: Option<String>,
    /// Adapter to compare with, or base [default: what answers now]
    #[arg(long, value_name = "ID|base")]
    pub(in crate::cli) against: Option<String>,
    /// Ask so many questions at most
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(in crate::cli) limit: usize,
    /// Chooses those questions, and draws the intervals
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(in crate::cli) seed: u64,
    /// Write what both answered to each question, as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) answers: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Promote {
    /// An adapter's id, a run's name (or `latest`), or the folder of either
    #[arg(value_name = "ADAPTER|RUN")]
    pub(in crate::cli) adapter: String,
    /// Promote it where it is not worse than what answers, rather than better
    #[arg(long)]
    pub(in crate::cli) tolerant: bool,
    /// Promote it whatever the evaluation says; needs --reason
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Why; it is kept
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// Who says so [default: the user]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) by: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rollback {
    /// Why; it is kept
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// Who says so [default: the user]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) by: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Adapters {
    /// List adapters, newest first, and what answers now
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show how an adapter fared, and when it answered
    Show {
        /// Its id, or a start of it
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete adapters that do not answer; their runs stay
    Delete {
        /// Their ids, or starts of them
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Adapters {
    /// True where a script reads the output.
    pub(super) fn is_json(&self) -> bool {
        match self {
            Adapters::List { json }
            | Adapters::Show { json, .. }
            | Adapters::Delete { json, .. } => *json,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Compare {
    /// An adapter's id, or a run's name
    #[arg(required_unless_present_any = ["go_on", "list", "delete"])]
    pub(in crate::cli) adapter: Option<String>,
    /// The adapter to compare with, or "base" [default: what answers now]
    pub(in crate::cli) against: Option<String>,
    /// The dataset whose test questions are asked [default: the one that the adapter was trained on]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) dataset: Option<String>,
    /// Questions that both are asked
    #[arg(long, value_name = "N", default_value = "20")]
    pub(in crate::cli) questions: usize,
    /// Chooses the questions, and whose answer is shown first
    #[arg(long, value_name = "N", default_value = "1")]
    pub(in crate::cli) seed: u64,
    /// Who votes [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) by: Option<String>,
    /// Go on with a comparison that was begun
    #[arg(long, value_name = "ID", conflicts_with = "adapter")]
    pub(in crate::cli) go_on: Option<String>,
    /// List comparisons with their votes
    #[arg(long, conflicts_with_all = ["adapter", "go_on"])]
    pub(in crate::cli) list: bool,
    /// Delete a comparison with its votes
    #[arg(long, value_name = "ID", conflicts_with_all = ["adapter", "go_on", "list"])]
    pub(in crate::cli) delete: Option<String>,
    /// Print JSON, and ask for no votes
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
