//! Names that are written one way only: genes, models, compounds, DOIs, code.
//!
//! A stemmer takes "AIDS" for "aid", and a tokenizer cuts "IL-2" into "il" and "2", which stand in
//! any paper. So words that look like identifiers are indexed a second time, whole: letters mixed
//! with digits ("BRCA1", "x86_64", "CVE-2021-44228"), capitals inside ("mRNA"), joined by dots,
//! colons or underscores ("torch.nn.Linear"), DOIs, arXiv numbers, addresses of pages.
//!
//! They are compared in lower case and without a hyphen between a letter and a digit, so that
//! "GPT-4", "gpt4" and "GPT4" are the same; "IL-2" and "IL-20" are not.

use std::ops::Range;

use super::analysis::{fold, is_invisible};
use unicode_normalization::UnicodeNormalization;

/// Longest identifier in bytes.
const LONGEST: usize = 128;

/// An identifier of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identifier {
    /// Where it stands in the text, in bytes.
    pub(super) range: Range<usize>,
    /// As it is compared.
    pub(super) canonical: String,
}

/// The identifiers of a question in the form in which they are compared, each once.
pub fn identifiers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for identifier in find(text) {
        if !found.contains(&identifier.canonical) {
            found.push(identifier.canonical);
        }
    }
    found
}

/// The identifiers of `text` in order. One may lie within another: "anti-PD-1" and "PD-1".
pub(super) fn find(text: &str) -> impl Iterator<Item = Identifier> {
    text.split_whitespace().flat_map(move |token| {
        let start = token.as_ptr() as usize - text.as_ptr() as usize;
        in_token(token)
            .into_iter()
            .filter_map(move |(range, kept)| {
                let canonical = canonical(&kept);
                (!canonical.is_empty() && canonical.len() <= LONGEST).then(|| Identifier {
                    range: start + range.start..start + range.end,
                    canonical,
                })
            })
    })
}

/// The identifiers of what stands between two spaces, each with the part that is compared.
fn in_token(token: &str) -> Vec<(Range<usize>, String)> {
    if token.len() > 4 * LONGEST {
        return Vec::new();
    }
    let token_range = trimmed(token, 0..token.len());
    let text = &token[token_range.clone()];
    if let Some(range) = doi(text) {
        let range = token_range.start + range.start..token_range.start + range.end;
        return vec![(range.clone(), token[range].to_owned())];
    }
    if let Some(address) = address(text) {
        return vec![(token_range.clone(), address.to_owned())];
    }

    let mut found = Vec::new();
    let mut start = token_range.start;
    for part in text.split(['/', ',', ';', '(', ')', '[', ']', '=', '|', '—']) {
        let range = trimmed(token, start..start + part.len());
        start += part.len();
        start += token[start..].chars().next().map_or(0, char::len_utf8);
        let part = &token[range.clone()];
        if let Some(number) = arxiv(part) {
            found.push((range, number.to_owned()));
        } else if is_identifier(part) {
            let core = core(part);
            found.push((range.clone(), part.to_owned()));
            if core.len() < part.len() && is_identifier(&part[core.clone()]) {
                let core = range.start + core.start..range.start + core.end;
                found.push((core.clone(), token[core].to_owned()));
            }
        }
    }
    found
}

/// `range` without the punctuation around it; "C++" and "C#" keep theirs.
fn trimmed(token: &str, range: Range<usize>) -> Range<usize> {
    let text = &token[range.clone()];
    let Some(first) = text.find(char::is_alphanumeric) else {
        return range.start..range.start;
    };
    let last = text
        .char_indices()
        .rfind(|(_, c)| c.is_alphanumeric())
        .map_or(first, |(place, c)| place + c.len_utf8());
    let symbol = ["++", "#"]
        .into_iter()
        .find(|symbol| last - first == 1 && text[last..].starts_with(symbol))
        .map_or(0, str::len);
    range.start + first..range.start + last + symbol
}

