//! The authors: the names between title and abstract, compared with those that the file states.
//!
//! What stands there varies: one line of names with marks and the addresses below, a column for
//! each author, one author a line. So every line of that zone is read by itself: it gives its names
//! if it consists of names ([`super::names`]), and nothing if not. The first names that are found
//! set the type for the others, so that a city or a heading of another size is not taken for one.

use super::first_page::{FirstPage, Printed};
use super::title::Place;
use super::{abstracts, keywords, names, squash, stated};
use crate::extract::Info;
use crate::{Field, Source, section};

/// Lines below the title that are looked at.
const MAX_LINES: usize = 150;
/// More names than this are a table or an index.
const MAX_NAMES: usize = 1_000;

/// The authors and where they stand.
#[derive(Debug)]
pub(super) struct Authors {
    pub(super) field: Field<Vec<String>>,
    /// Indices into the page's lines, affiliations included; empty where they stand nowhere.
    pub(super) lines: Vec<usize>,
}

/// Names found below the title.
#[derive(Debug, Default)]
struct Found {
    names: Vec<String>,
    lines: Vec<usize>,
    /// True where an abstract, a heading or an affiliation shows that this is front matter.
    is_sure: bool,
}

/// The authors of the paper whose title stands at `title`.
pub(super) fn find(info: &Info, first: &FirstPage<'_>, title: Option<&Place>) -> Option<Authors> {
    let stated = stated::authors(info, &first.page.text);
    let found = title.map(|title| below(first, title)).unwrap_or_default();
    let same = |a: &[String], b: &[String]| {
        let sorted = |names: &[String]| {
            let mut names: Vec<String> = names.iter().map(|name| squash(name)).collect();
            names.sort_unstable();
            names
        };
        sorted(a) == sorted(b)
    };
    let field = match (stated, found.names.is_empty()) {
        (None, true) => return organisation(first, title?),
        (None, false) => {
            let confidence = if found.is_sure { 0.95 } else { 0.6 };
            Field::new(found.names, Source::Layout, confidence)
        }
        (Some((stated, source)), true) => Field::new(stated, source, 0.9),
        (Some((stated, source)), false) => {
            let is_shouted = found
                .names
                .iter()
                .all(|name| !name.chars().any(char::is_lowercase));
            if same(&stated, &found.names) {
                let names = if is_shouted { stated } else { found.names };
                Field::new(names, source, 0.99)
            } else if stated.len() > found.names.len() {
                Field::new(stated, source, 0.85)
            } else {
                Field::new(found.names, Source::Layout, 0.85)
            }
        }
    };
    Some(Authors {
        field,
        lines: found.lines,
    })
}

/// The names between the title and what follows it.
fn below(first: &FirstPage<'_>, title: &Place) -> Found {
    let centre = 0.5 * (title.left + title.right) - 0.5 * first.page.width;
    let is_centred = centre.abs() < 0.06 * first.page.width;
    let (left, right) = if is_centred {
        (f32::NEG_INFINITY, f32::INFINITY)
    } else {
        (title.left, title.right)
    };
    let read = |left, right| {
        let (zone, is_ended) = zone(first, title, left, right);
        let mut found = in_zone(first, &zone);
        found.is_sure = is_ended
            || zone
                .iter()
                .any(|line| line.text.contains('@') || names::is_organisation(line.text));
        found
    };
    let found = read(left, right);
    if is_centred {
        return found;
    }
    // Set beside the title's column, or in columns of which it covers some.
    let wide = read(f32::NEG_INFINITY, f32::INFINITY);
    let is_more = wide.names.len() >= found.names.len()
        && found.names.iter().all(|name| wide.names.contains(name));
    if is_more { wide } else { found }
}

