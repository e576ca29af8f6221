//! The forms in which question-answer pairs are exchanged, one JSON object a pair: a chat
//! (`messages`), `prompt` and `completion`, or `instruction`, `input` and `output`. Which one it is is
//! told from its fields.
//!
//! A pair that Lectern wrote has the further field `feedback`, with what is known of it; other readers
//! pass over it. The forms other than `messages` have no place for roles: the prompt's messages are
//! put together with an empty line in between, and read back as one message of the user.

use generation::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::catalog::Feedback;
use crate::catalog::feedback::{
    CitationMark, FeedbackEvidence, FeedbackSource, FeedbackState, Opinion, Reason, Thumbs,
};

/// Between messages that are put together.
const BREAK: &str = "\n\n";

/// How examples are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatasetFormat {
    /// JSONL: a chat a line.
    Messages,
    /// JSONL: `prompt` and `completion`.
    PromptCompletion,
    /// JSONL: `instruction`, `input` and `output`.
    Instruction,
    /// A Parquet file with the columns `id`, `messages`, `prompt`, `completion` and `feedback`.
    Parquet,
}

/// What is known of a pair beside its words: the field `feedback`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Id of the feedback.
    pub id: Option<String>,
    /// The answer that it was given on.
    pub answer_id: Option<String>,
    /// Where it comes from.
    pub source: Option<FeedbackSource>,
    /// Where it stands.
    pub state: Option<FeedbackState>,
    /// The question as asked.
    pub question: Option<String>,
    /// Good or bad.
    pub thumbs: Option<Thumbs>,
    /// 1 to 5.
    pub rating: Option<u8>,
    /// Why the answer was bad.
    pub tags: Vec<Reason>,
    /// Anything else.
    pub comment: Option<String>,
    /// Citations that were judged.
    pub citations: Vec<CitationMark>,
    /// Which model answered.
    pub model: Option<String>,
    /// Its adapter.
    pub adapter: Option<String>,
    /// True where the pair teaches to refuse.
    pub refusal: bool,
    /// Documents whose text it holds.
    pub documents: Vec<String>,
    /// What could be cited, best first.
    pub evidence: Vec<FeedbackEvidence>,
    /// When it was given, RFC 3339.
    pub created_at: Option<String>,
}

/// A prompt and what should be said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The chat up to the answer.
    pub prompt: Vec<Message>,
    /// The answer.
    pub completion: String,
    /// What else is known.
    pub about: Option<About>,
}

/// What is wrong with which field of a pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl About {
    /// What is known of feedback.
    #[must_use]
    pub fn of(feedback: &Feedback) -> Self {
        let Opinion {
            thumbs,
            rating,
            tags,
            comment,
            citations,
            ..
        } = feedback.opinion.clone();
        Self {
            id: Some(feedback.id.clone()),
            answer_id: feedback.answer_id.clone(),
            source: Some(feedback.source),
            state: Some(feedback.state),
            question: Some(feedback.question.clone()),
            thumbs,
            rating,
            tags,
            comment,
            citations,
            model: feedback.context.model.clone(),
            adapter: feedback.context.adapter.clone(),
            refusal: feedback.teaches_refusal(),
            documents: feedback.documents(),
            evidence: feedback.context.evidence.clone(),
            created_at: Some(feedback.created_at.clone()),
        }
    }
}

/// The messages of a prompt put together.
#[must_use]
pub(super) fn joined(prompt: &[Message]) -> String {
    let texts: Vec<&str> = prompt.iter().map(|one| one.content.as_str()).collect();
    texts.join(BREAK)
}

/// Writes a pair as one JSON object; as a chat for Parquet.
#[must_use]
pub fn write(format: DatasetFormat, pair: &Pair) -> Value {
    let Pair {
        prompt,
        completion,
        about,
    } = pair;
    let mut object = match format {
        DatasetFormat::Messages | DatasetFormat::Parquet => {
            let answer = json!({ "role": "assistant", "content": completion });
            let mut messages: Vec<Value> = prompt.iter().map(|one| json!(one)).collect();
            messages.push(answer);
            json!({ "messages": messages })
        }
        DatasetFormat::PromptCompletion => {
            json!({ "prompt": joined(prompt), "completion": completion })
        }
        DatasetFormat::Instruction => {
            // A system message says what to do, what follows is what to do it with.
            let (instruction, input) = match prompt.split_first() {
                Some((first, rest)) => (first.content.clone(), joined(rest)),
                None => (String::new(), String::new()),
            };
            json!({ "instruction": instruction, "input": input, "output": completion })
        }
    };
    if let Some(about) = about {
        object["feedback"] = json!(about);
    }
    object
}

