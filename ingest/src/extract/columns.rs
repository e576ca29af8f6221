//! Two and three columns: where the gutters are, and reading order where the content stream goes
//! across them.
//!
//! Most typesetters write one column after the other. Word processors' tables and the text layers
//! of scans often go line by line over all columns; read so, sentences are shuffled into one
//! another. A gutter is a strip that hardly any glyph touches, between columns about equally wide.
//! A page with little text has the gutters of the page before it, where nothing stands in them.

use super::glyphs::Glyphs;
use super::lines::RawLine;

/// Glyphs from which on a page tells its own gutters.
const ENOUGH: u32 = 400;

/// The white strips between columns, from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gutters {
    /// Left and right edge in points from the page's left edge; one or two.
    strips: Vec<(f32, f32)>,
    /// Taken over from the page before.
    is_assumed: bool,
}

impl Gutters {
    /// The gutters of a page `width` points wide, if it has any; `before` are those of the page
    /// before it.
    pub(super) fn find(page: &Glyphs, width: f32, before: Option<&Gutters>) -> Option<Gutters> {
        // Whole points are fine enough: the narrowest gutters are about 8 points.
        let bins = (width.ceil() as usize).clamp(1, 5_000);
        let mut coverage = vec![0u32; bins];
        let mut count = 0;
        for glyph in page
            .glyphs
            .iter()
            .filter(|glyph| glyph.angle == 0 && !glyph.is_space)
        {
            let from = glyph.along.max(0.0) as usize;
            let to = (glyph.along + glyph.advance).max(0.0) as usize;
            for bin in coverage.iter_mut().take(to + 1).skip(from) {
                *bin += 1;
            }
            count += 1;
        }
        if count < ENOUGH {
            let is_empty = |(x0, x1): &(f32, f32)| {
                let strip = coverage.get(*x0 as usize..(*x1 as usize).min(bins));
                strip.is_some_and(|strip| strip.iter().all(|&n| n == 0))
            };
            let before = before.filter(|before| before.strips.iter().all(is_empty))?;
            return Some(Gutters {
                strips: before.strips.clone(),
                is_assumed: true,
            });
        }
        let mut used: Vec<u32> = coverage.iter().copied().filter(|&n| n > 0).collect();
        used.sort_unstable();
        let usual = *used.get(used.len() / 2)?;
        let is_white: Vec<bool> = coverage.iter().map(|n| n * 5 <= usual).collect();
        let strips = three(&is_white)
            .or_else(|| widest(&is_white, bins * 3 / 10..bins * 7 / 10).map(|strip| vec![strip]))?;
        Some(Gutters {
            strips: strips
                .into_iter()
                .map(|(x0, x1)| (x0 as f32, x1 as f32))
                .collect(),
            is_assumed: false,
        })
    }

    fn middles(&self) -> impl Iterator<Item = f32> {
        self.strips.iter().map(|(x0, x1)| (x0 + x1) / 2.0)
    }

    /// True where the two spans stand on either side of a gutter.
    pub(super) fn separates(&self, a: (f32, f32), b: (f32, f32)) -> bool {
        self.middles()
            .any(|middle| (a.1 <= middle && b.0 >= middle) || (b.1 <= middle && a.0 >= middle))
    }

    /// The column that a line stands in, from 0; none where it goes across a gutter.
    fn column(&self, line: &RawLine) -> Option<usize> {
        let crosses = |middle: f32| line.rect.x0 < middle - 1.0 && line.rect.x1 > middle + 1.0;
        if line.angle != 0 || self.middles().any(crosses) {
            return None;
        }
        let center = (line.rect.x0 + line.rect.x1) / 2.0;
        Some(self.middles().filter(|middle| center > *middle).count())
    }
}

