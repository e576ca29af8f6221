//! Evaluations that nobody waits for: started over HTTP, and asked about.

use std::sync::{MutexGuard, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};
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

impl Library {
    /// Starts to evaluate an adapter and returns; how it comes along is in its details.
    ///
    /// # Errors
    /// As [`register_adapter`](Self::register_adapter), or a problem `evaluation_running`.
    pub async fn start_evaluation(&self, mut request: EvaluateRequest) -> Result<AdapterDetails> {
        let record = self.register_adapter(&request.adapter).await?;
        request.adapter.clone_from(&record.id);
        let held = self.one_evaluation.clone().try_lock_owned();
        let Ok(held) = held else {
            return Err(super::evaluate::running().into());
        };
        // What is named wrongly is told at once.
        self.test_of(&request, &record).await?;
        self.set_evaluating(&record.id, Some(Evaluating::default()));
        let Some(library) = self.me.upgrade() else {
            anyhow::bail!("the library is being closed");
        };
        let id = record.id.clone();
        tokio::spawn(async move {
            let (told, name) = (library.clone(), id.clone());
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
            let outcome = library.evaluate_held(&request, held, on_step).await;
            let state = outcome.err().map(|error| {
                let Problem { message, hint, .. } = Problem::from_error(&error);
                tracing::warn!("evaluating the adapter {id}: {message}");
                Evaluating {
                    failed: Some(format!("{message}; hint: {hint}")),
                    ..Evaluating::default()
                }
            });
            library.set_evaluating(&id, state);
        });
        self.adapter(&record.id).await
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
