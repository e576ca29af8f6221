//! Training of the answerer: JSONL of chats in, a run folder with an adapter out.
//!
//! This crate reads and writes files only, never the catalog, so that any run can be made again from
//! its folder. There is no trainer framework. A recipe ([`recipes`]) is one function, read from top
//! to bottom: load the base, attach what is trained, read the data, loop, evaluate, save. The steps
//! that recipes share are modules named for what they are:
//!
//! - [`config`]: what can be set, and what is wrong with it.
//! - [`data`]: examples with where they come from; what is fit to be learnt, and on which side.
//! - [`dataset`]: chats to tokens, of which only the answer is learnt.
//! - [`batch`]: which examples are taken together, and in what order.
//! - [`backward`]: one batch forward and backward, with memory for few blocks only.
//! - [`loss`]: cross-entropy that never holds all logits.
//! - [`optimizer`] and [`schedule`]: AdamW, its learning rate.
//! - [`estimate`]: what a run will take.
//! - [`guard`]: stops a run that has gone wrong, and says on what.
//! - [`reranker`]: lists of passages, and the small BERT that learns to order them.
//! - [`start`]: the adapter that a run goes on from.
//! - [`checkpoint`]: what is needed to go on exactly where a run was killed.
//! - [`evaluate`]: held-out loss, and sample answers.
//! - [`held_out`]: a model put to questions that it was not trained on; [`score`]: how good its answers
//!   are, and what that is worth; [`gate`]: whether it may take the place of another.
//! - [`run`], [`metrics`], [`tensorboard`]: the run folder.
//! - [`session`]: what goes on between two batches, in terms of all of these.
//!
//! Everything random is a function of the seed and of how far the run is, so that the same
//! configuration gives the same losses, bit for bit, whether or not it was interrupted.

pub mod backward;
pub mod batch;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod dataset;
pub mod estimate;
pub mod evaluate;
pub mod gate;
pub mod guard;
pub mod held_out;
pub mod loss;
pub mod metrics;
pub mod optimizer;
pub mod recipes;
pub mod reranker;
pub mod run;
pub mod schedule;
pub mod score;
pub mod session;
pub mod start;
pub mod tensorboard;
pub mod watch;

mod files;
mod random;
mod settings;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use config::{Recipe, TrainConfig};
pub use dataset::Dataset;
pub use run::RunFolder;
pub use watch::{Ending, Event, Progress, Summary, Watch};

/// One training example: a chat whose last message is what the model should have said.
///
/// The format is the `messages` form that most fine-tuning tools read, one object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// System, user and assistant turns; the last is the assistant's.
    pub messages: Vec<generation::Message>,
}

/// What kept a model from being trained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an [`Example`] in JSON.
    #[error(
        "line {line} is not a training example: {source}; hint: each line must be an object with \
         `messages`, a list of objects with `role` and `content`"
    )]
    Syntax {
        /// Line in the file, from 1.
        line: usize,
        /// What the JSON parser said.
        source: serde_json::Error,
    },
    /// No assistant turn at the end, so there is nothing to learn.
    #[error(
        "line {line} does not end with an assistant message; hint: the last message is what the \
         model should have said, and must not be empty"
    )]
    NoTarget {
        /// Line in the file, from 1.
        line: usize,
    },
    /// A role that chats do not have.
    #[error(
        "line {line} has a message of the role `{role}`; hint: roles are system, user and assistant"
    )]
    Role {
        /// Line in the file, from 1.
        line: usize,
        /// The role as given.
        role: String,
    },
    /// Settings that are wrong, all of them.
    #[error("the training settings cannot be used:{}", listed(.0))]
    Config(Vec<config::Problem>),
    /// A dataset that cannot be trained on.
    #[error("the dataset {} cannot be used: {reason}", path.display())]
    Dataset {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and a hint.
        reason: String,
    },
    /// A dataset with lines that cannot be trained on: the first of them.
    #[error("the dataset {} has {}: {first}", path.display(), unusable(*count))]
    Lines {
        /// The file.
        path: PathBuf,
        /// How many there are.
        count: usize,
        /// What is wrong with the first.
        first: Box<Error>,
    },
    /// The run went wrong; it was stopped before the weights were changed by it.
    #[error(
        "training stopped at step {step}: {reason}; hint: look at lines {lines:?} of the training \
         data (their beginnings are in {}), or lower learning_rate", report.display()
    )]
    Diverged {
        /// The step that was not taken, from 1.
        step: usize,
        /// What was seen.
        reason: String,
        /// Lines of the batch that caused it, from 1.
        lines: Vec<usize>,
        /// Where the batch was written.
        report: PathBuf,
    },
    /// A run folder that cannot be used or written.
    #[error("the run folder {} cannot be used: {reason}", path.display())]
    Run {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What is wrong with it, and a hint.
        reason: String,
    },
    /// A model or an adapter that cannot be used.
    #[error(transparent)]
    Generation(#[from] generation::Error),
    /// A computation failed.
    #[error("training failed: {0}")]
    Compute(#[from] candle_core::Error),
}

fn unusable(lines: usize) -> String {
    match lines {
        1 => "an unusable line".to_owned(),
        _ => format!("{lines} unusable lines; the first"),
    }
}

fn listed(problems: &[config::Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}

impl Error {
    pub(crate) fn run(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Run {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// A file of a run that could not be written.
    pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Self {
        Self::run(
            path,
            format!("{error}; hint: check the free space and the folder's permissions"),
        )
    }
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Reads one line of a dataset; `line` is its number, for messages.
///
/// # Errors
/// [`Error::Syntax`], [`Error::Role`] or [`Error::NoTarget`].
pub fn parse_line(line: usize, content: &str) -> Result<Example> {
    let example: Example =
        serde_json::from_str(content).map_err(|source| Error::Syntax { line, source })?;
    let is_known = |role: &str| matches!(role, "system" | "user" | "assistant");
    if let Some(message) = example
        .messages
        .iter()
        .find(|message| !is_known(&message.role))
    {
        return Err(Error::Role {
            line,
            role: message.role.clone(),
        });
    }
    match example.messages.last() {
        Some(last) if last.role == "assistant" && !last.content.trim().is_empty() => Ok(example),
        _ => Err(Error::NoTarget { line }),
    }
}

/// Reads a JSONL dataset, blank lines skipped.
///
/// # Errors
/// The first line that is no example, by its number.
pub fn parse_jsonl(text: &str) -> Result<Vec<Example>> {
    text.lines()
        .enumerate()
        .filter(|(_, content)| !content.trim().is_empty())
        .map(|(index, content)| parse_line(index + 1, content))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_examples_and_names_the_bad_line() {
        let good =
            r#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#;
        assert_eq!(
            parse_jsonl(&format!("{good}\n\n{good}\n")).unwrap().len(),
            2
        );

        let no_target = r#"{"messages":[{"role":"user","content":"q"}]}"#;
        let error = parse_jsonl(&format!("{good}\n{no_target}")).unwrap_err();
        assert!(matches!(error, Error::NoTarget { line: 2 }), "{error}");

        let error = parse_jsonl("{").unwrap_err();
        assert!(matches!(error, Error::Syntax { line: 1, .. }), "{error}");

        let role = good.replace("user", "tool");
        let error = parse_jsonl(&format!("{good}\n\n{role}")).unwrap_err();
        assert!(matches!(error, Error::Role { line: 3, .. }), "{error}");
    }
}
