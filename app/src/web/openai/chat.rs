//! `POST /v1/chat/completions`: a question and what was said before it, in OpenAI's terms.
//!
//! What would change the answer's form in a way that Lectern cannot honour (several choices, a JSON
//! schema, a tool that must be called) is refused; what only nudges a model's words (penalties,
//! `user` and the like) is passed over.

use actix_web::{HttpResponse, web};
use generation::stop::before_stop;
use generation::{Answer, Message, Origin, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Refused;
use super::fields::Fields;
use super::{models, stream};
use crate::control::{self, Event, Request};
use crate::error::{Fault, Problem};
use crate::library::ask::{AskRequest, Task};
use crate::library::search::check_question;
use crate::web::State;

/// Messages before the question that are looked at.
const MOST_HISTORY: usize = 40;
/// Longest answer that can be asked for, in tokens; more is this.
const MOST_TOKENS: usize = 4096;
/// Stop strings in a request, as with OpenAI.
const MOST_STOPS: usize = 4;

/// A request, read.
#[derive(Debug)]
pub(super) struct Chat {
    /// The model, as it was named.
    pub(super) model: String,
    /// What is asked.
    pub(super) ask: AskRequest,
    /// Send it in pieces.
    pub(super) streams: bool,
    /// With a last piece that counts tokens.
    pub(super) includes_usage: bool,
    /// With a list of sources in the text.
    pub(super) lists_sources: bool,
    /// The length at which the model is stopped, in tokens.
    pub(super) max_tokens: usize,
}

/// Answers.
pub(super) async fn complete(
    state: web::Data<State>,
    body: web::Json<Value>,
) -> Result<HttpResponse, Refused> {
    let settings = &state.library.settings;
    let mut chat = Chat::read(&body, settings.answer_max_tokens, settings.openai_sources)?;
    check_question(&chat.ask.question)?;
    chat.ask.collection = models::collection(&state.library, &chat.model).await?;
    // Dropped when the client goes, which cancels the request.
    let mut events = control::start_here(state.library.clone(), Request::Ask(chat.ask.clone()));
    if chat.streams {
        return stream::respond(chat, events).await;
    }
    while let Some(event) = events.recv().await {
        match event {
            Event::Answer(answer) => return Ok(HttpResponse::Ok().json(chat.completion(&answer))),
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    }
    Err(lost().into())
}

/// The request ended without an answer.
pub(super) fn lost() -> Problem {
    Problem::new(
        Fault::Machine,
        "internal",
        "the request ended before it was answered",
        "ask again; if it happens again, run `lectern doctor`",
    )
}

impl Chat {
    fn read(body: &Value, max_tokens: usize, lists_sources: bool) -> Result<Self, Refused> {
        let fields = Fields::of(body)?;
        let model = fields
            .text("model")?
            .ok_or_else(|| fields.wrong("model", "\"lectern\", or \"lectern:COLLECTION\""))?;
        refuse_other_forms(fields)?;
        let (question, history) = conversation(fields)?;
        let temperature = fields.number("temperature", 0.0, 2.0)?;
        let mut ask = AskRequest {
            question,
            history,
            temperature,
            top_p: fields.number("top_p", 0.0, 1.0)?,
            seed: seed(fields)?,
            stop: stops(fields)?,
            max_tokens: match fields.count("max_completion_tokens", MOST_TOKENS)? {
                None => fields.count("max_tokens", MOST_TOKENS)?,
                limit => limit,
            },
            ..AskRequest::default()
        };
        if temperature.is_some_and(|temperature| temperature > 0.0) {
            // Who samples without a seed wants another answer each time; the answer names it.
            ask.seed
                .get_or_insert_with(|| u64::from(rand::random::<u32>()));
        }
        let streams = fields.flag("stream")?;
        let options = fields.within("stream_options", "stream_options.")?;
        if options.is_some() && !streams {
            return Err(fields.wrong("stream_options", "it together with \"stream\": true only"));
        }
        let mut chat = Self {
            model: model.to_owned(),
            streams,
            includes_usage: options.map_or(Ok(false), |options| options.flag("include_usage"))?,
            lists_sources,
            max_tokens: ask.max_tokens.unwrap_or(max_tokens),
            ask,
        };
        if let Some(own) = fields.within("lectern", "lectern.")? {
            chat.read_own(own)?;
        }
        Ok(chat)
    }

    /// What only Lectern understands.
    fn read_own(&mut self, fields: Fields) -> Result<(), Refused> {
        for name in fields.names() {
            match name {
                "extractive" => self.ask.extractive = fields.flag(name)?,
                "documents" => self.ask.documents = fields.texts(name, 1000)?,
                "top_k" => self.ask.top_k = fields.count(name, 100)?,
                "sources" => self.lists_sources = fields.flag(name)?,
                "task" => {
                    let task = fields.get(name).map(Task::deserialize);
                    self.ask.task = match task {
                        None => Task::default(),
                        Some(Ok(task)) => task,
                        Some(Err(_)) => {
                            return Err(fields.wrong(name, "auto, answer, compare or summarise"));
                        }
                    };
                }
                _ => {
                    let known = "one of extractive, documents, top_k, sources, task";
                    return Err(fields.wrong(name, known));
                }
            }
        }
        Ok(())
    }

    /// The answer as one object.
    fn completion(&self, answer: &Answer) -> Value {
        json!({
            "id": new_id(),
            "object": "chat.completion",
            "created": models::now(),
            "model": self.model,
            "system_fingerprint": fingerprint(),
            "choices": [{
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": self.content(answer),
                    "refusal": null,
                    "lectern": answer,
                },
                "logprobs": null,
                "finish_reason": self.finish_reason(answer),
            }],
            "usage": usage(answer),
        })
    }

    /// The text of the answer. Stop strings end quotes too, which no model wrote.
    pub(super) fn content(&self, answer: &Answer) -> String {
        let mut content = before_stop(&answer.answer, &self.ask.stop).to_owned();
        if self.lists_sources && !answer.citations.is_empty() {
            content.push_str(match answer.outcome {
                Outcome::Answered => "\n\nSources:",
                Outcome::InsufficientEvidence => "\n\nThe nearest passages:",
            });
            for citation in &answer.citations {
                let title: String = citation.title.chars().filter(|c| !c.is_control()).collect();
                content.push_str(&format!(
                    "\n[{}] {}, page {}",
                    citation.key,
                    title.split_whitespace().collect::<Vec<_>>().join(" "),
                    citation.page
                ));
            }
        }
        content
    }

    /// Why the text ends.
    pub(super) fn finish_reason(&self, answer: &Answer) -> &'static str {
        let is_cut = answer.origin == Origin::Model
            && answer.outcome == Outcome::Answered
            && answer.usage.completion_tokens >= self.max_tokens;
        if is_cut { "length" } else { "stop" }
    }
}

