//! Glyphs to lines.
//!
//! Producers draw a line left to right, so glyphs are taken in the order of the content stream:
//! as long as the next one stands on the same baseline close behind the last, or is a superscript
//! of it, it belongs to the same *segment*. Segments that stand side by side on one baseline are
//! then joined to lines, never across the gutter between two columns. Content order keeps columns
//! apart in most papers, and where it does not [`super::columns`] puts it right.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::characters::{is_cjk, is_right_to_left};
use super::columns::Gutters;
use super::glyphs::{Glyph, Glyphs, sin_cos};
use crate::{Rect, Span};

/// A gap this wide, in ems, is a space.
const WORD_GAP: f32 = 0.115;
/// A gap this wide, in ems, ends a segment: no justified line has it, most gutters do.
const SEGMENT_GAP: f32 = 1.5;
/// A gap this wide, in ems, may part the cells of a table, so it parts runs.
const CELL_GAP: f32 = 1.0;
/// Pieces of one line may be this far apart, in ems, where no gutter is between them.
const PIECE_GAP: f32 = 6.0;
/// How many lines back a piece that was drawn later may belong to.
const LOOK_BACK: usize = 6;

/// One line of text on a page.
#[derive(Debug, Clone)]
pub(super) struct RawLine {
    pub(super) text: String,
    pub(super) rect: Rect,
    pub(super) font_size: f32,
    /// Direction of writing in degrees, 0 for ordinary lines.
    pub(super) angle: i16,
    /// Runs of one font, in bytes of `text`.
    pub(super) spans: Vec<Span>,
    /// Marked by the file as a running head or foot.
    pub(super) is_artifact: bool,
}

/// Glyphs that stand on one baseline without a large gap.
#[derive(Debug)]
struct Segment {
    angle: i16,
    baseline: f32,
    size: f32,
    from: f32,
    to: f32,
    glyphs: Vec<u32>,
}

impl Segment {
    fn new(index: u32, glyph: &Glyph) -> Self {
        Segment {
            angle: glyph.angle,
            baseline: glyph.across,
            size: glyph.size,
            from: glyph.along,
            to: glyph.along + glyph.advance,
            glyphs: vec![index],
        }
    }

    /// Adds the glyph if it continues this segment.
    fn take(&mut self, index: u32, glyph: &Glyph, last: &Glyph, is_rtl: bool) -> bool {
        if glyph.angle != self.angle {
            return false;
        }
        let em = self.size.max(glyph.size);
        let shift = (glyph.across - self.baseline).abs();
        let gap = glyph.along - (last.along + last.advance);
        let is_level = shift <= 0.2 * em;
        let continues = if is_level {
            let follows = gap > -0.6 * em && gap < SEGMENT_GAP * em;
            // Right to left, each glyph ends where the last one starts.
            let precedes =
                is_rtl && (last.along - (glyph.along + glyph.advance)).abs() < SEGMENT_GAP * em;
            follows || precedes
        } else {
            let is_script = self.size.min(glyph.size) < 0.9 * em;
            // A superscript may be set back over the subscript of the same letter.
            is_script
                && shift <= 0.7 * em
                && gap > -2.5 * em
                && gap < 0.6 * em
                && glyph.along >= self.from
        };
        if !continues {
            return false;
        }
        // A footnote mark may open the line; the words after it are what the baseline is.
        if !glyph.is_space && glyph.size > 1.1 * self.size {
            self.baseline = glyph.across;
        }
        if !glyph.is_space {
            self.size = em;
        }
        self.from = self.from.min(glyph.along);
        self.to = self.to.max(glyph.along + glyph.advance);
        self.glyphs.push(index);
        true
    }

    /// True where `other` is a piece of the same line.
    fn is_beside(&self, other: &Segment, reach: f32, gutter: Option<&Gutters>) -> bool {
        if self.angle != other.angle {
            return false;
        }
        let em = self.size.max(other.size);
        let shift = (self.baseline - other.baseline).abs();
        let gap = (other.from - self.to).max(self.from - other.to);
        let is_script = self.size.min(other.size) < 0.9 * em && shift <= 0.6 * em && gap < 0.5 * em;
        (shift <= 0.25 * em || is_script)
            && gap > -0.7 * em
            && gap < reach * em
            && !gutter.is_some_and(|gutter| {
                self.angle == 0 && gutter.separates((self.from, self.to), (other.from, other.to))
            })
    }

