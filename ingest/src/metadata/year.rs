//! The year of publication, from the surest wording on the first page downwards.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Page;
use crate::extract::Info;

/// First year that a paper in here can be of.
const FIRST: i32 = 1900;

pub(super) fn find(info: &Info, pages: &[Page]) -> Option<i32> {
    let first = pages.first()?;
    let lines: Vec<String> = first.text.lines().map(str::to_lowercase).collect();
    arxiv(&lines)
        .or_else(|| {
            after(
                &lines,
                &["published", "publication date", "date of publication"],
            )
        })
        .or_else(|| after(&lines, &["©", "copyright", "(c) ", "\u{24d2}"]))
        .or_else(|| venue(&lines))
        .or_else(|| after(&lines, &["accepted", "received", "submitted", "dated"]))
        .or_else(|| dated_line(&lines))
        .or_else(|| created(info, pages))
}

/// "arXiv:1706.03762v5 [cs.CL] 6 Dec 2017"; the number itself says the year since April 2007.
fn arxiv(lines: &[String]) -> Option<i32> {
    let line = lines
        .iter()
        .find(|line| line.contains("arxiv:") && line.contains('['))?;
    let stamp = &line[line.find("arxiv:")? + 6..];
    years(&stamp[stamp.find(']').unwrap_or(0)..])
        .next()
        .or_else(|| {
            let digits: String = stamp
                .trim_start()
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            (digits.len() == 4)
                .then(|| digits[..2].parse::<i32>().ok().map(|year| 2000 + year))
                .flatten()
        })
}

/// The first year after one of the words on its line.
fn after(lines: &[String], words: &[&str]) -> Option<i32> {
    lines.iter().find_map(|line| {
        let at = words.iter().filter_map(|word| line.find(word)).min()?;
        // "published" in running text is not a date line.
        (line.len() < 200)
            .then(|| years(line[at..].get(..90).unwrap_or(&line[at..])).next())
            .flatten()
    })
}

/// A line that names where the paper appeared.
fn venue(lines: &[String]) -> Option<i32> {
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
        "sigmod",
        "vldb",
        "sosp",
        "osdi",
        "usenix",
        "springer",
        "elsevier",
    ];
    lines
        .iter()
        .filter(|line| line.len() < 160 && WORDS.iter().any(|word| line.contains(word)))
        .find_map(|line| years(line).next())
}

/// A short line that is a date: "January 2004", "14 May, 1998".
fn dated_line(lines: &[String]) -> Option<i32> {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    lines
        .iter()
        .filter(|line| {
            line.len() < 40
                && line.split(|c: char| !c.is_alphabetic()).any(|word| {
                    word.len() >= 3 && MONTHS.contains(&&word[..word.floor_char_boundary(3)])
                })
        })
        .find_map(|line| years(line).next())
}

/// When the file was made, if the paper's newest reference is from then or shortly before: a scan
/// made decades later is not the paper's year.
fn created(info: &Info, pages: &[Page]) -> Option<i32> {
    let created = info.creation_year.filter(|year| is_plausible(*year))?;
    let newest = pages
        .iter()
        .flat_map(|page| years(&page.text))
        .filter(|year| *year <= created)
        .max()?;
    (created - newest <= 1).then_some(created)
}

/// The years in a text, in order: four digits that stand alone.
fn years(text: &str) -> impl Iterator<Item = i32> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|word| word.parse().ok())
        .filter(|year| is_plausible(*year))
}

fn is_plausible(year: i32) -> bool {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let now = 1970 + (seconds / 31_556_952) as i32;
    (FIRST..=now + 1).contains(&year)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metadata, Page};

    fn year(text: &str, creation_year: Option<i32>) -> Option<i32> {
        let page = Page {
            number: 1,
            width: 600.0,
            height: 800.0,
            text: text.to_owned(),
            lines: vec![],
            ..Page::default()
        };
        let info = Info {
            creation_year,
            ..Info::default()
        };
        let metadata: Metadata = super::super::infer(&info, &[page]);
        metadata.year()
    }

    #[test]
    fn surest_wording_first() {
        assert_eq!(
            year("arXiv:1706.03762v5 [cs.CL] 6 Dec 2017\n© 2019", None),
            Some(2017)
        );
        assert_eq!(year("arXiv:2402.00001 [cs.CL]", None), Some(2024));
        assert_eq!(year("Copyright 2004 ACM 1-58113", None), Some(2004));
        assert_eq!(
            year("Received 3 May 2011; Published 5 May 2012", None),
            Some(2012)
        );
        assert_eq!(
            year(
                "Proceedings of the 45th Annual Meeting, pages 696-703, Prague, June 2007",
                None
            ),
            Some(2007)
        );
        assert_eq!(year("A Title\nMay 1998", None), Some(1998));
        assert_eq!(year("In 1969 Hoare said", Some(2004)), None);
        assert_eq!(year("Smith (2014) said", Some(2014)), Some(2014));
        assert_eq!(year("about 3000 and 1234", None), None);
    }
}
