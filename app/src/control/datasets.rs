//! Carries out what is asked of datasets.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Event;
use super::run::Events;
use crate::library::Library;
use crate::library::datasets::prepare::PrepareRequest;

/// Something to do with datasets for training.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum DatasetsRequest {
    /// Make one.
    Prepare(PrepareRequest),
    /// Have the search find passages for questions of the library, to train a reranker on.
    RerankerLists {
        /// Questions.
        count: usize,
        /// Decides which.
        seed: u64,
    },
    /// List them, newest first.
    List,
    /// Show one.
    Show {
        /// Its name.
        name: String,
    },
    /// Delete some.
    Delete {
        /// Their names.
        names: Vec<String>,
    },
}

pub(super) async fn run(
    library: &Library,
    request: DatasetsRequest,
    events: &Events,
) -> Result<()> {
    let say = |event| {
        let _ = events.send(event);
    };
    match request {
        DatasetsRequest::Prepare(request) => {
            let progress = events.clone();
            let on_progress = move |done, total| {
                let _ = progress.send(Event::Preparing { done, total });
            };
            let record = library.prepare_dataset(&request, on_progress).await?;
            say(Event::Datasets(vec![record]));
        }
        DatasetsRequest::RerankerLists { count, seed } => {
            let sender = events.clone();
            let on_list = move |list, done, total| {
                let list = Box::new(list);
                let event = Event::RerankerList { list, done, total };
                sender.send(event).is_ok()
            };
            let documents = library.reranker_lists(count, seed, on_list).await?;
            say(Event::RerankerDocuments(documents.into_iter().collect()));
        }
        DatasetsRequest::List => say(Event::Datasets(library.datasets().await?)),
        DatasetsRequest::Show { name } => {
            say(Event::Datasets(vec![library.dataset(&name).await?]));
        }
        DatasetsRequest::Delete { names } => {
            // All have to be there before one goes.
            for name in &names {
                library.dataset(name).await?;
            }
            let mut deleted = Vec::new();
            for name in &names {
                deleted.push(library.delete_dataset(name).await?);
            }
            say(Event::DatasetsDeleted(deleted));
        }
    }
    Ok(())
}
