//! Reads a Zotero library: the items of `zotero.sqlite` and the files in `storage/`.
//!
//! The database is copied first and the copy read, since Zotero keeps its own locked while it
//! runs, and nothing of the user's may be changed. Tables as in Zotero 5 to 7: `items`, `itemData`
//! with `itemDataValues` and `fields`, `itemCreators` with `creators`, `itemAttachments`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ingest::bibliography::Entry;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use crate::error::{Fault, Problem};

/// Reads the items of the Zotero data folder `folder` that hold anything about a paper.
///
/// # Errors
/// A problem `zotero_not_found` or `zotero_unreadable`.
pub(crate) async fn read(folder: &Path) -> Result<Vec<Entry>> {
    let database = folder.join("zotero.sqlite");
    if !database.is_file() {
        return Err(Problem::new(
            Fault::Input,
            "zotero_not_found",
            format!("{} is no Zotero data folder: it has no zotero.sqlite", folder.display()),
            "give the folder that Zotero shows under Settings > Advanced > Files and Folders > Show Data Directory",
        )
        .into());
    }
    let copy = tempfile::tempdir()?;
    let path = copy.path().join("zotero.sqlite");
    std::fs::copy(&database, &path).with_context(|| format!("copying {}", database.display()))?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .immutable(true);
    let unreadable = |error: sqlx::Error| {
        Problem::new(
            Fault::Input,
            "zotero_unreadable",
            format!("{} cannot be read: {error}", database.display()),
            "close Zotero and try again; Zotero 5 and newer are read",
        )
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(unreadable)?;
    let entries = items(&pool, folder).await.map_err(unreadable);
    pool.close().await;
    Ok(entries?)
}

async fn items(pool: &SqlitePool, folder: &Path) -> Result<Vec<Entry>, sqlx::Error> {
    let keys: Vec<(i64, String)> = sqlx::query_as(
        "SELECT i.itemID, i.key FROM items i JOIN itemTypes t ON t.itemTypeID = i.itemTypeID \
         WHERE t.typeName NOT IN ('attachment', 'note', 'annotation') \
         AND i.itemID NOT IN (SELECT itemID FROM deletedItems) ORDER BY i.itemID",
    )
    .fetch_all(pool)
    .await?;
    let mut entries: HashMap<i64, Entry> = HashMap::new();
    let mut order = Vec::new();
    for (id, key) in keys {
        order.push(id);
        entries.insert(
            id,
            Entry {
                key,
                ..Entry::default()
            },
        );
    }

    let values: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT d.itemID, f.fieldName, CAST(v.value AS TEXT) FROM itemData d \
         JOIN fields f ON f.fieldID = d.fieldID JOIN itemDataValues v ON v.valueID = d.valueID",
    )
    .fetch_all(pool)
    .await?;
    for (id, field, value) in values {
        if let Some(entry) = entries.get_mut(&id) {
            set(entry, &field, value);
        }
    }

    let creators: Vec<(i64, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT ic.itemID, c.firstName, c.lastName FROM itemCreators ic \
         JOIN creators c ON c.creatorID = ic.creatorID \
         JOIN creatorTypes t ON t.creatorTypeID = ic.creatorTypeID \
         WHERE t.creatorType = 'author' ORDER BY ic.itemID, ic.orderIndex",
    )
    .fetch_all(pool)
    .await?;
    for (id, first, last) in creators {
        let name = [first, last]
            .into_iter()
            .flatten()
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if let (Some(entry), false) = (entries.get_mut(&id), name.is_empty()) {
            entry.authors.push(name);
        }
    }

    let tags: Vec<(i64, String)> = sqlx::query_as(
        "SELECT it.itemID, t.name FROM itemTags it JOIN tags t ON t.tagID = it.tagID ORDER BY it.itemID, t.name",
    )
    .fetch_all(pool)
    .await?;
    for (id, tag) in tags {
        if let Some(entry) = entries.get_mut(&id) {
            entry.keywords.push(tag);
        }
    }

    let attachments: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT a.parentItemID, i.key, a.path FROM itemAttachments a JOIN items i ON i.itemID = a.itemID \
         WHERE a.parentItemID IS NOT NULL AND a.path IS NOT NULL \
         AND a.itemID NOT IN (SELECT itemID FROM deletedItems) ORDER BY a.itemID",
    )
    .fetch_all(pool)
    .await?;
    for (parent, key, path) in attachments {
        let file = match path.strip_prefix("storage:") {
            Some(name) => folder.join("storage").join(key).join(name),
            None => PathBuf::from(path),
        };
        if let Some(entry) = entries.get_mut(&parent) {
            entry.files.push(file.to_string_lossy().into_owned());
        }
    }
    Ok(order.iter().filter_map(|id| entries.remove(id)).collect())
}

