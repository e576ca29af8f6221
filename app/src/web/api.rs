//! The JSON routes.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::Deserialize;
use serde_json::json;

use super::State;
use super::problem::Failed;
use crate::error::{Fault, Problem};
use crate::library::collections::{Contents, MoveStatus};
use crate::library::search::SearchRequest;

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// Is the process alive?
#[get("/health/live")]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// Can it answer: is the catalog readable?
#[get("/health/ready")]
pub(super) async fn ready(state: Shared) -> Answered {
    state.library.catalog.count_documents().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}

/// What a script needs before it can change anything.
#[get("/session")]
pub(super) async fn session(state: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "csrf_token": state.guard.csrf() }))
}

#[derive(Deserialize)]
struct Listing {
    collection: Option<String>,
}

#[get("/documents")]
pub(super) async fn list_documents(state: Shared, listing: web::Query<Listing>) -> Answered {
    let found = state
        .library
        .catalog
        .documents(listing.collection.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "documents": found })))
}

#[get("/documents/{id}")]
pub(super) async fn show_document(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.details(&id).await?))
}

#[delete("/documents/{id}")]
pub(super) async fn delete_document(state: Shared, id: web::Path<String>) -> Answered {
    state.library.remove(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[get("/collections")]
pub(super) async fn list_collections(state: Shared) -> Answered {
    let found: Vec<_> = state
        .library
        .catalog
        .collections()
        .await?
        .into_iter()
        .map(|(name, documents)| json!({ "name": name, "documents": documents }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "collections": found })))
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[post("/collections")]
pub(super) async fn create_collection(state: Shared, named: web::Json<Named>) -> Answered {
    let is_new = state.library.create_collection(&named.name).await?;
    let mut response = if is_new {
        HttpResponse::Created()
    } else {
        HttpResponse::Ok()
    };
    Ok(response.json(json!({ "name": named.name.trim(), "created": is_new })))
}

#[derive(Deserialize)]
struct Emptying {
    #[serde(default)]
    documents: bool,
    move_to: Option<String>,
}

#[delete("/collections/{name}")]
pub(super) async fn delete_collection(
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

#[derive(Deserialize)]
struct Target {
    to: String,
}

#[post("/documents/{id}/move")]
pub(super) async fn move_document(
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

#[post("/search")]
pub(super) async fn search_passages(state: Shared, request: web::Json<SearchRequest>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.search(&request).await?))
}

#[get("/jobs")]
pub(super) async fn list_jobs(state: Shared) -> Answered {
    let mut found = state.library.catalog.jobs().await?;
    for job in &mut found {
        state.worker.complete(job);
    }
    Ok(HttpResponse::Ok().json(json!({ "jobs": found })))
}

#[get("/jobs/{id}")]
pub(super) async fn show_job(state: Shared, id: web::Path<String>) -> Answered {
    one_job(&state, &id).await
}

#[post("/jobs/{id}/cancel")]
pub(super) async fn cancel_job(state: Shared, id: web::Path<String>) -> Answered {
    state.worker.cancel(&id).await?;
    one_job(&state, &id).await
}

async fn one_job(state: &State, id: &str) -> Answered {
    let mut found = state.library.catalog.job(id).await?.ok_or_else(|| {
        Problem::new(
            Fault::NotFound,
            "job_not_found",
            format!("there is no job {id:?}"),
            "GET /api/v1/jobs lists them",
        )
    })?;
    state.worker.complete(&mut found);
    Ok(HttpResponse::Ok().json(json!({ "job": found })))
}
