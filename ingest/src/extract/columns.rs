//! Two columns: where the gutter is, and reading order where the content stream goes across it.
//!
//! Most typesetters write one column after the other. Word processors' tables and the text layers
//! of scans often go line by line over both columns; read so, two sentences are shuffled into one
//! another. The gutter is a strip in the middle of the page that hardly any glyph touches.

use super::glyphs::Glyphs;
use super::lines::RawLine;

/// The white strip between two columns, in points from the page's left edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gutter {
    x0: f32,
    x1: f32,
}

impl Gutter {
    /// The gutter of a page `width` points wide, if it has one.
    pub(super) fn find(page: &Glyphs, width: f32) -> Option<Gutter> {
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
        if count < 400 {
            return None;
        }
        let mut used: Vec<u32> = coverage.iter().copied().filter(|&n| n > 0).collect();
        used.sort_unstable();
        let usual = *used.get(used.len() / 2)?;
        let is_white = |x: usize| coverage[x] * 5 <= usual;
        let (from, to) = (bins * 3 / 10, bins * 7 / 10);
        let mut best: Option<(usize, usize)> = None;
        let mut x = from;
        while x < to {
            if !is_white(x) {
                x += 1;
                continue;
            }
            let start = x;
            while x < to && is_white(x) {
                x += 1;
            }
            if x - start >= 6 && best.is_none_or(|(a, b)| x - start > b - a) {
                best = Some((start, x));
            }
        }
        best.map(|(x0, x1)| Gutter {
            x0: x0 as f32,
            x1: x1 as f32,
        })
    }

    /// True where the two spans stand on either side.
    pub(super) fn separates(&self, a: (f32, f32), b: (f32, f32)) -> bool {
        let middle = (self.x0 + self.x1) / 2.0;
        (a.1 <= middle && b.0 >= middle) || (b.1 <= middle && a.0 >= middle)
    }

    fn side(&self, line: &RawLine) -> Side {
        let middle = (self.x0 + self.x1) / 2.0;
        if line.angle != 0 {
            Side::Across
        } else if line.rect.x1 <= middle + 1.0 {
            Side::Left
        } else if line.rect.x0 >= middle - 1.0 {
            Side::Right
        } else {
            Side::Across
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Across,
}

/// Puts lines into column order if they alternate between the columns; else leaves them alone.
pub(super) fn into_reading_order(lines: Vec<RawLine>, gutter: &Gutter, width: f32) -> Vec<RawLine> {
    let sides: Vec<Side> = lines.iter().map(|line| gutter.side(line)).collect();
    if !is_prose(&lines, &sides, Side::Left, width)
        || !is_prose(&lines, &sides, Side::Right, width)
        || !is_interleaved(&lines, &sides)
    {
        return lines;
    }
    // Lines across both columns (title, wide figures) part the page into bands; within a band the
    // left column comes first.
    let mut across: Vec<f32> = lines
        .iter()
        .zip(&sides)
        .filter(|(_, side)| **side == Side::Across)
        .map(|(line, _)| line.rect.y0)
        .collect();
    across.sort_by(f32::total_cmp);
    let mut keyed: Vec<((usize, u8, f32), RawLine)> = lines
        .into_iter()
        .zip(sides)
        .map(|(line, side)| {
            let band = across.partition_point(|&y| y < line.rect.y0 - 0.5);
            let rank = match side {
                Side::Left => 0,
                Side::Right => 1,
                Side::Across => 2,
            };
            ((band, rank, line.rect.y0), line)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    keyed.into_iter().map(|(_, line)| line).collect()
}

/// True where a side has many lines that fill it, as a text column does and a table's does not.
fn is_prose(lines: &[RawLine], sides: &[Side], side: Side, width: f32) -> bool {
    let mut widths: Vec<f32> = lines
        .iter()
        .zip(sides)
        .filter(|(_, s)| **s == side)
        .map(|(line, _)| line.rect.x1 - line.rect.x0)
        .collect();
    widths.sort_by(f32::total_cmp);
    widths.len() >= 8 && widths[widths.len() / 2] > 0.28 * width
}

/// True where the content order keeps crossing the gutter at the same height.
fn is_interleaved(lines: &[RawLine], sides: &[Side]) -> bool {
    let mut crossings = 0;
    let mut pairs = 0;
    for i in 1..lines.len() {
        let (a, b) = (&lines[i - 1], &lines[i]);
        if sides[i - 1] == Side::Across || sides[i] == Side::Across {
            continue;
        }
        pairs += 1;
        if sides[i - 1] != sides[i] && (a.rect.y0 - b.rect.y0).abs() < 3.0 * a.font_size {
            crossings += 1;
        }
    }
    crossings * 4 > pairs
}
