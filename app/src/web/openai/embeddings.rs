//! `POST /v1/embeddings`: vectors of the embedder that the library is searched with.
//!
//! A text that is longer than the model reads is refused, as OpenAI does, unless `truncate` is
//! true; a vector of a part is not what was asked for. `input_type` says whether a text is a
//! `document` (the default) or a `query`, which some models must be told.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use retrieval::embed::Embedder;
use serde_json::{Value, json};

use super::error::Refused;
use super::fields::Fields;

use crate::library::blocking;
use crate::web::State;

/// Texts in a request, as with OpenAI.
const MOST_TEXTS: usize = 2048;
/// Texts that are run at once; whoever asked may go in between.
const BATCH: usize = 32;

struct Request {
    texts: Vec<String>,
    is_query: bool,
    is_base64: bool,
    truncates: bool,
}

/// Embeds texts.
pub(super) async fn embed(
    state: web::Data<State>,
    body: web::Json<Value>,
) -> Result<HttpResponse, Refused> {
    let fields = Fields::of(&body)?;
    let embedder = state.library.embedder().await?;
    let space = embedder.space().clone();
    let model = fields
        .text("model")?
        .ok_or_else(|| fields.wrong("model", &format!("the name of a model, {:?}", space.id)))?;
    if model != space.id {
        return Err(Refused::model(
            model,
            format!("the model for embeddings is {:?}", space.id),
        ));
    }
    let request = Request::read(fields, space.dimension)?;
    let tokens = count_tokens(&request, &embedder).await?;

    let mut data = Vec::with_capacity(request.texts.len());
    for texts in request.texts.chunks(BATCH) {
        let (texts, embedder, is_query) = (texts.to_vec(), embedder.clone(), request.is_query);
        let vectors = blocking(move || {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            Ok(match is_query {
                true => texts
                    .iter()
                    .map(|text| embedder.embed_query(text))
                    .collect::<Result<_, _>>()?,
                false => embedder.embed_documents(&texts)?,
            })
        })
        .await?;
        for vector in vectors {
            data.push(json!({
                "object": "embedding",
                "index": data.len(),
                "embedding": encoded(&vector, request.is_base64),
            }));
        }
    }
    Ok(HttpResponse::Ok().json(json!({
        "object": "list",
        "model": space.id,
        "data": data,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    })))
}

impl Request {
    fn read(fields: Fields, dimension: usize) -> Result<Self, Refused> {
        let texts = input(fields)?;
        let is_base64 = match fields.text("encoding_format")? {
            None | Some("float") => false,
            Some("base64") => true,
            Some(_) => return Err(fields.wrong("encoding_format", "float or base64")),
        };
        let is_query = match fields.text("input_type")? {
            None | Some("document" | "passage") => false,
            Some("query") => true,
            Some(_) => return Err(fields.wrong("input_type", "document or query")),
        };
        if let Some(wanted) = fields.get("dimensions")
            && wanted.as_u64() != Some(dimension as u64)
        {
            let wanted =
                format!("{dimension}, the length of this model's vectors, or leave it out");
            return Err(fields.wrong("dimensions", &wanted));
        }
        Ok(Self {
            texts,
            is_query,
            is_base64,
            truncates: fields.flag("truncate")?,
        })
    }
}

/// The texts: one, or a list. Token numbers are of another model's vocabulary.
fn input(fields: Fields) -> Result<Vec<String>, Refused> {
    let is_number = |value: &Value| value.is_number();
    let is_tokens = match fields.get("input") {
        Some(Value::Array(items)) => items.first().is_some_and(|first| {
            is_number(first)
                || first
                    .as_array()
                    .is_some_and(|inner| inner.iter().all(is_number))
        }),
        _ => false,
    };
    if is_tokens {
        return Err(Refused::field(
            "input",
            "\"input\" holds token numbers, and this model has a vocabulary of its own",
            "send text; LangChain's OpenAIEmbeddings does with check_embedding_ctx_length=False",
        ));
    }
    let texts = fields.texts("input", MOST_TEXTS)?;
    if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
        return Err(fields.wrong("input", "a string that is not empty, or a list of such"));
    }
    Ok(texts)
}

/// Tokens that are read of all texts.
async fn count_tokens(request: &Request, embedder: &Arc<dyn Embedder>) -> Result<usize, Refused> {
    let (texts, counter) = (request.texts.clone(), embedder.clone());
    let counts: Vec<usize> = blocking(move || {
        Ok(texts
            .iter()
            .map(|text| counter.count_tokens(text))
            .collect())
    })
    .await?;
    let most = embedder.max_tokens();
    let too_long = counts.iter().position(|count| *count > most);
    if let Some(index) = too_long
        && !request.truncates
    {
        return Err(Refused::field(
            "input",
            format!(
                "text {} of \"input\" has {} tokens and the model reads {most}",
                index + 1,
                counts[index]
            ),
            "send it in parts, or set \"truncate\": true to have only its beginning read",
        ));
    }
    Ok(counts.iter().map(|count| count.min(&most)).sum())
}

fn encoded(vector: &[f32], is_base64: bool) -> Value {
    match is_base64 {
        true => {
            let bytes: Vec<u8> = vector
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            STANDARD.encode(bytes).into()
        }
        false => vector.into(),
    }
}
