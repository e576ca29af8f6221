//! Blind comparisons over HTTP.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use super::problem::Failed;
use crate::library::adapters::compare::{CompareRequest, ComparisonDetails, VoteRequest};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// Comparisons of models.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ComparisonList {
    /// Newest first.
    comparisons: Vec<ComparisonDetails>,
}

/// List blind comparisons, newest first.
#[utoipa::path(tag = "adapters", responses((status = 200, body = ComparisonList)))]
#[get("/comparisons")]
pub(super) async fn list_comparisons(state: Shared) -> Answered {
    let comparisons = state.library.comparisons().await?;
    Ok(HttpResponse::Ok().json(ComparisonList { comparisons }))
}

/// Put the same questions to two models, for people to vote on.
///
/// Both answer in the background; `next` of the comparison is the next pair to vote on, with nothing of
/// whose answer is whose.
#[utoipa::path(
    tag = "adapters",
    responses((status = 202, description = "Both are being asked.", body = ComparisonDetails)),
)]
#[post("/comparisons")]
pub(super) async fn start_comparison(
    state: Shared,
    request: web::Json<CompareRequest>,
) -> Answered {
    let request = CompareRequest {
        adapter: super::adapters::by_name(request.adapter.clone()),
        dataset: request.dataset.clone().map(super::adapters::by_name),
        ..request.into_inner()
    };
    let started = state.library.compare_adapters(&request).await?;
    Ok(HttpResponse::Accepted().json(started))
}

/// Show a comparison: how the votes stand, and the next pair.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = ComparisonDetails)),
)]
#[get("/comparisons/{id}")]
pub(super) async fn show_comparison(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.comparison(&id).await?))
}

/// Vote on a pair, in place of a vote that it has.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "The comparison's id, or a start of it.")),
    responses((status = 200, body = ComparisonDetails)),
)]
#[post("/comparisons/{id}/votes")]
pub(super) async fn vote(
    state: Shared,
    id: web::Path<String>,
    request: web::Json<VoteRequest>,
) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.vote(&id, &request).await?))
}

/// Delete a comparison with its votes.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/comparisons/{id}")]
pub(super) async fn delete_comparison(state: Shared, id: web::Path<String>) -> Answered {
    state.library.delete_comparison(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
