//! An answerer on another server: anything that speaks OpenAI's chat completions, such as vLLM,
//! Ollama and llama.cpp.
//!
//! Only where the words come from differs: evidence, prompt, alignment and citations are the same
//! as for the model in this process. What can go wrong is more. A request that fails for a passing
//! reason is made again, with growing pauses of random length so that callers do not return all at
//! once, but only as long as no text was passed on; all else is a problem that says what to do.
//! See <https://platform.openai.com/docs/api-reference/chat>.

mod address;
mod body;
mod exchange;
mod failure;
mod reply;

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use generation::sampling::Sampling;
use generation::{Completion, Error, Generator, Message};
use ureq::Agent;

use crate::error::Problem;
use body::Body;
use exchange::Heard;
use failure::Failure;
use reply::Reply;

pub use address::Address;

/// How often whoever asked is asked whether to go on waiting.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// The pause before the first repetition; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that is not the server's wish.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A server that asks for more time than this is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Where the server is and how to use it: the settings `llm.*`.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where it is.
    pub address: Address,
    /// What it asks for.
    pub api_key: Option<Key>,
    /// The model; the server's first where `None`.
    pub model: Option<String>,
    /// Longest wait for its next piece of text.
    pub timeout: Duration,
    /// How often a request is made again.
    pub retries: u32,
}

impl ServerConfig {
    /// `text` with the key taken out.
    fn without_key(&self, text: &str) -> String {
        match &self.api_key {
            Some(key) => text.replace(&key.0, "…"),
            None => text.to_owned(),
        }
    }
}

