//! How files are read: each in a process of its own, pages without text by tesseract.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ingest::Document;
use ingest::ocr::{Recognition, Tesseract};
use ingest::worker::{Limits, Progress, Reader};

use super::add::Stage;
use crate::settings::Settings;

/// Hidden command under which this binary reads one file, limited and alone.
pub const READER_COMMAND: &str = "extract-worker";

/// Reads files of all formats.
#[derive(Clone)]
pub struct FileReader {
    /// Starts the processes.
    pub reader: Reader,
    /// Text recognition, where it is wanted and there.
    pub recognition: Option<Recognition>,
}

impl FileReader {
    /// As the settings say: by this binary again, with a command of its own.
    ///
    /// # Errors
    /// Where the path of this binary cannot be told.
    pub fn new(settings: &Settings) -> Result<Self> {
        let program: PathBuf = match &settings.reader_program {
            Some(program) => program.clone(),
            None => std::env::current_exe().context("finding this program")?,
        };
        let reader = Reader {
            program,
            args: vec![READER_COMMAND.into()],
            limits: Limits {
                memory: settings.reader_memory_bytes,
                base_ms: settings.reader_seconds * 1000,
                ..Limits::default()
            },
        };
        let tesseract = if settings.ocr_enabled {
            Tesseract::find(settings.ocr_tesseract.as_deref())
        } else {
            None
        };
        let recognition = tesseract.map(|tesseract| Recognition {
            language: settings.ocr_language.clone(),
            ..Recognition::new(tesseract)
        });
        Ok(Self {
            reader,
            recognition,
        })
    }

    /// Reads one file; `name` helps to tell its format. Blocks until done.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(
        &self,
        bytes: &[u8],
        name: &str,
        password: Option<&str>,
        cancelled: &(dyn Fn() -> bool + Sync),
        on_progress: &mut dyn FnMut(Stage, u32, u32),
    ) -> Result<Document, ingest::Error> {
        self.reader.read_file(
            bytes,
            name,
            password,
            self.recognition.as_ref(),
            cancelled,
            &mut |progress| match progress {
                Progress::Reading { done, total } => on_progress(Stage::Reading, done, total),
                Progress::Recognising { done, total } => {
                    on_progress(Stage::Recognising, done, total);
                }
            },
        )
    }
}
