//! What goes wrong with a model server, and what to do about it.
//!
//! A server's own words are shown, since they say most; but on one line, cut short, without control
//! characters and without the key, which some servers repeat.

use std::io::ErrorKind;
use std::time::Duration;

use serde_json::Value;

use super::ServerConfig;
use crate::error::{Fault, Problem};

/// Characters of a server's own words that are shown.
const MOST_WORDS: usize = 300;

/// A failed exchange.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// As a person is shown it.
    pub(super) problem: Box<Problem>,
    /// It may be over in a moment.
    pub(super) is_passing: bool,
    /// How long the server asks to be left alone.
    pub(super) wait: Option<Duration>,
    /// The status that it answered with.
    pub(super) status: Option<u16>,
    /// What it said.
    pub(super) said: String,
}

impl Failure {
    fn new(code: &str, message: String, hint: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem::new(Fault::Unavailable, code, message, hint)),
            is_passing: false,
            wait: None,
            status: None,
            said: String::new(),
        }
    }

    /// No answer came, or it broke off.
    pub(super) fn transport(config: &ServerConfig, error: &ureq::Error) -> Self {
        use ureq::Error;
        let address = &config.address;
        if matches!(error, Error::Timeout(_)) {
            return match error {
                Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => Self::new(
                    "llm_unreachable",
                    format!("the model server {address} cannot be reached: no connection in time"),
                    "check that the machine is up, that a firewall lets the port through, and llm.url",
                ),
                _ => Self::silent(config),
            };
        }
        let (why, is_passing) = match error {
            Error::Io(error) => {
                let why = match error.kind() {
                    ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
                    ErrorKind::ConnectionReset
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::BrokenPipe => "it closed the connection".to_owned(),
                    ErrorKind::TimedOut | ErrorKind::WouldBlock => return Self::silent(config),
                    _ => error.to_string(),
                };
                (why, true)
            }
            Error::HostNotFound => ("there is no machine of that name".to_owned(), true),
            Error::ConnectionFailed => ("there is no connection".to_owned(), true),
            // Where a connection ends before the answer's first line.
            Error::Protocol(error) => (format!("it does not speak HTTP ({error})"), true),
            error => (error.to_string(), false),
        };
        Self {
            is_passing,
            ..Self::new(
                "llm_unreachable",
                format!(
                    "the model server {address} cannot be reached: {}",
                    one_line(&why)
                ),
                "start the server, or correct llm.url; to answer with the model in this process, \
                 unset llm.url",
            )
        }
    }

    /// It sent nothing for too long.
    pub(super) fn silent(config: &ServerConfig) -> Self {
        Self::new(
            "llm_timeout",
            format!(
                "the model server {} sent nothing for {} s",
                config.address,
                config.timeout.as_secs()
            ),
            "a model that is loaded at the first question takes a while: ask again, or raise \
             llm.timeout_seconds",
        )
    }

    /// The answer broke off in the middle.
    pub(super) fn cut_off(config: &ServerConfig) -> Self {
        Self {
            is_passing: true,
            ..Self::new(
                "llm_cut_off",
                format!(
                    "the model server {} closed the connection in the middle of its answer",
                    config.address
                ),
                "ask again; if it happens again, the server's log says why",
            )
        }
    }

    /// What came is no answer.
    pub(super) fn malformed(config: &ServerConfig, what: &str) -> Self {
        Self::new(
            "llm_malformed",
            format!(
                "what {} sent is not an answer of an OpenAI-compatible server: {}",
                config.address,
                config.without_key(&one_line(what))
            ),
            "check llm.url: it names the server's API, such as http://localhost:11434/v1",
        )
    }

    /// All that the model wrote was its thinking.
    pub(super) fn only_thought(config: &ServerConfig, model: &str) -> Self {
        Self::new(
            "llm_no_text",
            format!(
                "the model {model} at {} used up its tokens on reasoning and wrote no answer",
                config.address
            ),
            "raise answer.max_tokens, or choose a model that answers without reasoning",
        )
    }

    /// There is no model to be had.
    pub(super) fn no_models(config: &ServerConfig) -> Self {
        Self::new(
            "llm_model_missing",
            format!("the model server {} has no model", config.address),
            "load one there (`ollama pull NAME`, `vllm serve NAME`), or name one with llm.model",
        )
    }

    /// The server has not got the model that it was asked for.
    pub(super) fn model_missing(config: &ServerConfig, model: &str, has: &[String]) -> Self {
        let mut shown = has.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
        if has.len() > 20 {
            shown.push_str(", …");
        }
        Self::new(
            "llm_model_missing",
            format!("the model server {} has no model {model:?}", config.address),
            format!("set llm.model to one that it has: {}", one_line(&shown)),
        )
    }

    /// An error that the server sent in the middle of an answer.
    pub(super) fn sent(config: &ServerConfig, error: &Value) -> Self {
        let status = error["code"]
            .as_u64()
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| (400..600).contains(code))
            .unwrap_or(500);
        Self::status(config, status, None, &error.to_string())
    }

    /// An answer with a status other than 200.
    pub(super) fn status(
        config: &ServerConfig,
        status: u16,
        wait: Option<Duration>,
        body: &str,
    ) -> Self {
        let address = &config.address;
        let said = config.without_key(&said(body));
        let quoted = match said.as_str() {
            "" => String::new(),
            said => format!(": {said}"),
        };
        let failed =
            |code: &str, what: &str, hint: &str| Self::new(code, format!("{what}{quoted}"), hint);
        let failure = match status {
            300..=399 => failed(
                "llm_moved",
                &format!("the model server {address} sends elsewhere (status {status})"),
                "set llm.url to where it is, with https:// if that is how it answers",
            ),
            401 | 403 => failed(
                "llm_unauthorized",
                &match config.api_key {
                    Some(_) => format!("the model server {address} refuses the key"),
                    None => format!("the model server {address} asks for a key"),
                },
                "set LECTERN_LLM_API_KEY to a key that the server knows",
            ),
            404 => failed(
                "llm_not_found",
                &format!(
                    "the model server has no {}",
                    address.of("/chat/completions")
                ),
                "check llm.url: it names the server's API, such as http://localhost:11434/v1",
            ),
            _ if is_too_long(&said) => {
                let mut failure = failed(
                    "prompt_too_long",
                    &format!("the prompt is too long for the model at {address}"),
                    "lower answer.max_tokens, ask a shorter question, or have the server give the \
                     model a longer context",
                );
                failure.problem.fault = Fault::Input;
                failure
            }
            429 => failed(
                "llm_overloaded",
                &format!("the model server {address} takes no more requests for now"),
                "wait a little, or raise the limit there",
            ),
            500.. => failed(
                "llm_failed",
                &format!("the model server {address} failed (status {status})"),
                "its log says why; ask again once it is well",
            ),
            _ => failed(
                "llm_refused",
                &format!("the model server {address} refused the request (status {status})"),
                "check llm.model and the server's settings",
            ),
        };
        Self {
            is_passing: matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 529),
            wait,
            status: Some(status),
            said,
            ..failure
        }
    }
}

