//! The title: the lines of the first page that most look like one, borne out by what the file
//! says of itself.
//!
//! Lines of one size that stand below each other are a candidate. No single sign is sure: the
//! largest type may be a masthead or a word in a figure, the topmost a label, the boldest a
//! heading. So each candidate gets points for its size against the running text, for standing
//! high, for being a handful of words, for having names below it, and loses them for reading like
//! a journal, a label or a sentence.

use super::first_page::{FirstPage, Printed, joined};
use super::{masthead, names, squash, stated};
use crate::extract::Info;
use crate::{Field, Source, section};

/// A title and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Title {
    /// The title.
    pub(super) field: Field<String>,
    /// Where it is printed, if it is.
    pub(super) place: Option<Place>,
}

/// The lines that a title stands on.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Indices into the page's lines, from the top.
    pub(super) lines: Vec<usize>,
    /// Upper edge.
    pub(super) top: f32,
    /// Lower edge.
    pub(super) bottom: f32,
    /// Left edge.
    pub(super) left: f32,
    /// Right edge.
    pub(super) right: f32,
    /// Last printed row.
    pub(super) row: usize,
    /// Size of its type.
    pub(super) size: f32,
}

/// Lines below each other in one type.
#[derive(Debug)]
struct Group {
    /// Indices into [`FirstPage::lines`].
    lines: Vec<usize>,
    place: Place,
    bold: bool,
}

/// Longest title in bytes.
const MAX_LENGTH: usize = 400;
/// Candidates that are weighed.
const MAX_GROUPS: usize = 80;
/// Points from which a printed title is believed.
const SURE: f32 = 2.6;

/// The title of the paper; `number` is its first page.
pub(super) fn find(info: &Info, first: &FirstPage<'_>) -> Option<Title> {
    let page_text = squash(&first.page.text);
    let stated = stated::titles(info);
    let printed = on_page(first, &stated);
    let confirmed = stated
        .iter()
        .find(|(title, _)| page_text.is_empty() || page_text.contains(&squash(title)));
    match (printed, confirmed) {
        (Some((text, place, score)), Some((title, source))) => {
            let (ours, theirs) = (squash(&text), squash(title));
            let field = if ours == theirs {
                // Both agree; the file's spelling knows about case and hyphens at line ends.
                let is_shouted = !text.chars().any(char::is_lowercase);
                let is_better = !is_shouted || title.chars().any(char::is_lowercase);
                let best = if is_better && is_shouted {
                    title
                } else {
                    &text
                };
                Field::new(best.clone(), *source, 0.99)
            } else if ours.starts_with(&theirs) || theirs.starts_with(&ours) {
                // One leaves the subtitle out.
                let longer = if ours.len() > theirs.len() {
                    &text
                } else {
                    title
                };
                Field::new(longer.clone(), *source, 0.92)
            } else if score >= SURE && !ours.contains(&theirs) {
                Field::new(text, Source::Layout, 0.75)
            } else {
                let place = theirs.contains(&ours).then_some(place);
                return Some(Title {
                    field: Field::new(title.clone(), *source, 0.85),
                    place,
                });
            };
            Some(Title {
                field,
                place: Some(place),
            })
        }
        (None, Some((title, source))) => Some(Title {
            field: Field::new(title.clone(), *source, 0.85),
            place: None,
        }),
        (Some((text, place, score)), None) => Some(Title {
            field: Field::new(text, Source::Layout, if score >= SURE { 0.95 } else { 0.7 }),
            place: Some(place),
        }),
        (None, None) => None,
    }
}

/// The best candidate with its points.
fn on_page(first: &FirstPage<'_>, stated: &[(String, Source)]) -> Option<(String, Place, f32)> {
    let groups = groups(first);
    let mut best: Option<(String, Place, f32)> = None;
    for group in &groups {
        let text = text_of(first, group);
        if !is_possible(&text) {
            continue;
        }
        let score = score(first, group, &text, stated);
        if best.as_ref().is_none_or(|(_, _, top)| score > *top) {
            best = Some((text, group.place.clone(), score));
        }
    }
    best.filter(|(_, _, score)| *score > 0.9)
}

