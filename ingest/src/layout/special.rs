//! Rows that are no prose: listings, displayed formulas, footnotes.

use super::measure::{Column, Measure};
use super::opening;
use super::row::Row;
use super::table::is_formula_number;
use super::wording;

/// Footnotes are set in type of at most this share of the text's.
const NOTE_SIZE: f32 = 0.94;

/// Most lines at the foot of a column that are looked at for notes in the text's own size.
const MOST_RAISED: usize = 10;

/// True for lines of program text.
pub(super) fn is_code(row: &Row) -> bool {
    row.look.monospace
}

/// Keeps the look of listings for rows that are one: addresses and single names are set in such
/// fonts too, and so is a line of a paragraph that happens to be all names.
pub(super) fn settle_code(rows: &mut [Row], measure: &Measure) {
    let is_code: Vec<bool> = (0..rows.len())
        .map(|at| {
            let row = &rows[at];
            // A typewritten paper is no program.
            if measure.is_monospace {
                return false;
            }
            let is_beside = |other: Option<usize>| {
                other
                    .and_then(|other| rows.get(other))
                    .is_some_and(|other| {
                        other.look.monospace
                            && (other.bottom() - row.bottom()).abs()
                                < 3.0 * measure.leading(row.size)
                    })
            };
            let is_address =
                row.text.contains("://") || row.text.contains('@') || row.text.contains("www.");
            let goes_on = at > 0
                && !rows[at - 1].look.monospace
                && rows[at - 1].is_above(row)
                && measure.distance(&rows[at - 1], row) < 1.25
                && !wording::is_ended(&rows[at - 1].text);
            let is_run = is_beside(at.checked_sub(1)) || is_beside(Some(at + 1));
            let is_long = row.text.split_whitespace().nth(1).is_some();
            row.look.monospace
                && row.text.contains(|c: char| !c.is_whitespace())
                && (is_run || (is_long && !goes_on))
                && (is_run || !is_address)
        })
        .collect();
    for (row, is_code) in rows.iter_mut().zip(is_code) {
        row.look.monospace = is_code;
    }
}

/// True for a line of a displayed formula, or a part of one.
pub(super) fn is_equation(row: &Row, column: &Column, measure: &Measure) -> bool {
    let is_set_off = row.rect.x0 > column.left + 0.8 * row.size;
    if !is_set_off || row.size > 1.3 * measure.body || row.text.len() > 400 {
        return false;
    }
    let (mut words, mut others, mut signs) = (0, 0, 0);
    let mut numbered = false;
    for token in row.text.split_whitespace() {
        let run = token
            .split(|c: char| !c.is_alphabetic())
            .map(str::len)
            .max()
            .unwrap_or(0);
        if run >= 4 && !is_operator_name(token) {
            words += 1;
        } else {
            others += 1;
        }
        signs += token.chars().filter(|&c| is_sign(c)).count();
        numbered = is_formula_number(token);
    }
    let has_sign = signs > 0 || row.look.mathematical;
    // Formulas hold a word now and then: "if x > 0, otherwise".
    has_sign && (words * 3 <= others || (numbered && words <= others)) && (signs > 0 || others >= 2)
}

fn is_sign(c: char) -> bool {
    matches!(
        c,
        '=' | '<' | '>' | '+' | '±' | '×' | '÷' | '√' | '^' | '¬' | '·'
    ) || matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2200}'..='\u{22ff}' | '\u{27e8}'..='\u{27ef}' | '\u{2a00}'..='\u{2aff}' | '\u{1d400}'..='\u{1d7ff}')
}

fn is_operator_name(token: &str) -> bool {
    const NAMES: &[&str] = &[
        "argmax",
        "argmin",
        "softmax",
        "otherwise",
        "where",
        "subject",
        "minimize",
        "maximize",
        "sinh",
        "cosh",
        "tanh",
        "rank",
        "diag",
        "sign",
    ];
    let bare = token.trim_matches(|c: char| !c.is_alphabetic());
    NAMES.contains(&bare)
}

