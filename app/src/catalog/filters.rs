//! From what a search is restricted by (author, year, venue) to document ids.
//!
//! Authors are looked up by the words of their names, then the few names found are compared in
//! full. Both tables of words follow from a document's metadata; a newer version of the rules fills
//! them again when the catalog is opened.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use anyhow::{Context, Result};
use ingest::Metadata;
use sqlx::{Row, Sqlite, Transaction};

use super::authors::Name;
use super::{Catalog, venues};

/// Raised where names are cut into other words than before.
const RULES: i64 = 1;
/// Documents filled in one transaction.
const BATCH: i64 = 200;

/// What documents must have. Empty means any document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentFilter {
    /// This collection.
    pub collection: Option<String>,
    /// An author of this name, in any of the ways that names are written.
    pub author: Option<String>,
    /// A year in this range.
    pub years: Option<RangeInclusive<i32>>,
    /// A journal or conference of this name, whole, in part or abbreviated.
    pub venue: Option<String>,
}

impl Catalog {
    /// Ids of the documents that have all that `filter` asks for.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn document_ids(&self, filter: &DocumentFilter) -> Result<BTreeSet<String>> {
        let (from, to) = match &filter.years {
            Some(years) => (*years.start(), *years.end()),
            None => (i32::MIN, i32::MAX),
        };
        let rows = sqlx::query(
            "SELECT id, venue FROM documents WHERE ($1 = '' OR collection = $1) \
             AND ($2 OR year BETWEEN $3 AND $4) AND ($5 OR venue IS NOT NULL)",
        )
        .bind(filter.collection.as_deref().unwrap_or_default())
        .bind(filter.years.is_none())
        .bind(from)
        .bind(to)
        .bind(filter.venue.is_none())
        .fetch_all(&self.pool)
        .await?;
        let by_author = match &filter.author {
            Some(author) => Some(self.written_by(author).await?),
            None => None,
        };
        let mut found = BTreeSet::new();
        for row in rows {
            let id: String = row.try_get("id")?;
            let is_by = by_author.as_ref().is_none_or(|ids| ids.contains(&id));
            let venue: Option<&str> = row.try_get("venue")?;
            let is_in = filter
                .venue
                .as_deref()
                .is_none_or(|typed| venue.is_some_and(|venue| venues::names(typed, venue)));
            if is_by && is_in {
                found.insert(id);
            }
        }
        Ok(found)
    }

    /// Ids of the documents that have an author of this name.
    async fn written_by(&self, author: &str) -> Result<BTreeSet<String>> {
        let typed = Name::parse(author);
        let mut found = BTreeSet::new();
        let words: BTreeSet<&str> = typed.full_words().collect();
        for word in words {
            let rows: Vec<(String, String)> = sqlx::query_as(
                "SELECT d.id, d.authors FROM author_words w JOIN documents d ON d.id = w.document_id \
                 WHERE w.word = $1",
            )
            .bind(word)
            .fetch_all(&self.pool)
            .await?;
            for (id, authors) in rows {
                let authors: Vec<String> = serde_json::from_str(&authors)?;
                if authors.iter().any(|name| typed.names(&Name::parse(name))) {
                    found.insert(id);
                }
            }
        }
        Ok(found)
    }

    /// Fills the words of documents that older rules filled, or none.
    pub(super) async fn fill_filters(&self) -> Result<()> {
        loop {
            let mut transaction = self.pool.begin().await?;
            let rows: Vec<(String, String, String)> = sqlx::query_as(
                "SELECT id, authors, metadata FROM documents WHERE filter_rules < $1 LIMIT $2",
            )
            .bind(RULES)
            .bind(BATCH)
            .fetch_all(&mut *transaction)
            .await?;
            if rows.is_empty() {
                return Ok(());
            }
            for (id, authors, metadata) in rows {
                // What cannot be parsed is `doctor`'s to tell; the library opens all the same.
                let authors: Vec<String> = serde_json::from_str(&authors).unwrap_or_default();
                let metadata: Metadata = serde_json::from_str(&metadata).unwrap_or_default();
                fill(&mut transaction, &id, &authors, &metadata).await?;
            }
            transaction.commit().await?;
        }
    }
}

/// Puts what `metadata` says in place of what a document can be filtered by.
pub(super) async fn fill(
    transaction: &mut Transaction<'_, Sqlite>,
    document_id: &str,
    authors: &[String],
    metadata: &Metadata,
) -> Result<()> {
    sqlx::query("UPDATE documents SET venue = $2, filter_rules = $3 WHERE id = $1")
        .bind(document_id)
        .bind(metadata.venue.as_ref().map(|field| field.value.as_str()))
        .bind(RULES)
        .execute(&mut **transaction)
        .await?;
    sqlx::query("DELETE FROM author_words WHERE document_id = $1")
        .bind(document_id)
        .execute(&mut **transaction)
        .await?;
    let names: Vec<Name> = authors.iter().map(|name| Name::parse(name)).collect();
    let words: BTreeSet<&str> = names.iter().flat_map(Name::full_words).collect();
    for word in words {
        sqlx::query("INSERT INTO author_words (word, document_id) VALUES ($1, $2)")
            .bind(word)
            .bind(document_id)
            .execute(&mut **transaction)
            .await
            .context("adding an author's name")?;
    }
    Ok(())
}
