//! A printed line while it is being laid out: its text on its own, and how it looks.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::extract::is_cjk;
use crate::hyphen::is_hyphen;
use crate::{Font, Line, Page, Rect, Span};

/// A line with its own text; wide gaps inside it are tabs.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Index of its first line among the page's as they were read.
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) rect: Rect,
    /// Size of most of its glyphs, in points.
    pub(super) size: f32,
    /// Runs of one font; offsets are into `text`.
    pub(super) spans: Vec<Span>,
    pub(super) look: Look,
    letters: usize,
    /// The rows that it was put together from; empty where it is one line.
    pub(super) parts: Vec<Row>,
}

/// What the fonts of a row say of it as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Look {
    /// All its letters are bold.
    pub(super) bold: bool,
    /// All its letters are italic.
    pub(super) italic: bool,
    /// Nearly all of it is set in a font for listings.
    pub(super) monospace: bool,
    /// A good part of it is set in fonts of mathematical symbols.
    pub(super) mathematical: bool,
    /// Its letters are capitals only.
    pub(super) capitals: bool,
    /// Bytes at its start that are bold or italic where the rest is not; 0 where there are none.
    pub(super) opening: usize,
    /// Stands for the name of the font that most of it is set in; 0 where unknown.
    pub(super) face: u64,
}

impl Row {
    pub(super) fn new(page: &Page, line: &Line) -> Self {
        let text = page.slice(line.start, line.end);
        let spans: Vec<Span> = line
            .spans
            .iter()
            .map(|span| Span {
                start: span.start.saturating_sub(line.start),
                end: span.end.saturating_sub(line.start),
                ..span.clone()
            })
            .collect();
        let look = Look::new(text, &spans, &page.fonts);
        let text = with_tabs(text, &spans);
        Row {
            line: 0,
            letters: letters(&text),
            rect: line.rect,
            size: line.font_size,
            look,
            text,
            spans,
            parts: Vec::new(),
        }
    }

    pub(super) fn width(&self) -> f32 {
        self.rect.x1 - self.rect.x0
    }

    /// Where the baseline is, about: descenders reach a fifth of an em below it.
    pub(super) fn bottom(&self) -> f32 {
        self.rect.y1
    }

    /// The cells, apart by wide gaps.
    pub(super) fn cells(&self) -> usize {
        1 + self.text.bytes().filter(|&b| b == b'\t').count()
    }

    /// Takes the first cell off, where the fonts' runs say where the second starts.
    pub(super) fn split_first_cell(&mut self) -> Option<Row> {
        let at = self.text.find('\t')?;
        let second = self.spans.iter().position(|span| span.start > at)?;
        let x0 = self.spans.get(second)?.x0;
        let x1 = self.spans.get(second.checked_sub(1)?)?.x1;
        let rest = self.text.get(at + 1..)?.to_owned();
        let mut first = Row {
            text: self.text.get(..at)?.to_owned(),
            ..self.clone()
        };
        first.spans.truncate(second);
        first.rect.x1 = x1;
        first.letters = letters(&first.text);
        self.spans.drain(..second);
        for span in &mut self.spans {
            span.start -= at + 1;
            span.end -= at + 1;
        }
        self.rect.x0 = x0;
        self.letters = letters(&rest);
        self.text = rest;
        Some(first)
    }

    /// Left edges of the cells after the first, in points, where the fonts' runs tell them.
    pub(super) fn cell_starts(&self) -> impl Iterator<Item = f32> {
        let text = self.text.as_bytes();
        self.spans
            .iter()
            .filter(move |span| span.start > 0 && text.get(span.start - 1) == Some(&b'\t'))
            .map(|span| span.x0)
    }

    /// How many letters it has; an ideograph says as much as two.
    pub(super) fn letters(&self) -> usize {
        self.letters
    }

    /// True where the other stands beside it on one baseline.
    pub(super) fn is_level_with(&self, other: &Row) -> bool {
        let em = self.size.min(other.size).max(1.0);
        let middle = |row: &Row| (row.rect.y0 + row.rect.y1) / 2.0;
        (self.bottom() - other.bottom()).abs() < 0.35 * em
            || (middle(self) - middle(other)).abs() < 0.2 * em
    }

    /// True where `lower` stands under it in the same column; the next column starts higher, or
    /// beside it.
    pub(super) fn is_above(&self, lower: &Row) -> bool {
        let overlap = self.rect.x1.min(lower.rect.x1) - self.rect.x0.max(lower.rect.x0);
        lower.bottom() > self.bottom() && overlap > 0.0
    }

