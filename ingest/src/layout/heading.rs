//! Headings: lines that are set apart by number, name, weight, size or space.
//!
//! No single sign will do, as captions are bold, list items numbered and formulas apart. A line is
//! a candidate if it is short, starts like a title and text follows it; numbers, names of sections
//! and the file's own outline make it a heading with little else, other lines need a look that
//! the text does not have and that the document keeps for headings. Levels come from the numbers;
//! headings without one take the level of the numbered ones that look like them, or of their rank.

use std::collections::HashMap;

use super::measure::{Column, Measure};
use super::numbering::{self, Numerals};
use super::opening;
use super::paragraph;
use super::rank::{Candidate, Style, drop_odd_numbers, levels};
use super::row::{self, Row};
use super::wording;

/// Most rows of one heading.
const MOST_ROWS: usize = 4;
/// Longest heading, in characters.
const MOST_CHARACTERS: usize = 200;
/// Most lines below a line that it may be the title of a table of.
const MOST_LABELLED: usize = 8;
/// Type this much larger than the text's is a look of its own.
const LARGER: f32 = 1.07;

/// A page as headings are looked for on it.
pub(super) struct View<'a> {
    pub(super) rows: &'a [Row],
    pub(super) columns: &'a [Column],
    /// Rows that are known to be something else: tables, captions, listings, notes.
    pub(super) is_taken: &'a [bool],
}

/// A heading: rows `first..end` of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heading {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) level: u8,
    /// Known by number, name or outline rather than by its look alone.
    pub(super) is_sure: bool,
}

