//! The API described for programs (OpenAPI 3.1, `/api/v1/openapi.json`) and for people (`/api`).
//!
//! Each route says where it is defined what it takes and gives; registering it collects that
//! (utoipa-actix-web), so that no route can be missing here. What all have in common is added in
//! [`ApiDocument::new`]: how failures look, and what must be sent to be let in.

mod page;

use std::collections::BTreeMap;

use actix_web::dev::ResourceDef;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, web};
use generation::Answer;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, RefOr, ResponseBuilder, SecurityRequirement};

use super::State;
use super::ask::{EvidenceEvent, TokenEvent};
use super::datasets::PreparingEvent;
use super::pages::shown;
use super::problem::Body;
use super::security::{CSRF_HEADER, SESSION_COOKIE};
use crate::training::log::RunEvent;

const PROBLEM_JSON: &str = "application/problem+json";

/// What is in the document before any route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lectern",
        description = "Ask your papers; every sentence of the answer cites the page and lines that \
                       support it.\n\nA request that changes something needs the header \
                       `X-CSRF-Token` (from `GET /api/v1/session`) or, where a token is set, \
                       `Authorization: Bearer TOKEN`. Where a token is set, every request to the API \
                       needs it. Failures are problems (RFC 9457) with a stable `code` and a `hint`."
    ),
    tags(
        (name = "answers", description = "Questions and their answers."),
        (name = "conversations", description = "Questions that go on from each other."),
        (name = "feedback", description = "What people say of answers, on its way to training."),
        (name = "evaluation", description = "What the library answers to questions of its own."),
        (name = "adapters", description = "What was trained, how it fared, and which of it answers."),
        (name = "training", description = "Datasets, and runs that train the answerer on them."),
        (name = "search", description = "Passages."),
        (name = "documents", description = "Papers in the library."),
        (name = "collections", description = "Shelves that documents stand on."),
        (name = "jobs", description = "Uploads on their way into the library."),
        (name = "service", description = "The server itself."),
    ),
    components(schemas(Answer, EvidenceEvent, TokenEvent, PreparingEvent, RunEvent, Body)),
)]
struct Base;

/// The document without routes.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The document, ready to be sent.
pub(super) struct ApiDocument {
    json: Bytes,
    value: Value,
    routes: Vec<(ResourceDef, Vec<&'static str>)>,
}

impl ApiDocument {
    /// Completes the document of all routes.
    pub(super) fn new(mut document: utoipa::openapi::OpenApi) -> Self {
        let mut methods: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                let problem = RefOr::Ref(Ref::from_response_name("Problem"));
                operation
                    .responses
                    .responses
                    .insert("default".into(), problem);
                methods.entry(path.clone()).or_default().push(method);
            }
        }
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let problem = ResponseBuilder::new()
            .description("It failed.")
            .content(PROBLEM_JSON, content)
            .build();
        let components = document.components.get_or_insert_default();
        components
            .responses
            .insert("Problem".into(), problem.into());
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        for (name, scheme) in [
            ("token", SecurityScheme::Http(bearer)),
            (
                "session",
                SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE))),
            ),
            (
                "csrf",
                SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(CSRF_HEADER))),
            ),
        ] {
            components
                .security_schemes
                .insert(name.into(), scheme.into());
        }
        let needs = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
        let both = needs("session").add("csrf", Vec::<String>::new());
        document.security = Some(vec![needs("token"), both, needs("csrf")]);
        // It holds strings and numbers only, which always have a JSON form.
        let value = serde_json::to_value(&document).unwrap_or_default();
        Self {
            json: value.to_string().into(),
            value,
            routes: methods
                .into_iter()
                .map(|(path, methods)| (ResourceDef::new(path), methods))
                .collect(),
        }
    }

    /// Methods that an address takes; none where there is nothing at it.
    pub(super) fn methods_at(&self, path: &str) -> Vec<&'static str> {
        let at = self.routes.iter().filter(|(route, _)| route.is_match(path));
        at.flat_map(|(_, methods)| methods.iter().copied())
            .collect()
    }
}

fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (&'static str, &mut utoipa::openapi::path::Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// This document.
#[utoipa::path(tag = "service", responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
#[get("/openapi.json")]
pub(super) async fn openapi_json(document: web::Data<ApiDocument>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(document.json.clone())
}

/// The document as a page.
#[get("/api")]
pub(super) async fn api_page(
    state: web::Data<State>,
    document: web::Data<ApiDocument>,
) -> HttpResponse {
    shown(async { Ok(page::of(&document.value, state.guard.csrf())) }).await
}
