//! What can be done with answers that were given.

use anyhow::Result;
use generation::Answer;

use super::run::Events;
use super::{AnswersRequest, Event, ExportFormat};
use crate::error::{Fault, Problem};
use crate::library::Library;
use crate::library::answers::export::markdown;

/// Answers of a conversation that are written out at most.
const LONGEST_CONVERSATION: usize = 10_000;

pub(super) async fn run(library: &Library, request: AnswersRequest, events: &Events) -> Result<()> {
    let say = |event| {
        let _ = events.send(event);
    };
    match request {
        AnswersRequest::List { limit, cursor } => say(Event::AnswerList(
            library.answers(limit, cursor.as_deref()).await?,
        )),
        AnswersRequest::Show { id } => say(Event::StoredAnswer(Box::new(
            library.stored_answer(&id).await?,
        ))),
        AnswersRequest::Replay { id } => {
            say(Event::Replayed(Box::new(library.replay_answer(&id).await?)));
        }
        AnswersRequest::Delete { ids } => {
            // All are looked up before one is deleted: a typing error deletes nothing.
            let mut found = Vec::new();
            for id in &ids {
                found.push(library.stored_answer(id).await?.answer.id);
            }
            found.dedup();
            for id in &found {
                library.delete_answer(id).await?;
            }
            say(Event::AnswersDeleted(found));
        }
        AnswersRequest::Export {
            ids,
            conversation,
            format,
        } => {
            let answers = chosen(library, &ids, conversation.as_deref()).await?;
            match format {
                ExportFormat::Markdown => say(Event::Exported(markdown(&answers))),
                ExportFormat::Bibtex | ExportFormat::CslJson => {
                    let sources = sources(&answers);
                    if sources.is_empty() {
                        return Err(Problem::new(
                            Fault::NotFound,
                            "no_sources",
                            "these answers cite no document",
                            "export them with --format markdown",
                        )
                        .into());
                    }
                    super::export::run(library, &sources, None, format, &|part| {
                        events.send(Event::Exported(part)).is_ok()
                    })
                    .await?;
                }
            }
            say(Event::ExportDone);
        }
    }
    Ok(())
}

/// The answers that are meant, those of a conversation oldest first.
async fn chosen(
    library: &Library,
    ids: &[String],
    conversation: Option<&str>,
) -> Result<Vec<Answer>> {
    if let Some(conversation) = conversation.filter(|_| ids.is_empty()) {
        let mut found = library
            .catalog
            .answers(LONGEST_CONVERSATION, None, Some(conversation))
            .await?;
        if found.is_empty() {
            return Err(Problem::new(
                Fault::NotFound,
                "conversation_empty",
                format!("no answer belongs to the conversation {conversation:?}"),
                "`lectern answers list --json` shows the conversation of each answer",
            )
            .into());
        }
        found.reverse();
        return Ok(found.into_iter().map(|stored| stored.answer).collect());
    }
    let mut answers = Vec::new();
    for id in ids {
        answers.push(library.stored_answer(id).await?.answer);
    }
    Ok(answers)
}

/// The documents that answers cite, in the order of their first use.
fn sources(answers: &[Answer]) -> Vec<String> {
    let mut sources: Vec<String> = Vec::new();
    for citation in answers.iter().flat_map(|answer| &answer.citations) {
        if !sources.contains(&citation.document_id) {
            sources.push(citation.document_id.clone());
        }
    }
    sources
}
