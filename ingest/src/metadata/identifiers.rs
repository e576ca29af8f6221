//! The paper's own DOI and arXiv identifier.
//!
//! A DOI is `10.`, a registrant of four to nine digits, a slash and a suffix of nearly any
//! characters (ISO 26324); an arXiv identifier is `YYMM.NNNNN` or, before April 2007,
//! `archive/YYMMNNN`. Papers print them in margins and notices, and print those of others in their
//! references, so running text is not searched.

use super::notices::Notice;
use crate::extract::Info;
use crate::{Field, Source};

/// The paper's DOI.
pub(super) fn doi(info: &Info, notices: &[Notice]) -> Option<Field<String>> {
    if let Some(doi) = info.xmp_doi.as_deref().and_then(find_doi) {
        return Some(Field::new(doi, Source::Xmp, 0.98));
    }
    let stated = [&info.subject, &info.title];
    if let Some(doi) = stated.into_iter().flatten().find_map(|text| find_doi(text)) {
        return Some(Field::new(doi, Source::Info, 0.97));
    }
    let is_labelled = |text: &str| text.to_lowercase().contains("doi");
    let of = |pick: &dyn Fn(&Notice) -> bool| {
        notices
            .iter()
            .filter(|notice| pick(notice) && !is_citation(&notice.text))
            .find_map(in_notice)
    };
    // A short line is the paper's own label, a long one may be anyone's citation.
    of(&|notice| notice.text.len() < 70 && is_labelled(&notice.text))
        .or_else(|| of(&|notice| notice.is_at_edge && is_labelled(&notice.text)))
        .map(|doi| Field::new(doi, Source::Pattern, 0.97))
        .or_else(|| {
            of(&|notice| is_labelled(&notice.text))
                .map(|doi| Field::new(doi, Source::Pattern, 0.93))
        })
        .or_else(|| of(&|_| true).map(|doi| Field::new(doi, Source::Pattern, 0.85)))
        .filter(|field| !field.value.starts_with("10.48550/"))
}

/// The DOI in a notice; one cut by the line's end is completed from the next line.
fn in_notice(notice: &Notice) -> Option<String> {
    let text = notice.text.trim_end();
    let doi = find_doi(text);
    // What ends with the line is cut where the next line goes on with a part of a suffix.
    let tail = text.rsplit(' ').next().unwrap_or("").to_lowercase();
    let is_open =
        tail.ends_with(['/', '-', '_', '.']) && (tail.contains("10.") || tail.contains("doi.org/"));
    let next = notice.with_next.get(notice.text.len() + 1..).unwrap_or("");
    let rest = next.split_whitespace().next().unwrap_or("");
    let bare = rest.trim_end_matches(['.', ',', ';', ')']);
    let is_year = bare.len() == 4 && bare.starts_with(['1', '2']);
    let is_suffix = bare.contains(|c: char| c.is_ascii_digit())
        && bare.len() <= 40
        && !(is_year && tail.ends_with('.'));
    if is_open && is_suffix {
        find_doi(&format!("{text}{rest}")).or(doi)
    } else {
        doi
    }
}

/// Entries of reference lists and footnotes that cite others.
fn is_citation(text: &str) -> bool {
    let text = text.trim_start();
    let is_numbered = text.starts_with('[')
        && text
            .get(1..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_numbered || text.to_lowercase().contains("arxiv preprint")
}

/// The first DOI in a text, in lower case.
pub(crate) fn find_doi(text: &str) -> Option<String> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("10.").map(|at| from + at) {
        from = at + 3;
        let is_start = !text[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_ascii_digit() || c == '.');
        let digits = text[at + 3..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        // Registrants may be divided: 10.1000.10/123.
        let rest = &text[at + 3 + digits..];
        let divided = rest.strip_prefix('.').map_or(0, |rest| {
            1 + rest.bytes().take_while(u8::is_ascii_digit).count()
        });
        let rest = &rest[divided..];
        if !is_start || !(4..=9).contains(&digits) || !rest.starts_with('/') {
            continue;
        }
        let is_suffix = |c: &char| c.is_ascii_alphanumeric() || "-._;()/:<>[]#+".contains(*c);
        let suffix: String = rest.chars().take_while(is_suffix).take(200).collect();
        let suffix = trimmed(&suffix);
        if suffix.len() >= 2 {
            let head = &text[at..at + 3 + digits + divided];
            return Some(format!("{head}{suffix}").to_lowercase());
        }
    }
    None
}

/// The suffix without the punctuation of the sentence around it.
fn trimmed(mut suffix: &str) -> &str {
    loop {
        let last = suffix.chars().next_back();
        let is_loose = match last {
            Some(')') => suffix.matches(')').count() > suffix.matches('(').count(),
            Some(']') => suffix.matches(']').count() > suffix.matches('[').count(),
            Some('>') => suffix.matches('>').count() > suffix.matches('<').count(),
            Some(c) => ".,;:([<".contains(c),
            None => false,
        };
        if !is_loose {
            return suffix;
        }
        suffix = &suffix[..suffix.len() - 1];
    }
}

/// The paper's arXiv identifier, without version.
pub(super) fn arxiv(info: &Info, notices: &[Notice]) -> Option<Field<String>> {
    // The stamp names the subject in brackets: arXiv:1706.03762v5 [cs.CL] 6 Dec 2017.
    let stamp = notices
        .iter()
        .filter(|notice| notice.text.contains('[') || notice.is_at_edge)
        .filter(|notice| notice.text.trim_start().to_lowercase().starts_with("arxiv"))
        .find_map(|notice| find_arxiv(&notice.text));
    if let Some(id) = stamp {
        return Some(Field::new(id, Source::Pattern, 0.98));
    }
    let stated = [&info.xmp_doi, &info.subject, &info.title];
    if let Some(id) = stated
        .into_iter()
        .flatten()
        .find_map(|text| find_arxiv(text))
    {
        return Some(Field::new(id, Source::Info, 0.95));
    }
    notices
        .iter()
        .filter(|notice| !is_citation(&notice.text) && notice.text.len() < 120)
        .find_map(|notice| find_arxiv(&notice.text))
        .map(|id| Field::new(id, Source::Pattern, 0.8))
}

/// The first arXiv identifier in a text that is marked as one, without version.
pub(crate) fn find_arxiv(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = lower.get(from..)?.find("arxiv").map(|at| from + at) {
        from = at + 5;
        let mut rest = &lower[from..];
        for lead in [".org", "/abs/", "/pdf/", ":", ".", "/", " "] {
            rest = rest.strip_prefix(lead).unwrap_or(rest);
        }
        // Enough for the longest identifier, so that odd text is not searched over and over.
        let rest = &rest[..rest.floor_char_boundary(40.min(rest.len()))];
        if let Some(id) = new_style(rest).or_else(|| old_style(rest)) {
            return Some(id);
        }
    }
    None
}

/// "1706.03762".
fn new_style(text: &str) -> Option<String> {
    let (month, rest) = text.split_once('.')?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let is_month = month.len() == 4
        && month.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=12).contains(&month[2..].parse::<u32>().ok()?);
    (is_month && matches!(number.len(), 4 | 5)).then(|| format!("{month}.{number}"))
}

