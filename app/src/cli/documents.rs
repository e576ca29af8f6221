//! `lectern documents`.

use anyhow::Result;
use serde_json::json;

use super::args::Documents;
use super::{Exit, lost, output, single};
use crate::catalog::{DocumentRecord, DocumentStatus};
use crate::control::{self, Event, Request};
use crate::library::collections::MoveStatus;
use crate::library::details::DocumentDetails;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, command: Documents) -> Result<Exit> {
    match command {
        Documents::List { collection, json } => {
            let documents = single(settings, Request::Documents { collection }, records).await?;
            if json {
                output::json(&json!({ "documents": documents }))?;
            } else {
                for document in &documents {
                    output::line(&one_line(document))?;
                }
                eprintln!("{} documents", documents.len());
            }
        }
        Documents::Show { document, json } => {
            let details = single(
                settings,
                Request::Document { id: document },
                |event| match event {
                    Event::Document(details) => Some(details),
                    _ => None,
                },
            )
            .await?;
            if json {
                output::json(&details)?;
            } else {
                output::line(&in_full(&details))?;
            }
        }
        Documents::Export {
            documents,
            collection,
            format,
        } => {
            let request = Request::Export {
                ids: documents,
                collection,
                format: format.into(),
            };
            let mut events = control::start(settings, request).await?;
            loop {
                match events.recv().await.ok_or_else(lost)? {
                    Event::Exported(part) => output::text(&part)?,
                    Event::ExportDone => break,
                    Event::Failed(problem) => return Err(problem.into()),
                    _ => {}
                }
            }
        }
        Documents::Move {
            documents,
            to,
            json,
        } => return moved(settings, documents, to, json).await,
        Documents::Delete { documents, json } => {
            let wanted = documents.len();
            let mut events =
                control::start(settings, Request::DeleteDocuments { ids: documents }).await?;
            let mut deleted = 0;
            while deleted < wanted {
                match events.recv().await.ok_or_else(lost)? {
                    Event::Deleted(document) => {
                        deleted += 1;
                        if json {
                            output::json(
                                &json!({ "deleted": document.id, "file": document.file }),
                            )?;
                        } else {
                            output::line(&format!(
                                "deleted {} {}",
                                document.id,
                                output::plain(&document.file)
                            ))?;
                        }
                    }
                    Event::Failed(problem) => return Err(problem.into()),
                    _ => {}
                }
            }
        }
    }
    Ok(Exit::Done)
}

async fn moved(settings: Settings, ids: Vec<String>, to: String, json: bool) -> Result<Exit> {
    let request = Request::MoveDocuments { ids, to };
    let reports = single(settings, request, |event| match event {
        Event::Moved(reports) => Some(reports),
        _ => None,
    })
    .await?;
    if json {
        output::json(&json!({ "documents": reports }))?;
    } else {
        for report in &reports {
            let file = output::plain(&report.file);
            let (id, to) = (&report.document_id, &report.to);
            output::line(&match report.status {
                MoveStatus::Moved => format!("moved {id} {file} to {to}"),
                MoveStatus::Unchanged => format!("{id} {file} is in {to} already"),
                MoveStatus::Duplicate => format!(
                    "not moved: {id} {file}: the same file is in {to} already, as {}",
                    report.duplicate_of.as_deref().unwrap_or_default()
                ),
            })?;
        }
    }
    let stay = reports
        .iter()
        .filter(|report| report.status == MoveStatus::Duplicate)
        .count();
    if stay > 0 && !json {
        eprintln!("hint: delete one of the two copies with `lectern documents delete`");
    }
    Ok(match stay {
        0 => Exit::Done,
        _ if stay == reports.len() => Exit::Failed,
        _ => Exit::Partly,
    })
}

fn records(event: Event) -> Option<Vec<DocumentRecord>> {
    match event {
        Event::Documents(documents) => Some(documents),
        _ => None,
    }
}

fn one_line(document: &DocumentRecord) -> String {
    let state = if document.status == DocumentStatus::NeedsOcr {
        ", needs OCR"
    } else {
        ""
    };
    format!(
        "{}  {} ({}, {} pages{state})",
        document.id,
        output::plain(&document.title),
        output::plain(&document.file),
        document.pages,
    )
}

fn in_full(details: &DocumentDetails) -> String {
    let document = &details.record;
    let metadata = &document.metadata;
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{name:<12}{}", output::plain(&value)));
        }
    };
    let text = |field: &Option<::ingest::Field<String>>| {
        field.as_ref().map_or(String::new(), |f| f.value.clone())
    };
    fact("id", document.id.clone());
    fact("title", document.title.clone());
    fact("authors", document.authors.join(", "));
    let year = document.year.map(|year| year.to_string());
    fact("year", year.unwrap_or_else(|| "unknown".into()));
    fact("venue", text(&metadata.venue));
    fact("doi", text(&metadata.doi));
    fact("arxiv", text(&metadata.arxiv_id));
    let keywords = metadata
        .keywords
        .as_ref()
        .map(|field| field.value.join(", "));
    fact("keywords", keywords.unwrap_or_default());
    fact(
        "file",
        format!("{} ({} bytes)", document.file, document.bytes),
    );
    fact("collection", document.collection.clone());
    fact("pages", document.pages.to_string());
    fact("chunks", document.chunks.to_string());
    let linked = details
        .references
        .iter()
        .filter(|reference| reference.document_id.is_some())
        .count();
    if !details.references.is_empty() {
        let count = details.references.len();
        fact(
            "references",
            format!("{count}, {linked} of them in the library"),
        );
    }
    for citing in &details.cited_by {
        fact(
            "cited by",
            format!("{} {}", citing.document_id, citing.title),
        );
    }
    for duplicate in &details.duplicates {
        fact(
            "same as",
            format!(
                "{} {} ({})",
                duplicate.document_id,
                duplicate.file,
                duplicate.why()
            ),
        );
    }
    fact("added", document.added_at.clone());
    fact("sha256", document.sha256.clone());
    if document.status == DocumentStatus::NeedsOcr {
        fact("status", "needs OCR: no page has a text layer".into());
    }
    for warning in &document.warnings {
        fact("warning", warning.message.clone());
    }
    lines.join("\n")
}
