//! Feedback as plain data: what can be said of an answer where it stands, and the review queue.

use askama::Template;
use finetune::data::check::Reason as LeftOut;
use generation::{Answer, Outcome};

use crate::catalog::feedback::{FeedbackSource, Reason, StateCounts, Thumbs};
use crate::catalog::{Feedback, FeedbackState};

/// What can be said of an answer, and what was.
#[derive(Debug, Clone, Default)]
pub struct FeedbackForm {
    /// The answer's id.
    pub answer_id: String,
    /// Id of what was said; empty where nothing was.
    pub id: String,
    /// Thumbs up, or 4 or 5.
    pub is_good: bool,
    /// Thumbs down, or 1 or 2.
    pub is_bad: bool,
    /// Reasons that are offered.
    pub reasons: Vec<ReasonChoice>,
    /// What it should have said.
    pub correction: String,
    /// Anything else.
    pub comment: String,
    /// Where it stands.
    pub state: &'static str,
}

/// A reason that can be ticked.
#[derive(Debug, Clone, Default)]
pub struct ReasonChoice {
    /// Its name in the API.
    pub name: &'static str,
    /// What is shown.
    pub label: &'static str,
    /// Whether it is given.
    pub is_chosen: bool,
}

impl FeedbackForm {
    /// The form of an answer, filled in with what was said of it.
    #[must_use]
    pub fn of(answer: &Answer, given: Option<&Feedback>) -> Self {
        let refused = answer.outcome == Outcome::InsufficientEvidence;
        let opinion = given.map(|given| given.opinion.clone()).unwrap_or_default();
        let reasons = Reason::ALL
            .into_iter()
            .filter(|reason| match reason {
                Reason::ShouldHaveAnswered => refused,
                Reason::BadCitation => !answer.citations.is_empty() && !refused,
                _ => !refused,
            })
            .map(|reason| ReasonChoice {
                name: reason.as_str(),
                label: label(reason),
                is_chosen: opinion.tags.contains(&reason),
            });
        Self {
            answer_id: answer.id.clone(),
            id: given.map(|given| given.id.clone()).unwrap_or_default(),
            is_good: opinion.is_good(),
            is_bad: opinion.thumbs == Some(Thumbs::Down)
                || opinion.rating.is_some_and(|rating| rating <= 2),
            reasons: reasons.collect(),
            correction: opinion.correction.unwrap_or_default(),
            comment: opinion.comment.unwrap_or_default(),
            state: given.map_or("", |given| standing(given.state)),
        }
    }
}

fn label(reason: Reason) -> &'static str {
    match reason {
        Reason::Wrong => "It is wrong",
        Reason::Unsupported => "The papers don’t say it",
        Reason::Incomplete => "Something is missing",
        Reason::ShouldHaveRefused => "It should have said that the papers don’t answer",
        Reason::ShouldHaveAnswered => "The papers do answer",
        Reason::BadCitation => "A source doesn’t support it",
    }
}

fn standing(state: FeedbackState) -> &'static str {
    match state {
        FeedbackState::Pending => "Waiting for a review",
        FeedbackState::Approved => "Approved for training",
        FeedbackState::Rejected => "Not used for training",
        FeedbackState::Withdrawn => "Taken back",
    }
}

/// `/feedback`: the review queue.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "feedback.html")]
pub struct FeedbackPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// The states, with how much there is in each.
    pub tabs: Vec<FeedbackTab>,
    /// The state that is shown.
    pub state: &'static str,
    /// What stands so, newest first.
    pub cards: Vec<FeedbackCard>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A state that can be looked at.
#[derive(Debug, Clone, Default)]
pub struct FeedbackTab {
    /// Its name in addresses.
    pub name: &'static str,
    /// What is shown.
    pub label: &'static str,
    /// How much stands so.
    pub count: u64,
    /// Whether it is the one that is shown.
    pub is_current: bool,
}

/// A piece of feedback to be decided on.
#[derive(Debug, Clone, Default)]
pub struct FeedbackCard {
    /// Its id.
    pub id: String,
    /// The question as asked.
    pub question: String,
    /// Where it comes from.
    pub from: String,
    /// When it was given, RFC 3339.
    pub created_at: String,
    /// Good, bad, a rating; empty where nothing was said.
    pub judgement: String,
    /// Whether that is bad.
    pub is_bad: bool,
    /// Why it is bad.
    pub reasons: Vec<&'static str>,
    /// The answer as it was given.
    pub answer: String,
    /// What it should have said.
    pub correction: Option<String>,
    /// Anything else.
    pub comment: Option<String>,
    /// What would be learnt; empty where nobody said.
    pub learnt: String,
    /// Why datasets leave that out, where they do.
    pub left_out: Option<&'static str>,
    /// Whether there is a prompt to learn it for.
    pub has_prompt: bool,
    /// The prompt: who says what.
    pub prompt: Vec<(String, String)>,
    /// What is learnt where the papers do not answer.
    pub refusal: &'static str,
    /// The quotes.
    pub citations: Vec<JudgedCitation>,
    /// Titles and sentences that the answer could be made from.
    pub evidence: Vec<(String, String)>,
    /// What was done to it.
    pub history: Vec<String>,
    /// Whether it can be approved.
    pub can_approve: bool,
    /// Whether it can be rejected.
    pub can_reject: bool,
}

