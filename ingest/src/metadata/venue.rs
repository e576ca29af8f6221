//! Where the paper appeared: the journal or conference that a notice names.
//!
//! Journals are told by the words their names are made of ("Journal of", "Transactions on") or by
//! a volume and pages behind capitalised words; conferences by "Proceedings of" or by an acronym
//! and a year. A name is cut where the volume, the pages or the date begin.

use super::masthead;
use super::notices::Notice;
use crate::extract::Info;
use crate::{Field, Source};

/// Longest name in bytes.
const MAX_LENGTH: usize = 200;

/// The journal or conference.
pub(super) fn find(info: &Info, notices: &[Notice], title: Option<&str>) -> Option<Field<String>> {
    if let Some(name) = &info.xmp_venue {
        return Some(Field::new(name.clone(), Source::Xmp, 0.98));
    }
    if let Some(name) = info
        .subject
        .as_deref()
        .and_then(|text| journal(text).or_else(|| proceedings(text, text)))
    {
        return Some(Field::new(name, Source::Info, 0.93));
    }
    // The title may itself speak of journals and proceedings.
    let others = || {
        notices
            .iter()
            .filter(|notice| !title.is_some_and(|title| title.contains(notice.text.trim())))
    };
    let pattern = |name, confidence| Field::new(name, Source::Pattern, confidence);
    others()
        .find_map(|notice| announced(&notice.with_next, notice.text.len()))
        .map(|name| pattern(name, 0.9))
        .or_else(|| {
            others()
                .find_map(|notice| proceedings(&notice.text, &notice.with_next))
                .map(|name| pattern(name, 0.9))
        })
        .or_else(|| {
            others()
                .find_map(|notice| whole_journal(&notice.text, &notice.with_next))
                .map(|name| pattern(name, 0.88))
        })
        .or_else(|| {
            others()
                .filter(|notice| notice.is_at_edge)
                .find_map(|notice| by_volume(&notice.text).or_else(|| acronym(&notice.text)))
                .map(|name| pattern(name, 0.8))
        })
}

/// "Published as a conference paper at ICLR 2015", "To appear in OSDI 2004".
///
/// The lead must stand in the first `length` bytes, the line itself; the rest is the next line.
fn announced(text: &str, length: usize) -> Option<String> {
    const LEADS: &[&str] = &[
        "conference paper at ",
        "workshop paper at ",
        "to appear in ",
        "to appear at ",
        "appears in ",
        "appeared in ",
        "appeared at ",
        "accepted at ",
        "accepted to ",
        "accepted by ",
    ];
    let lower = text.to_ascii_lowercase();
    let at = LEADS
        .iter()
        .filter_map(|lead| lower.find(lead).map(|at| at + lead.len()))
        .min()
        .filter(|at| *at <= length)?;
    let own = text.get(at..length).unwrap_or("").trim();
    let is_short = matches!(
        own.to_lowercase().as_str(),
        "" | "the" | "proceedings of" | "proceedings of the"
    );
    let rest = if is_short { text.get(at..)? } else { own };
    let rest = ["the ", "The "]
        .iter()
        .find_map(|article| rest.strip_prefix(article))
        .unwrap_or(rest);
    let rest = rest
        .strip_prefix("Proceedings, ")
        .or_else(|| rest.strip_prefix("Proc. "))
        .unwrap_or(rest);
    let end = rest
        .find([',', ';', '(', '['])
        .or_else(|| rest.find(". "))
        .unwrap_or(rest.len());
    clean(&rest[..end])
        .filter(|name| name.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()))
}

