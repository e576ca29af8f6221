//! The reference list: where it stands, where each entry begins, and what each entry says.
//!
//! The list is found by its heading ([`heading`]) and ends at the next one, or where what follows
//! no longer looks like references. Its lines ([`rows`]) are cut into entries by labels, indents,
//! gaps or names ([`split`], [`label`], [`geometry`]), joined to one line each ([`join`]) and taken apart
//! ([`entry`], [`names`], [`identifier`]). [`keys`] and [`document_keys`] then tell which
//! documents of a library are cited. Formats that mark each entry need only [`parse`].
//!
//! All of it takes time in proportion to the length of the text, whatever the text is.

mod entry;
mod geometry;
mod heading;
mod identifier;
mod join;
mod label;
mod link;
mod name_words;
mod names;
mod rows;
mod sentence_end;
mod split;
mod title;
mod year;

#[cfg(test)]
mod styles;
#[cfg(test)]
mod tests;

pub use link::{document_keys, keys, matches};

use crate::{Page, Reference};
use heading::Typeface;
use rows::Row;
use split::Piece;

/// Least entries of a list that no heading announces.
const LEAST_WITHOUT_HEADING: usize = 5;

/// The entries of the paper's reference list, in order; none where it has no such list.
///
/// Of several lists the longest is taken, of equals the last. `start..end` of an entry covers its
/// lines in [`crate::Document::text`].
pub fn find(pages: &[Page]) -> Vec<Reference> {
    let rows = rows::of(pages);
    let headings: Vec<usize> = (0..rows.len())
        .filter(|index| heading::opens(rows[*index].text))
        .collect();
    let mut lists: Vec<Vec<Piece<'_>>> = Vec::new();
    for (index, &heading) in headings.iter().enumerate() {
        let end = headings.get(index + 1).copied().unwrap_or(rows.len());
        let found = list(&rows[heading + 1..end]);
        match lists.last_mut() {
            // A list that a heading of the same name interrupts, as running heads do, is one list.
            Some(last) if goes_on(last, &found, &rows[..heading]) => last.extend(found),
            _ => lists.push(found),
        }
    }
    let longest = lists.into_iter().max_by_key(Vec::len);
    let best = longest
        .filter(|list| !list.is_empty())
        .unwrap_or_else(|| without_heading(&rows));
    best.into_iter().filter_map(reference).collect()
}

/// The list that begins with the first of the rows.
fn list<'a>(rows: &[Row<'a>]) -> Vec<Piece<'a>> {
    let typeface = Typeface::of(rows);
    let end = (1..rows.len())
        .find(|index| heading::closes(&rows[*index], Some(&rows[*index - 1]), &typeface))
        .unwrap_or(rows.len());
    let own = without_floats(&rows[..end], &typeface);
    let pieces = split::entries(&own, &typeface);
    if split::are_plausible(&pieces) {
        pieces
    } else {
        Vec::new()
    }
}

/// The rows without captions and what is set in other type sizes between the entries.
fn without_floats<'a>(rows: &[Row<'a>], typeface: &Typeface) -> Vec<Row<'a>> {
    let mut own: Vec<Row<'a>> = Vec::with_capacity(rows.len());
    // The run of the caption that is being left out, and the bottom of its last line.
    let mut caption: Option<(usize, f32)> = None;
    // The run at whose foot stand footnotes.
    let mut footnote: Option<usize> = None;
    for (index, row) in rows.iter().enumerate() {
        let is_apart = index == 0
            || rows[index - 1].run != row.run
            || row.is_parted
            || row.rect.y0 - rows[index - 1].rect.y0 > 1.3 * typeface.pitch();
        if heading::is_caption(row.text) && is_apart {
            caption = Some((row.run, row.rect.y1));
            continue;
        }
        if let Some((run, bottom)) = caption {
            if run == row.run && row.rect.y0 - bottom < 0.6 * typeface.pitch() && !is_apart {
                caption = Some((run, row.rect.y1));
                continue;
            }
            caption = None;
        }
        if is_apart && typeface.opens_footnote(row) {
            footnote = Some(row.run);
        }
        if footnote == Some(row.run) && typeface.is_small(row) {
            continue;
        }
        if !typeface.is_foreign(row) {
            own.push(row.clone());
        }
    }
    own
}

/// True where `found` goes on with the list before it: right up to the heading between them, and
/// with the next number.
fn goes_on(last: &[Piece<'_>], found: &[Piece<'_>], before: &[Row<'_>]) -> bool {
    let (Some(end), Some(start)) = (last.last(), found.first()) else {
        return false;
    };
    let number = |piece: &Piece<'_>| piece.label.parse::<u32>().ok();
    if let (Some(end), Some(start)) = (number(end), number(start)) {
        return start == end + 1;
    }
    let reaches = end
        .rows
        .last()
        .zip(before.last())
        .is_some_and(|(end, last)| end.end == last.end);
    reaches && end.label.is_empty() == start.label.is_empty()
}

/// A numbered list of references that no heading announces: in the last half of the paper, from
/// the last `[1]` on.
fn without_heading<'a>(rows: &[Row<'a>]) -> Vec<Piece<'a>> {
    let from = rows.len() / 2;
    let first = (from..rows.len())
        .rev()
        .find(|index| rows[*index].text.starts_with("[1] ") || rows[*index].text == "[1]");
    let Some(first) = first else {
        return Vec::new();
    };
    let pieces = list(&rows[first..]);
    let is_numbered = pieces
        .iter()
        .all(|piece| piece.label.parse::<u32>().is_ok());
    if is_numbered && pieces.len() >= LEAST_WITHOUT_HEADING {
        pieces
    } else {
        Vec::new()
    }
}

/// Takes one entry apart, such as a format gives that marks them; `label` is what it is cited by.
pub fn parse(label: &str, text: &str) -> Reference {
    entry::parse(label, text)
}

fn reference(piece: Piece<'_>) -> Option<Reference> {
    let (start, end) = (piece.rows.first()?.start, piece.rows.last()?.end);
    let mut rows = piece.rows;
    if let Some(first) = rows.first_mut() {
        let length = piece.label_length.min(first.text.len());
        first.text = first.text.get(length..).unwrap_or(first.text);
    }
    let text = join::text(&rows);
    if text.is_empty() {
        return None;
    }
    Some(Reference {
        start,
        end,
        ..entry::parse(&piece.label, &text)
    })
}
