//! Writes documents out: bibliographies for citation managers, text for everything else.

use anyhow::Result;
use ingest::bibliography::{self, Entry};
use serde_json::{Value, json};

use super::ExportFormat;
use crate::catalog::DocumentRecord;
use crate::library::Library;

/// Hands the export to `write`, part by part; ends early where `write` says false.
pub(crate) async fn run(
    library: &Library,
    ids: &[String],
    collection: Option<&str>,
    format: ExportFormat,
    write: &(dyn Fn(String) -> bool + Sync),
) -> Result<()> {
    let mut records = Vec::new();
    if ids.is_empty() {
        records = library.catalog.documents(collection).await?;
    }
    for id in ids {
        records.push(library.document(id).await?);
    }
    match format {
        ExportFormat::Bibtex => {
            let entries: Vec<Entry> = records.iter().map(entry).collect();
            write(bibliography::to_bibtex(&entries));
        }
        ExportFormat::CslJson => {
            let items: Vec<Value> = records.iter().map(csl).collect();
            write(serde_json::to_string_pretty(&items)? + "\n");
        }
        ExportFormat::Markdown => {
            for record in records {
                let document = library.stored_document(&record).await?;
                if !write(ingest::render::markdown(&document) + "\n") {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn value(field: &Option<ingest::Field<String>>) -> Option<String> {
    field.as_ref().map(|field| field.value.clone())
}

fn entry(record: &DocumentRecord) -> Entry {
    let file = record.source.as_ref().unwrap_or(&record.file);
    Entry {
        title: Some(record.title.clone()),
        files: vec![file.clone()],
        ..Entry::of("", &record.metadata)
    }
}

/// One item of CSL-JSON, <https://github.com/citation-style-language/schema>.
fn csl(record: &DocumentRecord) -> Value {
    let metadata = &record.metadata;
    let authors: Vec<Value> = record
        .authors
        .iter()
        .map(|name| match name.rsplit_once(' ') {
            Some((given, family)) => json!({ "given": given, "family": family }),
            None => json!({ "literal": name }),
        })
        .collect();
    let mut item = json!({
        "id": record.id,
        "type": if metadata.venue.is_some() { "article-journal" } else { "article" },
        "title": record.title,
        "author": authors,
    });
    let optional = [
        (
            "issued",
            record.year.map(|year| json!({ "date-parts": [[year]] })),
        ),
        ("container-title", value(&metadata.venue).map(Value::from)),
        ("DOI", value(&metadata.doi).map(Value::from)),
        ("abstract", value(&metadata.abstract_text).map(Value::from)),
    ];
    for (key, found) in optional {
        if let Some(found) = found {
            item[key] = found;
        }
    }
    item
}