/// The lines below the title, as far as names can stand; true where a heading ends them.
fn zone<'a>(
    first: &'a FirstPage<'a>,
    title: &Place,
    left: f32,
    right: f32,
) -> (Vec<&'a Printed<'a>>, bool) {
    let mut zone: Vec<&Printed<'_>> = Vec::new();
    let (mut prose, mut is_ended) = (0, false);
    for line in &first.lines {
        let is_below = line.row > title.row && line.overlaps(left, right);
        if !is_below || title.lines.contains(&line.index) {
            continue;
        }
        is_ended = is_end(line.text);
        if is_ended || zone.len() >= MAX_LINES {
            break;
        }
        // Two lines of prose are the text.
        prose = if is_prose(line.text) { prose + 1 } else { 0 };
        if prose == 2 {
            zone.pop();
            break;
        }
        zone.push(line);
    }
    (zone, is_ended)
}

/// True for what comes after the authors.
pub(super) fn is_end(text: &str) -> bool {
    const WHOLE: &[&str] = &[
        "contents",
        "tableofcontents",
        "articleinfo",
        "articleinformation",
        "articlehistory",
        "introduction",
        "einleitung",
    ];
    const STARTS: &[&str] = &[
        "a thesis submitted",
        "a dissertation submitted",
        "a dissertation presented",
        "submitted in partial",
        "a thesis presented",
    ];
    let text = text.trim();
    let letters: String = text
        .chars()
        .filter(|c| c.is_alphabetic())
        .take(24)
        .flat_map(char::to_lowercase)
        .collect();
    let is_opening = text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    let lower = text.to_lowercase();
    abstracts::label(text).is_some()
        || keywords::label(text).is_some()
        || is_opening && text.len() < 40 && WHOLE.contains(&letters.as_str())
        || STARTS.iter().any(|start| lower.starts_with(start))
        || section::is_heading(text, "")
}

/// True for a line of running text: many words, most of them small.
fn is_prose(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let small = words
        .iter()
        .filter(|word| word.chars().next().is_some_and(char::is_lowercase))
        .count();
    words.len() >= 7 && small * 2 > words.len() && !text.contains('@')
}

fn in_zone(first: &FirstPage<'_>, zone: &[&Printed<'_>]) -> Found {
    let letters = affiliation_letters(zone);
    let mut found = Found::default();
    let mut used = vec![false; zone.len()];
    let mut style: Option<(f32, bool)> = None;
    for i in 0..zone.len() {
        if used[i] || !has_letters(zone[i].text) {
            continue;
        }
        let line = zone[i];
        let is_style = style.is_none_or(|(size, bold)| {
            (line.size - size).abs() <= 0.09 * size && (line.bold || !bold)
        });
        if !is_style {
            continue;
        }
        let (text, parts) = whole(first, zone, i, &used);
        let read = names::names_of(&text, &letters)
            .map(|names| (names, parts))
            .or_else(|| {
                let alone = side_by_side(first, line)
                    .or_else(|| names::names_of(&first.marked(line), &letters));
                alone.map(|names| (names, vec![i]))
            });
        let Some((names, parts)) = read else {
            continue;
        };
        // A phrase in capitals is made of words that the text uses.
        if names.iter().all(|name| first.is_vocabulary(name)) {
            continue;
        }
        for part in parts {
            used[part] = true;
        }
        style.get_or_insert((line.size, line.bold));
        found.names.extend(names);
        if found.names.len() > MAX_NAMES {
            return Found::default();
        }
    }
    let addresses: usize = zone.iter().map(|line| line.text.matches('@').count()).sum();
    // Several addresses and one name: the other names were not understood.
    if found.names.len() == 1 && addresses > 1 && zone.iter().any(|line| is_unread(line)) {
        return Found::default();
    }
    let mut seen = std::collections::HashSet::new();
    found.names.retain(|name| seen.insert(squash(name)));
    if let Some(begin) = used.iter().position(|used| *used) {
        found.lines = zone[begin..].iter().map(|line| line.index).collect();
    }
    found
}

/// A line whose capitals look like names that were not told apart.
fn is_unread(line: &Printed<'_>) -> bool {
    let words: Vec<&str> = line.text.split_whitespace().collect();
    words.len() >= 4
        && !names::is_organisation(line.text)
        && !line.text.contains('@')
        && words
            .iter()
            .all(|word| word.chars().next().is_some_and(char::is_uppercase))
}

