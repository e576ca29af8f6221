//! First pages in the layouts of publishers and classes, set from a few lines each.

use super::{Front, front};
mod publishers;
mod wording;

use crate::extract::Info;
use crate::{Font, Line, Metadata, Page, Rect, Span};

/// Sets lines on a page of 600 by 800 points. A line is its left edge, its top, its size and its
/// text, in which `^{...}` is raised and a leading `*` makes it bold.
fn page(lines: &[(f32, f32, f32, &str)]) -> Page {
    let mut page = Page {
        number: 1,
        width: 600.0,
        height: 800.0,
        fonts: vec![
            Font::default(),
            Font {
                bold: true,
                ..Font::default()
            },
        ],
        ..Page::default()
    };
    for (x, y, size, text) in lines {
        let (text, font) = match text.strip_prefix('*') {
            Some(text) => (text, 1),
            None => (*text, 0),
        };
        if !page.text.is_empty() {
            page.text.push('\n');
        }
        let start = page.text.len();
        let mut spans = Vec::new();
        for (i, piece) in text.split("^{").enumerate() {
            let (raised, plain) = match piece.split_once('}') {
                Some((raised, plain)) if i > 0 => (raised, plain),
                _ => ("", piece),
            };
            for (text, size, rise) in [(raised, 0.7 * size, 0.35 * size), (plain, *size, 0.0)] {
                let start = page.text.len();
                page.text.push_str(text);
                if !text.is_empty() {
                    spans.push(Span {
                        start,
                        end: page.text.len(),
                        font,
                        size,
                        rise,
                        x0: *x,
                        x1: *x,
                    });
                }
            }
        }
        let end = page.text.len();
        let width = 0.48 * size * page.text[start..end].chars().count() as f32;
        page.lines.push(Line {
            rect: Rect {
                x0: *x,
                y0: *y,
                x1: x + width,
                y1: y + size,
            },
            start,
            end,
            font_size: *size,
            spans,
        });
    }
    page
}

/// Left edge of a centred line.
fn centred(size: f32, text: &str) -> f32 {
    300.0
        - 0.24
            * size
            * text
                .replace("^{", "")
                .replace(['}', '*'], "")
                .chars()
                .count() as f32
}

/// Running text in one column from `y` on.
fn prose(lines: &mut Vec<(f32, f32, f32, &'static str)>, x: f32, y: f32, size: f32, count: usize) {
    const TEXT: [&str; 3] = [
        "we study how the small things are made of others and",
        "why they behave as they do when they are seen from far",
        "away by people who have never met any one of them, and",
    ];
    for i in 0..count {
        lines.push((x, y + i as f32 * 1.2 * size, size, TEXT[i % 3]));
    }
}

fn read(pages: &[Page]) -> (Metadata, Front) {
    front(&Info::default(), pages)
}

fn check(pages: &[Page], title: &str, authors: &[&str]) -> (Metadata, Front) {
    let (metadata, front) = read(pages);
    assert_eq!(metadata.title(), Some(title));
    assert_eq!(metadata.authors(), authors);
    (metadata, front)
}

fn text_of(page: &Page, lines: Option<std::ops::Range<usize>>) -> Vec<&str> {
    page.lines[lines.expect("a range")]
        .iter()
        .map(|line| page.slice(line.start, line.end))
        .collect()
}
