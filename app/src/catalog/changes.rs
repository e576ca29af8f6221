//! The change sequence that the indexes follow: one row a document, its latest change.

use anyhow::{Context, Result};
use retrieval::{IndexedChunk, IndexedDocument};
use sqlx::{Row, Sqlite, Transaction};

use super::Catalog;

/// A change that an index has to apply.
pub struct Change {
    /// Its number.
    pub sequence: u64,
    /// Which document.
    pub document_id: String,
    /// The document as it is now; `None` where it was deleted.
    pub document: Option<IndexedDocument>,
}

pub(super) async fn record(
    transaction: &mut Transaction<'_, Sqlite>,
    document_id: &str,
) -> Result<u64> {
    sqlx::query("DELETE FROM changes WHERE document_id = $1")
        .bind(document_id)
        .execute(&mut **transaction)
        .await?;
    let sequence: i64 =
        sqlx::query_scalar("INSERT INTO changes (document_id) VALUES ($1) RETURNING sequence")
            .bind(document_id)
            .fetch_one(&mut **transaction)
            .await
            .context("recording the change")?;
    Ok(sequence as u64)
}

pub(super) async fn delete_document(
    transaction: &mut Transaction<'_, Sqlite>,
    id: &str,
) -> Result<Option<u64>> {
    super::conversations::lose_source(transaction, id).await?;
    super::feedback::delete_of_document(transaction, id).await?;
    super::comparisons::delete_of_document(transaction, id).await?;
    super::datasets::mark_document(transaction, id).await?;
    super::adapters::mark_document(transaction, id).await?;
    sqlx::query(
        "DELETE FROM answers WHERE id IN (SELECT answer_id FROM answer_documents WHERE document_id = $1)",
    )
    .bind(id)
    .execute(&mut **transaction)
    .await?;
    // What a job reported of the document (its id, warnings) goes with it, and the response that
    // named its file.
    sqlx::query(
        "DELETE FROM idempotency_keys WHERE resource IN (SELECT id FROM jobs \
         WHERE state NOT IN ('queued', 'running') AND result LIKE $1)",
    )
    .bind(format!("%{id}%"))
    .execute(&mut **transaction)
    .await?;
    sqlx::query("DELETE FROM jobs WHERE state NOT IN ('queued', 'running') AND result LIKE $1")
        .bind(format!("%{id}%"))
        .execute(&mut **transaction)
        .await?;
    let deleted = sqlx::query("DELETE FROM documents WHERE id = $1")
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    if deleted.rows_affected() == 0 {
        return Ok(None);
    }
    record(transaction, id).await.map(Some)
}

impl Catalog {
    /// Number of the latest change, 0 before the first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn latest_change(&self) -> Result<u64> {
        let latest: Option<i64> = sqlx::query_scalar("SELECT MAX(sequence) FROM changes")
            .fetch_one(&self.pool)
            .await?;
        Ok(latest.unwrap_or(0) as u64)
    }

    /// Documents changed after `sequence`, oldest change first, without their chunks.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn changes_after(&self, sequence: u64) -> Result<Vec<(u64, String)>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT sequence, document_id FROM changes WHERE sequence > $1 ORDER BY sequence",
        )
        .bind(sequence as i64)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(sequence, id)| (sequence as u64, id))
            .collect())
    }

    /// Number of documents changed after `sequence`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_changes_after(&self, sequence: u64) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM changes WHERE sequence > $1")
            .bind(sequence as i64)
            .fetch_one(&self.pool)
            .await?;
        Ok(count as u64)
    }

    /// True where a change is still the last one of its document.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn is_latest_change(&self, sequence: u64) -> Result<bool> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT sequence FROM changes WHERE sequence = $1")
                .bind(sequence as i64)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.is_some())
    }

    /// A change with all that an index of the cut `chunking` needs.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn change(
        &self,
        sequence: u64,
        document_id: String,
        chunking: i64,
    ) -> Result<Change> {
        let document = self.indexed_document(&document_id, chunking).await?;
        Ok(Change {
            sequence,
            document_id,
            document,
        })
    }

    /// A document as an index of the cut `chunking` is told of it; `None` where it is gone.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn indexed_document(
        &self,
        id: &str,
        chunking: i64,
    ) -> Result<Option<IndexedDocument>> {
        let Some(row) =
            sqlx::query("SELECT collection, title, authors FROM documents WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?
        else {
            return Ok(None);
        };
        let chunks = sqlx::query(
            "SELECT id, section, text FROM chunks WHERE document_id = $1 AND chunking = $2 \
             ORDER BY position",
        )
        .bind(id)
        .bind(chunking)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|chunk| {
            Ok(IndexedChunk {
                id: chunk.try_get::<i64, _>("id")? as u64,
                text: chunk.try_get("text")?,
                section: chunk.try_get("section")?,
            })
        })
        .collect::<Result<_>>()?;
        Ok(Some(IndexedDocument {
            document_id: id.to_owned(),
            collection: row.try_get("collection")?,
            title: row.try_get("title")?,
            authors: serde_json::from_str(row.try_get("authors")?)?,
            chunks,
        }))
    }
}
