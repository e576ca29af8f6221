//! Cuts verbatim quotes from passages, with the page and the rectangles where they are printed.

use std::ops::Range;

use ingest::{PageRect, Rect};
use retrieval::{Passage, PassageLine};

use crate::Citation;

/// A verbatim piece of one page.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Its bytes in [`Passage::text`].
    pub range: Range<usize>,
    /// The page it is on, from 1.
    pub page: u32,
    /// Exactly `passage.text[range]`; line ends are the page's.
    pub text: String,
    /// Where it is printed, a rectangle a line.
    pub rects: Vec<PageRect>,
}

/// The quote of `range`, without white space at its ends. A range that crosses pages is cut to
/// the page that has most of it. For a passage without lines the page is the passage's first.
pub fn quote(passage: &Passage, range: Range<usize>) -> Quote {
    let mut by_page: Vec<(u32, usize)> = Vec::new();
    for line in &passage.lines {
        let shared = overlap(line, &range).len();
        match by_page.iter_mut().find(|(page, _)| *page == line.page) {
            Some((_, bytes)) => *bytes += shared,
            None => by_page.push((line.page, shared)),
        }
    }
    // Of equals the first page.
    let mut best: Option<(u32, usize)> = None;
    for (page, bytes) in by_page {
        if bytes > 0 && best.is_none_or(|(_, most)| bytes > most) {
            best = Some((page, bytes));
        }
    }
    let (page, range) = match best {
        Some((page, _)) => (page, on_page(&passage.lines, page, &range)),
        None => (passage.page, range),
    };
    let range = trim(&passage.text, range);
    let rects = passage
        .lines
        .iter()
        .filter(|line| line.page == page)
        .filter_map(|line| printed(&passage.text, line, &range))
        .collect();
    Quote {
        page,
        text: passage.text[range.clone()].to_owned(),
        range,
        rects,
    }
}

/// The citation of a quote of `passage`.
pub(crate) fn cite(key: u32, passage: &Passage, quote: Quote) -> Citation {
    Citation {
        key,
        document_id: passage.document_id.clone(),
        file: passage.file.clone(),
        title: passage.title.clone(),
        authors: passage.authors.clone(),
        year: passage.year,
        page: quote.page,
        quote: quote.text,
        rects: quote.rects,
        chunk_id: passage.chunk_id,
        score: passage.score,
    }
}

/// The key of a quote among `citations`, to which it is added where it is new.
pub(crate) fn key_of(citations: &mut Vec<Citation>, passage: &Passage, quote: Quote) -> u32 {
    let known = citations.iter().find(|known| {
        known.document_id == passage.document_id
            && known.page == quote.page
            && known.quote == quote.text
    });
    if let Some(known) = known {
        return known.key;
    }
    let next = u32::try_from(citations.len()).map_or(u32::MAX, |count| count + 1);
    citations.push(cite(next, passage, quote));
    next
}

/// The part of `range` from its first line on `page` to its last.
fn on_page(lines: &[PassageLine], page: u32, range: &Range<usize>) -> Range<usize> {
    let touched = lines
        .iter()
        .filter(|line| line.page == page)
        .map(|line| overlap(line, range))
        .filter(|shared| !shared.is_empty());
    let (mut start, mut end) = (range.end, range.start);
    for shared in touched {
        start = start.min(shared.start);
        end = end.max(shared.end);
    }
    start..end
}

fn overlap(line: &PassageLine, range: &Range<usize>) -> Range<usize> {
    let start = line.start.max(range.start);
    start..line.end.min(range.end).max(start)
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    start..start + piece.trim().len()
}

/// The rectangle of the part of a line that is in `range`, its width shared out by characters.
fn printed(text: &str, line: &PassageLine, range: &Range<usize>) -> Option<PageRect> {
    let shared = trim(text, overlap(line, range));
    if shared.is_empty() {
        return None;
    }
    let count = |range: Range<usize>| text[range].chars().count() as f32;
    let whole = count(line.start..line.end);
    let width = line.rect.x1 - line.rect.x0;
    let at = |byte: usize| line.rect.x0 + width * count(line.start..byte) / whole;
    Some(PageRect {
        page: line.page,
        rect: Rect {
            x0: at(shared.start),
            x1: at(shared.end),
            ..line.rect
        },
    })
}
