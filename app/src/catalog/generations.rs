//! Generations of the indexes: which set answers, which one is being built, and whose chunks
//! each of them holds.
//!
//! A generation is built for an [`IndexSpec`]. The chunks of a document are rows tagged with the
//! cut that they come from, so that the rows of the generation that answers stay while those of the
//! next one are made. [`Catalog::switch_generation`] is one transaction: before it the old one
//! answers, after it the new one.

use anyhow::{Context, Result};
use ingest::Chunk;
use ingest::chunk::ChunkConfig;
use retrieval::embed::VectorSpace;
use serde::{Deserialize, Serialize};
use sqlx::{Sqlite, Transaction};

use super::Catalog;

/// Rows deleted in one transaction, so that nobody waits long for the database.
const ROWS_AT_ONCE: i64 = 500;

/// What a generation of indexes is built for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSpec {
    /// The embedder's id.
    pub embedder: String,
    /// The version of its vectors.
    pub revision: String,
    /// Length of a vector.
    pub dimension: usize,
    /// Longest chunk, in the embedder's tokens.
    pub max_tokens: usize,
    /// Tokens that neighbouring chunks share.
    pub overlap_tokens: usize,
    /// Version of how documents are cut.
    pub cutter: u32,
    /// Version of how words are analysed.
    pub analysis: String,
}

impl IndexSpec {
    /// What its vectors can be compared with.
    pub fn space(&self) -> VectorSpace {
        VectorSpace {
            id: self.embedder.clone(),
            revision: self.revision.clone(),
            dimension: self.dimension,
        }
    }

    /// How long its chunks are.
    pub fn chunk(&self) -> ChunkConfig {
        ChunkConfig {
            max_tokens: self.max_tokens,
            overlap_tokens: self.overlap_tokens,
        }
    }

    /// True where both cut a document in the same places: tokens are counted by the embedder.
    pub fn cuts_like(&self, other: &IndexSpec) -> bool {
        let cut = |spec: &IndexSpec| {
            (
                spec.embedder.clone(),
                spec.max_tokens,
                spec.overlap_tokens,
                spec.cutter,
            )
        };
        cut(self) == cut(other)
    }
}

/// A set of indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number, never used twice.
    pub id: i64,
    /// What it is built for.
    pub spec: IndexSpec,
    /// Tag of the chunks that it holds.
    pub chunking: i64,
}

/// What a generation is there for. There is at most one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationState {
    /// It answers.
    Active,
    /// It is being built.
    Building,
}

impl GenerationState {
    fn as_str(self) -> &'static str {
        match self {
            GenerationState::Active => "active",
            GenerationState::Building => "building",
        }
    }
}

