//! What parent and child say to each other: a request line and the file's bytes one way, messages
//! one per line the other way, all JSON.

use serde::{Deserialize, Serialize};

use super::Limits;
use crate::Error;
use crate::extract::{ReadPage, Start};

/// First line of the child's stdin; `length` bytes of PDF follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) password: Option<String>,
    pub(super) limits: Limits,
    pub(super) length: u64,
}

/// One line of the child's stdout.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Message {
    /// Once, before any page.
    Start(Start),
    /// Each page, in order.
    Page(ReadPage),
    /// All pages were sent.
    End,
    /// The file can't be read; nothing follows.
    Error(Failure),
}

/// An [`Error`] on its way through the pipe.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    code: String,
    detail: String,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let detail = match error {
            Error::NotAPdf { start } => start.clone(),
            Error::UnsupportedFormat { what } => what.clone(),
            Error::Damaged { reason }
            | Error::DamagedFile { reason }
            | Error::WorkerDied { reason } => reason.clone(),
            other => other.to_string(),
        };
        Failure {
            code: error.code().to_owned(),
            detail,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let detail: String = failure.detail.chars().take(300).collect();
        match failure.code.as_str() {
            "empty_file" => Error::Empty,
            "not_a_pdf" => Error::NotAPdf { start: detail },
            "unsupported_format" => Error::UnsupportedFormat { what: detail },
            "damaged_file" => Error::DamagedFile { reason: detail },
            "encrypted" => Error::Encrypted,
            "wrong_password" => Error::WrongPassword,
            "no_pages" => Error::NoPages,
            "damaged" => Error::Damaged { reason: detail },
            _ => Error::WorkerDied { reason: detail },
        }
    }
}
