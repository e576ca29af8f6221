//! Carries out what is asked of blind comparisons.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Event;
use super::run::Events;
use crate::library::Library;
use crate::library::adapters::compare::{CompareRequest, VoteRequest};

/// Something to do with comparisons. Ids may be starts of ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ComparisonsRequest {
    /// List them, newest first.
    List,
    /// Show one.
    Show {
        /// Its id.
        id: String,
    },
    /// Ask two models.
    Start(CompareRequest),
    /// Vote on a pair.
    Vote {
        /// The comparison's id.
        id: String,
        /// The vote.
        request: VoteRequest,
    },
    /// Delete one.
    Delete {
        /// Its id.
        id: String,
    },
}

pub(super) async fn run(
    library: &Library,
    request: ComparisonsRequest,
    events: &Events,
) -> Result<()> {
    let found = match request {
        ComparisonsRequest::List => library.comparisons().await?,
        ComparisonsRequest::Show { id } => vec![library.comparison(&id).await?],
        ComparisonsRequest::Start(request) => vec![library.compare_adapters(&request).await?],
        ComparisonsRequest::Vote { id, request } => vec![library.vote(&id, &request).await?],
        ComparisonsRequest::Delete { id } => {
            let found = library.comparison(&id).await?;
            library.delete_comparison(&id).await?;
            vec![found]
        }
    };
    let _ = events.send(Event::Comparisons(found));
    Ok(())
}
