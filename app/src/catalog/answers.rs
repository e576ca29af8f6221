//! Answers as they were given. One goes when a document goes whose text it holds.

use anyhow::Result;
use generation::{Answer, Origin, Outcome, Trace};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use utoipa::ToSchema;

use super::{Catalog, Provenance, now, timestamp};

/// An answer that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StoredAnswer {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// When it was given, RFC 3339.
    pub created_at: String,
    /// How it came about; `None` where an older version stored it.
    #[schema(required, value_type = Option<Object>)]
    pub trace: Option<Trace>,
    /// What it depends on; `None` where an older version stored it.
    #[schema(required, value_type = Option<Object>)]
    pub provenance: Option<Provenance>,
}

/// An answer as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerSummary {
    /// Its id.
    pub id: String,
    /// When it was given, RFC 3339.
    pub created_at: String,
    /// The question as asked.
    pub question: String,
    /// The conversation that it belongs to.
    #[schema(required)]
    pub conversation: Option<String>,
    /// Answered or not.
    pub outcome: Outcome,
    /// How the words came about.
    pub origin: Origin,
    /// Which model answered.
    pub model: String,
    /// Number of quotes.
    pub citations: usize,
    /// True where it can be made again.
    pub replayable: bool,
}

impl StoredAnswer {
    /// Where it stands in lists: when it was given, in milliseconds since 1970, and its id.
    pub fn key(&self) -> (i64, String) {
        let created_at: jiff::Timestamp = self.created_at.parse().unwrap_or_default();
        (created_at.as_millisecond(), self.answer.id.clone())
    }
}

const COLUMNS: &str = "id, answer, trace, provenance, created_at";

impl Catalog {
    /// Stores an answer with the documents whose text it or its evidence holds. False where one of
    /// these has been deleted meanwhile: then nothing is stored, since nothing would delete it.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_answer(
        &self,
        answer: &Answer,
        trace: &Trace,
        provenance: &Provenance,
        documents: &[String],
    ) -> Result<bool> {
        // Taken at once, so that no document goes between the look and the writing.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for document in documents {
            let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM documents WHERE id = $1")
                .bind(document)
                .fetch_optional(&mut *transaction)
                .await?;
            if found.is_none() {
                return Ok(false);
            }
        }
        sqlx::query(
            "INSERT INTO answers (id, question, answer, trace, provenance, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&answer.id)
        .bind(&answer.question)
        .bind(serde_json::to_string(answer)?)
        .bind(serde_json::to_string(trace)?)
        .bind(serde_json::to_string(provenance)?)
        .bind(now())
        .execute(&mut *transaction)
        .await?;
        for document in documents {
            sqlx::query(
                "INSERT INTO answer_documents (answer_id, document_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(&answer.id)
            .bind(document)
            .execute(&mut *transaction)
            .await?;
        }
        super::conversations::add_turn(&mut transaction, answer).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// An answer that was given.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn answer(&self, id: &str) -> Result<Option<Answer>> {
        let stored = self.stored_answer(id).await?;
        Ok(stored.map(|stored| stored.answer))
    }

    /// An answer with what it takes to make it again.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn stored_answer(&self, id: &str) -> Result<Option<StoredAnswer>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM answers WHERE id = $1"
        )))
        .bind(id)
        .fetch_optional(&self.pool)
        .await?
        .as_ref()
        .map(stored)
        .transpose()
    }

    /// Answers, newest first: at most `limit`, those after `after` ([`StoredAnswer::key`]) in that
    /// order, and only those of a conversation where one is given.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn answers(
        &self,
        limit: usize,
        after: Option<(i64, &str)>,
        conversation: Option<&str>,
    ) -> Result<Vec<StoredAnswer>> {
        let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM answers"));
        let mut joiner = " WHERE ";
        if let Some((created_at, id)) = after {
            query
                .push(joiner)
                .push("(created_at, id) < (")
                .push_bind(created_at)
                .push(", ")
                .push_bind(id.to_owned())
                .push(")");
            joiner = " AND ";
        }
        if let Some(conversation) = conversation {
            // As `serde_json` writes it; ids are plain.
            query
                .push(joiner)
                .push("answer LIKE ")
                .push_bind(format!("%\"conversation\":\"{conversation}\"%"));
        }
        query
            .push(" ORDER BY created_at DESC, id DESC LIMIT ")
            .push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut found: Vec<StoredAnswer> = query
            .build()
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(stored)
            .collect::<Result<_>>()?;
        if conversation.is_some() {
            found.retain(|stored| stored.answer.conversation.as_deref() == conversation);
        }
        Ok(found)
    }

    /// Ids that begin with `start`, at most three.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn answers_starting(&self, start: &str) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT id FROM answers WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 3",
        )
        .bind(start)
        .bind(format!("{start}~"))
        .fetch_all(&self.pool)
        .await?)
    }

    /// Deletes an answer with all that it holds of documents. False where there is none.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn delete_answer(&self, id: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM answers WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        self.forget_log().await?;
        Ok(deleted.rows_affected() > 0)
    }
}