/// Lines of the upper part, grouped by type and place.
fn groups(first: &FirstPage<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let deepest = 0.68 * first.page.height;
    for (at, line) in first.lines.iter().enumerate() {
        let is_larger = line.size >= 1.1 * first.body;
        let is_marked = line.bold && line.size >= 0.95 * first.body || is_shouted(line.text);
        if line.rect.y0 > deepest || !(is_larger || is_marked) || is_mark(line.text) {
            continue;
        }
        let found = groups.iter().rposition(|group| {
            let is_size = (line.size - group.place.size).abs() <= 0.06 * group.place.size;
            let gap = line.rect.y0 - group.place.bottom;
            let is_next = line.row == group.place.row
                || gap < 0.95 * group.place.size && line.row > group.place.row;
            let is_type = line.bold == group.bold || group.place.size > 1.1 * first.body;
            is_size
                && is_next
                && is_type
                && (line.row == group.place.row
                    || line.overlaps(group.place.left, group.place.right))
                && group.lines.len() < 12
        });
        match found {
            Some(found) => {
                let group = &mut groups[found];
                group.lines.push(at);
                let place = &mut group.place;
                place.lines.push(line.index);
                place.bottom = place.bottom.max(line.rect.y1);
                place.left = place.left.min(line.rect.x0);
                place.right = place.right.max(line.rect.x1);
                place.row = line.row;
            }
            None if groups.len() < MAX_GROUPS => groups.push(Group {
                lines: vec![at],
                place: Place {
                    lines: vec![line.index],
                    top: line.rect.y0,
                    bottom: line.rect.y1,
                    left: line.rect.x0,
                    right: line.rect.x1,
                    row: line.row,
                    size: line.size,
                },
                bold: line.bold,
            }),
            None => break,
        }
    }
    for group in &mut groups {
        part_names(first, group);
        add_subtitle(first, group);
    }
    groups
}

/// Authors may be set in the title's own type: what reads as names after a line that does not is
/// no part of the title.
fn part_names(first: &FirstPage<'_>, group: &mut Group) {
    let is_names = |at: &usize| {
        let text = first.marked(&first.lines[*at]);
        names::names_of(&text, &[]).is_some_and(|names| {
            names.len() > 1
                || names.iter().all(|name| !first.has_vocabulary(name))
                    && !has_names_below(first, group)
        })
    };
    // A title's own line may look like names, but not where the line above it needs it.
    let is_open = |at: usize| {
        const SMALL: &[&str] = &[
            "of", "for", "the", "and", "in", "on", "with", "a", "an", "to", "from", "by", "using",
            "via", "as", "at", "or", "is", "are", "into", "through", "towards", "under", "between",
        ];
        let text = first.lines[at].text.trim_end();
        let last = text.rsplit(' ').next().unwrap_or("");
        text.ends_with(['-', '\u{2010}', ':', ',', '\u{ad}'])
            || SMALL.contains(&last.to_lowercase().as_str())
    };
    let Some(cut) = (1..group.lines.len())
        .find(|&i| !is_open(group.lines[i - 1]) && group.lines[i..].iter().all(is_names))
    else {
        return;
    };
    group.lines.truncate(cut);
    group.place.lines.truncate(cut);
    let last = &first.lines[group.lines[cut - 1]];
    group.place.row = last.row;
    group.place.bottom = last.rect.y1;
}

/// A line in smaller type that goes on with a title that is not at its end.
fn add_subtitle(first: &FirstPage<'_>, group: &mut Group) {
    let Some(&last) = group.lines.last() else {
        return;
    };
    let above = first.lines[last].text.trim_end();
    let is_open = above.ends_with([':', '\u{2014}', '\u{2013}']);
    for (at, line) in first.lines.iter().enumerate().skip(last + 1).take(2) {
        let gap = line.rect.y0 - group.place.bottom;
        let is_below = line.row > group.place.row
            && gap < 1.2 * group.place.size
            && line.overlaps(group.place.left, group.place.right);
        let goes_on = is_open || line.text.trim_start().starts_with(char::is_lowercase);
        let is_type = line.size >= 1.08 * first.body && line.size >= 0.6 * group.place.size;
        if !is_below
            || !goes_on
            || !is_type
            || line.text.contains('@')
            || names::names_of(&first.marked(line), &[]).is_some()
        {
            break;
        }
        group.lines.push(at);
        group.place.lines.push(line.index);
        group.place.bottom = line.rect.y1;
        group.place.row = line.row;
    }
}

