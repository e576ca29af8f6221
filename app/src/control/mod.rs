//! What the command line asks of a library, and what it hears back.
//!
//! The same [`Request`] runs in this process or, while `lectern serve` owns the data folder, in
//! that one, over a socket in the folder: [`run`] is the only place where requests are carried
//! out, [`socket`] only carries them there. [`keeper`] is for a process that asks many times.

mod adapters;
mod answers;
mod comparisons;
mod datasets;
pub(crate) mod export;
mod feedback;
mod files;
mod ingest;
pub mod keeper;
pub mod run;
pub mod socket;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use generation::Answer;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use utoipa::ToSchema;

use crate::catalog::{Conversation, DatasetRecord, DocumentRecord, Place, StoredAnswer};
use crate::error::Problem;
use crate::eval::answers::{Judged, Round};
use crate::eval::own::{SelfEvaluation, SelfRequest};
use crate::library::adapters::compare::ComparisonDetails;
use crate::library::adapters::lineage::Lineage;
use crate::library::adapters::{AdapterDetails, AdapterList, Evaluation, Step};
use crate::library::answers::AnswerList;
use crate::library::answers::replay::Replay;
use crate::library::ask::{AskEvent, AskRequest};
use crate::library::collections::{Contents, MoveReport};
use crate::library::conversations::{ConversationDetails, ConversationList};
use crate::library::details::DocumentDetails;
use crate::library::doctor::Report;
use crate::library::feedback::export::Exported;
use crate::library::feedback::import::ImportReport;
use crate::library::feedback::{FeedbackDetails, FeedbackList};
use crate::library::search::{SearchRequest, SearchResponse};
use crate::library::{FileReport, Library, Stage};
use crate::settings::Settings;

pub use adapters::AdaptersRequest;
pub use comparisons::ComparisonsRequest;
pub use datasets::DatasetsRequest;
pub use feedback::FeedbackRequest;

/// Files to bring in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IngestRequest {
    /// Files and folders, absolute.
    pub paths: Vec<PathBuf>,
    /// Where they go.
    pub collection: String,
    /// Files read at once.
    pub jobs: usize,
    /// Look into folders in folders.
    pub recursive: bool,
    /// Opens encrypted files.
    pub password: Option<String>,
    /// A BibTeX file whose entries override what is read of the papers.
    #[serde(default)]
    pub bibtex: Option<PathBuf>,
    /// A Zotero data folder whose items do the same; its files come in too where no path is given.
    #[serde(default)]
    pub zotero: Option<PathBuf>,
}

/// How documents are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// BibTeX entries.
    Bibtex,
    /// A CSL-JSON list, as citation managers read it.
    CslJson,
    /// The text with its structure.
    Markdown,
}

/// Something to do with answers that were given. Ids may be starts of ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum AnswersRequest {
    /// List them, newest first.
    List {
        /// So many at most.
        limit: Option<u32>,
        /// Those after this one.
        cursor: Option<String>,
    },
    /// Show one.
    Show {
        /// Its id.
        id: String,
    },
    /// Make one again.
    Replay {
        /// Its id.
        id: String,
    },
    /// Write them out with their sources.
    Export {
        /// Their ids.
        ids: Vec<String>,
        /// All of this conversation, where no ids are given.
        conversation: Option<String>,
        /// As text, or only the sources as a bibliography.
        format: ExportFormat,
    },
    /// Delete them.
    Delete {
        /// Their ids.
        ids: Vec<String>,
    },
}

/// Something to do with conversations. Ids may be starts of ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ConversationsRequest {
    /// List them, the one asked in last first.
    List {
        /// So many at most.
        limit: Option<u32>,
        /// What the page before gave.
        cursor: Option<String>,
    },
    /// Show one with its questions and answers; the one asked in last where no id is given.
    Show {
        /// Its id.
        id: Option<String>,
    },
    /// Give one another title.
    Rename {
        /// Its id.
        id: String,
        /// The title.
        title: String,
    },
    /// Write one out.
    Export {
        /// Its id.
        id: String,
        /// As text, or only its sources as a bibliography.
        format: ExportFormat,
    },
    /// Delete some with their questions and answers.
    Delete {
        /// Their ids.
        ids: Vec<String>,
    },
}

