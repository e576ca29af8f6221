//! Conversations and their turns. A turn is a question that a person typed and the id of its
//! answer; the answer itself is in `answers` and goes with the documents that it quotes, the
//! question stays.

use anyhow::Result;
use generation::Answer;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use utoipa::ToSchema;

use super::{Catalog, now, timestamp};
use crate::error::{Fault, Problem};

/// Longest title made of a question, in characters.
const TITLE_CHARACTERS: usize = 120;

/// A conversation without its turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// A name that a person gave, or the first question; empty before there is one.
    pub title: String,
    /// Questions are asked of this collection only.
    #[schema(required)]
    pub collection: Option<String>,
    /// Questions are asked of the documents with these ids only, where there are any.
    pub documents: Vec<String>,
    /// How many questions were asked.
    pub turns: u64,
    /// When it began, RFC 3339.
    pub created_at: String,
    /// When its last question was asked, RFC 3339.
    pub updated_at: String,
}

/// Why a turn has no answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deleted {
    /// A document that it quoted was deleted, and the answer with it.
    WithItsSource,
    /// The answer alone was deleted.
    ByHand,
}

/// A question of a conversation and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// Place in the conversation, from 1.
    pub position: u64,
    /// The question as typed.
    pub question: String,
    /// When it was asked, RFC 3339.
    pub asked_at: String,
    /// Id of its answer, gone or not.
    pub answer_id: String,
    /// Its answer.
    #[schema(required)]
    pub answer: Option<Answer>,
    /// Why there is no answer.
    #[schema(required)]
    pub deleted: Option<Deleted>,
}

const COLUMNS: &str = "id, title, collection, documents, created_at, updated_at, \
     (SELECT COUNT(*) FROM turns t WHERE t.conversation_id = c.id) AS turns";

/// Lists leave out what nothing was asked in yet.
const ASKED: &str = "EXISTS (SELECT 1 FROM turns t WHERE t.conversation_id = c.id)";

impl Catalog {
    /// Makes a conversation, and leaves one that is there as it is.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_conversation(
        &self,
        id: &str,
        title: &str,
        collection: Option<&str>,
        documents: &[String],
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO conversations (id, title, collection, documents, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(title)
        .bind(collection)
        .bind(serde_json::to_string(documents)?)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Asks what follows of other documents, or of other collections.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn rescope_conversation(
        &self,
        id: &str,
        collection: Option<&str>,
        documents: &[String],
    ) -> Result<()> {
        sqlx::query("UPDATE conversations SET collection = $2, documents = $3 WHERE id = $1")
            .bind(id)
            .bind(collection)
            .bind(serde_json::to_string(documents)?)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// One conversation.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn conversation(&self, id: &str) -> Result<Option<Conversation>> {
        let found = self.conversations_where("id = $1", &[id], 1).await?;
        Ok(found
            .into_iter()
            .next()
            .map(|(conversation, _)| conversation))
    }

    /// Conversations whose ids begin with `start`, at most two.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn conversations_starting(&self, start: &str) -> Result<Vec<Conversation>> {
        let start = start.to_ascii_lowercase();
        let end = format!("{start}~");
        let found = self
            .conversations_where("id >= $1 AND id < $2", &[&start, &end], 2)
            .await?;
        Ok(found
            .into_iter()
            .map(|(conversation, _)| conversation)
            .collect())
    }

