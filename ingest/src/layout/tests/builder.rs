//! Pages made by hand: lines at places, in a few fonts.

use expect_test::Expect;

use super::super::{Hints, lay_out};
use crate::{BlockKind, Font, Line, MarginKind, Page, Rect, Span};

/// Indices of the fonts that all pages have.
pub(super) const PLAIN: u16 = 0;
pub(super) const BOLD: u16 = 1;
pub(super) const ITALIC: u16 = 2;
pub(super) const MONO: u16 = 3;

/// Adds lines to a page from the top down.
pub(super) struct Sheet {
    page: Page,
    /// Baseline of the last line.
    y: f32,
    pub(super) x: f32,
    pub(super) size: f32,
    pub(super) leading: f32,
}

impl Sheet {
    pub(super) fn new(number: u32) -> Self {
        let font = |name: &str, bold, italic, monospace| Font {
            name: name.to_owned(),
            bold,
            italic,
            monospace,
        };
        Sheet {
            page: Page {
                number,
                width: 600.0,
                height: 800.0,
                fonts: vec![
                    font("Roman", false, false, false),
                    font("Roman-Bold", true, false, false),
                    font("Roman-Italic", false, true, false),
                    font("Mono", false, false, true),
                ],
                ..Page::default()
            },
            y: 80.0,
            x: 100.0,
            size: 10.0,
            leading: 12.0,
        }
    }

    /// A line of runs anywhere; a tab in a run goes on at the next multiple of 90 points.
    pub(super) fn put(&mut self, x: f32, y: f32, size: f32, runs: &[(u16, &str)]) -> &mut Self {
        let page = &mut self.page;
        if !page.text.is_empty() {
            page.text.push('\n');
        }
        let start = page.text.len();
        let mut spans = Vec::new();
        let mut at = x;
        for (font, run) in runs {
            for (index, part) in run.split('\t').enumerate() {
                if index > 0 {
                    at = x + ((at - x) / 90.0).floor() * 90.0 + 90.0;
                }
                if !spans.is_empty() {
                    page.text.push(' ');
                    at += 0.3 * size;
                }
                let x0 = at;
                at += part.chars().count() as f32 * 0.5 * size;
                let start = page.text.len();
                page.text.push_str(part);
                spans.push(Span {
                    start,
                    end: page.text.len(),
                    font: *font,
                    size,
                    rise: 0.0,
                    x0,
                    x1: at,
                });
            }
        }
        page.lines.push(Line {
            rect: Rect {
                x0: x,
                y0: y - 0.8 * size,
                x1: at,
                y1: y + 0.2 * size,
            },
            start,
            end: page.text.len(),
            font_size: size,
            spans,
        });
        self
    }

    /// The next line, in a font.
    pub(super) fn line(&mut self, font: u16, text: &str) -> &mut Self {
        self.y += self.leading;
        let (x, y, size) = (self.x, self.y, self.size);
        self.put(x, y, size, &[(font, text)])
    }

    /// The next line, as running text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.line(PLAIN, text)
    }

    /// Lines of text as long as a column is wide: 60 characters each, the last shorter.
    pub(super) fn prose(&mut self, lines: usize, last: &str) -> &mut Self {
        for _ in 1..lines {
            // No two lines are alike, as in a real text.
            let (page, line) = (self.page.number as u8, self.page.lines.len() as u8);
            let words = [b'a' + page % 26, b'a' + line % 26].map(char::from);
            let words = String::from_iter(words);
            self.text(&format!(
                "These words {words} fill one line of the column, as wide as a"
            ));
        }
        self.text(last)
    }

    /// The next line, of several runs.
    pub(super) fn put_next(&mut self, runs: &[(u16, &str)]) -> &mut Self {
        self.y += self.leading;
        let (x, y, size) = (self.x, self.y, self.size);
        self.put(x, y, size, runs)
    }

    /// The next lines start here.
    pub(super) fn to(&mut self, x: f32) -> &mut Self {
        self.x = x;
        self
    }

    /// A line that runs upwards, from the middle of the page.
    pub(super) fn put_turned(&mut self, x: f32, size: f32, text: &str) -> &mut Self {
        self.put(x, 500.0, size, &[(PLAIN, text)]);
        if let Some(line) = self.page.lines.last_mut() {
            line.rect = Rect {
                x0: x,
                y0: 200.0,
                x1: x + size,
                y1: 500.0,
            };
        }
        self
    }

    pub(super) fn gap(&mut self, points: f32) -> &mut Self {
        self.y += points;
        self
    }

    pub(super) fn at(&mut self, x: f32, y: f32) -> &mut Self {
        (self.x, self.y) = (x, y);
        self
    }

    pub(super) fn page(&mut self) -> Page {
        std::mem::take(&mut self.page)
    }
}

/// What layout makes of pages.
pub(super) fn check(mut pages: Vec<Page>, expected: Expect) {
    lay_out(&mut pages, &Hints::default());
    expected.assert_eq(&show(&pages));
}

/// Margins and blocks, one a line.
pub(super) fn show(pages: &[Page]) -> String {
    let mut out = String::new();
    for page in pages {
        for margin in &page.margins {
            let kind = match margin.kind {
                MarginKind::Header => "header",
                MarginKind::Footer => "footer",
                MarginKind::PageNumber => "number",
                MarginKind::Aside => "aside",
            };
            out.push_str(&format!("{}: {kind} | {}\n", page.number, margin.text));
        }
        for block in &page.blocks {
            let text = page
                .slice(block.start, block.end)
                .replace('\n', " / ")
                .replace('\t', " ; ");
            let level = block.level.map_or(String::new(), |level| level.to_string());
            let continues = if block.continues { "+" } else { "" };
            out.push_str(&format!(
                "{}: {}{level}{continues} | {text}\n",
                page.number,
                name(block.kind)
            ));
        }
    }
    out
}

fn name(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Title => "title",
        BlockKind::Author => "author",
        BlockKind::Abstract => "abstract",
        BlockKind::Heading => "heading",
        BlockKind::Paragraph => "paragraph",
        BlockKind::ListItem => "item",
        BlockKind::Caption => "caption",
        BlockKind::Table => "table",
        BlockKind::Equation => "equation",
        BlockKind::Code => "code",
        BlockKind::Footnote => "footnote",
        BlockKind::Reference => "reference",
    }
}
