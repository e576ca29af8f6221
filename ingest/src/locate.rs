//! From a byte span of [`crate::Document::text`] back to pages and rectangles, so that a citation
//! can be highlighted where it is printed.

use crate::{PAGE_SEPARATOR, Page, PageRect, Rect};

/// A line that a span touches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpanLine {
    /// Page number, from 1.
    pub page: u32,
    /// The part of the line that the span covers.
    pub rect: Rect,
    /// First byte of that part, counted from the start of the span.
    pub start: usize,
    /// One past its last byte, counted from the start of the span.
    pub end: usize,
}

/// The lines that the bytes `start..end` of the document's text touch, in reading order.
///
/// A line that is covered in part is cut in proportion to its characters: exact for none, within
/// about a character's width for most.
pub fn lines(pages: &[Page], start: usize, end: usize) -> Vec<SpanLine> {
    let mut found = Vec::new();
    let mut offset = 0;
    for page in pages {
        let page_end = offset + page.text.len();
        if offset >= end {
            break;
        }
        if page_end > start {
            let first = page
                .lines
                .partition_point(|line| offset + line.end <= start);
            for line in &page.lines[first..] {
                let (from, to) = (offset + line.start, offset + line.end);
                if from >= end {
                    break;
                }
                let (cut_from, cut_to) = (from.max(start), to.min(end));
                if cut_from >= cut_to {
                    continue;
                }
                let Some(text) = page.text.get(line.start..line.end) else {
                    continue;
                };
                let rect = part(line.rect, text, cut_from - from, cut_to - from);
                found.push(SpanLine {
                    page: page.number,
                    rect,
                    start: cut_from - start,
                    end: cut_to - start,
                });
            }
        }
        offset = page_end + PAGE_SEPARATOR.len();
    }
    found
}

/// One rectangle for each line that the bytes `start..end` of the document's text touch.
pub fn rects(pages: &[Page], start: usize, end: usize) -> Vec<PageRect> {
    lines(pages, start, end)
        .into_iter()
        .map(|line| PageRect {
            page: line.page,
            rect: line.rect,
        })
        .collect()
}

/// Number of the page that holds byte `offset` of the document's text; a separator counts to the
/// page before it, whatever lies past the end to the last page. 1 where there are no pages.
pub fn page_at(pages: &[Page], offset: usize) -> u32 {
    let mut page_end = 0;
    for page in pages {
        page_end += page.text.len() + PAGE_SEPARATOR.len();
        if offset < page_end {
            return page.number;
        }
    }
    pages.last().map_or(1, |page| page.number)
}

/// The part of a line's rectangle that bytes `from..to` of its text take up.
fn part(rect: Rect, text: &str, from: usize, to: usize) -> Rect {
    if from == 0 && to == text.len() {
        return rect;
    }
    let total = weight(text).max(f32::EPSILON);
    let share = |byte: usize| weight(text.get(..byte).unwrap_or(text)) / total;
    let (from, to) = (share(from), share(to));
    // A line set upwards or downwards runs along its height.
    if rect.y1 - rect.y0 > 2.0 * (rect.x1 - rect.x0) && text.chars().count() > 3 {
        return rect;
    }
    let width = rect.x1 - rect.x0;
    Rect {
        x0: rect.x0 + width * from,
        x1: rect.x0 + width * to,
        ..rect
    }
}

/// Rough width of text in ems of a proportional font.
fn weight(text: &str) -> f32 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ';' | ':' | '\'' | '|' | ' ' => 0.28,
            'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' => 0.36,
            'm' | 'w' | 'M' | 'W' => 0.82,
            'A'..='Z' => 0.68,
            _ if crate::extract::is_cjk(c) => 1.0,
            _ => 0.5,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Line;

    fn pages() -> Vec<Page> {
        let line = |y: f32, start, end| Line {
            rect: Rect {
                x0: 0.0,
                y0: y,
                x1: 100.0,
                y1: y + 10.0,
            },
            start,
            end,
            font_size: 10.0,
            spans: Vec::new(),
        };
        let page = |number, text: &str, lines| Page {
            number,
            width: 200.0,
            height: 300.0,
            text: text.to_owned(),
            lines,
            ..Page::default()
        };
        vec![
            page(
                1,
                "aaaa bbbb\ncccc dddd",
                vec![line(0.0, 0, 9), line(12.0, 10, 19)],
            ),
            page(2, "", vec![]),
            page(3, "eeee ffff", vec![line(0.0, 0, 9)]),
        ]
    }

    #[test]
    fn a_span_over_two_lines_is_cut_at_both_ends() {
        let found = lines(&pages(), 5, 14);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].start, found[0].end, found[1].start, found[1].end),
            (0, 4, 5, 9)
        );
        assert!((found[0].rect.x0 - 53.3).abs() < 1.0 && found[0].rect.x1 == 100.0);
        assert!(found[1].rect.x0 == 0.0 && (found[1].rect.x1 - 46.7).abs() < 1.0);
    }

    #[test]
    fn a_span_over_pages() {
        // Page 1 takes bytes 0 to 18, its separator 19, the empty page's separator 20.
        let found = rects(&pages(), 15, 25);
        assert_eq!(
            found.iter().map(|rect| rect.page).collect::<Vec<_>>(),
            [1, 3]
        );
        assert_eq!(
            [0, 18, 19, 20, 21, 99].map(|offset| page_at(&pages(), offset)),
            [1, 1, 1, 2, 3, 3]
        );
        assert_eq!(page_at(&[], 5), 1);
        assert!(rects(&pages(), 9, 10).is_empty());
    }
}