/// Reads a pair in whichever form it is.
///
/// # Errors
/// Which field is wrong, and how.
pub fn read(value: &Value) -> Result<Pair, Malformed> {
    let Value::Object(object) = value else {
        return Err(Malformed(format!("this is {}, not an object", kind(value))));
    };
    let has = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
    let (prompt, completion) = if has("messages") {
        let mut messages = chat("messages", &object["messages"])?;
        let last = messages.pop().filter(|last| last.role == "assistant");
        let Some(last) = last else {
            return Err(Malformed(
                "the last of `messages` is not the assistant's, so there is nothing to learn"
                    .into(),
            ));
        };
        (messages, last.content)
    } else if has("prompt") || has("completion") {
        let completion = match field(object, "completion")? {
            list @ Value::Array(_) => {
                let said = chat("completion", list)?;
                match &said[..] {
                    [one] if one.role == "assistant" => one.content.clone(),
                    _ => {
                        return Err(Malformed(
                            "`completion` is not one message of the assistant".into(),
                        ));
                    }
                }
            }
            value => text("completion", value)?,
        };
        let prompt = match field(object, "prompt")? {
            list @ Value::Array(_) => chat("prompt", list)?,
            value => vec![user(text("prompt", value)?)],
        };
        (prompt, completion)
    } else if has("instruction") || has("output") {
        let instruction = text("instruction", field(object, "instruction")?)?;
        let input = match object.get("input") {
            None | Some(Value::Null) => String::new(),
            Some(value) => text("input", value)?,
        };
        let parts = [instruction, input];
        let parts: Vec<&str> = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.trim().is_empty())
            .collect();
        let output = text("output", field(object, "output")?)?;
        (vec![user(parts.join(BREAK))], output)
    } else {
        return Err(Malformed(
            "it has none of `messages`, `prompt` with `completion`, `instruction` with `output`"
                .into(),
        ));
    };
    if completion.trim().is_empty() {
        return Err(Malformed("the answer is empty".into()));
    }
    let is_asked = |one: &Message| one.role == "user" && !one.content.trim().is_empty();
    if !prompt.iter().any(is_asked) {
        return Err(Malformed("nothing is asked: no message of the user".into()));
    }
    Ok(Pair {
        prompt,
        completion,
        about: object.get("feedback").and_then(about),
    })
}

/// What another version or another program wrote under that name is passed over.
fn about(value: &Value) -> Option<About> {
    match value {
        Value::String(json) => serde_json::from_str(json).ok(),
        Value::Object(_) => serde_json::from_value(value.clone()).ok(),
        _ => None,
    }
}

fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Malformed> {
    object
        .get(name)
        .filter(|value| !value.is_null())
        .ok_or_else(|| Malformed(format!("`{name}` is missing")))
}

fn text(name: &str, value: &Value) -> Result<String, Malformed> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(Malformed(format!("`{name}` is {}, not text", kind(other)))),
    }
}

fn chat(name: &str, value: &Value) -> Result<Vec<Message>, Malformed> {
    let Value::Array(items) = value else {
        return Err(Malformed(format!(
            "`{name}` is {}, not a list",
            kind(value)
        )));
    };
    let mut messages = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let place = format!("{name}[{index}]");
        let Value::Object(item) = item else {
            return Err(Malformed(format!(
                "`{place}` is {}, not an object",
                kind(item)
            )));
        };
        let role = text(
            &format!("{place}.role"),
            item.get("role").unwrap_or(&Value::Null),
        )?;
        if !matches!(role.as_str(), "system" | "user" | "assistant") {
            let shown: String = role.chars().take(40).collect();
            return Err(Malformed(format!(
                "`{place}.role` is {shown:?}; system, user and assistant are read"
            )));
        }
        let content = item.get("content").unwrap_or(&Value::Null);
        messages.push(Message {
            role,
            content: content_of(&format!("{place}.content"), content)?,
        });
    }
    Ok(messages)
}

/// The text of a message, which some write as a list of parts.
fn content_of(place: &str, content: &Value) -> Result<String, Malformed> {
    let Value::Array(parts) = content else {
        return text(place, content);
    };
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        match (part["type"].as_str(), &part["text"]) {
            (Some("text") | None, Value::String(text)) => texts.push(text.as_str()),
            _ => {
                return Err(Malformed(format!("`{place}` has a part that is no text")));
            }
        }
    }
    Ok(texts.join("\n"))
}

