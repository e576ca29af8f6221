//! HTTP with a model server.
//!
//! The HTTP client blocks, and whoever asked may go while it does. So an exchange runs in a thread
//! of its own, which passes on what it hears; once nobody listens, it closes the connection at the
//! next thing that it hears, and the server stops writing.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::ServerConfig;
use super::failure::Failure;

/// Longest wait for a connection, and for a list of models.
const SHORT: Duration = Duration::from_secs(10);
/// An error's body is read as far as this.
const ERROR_BYTES: u64 = 64 << 10;
/// An answer is no longer than this, nor is a list of models.
const REPLY_BYTES: u64 = 32 << 20;
/// A line of a streamed answer is no longer than this.
const LINE_BYTES: u64 = 1 << 20;

/// What a thread passes on, in order.
#[derive(Debug)]
pub(super) enum Heard {
    /// An event of a streamed answer.
    Event(String),
    /// The whole answer at once, from a server that does not stream.
    Whole(String),
    /// The stream ended.
    End,
    /// It failed; nothing follows.
    Failed(Failure),
}

/// A client for one server.
pub(super) fn agent(config: &ServerConfig) -> Agent {
    let mut builder = Agent::config_builder()
        .http_status_as_error(false)
        // A redirect could carry the key elsewhere, and turns a POST into a GET.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .accept_encoding("identity")
        .user_agent(concat!("lectern/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(SHORT))
        .timeout_recv_response(Some(config.timeout))
        .timeout_per_read(Some(config.timeout))
        .timeout_per_write(Some(config.timeout));
    if config.address.is_local() {
        builder = builder.proxy(None);
    }
    if config.address.is_encrypted() {
        let system: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        let roots = match system.is_empty() {
            true => RootCerts::WebPki,
            false => RootCerts::from(system),
        };
        builder = builder.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    builder.build().new_agent()
}

/// Sends a request for an answer and passes on what comes.
pub(super) fn ask(
    agent: &Agent,
    config: &Arc<ServerConfig>,
    body: String,
) -> Result<Receiver<Heard>, std::io::Error> {
    let (sender, receiver) = channel();
    let (agent, config) = (agent.clone(), config.clone());
    std::thread::Builder::new()
        .name("model-server".into())
        .spawn(move || {
            let last = match listen(&agent, &config, body, &sender) {
                Ok(()) => Heard::End,
                Err(failure) => Heard::Failed(failure),
            };
            // Nobody listens any more after a stop.
            let _ = sender.send(last);
        })?;
    Ok(receiver)
}

/// The ids of the models that the server has.
pub(super) fn models(agent: &Agent, config: &ServerConfig) -> Result<Vec<String>, Failure> {
    let mut request = agent
        .get(config.address.of("/models"))
        .config()
        .timeout_global(Some(SHORT.min(config.timeout)))
        .build();
    if let Some(key) = &config.api_key {
        request = request.header("Authorization", key.bearer());
    }
    let response = request
        .call()
        .map_err(|error| Failure::transport(config, &error))?;
    let response = successful(config, response)?;
    let text = beginning(response.into_body(), REPLY_BYTES);
    let list: Value = serde_json::from_str(&text).map_err(|_| Failure::malformed(config, &text))?;
    let models = list["data"]
        .as_array()
        .ok_or_else(|| Failure::malformed(config, &text))?;
    Ok(models
        .iter()
        .filter_map(|model| Some(model["id"].as_str()?.to_owned()))
        .collect())
}

fn listen(
    agent: &Agent,
    config: &ServerConfig,
    body: String,
    sender: &Sender<Heard>,
) -> Result<(), Failure> {
    let mut request = agent
        .post(config.address.of("/chat/completions"))
        .header("Accept", "text/event-stream, application/json")
        .header(CONTENT_TYPE, "application/json");
    if let Some(key) = &config.api_key {
        request = request.header("Authorization", key.bearer());
    }
    let response = request
        .send(body)
        .map_err(|error| Failure::transport(config, &error))?;
    let response = successful(config, response)?;
    let body = response.into_body().into_with_config().limit(REPLY_BYTES);
    let mut reader = BufReader::new(body.reader());
    let broke_off = |error: std::io::Error| broken(config, &error);

    // Some servers name no type, or a wrong one; the first character tells.
    match reader.fill_buf().map_err(broke_off)?.first() {
        Some(b'{') => {
            let mut whole = String::new();
            reader.read_to_string(&mut whole).map_err(broke_off)?;
            let _ = sender.send(Heard::Whole(whole));
            return Ok(());
        }
        Some(b'<') => return Err(Failure::malformed(config, "it is a web page")),
        _ => {}
    }
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(broke_off)?;
        if read == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        // An event of this protocol is one line, so the empty line after it tells nothing new.
        if let Some(data) = text.strip_prefix("data:") {
            if sender
                .send(Heard::Event(data.trim_start().to_owned()))
                .is_err()
            {
                return Ok(());
            }
        } else if !is_other_field(text) {
            return Err(Failure::malformed(config, text));
        }
    }
}

/// Comments, and the fields of an event that this protocol does not use.
fn is_other_field(line: &str) -> bool {
    line.is_empty()
        || [":", "event:", "id:", "retry:"]
            .iter()
            .any(|field| line.starts_with(field))
}

fn successful(config: &ServerConfig, response: Response<Body>) -> Result<Response<Body>, Failure> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let wait = retry_after(response.headers());
    let body = beginning(response.into_body(), ERROR_BYTES);
    Err(Failure::status(config, status, wait, &body))
}

/// What can be read of a body, up to a limit.
fn beginning(body: Body, limit: u64) -> String {
    let mut bytes = Vec::new();
    // Whatever came before it broke off is better than nothing.
    let _ = body.into_reader().take(limit).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn broken(config: &ServerConfig, error: &std::io::Error) -> Failure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ureq::Error>());
    let is_silence = matches!(inner, Some(ureq::Error::Timeout(_)))
        || matches!(
            error.kind(),
            std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock
        );
    match is_silence {
        true => Failure::silent(config),
        false => Failure::cut_off(config),
    }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let wait = date.timestamp().duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_in_seconds_and_as_dates() {
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(wait("Thu, 06 Nov 2994 08:49:37 GMT").unwrap().as_secs() > 1_000_000);
        for nonsense in ["", "-1", "soon", "NaN", "1e300"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }
}
