//! Cuts the lines of a reference list into entries.
//!
//! Labels are believed first. Where there are none, entries are told by indents, by the space
//! between them and by the names that they begin with; each way gives a division, and the one
//! whose pieces look most like references wins: most of them with a year, none beginning in the
//! middle of a sentence.

use super::geometry::Geometry;
use super::heading::{self, Typeface};
use super::label::{self, Start};
use super::rows::Row;
use super::{identifier, join, names};

/// Longest entry that is believed, in bytes.
const LONGEST: usize = 3_000;

/// The rows of one entry.
#[derive(Debug, Clone)]
pub(super) struct Piece<'a> {
    pub(super) label: String,
    /// Bytes of the first row's text that the label takes.
    pub(super) label_length: usize,
    pub(super) rows: Vec<Row<'a>>,
}

/// The entries among rows that follow the heading of a reference list.
pub(super) fn entries<'a>(rows: &[Row<'a>], typeface: &Typeface) -> Vec<Piece<'a>> {
    if rows.is_empty() {
        return Vec::new();
    }
    let geometry = Geometry::of(rows, typeface.pitch());
    let mut ways = vec![
        geometry.hanging(rows),
        geometry.indented(rows),
        geometry.gaps(rows),
        by_names(rows),
    ];
    if ways.iter().all(Vec::is_empty) {
        ways.push(vec![0]);
    }
    let unlabelled = ways
        .into_iter()
        .enumerate()
        .filter(|(_, starts)| !starts.is_empty())
        .map(|(way, starts)| {
            let starts: Vec<Start> = starts
                .into_iter()
                .map(|row| Start {
                    row,
                    label: String::new(),
                    length: 0,
                })
                .collect();
            // Names say less than where the lines stand.
            let trust = if way < 3 { 1.0 } else { 0.9 };
            (trust * value(rows, &starts), starts)
        })
        // The first of equals is the surest.
        .reduce(|best, other| if other.0 > best.0 { other } else { best });
    let labelled = label::starts(rows).map(|starts| (value(rows, &starts), starts));
    let starts = match (labelled, unlabelled) {
        (Some((labelled, starts)), Some((other, _))) if labelled >= 0.4 * other => starts,
        (_, Some((_, starts))) => starts,
        (Some((_, starts)), None) => starts,
        (None, None) => return Vec::new(),
    };
    let is_labelled = starts.iter().any(|start| !start.label.is_empty());
    let mut pieces = cut(rows, starts);
    // Stray lines: a subheading, a page number.
    pieces.retain(|piece| !piece.label.is_empty() || !is_stray(&piece.rows));
    trim_end(&mut pieces, &geometry, typeface, is_labelled);
    pieces
}

fn is_stray(rows: &[Row<'_>]) -> bool {
    let length: usize = rows.iter().map(|row| row.text.len()).sum();
    length < 32 && !rows.iter().any(|row| has_date(row.text))
}

fn cut<'a>(rows: &[Row<'a>], starts: Vec<Start>) -> Vec<Piece<'a>> {
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .map(|start| start.row)
        .chain([rows.len()])
        .collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| Piece {
            rows: rows.get(start.row..end).unwrap_or_default().to_vec(),
            label: start.label,
            label_length: start.length,
        })
        .filter(|piece| !piece.rows.is_empty())
        .collect()
}