    /// Puts another row to its end; without a separator the two halves of a word are joined.
    pub(super) fn append(&mut self, other: Row, separator: Option<char>) {
        if self.parts.is_empty() {
            let alone = self.clone();
            self.parts.push(alone);
        }
        if other.parts.is_empty() {
            self.parts.push(other.clone());
        } else {
            self.parts.extend(other.parts.iter().cloned());
        }
        match separator {
            Some(separator) => self.text.push(separator),
            None => {
                self.text
                    .truncate(self.text.trim_end_matches(is_hyphen).len());
                for span in &mut self.spans {
                    span.end = span.end.min(self.text.len());
                }
                self.spans.retain(|span| span.start < span.end);
            }
        }
        self.letters += other.letters;
        let offset = self.text.len();
        self.text.push_str(&other.text);
        self.spans.extend(other.spans.into_iter().map(|span| Span {
            start: span.start + offset,
            end: span.end + offset,
            ..span
        }));
        self.rect = union(self.rect, other.rect);
        self.size = self.size.max(other.size);
        self.look = Look {
            bold: self.look.bold && other.look.bold,
            italic: self.look.italic && other.look.italic,
            monospace: self.look.monospace && other.look.monospace,
            mathematical: self.look.mathematical || other.look.mathematical,
            capitals: self.look.capitals && other.look.capitals,
            opening: self.look.opening,
            face: self.look.face,
        };
    }
}

impl Look {
    fn new(text: &str, spans: &[Span], fonts: &[Font]) -> Self {
        let capitals = {
            let (mut upper, mut lower) = (0, 0);
            for c in text.chars() {
                upper += usize::from(c.is_uppercase());
                lower += usize::from(c.is_lowercase());
            }
            upper >= 3 && lower == 0
        };
        let mut counts = Counts::default();
        let mut faces: HashMap<u16, usize> = HashMap::new();
        for span in spans {
            let Some(font) = fonts.get(usize::from(span.font)) else {
                continue;
            };
            let part = text.get(span.start..span.end).unwrap_or("");
            let letters = part.chars().filter(|c| c.is_alphanumeric()).count();
            let ink = part.chars().filter(|c| !c.is_whitespace()).count();
            // Notes, exponents and symbols say nothing of the weight of the words.
            if span.rise == 0.0 && !is_mathematical(&font.name) {
                counts.letters += letters;
                counts.bold += if font.bold { letters } else { 0 };
                counts.italic += if font.italic { letters } else { 0 };
            }
            counts.ink += ink;
            counts.monospace += if font.monospace { ink } else { 0 };
            counts.mathematical += if is_mathematical(&font.name) { ink } else { 0 };
            *faces.entry(span.font).or_default() += ink;
        }
        let face = faces
            .iter()
            .max_by_key(|&(index, count)| (*count, *index))
            .and_then(|(index, _)| fonts.get(usize::from(*index)))
            .filter(|font| !font.name.is_empty())
            .map_or(0, |font| {
                let mut hasher = DefaultHasher::new();
                font.name.hash(&mut hasher);
                hasher.finish()
            });
        let opening = opening(text, spans, fonts);
        let nearly = |part: usize, whole: usize| whole > 0 && part * 20 >= whole * 19;
        Look {
            bold: nearly(counts.bold, counts.letters),
            italic: nearly(counts.italic, counts.letters),
            monospace: counts.ink > 0 && counts.monospace * 10 >= counts.ink * 9,
            mathematical: counts.mathematical * 4 >= counts.ink.max(1),
            capitals,
            opening,
            face,
        }
    }
}

/// Length of the bold (or else italic) words at the start, where plain ones follow.
fn opening(text: &str, spans: &[Span], fonts: &[Font]) -> usize {
    let is =
        |span: &Span, test: fn(&Font) -> bool| fonts.get(usize::from(span.font)).is_some_and(test);
    let has_letters = |span: &&Span| {
        text.get(span.start..span.end)
            .is_some_and(|part| part.contains(char::is_alphabetic))
    };
    let tests: [fn(&Font) -> bool; 2] = [|font| font.bold, |font| font.italic];
    for test in tests {
        let Some(first) = spans.iter().find(has_letters).filter(|span| is(span, test)) else {
            continue;
        };
        let rest = spans
            .iter()
            .find(|span| span.start >= first.end && has_letters(span) && !is(span, test));
        let end = rest.map_or(0, |rest| rest.start);
        let (mut plain, mut alike) = (0, 0);
        for span in spans
            .iter()
            .filter(|span| span.start >= end)
            .filter(has_letters)
        {
            // A variable in a bold title is in its own font.
            if is(span, |font| is_mathematical(&font.name)) {
                continue;
            }
            *(if is(span, test) {
                &mut alike
            } else {
                &mut plain
            }) += span.end - span.start;
        }
        let is_sentence = text
            .get(end..)
            .is_some_and(|rest| rest.split_whitespace().nth(1).is_some());
        if end > 0 && plain > 3 + alike && is_sentence {
            return end;
        }
        return 0;
    }
    0
}

