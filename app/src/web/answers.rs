//! The JSON routes of answers that were given.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::State;
use super::problem::Failed;
use crate::catalog::StoredAnswer;
use crate::library::answers::AnswerList;
use crate::library::answers::replay::Replay;

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// How many at most, 1 to 1000; 100 where not given.
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

/// List answers that were given, newest first.
#[utoipa::path(tag = "answers", params(Listing), responses((status = 200, body = AnswerList)))]
#[get("/answers")]
pub(super) async fn list_answers(state: Shared, listing: web::Query<Listing>) -> Answered {
    let found = state
        .library
        .answers(listing.limit, listing.cursor.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Show an answer with how it came about.
#[utoipa::path(
    tag = "answers",
    params(("id" = String, Path, description = "The answer's id, or a start of it.")),
    responses((status = 200, body = StoredAnswer)),
)]
#[get("/answers/{id}")]
pub(super) async fn show_answer(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.stored_answer(&id).await?))
}

/// Delete an answer.
#[utoipa::path(
    tag = "answers",
    params(("id" = String, Path, description = "The answer's id, or a start of it.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/answers/{id}")]
pub(super) async fn delete_answer(state: Shared, id: web::Path<String>) -> Answered {
    state.library.delete_answer(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make an answer again, and say what differs.
#[utoipa::path(
    tag = "answers",
    params(("id" = String, Path, description = "The answer's id, or a start of it.")),
    responses((status = 200, body = Replay)),
)]
#[post("/answers/{id}/replay")]
pub(super) async fn replay_answer(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.replay_answer(&id).await?))
}