    fn absorb(&mut self, other: Segment) {
        if other.size > self.size {
            self.baseline = other.baseline;
            self.size = other.size;
        }
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.glyphs.extend(other.glyphs);
    }
}

/// The lines of a page, in content order.
pub(super) fn build(page: &Glyphs, gutter: Option<&Gutters>) -> Vec<RawLine> {
    let mut lines: Vec<Vec<Segment>> = Vec::new();
    for segment in segments(page) {
        // The last line may go on after a tab; an earlier one only close by.
        let home = lines
            .iter()
            .rposition_within(LOOK_BACK, |distance, line: &Vec<Segment>| {
                let reach = if distance == 0 { PIECE_GAP } else { 1.0 };
                let overlaps = line.iter().any(|piece| {
                    segment.from < piece.to - 0.7 * segment.size
                        && piece.from < segment.to - 0.7 * segment.size
                });
                !overlaps
                    && line
                        .iter()
                        .any(|piece| piece.is_beside(&segment, reach, gutter))
            });
        match home {
            Some(line) => lines[line].push(segment),
            None => lines.push(vec![segment]),
        }
    }
    lines
        .into_iter()
        .filter_map(|pieces| line(page, pieces))
        .collect()
}

/// Looks at the last few elements of a slice, nearest first.
trait RpositionWithin<'a, T: 'a> {
    fn rposition_within(self, count: usize, matches: impl Fn(usize, &T) -> bool) -> Option<usize>;
}

impl<'a, T: 'a> RpositionWithin<'a, T> for std::slice::Iter<'a, T> {
    fn rposition_within(self, count: usize, matches: impl Fn(usize, &T) -> bool) -> Option<usize> {
        self.enumerate()
            .rev()
            .take(count)
            .enumerate()
            .find(|(distance, (_, item))| matches(*distance, item))
            .map(|(_, (index, _))| index)
    }
}

fn segments(page: &Glyphs) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut last: Option<&Glyph> = None;
    for (index, glyph) in page.glyphs.iter().enumerate() {
        let index = index as u32;
        let is_rtl = page
            .text(glyph)
            .chars()
            .all(|c| is_right_to_left(c) || c == ' ');
        let taken = match (segments.last_mut(), last) {
            (Some(segment), Some(last)) => segment.take(index, glyph, last, is_rtl),
            _ => false,
        };
        if !taken {
            if glyph.is_space {
                continue;
            }
            segments.push(Segment::new(index, glyph));
        }
        last = Some(glyph);
    }
    segments
}

/// One line from its pieces; none where it holds nothing but space.
fn line(page: &Glyphs, mut pieces: Vec<Segment>) -> Option<RawLine> {
    pieces.sort_by(|a, b| a.from.total_cmp(&b.from));
    let mut pieces = pieces.into_iter();
    let mut whole = pieces.next()?;
    pieces.for_each(|piece| whole.absorb(piece));
    let mut glyphs: Vec<&Glyph> = whole
        .glyphs
        .iter()
        .map(|&index| &page.glyphs[index as usize])
        .collect();

    let letters = |rtl: bool| {
        glyphs
            .iter()
            .flat_map(|glyph| page.text(glyph).chars())
            .filter(|&c| c.is_alphabetic() && is_right_to_left(c) == rtl)
            .count()
    };
    let is_rtl = whole.angle == 0 && letters(true) > letters(false);
    if is_rtl {
        glyphs.sort_by(|a, b| a.along.total_cmp(&b.along));
        into_logical_order(page, &mut glyphs);
    }
    let (text, spans) = text(page, &glyphs, is_rtl, whole.baseline);
    if text.is_empty() {
        return None;
    }
    let inked = || glyphs.iter().filter(|glyph| !glyph.is_space);
    Some(RawLine {
        text,
        rect: bounds(inked()),
        font_size: usual_size(inked()),
        angle: whole.angle,
        spans,
        is_artifact: inked().all(|glyph| glyph.is_artifact),
    })
}