fn letters(text: &str) -> usize {
    text.chars()
        .filter(|c| c.is_alphabetic())
        .map(|c| if is_cjk(c) { 2 } else { 1 })
        .sum()
}

#[derive(Default)]
struct Counts {
    letters: usize,
    bold: usize,
    italic: usize,
    ink: usize,
    monospace: usize,
    mathematical: usize,
}

/// Wide gaps between runs, in ems, part cells.
const CELL_GAP: f32 = 1.0;

/// The text with a tab for the space in each wide gap.
fn with_tabs(text: &str, spans: &[Span]) -> String {
    let mut gaps = spans
        .windows(2)
        .filter(|pair| {
            let gap = (pair[1].x0 - pair[0].x1).max(pair[0].x0 - pair[1].x1);
            gap > CELL_GAP * pair[0].size.max(pair[1].size)
                && text.get(pair[0].end..pair[1].start) == Some(" ")
        })
        .map(|pair| pair[0].end)
        .peekable();
    if gaps.peek().is_none() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for gap in gaps {
        out.push_str(text.get(at..gap).unwrap_or(""));
        out.push('\t');
        at = gap + 1;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// True for the fonts of symbols and variables that typesetters of mathematics use.
fn is_mathematical(name: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "CMMI", "CMSY", "CMEX", "MSAM", "MSBM", "EUFM", "EUSM", "LMMath", "rtxmi", "txsy", "txex",
        "txmi", "pxmi", "pxsy", "pxex", "MTMI", "MTSY", "MTEX", "zplm", "NewTXMI", "STIXMath",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || name.contains("Math")
}

/// The smallest rectangle around both.
pub(super) fn union(a: Rect, b: Rect) -> Rect {
    Rect {
        x0: a.x0.min(b.x0),
        y0: a.y0.min(b.y0),
        x1: a.x1.max(b.x1),
        y1: a.y1.max(b.y1),
    }
}

/// The rows of a page, which gives up its lines and text.
pub(super) fn take(page: &mut Page) -> Vec<Row> {
    let rows = page
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| Row {
            line: index,
            ..Row::new(page, line)
        })
        .collect();
    page.lines.clear();
    page.blocks.clear();
    page.text.clear();
    rows
}

/// Adds the first `length` bytes of a row to the page's text, as a line of its own.
pub(super) fn push_line(page: &mut Page, row: &Row, length: usize) {
    let start = page.text.len();
    page.text
        .push_str(row.text.get(..length).unwrap_or(&row.text));
    let end = page.text.len();
    let spans = row
        .spans
        .iter()
        .map(|span| Span {
            start: (span.start + start).min(end),
            end: (span.end + start).min(end),
            ..span.clone()
        })
        .filter(|span| span.start < span.end)
        .collect();
    page.lines.push(Line {
        rect: row.rect,
        start,
        end,
        font_size: row.size,
        spans,
    });
}

/// Joins rows that follow each other on one baseline: the cells of a table, the parts of a formula.
pub(super) fn merge(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match merged.last_mut() {
            Some(last)
                if last.is_level_with(&row)
                    && row.rect.x0 >= last.rect.x1 - 0.3 * row.size
                    && !is_turned(last)
                    && !is_turned(&row)
                    && !(is_prose(last) && is_prose(&row)) =>
            {
                let is_wide = row.rect.x0 - last.rect.x1 > last.size.max(row.size);
                last.append(row, Some(if is_wide { '\t' } else { ' ' }));
            }
            _ => merged.push(row),
        }
    }
    merged
}

/// Long text in one cell: two such rows side by side are columns of prose rather than a table.
fn is_prose(row: &Row) -> bool {
    row.cells() == 1 && row.text.len() > 40 && row.width() > 15.0 * row.size
}

/// True for rows that are set sideways: much taller than their type.
pub(super) fn is_turned(row: &Row) -> bool {
    let height = row.rect.y1 - row.rect.y0;
    height > 2.5 * row.size && height > 2.0 * row.width() && row.text.chars().nth(2).is_some()
}

/// True where a line of this text is followed by the next without a space.
pub(super) fn ends_in_cjk(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_cjk)
}
