//! Answers as they were given. One goes when a document goes whose text it holds.

use anyhow::Result;
use generation::{Answer, Trace};

use super::{Catalog, now};

impl Catalog {
    /// Stores an answer with the documents whose text it or its evidence holds.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_answer(
        &self,
        answer: &Answer,
        trace: &Trace,
        documents: &[String],
    ) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO answers (id, question, answer, trace, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&answer.id)
        .bind(&answer.question)
        .bind(serde_json::to_string(answer)?)
        .bind(serde_json::to_string(trace)?)
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
        Ok(())
    }

    /// An answer that was given.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn answer(&self, id: &str) -> Result<Option<Answer>> {
        let json: Option<String> = sqlx::query_scalar("SELECT answer FROM answers WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(json.map(|json| serde_json::from_str(&json)).transpose()?)
    }
}
