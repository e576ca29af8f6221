//! Collections: shelves that documents stand on, one each.
//!
//! A move is a change like any other: the indexes follow it, and since no text changes they need
//! no new vectors.

use anyhow::Result;

use super::{Catalog, now};

/// What became of a document that was to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It is in the other collection now.
    Done,
    /// It was there already.
    Already,
    /// The same file is there, as the document of this id.
    Twin(String),
    /// There is no such document.
    Gone,
}

/// What became of a collection that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedCollection {
    /// It is gone.
    Done,
    /// It holds documents, so it stays.
    NotEmpty,
    /// There was none of that name.
    Unknown,
}

impl Catalog {
    /// Makes sure that a collection exists. True where it is new.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn ensure_collection(&self, name: &str) -> Result<bool> {
        let made = sqlx::query(
            "INSERT INTO collections (name, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(name)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(made.rows_affected() > 0)
    }

    /// True where there is a collection of this name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn has_collection(&self, name: &str) -> Result<bool> {
        let found: Option<String> =
            sqlx::query_scalar("SELECT name FROM collections WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.is_some())
    }

    /// Collections with their number of documents, by name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn collections(&self) -> Result<Vec<(String, u64)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT c.name, COUNT(d.id) FROM collections c LEFT JOIN documents d ON d.collection = c.name \
             GROUP BY c.name ORDER BY c.name",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(name, count)| (name, count as u64))
            .collect())
    }

    /// At most `limit` of the collections that come after a name in the order of names.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn collections_after(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT c.name, COUNT(d.id) FROM collections c LEFT JOIN documents d ON d.collection = c.name \
             WHERE $1 IS NULL OR c.name > $1 GROUP BY c.name ORDER BY c.name LIMIT $2",
        )
        .bind(after)
        .bind(limit as i64)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(name, count)| (name, count as u64))
            .collect())
    }

    /// Deletes a collection that holds no documents.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn delete_collection(&self, name: &str) -> Result<RemovedCollection> {
        let done = sqlx::query(
            "DELETE FROM collections WHERE name = $1 \
             AND NOT EXISTS (SELECT 1 FROM documents WHERE collection = $1)",
        )
        .bind(name)
        .execute(&self.pool)
        .await?;
        Ok(if done.rows_affected() > 0 {
            RemovedCollection::Done
        } else if self.has_collection(name).await? {
            RemovedCollection::NotEmpty
        } else {
            RemovedCollection::Unknown
        })
    }

    /// Moves documents to a collection that exists, all in one transaction, each with its change.
    /// One whose file is there already stays where it is. The outcomes are in the order of `ids`.
    ///
    /// # Errors
    /// Where the database refuses; nothing is moved then.
    pub async fn move_documents(&self, ids: &[String], collection: &str) -> Result<Vec<Moved>> {
        let mut transaction = self.pool.begin().await?;
        let mut outcomes = Vec::with_capacity(ids.len());
        for id in ids {
            let found: Option<(String, String)> =
                sqlx::query_as("SELECT collection, sha256 FROM documents WHERE id = $1")
                    .bind(id)
                    .fetch_optional(&mut *transaction)
                    .await?;
            let Some((current, sha256)) = found else {
                outcomes.push(Moved::Gone);
                continue;
            };
            if current == collection {
                outcomes.push(Moved::Already);
                continue;
            }
            let twin: Option<String> = sqlx::query_scalar(
                "SELECT id FROM documents WHERE collection = $1 AND sha256 = $2",
            )
            .bind(collection)
            .bind(sha256)
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(twin) = twin {
                outcomes.push(Moved::Twin(twin));
                continue;
            }
            sqlx::query("UPDATE documents SET collection = $2 WHERE id = $1")
                .bind(id)
                .bind(collection)
                .execute(&mut *transaction)
                .await?;
            super::changes::record(&mut transaction, id).await?;
            outcomes.push(Moved::Done);
        }
        transaction.commit().await?;
        Ok(outcomes)
    }
}
