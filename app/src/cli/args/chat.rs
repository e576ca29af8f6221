//! Arguments of conversations.

use clap::{Args, Subcommand, ValueEnum};

use crate::control::ExportFormat;

#[derive(Debug, Args)]
pub(in crate::cli) struct Chat {
    /// Go on with this conversation: its id, or the start of it
    #[arg(long, value_name = "ID", conflicts_with = "last")]
    pub(in crate::cli) conversation: Option<String>,
    /// Go on with the conversation that was asked in last
    #[arg(long = "continue", short = 'c')]
    pub(in crate::cli) last: bool,
    /// Only from this collection
    #[arg(long)]
    pub(in crate::cli) collection: Option<String>,
    /// Only from this document: an id, the start of one, or a file name; may be repeated
    #[arg(long, value_name = "DOCUMENT")]
    pub(in crate::cli) document: Vec<String>,
    /// Passages to read [default: the setting top_k]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) top_k: Option<usize>,
    /// Answer with quotes only, without the language model
    #[arg(long)]
    pub(in crate::cli) extractive: bool,
    /// Sample with this seed rather than take the likeliest word each time
    #[arg(long, value_name = "N")]
    pub(in crate::cli) seed: Option<u64>,
    /// Print a JSON object for each line read
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum ConversationForm {
    /// Questions and answers, with a footnote for each quote
    Markdown,
    /// BibTeX entries of the papers that are cited
    Bibtex,
    /// A CSL-JSON list of the papers that are cited
    CslJson,
}

impl From<ConversationForm> for ExportFormat {
    fn from(form: ConversationForm) -> Self {
        match form {
            ConversationForm::Bibtex => ExportFormat::Bibtex,
            ConversationForm::CslJson => ExportFormat::CslJson,
            ConversationForm::Markdown => ExportFormat::Markdown,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Conversations {
    /// List conversations, the one asked in last first
    List {
        /// So many at most, up to 1000 [default: 100]
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Where the page before ended, as it said
        #[arg(long)]
        cursor: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one with its questions and answers
    Show {
        /// Id or start of an id [default: the one asked in last]
        conversation: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give one another title
    Rename {
        /// Id or start of an id
        conversation: String,
        /// The title
        title: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write one out, or the bibliography of its sources
    Export {
        /// Id or start of an id
        conversation: String,
        /// In what form
        #[arg(long, value_enum, default_value = "markdown")]
        format: ConversationForm,
    },
    /// Delete conversations with their questions and answers
    Delete {
        /// Ids or starts of ids
        #[arg(required = true)]
        conversations: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
