//! A fixed set of plain requests without any notes, against forgetting.
//!
//! A model that is trained on one thing forgets others (McCloskey and Cohen, "Catastrophic Interference
//! in Connectionist Networks", 1989). What an answerer must not lose is to write plain language and to
//! do what it is told; whether it has is seen from how it fares on requests that have nothing to do
//! with its training: the perplexity of plain answers to them, and whether it declines, which none of
//! them calls for. The set was written for Lectern, so that no model was trained on it.

use generation::Message;
use generation::llama::Llama;
use serde::{Deserialize, Serialize};

use super::{Metric, Part, refuses};
use crate::Result;
use crate::held_out::Tested;

/// Tokens of an answer that are enough to see whether it declines.
const TOKENS: usize = 24;

const SET: &str = include_str!("general.jsonl");

/// A request and a plain answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// What is asked.
    pub prompt: String,
    /// What can be said.
    pub completion: String,
}

/// How a model fares on the set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct General {
    /// Of the plain answers, per token.
    pub perplexity: f64,
    /// Requests that it declined.
    pub declined: usize,
    /// Requests that it was given.
    pub requests: usize,
}

/// The requests.
#[must_use]
pub fn requests() -> Vec<Request> {
    SET.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Puts the set to a model. `go_on` is told after each request; none where it says to stop.
///
/// # Errors
/// Where the model cannot be run.
pub fn measure(model: &Llama, go_on: &mut dyn FnMut() -> bool) -> Result<Option<General>> {
    let requests = requests();
    let tested = Tested::new(model)?;
    let (mut loss, mut declined) = (Part::default(), 0);
    for request in &requests {
        let messages = [Message {
            role: "user".to_owned(),
            content: request.prompt.clone(),
        }];
        // None of the requests is too long for any model; were one, it would count for nothing.
        let texts = [request.completion.as_str()];
        if let Some((written, [part])) = tested.put(&messages, texts, TOKENS)? {
            loss += part;
            declined += usize::from(refuses(&written.text));
        }
        if !go_on() {
            return Ok(None);
        }
    }
    Ok(Some(General {
        perplexity: Metric::Perplexity.of(loss).unwrap_or(f64::INFINITY),
        declined,
        requests: requests.len(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_whole_and_nothing_in_it_declines() {
        let requests = requests();
        assert_eq!(requests.len(), SET.lines().count());
        assert!((25..=40).contains(&requests.len()));
        for request in requests {
            assert!(!refuses(&request.completion), "{}", request.completion);
            assert!(request.prompt.len() < 300 && request.completion.len() < 300);
        }
    }
}
