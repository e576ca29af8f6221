//! One entry of a reference list, taken apart: authors, year and title.
//!
//! Every style puts the authors first. Where the year comes next ("Smith, J. (2010). Title.",
//! "Jane Smith. 2010. Title."), the title is the sentence after it; otherwise the title is what is
//! in quotes, or the sentence after the authors. An entry of a style without titles ("Smith, J.
//! Nature 12, 34 (1999)") has none.

use super::sentence_end::{comma_end, sentence_end};
use super::year::{self, Year};
use super::{identifier, names, title};
use crate::Reference;

/// Fills in what the text of an entry says.
pub(super) fn parse(label: &str, text: &str) -> Reference {
    let text = text.trim();
    let years = year::years(text);
    let (authors, title, year) = author_year(text, &years)
        .or_else(|| quoted(text, &years))
        .or_else(|| author_title(text, &years))
        .unwrap_or_default();
    let year = year
        .or_else(|| year::best_year(text, &years))
        .or_else(|| year::arxiv_year(text));
    Reference {
        label: label.to_owned(),
        authors: names::split(&authors).into_iter().take(200).collect(),
        title: title.as_deref().and_then(title::clean),
        year,
        doi: identifier::doi(text),
        text: text.to_owned(),
        start: 0,
        end: 0,
    }
}

/// Authors, title, year.
type Parts = (String, Option<String>, Option<i32>);

/// "Authors (2010). Title.", "Authors. 2010. Title.", "Authors, 2010. Title."
fn author_year(text: &str, years: &[Year]) -> Option<Parts> {
    let undated = [
        "(n.d.)",
        "(in press)",
        "(forthcoming)",
        "(submitted)",
        "(n. d.)",
    ]
    .iter()
    .filter_map(|mark| text.find(mark).map(|at| (at, at + mark.len())))
    .min();
    let dated = years.iter().take(4).filter_map(|year| {
        let before = text.get(..year.start).unwrap_or("");
        if year.is_bracketed {
            let open = before.rfind(['(', '（'])?;
            let close = text
                .get(year.end..)?
                .find([')', '）'])
                .filter(|at| *at < 40)?;
            Some((open, year.end + close + 1, Some(*year)))
        } else {
            // A year of a bracket that holds more, or at the end, is not the author's.
            let after = text.get(year.end..)?.chars().next()?;
            let is_apart = before.trim_end().ends_with(['.', ',', ':', '&']) || year.start < 60;
            (is_apart && matches!(after, '.' | ',' | ':' | ';' | ' ')).then_some((
                year.start,
                year.end,
                Some(*year),
            ))
        }
    });
    let (start, end, year) = dated
        .chain(undated.map(|(start, end)| (start, end, None)))
        .find(|(start, end, year)| {
            let authors = text.get(..*start).unwrap_or("");
            let is_bracketed = year.is_none_or(|year| year.is_bracketed);
            let rest = text.get(*end..).unwrap_or("");
            // "(2010)." is where a year stands after authors and seldom elsewhere.
            let is_sure = is_bracketed && rest.starts_with(['.', ':']);
            let has_title = rest.chars().filter(|c| c.is_alphabetic()).count() >= 4;
            has_title
                && (names::are_names(authors, !is_bracketed) || is_sure && is_name(authors))
                && (is_sure || is_all_authors(text, *start))
                && (is_bracketed
                    || !opens_address(rest.trim_start_matches([' ', '.', ',', ':', ';'])))
        })?;
    let authors = text
        .get(..start)?
        .trim()
        .trim_end_matches(['(', ',', ':'])
        .trim();
    let after = text.get(end..)?;
    let rest = after.trim_start_matches(|c: char| c.is_whitespace() || ").,:;]".contains(c));
    let is_comma = after.trim_start().starts_with(',');
    // A page or a film without an author is named in its place.
    if opens_address(rest) || rest.starts_with("In ") && sentence_end(rest) < 40 {
        let title = authors.trim_end_matches('.').to_owned();
        return Some((String::new(), Some(title), year.map(|year| year.value)));
    }
    let title = match title::quote(rest) {
        Some((0, title)) => Some(title.to_owned()),
        _ if is_comma => rest.get(..comma_end(rest)).map(str::to_owned),
        _ => rest.get(..sentence_end(rest)).map(str::to_owned),
    };
    Some((authors.to_owned(), title, year.map(|year| year.value)))
}

