//! The year of publication, from the surest wording downwards.
//!
//! "Published", a copyright line, arXiv's identifier and the name of a conference say when the
//! paper appeared; "accepted" and a date alone say it nearly; the date of the file only where the
//! newest reference is from about then, as papers are scanned and typeset again decades later.

use std::time::{SystemTime, UNIX_EPOCH};

use super::identifiers::arxiv_year;
use super::notices::Notice;
use crate::extract::Info;
use crate::{Field, Page, Source};

/// First year that a paper in here can be of.
const FIRST: i32 = 1900;
/// A page's text is searched for years so far, in bytes.
const MAX_TEXT: usize = 200_000;

/// The year in which the paper appeared.
pub(super) fn find(
    info: &Info,
    notices: &[Notice],
    pages: &[Page],
    arxiv_id: Option<&str>,
) -> Option<Field<i32>> {
    let lines: Vec<(String, String)> = notices
        .iter()
        .map(|notice| (notice.text.to_lowercase(), notice.with_next.to_lowercase()))
        .collect();
    let field = |year, confidence| Field::new(year, Source::Pattern, confidence);
    published(&lines)
        .map(|year| field(year, 0.96))
        .or_else(|| copyright(&lines).map(|year| field(year, 0.92)))
        .or_else(|| {
            let year = info.xmp_year.filter(|year| is_plausible(*year))?;
            Some(Field::new(year, Source::Xmp, 0.95))
        })
        .or_else(|| {
            let year = arxiv_id.and_then(arxiv_year)?;
            is_plausible(year).then(|| field(year, 0.95))
        })
        .or_else(|| venue(&lines).map(|year| field(year, 0.9)))
        .or_else(|| accepted(&lines).map(|year| field(year, 0.85)))
        .or_else(|| dated_line(&lines).map(|year| field(year, 0.85)))
        .or_else(|| {
            // A year alone is a date at the page's edge, a label in a figure elsewhere.
            let mut alone = notices
                .iter()
                .filter(|notice| notice.is_at_edge && notice.text.len() <= 7);
            alone
                .find_map(|notice| years(&notice.text).next())
                .map(|year| field(year, 0.7))
        })
        .or_else(|| {
            let newest = newest_year(pages);
            created(info, &lines, newest)
                .map(|year| Field::new(year, Source::Info, 0.75))
                .or_else(|| cited(pages).map(|year| field(year, 0.4)))
        })
}

fn published(lines: &[(String, String)]) -> Option<i32> {
    const WORDS: &[&str] = &[
        "published as a",
        "published online",
        "published:",
        "published in",
        "published at",
        "published by",
        "published ",
        "publication date",
        "date of publication",
        "date of current version",
        "first published",
        "version posted",
    ];
    after(lines, WORDS)
}

fn copyright(lines: &[(String, String)]) -> Option<i32> {
    let signed = |line: &str| {
        // "(c)" also counts the parts of a figure.
        let counted = line.find("(c) ").filter(|at| {
            years(line[at + 4..].get(..4).unwrap_or(""))
                .next()
                .is_some()
        });
        ["\u{a9}", "copyright", "\u{24d2}"]
            .iter()
            .filter_map(|word| line.find(word))
            .chain(counted)
            .min()
    };
    lines
        .iter()
        .filter(|(line, _)| line.len() < 300)
        .find_map(|(line, _)| {
            let at = signed(line)?;
            let tail = &line[at..];
            years(tail.get(..60).unwrap_or(tail)).next()
        })
        .or_else(|| {
            // The sign itself is often lost: "q 2005 Elsevier B.V. All rights reserved."
            lines
                .iter()
                .filter(|(line, _)| line.contains("rights reserved"))
                .find_map(|(line, _)| years(line).next())
        })
}

/// The first year after one of the words on its line or the next.
fn after(lines: &[(String, String)], words: &[&str]) -> Option<i32> {
    lines.iter().find_map(|(line, with_next)| {
        let at = words.iter().filter_map(|word| line.find(word)).min()?;
        let tail = with_next.get(at..)?;
        let end = tail.floor_char_boundary(90.min(tail.len()));
        // "published" in running text is not a date line.
        (line.len() < 200)
            .then(|| years(&tail[..end]).next())
            .flatten()
    })
}

