//! A page's rows made into blocks, in reading order.

use std::ops::Range;

use super::heading::Heading;
use super::list;
use super::measure::{Column, Measure};
use super::opening::{self, Marker};
use super::paragraph::{self, Placed};
use super::row::Row;
use super::special;
use super::wording;
use crate::BlockKind;
use crate::hyphen::is_hyphen;

/// Rows `first..end` of a page, which belong together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) kind: BlockKind,
    pub(super) level: Option<u8>,
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) continues: bool,
}

/// What is known of a page's rows before they are made into blocks.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) tables: Vec<Range<usize>>,
    pub(super) captions: Vec<Range<usize>>,
    /// A footnote's row; true where one starts.
    pub(super) notes: Vec<Option<bool>>,
    pub(super) headings: Vec<Heading>,
    /// Title, authors and abstract of the first page.
    pub(super) front: Vec<(BlockKind, Range<usize>)>,
    /// Entries of the reference list, where those are known.
    pub(super) references: Vec<Range<usize>>,
}

/// Most lines of a formula that the next one is compared with.
const MOST_PARTS: usize = 12;
/// Longest part of a formula that has no sign in it, in characters.
const LONGEST_PART: usize = 12;
/// So many labels in a row are a figure's.
const LEAST_SCRAPS: usize = 3;
/// Letters of a line of running text, at least; labels in figures have fewer.
const PROSE: usize = 18;

/// An abstract ends after so many bytes if no heading ends it.
const LONGEST_ABSTRACT: usize = 3500;
/// Letters of a numbered label in a figure, at most: "(1) fork".
const LABEL: usize = 9;

/// What goes on from page to page.
#[derive(Default)]
pub(super) struct Flow {
    /// Text of the last line of running text.
    last: String,
    last_kind: Option<BlockKind>,
    /// It ended a column in the middle of a sentence: items of a figure in between are none of it.
    is_hanging: bool,
    in_references: bool,
    /// Bytes that the abstract may still have; it has no end of its own.
    abstract_left: usize,
}

/// The blocks of a page.
pub(super) fn blocks(
    rows: &[Row],
    columns: &[Column],
    marks: &Marks,
    measure: &Measure,
    flow: &mut Flow,
) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut fixed = vec![None; rows.len()];
    fix(&mut fixed, marks);
    let mut at = 0;
    while at < rows.len() {
        let row = &rows[at];
        let mut piece = Piece {
            kind: BlockKind::Paragraph,
            level: None,
            first: at,
            end: at + 1,
            continues: false,
        };
        if let Some((kind, end, level)) = fixed[at] {
            piece.kind = kind;
            piece.level = level;
            piece.end = end.clamp(at + 1, rows.len());
            if kind == BlockKind::Heading {
                let text = &rows[at].text;
                flow.in_references = wording::names_references(text);
                let is_abstract = wording::names_abstract(text)
                    && wording::section_name(text).is_none_or(|name| name != "summary");
                flow.abstract_left = if is_abstract { LONGEST_ABSTRACT } else { 0 };
            }
            if kind == BlockKind::Caption {
                flow.abstract_left = 0;
            }
            if kind == BlockKind::Abstract {
                piece.end = running_end(rows, columns, &fixed, at, piece.end, kind, measure);
            }
        } else if special::is_code(row) {
            piece.kind = BlockKind::Code;
            piece.end = end_while(rows, &fixed, at, |upper, lower| {
                special::is_code(lower)
                    && lower.bottom() > upper.bottom()
                    && measure.distance(upper, lower) < 3.0
            });
        } else if special::is_equation(row, &columns[at], measure) {
            piece.kind = BlockKind::Equation;
            let mut end = at + 1;
            while end < rows.len()
                && fixed[end].is_none()
                && joins_equation(&rows[end - 1], &rows[end], &columns[end], measure)
            {
                end += 1;
            }
            piece.end = end;
        } else if flow.in_references {
            piece.kind = BlockKind::Reference;
            piece.end = entry_end(rows, columns, &fixed, at, measure);
            piece.continues = pieces
                .last()
                .is_none_or(|last| last.kind == BlockKind::Reference)
                && flow.last_kind == Some(BlockKind::Reference)
                && starts_column(rows, at)
                && paragraph::continues(&flow.last, &row.text)
                && opening::list_marker(&row.text).is_none();
        } else if list::is_item(rows, columns, at, measure) {
            piece.kind = BlockKind::ListItem;
            piece.end = list::item_end(rows, columns, |row| fixed[row].is_none(), at, measure);
        } else {
            if wording::names_keywords(&row.text) {
                flow.abstract_left = 0;
            }
            piece.kind = if flow.abstract_left > 0 {
                BlockKind::Abstract
            } else {
                abstract_opening(row)
            };
            piece.end = running_end(rows, columns, &fixed, at, rows.len(), piece.kind, measure);
        }
        let is_running = matches!(
            piece.kind,
            BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Abstract | BlockKind::Reference
        );
        if matches!(piece.kind, BlockKind::Paragraph | BlockKind::Abstract) {
            let is_interrupted =
                starts_column(rows, at) || pieces.last().is_none_or(|last| !is_text(last.kind));
            piece.continues = is_interrupted
                && flow.last_kind.is_some_and(|kind| {
                    is_text(kind)
                        && (kind == piece.kind
                            || kind == BlockKind::ListItem
                            || piece.kind == BlockKind::Paragraph)
                })
                && paragraph::continues(&flow.last, &row.text)
                && (row.letters() >= PROSE || at == 0 || flow.last.ends_with(is_hyphen))
                && row.rect.x0 < columns[at].left + 1.0 * row.size
                && measure.ratio(row) < 1.15;
        }
        let is_prose = || {
            rows[piece.first..piece.end]
                .iter()
                .any(|row| row.letters() >= PROSE)
        };
        let is_aside = piece.kind == BlockKind::ListItem && flow.is_hanging;
        if is_running && !is_aside && (is_prose() || piece.continues) {
            flow.is_hanging = !wording::is_ended(&rows[piece.end - 1].text)
                && (piece.end == rows.len() || starts_column(rows, piece.end));
            flow.last.clone_from(&rows[piece.end - 1].text);
            flow.last_kind = Some(piece.kind);
        } else if matches!(
            piece.kind,
            BlockKind::Heading | BlockKind::Title | BlockKind::Author
        ) {
            flow.last_kind = None;
            flow.is_hanging = false;
        }
        at = piece.end;
        pieces.push(piece);
    }
    join_scraps(rows, join_formulas(rows, pieces, measure))
}

