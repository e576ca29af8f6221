//! Tables without rulings: rows of cells, apart by wide gaps, that come several at a time.
//!
//! One line with a wide gap is a formula with its number, or a badly justified line; rows of three
//! cells, or several of two, under each other are a table. Single cells between or below such rows
//! are cells that wrap, or headings inside the table.

use std::ops::Range;

use super::cells;
use super::measure::{self, Column, Measure};
use super::numbering;
use super::opening;
use super::row::{self, Row};
use crate::hyphen::is_hyphen;

/// Most single-cell rows that may stand between two rows of cells.
const MOST_SINGLES: usize = 2;

/// The rows of a page, those of tables put together from their cells, and where the tables are.
pub(super) fn gather(rows: Vec<Row>, measure: &Measure) -> (Vec<Row>, Vec<Range<usize>>) {
    let merged = row::merge(cells::gather(rows));
    let columns = measure::columns(&merged);
    let found = find(&merged, &columns, measure);
    let mut rows = Vec::with_capacity(merged.len());
    let mut tables = Vec::with_capacity(found.len());
    let mut found = found.into_iter().peekable();
    let mut start = None;
    for (index, mut row) in merged.into_iter().enumerate() {
        if found.peek().is_some_and(|table| table.start == index) {
            start = Some(rows.len());
        }
        let parts = std::mem::take(&mut row.parts);
        // What stands side by side outside a table was no row.
        if start.is_none() && !parts.is_empty() {
            rows.extend(parts);
        } else {
            let above = start
                .filter(|first| *first < rows.len())
                .and_then(|_| rows.last_mut());
            match above {
                Some(above) if wraps_last(&row, above) => {
                    let is_cut =
                        above.text.ends_with(is_hyphen) && row.text.starts_with(char::is_lowercase);
                    above.append(row, (!is_cut).then_some(' '));
                    above.parts.clear();
                }
                _ => rows.push(row),
            }
        }
        if let Some(first) =
            start.filter(|_| found.peek().is_some_and(|table| table.end == index + 1))
        {
            tables.push(first..rows.len());
            start = None;
            found.next();
        }
    }
    (rows, tables)
}

/// Ranges of rows that are tables.
fn find(rows: &[Row], columns: &[Column], measure: &Measure) -> Vec<Range<usize>> {
    let is_row: Vec<bool> = rows
        .iter()
        .zip(columns)
        .map(|(row, column)| is_table_row(row, column))
        .collect();
    let mut tables = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        if !is_row[at] {
            at += 1;
            continue;
        }
        let (mut end, mut singles, mut next, mut full) = (at + 1, 0, at + 1, at);
        while next < rows.len() && singles <= MOST_SINGLES {
            let distance = measure.distance(&rows[end - 1], &rows[next]);
            let is_near = rows[next].bottom() >= rows[next - 1].bottom() - 0.5 * rows[next].size
                && distance < 3.0;
            if !is_near || opening::caption(&rows[next].text).is_some() {
                break;
            }
            if is_row[next] {
                (end, singles, full) = (next + 1, 0, next);
            } else if is_wrapped(&rows[next], &rows[full]) && distance < 1.6 {
                end = next + 1;
            } else if is_cell(&rows[next], &rows[at], measure) {
                singles += 1;
            } else {
                break;
            }
            next += 1;
        }
        let rows_of_cells = (at..end).filter(|&index| is_row[index]);
        let (count, cells) = rows_of_cells.fold((0, 0), |(count, cells), index| {
            (count + 1, cells + rows[index].cells())
        });
        let is_captioned = [at.checked_sub(1), Some(end)]
            .into_iter()
            .flatten()
            .filter_map(|index| rows.get(index))
            .any(|row| opening::caption(&row.text).is_some());
        // Two columns of two rows are little to go by.
        if count >= 2 && (cells >= 3 * count || count >= 3 || is_captioned) {
            tables.push(at..end);
        }
        at = end;
    }
    tables
}

fn is_table_row(row: &Row, column: &Column) -> bool {
    // Output of programs keeps its look.
    if row.cells() < 2 || row::is_turned(row) || row.look.monospace {
        return false;
    }
    let mut cells = row.text.split('\t');
    let first = cells.next().unwrap_or("");
    // "1.  An item", "(3)" at the end of a formula
    let after = format!("{first} x");
    if row.cells() == 2 {
        let last = row.text.rsplit('\t').next().unwrap_or("");
        if opening::list_marker(&after).is_some_and(|(_, length)| length >= first.len())
            || numbering::split_number(&after)
                .0
                .is_some_and(|number| number.label.len() >= first.trim_end_matches('.').len())
            || is_formula_number(last)
        {
            return false;
        }
    }
    // A justified line with a hole in it fills its column with long runs of words.
    let longest = row.text.split('\t').map(str::len).max().unwrap_or(0);
    let is_full = row.rect.x1 > column.right - 2.0 && row.rect.x0 < column.left + 2.0;
    !(row.cells() == 2 && is_full && longest > 40)
}

/// "(12)", "(3.4a)" at the right of a formula.
pub(super) fn is_formula_number(text: &str) -> bool {
    text.trim()
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .is_some_and(|inner| {
            !inner.is_empty()
                && inner.len() <= 8
                && inner.bytes().any(|b| b.is_ascii_digit())
                && inner
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '\'' | '′'))
        })
}

/// True where a row goes on with the last cell of the row above.
fn wraps_last(row: &Row, above: &Row) -> bool {
    row.cells() == 1
        && above
            .cell_starts()
            .last()
            .is_some_and(|x| (row.rect.x0 - x).abs() < 0.4 * row.size)
}

/// True where a row stands under a cell other than the first, whose text goes on in it.
fn is_wrapped(row: &Row, above: &Row) -> bool {
    let is_under = |x: f32| (row.rect.x0 - x).abs() < 0.4 * row.size;
    row.cells() == 1 && (above.cell_starts().any(is_under))
}

/// True where a row of one cell may belong to a table that starts with `first`.
fn is_cell(row: &Row, first: &Row, measure: &Measure) -> bool {
    let is_small = (row.size - first.size).abs() < 0.15 * first.size;
    let is_short = row.text.len() <= 40 || row.width() < 0.6 * first.width();
    is_small && is_short && !row::is_turned(row) && measure.ratio(row) < 1.15
}
