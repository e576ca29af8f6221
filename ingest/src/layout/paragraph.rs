//! Where one paragraph ends and the next begins, told by gaps, indents, short last lines and
//! type size. A sentence that visibly goes on (no stop above, lower case below) is never cut:
//! inline formulas spread lines too.

use super::measure::{Column, Measure};
use super::row::{Row, ends_in_cjk};
use super::wording;

/// A gap between lines this much larger than the usual one parts paragraphs.
const WIDE_GAP: f32 = 1.33;
/// No sentence goes on over a gap this large.
const HUGE_GAP: f32 = 2.4;
/// Sizes that differ by more than this share belong to different paragraphs.
const OTHER_SIZE: f32 = 0.12;

/// A row in its column.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) row: &'a Row,
    pub(super) column: Column,
}

/// True where a paragraph ends between two rows that follow each other in one column; `after` is
/// the row that follows `lower` in it.
pub(super) fn parts(
    upper: Placed<'_>,
    lower: Placed<'_>,
    after: Option<Placed<'_>>,
    measure: &Measure,
) -> bool {
    let distance = measure.distance(upper.row, lower.row);
    if distance > HUGE_GAP {
        return true;
    }
    if goes_on(&upper.row.text, &lower.row.text) {
        return false;
    }
    let (small, large) = if upper.row.size < lower.row.size {
        (upper.row.size, lower.row.size)
    } else {
        (lower.row.size, upper.row.size)
    };
    if large - small > OTHER_SIZE * large || distance > WIDE_GAP {
        return true;
    }
    is_indented(upper, lower, after) || ends_short(upper, lower)
}

/// True where the sentence of the upper line visibly goes on in the lower one.
pub(super) fn goes_on(upper: &str, lower: &str) -> bool {
    let first = lower.trim_start().chars().next();
    !wording::is_ended(upper) && first.is_some_and(char::is_lowercase)
}

/// True where `lower` starts further right than the lines around it.
fn is_indented(upper: Placed<'_>, lower: Placed<'_>, after: Option<Placed<'_>>) -> bool {
    let em = lower.row.size.max(1.0);
    let indent = lower.row.rect.x0 - upper.row.rect.x0;
    let is_back = after.is_none_or(|after| {
        !lower.row.is_above(after.row) || after.row.rect.x0 < lower.row.rect.x0 - 0.5 * em
    });
    let is_full_above = upper.row.rect.x0 < upper.column.left + 0.4 * em;
    (0.6 * em..4.5 * em).contains(&indent) && is_back && is_full_above
}

/// True where the upper line ends a sentence and the next word would have had room on it.
fn ends_short(upper: Placed<'_>, lower: Placed<'_>) -> bool {
    let room = upper.column.right - upper.row.rect.x1;
    let width = upper.column.right - upper.column.left;
    if width < 8.0 * upper.row.size || room < 0.0 {
        return false;
    }
    let length = lower.row.text.chars().count().max(1);
    let first = lower
        .row
        .text
        .split_whitespace()
        .next()
        .map_or(0, |word| word.chars().count());
    let first = if ends_in_cjk(&upper.row.text) {
        2
    } else {
        first
    };
    let word = lower.row.width() / length as f32 * (first + 1) as f32;
    let is_level = (upper.row.rect.x0 - lower.row.rect.x0).abs() < 1.5 * upper.row.size;
    if wording::is_ended(&upper.row.text) {
        // Ragged lines vary; half as much again is no accident.
        room > 1.5 * word && room > 2.0 * upper.row.size
    } else {
        is_level && room > 0.45 * width && room > 2.0 * word
    }
}

/// True where text at the top of a column goes on with the paragraph before it.
pub(super) fn continues(before: &str, first: &str) -> bool {
    if before.trim_end().ends_with(['-', '\u{2010}', '\u{ad}']) {
        return first.chars().next().is_some_and(char::is_alphanumeric);
    }
    let Some(start) = first.trim_start().chars().next() else {
        return false;
    };
    let is_opening = start.is_lowercase() || ends_in_cjk(before);
    !wording::is_ended(before) && (is_opening || before.ends_with(',') || start.is_alphanumeric())
}
