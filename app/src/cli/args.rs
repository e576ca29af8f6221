//! The command line as clap parses it.

mod answers;
mod chat;
mod feedback;
mod finetune;
mod measure;
mod reranker;
mod runs;
mod search;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::catalog::DEFAULT_COLLECTION;
use crate::control::ExportFormat;

pub(super) use self::finetune::{
    Adapters, Compare, Datasets, Evaluate, Finetune, Prepare, Promote, Rollback,
};
pub(super) use answers::Answers;
pub(super) use chat::{Chat, Conversations};
pub(super) use feedback::Feedback;
pub(super) use measure::{
    Bench, BenchEmbedding, BenchSearch, Chunks, Eval, EvalAnswers, EvalSelf, Extraction, Retrieval,
};
pub(super) use reranker::Reranker;
pub(super) use runs::{ExportRun, ExportTo, Merge, RecipeName, Run, Runs, RunsCommand, WeightType};
pub(super) use search::{Search, Switch};

/// Ask your papers; every sentence of the answer cites the page and lines that support it.
///
/// Everything runs on this machine. Exit codes: 0 done, 1 failed, 2 wrong use, 3 nothing found,
/// insufficient evidence or a replay that differs, 4 partly done.
#[derive(Debug, Parser)]
#[command(name = "lectern", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct Global {
    /// Folder of the library [default: the platform's data folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
    /// Folder of the models [default: the platform's cache folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) models_dir: Option<PathBuf>,
    /// Settings file [default: lectern.toml in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Never use the network
    #[arg(long, global = true)]
    pub(super) offline: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the web page and the API, and work through uploads
    Serve(Serve),
    /// Bring papers into the library
    Ingest(Ingest),
    /// Show what would be read of a file, without storing it
    Extract(Extract),
    /// Find passages
    Search(Search),
    /// Answer a question with citations
    Ask(Ask),
    /// List, show, replay, export and delete answers that were given
    #[command(subcommand)]
    Answers(Answers),
    /// Say what is good or bad of answers, review that, and exchange it as training data
    #[command(subcommand)]
    Feedback(Feedback),
    /// Train the answerer: datasets, runs, what they came to, and what of it answers
    #[command(subcommand)]
    Finetune(Finetune),
    /// Ask one question after another; follow-ups are understood, and all is kept
    Chat(Chat),
    /// List, show, rename, export and delete conversations
    #[command(subcommand)]
    Conversations(Conversations),
    /// List, show, move and delete documents
    #[command(subcommand)]
    Documents(Documents),
    /// List, create and delete collections
    #[command(subcommand)]
    Collections(Collections),
    /// Serve search and ask to an assistant as tools (Model Context Protocol over stdin and stdout)
    Mcp,
    /// List and fetch models
    #[command(subcommand)]
    Models(Models),
    /// Measure how well things work, on data of your own
    #[command(subcommand)]
    Eval(Eval),
    /// Measure how fast things are on this machine, and at what size
    #[command(subcommand)]
    Bench(Bench),
    /// Build both indexes again from the catalog
    Reindex(Json),
    /// Check that catalog, indexes, files and models agree
    Doctor(Json),
    /// Show the settings in force
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Try Lectern on three sample papers, then serve the web page
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(super) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address to listen on; beyond this machine a token is needed (LECTERN_TOKEN)
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) addr: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Ingest {
    /// Papers (PDF, Markdown, text, HTML, DOCX, JATS or TEI XML), and folders of papers
    #[arg(required_unless_present = "zotero", value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Collection that they go to
    #[arg(long, default_value = DEFAULT_COLLECTION)]
    pub(super) collection: String,
    /// Files to read at once [default: one per core, at most 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=32))]
    pub(super) jobs: Option<u16>,
    /// Look into folders in folders
    #[arg(long, short)]
    pub(super) recursive: bool,
    /// Password of encrypted files
    #[arg(long, env = "LECTERN_PDF_PASSWORD", hide_env_values = true)]
    pub(super) password: Option<String>,
    /// BibTeX file whose entries override title, authors, year and more
    #[arg(long, value_name = "FILE")]
    pub(super) bibtex: Option<PathBuf>,
    /// Zotero data folder whose items do the same; without PATH its files come in too
    #[arg(long, value_name = "FOLDER")]
    pub(super) zotero: Option<PathBuf>,
    /// Print a JSON object per file, then a summary
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TextFormat {
    /// The text in reading order
    Text,
    /// With headings, lists and tables
    Markdown,
    /// Everything: metadata, blocks with places, outline, references, warnings
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Extract {
    /// The file
    pub(super) file: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: TextFormat,
    /// Password of an encrypted file
    #[arg(long, env = "LECTERN_PDF_PASSWORD", hide_env_values = true)]
    pub(super) password: Option<String>,
    /// Leave pages without a text layer unread
    #[arg(long)]
    pub(super) no_ocr: bool,
}

#[derive(Debug, Args)]
pub(super) struct Ask {
    /// The question; a summary needs none
    #[arg(required_unless_present = "summary")]
    pub(super) question: Option<String>,
    /// Compare what several papers say on it, each with its quotes
    #[arg(long, conflicts_with = "summary")]
    pub(super) compare: bool,
    /// Summarise a paper (--document) section by section, in its own sentences
    #[arg(long)]
    pub(super) summary: bool,
    /// Only from this collection
    #[arg(long)]
    pub(super) collection: Option<String>,
    /// Only from this document: an id, the start of one, or a file name; may be repeated
    #[arg(long, value_name = "DOCUMENT")]
    pub(super) document: Vec<String>,
    /// Go on with this conversation, or begin one with `new`
    #[arg(long, value_name = "ID")]
    pub(super) conversation: Option<String>,
    /// Passages to read [default: the setting top_k]
    #[arg(long, value_name = "N")]
    pub(super) top_k: Option<usize>,
    /// Answer with quotes only, without the language model
    #[arg(long)]
    pub(super) extractive: bool,
    /// Sample with this seed rather than take the likeliest word each time
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Documents {
    /// List documents, newest first
    List {
        /// Only of this collection
        #[arg(long)]
        collection: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one document
    Show {
        /// Id, start of an id, or file name
        document: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write documents out, for citation managers or to read elsewhere
    Export {
        /// Ids, starts of ids, or file names [default: all]
        documents: Vec<String>,
        /// Only of this collection
        #[arg(long, conflicts_with = "documents")]
        collection: Option<String>,
        /// In what form
        #[arg(long, value_enum, default_value = "bibtex")]
        format: ExportForm,
    },
    /// Move documents to another collection
    Move {
        /// Ids, starts of ids, or file names
        #[arg(required = true)]
        documents: Vec<String>,
        /// Where they go
        #[arg(long, value_name = "COLLECTION")]
        to: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete documents and all that was made of them
    Delete {
        /// Ids, starts of ids, or file names
        #[arg(required = true)]
        documents: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ExportForm {
    /// BibTeX entries
    Bibtex,
    /// A CSL-JSON list
    CslJson,
    /// The text with its structure
    Markdown,
}

impl From<ExportForm> for ExportFormat {
    fn from(form: ExportForm) -> Self {
        match form {
            ExportForm::Bibtex => ExportFormat::Bibtex,
            ExportForm::CslJson => ExportFormat::CslJson,
            ExportForm::Markdown => ExportFormat::Markdown,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Collections {
    /// List collections
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a collection
    Create {
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a collection
    Delete {
        /// Its name
        name: String,
        /// Delete its documents too
        #[arg(long, alias = "with-documents", conflicts_with = "move_to")]
        documents: bool,
        /// Move its documents to this collection first
        #[arg(long, value_name = "COLLECTION")]
        move_to: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Models {
    /// List the models that Lectern knows, and which are on this machine
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch models
    Pull {
        /// Model ids [default: all that the defaults need]
        models: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one model and check its files
    Info {
        /// Model id
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Show every setting, its value and where that came from
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// End after the answer rather than serve the web page
    #[arg(long)]
    pub(super) exit: bool,
    /// Print the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Address to listen on
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) addr: Option<String>,
}

impl Arguments {
    /// The flags that are settings.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let mut flags = Vec::new();
        let folders = [
            ("data_dir", &self.global.data_dir),
            ("models_dir", &self.global.models_dir),
        ];
        for (key, folder) in folders {
            if let Some(folder) = folder {
                flags.push((key, folder.display().to_string()));
            }
        }
        if self.global.offline {
            flags.push(("offline", "true".into()));
        }
        if let Command::Serve(Serve { addr: Some(addr) })
        | Command::Demo(Demo {
            addr: Some(addr), ..
        }) = &self.command
        {
            flags.push(("addr", addr.clone()));
        }
        if let Command::Bench(Bench::Embedding(bench)) = &self.command {
            for (key, value) in [
                ("embedding.precision", &bench.precision),
                ("embedding.backend", &bench.backend),
            ] {
                flags.extend(value.clone().map(|value| (key, value)));
            }
        }
        flags
    }
}

impl Command {
    /// True where a script reads the output.
    pub(super) fn is_json(&self) -> bool {
        match self {
            Command::Serve(_)
            | Command::Mcp
            | Command::Completions(_)
            | Command::Answers(Answers::Export { .. })
            | Command::Feedback(Feedback::Export { .. })
            | Command::Conversations(Conversations::Export { .. })
            | Command::Documents(Documents::Export { .. }) => false,
            Command::Feedback(feedback) => feedback.is_json(),
            Command::Finetune(finetune) => finetune.is_json(),
            Command::Extract(extract) => extract.format == TextFormat::Json,
            Command::Eval(
                Eval::Extraction(Extraction { json, .. })
                | Eval::Chunks(Chunks { json, .. })
                | Eval::Retrieval(Retrieval { json, .. })
                | Eval::Answers(EvalAnswers { json, .. })
                | Eval::Own(EvalSelf { json, .. }),
            ) => *json,
            Command::Bench(Bench::Search(BenchSearch { json, .. })) => *json,
            Command::Ingest(Ingest { json, .. })
            | Command::Search(Search { json, .. })
            | Command::Ask(Ask { json, .. })
            | Command::Chat(Chat { json, .. })
            | Command::Conversations(
                Conversations::List { json, .. }
                | Conversations::Show { json, .. }
                | Conversations::Rename { json, .. }
                | Conversations::Delete { json, .. },
            )
            | Command::Demo(Demo { json, .. })
            | Command::Reindex(Json { json })
            | Command::Doctor(Json { json })
            | Command::Bench(Bench::Embedding(BenchEmbedding { json, .. }))
            | Command::Config(Config::Show { json })
            | Command::Documents(
                Documents::List { json, .. }
                | Documents::Show { json, .. }
                | Documents::Move { json, .. }
                | Documents::Delete { json, .. },
            )
            | Command::Answers(
                Answers::List { json, .. }
                | Answers::Show { json, .. }
                | Answers::Replay { json, .. }
                | Answers::Delete { json, .. },
            )
            | Command::Collections(
                Collections::List { json }
                | Collections::Create { json, .. }
                | Collections::Delete { json, .. },
            )
            | Command::Models(
                Models::List { json } | Models::Pull { json, .. } | Models::Info { json, .. },
            ) => *json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
