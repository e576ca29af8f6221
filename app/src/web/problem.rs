//! Failures over HTTP: `application/problem+json` (RFC 9457) for scripts, a page for people.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, ContentType};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, ResponseError, error, web};
use askama::Template;
use futures_util::FutureExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::ApiDocument;
use super::views::ErrorPage;
use crate::error::{Fault, Problem};

/// What a handler fails with.
#[derive(Debug)]
pub(super) struct Failed(pub(super) Problem);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self(Problem::from_error(&error))
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        json(&self.0)
    }
}

/// A failure (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Body {
    /// Always `about:blank`: `code` says which kind it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable name for scripts.
    code: String,
    /// What failed on which thing, and why.
    detail: String,
    /// What to do.
    hint: String,
}

pub(super) fn body(problem: &Problem) -> Body {
    let status = status(problem);
    Body {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        code: problem.code.clone(),
        detail: problem.message.clone(),
        hint: problem.hint.clone(),
    }
}

pub(super) fn json(problem: &Problem) -> HttpResponse {
    if problem.fault == Fault::Machine {
        tracing::error!("{}: {}", problem.code, problem.message);
    }
    HttpResponse::build(status(problem))
        .content_type("application/problem+json")
        .json(body(problem))
}

pub(super) fn page(problem: &Problem) -> HttpResponse {
    let status = status(problem);
    let page = ErrorPage {
        status: status.as_u16(),
        what: status.canonical_reason().unwrap_or("Error").to_owned(),
        why: problem.message.clone(),
        hint: Some(problem.hint.clone()),
    };
    match page.render() {
        Ok(html) => HttpResponse::build(status)
            .content_type(ContentType::html())
            .body(html),
        Err(_) => json(problem),
    }
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn json_config() -> web::JsonConfig {
    web::JsonConfig::default()
        .limit(1 << 20)
        .error_handler(|error, _| match error {
            error::JsonPayloadError::Overflow { .. }
            | error::JsonPayloadError::OverflowKnownLength { .. } => failed(
                Fault::TooLarge,
                "request_too_large",
                format!("the request's JSON is too long: {error}"),
                "send at most 1 MiB",
            ),
            error::JsonPayloadError::ContentType => failed(
                Fault::UnsupportedMedia,
                "content_type_unsupported",
                "the request's body is not sent as JSON".into(),
                "send the header `Content-Type: application/json`",
            ),
            error => malformed(
                Fault::Usage,
                format!("the request's JSON cannot be used: {error}"),
            ),
        })
}

pub(super) fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        malformed(
            Fault::Usage,
            format!("the address's query cannot be used: {error}"),
        )
    })
}

pub(super) fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, _| {
        malformed(
            Fault::NotFound,
            format!("there is no such address: {error}"),
        )
    })
}

fn malformed(fault: Fault, message: String) -> actix_web::Error {
    failed(
        fault,
        "request_malformed",
        message,
        "the page /api says what each address takes",
    )
}

fn failed(fault: Fault, code: &str, message: String, hint: &str) -> actix_web::Error {
    Failed(Problem::new(fault, code, message, hint)).into()
}

/// What is answered where no route takes a request: there is nothing at the address, or nothing for
/// that method.
pub(super) async fn no_route(
    request: HttpRequest,
    document: web::Data<ApiDocument>,
) -> HttpResponse {
    let path = request.path();
    let allowed = document.methods_at(path);
    if !allowed.is_empty() {
        let allowed = allowed.join(", ");
        let mut response = json(&Problem::new(
            Fault::MethodNotAllowed,
            "method_not_allowed",
            format!("{path} does not take {}", request.method()),
            format!("it takes {allowed}"),
        ));
        if let Ok(allowed) = allowed.parse() {
            response.headers_mut().insert(ALLOW, allowed);
        }
        return response;
    }
    let problem = Problem::new(
        Fault::NotFound,
        "address_unknown",
        format!("there is nothing at {path}"),
        "start at /; the addresses of the API are on the page /api",
    );
    let is_for_programs = ["/api/", "/v1/", "/health/"]
        .iter()
        .any(|start| path.starts_with(start));
    if is_for_programs {
        json(&problem)
    } else {
        page(&problem)
    }
}

/// Middleware: a handler that panics is answered for like any other fault of ours, and the
/// connection stays.
pub(super) async fn catch_panics(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let path = request.path().to_owned();
    // What a handler shares with others is behind locks that take poisoning as it comes.
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(answered) => Ok(answered?.map_into_boxed_body()),
        // The request went with the handler, so this is an error and no response of it.
        Err(_) => Err(failed(
            Fault::Machine,
            "internal",
            format!("Lectern failed at {path}"),
            "this is a fault in Lectern; please report it with what its log says",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::App;
    use actix_web::body::to_bytes;
    use actix_web::dev::Service;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service};

    async fn broken() -> HttpResponse {
        panic!("as a test wants it")
    }

    #[actix_web::test]
    async fn a_panic_is_a_problem_like_any_other() {
        let app = App::new()
            .wrap(from_fn(catch_panics))
            .route("/broken", web::get().to(broken));
        let app = init_service(app).await;
        let request = TestRequest::get().uri("/broken").to_request();
        let error = app.call(request).await.err().unwrap();
        let response = error.error_response();
        assert_eq!(response.status(), 500);
        let kind = response.headers().get("content-type").unwrap();
        assert_eq!(kind, "application/problem+json");
        let body = to_bytes(response.into_body()).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "internal");
        assert!(!problem.to_string().contains("as a test wants it"));
    }
}
