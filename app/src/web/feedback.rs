//! Feedback over HTTP: its JSON routes, and the review queue.

use std::io::{Seek, SeekFrom, Write};

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use anyhow::Context;
use futures_util::TryStreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::pages::shown;
use super::problem::Failed;
use super::views::FeedbackPage;
use super::{State, idempotency};
use crate::catalog::FeedbackState;
use crate::error::{Fault, Problem};
use crate::library::feedback::dataset::DatasetFormat;
use crate::library::feedback::import::ImportReport;
use crate::library::feedback::review::{Review, Verdict};
use crate::library::feedback::{FeedbackDetails, FeedbackEdit, FeedbackList};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// Cards on a page of the queue.
const LISTED: u32 = 20;

/// Say what is good or bad of an answer.
///
/// It is kept, with all that training needs of the answer, until a review decides on it.
#[utoipa::path(
    tag = "feedback",
    params(
        ("id" = String, Path, description = "The answer's id, or a start of it."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names this request; see the documentation of the API."),
    ),
    responses((status = 201, description = "It is kept.", body = FeedbackDetails)),
)]
#[post("/answers/{id}/feedback")]
pub(super) async fn give_feedback(
    state: Shared,
    request: HttpRequest,
    id: web::Path<String>,
    edit: web::Json<FeedbackEdit>,
) -> Answered {
    let asked = serde_json::to_vec(&edit.0).context("writing what was said")?;
    idempotency::once(&state, &request, &[&asked], |kept| async {
        let library = &state.library;
        let given = library.give_feedback_once(kept, &id, &edit).await?;
        Ok((StatusCode::CREATED, FeedbackDetails::from(given)))
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Only what stands so.
    #[param(inline)]
    state: Option<FeedbackState>,
    /// Only on this answer: its id, or a start of it.
    answer: Option<String>,
    /// How many at most, 1 to 1000; 100 where not given.
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

/// List feedback, newest first.
#[utoipa::path(tag = "feedback", params(Listing), responses((status = 200, body = FeedbackList)))]
#[get("/feedback")]
pub(super) async fn list_feedback(state: Shared, listing: web::Query<Listing>) -> Answered {
    let Listing {
        state: wanted,
        answer,
        limit,
        cursor,
    } = listing.into_inner();
    let found = state
        .library
        .feedback_list(wanted, answer.as_deref(), limit, cursor.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Show feedback with what would be learnt from it, and who did what to it.
#[utoipa::path(
    tag = "feedback",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = FeedbackDetails)),
)]
#[get("/feedback/{id}")]
pub(super) async fn show_feedback(state: Shared, id: web::Path<String>) -> Answered {
    let found = state.library.feedback(&id).await?;
    Ok(HttpResponse::Ok().json(FeedbackDetails::from(found)))
}

/// Change what was said, or what is learnt.
///
/// What is left out stays as it is; null takes it away. What a giver changes in approved or rejected
/// feedback sends it back to the queue.
#[utoipa::path(
    tag = "feedback",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = FeedbackDetails)),
)]
#[patch("/feedback/{id}")]
pub(super) async fn edit_feedback(
    state: Shared,
    id: web::Path<String>,
    edit: web::Json<FeedbackEdit>,
) -> Answered {
    let changed = state.library.edit_feedback(&id, &edit).await?;
    Ok(HttpResponse::Ok().json(FeedbackDetails::from(changed)))
}

/// Delete feedback for good.
#[utoipa::path(
    tag = "feedback",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/feedback/{id}")]
pub(super) async fn delete_feedback(state: Shared, id: web::Path<String>) -> Answered {
    state.library.delete_feedback(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Let feedback go into training.
#[utoipa::path(
    tag = "feedback",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = FeedbackDetails)),
)]
#[post("/feedback/{id}/approve")]
pub(super) async fn approve_feedback(
    state: Shared,
    id: web::Path<String>,
    review: web::Json<Review>,
) -> Answered {
    reviewed(&state, &id, Verdict::Approve, &review).await
}

/// Keep feedback out of training.
#[utoipa::path(
    tag = "feedback",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = FeedbackDetails)),
)]
#[post("/feedback/{id}/reject")]
pub(super) async fn reject_feedback(
    state: Shared,
    id: web::Path<String>,
    review: web::Json<Review>,
) -> Answered {
    reviewed(&state, &id, Verdict::Reject, &review).await
}

async fn reviewed(state: &State, id: &str, verdict: Verdict, review: &Review) -> Answered {
    let changed = state.library.review_feedback(id, verdict, review).await?;
    Ok(HttpResponse::Ok().json(FeedbackDetails::from(changed)))
}

