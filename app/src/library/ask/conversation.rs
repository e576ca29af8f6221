//! What a question goes on from: the conversation that it belongs to, what was said there, and the
//! question as it can be searched for alone.

use std::sync::Arc;

use anyhow::Result;
use generation::followup::{self, Turn};
use generation::{Answer, Generator};

use super::AskRequest;
use crate::catalog::conversations::title_of;
use crate::error::{Fault, Problem};
use crate::library::conversations::NEW;
use crate::library::search::check_question;
use crate::library::{Library, blocking};

/// Turns that a follow-up may refer to.
const REMEMBERED: usize = 12;

/// Models of fewer weights do not rewrite questions well enough to be asked.
const ABLE: u64 = 1_000_000_000;

/// A question in its conversation.
#[derive(Debug, Clone, Default)]
pub(in crate::library) struct Talk {
    /// The conversation; `None` where none is kept.
    pub(in crate::library) id: Option<String>,
    /// The question as it can be read alone, where it was a follow-up.
    pub(in crate::library) standalone: Option<String>,
    /// Only this collection.
    pub(in crate::library) collection: Option<String>,
    /// Only these documents.
    pub(in crate::library) documents: Vec<String>,
    /// Documents whose words the stand-alone question has: the answer goes with them.
    pub(in crate::library) drawn_from: Vec<String>,
    /// What is to be said of the answer.
    pub(in crate::library) warnings: Vec<String>,
    /// What the conversation is asked of has changed, or it is new.
    scope_changed: bool,
}

impl Talk {
    /// What a question goes on from where all of that is known, outside of any conversation.
    pub(in crate::library) fn of(
        standalone: Option<String>,
        collection: Option<String>,
        documents: Vec<String>,
    ) -> Self {
        Self {
            standalone,
            collection,
            documents,
            ..Self::default()
        }
    }

    /// Notes in an answer what it belongs to and what was searched for.
    pub(in crate::library) fn note(&self, question: &str, answer: &mut Answer) {
        answer.question = question.to_owned();
        answer.standalone.clone_from(&self.standalone);
        answer.conversation.clone_from(&self.id);
        answer.warnings.extend(self.warnings.iter().cloned());
    }
}

impl Library {
    /// Finds out what a question goes on from.
    ///
    /// # Errors
    /// A problem where the question, the conversation or what it is asked of cannot be used.
    pub(in crate::library) async fn talk(&self, request: &AskRequest) -> Result<Talk> {
        check_question(&request.question)?;
        let collection = request.collection.as_ref().filter(|name| !name.is_empty());
        let Some(name) = &request.conversation else {
            let mut talk = Talk {
                collection: collection.cloned(),
                documents: request.documents.clone(),
                ..Talk::default()
            };
            // Only what the person said: whose words an answer has is not known here.
            let said = request
                .history
                .iter()
                .filter(|message| message.role == "user");
            let turns: Vec<Turn> = said
                .map(|message| Turn {
                    question: message.content.clone(),
                    ..Turn::default()
                })
                .collect();
            let turns = with_rewritten(turns);
            talk.standalone = self
                .rewritten(&request.question, turns)
                .await?
                .map(|found| found.question);
            return Ok(talk);
        };
        if name == NEW {
            return Ok(Talk {
                id: Some(uuid::Uuid::now_v7().to_string()),
                documents: self
                    .scope(collection.map(String::as_str), &request.documents)
                    .await?,
                collection: collection.cloned(),
                scope_changed: true,
                ..Talk::default()
            });
        }
        self.going_on(name, request, collection).await
    }