/// "cs/0112017", "math.GT/0309136".
fn old_style(text: &str) -> Option<String> {
    let (archive, rest) = text.split_once('/')?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let name = archive.split('.').next().unwrap_or("");
    let is_archive = (2..=8).contains(&name.len())
        && archive.len() <= 12
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (is_archive && number.len() == 7).then(|| format!("{name}/{number}"))
}

/// The year in which arXiv gave this identifier.
pub(super) fn arxiv_year(id: &str) -> Option<i32> {
    let digits = id.rsplit('/').next()?;
    let year: i32 = digits.get(..2)?.parse().ok()?;
    Some(if year >= 91 { 1900 + year } else { 2000 + year })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dois_in_text() {
        for (text, doi) in [
            (
                "doi:10.1016/j.jhydrol.2005.01.006",
                Some("10.1016/j.jhydrol.2005.01.006"),
            ),
            (
                "https://doi.org/10.1145/3292500.3330701.",
                Some("10.1145/3292500.3330701"),
            ),
            (
                "(DOI 10.1002/(SICI)1097-4571(199806)49:8<693::AID>3.0.CO;2-O).",
                Some("10.1002/(sici)1097-4571(199806)49:8<693::aid>3.0.co;2-o"),
            ),
            (
                "DOI10.1371/journal.pmed.0020124",
                Some("10.1371/journal.pmed.0020124"),
            ),
            ("pages 110.1234/5 and 10.12/x", None),
            ("10.", None),
            ("10.1234/", None),
        ] {
            assert_eq!(find_doi(text).as_deref(), doi, "{text}");
        }
    }

    #[test]
    fn a_doi_over_two_lines() {
        let notice = Notice {
            text: "https://doi.org/10.1145/".to_owned(),
            with_next: "https://doi.org/10.1145/ 3292500.3330701 and more".to_owned(),
            is_at_edge: true,
        };
        assert_eq!(
            doi(&Info::default(), &[notice]).unwrap().value,
            "10.1145/3292500.3330701"
        );
    }

    #[test]
    fn a_sentence_that_ends_in_a_doi() {
        let notice = |text: &str, next: &str| Notice {
            text: text.to_owned(),
            with_next: format!("{text} {next}"),
            is_at_edge: true,
        };
        for (text, next, expected) in [
            ("See doi:10.1000/abc.", "2019 was a year", "10.1000/abc"),
            ("See doi:10.1000/abc.", "Then 3", "10.1000/abc"),
            (
                "Journal, 9(95), 302. https://doi.org/10.21105/jose.",
                "00302.",
                "10.21105/jose.00302",
            ),
        ] {
            let found = doi(&Info::default(), &[notice(text, next)]).unwrap();
            assert_eq!(found.value, expected);
        }
    }

    #[test]
    fn arxiv_identifiers() {
        for (text, id, year) in [
            ("arXiv:1706.03762v5 [cs.CL] 6 Dec 2017", "1706.03762", 2017),
            ("https://arxiv.org/abs/2402.00001", "2402.00001", 2024),
            ("arXiv:quant-ph/9605043v3", "quant-ph/9605043", 1996),
            ("arXiv:math.GT/0309136", "math/0309136", 2003),
            ("10.48550/arXiv.2005.11401", "2005.11401", 2020),
        ] {
            assert_eq!(find_arxiv(text).as_deref(), Some(id), "{text}");
            assert_eq!(arxiv_year(id), Some(year));
        }
        for text in ["arXiv:1799.03762", "arXiv preprint", "1706.03762", "arxiv"] {
            assert_eq!(find_arxiv(text), None, "{text}");
        }
    }
}
