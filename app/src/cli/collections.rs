//! `lectern collections`.

use anyhow::Result;
use serde_json::json;

use super::args::Collections;
use super::{Exit, output, single};
use crate::control::{CollectionRecord, Event, Request};
use crate::library::collections::Contents;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, command: Collections) -> Result<Exit> {
    let (request, json) = match command {
        Collections::List { json } => (Request::Collections, json),
        Collections::Create { name, json } => (Request::CreateCollection { name }, json),
        Collections::Delete {
            name,
            documents,
            move_to,
            json,
        } => {
            let contents = match move_to {
                Some(to) => Contents::MoveTo(to),
                None if documents => Contents::Delete,
                None => Contents::Keep,
            };
            (Request::DeleteCollection { name, contents }, json)
        }
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
