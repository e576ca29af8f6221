//! What ties documents together: near-duplicates, and references to papers in the library.
//!
//! Both are looked up by key when asked for, so nothing has to be kept up to date when a document
//! comes or goes.

use anyhow::{Context, Result};
use ingest::similarity::Sketch;
use ingest::{Metadata, OutlineEntry, Reference, references};
use serde::{Deserialize, Serialize};
use sqlx::{Row, Sqlite, Transaction};
use utoipa::ToSchema;

use super::pages::unpack;
use super::{Catalog, NewDocument};

/// From this share of wording in common on, two documents are near-duplicates: the same paper as
/// preprint and in print, or with another cover page.
const SIMILAR: f32 = 0.6;

/// What a document has beside its pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Structure {
    /// The file's own table of contents.
    pub outline: Vec<OutlineEntry>,
    /// The reference list.
    pub references: Vec<Reference>,
}

/// A document that is much the same as another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Duplicate {
    /// The other one's id.
    pub document_id: String,
    /// Its file.
    pub file: String,
    /// Its title.
    pub title: String,
    /// Where it is.
    pub collection: String,
    /// `doi`, `arxiv_id` or `text`.
    pub reason: String,
    /// Share of wording in common, where that is the reason.
    pub similarity: Option<f32>,
}

impl Duplicate {
    /// Why they are taken for the same, in words.
    pub fn why(&self) -> String {
        match self.similarity {
            Some(similarity) => format!("{:.0} % of the wording", similarity * 100.0),
            None if self.reason == "doi" => "the same DOI".to_owned(),
            None => "the same arXiv id".to_owned(),
        }
    }
}

/// A reference, and the document of the library that it names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkedReference {
    /// The entry.
    #[serde(flatten)]
    pub reference: Reference,
    /// The document, where the library has it.
    pub document_id: Option<String>,
}

