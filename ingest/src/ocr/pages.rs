//! The pages of a document that need recognition, one after the other.

use super::{Paragraph, Recognition};
use crate::assemble::ranges;
use crate::extract::ReadPage;
use crate::render::Png;
use crate::worker::Progress;
use crate::{Error, Line, Page, PageText, Rect, Warning};

/// Pages that may fail in a row; after that the rest is left.
const MAX_FAILURES: u32 = 3;

/// Mean confidence, in percent, below which what was recognised is not what the page says: the
/// wrong language, handwriting, a figure.
const MIN_CONFIDENCE: f32 = 55.0;

/// Letters from which on that is judged.
const MIN_LETTERS: usize = 40;

/// Pixels that a picture for recognition has at most: A3 at 300 dpi. A page stated to be bigger is
/// as a rule one whose scanner's resolution was lost, and its type is bigger too.
const MAX_PIXELS: f32 = 17_500_000.0;

/// Recognises the pages that need it, each drawn by `render`. Where that fails a page stays as it
/// was; a warning tells which and why. `render` takes the page's number and dots per inch.
pub(crate) fn recognise_pages(
    pages: &mut [ReadPage],
    recognition: &Recognition,
    render: &dyn Fn(u32, u32) -> Result<Png, Error>,
    cancelled: &(dyn Fn() -> bool + Sync),
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Warning>, Error> {
    let total = pages
        .iter()
        .filter(|read| read.page.source.needs_ocr())
        .count() as u32;
    let (mut done, mut in_a_row) = (0, 0);
    let mut failed: Vec<u32> = Vec::new();
    let mut why = None;
    let waiting = pages.iter_mut().filter(|read| read.page.source.needs_ocr());
    for read in waiting {
        on_progress(Progress::Recognising { done, total });
        done += 1;
        let number = read.page.number;
        let paragraphs = if in_a_row >= MAX_FAILURES {
            Err(None)
        } else {
            recognise(&read.page, recognition, render, cancelled).map_err(Some)
        };
        match paragraphs {
            Ok(paragraphs) => {
                in_a_row = 0;
                replace(&mut read.page, &paragraphs);
            }
            Err(Some(Error::Cancelled)) => return Err(Error::Cancelled),
            Err(error) => {
                in_a_row += 1;
                failed.push(number);
                why = why.or(error);
            }
        }
    }
    if total > 0 {
        on_progress(Progress::Recognising { done: total, total });
    }
    Ok(failed
        .first()
        .zip(why)
        .map(|(&first, error)| Warning {
            code: "recognition_failed".to_owned(),
            message: format!(
                "{} of {total} pages without text ({}) could not be recognised: {error}",
                failed.len(),
                ranges(&failed)
            ),
            page: Some(first),
        })
        .into_iter()
        .collect())
}

fn recognise(
    page: &Page,
    recognition: &Recognition,
    render: &dyn Fn(u32, u32) -> Result<Png, Error>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Paragraph>, Error> {
    let (width, height) = (page.width.max(1.0), page.height.max(1.0));
    let most = 72.0 * (MAX_PIXELS / (width * height)).sqrt();
    let png = render(page.number, recognition.dpi.min(most as u32))?;
    let dpi = png.width as f32 / width * 72.0;
    let language = &recognition.language;
    let recognised = recognition.tesseract.recognise(
        &png.bytes,
        dpi,
        language,
        recognition.page_seconds,
        cancelled,
    )?;
    if recognised.letters >= MIN_LETTERS && recognised.confidence < MIN_CONFIDENCE {
        return Err(Error::Recognition {
            reason: format!(
                "page {} was recognised with {:.0}% confidence only; is its language {language}?",
                page.number, recognised.confidence
            ),
        });
    }
    Ok(recognised.paragraphs)
}

/// Puts the recognised text in the place of what the page had. A garbled page or a stamped scan
/// keeps what it has where nothing was recognised.
fn replace(page: &mut Page, paragraphs: &[Paragraph]) {
    if paragraphs.is_empty() && !page.text.trim().is_empty() {
        return;
    }
    let mut new = Page {
        number: page.number,
        width: page.width,
        height: page.height,
        source: PageText::Recognised,
        ..Page::default()
    };
    // Blocks are found with those of all pages, from the lines.
    for line in paragraphs.iter().flat_map(|paragraph| &paragraph.lines) {
        if !new.text.is_empty() {
            new.text.push('\n');
        }
        let start = new.text.len();
        new.text.push_str(&line.text);
        new.lines.push(Line {
            rect: within(line.rect, page),
            start,
            end: new.text.len(),
            font_size: line.font_size,
            spans: Vec::new(),
        });
    }
    *page = new;
}

fn within(rect: Rect, page: &Page) -> Rect {
    Rect {
        x0: rect.x0.clamp(0.0, page.width),
        y0: rect.y0.clamp(0.0, page.height),
        x1: rect.x1.clamp(0.0, page.width),
        y1: rect.y1.clamp(0.0, page.height),
    }
}
