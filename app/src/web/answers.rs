//! The JSON routes of answers that were given.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::Deserialize;

use super::State;
use super::problem::Failed;

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// Answers of a list, where it is not said how many.
const USUAL: usize = 50;

#[derive(Deserialize)]
struct Listing {
    limit: Option<usize>,
    cursor: Option<String>,
}

#[get("/answers")]
pub(super) async fn list_answers(state: Shared, listing: web::Query<Listing>) -> Answered {
    let found = state
        .library
        .answers(listing.limit.unwrap_or(USUAL), listing.cursor.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

#[get("/answers/{id}")]
pub(super) async fn show_answer(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.stored_answer(&id).await?))
}

#[delete("/answers/{id}")]
pub(super) async fn delete_answer(state: Shared, id: web::Path<String>) -> Answered {
    state.library.delete_answer(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[post("/answers/{id}/replay")]
pub(super) async fn replay_answer(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.replay_answer(&id).await?))
}
