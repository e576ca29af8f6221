//! How a question is answered: find passages, let `generation` answer from them, store the answer.

mod about;
mod backend;
pub mod calibration;
mod catalog;
mod compare;
mod conversation;
mod request;
mod summary;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Result;
use generation::answer::{self, Event};
use generation::evidence::{Limits, Sources};
use generation::{Answer, Answered, Citation, IndexInfo};
use retrieval::{Mode, Passage};
use serde::{Deserialize, Serialize};

use super::search::SearchRequest;
use super::{Library, blocking};

pub(in crate::library) use conversation::Talk;
pub use request::{AskRequest, Task};

/// Passages that are looked through for evidence. The page that answers is among the first 20 more
/// often than among the first 8, and a sentence is chosen by more than its passage's rank.
pub(super) const READ: usize = 20;

/// How much a passage loses by repeating another: enough to drop the second copy of a paragraph,
/// too little to bring in what is off the point.
pub(super) const DIVERSITY: f32 = 0.1;

/// What happens before the answer is there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskEvent {
    /// The quotes that the model is given.
    Evidence(Vec<Citation>),
    /// A piece of the draft.
    Token(String),
}

impl Library {
    /// Answers a question. `on_event` returns false to stop the model; an answer that was stopped is
    /// not kept.
    ///
    /// # Errors
    /// A problem that says what is wrong with the question, or where a model or store fails.
    pub async fn ask(
        &self,
        request: &AskRequest,
        on_event: impl FnMut(AskEvent) -> bool + Send + 'static,
    ) -> Result<Answer> {
        Ok(self.ask_traced(request, on_event).await?.answer)
    }

    /// As [`ask`](Self::ask), with how the answer came about.
    ///
    /// # Errors
    /// As there.
    pub async fn ask_traced(
        &self,
        request: &AskRequest,
        mut on_event: impl FnMut(AskEvent) -> bool + Send + 'static,
    ) -> Result<Answered> {
        let started = Instant::now();
        let talk = self.talk(request).await?;
        if let Some(answered) = self.about_papers(request, &talk, started).await? {
            return self.keep_about_papers(request, &talk, answered).await;
        }
        let question = talk.standalone.as_ref().unwrap_or(&request.question);
        let found = self
            .search(&SearchRequest {
                query: question.clone(),
                mode: Mode::Hybrid,
                top_k: Some(request.top_k.unwrap_or(READ)),
                collection: talk.collection.clone(),
                documents: talk.documents.clone(),
                diversify: Some(DIVERSITY),
                is_question: true,
                ..SearchRequest::default()
            })
            .await?;
        let embedder = self.embedder().await?;
        let indexes = self.indexes().await?;
        let mut warnings = found.warnings;
        let generator = if request.extractive || found.passages.is_empty() {
            None
        } else {
            self.writer(&mut warnings).await?
        };
        let writer = generator.clone();
        let answer_request = answer::Request {
            id: uuid::Uuid::now_v7().to_string(),
            question: question.clone(),
            extractive: request.extractive,
            sampling: request.sampling(self.settings.answer_max_tokens),
            limits: Limits::default(),
            prompt_tokens: self.settings.answer_evidence_tokens,
            calibration: self.calibration()?,
            precision: self.settings.answer_precision,
            index: IndexInfo {
                embedder: embedder.space().id.clone(),
                revision: indexes.watermark(),
            },
            retrieve_ms: Some(found.took_ms),
            rerank_ms: None,
            started,
        };
        let falls_back = self.settings.llm_falls_back;
        let passages: Vec<Passage> = found
            .passages
            .into_iter()
            .map(|found| found.passage)
            .collect();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = stopped.clone();
        let (mut answered, passages, warnings) = blocking(move || {
            let mut forward = |event: Event<'_>| {
                let goes_on = on_event(match event {
                    Event::Evidence(citations) => AskEvent::Evidence(citations.to_vec()),
                    Event::Token(text) => AskEvent::Token(text.to_owned()),
                });
                stop.fetch_or(!goes_on, Ordering::Relaxed);
                goes_on
            };
            let (tokens, lexical) = (indexes.tokens(), indexes.lexical());
            let sources = Sources {
                passages: &passages,
                embedder: embedder.as_ref(),
                centre: tokens.centre().unwrap_or_default(),
                rarity: &|words| lexical.idf(words),
            };
            let answered = backend::answer(
                &answer_request,
                &sources,
                generator.as_deref(),
                falls_back,
                &mut warnings,
                &mut forward,
            )?;
            Ok((answered, passages, warnings))
        })
        .await?;
        answered.answer.warnings = warnings;
        talk.note(&request.question, &mut answered.answer);
        // What was stopped half-way, or asked to measure something, is not kept.
        if stopped.load(Ordering::Relaxed) || request.unkept {
            return Ok(answered);
        }
        self.keep_talk(&talk, &request.question).await?;
        self.keep_answer(request, &talk, &mut answered, &passages, writer.as_deref())
            .await?;
        Ok(answered)
    }

    /// Stores an answer about papers with all that it names, so that it goes when one of them goes.
    async fn keep_about_papers(
        &self,
        request: &AskRequest,
        talk: &Talk,
        mut answered: Answered,
    ) -> Result<Answered> {
        talk.note(&request.question, &mut answered.answer);
        if !request.unkept {
            self.keep_talk(talk, &request.question).await?;
            self.keep_answer(request, talk, &mut answered, &[], None)
                .await?;
        }
        Ok(answered)
    }
}
