//! Adapters over HTTP.

use actix_web::{HttpResponse, delete, get, post, web};

use super::State;
use super::problem::Failed;
use crate::library::adapters::evaluate::EvaluateRequest;
use crate::library::adapters::lineage::Lineage;
use crate::library::adapters::promote::{PromoteRequest, RollbackRequest};
use crate::library::adapters::{AdapterDetails, AdapterList};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// List adapters, newest first, and what answers now.
#[utoipa::path(tag = "adapters", responses((status = 200, body = AdapterList)))]
#[get("/adapters")]
pub(super) async fn list_adapters(state: Shared) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.adapters().await?))
}

/// Show an adapter: how it fared, when it answered, and how an evaluation of it comes along.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = AdapterDetails)),
)]
#[get("/adapters/{id}")]
pub(super) async fn show_adapter(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.adapter(&id).await?))
}

/// Delete an adapter that does not answer.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/adapters/{id}")]
pub(super) async fn delete_adapter(state: Shared, id: web::Path<String>) -> Answered {
    state.library.delete_adapters(&[id.into_inner()]).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Put an adapter to held-out questions, beside what answers now.
///
/// It runs in the background; `GET /api/v1/adapters/{id}` says how it comes along, and what was found.
/// The name of a run of this library takes its adapter in.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "An adapter's id, or a run's name.")),
    responses((status = 202, description = "It runs.", body = AdapterDetails)),
)]
#[post("/adapters/{id}/evaluate")]
pub(super) async fn evaluate_adapter(
    state: Shared,
    id: web::Path<String>,
    request: web::Json<EvaluateRequest>,
) -> Answered {
    let request = EvaluateRequest {
        adapter: by_name(id.into_inner()),
        dataset: request.dataset.clone().map(by_name),
        ..request.into_inner()
    };
    let started = state.library.start_evaluation(request).await?;
    Ok(HttpResponse::Accepted().json(started))
}

/// Have an adapter answer from now on.
///
/// Without a restart; answers that have begun finish as they began. It must have been evaluated beside
/// what answers now, and be better; or not worse, where `tolerant` says that this is enough; or `force`
/// and a `reason` promote it all the same.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "An adapter's id, or a run's name.")),
    responses((status = 200, body = AdapterDetails)),
)]
#[post("/adapters/{id}/promote")]
pub(super) async fn promote_adapter(
    state: Shared,
    id: web::Path<String>,
    request: web::Json<PromoteRequest>,
) -> Answered {
    let request = PromoteRequest {
        adapter: by_name(id.into_inner()),
        ..request.into_inner()
    };
    Ok(HttpResponse::Ok().json(state.library.promote_adapter(&request).await?))
}

/// Have the adapter before answer again.
#[utoipa::path(tag = "adapters", responses((status = 200, body = AdapterList)))]
#[post("/adapters/rollback")]
pub(super) async fn rollback_adapter(
    state: Shared,
    request: web::Json<RollbackRequest>,
) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.rollback_adapter(&request).await?))
}

/// Where an adapter comes from: its run, its data, the feedback in it.
#[utoipa::path(
    tag = "adapters",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = Lineage)),
)]
#[get("/adapters/{id}/lineage")]
pub(super) async fn adapter_lineage(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.adapter_lineage(&id).await?))
}

/// Where an answer comes from: model, adapter, run, data, feedback.
#[utoipa::path(
    tag = "answers",
    params(("id" = String, Path, description = "The answer's id, or a start of it.")),
    responses((status = 200, body = Lineage)),
)]
#[get("/answers/{id}/lineage")]
pub(super) async fn answer_lineage(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.answer_lineage(&id).await?))
}

/// Over HTTP nothing is named by its path on the server.
pub(super) fn by_name(named: String) -> String {
    match std::path::Path::new(&named).is_absolute() {
        true => named.trim_start_matches('/').to_owned(),
        false => named,
    }
}
