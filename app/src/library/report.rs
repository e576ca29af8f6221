//! What is told of a file after it was brought in.

use std::time::Instant;

use ingest::Warning;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::{DocumentRecord, Duplicate};
use crate::error::Problem;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// In the library now.
    Added,
    /// Was in the library already, the same bytes.
    Unchanged,
    /// In the library now, in place of what was read from the same path before.
    Replaced,
    /// Not in the library.
    Failed,
    /// In the library, without any text to find.
    NeedsOcr,
}

/// Why a file failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileError {
    /// Stable name.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What `ingest --json` prints of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FileReport {
    /// The file, as it was named.
    pub file: String,
    /// How it ended.
    pub status: FileStatus,
    /// The document, where there is one.
    pub document_id: Option<String>,
    /// Number of pages.
    pub pages: u32,
    /// Number of chunks.
    pub chunks: u32,
    /// Time it took, in milliseconds.
    pub ms: u64,
    /// What went wrong on the way.
    pub warnings: Vec<Warning>,
    /// Documents in the library that are much the same: a preprint, another copy.
    #[serde(default)]
    pub duplicates: Vec<Duplicate>,
    /// Why it failed.
    pub error: Option<FileError>,
}

impl FileReport {
    /// A file that failed.
    pub fn failed(file: &str, problem: Problem, started: Instant) -> Self {
        Self {
            file: file.to_owned(),
            status: FileStatus::Failed,
            document_id: None,
            pages: 0,
            chunks: 0,
            ms: started.elapsed().as_millis() as u64,
            warnings: Vec::new(),
            duplicates: Vec::new(),
            error: Some(FileError {
                code: problem.code,
                message: problem.message,
                hint: problem.hint,
            }),
        }
    }

    pub(super) fn of(record: &DocumentRecord, status: FileStatus, started: Instant) -> Self {
        Self {
            file: record.file.clone(),
            status,
            document_id: Some(record.id.clone()),
            pages: record.pages,
            chunks: record.chunks,
            ms: started.elapsed().as_millis() as u64,
            warnings: record.warnings.clone(),
            duplicates: Vec::new(),
            error: None,
        }
    }
}
