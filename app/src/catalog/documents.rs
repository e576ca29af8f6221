//! Documents and collections: added whole, deleted whole.

use anyhow::{Context, Result};
use ingest::similarity::Sketch;
use ingest::{Chunk, Document, Format, Metadata, Warning};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use super::links::Structure;
use super::{Catalog, Place, generations, now, timestamp};

/// What state a document is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStatus {
    /// Read, with text.
    Ready,
    /// A scan without a text layer: kept, but nothing of it can be found yet.
    NeedsOcr,
}

impl DocumentStatus {
    fn as_str(self) -> &'static str {
        match self {
            DocumentStatus::Ready => "ready",
            DocumentStatus::NeedsOcr => "needs_ocr",
        }
    }
}

/// A document about to be added.
pub struct NewDocument<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it goes.
    pub collection: &'a str,
    /// Hash of its bytes, the name of its blob.
    pub sha256: &'a str,
    /// Name as it was added.
    pub file: &'a str,
    /// Absolute path, where it was added from one.
    pub source: Option<&'a str>,
    /// With or without text.
    pub status: DocumentStatus,
    /// Title, or the file name.
    pub title: &'a str,
    /// Size of the file.
    pub bytes: u64,
    /// What was read.
    pub document: &'a Document,
    /// How it was cut.
    pub chunks: &'a [Chunk],
    /// Its wording, to find near-duplicates.
    pub sketch: Option<Sketch>,
    /// A document that this one takes the place of.
    pub replaces: Option<&'a str>,
}

/// A document as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DocumentRecord {
    /// Its id.
    pub id: String,
    /// Name as it was added.
    pub file: String,
    /// Absolute path, where it was added from one.
    pub source: Option<String>,
    /// Title, or the file name.
    pub title: String,
    /// Authors, where known.
    pub authors: Vec<String>,
    /// Year, where known.
    pub year: Option<i32>,
    /// Number of pages.
    pub pages: u32,
    /// Number of chunks.
    pub chunks: u32,
    /// With or without text.
    pub status: DocumentStatus,
    /// Where it is.
    pub collection: String,
    /// When it was added, RFC 3339.
    pub added_at: String,
    /// Size of the file.
    pub bytes: u64,
    /// Hash of its bytes.
    pub sha256: String,
    /// What went wrong while it was read.
    pub warnings: Vec<Warning>,
    /// What it was read from.
    pub format: Format,
    /// Version of the reader that read it.
    pub reader: i64,
    /// All that is known of the paper, with sources and confidences.
    pub metadata: Metadata,
}

impl DocumentRecord {
    /// Where it stands in lists, newest first.
    pub fn place(&self) -> Place {
        Place::of(&self.added_at, &self.id)
    }
}

const COLUMNS: &str = "id, file, source, title, authors, year, pages, chunks, status, collection, \
                       added_at, bytes, sha256, warnings, format, reader, metadata";

/// Version of what reading a file gives. Raised where a new one is worth reading files again for.
pub const READER_VERSION: i64 = 2;

impl Catalog {
    /// Adds a document with its pages and chunks, and deletes the one that it replaces.
    ///
    /// Returns the change's sequence number.
    ///
    /// # Errors
    /// Where the database refuses; nothing is added then.
    pub async fn add_document(&self, new: &NewDocument<'_>) -> Result<u64> {
        let mut transaction = self.pool.begin().await?;
        if let Some(old) = new.replaces {
            super::changes::delete_document(&mut transaction, old).await?;
        }
        let metadata = &new.document.metadata;
        sqlx::query(
            "INSERT INTO documents (id, collection, sha256, file, source, status, title, authors, \
             year, pages, chunks, bytes, warnings, added_at, format, reader, metadata, structure, sketch) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
             $19)",
        )
        .bind(new.id)
        .bind(new.collection)
        .bind(new.sha256)
        .bind(new.file)
        .bind(new.source)
        .bind(new.status.as_str())
        .bind(new.title)
        .bind(serde_json::to_string(metadata.authors())?)
        .bind(metadata.year())
        .bind(new.document.pages.len() as i64)
        .bind(new.chunks.len() as i64)
        .bind(new.bytes as i64)
        .bind(serde_json::to_string(&new.document.warnings)?)
        .bind(now())
        .bind(name_of(new.document.format)?)
        .bind(READER_VERSION)
        .bind(serde_json::to_string(metadata)?)
        .bind(super::pages::pack(&Structure {
            outline: new.document.outline.clone(),
            references: new.document.references.clone(),
        })?)
        .bind(new.sketch.as_ref().map(Sketch::to_bytes))
        .execute(&mut *transaction)
        .await
        .context("adding the document")?;

