//! `/training`: what there is to learn from, datasets, the run that goes on, and those before it.

use actix_web::{HttpResponse, get, web};

use super::{Shared, found, runs};
use crate::catalog::{AdapterState, FeedbackState};
use crate::library::blocking;
use crate::training::RunState;
use crate::training::details::{RunRecord, details, record};
use crate::training::request::trainable;
use crate::web::pages::shown;
use crate::web::views::{
    AdapterCard, ComparisonPage, ComparisonRow, DatasetCard, RunPage, RunPanel, RunPanelPage,
    RunRow, TrainingPage,
};

/// The training page.
#[get("/training")]
pub(in crate::web) async fn training_page(state: Shared) -> HttpResponse {
    shown(async {
        let library = &state.library;
        let runs = runs(library);
        let (records, current) = blocking(move || {
            let records: Vec<RunRecord> = runs.list().iter().map(|run| record(run)).collect();
            // The one that goes on, or else the newest.
            let current = records
                .iter()
                .find(|one| one.state == RunState::Running)
                .or(records.first())
                .map(|one| details(one.folder.as_ref()));
            Ok((records, current))
        })
        .await?;
        let datasets = library.datasets().await?;
        let counts = library.catalog.count_feedback().await?;
        let count = |state| counts.get(&state).copied().unwrap_or_default();
        let (base, base_problem) = match trainable(&library.settings) {
            Ok(base) => (base.id().to_owned(), None),
            Err(problem) => (String::new(), Some(problem)),
        };
        let list = library.adapters().await?;
        let known: Vec<&str> = list
            .adapters
            .iter()
            .filter_map(|one| one.adapter.run.as_deref())
            .collect();
        let comparisons = library.comparisons().await?;
        let current = current.as_ref().map(RunPanel::of);
        let shown_above = current.as_ref().map(|panel| panel.name.clone());
        Ok(TrainingPage {
            csrf_token: state.guard.csrf().to_owned(),
            pending: count(FeedbackState::Pending),
            approved: count(FeedbackState::Approved),
            documents: library.catalog.count_documents().await?,
            datasets: datasets.iter().map(DatasetCard::of).collect(),
            is_running: current.as_ref().is_some_and(|panel| panel.is_running),
            runs: records
                .iter()
                .filter(|one| Some(&one.name) != shown_above.as_ref())
                .map(RunRow::of)
                .collect(),
            trained: records
                .iter()
                .filter(|one| {
                    one.result.is_some() && matches!(one.recipe.as_str(), "lora" | "qlora")
                })
                .filter(|one| !known.contains(&one.folder.as_str()))
                .map(RunRow::of)
                .collect(),
            adapters: list
                .adapters
                .iter()
                .map(|one| AdapterCard::of(one, list.serving.as_deref()))
                .collect(),
            can_roll_back: (list.adapters.iter())
                .any(|one| one.adapter.state == AdapterState::InService),
            serving: list.serving.clone().unwrap_or_default(),
            because: list.because.clone(),
            comparisons: comparisons.iter().map(ComparisonRow::of).collect(),
            current,
            base,
            base_problem,
        })
    })
    .await
}

/// One run.
#[get("/training/runs/{run}")]
pub(in crate::web) async fn run_page(state: Shared, run: web::Path<String>) -> HttpResponse {
    shown(async {
        let run = found(&state, run.into_inner()).await?;
        let details = blocking(move || Ok(details(&run))).await?;
        Ok(RunPage {
            csrf_token: state.guard.csrf().to_owned(),
            settings: details
                .settings
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), text(value)))
                .collect(),
            panel: RunPanel::of(&details),
        })
    })
    .await
}

fn text(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// How a run stands, as a piece of a page.
#[get("/training/runs/{run}/panel")]
pub(in crate::web) async fn run_panel(state: Shared, run: web::Path<String>) -> HttpResponse {
    shown(async {
        let run = found(&state, run.into_inner()).await?;
        let details = blocking(move || Ok(details(&run))).await?;
        Ok(RunPanelPage {
            panel: RunPanel::of(&details),
        })
    })
    .await
}

/// A blind comparison: the next pair to vote on.
#[get("/training/comparisons/{id}")]
pub(in crate::web) async fn comparison_page(state: Shared, id: web::Path<String>) -> HttpResponse {
    shown(async {
        let details = state.library.comparison(&id).await?;
        let csrf_token = state.guard.csrf().to_owned();
        Ok(ComparisonPage::of(&details, csrf_token))
    })
    .await
}