/// Where a DOI stands: "10.", a number, a slash, and a suffix with balanced brackets.
fn doi(text: &str) -> Option<Range<usize>> {
    let start = text
        .match_indices("10.")
        .map(|(place, _)| place)
        .find(|&place| {
            let registrant = &text[place + 3..];
            let digits = registrant
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(0);
            digits >= 4
                && registrant[digits..].starts_with('/')
                && !text[..place].ends_with(|c: char| c.is_alphanumeric())
        })?;
    let mut depth = 0;
    let mut end = text.len();
    for (place, c) in text[start..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                end = start + place;
                break;
            }
            ')' => depth -= 1,
            '"' | '<' | '>' | '}' | ']' | ',' => {
                end = start + place;
                break;
            }
            _ => {}
        }
    }
    let suffix = text[start..end].find('/')? + start;
    let kept = text[start..end].trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')');
    (start + kept.len() > suffix + 1).then(|| start..start + kept.len())
}

/// A page's address without its scheme.
fn address(text: &str) -> Option<&str> {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let rest = ["https://", "http://", "ftp://"]
        .into_iter()
        .find(|scheme| lower.starts_with(scheme))
        .map(|scheme| &text[scheme.len()..])
        .or_else(|| lower.starts_with("www.").then_some(text))?;
    Some(rest.trim_end_matches('/'))
}

/// The number of an arXiv paper, new style, without its version.
fn arxiv(text: &str) -> Option<&str> {
    let number = match text.get(..6) {
        Some(prefix) if prefix.eq_ignore_ascii_case("arxiv:") => &text[6..],
        _ => text,
    };
    let (number, version) = match number.split_once(['v', 'V']) {
        Some((number, version)) => (number, Some(version)),
        None => (number, None),
    };
    let (month, paper) = number.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = month.len() == 4
        && matches!(paper.len(), 4 | 5)
        && digits(month)
        && digits(paper)
        && version.is_none_or(|version| !version.is_empty() && digits(version));
    fits.then_some(number)
}

fn is_identifier(part: &str) -> bool {
    if part.ends_with("++") || part.ends_with('#') {
        return part.starts_with(|c: char| c.is_ascii_alphabetic());
    }
    let allowed =
        |c: char| c.is_alphanumeric() || is_invisible(c) || ".-_:@+'".contains(unhyphen(c));
    let letters = part.chars().filter(|c| c.is_alphabetic()).count();
    if letters == 0 || part.chars().count() < 2 || !part.chars().all(allowed) {
        return false;
    }
    // Text without spaces is not one word.
    if part.chars().any(|c| c > '\u{2fff}') {
        return false;
    }
    has_letter_and_digit(part) || has_inner_capital(part) || is_joined(part)
}

/// "p53", "GPT-4", but not "5mg", "1990s", "2nd", "20-year-old": numbers with a unit.
fn has_letter_and_digit(part: &str) -> bool {
    if !part.chars().any(|c| c.is_numeric()) {
        return false;
    }
    let after_number = part.trim_start_matches(|c: char| c.is_numeric() || c == '.' || c == ',');
    let measured = after_number.len() < part.len()
        && after_number
            .chars()
            .all(|c| c.is_lowercase() || unhyphen(c) == '-' || c == '.');
    !measured
}

/// "mRNA", "PyTorch", "NaCl"; not "DNA", "DNAs", "Smith-Jones", "U.S.A".
fn has_inner_capital(part: &str) -> bool {
    part.split(|c: char| !c.is_alphanumeric()).any(|word| {
        word.chars()
            .zip(word.chars().skip(1))
            .any(|(first, second)| first.is_lowercase() && second.is_uppercase())
    })
}

/// "torch.nn.linear", "max_length", "std::vec", "a@b.org"; not "e.g", "and.The", "it's".
fn is_joined(part: &str) -> bool {
    if part.contains('_') || part.contains('@') || part.contains("::") {
        return true;
    }
    let mut words = part.split('.');
    let several = words.clone().count() > 1;
    several
        && words.all(|word| word.chars().count() >= 2)
        && part.chars().all(|c| c.is_alphanumeric() || c == '.')
        && (part.matches('.').count() > 1 || !part.chars().any(char::is_uppercase))
}

