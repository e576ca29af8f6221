//! What a model server writes, put together.
//!
//! Models that reason write their thinking first: in a field of its own, which is passed over, or
//! between `<think>` and `</think>` in the text, which is taken out here. Neither is the answer.

use generation::Completion;
use generation::sampling::Sampling;
use generation::stop::StopStrings;
use serde_json::Value;

use super::ServerConfig;
use super::failure::Failure;

const OPENS: &str = "<think>";
const CLOSES: &str = "</think>";

/// An answer in the making.
pub(super) struct Reply<'a> {
    config: &'a ServerConfig,
    stops: StopStrings<'a>,
    thinking: Thinking,
    completion: Completion,
    /// Longest text, in bytes: a server that takes no limit must not write for ever.
    limit: usize,
    is_full: bool,
    pieces: usize,
    /// The server said why it ended.
    is_finished: bool,
    has_reasoned: bool,
    has_usage: bool,
}

impl<'a> Reply<'a> {
    pub(super) fn new(config: &'a ServerConfig, sampling: &'a Sampling) -> Self {
        Self {
            config,
            stops: StopStrings::new(&sampling.stop),
            thinking: Thinking::Unsure(String::new()),
            completion: Completion::default(),
            // No tokenizer has tokens of more than 16 bytes on average.
            limit: sampling.max_tokens.saturating_mul(16).saturating_add(1024),
            is_full: false,
            pieces: 0,
            is_finished: false,
            has_reasoned: false,
            has_usage: false,
        }
    }

    /// Takes an event (or a whole answer, which has the same shape but for one name) and gives
    /// the text to pass on.
    pub(super) fn take(&mut self, data: &str) -> Result<String, Failure> {
        let chunk: Value =
            serde_json::from_str(data).map_err(|_| Failure::malformed(self.config, data))?;
        if !chunk["error"].is_null() {
            return Err(Failure::sent(self.config, &chunk["error"]));
        }
        self.take_usage(&chunk["usage"]);
        let choice = &chunk["choices"][0];
        if choice.is_null() {
            return match chunk["choices"].is_array() || self.has_usage {
                true => Ok(String::new()),
                false => Err(Failure::malformed(self.config, data)),
            };
        }
        let said = match &choice["delta"] {
            Value::Null => &choice["message"],
            delta => delta,
        };
        let reasons = |name: &str| said[name].as_str().is_some_and(|text| !text.is_empty());
        self.has_reasoned |= reasons("reasoning_content") || reasons("reasoning");
        let text = said["content"].as_str().unwrap_or_default();
        self.pieces += usize::from(!text.is_empty());
        let mut passed = self.thinking.push(text, &mut self.has_reasoned);
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.is_finished = true;
            self.completion.truncated = reason == "length";
            passed.push_str(&self.thinking.finish());
        }
        let mut passed = self.stops.push(&passed);
        let room = self.limit.saturating_sub(self.completion.text.len());
        if passed.len() > room {
            passed.truncate(passed.floor_char_boundary(room));
            self.completion.truncated = true;
            self.is_full = true;
        }
        self.completion.text.push_str(&passed);
        Ok(passed)
    }

    fn take_usage(&mut self, usage: &Value) {
        let count = |name: &str| usage[name].as_u64().and_then(|n| usize::try_from(n).ok());
        if let (Some(prompt), Some(completion)) =
            (count("prompt_tokens"), count("completion_tokens"))
        {
            self.has_usage = true;
            self.completion.usage.prompt_tokens = prompt;
            self.completion.usage.completion_tokens = completion;
        }
    }

    /// Notes when the first text came.
    pub(super) fn began_after(&mut self, milliseconds: f64) {
        if self.completion.prefill_ms == 0.0 {
            self.completion.prefill_ms = milliseconds;
        }
    }

    /// True once any text was passed on.
    pub(super) fn has_begun(&self) -> bool {
        !self.completion.text.is_empty()
    }

    /// True where nothing more is wanted.
    pub(super) fn is_over(&self) -> bool {
        self.stops.is_over() || self.is_full
    }

    /// True where the server said that it was done.
    pub(super) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// True where there was thinking and nothing else.
    pub(super) fn only_thought(&self) -> bool {
        self.has_reasoned && !self.has_begun()
    }

    /// The text so far with what was held back, which is passed on too. Tokens that the server did
    /// not count are the pieces that it sent, and a quarter of the prompt's characters.
    pub(super) fn finish(
        mut self,
        prompt_characters: usize,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Completion {
        let rest = self.thinking.finish();
        let mut held = self.stops.push(&rest);
        held.push_str(&self.stops.finish());
        if !held.is_empty() {
            self.completion.text.push_str(&held);
            on_text(&held);
        }
        if !self.has_usage {
            self.completion.usage.prompt_tokens = prompt_characters.div_ceil(4);
            self.completion.usage.completion_tokens = self.pieces;
        }
        self.completion
    }
}

/// Whether the text is thinking.
enum Thinking {
    /// Held back: what there is could be the beginning of the tag.
    Unsure(String),
    /// After the tag: what could be the beginning of the closing one.
    Inside(String),
    /// The answer; true until its first character.
    Answer(bool),
}

