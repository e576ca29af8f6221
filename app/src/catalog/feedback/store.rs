//! The rows of feedback.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::{Feedback, FeedbackChange, FeedbackState};
use crate::catalog::{Catalog, timestamp};

/// Which feedback is listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct FeedbackFilter<'a> {
    /// Only what stands so.
    pub state: Option<FeedbackState>,
    /// Only of this answer.
    pub answer: Option<&'a str>,
}

/// A pair to be taken in.
#[derive(Debug, Clone)]
pub struct ImportedFeedback {
    /// The pair.
    pub feedback: Feedback,
    /// Documents whose text it holds.
    pub documents: Vec<String>,
}

/// How much feedback there is in each state.
pub type StateCounts = HashMap<FeedbackState, u64>;

const COLUMNS: &str = "id, answer_id, source, state, question, answer, opinion, edited, context, \
     created_at, updated_at";

impl Catalog {
    /// Stores feedback on an answer, and the documents whose text it holds. False where the answer is
    /// gone: then nothing is stored, since nothing would delete it with its documents.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_feedback(&self, feedback: &Feedback) -> Result<bool> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM answers WHERE id = $1")
            .bind(&feedback.answer_id)
            .fetch_optional(&mut *transaction)
            .await?;
        if found.is_none() {
            return Ok(false);
        }
        insert(&mut transaction, feedback, &feedback.documents()).await?;
        sqlx::query(
            "INSERT INTO feedback_documents (feedback_id, document_id) \
             SELECT $1, document_id FROM answer_documents WHERE answer_id = $2 \
             ON CONFLICT DO NOTHING",
        )
        .bind(&feedback.id)
        .bind(&feedback.answer_id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Takes in pairs, all or none; those whose content is there already are left out. Returns how
    /// many were new.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn import_feedback(&self, pairs: &[ImportedFeedback]) -> Result<usize> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut added = 0;
        for pair in pairs {
            let hash = pair.feedback.content_hash();
            let known: Option<i64> =
                sqlx::query_scalar("SELECT 1 FROM feedback WHERE content_hash = $1 LIMIT 1")
                    .bind(&hash)
                    .fetch_optional(&mut *transaction)
                    .await?;
            if known.is_none() {
                insert(&mut transaction, &pair.feedback, &pair.documents).await?;
                added += 1;
            }
        }
        transaction.commit().await?;
        Ok(added)
    }