/// How much a division looks like references: those that do, less those that do not.
fn value(rows: &[Row<'_>], starts: &[Start]) -> f32 {
    let ends = starts
        .iter()
        .skip(1)
        .map(|start| start.row)
        .chain([rows.len()]);
    let mut total = 0.0;
    for (start, end) in starts.iter().zip(ends) {
        let rows = rows.get(start.row..end).unwrap_or_default();
        total += worth(rows, start.length, start.label.is_empty());
    }
    total
}

/// 1 for rows that look like one whole reference, less than 0 for rows that do not.
fn worth(rows: &[Row<'_>], label_length: usize, is_unlabelled: bool) -> f32 {
    let Some(first) = rows.first() else {
        return -1.0;
    };
    let length: usize = rows.iter().map(|row| row.text.len() + 1).sum();
    if is_unlabelled && is_stray(rows) {
        return -0.25;
    }
    if !(20..=LONGEST).contains(&length) {
        return -1.5;
    }
    let text = first.text.get(label_length..).unwrap_or("").trim_start();
    if is_unlabelled && !begins_entry(text) {
        return -1.5;
    }
    if !rows.iter().any(|row| has_date(row.text)) {
        return if is_unlabelled { -1.5 } else { -0.5 };
    }
    // What ends in mid-sentence goes on in the next piece.
    if is_unlabelled && !ends_entry(rows) {
        return 0.25;
    }
    // Running text has years too, but not at once more than a reference says in many lines.
    if rows.len() > 14 && is_unlabelled {
        return -0.5;
    }
    1.0
}

/// True where the rows end as an entry does: with a stop, a number or an address.
fn ends_entry(rows: &[Row<'_>]) -> bool {
    let tail = rows.get(rows.len().saturating_sub(3)..).unwrap_or_default();
    if tail
        .last()
        .is_some_and(|row| heading::ends_sentence(row.text))
    {
        return true;
    }
    let text = join::text(tail);
    let word = text.rsplit(' ').next().unwrap_or("");
    word.contains("://") || word.contains("www.") || identifier::doi(word).is_some()
}

/// Entries begin with a name or a title.
fn begins_entry(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    if first.is_lowercase() {
        let word = text.split_whitespace().next().unwrap_or("");
        return names::is_particle(word) || word.chars().any(|c| c.is_ascii_digit());
    }
    first.is_alphanumeric() || "\"“‘«'`<—–-_[".contains(first)
}

/// A year, or what stands for one.
pub(super) fn has_date(text: &str) -> bool {
    let has_year = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            let digits = word.get(..4).unwrap_or("");
            digits.bytes().all(|b| b.is_ascii_digit())
                && (digits.starts_with("19")
                    || digits.starts_with("20")
                    || digits.starts_with("18"))
                && word.len() <= 5
        });
    has_year
        || [
            "http",
            "www.",
            "n.d.",
            "in press",
            "In press",
            "forthcoming",
            "to appear",
            "To appear",
            "submitted",
            "Submitted",
            "in preparation",
            "’9",
            "’0",
        ]
        .iter()
        .any(|mark| text.contains(mark))
}

/// Where names as of authors begin a line after the end of a sentence.
fn by_names(rows: &[Row<'_>]) -> Vec<usize> {
    let mut starts = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let follows_end = index == 0 || heading::ends_sentence(rows[index - 1].text);
        if index == 0 || (follows_end && names::begin(row.text)) {
            starts.push(index);
        }
    }
    starts
}

/// Takes away what follows the last reference and is none.
fn trim_end(
    pieces: &mut Vec<Piece<'_>>,
    geometry: &Geometry,
    typeface: &Typeface,
    is_labelled: bool,
) {
    if !is_labelled {
        // The longest beginning in which references outweigh the rest.
        let (mut sum, mut best, mut keep) = (0.0, 0.0, 0);
        for (index, piece) in pieces.iter().enumerate() {
            sum += worth(&piece.rows, piece.label_length, true);
            if sum > best || (sum == best && best > 0.0) {
                best = sum;
                keep = index + 1;
            }
        }
        pieces.truncate(keep);
    }
    let mut lengths: Vec<usize> = pieces.iter().map(|piece| piece.rows.len()).collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(3);
    let most = lengths
        .iter()
        .rev()
        .nth(1)
        .copied()
        .unwrap_or(usual)
        .max(2 * usual)
        + 4;
    let mut widest = 1.3 * geometry.pitch;
    for pair in pieces.windows(2) {
        if let (Some(last), Some(row)) = (pair[0].rows.last(), pair[1].rows.first())
            && last.run == row.run
        {
            widest = widest.max(row.rect.y0 - last.rect.y0);
        }
    }
    let Some(last) = pieces.last_mut() else {
        return;
    };
    let mut keep = 1;
    while keep < last.rows.len().min(most) {
        let (before, row) = (&last.rows[keep - 1], &last.rows[keep]);
        let is_complete = heading::ends_sentence(before.text)
            && last.rows[..keep].iter().any(|row| has_date(row.text));
        let is_apart = if before.run == row.run {
            let gap = row.rect.y0 - before.rect.y0;
            (is_complete && gap > 1.15 * widest)
                || gap > 2.0 * widest.max(2.0 * geometry.pitch)
                || (row.is_parted && is_complete)
        } else {
            is_complete
        };
        // Small type and code after the list.
        let other_size = (row.size - last.rows[0].size).abs() > 0.15 * last.rows[0].size;
        if is_apart || (other_size && is_complete && heading::closes(row, Some(before), typeface)) {
            break;
        }
        keep += 1;
    }
    last.rows.truncate(keep);
}

/// True where the pieces look like a reference list on the whole.
pub(super) fn are_plausible(pieces: &[Piece<'_>]) -> bool {
    let dated = pieces
        .iter()
        .filter(|piece| piece.rows.iter().any(|row| has_date(row.text)))
        .count();
    let sensible = pieces
        .iter()
        .filter(|piece| {
            let length = join::text(&piece.rows).len();
            (15..=LONGEST).contains(&length)
        })
        .count();
    2 * dated >= pieces.len() && 10 * sensible >= 7 * pieces.len() && !pieces.is_empty()
}
