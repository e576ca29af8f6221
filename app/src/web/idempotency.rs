//! The header `Idempotency-Key`: a request that a client sends again, since it heard no answer, does
//! nothing twice.
//!
//! The first request with a key is recorded with a hash of what it asks and with the id that what it
//! makes will have; its response is recorded when it is there. Later ones with the same key get that
//! response. Where the process ended in between, the next one goes on with the same id. A request
//! that fails has done nothing, so its key is free again. Keys are kept for a day
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).

use std::collections::HashSet;
use std::sync::Mutex;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse};
use anyhow::Context;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::State;
use super::problem::Failed;
use crate::error::{Fault, Problem};

/// Header that names a request.
pub(super) const KEY_HEADER: &str = "idempotency-key";
/// Header of a response that is given again.
pub(super) const REPLAYED_HEADER: &str = "idempotency-replayed";
/// Longest key, in bytes.
const LONGEST_KEY: usize = 255;

/// Keys whose requests are being worked on. In memory: after a restart none is.
#[derive(Default)]
pub(super) struct InFlight(Mutex<HashSet<String>>);

/// A key that is being worked on; given back on drop, also where the client went away.
struct Claim<'a> {
    keys: &'a InFlight,
    key: String,
}

impl InFlight {
    fn claim(&self, key: &str) -> Result<Claim<'_>, Problem> {
        let is_free = self.locked().insert(key.to_owned());
        is_free
            .then(|| Claim {
                keys: self,
                key: key.to_owned(),
            })
            .ok_or_else(|| {
                Problem::new(
                    Fault::Conflict,
                    "idempotency_key_in_flight",
                    format!("a request with the idempotency key {key:?} is still being worked on"),
                    "wait a little and send it again to get its response",
                )
            })
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.keys.locked().remove(&self.key);
    }
}

/// Does what a request asks, once for its key. `asked` is all that makes it this request and no
/// other, beside method and path. `work` is given the id that what it makes is to have, and must
/// find what an interrupted run with that id has left.
///
/// # Errors
/// A problem `idempotency_key_invalid`, `idempotency_key_in_flight` or `idempotency_key_reused`, and
/// what `work` fails with.
pub(super) async fn once<T: Serialize, F>(
    state: &State,
    request: &HttpRequest,
    asked: &[&[u8]],
    work: impl FnOnce(String) -> F,
) -> Result<HttpResponse, Failed>
where
    F: Future<Output = Result<(StatusCode, T), Failed>>,
{
    let new_id = Uuid::now_v7().to_string();
    let Some(key) = key(request)? else {
        let (status, body) = work(new_id).await?;
        return Ok(HttpResponse::build(status).json(body));
    };
    let _claim = state.in_flight.claim(&key)?;
    let fingerprint = fingerprint(request, asked);
    let catalog = &state.library.catalog;
    let kept = catalog.keep_request(&key, &fingerprint, &new_id).await?;
    if kept.fingerprint != fingerprint {
        return Err(Problem::new(
            Fault::Input,
            "idempotency_key_reused",
            format!("the idempotency key {key:?} was used for another request"),
            "take a new key, such as a random UUID, for each request that differs",
        )
        .into());
    }
    if let (Some(status), Some(body)) = (kept.status, kept.body) {
        let status = StatusCode::from_u16(status).context("reading a recorded status")?;
        return Ok(HttpResponse::build(status)
            .content_type("application/json")
            .insert_header((HeaderName::from_static(REPLAYED_HEADER), "true"))
            .body(body));
    }
    match work(kept.resource).await {
        Ok((status, body)) => {
            let body = serde_json::to_string(&body).context("writing a response")?;
            catalog.keep_response(&key, status.as_u16(), &body).await?;
            Ok(HttpResponse::build(status)
                .content_type("application/json")
                .body(body))
        }
        Err(failed) => {
            catalog.forget_request(&key).await?;
            Err(failed)
        }
    }
}

fn key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(KEY_HEADER) else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(Problem::new(
            Fault::Usage,
            "idempotency_key_invalid",
            "the header Idempotency-Key holds no key",
            format!("send 1 to {LONGEST_KEY} visible ASCII characters, such as a random UUID"),
        ));
    }
    Ok(Some(key.to_owned()))
}

fn fingerprint(request: &HttpRequest, asked: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    let method = request.method().as_str().as_bytes();
    for part in [method, request.path().as_bytes()].iter().chain(asked) {
        // With their lengths, so that no two lists of parts run together into the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn one_request_at_a_time_has_a_key() {
        let keys = InFlight::default();
        let claim = keys.claim("a").unwrap();
        assert!(keys.claim("b").is_ok());
        let code = keys.claim("a").err().unwrap().code;
        assert_eq!(code, "idempotency_key_in_flight");
        drop(claim);
        assert!(keys.claim("a").is_ok());
    }

    #[test]
    fn requests_that_differ_have_other_fingerprints() {
        let post = TestRequest::post().uri("/api/v1/uploads").to_http_request();
        let other = TestRequest::post()
            .uri("/api/v1/collections")
            .to_http_request();
        let prints = [
            fingerprint(&post, &[b"ab", b"c"]),
            fingerprint(&post, &[b"a", b"bc"]),
            fingerprint(&post, &[b"abc"]),
            fingerprint(&other, &[b"abc"]),
        ];
        for (index, print) in prints.iter().enumerate() {
            assert!(!prints[..index].contains(print));
        }
        assert_eq!(fingerprint(&post, &[b"abc"]), prints[2]);
    }

    #[test]
    fn keys_are_visible_text_of_some_length() {
        let with = |value: &str| {
            let request = TestRequest::post().insert_header((KEY_HEADER, value));
            key(&request.to_http_request())
        };
        assert_eq!(with(" 7f-3 ").unwrap().as_deref(), Some("7f-3"));
        assert!(with("").is_err() && with(" ").is_err() && with(&"x".repeat(256)).is_err());
        assert!(with("ü").is_err());
        assert_eq!(key(&TestRequest::post().to_http_request()).unwrap(), None);
    }
}
