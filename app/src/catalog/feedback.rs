//! What people said of answers, with all that training needs of the answer: the prompt, what it was
//! made from, which model wrote it. Imported question-answer pairs are rows of the same table, so
//! that one review decides on both.
//!
//! A row is a copy: it stays when its answer is deleted alone, since it is the work of whoever gave
//! it, and goes with a document whose text it holds. [`store`] is the SQL.

mod store;

use generation::{Message, Origin, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use store::delete_of_document;
pub use store::{FeedbackFilter, ImportedFeedback, StateCounts};

/// Where feedback stands on its way to training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackState {
    /// Waits for a review.
    Pending,
    /// Goes into training.
    Approved,
    /// Does not go into training.
    Rejected,
    /// Taken back by whoever gave it.
    Withdrawn,
}

impl FeedbackState {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Withdrawn,
    ];

    /// Its name in the database, in addresses and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Where feedback comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackSource {
    /// Somebody judged an answer that Lectern gave.
    Answer,
    /// A pair of a dataset that was imported.
    Dataset,
    /// A pair of a ChatGPT export.
    Chatgpt,
}

/// A judgement in one click.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Thumbs {
    /// A good answer.
    Up,
    /// A bad answer.
    Down,
}

/// Why an answer is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// What it says is not so.
    Wrong,
    /// The papers do not say it.
    Unsupported,
    /// Something is missing.
    Incomplete,
    /// The papers do not answer, and it should have said so.
    ShouldHaveRefused,
    /// The papers do answer, and it said that they do not.
    ShouldHaveAnswered,
    /// A citation does not support its sentence.
    BadCitation,
}

impl Reason {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::Wrong,
        Self::Unsupported,
        Self::Incomplete,
        Self::ShouldHaveRefused,
        Self::ShouldHaveAnswered,
        Self::BadCitation,
    ];

    /// Its name in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Unsupported => "unsupported",
            Self::Incomplete => "incomplete",
            Self::ShouldHaveRefused => "should_have_refused",
            Self::ShouldHaveAnswered => "should_have_answered",
            Self::BadCitation => "bad_citation",
        }
    }
}

/// Whether a citation supports what it is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CitationMark {
    /// The citation's key in the answer, from 1.
    pub key: u32,
    /// True where it does.
    pub right: bool,
}

/// What was said of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Opinion {
    /// Good or bad.
    #[schema(required)]
    pub thumbs: Option<Thumbs>,
    /// 1 (bad) to 5 (good), where it was rated so.
    #[schema(required, minimum = 1, maximum = 5)]
    pub rating: Option<u8>,
    /// Why it is bad.
    pub tags: Vec<Reason>,
    /// What it should have said; `[n]` refers to citation n of the answer.
    #[schema(required)]
    pub correction: Option<String>,
    /// Anything else, for the reviewer.
    #[schema(required)]
    pub comment: Option<String>,
    /// Citations that were judged, by key.
    pub citations: Vec<CitationMark>,
}

impl Opinion {
    /// True where it says that the answer is good: thumbs up, 4 or 5.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.thumbs == Some(Thumbs::Up) || self.rating.is_some_and(|rating| rating >= 4)
    }

    /// True where it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A sentence that the answer could be made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackEvidence {
    /// Its document.
    pub document_id: String,
    /// The document's title.
    pub title: String,
    /// The sentence.
    pub text: String,
}

/// A quote of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackCitation {
    /// Its number in the answer.
    pub key: u32,
    /// Its document.
    pub document_id: String,
    /// The document's title.
    pub title: String,
    /// Page, from 1.
    pub page: u32,
    /// Verbatim text of that page.
    pub quote: String,
}

/// How the answer came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct FeedbackContext {
    /// Answered or not; null where it was imported.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// How its words came about; null where it was imported.
    #[schema(required)]
    pub origin: Option<Origin>,
    /// The question as it was searched for, where it was a follow-up.
    #[schema(required)]
    pub standalone: Option<String>,
    /// Which model answered.
    #[schema(required)]
    pub model: Option<String>,
    /// Its adapter.
    #[schema(required)]
    pub adapter: Option<String>,
    /// What the model wrote, before it was held against the papers.
    #[schema(required)]
    pub written: Option<String>,
    /// The chat that is answered: what the model was given, or would have been.
    pub prompt: Vec<Message>,
    /// What could be cited, best first.
    pub evidence: Vec<FeedbackEvidence>,
    /// What was cited.
    pub citations: Vec<FeedbackCitation>,
}

/// What was done to feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackAction {
    /// Somebody gave it.
    Given,
    /// It came in with a file.
    Imported,
    /// Whoever gave it changed it.
    Edited,
    /// A reviewer changed what is learnt.
    Rewritten,
    /// It was approved.
    Approved,
    /// It was rejected.
    Rejected,
    /// It was taken back.
    Withdrawn,
}

impl FeedbackAction {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Imported => "imported",
            Self::Edited => "edited",
            Self::Rewritten => "rewritten",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A step in the life of feedback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackChange {
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub by: String,
    /// What was done.
    pub action: FeedbackAction,
    /// What else there is to say of it.
    #[schema(required)]
    pub note: Option<String>,
}

/// Feedback in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
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
    /// The answer as it was given, with its `[n]`; or as it was imported.
    pub answer: String,
    /// What was said of it.
    pub opinion: Opinion,
    /// What a reviewer says is to be learnt.
    #[schema(required)]
    pub edited: Option<String>,
    /// How the answer came about.
    pub context: FeedbackContext,
    /// When it was given, RFC 3339.
    pub created_at: String,
    /// When it was last changed, RFC 3339.
    pub updated_at: String,
    /// Who did what to it, in order.
    pub history: Vec<FeedbackChange>,
}

impl Feedback {
    /// Where it stands in lists: when it was given, in milliseconds since 1970, and its id.
    #[must_use]
    pub fn key(&self) -> (i64, String) {
        (store::milliseconds(&self.created_at), self.id.clone())
    }

    /// Documents whose text it holds, as far as it knows them itself.
    #[must_use]
    pub fn documents(&self) -> Vec<String> {
        let cited = self.context.citations.iter().map(|one| &one.document_id);
        let read = self.context.evidence.iter().map(|one| &one.document_id);
        let mut documents: Vec<String> = cited.chain(read).cloned().collect();
        documents.sort_unstable();
        documents.dedup();
        documents
    }
}