/// Something to do with a library.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Bring files in.
    Ingest(IngestRequest),
    /// Find passages.
    Search(SearchRequest),
    /// Answer a question.
    Ask(AskRequest),
    /// Do something with answers that were given.
    Answers(AnswersRequest),
    /// Do something with what people say of answers.
    Feedback(FeedbackRequest),
    /// Do something with datasets for training.
    Datasets(DatasetsRequest),
    /// Do something with adapters of the answerer.
    Adapters(AdaptersRequest),
    /// Do something with blind comparisons of models.
    Comparisons(ComparisonsRequest),
    /// Ask questions whose answers are known.
    Evaluate(Round),
    /// Ask the questions that the library keeps of itself.
    SelfEvaluate(SelfRequest),
    /// How that came out before, newest first, so many times at most.
    SelfEvaluations(u32),
    /// Do something with conversations.
    Conversations(ConversationsRequest),
    /// List documents.
    Documents {
        /// Only of this collection.
        collection: Option<String>,
    },
    /// List a part of the documents, newest first.
    DocumentsAfter {
        /// Only of this collection.
        collection: Option<String>,
        /// The place of the last document of the part before.
        after: Option<Place>,
        /// How many at most.
        limit: usize,
    },
    /// Show a document.
    Document {
        /// Its id, a prefix of it or its file name.
        id: String,
    },
    /// Read pages of a document.
    Pages {
        /// Its id, a prefix of it or its file name.
        id: String,
        /// First page, from 1.
        first: u32,
        /// Last page.
        last: u32,
    },
    /// What references and lists need of all documents, for export.
    Export {
        /// Ids, starts of ids or file names; all documents where there are none.
        ids: Vec<String>,
        /// Only of this collection.
        collection: Option<String>,
        /// In what form.
        format: ExportFormat,
    },
    /// Delete documents.
    DeleteDocuments {
        /// Their ids, prefixes or file names.
        ids: Vec<String>,
    },
    /// List collections.
    Collections,
    /// Make a collection.
    CreateCollection {
        /// Its name.
        name: String,
    },
    /// Delete a collection.
    DeleteCollection {
        /// Its name.
        name: String,
        /// What becomes of its documents.
        contents: Contents,
    },
    /// Move documents to another collection.
    MoveDocuments {
        /// Their ids, starts of ids or file names.
        ids: Vec<String>,
        /// The collection, which exists.
        to: String,
    },
    /// Check that all stores agree.
    Doctor,
    /// Build the indexes again, for the settings in force; those there are answer meanwhile.
    Reindex,
}

/// Totals of an ingest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Files looked at.
    pub files: usize,
    /// New in the library.
    pub added: usize,
    /// There already.
    pub unchanged: usize,
    /// Took the place of an older version.
    pub replaced: usize,
    /// Not in the library.
    pub failed: usize,
    /// In the library without text.
    pub needs_ocr: usize,
    /// Pages of the files in the library.
    pub pages: u64,
    /// Chunks of the files in the library.
    pub chunks: u64,
    /// Time it took, in milliseconds.
    pub ms: u64,
}

/// A collection as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CollectionRecord {
    /// Its name.
    pub name: String,
    /// How many documents it has.
    pub documents: u64,
}

