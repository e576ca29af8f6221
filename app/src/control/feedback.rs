//! What can be done with what people say of answers.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Event;
use super::run::Events;
use crate::catalog::{Feedback, FeedbackState};
use crate::error::{Fault, Problem};
use crate::library::Library;
use crate::library::feedback::dataset::DatasetFormat;
use crate::library::feedback::review::{Review, Verdict};
use crate::library::feedback::{FeedbackDetails, FeedbackEdit};

/// Bytes of a part of an export that is no text.
const PART: usize = 1 << 20;

/// Something to do with feedback. Ids may be starts of ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FeedbackRequest {
    /// List it, newest first.
    List {
        /// Only what stands so.
        state: Option<FeedbackState>,
        /// Only on this answer.
        answer: Option<String>,
        /// So much at most.
        limit: Option<u32>,
        /// What the page before gave.
        cursor: Option<String>,
    },
    /// Say something of an answer.
    Give {
        /// The answer's id.
        answer: String,
        /// What is said.
        edit: FeedbackEdit,
    },
    /// Show some.
    Show {
        /// Its id.
        id: String,
    },
    /// Change what was said.
    Edit {
        /// Its id.
        id: String,
        /// What is changed.
        edit: FeedbackEdit,
    },
    /// Approve or reject some.
    Review {
        /// Their ids.
        ids: Vec<String>,
        /// Which of the two.
        verdict: Verdict,
        /// Who says so, and why.
        review: Review,
    },
    /// Take some back.
    Withdraw {
        /// Their ids.
        ids: Vec<String>,
        /// Who says so, and why.
        review: Review,
    },
    /// Delete some.
    Delete {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Bring pairs in from a file.
    Import {
        /// The file, absolute.
        path: PathBuf,
        /// Without a review.
        approve: bool,
        /// Who says so.
        by: Option<String>,
    },
    /// Write examples out.
    Export {
        /// In what form.
        format: DatasetFormat,
        /// Of the feedback that stands so.
        state: FeedbackState,
    },
}

pub(super) async fn run(
    library: &Library,
    request: FeedbackRequest,
    events: &Events,
) -> Result<()> {
    let say = |event| {
        let _ = events.send(event);
    };
    let one = |feedback: Feedback| Event::Feedback(vec![FeedbackDetails::from(feedback)]);
    match request {
        FeedbackRequest::List {
            state,
            answer,
            limit,
            cursor,
        } => {
            let list = library.feedback_list(state, answer.as_deref(), limit, cursor.as_deref());
            say(Event::FeedbackList(list.await?));
        }
        FeedbackRequest::Give { answer, edit } => {
            say(one(library.give_feedback(&answer, &edit).await?));
        }
        FeedbackRequest::Show { id } => say(one(library.feedback(&id).await?)),
        FeedbackRequest::Edit { id, edit } => say(one(library.edit_feedback(&id, &edit).await?)),
        FeedbackRequest::Review {
            ids,
            verdict,
            review,
        } => {
            let mut changed = Vec::new();
            for id in found(library, &ids).await? {
                let feedback = library.review_feedback(&id, verdict, &review).await;
                let feedback = feedback.with_context(|| id.clone())?;
                changed.push(FeedbackDetails::from(feedback));
            }
            say(Event::Feedback(changed));
        }
        FeedbackRequest::Withdraw { ids, review } => {
            let mut changed = Vec::new();
            for id in found(library, &ids).await? {
                let feedback = library.withdraw_feedback(&id, &review).await?;
                changed.push(FeedbackDetails::from(feedback));
            }
            say(Event::Feedback(changed));
        }
        FeedbackRequest::Delete { ids } => {
            let found = found(library, &ids).await?;
            for id in &found {
                library.delete_feedback(id).await?;
            }
            say(Event::FeedbackDeleted(found));
        }
        FeedbackRequest::Import { path, approve, by } => {
            let opening = || format!("opening {}", path.display());
            // Opening a pipe would wait for whoever writes into it.
            let about = tokio::fs::metadata(&path).await.with_context(opening)?;
            if !about.is_file() {
                return Err(Problem::new(
                    Fault::Input,
                    "import_malformed",
                    format!("{} is not a file", path.display()),
                    "name a file of JSONL, JSON or Parquet, or a ChatGPT export",
                )
                .into());
            }
            let file = File::open(&path).with_context(opening)?;
            let name = path.file_name().unwrap_or(path.as_os_str());
            let name = name.to_string_lossy();
            let report = library.import_feedback(file, &name, approve, by.as_deref());
            say(Event::FeedbackImported(report.await?));
        }
        FeedbackRequest::Export { format, state } => {
            let mut write = |part: Vec<u8>| match String::from_utf8(part) {
                Ok(text) if format != DatasetFormat::Parquet => {
                    events.send(Event::Exported(text)).is_ok()
                }
                text => {
                    let bytes = text.map_or_else(|error| error.into_bytes(), String::into_bytes);
                    bytes.chunks(PART).all(|part| {
                        let part = STANDARD.encode(part);
                        events.send(Event::ExportedBytes(part)).is_ok()
                    })
                }
            };
            let counts = library.export_feedback(format, state, &mut write).await?;
            say(Event::FeedbackExported(counts));
        }
    }
    Ok(())
}

/// Whole ids. All are looked up before one is changed: a typing error changes nothing.
async fn found(library: &Library, ids: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for id in ids {
        let id = library.feedback(id).await?.id;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}
