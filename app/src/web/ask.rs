//! Streams an answer as server-sent events: `evidence` once, `token` for each piece of the draft,
//! then `answer` or `error`. Closing the connection stops the model.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, post, web};
use futures_util::stream;
use generation::Citation;
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use super::problem::{self, Failed};
use crate::control::{self, Event, Request};
use crate::library::ask::{AskEvent, AskRequest};
use crate::library::search::check_question;

/// What the model is given to answer from: the event `evidence`.
#[derive(Serialize, ToSchema)]
pub(super) struct EvidenceEvent {
    /// The quotes, best first.
    passages: Vec<EvidencePassage>,
}

/// A quote that the model is given.
#[derive(Serialize, ToSchema)]
pub(super) struct EvidencePassage {
    /// Place in the order, from 1.
    rank: u32,
    /// The document's id.
    document_id: String,
    /// Its file.
    file: String,
    /// Its title, or the file name.
    title: String,
    /// Page, from 1.
    page: u32,
    /// The quote.
    text: String,
}

/// A piece of the draft, which is not checked yet: the event `token`.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenEvent {
    /// Text that goes on with what came before.
    text: String,
}

/// Ask a question.
///
/// Answered by server-sent events: `evidence` (an `EvidenceEvent`) once, `token` (a `TokenEvent`) for
/// each piece of the draft, and at last `answer` (an `Answer`) or `error` (a `Problem`). Closing the
/// connection stops the model.
#[utoipa::path(
    tag = "answers",
    responses((status = 200, description = "Events.", body = String, content_type = "text/event-stream")),
)]
#[post("/ask")]
pub(super) async fn ask(
    state: web::Data<State>,
    request: web::Json<AskRequest>,
) -> Result<HttpResponse, Failed> {
    let request = request.into_inner();
    check_question(&request.question)?;
    // Dropped with the response body, which cancels the request.
    let events = control::start_here(state.library.clone(), Request::Ask(request));
    let body = stream::unfold(events, |mut events| async {
        let event = events.recv().await?;
        Some((Ok::<_, actix_web::Error>(encode(&event)), events))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(body))
}

fn encode(event: &Event) -> Bytes {
    match event {
        Event::Asking(AskEvent::Evidence(citations)) => {
            let passages = citations.iter().map(passage).collect();
            message("evidence", &EvidenceEvent { passages })
        }
        Event::Asking(AskEvent::Token(text)) => {
            message("token", &TokenEvent { text: text.clone() })
        }
        Event::Answer(answer) => message("answer", answer),
        Event::Failed(failed) => message("error", &problem::body(failed)),
        _ => Bytes::new(),
    }
}

fn passage(citation: &Citation) -> EvidencePassage {
    EvidencePassage {
        rank: citation.key,
        document_id: citation.document_id.clone(),
        file: citation.file.clone(),
        title: citation.title.clone(),
        page: citation.page,
        text: citation.quote.clone(),
    }
}

/// An event of a stream.
pub(super) fn message(name: &str, data: &impl Serialize) -> Bytes {
    // JSON has no raw line ends, so one `data:` line holds it.
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    format!("event: {name}\ndata: {data}\n\n").into()
}