/// The headings of each page. `outline` holds the file's own, by squeezed title.
pub(super) fn find(
    pages: &[View<'_>],
    measure: &Measure,
    outline: &HashMap<String, u8>,
) -> Vec<Vec<Heading>> {
    let mut candidates = Vec::new();
    // Rows of each style that are no heading, which says how far the style is kept for them.
    let mut others: HashMap<Style, usize> = HashMap::new();
    let mut in_references = false;
    for (page, view) in pages.iter().enumerate() {
        let mut at = 0;
        while at < view.rows.len() {
            match candidate(view, page, at, measure, outline, in_references) {
                Some(found) => {
                    in_references = wording::names_references(&view.rows[at].text);
                    at = found.end;
                    candidates.push(found);
                }
                None => {
                    *others.entry(Style::of(&view.rows[at])).or_default() += 1;
                    at += 1;
                }
            }
        }
    }
    let mut counts: HashMap<Style, usize> = HashMap::new();
    for candidate in &candidates {
        *counts.entry(candidate.style).or_default() += 1;
    }
    candidates.retain(|candidate| {
        let alike = counts.get(&candidate.style).copied().unwrap_or(0);
        candidate.is_sure || others.get(&candidate.style).copied().unwrap_or(0) <= 3 * alike
    });
    drop_odd_numbers(&mut candidates);
    let levels = levels(&candidates);
    let mut headings: Vec<Vec<Heading>> = pages.iter().map(|_| Vec::new()).collect();
    for (candidate, level) in candidates.iter().zip(levels) {
        headings[candidate.page].push(Heading {
            first: candidate.first,
            end: candidate.end,
            level,
            is_sure: candidate.is_sure,
        });
    }
    headings
}

fn candidate(
    view: &View<'_>,
    page: usize,
    at: usize,
    measure: &Measure,
    outline: &HashMap<String, u8>,
    in_references: bool,
) -> Option<Candidate> {
    let row = &view.rows[at];
    if view.is_taken[at] || row::is_turned(row) || row.text.len() > 4 * MOST_CHARACTERS {
        return None;
    }
    let is_strong = is_strong(row, measure);
    // Most lines are plain text, and this is all that needs to be known of them.
    if !is_strong
        && outline.is_empty()
        && numbering::split_number(&row.text).0.is_none()
        && wording::section_name(&row.text).is_none()
    {
        return None;
    }
    let end = extent(view, at, measure, is_strong)?;
    let mut text = row.text.replace('\t', " ");
    for row in &view.rows[at + 1..end] {
        text.push(' ');
        text.push_str(&row.text);
    }
    let text = text.trim();
    let (number, title) = numbering::split_number(text);
    if !is_title(title, number.is_some())
        || ends_in_page_number(row, view.rows.get(end))
        || is_run_in(row)
    {
        return None;
    }
    let above = at
        .checked_sub(1)
        .map(|above| &view.rows[above])
        .filter(|above| above.is_above(row));
    let gap = above.map_or(f32::MAX, |above| {
        (row.bottom() - above.bottom()) / measure.leading(measure.body)
    });
    let is_fresh = gap > 1.25
        || above.is_some_and(|above| {
            Style::of(above) != Style::of(row) && wording::is_ended(&above.text)
        });
    let follows = follows(view, at, end, measure);
    let name = wording::section_name(title);
    let outline = outline
        .get(&squeezed(title))
        .copied()
        .filter(|_| is_fresh || is_strong);
    let is_opening = title.chars().next().is_some_and(|c| !c.is_lowercase());
    let column = view.columns[at];
    let is_short = view.rows[end - 1].rect.x1 < column.right - 0.08 * (column.right - column.left)
        || (row.rect.x0 > column.left + row.size);

    let is_named = name.as_deref().is_some_and(|name| {
        // The last word of a sentence may stand alone on a line: "analysis."
        (is_opening || number.is_some())
            && (wording::names_abstract(name) || !title.ends_with('.') || is_strong)
            && (is_fresh || is_strong || number.is_some())
            // Heads of tables have such names too, in smaller type.
            && (measure.ratio(row) > 0.93 || wording::names_abstract(name) || wording::names_references(name))
            // "Results:" in a figure's box is a label.
            && (!title.ends_with(':') || is_larger(row, measure) || wording::names_abstract(name) || wording::names_references(name))
    });
    let is_numbered = number.is_some_and(|number| {
        let is_plain = number.depth == 1 && number.style != Numerals::Roman;
        let is_fit = is_opening
            && (is_strong || weakly_numbered(view, at, end, title, number.depth, measure));
        let is_letter_word = is_plain && number.style == Numerals::Letter && !text.contains(". ");
        is_fit
            && (is_strong || !in_references)
            && (gap > 1.1 || is_strong || is_fresh)
            // "A model of" starts a sentence.
            && (!is_letter_word || is_strong)
            && (is_short || is_strong || gap > 1.25)
    });
    let is_looking = is_strong
        && !wording::names_statement(title)
        && number.is_none()
        && is_opening
        && is_fresh
        && follows
        && !labels_a_table(view, end)
        && (is_short || gap > 1.4)
        && gap > 1.05
        && (!in_references || is_larger(row, measure))
        && (!title.ends_with(['.', ':']) || (is_larger(row, measure) && !title.ends_with('.')))
        && looks_distinct(row, measure);
    let is_sure = outline.is_some() || is_named || is_numbered;
    (is_sure || is_looking).then(|| Candidate {
        page,
        first: at,
        end,
        style: Style::of(row),
        number: number
            .filter(|_| is_numbered)
            .map(|number| (number.depth, number.style)),
        label: number.map_or_else(String::new, |number| number.label.to_owned()),
        title: title.to_owned(),
        is_styled: is_strong,
        is_larger: is_larger(row, measure),
        is_main: is_named && number.is_none(),
        outline,
        is_sure,
    })
}

/// True for a look that sets a row apart from the text by itself.
fn is_strong(row: &Row, measure: &Measure) -> bool {
    is_larger(row, measure)
        || (row.look.bold && !measure.is_bold)
        || (row.look.capitals && row.letters() >= 4)
        || (row.look.italic && row.look.face != measure.face)
}

fn is_larger(row: &Row, measure: &Measure) -> bool {
    measure.ratio(row) >= LARGER
}

/// Bold, larger, or capitals or italics at the text's size: what figures are labelled in is smaller.
fn looks_distinct(row: &Row, measure: &Measure) -> bool {
    let is_sized = measure.ratio(row) > 0.95;
    is_sized || (row.look.bold && measure.ratio(row) > 0.85)
}

/// One past the last row of the heading that starts at `at`; none where a whole paragraph looks so.
fn extent(view: &View<'_>, at: usize, measure: &Measure, is_strong: bool) -> Option<usize> {
    let first = &view.rows[at];
    let mut end = at + 1;
    while is_strong && end < view.rows.len() {
        let (upper, lower) = (&view.rows[end - 1], &view.rows[end]);
        let is_alike = Style::of(lower) == Style::of(first)
            && upper.is_above(lower)
            && !view.is_taken[end]
            && (lower.bottom() - upper.bottom())
                < 1.4 * measure.leading(first.size).min(1.5 * first.size);
        if !is_alike
            || numbering::split_number(&lower.text).0.is_some()
            || wording::section_name(&lower.text).is_some()
        {
            break;
        }
        end += 1;
        if end - at > MOST_ROWS {
            return None;
        }
    }
    // Larger type for all: the heading takes only what would not have fitted on its line.
    (end - at <= MOST_ROWS).then_some(end)
}

/// True where the words are those of a title rather than a sentence, a formula or a label.
fn is_title(title: &str, is_numbered: bool) -> bool {
    let (mut letters, mut digits, mut wide, mut all) = (0, 0, 0, 0);
    for c in title.chars() {
        all += 1;
        letters += usize::from(c.is_alphabetic());
        digits += usize::from(c.is_numeric());
        wide += usize::from(crate::extract::is_cjk(c));
    }
    let has_words = title
        .split(|c: char| !c.is_alphabetic())
        .any(|word| word.chars().count() >= 3)
        || wide >= 2;
    all <= MOST_CHARACTERS
        && letters * 2 > all
        && digits * 2 < letters
        && has_words
        && title.split_whitespace().count() <= 24
        && !title.ends_with([',', ';', '-', '=', '。', '，'])
        && !title.contains("....")
        && !title.contains(". . .")
        && !title.contains('@')
        && !title.contains("://")
        && !title.contains(" = ")
        && title
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '“' | '"' | '‘' | '\'' | '(' | '«' | '【' | '「' | '¿' | '¡'))
        // "A. R. Smith"
        && !(is_numbered && title.chars().nth(1) == Some('.'))
        && (is_numbered || opening::caption(title).is_none())
        && (is_numbered || opening::list_marker(title).is_none())
}

