//! Writes examples out for training, here or elsewhere.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::columns;
use super::dataset::{self, About, DatasetFormat, Pair};
use crate::catalog::feedback::FeedbackFilter;
use crate::catalog::{Feedback, FeedbackState};
use crate::library::Library;

/// Rows that are read at once.
const PART: usize = 500;

/// What was written out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Examples.
    pub written: usize,
    /// Feedback that there is nothing to learn from.
    pub left_out: usize,
}

impl DatasetFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Messages,
        Self::PromptCompletion,
        Self::Instruction,
        Self::Parquet,
    ];

    /// Its name in addresses and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::PromptCompletion => "prompt-completion",
            Self::Instruction => "instruction",
            Self::Parquet => "parquet",
        }
    }

    /// Ending of the file's name.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            _ => "jsonl",
        }
    }

    /// Its content type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Parquet => "application/vnd.apache.parquet",
            _ => "application/x-ndjson",
        }
    }
}

impl Library {
    /// Hands the examples of the feedback that stands so to `write`, part by part, newest first; ends
    /// early where `write` says false.
    ///
    /// # Errors
    /// Where the catalog cannot be read.
    pub async fn export_feedback(
        &self,
        format: DatasetFormat,
        state: FeedbackState,
        write: &mut (dyn FnMut(Vec<u8>) -> bool + Send),
    ) -> Result<Exported> {
        let mut counts = Exported::default();
        let mut table = match format {
            DatasetFormat::Parquet => Some(columns::Writer::new().context("writing Parquet")?),
            _ => None,
        };
        let filter = FeedbackFilter {
            state: Some(state),
            answer: None,
        };
        let mut after: Option<(i64, String)> = None;
        loop {
            let place = after.as_ref().map(|(time, id)| (*time, id.as_str()));
            let found = self.catalog.feedback_list(filter, PART, place).await?;
            let mut lines = Vec::new();
            for feedback in &found {
                let Some(messages) = feedback.example() else {
                    counts.left_out += 1;
                    continue;
                };
                counts.written += 1;
                let about = About::of(feedback);
                match &mut table {
                    Some(table) => table
                        .push(feedback.id.clone(), messages, about)
                        .context("writing Parquet")?,
                    None => {
                        let Some(pair) = pair(messages, about) else {
                            continue;
                        };
                        let line = dataset::write(format, &pair).to_string();
                        lines.extend_from_slice(line.as_bytes());
                        lines.push(b'\n');
                    }
                }
            }
            if !lines.is_empty() && !write(lines) {
                return Ok(counts);
            }
            after = match found.len() {
                PART => found.last().map(Feedback::key),
                _ => None,
            };
            if after.is_none() {
                break;
            }
        }
        if let Some(table) = table {
            write(table.finish().context("writing Parquet")?);
        }
        Ok(counts)
    }
}

fn pair(mut messages: Vec<generation::Message>, about: About) -> Option<Pair> {
    let completion = messages.pop()?.content;
    Some(Pair {
        prompt: messages,
        completion,
        about: Some(about),
    })
}
