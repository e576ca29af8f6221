//! What parent and child say to each other: a request line and the file's bytes one way, messages
//! one per line the other way, all JSON. Only an image's bytes are not JSON: they follow their line.

use serde::{Deserialize, Serialize};

use super::{Limits, Probe};
use crate::extract::{ReadPage, Start};
use crate::picture::Size;
use crate::{Document, Error, Format};

/// Largest image, in bytes, that goes through the pipe.
pub(super) const MAX_IMAGE: u64 = 128 << 20;

/// First line of the child's stdin; `length` bytes of PDF follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) task: Task,
    pub(super) password: Option<String>,
    pub(super) limits: Limits,
    pub(super) length: u64,
}

/// What the child is to do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Task {
    /// Text of all pages of a PDF.
    Read,
    /// A file of another format.
    Document { format: Format },
    /// The picture of one page, counted from 1.
    Render { page: u32, size: Size },
    /// Try to break out.
    Probe,
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
    /// A file of another format, whole.
    Document(Box<Document>),
    /// A page's picture; `length` bytes of PNG follow the line.
    Image {
        width: u32,
        height: u32,
        length: u64,
        #[serde(skip)]
        bytes: Vec<u8>,
    },
    /// What came of [`Task::Probe`].
    Probe(Probe),
    /// The file can't be read; nothing follows.
    Error(Failure),
}

/// An [`Error`] on its way through the pipe.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    code: String,
    detail: String,
    #[serde(default)]
    page: u32,
    #[serde(default)]
    pages: u32,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let detail = match error {
            Error::NotAPdf { start } => start.clone(),
            Error::UnsupportedFormat { what } => what.clone(),
            Error::Damaged { reason }
            | Error::DamagedFile { reason }
            | Error::WorkerDied { reason }
            | Error::NotRendered { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        let (page, pages) = match error {
            Error::NoSuchPage { page, pages } => (*page, *pages),
            Error::NotRendered { page, .. } => (*page, 0),
            _ => (0, 0),
        };
        Failure {
            code: error.code().to_owned(),
            detail,
            page,
            pages,
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
            "no_such_page" => Error::NoSuchPage {
                page: failure.page,
                pages: failure.pages,
            },
            "not_rendered" => Error::NotRendered {
                page: failure.page,
                reason: detail,
            },
            _ => Error::WorkerDied { reason: detail },
        }
    }
}