impl Catalog {
    /// The generation in that state, where there is one.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn generation(&self, state: GenerationState) -> Result<Option<Generation>> {
        let row: Option<(i64, String, i64)> =
            sqlx::query_as("SELECT id, spec, chunking FROM index_generations WHERE state = $1")
                .bind(state.as_str())
                .fetch_optional(&self.pool)
                .await?;
        let Some((id, spec, chunking)) = row else {
            return Ok(None);
        };
        Ok(Some(Generation {
            id,
            spec: serde_json::from_str(&spec).context("reading what the indexes are built for")?,
            chunking,
        }))
    }

    /// Takes down a new generation, in the place of one that was in that state. It holds the
    /// chunks of `chunking`, or of a cut of its own.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn begin_generation(
        &self,
        state: GenerationState,
        spec: &IndexSpec,
        chunking: Option<i64>,
    ) -> Result<Generation> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM index_generations WHERE state = $1")
            .bind(state.as_str())
            .execute(&mut *transaction)
            .await?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO index_generations (state, spec, chunking) VALUES ($1, $2, $3) RETURNING id",
        )
        .bind(state.as_str())
        .bind(serde_json::to_string(spec)?)
        .bind(chunking.unwrap_or_default())
        .fetch_one(&mut *transaction)
        .await?;
        let chunking = chunking.unwrap_or(id);
        sqlx::query("UPDATE index_generations SET chunking = $1 WHERE id = $2")
            .bind(chunking)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Generation {
            id,
            spec: spec.clone(),
            chunking,
        })
    }

    /// Lets the generation that was being built answer from now on. The old one's row is gone
    /// then; [`sweep_chunks`](Self::sweep_chunks) deletes its chunks.
    ///
    /// # Errors
    /// Where the database refuses; the old one answers on then.
    pub async fn switch_generation(&self, next: &Generation) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM index_generations WHERE state = 'active'")
            .execute(&mut *transaction)
            .await?;
        let switched = sqlx::query(
            "UPDATE index_generations SET state = 'active' WHERE id = $1 AND state = 'building'",
        )
        .bind(next.id)
        .execute(&mut *transaction)
        .await?;
        anyhow::ensure!(
            switched.rows_affected() == 1,
            "the generation {} of the indexes is not being built",
            next.id
        );
        sqlx::query(
            "UPDATE documents SET chunks = (SELECT COUNT(*) FROM chunks c \
             WHERE c.document_id = documents.id AND c.chunking = $1)",
        )
        .bind(next.chunking)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets a generation that was being built.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn drop_building(&self) -> Result<()> {
        sqlx::query("DELETE FROM index_generations WHERE state = 'building'")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Deletes the chunks that belong to no generation, a few at a time.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn sweep_chunks(&self) -> Result<()> {
        loop {
            let swept = sqlx::query(
                "DELETE FROM chunks WHERE id IN (SELECT id FROM chunks \
                 WHERE chunking NOT IN (SELECT chunking FROM index_generations) \
                 AND EXISTS (SELECT 1 FROM index_generations WHERE state = 'active') LIMIT $1)",
            )
            .bind(ROWS_AT_ONCE)
            .execute(&self.pool)
            .await?;
            if swept.rows_affected() == 0 {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }

    /// Cuts a document anew for a generation, unless it has changed since `sequence`: then another
    /// change tells of it. False where it has.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn recut(
        &self,
        sequence: u64,
        document_id: &str,
        chunking: i64,
        chunks: &[Chunk],
    ) -> Result<bool> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let current: Option<i64> = sqlx::query_scalar(
            "SELECT s.sequence FROM changes s JOIN documents d ON d.id = s.document_id \
             WHERE s.document_id = $1",
        )
        .bind(document_id)
        .fetch_optional(&mut *transaction)
        .await?;
        if current != Some(sequence as i64) {
            return Ok(false);
        }
        sqlx::query("DELETE FROM chunks WHERE document_id = $1 AND chunking = $2")
            .bind(document_id)
            .bind(chunking)
            .execute(&mut *transaction)
            .await?;
        add_chunks(&mut transaction, document_id, chunking, chunks).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// True where a document has chunks of that cut.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn is_cut(&self, document_id: &str, chunking: i64) -> Result<bool> {
        let row: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM chunks WHERE document_id = $1 AND chunking = $2 LIMIT 1",
        )
        .bind(document_id)
        .bind(chunking)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    /// Number of chunks of a cut, of documents whose last change is `up_to` or before.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_chunks_up_to(&self, chunking: i64, up_to: u64) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM chunks c JOIN changes s ON s.document_id = c.document_id \
             WHERE c.chunking = $1 AND s.sequence <= $2",
        )
        .bind(chunking)
        .bind(i64::try_from(up_to).unwrap_or(i64::MAX))
        .fetch_one(&self.pool)
        .await?;
        Ok(count as u64)
    }

    /// Hash of the texts that a document's vectors were computed from.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn embedded(&self, generation: i64, document_id: &str) -> Result<Option<Vec<u8>>> {
        Ok(sqlx::query_scalar(
            "SELECT digest FROM embedded WHERE generation = $1 AND document_id = $2",
        )
        .bind(generation)
        .bind(document_id)
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Takes down what documents' vectors were computed from. Those that are gone are left out.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn set_embedded(&self, generation: i64, digests: &[(String, Vec<u8>)]) -> Result<()> {
        if digests.is_empty() {
            return Ok(());
        }
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (document_id, digest) in digests {
            sqlx::query(
                "INSERT OR REPLACE INTO embedded (generation, document_id, digest) \
                 SELECT g.id, d.id, $3 FROM index_generations g, documents d \
                 WHERE g.id = $1 AND d.id = $2",
            )
            .bind(generation)
            .bind(document_id)
            .bind(digest)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Tag of the chunks of the generation that answers.
pub(super) async fn active_chunking(transaction: &mut Transaction<'_, Sqlite>) -> Result<i64> {
    let chunking: Option<i64> =
        sqlx::query_scalar("SELECT chunking FROM index_generations WHERE state = 'active'")
            .fetch_optional(&mut **transaction)
            .await?;
    Ok(chunking.unwrap_or_default())
}

/// Adds the chunks of a document.
pub(super) async fn add_chunks(
    transaction: &mut Transaction<'_, Sqlite>,
    document_id: &str,
    chunking: i64,
    chunks: &[Chunk],
) -> Result<()> {
    for chunk in chunks {
        sqlx::query(
            "INSERT INTO chunks (document_id, chunking, position, span_start, span_end, \
             first_page, last_page, section, tokens, text) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(document_id)
        .bind(chunking)
        .bind(i64::from(chunk.index))
        .bind(chunk.start as i64)
        .bind(chunk.end as i64)
        .bind(i64::from(chunk.first_page))
        .bind(i64::from(chunk.last_page))
        .bind(&chunk.section)
        .bind(i64::from(chunk.tokens))
        .bind(&chunk.text)
        .execute(&mut **transaction)
        .await
        .context("adding a chunk")?;
    }
    Ok(())
}
