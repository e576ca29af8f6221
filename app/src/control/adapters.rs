//! Carries out what is asked of adapters.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Event;
use super::run::Events;
use crate::library::Library;
use crate::library::adapters::Step;
use crate::library::adapters::evaluate::EvaluateRequest;
use crate::library::adapters::promote::{PromoteRequest, RollbackRequest};

/// Something to do with adapters. Ids may be starts of ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum AdaptersRequest {
    /// List them, and which of them answers.
    List,
    /// Show one.
    Show {
        /// Its id.
        id: String,
    },
    /// Put one to held-out questions.
    Evaluate {
        /// Which one, and to which questions.
        request: EvaluateRequest,
        /// Whether what was answered to each is wanted.
        with_answers: bool,
    },
    /// Have one answer.
    Promote(PromoteRequest),
    /// Have the one before answer again.
    Rollback(RollbackRequest),
    /// Delete some that do not answer.
    Delete {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Where an adapter is that is to be trained further.
    ToTrain {
        /// As for [`Library::adapter_to_train`].
        from: Option<String>,
    },
    /// Where an answer, or an adapter, comes from.
    Lineage {
        /// An adapter's id, or an answer's where there is no such adapter.
        id: String,
    },
}

pub(super) async fn run(
    library: &Library,
    request: AdaptersRequest,
    events: &Events,
) -> Result<()> {
    let say = |event| {
        let _ = events.send(event);
    };
    match request {
        AdaptersRequest::List => say(Event::AdapterList(library.adapters().await?)),
        AdaptersRequest::Show { id } => {
            say(Event::Adapter(Box::new(library.adapter(&id).await?)));
        }
        AdaptersRequest::Evaluate {
            request,
            with_answers,
        } => {
            let progress = events.clone();
            let on_step = move |step| match step {
                Step::Case(_) if !with_answers => true,
                step => progress.send(Event::AdapterEvaluating(step)).is_ok(),
            };
            let found = library.evaluate_adapter(&request, on_step).await?;
            say(Event::AdapterEvaluated(Box::new(found)));
        }
        AdaptersRequest::Promote(request) => {
            let promoted = library.promote_adapter(&request).await?;
            say(Event::Adapter(Box::new(promoted)));
        }
        AdaptersRequest::Rollback(request) => {
            say(Event::AdapterList(
                library.rollback_adapter(&request).await?,
            ));
        }
        AdaptersRequest::Delete { ids } => {
            let deleted = library.delete_adapters(&ids).await?;
            let ids = deleted.into_iter().map(|record| record.id).collect();
            say(Event::AdaptersDeleted(ids));
        }
        AdaptersRequest::ToTrain { from } => say(Event::AdapterFolder(
            library.adapter_to_train(from.as_deref()).await?,
        )),
        AdaptersRequest::Lineage { id } => {
            say(Event::Lineage(Box::new(library.lineage(&id).await?)));
        }
    }
    Ok(())
}
