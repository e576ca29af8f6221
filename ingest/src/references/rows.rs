//! The printed lines of all pages in one sequence, as the search for the reference list needs
//! them: with their place in the document's text, without running heads, and grouped into runs
//! that go straight down one column.

use std::collections::HashMap;

use crate::{Line, PAGE_SEPARATOR, Page, Rect};

/// Share of the page's height at its top and bottom where running heads and feet may stand.
const MARGIN_BAND: f32 = 0.2;
/// Running heads and feet have at most so many lines, in points from the page's outermost line.
const MARGIN_DEPTH: f32 = 26.0;

/// One printed line.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub(super) text: &'a str,
    pub(super) rect: Rect,
    /// Height of the em of its largest letters, in points.
    pub(super) size: f32,
    /// Index of its page.
    pub(super) page: usize,
    /// The run that it is in; runs are numbered through the document.
    pub(super) run: usize,
    /// First byte in [`crate::Document::text`].
    pub(super) start: usize,
    /// One past the last byte in [`crate::Document::text`].
    pub(super) end: usize,
    /// An empty line stands before it in the page's text.
    pub(super) is_parted: bool,
    /// Most of it is set in bold.
    pub(super) is_bold: bool,
}

impl Row<'_> {
    /// True where the page has geometry, as files without pages do not.
    pub(super) fn is_placed(&self) -> bool {
        self.rect.y1 > self.rect.y0
    }
}

/// All lines that are no running heads, feet or page numbers.
pub(super) fn of(pages: &[Page]) -> Vec<Row<'_>> {
    let repeated = repeated(pages);
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut offset = 0;
    let mut run = 0;
    for (index, page) in pages.iter().enumerate() {
        let mut last_end = 0;
        let margins = Margins::of(page);
        for line in &page.lines {
            let between = page.slice(last_end, line.start);
            last_end = line.end;
            let text = page.slice(line.start, line.end).trim_end();
            if text.trim_start().is_empty() || margins.has_running(line, text, &repeated) {
                continue;
            }
            let text = text.trim_start();
            let lead = page.slice(line.start, line.end).len()
                - page.slice(line.start, line.end).trim_start().len();
            let row = Row {
                text,
                rect: line.rect,
                size: size(line),
                page: index,
                run: 0,
                start: offset + line.start + lead,
                end: offset + line.start + lead + text.len(),
                is_parted: between.bytes().filter(|byte| *byte == b'\n').count() > 1,
                is_bold: page.is_bold(line),
            };
            if rows.last().is_some_and(|last| breaks(last, &row)) {
                run += 1;
            }
            rows.push(Row { run, ..row });
        }
        offset += page.text.len() + PAGE_SEPARATOR.len();
    }
    rows
}

/// True where `row` stands in another column or on another page than the row before it.
fn breaks(last: &Row<'_>, row: &Row<'_>) -> bool {
    let half = 0.5 * (last.rect.y1 - last.rect.y0);
    last.page != row.page
        || row.rect.y0 + half < last.rect.y0
        || (row.rect.x0 > last.rect.x1 && row.rect.y0 > last.rect.y1 + 4.0 * half)
}

/// Small capitals make most of a line's glyphs smaller than its type.
fn size(line: &Line) -> f32 {
    line.spans
        .iter()
        .filter(|span| span.rise == 0.0)
        .map(|span| span.size)
        .fold(line.font_size, f32::max)
        .min(1.6 * line.font_size.max(1.0))
}

/// Where a page's outermost lines stand.
struct Margins {
    top: f32,
    bottom: f32,
    height: f32,
}

impl Margins {
    fn of(page: &Page) -> Self {
        let lines = || page.lines.iter().filter(|line| line.end > line.start);
        Margins {
            top: lines().map(|line| line.rect.y0).fold(f32::MAX, f32::min),
            bottom: lines().map(|line| line.rect.y1).fold(0.0, f32::max),
            height: page.height,
        }
    }

    /// True for lines within `depth` points of the outermost.
    fn holds(&self, line: &Line, depth: f32) -> bool {
        let is_head = line.rect.y0 < self.top + depth && line.rect.y1 < MARGIN_BAND * self.height;
        let is_foot =
            line.rect.y1 > self.bottom - depth && line.rect.y0 > (1.0 - MARGIN_BAND) * self.height;
        self.height > 0.0 && (is_head || is_foot)
    }

    fn has_running(&self, line: &Line, text: &str, repeated: &HashMap<String, u32>) -> bool {
        let is_number = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        let height = line.rect.y1 - line.rect.y0;
        (is_number && self.holds(line, 0.5 * height))
            || (self.holds(line, MARGIN_DEPTH) && repeated.contains_key(&digitless(text)))
    }
}

/// Lines of the margin bands that stand on several pages, but for their numbers.
fn repeated(pages: &[Page]) -> HashMap<String, u32> {
    let mut counts: HashMap<String, u32> = HashMap::new();
    for page in pages {
        let mut seen: Vec<String> = Vec::new();
        let margins = Margins::of(page);
        let lines = page
            .lines
            .iter()
            .filter(|line| margins.holds(line, MARGIN_DEPTH));
        // Running heads are few; a page of thousands of such lines is no paper's.
        for line in lines.take(40) {
            let key = digitless(page.slice(line.start, line.end));
            if !key.is_empty() && !seen.contains(&key) {
                seen.push(key);
            }
        }
        for key in seen {
            *counts.entry(key).or_default() += 1;
        }
    }
    let least = (pages.len() as u32 / 5).max(2);
    counts.retain(|_, count| *count >= least);
    counts
}

/// The text in lower case with each number as one `#`.
fn digitless(text: &str) -> String {
    let mut key = String::new();
    for c in text.chars().take(200) {
        if c.is_ascii_digit() {
            if !key.ends_with('#') {
                key.push('#');
            }
        } else if !c.is_whitespace() {
            key.extend(c.to_lowercase());
        }
    }
    key
}
