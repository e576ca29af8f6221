//! Title and authors of the first page, where nobody else has found them: what stands above the
//! first heading, the largest type first.

use std::ops::Range;

use super::heading::Heading;
use super::measure::Measure;
use super::numbering;
use super::opening;
use super::row::{self, Row};
use super::wording;
use crate::BlockKind;

/// A title is at least this much larger than the text.
const TITLE_SIZE: f32 = 1.12;
/// One that comes behind the text is larger still.
const LATE_SIZE: f32 = 1.3;
/// Words of a line of a title, where one is found that has so many.
const TITLE_WORDS: usize = 3;
/// And so is what is taken for its authors.
const MOST_LATE_AUTHORS: usize = 4;
/// So many full rows under each other are text.
const PROSE_ROWS: usize = 4;

/// Marks title and authors, and says which of the page's headings are none after all.
pub(super) fn find(
    rows: &[Row],
    headings: &mut Vec<Heading>,
    measure: &Measure,
) -> Vec<(BlockKind, Range<usize>)> {
    let first_sure = headings
        .iter()
        .find(|heading| heading.is_sure)
        .map(|heading| heading.first);
    let prose = prose_start(rows, measure).unwrap_or(rows.len());
    // A heading right above the text is one, known by name or not.
    let above_prose = headings
        .iter()
        .find(|heading| heading.end == prose && heading.first > 0)
        .map_or(prose, |heading| heading.first);
    let mut start = 0;
    let mut end = first_sure.map_or(above_prose, |first| first.min(above_prose));
    if !rows[..end].iter().any(|row| is_large(row, measure)) {
        // Content order may put the title behind the text's beginning.
        let is_name = |row: &Row| {
            let title = numbering::split_number(&row.text).1;
            wording::section_name(title).is_some()
        };
        let size = rows
            .iter()
            .filter(|row| is_large(row, measure) && !is_name(row))
            .map(|row| row.size)
            .fold(LATE_SIZE * measure.body, f32::max);
        let Some(first) = rows
            .iter()
            .position(|row| is_large(row, measure) && row.size >= size && !is_name(row))
        else {
            return Vec::new();
        };
        start = first;
        end = (first + 1..rows.len())
            .find(|&index| {
                headings
                    .iter()
                    .any(|heading| heading.first == index && heading.is_sure)
                    || rows[index].letters() >= 40
            })
            .unwrap_or(rows.len())
            .max(first + 1);
    }
    // A logo or a journal's name may be larger than the title, and has fewer words.
    let largest = |least: usize| {
        rows[start..end]
            .iter()
            .filter(|row| is_large(row, measure) && words(row) >= least)
            .map(|row| row.size)
            .fold(0.0, f32::max)
    };
    let many = largest(TITLE_WORDS);
    let largest = if many > 0.0 { many } else { largest(0) };
    if largest < TITLE_SIZE * measure.body {
        return Vec::new();
    }
    let is_title = |row: &Row| row.size > 0.93 * largest && row.size < 1.1 * largest;
    let Some(first) =
        (start..end).find(|&index| is_title(&rows[index]) && rows[index].letters() >= 3)
    else {
        return Vec::new();
    };
    let mut last = first + 1;
    while last < end && is_title(&rows[last]) && last - first < 8 {
        last += 1;
    }
    headings.retain(|heading| heading.first < start || heading.first >= end);
    let mut front = vec![(BlockKind::Title, first..last)];
    let mut authors = last;
    let most = if start > 0 {
        last + MOST_LATE_AUTHORS
    } else {
        end
    };
    while authors < end.min(most) && opening::caption(&rows[authors].text).is_none() {
        authors += 1;
    }
    if authors > last {
        front.push((BlockKind::Author, last..authors));
    }
    front
}

/// Words of a row; two ideographs are about one.
fn words(row: &Row) -> usize {
    row.text.split_whitespace().count().max(
        row.text
            .chars()
            .filter(|&c| crate::extract::is_cjk(c))
            .count()
            / 2,
    )
}

fn is_large(row: &Row, measure: &Measure) -> bool {
    !row::is_turned(row) && row.letters() >= 3 && measure.ratio(row) >= TITLE_SIZE
}

/// Where several long rows of the text's size stand under each other.
fn prose_start(rows: &[Row], measure: &Measure) -> Option<usize> {
    let is_prose = |row: &Row| {
        (row.size - measure.body).abs() < 0.12 * measure.body
            && row.letters() >= 25
            && row.text.chars().any(char::is_lowercase)
    };
    let mut run = 0;
    for (index, row) in rows.iter().enumerate() {
        let goes_on = run == 0
            || (rows[index - 1].is_above(row) && measure.distance(&rows[index - 1], row) < 1.3);
        run = if !is_prose(row) {
            0
        } else if goes_on {
            run + 1
        } else {
            1
        };
        if run == PROSE_ROWS {
            return Some(index + 1 - PROSE_ROWS);
        }
    }
    None
}