/// What is heard of a request, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// So many files will be looked at.
    Files(usize),
    /// Something to tell that ends nothing.
    Note(String),
    /// How a file comes along.
    Progress {
        /// Its name.
        file: String,
        /// What is being done.
        stage: Stage,
        /// Pages or chunks done.
        done: usize,
        /// Pages or chunks in all.
        total: usize,
    },
    /// A file is finished.
    File(FileReport),
    /// All files are finished.
    Summary(Summary),
    /// Passages.
    Search(SearchResponse),
    /// The answer is on its way.
    Asking(AskEvent),
    /// The answer.
    Answer(Answer),
    /// Answers that were given.
    AnswerList(AnswerList),
    /// One of them in full.
    StoredAnswer(Box<StoredAnswer>),
    /// One of them, made again.
    Replayed(Box<Replay>),
    /// Ids of answers that were deleted.
    AnswersDeleted(Vec<String>),
    /// What people said of answers.
    FeedbackList(FeedbackList),
    /// Some of it in full, as it is now.
    Feedback(Vec<FeedbackDetails>),
    /// Ids of feedback that was deleted.
    FeedbackDeleted(Vec<String>),
    /// Pairs were brought in.
    FeedbackImported(ImportReport),
    /// A part of an export that is no text, in Base64.
    ExportedBytes(String),
    /// All examples were written out.
    FeedbackExported(Exported),
    /// How making a dataset comes along.
    Preparing {
        /// Examples done.
        done: usize,
        /// Examples in all, about.
        total: usize,
    },
    /// What was found for a question, to train a reranker on.
    RerankerList {
        /// It.
        list: Box<finetune::reranker::lists::List>,
        /// Questions done.
        done: usize,
        /// Questions in all.
        total: usize,
    },
    /// All questions were asked; the documents of which the lists hold text.
    RerankerDocuments(Vec<String>),
    /// Datasets for training.
    Datasets(Vec<DatasetRecord>),
    /// Datasets that were deleted, as they were.
    DatasetsDeleted(Vec<DatasetRecord>),
    /// Adapters, and which of them answers.
    AdapterList(AdapterList),
    /// One of them in full.
    Adapter(Box<AdapterDetails>),
    /// How evaluating one comes along.
    AdapterEvaluating(Step),
    /// What evaluating one found.
    AdapterEvaluated(Box<Evaluation>),
    /// The folder of the adapter that a run goes on from.
    AdapterFolder(Option<PathBuf>),
    /// Ids of adapters that were deleted.
    AdaptersDeleted(Vec<String>),
    /// Where an answer or an adapter comes from.
    Lineage(Box<Lineage>),
    /// Blind comparisons, and how the votes stand.
    Comparisons(Vec<ComparisonDetails>),
    /// What an answer to a question of an evaluation is worth.
    Judged(Box<Judged>),
    /// So many questions are asked of the library itself.
    Asked(usize),
    /// All questions of an evaluation were asked.
    Evaluated,
    /// What the library's questions of itself came to, newest first.
    SelfEvaluations(Vec<SelfEvaluation>),
    /// Conversations.
    Conversations(ConversationList),
    /// One conversation in full.
    Conversation(Box<ConversationDetails>),
    /// A conversation that was renamed, as it is now.
    ConversationRenamed(Conversation),
    /// A conversation was deleted.
    ConversationDeleted(Conversation),
    /// Documents.
    Documents(Vec<DocumentRecord>),
    /// A part of an export.
    Exported(String),
    /// An export is complete.
    ExportDone,
    /// One document in full.
    Document(Box<DocumentDetails>),
    /// Pages of a document: their numbers and texts, in order.
    Pages(Box<DocumentRecord>, Vec<(u32, String)>),
    /// A document was deleted.
    Deleted(DocumentRecord),
    /// What became of documents that were to be moved.
    Moved(Vec<MoveReport>),
    /// Collections.
    Collections(Vec<CollectionRecord>),
    /// How building the indexes comes along.
    Indexing {
        /// Documents done.
        done: u64,
        /// Documents in all.
        total: u64,
    },
    /// What the doctor found.
    Report(Report),
    /// It failed; nothing follows.
    Failed(Problem),
}

/// Starts a request where the library is: over the socket of the process that owns the data
/// folder, or here. Dropping the receiver cancels the request.
///
/// # Errors
/// Where the folder cannot be opened.
pub async fn start(settings: Settings, request: Request) -> Result<UnboundedReceiver<Event>> {
    Ok(match reach(&settings, &request).await? {
        Reached::Elsewhere(events) => events,
        Reached::Here(library) => start_here(library, request),
    })
}

/// Where the library is.
enum Reached {
    /// In another process, which was sent the request.
    Elsewhere(UnboundedReceiver<Event>),
    /// In this one, which has just opened it.
    Here(Arc<Library>),
}

async fn reach(settings: &Settings, request: &Request) -> Result<Reached> {
    if let Some(events) = socket::call(&settings.data_dir, request).await? {
        return Ok(Reached::Elsewhere(events));
    }
    let mut waits = 20;
    loop {
        match Library::open(settings.clone()).await {
            Ok(library) => return Ok(Reached::Here(library)),
            // A server that has just taken the folder opens its socket a moment later; a command that
            // has just ended, or the one before in this process, lets go of it a moment later.
            Err(error) if waits > 0 && is_in_use(&error) => {
                waits -= 1;
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error),
        }
        if let Some(events) = socket::call(&settings.data_dir, request).await? {
            return Ok(Reached::Elsewhere(events));
        }
    }
}

fn is_in_use(error: &anyhow::Error) -> bool {
    Problem::from_error(error).code == "folder_in_use"
}

/// True where another process owns the data folder and takes requests.
///
/// # Errors
/// Where the socket's folder cannot be used.
pub async fn is_served(settings: &Settings) -> Result<bool> {
    socket::is_there(&settings.data_dir).await
}

/// Starts a request on an open library.
pub fn start_here(library: Arc<Library>, request: Request) -> UnboundedReceiver<Event> {
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        if let Err(error) = run::run(library, request, &sender).await {
            let _ = sender.send(Event::Failed(Problem::from_error(&error)));
        }
    });
    receiver
}