/// True where the list of authors at the start of the text reaches to `end`, but for a few words.
fn is_all_authors(text: &str, end: usize) -> bool {
    match names::read(text) {
        Some(names) => names.end + 25 >= end,
        None => {
            let before = text.get(..end).unwrap_or("").trim_end();
            sentence_end(before) + 2 >= before.len() && !before.contains(['"', '“', '”'])
        }
    }
}

/// True where a few words without a break stand for an author.
fn is_name(text: &str) -> bool {
    let text = text.trim().trim_end_matches(['.', '(', ' ']);
    text.len() <= 80
        && !text.contains([',', ':', '"', '“', '?', '('])
        && sentence_end(text) == text.len()
}

/// True where no title but an address follows.
fn opens_address(rest: &str) -> bool {
    let lower: String = rest.chars().take(16).flat_map(char::to_lowercase).collect();
    [
        "http",
        "url",
        "www.",
        "doi",
        "retrieved ",
        "accessed ",
        "available ",
    ]
    .iter()
    .any(|word| lower.starts_with(word))
}

/// `Authors, "Title," Venue, 2010`
fn quoted(text: &str, years: &[Year]) -> Option<Parts> {
    let (start, title) = title::quote(text)?;
    let is_title = title.split_whitespace().nth(1).is_some() || title.chars().count() >= 8;
    if !is_title {
        return None;
    }
    let authors = text.get(..start).unwrap_or("").trim();
    // Quotes inside a title in plain type come after many words that are no names.
    let lower = authors
        .split_whitespace()
        .filter(|word| word.starts_with(char::is_lowercase) && !names::is_particle(word))
        .count();
    (lower <= 6).then(|| {
        (
            authors.to_owned(),
            Some(title.to_owned()),
            year::best_year(text, years),
        )
    })
}

/// "Authors. Title. Venue, 2010", "Authors: Title. Venue", "Authors, Title, Venue"
fn author_title(text: &str, years: &[Year]) -> Option<Parts> {
    let year = year::best_year(text, years);
    let (authors, rest, by_comma) = match names::read(text) {
        Some(names) => (
            text.get(..names.end)?,
            text.get(names.end..)?
                .trim_start_matches(|c: char| c.is_whitespace() || ",.:;".contains(c)),
            names.ends_in_comma,
        ),
        None => {
            let (authors, rest) = institution(text);
            (authors, rest, false)
        }
    };
    let rest = rest
        .trim_start_matches("(Eds.)")
        .trim_start_matches([',', '.', ' ']);
    let end = if by_comma {
        comma_end(rest)
    } else {
        sentence_end(rest)
    };
    let title = rest.get(..end)?.trim();
    let title = (!title::is_venue(title)).then(|| title.to_owned());
    Some((authors.trim_end_matches([':', ',']).to_owned(), title, year))
}

/// An institution before the first stop, and the rest; an entry that is a title from its first
/// word on has no authors.
fn institution(text: &str) -> (&str, &str) {
    let end = sentence_end(text);
    let (first, rest) = (text.get(..end).unwrap_or(""), text.get(end..).unwrap_or(""));
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ".。．".contains(c));
    let is_short = first.split_whitespace().count() <= 6 && first.len() <= 60;
    let second = rest.get(..sentence_end(rest)).unwrap_or("");
    let goes_on = rest.len() > second.len() + 3;
    let is_title = second.split_whitespace().count() >= 2
        || second
            .chars()
            .filter(|c| crate::extract::is_cjk(*c))
            .count()
            >= 4;
    let starts_as_address = second.contains("://") || second.starts_with("www.");
    if is_short && is_title && goes_on && !starts_as_address && !first.contains(',') {
        (first, rest)
    } else {
        ("", text)
    }
}