/// A new id of a completion.
pub(super) fn new_id() -> String {
    format!("chatcmpl-{}", uuid::Uuid::now_v7().simple())
}

/// What answers: the same text needs the same build.
pub(super) fn fingerprint() -> &'static str {
    concat!("lectern-", env!("CARGO_PKG_VERSION"))
}

/// Tokens used.
pub(super) fn usage(answer: &Answer) -> Value {
    let usage = answer.usage;
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    })
}

fn refuse_other_forms(fields: Fields) -> Result<(), Refused> {
    if fields.get("n").is_some_and(|n| n.as_u64() != Some(1)) {
        return Err(fields.wrong("n", "1: a question has one answer"));
    }
    if fields.flag("logprobs")? {
        return Err(fields.wrong(
            "logprobs",
            "false: the checked text has no token probabilities",
        ));
    }
    if let Some(format) = fields.within("response_format", "response_format.")?
        && format.text("type")? != Some("text")
    {
        let wanted = "\"text\"; the answer is there as JSON in the message's field \"lectern\"";
        return Err(format.wrong("type", wanted));
    }
    let choice = fields.get("tool_choice");
    if choice.is_some_and(|choice| choice.is_object() || choice == "required") {
        return Err(fields.wrong(
            "tool_choice",
            "\"auto\" or \"none\": Lectern calls no tools",
        ));
    }
    let modalities = fields.texts("modalities", 8)?;
    if modalities.iter().any(|modality| modality != "text") {
        return Err(fields.wrong("modalities", "[\"text\"]"));
    }
    Ok(())
}

/// The last message, and those of the person and the assistant before it.
fn conversation(fields: Fields) -> Result<(String, Vec<Message>), Refused> {
    let wrong = |name: &str, wanted: &str| Err(fields.wrong(name, wanted));
    let Some(Value::Array(messages)) = fields.get("messages") else {
        return wrong(
            "messages",
            "a list of messages, the last of the role \"user\"",
        );
    };
    let mut said = Vec::new();
    let mut last_role = "";
    for (index, message) in messages.iter().enumerate() {
        let name = format!("messages[{index}]");
        let Value::Object(_) = message else {
            return wrong(&name, "an object with \"role\" and \"content\"");
        };
        last_role = match message["role"].as_str() {
            Some(role @ ("user" | "assistant")) => {
                let content = text_of(fields, &name, &message["content"])?;
                if !content.trim().is_empty() {
                    said.push(Message {
                        role: role.to_owned(),
                        content,
                    });
                }
                role
            }
            Some(role @ ("system" | "developer" | "tool" | "function")) => role,
            _ => {
                let roles = "system, developer, user, assistant or tool";
                return wrong(&format!("{name}.role"), roles);
            }
        };
    }
    match said.pop() {
        Some(question) if last_role == "user" && question.role == "user" => {
            let first = said.len().saturating_sub(MOST_HISTORY);
            Ok((question.content, said.split_off(first)))
        }
        _ => wrong(
            "messages",
            "a question as the last message, of the role \"user\"",
        ),
    }
}

/// The text of a message: a string, or parts that are all text.
fn text_of(fields: Fields, message: &str, content: &Value) -> Result<String, Refused> {
    let name = format!("{message}.content");
    match content {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            let text = |part: &Value| match part["type"].as_str() {
                Some("text") => part["text"].as_str().map(str::to_owned),
                Some("refusal") => part["refusal"].as_str().map(str::to_owned),
                _ => None,
            };
            let texts: Option<Vec<String>> = parts.iter().map(text).collect();
            texts
                .map(|texts| texts.join("\n"))
                .ok_or_else(|| fields.wrong(&name, "parts of type \"text\" only"))
        }
        _ => Err(fields.wrong(&name, "a string, or a list of parts")),
    }
}

/// OpenAI's seeds may be negative; each is as good as another.
fn seed(fields: Fields) -> Result<Option<u64>, Refused> {
    fields
        .get("seed")
        .map(|seed| {
            let signed = seed.as_i64().map(|seed| seed as u64);
            signed
                .or_else(|| seed.as_u64())
                .ok_or_else(|| fields.wrong("seed", "a whole number"))
        })
        .transpose()
}

fn stops(fields: Fields) -> Result<Vec<String>, Refused> {
    let stops = fields.texts("stop", MOST_STOPS)?;
    match stops.iter().any(String::is_empty) {
        true => Err(fields.wrong("stop", "strings that are not empty")),
        false => Ok(stops),
    }
}

#[cfg(test)]
mod tests;