        super::pages::add(&mut transaction, new.id, &new.document.pages).await?;
        super::links::add(&mut transaction, new).await?;
        let chunking = generations::active_chunking(&mut transaction).await?;
        generations::add_chunks(&mut transaction, new.id, chunking, new.chunks).await?;
        super::filters::fill(&mut transaction, new.id, metadata.authors(), metadata).await?;
        let sequence = super::changes::record(&mut transaction, new.id).await?;
        transaction.commit().await?;
        if new.replaces.is_some() {
            self.forget_log().await?;
        }
        Ok(sequence)
    }

    /// Deletes a document with its pages, chunks and the answers that quote it.
    ///
    /// Returns the change's sequence number, or `None` where there is no such document.
    ///
    /// # Errors
    /// Where the database refuses; nothing is deleted then.
    pub async fn delete_document(&self, id: &str) -> Result<Option<u64>> {
        let mut transaction = self.pool.begin().await?;
        let sequence = super::changes::delete_document(&mut transaction, id).await?;
        transaction.commit().await?;
        self.forget_log().await?;
        Ok(sequence)
    }

    /// Folds the write-ahead log into the main file: it holds deleted text until then.
    ///
    /// # Errors
    /// Where the database refuses.
    pub(super) async fn forget_log(&self) -> Result<()> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// One document.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn document(&self, id: &str) -> Result<Option<DocumentRecord>> {
        self.find_documents("id = $1", &[id])
            .await
            .map(|mut found| found.pop())
    }

    /// The document with these bytes in this collection.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn document_by_content(
        &self,
        collection: &str,
        sha256: &str,
    ) -> Result<Option<DocumentRecord>> {
        let condition = "collection = $1 AND sha256 = $2";
        self.find_documents(condition, &[collection, sha256])
            .await
            .map(|mut found| found.pop())
    }

    /// The document that was last added to this collection from this path.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn document_by_source(
        &self,
        collection: &str,
        source: &str,
    ) -> Result<Option<DocumentRecord>> {
        let condition = "collection = $1 AND source = $2";
        self.find_documents(condition, &[collection, source])
            .await
            .map(|mut found| found.pop())
    }

    /// Documents that `name` may mean, oldest first: by the start of their id, where that is long
    /// enough to be one, or by their file name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn documents_named(&self, name: &str) -> Result<Vec<DocumentRecord>> {
        let is_start = (8..=36).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        // Ids are lower case; past the end of every id that starts with it comes `~`.
        let (from, to) = if is_start {
            let start = name.to_ascii_lowercase();
            (start.clone(), format!("{start}~"))
        } else {
            (String::new(), String::new())
        };
        self.find_documents("id > $1 AND id < $2 OR file = $3", &[&from, &to, name])
            .await
    }

    /// All documents, of one collection where given, newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn documents(&self, collection: Option<&str>) -> Result<Vec<DocumentRecord>> {
        let mut found = match collection {
            Some(name) => self.find_documents("collection = $1", &[name]).await?,
            None => self.find_documents("id <> ''", &[]).await?,
        };
        found.reverse();
        Ok(found)
    }

    /// At most `limit` documents that come after a place in the list of [`Catalog::documents`].
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn documents_after(
        &self,
        collection: Option<&str>,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<DocumentRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM documents WHERE ($1 IS NULL OR collection = $1) \
             AND ($2 IS NULL OR added_at < $2 OR added_at = $2 AND id < $3) \
             ORDER BY added_at DESC, id DESC LIMIT $4"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(collection)
            .bind(after.map(|place| place.at))
            .bind(after.map(|place| place.id.as_str()))
            .bind(limit as i64)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(record)
            .collect()
    }

    async fn find_documents(
        &self,
        condition: &'static str,
        values: &[&str],
    ) -> Result<Vec<DocumentRecord>> {
        let sql =
            format!("SELECT {COLUMNS} FROM documents WHERE {condition} ORDER BY added_at, id");
        // Both parts are constants of this file; values are bound.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in values {
            query = query.bind(*value);
        }
        query
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(record)
            .collect()
    }

    /// Number of documents.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_documents(&self) -> Result<u64> {
        Ok(
            sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM documents")
                .fetch_one(&self.pool)
                .await? as u64,
        )
    }

    /// Number of chunks that can be found: those of the generation that answers.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_chunks(&self) -> Result<u64> {
        Ok(sqlx::query_scalar::<_, i64>(
            "SELECT COUNT(*) FROM chunks WHERE chunking = \
             COALESCE((SELECT chunking FROM index_generations WHERE state = 'active'), 0)",
        )
        .fetch_one(&self.pool)
        .await? as u64)
    }

    /// Every blob that a document or a job needs.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn needed_blobs(&self) -> Result<std::collections::HashSet<String>> {
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT sha256 FROM documents UNION SELECT sha256 FROM jobs WHERE state IN ('queued', 'running')",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().collect())
    }
}

fn record(row: &SqliteRow) -> Result<DocumentRecord> {
    let status: String = row.try_get("status")?;
    Ok(DocumentRecord {
        id: row.try_get("id")?,
        file: row.try_get("file")?,
        source: row.try_get("source")?,
        title: row.try_get("title")?,
        authors: serde_json::from_str(row.try_get("authors")?)?,
        year: row.try_get("year")?,
        pages: row.try_get::<i64, _>("pages")? as u32,
        chunks: row.try_get::<i64, _>("chunks")? as u32,
        status: if status == "needs_ocr" {
            DocumentStatus::NeedsOcr
        } else {
            DocumentStatus::Ready
        },
        collection: row.try_get("collection")?,
        added_at: timestamp(row.try_get("added_at")?),
        bytes: row.try_get::<i64, _>("bytes")? as u64,
        sha256: row.try_get("sha256")?,
        warnings: serde_json::from_str(row.try_get("warnings")?)?,
        format: format_of(row.try_get("format")?)?,
        reader: row.try_get("reader")?,
        metadata: serde_json::from_str(row.try_get("metadata")?)?,
    })
}

fn name_of(format: Format) -> Result<String> {
    let name = serde_json::to_value(format)?;
    Ok(name.as_str().unwrap_or_default().to_owned())
}

fn format_of(name: &str) -> Result<Format> {
    Ok(serde_json::from_value(name.into())?)
}
