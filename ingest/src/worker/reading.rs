//! The pages that a child sends, checked, and the document that is made of them however it ended.

use std::process::ExitStatus;

use super::process::{Fault, cause};
use super::protocol::Message;
use crate::extract::{Ink, ReadPage, Start};
use crate::{Document, Error, Page, PageText, Rect, Warning};

/// Pages that the parent believes a file to have at most; above this the child lies.
const MAX_PAGES: u32 = 100_000;
/// Entries of a table of contents that the parent takes.
const MAX_OUTLINE: usize = 5_000;

/// Why no more is taken from the child.
pub(super) enum End {
    Done,
    Failed(Error),
    Cancelled,
    TimedOut { seconds: u64 },
    Died { fault: Option<Fault> },
}

/// What has arrived.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) start: Start,
    is_started: bool,
    pub(super) pages: Vec<ReadPage>,
}

impl Reading {
    pub(super) fn take(&mut self, message: Message) -> Option<End> {
        match message {
            Message::Start(start)
                if !self.is_started
                    && (1..=MAX_PAGES).contains(&start.pages)
                    && start.outline.len() <= MAX_OUTLINE =>
            {
                self.start = checked(start);
                self.is_started = true;
                None
            }
            Message::Page(page) if self.is_expected(&page) => {
                self.pages.push(page);
                None
            }
            Message::End if self.pages.len() as u32 == self.start.pages && self.is_started => {
                Some(End::Done)
            }
            Message::Error(failure) if self.pages.is_empty() => Some(End::Failed(failure.into())),
            _ => Some(End::Died {
                fault: Some(Fault::Nonsense),
            }),
        }
    }

    fn is_expected(&self, read: &ReadPage) -> bool {
        self.is_started
            && self.pages.len() < self.start.pages as usize
            && read.page.number as usize == self.pages.len() + 1
            && read.warnings.len() <= 100
            && is_sound(&read.page)
    }

    /// All pages of the file: those read, and empty ones for the rest where reading stopped, with
    /// a warning that says why.
    pub(super) fn finish(
        mut self,
        end: End,
        status: Option<&ExitStatus>,
    ) -> Result<(Start, Vec<ReadPage>, Vec<Warning>), Error> {
        let error = match end {
            End::Done => return Ok((self.start, self.pages, Vec::new())),
            End::Failed(error) => return Err(error),
            End::Cancelled => return Err(Error::Cancelled),
            End::TimedOut { seconds } => Error::TimedOut { seconds },
            End::Died { fault: Some(fault) } => Error::WorkerDied {
                reason: fault.to_string(),
            },
            End::Died { fault: None } => Error::WorkerDied {
                reason: cause(status),
            },
        };
        if self
            .pages
            .iter()
            .all(|read| read.page.text.trim().is_empty())
        {
            return Err(error);
        }
        let read = self.pages.len() as u32;
        let size = self
            .pages
            .last()
            .map_or((612.0, 792.0), |last| (last.page.width, last.page.height));
        for number in read + 1..=self.start.pages {
            let page = Page {
                number,
                width: size.0,
                height: size.1,
                source: PageText::Unreadable,
                ..Page::default()
            };
            self.pages.push(ReadPage {
                page,
                warnings: Vec::new(),
                ink: Ink::default(),
            });
        }
        let stopped = Warning {
            code: "reading_stopped".to_owned(),
            message: format!(
                "only {read} of {} pages were read: at page {} {error}",
                self.start.pages,
                read + 1
            ),
            page: Some(read + 1),
        };
        Ok((self.start, self.pages, vec![stopped]))
    }
}

/// The rest of the program trusts spans and numbers, and the child's memory may have been
/// corrupted, so they are checked here.
fn is_sound(page: &Page) -> bool {
    let are_finite = |rect: &Rect| {
        [rect.x0, rect.y0, rect.x1, rect.y1]
            .iter()
            .all(|value| value.is_finite())
    };
    let mut last = 0;
    let are_lines_sound = page.lines.iter().all(|line| {
        let mut at = line.start;
        let are_spans_sound = line.spans.iter().all(|span| {
            let is_sound = at <= span.start
                && span.end <= line.end
                && page.text.get(span.start..span.end).is_some()
                && usize::from(span.font) < page.fonts.len()
                && [span.size, span.rise, span.x0, span.x1]
                    .iter()
                    .all(|value| value.is_finite());
            at = span.end;
            is_sound
        });
        let is_sound = last <= line.start
            && are_spans_sound
            && page.text.get(line.start..line.end).is_some()
            && line.font_size.is_finite()
            && are_finite(&line.rect);
        last = line.end;
        is_sound
    });
    let (mut byte, mut row) = (0, 0);
    let are_blocks_sound = page.blocks.iter().all(|block| {
        let is_sound = byte <= block.start
            && page.text.get(block.start..block.end).is_some()
            && row == block.first_line
            && block.first_line <= block.end_line
            && are_finite(&block.rect);
        (byte, row) = (block.end, block.end_line);
        is_sound
    });
    page.width.is_finite()
        && page.height.is_finite()
        && are_lines_sound
        && are_blocks_sound
        && (page.blocks.is_empty() || row == page.lines.len())
        && page.margins.iter().all(|line| are_finite(&line.rect))
}

/// A whole document from the child, checked in the same way.
pub(super) fn document(document: Document) -> Result<Document, Error> {
    let text = document.text();
    let are_pages_sound = (1..)
        .zip(&document.pages)
        .all(|(number, page)| page.number == number && is_sound(page));
    let are_references_sound = document
        .references
        .iter()
        .all(|reference| text.get(reference.start..reference.end).is_some());
    if are_pages_sound && are_references_sound && document.outline.len() <= MAX_OUTLINE {
        Ok(document)
    } else {
        Err(Error::WorkerDied {
            reason: Fault::Nonsense.to_string(),
        })
    }
}

/// Entries of the contents table lead to pages that there are.
fn checked(mut start: Start) -> Start {
    for entry in &mut start.outline {
        entry.level = entry.level.max(1);
        entry.page = entry.page.filter(|page| (1..=start.pages).contains(page));
    }
    start
}
