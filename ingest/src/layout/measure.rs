//! What is usual in a document and on a page: the size of its text, the distance of its lines, the
//! edges of its columns. Nothing on a page is large, indented or apart but by comparison.

use std::collections::HashMap;

use super::row::{self, Row};

/// What is usual in the document.
pub(super) struct Measure {
    /// Size of most of its letters, in points.
    pub(super) body: f32,
    /// The font that most of them are set in; 0 where unknown.
    pub(super) face: u64,
    /// True where most of them are bold, as in the text layers of some scans.
    pub(super) is_bold: bool,
    /// True where most of them are as wide as each other, as in typewritten papers.
    pub(super) is_monospace: bool,
    /// From one line's bottom to the next one's, by size in half points.
    leadings: HashMap<u32, f32>,
}

impl Measure {
    pub(super) fn of<'a>(pages: impl Iterator<Item = &'a [Row]> + Clone) -> Self {
        let mut letters: HashMap<(u32, u64), usize> = HashMap::new();
        let (mut bold, mut monospace, mut all) = (0, 0, 0);
        for row in pages.clone().flatten() {
            *letters
                .entry((half_points(row.size), row.look.face))
                .or_default() += row.text.len();
            bold += if row.look.bold { row.text.len() } else { 0 };
            monospace += if row.look.monospace {
                row.text.len()
            } else {
                0
            };
            all += row.text.len();
        }
        let mut sizes: HashMap<u32, usize> = HashMap::new();
        for ((size, _), count) in &letters {
            *sizes.entry(*size).or_default() += count;
        }
        let size = most(&sizes).unwrap_or(20);
        let faces: HashMap<u64, usize> = letters
            .into_iter()
            .filter(|((of, _), _)| *of == size)
            .map(|((_, face), count)| (face, count))
            .collect();

        let mut distances: HashMap<u32, Vec<f32>> = HashMap::new();
        for pair in pages.flat_map(|rows| rows.windows(2)) {
            let distance = pair[1].bottom() - pair[0].bottom();
            let is_usual = distance < 3.0 * pair[0].size && distance > 0.5 * pair[0].size;
            if pair[0].is_above(&pair[1]) && is_usual && (pair[0].size - pair[1].size).abs() < 0.3 {
                distances
                    .entry(half_points(pair[0].size))
                    .or_default()
                    .push(distance);
            }
        }
        let leadings = distances
            .into_iter()
            .filter(|(_, values)| values.len() >= 2)
            .map(|(size, mut values)| {
                values.sort_by(f32::total_cmp);
                // Below the middle: paragraphs and lists only ever add space.
                (size, values[values.len() * 2 / 5])
            })
            .collect();
        Measure {
            body: (size as f32 / 2.0).max(1.0),
            face: most(&faces).unwrap_or(0),
            is_bold: bold * 2 > all,
            is_monospace: monospace * 2 > all,
            leadings,
        }
    }

    /// The usual distance of lines of a size, in points.
    pub(super) fn leading(&self, size: f32) -> f32 {
        self.leadings
            .get(&half_points(size))
            .copied()
            .unwrap_or(1.2 * size.max(1.0))
    }

    /// How far `lower` stands below `upper`, in usual line distances.
    pub(super) fn distance(&self, upper: &Row, lower: &Row) -> f32 {
        let leading = self.leading(upper.size).max(self.leading(lower.size));
        // A larger line needs more room above it than the smaller one's distance says.
        (lower.bottom() - upper.bottom()) / leading.max(1.0)
    }

    /// Size as a share of the text's.
    pub(super) fn ratio(&self, row: &Row) -> f32 {
        row.size / self.body
    }
}

fn half_points(size: f32) -> u32 {
    (size * 2.0).round().max(0.0) as u32
}

fn most<K: Copy + Ord>(counts: &HashMap<K, usize>) -> Option<K> {
    counts
        .iter()
        .max_by_key(|&(key, count)| (*count, *key))
        .map(|(key, _)| *key)
}

/// The column that a row stands in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    /// Where its lines start, in points.
    pub(super) left: f32,
    /// Where its full lines end.
    pub(super) right: f32,
}

/// Deepest indent, in points, that is looked at.
const REACH: usize = 64;
/// Widest page, in points, that columns are looked for on.
const MAX_WIDTH: f32 = 5_000.0;

/// The column of each row.
pub(super) fn columns(rows: &[Row]) -> Vec<Column> {
    let bin = |x: f32| x.clamp(0.0, MAX_WIDTH).round() as usize;
    let is_text = |row: &&Row| row.letters() >= 12 && !row::is_turned(row);
    let mut starts = vec![0u32; MAX_WIDTH as usize + 2];
    for row in rows.iter().filter(is_text) {
        starts[bin(row.rect.x0)] += 1;
    }
    let around = |at: usize| {
        starts[at.saturating_sub(1)..=(at + 1).min(starts.len() - 1)]
            .iter()
            .sum::<u32>()
    };
    // The last column's edge at or left of each point.
    let mut near = Vec::with_capacity(starts.len());
    let mut last = None;
    for (at, count) in starts.iter().enumerate() {
        if *count > 0 && around(at) >= 3 {
            last = Some(at);
        }
        near.push(last);
    }
    let lefts: Vec<usize> = rows
        .iter()
        .map(|row| {
            let own = bin(row.rect.x0);
            let from = own.saturating_sub(REACH);
            let best = (from..=(own + 2).min(starts.len() - 1))
                .filter(|&at| starts[at] > 0 && around(at) >= 3)
                .max_by_key(|&at| (around(at), starts[at]));
            // Centred lines are further in than any indent.
            best.or(near[own]).unwrap_or(own)
        })
        .collect();
    let mut ends: HashMap<usize, Vec<f32>> = HashMap::new();
    for (row, left) in rows.iter().zip(&lefts).filter(|(row, _)| is_text(row)) {
        ends.entry(*left).or_default().push(row.rect.x1);
    }
    for values in ends.values_mut() {
        values.sort_by(f32::total_cmp);
    }
    rows.iter()
        .zip(lefts)
        .map(|(row, left)| {
            let right = ends
                .get(&left)
                .and_then(|ends| ends.get(ends.len() * 17 / 20))
                .copied()
                .filter(|right| *right > row.rect.x0);
            // A line right of the last column's end stands in one of its own.
            match right {
                Some(right) => Column {
                    left: left as f32,
                    right: right.max(left as f32),
                },
                None => Column {
                    left: row.rect.x0,
                    right: row.rect.x1,
                },
            }
        })
        .collect()
}