impl Thinking {
    fn push(&mut self, piece: &str, has_reasoned: &mut bool) -> String {
        let mut piece = piece.to_owned();
        if let Thinking::Unsure(held) = self {
            held.push_str(&piece);
            let begins = held.trim_start();
            if OPENS.starts_with(begins) && begins.len() < OPENS.len() {
                return String::new();
            }
            match begins.strip_prefix(OPENS) {
                Some(rest) => {
                    *has_reasoned = true;
                    piece = rest.to_owned();
                    *self = Thinking::Inside(String::new());
                }
                None => {
                    piece = std::mem::take(held);
                    *self = Thinking::Answer(false);
                }
            }
        }
        if let Thinking::Inside(held) = self {
            held.push_str(&piece);
            match held.split_once(CLOSES) {
                Some((_, rest)) => {
                    piece = rest.to_owned();
                    *self = Thinking::Answer(true);
                }
                None => {
                    let keep = held.len().saturating_sub(CLOSES.len());
                    held.drain(..held.floor_char_boundary(keep));
                    return String::new();
                }
            }
        }
        if let Thinking::Answer(is_first) = self
            && *is_first
        {
            piece = piece.trim_start().to_owned();
            *is_first = piece.is_empty();
        }
        piece
    }

    /// What was held back for a tag that never came.
    fn finish(&mut self) -> String {
        match self {
            Thinking::Unsure(held) => std::mem::take(held),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::server::Address;
    use serde_json::json;

    fn config() -> ServerConfig {
        ServerConfig {
            address: Address::parse("http://gpu").unwrap(),
            api_key: None,
            model: None,
            timeout: std::time::Duration::from_secs(1),
            retries: 0,
        }
    }

    fn written(pieces: &[&str], stop: &[&str]) -> (String, Completion, bool) {
        let config = config();
        let sampling = Sampling {
            stop: stop.iter().map(|stop| (*stop).to_owned()).collect(),
            ..Sampling::default()
        };
        let mut reply = Reply::new(&config, &sampling);
        let mut passed = String::new();
        for piece in pieces {
            let chunk = json!({"choices": [{"delta": {"content": piece}}]});
            passed += &reply.take(&chunk.to_string()).unwrap();
        }
        let only_thought = reply.only_thought();
        let completion = reply.finish(10, &mut |piece| {
            passed += piece;
            true
        });
        (passed, completion, only_thought)
    }

    #[test]
    fn thinking_is_no_answer() {
        let (passed, completion, _) = written(
            &[
                "<th",
                "ink>\nWell, 3 <",
                "4</thi",
                "nk>",
                "\n\n",
                " It is",
                " so.",
            ],
            &[],
        );
        assert_eq!(
            (passed.as_str(), completion.text.as_str()),
            ("It is so.", "It is so.")
        );
        let (passed, completion, only_thought) = written(&["<think>", "hm"], &[]);
        assert_eq!(
            (passed.as_str(), completion.text.as_str(), only_thought),
            ("", "", true)
        );
        let (passed, ..) = written(&["<thin"], &[]);
        assert_eq!(passed, "<thin");
        let (passed, ..) = written(&[" I <think> not"], &[]);
        assert_eq!(passed, " I <think> not");
    }

    #[test]
    fn stop_strings_hold_whatever_the_server_does() {
        let (passed, completion, _) = written(&["One. ST", "OP Two."], &["STOP"]);
        assert_eq!(
            (passed.as_str(), completion.text.as_str()),
            ("One. ", "One. ")
        );
        assert_eq!(completion.usage.completion_tokens, 2);
        assert_eq!(completion.usage.prompt_tokens, 3);
    }

    #[test]
    fn a_server_that_does_not_end_is_cut_off() {
        let config = config();
        let sampling = Sampling {
            max_tokens: 1,
            ..Sampling::default()
        };
        let mut reply = Reply::new(&config, &sampling);
        let chunk = json!({"choices": [{"delta": {"content": "é".repeat(400)}}]}).to_string();
        while !reply.is_over() {
            reply.take(&chunk).unwrap();
        }
        let completion = reply.finish(0, &mut |_| true);
        assert_eq!((completion.text.len(), completion.truncated), (1040, true));
    }

    #[test]
    fn other_shapes_are_read_or_refused() {
        let config = config();
        let sampling = Sampling::default();
        let mut reply = Reply::new(&config, &sampling);
        let whole = json!({
            "choices": [{"message": {"content": "All.", "reasoning": null}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 2}
        });
        assert_eq!(reply.take(&whole.to_string()).unwrap(), "All.");
        assert_eq!(reply.take(r#"{"choices":[],"usage":null}"#).unwrap(), "");
        assert!(reply.is_finished());
        for nonsense in [
            "",
            "[]",
            "{}",
            "nonsense",
            r#"{"error":{"message":"out of memory"}}"#,
        ] {
            let mut reply = Reply::new(&config, &sampling);
            assert!(reply.take(nonsense).is_err(), "{nonsense}");
        }
        let completion = reply.finish(0, &mut |_| true);
        assert!(completion.truncated);
        assert_eq!(completion.usage.prompt_tokens, 7);
    }
}