/// "Proceedings of the 50th Annual Meeting of the Association for Computational Linguistics".
fn proceedings(text: &str, with_next: &str) -> Option<String> {
    const STARTS: &[&str] = &[
        "Proceedings of",
        "PROCEEDINGS OF",
        "Proc. of",
        "Proceedings",
        "Lecture Notes in",
        "Conference on",
        "Workshop on",
        "Symposium on",
        "Advances in Neural Information Processing",
    ];
    let (mut at, lead) = STARTS
        .iter()
        .find_map(|lead| text.find(lead).map(|at| (at, *lead)))?;
    if matches!(lead, "Conference on" | "Workshop on" | "Symposium on") {
        at = name_start(text, at);
    }
    let text = with_next.get(at..)?;
    let end = [
        ", pages",
        ", pp",
        ". pages",
        " pages ",
        "/",
        ", vol",
        ", Vol",
        "\u{a9}",
        " Copyright",
        ". ",
        " ISBN",
        " ISSN",
        ", 19",
        ", 20",
        ", January",
        ", February",
        ", March",
        ", April",
        ", May",
        ", June",
        ", July",
        ", August",
        ", September",
        ", October",
        ", November",
        ", December",
        "doi",
        "http",
        " c\u{a9}",
        ";",
    ]
    .iter()
    .filter_map(|stop| text.find(stop))
    // The place follows what stands in parentheses.
    .chain(text.find("),").map(|at| at + 1))
    .min()
    .unwrap_or(text.len());
    let name = clean(&text[..end])?;
    (name.split_whitespace().count() >= 3).then_some(name)
}

/// Back from `at` over the capitalised words before it: "31st International | Conference on".
fn name_start(text: &str, at: usize) -> usize {
    let mut start = at;
    for word in text[..at].split_inclusive(' ').rev() {
        let bare = word.trim();
        let is_part = bare.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
            && !bare.ends_with(['.', ',', ';', ':'])
            || matches!(bare, "of" | "and" | "on" | "in" | "for" | "&");
        if !is_part || bare.is_empty() {
            break;
        }
        start -= word.len();
    }
    start
}

/// A journal's name, completed from the next line where this one ends within it.
fn whole_journal(text: &str, with_next: &str) -> Option<String> {
    let name = journal(text);
    let is_cut = name.as_deref().map_or(
        [" of", " Journal", " Transactions"]
            .iter()
            .any(|end| text.ends_with(end)),
        |name| {
            text.ends_with(name)
                && (text.len() >= 70 || name.ends_with(" of") || name.ends_with(" and"))
        },
    );
    if is_cut {
        journal(with_next).or(name)
    } else {
        name
    }
}

/// A name with "Journal of", "Transactions on" and the like in it.
fn journal(text: &str) -> Option<String> {
    const WORDS: &[&str] = &[
        "Journal of",
        "JOURNAL OF",
        "Journal on",
        "Transactions on",
        "TRANSACTIONS ON",
        "Transactions of",
        "Communications of the",
        "Communications in",
        "Annals of",
        "Letters",
        "Annual Review of",
        "Bulletin of",
        "Reviews of",
        "Magazine",
        "Journal",
        "Archives of",
        "Frontiers in",
        "Foundations and Trends",
    ];
    let at = WORDS.iter().filter_map(|word| text.find(word)).min()?;
    let start = name_start(text, at);
    let rest = text.get(start..)?;
    let end = rest
        .char_indices()
        .find(|(at, c)| {
            c.is_ascii_digit()
                || matches!(
                    c,
                    ',' | ';' | '(' | '[' | '|' | ':' | '\u{2014}' | '/' | '\u{2022}'
                )
                || *c == '.' && rest[*at..].starts_with(". ")
        })
        .map_or(rest.len(), |(at, _)| at);
    let mut name = &rest[..end];
    for stop in [
        " Vol", " vol", " VOL", " Issue", " doi", " DOI", " http", " www", " No.",
    ] {
        if let Some(at) = name.find(stop) {
            name = &name[..at];
        }
    }
    let name = clean(name)?;
    let words = name.split_whitespace().count();
    // Prose goes on in small letters: "Journal editors often ask".
    let is_name = name.split_whitespace().all(|word| {
        !word.starts_with(char::is_lowercase)
            || matches!(
                word,
                "of" | "the" | "and" | "in" | "on" | "for" | "de" | "la" | "et" | "to" | "der"
            )
    });
    (is_name && (2..=14).contains(&words) && !name.ends_with(" of")).then_some(name)
}