/// A line that names where the paper appeared.
fn venue(lines: &[(String, String)]) -> Option<i32> {
    const WORDS: &[&str] = &[
        "proceedings",
        "conference",
        "workshop",
        "symposium",
        "annual meeting",
        "journal of",
        "transactions on",
        "volume ",
        "vol.",
        "issn",
        "icml",
        "neurips",
        "nips",
        "iclr",
        "acl ",
        "emnlp",
        "cvpr",
        "iccv",
        "eccv",
        "sigmod",
        "vldb",
        "sosp",
        "osdi",
        "usenix",
        "springer",
        "elsevier",
        "to appear",
        "appeared in",
        "appears in",
        "lncs",
        "ieee",
        "letters ",
        "kdd",
        "aaai",
        "ijcai",
        "naacl",
        "interspeech",
        "icassp",
        "letters,",
        "nature ",
        "science ",
    ];
    let named = |line: &String| line.len() < 200 && WORDS.iter().any(|word| line.contains(word));
    lines
        .iter()
        .filter(|(line, _)| named(line))
        .find_map(|(line, with_next)| {
            years(line)
                .next()
                .or_else(|| short_year(line))
                .or_else(|| years(with_next).next())
        })
}

/// The "98" of "ECOOP '98".
fn short_year(line: &str) -> Option<i32> {
    line.match_indices(['\'', '\u{2019}', '\u{2018}'])
        .find_map(|(at, mark)| {
            let rest = &line[at + mark.len()..];
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let year: i32 = digits.parse().ok()?;
            (digits.len() == 2).then_some(if year >= 50 { 1900 + year } else { 2000 + year })
        })
        .filter(|year| is_plausible(*year))
}

/// The last date of "Received 1 October 2003; revised 22 December 2004; accepted 3 January 2005".
fn accepted(lines: &[(String, String)]) -> Option<i32> {
    [
        "accepted",
        "revised",
        "received",
        "submitted",
        "dated",
        "draft of",
    ]
    .iter()
    .find_map(|word| {
        lines
            .iter()
            .filter(|(line, _)| line.len() < 200 && line.contains(word))
            .find_map(|(line, _)| years(line).max())
    })
}

/// A short line that is a date: "January 2004", "14 May, 1998".
fn dated_line(lines: &[(String, String)]) -> Option<i32> {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let is_date = |line: &str| {
        line.len() < 45
            && line.split(|c: char| !c.is_alphabetic()).any(|word| {
                word.len() >= 3 && MONTHS.contains(&&word[..word.floor_char_boundary(3)])
            })
    };
    lines
        .iter()
        .filter(|(line, _)| is_date(line))
        .find_map(|(line, _)| years(line).next())
}

/// When the file was made, if the paper's newest reference is from then or shortly before, or a
/// date on the page has the same two last digits: a scan made decades later is not the paper's year.
fn created(info: &Info, lines: &[(String, String)], newest: Option<i32>) -> Option<i32> {
    let created = info.creation_year.filter(|year| is_plausible(*year))?;
    let is_recent = newest.is_some_and(|newest| (0..=1).contains(&(created - newest)));
    let short = format!("/{:02}", created % 100);
    let is_dated = lines.iter().any(|(line, _)| {
        line.len() < 60
            && line
                .split_whitespace()
                .any(|word| word.matches('/').count() == 2 && word.ends_with(&short))
    });
    (is_recent || is_dated).then_some(created)
}

/// The newest year that the document names.
fn newest_year(pages: &[Page]) -> Option<i32> {
    pages.iter().flat_map(|page| years(head(&page.text))).max()
}

/// The newest year that the last pages name more than once, where they name many: papers cite
/// what is new.
fn cited(pages: &[Page]) -> Option<i32> {
    let from = pages.len() - pages.len().div_ceil(3);
    let mut years: Vec<i32> = pages[from..]
        .iter()
        .flat_map(|page| years(head(&page.text)))
        .collect();
    years.sort_unstable();
    let newest = years
        .chunk_by(|a, b| a == b)
        .rev()
        .find(|same| same.len() >= 3)?[0];
    (years.len() >= 15).then_some(newest)
}

fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT.min(text.len()))]
}

/// The years in a text, in order: four digits that stand alone.
fn years(text: &str) -> impl Iterator<Item = i32> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|word| word.parse().ok())
        .filter(|year| is_plausible(*year))
}

/// True for years in which a paper may have appeared.
pub(crate) fn is_plausible(year: i32) -> bool {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let now = 1970 + (seconds / 31_556_952) as i32;
    (FIRST..=now + 1).contains(&year)
}
