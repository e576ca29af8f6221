//! Makes answers about papers again: counts and lists, comparisons, summaries.
//!
//! No model writes them and no search is kept of them: what they say follows from the papers that
//! they are about. So they are made anew from the library as it is, and what differs is what has
//! changed in it.

use std::time::Instant;

use anyhow::Result;
use generation::Answer;

use super::replay::{PassageChange, Replay, Verdict, changes, differences, not_replayable};
use crate::catalog::Provenance;
use crate::library::Library;
use crate::library::ask::{AskRequest, Talk, Task};

impl Library {
    /// As [`replay_answer`](Self::replay_answer), for an answer about papers.
    ///
    /// # Errors
    /// A problem `answer_not_replayable`; or where a store fails.
    pub(super) async fn replay_about_papers(
        &self,
        then: Answer,
        provenance: Option<Provenance>,
        started: Instant,
    ) -> Result<Replay> {
        let Some(provenance) = provenance else {
            let why = "another version of Lectern stored it, without what was asked";
            return Err(not_replayable(&then, why).into());
        };
        let asked = provenance.asked.clone();
        let request = AskRequest {
            question: then.question.clone(),
            task: asked
                .task
                .as_deref()
                .and_then(Task::named)
                .unwrap_or_default(),
            ..AskRequest::default()
        };
        let talk = Talk::of(
            then.standalone.clone(),
            asked.collection.clone(),
            asked.documents.clone(),
        );
        let Some(again) = self.about_papers(&request, &talk, started).await? else {
            let why = "the papers that it is about can no longer be told from its question";
            return Err(not_replayable(&then, why).into());
        };
        let mut now = again.answer;
        now.id.clone_from(&then.id);
        now.standalone.clone_from(&then.standalone);
        now.conversation.clone_from(&then.conversation);
        let present = self.provenance(asked, None).await?;
        let differences = differences(&then, &now);
        Ok(Replay {
            id: then.id.clone(),
            question: then.question.clone(),
            verdict: match differences.is_empty() {
                true => Verdict::Same,
                false => Verdict::Differs,
            },
            differences,
            changes: changes(&then, &provenance, &now, &present),
            passages: PassageChange::default(),
            evidence: None,
            notes: vec!["made anew from the papers as they are now".to_owned()],
            then,
            now,
        })
    }
}
