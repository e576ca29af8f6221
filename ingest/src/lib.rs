//! Turns the bytes of a paper into text by page, with geometry, and into chunks.
//!
//! This file is the contract: the types that the rest of Lectern reads and the one error type.
//! The work is in the modules:
//! [`extract`] reads glyphs and lays them out as lines, [`worker`] does so in a process of its
//! own so that no file can hang or crash the service, [`sentence`] splits text into sentences,
//! and [`chunk`] cuts a document into passages for retrieval.
//!
//! All spans are byte ranges. A page's lines point into [`Page::text`]; a chunk's span points
//! into [`Document::text`], which is the pages' texts joined by [`PAGE_SEPARATOR`].

pub mod chunk;
pub mod extract;
pub mod locate;
pub mod metadata;
pub mod sentence;
pub mod worker;

mod assemble;
mod error;
mod hyphen;
mod paragraph;
mod section;

pub use error::Error;

use serde::{Deserialize, Serialize};

/// What stands between two pages in [`Document::text`].
pub const PAGE_SEPARATOR: &str = "\n";

/// A rectangle in PDF points (1/72 inch), the origin at the top left of the page as it is
/// displayed (after /Rotate and the crop box), `y` growing downwards; `x0 <= x1`, `y0 <= y1`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

/// A rectangle and the page that it is on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PageRect {
    /// Page number in the file, from 1.
    pub page: u32,
    /// Where on that page.
    #[serde(flatten)]
    pub rect: Rect,
}

/// One printed line: where it stands and which bytes of [`Page::text`] it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Bounding box of the line's glyphs.
    pub rect: Rect,
    /// First byte in [`Page::text`].
    pub start: usize,
    /// One past the last byte in [`Page::text`].
    pub end: usize,
    /// Size of most of the line's glyphs, in points.
    pub font_size: f32,
}

/// One page, in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Place in the file, from 1 (not the printed page label).
    pub number: u32,
    /// Width in points, as displayed.
    pub width: f32,
    /// Height in points, as displayed.
    pub height: f32,
    /// The page's text: lines separated by a newline, blocks by an empty line, words hyphenated
    /// across lines joined.
    pub text: String,
    /// The lines that the text was made from, in reading order; they do not overlap.
    pub lines: Vec<Line>,
}

/// What is known of the paper as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Title, where one was found.
    pub title: Option<String>,
    /// Authors in the paper's order.
    pub authors: Vec<String>,
    /// Year of publication.
    pub year: Option<i32>,
}

/// Something that went wrong while reading and did not stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable name, in snake case, such as `page_without_text`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// The page concerned, if one.
    pub page: Option<u32>,
}

/// A paper as it was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Title, authors, year.
    pub metadata: Metadata,
    /// All pages, those without text too, so that page numbers are the file's.
    pub pages: Vec<Page>,
    /// What went wrong.
    pub warnings: Vec<Warning>,
}

impl Document {
    /// The text of all pages, joined by [`PAGE_SEPARATOR`]; chunk spans point into it.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.pages.iter().map(|page| page.text.as_str()).collect();
        texts.join(PAGE_SEPARATOR)
    }

    /// True where no page has any text, as in a scan without a text layer.
    pub fn is_textless(&self) -> bool {
        self.pages.iter().all(|page| page.text.trim().is_empty())
    }
}

/// A passage of a document, small enough for the embedder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Place in the document, from 0.
    pub index: u32,
    /// Exactly `document.text()[start..end]`.
    pub text: String,
    /// First byte in [`Document::text`].
    pub start: usize,
    /// One past the last byte in [`Document::text`].
    pub end: usize,
    /// Page of the first byte, from 1.
    pub first_page: u32,
    /// Page of the last byte.
    pub last_page: u32,
    /// Heading under which it stands, where one was recognised.
    pub section: Option<String>,
    /// Length in the embedder's tokens, without its special tokens.
    pub tokens: u32,
}

/// Counts tokens as the embedder does, so that no chunk is cut by it.
pub trait TokenCounter {
    /// Number of tokens in `text`, without special tokens.
    fn count(&self, text: &str) -> usize;
}