/// "Physics Letters B 716 (2012) 1-29", "NATURE | VOL 521 | 28 MAY 2015".
fn by_volume(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let at = [" | vol", "|vol", ", vol", " vol.", " volume "]
        .iter()
        .filter_map(|mark| lower.find(mark))
        .min()
        .or_else(|| {
            // A volume, then the year in parentheses.
            let open = text.find(" (")?;
            let before = text.get(..open)?;
            let volume = before.rsplit(' ').next()?;
            let is_volume = !volume.is_empty() && volume.bytes().all(|byte| byte.is_ascii_digit());
            let year: String = text[open + 2..].chars().take(4).collect();
            (is_volume && year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| before.len() - volume.len())
        })?;
    let name = clean(text.get(..at)?)?;
    let is_name = name.split_whitespace().all(|word| {
        word.starts_with(char::is_uppercase) || matches!(word, "of" | "the" | "and" | "in" | "&")
    });
    (is_name && name.split_whitespace().count() <= 10 && !masthead::is_label(&name)
        || matches!(
            name.as_str(),
            "Nature" | "NATURE" | "Science" | "SCIENCE" | "Cell"
        ))
    .then_some(name)
}

/// "SOSP 2007", "KDD '19" at the beginning of a notice.
fn acronym(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let (name, year) = (words.next()?, words.next()?);
    let capitals = name.chars().filter(|c| c.is_ascii_uppercase()).count();
    let is_name = (3..=10).contains(&name.len())
        && capitals >= 3
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let year = year.trim_end_matches([',', '.', ';', ':']);
    let digits = year.trim_start_matches(['\'', '\u{2019}', '\u{2018}']);
    let is_year = matches!(digits.len(), 2 | 4)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 4 || digits.len() < year.len());
    (is_name && is_year && !matches!(name, "ISSN" | "ISBN" | "ACM" | "IEEE"))
        .then(|| format!("{name} {year}"))
}

fn clean(name: &str) -> Option<String> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = name
        .trim_matches(|c: char| c.is_whitespace() || ",.;:|-\u{2013}\u{2014}\u{b7}(".contains(c))
        .trim();
    (name.len() >= 3 && name.len() <= MAX_LENGTH).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn venue(text: &str, next: &str) -> Option<String> {
        let notice = Notice {
            text: text.to_owned(),
            with_next: format!("{text} {next}"),
            is_at_edge: true,
        };
        find(&Info::default(), &[notice], None).map(|field| field.value)
    }

    #[test]
    fn names_end_where_volume_pages_and_dates_begin() {
        for (text, next, name) in [
            (
                "Journal of Hydrology 310 (2005) 253–265",
                "",
                "Journal of Hydrology",
            ),
            (
                "JSS Journal of Statistical Software",
                "",
                "JSS Journal of Statistical Software",
            ),
            (
                "IEEE Transactions on Software Engineering, vol. 3",
                "",
                "IEEE Transactions on Software Engineering",
            ),
            (
                "Proceedings of the 50th Annual Meeting of the Association for Small",
                "Things, pages 11–21, Jeju",
                "Proceedings of the 50th Annual Meeting of the Association for Small Things",
            ),
            (
                "Published as a conference paper at ICLR 2015",
                "",
                "ICLR 2015",
            ),
            ("To appear in OSDI 2004", "", "OSDI 2004"),
            ("NATURE | VOL 521 | 28 MAY 2015", "", "NATURE"),
            ("Physica B 716 (2012) 1-29", "", "Physica B"),
            ("KDD ’19, August 4–8, 2019, Anchorage", "", "KDD ’19"),
            (
                "31st Conference on Neural Things (NeurIPS 2017), Long Beach",
                "",
                "31st Conference on Neural Things (NeurIPS 2017)",
            ),
        ] {
            assert_eq!(venue(text, next).as_deref(), Some(name), "{text}");
        }
        for text in ["Some words", "Journal editors often ask for", "A 3 (1999)x"] {
            assert_eq!(venue(text, ""), None, "{text}");
        }
    }
}