    /// One piece of feedback.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn feedback(&self, id: &str) -> Result<Option<Feedback>> {
        let mut connection = self.pool.acquire().await?;
        load(&mut connection, id).await
    }

    /// Ids that begin with `start`, at most three.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn feedback_starting(&self, start: &str) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT id FROM feedback WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 3",
        )
        .bind(start)
        .bind(format!("{start}~"))
        .fetch_all(&self.pool)
        .await?)
    }

    /// Feedback, newest first, without its history: at most `limit`, and those after `after`
    /// ([`Feedback::key`]) in that order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn feedback_list(
        &self,
        filter: FeedbackFilter<'_>,
        limit: usize,
        after: Option<(i64, &str)>,
    ) -> Result<Vec<Feedback>> {
        let mut query =
            QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM feedback WHERE id <> ''"));
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state.as_str());
        }
        if let Some(answer) = filter.answer {
            query.push(" AND answer_id = ").push_bind(answer.to_owned());
        }
        if let Some((created_at, id)) = after {
            query
                .push(" AND (created_at, id) < (")
                .push_bind(created_at)
                .push(", ")
                .push_bind(id.to_owned())
                .push(")");
        }
        query
            .push(" ORDER BY created_at DESC, id DESC LIMIT ")
            .push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(feedback).collect()
    }

    /// The last that was said of each of these answers and not taken back, by answer.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn feedback_on_answers(
        &self,
        answers: &[String],
    ) -> Result<HashMap<String, Feedback>> {
        let mut found = HashMap::new();
        // SQLite binds a limited number of values at once.
        for part in answers.chunks(500) {
            let mut query = QueryBuilder::<Sqlite>::new(format!(
                "SELECT {COLUMNS} FROM feedback WHERE state <> 'withdrawn' AND answer_id IN ("
            ));
            let mut ids = query.separated(", ");
            for id in part {
                ids.push_bind(id.clone());
            }
            query.push(") ORDER BY created_at, id");
            for row in query.build().fetch_all(&self.pool).await? {
                let feedback = feedback(&row)?;
                if let Some(answer) = &feedback.answer_id {
                    found.insert(answer.clone(), feedback);
                }
            }
        }
        Ok(found)
    }

    /// How much feedback there is in each state.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_feedback(&self) -> Result<StateCounts> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, COUNT(*) FROM feedback GROUP BY state")
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter()
            .map(|(state, count)| Ok((from_name(&state)?, count as u64)))
            .collect()
    }

    /// Changes feedback in one transaction: `change` is given it as it is, and says what was done.
    /// `None` where there is none of this id.
    ///
    /// # Errors
    /// What `change` fails with, and where the database refuses; nothing is changed then.
    pub async fn change_feedback(
        &self,
        id: &str,
        change: impl FnOnce(&mut Feedback) -> Result<Vec<FeedbackChange>>,
    ) -> Result<Option<Feedback>> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let Some(mut feedback) = load(&mut transaction, id).await? else {
            return Ok(None);
        };
        let steps = change(&mut feedback)?;
        let Some(last) = steps.last() else {
            return Ok(Some(feedback));
        };
        feedback.updated_at.clone_from(&last.at);
        sqlx::query(
            "UPDATE feedback SET state = $2, opinion = $3, edited = $4, content_hash = $5, \
             updated_at = $6 WHERE id = $1",
        )
        .bind(id)
        .bind(feedback.state.as_str())
        .bind(serde_json::to_string(&feedback.opinion)?)
        .bind(&feedback.edited)
        .bind(feedback.content_hash())
        .bind(milliseconds(&feedback.updated_at))
        .execute(&mut *transaction)
        .await?;
        for step in steps {
            feedback.history.push(step);
            record(&mut transaction, &feedback, feedback.history.len()).await?;
        }
        transaction.commit().await?;
        Ok(Some(feedback))
    }

    /// Deletes feedback with all that it holds of documents. False where there is none.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn delete_feedback(&self, id: &str) -> Result<bool> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        // The response that it was given with says the same.
        sqlx::query("DELETE FROM idempotency_keys WHERE resource = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        let deleted = sqlx::query("DELETE FROM feedback WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.forget_log().await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Deletes what holds text of a document that is about to go.
pub(in crate::catalog) async fn delete_of_document(
    connection: &mut SqliteConnection,
    document: &str,
) -> Result<()> {
    for (table, id) in [("idempotency_keys", "resource"), ("feedback", "id")] {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "DELETE FROM {table} WHERE {id} IN \
             (SELECT feedback_id FROM feedback_documents WHERE document_id = $1)"
        )))
        .bind(document)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    feedback: &Feedback,
    documents: &[String],
) -> Result<()> {
    sqlx::query(
        "INSERT INTO feedback (id, answer_id, source, state, question, answer, opinion, edited, \
         context, content_hash, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&feedback.id)
    .bind(&feedback.answer_id)
    .bind(name_of(feedback.source)?)
    .bind(feedback.state.as_str())
    .bind(&feedback.question)
    .bind(&feedback.answer)
    .bind(serde_json::to_string(&feedback.opinion)?)
    .bind(&feedback.edited)
    .bind(serde_json::to_string(&feedback.context)?)
    .bind(feedback.content_hash())
    .bind(milliseconds(&feedback.created_at))
    .bind(milliseconds(&feedback.updated_at))
    .execute(&mut *connection)
    .await?;
    for position in 1..=feedback.history.len() {
        record(connection, feedback, position).await?;
    }
    for document in documents {
        sqlx::query(
            "INSERT INTO feedback_documents (feedback_id, document_id) VALUES ($1, $2) \
             ON CONFLICT DO NOTHING",
        )
        .bind(&feedback.id)
        .bind(document)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes the step at `position`, from 1, of the history.
async fn record(
    connection: &mut SqliteConnection,
    feedback: &Feedback,
    position: usize,
) -> Result<()> {
    let step = &feedback.history[position - 1];
    sqlx::query(
        "INSERT INTO feedback_history (feedback_id, position, at, done_by, action, note) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&feedback.id)
    .bind(position as i64)
    .bind(milliseconds(&step.at))
    .bind(&step.by)
    .bind(step.action.as_str())
    .bind(&step.note)
    .execute(connection)
    .await?;
    Ok(())
}

async fn load(connection: &mut SqliteConnection, id: &str) -> Result<Option<Feedback>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM feedback WHERE id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(mut found) = row.as_ref().map(feedback).transpose()? else {
        return Ok(None);
    };
    let steps = sqlx::query(
        "SELECT at, done_by, action, note FROM feedback_history WHERE feedback_id = $1 \
         ORDER BY position",
    )
    .bind(id)
    .fetch_all(connection)
    .await?;
    for step in steps {
        found.history.push(FeedbackChange {
            at: timestamp(step.try_get("at")?),
            by: step.try_get("done_by")?,
            action: from_name(step.try_get("action")?)?,
            note: step.try_get("note")?,
        });
    }
    Ok(Some(found))
}

fn feedback(row: &SqliteRow) -> Result<Feedback> {
    Ok(Feedback {
        id: row.try_get("id")?,
        answer_id: row.try_get("answer_id")?,
        source: from_name(row.try_get("source")?)?,
        state: from_name(row.try_get("state")?)?,
        question: row.try_get("question")?,
        answer: row.try_get("answer")?,
        opinion: serde_json::from_str(row.try_get("opinion")?)?,
        edited: row.try_get("edited")?,
        context: serde_json::from_str(row.try_get("context")?)?,
        created_at: timestamp(row.try_get("created_at")?),
        updated_at: timestamp(row.try_get("updated_at")?),
        history: Vec::new(),
    })
}

/// RFC 3339 as milliseconds since 1970.
pub(super) fn milliseconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>()
        .unwrap_or_default()
        .as_millisecond()
}

fn name_of<T: Serialize>(value: T) -> Result<String> {
    let name = serde_json::to_value(value)?;
    Ok(name.as_str().unwrap_or_default().to_owned())
}

fn from_name<T: DeserializeOwned>(name: &str) -> Result<T> {
    Ok(serde_json::from_value(name.into())?)
}