/// Turns glyphs that are sorted left to right into reading order for a right-to-left line: all
/// reversed, then runs of Latin letters and digits put back. A small part of the Unicode
/// Bidirectional Algorithm, <https://www.unicode.org/reports/tr9/>, run backwards.
fn into_logical_order(page: &Glyphs, glyphs: &mut [&Glyph]) {
    glyphs.reverse();
    let is_ltr = |glyph: &&Glyph| {
        page.text(glyph)
            .chars()
            .any(|c| c.is_alphanumeric() && !is_right_to_left(c))
    };
    let is_neutral = |glyph: &&Glyph| !page.text(glyph).chars().any(char::is_alphanumeric);
    let mut i = 0;
    while i < glyphs.len() {
        if !is_ltr(&glyphs[i]) {
            i += 1;
            continue;
        }
        let mut end = i + 1;
        let mut j = end;
        while j < glyphs.len() && (is_ltr(&glyphs[j]) || is_neutral(&glyphs[j])) {
            j += 1;
            if is_ltr(&glyphs[j - 1]) {
                end = j;
            }
        }
        glyphs[i..end].reverse();
        i = end;
    }
}

/// The glyphs' characters with a space at each word gap, in Unicode's composed form, and the runs
/// of one font in them. A wide gap, as between a table's cells, ends a run too.
fn text(page: &Glyphs, glyphs: &[&Glyph], is_rtl: bool, baseline: f32) -> (String, Vec<Span>) {
    let threshold = WORD_GAP + letter_spacing(glyphs);
    let mut out = Runs::default();
    let mut last: Option<&Glyph> = None;
    let mut pending = false;
    let mut inked: Option<&Glyph> = None;
    for &glyph in glyphs {
        if glyph.is_space {
            pending = true;
            last = Some(glyph);
            continue;
        }
        let characters = page.text(glyph);
        // Spaces that are drawn fill a wide gap without making it any less wide.
        let is_wide = inked.is_some_and(|inked| {
            gap(inked, glyph).max(if is_rtl { gap(glyph, inked) } else { f32::MIN })
                > CELL_GAP * inked.size.max(glyph.size)
        });
        inked = Some(glyph);
        if let Some(last) = last {
            let gap = gap(last, glyph).max(if is_rtl { gap(glyph, last) } else { f32::MIN });
            let em = last.size.max(glyph.size);
            let is_gap = gap > threshold * em;
            let beside_cjk =
                out.last().is_some_and(is_cjk) && characters.chars().next().is_some_and(is_cjk);
            // Ideographs are set on a grid, so that small gaps between them are no spaces.
            pending = if beside_cjk {
                gap > 0.8 * em
            } else {
                pending || is_gap
            };
        }
        if pending {
            out.push_space();
        }
        pending = false;
        let rise = baseline - glyph.across;
        out.push(
            characters,
            glyph,
            if rise.abs() > 0.08 * glyph.size {
                rise
            } else {
                0.0
            },
            is_wide,
        );
        last = Some(glyph);
    }
    out.finish()
}

/// A line's text while it is put together, run by run.
#[derive(Default)]
struct Runs {
    text: String,
    spans: Vec<Span>,
}

impl Runs {
    fn last(&self) -> Option<char> {
        self.text.chars().next_back()
    }

