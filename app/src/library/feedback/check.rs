//! What may be said of an answer.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::catalog::Feedback;
use crate::catalog::feedback::{CitationMark, FeedbackSource, Reason, Thumbs};
use crate::error::{Fault, Problem};
use finetune::data::markers;

/// Longest correction, in characters.
const LONGEST_TEXT: usize = 20_000;
/// Longest comment, in characters.
const LONGEST_COMMENT: usize = 4_000;
/// Longest name of a person or program, in characters.
const LONGEST_NAME: usize = 100;
/// Who did it, where nobody says.
const NOBODY: &str = "api";

/// What is said of an answer, or changed in what was said. What is left out stays as it is; null
/// takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeedbackEdit {
    /// Good or bad.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Thumbs>)]
    pub thumbs: Option<Option<Thumbs>>,
    /// 1 (bad) to 5 (good), in place of thumbs.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 5)]
    pub rating: Option<Option<u8>>,
    /// Why it is bad; all of the reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Reason>>,
    /// What it should have said; `[n]` refers to citation n of the answer.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub correction: Option<Option<String>>,
    /// Anything else, for the reviewer.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub comment: Option<Option<String>>,
    /// Citations that were judged; all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations: Option<Vec<CitationMark>>,
    /// A reviewer's: what is to be learnt, in place of all other text.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub edited: Option<Option<String>>,
    /// Who says so; `api` where not given.
    pub by: Option<String>,
}

/// Tells null from a field that is not there.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl FeedbackEdit {
    /// True where it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        Self {
            by: None,
            ..self.clone()
        } == Self::default()
    }

    /// True where it changes what whoever gave the feedback said, rather than the reviewer's text.
    pub(super) fn is_of_giver(&self) -> bool {
        !Self {
            edited: None,
            ..self.clone()
        }
        .is_empty()
    }
}

/// Who does something: one line of at most 100 characters.
///
/// # Errors
/// A problem `name_invalid`.
pub(in crate::library) fn name(by: Option<&str>) -> Result<String, Problem> {
    let Some(by) = by else {
        return Ok(NOBODY.to_owned());
    };
    let by = by.trim();
    if by.is_empty() || by.chars().count() > LONGEST_NAME || by.chars().any(char::is_control) {
        return Err(Problem::new(
            Fault::Usage,
            "name_invalid",
            "the name of who does this is empty, too long, or cannot be shown",
            format!("give 1 to {LONGEST_NAME} characters, or leave it out"),
        ));
    }
    Ok(by.to_owned())
}

/// Why something is done, if anybody says.
///
/// # Errors
/// A problem `correction_empty` or `text_too_long`.
pub(in crate::library) fn note(note: Option<&str>) -> Result<Option<String>, Problem> {
    text("note", note, LONGEST_COMMENT)
}

/// Applies a change, where the outcome is something that can be said of this answer.
///
/// # Errors
/// A problem that says what cannot: `rating_invalid`, `citation_unknown`, `correction_empty`,
/// `text_too_long`, `feedback_contradictory` or `feedback_empty`.
pub(super) fn apply(feedback: &mut Feedback, edit: &FeedbackEdit) -> Result<(), Problem> {
    let opinion = &mut feedback.opinion;
    let thumbs = edit.thumbs.flatten();
    let rating = edit.rating.flatten();
    if thumbs.is_some() && rating.is_some() {
        return Err(contradictory("thumbs and a rating were both given"));
    }
    if let Some(thumbs) = edit.thumbs {
        opinion.thumbs = thumbs;
    }
    if let Some(rating) = edit.rating {
        opinion.rating = rating;
    }
    // One judgement takes the place of the other.
    if thumbs.is_some() {
        opinion.rating = None;
    }
    if rating.is_some() {
        opinion.thumbs = None;
    }
    if let Some(tags) = &edit.tags {
        opinion.tags = tags
            .iter()
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
    }
    if let Some(correction) = &edit.correction {
        opinion.correction = text("correction", correction.as_deref(), LONGEST_TEXT)?;
    }
    if let Some(comment) = &edit.comment {
        opinion.comment = text("comment", comment.as_deref(), LONGEST_COMMENT)?;
    }
    if let Some(citations) = &edit.citations {
        opinion.citations.clone_from(citations);
        opinion.citations.sort_by_key(|mark| mark.key);
    }
    if let Some(edited) = &edit.edited {
        feedback.edited = text("edited text", edited.as_deref(), LONGEST_TEXT)?;
    }
    check(feedback)
}

