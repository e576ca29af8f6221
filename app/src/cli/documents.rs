//! `lectern documents` and `lectern collections`.

use anyhow::Result;
use serde_json::json;

use super::args::{Collections, Documents};
use super::{Exit, lost, output, single};
use crate::catalog::{DocumentRecord, DocumentStatus};
use crate::control::{self, CollectionRecord, Event, Request};
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
            let documents = single(settings, Request::Document { id: document }, records).await?;
            for document in &documents {
                if json {
                    output::json(document)?
                } else {
                    output::line(&in_full(document))?
                }
            }
        }
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

pub(super) async fn collections(settings: Settings, command: Collections) -> Result<Exit> {
    let (request, json) = match command {
        Collections::List { json } => (Request::Collections, json),
        Collections::Create { name, json } => (Request::CreateCollection { name }, json),
        Collections::Delete {
            name,
            with_documents,
            json,
        } => (
            Request::DeleteCollection {
                name,
                with_documents,
            },
            json,
        ),
    };
    let collections: Vec<CollectionRecord> = single(settings, request, |event| match event {
        Event::Collections(collections) => Some(collections),
        _ => None,
    })
    .await?;
    if json {
        output::json(&json!({ "collections": collections }))?;
    } else {
        for collection in collections {
            output::line(&format!(
                "{}\t{} documents",
                collection.name, collection.documents
            ))?;
        }
    }
    Ok(Exit::Done)
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

fn in_full(document: &DocumentRecord) -> String {
    let mut lines = vec![
        format!("id          {}", document.id),
        format!("title       {}", output::plain(&document.title)),
        format!(
            "authors     {}",
            output::plain(&document.authors.join(", "))
        ),
        format!(
            "year        {}",
            document
                .year
                .map_or("unknown".into(), |year| year.to_string())
        ),
        format!(
            "file        {} ({} bytes)",
            output::plain(&document.file),
            document.bytes
        ),
        format!("collection  {}", document.collection),
        format!("pages       {}", document.pages),
        format!("chunks      {}", document.chunks),
        format!("added       {}", document.added_at),
        format!("sha256      {}", document.sha256),
    ];
    if document.status == DocumentStatus::NeedsOcr {
        lines.push("status      needs OCR: no page has a text layer".into());
    }
    lines.extend(
        document
            .warnings
            .iter()
            .map(|warning| format!("warning     {}", output::plain(&warning.message))),
    );
    lines.join("\n")
}