    /// Conversations, the one asked in last first, each with when that was: at most `limit`, those
    /// after `after` in that order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn conversations(
        &self,
        limit: usize,
        after: Option<(i64, &str)>,
    ) -> Result<Vec<(Conversation, i64)>> {
        let Some((updated_at, id)) = after else {
            return self.conversations_where(ASKED, &[], limit).await;
        };
        let condition = "EXISTS (SELECT 1 FROM turns t WHERE t.conversation_id = c.id) \
                         AND (updated_at < CAST($1 AS BIGINT) \
                         OR updated_at = CAST($1 AS BIGINT) AND id < $2)";
        self.conversations_where(condition, &[&updated_at.to_string(), id], limit)
            .await
    }

    async fn conversations_where(
        &self,
        condition: &'static str,
        values: &[&str],
        limit: usize,
    ) -> Result<Vec<(Conversation, i64)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {COLUMNS} FROM conversations c WHERE {condition} \
             ORDER BY updated_at DESC, id DESC LIMIT {limit}"
        );
        // All parts are constants of this file or numbers; values are bound.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in values {
            query = query.bind(*value);
        }
        query
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(conversation)
            .collect()
    }

    /// The last turns of a conversation, at most `limit`, oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn turns(&self, conversation: &str, limit: usize) -> Result<Vec<Turn>> {
        let mut turns: Vec<Turn> = sqlx::query(
            "SELECT t.position, t.question, t.asked_at, t.answer_id, t.lost_source, a.answer \
             FROM turns t LEFT JOIN answers a ON a.id = t.answer_id \
             WHERE t.conversation_id = $1 ORDER BY t.position DESC LIMIT $2",
        )
        .bind(conversation)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(turn)
        .collect::<Result<_>>()?;
        turns.reverse();
        Ok(turns)
    }

    /// Which documents' text answers hold.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn documents_of_answer(&self, answer: &str) -> Result<Vec<String>> {
        Ok(
            sqlx::query_scalar("SELECT document_id FROM answer_documents WHERE answer_id = $1")
                .bind(answer)
                .fetch_all(&self.pool)
                .await?,
        )
    }

    /// Gives a conversation another title. False where there is none of this id.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn rename_conversation(&self, id: &str, title: &str) -> Result<bool> {
        let renamed = sqlx::query("UPDATE conversations SET title = $2 WHERE id = $1")
            .bind(id)
            .bind(title)
            .execute(&self.pool)
            .await?;
        Ok(renamed.rows_affected() > 0)
    }

    /// Deletes a conversation with its questions and answers. False where there is none.
    ///
    /// # Errors
    /// Where the database refuses; nothing is deleted then.
    pub async fn delete_conversation(&self, id: &str) -> Result<bool> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "DELETE FROM answers WHERE id IN (SELECT answer_id FROM turns WHERE conversation_id = $1)",
        )
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        let deleted = sqlx::query("DELETE FROM conversations WHERE id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        // What was deleted is not to be found in the write-ahead log either.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.pool)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Makes an answer the next turn of its conversation, where it belongs to one.
pub(super) async fn add_turn(
    transaction: &mut Transaction<'_, Sqlite>,
    answer: &Answer,
) -> Result<()> {
    let Some(conversation) = &answer.conversation else {
        return Ok(());
    };
    let now = now();
    let found = sqlx::query(
        "UPDATE conversations SET updated_at = $2, title = CASE title WHEN '' THEN $3 ELSE title END \
         WHERE id = $1",
    )
    .bind(conversation)
    .bind(now)
    .bind(title_of(&answer.question))
    .execute(&mut **transaction)
    .await?;
    if found.rows_affected() == 0 {
        return Err(Problem::new(
            Fault::Conflict,
            "conversation_deleted",
            "the conversation was deleted before the answer was there",
            "ask again without a conversation, or begin another one",
        )
        .into());
    }
    sqlx::query(
        "INSERT INTO turns (conversation_id, position, answer_id, question, asked_at) \
         SELECT $1, COALESCE(MAX(position), 0) + 1, $2, $3, $4 FROM turns WHERE conversation_id = $1",
    )
    .bind(conversation)
    .bind(&answer.id)
    .bind(&answer.question)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Remembers of turns whose answers are about to go with a document that this is why.
pub(super) async fn lose_source(
    transaction: &mut Transaction<'_, Sqlite>,
    document: &str,
) -> Result<()> {
    sqlx::query(
        "UPDATE turns SET lost_source = TRUE WHERE answer_id IN \
         (SELECT answer_id FROM answer_documents WHERE document_id = $1)",
    )
    .bind(document)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A conversation's title: its first question, not too long.
pub(crate) fn title_of(question: &str) -> String {
    let folded = question.split_whitespace().collect::<Vec<_>>().join(" ");
    if folded.chars().count() <= TITLE_CHARACTERS {
        return folded;
    }
    let cut: String = folded.chars().take(TITLE_CHARACTERS).collect();
    let whole = cut
        .rsplit_once(' ')
        .map_or(cut.as_str(), |(words, _)| words);
    format!("{whole} …")
}

fn conversation(row: &SqliteRow) -> Result<(Conversation, i64)> {
    let updated_at: i64 = row.try_get("updated_at")?;
    Ok((
        Conversation {
            id: row.try_get("id")?,
            title: row.try_get("title")?,
            collection: row.try_get("collection")?,
            documents: serde_json::from_str(row.try_get("documents")?)?,
            turns: row.try_get::<i64, _>("turns")? as u64,
            created_at: timestamp(row.try_get("created_at")?),
            updated_at: timestamp(updated_at),
        },
        updated_at,
    ))
}

fn turn(row: &SqliteRow) -> Result<Turn> {
    let answer: Option<&str> = row.try_get("answer")?;
    let answer = answer.map(serde_json::from_str).transpose()?;
    let lost_source: bool = row.try_get("lost_source")?;
    Ok(Turn {
        position: row.try_get::<i64, _>("position")? as u64,
        question: row.try_get("question")?,
        asked_at: timestamp(row.try_get("asked_at")?),
        answer_id: row.try_get("answer_id")?,
        deleted: match (&answer, lost_source) {
            (Some(_), _) => None,
            (None, true) => Some(Deleted::WithItsSource),
            (None, false) => Some(Deleted::ByHand),
        },
        answer,
    })
}

#[cfg(test)]
mod tests {
    use super::title_of;

    #[test]
    fn long_questions_make_short_titles() {
        assert_eq!(title_of(" What is\n Raft? "), "What is Raft?");
        let title = title_of(&"word ".repeat(100));
        assert!(
            title.ends_with("word …") && title.chars().count() <= 122,
            "{title}"
        );
        assert!(title_of(&"ü".repeat(400)).chars().count() <= 122);
    }
}
