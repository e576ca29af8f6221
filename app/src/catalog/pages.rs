//! The pages of documents: text, and where on the page each line of it stands.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use ingest::{Block, Font, MarginLine, Page, PageText};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::Catalog;

/// What a page has beside its text and lines.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Layout {
    fonts: Vec<Font>,
    blocks: Vec<Block>,
    margins: Vec<MarginLine>,
    source: PageText,
}

/// Columns of a [`Page`].
pub(super) const COLUMNS: &str = "number, width, height, text, lines, layout";

/// Adds the pages of a document.
pub(super) async fn add(
    transaction: &mut Transaction<'_, Sqlite>,
    document_id: &str,
    pages: &[Page],
) -> Result<()> {
    let mut text_start = 0;
    for page in pages {
        let layout = Layout {
            fonts: page.fonts.clone(),
            blocks: page.blocks.clone(),
            margins: page.margins.clone(),
            source: page.source,
        };
        sqlx::query(
            "INSERT INTO pages (document_id, number, width, height, text, text_start, lines, layout) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(document_id)
        .bind(i64::from(page.number))
        .bind(f64::from(page.width))
        .bind(f64::from(page.height))
        .bind(&page.text)
        .bind(text_start as i64)
        .bind(pack(&page.lines)?)
        .bind(pack(&layout)?)
        .execute(&mut **transaction)
        .await
        .context("adding a page")?;
        text_start += page.text.len() + ingest::PAGE_SEPARATOR.len();
    }
    Ok(())
}

impl Catalog {
    /// One page.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn page(&self, document_id: &str, number: u32) -> Result<Option<Page>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM pages WHERE document_id = $1 AND number = $2"
        )))
        .bind(document_id)
        .bind(i64::from(number))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(page).transpose()
    }

    /// Numbers and texts of some pages of a document, in order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn page_texts(
        &self,
        document_id: &str,
        first: u32,
        last: u32,
    ) -> Result<Vec<(u32, String)>> {
        Ok(sqlx::query_as(
            "SELECT number, text FROM pages WHERE document_id = $1 AND number BETWEEN $2 AND $3 \
             ORDER BY number",
        )
        .bind(document_id)
        .bind(i64::from(first))
        .bind(i64::from(last))
        .fetch_all(&self.pool)
        .await?)
    }

    /// All pages of a document, in order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn all_pages(&self, document_id: &str) -> Result<Vec<Page>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM pages WHERE document_id = $1 ORDER BY number"
        )))
        .bind(document_id)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(page)
        .collect()
    }
}

pub(super) fn page(row: &SqliteRow) -> Result<Page> {
    let layout: Layout = match row.try_get::<Option<&[u8]>, _>("layout")? {
        Some(bytes) => unpack(bytes)?,
        None => Layout::default(),
    };
    Ok(Page {
        number: row.try_get::<i64, _>("number")? as u32,
        width: row.try_get::<f64, _>("width")? as f32,
        height: row.try_get::<f64, _>("height")? as f32,
        text: row.try_get("text")?,
        lines: unpack(row.try_get("lines")?)?,
        fonts: layout.fonts,
        blocks: layout.blocks,
        margins: layout.margins,
        source: layout.source,
    })
}

/// Geometry is most of a page's bytes and rarely read, so it is compressed.
pub(super) fn pack(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(value)?)?;
    Ok(encoder.finish()?)
}

/// What [`pack`] gave.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut json = Vec::new();
    ZlibDecoder::new(bytes)
        .read_to_end(&mut json)
        .context("unpacking geometry")?;
    Ok(serde_json::from_slice(&json)?)
}
