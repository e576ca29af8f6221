//! Adapters of the answerer: taken in from runs, evaluated on questions that they were not trained on,
//! promoted, rolled back.
//!
//! An adapter's two files are copied into the data folder, under the SHA-256 of what is in them, and
//! never served from where they were trained: a run may be deleted, and what answers must not change
//! under the answers. [`register`](Library::register_adapter) takes one in, [`evaluate`] puts it to the
//! test side of a dataset beside the one in service, [`promote`] lets it answer if the gate
//! ([`finetune::gate`]) does, [`service`] is what answers now, and [`lineage`] says where an answer
//! comes from. Everything else about them is in the catalog.

pub mod background;
pub mod built_in;
pub mod compare;
mod end_to_end;
pub mod evaluate;
mod evaluation;
mod files;
mod further;
pub mod lineage;
pub mod promote;
mod register;
pub mod service;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Library, blocking};
use crate::catalog::{AdapterChange, AdapterRecord, AdapterState};
use crate::error::{Fault, Problem};
use background::Evaluating;

pub use evaluation::{Against, Case, EndToEnd, Evaluation, Figures, Given, Recited, Step};

/// An adapter with what is known of it beside its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AdapterDetails {
    /// The adapter.
    #[serde(flatten)]
    pub adapter: AdapterRecord,
    /// True where it changes the model that answers here; others can be kept, and not be used.
    pub fits: bool,
    /// When it came to answer and went, oldest first.
    pub history: Vec<AdapterChange>,
    /// How an evaluation of it comes along that runs, or how the last one failed.
    #[schema(required)]
    pub evaluating: Option<Evaluating>,
}

/// All adapters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AdapterList {
    /// Newest first.
    pub adapters: Vec<AdapterDetails>,
    /// What answers now: the id of an adapter, or null for the model as it was made.
    #[schema(required)]
    pub serving: Option<String>,
    /// Why that is, in words.
    pub because: String,
}

impl Library {
    /// All adapters, and which of them answers.
    ///
    /// # Errors
    /// Where the catalog or the model's file cannot be read.
    pub async fn adapters(&self) -> Result<AdapterList> {
        let records = self.catalog.adapters().await?;
        let history = self.catalog.adapter_history().await?;
        let mut adapters = Vec::with_capacity(records.len());
        for record in records {
            adapters.push(self.details_of(record, &history).await?);
        }
        // What is wrong with the one that the settings name is told in its place: the others are there
        // to choose from.
        let (serving, because) = match self.serving_now().await {
            Ok(now) => now,
            Err(error) => (None, error.downcast::<Problem>()?.message),
        };
        Ok(AdapterList {
            adapters,
            serving,
            because,
        })
    }

    /// One adapter, by its id or a start of it.
    ///
    /// # Errors
    /// A problem `adapter_not_found` or `adapter_ambiguous`.
    pub async fn adapter(&self, id: &str) -> Result<AdapterDetails> {
        let record = self.found_adapter(id).await?;
        let history = self.catalog.adapter_history().await?;
        self.details_of(record, &history).await
    }

    async fn details_of(
        &self,
        adapter: AdapterRecord,
        history: &[AdapterChange],
    ) -> Result<AdapterDetails> {
        let concerns = |change: &&AdapterChange| {
            let ids = [change.adapter.as_ref(), change.before.as_ref()];
            ids.into_iter().flatten().any(|id| *id == adapter.id)
        };
        Ok(AdapterDetails {
            fits: self.fits(&adapter).await?,
            history: history.iter().filter(concerns).cloned().collect(),
            evaluating: self.evaluating_of(&adapter.id),
            adapter,
        })
    }

    /// The record of an adapter.
    ///
    /// # Errors
    /// A problem `adapter_not_found` or `adapter_ambiguous`.
    pub(crate) async fn found_adapter(&self, id: &str) -> Result<AdapterRecord> {
        match self.adapter_of(id).await? {
            Some(found) => Ok(found),
            None => Err(not_found(id).into()),
        }
    }

    /// As [`found_adapter`](Self::found_adapter); none where there is none.
    pub(super) async fn adapter_of(&self, id: &str) -> Result<Option<AdapterRecord>> {
        if let Some(found) = self.catalog.adapter(id).await? {
            return Ok(Some(found));
        }
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let id = id.to_ascii_lowercase();
        let mut found = self.catalog.adapters().await?;
        found.retain(|adapter| adapter.sha256.starts_with(&id));
        match found.len() {
            0 | 1 => Ok(found.pop()),
            several => Err(Problem::new(
                Fault::Usage,
                "adapter_ambiguous",
                format!("{several} adapters begin with {id:?}"),
                "give more of the id",
            )
            .into()),
        }
    }

    /// Deletes adapters that do not answer, with their files. Returns them as they were.
    ///
    /// # Errors
    /// A problem `adapter_not_found`, or `adapter_in_service`; then none is deleted.
    pub async fn delete_adapters(&self, ids: &[String]) -> Result<Vec<AdapterRecord>> {
        let _one = self.adapting.lock().await;
        let mut found: Vec<AdapterRecord> = Vec::new();
        for id in ids {
            let record = self.found_adapter(id).await?;
            if record.state == AdapterState::InService {
                return Err(in_service(&record).into());
            }
            if found.iter().all(|other| other.id != record.id) {
                found.push(record);
            }
        }
        for record in &found {
            if !self.catalog.delete_adapter(&record.id).await? {
                return Err(in_service(record).into());
            }
            let folder = self.adapter_folder(&record.sha256);
            blocking(move || files::remove(&folder)).await?;
        }
        Ok(found)
    }

    /// Where an adapter's files are.
    pub(crate) fn adapter_folder(&self, sha256: &str) -> std::path::PathBuf {
        self.settings.data_dir.join("adapters").join(sha256)
    }
}

fn not_found(id: &str) -> Problem {
    let shown: String = id.chars().take(80).collect();
    Problem::new(
        Fault::NotFound,
        "adapter_not_found",
        format!("there is no adapter {shown:?}"),
        "`lectern finetune adapters list` shows their ids; a run is taken in by `lectern finetune \
         evaluate RUN`",
    )
}

fn in_service(record: &AdapterRecord) -> Problem {
    Problem::new(
        Fault::Conflict,
        "adapter_in_service",
        format!("the adapter {} answers now", record.id),
        "roll back first, with `lectern finetune rollback`, or promote another",
    )
}
