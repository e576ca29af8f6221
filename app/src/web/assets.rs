//! The style sheet and the scripts, carried inside the binary.

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get, web};
use sha2::{Digest, Sha256};

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../static/", $name)))),*]
    };
}

const ASSETS: &[(&str, &[u8])] = assets![
    "adapters.js",
    "api.js",
    "ask.js",
    "comparison.js",
    "conversation_dialogs.js",
    "conversations.js",
    "delete.js",
    "document.js",
    "documents.js",
    "dom.js",
    "favicon.svg",
    "feedback.js",
    "job_row.js",
    "jobs.js",
    "library.js",
    "passages.js",
    "review.js",
    "sse.js",
    "style.css",
    "training.css",
    "training.js",
    "turns.js",
    "uploads.js",
];

/// Asked for by browsers beside a PDF, which names no icon of its own.
#[get("/favicon.ico")]
pub(super) async fn icon() -> HttpResponse {
    HttpResponse::MovedPermanently()
        .insert_header((LOCATION, "/static/favicon.svg"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .finish()
}

#[get("/static/{name}")]
pub(super) async fn asset(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some((name, bytes)) = ASSETS.iter().find(|(known, _)| *known == name.as_str()) else {
        return HttpResponse::NotFound().finish();
    };
    // Scripts import each other by plain names, so a cached one must be asked for again.
    let tag = format!("\"{:x}\"", Sha256::digest(bytes));
    let known = request
        .headers()
        .get(IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "no-cache"));
    if known {
        return response.finish();
    }
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    };
    response.content_type(kind).body(*bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_static_file_is_carried() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../static");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                super::ASSETS.iter().any(|(known, _)| *known == name),
                "{name} is not in ASSETS"
            );
        }
    }
}
