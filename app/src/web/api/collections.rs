//! Collections: list, create, delete.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::idempotency;
use super::{Answered, Shared};
use crate::control::CollectionRecord;
use crate::library::collections::Contents;
use crate::paging::Page;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// How many at most, 1 to 1000; 100 where not given.
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

/// A part of the list of collections.
#[derive(Serialize, ToSchema)]
struct CollectionList {
    /// By name.
    collections: Vec<CollectionRecord>,
    /// `cursor` of the next part; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// List collections by name.
#[utoipa::path(
    tag = "collections",
    params(Listing),
    responses((status = 200, body = CollectionList)),
)]
#[get("/collections")]
pub(crate) async fn list_collections(state: Shared, listing: web::Query<Listing>) -> Answered {
    let page = Page::<String>::read("collections", listing.limit, listing.cursor.as_deref())?;
    let catalog = &state.library.catalog;
    let found = catalog
        .collections_after(page.after.as_deref(), page.wanted())
        .await?;
    let (found, next_cursor) = page.cut(found, |(name, _)| name.clone());
    let record = |(name, documents)| CollectionRecord { name, documents };
    Ok(HttpResponse::Ok().json(CollectionList {
        collections: found.into_iter().map(record).collect(),
        next_cursor,
    }))
}

/// A collection to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// Its name.
    name: String,
}

/// A collection that is there now.
#[derive(Serialize, ToSchema)]
struct CreatedCollection {
    /// Its name, without white space around it.
    name: String,
    /// False where there was one of that name.
    created: bool,
}

/// Make a collection.
#[utoipa::path(
    tag = "collections",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this request; see the documentation of the API.")),
    responses(
        (status = 201, description = "It is new.", body = CreatedCollection),
        (status = 200, description = "There was one of that name.", body = CreatedCollection),
    ),
)]
#[post("/collections")]
pub(crate) async fn create_collection(
    state: Shared,
    request: HttpRequest,
    named: web::Json<Named>,
) -> Answered {
    let asked = [named.name.as_bytes()];
    idempotency::once(&state, &request, &asked, |_| async {
        let created = state.library.create_collection(&named.name).await?;
        let status = match created {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        let name = named.name.trim().to_owned();
        Ok((status, CreatedCollection { name, created }))
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Emptying {
    /// Delete its documents too.
    #[serde(default)]
    documents: bool,
    /// Move its documents to this collection first.
    move_to: Option<String>,
}

/// Delete a collection.
///
/// One that holds documents stays, unless it is said what becomes of them.
#[utoipa::path(
    tag = "collections",
    params(("name" = String, Path, description = "Its name."), Emptying),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/collections/{name}")]
pub(crate) async fn delete_collection(
    state: Shared,
    name: web::Path<String>,
    emptying: web::Query<Emptying>,
) -> Answered {
    let contents = match emptying.into_inner() {
        Emptying {
            move_to: Some(to), ..
        } => Contents::MoveTo(to),
        Emptying {
            documents: true, ..
        } => Contents::Delete,
        _ => Contents::Keep,
    };
    state
        .library
        .delete_collection(&name, &contents, |_| {})
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
