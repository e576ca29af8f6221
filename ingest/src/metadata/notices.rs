//! The lines of the first page that may say where and when the paper appeared.
//!
//! A year or a DOI in running text is somebody else's. What counts is printed apart: in the
//! margins, above the title, in small type at the foot of the page. Each such line is handed on
//! with the one after it, as long names and identifiers run over the line's end.

use super::first_page::FirstPage;
use crate::Page;

/// A line that is not running text.
#[derive(Debug)]
pub(super) struct Notice {
    /// The line.
    pub(super) text: String,
    /// The line and the next one of the page.
    pub(super) with_next: String,
    /// True where it stands in the margins or near the upper or lower edge.
    pub(super) is_at_edge: bool,
}

/// Longest line in bytes that is looked at.
const MAX_LENGTH: usize = 600;
/// Lines of a page that are looked at.
const MAX_LINES: usize = 2_000;

/// The notices of the first page, of the cover before it and of the second page's margins.
pub(super) fn notices(first: &FirstPage<'_>, pages: &[Page]) -> Vec<Notice> {
    let mut notices = margins(first.page);
    notices.extend(lines(first.page, first.body));
    if let Some(cover) = first.number.checked_sub(1).and_then(|at| pages.get(at)) {
        notices.extend(margins(cover));
        notices.extend(lines(cover, f32::INFINITY));
    }
    if let Some(second) = pages.get(first.number + 1) {
        notices.extend(margins(second));
    }
    notices
}

fn margins(page: &Page) -> Vec<Notice> {
    let texts: Vec<&str> = page
        .margins
        .iter()
        .take(MAX_LINES)
        .map(|line| line.text.as_str())
        .collect();
    pair(&texts)
        .into_iter()
        .map(|(text, with_next)| Notice {
            text,
            with_next,
            is_at_edge: true,
        })
        .collect()
}

fn lines(page: &Page, body: f32) -> Vec<Notice> {
    let texts: Vec<&str> = page
        .lines
        .iter()
        .take(MAX_LINES)
        .map(|line| page.slice(line.start, line.end))
        .collect();
    let notices = pair(&texts).into_iter().zip(&page.lines);
    notices
        .filter_map(|((text, with_next), line)| {
            let is_small = line.font_size < 0.96 * body;
            let is_at_edge = line.rect.y0 > 0.85 * page.height || line.rect.y1 < 0.12 * page.height;
            let is_prose = is_running(&text) && !is_small && !is_at_edge;
            let is_turned = line.rect.y1 - line.rect.y0 > 2.0 * (line.rect.x1 - line.rect.x0);
            (!is_prose).then_some(Notice {
                text,
                with_next,
                is_at_edge: is_at_edge || is_turned,
            })
        })
        .collect()
}

/// Running text: a long line most of whose words are small, without the signs of a notice.
fn is_running(text: &str) -> bool {
    let words = text.split_whitespace().count();
    let small = text
        .split_whitespace()
        .filter(|word| word.starts_with(char::is_lowercase))
        .count();
    let lower = text.to_lowercase();
    let is_notice = [
        "appears in",
        "appeared in",
        "appear in",
        "published",
        "doi",
        "copyright",
        "\u{a9}",
    ]
    .iter()
    .any(|word| lower.contains(word));
    words >= 6 && small * 2 >= words && !is_notice
}

/// A long line without the page number that ends its row: citations at the foot of a page run on
/// in the next line.
fn without_number(text: &str) -> &str {
    let bare = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - bare.len();
    if text.len() >= 60 && (1..=3).contains(&digits) && bare.ends_with(' ') {
        bare.trim_end()
    } else {
        text
    }
}

fn pair(texts: &[&str]) -> Vec<(String, String)> {
    let cut = |text: &str| -> String {
        let end = text.floor_char_boundary(MAX_LENGTH.min(text.len()));
        without_number(text[..end].trim()).to_owned()
    };
    (0..texts.len())
        .map(|i| {
            let text = cut(texts[i]);
            let mut with_next = text.clone();
            if let Some(next) = texts.get(i + 1) {
                with_next.push(' ');
                with_next.push_str(&cut(next));
            }
            (text, with_next)
        })
        .collect()
}
