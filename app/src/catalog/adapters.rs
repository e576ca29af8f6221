//! Adapters of the answerer: where they come from, how they fared, and which of them answers.

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};
use utoipa::ToSchema;

use super::{Catalog, now, timestamp};
use crate::library::adapters::Evaluation;
use crate::library::adapters::background::Begun;

/// Where an adapter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdapterState {
    /// It has never answered.
    Candidate,
    /// It answers.
    InService,
    /// It has answered, and another took its place.
    Retired,
}

impl AdapterState {
    fn parse(text: &str) -> Self {
        match text {
            "in_service" => Self::InService,
            "retired" => Self::Retired,
            _ => Self::Candidate,
        }
    }
}

/// The model that an adapter changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdapterBase {
    /// Its id.
    pub model: String,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of the file that this one was made of here, where it was.
    #[schema(required)]
    pub source_sha256: Option<String>,
}

/// What an adapter was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdapterDataset {
    /// The dataset's name; null where the library has none with this file.
    #[schema(required)]
    pub name: Option<String>,
    /// SHA-256 of its files when the adapter was registered, in hexadecimal.
    #[schema(required)]
    pub sha256: Option<String>,
    /// The file that was trained on.
    pub train: String,
    /// SHA-256 of that file when it was trained on, in hexadecimal.
    pub train_sha256: String,
    /// How many examples it had.
    pub examples: u64,
}

/// An adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AdapterRecord {
    /// Its id: the first digits of `sha256`.
    pub id: String,
    /// SHA-256 of its files, in hexadecimal.
    pub sha256: String,
    /// Name of its run, or of the folder that it was in.
    pub name: String,
    /// Folder of its run; null where it came from elsewhere.
    #[schema(required)]
    pub run: Option<String>,
    /// The model that it changes.
    pub base: AdapterBase,
    /// What it was trained on; null where that is not known.
    #[schema(required)]
    pub dataset: Option<AdapterDataset>,
    /// Id of the adapter that it is the further training of; null where it was begun anew.
    #[serde(default)]
    #[schema(required)]
    pub started_from: Option<String>,
    /// Rank of its matrices.
    pub rank: u64,
    /// How many weights it has.
    pub parameters: u64,
    /// Where it stands.
    pub state: AdapterState,
    /// How many of the documents that it learnt from have been deleted since.
    pub deleted_documents: u64,
    /// How it fared when it was last evaluated.
    #[schema(required, value_type = Option<Object>)]
    pub evaluation: Option<Evaluation>,
    /// When it was registered, RFC 3339.
    pub created_at: String,
    /// When it was last changed, RFC 3339.
    pub updated_at: String,
}

/// What was done about which adapter answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdapterAction {
    /// It passed the gate.
    Promoted,
    /// It was promoted without, or against, the gate.
    Forced,
    /// The one before it came back.
    RolledBack,
}

impl AdapterAction {
    fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::Forced => "forced",
            Self::RolledBack => "rolled_back",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "forced" => Self::Forced,
            "rolled_back" => Self::RolledBack,
            _ => Self::Promoted,
        }
    }
}

/// A change of what answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdapterChange {
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub by: String,
    /// What was done.
    pub action: AdapterAction,
    /// The adapter that answers from then on; null for none that was promoted.
    #[schema(required)]
    pub adapter: Option<String>,
    /// The one that answered until then.
    #[schema(required)]
    pub before: Option<String>,
    /// Why.
    #[schema(required)]
    pub note: Option<String>,
}

/// An adapter to be taken in.
#[derive(Debug, Clone)]
pub struct NewAdapter {
    /// As it will be, a candidate.
    pub record: AdapterRecord,
    /// Documents whose text it learnt from.
    pub documents: Vec<String>,
    /// Feedback that it learnt from.
    pub feedback: Vec<String>,
}

const COLUMNS: &str = "id, sha256, name, run, base, dataset, started_from, rank, parameters, state, \
     deleted_documents, evaluation, created_at, updated_at";