/// True for a line of a table of contents.
fn ends_in_page_number(row: &Row, next: Option<&Row>) -> bool {
    let is_beside = next.is_some_and(|next| {
        row.is_level_with(next)
            && next.rect.x0 > row.rect.x1
            && numbering::page_number(&next.text).is_some()
    });
    is_beside
        || row
            .text
            .rsplit_once('\t')
            .is_some_and(|(_, last)| numbering::page_number(last).is_some())
}

/// True where only the first words of a line are a heading, and text goes on behind them.
fn is_run_in(row: &Row) -> bool {
    let opening = row.look.opening;
    opening > 0 && row.text.len().saturating_sub(opening) > 3
}

/// What a numbered line in the text's own type must be like, lest list items become headings.
fn weakly_numbered(
    view: &View<'_>,
    at: usize,
    end: usize,
    title: &str,
    depth: u8,
    measure: &Measure,
) -> bool {
    let row = &view.rows[at];
    let next = view.rows.get(end).filter(|next| row.is_above(next));
    let hangs = next.is_some_and(|next| {
        next.rect.x0 > row.rect.x0 + 0.6 * row.size && measure.distance(row, next) < 1.3
    });
    let goes_on = next.is_some_and(|next| paragraph::goes_on(title, &next.text));
    let column = view.columns[at];
    let middle = (row.rect.x0 + row.rect.x1 - column.left - column.right).abs() / 2.0;
    let is_aligned =
        depth > 1 || row.rect.x0 < column.left + 0.8 * row.size || middle < 2.0 * row.size;
    // The next item of a list follows at once.
    let is_counted_on = next.is_some_and(|next| {
        let number = numbering::split_number(&row.text).0;
        let after = numbering::split_number(&next.text).0;
        number.zip(after).is_some_and(|(number, after)| {
            number.depth == after.depth
                && numbering::neighbours(number.label, number.style)
                    .iter()
                    .any(|label| label == after.label)
        })
    });
    title.split_whitespace().count() <= 9
        && title.chars().filter(|c| c.is_alphabetic()).count() >= 4
        && title.chars().filter(char::is_ascii_digit).count() <= 2
        && !title.ends_with(['.', ',', ';', ':', '-', ')', '?'])
        && !title.contains(". ")
        && !goes_on
        && (depth > 1 || !hangs)
        && is_aligned
        && !is_counted_on
        && row.cells() <= 2
        && measure.ratio(row) > 0.9
}

/// True where text, a list or another heading stands below in the column.
fn follows(view: &View<'_>, at: usize, end: usize, measure: &Measure) -> bool {
    let row = &view.rows[at];
    view.rows.get(end).is_some_and(|next| {
        let width = view.columns[end].right - view.columns[end].left;
        let is_text = next.cells() <= 2
            && (next.letters() >= 20
                || (next.width() > 0.5 * width && next.letters() >= 12)
                || next.text.chars().any(crate::extract::is_cjk));
        view.rows[end - 1].is_above(next)
            && next.bottom() - view.rows[end - 1].bottom() < 5.0 * row.size.max(next.size)
            && (is_text
                || (is_larger(row, measure) && is_larger(next, measure))
                || opening::list_marker(&next.text).is_some()
                || numbering::split_number(&next.text).0.is_some())
    })
}

/// True where a table or its caption comes before any full line of text: then the line is the
/// table's own title.
fn labels_a_table(view: &View<'_>, end: usize) -> bool {
    for at in end..(end + MOST_LABELLED).min(view.rows.len()) {
        let (row, column) = (&view.rows[at], view.columns[at]);
        if view.is_taken[at] {
            return !row.look.monospace;
        }
        if row.width() > 0.8 * (column.right - column.left) && row.letters() >= 20 {
            return false;
        }
    }
    false
}

/// Letters and digits only, in lower case: titles are compared so.
pub(super) fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
