//! The pages of a document that need recognition, a few at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use super::{Paragraph, Recognition};
use crate::assemble::ranges;
use crate::extract::ReadPage;
use crate::picture::Png;
use crate::worker::Progress;
use crate::{Error, Line, Page, PageText, Rect, Warning};

/// Pages that may fail one after the other; after that the rest is left.
const MAX_FAILURES: u32 = 3;

/// Mean confidence, in percent, below which what was recognised is not what the page says: the
/// wrong language, handwriting, a figure.
const MIN_CONFIDENCE: f32 = 55.0;

/// Letters from which on that is judged.
const MIN_LETTERS: usize = 40;

/// Pixels that a picture for recognition has at most: A3 at 300 dpi. A page stated to be bigger is
/// as a rule one whose scanner's resolution was lost, and its type is bigger too.
const MAX_PIXELS: f32 = 17_500_000.0;

/// Recognises the pages that need it, each drawn by `render`, which takes the page's number and
/// dots per inch. Where that fails a page stays as it was; a warning tells which and why.
pub(crate) fn recognise_pages(
    pages: &mut [ReadPage],
    recognition: &Recognition,
    render: &(dyn Fn(u32, u32) -> Result<Png, Error> + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Warning>, Error> {
    let mut waiting: Vec<&mut Page> = pages
        .iter_mut()
        .map(|read| &mut read.page)
        .filter(|page| page.source.needs_ocr())
        .collect();
    let total = waiting.len() as u32;
    if total == 0 {
        return Ok(Vec::new());
    }
    on_progress(Progress::Recognising { done: 0, total });
    let sizes: Vec<Sheet> = waiting.iter().map(|page| Sheet::of(page)).collect();
    let (next, is_hopeless) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results = thread::scope(|scope| {
        let (sender, results) = channel();
        for _ in 0..recognition.threads.clamp(1, sizes.len()) {
            let sender = sender.clone();
            let work = || {
                let sender = sender;
                while !is_hopeless.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(sheet) = sizes.get(index) else {
                        return;
                    };
                    let result = recognise(sheet, recognition, render, cancelled);
                    if sender.send((index, result)).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new()
                .spawn_scoped(scope, work)
                .inspect_err(|_| is_hopeless.store(true, Ordering::Relaxed))?;
        }
        drop(sender);
        let mut gathered = Vec::new();
        let mut in_a_row = 0;
        for (index, result) in results {
            in_a_row = if result.is_ok() { 0 } else { in_a_row + 1 };
            let is_cancelled = matches!(result, Err(Error::Cancelled));
            if in_a_row >= MAX_FAILURES || is_cancelled {
                is_hopeless.store(true, Ordering::Relaxed);
            }
            gathered.push((index, result));
            let done = gathered.len() as u32;
            on_progress(Progress::Recognising { done, total });
        }
        std::io::Result::Ok(gathered)
    })?;
    let mut is_done = vec![false; waiting.len()];
    let mut why = None;
    for (index, result) in results {
        match result {
            Ok(paragraphs) => {
                replace(waiting[index], &paragraphs);
                is_done[index] = true;
            }
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) => why = why.or(Some(error)),
        }
    }
    let failed: Vec<u32> = waiting
        .iter()
        .zip(is_done)
        .filter(|(_, is_done)| !is_done)
        .map(|(page, _)| page.number)
        .collect();
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

/// What is to be drawn of a page.
struct Sheet {
    number: u32,
    /// In points.
    width: f32,
    height: f32,
}

impl Sheet {
    fn of(page: &Page) -> Self {
        Sheet {
            number: page.number,
            width: page.width.max(1.0),
            height: page.height.max(1.0),
        }
    }
}

fn recognise(
    sheet: &Sheet,
    recognition: &Recognition,
    render: &(dyn Fn(u32, u32) -> Result<Png, Error> + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Paragraph>, Error> {
    let most = 72.0 * (MAX_PIXELS / (sheet.width * sheet.height)).sqrt();
    let png = render(sheet.number, recognition.dpi.min(most as u32))?;
    let dpi = png.width as f32 / sheet.width * 72.0;
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
                sheet.number, recognised.confidence
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