/// The text of line `i` with those below it onto which its list of names runs.
fn whole(
    first: &FirstPage<'_>,
    zone: &[&Printed<'_>],
    i: usize,
    used: &[bool],
) -> (String, Vec<usize>) {
    let mut text = first.marked(zone[i]);
    let mut parts = vec![i];
    let mut last = i;
    let mut row = String::new();
    row.push_str(&text);
    while let Some(next) = (last + 1..zone.len()).take(6).find(|&next| {
        let (above, below) = (zone[last], zone[next]);
        !used[next]
            && has_letters(below.text)
            && below.row > above.row
            && below.overlaps(above.rect.x0, above.rect.x1)
            && (below.size - above.size).abs() <= 0.09 * above.size
            && below.rect.y0 - above.rect.y1 < 1.1 * above.size.max(1.0)
    }) {
        let below = first.marked(zone[next]);
        if !names::goes_on(&row, &below) || text.len() > 30_000 {
            break;
        }
        let is_glued = zone[last].index + 1 == zone[next].index
            && first.page.lines[zone[last].index].end == first.page.lines[zone[next].index].start;
        if !is_glued {
            text.push(' ');
        }
        text.push_str(&below);
        row = below;
        // Only the list's end matters for what comes next, but a list it stays.
        row.insert_str(0, "and ");
        parts.push(next);
        last = next;
    }
    (text, parts)
}

/// Names side by side with nothing between them but room: two or three pairs of words on a line
/// that is wider than its letters need.
fn side_by_side(first: &FirstPage<'_>, line: &Printed<'_>) -> Option<Vec<String>> {
    let words: Vec<&str> = line.text.split_whitespace().collect();
    let count = line.text.chars().count() as f32;
    let needed = 0.55 * line.size * count;
    let is_wide = line.rect.x1 - line.rect.x0 > needed + 1.5 * line.size;
    let is_full = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > 2;
    if !is_wide || !matches!(words.len(), 4 | 6 | 8) || !words.iter().all(is_full) {
        return None;
    }
    let names: Vec<String> = words.chunks(2).map(|pair| pair.join(" ")).collect();
    let is_names = names
        .iter()
        .all(|name| names::names_of(name, &[]).is_some() && !first.is_vocabulary(name));
    is_names.then_some(names)
}

fn has_letters(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() >= 2
}

/// The letters that open the lines of affiliations, as in "aSchool of Forestry".
fn affiliation_letters(zone: &[&Printed<'_>]) -> Vec<char> {
    let mut letters: Vec<char> = zone
        .iter()
        .filter_map(|line| {
            let mut chars = line.text.trim_start().chars();
            let (letter, next) = (chars.next()?, chars.next()?);
            let opens = letter.is_ascii_lowercase()
                && (next.is_uppercase()
                    || matches!(next, ' ' | ')') && chars.next().is_some_and(char::is_uppercase));
            opens.then_some(letter)
        })
        .collect();
    letters.sort_unstable();
    letters.dedup();
    // They are counted from a.
    if letters.first() == Some(&'a') {
        letters
    } else {
        Vec::new()
    }
}

/// A single line below the title that is no person: a company, a team.
fn organisation(first: &FirstPage<'_>, title: &Place) -> Option<Authors> {
    let (zone, _) = zone(first, title, title.left, title.right);
    let line = zone.iter().find(|line| has_letters(line.text))?;
    let text = line.text.trim();
    let words = text.split_whitespace().count();
    let is_alone = zone.len() <= 4
        && zone
            .iter()
            .filter(|other| other.index != line.index)
            .all(|other| other.text.contains('@') || other.text.contains("://"));
    let is_plain = !text
        .contains(|c: char| c.is_ascii_digit() || matches!(c, ',' | '@' | '/' | ':' | '.'))
        && text.starts_with(char::is_uppercase)
        && !first.is_vocabulary(text);
    (words <= 4 && is_alone && is_plain && zone.len() >= 2).then(|| Authors {
        field: Field::new(vec![text.to_owned()], Source::Layout, 0.6),
        lines: zone.iter().map(|line| line.index).collect(),
    })
}
