//! Datasets: examples with where they come from, checked, split and put into a folder.
//!
//! What goes in was written by people, by rules and by models; what a model learns from it, it will
//! repeat. So each example carries its provenance ([`About`]), is held against what is known to spoil
//! training ([`check`]), and is put on one of three sides ([`split`]) together with all others of its
//! documents: a model that read a paper's questions in training has not answered them from evidence
//! in the test. A [`folder`] holds the three files, with a [`card`] that says what is in them and what
//! was left out, and why.
//!
//! Everything is a function of the examples and the seed, so that the same input gives the same hash.

pub mod card;
pub mod check;
pub mod folder;
mod markers;
pub(crate) mod reorder;
pub mod split;

use generation::Message;
use serde::{Deserialize, Serialize};

pub use card::Card;
pub use folder::Sets;
pub(crate) use markers::cited;
pub use markers::markers;
pub use split::Side;

/// Where an example comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// What people said of an answer.
    Feedback,
    /// A sentence of the library, from which a rule made the question.
    Generated,
    /// The same, answered by a model.
    Distilled,
    /// A file of questions and answers.
    Imported,
}

impl Source {
    /// Its name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Generated => "generated",
            Self::Distilled => "distilled",
            Self::Imported => "imported",
        }
    }
}

/// What an example teaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To answer from the notes.
    Answer,
    /// To say that the notes do not answer.
    Refusal,
}

impl Kind {
    /// Its name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Refusal => "refusal",
        }
    }
}

/// What is known of an example beside its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What names it: an id of feedback, a chunk and a place in it, a line of a file.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// What it teaches.
    pub kind: Kind,
    /// The question.
    pub question: String,
    /// All documents whose text it holds, in order.
    pub documents: Vec<String>,
}

/// A training example with where it comes from: a line of a dataset's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The chat as it is served, and last what should be said to it.
    pub messages: Vec<Message>,
    /// What is known of it.
    pub about: About,
}

impl Example {
    /// The prompt and what should be said to it; none where there is nothing of either.
    #[must_use]
    pub fn parts(&self) -> Option<(&[Message], &str)> {
        let (last, prompt) = self.messages.split_last()?;
        (last.role == "assistant" && !prompt.is_empty()).then_some((prompt, last.content.as_str()))
    }

    /// The numbered notes of its prompt, `(number, text)`, as [`generation::prompt::messages`] writes
    /// them.
    #[must_use]
    pub fn notes(&self) -> Vec<(usize, &str)> {
        let asked = self.messages.iter().rfind(|message| message.role == "user");
        asked.map_or_else(Vec::new, |message| {
            message
                .content
                .lines()
                .filter_map(|line| {
                    let (number, text) = line.split_once(". ")?;
                    Some((number.parse().ok()?, text))
                })
                .collect()
        })
    }
}

/// Letters and digits of a text in lower case, one space between words: what two wordings of a
/// question share where only their typing differs.
#[must_use]
pub fn folded(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// An example with these notes, as serving words it.
    pub(crate) fn example(
        id: &str,
        documents: &[&str],
        notes: &[&str],
        question: &str,
        completion: &str,
    ) -> Example {
        let message = |role: &str, content: String| Message {
            role: role.to_owned(),
            content,
        };
        let listed: String = (1..)
            .zip(notes)
            .map(|(number, note)| format!("{number}. {note}\n"))
            .collect();
        Example {
            messages: vec![
                message("system", "Answer.".to_owned()),
                message(
                    "user",
                    format!(
                        "Notes:\n\"\"\"\nFrom \"Paper\":\n{listed}\"\"\"\n\nQuestion: {question}"
                    ),
                ),
                message("assistant", completion.to_owned()),
            ],
            about: About {
                id: id.to_owned(),
                source: Source::Generated,
                kind: match completion {
                    generation::prompt::NO_ANSWER => Kind::Refusal,
                    _ => Kind::Answer,
                },
                question: question.to_owned(),
                documents: documents.iter().map(|&one| one.to_owned()).collect(),
            },
        }
    }
}
