//! The pages that a child sends, checked, and the document that is made of them however it ended.

use std::process::ExitStatus;

use super::process::{Fault, cause};
use super::protocol::Message;
use crate::extract::{Ink, ReadPage, Start};
use crate::{Error, Line, Page, PageText, Warning};

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

    /// The rest of the program trusts spans and numbers, and the child's memory may have been
    /// corrupted, so they are checked here.
    fn is_expected(&self, read: &ReadPage) -> bool {
        let page = &read.page;
        let mut last = 0;
        self.is_started
            && self.pages.len() < self.start.pages as usize
            && page.number as usize == self.pages.len() + 1
            && page.width.is_finite()
            && page.height.is_finite()
            && read.warnings.len() <= 100
            && page.lines.iter().all(|line: &Line| {
                let rect = [
                    line.rect.x0,
                    line.rect.y0,
                    line.rect.x1,
                    line.rect.y1,
                    line.font_size,
                ];
                let is_good = last <= line.start
                    && page.text.get(line.start..line.end).is_some()
                    && rect.iter().all(|value| value.is_finite());
                last = line.end;
                is_good
            })
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

/// Entries of the contents table lead to pages that there are.
fn checked(mut start: Start) -> Start {
    for entry in &mut start.outline {
        entry.level = entry.level.max(1);
        entry.page = entry.page.filter(|page| (1..=start.pages).contains(page));
    }
    start
}
