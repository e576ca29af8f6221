//! How files are read: each in a process of its own, pages without text by tesseract.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

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
    wanted: Option<Wanted>,
    /// Found when first needed: asking tesseract takes two processes.
    found: Arc<OnceLock<Result<Recognition, String>>>,
}

/// Text recognition as the settings want it.
#[derive(Clone)]
struct Wanted {
    program: Option<PathBuf>,
    language: String,
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
        let wanted = settings.ocr_enabled.then(|| Wanted {
            program: settings.ocr_tesseract.clone(),
            language: settings.ocr_language.clone(),
        });
        Ok(Self {
            reader,
            wanted,
            found: Arc::default(),
        })
    }

    /// Leaves pages without text as they are.
    pub fn without_recognition(mut self) -> Self {
        self.wanted = None;
        self
    }

    /// Text recognition, or why there is none.
    ///
    /// # Errors
    /// A sentence that says why.
    pub fn recognition(&self) -> Result<&Recognition, String> {
        let Some(wanted) = &self.wanted else {
            return Err("it is switched off (ocr.enabled)".to_owned());
        };
        let found = self.found.get_or_init(|| {
            let Some(tesseract) = Tesseract::find(wanted.program.as_deref()) else {
                return Err("tesseract was not found".to_owned());
            };
            let mut recognition =
                Recognition::new(tesseract, &wanted.language).map_err(|error| error.to_string())?;
            // Several documents are read at a time.
            recognition.threads = 1;
            Ok(recognition)
        });
        found.as_ref().map_err(Clone::clone)
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
            self.recognition().ok(),
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
