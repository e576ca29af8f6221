//! One entry of a reference list, taken apart: authors, year and title.
//!
//! Every style puts the authors first. Where the year comes next ("Smith, J. (2010). Title.",
//! "Jane Smith. 2010. Title."), the title is the sentence after it; otherwise the title is what is
//! in quotes, or the sentence after the authors. An entry of a style without titles ("Smith, J.
//! Nature 12, 34 (1999)") has none.

use super::sentence_end::{comma_end, plain_sentence_end, sentence_end};
use super::year::{self, Year};
use super::{identifier, names, title};
use crate::Reference;

/// As much of an entry is taken apart, in bytes.
const LONGEST: usize = 8_000;

/// Fills in what the text of an entry says.
pub(super) fn parse(label: &str, text: &str) -> Reference {
    let whole = text.trim();
    // What is longer is no reference; of what a fault swallowed only the head matters.
    let text = whole
        .get(..whole.floor_char_boundary(LONGEST))
        .unwrap_or("");
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
        doi: identifier::doi(whole),
        text: whole.to_owned(),
        start: 0,
        end: 0,
    }
}

/// Authors, title, year.
type Parts = (String, Option<String>, Option<i32>);

/// A year that may be that of the authors.
#[derive(Debug, Clone, Copy)]
struct Dating {
    /// Where the authors end.
    start: usize,
    /// Where the title begins, but for punctuation.
    end: usize,
    /// None for "(n.d.)".
    year: Option<i32>,
    is_bracketed: bool,
}

impl Dating {
    fn of(text: &str, year: &Year) -> Option<Self> {
        let before = text.get(..year.start)?;
        if year.is_bracketed {
            let start = before.rfind(['(', '（'])?;
            let after = text.get(year.end..)?;
            let close = after.find([')', '）']).filter(|at| *at < 40)?;
            return Some(Dating {
                start,
                end: year.end + close + 1,
                year: Some(year.value),
                is_bracketed: true,
            });
        }
        let after = text.get(year.end..)?.chars().next()?;
        let is_apart = before.trim_end().ends_with(['.', ',', ':', '&']) || year.start < 60;
        (is_apart && matches!(after, '.' | ',' | ':' | ';' | ' ')).then_some(Dating {
            start: year.start,
            end: year.end,
            year: Some(year.value),
            is_bracketed: false,
        })
    }

    fn undated(text: &str) -> Option<Self> {
        const MARKS: &[&str] = &[
            "(n.d.)",
            "(n. d.)",
            "(in press)",
            "(forthcoming)",
            "(submitted)",
        ];
        let found = MARKS
            .iter()
            .filter_map(|mark| Some((text.find(mark)?, mark.len())));
        let (start, length) = found.min()?;
        Some(Dating {
            start,
            end: start + length,
            year: None,
            is_bracketed: true,
        })
    }

    /// True where nothing but authors stands before it, and a title behind.
    fn follows_authors(&self, text: &str) -> bool {
        let authors = text.get(..self.start).unwrap_or("");
        let rest = text.get(self.end..).unwrap_or("");
        // "(2010)." and ". 2010. " are where a year stands after authors, and seldom elsewhere.
        let is_sure = rest.starts_with(['.', ':'])
            && (self.is_bracketed
                || authors.trim_end().ends_with('.') && names::are_only_names(authors));
        let has_title = rest.chars().filter(|c| c.is_alphabetic()).count() >= 4;
        let are_names = names::are_names(authors, !self.is_bracketed)
            || is_sure && self.is_bracketed && is_name(authors);
        let is_address = opens_address(rest.trim_start_matches([' ', '.', ',', ':', ';']));
        has_title
            && are_names
            && (is_sure || is_all_authors(text, self.start))
            && (self.is_bracketed || !is_address)
    }
}