/// Makes one block of the parts of a displayed formula: fractions and limits stand on lines of
/// their own, some with nothing but a letter on them.
fn join_formulas(rows: &[Row], pieces: Vec<Piece>, measure: &Measure) -> Vec<Piece> {
    let is_part = |piece: &Piece| {
        piece.kind == BlockKind::Equation
            || (piece.kind == BlockKind::Paragraph
                && piece.end - piece.first <= 3
                && rows[piece.first..piece.end]
                    .iter()
                    .all(|row| row.text.chars().count() <= LONGEST_PART && row.letters() <= 6))
    };
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Some(last) = joined
            .last_mut()
            .filter(|last| is_part(last) && is_part(&piece))
        else {
            joined.push(piece);
            continue;
        };
        // The last lines are enough: limits hang from them, and a crafted page has many.
        let above = &rows[last.first.max(last.end.saturating_sub(MOST_PARTS))..last.end];
        let top = above.iter().map(|row| row.rect.y0).fold(f32::MAX, f32::min);
        let bottom = above.iter().map(|row| row.rect.y1).fold(f32::MIN, f32::max);
        let below = &rows[piece.first];
        let leading = measure.leading(measure.body);
        let has_formula = last.kind == BlockKind::Equation || piece.kind == BlockKind::Equation;
        let is_near = below.rect.y0 < bottom + leading && below.rect.y1 > top - leading;
        if has_formula && is_near {
            last.kind = BlockKind::Equation;
            last.end = piece.end;
            last.continues = false;
        } else {
            joined.push(piece);
        }
    }
    joined
}

/// Makes one block of the labels of a figure, which are no paragraphs.
fn join_scraps(rows: &[Row], pieces: Vec<Piece>) -> Vec<Piece> {
    let is_scrap = |piece: &Piece| {
        let is_label = piece.kind == BlockKind::ListItem && rows[piece.first].letters() < LABEL;
        (is_label || matches!(piece.kind, BlockKind::Paragraph | BlockKind::Abstract))
            && piece.end - piece.first <= 3
            && rows[piece.first..piece.end]
                .iter()
                .all(|row| row.letters() < PROSE && !row.text.ends_with('.'))
    };
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut start = 0;
    while start < pieces.len() {
        let mut end = start;
        while end < pieces.len() && is_scrap(&pieces[end]) {
            end += 1;
        }
        if end - start >= LEAST_SCRAPS {
            joined.push(Piece {
                kind: BlockKind::Paragraph,
                level: None,
                first: pieces[start].first,
                end: pieces[end - 1].end,
                continues: false,
            });
        } else {
            end = end.max(start + 1);
            joined.extend(pieces[start..end].iter().cloned());
        }
        start = end;
    }
    joined
}

fn is_text(kind: BlockKind) -> bool {
    matches!(
        kind,
        BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Abstract
    )
}

type Fixed = Option<(BlockKind, usize, Option<u8>)>;

