//! The contract between exported feedback and trained adapters.
//!
//! Training reads and writes files only (JSONL in, run folder out), so that any run can be made
//! again from its folder. This crate holds the record that feedback is exported as; the trainer
//! that reads it is built on this record.

use serde::{Deserialize, Serialize};

/// One training example: a chat whose last message is what the model should have said.
///
/// The format is the `messages` form that most fine-tuning tools read, one object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// System, user and assistant turns; the last is the assistant's.
    pub messages: Vec<generation::Message>,
}

/// Why a dataset line cannot be trained on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an [`Example`] in JSON.
    #[error("line {line} is not a training example: {source}")]
    Syntax {
        /// Line in the file, from 1.
        line: usize,
        /// What the JSON parser said.
        source: serde_json::Error,
    },
    /// No assistant turn at the end, so there is nothing to learn.
    #[error("line {line} does not end with an assistant message")]
    NoTarget {
        /// Line in the file, from 1.
        line: usize,
    },
}

/// Reads a JSONL dataset, blank lines skipped.
///
/// # Errors
/// The first line that is no example, by its number.
pub fn parse_jsonl(text: &str) -> Result<Vec<Example>, Error> {
    let mut examples = Vec::new();
    for (index, content) in text.lines().enumerate() {
        if content.trim().is_empty() {
            continue;
        }
        let line = index + 1;
        let example: Example =
            serde_json::from_str(content).map_err(|source| Error::Syntax { line, source })?;
        match example.messages.last() {
            Some(last) if last.role == "assistant" && !last.content.is_empty() => {
                examples.push(example)
            }
            _ => return Err(Error::NoTarget { line }),
        }
    }
    Ok(examples)
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
    }
}