/// "Authors (2010). Title.", "Authors. 2010. Title.", "Authors, 2010. Title."
fn author_year(text: &str, years: &[Year]) -> Option<Parts> {
    let dating = years
        .iter()
        .take(4)
        .filter_map(|year| Dating::of(text, year))
        .chain(Dating::undated(text))
        .find(|dating| dating.follows_authors(text))?;
    let authors = text.get(..dating.start)?.trim();
    let authors = authors.trim_end_matches(['(', ',', ':']).trim();
    let after = text.get(dating.end..)?;
    let rest = after.trim_start_matches(|c: char| c.is_whitespace() || ").,:;]".contains(c));
    if is_named_by_title(authors, rest) {
        let title = authors.trim_end_matches('.').to_owned();
        return Some((String::new(), Some(title), dating.year));
    }
    let end = match title::quote(rest) {
        Some((0, title)) => return Some((authors.to_owned(), Some(title.to_owned()), dating.year)),
        _ if after.trim_start().starts_with(',') => comma_end(rest),
        _ => sentence_end(rest),
    };
    let title = rest.get(..end).map(str::to_owned);
    Some((authors.to_owned(), title, dating.year))
}

/// True where the title stands in the authors' place, as of a page or a program without any.
fn is_named_by_title(authors: &str, rest: &str) -> bool {
    let end = sentence_end(rest);
    let after = rest.get(end..).unwrap_or("").trim_start_matches(['.', ' ']);
    opens_address(rest)
        || (rest.starts_with("In ") && end < 40)
        || (rest.starts_with("Version ") && end < 20)
        || (!names::are_names(authors, false) && (after.is_empty() || opens_address(after)))
}

/// True where the list of authors at the start of the text reaches to `end`, but for a few words.
fn is_all_authors(text: &str, end: usize) -> bool {
    match names::read(text) {
        Some(names) => {
            let between = text.get(names.end.min(end)..end).unwrap_or("");
            between.len() <= 25 && !between.contains(". ")
        }
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
        None => caseless(text).unwrap_or_else(|| {
            let (authors, rest) = institution(text);
            (authors, rest, false)
        }),
    };
    let rest = without_collaboration(rest);
    let rest = rest
        .trim_start_matches("(Eds.)")
        .trim_start_matches([',', '.', ' ']);
    let end = if by_comma {
        comma_end(rest)
    } else {
        sentence_end(rest)
    };
    let title = rest.get(..end)?.trim();
    // "Phys. Rev. Lett. 75, 4337"
    let mut words = rest.split(' ');
    let first = words.next().unwrap_or("");
    let is_abbreviated = first.ends_with('.')
        && first.is_ascii()
        && (first.len() <= 5 || words.next().is_some_and(|word| word.ends_with('.')));
    let is_venue = title::is_venue(title) || (is_abbreviated && title::is_venue(rest));
    let title = (!is_venue).then(|| title.to_owned());
    Some((authors.trim_end_matches([':', ',']).to_owned(), title, year))
}

/// "(ATLAS Collaboration), Phys. Lett." without the group that the authors speak for.
fn without_collaboration(rest: &str) -> &str {
    let group = rest
        .strip_prefix('(')
        .and_then(|inner| inner.split_once(')'));
    match group {
        Some((name, after))
            if ["ollaboration", "onsortium", "Group", "Team"]
                .iter()
                .any(|word| name.contains(word)) =>
        {
            after.trim_start_matches([',', '.', ':', ' '])
        }
        _ => rest,
    }
}

/// A letter of a script without case: Chinese, Japanese, Korean.
fn is_caseless(c: char) -> bool {
    c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase()
}

/// "山田太郎: 題名, 誌名": authors, what follows, and that a comma ends the title.
fn caseless(text: &str) -> Option<(&str, &str, bool)> {
    if !text.starts_with(is_caseless) {
        return None;
    }
    let head = text.get(..text.floor_char_boundary(200))?;
    let colon = head.find([':', '：'])?;
    let authors = text.get(..colon)?;
    let rest = text.get(colon..)?.trim_start_matches([':', '：', ' ']);
    (!authors.contains(['.', '。', '．'])).then_some((authors, rest, true))
}

/// An institution before the first stop, and the rest; an entry that is a title from its first
/// word on has no authors.
fn institution(text: &str) -> (&str, &str) {
    let end = plain_sentence_end(text);
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
    let is_cjk = first.starts_with(is_caseless);
    let starts_as_address = second.contains("://") || second.starts_with("www.");
    if is_short && is_title && goes_on && !starts_as_address && (is_cjk || !first.contains(',')) {
        (first, rest)
    } else {
        ("", text)
    }
}
