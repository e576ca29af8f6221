//! Collections are made, emptied into one another and deleted. Documents that move keep their
//! chunks, vectors and answers; only the indexes' notes of where they are change.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Library;
use super::add::collection_name;
use super::search::collection_not_found;
use crate::catalog::{DEFAULT_COLLECTION, DocumentRecord, Moved, RemovedCollection};
use crate::error::{Fault, Problem};

/// What became of a document that was to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoveStatus {
    /// It is in the other collection now.
    Moved,
    /// It was there already.
    Unchanged,
    /// The same file is there already, so it stays where it is.
    Duplicate,
}

/// A document that was to be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MoveReport {
    /// Its id.
    pub document_id: String,
    /// Its file.
    pub file: String,
    /// Where it was.
    pub from: String,
    /// Where it was to go.
    pub to: String,
    /// What became of it.
    pub status: MoveStatus,
    /// The document that holds the same file there.
    pub duplicate_of: Option<String>,
}

/// What to do with the documents of a collection that is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// Nothing: a collection that holds any stays.
    Keep,
    /// Delete them too.
    Delete,
    /// Move them to this collection first.
    MoveTo(String),
}

impl Library {
    /// Makes a collection. True where it is new.
    ///
    /// # Errors
    /// A problem `collection_invalid`, or where the catalog cannot be written.
    pub async fn create_collection(&self, name: &str) -> Result<bool> {
        self.catalog
            .ensure_collection(&collection_name(name)?)
            .await
    }

    /// Moves documents (ids, starts of ids or file names) to a collection that exists. One whose
    /// file is there already stays, and its report says so.
    ///
    /// # Errors
    /// A problem where the collection or one of the documents is not there: nothing is moved then.
    pub async fn move_documents(&self, names: &[String], to: &str) -> Result<Vec<MoveReport>> {
        // Open before a change is made, since they follow it.
        let indexes = self.indexes().await?;
        let _writing = self.writing.lock().await;
        self.known_collection(to).await?;
        let mut records: Vec<DocumentRecord> = Vec::new();
        for name in names {
            let record = self.document(name).await?;
            if !records.iter().any(|known| known.id == record.id) {
                records.push(record);
            }
        }
        let ids: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
        let before = self.catalog.latest_change().await?;
        let outcomes = self.catalog.move_documents(&ids, to).await?;
        for (sequence, id) in self.catalog.changes_after(before).await? {
            self.follow(sequence, id, None).await?;
        }
        self.commit_these(&indexes).await?;
        let mut reports = Vec::with_capacity(records.len());
        for (record, outcome) in records.into_iter().zip(outcomes) {
            let (status, duplicate_of) = match outcome {
                Moved::Done => (MoveStatus::Moved, None),
                Moved::Already => (MoveStatus::Unchanged, None),
                Moved::Twin(id) => (MoveStatus::Duplicate, Some(id)),
                Moved::Gone => continue,
            };
            reports.push(MoveReport {
                document_id: record.id,
                file: record.file,
                from: record.collection,
                to: to.to_owned(),
                status,
                duplicate_of,
            });
        }
        Ok(reports)
    }

    /// Deletes a collection. `on_deleted` hears of each document that goes with it.
    ///
    /// # Errors
    /// A problem where there is none of that name, where it holds documents that are to stay, or
    /// where they cannot all be moved: nothing is moved or deleted then.
    pub async fn delete_collection(
        &self,
        name: &str,
        contents: &Contents,
        mut on_deleted: impl FnMut(DocumentRecord),
    ) -> Result<()> {
        self.known_collection(name).await?;
        if name == DEFAULT_COLLECTION {
            return Err(Problem::new(
                Fault::Usage,
                "collection_default",
                format!("the collection {name:?} is where papers go by default, so it stays"),
                "delete or move its documents instead: `lectern documents delete`, `lectern documents move`",
            )
            .into());
        }
        let documents = self.catalog.documents(Some(name)).await?;
        match contents {
            Contents::Keep if !documents.is_empty() => {
                return Err(not_empty(name, documents.len()).into());
            }
            Contents::Keep => {}
            Contents::Delete => {
                for document in &documents {
                    on_deleted(self.remove(&document.id).await?);
                }
            }
            Contents::MoveTo(to) => self.move_all(name, to, &documents).await?,
        }
        match self.catalog.delete_collection(name).await? {
            RemovedCollection::Done => Ok(()),
            RemovedCollection::Unknown => Err(collection_not_found(name).into()),
            // A document came in meanwhile.
            RemovedCollection::NotEmpty => Err(not_empty(name, 1).into()),
        }
    }

    async fn move_all(&self, from: &str, to: &str, documents: &[DocumentRecord]) -> Result<()> {
        self.known_collection(to).await?;
        if from == to {
            return Err(Problem::new(
                Fault::Usage,
                "collection_same",
                format!("{from:?} is the collection that is to be deleted"),
                "name another collection to move its documents to",
            )
            .into());
        }
        let mut twins = Vec::new();
        for document in documents {
            if let Some(twin) = self
                .catalog
                .document_by_content(to, &document.sha256)
                .await?
            {
                twins.push(format!("{} ({})", document.file, twin.id));
            }
        }
        if !twins.is_empty() {
            return Err(Problem::new(
                Fault::Conflict,
                "document_duplicate",
                format!(
                    "{} of the documents are in {to:?} as well: {}",
                    twins.len(),
                    twins.join(", ")
                ),
                format!("delete them from one of the two first; `lectern documents list --collection {to:?}` shows those there"),
            )
            .into());
        }
        let ids: Vec<String> = documents.iter().map(|record| record.id.clone()).collect();
        self.move_documents(&ids, to).await.map(drop)
    }

    async fn known_collection(&self, name: &str) -> Result<()> {
        if self.catalog.has_collection(name).await? {
            return Ok(());
        }
        Err(collection_not_found(name).into())
    }
}

fn not_empty(name: &str, documents: usize) -> Problem {
    let holds = match documents {
        1 => "1 document".to_owned(),
        count => format!("{count} documents"),
    };
    Problem::new(
        Fault::Conflict,
        "collection_not_empty",
        format!("the collection {name:?} holds {holds}"),
        "give --move-to COLLECTION to keep them, or --documents to delete them too",
    )
}