/// Take feedback back: it is kept, and never learnt.
#[utoipa::path(
    tag = "feedback",
    params(("id" = String, Path, description = "Its id, or a start of it.")),
    responses((status = 200, body = FeedbackDetails)),
)]
#[post("/feedback/{id}/withdraw")]
pub(super) async fn withdraw_feedback(
    state: Shared,
    id: web::Path<String>,
    review: web::Json<Review>,
) -> Answered {
    let changed = state.library.withdraw_feedback(&id, &review).await?;
    Ok(HttpResponse::Ok().json(FeedbackDetails::from(changed)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Importing {
    /// The file's name, for messages and the history.
    name: Option<String>,
    /// True to approve all of it unread; not of a ChatGPT export.
    #[serde(default)]
    approve: bool,
    /// Who says so; `api` where not given.
    by: Option<String>,
}

/// Bring in question-answer pairs.
///
/// The body is the file: JSONL or a JSON list (of `messages`, of `prompt` and `completion`, or of
/// `instruction`, `input` and `output`), Parquet with these columns, or ChatGPT's export. It comes in
/// whole or not at all; what is there already is not brought in again.
#[utoipa::path(
    tag = "feedback",
    params(Importing),
    request_body(content = String, description = "The file.", content_type = "application/octet-stream"),
    responses((status = 200, body = ImportReport)),
)]
#[post("/feedback/import")]
pub(super) async fn import_feedback(
    state: Shared,
    importing: web::Query<Importing>,
    mut body: web::Payload,
) -> Answered {
    let Importing { name, approve, by } = importing.into_inner();
    let name = name.unwrap_or_else(|| "the file".to_owned());
    let name = crate::library::add::display_name(&name);
    let mut file = tempfile::tempfile_in(&state.library.settings.data_dir)
        .context("making a file for what is imported")?;
    let mut length = 0;
    while let Some(part) = body.try_next().await.map_err(broken_off)? {
        length += part.len() as u64;
        state.library.check_size(length)?;
        file.write_all(&part).context("keeping what is imported")?;
    }
    file.seek(SeekFrom::Start(0))
        .context("reading what is imported")?;
    let report = state
        .library
        .import_feedback(file, &name, approve, by.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(report))
}

fn broken_off(error: actix_web::error::PayloadError) -> Problem {
    Problem::new(
        Fault::Usage,
        "request_malformed",
        format!("the request's body cannot be read: {error}"),
        "send it again",
    )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Exporting {
    /// `messages`, `prompt-completion` or `instruction` as JSONL, or `parquet`.
    #[serde(default = "messages")]
    #[param(inline, value_type = Option<DatasetFormat>)]
    format: DatasetFormat,
    /// Of the feedback that stands so; `approved` where not given.
    #[serde(default = "approved")]
    #[param(inline, value_type = Option<FeedbackState>)]
    state: FeedbackState,
}

fn messages() -> DatasetFormat {
    DatasetFormat::Messages
}

fn approved() -> FeedbackState {
    FeedbackState::Approved
}

/// Write examples for training out.
///
/// Feedback that there is nothing to learn from is left out.
#[utoipa::path(
    tag = "feedback",
    params(Exporting),
    responses((status = 200, description = "The examples, newest first.", content(
        (String = "application/x-ndjson"),
        (String = "application/vnd.apache.parquet"),
    ))),
)]
#[get("/feedback/export")]
pub(super) async fn export_feedback(state: Shared, exporting: web::Query<Exporting>) -> Answered {
    let Exporting {
        format,
        state: wanted,
    } = exporting.into_inner();
    let mut body = Vec::new();
    state
        .library
        .export_feedback(format, wanted, &mut |part| {
            body.extend_from_slice(&part);
            true
        })
        .await?;
    let name = format!(
        "attachment; filename=\"feedback-{}.{}\"",
        wanted.as_str(),
        format.ending()
    );
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body))
}

#[derive(Deserialize)]
struct Queue {
    state: Option<FeedbackState>,
    cursor: Option<String>,
}

/// The review queue.
#[get("/feedback")]
pub(super) async fn review_page(state: Shared, queue: web::Query<Queue>) -> HttpResponse {
    shown(async {
        let Queue {
            state: wanted,
            cursor,
        } = queue.into_inner();
        let wanted = wanted.unwrap_or(FeedbackState::Pending);
        let library = &state.library;
        let (found, next) = library
            .feedback_page(Some(wanted), None, Some(LISTED), cursor.as_deref())
            .await?;
        let mut items = Vec::with_capacity(found.len());
        for one in found {
            // With its history, which lists leave out; it may be gone by now.
            items.extend(library.catalog.feedback(&one.id).await?);
        }
        let counts = library.catalog.count_feedback().await?;
        Ok(FeedbackPage::of(
            state.guard.csrf(),
            wanted,
            &counts,
            &items,
            next,
        ))
    })
    .await
}
