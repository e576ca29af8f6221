//! Where the lines of a reference list stand: what indents and gaps say of where entries begin.

use std::collections::{BTreeMap, HashMap};

use super::rows::Row;
use super::{heading, names};

/// Where the lines of a list stand.
pub(super) struct Geometry {
    /// Left edge of each run.
    lefts: BTreeMap<usize, Edges>,
    /// How far continuing lines are set in, in points; 0 where they are not.
    indent: f32,
    /// From one line to the next within an entry, in points.
    pub(super) pitch: f32,
    /// Width of a full column, in points.
    width: f32,
}

#[derive(Debug, Clone, Copy)]
struct Edges {
    left: f32,
    right: f32,
    /// Rightmost left end of a line, short of the column's middle.
    inner: f32,
}

impl Edges {
    fn of(rows: &[&Row<'_>]) -> Self {
        let mut starts: Vec<f32> = rows.iter().map(|row| row.rect.x0).collect();
        starts.sort_by(f32::total_cmp);
        // A stray number in the margin is no edge: two lines or more begin at one.
        let shared = starts
            .windows(2)
            .find(|pair| starts.len() >= 4 && pair[1] - pair[0] < 3.0)
            .map(|pair| pair[0]);
        let left = shared.or(starts.first().copied()).unwrap_or(0.0);
        let right = rows.iter().map(|row| row.rect.x1);
        Edges {
            left,
            right: right.fold(left, f32::max),
            inner: starts.last().copied().unwrap_or(left),
        }
    }
}

impl Geometry {
    pub(super) fn of(rows: &[Row<'_>], pitch: f32) -> Self {
        let mut runs: BTreeMap<usize, Vec<&Row<'_>>> = BTreeMap::new();
        for row in rows {
            runs.entry(row.run).or_default().push(row);
        }
        let lefts: BTreeMap<usize, Edges> = runs
            .into_iter()
            .map(|(run, rows)| (run, Edges::of(&rows)))
            .collect();
        let mut sizes: Vec<f32> = rows.iter().map(|row| row.size).collect();
        sizes.sort_by(f32::total_cmp);
        let em = sizes.get(sizes.len() / 2).copied().unwrap_or(1.0).max(1.0);
        let mut steps: HashMap<i32, u32> = HashMap::new();
        for pair in rows.windows(2) {
            let step = (pair[1].rect.x0 - pair[0].rect.x0).abs();
            if pair[0].run == pair[1].run && step > 0.4 * em && step < 9.0 * em {
                *steps.entry(step.round() as i32).or_default() += 1;
            }
        }
        let near = |step: i32| -> u32 {
            (step - 1..=step + 1)
                .filter_map(|step| steps.get(&step))
                .sum()
        };
        let indent = steps
            .keys()
            .copied()
            .max_by_key(|step| (near(*step), steps.get(step).copied(), -step))
            .unwrap_or(0);
        let indent = indent as f32;
        let mut widths: Vec<f32> = lefts
            .values()
            .filter(|edges| indent > 0.0 && edges.inner > edges.left + 0.6 * indent)
            .map(|edges| edges.right - edges.left)
            .collect();
        widths.sort_by(f32::total_cmp);
        Geometry {
            width: widths.get(widths.len() / 2).copied().unwrap_or(0.0),
            lefts,
            indent,
            pitch,
        }
    }

    fn is_at_left(&self, row: &Row<'_>) -> bool {
        let Some(edges) = self.lefts.get(&row.run) else {
            return false;
        };
        if edges.inner > edges.left + 0.6 * self.indent {
            return row.rect.x0 < edges.left + 0.5 * self.indent;
        }
        // Lines of one kind only: other columns tell of which.
        let others = |shift: f32| {
            self.lefts.iter().take(200).any(|(run, other)| {
                *run != row.run
                    && other.inner > other.left + 0.6 * self.indent
                    && (other.left + shift - edges.left).abs() < 2.0
            })
        };
        if others(0.0) {
            return true;
        }
        if others(self.indent) {
            return false;
        }
        let width = edges.right - edges.left;
        (width - self.width).abs() <= (width - (self.width - self.indent)).abs()
    }

    /// Lines at the left edge, the others being set in.
    pub(super) fn hanging(&self, rows: &[Row<'_>]) -> Vec<usize> {
        if self.indent == 0.0 {
            return Vec::new();
        }
        (0..rows.len())
            .filter(|index| *index == 0 || self.is_at_left(&rows[*index]))
            .collect()
    }

    /// Lines that are set in, as first lines of paragraphs are.
    pub(super) fn indented(&self, rows: &[Row<'_>]) -> Vec<usize> {
        if self.indent == 0.0 || rows.first().is_none_or(|row| self.is_at_left(row)) {
            return Vec::new();
        }
        (0..rows.len())
            .filter(|index| !self.is_at_left(&rows[*index]))
            .collect()
    }

    /// Lines after a space that is wider than between lines; at the head of a column those that
    /// begin as entries do.
    pub(super) fn gaps(&self, rows: &[Row<'_>]) -> Vec<usize> {
        let is_apart = |index: usize| {
            let (last, row) = (&rows[index - 1], &rows[index]);
            if !row.is_placed() {
                row.is_parted
            } else if last.run == row.run {
                // A word or a list that goes on outweighs a gap.
                row.rect.y0 - last.rect.y0 > 1.25 * self.pitch
                    && !last.text.ends_with(['-', ',', '–'])
            } else {
                heading::ends_sentence(last.text) && names::begin(row.text)
            }
        };
        let starts: Vec<usize> = (0..rows.len())
            .filter(|index| *index == 0 || is_apart(*index))
            .collect();
        if starts.len() > 1 { starts } else { Vec::new() }
    }
}
