//! Failures in OpenAI's shape, `{"error":{"message","type","param","code"}}`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError, error, web};
use serde_json::{Value, json};

use crate::error::{Fault, Problem};

/// What a handler fails with.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) problem: Problem,
    /// The field of the request that is wrong.
    pub(super) param: Option<String>,
}

impl Refused {
    /// A field of the request is wrong.
    pub(super) fn field(param: &str, message: impl Into<String>, hint: &str) -> Self {
        Self {
            problem: Problem::new(Fault::Usage, "invalid_value", message, hint),
            param: Some(param.to_owned()),
        }
    }

    /// There is no such model.
    pub(super) fn model(model: &str, hint: String) -> Self {
        Self {
            problem: Problem::new(
                Fault::NotFound,
                "model_not_found",
                format!("there is no model {model:?}"),
                hint,
            ),
            param: Some("model".to_owned()),
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.problem)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            param: None,
        }
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Problem::from_error(&error).into()
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        status(&self.problem)
    }

    fn error_response(&self) -> HttpResponse {
        respond(&self.problem, self.param.as_deref())
    }
}

/// A problem in OpenAI's shape.
pub(in crate::web) fn response(problem: &Problem) -> HttpResponse {
    respond(problem, None)
}

fn respond(problem: &Problem, param: Option<&str>) -> HttpResponse {
    if problem.fault == Fault::Machine {
        tracing::error!("{}: {}", problem.code, problem.message);
    }
    let status = status(problem);
    let mut response = HttpResponse::build(status);
    if status.is_server_error() {
        // Lectern has tried again itself where that is of use; OpenAI's clients heed this.
        response.insert_header(("x-should-retry", "false"));
    }
    response.json(body(problem, param))
}

/// What is sent; also as an event where an answer fails that has begun.
pub(super) fn body(problem: &Problem, param: Option<&str>) -> Value {
    let kind = match problem.fault {
        Fault::Forbidden => "permission_error",
        Fault::Unavailable | Fault::Machine => "server_error",
        _ => "invalid_request_error",
    };
    let code = match problem.fault {
        Fault::Unauthorized => "invalid_api_key",
        _ => &problem.code,
    };
    json!({
        "error": {
            "message": format!("{}; hint: {}", problem.message, problem.hint),
            "type": kind,
            "param": param,
            "code": code,
        }
    })
}

/// OpenAI has one status for all that is wrong with a request.
fn status(problem: &Problem) -> StatusCode {
    let status = match problem.fault {
        Fault::Input => Fault::Usage.status(),
        fault => fault.status(),
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// How bodies are read, and what is said of those that cannot be.
pub(super) fn json_config() -> web::JsonConfig {
    web::JsonConfig::default()
        .limit(8 << 20)
        .error_handler(|error, _| {
            let fault = match error {
                error::JsonPayloadError::Overflow { .. }
                | error::JsonPayloadError::OverflowKnownLength { .. } => Fault::TooLarge,
                _ => Fault::Usage,
            };
            let hint = match error {
                error::JsonPayloadError::ContentType => {
                    "send the header `Content-Type: application/json`"
                }
                _ => "send one JSON object of at most 8 MiB",
            };
            let message = format!("the request's body cannot be used: {error}");
            Refused::from(Problem::new(fault, "request_malformed", message, hint)).into()
        })
}

/// Where there is nothing.
pub(super) async fn not_found(request: actix_web::HttpRequest) -> HttpResponse {
    response(&Problem::new(
        Fault::NotFound,
        "unknown_url",
        format!("there is no {} {}", request.method(), request.path()),
        "there are POST /v1/chat/completions, POST /v1/embeddings, GET /v1/models and GET \
         /v1/models/ID",
    ))
}
