//! Training over HTTP: its JSON routes here, its pages in [`page`]. All of it is files of runs, read off
//! the async threads; the training is in a process of its own ([`crate::training`]).

pub(super) mod page;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, delete, get, post, web};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use super::State;
use super::ask::message;
use super::problem::Failed;
use crate::error::{Fault, Problem};
use crate::library::{Library, blocking};
use crate::training::details::{RunDetails, RunRecord, details, record};
use crate::training::log::{Reader, RunEvent, since_begun};
use crate::training::plan::Plan;
use crate::training::request::{NewRun, RunRequest, default_base};
use crate::training::start::died_event;
use crate::training::{Runs, is_gone};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// How often a run's log is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// The longest silence of a stream of events, after which a comment shows that both sides are there.
const SILENCE: Duration = Duration::from_secs(15);

/// An estimate reads all data and measures: one at a time.
static ESTIMATING: Semaphore = Semaphore::const_new(1);

/// All runs.
#[derive(Serialize, ToSchema)]
struct RunList {
    /// Newest first.
    runs: Vec<RunRecord>,
}

fn runs(library: &Library) -> Runs {
    Runs::new(&library.settings)
}

/// The folder of a run by its name, or the start of it.
async fn found(state: &State, wanted: String) -> anyhow::Result<PathBuf> {
    let runs = runs(&state.library);
    blocking(move || Ok(runs.find(&wanted)?)).await
}

/// List training runs, newest first.
#[utoipa::path(tag = "training", responses((status = 200, body = RunList)))]
#[get("/training/runs")]
pub(super) async fn list_runs(state: Shared) -> Answered {
    let runs = runs(&state.library);
    let records = blocking(move || Ok(runs.list().iter().map(|run| record(run)).collect()));
    let runs: Vec<RunRecord> = records.await?;
    Ok(HttpResponse::Ok().json(RunList { runs }))
}

/// Start a training run.
///
/// One at a time is trained, in a process of its own at the lowest priority, which goes on when the
/// server is stopped. The base is the model that answers.
#[utoipa::path(
    tag = "training",
    responses((status = 201, description = "It goes on.", body = RunDetails)),
)]
#[post("/training/runs")]
pub(super) async fn start_run(state: Shared, wanted: web::Json<NewRun>) -> Answered {
    let (library, runs) = (&state.library, runs(&state.library));
    let request = asked(library, &wanted).await?;
    let settings = library.settings.clone();
    let started = blocking(move || {
        runs.refuse_second()?;
        let config = request.resolve(|| default_base(&settings))?;
        // What cannot be trained is told before there is a run.
        runs.plan(&config)?;
        let run = runs.start(&config)?.leave();
        Ok(details(&run))
    });
    Ok(HttpResponse::Created().json(started.await?))
}

async fn asked(library: &Library, wanted: &NewRun) -> anyhow::Result<RunRequest> {
    let dataset = library.dataset(&wanted.dataset).await?;
    let mut request = wanted.with(&dataset)?;
    let from = wanted.from.as_deref();
    request.adapter = library.known_adapter_to_train(from).await?;
    Ok(request)
}

/// Show a training run with its settings and numbers.
#[utoipa::path(
    tag = "training",
    params(("run" = String, Path, description = "Its name, the start of it, or `latest`.")),
    responses((status = 200, body = RunDetails)),
)]
#[get("/training/runs/{run}")]
pub(super) async fn show_run(state: Shared, run: web::Path<String>) -> Answered {
    let run = found(&state, run.into_inner()).await?;
    let shown = blocking(move || Ok(details(&run))).await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// Follow a training run.
///
/// Answered by server-sent events named as the field `event` of a `RunEvent`, from where the run last
/// began, until it ends. Steps come at most once a second.
#[utoipa::path(
    tag = "training",
    params(("run" = String, Path, description = "Its name, the start of it, or `latest`.")),
    responses((status = 200, description = "Events.", body = String, content_type = "text/event-stream")),
)]
#[get("/training/runs/{run}/events")]
pub(super) async fn run_events(state: Shared, run: web::Path<String>) -> Answered {
    let run = found(&state, run.into_inner()).await?;
    let (past, log) = since_begun(&run);
    let following = Following {
        run,
        log,
        told: past.into(),
        is_over: false,
    };
    let body = stream::unfold(following, Following::next);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(body))
}

/// A run's log on its way to somebody who watches.
struct Following {
    run: PathBuf,
    log: Reader,
    told: VecDeque<RunEvent>,
    is_over: bool,
}

