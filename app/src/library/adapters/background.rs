//! Evaluations that nobody waits for: started over HTTP, and asked about.

use std::sync::{Arc, MutexGuard, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;
use utoipa::ToSchema;

use super::AdapterDetails;
use super::evaluate::EvaluateRequest;
use super::evaluation::Step;
use crate::error::Problem;
use crate::library::Library;

/// How an evaluation comes along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evaluating {
    /// Answers that were given.
    pub done: usize,
    /// Answers in all; 0 as long as that is not known.
    pub total: usize,
    /// Why it failed; null while it runs.
    #[schema(required)]
    pub failed: Option<String>,
}

/// The evaluation that runs in the background, or the last one where it failed.
pub(in crate::library) type Background = std::sync::Mutex<Option<(String, Evaluating)>>;

/// Times that an evaluation is begun before it is given up: what ends the program each time, as running
/// out of memory does, would do so again.
const TIMES: u32 = 3;

/// An evaluation that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What is evaluated, and how.
    pub request: EvaluateRequest,
    /// How many times it has been begun.
    pub times: u32,
}

impl Library {
    /// Starts to evaluate an adapter and returns; how it comes along is in its details. Where the program
    /// ends before it is done, [`Self::resume_evaluations`] starts it again.
    ///
    /// # Errors
    /// As [`register_adapter`](Self::register_adapter), or a problem `evaluation_running`.
    pub async fn start_evaluation(&self, mut request: EvaluateRequest) -> Result<AdapterDetails> {
        let record = self.register_adapter(&request.adapter).await?;
        request.adapter.clone_from(&record.id);
        let Ok(held) = self.one_evaluation.clone().try_lock_owned() else {
            return Err(super::evaluate::running().into());
        };
        // What is named wrongly is told at once.
        self.test_of(&request, &record).await?;
        let Some(library) = self.me.upgrade() else {
            anyhow::bail!("the library is being closed");
        };
        let begun = Begun { request, times: 1 };
        library.begin(&begun).await?;
        tokio::spawn(async move { library.evaluate_begun(&begun.request, held).await });
        self.adapter(&record.id).await
    }

    /// Makes the evaluations that were under way when the program ended, one after another.
    ///
    /// # Errors
    /// Where the catalog cannot be read or written.
    pub async fn resume_evaluations(self: Arc<Self>) -> Result<()> {
        for begun in self.catalog.evaluations_begun().await? {
            let Begun { request, times } = begun;
            if times >= TIMES {
                let why = format!(
                    "the program ended {times} times while the adapter was being evaluated; hint: \
                     start it again with a smaller limit, and look at the log and at free memory"
                );
                self.ended(&request.adapter, Some(why)).await;
                continue;
            }
            let held = self.one_evaluation.clone().lock_owned().await;
            let times = times + 1;
            self.begin(&Begun {
                request: request.clone(),
                times,
            })
            .await?;
            tracing::info!("evaluating the adapter {} again", request.adapter);
            self.clone().evaluate_begun(&request, held).await;
        }
        Ok(())
    }

    async fn begin(&self, begun: &Begun) -> Result<()> {
        let id = &begun.request.adapter;
        self.catalog.set_evaluation_begun(id, Some(begun)).await?;
        self.set_evaluating(id, Some(Evaluating::default()));
        Ok(())
    }

    async fn evaluate_begun(self: Arc<Self>, request: &EvaluateRequest, held: OwnedMutexGuard<()>) {
        let id = &request.adapter;
        let (told, name) = (self.clone(), id.clone());
        let on_step = move |step| {
            if let Step::Answers { done, total } = step {
                let now = Evaluating {
                    done,
                    total,
                    failed: None,
                };
                told.set_evaluating(&name, Some(now));
            }
            true
        };
        let outcome = self.evaluate_held(request, held, on_step).await;
        let failed = outcome.err().map(|error| {
            let Problem { message, hint, .. } = Problem::from_error(&error);
            format!("{message}; hint: {hint}")
        });
        self.ended(id, failed).await;
    }

    /// Forgets that an evaluation is under way, and tells why it failed if it did.
    async fn ended(&self, id: &str, failed: Option<String>) {
        if let Some(why) = &failed {
            tracing::warn!("evaluating the adapter {id}: {why}");
        }
        if let Err(error) = self.catalog.set_evaluation_begun(id, None).await {
            tracing::warn!("evaluating the adapter {id}: {error:#}");
        }
        let failed = failed.map(|why| Evaluating {
            failed: Some(why),
            ..Evaluating::default()
        });
        self.set_evaluating(id, failed);
    }

    pub(super) fn evaluating_of(&self, id: &str) -> Option<Evaluating> {
        let state = self.background();
        let (of, evaluating) = state.as_ref()?;
        (of == id).then(|| evaluating.clone())
    }

    fn set_evaluating(&self, id: &str, evaluating: Option<Evaluating>) {
        *self.background() = evaluating.map(|evaluating| (id.to_owned(), evaluating));
    }

    fn background(&self) -> MutexGuard<'_, Option<(String, Evaluating)>> {
        self.evaluating
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
