//! Takes a file and queues it. The file and its job are stored before the upload is answered, so
//! that nothing that was accepted can be lost.

use actix_multipart::{Field, Multipart};
use actix_web::{HttpResponse, post, web};
use anyhow::Context;
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::json;

use super::State;
use super::problem::Failed;
use crate::catalog::DEFAULT_COLLECTION;
use crate::error::{Fault, Problem};
use crate::library::Blobs;
use crate::library::add::{collection_name, display_name};

#[derive(Deserialize)]
struct Destination {
    collection: Option<String>,
}

#[post("/uploads")]
pub(super) async fn upload(
    state: web::Data<State>,
    destination: web::Query<Destination>,
    mut form: Multipart,
) -> Result<HttpResponse, Failed> {
    let collection = collection_name(
        destination
            .collection
            .as_deref()
            .unwrap_or(DEFAULT_COLLECTION),
    )?;
    while let Some(field) = form.try_next().await.map_err(malformed)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field
            .content_disposition()
            .and_then(|disposition| disposition.get_filename());
        let name = display_name(name.unwrap_or_default());
        let bytes = read(&state, field).await?;
        return queue(&state, name, collection, bytes).await;
    }
    Err(malformed("there is no field named `file`"))
}

async fn read(state: &State, mut field: Field) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    while let Some(part) = field.try_next().await.map_err(malformed)? {
        state
            .library
            .check_size((bytes.len() + part.len()) as u64)?;
        bytes.extend_from_slice(&part);
    }
    if bytes.is_empty() {
        let error = ingest::Error::Empty;
        return Err(
            Problem::new(Fault::Input, error.code(), error.to_string(), error.hint()).into(),
        );
    }
    Ok(bytes)
}

async fn queue(
    state: &State,
    name: String,
    collection: String,
    bytes: Vec<u8>,
) -> Result<HttpResponse, Failed> {
    let sha256 = Blobs::name_of(&bytes);
    let id = uuid::Uuid::now_v7().to_string();
    state
        .library
        .queue(&id, &name, &collection, &sha256, bytes)
        .await?;
    state.worker.wake();
    let job = state
        .library
        .catalog
        .job(&id)
        .await?
        .context("the job was just stored")?;
    Ok(HttpResponse::Accepted().json(json!({ "job": job })))
}

fn malformed(reason: impl std::fmt::Display) -> Failed {
    Problem::new(
        Fault::Usage,
        "upload_malformed",
        format!("the upload cannot be read: {reason}"),
        "send multipart/form-data with the PDF in a field named `file`",
    )
    .into()
}