/// Notes for each row that starts a known block its kind and end; rows inside one are known too.
fn fix(fixed: &mut [Fixed], marks: &Marks) {
    let mut mark = |kind: BlockKind, range: Range<usize>, level: Option<u8>| {
        let length = fixed.len();
        let end = range.end.min(length);
        let start = range.start.min(end);
        if fixed[start..end].iter().any(Option::is_some) {
            return;
        }
        for one in &mut fixed[start..end] {
            *one = Some((kind, end, level));
        }
    };
    for (kind, range) in &marks.front {
        mark(*kind, range.clone(), None);
    }
    for range in &marks.references {
        mark(BlockKind::Reference, range.clone(), None);
    }
    for heading in &marks.headings {
        mark(
            BlockKind::Heading,
            heading.first..heading.end,
            Some(heading.level),
        );
    }
    for range in &marks.tables {
        mark(BlockKind::Table, range.clone(), None);
    }
    for range in &marks.captions {
        mark(BlockKind::Caption, range.clone(), None);
    }
    let mut at = 0;
    while at < marks.notes.len() {
        if marks.notes[at].is_none() {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < marks.notes.len() && marks.notes[end] == Some(false) {
            end += 1;
        }
        mark(BlockKind::Footnote, at..end, None);
        at = end;
    }
}

fn end_while(
    rows: &[Row],
    fixed: &[Fixed],
    at: usize,
    goes_on: impl Fn(&Row, &Row) -> bool,
) -> usize {
    let mut end = at + 1;
    while end < rows.len() && fixed[end].is_none() && goes_on(&rows[end - 1], &rows[end]) {
        end += 1;
    }
    end
}

fn joins_equation(upper: &Row, lower: &Row, column: &Column, measure: &Measure) -> bool {
    let overlaps = lower.rect.y0 < upper.rect.y1 && lower.rect.y1 > upper.rect.y0;
    let is_part = overlaps && lower.letters() <= 12 && lower.text.len() <= 40;
    is_part
        || (special::is_equation(lower, column, measure)
            && measure.distance(upper, lower) < 2.5
            && lower.bottom() > upper.rect.y0)
}

pub(super) fn starts_column(rows: &[Row], at: usize) -> bool {
    at == 0 || !rows[at - 1].is_above(&rows[at])
}

/// True for a piece of the same line, apart by a wide gap.
fn is_beside(left: &Row, right: &Row) -> bool {
    left.is_level_with(right)
        && right.rect.x0 > left.rect.x1
        && left.width() + right.width() < 30.0 * right.size
}

/// End of running text that starts at `at`.
fn running_end(
    rows: &[Row],
    columns: &[Column],
    fixed: &[Fixed],
    at: usize,
    limit: usize,
    kind: BlockKind,
    measure: &Measure,
) -> usize {
    let place = |index: usize| Placed {
        row: &rows[index],
        column: columns[index],
    };
    let mut end = at + 1;
    while end < limit.min(rows.len()) {
        let is_free = fixed[end].is_none()
            || (kind == BlockKind::Abstract
                && fixed[end].is_some_and(|(kind, ..)| kind == BlockKind::Abstract));
        let after = (end + 1 < rows.len()).then(|| place(end + 1));
        let stops = !is_free
            || !(rows[end - 1].is_above(&rows[end]) || is_beside(&rows[end - 1], &rows[end]))
            || special::is_code(&rows[end])
            || special::is_equation(&rows[end], &columns[end], measure)
            || (list::is_item(rows, columns, end, measure))
            || (!is_beside(&rows[end - 1], &rows[end])
                && paragraph::parts(place(end - 1), place(end), after, measure));
        if stops {
            break;
        }
        end += 1;
    }
    end
}

/// End of an entry of a reference list: the next one starts with a marker, further left, or after a gap.
fn entry_end(
    rows: &[Row],
    columns: &[Column],
    fixed: &[Fixed],
    at: usize,
    measure: &Measure,
) -> usize {
    let first = &rows[at];
    let is_marked =
        opening::list_marker(&first.text).is_some_and(|(marker, _)| marker != Marker::Bullet);
    let mut end = at + 1;
    let mut hangs = false;
    while end < rows.len() && fixed[end].is_none() {
        let (upper, lower) = (&rows[end - 1], &rows[end]);
        let em = first.size.max(1.0);
        let is_outdented = hangs && lower.rect.x0 < upper.rect.x0 - 0.5 * em;
        let marker = opening::list_marker(&lower.text)
            .is_some_and(|(marker, _)| marker != Marker::Bullet)
            && is_marked
            && (lower.rect.x0 - first.rect.x0).abs() < 1.5 * em;
        let is_far = measure.distance(upper, lower) > 1.3;
        if !upper.is_above(lower) || is_outdented || marker || is_far {
            break;
        }
        let is_hanging = lower.rect.x0 > first.rect.x0 + 0.4 * em;
        // Neither marker nor hanging: a short line with a stop ends the entry.
        let is_short = upper.rect.x1 < columns[end - 1].right - 4.0 * em;
        if !is_marked && !is_hanging && !hangs && wording::is_ended(&upper.text) && is_short {
            break;
        }
        hangs |= is_hanging;
        end += 1;
    }
    end
}

/// "Abstract. We present", "Abstract—We present": the abstract with its heading run in.
fn abstract_opening(row: &Row) -> BlockKind {
    let lower: String = row
        .text
        .chars()
        .take(24)
        .flat_map(char::to_lowercase)
        .collect();
    let is_abstract = ["abstract", "zusammenfassung", "résumé", "resumen", "摘要"]
        .iter()
        .any(|name| {
            lower.strip_prefix(name).is_some_and(|rest| {
                rest.trim_start()
                    .starts_with(['.', ':', '-', '—', '–', '：'])
            })
        });
    if is_abstract {
        BlockKind::Abstract
    } else {
        BlockKind::Paragraph
    }
}
