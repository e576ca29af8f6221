//! How a document leaves the library: catalog, vectors, postings, blob, the answers that quote
//! it and the datasets that hold text of it. The catalog goes first, so that a kill half-way ends with the document gone: the indexes
//! catch up and sweep the blob away when they are next opened.

use anyhow::Result;

use super::Library;
use crate::catalog::DocumentRecord;
use crate::error::{Fault, Problem};

impl Library {
    /// Deletes a document and all that was made of it. Returns what was deleted.
    ///
    /// # Errors
    /// A problem `document_not_found`, or where a store cannot be written.
    pub async fn remove(&self, id: &str) -> Result<DocumentRecord> {
        let indexes = self.indexes().await?;
        let _writing = self.writing.lock().await;
        let record = self.document(id).await?;
        if let Some(sequence) = self.catalog.delete_document(&record.id).await? {
            self.follow(sequence, record.id.clone(), None).await?;
            self.commit_these(&indexes).await?;
        }
        self.forget_blob(&record.sha256).await?;
        self.erase_from_datasets().await;
        Ok(record)
    }

    /// A document by its id, by a start of it (8 characters or more) that only one has, or by its file
    /// name.
    ///
    /// # Errors
    /// A problem `document_not_found` or `document_ambiguous`.
    pub async fn document(&self, id: &str) -> Result<DocumentRecord> {
        if let Some(record) = self.catalog.document(id).await? {
            return Ok(record);
        }
        let mut matching = self.catalog.documents_named(id).await?;
        match matching.len() {
            1 => Ok(matching.swap_remove(0)),
            0 => Err(Problem::new(
                Fault::NotFound,
                "document_not_found",
                format!("there is no document {id:?}"),
                "`lectern documents list` shows the ids and files",
            )
            .into()),
            count => Err(Problem::new(
                Fault::Usage,
                "document_ambiguous",
                format!("{count} documents match {id:?}"),
                "give the whole id, as `lectern documents list` shows it",
            )
            .into()),
        }
    }

    /// Deletes a blob that no document and no job needs any more.
    pub(super) async fn forget_blob(&self, sha256: &str) -> Result<()> {
        if !self.catalog.needed_blobs().await?.contains(sha256) {
            self.blobs.delete(sha256).await?;
            self.forget_page_images(sha256).await?;
        }
        Ok(())
    }
}
