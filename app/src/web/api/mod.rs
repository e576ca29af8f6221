//! The JSON routes. What each takes and gives is described where it is defined; [`super::openapi`]
//! collects that.

pub(super) mod collections;
pub(super) mod documents;
pub(super) mod jobs;

use actix_web::{HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use super::problem::Failed;
use crate::library::search::{SearchRequest, SearchResponse};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// How the process is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `live` or `ready`.
    status: &'static str,
}

/// Is the process alive?
#[utoipa::path(tag = "service", responses((status = 200, body = Health)))]
#[get("/health/live")]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "live" })
}

/// Can it answer?
///
/// It can where the catalog is readable.
#[utoipa::path(tag = "service", responses((status = 200, body = Health)))]
#[get("/health/ready")]
pub(super) async fn ready(state: Shared) -> Answered {
    state.library.catalog.count_documents().await?;
    Ok(HttpResponse::Ok().json(Health { status: "ready" }))
}

/// What a script needs before it can change anything.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// Value of the header `X-CSRF-Token`, until the server restarts.
    csrf_token: String,
}

/// The CSRF token.
#[utoipa::path(tag = "service", responses((status = 200, body = Session)))]
#[get("/session")]
pub(super) async fn session(state: Shared) -> HttpResponse {
    HttpResponse::Ok().json(Session {
        csrf_token: state.guard.csrf().to_owned(),
    })
}

/// Find passages, with the parameters in a JSON object.
#[utoipa::path(tag = "search", responses((status = 200, body = SearchResponse)))]
#[post("/search")]
pub(super) async fn search_passages(state: Shared, request: web::Json<SearchRequest>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.search(&request).await?))
}