/// A quote, and whether it supports what it was given for.
#[derive(Debug, Clone, Default)]
pub struct JudgedCitation {
    /// Its number.
    pub key: u32,
    /// Title of the paper.
    pub title: String,
    /// Page, from 1.
    pub page: u32,
    /// The quote.
    pub quote: String,
    /// The document's id.
    pub document_id: String,
    /// What was said of it.
    pub mark: Option<&'static str>,
}

impl FeedbackPage {
    /// The queue of a state.
    #[must_use]
    pub fn of(
        csrf_token: &str,
        state: FeedbackState,
        counts: &StateCounts,
        found: &[Feedback],
        next: Option<String>,
    ) -> Self {
        let tab = |shown: FeedbackState| FeedbackTab {
            name: shown.as_str(),
            label: match shown {
                FeedbackState::Pending => "To review",
                FeedbackState::Approved => "Approved",
                FeedbackState::Rejected => "Rejected",
                FeedbackState::Withdrawn => "Taken back",
            },
            count: counts.get(&shown).copied().unwrap_or_default(),
            is_current: shown == state,
        };
        Self {
            csrf_token: csrf_token.to_owned(),
            tabs: FeedbackState::ALL.map(tab).to_vec(),
            state: state.as_str(),
            cards: found.iter().map(FeedbackCard::of).collect(),
            next,
        }
    }
}

impl FeedbackCard {
    /// A piece of feedback, with its history.
    #[must_use]
    pub fn of(feedback: &Feedback) -> Self {
        let opinion = &feedback.opinion;
        let judgement = match (opinion.thumbs, opinion.rating) {
            (Some(Thumbs::Up), _) => "Good answer".to_owned(),
            (Some(Thumbs::Down), _) => "Bad answer".to_owned(),
            (None, Some(rating)) => format!("Rated {rating} of 5"),
            (None, None) => String::new(),
        };
        let citations = feedback.context.citations.iter().map(|cited| {
            let mark = opinion.citations.iter().find(|mark| mark.key == cited.key);
            JudgedCitation {
                key: cited.key,
                title: cited.title.clone(),
                page: cited.page,
                quote: cited.quote.clone(),
                document_id: cited.document_id.clone(),
                mark: mark.map(|mark| match mark.right {
                    true => "supports it",
                    false => "doesn’t support it",
                }),
            }
        });
        let evidence = feedback.context.evidence.iter();
        let can_review = feedback.state != FeedbackState::Withdrawn;
        Self {
            id: feedback.id.clone(),
            question: feedback.question.clone(),
            from: from(feedback),
            created_at: feedback.created_at.clone(),
            is_bad: !opinion.is_good(),
            judgement,
            reasons: opinion.tags.iter().copied().map(label).collect(),
            answer: feedback.answer.clone(),
            correction: opinion.correction.clone(),
            comment: opinion.comment.clone(),
            learnt: feedback.completion().unwrap_or_default().to_owned(),
            left_out: feedback.left_out().map(LeftOut::as_str),
            has_prompt: !feedback.context.prompt.is_empty(),
            prompt: feedback
                .context
                .prompt
                .iter()
                .map(|one| (one.role.clone(), one.content.clone()))
                .collect(),
            refusal: generation::prompt::NO_ANSWER,
            citations: citations.collect(),
            evidence: evidence
                .map(|one| (one.title.clone(), one.text.clone()))
                .collect(),
            history: feedback.history.iter().map(step).collect(),
            can_approve: can_review,
            can_reject: can_review && feedback.state != FeedbackState::Rejected,
        }
    }
}

fn from(feedback: &Feedback) -> String {
    let context = &feedback.context;
    match feedback.source {
        FeedbackSource::Dataset => "Imported".to_owned(),
        FeedbackSource::Chatgpt => "Imported from ChatGPT".to_owned(),
        FeedbackSource::Answer => match (&context.model, &context.adapter) {
            (Some(model), Some(adapter)) => format!("An answer of {model} with {adapter}"),
            (Some(model), None) if model != generation::answer::EXTRACTIVE => {
                format!("An answer of {model}")
            }
            _ => "An answer made of quotes".to_owned(),
        },
    }
}

fn step(change: &crate::catalog::feedback::FeedbackChange) -> String {
    let day = change.at.get(..16).unwrap_or(&change.at).replace('T', " ");
    let note = change.note.as_ref().map(|note| format!(": {note}"));
    format!(
        "{day} {} by {}{}",
        change.action.as_str(),
        change.by,
        note.unwrap_or_default()
    )
}
