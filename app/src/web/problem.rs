//! Failures over HTTP: `application/problem+json` (RFC 9457) for scripts, a page for people.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError, error, web};
use askama::Template;
use serde::Serialize;

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

/// A problem as the API sends it.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    hint: &'a str,
}

pub(super) fn body(problem: &Problem) -> Body<'_> {
    let status = status(problem);
    Body {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        code: &problem.code,
        detail: &problem.message,
        hint: &problem.hint,
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
        .error_handler(|error, _| {
            let too_large = matches!(
                error,
                error::JsonPayloadError::Overflow { .. }
                    | error::JsonPayloadError::OverflowKnownLength { .. }
            );
            let fault = if too_large {
                Fault::TooLarge
            } else {
                Fault::Usage
            };
            malformed(
                fault,
                &format!("the request's JSON cannot be used: {error}"),
            )
        })
}

pub(super) fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        malformed(
            Fault::Usage,
            &format!("the address's query cannot be used: {error}"),
        )
    })
}

pub(super) fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, _| {
        malformed(
            Fault::NotFound,
            &format!("there is no such address: {error}"),
        )
    })
}

fn malformed(fault: Fault, message: &str) -> actix_web::Error {
    Failed(Problem::new(
        fault,
        "request_malformed",
        message,
        "see the documentation of the API",
    ))
    .into()
}
