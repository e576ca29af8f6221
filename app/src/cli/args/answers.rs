//! `lectern answers` as clap parses it.

use clap::Subcommand;

use super::ExportForm;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Answers {
    /// List answers, newest first
    List {
        /// So many at most, up to 1000 [default: 100]
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Where the page before ended: its next_cursor
        #[arg(long)]
        cursor: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an answer as it was given, and with --json all that was kept of it
    Show {
        /// Id, or start of an id
        answer: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make an answer again and say what differs; exits 3 where something of it does
    Replay {
        /// Id, or start of an id
        answer: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write answers out as Markdown with footnotes, or their sources as a bibliography
    Export {
        /// Ids, or starts of ids
        #[arg(required_unless_present = "conversation")]
        answers: Vec<String>,
        /// All answers of this conversation
        #[arg(long, value_name = "ID", conflicts_with = "answers")]
        conversation: Option<String>,
        /// In what form
        #[arg(long, value_enum, default_value = "markdown")]
        format: ExportForm,
    },
    /// Delete answers and all that was kept of them
    Delete {
        /// Ids, or starts of ids
        #[arg(required = true)]
        answers: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