    fn push_space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    fn push(&mut self, characters: &str, glyph: &Glyph, rise: f32, is_apart: bool) {
        let (x0, x1) = (glyph.along, glyph.along + glyph.advance);
        let continues = self.spans.last().is_some_and(|span| {
            !is_apart
                && span.font == glyph.font
                && (span.size - glyph.size).abs() < 0.05 * glyph.size
                && (span.rise - rise).abs() < 0.1 * glyph.size
        });
        if !continues {
            self.compose();
            let start = self.text.len();
            self.spans.push(Span {
                start,
                end: start,
                font: glyph.font,
                size: (glyph.size * 100.0).round() / 100.0,
                rise: (rise * 100.0).round() / 100.0,
                x0,
                x1,
            });
        }
        // Spaces also come inside a glyph's characters.
        for c in characters.chars() {
            if c != ' ' {
                self.text.push(c);
            } else if !self.text.is_empty() && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        }
        if let Some(span) = self.spans.last_mut() {
            span.end = self.text.len();
            span.x0 = span.x0.min(x0);
            span.x1 = span.x1.max(x1);
        }
    }

    /// Brings the last run into composed form.
    fn compose(&mut self) {
        let Some(span) = self.spans.last_mut() else {
            return;
        };
        let run = &self.text[span.start..];
        if is_nfc_quick(run.chars()) != IsNormalized::Yes {
            let composed: String = run.nfc().collect();
            self.text.truncate(span.start);
            self.text.push_str(&composed);
        }
        span.end = span.start + self.text[span.start..].trim_end().len();
    }

    fn finish(mut self) -> (String, Vec<Span>) {
        self.compose();
        self.text.truncate(self.text.trim_end().len());
        self.spans.retain(|span| span.start < span.end);
        (self.text, self.spans)
    }
}

fn gap(left: &Glyph, right: &Glyph) -> f32 {
    right.along - (left.along + left.advance)
}

/// Extra space between all letters, in ems, as in spaced-out headings; 0 for ordinary text.
fn letter_spacing(glyphs: &[&Glyph]) -> f32 {
    let mut gaps: Vec<f32> = glyphs
        .windows(2)
        .filter(|pair| !pair[0].is_space && !pair[1].is_space)
        .map(|pair| gap(pair[0], pair[1]) / pair[0].size.max(pair[1].size))
        .collect();
    if gaps.len() < 8 {
        return 0.0;
    }
    gaps.sort_by(f32::total_cmp);
    let median = gaps[gaps.len() / 2];
    let alike = gaps
        .iter()
        .filter(|&&gap| (gap - median).abs() < 0.04)
        .count();
    // Words keep most gaps small and alike; a row of single symbols does not.
    if median > 0.04 && median < 1.0 && alike * 10 >= gaps.len() * 6 {
        median
    } else {
        0.0
    }
}

/// Bounding box in page coordinates, taking 0.8 em above and 0.2 em below the baseline.
fn bounds<'a>(glyphs: impl Iterator<Item = &'a &'a Glyph>) -> Rect {
    let mut rect = Rect {
        x0: f32::MAX,
        y0: f32::MAX,
        x1: f32::MIN,
        y1: f32::MIN,
    };
    for glyph in glyphs {
        let (sin, cos) = sin_cos(glyph.angle);
        let (above, below) = if glyph.is_vertical {
            (0.5, 0.5)
        } else {
            (0.8, 0.2)
        };
        for along in [glyph.along, glyph.along + glyph.advance] {
            for across in [
                glyph.across - above * glyph.size,
                glyph.across + below * glyph.size,
            ] {
                let (x, y) = (along * cos - across * sin, along * sin + across * cos);
                rect.x0 = rect.x0.min(x);
                rect.y0 = rect.y0.min(y);
                rect.x1 = rect.x1.max(x);
                rect.y1 = rect.y1.max(y);
            }
        }
    }
    rect
}

/// The size that most glyphs have, in points, to a tenth.
fn usual_size<'a>(glyphs: impl Iterator<Item = &'a &'a Glyph>) -> f32 {
    let mut counts: Vec<(u32, usize)> = Vec::new();
    for glyph in glyphs {
        let tenths = (glyph.size * 10.0).round() as u32;
        match counts.iter_mut().find(|(size, _)| *size == tenths) {
            Some((_, count)) => *count += 1,
            None => counts.push((tenths, 1)),
        }
    }
    counts
        .iter()
        .max_by_key(|(_, count)| *count)
        .map_or(0.0, |(size, _)| *size as f32 / 10.0)
}