impl From<&StoredAnswer> for AnswerSummary {
    fn from(stored: &StoredAnswer) -> Self {
        let answer = &stored.answer;
        Self {
            id: answer.id.clone(),
            created_at: stored.created_at.clone(),
            question: answer.question.clone(),
            conversation: answer.conversation.clone(),
            outcome: answer.outcome,
            origin: answer.origin,
            model: answer.model.id.clone(),
            citations: answer.citations.len(),
            replayable: stored.trace.is_some() && stored.provenance.is_some(),
        }
    }
}

fn stored(row: &SqliteRow) -> Result<StoredAnswer> {
    // What another version wrote and this one cannot read is as good as not there.
    let trace: Option<&str> = row.try_get("trace")?;
    let provenance: Option<&str> = row.try_get("provenance")?;
    Ok(StoredAnswer {
        answer: serde_json::from_str(row.try_get("answer")?)?,
        created_at: timestamp(row.try_get("created_at")?),
        trace: trace.and_then(|json| serde_json::from_str(json).ok()),
        provenance: provenance.and_then(|json| serde_json::from_str(json).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(id: &str, conversation: Option<&str>) -> Answer {
        serde_json::from_value(json!({
            "id": id, "question": "Why?", "outcome": "answered", "answer": "So.",
            "sentences": [], "citations": [], "conversation": conversation, "confidence": null,
            "model": {"id": "m", "adapter": null}, "index": {"embedder": "e", "revision": 1},
            "seed": null, "usage": {"prompt_tokens": 0, "completion_tokens": 0},
            "timings_ms": {"retrieve": null, "rerank": null, "prefill": null, "first_token": null, "total": null}
        }))
        .unwrap()
    }

    async fn add(catalog: &Catalog, answer: &Answer, documents: &[&str]) -> bool {
        let documents: Vec<String> = documents.iter().map(|id| (*id).to_owned()).collect();
        let (trace, provenance) = (Trace::default(), Provenance::default());
        catalog
            .add_answer(answer, &trace, &provenance, &documents)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_answer_of_a_deleted_document_is_not_stored() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("c.sqlite"))
            .await
            .unwrap();
        // As where the document is deleted while the model still writes.
        assert!(!add(&catalog, &answer("1", None), &["gone"]).await);
        assert_eq!(catalog.answer("1").await.unwrap(), None);
        assert!(add(&catalog, &answer("1", None), &[]).await);
        let stored = catalog.stored_answer("1").await.unwrap().unwrap();
        assert_eq!(stored.trace, Some(Trace::default()));
        assert!(AnswerSummary::from(&stored).replayable);
    }

    #[tokio::test]
    async fn lists_go_on_where_they_ended_and_keep_conversations_apart() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("c.sqlite"))
            .await
            .unwrap();
        for id in ["c", "cc"] {
            let made = catalog.add_conversation(id, "Why?", None, &[]).await;
            made.unwrap();
        }
        for (id, conversation) in [
            ("a1", Some("c")),
            ("a2", None),
            ("a3", Some("cc")),
            ("a4", Some("c")),
        ] {
            assert!(add(&catalog, &answer(id, conversation), &[]).await);
        }
        let ids = async |limit, after: Option<&str>, conversation| -> Vec<String> {
            let key = match after {
                Some(id) => Some(catalog.stored_answer(id).await.unwrap().unwrap().key()),
                None => None,
            };
            let after = key.as_ref().map(|(time, id)| (*time, id.as_str()));
            let found = catalog.answers(limit, after, conversation).await.unwrap();
            found.into_iter().map(|stored| stored.answer.id).collect()
        };
        assert_eq!(ids(2, None, None).await, ["a4", "a3"]);
        assert_eq!(ids(2, Some("a3"), None).await, ["a2", "a1"]);
        assert_eq!(ids(9, None, Some("c")).await, ["a4", "a1"]);
        assert_eq!(ids(9, None, Some("%")).await, [] as [&str; 0]);
        assert_eq!(catalog.answers_starting("a").await.unwrap().len(), 3);
        let (time, id) = catalog.stored_answer("a3").await.unwrap().unwrap().key();
        assert!(catalog.delete_answer("a3").await.unwrap());
        assert!(!catalog.delete_answer("a3").await.unwrap());
        // A list goes on although the answer that it stopped at is gone.
        let rest = catalog.answers(9, Some((time, &id)), None).await.unwrap();
        assert_eq!(rest.len(), 2);
    }
}
