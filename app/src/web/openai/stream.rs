//! An answer as server-sent events: who speaks and which quotes are read, then nothing but signs of
//! life while the model writes, then the checked answer sentence by sentence, `[DONE]` at the end.
//!
//! The client that goes is noticed at the latest by the next sign of life; the request is then
//! cancelled, and the model stops.

use std::collections::VecDeque;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use futures_util::stream;
use generation::Answer;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout};

use super::chat::{Chat, fingerprint, lost, new_id, usage};
use super::error::{Refused, body};
use super::models;
use crate::control::Event;
use crate::library::ask::AskEvent;

/// What fails within this is told by the response's status; what fails later, by an event.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest silence.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Begins the response, once it is known to go well or after a moment.
pub(super) async fn respond(
    chat: Chat,
    mut events: UnboundedReceiver<Event>,
) -> Result<HttpResponse, Refused> {
    let mut answering = Answering::new(chat);
    let _ = timeout(PATIENCE, async {
        while !answering.is_over {
            let Some(event) = events.recv().await else {
                return;
            };
            let writes = matches!(&event, Event::Asking(AskEvent::Token(text)) if !text.is_empty());
            if let Event::Failed(problem) = event {
                answering.failed = Some(problem);
                return;
            }
            answering.take(event);
            if writes {
                return;
            }
        }
    })
    .await;
    if let Some(problem) = answering.failed {
        return Err(problem.into());
    }
    answering.events = Some(events);
    let body = stream::unfold(answering, |mut answering| async {
        let bytes = answering.next().await?;
        Some((Ok::<_, actix_web::Error>(bytes), answering))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies would gather the pieces.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

/// A response under way.
struct Answering {
    chat: Chat,
    id: String,
    created: i64,
    /// What is to be sent.
    pending: VecDeque<Bytes>,
    last_sent: Instant,
    events: Option<UnboundedReceiver<Event>>,
    failed: Option<crate::error::Problem>,
    is_over: bool,
}

impl Answering {
    fn new(chat: Chat) -> Self {
        let mut answering = Self {
            chat,
            id: new_id(),
            created: models::now(),
            pending: VecDeque::new(),
            last_sent: Instant::now(),
            events: None,
            failed: None,
            is_over: false,
        };
        answering.say(&json!({ "role": "assistant", "content": "" }), None);
        answering
    }

    /// What is sent next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.pending.pop_front() {
                self.last_sent = Instant::now();
                return Some(bytes);
            }
            if self.is_over {
                return None;
            }
            let events = self.events.as_mut()?;
            tokio::select! {
                event = events.recv() => {
                    self.take(event.unwrap_or_else(|| Event::Failed(lost())));
                }
                () = sleep_until(self.last_sent + HEARTBEAT) => {
                    self.pending.push_back(Bytes::from_static(b": the model writes\n\n"));
                }
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Asking(AskEvent::Evidence(quotes)) => {
                self.say(&json!({ "lectern_evidence": quotes }), None);
            }
            Event::Answer(answer) => {
                self.answer(&answer);
                self.is_over = true;
            }
            Event::Failed(problem) => {
                self.data(&body(&problem, None));
                self.is_over = true;
            }
            _ => {}
        }
    }

    fn answer(&mut self, answer: &Answer) {
        let content = self.chat.content(answer);
        for piece in pieces(&content) {
            self.say(&json!({ "content": piece }), None);
        }
        let reason = self.chat.finish_reason(answer);
        self.say(&json!({ "lectern": answer }), Some(reason));
        if self.chat.includes_usage {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = usage(answer);
            self.data(&chunk);
        }
        self.pending
            .push_back(Bytes::from_static(b"data: [DONE]\n\n"));
    }

    fn say(&mut self, delta: &Value, finish_reason: Option<&str>) {
        let chunk = self.chunk(json!([{
            "index": 0,
            "delta": delta,
            "logprobs": null,
            "finish_reason": finish_reason,
        }]));
        self.data(&chunk);
    }

    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.chat.model,
            "system_fingerprint": fingerprint(),
            "choices": choices,
        });
        if self.chat.includes_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn data(&mut self, value: &Value) {
        // JSON has no raw line ends, so one line holds it.
        self.pending.push_back(format!("data: {value}\n\n").into());
    }
}

/// A text in sentences, each with the space before it: together they are the text.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for range in ingest::sentence::split(text) {
        if range.end > start {
            pieces.push(&text[start..range.end]);
            start = range.end;
        }
    }
    pieces.extend(Some(&text[start..]).filter(|rest| !rest.is_empty()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text() {
        let text = "It took 3.5 ms [1]. Smith et al. say so [2].\n\nSources:\n[1] A, page 1 ";
        let pieces = pieces(text);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.len() > 1, "{pieces:?}");
        assert!(super::pieces("").is_empty());
    }
}