/// A key, which is never shown.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// Checks a key.
    ///
    /// # Errors
    /// Why it cannot be sent.
    pub fn parse(key: &str) -> Result<Self, &'static str> {
        match key.bytes().all(|byte| byte.is_ascii_graphic()) && !key.is_empty() {
            true => Ok(Self(key.to_owned())),
            false => Err("it has characters other than visible ASCII"),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A model on a server.
pub struct Server {
    config: Arc<ServerConfig>,
    agent: Agent,
    model: String,
}

impl Server {
    /// The model of the settings or, where they name none, the first that the server has; only
    /// then it is asked. Blocking.
    ///
    /// # Errors
    /// Where the server has to be asked and does not answer, or has no model.
    pub fn choose(config: &ServerConfig) -> Result<Self, Problem> {
        let agent = exchange::agent(config);
        let model = match &config.model {
            Some(model) => model.clone(),
            None => {
                let mut pauses = Pauses::new(config.retries);
                let models = loop {
                    match exchange::models(&agent, config) {
                        Ok(models) => break models,
                        Err(failure) => match pauses.next(&failure) {
                            Some(pause) => std::thread::sleep(pause),
                            None => return Err(*failure.problem),
                        },
                    }
                };
                let first = models.into_iter().next();
                first.ok_or_else(|| *Failure::no_models(config).problem)?
            }
        };
        Ok(Self {
            config: Arc::new(config.clone()),
            agent,
            model,
        })
    }

    /// Asks the server which models it has; says which one is used. Blocking.
    ///
    /// # Errors
    /// Where it does not answer, or has not got the model of the settings.
    pub fn check(config: &ServerConfig) -> Result<String, Problem> {
        let agent = exchange::agent(config);
        let models = exchange::models(&agent, config).map_err(|failure| *failure.problem)?;
        match &config.model {
            Some(model) if !has(&models, model) => {
                Err(*Failure::model_missing(config, model, &models).problem)
            }
            Some(model) => Ok(model.clone()),
            None => {
                let first = models.into_iter().next();
                first.ok_or_else(|| *Failure::no_models(config).problem)
            }
        }
    }

    /// Generates; see [`Generator::generate`].
    fn run(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Completion, Problem> {
        let mut body = Body::new(&self.model, messages, sampling);
        let mut pauses = Pauses::new(self.config.retries);
        let characters = messages.iter().map(|m| m.content.chars().count()).sum();
        loop {
            let mut reply = Reply::new(&self.config, sampling);
            let failure = match self.exchange(&body, &mut reply, on_text) {
                Ok(()) => return Ok(reply.finish(characters, on_text)),
                Err(failure) if reply.has_begun() => return Err(*failure.problem),
                Err(failure) => failure,
            };
            if let Some(change) = body.adapt(&failure) {
                tracing::warn!("{}: {change}; asking without it", self.config.address);
                continue;
            }
            let Some(pause) = pauses.next(&failure) else {
                return Err(*self.explained(failure).problem);
            };
            tracing::warn!("{}; trying again", failure.problem);
            if !wait(pause, on_text) {
                return Ok(Completion::default());
            }
        }
    }

    /// One request and its answer. `Ok` where it is complete or not wanted any more.
    fn exchange(
        &self,
        body: &Body,
        reply: &mut Reply,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failure> {
        let config = &self.config;
        let started = Instant::now();
        let mut last = started;
        let heard = exchange::ask(&self.agent, config, body.to_json())
            .map_err(|error| Failure::transport(config, &error.into()))?;
        loop {
            let (data, is_whole) = match heard.recv_timeout(HEARTBEAT) {
                Ok(Heard::Event(data)) if data == "[DONE]" => break,
                Ok(Heard::Event(data)) => (data, false),
                Ok(Heard::Whole(data)) => (data, true),
                Ok(Heard::End) if reply.is_finished() => break,
                Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::cut_off(config));
                }
                // What follows the reason to end is only the count of tokens.
                Ok(Heard::Failed(_)) if reply.is_finished() => break,
                Ok(Heard::Failed(failure)) => return Err(failure),
                Err(RecvTimeoutError::Timeout) if last.elapsed() > config.timeout => {
                    return Err(Failure::silent(config));
                }
                Err(RecvTimeoutError::Timeout) => match on_text("") {
                    true => continue,
                    false => return Ok(()),
                },
            };
            last = Instant::now();
            let text = reply.take(&data)?;
            if !text.is_empty() {
                reply.began_after(started.elapsed().as_secs_f64() * 1000.0);
            }
            if !text.is_empty() && !on_text(&text) || reply.is_over() {
                return Ok(());
            }
            if is_whole {
                break;
            }
        }
        match reply.only_thought() {
            true => Err(Failure::only_thought(config, &self.model)),
            false => Ok(()),
        }
    }

    /// A 404 may mean the model or the address; the list of models tells.
    fn explained(&self, failure: Failure) -> Failure {
        if failure.status != Some(404) {
            return failure;
        }
        match exchange::models(&self.agent, &self.config) {
            Ok(models) if !has(&models, &self.model) => {
                Failure::model_missing(&self.config, &self.model, &models)
            }
            _ => failure,
        }
    }
}

impl Generator for Server {
    fn id(&self) -> &str {
        &self.model
    }

    fn generate(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> generation::Result<Completion> {
        self.run(messages, sampling, on_text)
            .map_err(|problem| Error::Backend(Box::new(problem)))
    }
}

/// Ollama lists `name:latest` and answers to `name`.
fn has(models: &[String], wanted: &str) -> bool {
    models
        .iter()
        .any(|model| model == wanted || model.strip_suffix(":latest") == Some(wanted))
}

/// The pauses between a request and its repetitions.
struct Pauses {
    left: u32,
    next: Duration,
}

impl Pauses {
    fn new(retries: u32) -> Self {
        Self {
            left: retries,
            next: FIRST_PAUSE,
        }
    }

    /// How long to wait before trying again; `None` where that is no use.
    fn next(&mut self, failure: &Failure) -> Option<Duration> {
        if !failure.is_passing || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let pause = self.next.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        self.next = LONGEST_PAUSE.min(self.next * 2);
        match failure.wait {
            Some(wait) if wait > LONGEST_WAIT => None,
            Some(wait) => Some(wait.max(pause)),
            None => Some(pause),
        }
    }
}

/// Waits, unless whoever asked goes.
fn wait(pause: Duration, on_text: &mut dyn FnMut(&str) -> bool) -> bool {
    let until = Instant::now() + pause;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        if !on_text("") {
            return false;
        }
        std::thread::sleep(left.min(HEARTBEAT));
    }
}
