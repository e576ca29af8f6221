//! Captions of figures, tables, algorithms and listings, and how far they go on.

use std::ops::Range;

use super::measure::{Column, Measure};
use super::opening::{self, CaptionOpening};
use super::paragraph;
use super::row::Row;
use super::wording;

/// Captions of a page: an opening and the rows that go on with it.
pub(super) fn find(
    rows: &[Row],
    columns: &[Column],
    measure: &Measure,
    is_taken: &[bool],
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let opening = opening::caption(&rows[at].text).filter(|_| !is_taken[at]);
        let above = at
            .checked_sub(1)
            .map(|above| &rows[above])
            .filter(|above| above.is_above(&rows[at]));
        let is_apart = above.is_none_or(|above| {
            measure.distance(above, &rows[at]) > 1.25
                || (above.size - rows[at].size).abs() > 0.4
                || is_taken[at - 1]
        });
        let is_opening = match opening {
            Some(CaptionOpening::Sure) => {
                is_apart || above.is_none_or(|above| wording::is_ended(&above.text))
            }
            // Only bold or smaller type tells "Table 2 Results" from a sentence.
            Some(CaptionOpening::Likely) => {
                is_apart && (measure.ratio(&rows[at]) < 0.96 || starts_otherwise(&rows[at]))
            }
            None => false,
        };
        if !is_opening {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < rows.len() && end - at < 40 && !is_taken[end] {
            let (upper, lower) = (&rows[end - 1], &rows[end]);
            let is_same = (upper.size - lower.size).abs() < 0.08 * upper.size
                || paragraph::goes_on(&upper.text, &lower.text);
            // Set under each other with no more space than lines of one paragraph have.
            let is_near = upper.is_above(lower)
                && lower.bottom() - upper.bottom()
                    < 1.35 * measure.leading(lower.size).min(1.5 * lower.size);
            let is_other = opening::caption(&lower.text).is_some()
                || lower.cells() > 2
                || (lower.look.bold && !upper.look.bold && wording::is_ended(&upper.text));
            if !is_same || !is_near || is_other {
                break;
            }
            // A short line that ends a sentence is the last.
            let full = rows[at..end]
                .iter()
                .map(|row| row.rect.x1)
                .fold(f32::MIN, f32::max)
                .max(columns[at].right.min(lower.rect.x1));
            if wording::is_ended(&upper.text)
                && upper.rect.x1 < full - 4.0 * upper.size
                && (lower.size - measure.body).abs() < 0.3
            {
                break;
            }
            end += 1;
        }
        found.push(at..end);
        at = end;
    }
    found
}

/// True where the row starts in another font than it goes on with.
fn starts_otherwise(row: &Row) -> bool {
    row.look.bold
        || row.look.capitals
        || row
            .spans
            .first()
            .zip(row.spans.last())
            .is_some_and(|(first, last)| first.font != last.font && first.end >= 3)
}
