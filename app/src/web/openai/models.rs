//! The models that clients choose from: `lectern` answers from all papers, `lectern:COLLECTION`
//! from those of one collection; the embedder makes vectors.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::error::Refused;
use crate::library::Library;
use crate::web::State;

/// The model that answers from all papers.
const LECTERN: &str = "lectern";

/// The protocol wants to know when a model was made; that is when this process was.
static STARTED: LazyLock<i64> = LazyLock::new(now);

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// All models.
pub(super) async fn list(state: web::Data<State>) -> Result<HttpResponse, Refused> {
    let models = all(&state.library).await?;
    Ok(HttpResponse::Ok().json(json!({ "object": "list", "data": models })))
}

/// One of them.
pub(super) async fn show(
    state: web::Data<State>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let found = all(&state.library)
        .await?
        .into_iter()
        .find(|model| model["id"] == id.as_str());
    match found {
        Some(model) => Ok(HttpResponse::Ok().json(model)),
        None => Err(Refused::model(&id, hint(&state.library).await?)),
    }
}

/// The collection that a model stands for; `None` is all.
///
/// # Errors
/// Where there is no such model or collection.
pub(super) async fn collection(library: &Library, model: &str) -> Result<Option<String>, Refused> {
    if model == LECTERN {
        return Ok(None);
    }
    match model.strip_prefix("lectern:") {
        Some(name) if library.catalog.has_collection(name).await? => Ok(Some(name.to_owned())),
        _ => Err(Refused::model(model, hint(library).await?)),
    }
}

async fn all(library: &Library) -> anyhow::Result<Vec<Value>> {
    let model = |id: &str, more: Value| {
        json!({
            "id": id,
            "object": "model",
            "created": *STARTED,
            "owned_by": "lectern",
            "lectern": more,
        })
    };
    let collections = library.catalog.collections().await?;
    let documents: u64 = collections.iter().map(|(_, documents)| documents).sum();
    let answers = json!({ "use": "chat", "collection": null, "documents": documents });
    let mut models = vec![model(LECTERN, answers)];
    for (name, documents) in &collections {
        models.push(model(
            &format!("{LECTERN}:{name}"),
            json!({ "use": "chat", "collection": name, "documents": documents }),
        ));
    }
    let embedder = library.embedder().await?;
    let space = embedder.space();
    models.push(model(
        &space.id,
        json!({
            "use": "embeddings",
            "dimensions": space.dimension,
            "max_tokens": embedder.max_tokens(),
        }),
    ));
    Ok(models)
}

async fn hint(library: &Library) -> anyhow::Result<String> {
    let models = all(library).await?;
    let name = |model: &Value| model["id"].as_str().unwrap_or_default().to_owned();
    let of = |wanted: &str| -> Vec<String> {
        let models = models.iter();
        models
            .filter(|model| model["lectern"]["use"] == wanted)
            .take(20)
            .map(name)
            .collect()
    };
    Ok(format!(
        "models that answer: {}; for embeddings: {}",
        of("chat").join(", "),
        of("embeddings").join(", ")
    ))
}