fn is_too_long(said: &str) -> bool {
    const PHRASES: [&str; 6] = [
        "context length",
        "context_length",
        "context size",
        "context_size",
        "context window",
        "prompt is too long",
    ];
    let said = said.to_lowercase();
    PHRASES.iter().any(|phrase| said.contains(phrase))
}

/// The words of an error's body, whichever of the usual shapes it has.
fn said(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        let body = body.trim();
        return match body.starts_with('<') {
            true => "it sent a web page".to_owned(),
            false => one_line(body),
        };
    };
    let error = &value["error"];
    let found = [
        &error["message"],
        error,
        &value["message"],
        &value["detail"],
    ]
    .into_iter()
    .find(|found| !found.is_null());
    one_line(&match found {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => body.to_owned(),
    })
}

/// On one line, without control characters, not too long.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for (count, word) in text.split_whitespace().enumerate() {
        if count > 0 {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
        if let Some((end, _)) = line.char_indices().nth(MOST_WORDS) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn config() -> ServerConfig {
        ServerConfig {
            address: super::super::Address::parse("http://gpu:8000").unwrap(),
            api_key: Some(super::super::Key::parse("sk-secret").unwrap()),
            model: None,
            timeout: Duration::from_secs(5),
            retries: 3,
        }
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: Expect) {
        let failure = Failure::status(&config(), status, None, body);
        let problem = &failure.problem;
        let passing = if failure.is_passing {
            "passing"
        } else {
            "lasting"
        };
        expected.assert_eq(&format!("{passing} {}: {}", problem.code, problem.message));
        assert!(!problem.hint.is_empty());
    }

    #[test]
    fn each_status_says_what_is_wrong() {
        check(
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}}"#,
            expect![
                "lasting llm_unauthorized: the model server http://gpu:8000/v1 refuses the key: Incorrect API key provided: …"
            ],
        );
        check(
            400,
            r#"{"object":"error","message":"This model's maximum context length is 2048 tokens.","code":400}"#,
            expect![
                "lasting prompt_too_long: the prompt is too long for the model at http://gpu:8000/v1: This model's maximum context length is 2048 tokens."
            ],
        );
        check(
            422,
            r#"{"detail":[{"msg":"Extra inputs are not permitted"}]}"#,
            expect![[
                r#"lasting llm_refused: the model server http://gpu:8000/v1 refused the request (status 422): [{"msg":"Extra inputs are not permitted"}]"#
            ]],
        );
        check(
            503,
            "{\"error\":\"Loading\\u001b[31m model\"}",
            expect![
                "passing llm_failed: the model server http://gpu:8000/v1 failed (status 503): Loading[31m model"
            ],
        );
        check(
            502,
            "<html><body>Bad gateway</body></html>",
            expect![
                "passing llm_failed: the model server http://gpu:8000/v1 failed (status 502): it sent a web page"
            ],
        );
        check(
            429,
            "",
            expect![
                "passing llm_overloaded: the model server http://gpu:8000/v1 takes no more requests for now"
            ],
        );
        check(
            307,
            "",
            expect![
                "lasting llm_moved: the model server http://gpu:8000/v1 sends elsewhere (status 307)"
            ],
        );
    }

    #[test]
    fn long_words_are_cut_short() {
        let failure = Failure::malformed(&config(), &"ü".repeat(5000));
        assert!(failure.problem.message.chars().count() < 500);
    }
}