fn text(what: &str, text: Option<&str>, longest: usize) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::new(
            Fault::Input,
            "correction_empty",
            format!("the {what} is empty"),
            "write what the answer should say, or leave it out; null takes away what was there",
        ));
    }
    let length = text.chars().count();
    if length > longest {
        return Err(Problem::new(
            Fault::Input,
            "text_too_long",
            format!("the {what} is {length} characters long"),
            format!("write at most {longest} characters"),
        ));
    }
    // Characters that would move a terminal's cursor are no part of an answer.
    let clean = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    Ok(Some(text.chars().filter(clean).collect()))
}

fn check(feedback: &Feedback) -> Result<(), Problem> {
    let opinion = &feedback.opinion;
    if let Some(rating) = opinion.rating.filter(|rating| !(1..=5).contains(rating)) {
        return Err(Problem::new(
            Fault::Input,
            "rating_invalid",
            format!("a rating of {rating} is out of range"),
            "rate from 1 (bad) to 5 (good)",
        ));
    }
    let keys: Vec<u32> = feedback
        .context
        .citations
        .iter()
        .map(|one| one.key)
        .collect();
    for (index, mark) in opinion.citations.iter().enumerate() {
        if !keys.contains(&mark.key) {
            return Err(unknown_citation(mark.key, "a mark", &keys));
        }
        if index > 0 && opinion.citations[index - 1].key == mark.key {
            return Err(contradictory(&format!(
                "citation {} is marked twice",
                mark.key
            )));
        }
    }
    // What was imported keeps the numbers of its own notes.
    if feedback.source == FeedbackSource::Answer {
        let texts = [
            ("the correction", &opinion.correction),
            ("the edited text", &feedback.edited),
        ];
        for (what, text) in texts {
            let used = markers(text.as_deref().unwrap_or_default());
            let unknown = used
                .into_iter()
                .flat_map(|(_, keys)| keys)
                .find(|key| !keys.contains(key));
            if let Some(key) = unknown {
                return Err(unknown_citation(key, what, &keys));
            }
        }
    }
    let has = |reason| opinion.tags.contains(&reason);
    if opinion.is_good() && !opinion.tags.is_empty() {
        return Err(contradictory(
            "an answer that is good has no reasons to be bad",
        ));
    }
    if has(Reason::ShouldHaveRefused) && has(Reason::ShouldHaveAnswered) {
        return Err(contradictory(
            "an answer cannot have had to refuse and to answer",
        ));
    }
    let refused = super::is_refusal(&feedback.context);
    if has(Reason::ShouldHaveRefused) && refused {
        return Err(contradictory("this answer did refuse"));
    }
    if has(Reason::ShouldHaveAnswered) && feedback.source == FeedbackSource::Answer && !refused {
        return Err(contradictory("this answer did answer"));
    }
    if has(Reason::ShouldHaveRefused) && opinion.correction.is_some() {
        return Err(contradictory(
            "what should have been refused needs no corrected answer",
        ));
    }
    if feedback.source == FeedbackSource::Answer && opinion.is_empty() {
        return Err(Problem::new(
            Fault::Usage,
            "feedback_empty",
            "nothing is said of the answer",
            "give thumbs, a rating, tags, a correction, a comment or marks of citations",
        ));
    }
    Ok(())
}

fn contradictory(why: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "feedback_contradictory",
        why,
        "take one of the two back",
    )
}

fn unknown_citation(key: u32, place: &str, keys: &[u32]) -> Problem {
    let known: Vec<String> = keys.iter().map(|key| format!("[{key}]")).collect();
    let hint = match known.is_empty() {
        true => "this answer cites nothing: leave numbers in square brackets out".to_owned(),
        false => format!("this answer has {}", known.join(", ")),
    };
    Problem::new(
        Fault::Input,
        "citation_unknown",
        format!("{place} names citation [{key}], which the answer does not have"),
        hint,
    )
}
