//! From hits to passages: the text and the lines of the chunks that an index found.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use anyhow::Result;
use ingest::{Page, locate};
use retrieval::{ChunkId, Hit, Passage, PassageLine};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::Catalog;
use super::pages::{COLUMNS, page};

/// Where a chunk stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPlace {
    /// Which chunk.
    pub chunk_id: ChunkId,
    /// Its document.
    pub document_id: String,
    /// Its place among the document's chunks, from 0.
    pub position: u64,
}

impl Catalog {
    /// Which of `ids` are chunks of documents that have not changed after `up_to`: every index
    /// that is level with that change knows them as they are.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn searchable(&self, ids: &[ChunkId], up_to: u64) -> Result<HashSet<ChunkId>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT c.id FROM chunks c JOIN changes s ON s.document_id = c.document_id \
             WHERE s.sequence <= ",
        );
        query.push_bind(up_to as i64).push(" AND c.id IN (");
        push_ids(&mut query, ids);
        let found: Vec<i64> = query.build_query_scalar().fetch_all(&self.pool).await?;
        Ok(found.into_iter().map(|id| id as ChunkId).collect())
    }

    /// Where chunks stand, in the order of `ids`; those that do not exist are left out.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn chunk_places(&self, ids: &[ChunkId]) -> Result<Vec<ChunkPlace>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id, document_id, position FROM chunks WHERE id IN (",
        );
        push_ids(&mut query, ids);
        let rows: Vec<(i64, String, i64)> = query.build_query_as().fetch_all(&self.pool).await?;
        let mut places: HashMap<ChunkId, ChunkPlace> = rows
            .into_iter()
            .map(|(id, document_id, position)| {
                let place = ChunkPlace {
                    chunk_id: id as ChunkId,
                    document_id,
                    position: position as u64,
                };
                (place.chunk_id, place)
            })
            .collect();
        Ok(ids.iter().filter_map(|id| places.remove(id)).collect())
    }

    /// The chunks of a document that can be found, in order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn chunk_ids(&self, document_id: &str) -> Result<Vec<ChunkId>> {
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM chunks WHERE document_id = $1 AND chunking = \
                 COALESCE((SELECT chunking FROM index_generations WHERE state = 'active'), 0) \
                 ORDER BY position",
        )
        .bind(document_id)
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(|id| id as ChunkId).collect())
    }

    /// The texts of chunks, in the order of `ids`; those that do not exist are left out.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn chunk_texts(&self, ids: &[ChunkId]) -> Result<Vec<String>> {
        let mut texts = self.texts_of(ids).await?;
        Ok(ids.iter().filter_map(|id| texts.remove(id)).collect())
    }

    /// The text of each of `ids` that exists.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn texts_of(&self, ids: &[ChunkId]) -> Result<HashMap<ChunkId, String>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id, text FROM chunks WHERE id IN (");
        push_ids(&mut query, ids);
        let rows: Vec<(i64, String)> = query.build_query_as().fetch_all(&self.pool).await?;
        Ok(rows
            .into_iter()
            .map(|(id, text)| (id as ChunkId, text))
            .collect())
    }

    /// The bytes of a chunk on one page of its document, counted in the page's text; none where the
    /// chunk is of another document or does not reach that page.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn chunk_on_page(
        &self,
        chunk_id: ChunkId,
        document_id: &str,
        page: u32,
    ) -> Result<Option<Range<usize>>> {
        let row: Option<(i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT c.span_start, c.span_end, p.text_start, LENGTH(CAST(p.text AS BLOB)) FROM chunks c \
             JOIN pages p ON p.document_id = c.document_id \
             WHERE c.id = $1 AND c.document_id = $2 AND p.number = $3",
        )
        .bind(i64::try_from(chunk_id).unwrap_or(-1))
        .bind(document_id)
        .bind(i64::from(page))
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(|(start, end, text_start, length)| {
            let from = (start - text_start).clamp(0, length) as usize;
            let to = (end - text_start).clamp(0, length) as usize;
            (from < to).then_some(from..to)
        }))
    }

    /// The passages of `hits`, in their order, the first with the rank `first_rank`. A hit whose
    /// chunk is gone is left out.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn passages(&self, hits: &[Hit], first_rank: usize) -> Result<Vec<Passage>> {
        let mut passages = Vec::with_capacity(hits.len());
        for hit in hits {
            let rank = first_rank + passages.len();
            passages.extend(self.passage(hit, rank).await?);
        }
        Ok(passages)
    }

    async fn passage(&self, hit: &Hit, rank: usize) -> Result<Option<Passage>> {
        let row = sqlx::query(
            "SELECT c.document_id, c.span_start, c.span_end, c.first_page, c.last_page, c.section, \
             c.text, d.file, d.title, d.authors, d.year FROM chunks c \
             JOIN documents d ON d.id = c.document_id WHERE c.id = $1",
        )
        .bind(hit.chunk_id as i64)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };

        let document_id: String = row.try_get("document_id")?;
        let first_page = row.try_get::<i64, _>("first_page")?;
        let last_page = row.try_get::<i64, _>("last_page")?;
        let (pages, text_start) = self.pages(&document_id, first_page, last_page).await?;
        let start = (row.try_get::<i64, _>("span_start")? as usize).saturating_sub(text_start);
        let end = (row.try_get::<i64, _>("span_end")? as usize).saturating_sub(text_start);
        let lines: Vec<PassageLine> = locate::lines(&pages, start, end)
            .into_iter()
            .map(|line| PassageLine {
                page: line.page,
                rect: line.rect,
                start: line.start,
                end: line.end,
            })
            .collect();
        Ok(Some(Passage {
            rank,
            chunk_id: hit.chunk_id,
            document_id,
            file: row.try_get("file")?,
            title: row.try_get("title")?,
            authors: serde_json::from_str(row.try_get("authors")?)?,
            year: row.try_get("year")?,
            page: first_page as u32,
            pages: [first_page as u32, last_page as u32],
            section: row.try_get("section")?,
            text: row.try_get("text")?,
            score: hit.score,
            scores: hit.scores,
            rects: locate::rects(&pages, start, end),
            lines,
        }))
    }

    /// Consecutive pages, and where the first one starts in the document's text.
    pub(super) async fn pages(
        &self,
        document_id: &str,
        first: i64,
        last: i64,
    ) -> Result<(Vec<Page>, usize)> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, text_start FROM pages \
             WHERE document_id = $1 AND number BETWEEN $2 AND $3 ORDER BY number"
        )))
        .bind(document_id)
        .bind(first)
        .bind(last)
        .fetch_all(&self.pool)
        .await?;
        let text_start = match rows.first() {
            Some(row) => row.try_get::<i64, _>("text_start")? as usize,
            None => 0,
        };
        let pages = rows.iter().map(page).collect::<Result<_>>()?;
        Ok((pages, text_start))
    }
}

/// The list that ends `... IN (`.
fn push_ids(query: &mut QueryBuilder<Sqlite>, ids: &[ChunkId]) {
    let mut list = query.separated(", ");
    for id in ids {
        // A number beyond what the catalog counts with is no chunk.
        list.push_bind(i64::try_from(*id).unwrap_or(-1));
    }
    list.push_unseparated(")");
}
