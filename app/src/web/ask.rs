//! Streams an answer as server-sent events: `evidence` once, `token` for each piece of the draft,
//! then `answer` or `error`. Closing the connection stops the model.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, post, web};
use futures_util::stream;
use generation::Citation;
use serde::Serialize;
use serde_json::json;

use super::State;
use super::problem::{self, Failed};
use crate::control::{self, Event, Request};
use crate::library::ask::{AskEvent, AskRequest};
use crate::library::search::check_question;

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
            let passages: Vec<_> = citations.iter().map(passage).collect();
            message("evidence", &json!({ "passages": passages }))
        }
        Event::Asking(AskEvent::Token(text)) => message("token", &json!({ "text": text })),
        Event::Answer(answer) => message("answer", answer),
        Event::Failed(failed) => message("error", &problem::body(failed)),
        _ => Bytes::new(),
    }
}

fn passage(citation: &Citation) -> serde_json::Value {
    json!({
        "rank": citation.key,
        "document_id": citation.document_id,
        "file": citation.file,
        "title": citation.title,
        "page": citation.page,
        "text": citation.quote,
    })
}

fn message(name: &str, data: &impl Serialize) -> Bytes {
    // JSON has no raw line ends, so one `data:` line holds it.
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    format!("event: {name}\ndata: {data}\n\n").into()
}
