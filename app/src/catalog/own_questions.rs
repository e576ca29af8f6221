//! The questions that a library keeps of itself, and how it answered them over time.

use anyhow::{Context, Result};

use super::{Catalog, now};
use crate::eval::own::SelfEvaluation;

/// A question that a rule made of a sentence of a document.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OwnQuestion {
    /// Chunk and place of the sentence.
    pub id: String,
    /// The document that it is of.
    pub document_id: String,
    /// Its file name.
    pub file: String,
    /// What is asked.
    pub question: String,
    /// The sentence that answers.
    pub answer: String,
}

impl Catalog {
    /// The questions that are kept, in the order in which they were made.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn own_questions(&self) -> Result<Vec<OwnQuestion>> {
        Ok(sqlx::query_as(
            "SELECT q.id, q.document_id, d.file, q.question, q.answer FROM own_questions q \
             JOIN documents d ON d.id = q.document_id ORDER BY q.created_at, q.id",
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Keeps questions; those that are kept already, or whose document is gone, are passed over.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_own_questions(&self, questions: &[OwnQuestion]) -> Result<()> {
        self.keep_own_questions(questions, false).await
    }

    /// Keeps questions in the place of those that are kept; those whose document is gone are passed
    /// over.
    ///
    /// # Errors
    /// Where the database refuses; what was kept is then kept still.
    pub async fn replace_own_questions(&self, questions: &[OwnQuestion]) -> Result<()> {
        self.keep_own_questions(questions, true).await
    }

    async fn keep_own_questions(&self, questions: &[OwnQuestion], alone: bool) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if alone {
            sqlx::query("DELETE FROM own_questions")
                .execute(&mut *transaction)
                .await?;
        }
        for one in questions {
            sqlx::query(
                "INSERT INTO own_questions (id, document_id, question, answer, created_at) \
                 SELECT $1, id, $3, $4, $5 FROM documents WHERE id = $2 ON CONFLICT DO NOTHING",
            )
            .bind(&one.id)
            .bind(&one.document_id)
            .bind(&one.question)
            .bind(&one.answer)
            .bind(now())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Records an evaluation.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_self_evaluation(&self, evaluation: &SelfEvaluation) -> Result<()> {
        sqlx::query("INSERT INTO self_evaluations (id, record, created_at) VALUES ($1, $2, $3)")
            .bind(&evaluation.id)
            .bind(serde_json::to_string(evaluation)?)
            .bind(now())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The evaluations that were made, newest first, at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn self_evaluations(&self, limit: u32) -> Result<Vec<SelfEvaluation>> {
        let records: Vec<String> = sqlx::query_scalar(
            "SELECT record FROM self_evaluations ORDER BY created_at DESC, id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let read = |record: &String| {
            serde_json::from_str(record).context("the catalog holds a damaged self-evaluation")
        };
        records.iter().map(read).collect()
    }
}