fn user(content: String) -> Message {
    Message {
        role: "user".to_owned(),
        content,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "missing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn check(value: Value, expected: Expect) {
        let shown = match read(&value) {
            Ok(pair) => {
                let said: Vec<String> = pair
                    .prompt
                    .iter()
                    .map(|one| format!("{}: {:?}", one.role, one.content))
                    .collect();
                format!("{} -> {:?}", said.join(", "), pair.completion)
            }
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn three_forms_are_read() {
        check(
            json!({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "q"}]}, {"role": "assistant", "content": "a"}], "id": 7}),
            expect![[r#"system: "s", user: "q" -> "a""#]],
        );
        check(
            json!({"prompt": "q", "completion": "a"}),
            expect![[r#"user: "q" -> "a""#]],
        );
        check(
            json!({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]}),
            expect![[r#"user: "q" -> "a""#]],
        );
        check(
            json!({"instruction": "do", "input": "with", "output": "a"}),
            expect![[r#"user: "do\n\nwith" -> "a""#]],
        );
        check(
            json!({"instruction": "do", "input": null, "output": "a", "messages": null}),
            expect![[r#"user: "do" -> "a""#]],
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        check(json!([1]), expect!["this is a list, not an object"]);
        check(
            json!({"text": "x"}),
            expect![
                "it has none of `messages`, `prompt` with `completion`, `instruction` with `output`"
            ],
        );
        check(json!({"prompt": "q"}), expect!["`completion` is missing"]);
        check(json!({"completion": "q"}), expect!["`prompt` is missing"]);
        check(
            json!({"prompt": 3, "completion": "a"}),
            expect!["`prompt` is a number, not text"],
        );
        check(json!({"output": "a"}), expect!["`instruction` is missing"]);
        check(
            json!({"prompt": "q", "completion": " "}),
            expect!["the answer is empty"],
        );
        check(
            json!({"prompt": " ", "completion": "a"}),
            expect!["nothing is asked: no message of the user"],
        );
        check(
            json!({"messages": []}),
            expect!["the last of `messages` is not the assistant's, so there is nothing to learn"],
        );
        check(
            json!({"messages": [{"role": "tool", "content": "x"}]}),
            expect![[r#"`messages[0].role` is "tool"; system, user and assistant are read"#]],
        );
        check(
            json!({"messages": [{"role": "user"}]}),
            expect!["`messages[0].content` is missing, not text"],
        );
        check(
            json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
            expect!["`messages[0].content` has a part that is no text"],
        );
        check(
            json!({"messages": [3]}),
            expect!["`messages[0]` is a number, not an object"],
        );
        check(
            json!({"messages": "x"}),
            expect!["`messages` is text, not a list"],
        );
    }

    fn pairs() -> impl Strategy<Value = Pair> {
        let message = (prop_oneof!["system", "user", "assistant"], "\\PC{0,20}");
        let message = message.prop_map(|(role, content)| Message { role, content });
        let about = proptest::option::of("\\PC{0,8}").prop_map(|question| {
            question.map(|question| About {
                question: Some(question),
                ..About::default()
            })
        });
        (
            proptest::collection::vec(message, 0..4),
            "\\PC{1,20}x",
            "[a-z\"\\\\\n ]{0,20}x",
            about,
        )
            .prop_map(|(mut prompt, question, completion, about)| {
                prompt.push(user(question));
                Pair {
                    prompt,
                    completion,
                    about,
                }
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(pair in pairs()) {
            let chat = read(&write(DatasetFormat::Messages, &pair)).unwrap();
            prop_assert_eq!(&chat, &pair);
            for format in [DatasetFormat::PromptCompletion, DatasetFormat::Instruction] {
                let line = write(format, &pair).to_string();
                let read = read(&serde_json::from_str(&line).unwrap()).unwrap();
                prop_assert_eq!(&read.completion, &pair.completion);
                prop_assert_eq!(&read.about, &pair.about);
                if format == DatasetFormat::PromptCompletion {
                    prop_assert_eq!(joined(&read.prompt), joined(&pair.prompt));
                }
            }
        }

        #[test]
        fn whatever_is_read_does_no_harm(text in "\\PC{0,60}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = read(&value);
            }
            let _ = read(&json!({"messages": [{"role": text.clone(), "content": [text.clone()]}], "feedback": text}));
        }
    }
}
