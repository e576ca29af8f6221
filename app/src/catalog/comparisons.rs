//! Two models beside each other: what each answered, and which answer people preferred.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Sqlite, Transaction};
use utoipa::ToSchema;

use super::{Catalog, now, timestamp};

/// Which of two models' answers was better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preferred {
    /// The first model's.
    First,
    /// The second model's.
    Second,
    /// Neither.
    Tie,
}

/// A comparison of two models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComparisonRecord {
    /// Its id.
    pub id: String,
    /// The two: ids of adapters, or `base`.
    pub models: [String; 2],
    /// The dataset whose test questions they were asked.
    pub dataset: String,
    /// Questions that both are to be asked.
    pub wanted: usize,
    /// Questions that both answered in the same words: nobody is asked about these.
    pub same: usize,
    /// True when all were asked.
    pub finished: bool,
    /// Why not all were.
    #[schema(required)]
    pub failed: Option<String>,
    /// When it was begun, RFC 3339.
    pub created_at: String,
}

/// A question with what both models answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// From 1.
    pub position: u32,
    /// What was asked.
    pub question: String,
    /// What should be said, as the dataset has it.
    pub expected: String,
    /// The numbered notes that both were given.
    pub notes: Vec<String>,
    /// What the first model answered, and what the second.
    pub answers: [String; 2],
    /// True where the second model's is shown first.
    pub swapped: bool,
    /// What somebody preferred.
    pub vote: Option<Preferred>,
}

#[derive(FromRow)]
struct ComparisonRow {
    id: String,
    models: String,
    dataset: String,
    wanted: i64,
    same: i64,
    finished: bool,
    failed: Option<String>,
    created_at: i64,
}

impl ComparisonRow {
    fn record(self) -> Result<ComparisonRecord> {
        Ok(ComparisonRecord {
            models: serde_json::from_str(&self.models).context("the catalog is damaged")?,
            id: self.id,
            dataset: self.dataset,
            wanted: usize::try_from(self.wanted).unwrap_or_default(),
            same: usize::try_from(self.same).unwrap_or_default(),
            finished: self.finished,
            failed: self.failed,
            created_at: timestamp(self.created_at),
        })
    }
}

#[derive(FromRow)]
struct PairRow {
    position: i64,
    question: String,
    expected: String,
    notes: String,
    answers: String,
    swapped: bool,
    vote: Option<String>,
}

impl PairRow {
    fn pair(self) -> Result<Pair> {
        let vote = self.vote.map(|vote| match vote.as_str() {
            "first" => Preferred::First,
            "second" => Preferred::Second,
            _ => Preferred::Tie,
        });
        Ok(Pair {
            position: u32::try_from(self.position)?,
            question: self.question,
            expected: self.expected,
            notes: serde_json::from_str(&self.notes).context("the catalog is damaged")?,
            answers: serde_json::from_str(&self.answers).context("the catalog is damaged")?,
            swapped: self.swapped,
            vote,
        })
    }
}

impl Catalog {
    /// Begins a comparison.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_comparison(
        &self,
        id: &str,
        models: &[String; 2],
        dataset: &str,
        wanted: usize,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO comparisons (id, models, dataset, wanted, same, finished, created_at) \
             VALUES ($1, $2, $3, $4, 0, 0, $5)",
        )
        .bind(id)
        .bind(serde_json::to_string(models)?)
        .bind(dataset)
        .bind(i64::try_from(wanted)?)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Adds a pair to a comparison, with the documents of the library whose text it holds. Where one of
    /// them is gone by now the pair is not kept.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_pair(
        &self,
        comparison: &str,
        pair: &Pair,
        documents: &[String],
    ) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO comparison_pairs \
             (comparison, position, question, expected, notes, answers, swapped) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(comparison)
        .bind(pair.position)
        .bind(&pair.question)
        .bind(&pair.expected)
        .bind(serde_json::to_string(&pair.notes)?)
        .bind(serde_json::to_string(&pair.answers)?)
        .bind(pair.swapped)
        .execute(&mut *transaction)
        .await?;
        for document in documents {
            let there = sqlx::query(
                "INSERT INTO comparison_documents (comparison, position, document_id) \
                 SELECT $1, $2, id FROM documents WHERE id = $3",
            )
            .bind(comparison)
            .bind(pair.position)
            .bind(document)
            .execute(&mut *transaction)
            .await?;
            if there.rows_affected() == 0 {
                // Dropped, the transaction is undone.
                return Ok(());
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Counts a question that both answered in the same words.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn add_same(&self, comparison: &str) -> Result<()> {
        sqlx::query("UPDATE comparisons SET same = same + 1 WHERE id = $1")
            .bind(comparison)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Notes that all questions were asked, or why not.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn end_comparison(&self, id: &str, failed: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE comparisons SET finished = $2, failed = $3 WHERE id = $1")
            .bind(id)
            .bind(failed.is_none())
            .bind(failed)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Comparisons, newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn comparisons(&self) -> Result<Vec<ComparisonRecord>> {
        let rows: Vec<ComparisonRow> = sqlx::query_as(
            "SELECT id, models, dataset, wanted, same, finished, failed, created_at \
             FROM comparisons ORDER BY created_at DESC, id DESC",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(ComparisonRow::record).collect()
    }

    /// The pairs of a comparison, in order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn pairs(&self, comparison: &str) -> Result<Vec<Pair>> {
        let rows: Vec<PairRow> = sqlx::query_as(
            "SELECT position, question, expected, notes, answers, swapped, vote \
             FROM comparison_pairs WHERE comparison = $1 ORDER BY position",
        )
        .bind(comparison)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(PairRow::pair).collect()
    }

    /// Records a vote, in place of one that was given before. False where there is no such pair.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn vote(
        &self,
        comparison: &str,
        position: u32,
        vote: Preferred,
        by: &str,
    ) -> Result<bool> {
        let vote = match vote {
            Preferred::First => "first",
            Preferred::Second => "second",
            Preferred::Tie => "tie",
        };
        let voted = sqlx::query(
            "UPDATE comparison_pairs SET vote = $3, voted_by = $4, voted_at = $5 \
             WHERE comparison = $1 AND position = $2",
        )
        .bind(comparison)
        .bind(position)
        .bind(vote)
        .bind(by)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(voted.rows_affected() > 0)
    }

    /// Deletes a comparison with its votes. False where there is none.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn delete_comparison(&self, id: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM comparisons WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        self.forget_log().await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Deletes the pairs that hold text of a document.
pub(super) async fn delete_of_document(
    transaction: &mut Transaction<'_, Sqlite>,
    document_id: &str,
) -> Result<()> {
    sqlx::query(
        "DELETE FROM comparison_pairs WHERE (comparison, position) IN \
         (SELECT comparison, position FROM comparison_documents WHERE document_id = $1)",
    )
    .bind(document_id)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