/// The widest white strip of at least 6 points that begins inside a part of the page.
fn widest(is_white: &[bool], part: std::ops::Range<usize>) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    let mut x = part.start;
    while x < part.end {
        if !is_white[x] {
            x += 1;
            continue;
        }
        let start = x;
        while x < part.end && is_white[x] {
            x += 1;
        }
        if x - start >= 6 && best.is_none_or(|(a, b)| x - start > b - a) {
            best = Some((start, x));
        }
    }
    best
}

/// Two gutters that part the text into three columns about equally wide.
fn three(is_white: &[bool]) -> Option<Vec<(usize, usize)>> {
    let first = is_white.iter().position(|white| !white)?;
    let last = is_white.iter().rposition(|white| !white)?;
    let width = last - first;
    let part = |from: usize, to: usize| first + width * from / 100..first + width * to / 100;
    let left = widest(is_white, part(25, 42))?;
    let right = widest(is_white, part(58, 75))?;
    let columns = [
        left.0 - first,
        right.0 - left.1,
        last.saturating_sub(right.1),
    ];
    let mean = (columns.iter().sum::<usize>() / 3).max(1);
    // Cells of a table are not all equally wide, and leave more white than text.
    let are_equal = columns
        .iter()
        .all(|column| column.abs_diff(mean) * 5 < mean);
    let white = (left.1 - left.0) + (right.1 - right.0);
    (are_equal && white * 4 < width).then(|| vec![left, right])
}

/// Puts lines into column order if they alternate between the columns; else leaves them alone.
pub(super) fn into_reading_order(
    lines: Vec<RawLine>,
    gutters: &Gutters,
    width: f32,
) -> Vec<RawLine> {
    let columns: Vec<Option<usize>> = lines.iter().map(|line| gutters.column(line)).collect();
    let are_prose =
        (0..=gutters.strips.len()).all(|column| is_prose(&lines, &columns, column, gutters, width));
    if !are_prose || !is_interleaved(&lines, &columns) {
        return lines;
    }
    // Lines across columns (title, wide figures) part the page into bands; within a band the
    // columns follow each other.
    let mut across: Vec<f32> = lines
        .iter()
        .zip(&columns)
        .filter(|(_, column)| column.is_none())
        .map(|(line, _)| line.rect.y0)
        .collect();
    across.sort_by(f32::total_cmp);
    let mut keyed: Vec<((usize, usize, f32), RawLine)> = lines
        .into_iter()
        .zip(columns)
        .map(|(line, column)| {
            let band = across.partition_point(|&y| y < line.rect.y0 - 0.5);
            ((band, column.unwrap_or(usize::MAX), line.rect.y0), line)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    keyed.into_iter().map(|(_, line)| line).collect()
}

/// True where a column has many lines that fill it, as text has and a table has not. Where the
/// page before had these columns, few are enough.
fn is_prose(
    lines: &[RawLine],
    columns: &[Option<usize>],
    column: usize,
    gutters: &Gutters,
    width: f32,
) -> bool {
    let mut widths: Vec<f32> = lines
        .iter()
        .zip(columns)
        .filter(|(_, other)| **other == Some(column))
        .map(|(line, _)| line.rect.x1 - line.rect.x0)
        .collect();
    widths.sort_by(f32::total_cmp);
    let least = if gutters.is_assumed { 2 } else { 8 };
    let full = 0.56 * width / (gutters.strips.len() + 1) as f32;
    widths.len() >= least && widths[widths.len() / 2] > full
}

/// True where the content order keeps crossing gutters at the same height.
fn is_interleaved(lines: &[RawLine], columns: &[Option<usize>]) -> bool {
    let mut crossings = 0;
    let mut pairs = 0;
    for i in 1..lines.len() {
        let (a, b) = (&lines[i - 1], &lines[i]);
        let (Some(from), Some(to)) = (columns[i - 1], columns[i]) else {
            continue;
        };
        pairs += 1;
        if from != to && (a.rect.y0 - b.rect.y0).abs() < 3.0 * a.font_size {
            crossings += 1;
        }
    }
    crossings * 4 > pairs
}