/// The part of "IL-2-induced" and "anti-PD-1" that is the name.
fn core(part: &str) -> Range<usize> {
    let is_plain = |word: &str| word.chars().count() >= 3 && word.chars().all(char::is_lowercase);
    let mut range = 0..part.len();
    while let Some((place, hyphen)) = part[range.clone()]
        .char_indices()
        .rfind(|(_, c)| unhyphen(*c) == '-')
    {
        let place = range.start + place;
        if !is_plain(&part[place + hyphen.len_utf8()..range.end]) {
            break;
        }
        range.end = place;
    }
    while let Some((place, hyphen)) = part[range.clone()]
        .char_indices()
        .find(|(_, c)| unhyphen(*c) == '-')
    {
        let place = range.start + place;
        if !is_plain(&part[range.start..place]) {
            break;
        }
        range.start = place + hyphen.len_utf8();
    }
    range
}

/// As identifiers are compared.
fn canonical(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(unhyphen)
        .nfkc()
        .collect();
    let plain: Vec<char> = fold(&plain.to_lowercase()).chars().collect();
    let between = |at: usize| {
        let around = (at.checked_sub(1).map(|at| plain[at]), plain.get(at + 1));
        match around {
            (Some(before), Some(after)) => {
                before.is_alphabetic() && after.is_numeric()
                    || before.is_numeric() && after.is_alphabetic()
            }
            _ => false,
        }
    };
    (0..plain.len())
        .filter(|&at| plain[at] != '-' || !between(at))
        .map(|at| plain[at])
        .collect()
}

/// Every dash that is typed for a hyphen as a hyphen.
fn unhyphen(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Expect) {
        for identifier in find(text) {
            assert!(text.get(identifier.range).is_some());
        }
        expected.assert_eq(&identifiers(text).join(" | "));
    }

    #[test]
    fn names_with_digits_and_inner_capitals() {
        check(
            "BRCA1, p53 and GPT-4 (x86_64); IL‑2-induced, anti-PD-1, SARS-CoV-2, H₂O, covid-19, mRNA",
            expect![
                "brca1 | p53 | gpt4 | x86_64 | il2induced | il2 | anti-pd1 | pd1 | sars-cov2 | h2o | covid19 | mrna"
            ],
        );
        check(
            "CVE-2021-44228 `torch.nn.Linear` max_length std::vec::Vec C++ and C#",
            expect!["cve2021-44228 | torch.nn.linear | max_length | std::vec::vec | c++ | c#"],
        );
        check(
            "BRCA1/2, CD4+/CD8+ cells; NF-kB.",
            expect!["brca1 | cd4 | cd8 | nf-kb"],
        );
    }

    #[test]
    fn dois_papers_and_addresses() {
        check(
            "doi:10.1145/3292500. (https://doi.org/10.1016/S0140-6736(20)30183-5), 10.1000/182",
            expect!["10.1145/3292500 | 10.1016/s0140-6736(20)30183-5 | 10.1000/182"],
        );
        check(
            "arXiv:1706.03762v5 or 2005.11401 at https://Example.org/a/b/",
            expect!["1706.03762 | 2005.11401 | example.org/a/b"],
        );
    }

    #[test]
    fn ordinary_words_are_none() {
        check(
            "The 20-year-old, 5mg in the 1990s; state-of-the-art and/or e.g. U.S. 3.14 10-20 \
             2nd DNA AIDS it's 10.5/3 C. elegans end.Next 50% 12,000 机器学习2024年 naïve Schrödinger's",
            expect![[""]],
        );
    }

    proptest! {
        #[test]
        fn any_text_has_identifiers_at_its_own_places(text in "\\PC{0,60}|[A-c0-2./:()+#_ -]{0,40}") {
            for identifier in find(&text) {
                prop_assert!(text.get(identifier.range).is_some());
                prop_assert!(!identifier.canonical.is_empty());
            }
        }
    }
}
