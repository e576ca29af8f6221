//! PDF bytes to pages of text with geometry.
//!
//! Each page goes through the same steps: the content stream is interpreted ([`interpret`]) and its
//! glyphs collected ([`glyphs`]), glyphs are grouped into lines ([`lines`]), lines put into reading order
//! ([`columns`]) and joined to the page's text. [`pages`] hands out one page at a time, so that a
//! caller in another process keeps what was read before a crash; [`read`] does all in this process.
//!
//! A page that panics in the parser costs that page only. What can't be caught here (a stack
//! overflow, memory, endless loops) is why [`crate::worker`] exists.

mod characters;
mod columns;
mod face;
mod font;
mod glyphs;
mod info;
mod interpret;
mod layers;
mod lines;
mod tex_bitmap;

pub(crate) use characters::is_cjk;
pub use info::Info;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::page::Page as PdfPage;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use kurbo::Affine;
use serde::{Deserialize, Serialize};

use crate::{Document, Error, Font, Line, MarginKind, MarginLine, Page, Span, Warning};
use columns::Gutter;
use glyphs::Glyphs;
use interpret::Interpreter;
use lines::RawLine;

/// Stack, in bytes, on which pages should be read: nested forms recurse deeply.
pub const STACK_SIZE: usize = 64 << 20;

/// What is known before the first page is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Number of pages in the file.
    pub pages: u32,
    /// The file's own metadata.
    pub info: Info,
}

/// What is drawn on a page, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ink {
    /// Glyphs other than spaces.
    pub glyphs: u32,
    /// Glyphs among them whose characters are not known.
    pub unmapped: u32,
    /// Images.
    pub images: u32,
    /// Painted paths and shadings.
    pub paths: u32,
}

/// One page and what went wrong on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadPage {
    /// The page, without text where it could not be read.
    pub page: Page,
    /// At most a few.
    pub warnings: Vec<Warning>,
    /// What is drawn on it.
    #[serde(default)]
    pub ink: Ink,
}

/// Reads a whole PDF in this process.
///
/// For trusted files and tests; [`crate::worker::Reader`] does the same behind limits.
pub fn read(bytes: Vec<u8>, password: Option<&str>) -> Result<Document, Error> {
    std::thread::scope(|scope| {
        let reading = std::thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, || {
                let mut start = Start::default();
                let mut read = Vec::new();
                pages(bytes, password, &mut |begun| start = begun, &mut |page| {
                    read.push(page);
                    true
                })?;
                Ok(crate::assemble::assemble(&start.info, read, Vec::new()))
            })?;
        reading.join().unwrap_or_else(|_| {
            Err(Error::Damaged {
                reason: "the parser failed".to_owned(),
            })
        })
    })
}

/// Reads page after page: `on_start` once, then `on_page` for each until it returns false.
///
/// Words hyphenated at line ends are still apart in these pages; joining them takes the whole
/// document's vocabulary and is done when it is put together.
pub fn pages(
    bytes: Vec<u8>,
    password: Option<&str>,
    on_start: &mut dyn FnMut(Start),
    on_page: &mut dyn FnMut(ReadPage) -> bool,
) -> Result<(), Error> {
    check_header(&bytes)?;
    let pdf = catch_unwind(|| open(bytes, password)).unwrap_or_else(|_| {
        Err(Error::Damaged {
            reason: "its structure can't be parsed".to_owned(),
        })
    })?;
    let count = u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX);
    if count == 0 {
        return Err(Error::NoPages);
    }
    let info = catch_unwind(AssertUnwindSafe(|| Info::read(&pdf))).unwrap_or_default();
    on_start(Start { pages: count, info });

    let mut interpreter = Interpreter::new(&pdf);
    for (page, number) in pdf.pages().iter().zip(1..) {
        let (width, height) = dimensions(page);
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut glyphs = Glyphs::new(width, height);
            interpreter.read(page, Affine::new(affine(page)), &mut glyphs);
            lay_out(glyphs, interpreter.fonts(), number, width, height)
        }));
        let read = read.unwrap_or_else(|_| {
            // What was being changed while panicking may be half done.
            interpreter = Interpreter::new(&pdf);
            unreadable(number, width, height)
        });
        if !on_page(read) {
            break;
        }
    }
    Ok(())
}

fn check_header(bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    let head = &bytes[..bytes.len().min(1024)];
    if head.windows(5).any(|window| window == b"%PDF-") {
        return Ok(());
    }
    let start = String::from_utf8_lossy(&head[..head.len().min(64)]);
    let start: String = start
        .chars()
        .filter(|c| !c.is_control() && *c != '\u{fffd}')
        .take(24)
        .collect();
    Err(Error::NotAPdf {
        start: start.trim().to_owned(),
    })
}

