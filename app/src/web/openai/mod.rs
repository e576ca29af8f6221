//! What OpenAI's clients speak: `/v1/chat/completions`, `/v1/embeddings`, `/v1/models`.
//!
//! A model name chooses what is read ([`models`]); an answer is the one that `/api/v1/ask` gives,
//! with all that proves it in the extra field `lectern` of the message. The client's system
//! messages are passed over: how Lectern answers is not theirs to change.
//!
//! Nothing of a draft is streamed: a sentence that no paper supports must not be seen, and the
//! whole draft may give way to quotes. So a stream ([`stream`]) says at once which quotes are read,
//! keeps the connection alive while the model writes, and sends the checked answer sentence by
//! sentence. See <https://platform.openai.com/docs/api-reference/chat>.

mod chat;
mod embeddings;
mod error;
mod fields;
mod models;
mod stream;

use actix_web::{Scope, web};

pub(super) use error::response;

/// True for addresses whose failures are told in OpenAI's shape.
pub(super) fn is_here(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// The routes.
pub(super) fn scope() -> Scope {
    web::scope("/v1")
        .app_data(error::json_config())
        .route("/chat/completions", web::post().to(chat::complete))
        .route("/embeddings", web::post().to(embeddings::embed))
        .route("/models", web::get().to(models::list))
        .route("/models/{id:.+}", web::get().to(models::show))
        .default_service(web::route().to(error::not_found))
}
