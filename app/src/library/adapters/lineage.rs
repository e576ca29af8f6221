//! Where an answer comes from: the adapter that wrote it, the run that made the adapter, the dataset
//! that the run learnt from, and the feedback in it.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::AdapterRecord;
use crate::library::{Library, blocking};

/// A run, as its folder tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunOrigin {
    /// Its folder.
    pub folder: String,
    /// Version of Lectern that ran it; null where the folder is gone.
    #[schema(required)]
    pub version: Option<String>,
    /// Git revision of the program, where it was known.
    #[schema(required)]
    pub git_revision: Option<String>,
    /// When it began, in UTC.
    #[schema(required)]
    pub started: Option<String>,
}

/// Feedback that an adapter learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LearntFeedback {
    /// Its id.
    pub id: String,
    /// The question; null where the feedback was deleted since.
    #[schema(required)]
    pub question: Option<String>,
}

/// Where an answer, or an adapter, comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lineage {
    /// The answer; null where an adapter was asked for.
    #[schema(required)]
    pub answer: Option<String>,
    /// The model that wrote it; null where it was made of quotes.
    #[schema(required)]
    pub model: Option<String>,
    /// Id of the adapter that it ran with; null where it ran as it was made.
    #[schema(required)]
    pub adapter_id: Option<String>,
    /// The adapter; null where it was deleted since, or came with Lectern.
    #[schema(required)]
    pub adapter: Option<AdapterRecord>,
    /// The run that made it.
    #[schema(required)]
    pub run: Option<RunOrigin>,
    /// The feedback that it learnt from.
    pub feedback: Vec<LearntFeedback>,
}

impl Library {
    /// Where an answer comes from, by its id or a start of it.
    ///
    /// # Errors
    /// A problem `answer_not_found`.
    pub async fn answer_lineage(&self, answer: &str) -> Result<Lineage> {
        let stored = self.stored_answer(answer).await?;
        let provenance = stored.provenance.unwrap_or_default();
        let adapter = provenance.adapter.or(stored.answer.model.adapter);
        let mut lineage = self.lineage_of(adapter).await?;
        lineage.answer = Some(stored.answer.id);
        lineage.model = provenance.model;
        Ok(lineage)
    }

    /// Where an adapter comes from, by its id or a start of it.
    ///
    /// # Errors
    /// A problem `adapter_not_found`.
    pub async fn adapter_lineage(&self, adapter: &str) -> Result<Lineage> {
        let record = self.found_adapter(adapter).await?;
        let model = record.base.model.clone();
        let lineage = self.lineage_of(Some(record.id)).await?;
        Ok(Lineage {
            model: Some(model),
            ..lineage
        })
    }

    /// Where an answer comes from or, where there is none of that id, an adapter.
    ///
    /// # Errors
    /// A problem `answer_not_found` where there is neither.
    pub async fn lineage(&self, id: &str) -> Result<Lineage> {
        match self.adapter_of(id).await {
            Ok(Some(adapter)) => self.adapter_lineage(&adapter.id).await,
            _ => self.answer_lineage(id).await,
        }
    }

    async fn lineage_of(&self, adapter_id: Option<String>) -> Result<Lineage> {
        let adapter = match &adapter_id {
            Some(id) => self.catalog.adapter(id).await?,
            None => None,
        };
        let folder = adapter.as_ref().and_then(|adapter| adapter.run.clone());
        let run = match folder {
            Some(folder) => Some(blocking(move || Ok(run_origin(folder))).await?),
            None => None,
        };
        let mut feedback = Vec::new();
        if let Some(id) = &adapter_id {
            for id in self.catalog.adapter_sources(id).await?.1 {
                let found = self.catalog.feedback(&id).await?;
                feedback.push(LearntFeedback {
                    id,
                    question: found.map(|found| found.question),
                });
            }
        }
        Ok(Lineage {
            answer: None,
            model: None,
            adapter_id,
            adapter,
            run,
            feedback,
        })
    }
}

fn run_origin(folder: String) -> RunOrigin {
    let origin = finetune::run::origin(Path::new(&folder)).ok();
    RunOrigin {
        folder,
        version: origin.as_ref().map(|origin| origin.version.clone()),
        git_revision: origin
            .as_ref()
            .and_then(|origin| origin.git_revision.clone()),
        started: origin.map(|origin| origin.started),
    }
}
