//! Answers that were given: found again by id, made again, written out, deleted.
//!
//! [`keep`] takes down what an answer depends on when it is given; [`replay`] makes it again and
//! says what differs ([`replay_papers`] those about papers); [`export`] writes answers out with their sources.

pub mod export;
mod keep;
pub mod replay;
mod replay_papers;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Library;
use crate::catalog::{AnswerSummary, StoredAnswer};
use crate::error::{Fault, Problem};
use crate::paging::Page;

/// Some of the answers, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerList {
    /// The answers.
    pub answers: Vec<AnswerSummary>,
    /// The `cursor` that the next ones are asked for with; `None` where these are the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl Library {
    /// Answers, newest first, a page at a time.
    ///
    /// # Errors
    /// A problem `limit_invalid` or `cursor_invalid`.
    pub async fn answers(&self, limit: Option<u32>, cursor: Option<&str>) -> Result<AnswerList> {
        let page = Page::<(i64, String)>::read("answers", limit, cursor)?;
        let after = page.after.as_ref().map(|(time, id)| (*time, id.as_str()));
        let found = self.catalog.answers(page.wanted(), after, None).await?;
        let (found, next_cursor) = page.cut(found, StoredAnswer::key);
        Ok(AnswerList {
            next_cursor,
            answers: found.iter().map(AnswerSummary::from).collect(),
        })
    }

    /// An answer by its id, or by a start of it (8 characters or more) that only one has.
    ///
    /// # Errors
    /// A problem `answer_not_found` or `answer_ambiguous`.
    pub async fn stored_answer(&self, id: &str) -> Result<StoredAnswer> {
        let wanted = id.trim().to_ascii_lowercase();
        let is_start = (8..=36).contains(&wanted.len())
            && wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let mut ids = match is_start {
            true => self.catalog.answers_starting(&wanted).await?,
            false => Vec::new(),
        };
        let problem = match ids.len() {
            1 => {
                let stored = self.catalog.stored_answer(&ids.swap_remove(0)).await?;
                match stored {
                    Some(stored) => return Ok(stored),
                    None => not_found(id),
                }
            }
            0 => not_found(id),
            _ => Problem::new(
                Fault::Usage,
                "answer_ambiguous",
                format!("several answers begin with {id:?}: {}, ...", ids.join(", ")),
                "give more of the id; ids begin with the time, so answers of one minute share 8 characters",
            ),
        };
        Err(problem.into())
    }

    /// Deletes an answer, named as for [`stored_answer`](Self::stored_answer). Returns its id.
    ///
    /// # Errors
    /// A problem `answer_not_found` or `answer_ambiguous`, or where the catalog cannot be written.
    pub async fn delete_answer(&self, id: &str) -> Result<String> {
        let stored = self.stored_answer(id).await?;
        match self.catalog.delete_answer(&stored.answer.id).await? {
            true => Ok(stored.answer.id),
            false => Err(not_found(id).into()),
        }
    }
}

fn not_found(id: &str) -> Problem {
    Problem::new(
        Fault::NotFound,
        "answer_not_found",
        format!("there is no answer {id:?}"),
        "`lectern answers list` shows the ids; an answer goes when a document goes that it was made from",
    )
}
