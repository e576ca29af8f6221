//! What every request must pass, and the headers that every response carries.
//!
//! - **Host** must be one of ours, or an address: a page elsewhere cannot rebind a name to this
//!   machine (DNS rebinding).
//! - **Origin**, where the browser sends one, must be the same host.
//! - **A change** (anything but GET and HEAD) needs the CSRF token that our own pages carry, or a
//!   bearer token, which no page elsewhere can know. What only programs speak to needs none where it
//!   takes nothing but JSON (where no token is set, OpenAI's API too, since its clients know of
//!   neither): a page elsewhere cannot send that without being asked for its Origin.
//! - **Where a token is set**, everything but the sign-in needs it: as a bearer token, or as the
//!   session cookie that the sign-in gave.
//! - **Content-Security-Policy** allows our own files only: no inline script, no frame.

use std::net::{IpAddr, SocketAddr};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};
use sha2::{Digest, Sha256};

use super::State;
use super::openai;
use super::problem;
use crate::error::{Fault, Problem};
use crate::settings::Settings;

/// Header in which our pages send the CSRF token back.
pub const CSRF_HEADER: &str = "X-CSRF-Token";
/// Cookie that the sign-in gives.
pub const SESSION_COOKIE: &str = "lectern_session";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// A browser's own PDF viewer needs styles and an embedded object of its own.
const PDF_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; \
                          plugin-types application/pdf; frame-ancestors 'none'";

/// Secrets and names of this server.
pub struct Guard {
    token: Option<String>,
    csrf: String,
    session: String,
    hosts: Vec<String>,
}

impl Guard {
    /// New secrets for a server on `local`.
    pub fn new(settings: &Settings, local: SocketAddr) -> Self {
        let mut hosts = settings.allowed_hosts.clone();
        if local.ip().is_loopback() {
            hosts.push("localhost".into());
        }
        Self {
            token: settings.token.clone(),
            csrf: secret(),
            session: secret(),
            hosts,
        }
    }

    /// The token that our pages carry.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// True where a token must be given.
    pub fn needs_token(&self) -> bool {
        self.token.is_some()
    }

    /// The session cookie's value, for the right token.
    pub fn sign_in(&self, token: &str) -> Option<&str> {
        let right = self
            .token
            .as_deref()
            .is_some_and(|wanted| same(wanted, token.trim()));
        right.then_some(self.session.as_str())
    }

    fn knows_host(&self, host: &str) -> bool {
        let name = host_name(host).to_ascii_lowercase();
        // An address cannot be rebound: whoever typed it meant it.
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address || self.hosts.contains(&name)
    }

    fn has_bearer(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        matches!((&self.token, given), (Some(wanted), Some(given)) if same(wanted, given.trim()))
    }

    fn judge(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let headers = request.headers();
        let host = request.connection_info().host().to_owned();
        let sent_host = headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok());
        let host = sent_host.unwrap_or(&host);
        if !self.knows_host(host) {
            return Err(Problem::new(
                Fault::Forbidden,
                "host_unknown",
                format!(
                    "this Lectern does not answer to the name {:?}",
                    host_name(host)
                ),
                "open it by its address, or add the name to the setting allowed_hosts",
            ));
        }
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let same_origin = origin
                .split_once("://")
                .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
            if !same_origin {
                return Err(Problem::new(
                    Fault::Forbidden,
                    "origin_foreign",
                    format!("the request comes from another site, {origin:?}"),
                    "use the page that this Lectern serves",
                ));
            }
        }
        let bearer = self.has_bearer(headers);
        let path = request.path();
        let open = matches!(path, "/login" | "/favicon.ico")
            || path.starts_with("/static/")
            || path.starts_with("/health/");
        if self.needs_token() && !open && !bearer {
            let session = request.cookie(SESSION_COOKIE);
            if !session.is_some_and(|cookie| same(cookie.value(), &self.session)) {
                return Err(Problem::new(
                    Fault::Unauthorized,
                    "token_needed",
                    "this Lectern asks for a token",
                    "sign in at /login, or send the header `Authorization: Bearer TOKEN`",
                ));
            }
        }
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        // The sign-in form is sent before there is a session to protect, and Origin was checked.
        let for_clients = openai::is_here(path) && !self.needs_token();
        if changes && !bearer && path != "/login" && !for_clients && !is_for_programs(request) {
            let given = headers
                .get(CSRF_HEADER)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            if !same(given, &self.csrf) {
                return Err(Problem::new(
                    Fault::Forbidden,
                    "csrf_token_wrong",
                    format!("the header {CSRF_HEADER} is missing or out of date"),
                    "reload the page; scripts get the token from GET /api/v1/session",
                ));
            }
        }
        Ok(())
    }
}

/// Middleware: refuses what [`Guard`] refuses, and sets the response's headers.
pub(super) async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let verdict = match request.app_data::<web::Data<State>>() {
        Some(state) => state.guard.judge(&request),
        None => Err(Problem::new(
            Fault::Machine,
            "internal",
            "the server has no state",
            "restart it",
        )),
    };
    let is_page = wants_page(&request);
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let mut response = match verdict {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(problem) => {
            let answer = if problem.fault == Fault::Unauthorized && is_page {
                HttpResponse::build(StatusCode::SEE_OTHER)
                    .insert_header((
                        header::LOCATION,
                        format!("/login?next={}", encoded(&target)),
                    ))
                    .finish()
            } else if is_page {
                problem::page(&problem)
            } else if openai::is_here(request.path()) {
                openai::response(&problem)
            } else {
                problem::json(&problem)
            };
            request.into_response(answer).map_into_boxed_body()
        }
    };
    set_headers(response.response_mut().head_mut().headers_mut());
    Ok(response)
}

fn set_headers(headers: &mut HeaderMap) {
    let is_pdf = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/pdf");
    let policy = if is_pdf { PDF_POLICY } else { POLICY };
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        // Pages hold people's papers, and a deleted one must not come back from a cache.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// True for a person's browser opening a page, false for scripts.
fn wants_page(request: &ServiceRequest) -> bool {
    let accepts_html = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let path = request.path();
    let is_api = path.starts_with("/api/") || openai::is_here(path);
    accepts_html && *request.method() == Method::GET && !is_api
}

/// True for addresses that programs alone speak to, asked in JSON.
fn is_for_programs(request: &ServiceRequest) -> bool {
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    is_json && request.path() == "/mcp"
}

fn host_name(host: &str) -> &str {
    // `[::1]:8080` has colons of its own.
    if let Some(end) = host.find(']') {
        &host[..=end]
    } else {
        host.split(':').next().unwrap_or(host)
    }
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Compares secrets in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
    Sha256::digest(a.as_bytes()) == Sha256::digest(b.as_bytes())
}

fn secret() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_ours_or_addresses() {
        let guard = Guard {
            token: None,
            csrf: secret(),
            session: secret(),
            hosts: vec!["localhost".into(), "papers.lab".into()],
        };
        for host in [
            "localhost:8080",
            "127.0.0.1",
            "[::1]:8080",
            "192.168.1.5:80",
            "PAPERS.lab",
        ] {
            assert!(guard.knows_host(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "",
            "127.0.0.1.nip.example",
        ] {
            assert!(!guard.knows_host(host), "{host}");
        }
    }
}
