//! Takes a file and queues it. The file and its job are stored before the upload is answered, so
//! that nothing that was accepted can be lost.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, post, web};
use anyhow::Context;
use futures_util::TryStreamExt;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::api::jobs::OneJob;
use super::problem::Failed;
use super::{State, idempotency};
use crate::catalog::DEFAULT_COLLECTION;
use crate::error::{Fault, Problem};
use crate::library::Blobs;
use crate::library::add::{collection_name, display_name};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Destination {
    /// Where the file goes; the collection `default` where not given.
    collection: Option<String>,
}

/// A form with a file.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "says what the form holds, which is read as it comes in"
)]
struct UploadForm {
    /// A paper: PDF, Markdown, text, HTML, DOCX, JATS or TEI XML.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Upload a paper.
///
/// The file is read in the background, as a job.
#[utoipa::path(
    tag = "jobs",
    params(
        Destination,
        ("Idempotency-Key" = Option<String>, Header, description = "Names this request; see the documentation of the API."),
    ),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "It is queued.", body = OneJob)),
)]
#[post("/uploads")]
pub(super) async fn upload(
    state: web::Data<State>,
    request: HttpRequest,
    destination: web::Query<Destination>,
    mut form: Multipart,
) -> Result<HttpResponse, Failed> {
    let collection = collection_name(
        destination
            .collection
            .as_deref()
            .unwrap_or(DEFAULT_COLLECTION),
    )?;
    while let Some(field) = form.try_next().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field
            .content_disposition()
            .and_then(|disposition| disposition.get_filename());
        let name = display_name(name.unwrap_or_default());
        let bytes = read(&state, field).await?;
        let sha256 = Blobs::name_of(&bytes);
        // Clients part a form anew each time, so its bytes would not tell that it is the same.
        let asked = [&collection, &name, &sha256].map(|part| part.as_bytes());
        return idempotency::once(&state, &request, &asked, |id| {
            queue(&state, id, &name, &collection, &sha256, bytes)
        })
        .await;
    }
    Err(malformed("there is no field named `file`"))
}

async fn read(state: &State, mut field: Field) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    while let Some(part) = field.try_next().await.map_err(unreadable)? {
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
    id: String,
    name: &str,
    collection: &str,
    sha256: &str,
    bytes: Vec<u8>,
) -> Result<(StatusCode, OneJob), Failed> {
    let catalog = &state.library.catalog;
    if catalog.job(&id).await?.is_none() {
        let queued = state.library.queue(&id, name, collection, sha256, bytes);
        queued.await?;
        state.worker.wake();
    }
    let job = catalog.job(&id).await?;
    let job = job.context("the job was just stored")?;
    Ok((StatusCode::ACCEPTED, OneJob { job }))
}

fn unreadable(error: MultipartError) -> Failed {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible
        | MultipartError::BoundaryMissing => Problem::new(
            Fault::UnsupportedMedia,
            "content_type_unsupported",
            format!("the upload is not sent as a form: {error}"),
            "send multipart/form-data with the PDF in a field named `file`",
        )
        .into(),
        error => malformed(error),
    }
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
