//! What people say of answers, on its way to training.
//!
//! [`Library::give_feedback`] copies what training needs of the answer beside what was said of it;
//! [`check`] is what may be said. [`review`] decides: only what was approved is exported for training.
//! [`example`] is what is learnt of a piece of feedback: a chat and the answer that it should have
//! had. [`import`] brings in pairs from elsewhere and [`export`] writes examples out, in the forms of
//! [`dataset`] or as [Parquet](columns); [`chatgpt`] reads ChatGPT's own export.

mod chatgpt;
pub(in crate::library) mod check;
mod columns;
pub mod dataset;
mod example;
pub mod export;
pub mod import;
pub mod review;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use anyhow::Result;
use generation::{Answer, Message, Outcome, Trace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Library;
use crate::catalog::feedback::{
    FeedbackAction, FeedbackChange, FeedbackCitation, FeedbackContext, FeedbackEvidence,
    FeedbackFilter, FeedbackSource, Opinion, Reason, Thumbs,
};
use crate::catalog::{Feedback, FeedbackState, Provenance, StoredAnswer};
use crate::error::{Fault, Problem};
use crate::paging::Page;

pub use check::FeedbackEdit;

/// Characters of a token of English, about: as much evidence is put into a prompt that no model was
/// given as the model would have been given.
const CHARACTERS_A_TOKEN: usize = 4;

/// Feedback as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackSummary {
    /// Its id.
    pub id: String,
    /// The answer, deleted or not; null where it was imported.
    #[schema(required)]
    pub answer_id: Option<String>,
    /// Where it comes from.
    pub source: FeedbackSource,
    /// Where it stands.
    pub state: FeedbackState,
    /// The question as asked.
    pub question: String,
    /// Good or bad.
    #[schema(required)]
    pub thumbs: Option<Thumbs>,
    /// 1 (bad) to 5 (good), where it was rated so.
    #[schema(required)]
    pub rating: Option<u8>,
    /// Why it is bad.
    pub tags: Vec<Reason>,
    /// True where there is something to learn from it.
    pub trainable: bool,
    /// When it was given, RFC 3339.
    pub created_at: String,
    /// When it was last changed, RFC 3339.
    pub updated_at: String,
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackList {
    /// Newest first.
    pub feedback: Vec<FeedbackSummary>,
    /// The `cursor` that the next ones are asked for with; `None` where these are the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Feedback in full, with what is learnt from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackDetails {
    /// What is kept of it.
    #[serde(flatten)]
    pub feedback: Feedback,
    /// What the model should have said, with the `[n]` of the answer; null where nobody said.
    #[schema(required)]
    pub completion: Option<String>,
    /// True where there is something to learn from it: a prompt, and what should be said to it.
    pub trainable: bool,
    /// Why datasets leave that out, as it stands; null where they do not.
    #[schema(required)]
    pub left_out: Option<String>,
}

impl From<Feedback> for FeedbackDetails {
    fn from(feedback: Feedback) -> Self {
        Self {
            left_out: feedback.left_out().map(|reason| reason.as_str().to_owned()),
            completion: feedback.completion().map(str::to_owned),
            trainable: feedback.is_trainable(),
            feedback,
        }
    }
}

impl From<&Feedback> for FeedbackSummary {
    fn from(feedback: &Feedback) -> Self {
        Self {
            id: feedback.id.clone(),
            answer_id: feedback.answer_id.clone(),
            source: feedback.source,
            state: feedback.state,
            question: feedback.question.clone(),
            thumbs: feedback.opinion.thumbs,
            rating: feedback.opinion.rating,
            tags: feedback.opinion.tags.clone(),
            trainable: feedback.is_trainable(),
            created_at: feedback.created_at.clone(),
            updated_at: feedback.updated_at.clone(),
        }
    }
}

impl Library {
    /// Keeps what somebody says of an answer, pending review.
    ///
    /// # Errors
    /// A problem `answer_not_found`, `answer_without_trace` where an older version stored it without
    /// what training needs, or one of those of [`check`].
    pub async fn give_feedback(&self, answer: &str, edit: &FeedbackEdit) -> Result<Feedback> {
        let id = uuid::Uuid::now_v7().to_string();
        self.give_feedback_once(id, answer, edit).await
    }

    /// As [`give_feedback`](Self::give_feedback), under an id that was taken for it before. What is
    /// there under that id is what an interrupted request has kept, and is returned.
    ///
    /// # Errors
    /// As [`give_feedback`](Self::give_feedback).
    pub async fn give_feedback_once(
        &self,
        id: String,
        answer: &str,
        edit: &FeedbackEdit,
    ) -> Result<Feedback> {
        if let Some(given) = self.catalog.feedback(&id).await? {
            return Ok(given);
        }
        let stored = self.stored_answer(answer).await?;
        let by = check::name(edit.by.as_deref())?;
        let context = self.context(&stored).await?;
        let answer = stored.answer;
        let now = jiff::Timestamp::now().to_string();
        let mut feedback = Feedback {
            id,
            answer_id: Some(answer.id),
            source: FeedbackSource::Answer,
            state: FeedbackState::Pending,
            question: answer.question,
            answer: answer.answer,
            opinion: Opinion::default(),
            edited: None,
            context,
            created_at: now.clone(),
            updated_at: now.clone(),
            history: vec![FeedbackChange {
                at: now,
                by,
                action: FeedbackAction::Given,
                note: None,
            }],
        };
        check::apply(&mut feedback, edit)?;
        match self.catalog.add_feedback(&feedback).await? {
            true => self.feedback(&feedback.id).await,
            false => Err(Problem::new(
                Fault::NotFound,
                "answer_not_found",
                "the answer was deleted meanwhile",
                "ask again, and judge the new answer",
            )
            .into()),
        }
    }

    /// Feedback, newest first, a page at a time; of one state or on one answer where given.
    ///
    /// # Errors
    /// A problem `limit_invalid`, `cursor_invalid`, or `answer_not_found` where the start of an id
    /// is none of an answer.
    pub async fn feedback_list(
        &self,
        state: Option<FeedbackState>,
        answer: Option<&str>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<FeedbackList> {
        let (found, next_cursor) = self.feedback_page(state, answer, limit, cursor).await?;
        Ok(FeedbackList {
            feedback: found.iter().map(FeedbackSummary::from).collect(),
            next_cursor,
        })
    }

    /// As [`feedback_list`](Self::feedback_list), in full but without histories.
    pub(crate) async fn feedback_page(
        &self,
        state: Option<FeedbackState>,
        answer: Option<&str>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<(Vec<Feedback>, Option<String>)> {
        let page = Page::<(i64, String)>::read("feedback", limit, cursor)?;
        // An answer that was deleted has feedback still, under its whole id.
        let answer = match answer {
            Some(id) if id.len() < 36 => Some(self.stored_answer(id).await?.answer.id),
            whole => whole.map(str::to_owned),
        };
        let filter = FeedbackFilter {
            state,
            answer: answer.as_deref(),
        };
        let after = page.after.as_ref().map(|(time, id)| (*time, id.as_str()));
        let found = self.catalog.feedback_list(filter, page.wanted(), after);
        Ok(page.cut(found.await?, Feedback::key))
    }

    /// Feedback by its id, or by a start of it (8 characters or more) that no other has.
    ///
    /// # Errors
    /// A problem `feedback_not_found` or `feedback_ambiguous`.
    pub async fn feedback(&self, id: &str) -> Result<Feedback> {
        let wanted = id.trim().to_ascii_lowercase();
        let is_start = (8..=36).contains(&wanted.len())
            && wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let ids = match is_start {
            true => self.catalog.feedback_starting(&wanted).await?,
            false => Vec::new(),
        };
        if ids.len() > 1 {
            return Err(Problem::new(
                Fault::Usage,
                "feedback_ambiguous",
                format!("several pieces of feedback have ids that begin with {id:?}"),
                "give more of the id; ids begin with the time, so those of one minute share 8 characters",
            )
            .into());
        }
        let found = match ids.first() {
            Some(id) => self.catalog.feedback(id).await?,
            None => None,
        };
        found.ok_or_else(|| not_found(id).into())
    }

    /// Deletes feedback, and all that it holds of documents. Returns its id.
    ///
    /// # Errors
    /// A problem `feedback_not_found` or `feedback_ambiguous`.
    pub async fn delete_feedback(&self, id: &str) -> Result<String> {
        let found = self.feedback(id).await?;
        match self.catalog.delete_feedback(&found.id).await? {
            true => Ok(found.id),
            false => Err(not_found(id).into()),
        }
    }

    /// What training needs of an answer.
    async fn context(&self, stored: &StoredAnswer) -> Result<FeedbackContext> {
        let (Some(trace), Some(provenance)) = (&stored.trace, &stored.provenance) else {
            return Err(Problem::new(
                Fault::Input,
                "answer_without_trace",
                "an older version stored this answer without what training needs",
                "ask the question again, and judge the new answer",
            )
            .into());
        };
        let answer = &stored.answer;
        let mut titles: HashMap<String, String> = HashMap::new();
        for item in &trace.evidence {
            if let Entry::Vacant(place) = titles.entry(item.document_id.clone()) {
                let document = self.catalog.document(&item.document_id).await?;
                place.insert(document.map(|document| document.title).unwrap_or_default());
            }
        }
        let evidence = trace.evidence.iter().map(|item| FeedbackEvidence {
            document_id: item.document_id.clone(),
            title: titles.get(&item.document_id).cloned().unwrap_or_default(),
            text: item.text.clone(),
        });
        let citations = answer.citations.iter().map(|cited| FeedbackCitation {
            key: cited.key,
            document_id: cited.document_id.clone(),
            title: cited.title.clone(),
            page: cited.page,
            quote: cited.quote.clone(),
        });
        Ok(FeedbackContext {
            outcome: Some(answer.outcome),
            origin: Some(answer.origin),
            standalone: answer.standalone.clone(),
            model: Some(answer.model.id.clone()),
            adapter: answer.model.adapter.clone(),
            written: trace.completion.clone(),
            prompt: match trace.prompt.is_empty() {
                false => trace.prompt.clone(),
                true => self.prompt_of(answer, trace, provenance).await?,
            },
            evidence: evidence.collect(),
            citations: citations.collect(),
        })
    }

    /// The prompt that a model would have been given, where none was asked: for quotes, and where the
    /// evidence was found too weak. None where nothing was found.
    async fn prompt_of(
        &self,
        answer: &Answer,
        trace: &Trace,
        provenance: &Provenance,
    ) -> Result<Vec<Message>> {
        if trace.evidence.is_empty() || !answer.parts.is_empty() {
            return Ok(Vec::new());
        }
        let (passages, _) = self.passages_of_then(&provenance.passages).await?;
        let mut left = self.settings.answer_evidence_tokens * CHARACTERS_A_TOKEN;
        let mut given = Vec::new();
        for item in &trace.evidence {
            let place = passages
                .iter()
                .position(|passage| passage.chunk_id == item.chunk_id)
                .filter(|at| passages[*at].text.get(item.start..item.end) == Some(&item.text));
            // The best is given, however long it is.
            if item.text.len() > left && !given.is_empty() {
                break;
            }
            left = left.saturating_sub(item.text.len());
            if let Some(passage) = place {
                given.push(generation::evidence::Evidence {
                    passage,
                    range: item.start..item.end,
                    ..item.chosen.clone()
                });
            }
        }
        if given.is_empty() {
            return Ok(Vec::new());
        }
        let question = answer.standalone.as_ref().unwrap_or(&answer.question);
        Ok(generation::prompt::messages(question, &passages, &given))
    }
}

/// True where an answer said that the papers do not answer.
fn is_refusal(context: &FeedbackContext) -> bool {
    context.outcome == Some(Outcome::InsufficientEvidence)
}

fn not_found(id: &str) -> Problem {
    let shown: String = id.chars().take(60).collect();
    Problem::new(
        Fault::NotFound,
        "feedback_not_found",
        format!("there is no feedback {shown:?}"),
        "`lectern feedback list` shows the ids; feedback goes when a document goes whose text it holds",
    )
}
