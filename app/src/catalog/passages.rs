//! From hits to passages: the text and the lines of the chunks that an index found.

use anyhow::Result;
use ingest::{Page, locate};
use retrieval::{Hit, Passage, PassageLine};
use sqlx::Row;

use super::Catalog;
use super::pages::{COLUMNS, page};

impl Catalog {
    /// The passages of `hits`, in their order, `limit` at most. A hit whose document has changed
    /// after `searchable_up_to` is left out: not every index has seen it yet.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn passages(
        &self,
        hits: &[Hit],
        limit: usize,
        searchable_up_to: u64,
    ) -> Result<Vec<Passage>> {
        let mut passages = Vec::new();
        for hit in hits {
            if passages.len() == limit {
                break;
            }
            if let Some(passage) = self
                .passage(hit, passages.len() + 1, searchable_up_to)
                .await?
            {
                passages.push(passage);
            }
        }
        Ok(passages)
    }

    async fn passage(
        &self,
        hit: &Hit,
        rank: usize,
        searchable_up_to: u64,
    ) -> Result<Option<Passage>> {
        let row = sqlx::query(
            "SELECT c.document_id, c.span_start, c.span_end, c.first_page, c.last_page, c.section, \
             c.text, d.file, d.title, d.authors, d.year FROM chunks c \
             JOIN documents d ON d.id = c.document_id JOIN changes s ON s.document_id = d.id \
             WHERE c.id = $1 AND s.sequence <= $2",
        )
        .bind(hit.chunk_id as i64)
        .bind(searchable_up_to as i64)
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
    async fn pages(&self, document_id: &str, first: i64, last: i64) -> Result<(Vec<Page>, usize)> {
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
