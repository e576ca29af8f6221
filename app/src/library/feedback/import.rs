//! Brings in question-answer pairs from a file, whole or not at all: nothing is kept until all of it
//! could be [read]. What is there already, by the hash of its content, is not brought in again.

mod read;

use std::fs::File;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check;
use super::dataset::{About, Pair};
use crate::catalog::feedback::{
    FeedbackAction, FeedbackChange, FeedbackContext, FeedbackSource, ImportedFeedback, Opinion,
};
use crate::catalog::{Feedback, FeedbackState};
use crate::error::{Fault, Problem};
use crate::library::{Library, blocking};

/// Characters of a question that is taken from a prompt.
const LONGEST_QUESTION: usize = 4000;

/// What a file was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// JSON objects, one a line.
    Jsonl,
    /// A JSON list.
    Json,
    /// Parquet.
    Parquet,
    /// ChatGPT's export.
    Chatgpt,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// The file's name.
    pub file: String,
    /// What it was.
    pub format: ImportFormat,
    /// Pairs in it.
    pub found: usize,
    /// Pairs that are new.
    pub added: usize,
    /// Pairs that were there already.
    pub unchanged: usize,
    /// Where the new ones stand.
    pub state: FeedbackState,
    /// What was passed over.
    pub warnings: Vec<String>,
}

impl Library {
    /// Brings in the pairs of a file that is called `name`, pending review unless `approve`.
    ///
    /// # Errors
    /// A problem `import_malformed` that names lines and fields, `import_too_large`, `import_empty`,
    /// or `import_needs_review` where what comes from elsewhere is to be approved unread.
    pub async fn import_feedback(
        &self,
        file: File,
        name: &str,
        approve: bool,
        by: Option<&str>,
    ) -> Result<ImportReport> {
        let by = check::name(by)?;
        let shown = name.to_owned();
        let parsed = blocking(move || read::read(file, &shown)).await?;
        if approve && parsed.format == ImportFormat::Chatgpt {
            return Err(Problem::new(
                Fault::Usage,
                "import_needs_review",
                format!(
                    "{name} is a ChatGPT export: what is in it was not answered from your papers"
                ),
                "import it without approving, and approve what is right one by one",
            )
            .into());
        }
        if parsed.pairs.is_empty() {
            return Err(Problem::new(
                Fault::Input,
                "import_empty",
                format!("there is no question with an answer in {name}"),
                "docs/feedback.md shows what is read",
            )
            .into());
        }
        let found = parsed.pairs.len();
        let now = jiff::Timestamp::now().to_string();
        let pairs: Vec<ImportedFeedback> = parsed
            .pairs
            .into_iter()
            .map(|pair| imported(pair, parsed.format, name, approve, &by, &now))
            .collect();
        let added = self.catalog.import_feedback(&pairs).await?;
        Ok(ImportReport {
            file: name.to_owned(),
            format: parsed.format,
            found,
            added,
            unchanged: found - added,
            state: state(approve),
            warnings: parsed.warnings,
        })
    }
}

fn state(approve: bool) -> FeedbackState {
    match approve {
        true => FeedbackState::Approved,
        false => FeedbackState::Pending,
    }
}

fn imported(
    pair: Pair,
    format: ImportFormat,
    name: &str,
    approve: bool,
    by: &str,
    now: &str,
) -> ImportedFeedback {
    let About {
        question,
        thumbs,
        rating,
        tags,
        comment,
        model,
        adapter,
        mut documents,
        evidence,
        ..
    } = pair.about.unwrap_or_default();
    let step = |action, note| FeedbackChange {
        at: now.to_owned(),
        by: by.to_owned(),
        action,
        note,
    };
    let mut history = vec![step(FeedbackAction::Imported, Some(name.to_owned()))];
    if approve {
        history.push(step(FeedbackAction::Approved, None));
    }
    let feedback = Feedback {
        id: uuid::Uuid::now_v7().to_string(),
        answer_id: None,
        source: match format {
            ImportFormat::Chatgpt => FeedbackSource::Chatgpt,
            _ => FeedbackSource::Dataset,
        },
        state: state(approve),
        question: question.unwrap_or_else(|| question_of(&pair.prompt)),
        answer: pair.completion,
        opinion: Opinion {
            thumbs,
            rating: rating.filter(|rating| (1..=5).contains(rating)),
            tags,
            comment,
            ..Opinion::default()
        },
        edited: None,
        context: FeedbackContext {
            model,
            adapter,
            prompt: pair.prompt,
            evidence,
            ..FeedbackContext::default()
        },
        created_at: now.to_owned(),
        updated_at: now.to_owned(),
        history,
    };
    documents.extend(feedback.documents());
    ImportedFeedback {
        feedback,
        documents,
    }
}

/// The question of a prompt: what the user said last, and of that what follows `Question:`.
fn question_of(prompt: &[generation::Message]) -> String {
    let last = prompt.iter().rfind(|message| message.role == "user");
    let said = last.map_or("", |message| message.content.as_str());
    let question = said
        .rsplit_once("\nQuestion: ")
        .map_or(said, |(_, question)| question);
    question.trim().chars().take(LONGEST_QUESTION).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_found_in_its_prompt() {
        let prompt = |content: &str| {
            vec![generation::Message {
                role: "user".to_owned(),
                content: content.to_owned(),
            }]
        };
        assert_eq!(
            question_of(&prompt("Notes:\n1. x\n\nQuestion: Why? ")),
            "Why?"
        );
        assert_eq!(question_of(&prompt("Why?")), "Why?");
        assert_eq!(question_of(&[]), "");
    }
}