impl Following {
    async fn next(mut self) -> Option<(Result<Bytes, actix_web::Error>, Self)> {
        let mut silent = Duration::ZERO;
        loop {
            if let Some(event) = self.told.pop_front() {
                self.is_over |= event.is_last();
                return Some((Ok(encode(&event)), self));
            }
            if self.is_over {
                return None;
            }
            // Before the log is read: what is written last is read after it.
            let is_gone = is_gone(&self.run);
            self.told.extend(self.log.news());
            if !self.told.is_empty() {
                continue;
            }
            if is_gone {
                self.told.push_back(died_event(&self.run));
                continue;
            }
            if silent >= SILENCE {
                return Some((Ok(Bytes::from_static(b": still there\n\n")), self));
            }
            tokio::time::sleep(LOOK).await;
            silent += LOOK;
        }
    }
}

fn encode(event: &RunEvent) -> Bytes {
    let name = match event {
        RunEvent::Loading { .. } => "loading",
        RunEvent::Warning { .. } => "warning",
        RunEvent::Started { .. } => "started",
        RunEvent::Step { .. } => "step",
        RunEvent::Evaluated { .. } => "evaluated",
        RunEvent::Saved { .. } => "saved",
        RunEvent::Ended { .. } => "ended",
        RunEvent::Failed { .. } => "failed",
    };
    message(name, event)
}

/// Stop a training run.
///
/// It saves a checkpoint before its next batch and can go on; `stopping` says that it was asked to.
#[utoipa::path(
    tag = "training",
    params(("run" = String, Path, description = "Its name, the start of it, or `latest`.")),
    responses((status = 202, description = "It is asked to.", body = RunRecord)),
)]
#[post("/training/runs/{run}/stop")]
pub(super) async fn stop_run(state: Shared, run: web::Path<String>) -> Answered {
    let runs = runs(&state.library);
    let wanted = run.into_inner();
    let stopping = blocking(move || {
        let run = runs.find(&wanted)?;
        runs.stop(&run)?;
        Ok(record(&run))
    });
    Ok(HttpResponse::Accepted().json(stopping.await?))
}

/// Go on with a training run from its newest checkpoint.
#[utoipa::path(
    tag = "training",
    params(("run" = String, Path, description = "Its name, the start of it, or `latest`.")),
    responses((status = 200, body = RunRecord)),
)]
#[post("/training/runs/{run}/resume")]
pub(super) async fn resume_run(state: Shared, run: web::Path<String>) -> Answered {
    let runs = runs(&state.library);
    let wanted = run.into_inner();
    let resumed = blocking(move || {
        let run = runs.find(&wanted)?;
        Ok(record(&runs.resume(&run)?.leave()))
    });
    Ok(HttpResponse::Ok().json(resumed.await?))
}

/// Delete a training run with its checkpoints and its adapter.
#[utoipa::path(
    tag = "training",
    params(("run" = String, Path, description = "Its name, or the start of it.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/training/runs/{run}")]
pub(super) async fn delete_run(state: Shared, run: web::Path<String>) -> Answered {
    let runs = runs(&state.library);
    let wanted = run.into_inner();
    blocking(move || runs.delete(&runs.find(&wanted)?)).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Estimating {
    /// The dataset to train on.
    dataset: String,
    /// `lora`, `qlora` or `full`; `lora` where not given.
    recipe: Option<String>,
    /// Steps after which to stop; none where not given.
    max_steps: Option<u64>,
    /// The adapter to train further, by its id, or `base`; what answers now where not given.
    from: Option<String>,
    /// Further settings in TOML, a line each: `epochs=1`.
    #[serde(default)]
    settings: String,
}

/// What a training run would take: steps, memory, time, and what is probably a mistake.
#[utoipa::path(
    tag = "training",
    operation_id = "estimate_run",
    params(Estimating),
    responses((status = 200, body = Plan)),
)]
#[get("/training/estimate")]
pub(super) async fn estimate(state: Shared, asked_for: web::Query<Estimating>) -> Answered {
    let Estimating {
        dataset,
        recipe,
        max_steps,
        from,
        settings,
    } = asked_for.into_inner();
    let table: toml::Table = settings.parse().map_err(|error| {
        Problem::new(
            Fault::Usage,
            "training_settings_invalid",
            format!("the settings are not TOML: {error}"),
            "write a line such as `epochs=1` for each",
        )
    })?;
    let wanted = NewRun {
        dataset,
        recipe,
        name: None,
        max_steps,
        from,
        settings: match serde_json::to_value(table) {
            Ok(serde_json::Value::Object(settings)) => settings,
            _ => serde_json::Map::new(),
        },
    };
    let (library, runs) = (&state.library, runs(&state.library));
    let request = asked(library, &wanted).await?;
    let settings = library.settings.clone();
    // Never closed, so that waiting for it cannot fail; where it did, the estimate is made all the same.
    let _one = ESTIMATING.acquire().await.ok();
    let plan = blocking(move || {
        let config = request.resolve(|| default_base(&settings))?;
        runs.plan(&config)
    });
    Ok(HttpResponse::Ok().json(plan.await?))
}
