//! Text recognition for pages that are only pictures, by tesseract where it is installed.
//!
//! Tesseract (<https://tesseract-ocr.github.io/>) is a program of its own, not a library linked in:
//! it is big, its language data is the user's choice, and a crash of it costs one page. It is handed
//! a page's picture, drawn by our own renderer at 300 dpi, and answers one word a row with its box
//! and confidence. Words are joined to lines in its reading order (block, paragraph, line), boxes
//! become points on the page, and what it took for text in figures and dirt, which shows in low
//! confidence, is left out.

mod pages;
mod program;
mod tsv;

pub(crate) use pages::recognise_pages;
pub use program::Tesseract;
pub use tsv::{Line, Paragraph, Recognised};

use crate::Error;

/// How to recognise.
#[derive(Debug, Clone)]
pub struct Recognition {
    /// The program.
    pub tesseract: Tesseract,
    /// Its names of the languages to expect, joined by `+`, such as `eng+deu`.
    pub language: String,
    /// Resolution at which pages are drawn for it; it is best at 300.
    pub dpi: u32,
    /// Seconds that a page may take.
    pub page_seconds: u64,
    /// Pages of one document that are recognised at a time, each by a tesseract of 100 to 250 MB.
    /// Where several documents are read at a time, 1 is right.
    pub threads: usize,
}

impl Recognition {
    /// Recognition of `language` at 300 dpi, a minute a page, a few pages at a time.
    pub fn new(tesseract: Tesseract, language: &str) -> Result<Self, Error> {
        let missing = language
            .split('+')
            .find(|one| !tesseract.languages.iter().any(|installed| installed == one));
        if let Some(missing) = missing {
            return Err(Error::Recognition {
                reason: format!(
                    "tesseract has no data for the language {missing:?} (it has {})",
                    tesseract.languages.join(", ")
                ),
            });
        }
        Ok(Recognition {
            tesseract,
            language: language.to_owned(),
            dpi: 300,
            page_seconds: 60,
            threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
        })
    }
}
