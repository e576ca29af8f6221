//! The catalog: the truth about the library, in SQL. Everything else can be rebuilt from it and
//! the blobs.
//!
//! A document is added or deleted in one transaction together with its row in `changes`, whose
//! sequence number the indexes follow. A kill at any moment leaves the catalog before or after a
//! change, never inside one.

mod adapters;
mod answers;
mod authors;
mod changes;
mod collections;
mod comparisons;
mod context;
pub(crate) mod conversations;
mod datasets;
mod documents;
pub mod feedback;
mod filters;
mod generations;
mod idempotency;
mod jobs;
mod links;
mod own_questions;
mod pages;
mod passages;
mod place;
mod provenance;
mod venues;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

pub use adapters::{
    AdapterAction, AdapterBase, AdapterChange, AdapterDataset, AdapterRecord, AdapterState,
    NewAdapter,
};
pub use answers::{AnswerSummary, StoredAnswer};
pub use changes::Change;
pub use collections::{Moved, RemovedCollection};
pub use comparisons::{ComparisonRecord, Pair, Preferred};
pub use context::{Expand, PassageContext};
pub use conversations::{Conversation, Deleted, Turn};
pub use datasets::DatasetRecord;
pub use documents::{DocumentRecord, DocumentStatus, NewDocument, READER_VERSION};
pub use feedback::{Feedback, FeedbackState};
pub use filters::DocumentFilter;
pub use generations::{Generation, GenerationState, IndexSpec};
pub use idempotency::KeptRequest;
pub use jobs::{Job, JobState};
pub use links::{Duplicate, LinkedReference, Structure};
pub use own_questions::OwnQuestion;
pub use passages::ChunkPlace;
pub use place::Place;
pub use provenance::{Asked, KeptPassage, Provenance, digest};

/// The collection that documents are added to unless told otherwise.
pub const DEFAULT_COLLECTION: &str = "default";

/// Handle on the catalog; cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    pool: SqlitePool,
}

impl Catalog {
    /// Opens the catalog at `path`, or makes it, and brings its tables up to date.
    ///
    /// # Errors
    /// Where the file is no catalog, was made by a newer Lectern, or cannot be written.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(20))
            // What is deleted is overwritten, not just forgotten.
            .pragma("secure_delete", "on");
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .with_context(|| format!("opening the catalog {}", path.display()))?;
        sqlx::migrate!("../migrations/sqlite")
            .run(&pool)
            .await
            .with_context(|| format!("bringing the catalog {} up to date", path.display()))?;
        let catalog = Self { pool };
        catalog.fill_filters().await?;
        catalog.ensure_collection(DEFAULT_COLLECTION).await?;
        Ok(catalog)
    }

    /// What SQLite says of the file's integrity: `ok`, or what is wrong.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub async fn integrity(&self) -> Result<String> {
        Ok(sqlx::query_scalar("PRAGMA quick_check")
            .fetch_one(&self.pool)
            .await?)
    }

    /// Writes everything into the main file and closes it.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Milliseconds since 1970 as RFC 3339.
pub(crate) fn timestamp(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .unwrap_or_default()
        .to_string()
}
