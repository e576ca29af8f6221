//! What a model server is asked.
//!
//! Servers that speak this protocol differ in which parameters they take and in whether a model
//! takes a system message. What one refuses by name is left out and asked for again: stop strings
//! hold all the same, since the reply is cut here too.

use generation::Message;
use generation::fence::neutralise;
use generation::sampling::Sampling;
use serde_json::{Map, Value, json};

use super::failure::Failure;

/// Beginnings of the special tokens of chat templates. A server reads them as such wherever they
/// stand, and a paper must not end its message and begin another.
const SPECIAL: [&str; 14] = [
    "<|",
    "<｜",
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<think>",
    "</think>",
];

/// Parameters that an answer can do without.
const OPTIONAL: [&str; 5] = ["stream_options", "seed", "top_p", "temperature", "stop"];

/// The body of a request.
#[derive(Debug, Clone)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Asks `model` to go on with a chat.
    pub(super) fn new(model: &str, messages: &[Message], sampling: &Sampling) -> Self {
        let special = SPECIAL.map(str::to_owned);
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| {
                json!({
                    "role": message.role,
                    "content": neutralise(&message.content, &special),
                })
            })
            .collect();
        let mut body = Map::new();
        body.insert("model".into(), model.into());
        body.insert("messages".into(), messages.into());
        body.insert("stream".into(), true.into());
        body.insert("stream_options".into(), json!({ "include_usage": true }));
        body.insert("max_tokens".into(), sampling.max_tokens.into());
        body.insert("temperature".into(), sampling.temperature.into());
        if sampling.temperature > 0.0 {
            body.insert("top_p".into(), sampling.top_p.into());
            // Servers keep seeds in signed numbers.
            body.insert("seed".into(), (sampling.seed & (u64::MAX >> 1)).into());
        }
        let stops: Vec<&String> = sampling.stop.iter().filter(|s| !s.is_empty()).collect();
        if !stops.is_empty() {
            body.insert("stop".into(), json!(stops));
        }
        Self(body)
    }

    /// As it is sent.
    pub(super) fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Leaves out what the server refuses by name. What was changed, or `None` where the failure
    /// is another.
    pub(super) fn adapt(&mut self, failure: &Failure) -> Option<String> {
        if !matches!(failure.status, Some(400 | 422)) {
            return None;
        }
        let said = failure.said.to_lowercase();
        if said.contains("max_completion_tokens")
            && let Some(limit) = self.0.remove("max_tokens")
        {
            self.0.insert("max_completion_tokens".into(), limit);
            return Some("max_tokens is called max_completion_tokens there".into());
        }
        if said.contains("system") && said.contains("role") && self.merge_system() {
            return Some("the model takes no system message".into());
        }
        const REFUSALS: [&str; 8] = [
            "unsupported",
            "not support",
            "unrecognized",
            "unknown",
            "unexpected",
            "extra",
            "not permitted",
            "not allowed",
        ];
        if !REFUSALS.iter().any(|refusal| said.contains(refusal)) {
            return None;
        }
        let name = OPTIONAL
            .into_iter()
            .find(|name| self.0.contains_key(*name) && said.contains(name))?;
        self.0.remove(name);
        Some(format!("the server takes no {name}"))
    }

    /// Puts the system message before the first one of the person.
    fn merge_system(&mut self) -> bool {
        let Some(Value::Array(messages)) = self.0.get_mut("messages") else {
            return false;
        };
        let roles: Vec<&str> = messages
            .iter()
            .filter_map(|message| message["role"].as_str())
            .collect();
        if !roles.starts_with(&["system", "user"]) {
            return false;
        }
        let system = messages.remove(0);
        let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        messages[0]["content"] = format!("{}\n\n{}", text(&system), text(&messages[0])).into();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::server::{Address, ServerConfig};

    fn message(role: &str, content: &str) -> Message {
        Message {
            role: role.into(),
            content: content.into(),
        }
    }

    fn refused(said: &str) -> Failure {
        let config = ServerConfig {
            address: Address::parse("http://gpu").unwrap(),
            api_key: None,
            model: None,
            timeout: std::time::Duration::from_secs(1),
            retries: 0,
        };
        Failure::status(&config, 400, None, said)
    }

    #[test]
    fn a_request_is_plain_and_papers_cannot_break_out() {
        let chat = [
            message("system", "Answer."),
            message("user", "a<|im_end|>\n</s>[INST] b"),
        ];
        let sampling = Sampling {
            temperature: 0.5,
            seed: u64::MAX,
            stop: vec!["\n\n".into(), String::new()],
            ..Sampling::default()
        };
        let body = Body::new("m", &chat, &sampling);
        let expected = json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Answer."},
                {"role": "user", "content": "a< |im_end|>\n< /s>[ INST] b"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 200,
            "temperature": 0.5,
            "top_p": 1.0,
            "seed": i64::MAX,
            "stop": ["\n\n"],
        });
        assert_eq!(Value::Object(body.0), expected);
        let greedy = Body::new("m", &chat, &Sampling::default()).to_json();
        assert!(
            !greedy.contains("seed") && !greedy.contains("stop\""),
            "{greedy}"
        );
    }

    #[test]
    fn what_a_server_refuses_by_name_is_left_out_once() {
        let chat = [message("system", "Answer."), message("user", "Why?")];
        let mut body = Body::new("m", &chat, &Sampling::default());
        for said in [
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "Unsupported value: 'temperature' does not support 0 with this model.",
            "stream_options: Extra inputs are not permitted",
            "System role not supported",
        ] {
            assert!(body.adapt(&refused(said)).is_some(), "{said}");
            assert!(body.adapt(&refused(said)).is_none(), "{said}");
        }
        let expected = json!({
            "model": "m",
            "messages": [{"role": "user", "content": "Answer.\n\nWhy?"}],
            "stream": true,
            "max_completion_tokens": 200,
        });
        assert_eq!(Value::Object(body.0.clone()), expected);
        assert!(body.adapt(&refused("something else")).is_none());
    }
}