fn score(first: &FirstPage<'_>, group: &Group, text: &str, stated: &[(String, Source)]) -> f32 {
    let ratio = (group.place.size / first.body.max(1.0)).clamp(0.5, 3.0);
    let mut score = 3.5 * ratio.ln();
    let words = text.split_whitespace().count();
    let is_cjk = text.chars().any(crate::extract::is_cjk);
    score += match words {
        1 if !is_cjk => -1.2,
        2 => 0.0,
        1..=28 => 0.8,
        _ => -1.5,
    };
    score += 1.0 - group.place.top / first.page.height.max(1.0);
    if group.bold {
        score += 0.4;
    }
    if has_names_below(first, group) {
        score += 1.2;
    }
    let squashed = squash(text);
    if stated.iter().any(|(title, _)| {
        let title = squash(title);
        title == squashed
            || squashed.len() >= 10 && title.contains(&squashed)
            || title.len() >= 10 && squashed.contains(&title)
    }) {
        score += 3.0;
    }
    if masthead::is_journal(text) {
        score -= 2.5;
    }
    if below(first, group)
        .take(2)
        .any(|line| masthead::is_issue(line.text))
    {
        score -= 1.5;
    }
    if names::names_of(&first.marked(&first.lines[group.lines[0]]), &[])
        .is_some_and(|names| names.iter().all(|name| !first.is_vocabulary(name)))
    {
        score -= 1.5;
    }
    if text.starts_with(char::is_lowercase) {
        score -= 0.7;
    }
    if text.ends_with('.') && words > 6 {
        score -= 0.7;
    }
    if is_shouted(text) && ratio < 1.1 {
        score -= 0.5;
    }
    score
}

/// The lines that stand under the group, nearest first.
fn below<'a>(first: &'a FirstPage<'a>, group: &'a Group) -> impl Iterator<Item = &'a Printed<'a>> {
    first
        .lines
        .iter()
        .filter(|line| {
            line.row > group.place.row && line.overlaps(group.place.left, group.place.right)
        })
        .take(6)
}

fn has_names_below(first: &FirstPage<'_>, group: &Group) -> bool {
    below(first, group).take(5).any(|line| {
        names::names_of(&first.marked(line), &[])
            .is_some_and(|names| names.iter().any(|name| !first.is_vocabulary(name)))
    })
}

fn is_shouted(text: &str) -> bool {
    text.chars().filter(|c| c.is_uppercase()).count() >= 6 && !text.chars().any(char::is_lowercase)
}

/// True for footnote marks and the like that stand beside a title as lines of their own.
fn is_mark(text: &str) -> bool {
    text.chars().count() <= 3 && !text.chars().any(char::is_alphabetic)
}

/// The group's text as one line, without the footnote mark after its last word.
fn text_of(first: &FirstPage<'_>, group: &Group) -> String {
    let mut text = joined(first.page, &group.place.lines, &first.words);
    let mark = group
        .lines
        .last()
        .and_then(|&at| first.trailing_mark(&first.lines[at]));
    if let Some(length) = mark
        && let Some(shorter) = text.get(..text.len().saturating_sub(length))
    {
        text.truncate(shorter.len());
    }
    let text = text.trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '∗' | '*' | '†' | '‡' | '§' | '¶' | '⋆' | '#' | '✩')
    });
    match text.strip_suffix(|c: char| c.is_ascii_digit()) {
        // Where fonts do not tell what is raised, a digit glued to a word is a footnote's.
        Some(word) if mark.is_none() && word.ends_with(char::is_lowercase) => word.to_owned(),
        _ => text.to_owned(),
    }
}

/// False for what can be no title whatever its type.
fn is_possible(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_cjk = text.chars().any(crate::extract::is_cjk);
    (letters >= 5 || is_cjk && letters >= 3)
        && letters * 10 >= text.chars().filter(|c| !c.is_whitespace()).count() * 6
        && text.len() <= MAX_LENGTH
        && !text.contains('@')
        && !text.contains("://")
        && !text.contains('\u{a9}')
        && !masthead::is_label(text)
        && !masthead::is_issue(text)
        && !section::is_heading(text, "")
}
