//! Documents: list, show, move, delete.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Answered, Shared};
use crate::catalog::{DocumentRecord, Place};
use crate::error::{Fault, Problem};
use crate::library::collections::{MoveReport, MoveStatus};
use crate::library::details::DocumentDetails;
use crate::paging::Page;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Only of this collection.
    collection: Option<String>,
    /// How many at most, 1 to 1000; 100 where not given.
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

/// A part of the list of documents.
#[derive(Serialize, ToSchema)]
struct DocumentList {
    /// Newest first.
    documents: Vec<DocumentRecord>,
    /// `cursor` of the next part; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// List documents, newest first.
#[utoipa::path(
    tag = "documents",
    params(Listing),
    responses((status = 200, body = DocumentList)),
)]
#[get("/documents")]
pub(crate) async fn list_documents(state: Shared, listing: web::Query<Listing>) -> Answered {
    let page = Page::<Place>::read("documents", listing.limit, listing.cursor.as_deref())?;
    let catalog = &state.library.catalog;
    let found = catalog
        .documents_after(
            listing.collection.as_deref(),
            page.after.as_ref(),
            page.wanted(),
        )
        .await?;
    let (documents, next_cursor) = page.cut(found, DocumentRecord::place);
    Ok(HttpResponse::Ok().json(DocumentList {
        documents,
        next_cursor,
    }))
}

/// Show a document.
///
/// With its metadata, outline and references, and the documents of the library that cite it or are
/// much the same.
#[utoipa::path(
    tag = "documents",
    params(("id" = String, Path, description = "Its id, the start of it (8 characters or more), or its file name.")),
    responses((status = 200, body = DocumentDetails)),
)]
#[get("/documents/{id}")]
pub(crate) async fn show_document(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.details(&id).await?))
}

/// Delete a document and all that was made of it.
#[utoipa::path(
    tag = "documents",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/documents/{id}")]
pub(crate) async fn delete_document(state: Shared, id: web::Path<String>) -> Answered {
    state.library.remove(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Where a document is to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Target {
    /// The collection, which exists.
    to: String,
}

/// Move a document to another collection.
#[utoipa::path(
    tag = "documents",
    params(("id" = String, Path, description = "Its id, the start of it, or its file name.")),
    responses((status = 200, body = MoveReport)),
)]
#[post("/documents/{id}/move")]
pub(crate) async fn move_document(
    state: Shared,
    id: web::Path<String>,
    target: web::Json<Target>,
) -> Answered {
    let id = [id.into_inner()];
    let reports = state.library.move_documents(&id, &target.to).await?;
    let report = reports.into_iter().next().ok_or_else(|| {
        Problem::new(
            Fault::NotFound,
            "document_not_found",
            format!("there is no document {:?} any more", id[0]),
            "GET /api/v1/documents lists them",
        )
    })?;
    if report.status == MoveStatus::Duplicate {
        return Err(Problem::new(
            Fault::Conflict,
            "document_duplicate",
            format!(
                "{} is in {:?} already, as {}",
                report.file,
                report.to,
                report.duplicate_of.unwrap_or_default()
            ),
            "delete one of the two copies",
        )
        .into());
    }
    Ok(HttpResponse::Ok().json(report))
}