/// Adds the keys of a new document.
pub(super) async fn add(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewDocument<'_>,
) -> Result<()> {
    name(transaction, new.id, &new.document.metadata).await?;
    for (position, reference) in new.document.references.iter().enumerate() {
        for key in references::keys(reference) {
            sqlx::query(
                "INSERT INTO reference_keys (key, document_id, position) VALUES ($1, $2, $3) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(key)
            .bind(new.id)
            .bind(position as i64)
            .execute(&mut **transaction)
            .await
            .context("adding a reference's key")?;
        }
    }
    for band in new.sketch.iter().flat_map(Sketch::bands) {
        sqlx::query(
            "INSERT INTO sketch_bands (band, document_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(band)
        .bind(new.id)
        .execute(&mut **transaction)
        .await
        .context("adding a sketch")?;
    }
    Ok(())
}

/// Puts the keys that `metadata` gives in place of those that a document has.
pub(super) async fn name(
    transaction: &mut Transaction<'_, Sqlite>,
    document_id: &str,
    metadata: &Metadata,
) -> Result<()> {
    sqlx::query("DELETE FROM document_keys WHERE document_id = $1")
        .bind(document_id)
        .execute(&mut **transaction)
        .await?;
    for key in references::document_keys(metadata) {
        sqlx::query(
            "INSERT INTO document_keys (key, document_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(key)
        .bind(document_id)
        .execute(&mut **transaction)
        .await
        .context("adding a document's key")?;
    }
    Ok(())
}

impl Catalog {
    /// Changes what is known of a document; the change's sequence number, or `None` where there is
    /// no such document.
    ///
    /// # Errors
    /// Where the database refuses; nothing is changed then.
    pub async fn set_metadata(&self, id: &str, metadata: &Metadata) -> Result<Option<u64>> {
        let mut transaction = self.pool.begin().await?;
        let changed = sqlx::query(
            "UPDATE documents SET title = COALESCE($2, title), authors = $3, year = $4, metadata = $5 \
             WHERE id = $1",
        )
        .bind(id)
        .bind(metadata.title())
        .bind(serde_json::to_string(metadata.authors())?)
        .bind(metadata.year())
        .bind(serde_json::to_string(metadata)?)
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(None);
        }
        name(&mut transaction, id, metadata).await?;
        super::filters::fill(&mut transaction, id, metadata.authors(), metadata).await?;
        let sequence = super::changes::record(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(Some(sequence))
    }

    /// Documents that are much the same as this one, likest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn duplicates(&self, id: &str) -> Result<Vec<Duplicate>> {
        let mut found: Vec<Duplicate> = Vec::new();
        let same_name = sqlx::query(
            "SELECT DISTINCT d.id, d.file, d.title, d.collection, k.key FROM document_keys k \
             JOIN document_keys o ON o.key = k.key AND o.document_id <> k.document_id \
             JOIN documents d ON d.id = o.document_id \
             WHERE k.document_id = $1 AND (k.key LIKE 'doi:%' OR k.key LIKE 'arxiv:%') \
             ORDER BY d.added_at, d.id",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        for row in &same_name {
            let key: String = row.try_get("key")?;
            let reason = if key.starts_with("arxiv:") {
                "arxiv_id"
            } else {
                "doi"
            };
            push(&mut found, duplicate(row, reason, None)?);
        }

        let own: Option<Vec<u8>> = sqlx::query_scalar("SELECT sketch FROM documents WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?
            .flatten();
        let Some(own) = own.as_deref().and_then(Sketch::from_bytes) else {
            return Ok(found);
        };
        let candidates = sqlx::query(
            "SELECT DISTINCT d.id, d.file, d.title, d.collection, d.sketch FROM sketch_bands b \
             JOIN sketch_bands o ON o.band = b.band AND o.document_id <> b.document_id \
             JOIN documents d ON d.id = o.document_id WHERE b.document_id = $1",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let mut alike = Vec::new();
        for row in &candidates {
            let sketch: Option<Vec<u8>> = row.try_get("sketch")?;
            let similarity = sketch
                .as_deref()
                .and_then(Sketch::from_bytes)
                .map_or(0.0, |sketch| own.similarity(&sketch));
            if similarity >= SIMILAR {
                alike.push(duplicate(row, "text", Some(similarity))?);
            }
        }
        alike.sort_by(|a, b| {
            b.similarity
                .unwrap_or(0.0)
                .total_cmp(&a.similarity.unwrap_or(0.0))
        });
        alike.into_iter().for_each(|one| push(&mut found, one));
        Ok(found)
    }

    /// Outline and references of a document; empty where there is no such document.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn structure(&self, id: &str) -> Result<Structure> {
        let packed: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT structure FROM documents WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?
                .flatten();
        packed.as_deref().map_or(Ok(Structure::default()), unpack)
    }

    /// The references of a document, with the documents of the library that they name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn references(&self, id: &str) -> Result<Vec<LinkedReference>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT r.position, MIN(k.document_id) FROM reference_keys r \
             JOIN document_keys k ON k.key = r.key AND k.document_id <> r.document_id \
             WHERE r.document_id = $1 GROUP BY r.position",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let named: std::collections::HashMap<i64, String> = rows.into_iter().collect();
        let structure = self.structure(id).await?;
        Ok((0..)
            .zip(structure.references)
            .map(|(position, reference)| LinkedReference {
                reference,
                document_id: named.get(&position).cloned(),
            })
            .collect())
    }

    /// Documents of the library whose reference lists name this one: id and title.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn cited_by(&self, id: &str) -> Result<Vec<(String, String)>> {
        Ok(sqlx::query_as(
            "SELECT DISTINCT d.id, d.title FROM document_keys k \
             JOIN reference_keys r ON r.key = k.key AND r.document_id <> k.document_id \
             JOIN documents d ON d.id = r.document_id WHERE k.document_id = $1 ORDER BY d.title",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?)
    }
}

fn push(found: &mut Vec<Duplicate>, one: Duplicate) {
    if !found
        .iter()
        .any(|known| known.document_id == one.document_id)
    {
        found.push(one);
    }
}

fn duplicate(
    row: &sqlx::sqlite::SqliteRow,
    reason: &str,
    similarity: Option<f32>,
) -> Result<Duplicate> {
    Ok(Duplicate {
        document_id: row.try_get("id")?,
        file: row.try_get("file")?,
        title: row.try_get("title")?,
        collection: row.try_get("collection")?,
        reason: reason.to_owned(),
        similarity,
    })
}
