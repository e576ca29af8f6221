//! Uploads as jobs: a job outlives a restart, because it and its file are stored before the
//! upload is answered.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use super::{Catalog, Place, now, timestamp};
use crate::library::FileReport;

/// Starts of a job before it is given up: a file that brings the process down must not do so at
/// every start for ever.
const ATTEMPTS: i64 = 3;

/// What state a job is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waiting for the worker.
    Queued,
    /// Being worked on.
    Running,
    /// Finished; the file is in the library.
    Done,
    /// Finished; the file is not in the library.
    Failed,
    /// Stopped by a person.
    Cancelled,
}

impl JobState {
    fn as_str(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "queued" => JobState::Queued,
            "running" => JobState::Running,
            "done" => JobState::Done,
            "cancelled" => JobState::Cancelled,
            _ => JobState::Failed,
        }
    }
}

/// An upload on its way into the library.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Name of the file as uploaded.
    pub file: String,
    /// What state it is in.
    pub state: JobState,
    /// What is being done: reading, embedding or indexing.
    pub stage: Option<String>,
    /// Pages or chunks done in this stage.
    pub done: u32,
    /// Pages or chunks in this stage.
    pub total: Option<u32>,
    /// How it ended.
    pub result: Option<FileReport>,
    /// When it was uploaded, RFC 3339.
    pub created_at: String,
    /// Where the file goes.
    #[serde(skip)]
    pub collection: String,
    /// The uploaded blob.
    #[serde(skip)]
    pub sha256: String,
}

impl Job {
    /// Where it stands in lists, newest first.
    pub fn place(&self) -> Place {
        Place::of(&self.created_at, &self.id)
    }
}

const COLUMNS: &str = "id, file, state, result, created_at, collection, sha256";

impl Catalog {
    /// Queues an upload whose blob is stored.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_job(
        &self,
        id: &str,
        file: &str,
        collection: &str,
        sha256: &str,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO jobs (id, state, file, collection, sha256, created_at, updated_at) \
             VALUES ($1, 'queued', $2, $3, $4, $5, $5)",
        )
        .bind(id)
        .bind(file)
        .bind(collection)
        .bind(sha256)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes the oldest queued job, or none.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn take_job(&self) -> Result<Option<Job>> {
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, updated_at = $1 WHERE id = \
             (SELECT id FROM jobs WHERE state = 'queued' ORDER BY created_at, id LIMIT 1) RETURNING {COLUMNS}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(job).transpose()
    }

    /// Queues again what was running when the process ended; gives up on jobs that were started
    /// too often.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn requeue_interrupted_jobs(&self, given_up: &FileReport) -> Result<()> {
        sqlx::query(
            "UPDATE jobs SET state = 'failed', result = $1, updated_at = $2 \
             WHERE state = 'running' AND attempts >= $3",
        )
        .bind(serde_json::to_string(given_up)?)
        .bind(now())
        .bind(ATTEMPTS)
        .execute(&self.pool)
        .await?;
        sqlx::query("UPDATE jobs SET state = 'queued', updated_at = $1 WHERE state = 'running'")
            .bind(now())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Records how a job ended.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn finish_job(
        &self,
        id: &str,
        state: JobState,
        result: Option<&FileReport>,
    ) -> Result<()> {
        sqlx::query("UPDATE jobs SET state = $1, result = $2, updated_at = $3 WHERE id = $4")
            .bind(state.as_str())
            .bind(result.map(serde_json::to_string).transpose()?)
            .bind(now())
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Cancels a job that has not started; false where it has, or there is none.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn cancel_queued_job(&self, id: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE jobs SET state = 'cancelled', updated_at = $1 WHERE id = $2 AND state = 'queued'",
        )
        .bind(now())
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// One job.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn job(&self, id: &str) -> Result<Option<Job>> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(job).transpose()
    }

    /// At most `limit` jobs that come after a place in the list of all of them, newest first; only
    /// unfinished ones where those are asked for.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn jobs_after(
        &self,
        unfinished: bool,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<Job>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs WHERE ($1 = FALSE OR state IN ('queued', 'running')) \
             AND ($2 IS NULL OR created_at < $2 OR created_at = $2 AND id < $3) \
             ORDER BY created_at DESC, id DESC LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(unfinished)
            .bind(after.map(|place| place.at))
            .bind(after.map(|place| place.id.as_str()))
            .bind(limit as i64)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(job).collect()
    }
}

fn job(row: &SqliteRow) -> Result<Job> {
    let state: String = row.try_get("state")?;
    let result: Option<String> = row.try_get("result")?;
    Ok(Job {
        id: row.try_get("id")?,
        file: row.try_get("file")?,
        state: JobState::parse(&state),
        stage: None,
        done: 0,
        total: None,
        result: result.map(|json| serde_json::from_str(&json)).transpose()?,
        created_at: timestamp(row.try_get("created_at")?),
        collection: row.try_get("collection")?,
        sha256: row.try_get("sha256")?,
    })
}
