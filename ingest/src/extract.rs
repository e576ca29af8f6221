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
mod open;
mod outline;
mod tex_bitmap;

pub(crate) use characters::is_cjk;
pub use info::Info;
pub(crate) use open::open;

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::page::Page as PdfPage;
use kurbo::Affine;
use serde::{Deserialize, Serialize};

use crate::{
    Document, Error, Font, Line, MarginKind, MarginLine, OutlineEntry, Page, PageText, Span,
    Warning,
};
use columns::Gutters;
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
    /// The file's own table of contents.
    #[serde(default)]
    pub outline: Vec<OutlineEntry>,
}

/// What is drawn on a page, whether or not it gave text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Ink {
    /// Glyphs other than spaces.
    pub glyphs: u32,
    /// Those of them whose characters are not known.
    pub unmapped: u32,
    /// Images, masks among them.
    pub images: u32,
    /// Lines and shapes.
    pub paths: u32,
    /// Share of the page, from 0 to 1, that images cover; overlaps count twice.
    pub image_cover: f32,
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
                crate::garbage::judge(&mut read);
                Ok(crate::assemble::assemble(&start, read, Vec::new()))
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
    let pdf = open(bytes, password)?;
    let count = u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX);
    if count == 0 {
        return Err(Error::NoPages);
    }
    let info = catch_unwind(AssertUnwindSafe(|| Info::read(&pdf))).unwrap_or_default();
    let outline = outline::read(&pdf);
    on_start(Start {
        pages: count,
        info,
        outline,
    });

    let mut interpreter = Interpreter::new(&pdf);
    let mut gutters = None;
    for (page, number) in pdf.pages().iter().zip(1..) {
        let (width, height) = dimensions(page);
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut glyphs = Glyphs::new(width, height);
            interpreter.read(page, Affine::new(affine(page)), &mut glyphs);
            // Nothing on the page is one thing, nothing that could be read of it another.
            if glyphs.ink == Ink::default() && open::is_content_lost(page) {
                return unreadable(number, width, height);
            }
            lay_out(
                glyphs,
                interpreter.fonts(),
                &mut gutters,
                number,
                width,
                height,
            )
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

fn lay_out(
    mut glyphs: Glyphs,
    fonts: &[Font],
    gutters: &mut Option<Gutters>,
    number: u32,
    width: f32,
    height: f32,
) -> ReadPage {
    glyphs.drop_hidden();
    glyphs.compose_accents();
    let found = Gutters::find(&glyphs, width, gutters.as_ref());
    let mut lines = lines::build(&glyphs, found.as_ref());
    if let Some(found) = &found {
        lines = columns::into_reading_order(lines, found, width);
    }
    *gutters = found.or(gutters.take());
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
    if glyphs.is_cut {
        warnings.push(Warning {
            code: "page_cut".to_owned(),
            message: format!(
                "page {number} draws more characters than are read of a page; the rest is left out"
            ),
            page: Some(number),
        });
    }
    let ink = glyphs.ink;
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
            source: PageText::Unreadable,
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
