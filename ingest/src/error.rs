//! Why a file could not be read. Each variant has a stable code and a hint, because each ends up
//! in front of a person (`lectern ingest`, the library page) and in scripts (`error.code`).

/// Why a whole file could not be read. What concerns one page only is a [`crate::Warning`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Zero bytes.
    #[error("the file is empty")]
    Empty,
    /// No PDF header near the start.
    #[error("the file is not a PDF (it starts with {start:?})")]
    NotAPdf {
        /// The first bytes, for the message.
        start: String,
    },
    /// Nothing that can be read: a picture, a program, a format that is not supported.
    #[error("the file is {what}, which can't be read")]
    UnsupportedFormat {
        /// What it seems to be.
        what: String,
    },
    /// A file other than a PDF whose structure is broken beyond repair.
    #[error("the file is damaged: {reason}")]
    DamagedFile {
        /// What the parser said.
        reason: String,
    },
    /// Encrypted, and the empty user password does not open it.
    #[error("the PDF is encrypted and needs a password")]
    Encrypted,
    /// A password was given and does not open it.
    #[error("the password does not open this PDF")]
    WrongPassword,
    /// A readable PDF whose page tree is empty.
    #[error("the PDF has no pages")]
    NoPages,
    /// Structure broken beyond repair.
    #[error("the PDF is damaged: {reason}")]
    Damaged {
        /// What the parser said.
        reason: String,
    },
    /// A page was asked for that the file does not have.
    #[error("there is no page {page}: the file has {pages}")]
    NoSuchPage {
        /// The page asked for.
        page: u32,
        /// Pages of the file.
        pages: u32,
    },
    /// A page could not be drawn.
    #[error("page {page} could not be drawn: {reason}")]
    NotRendered {
        /// The page.
        page: u32,
        /// What went wrong.
        reason: String,
    },
    /// Text recognition could not be run, or failed on a page.
    #[error("text recognition failed: {reason}")]
    Recognition {
        /// What it said.
        reason: String,
    },
    /// The worker ran past its time limit.
    #[error("reading took longer than {seconds} s and was stopped")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// The worker died: out of its memory limit, a stack overflow, a panic.
    #[error("the reader process ended early ({reason})")]
    WorkerDied {
        /// Exit status or signal.
        reason: String,
    },
    /// The worker could not be started or spoken to; the machine's fault, not the file's.
    #[error("the reader process could not be run: {0}")]
    Worker(#[from] std::io::Error),
    /// The caller asked to stop.
    #[error("reading was cancelled")]
    Cancelled,
}

impl Error {
    /// Stable name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Empty => "empty_file",
            Error::NotAPdf { .. } => "not_a_pdf",
            Error::UnsupportedFormat { .. } => "unsupported_format",
            Error::DamagedFile { .. } => "damaged_file",
            Error::Encrypted => "encrypted",
            Error::WrongPassword => "wrong_password",
            Error::NoPages => "no_pages",
            Error::Damaged { .. } => "damaged",
            Error::NoSuchPage { .. } => "no_such_page",
            Error::NotRendered { .. } => "not_rendered",
            Error::Recognition { .. } => "recognition_failed",
            Error::TimedOut { .. } => "timed_out",
            Error::WorkerDied { .. } => "reader_died",
            Error::Worker(_) => "reader_unavailable",
            Error::Cancelled => "cancelled",
        }
    }

    /// What the person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Empty => "download or copy the file again; the copy here has 0 bytes",
            Error::NotAPdf { .. } => {
                "convert the file to PDF, or check that the download was not an HTML page"
            }
            Error::UnsupportedFormat { .. } => {
                "PDF, Markdown, plain text, HTML, DOCX, JATS and TEI XML are read; convert the file to one of these"
            }
            Error::DamagedFile { .. } => {
                "open the file in the program that made it and save it again, or save it as PDF and add that"
            }
            Error::Encrypted => "pass the password with --password, or save an unprotected copy",
            Error::WrongPassword => "check the password, or save an unprotected copy",
            Error::NoPages => {
                "open the file in a PDF viewer; if it shows pages, save a copy from there and add that"
            }
            Error::Damaged { .. } => {
                "open the file in a PDF viewer and save a copy, or repair it with `qpdf in.pdf out.pdf`"
            }
            Error::NoSuchPage { .. } => "ask for a page from 1 to the number of pages",
            Error::NotRendered { .. } => {
                "open the file in a PDF viewer and save a copy, then add that"
            }
            Error::Recognition { .. } => {
                "check that `tesseract --version` and `tesseract --list-langs` work, and that the language is installed"
            }
            Error::TimedOut { .. } => {
                "the file is unusually heavy; save a simplified copy (print to PDF) and add that"
            }
            Error::WorkerDied { .. } => {
                "the file needs more memory than a reader is given, or is malformed; save a simplified copy (print to PDF) and add that"
            }
            Error::Worker(_) => {
                "check that the machine has free memory and processes, then try again"
            }
            Error::Cancelled => "add the file again when you want it",
        }
    }
}