fn set(entry: &mut Entry, field: &str, value: String) {
    let value = value.trim().to_owned();
    match field {
        _ if value.is_empty() => {}
        "title" => entry.title = Some(value),
        // Zotero writes dates as "2014-06-19 June 19, 2014".
        "date" => entry.year = value.get(..4).and_then(|year| year.parse().ok()),
        "publicationTitle" | "proceedingsTitle" | "bookTitle" => entry.venue = Some(value),
        "conferenceName" | "repository" if entry.venue.is_none() => entry.venue = Some(value),
        "DOI" => entry.doi = Some(value.to_lowercase()),
        "abstractNote" => entry.abstract_text = Some(value),
        "archiveID" | "extra" => {
            if let Some(at) = value.to_lowercase().find("arxiv:") {
                let rest = value[at + 6..].trim_start();
                let id: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
                entry.arxiv_id = (!id.is_empty()).then_some(id);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn items_creators_tags_and_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zotero.sqlite");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        sqlx::raw_sql(
            "CREATE TABLE items (itemID INTEGER, itemTypeID INTEGER, key TEXT);
             CREATE TABLE itemTypes (itemTypeID INTEGER, typeName TEXT);
             CREATE TABLE deletedItems (itemID INTEGER);
             CREATE TABLE fields (fieldID INTEGER, fieldName TEXT);
             CREATE TABLE itemData (itemID INTEGER, fieldID INTEGER, valueID INTEGER);
             CREATE TABLE itemDataValues (valueID INTEGER, value);
             CREATE TABLE creators (creatorID INTEGER, firstName TEXT, lastName TEXT, fieldMode INT);
             CREATE TABLE creatorTypes (creatorTypeID INTEGER, creatorType TEXT);
             CREATE TABLE itemCreators (itemID INTEGER, creatorID INTEGER, creatorTypeID INTEGER, orderIndex INTEGER);
             CREATE TABLE tags (tagID INTEGER, name TEXT);
             CREATE TABLE itemTags (itemID INTEGER, tagID INTEGER);
             CREATE TABLE itemAttachments (itemID INTEGER, parentItemID INTEGER, path TEXT);
             INSERT INTO itemTypes VALUES (1, 'journalArticle'), (2, 'attachment');
             INSERT INTO items VALUES (10, 1, 'AAAA'), (11, 2, 'BBBB'), (12, 1, 'CCCC');
             INSERT INTO deletedItems VALUES (12);
             INSERT INTO fields VALUES (1, 'title'), (2, 'date'), (3, 'DOI'), (4, 'publicationTitle'), (5, 'extra');
             INSERT INTO itemDataValues VALUES (1, 'A Title'), (2, '2014-06-19 June 19, 2014'), (3, '10.1/ABC'), (4, 'Journal'), (5, 'arXiv: 1706.03762 [cs]');
             INSERT INTO itemData VALUES (10, 1, 1), (10, 2, 2), (10, 3, 3), (10, 4, 4), (10, 5, 5), (12, 1, 1);
             INSERT INTO creators VALUES (1, 'Ann', 'Lee', 0), (2, '', 'The Team', 1), (3, 'Ed', 'Itor', 0);
             INSERT INTO creatorTypes VALUES (1, 'author'), (2, 'editor');
             INSERT INTO itemCreators VALUES (10, 2, 1, 1), (10, 1, 1, 0), (10, 3, 2, 2);
             INSERT INTO tags VALUES (1, 'consensus');
             INSERT INTO itemTags VALUES (10, 1);
             INSERT INTO itemAttachments VALUES (11, 10, 'storage:paper.pdf');",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;

        let entries = read(folder.path()).await.unwrap();
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!(entry.title.as_deref(), Some("A Title"));
        assert_eq!(entry.authors, ["Ann Lee", "The Team"]);
        assert_eq!(
            (entry.year, entry.doi.as_deref()),
            (Some(2014), Some("10.1/abc"))
        );
        assert_eq!(entry.arxiv_id.as_deref(), Some("1706.03762"));
        assert_eq!(entry.keywords, ["consensus"]);
        let file = folder.path().join("storage/BBBB/paper.pdf");
        assert_eq!(entry.files, [file.to_string_lossy()]);
    }

    #[tokio::test]
    async fn a_folder_without_zotero_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).await.unwrap_err();
        assert_eq!(Problem::from_error(&error).code, "zotero_not_found");
        std::fs::write(folder.path().join("zotero.sqlite"), "not a database").unwrap();
        let error = read(folder.path()).await.unwrap_err();
        assert_eq!(Problem::from_error(&error).code, "zotero_unreadable");
    }
}