impl Catalog {
    /// Takes in an adapter. Where there is one with the same files, that one stays as it is.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_adapter(&self, new: &NewAdapter) -> Result<()> {
        let NewAdapter {
            record,
            documents,
            feedback,
        } = new;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let dataset = record.dataset.as_ref().map(serde_json::to_string);
        let added = sqlx::query(
            "INSERT INTO adapters (id, sha256, name, run, base, dataset, rank, parameters, state, \
             deleted_documents, started_from, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'candidate', $9, $10, $11, $11) \
             ON CONFLICT DO NOTHING",
        )
        .bind(&record.id)
        .bind(&record.sha256)
        .bind(&record.name)
        .bind(&record.run)
        .bind(serde_json::to_string(&record.base)?)
        .bind(dataset.transpose()?)
        .bind(record.rank as i64)
        .bind(record.parameters as i64)
        .bind(record.deleted_documents as i64)
        .bind(&record.started_from)
        .bind(now())
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(());
        }
        for document in documents {
            sqlx::query(
                "INSERT INTO adapter_documents (adapter_id, document_id) VALUES ($1, $2) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(&record.id)
            .bind(document)
            .execute(&mut *transaction)
            .await?;
        }
        for one in feedback {
            sqlx::query(
                "INSERT INTO adapter_feedback (adapter_id, feedback_id) VALUES ($1, $2) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(&record.id)
            .bind(one)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// All adapters, newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn adapters(&self) -> Result<Vec<AdapterRecord>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM adapters ORDER BY created_at DESC, id"
        )))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(record).collect()
    }

    /// One adapter.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn adapter(&self, id: &str) -> Result<Option<AdapterRecord>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM adapters WHERE id = $1"
        )))
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(record).transpose()
    }

    /// The adapter that was promoted last and not rolled back.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn adapter_in_service(&self) -> Result<Option<AdapterRecord>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM adapters WHERE state = 'in_service'"
        )))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(record).transpose()
    }

    /// Keeps how an adapter fared. False where it is gone.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn set_adapter_evaluation(&self, id: &str, evaluation: &Evaluation) -> Result<bool> {
        let done =
            sqlx::query("UPDATE adapters SET evaluation = $2, updated_at = $3 WHERE id = $1")
                .bind(id)
                .bind(serde_json::to_string(evaluation)?)
                .bind(now())
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps that an evaluation of an adapter is under way, or, where `begun` is none, that it is not.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn set_evaluation_begun(&self, id: &str, begun: Option<&Begun>) -> Result<()> {
        sqlx::query("UPDATE adapters SET evaluation_begun = $2 WHERE id = $1")
            .bind(id)
            .bind(begun.map(serde_json::to_string).transpose()?)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The evaluations that are under way, or were when the program ended.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn evaluations_begun(&self) -> Result<Vec<Begun>> {
        let rows = sqlx::query(
            "SELECT id, evaluation_begun FROM adapters WHERE evaluation_begun IS NOT NULL ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get("id")?;
                read(&id, row.try_get("evaluation_begun")?)
            })
            .collect()
    }

    /// Has an adapter answer, or none, in place of `before`, and takes down who did that and why.
    /// False where another took that place meanwhile, or the adapter is gone: then nothing is changed.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn put_in_service(
        &self,
        adapter: Option<&str>,
        before: Option<&str>,
        action: AdapterAction,
        by: &str,
        note: Option<&str>,
    ) -> Result<bool> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let current: Option<String> =
            sqlx::query_scalar("SELECT id FROM adapters WHERE state = 'in_service'")
                .fetch_optional(&mut *transaction)
                .await?;
        if current.as_deref() != before {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE adapters SET state = 'retired', updated_at = $1 WHERE state = 'in_service'",
        )
        .bind(now())
        .execute(&mut *transaction)
        .await?;
        if let Some(id) = adapter {
            let done = sqlx::query(
                "UPDATE adapters SET state = 'in_service', updated_at = $1 WHERE id = $2",
            )
            .bind(now())
            .bind(id)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
        }
        sqlx::query(
            "INSERT INTO adapter_history (at, done_by, action, adapter_id, before_id, note) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(now())
        .bind(by)
        .bind(action.as_str())
        .bind(adapter)
        .bind(before)
        .bind(note)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// What answered when, oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn adapter_history(&self) -> Result<Vec<AdapterChange>> {
        let rows = sqlx::query(
            "SELECT at, done_by, action, adapter_id, before_id, note FROM adapter_history \
             ORDER BY position",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AdapterChange {
                    at: timestamp(row.try_get("at")?),
                    by: row.try_get("done_by")?,
                    action: AdapterAction::parse(row.try_get("action")?),
                    adapter: row.try_get("adapter_id")?,
                    before: row.try_get("before_id")?,
                    note: row.try_get("note")?,
                })
            })
            .collect()
    }

    /// Documents that an adapter learnt from and that are still there, and feedback.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn adapter_sources(&self, id: &str) -> Result<(Vec<String>, Vec<String>)> {
        let documents = sqlx::query_scalar(
            "SELECT document_id FROM adapter_documents WHERE adapter_id = $1 ORDER BY document_id",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let feedback = sqlx::query_scalar(
            "SELECT feedback_id FROM adapter_feedback WHERE adapter_id = $1 ORDER BY feedback_id",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        Ok((documents, feedback))
    }

    /// Forgets an adapter that does not answer. False where there is none, or where it does.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn delete_adapter(&self, id: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM adapters WHERE id = $1 AND state <> 'in_service'")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Marks what learnt from a document that is about to go.
pub(super) async fn mark_document(
    transaction: &mut Transaction<'_, Sqlite>,
    document: &str,
) -> Result<()> {
    let connection: &mut SqliteConnection = transaction;
    sqlx::query(
        "UPDATE adapters SET deleted_documents = deleted_documents + 1 WHERE id IN \
         (SELECT adapter_id FROM adapter_documents WHERE document_id = $1)",
    )
    .bind(document)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM adapter_documents WHERE document_id = $1")
        .bind(document)
        .execute(connection)
        .await?;
    Ok(())
}

fn record(row: &SqliteRow) -> Result<AdapterRecord> {
    let id: String = row.try_get("id")?;
    let optional = |column: &str| -> Result<Option<String>> { Ok(row.try_get(column)?) };
    let number = |column: &str| -> Result<u64> { Ok(row.try_get::<i64, _>(column)? as u64) };
    let dataset = optional("dataset")?;
    // How it fared under a version that took down other figures is not known any more.
    let evaluation = optional("evaluation")?.and_then(|json| serde_json::from_str(&json).ok());
    Ok(AdapterRecord {
        sha256: row.try_get("sha256")?,
        name: row.try_get("name")?,
        run: optional("run")?,
        base: read(&id, row.try_get("base")?)?,
        dataset: dataset.map(|json| read(&id, &json)).transpose()?,
        started_from: optional("started_from")?,
        rank: number("rank")?,
        parameters: number("parameters")?,
        state: AdapterState::parse(row.try_get("state")?),
        deleted_documents: number("deleted_documents")?,
        evaluation,
        created_at: timestamp(row.try_get("created_at")?),
        updated_at: timestamp(row.try_get("updated_at")?),
        id,
    })
}

fn read<T: DeserializeOwned>(id: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).with_context(|| format!("reading the adapter {id}"))
}
