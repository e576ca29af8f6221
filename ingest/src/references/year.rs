//! The year of a cited work, among all the numbers that an entry has.

use super::identifier;

/// A year in the text and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Year {
    pub(super) value: i32,
    pub(super) start: usize,
    /// One past its last digit or letter suffix.
    pub(super) end: usize,
    /// A bracket stands before it, maybe with a month between.
    pub(super) is_bracketed: bool,
}

/// Numbers that may be years: not parts of words, addresses or ranges of pages.
pub(super) fn years(text: &str) -> Vec<Year> {
    let mut years = Vec::new();
    let mut from = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let word_start = from;
        from += word.len();
        let is_address = word.contains("://")
            || word.contains("www.")
            || word.contains("10.") && word.contains('/');
        if is_address || word.len() > 40 {
            continue;
        }
        let bytes = word.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let digits = bytes[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let start = at;
            at += digits;
            let before = word
                .get(..start)
                .and_then(|before| before.chars().next_back());
            let after = word.get(at..).and_then(|after| after.chars().next());
            let suffix = usize::from(
                after.is_some_and(|c| c.is_ascii_lowercase())
                    && !word
                        .get(at + 1..)
                        .is_some_and(|rest| rest.starts_with(char::is_alphanumeric)),
            );
            let is_part =
                |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "-–—/:".contains(c));
            let value = word
                .get(start..at)
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0);
            // Pages "1869–1873", reports "CS-1985", arXiv's "2404.07738".
            let is_decimal = after == Some('.')
                && word
                    .get(at + 1..)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                || before == Some('.') && start > 1;
            let after_suffix = if suffix > 0 { None } else { after };
            if digits == 4
                && (1500..=2099).contains(&value)
                && !is_part(before)
                && !is_part(after_suffix.filter(|c| *c != ':' || word.len() > at + 1))
                && !is_decimal
            {
                let start = word_start + start;
                years.push(Year {
                    value,
                    start,
                    end: word_start + at + suffix,
                    is_bracketed: is_bracketed(text.get(..start).unwrap_or("")),
                });
            }
        }
    }
    years
}

/// About the last `length` bytes before `end`.
fn tail(text: &str, end: usize, length: usize) -> &str {
    let start = text.ceil_char_boundary(end.saturating_sub(length));
    text.get(start..end).unwrap_or("")
}

/// "(", "(May ", "(12 May ".
fn is_bracketed(before: &str) -> bool {
    let tail = tail(before, before.len(), 18);
    tail.rfind(['(', '（']).is_some_and(|open| {
        tail.get(open..)
            .unwrap_or("")
            .chars()
            .skip(1)
            .all(|c| c.is_alphanumeric() || " .,–-/".contains(c))
    })
}

/// The year of an entry that has it anywhere but after the authors: the last one in brackets or
/// at the end, rather than one in the title or the name of a conference.
pub(super) fn best_year(text: &str, years: &[Year]) -> Option<i32> {
    let is_pages = |year: &Year| {
        let before = tail(text, year.start, 12).trim_end().to_lowercase();
        [
            "pp.", "pp", "p.", "pages", "page", "no.", "vol.", "art.", "article",
        ]
        .iter()
        .any(|word| before.ends_with(word))
    };
    let is_visit = |year: &Year| {
        let before = tail(text, year.start, 40).to_lowercase();
        ["accessed", "retrieved", "visited", "zugriff", "consulté"]
            .iter()
            .any(|word| before.contains(word))
    };
    let usable = || years.iter().filter(|year| !is_pages(year));
    let dated = || usable().filter(|year| !is_visit(year));
    // "(Dec. 2002), 1-14", "(1966), 66-81", but not "(SIGMOD 2010), 2010."
    let last = dated().next_back();
    let bracketed = dated().rfind(|year| year.is_bracketed);
    match (last, bracketed) {
        (Some(last), Some(bracketed)) => {
            let rest = text.get(last.end..).unwrap_or("");
            // A plain year near the end outweighs brackets before it.
            if rest.len() < 40 && !last.is_bracketed {
                last.value
            } else {
                bracketed.value
            }
            .into()
        }
        (Some(last), None) => Some(last.value),
        _ => usable().next_back().map(|year| year.value),
    }
}

/// "arXiv:2404.07738" says its year.
pub(super) fn arxiv_year(text: &str) -> Option<i32> {
    let identifier = identifier::arxiv(text)?;
    let digits = identifier.rsplit('/').next()?;
    let year: i32 = digits.get(..2)?.parse().ok()?;
    Some(if year > 90 { 1900 + year } else { 2000 + year })
}
