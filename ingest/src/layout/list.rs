//! Items of lists: where they start, and where they end.

use super::block::starts_column;
use super::measure::{Column, Measure};
use super::numbering::{self, Numerals};
use super::opening::{self, Marker};
use super::paragraph;
use super::row::Row;
use super::special;
use super::wording;

/// Most lines of an item over which the numbers of a list are followed.
const MOST_BETWEEN: usize = 6;

/// True where a list item starts: a marker where a line starts afresh.
pub(super) fn is_item(rows: &[Row], columns: &[Column], at: usize, measure: &Measure) -> bool {
    let row = &rows[at];
    let Some((marker, length)) = opening::list_marker(&row.text) else {
        return false;
    };
    let rest = row.text.get(length..).unwrap_or("").trim_start();
    // Marks in a plot have nothing behind them.
    if !rest.contains(char::is_alphanumeric) || marker == Marker::Bracketed {
        return false;
    }
    if starts_column(rows, at) {
        return marker == Marker::Bullet
            || row.rect.x0 > columns[at].left + 0.5 * row.size
            || rest.starts_with(char::is_uppercase);
    }
    let above = &rows[at - 1];
    let is_indented = row.rect.x0 > above.rect.x0 + 0.5 * row.size
        || row.rect.x0 > columns[at].left + 0.5 * row.size;
    let is_apart = wording::is_ended(&above.text) || measure.distance(above, row) > 1.15;
    match marker {
        Marker::Bullet => {
            !row.text.starts_with(['-', '–', '—', '*', '·', '→']) || is_apart || is_indented
        }
        _ if (1..=MOST_BETWEEN).any(|back| at >= back && counts_on(&rows[at - back], row)) => true,
        _ => is_apart || (is_indented && !paragraph::goes_on(&above.text, rest)),
    }
}

/// True where two items of a list at one edge count on: "(a)" and "(b)", "1." and "2.".
fn counts_on(upper: &Row, lower: &Row) -> bool {
    let label = |row: &Row| {
        opening::list_marker(&row.text)
            .filter(|(marker, _)| *marker == Marker::Number)
            .and_then(|(_, length)| row.text.get(..length))
            .map(|label| {
                label
                    .trim_matches(|c: char| !c.is_alphanumeric())
                    .to_uppercase()
            })
    };
    if (upper.rect.x0 - lower.rect.x0).abs() > 0.6 * lower.size {
        return false;
    }
    let (Some(first), Some(second)) = (label(upper), label(lower)) else {
        return false;
    };
    numbering::neighbours(&first, Numerals::Roman).contains(&second)
}

pub(super) fn item_end(
    rows: &[Row],
    columns: &[Column],
    is_free: impl Fn(usize) -> bool,
    at: usize,
    measure: &Measure,
) -> usize {
    let first = &rows[at];
    let mut end = at + 1;
    let mut hang: Option<f32> = None;
    while end < rows.len() && is_free(end) {
        let (upper, lower) = (&rows[end - 1], &rows[end]);
        if !upper.is_above(lower)
            || is_item(rows, columns, end, measure)
            || special::is_code(lower)
            || special::is_equation(lower, &columns[end], measure)
            || measure.distance(upper, lower) > 1.4
        {
            break;
        }
        let em = first.size.max(1.0);
        let at_hang = match hang {
            Some(hang) => (lower.rect.x0 - hang).abs() < 0.7 * em,
            None => {
                lower.rect.x0 > first.rect.x0 - 0.5 * em && lower.rect.x0 < first.rect.x0 + 5.0 * em
            }
        };
        // Only the first line is indented, and the others go back to the column's edge.
        let is_outdented = lower.rect.x0 < first.rect.x0 - 0.5 * em
            && !wording::is_ended(&upper.text)
            && upper.rect.x1 > columns[end - 1].right - 3.0 * em;
        let goes_on = is_outdented || paragraph::goes_on(&upper.text, &lower.text);
        // Items whose lines go back to the marker end like paragraphs.
        let is_flush = lower.rect.x0 < first.rect.x0 + 0.4 * em;
        let is_ended =
            wording::is_ended(&upper.text) && upper.rect.x1 < columns[end - 1].right - 3.0 * em;
        if !goes_on && (!at_hang || (is_flush && is_ended)) {
            break;
        }
        hang.get_or_insert(lower.rect.x0);
        end += 1;
    }
    end
}
