//! `/mcp`: the Model Context Protocol over streamable HTTP.
//!
//! Without sessions: each POST is answered by itself, with JSON or, where there is progress to tell,
//! with events; so a restart of the server loses nothing. The protocol's own service is made for
//! another HTTP stack: this file only carries requests there and responses back. Host, Origin and
//! token were checked before, as for all addresses.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, Resource};
use http_body_util::{BodyDataStream, Full};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::State;
use super::problem;
use crate::error::{Fault, Problem};
use crate::mcp::{Access, Lectern};

/// Longest request, in bytes.
const LONGEST: usize = 1 << 20;

/// The address.
pub(super) fn endpoint() -> Resource {
    web::resource("/mcp")
        .app_data(web::PayloadConfig::new(LONGEST))
        .route(web::route().to(handle))
}

async fn handle(
    state: web::Data<State>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    let body = match body {
        Ok(body) => body,
        Err(error) => return unreadable(&error),
    };
    let library = state.library.clone();
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // The middleware of all addresses knows the names of this server, and has checked.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let service = StreamableHttpService::new(
        move || Ok(Lectern::new(Access::Open(library.clone()))),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    match carried_in(&request, body) {
        Ok(request) => carried_out(service.handle(request).await),
        Err(error) => unreadable(&error),
    }
}

fn carried_in(
    request: &HttpRequest,
    body: Bytes,
) -> Result<http::Request<Full<Bytes>>, http::Error> {
    let mut carried = http::Request::builder()
        .method(request.method().as_str())
        .uri(request.uri().to_string());
    for (name, value) in request.headers() {
        carried = carried.header(name.as_str(), value.as_bytes());
    }
    carried.body(Full::new(body))
}

fn carried_out<B>(response: http::Response<B>) -> HttpResponse
where
    B: http_body_util::BodyExt<Data = Bytes, Error = std::convert::Infallible> + 'static,
{
    let (head, body) = response.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16());
    let mut carried = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in &head.headers {
        carried.append_header((name.as_str(), value.as_bytes()));
    }
    carried.streaming(BodyDataStream::new(body))
}

fn unreadable(error: &dyn std::fmt::Display) -> HttpResponse {
    problem::json(&Problem::new(
        Fault::Usage,
        "request_malformed",
        format!("the request cannot be read: {error}"),
        format!("send a JSON-RPC message of at most {} KiB", LONGEST >> 10),
    ))
}
