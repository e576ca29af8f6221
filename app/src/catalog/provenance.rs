//! What an answer depends on beyond the words that its trace holds, so that a replay can say what
//! has changed since. Of documents it holds headings, where in them a passage stands and the hash of
//! what stood there: with that the passage can be cut out of the pages again, also when
//! the indexes have been built anew for chunks of another length.

use std::collections::BTreeMap;

use anyhow::Result;
use ingest::{PAGE_SEPARATOR, Page, locate};
use retrieval::{ChunkId, Passage, PassageLine, Scores};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::Catalog;
use super::generations::IndexSpec;
use super::pages::{COLUMNS, page};

/// A passage that an answer was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptPassage {
    /// Its chunk.
    pub chunk_id: ChunkId,
    /// Its document.
    pub document_id: String,
    /// First byte in the document's text.
    pub start: usize,
    /// One past the last byte in the document's text.
    pub end: usize,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// First and last page.
    pub pages: [u32; 2],
    /// Heading under which it stands.
    pub section: Option<String>,
    /// The score that decided the order.
    pub score: f32,
    /// What each stage of the search said.
    pub scores: Scores,
}

/// What was asked of the search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Only this collection.
    pub collection: Option<String>,
    /// Only these documents, as they were named.
    pub documents: Vec<String>,
    /// Passages to read.
    pub top_k: Option<usize>,
    /// What kind of answer was wanted, by the name of its [task](crate::library::ask::Task).
    pub task: Option<String>,
}

/// What an answer depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The adapter that the model ran with; none where it ran as it was made.
    pub adapter: Option<String>,
    /// Lectern's version.
    pub lectern: String,
    /// Which build of it.
    pub build: Option<String>,
    /// Processor architecture and system.
    pub platform: String,
    /// The model that was asked, whether or not its words are shown.
    pub model: Option<String>,
    /// SHA-256 of its file, where it runs in this process.
    pub model_sha256: Option<String>,
    /// What the index was built for: embedder, length of chunks, analysis of words.
    pub index: Option<IndexSpec>,
    /// Which generation of the indexes answered.
    pub generation: i64,
    /// Settings that searching and answering depend on.
    pub settings: BTreeMap<String, String>,
    /// What was asked of the search.
    pub asked: Asked,
    /// The passages that were read, best first.
    pub passages: Vec<KeptPassage>,
}

/// SHA-256 of a passage's text, in hexadecimal.
pub fn digest(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Catalog {
    /// Where `passages` stand in their documents. A passage whose chunk is gone meanwhile is left
    /// out.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn keep_passages(&self, passages: &[Passage]) -> Result<Vec<KeptPassage>> {
        let mut kept = Vec::with_capacity(passages.len());
        for passage in passages {
            let span: Option<(i64, i64)> =
                sqlx::query_as("SELECT span_start, span_end FROM chunks WHERE id = $1")
                    .bind(i64::try_from(passage.chunk_id).unwrap_or(-1))
                    .fetch_optional(&self.pool)
                    .await?;
            let Some((start, end)) = span else { continue };
            kept.push(KeptPassage {
                chunk_id: passage.chunk_id,
                document_id: passage.document_id.clone(),
                start: start as usize,
                end: end as usize,
                sha256: digest(&passage.text),
                pages: passage.pages,
                section: passage.section.clone(),
                score: passage.score,
                scores: passage.scores,
            });
        }
        Ok(kept)
    }

    /// A passage as it stands in its document's pages now, whether or not its chunk is still there.
    /// `None` where the document is gone or is too short for it.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn kept_passage(&self, kept: &KeptPassage, rank: usize) -> Result<Option<Passage>> {
        let Some(document) =
            sqlx::query("SELECT file, title, authors, year FROM documents WHERE id = $1")
                .bind(&kept.document_id)
                .fetch_optional(&self.pool)
                .await?
        else {
            return Ok(None);
        };
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, text_start FROM pages WHERE document_id = $1 AND text_start < $2 \
             AND text_start + LENGTH(CAST(text AS BLOB)) > $3 ORDER BY number"
        )))
        .bind(&kept.document_id)
        .bind(kept.end as i64)
        .bind(kept.start as i64)
        .fetch_all(&self.pool)
        .await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let text_start = first.try_get::<i64, _>("text_start")? as usize;
        let pages: Vec<Page> = rows.iter().map(page).collect::<Result<_>>()?;
        let texts: Vec<&str> = pages.iter().map(|page| page.text.as_str()).collect();
        let text = texts.join(PAGE_SEPARATOR);
        let (start, end) = (
            kept.start.saturating_sub(text_start),
            kept.end.saturating_sub(text_start),
        );
        let Some(text) = text.get(start..end) else {
            return Ok(None);
        };
        let lines = locate::lines(&pages, start, end)
            .into_iter()
            .map(|line| PassageLine {
                page: line.page,
                rect: line.rect,
                start: line.start,
                end: line.end,
            });
        Ok(Some(Passage {
            rank,
            chunk_id: kept.chunk_id,
            document_id: kept.document_id.clone(),
            file: document.try_get("file")?,
            title: document.try_get("title")?,
            authors: serde_json::from_str(document.try_get("authors")?)?,
            year: document.try_get("year")?,
            page: kept.pages[0],
            pages: kept.pages,
            section: kept.section.clone(),
            text: text.to_owned(),
            score: kept.score,
            scores: kept.scores,
            rects: locate::rects(&pages, start, end),
            lines: lines.collect(),
        }))
    }
}
