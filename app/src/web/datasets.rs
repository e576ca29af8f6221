//! Datasets for training over HTTP.

use std::future::ready;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::State;
use super::ask::message;
use super::problem::{self, Failed};
use crate::catalog::DatasetRecord;
use crate::control::{self, DatasetsRequest, Event, Request};
use crate::error::{Fault, Problem};
use crate::library::datasets::prepare::PrepareRequest;

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// A dataset.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dataset {
    /// Its name.
    name: String,
    /// Where its files are.
    folder: String,
    /// SHA-256 of its files, in hexadecimal.
    sha256: String,
    /// What it holds and what was left out, as `card.json` has it.
    #[schema(value_type = Object)]
    card: serde_json::Value,
    /// True where examples were taken out of it since, as their documents were deleted.
    changed: bool,
    /// When it was prepared, RFC 3339.
    created_at: String,
}

impl From<DatasetRecord> for Dataset {
    fn from(record: DatasetRecord) -> Self {
        Self {
            // It holds strings and numbers only, which always have a JSON form.
            card: serde_json::to_value(&record.card).unwrap_or_default(),
            name: record.name,
            folder: record.folder,
            sha256: record.sha256,
            changed: record.changed,
            created_at: record.created_at,
        }
    }
}

/// All datasets.
#[derive(Serialize, ToSchema)]
struct DatasetList {
    /// Newest first.
    datasets: Vec<Dataset>,
}

/// A dataset to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDataset {
    /// Its name: small letters, digits, `-` and `_`.
    name: String,
    /// Take the feedback that was approved.
    #[serde(default)]
    feedback: bool,
    /// Make so many examples of sentences of the library, about.
    #[serde(default)]
    generate: usize,
    /// Share of what is generated that is to be refused, 0 to 0.9; 0.25 where not given.
    #[serde(default = "quarter")]
    refusals: f64,
    /// Decides which documents are kept for the test, and what is chosen.
    #[serde(default)]
    seed: u64,
    /// Leave out examples of more tokens; 1024 where not given.
    #[serde(default = "usual_length")]
    max_tokens: usize,
}

fn quarter() -> f64 {
    0.25
}

fn usual_length() -> usize {
    1024
}

/// How making a dataset comes along: the event `preparing`.
#[derive(Serialize, ToSchema)]
pub(super) struct PreparingEvent {
    /// Examples done.
    done: usize,
    /// Examples in all, about.
    total: usize,
}

/// List datasets, newest first.
#[utoipa::path(tag = "training", responses((status = 200, body = DatasetList)))]
#[get("/datasets")]
pub(super) async fn list_datasets(state: Shared) -> Answered {
    let found = state.library.datasets().await?;
    let datasets = found.into_iter().map(Dataset::from).collect();
    Ok(HttpResponse::Ok().json(DatasetList { datasets }))
}

/// Show a dataset.
#[utoipa::path(
    tag = "training",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, body = Dataset)),
)]
#[get("/datasets/{name}")]
pub(super) async fn show_dataset(state: Shared, name: web::Path<String>) -> Answered {
    let found = state.library.dataset(&name).await?;
    Ok(HttpResponse::Ok().json(Dataset::from(found)))
}

/// Make a dataset from approved feedback, from the library, or both.
///
/// Answered when it is made, which may take minutes. Where `Accept` is `text/event-stream`, by events:
/// `preparing` (a `PreparingEvent`) as it comes along, and at last `dataset` (a `Dataset`) or `error` (a
/// `Problem`).
#[utoipa::path(
    tag = "training",
    responses(
        (status = 201, description = "It is there.", body = Dataset),
        (status = 200, description = "Events.", body = String, content_type = "text/event-stream"),
    ),
)]
#[post("/datasets")]
pub(super) async fn prepare_dataset(
    state: Shared,
    request: HttpRequest,
    wanted: web::Json<NewDataset>,
) -> Answered {
    let wanted = wanted.into_inner();
    let prepare = PrepareRequest {
        name: wanted.name,
        feedback: wanted.feedback,
        generate: wanted.generate,
        imports: Vec::new(),
        refusals: wanted.refusals,
        seed: wanted.seed,
        max_tokens: wanted.max_tokens,
        out: None,
    };
    let prepare = Request::Datasets(DatasetsRequest::Prepare(prepare));
    let mut events = control::start_here(state.library.clone(), prepare);
    let accepts = request.headers().get(ACCEPT);
    let streams = accepts.is_some_and(|kinds| {
        kinds
            .to_str()
            .is_ok_and(|kinds| kinds.contains("text/event-stream"))
    });
    if streams {
        let body = stream::unfold(events, |mut events| async {
            Some((events.recv().await?, events))
        });
        let body = body.map(|event| match event {
            Event::Preparing { done, total } => {
                message("preparing", &PreparingEvent { done, total })
            }
            Event::Datasets(made) => {
                let made = made.into_iter().next().map(Dataset::from);
                message("dataset", &made)
            }
            Event::Failed(failed) => message("error", &problem::body(&failed)),
            _ => web::Bytes::new(),
        });
        let body = body
            .filter(|part| ready(!part.is_empty()))
            .map(Ok::<_, actix_web::Error>);
        return Ok(HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((CACHE_CONTROL, "no-store"))
            .streaming(body));
    }
    while let Some(event) = events.recv().await {
        match event {
            Event::Datasets(made) => {
                let made = made.into_iter().next().map(Dataset::from);
                return Ok(HttpResponse::Created().json(made));
            }
            Event::Failed(failed) => return Err(failed.into()),
            _ => {}
        }
    }
    Err(Problem::new(
        Fault::Machine,
        "internal",
        "making the dataset ended without a word",
        "this is a fault in Lectern; please report it with what its log says",
    )
    .into())
}

/// Delete a dataset.
///
/// Its files go too where they are in the data folder.
#[utoipa::path(
    tag = "training",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/datasets/{name}")]
pub(super) async fn delete_dataset(state: Shared, name: web::Path<String>) -> Answered {
    state.library.delete_dataset(&name).await?;
    Ok(HttpResponse::NoContent().finish())
}
