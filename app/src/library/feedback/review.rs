//! Who decides what is learnt: feedback is changed, approved, rejected, taken back, and each step is
//! written down with who did it and when.
//!
//! What a person changes in approved feedback sends it back to the queue: nobody has agreed to what it
//! says now. What a reviewer rewrites is agreed to by the reviewer.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FeedbackEdit, check, not_found};
use crate::catalog::feedback::{FeedbackAction, FeedbackChange};
use crate::catalog::{Feedback, FeedbackState};
use crate::error::{Fault, Problem};
use crate::library::Library;

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It goes into training.
    Approve,
    /// It does not.
    Reject,
}

/// A review, or taking feedback back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Review {
    /// What is to be learnt, where that is something else than was proposed.
    pub edited: Option<String>,
    /// Why, for whoever looks at the history.
    pub note: Option<String>,
    /// Who says so; `api` where not given.
    pub by: Option<String>,
}

impl Library {
    /// Changes what was said of an answer, or the text that is learnt.
    ///
    /// # Errors
    /// A problem `feedback_not_found`, `feedback_withdrawn`, `feedback_empty`, or one that says what
    /// cannot be said.
    pub async fn edit_feedback(&self, id: &str, edit: &FeedbackEdit) -> Result<Feedback> {
        let by = check::name(edit.by.as_deref())?;
        if edit.is_empty() {
            return Err(Problem::new(
                Fault::Usage,
                "feedback_empty",
                "the request changes nothing",
                "give what is to be changed, such as a correction",
            )
            .into());
        }
        self.change(id, |feedback| {
            refuse_withdrawn(feedback)?;
            let before = feedback.clone();
            check::apply(feedback, edit)?;
            let mut steps = Vec::new();
            if edit.is_of_giver() && before.opinion != feedback.opinion {
                let reopened = matches!(
                    feedback.state,
                    FeedbackState::Approved | FeedbackState::Rejected
                );
                steps.push((
                    FeedbackAction::Edited,
                    reopened.then(|| "to be reviewed again".to_owned()),
                ));
                if reopened {
                    feedback.state = FeedbackState::Pending;
                }
            }
            if before.edited != feedback.edited {
                steps.push((FeedbackAction::Rewritten, None));
            }
            Ok(written_down(&by, steps))
        })
        .await
    }

    /// Approves or rejects feedback.
    ///
    /// # Errors
    /// A problem `feedback_not_found`, `feedback_withdrawn`, or `feedback_not_trainable` where what is
    /// to be approved holds nothing to learn.
    pub async fn review_feedback(
        &self,
        id: &str,
        verdict: Verdict,
        review: &Review,
    ) -> Result<Feedback> {
        let by = check::name(review.by.as_deref())?;
        let note = check::note(review.note.as_deref())?;
        let edit = FeedbackEdit {
            edited: review.edited.clone().map(Some),
            ..FeedbackEdit::default()
        };
        self.change(id, |feedback| {
            refuse_withdrawn(feedback)?;
            let before = (feedback.state, feedback.edited.clone());
            check::apply(feedback, &edit)?;
            let mut steps = Vec::new();
            if before.1 != feedback.edited {
                steps.push((FeedbackAction::Rewritten, None));
            }
            let (state, action) = match verdict {
                Verdict::Approve => (FeedbackState::Approved, FeedbackAction::Approved),
                Verdict::Reject => (FeedbackState::Rejected, FeedbackAction::Rejected),
            };
            if state == FeedbackState::Approved && !feedback.is_trainable() {
                return Err(nothing_to_learn(feedback).into());
            }
            feedback.state = state;
            if before.0 != state || !steps.is_empty() {
                steps.push((action, note));
            }
            Ok(written_down(&by, steps))
        })
        .await
    }

    /// Takes feedback back: it is kept, and never learnt.
    ///
    /// # Errors
    /// A problem `feedback_not_found`.
    pub async fn withdraw_feedback(&self, id: &str, review: &Review) -> Result<Feedback> {
        let by = check::name(review.by.as_deref())?;
        let note = check::note(review.note.as_deref())?;
        self.change(id, |feedback| {
            let is_new = feedback.state != FeedbackState::Withdrawn;
            feedback.state = FeedbackState::Withdrawn;
            let steps = is_new.then_some((FeedbackAction::Withdrawn, note));
            Ok(written_down(&by, steps))
        })
        .await
    }

    async fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Feedback) -> Result<Vec<FeedbackChange>>,
    ) -> Result<Feedback> {
        let found = self.feedback(id).await?;
        let changed = self.catalog.change_feedback(&found.id, change).await?;
        changed.ok_or_else(|| not_found(id).into())
    }
}

fn written_down(
    by: &str,
    steps: impl IntoIterator<Item = (FeedbackAction, Option<String>)>,
) -> Vec<FeedbackChange> {
    let at = jiff::Timestamp::now().to_string();
    steps
        .into_iter()
        .map(|(action, note)| FeedbackChange {
            at: at.clone(),
            by: by.to_owned(),
            action,
            note,
        })
        .collect()
}

fn refuse_withdrawn(feedback: &Feedback) -> Result<(), Problem> {
    if feedback.state != FeedbackState::Withdrawn {
        return Ok(());
    }
    Err(Problem::new(
        Fault::Conflict,
        "feedback_withdrawn",
        "this feedback was taken back",
        "give new feedback on the answer",
    ))
}

fn nothing_to_learn(feedback: &Feedback) -> Problem {
    let (why, hint) = match feedback.context.prompt.is_empty() {
        true => (
            "no model was asked for this answer and nothing was found that one could be asked with",
            "reject it, or leave it pending",
        ),
        false => (
            "nobody said what the answer should have been",
            "approve it with an edited text, or reject it",
        ),
    };
    Problem::new(
        Fault::Input,
        "feedback_not_trainable",
        format!("there is nothing to learn from this feedback: {why}"),
        hint,
    )
}
