//! All that is known of one document, for its page and for `documents show`.

use anyhow::{Context, Result};
use ingest::{Document, Metadata, OutlineEntry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Library;
use crate::catalog::{DocumentRecord, Duplicate, LinkedReference};

/// A document with its structure and its ties to others.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DocumentDetails {
    /// The document.
    #[serde(flatten)]
    pub record: DocumentRecord,
    /// The file's own table of contents.
    pub outline: Vec<OutlineEntry>,
    /// The reference list, with the documents of the library that it names.
    pub references: Vec<LinkedReference>,
    /// Documents of the library that cite it.
    pub cited_by: Vec<Citing>,
    /// Documents that are much the same.
    pub duplicates: Vec<Duplicate>,
}

/// A document that cites another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Citing {
    /// Its id.
    pub document_id: String,
    /// Its title.
    pub title: String,
}

impl Library {
    /// The details of the document that `id` names: an id, the start of one, or a file name.
    ///
    /// # Errors
    /// Where there is no such document, or more than one.
    pub async fn details(&self, id: &str) -> Result<DocumentDetails> {
        let record = self.document(id).await?;
        let citing = self.catalog.cited_by(&record.id).await?;
        Ok(DocumentDetails {
            outline: self.catalog.structure(&record.id).await?.outline,
            references: self.catalog.references(&record.id).await?,
            cited_by: citing
                .into_iter()
                .map(|(document_id, title)| Citing { document_id, title })
                .collect(),
            duplicates: self.catalog.duplicates(&record.id).await?,
            record,
        })
    }

    /// A document as it was read, from the catalog.
    ///
    /// # Errors
    /// Where the catalog cannot be read.
    pub async fn stored_document(&self, record: &DocumentRecord) -> Result<Document> {
        let structure = self.catalog.structure(&record.id).await?;
        Ok(Document {
            format: record.format,
            metadata: record.metadata.clone(),
            pages: self.catalog.all_pages(&record.id).await?,
            outline: structure.outline,
            references: structure.references,
            warnings: record.warnings.clone(),
        })
    }

    /// Changes what is known of a document, and lets the indexes follow.
    ///
    /// # Errors
    /// Where there is no such document, or a store cannot be written.
    pub async fn set_metadata(&self, id: &str, metadata: &Metadata) -> Result<()> {
        let indexes = self.indexes().await?;
        let _writing = self.writing.lock().await;
        let sequence = self
            .catalog
            .set_metadata(id, metadata)
            .await?
            .context("the document is gone")?;
        self.follow(sequence, id.to_owned(), None).await?;
        self.commit_these(&indexes).await
    }
}