    async fn going_on(
        &self,
        name: &str,
        request: &AskRequest,
        collection: Option<&String>,
    ) -> Result<Talk> {
        let conversation = self.conversation(name).await?;
        let mut talk = Talk {
            id: Some(conversation.id.clone()),
            ..Talk::default()
        };
        let names_scope = request.collection.is_some() || !request.documents.is_empty();
        if names_scope {
            talk.documents = self
                .scope(collection.map(String::as_str), &request.documents)
                .await?;
            talk.collection = collection.cloned();
            talk.scope_changed = talk.collection != conversation.collection
                || talk.documents != conversation.documents;
        } else {
            talk.collection = conversation.collection;
            for id in &conversation.documents {
                if self.catalog.document(id).await?.is_some() {
                    talk.documents.push(id.clone());
                }
            }
            let gone = conversation.documents.len() - talk.documents.len();
            if gone > 0 && talk.documents.is_empty() {
                return Err(Problem::new(
                    Fault::Conflict,
                    "conversation_without_documents",
                    "what this conversation is about was deleted from the library",
                    "begin another conversation, or name a document or a collection with the question",
                )
                .into());
            }
            if gone > 0 {
                talk.warnings.push(format!(
                    "{gone} of the documents that this conversation is about were deleted"
                ));
            }
        }

        let turns = self.catalog.turns(&conversation.id, REMEMBERED).await?;
        let history = turns.iter().map(remembered).collect();
        if let Some(found) = self.rewritten(&request.question, history).await? {
            for index in found.drawn_from {
                let answer = &turns[index].answer_id;
                for document in self.catalog.documents_of_answer(answer).await? {
                    if !talk.drawn_from.contains(&document) {
                        talk.drawn_from.push(document);
                    }
                }
            }
            talk.standalone = Some(found.question);
        }
        Ok(talk)
    }

    /// Makes the conversation that an answer is about to join, or notes what it is asked of now.
    ///
    /// # Errors
    /// Where the catalog cannot be written.
    pub(in crate::library) async fn keep_talk(&self, talk: &Talk, question: &str) -> Result<()> {
        let Some(id) = &talk.id else { return Ok(()) };
        if !talk.scope_changed {
            return Ok(());
        }
        let (collection, documents) = (talk.collection.as_deref(), &talk.documents);
        self.catalog
            .add_conversation(id, &title_of(question), collection, documents)
            .await?;
        self.catalog
            .rescope_conversation(id, collection, documents)
            .await
    }

    async fn rewritten(
        &self,
        question: &str,
        history: Vec<Turn>,
    ) -> Result<Option<followup::Standalone>> {
        if history.is_empty() {
            return Ok(None);
        }
        let question = question.to_owned();
        // A model is loaded for it only where one is that is able.
        let model: Option<Arc<dyn Generator>> = match self.can_rewrite() {
            true => Some(self.generator().await?),
            false => None,
        };
        blocking(move || Ok(followup::rewrite(&question, &history, model.as_deref()))).await
    }

    /// True where the answerer can be trusted to rewrite a question.
    fn can_rewrite(&self) -> bool {
        match self.answerer.parameters() {
            Some(parameters) => parameters >= ABLE,
            // Whoever runs a model server runs a model of some size on it.
            None => true,
        }
    }
}

/// A turn as a follow-up refers to it.
fn remembered(turn: &crate::catalog::Turn) -> Turn {
    let answer = turn.answer.as_ref();
    let mut titles: Vec<String> = Vec::new();
    for citation in answer.iter().flat_map(|answer| &answer.citations) {
        if !titles.contains(&citation.title) {
            titles.push(citation.title.clone());
        }
    }
    Turn {
        question: turn.question.clone(),
        standalone: answer.and_then(|answer| answer.standalone.clone()),
        answer: answer.map(|answer| answer.answer.clone()),
        titles,
    }
}

/// Questions of a conversation that is not kept, each as it can be read alone.
fn with_rewritten(turns: Vec<Turn>) -> Vec<Turn> {
    let mut done: Vec<Turn> = Vec::with_capacity(turns.len());
    let recent = turns.len().saturating_sub(REMEMBERED);
    for turn in turns.into_iter().skip(recent) {
        let standalone = followup::rewrite(&turn.question, &done, None);
        done.push(Turn {
            standalone: standalone.map(|found| found.question),
            ..turn
        });
    }
    done
}
