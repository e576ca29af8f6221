//! Datasets for training: where their files are, and whose text they hold.

use anyhow::{Context, Result};
use finetune::data::Card;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};

use super::{Catalog, now, timestamp};

/// A dataset that was prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Its name.
    pub name: String,
    /// Where its files are, absolute.
    pub folder: String,
    /// SHA-256 of its files, in hexadecimal.
    pub sha256: String,
    /// What it holds.
    pub card: Card,
    /// True where examples were taken out of it since, as their documents were deleted.
    pub changed: bool,
    /// When it was prepared, RFC 3339.
    pub created_at: String,
    /// When it was last changed, RFC 3339.
    pub updated_at: String,
}

const COLUMNS: &str = "name, folder, sha256, card, changed, created_at, updated_at";

impl Catalog {
    /// Records a dataset and the documents whose text it holds. Those that are no longer in the
    /// library are marked as deleted, to be taken out of the files.
    ///
    /// False where there is one of this name.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_dataset(
        &self,
        folder: &str,
        card: &Card,
        documents: &[String],
    ) -> Result<bool> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let added = sqlx::query(
            "INSERT INTO datasets (name, folder, sha256, card, changed, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, 0, $5, $5) ON CONFLICT DO NOTHING",
        )
        .bind(&card.name)
        .bind(folder)
        .bind(&card.sha256)
        .bind(serde_json::to_string(card)?)
        .bind(now())
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        for document in documents {
            sqlx::query(
                "INSERT INTO dataset_documents (dataset, document_id, deleted) \
                 VALUES ($1, $2, NOT EXISTS (SELECT 1 FROM documents WHERE id = $2)) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(&card.name)
            .bind(document)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// All datasets, newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn datasets(&self) -> Result<Vec<DatasetRecord>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM datasets ORDER BY created_at DESC, name"
        )))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(record).collect()
    }

    /// One dataset.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn dataset(&self, name: &str) -> Result<Option<DatasetRecord>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM datasets WHERE name = $1"
        )))
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(record).transpose()
    }

    /// Forgets a dataset. False where there is none.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn delete_dataset(&self, name: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM datasets WHERE name = $1")
            .bind(name)
            .execute(&self.pool)
            .await?;
        self.forget_log().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Datasets whose files still hold text of deleted documents, `(name, folder, document)`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn datasets_to_erase(&self) -> Result<Vec<(String, String, String)>> {
        Ok(sqlx::query_as(
            "SELECT name, folder, document_id FROM dataset_documents \
             JOIN datasets ON name = dataset WHERE deleted = 1 ORDER BY name, document_id",
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Notes that the text of deleted documents is out of a dataset's files; `card` is as it is now,
    /// none where the files are gone.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn dataset_erased(
        &self,
        name: &str,
        documents: &[String],
        card: Option<&Card>,
    ) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(card) = card {
            sqlx::query(
                "UPDATE datasets SET sha256 = $2, card = $3, changed = 1, updated_at = $4 \
                 WHERE name = $1",
            )
            .bind(name)
            .bind(&card.sha256)
            .bind(serde_json::to_string(card)?)
            .bind(now())
            .execute(&mut *transaction)
            .await?;
        }
        for document in documents {
            sqlx::query(
                "DELETE FROM dataset_documents WHERE dataset = $1 AND document_id = $2 \
                 AND deleted = 1",
            )
            .bind(name)
            .bind(document)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        self.forget_log().await
    }
}

/// Marks what holds text of a document that is about to go; the files follow.
pub(super) async fn mark_document(
    transaction: &mut Transaction<'_, Sqlite>,
    document: &str,
) -> Result<()> {
    let connection: &mut SqliteConnection = transaction;
    sqlx::query(
        "UPDATE datasets SET changed = 1 WHERE name IN \
         (SELECT dataset FROM dataset_documents WHERE document_id = $1)",
    )
    .bind(document)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE dataset_documents SET deleted = 1 WHERE document_id = $1")
        .bind(document)
        .execute(connection)
        .await?;
    Ok(())
}

fn record(row: &SqliteRow) -> Result<DatasetRecord> {
    let name: String = row.try_get("name")?;
    let card = serde_json::from_str(row.try_get("card")?)
        .with_context(|| format!("reading the card of the dataset {name}"))?;
    let changed: i64 = row.try_get("changed")?;
    Ok(DatasetRecord {
        folder: row.try_get("folder")?,
        sha256: row.try_get("sha256")?,
        card,
        changed: changed != 0,
        created_at: timestamp(row.try_get("created_at")?),
        updated_at: timestamp(row.try_get("updated_at")?),
        name,
    })
}
