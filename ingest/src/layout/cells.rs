//! Tables whose cells wrap: drawn cell after cell, each of a few lines under each other.
//!
//! Read in that order, the rows of such a table fall apart. Cells that stand side by side are a
//! *band*; several bands under each other near the caption of a table become one line each, so
//! that a row of the table is a line whatever its cells hold.

use super::opening;
use super::row::{self, Row};
use crate::hyphen::is_hyphen;

/// Most lines of a cell; columns of prose are longer.
const MOST_LINES: usize = 8;
/// Most lines of a band, which bounds the search for its end.
const MOST_ROWS: usize = 64;
/// How many lines away the caption may be.
const CAPTION_REACH: usize = 4;

/// Makes one row of each band of a table.
pub(super) fn gather(rows: Vec<Row>) -> Vec<Row> {
    let mut bands: Vec<Vec<Vec<usize>>> = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let band = band(&rows, at);
        at += band.iter().map(Vec::len).sum::<usize>();
        bands.push(band);
    }
    let is_wide: Vec<bool> = bands.iter().map(|band| band.len() > 1).collect();
    let mut is_table = vec![false; bands.len()];
    let mut start = 0;
    while start < bands.len() {
        let mut end = start;
        while end < bands.len() && is_wide[end] {
            end += 1;
        }
        if is_table_of_bands(&rows, &bands[start..end]) {
            is_table[start..end].fill(true);
        }
        start = end.max(start + 1);
    }
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let mut gathered = Vec::with_capacity(rows.len());
    for (band, is_table) in bands.iter().zip(is_table) {
        if !is_table {
            gathered.extend(
                band.iter()
                    .flatten()
                    .filter_map(|&index| rows[index].take()),
            );
            continue;
        }
        let mut whole: Option<Row> = None;
        for cell in band {
            let mut content: Option<Row> = None;
            for row in cell.iter().filter_map(|&index| rows[index].take()) {
                match &mut content {
                    Some(content) => {
                        // Cells are narrow: nearly all their hyphens are those of the line's end.
                        let is_cut = content.text.ends_with(is_hyphen)
                            && row.text.starts_with(char::is_lowercase);
                        content.append(row, (!is_cut).then_some(' '));
                    }
                    None => content = Some(row),
                }
            }
            match (&mut whole, content) {
                (Some(whole), Some(content)) => whole.append(content, Some('\t')),
                (None, content) => whole = content,
                (_, None) => {}
            }
        }
        gathered.extend(whole);
    }
    gathered
}

/// The cells of the band that starts at `at`, as indices of rows.
fn band(rows: &[Row], at: usize) -> Vec<Vec<usize>> {
    let mut cells = vec![vec![at]];
    let (mut top, mut bottom) = (rows[at].rect.y0, rows[at].rect.y1);
    let mut right = rows[at].rect.x1;
    for (next, row) in rows.iter().enumerate().skip(at + 1).take(MOST_ROWS) {
        let Some(cell) = cells.last_mut() else {
            break;
        };
        let last = &rows[cell[cell.len() - 1]];
        let em = row.size.max(1.0);
        let is_under = last.is_above(row)
            && row.bottom() - last.bottom() < 1.35 * em
            && (row.size - last.size).abs() < 0.1 * em
            && cell.len() < MOST_LINES;
        let is_beside = row.rect.x0 > right - 0.5 * em
            && row.rect.y0 < bottom - 0.3 * em
            && row.rect.y1 > top + 0.3 * em;
        if row::is_turned(row) || row::is_turned(last) {
            break;
        } else if is_beside {
            cells.push(vec![next]);
        } else if is_under {
            cell.push(next);
        } else {
            break;
        }
        top = top.min(row.rect.y0);
        bottom = bottom.max(row.rect.y1);
        right = right.max(row.rect.x1);
    }
    // A paragraph above a band, or a lone column of lines, is no cell.
    if cells.len() == 1 {
        return vec![vec![at]];
    }
    cells
}

fn is_table_of_bands(rows: &[Row], bands: &[Vec<Vec<usize>>]) -> bool {
    let (Some(first), Some(last)) = (bands.first(), bands.last()) else {
        return false;
    };
    let wraps = bands.iter().flatten().filter(|cell| cell.len() > 1).count();
    let cells: usize = bands.iter().map(Vec::len).sum();
    let from = first[0][0].saturating_sub(CAPTION_REACH);
    let to = last
        .last()
        .and_then(|cell| cell.last())
        .map_or(0, |&index| index + 1);
    let is_caption = |row: &Row| opening::caption(&row.text).is_some();
    let is_captioned = rows[from..(to + CAPTION_REACH).min(rows.len())]
        .iter()
        .any(is_caption);
    let are_words = bands
        .iter()
        .flatten()
        .flatten()
        .all(|&index| rows[index].text.chars().count() <= 80 && !is_caption(&rows[index]));
    wraps > 0 && are_words && bands.len() >= 2 && cells >= 3 + bands.len() && is_captioned
}