fn open(bytes: Vec<u8>, password: Option<&str>) -> Result<Pdf, Error> {
    let bytes = std::sync::Arc::new(bytes);
    let password = password.filter(|password| !password.is_empty());
    let opened = match Pdf::new_with_password(bytes.clone(), password.unwrap_or("")) {
        // A password that is not needed does no harm.
        Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) if password.is_some() => {
            Pdf::new(bytes)
        }
        other => other,
    };
    opened.map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) if password.is_some() => {
            Error::WrongPassword
        }
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Error::Encrypted,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => Error::Damaged {
            reason: "it is encrypted in a way that is not supported".to_owned(),
        },
        LoadPdfError::Decryption(_) => Error::Damaged {
            reason: "its encryption data is invalid".to_owned(),
        },
        LoadPdfError::Invalid => Error::Damaged {
            reason: "no page tree was found in it".to_owned(),
        },
    })
}

/// Width and height in points as displayed, kept within what the PDF standard allows.
fn dimensions(page: &PdfPage<'_>) -> (f32, f32) {
    let (width, height) = page.render_dimensions();
    let bound = |points: f32| {
        if points.is_finite() {
            points.clamp(1.0, 20_000.0)
        } else {
            612.0
        }
    };
    (bound(width), bound(height))
}

/// From PDF user space to the displayed page with its origin at the top left.
fn affine(page: &PdfPage<'_>) -> [f64; 6] {
    let transform = page.initial_transform(true);
    transform.as_coeffs()
}

fn lay_out(mut glyphs: Glyphs, fonts: &[Font], number: u32, width: f32, height: f32) -> ReadPage {
    glyphs.drop_hidden();
    glyphs.compose_accents();
    let gutter = Gutter::find(&glyphs, width);
    let mut lines = lines::build(&glyphs, gutter.as_ref());
    if let Some(gutter) = &gutter {
        lines = columns::into_reading_order(lines, gutter, width);
    }
    let mut page = Page {
        number,
        width,
        height,
        ..Page::default()
    };
    // Running heads and feet that the file itself marks. A producer that marks all is not believed.
    let marked: usize = lines
        .iter()
        .filter(|line| line.is_artifact)
        .map(|line| line.text.len())
        .sum();
    let total: usize = lines.iter().map(|line| line.text.len()).sum();
    let are_believed = marked * 3 < total;
    let mut used: Vec<u16> = Vec::new();
    for line in lines {
        if line.is_artifact && are_believed {
            page.margins.push(margin(line, height));
        } else {
            push_line(&mut page, line, &mut used);
        }
    }
    page.fonts = used
        .iter()
        .map(|&font| fonts.get(usize::from(font)).cloned().unwrap_or_default())
        .collect();
    let mut warnings = Vec::new();
    let mut warn = |code: &str, message: String| {
        warnings.push(Warning {
            code: code.to_owned(),
            message,
            page: Some(number),
        });
    };
    if glyphs.is_cut {
        warn(
            "page_cut",
            format!(
                "page {number} draws more characters than are read of a page; the rest is left out"
            ),
        );
    }
    let ink = glyphs.ink;
    if ink.unmapped >= 20 && ink.unmapped * 2 > ink.glyphs {
        warn(
            "garbled_text",
            format!(
                "most characters of page {number} have no known meaning: its fonts do not say which letters they show"
            ),
        );
    }
    ReadPage {
        page,
        warnings,
        ink,
    }
}

/// Adds a line; fonts are numbered anew, page by page, in order of appearance.
fn push_line(page: &mut Page, line: RawLine, used: &mut Vec<u16>) {
    if !page.text.is_empty() {
        page.text.push('\n');
    }
    let start = page.text.len();
    page.text.push_str(&line.text);
    let spans = line.spans.into_iter().map(|span| {
        let font = used
            .iter()
            .position(|&known| known == span.font)
            .unwrap_or_else(|| {
                used.push(span.font);
                used.len() - 1
            });
        Span {
            start: start + span.start,
            end: start + span.end,
            font: font as u16,
            ..span
        }
    });
    page.lines.push(Line {
        rect: line.rect,
        start,
        end: page.text.len(),
        font_size: line.font_size,
        spans: spans.collect(),
    });
}

fn margin(line: RawLine, height: f32) -> MarginLine {
    let is_number = line.text.chars().all(|c| c.is_ascii_digit());
    let kind = if is_number {
        MarginKind::PageNumber
    } else if line.rect.y0 < height / 2.0 {
        MarginKind::Header
    } else {
        MarginKind::Footer
    };
    MarginLine {
        kind,
        text: line.text,
        rect: line.rect,
    }
}

fn unreadable(number: u32, width: f32, height: f32) -> ReadPage {
    ReadPage {
        page: Page {
            number,
            width,
            height,
            text: String::new(),
            lines: Vec::new(),
            ..Page::default()
        },
        warnings: vec![Warning {
            code: "page_unreadable".to_owned(),
            message: format!("page {number} is malformed and could not be read"),
            page: Some(number),
        }],
        ink: Ink::default(),
    }
}