/// Marks the rows that are footnotes: small type at the foot of a column, from the first line
/// that starts with a mark. True at `[row].1` where a note starts.
pub(super) fn footnotes(
    rows: &[Row],
    height: f32,
    measure: &Measure,
    is_taken: &[bool],
) -> Vec<Option<bool>> {
    let mut notes = vec![None; rows.len()];
    let foot = Foot::of(rows, measure);
    let mut start = 0;
    for end in 1..=rows.len() {
        if end < rows.len() && rows[end - 1].is_above(&rows[end]) {
            continue;
        }
        if foot.is_reached_by(&rows[end - 1]) {
            mark_notes(rows, start..end, height, measure, is_taken, &mut notes);
        }
        start = end;
    }
    notes
}

/// How far down the page's text reaches, by strips of its width.
struct Foot {
    lowest: Vec<f32>,
}

/// Width of a strip, in points.
const STRIP: f32 = 20.0;
/// Most strips; pages are hardly ever wider.
const MOST_STRIPS: usize = 200;

impl Foot {
    fn of(rows: &[Row], measure: &Measure) -> Self {
        let mut lowest = vec![f32::MIN; MOST_STRIPS];
        // Labels of figures are no text.
        for row in rows
            .iter()
            .filter(|row| row.letters() >= 20 && measure.ratio(row) > 0.6)
        {
            for lowest in &mut lowest[Self::strips(row)] {
                *lowest = lowest.max(row.bottom());
            }
        }
        Foot { lowest }
    }

    fn strips(row: &Row) -> std::ops::Range<usize> {
        let strip = |x: f32| (x.max(0.0) / STRIP) as usize;
        let start = strip(row.rect.x0).min(MOST_STRIPS - 1);
        start..(strip(row.rect.x1) + 1).clamp(start + 1, MOST_STRIPS)
    }

    /// True where no text stands below the row.
    fn is_reached_by(&self, row: &Row) -> bool {
        self.lowest[Self::strips(row)]
            .iter()
            .all(|lowest| *lowest <= row.bottom() + 1.0)
    }
}

fn mark_notes(
    rows: &[Row],
    flow: std::ops::Range<usize>,
    height: f32,
    measure: &Measure,
    is_taken: &[bool],
    notes: &mut [Option<bool>],
) {
    let Some(last) = rows.get(flow.end - 1) else {
        return;
    };
    if last.bottom() < 0.45 * height {
        return;
    }
    let first_small = flow
        .clone()
        .rev()
        .take_while(|&index| rows[index].size <= NOTE_SIZE * measure.body && !is_taken[index])
        .last();
    let marked = first_small.and_then(|first| {
        (first..flow.end).find(|&index| {
            opening::footnote_mark(&rows[index].text)
                && (index == 0
                    || !rows[index - 1].is_above(&rows[index])
                    || rows[index - 1].size > NOTE_SIZE * measure.body
                    || measure.distance(&rows[index - 1], &rows[index]) > 1.2)
        })
    });
    // Notes in the text's own size start with a raised mark, apart from the text.
    let raised = || {
        (flow.end.saturating_sub(MOST_RAISED).max(flow.start + 1)..flow.end).find(|&index| {
            let row = &rows[index];
            has_raised_start(row)
                && opening::footnote_mark(&row.text)
                && !is_taken[index]
                && (measure.distance(&rows[index - 1], row) > 1.25
                    || wording::is_ended(&rows[index - 1].text))
        })
    };
    let permission = || {
        flow.clone()
            .find(|&index| wording::is_permission(&rows[index].text) && !is_taken[index])
    };
    let Some(first) = marked.or_else(raised).or_else(permission) else {
        return;
    };
    for index in first..flow.end {
        let is_start = index == first
            || (opening::footnote_mark(&rows[index].text)
                && (has_raised_start(&rows[index]) || wording::is_ended(&rows[index - 1].text)));
        notes[index] = Some(is_start);
    }
}

/// True where the row starts with a superscript.
fn has_raised_start(row: &Row) -> bool {
    row.spans.first().is_some_and(|span| span.rise > 0.0)
}
