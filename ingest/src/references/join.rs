//! The lines of an entry as one line.
//!
//! Words hyphenated within a page were joined before. What is left are words cut at a page's
//! end, and web addresses and DOIs, which break without a hyphen.

use super::rows::Row;
use crate::extract::is_cjk;

/// The rows' text in one line.
pub(super) fn text(rows: &[Row<'_>]) -> String {
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            match seam(&text, row.text, rows[index - 1].end == row.start) {
                Seam::Space => text.push(' '),
                Seam::Closed => {}
                Seam::DropHyphen => {
                    text.pop();
                }
            }
        }
        text.push_str(row.text);
    }
    closed_addresses(&text)
}

enum Seam {
    Space,
    Closed,
    DropHyphen,
}

fn seam(before: &str, after: &str, is_joined: bool) -> Seam {
    if is_joined {
        return Seam::Closed;
    }
    let Some(first) = after.chars().next() else {
        return Seam::Closed;
    };
    // A longer word is no address, and scripts without spaces have none but long ones.
    let before = before
        .get(before.ceil_char_boundary(before.len().saturating_sub(400))..)
        .unwrap_or("");
    let word_start = before
        .rfind(char::is_whitespace)
        .map_or(0, |space| space + 1);
    let word = before.get(word_start..).unwrap_or("");
    let next = after.split_whitespace().next().unwrap_or("");
    if continues_address(word, next) {
        return Seam::Closed;
    }
    let last = before.chars().next_back();
    if last.is_some_and(is_cjk) && is_cjk(first) {
        return Seam::Closed;
    }
    let is_broken = before.ends_with(['-', '\u{2010}', '\u{ad}'])
        && word.chars().rev().nth(1).is_some_and(char::is_alphanumeric);
    if is_broken && !matches!(next, "and" | "or" | "und" | "et") {
        let cuts_word = first.is_lowercase()
            && word.chars().rev().nth(1).is_some_and(char::is_lowercase)
            && !word.trim_end_matches('-').contains('-');
        return if cuts_word {
            Seam::DropHyphen
        } else {
            Seam::Closed
        };
    }
    if before.ends_with('–') && first.is_ascii_digit() {
        return Seam::Closed;
    }
    Seam::Space
}

/// True where `next` goes on with the web address or DOI that `word` begins.
fn continues_address(word: &str, next: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if next.starts_with("//") && (lower.ends_with("http:") || lower.ends_with("https:")) {
        return true;
    }
    let is_address = ["://", "www.", "doi.org", "doi:10."]
        .iter()
        .any(|mark| lower.contains(mark))
        || is_doi_start(&lower);
    let Some(first) = next.chars().next() else {
        return false;
    };
    if !is_address || next.len() > 200 {
        return false;
    }
    if word.ends_with(['/', '-', '_', '=', '&', '?', '%', '~', '#', '+', ':']) {
        return first.is_alphanumeric() || "/-_.~%".contains(first);
    }
    let core = next.trim_end_matches(['.', ',', ';', ')', '>', ']']);
    let looks_like_path = core.contains('/')
        || core.contains('_')
        || core.contains('=')
        || core
            .get(1..)
            .is_some_and(|rest| rest.contains('.') && !rest.contains(".,"));
    if word.ends_with('.') {
        let is_lower = next.chars().all(|c| !c.is_uppercase());
        let has_digit = core.chars().any(|c| c.is_ascii_digit());
        let is_year =
            core.len() == 4 && core.bytes().all(|b| b.is_ascii_digit()) && !is_doi(&lower);
        return ((is_lower && first.is_alphanumeric())
            || (has_digit && core.len() > 4)
            || looks_like_path)
            && !is_year
            && !matches!(core, "accessed" | "retrieved" | "doi" | "pp" | "p");
    }
    if word.ends_with(')') && is_doi(&lower) && lower.contains('(') {
        return first.is_ascii_digit();
    }
    // An arXiv number of less than five digits after its stop.
    let is_cut_number = lower.contains("arxiv.org/abs/")
        && lower.rsplit_once('.').is_some_and(|(_, digits)| {
            digits.len() < 5 && digits.bytes().all(|b| b.is_ascii_digit())
        });
    if is_cut_number && first.is_ascii_digit() {
        return true;
    }
    if word.ends_with([',', ';', ')', '>', ']', '"', '”']) {
        return false;
    }
    // Broken anywhere, as by LaTeX's \url: what follows is no word of a language.
    let is_tail = first == '-' || first == '.' || first == '/' || first == '_';
    let is_mixed = core.chars().any(|c| c.is_ascii_digit())
        && core.chars().any(|c| c.is_ascii_lowercase())
        && core.len() > 5;
    is_tail || looks_like_path && !core.contains(":") || is_mixed
}

fn is_doi(lower: &str) -> bool {
    is_doi_start(lower) || lower.contains("doi.org/10.") || lower.contains("doi:10.")
}

/// "10.1088/" with what follows.
fn is_doi_start(lower: &str) -> bool {
    lower.strip_prefix("10.").is_some_and(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (4..=9).contains(&digits) && rest.get(digits..).is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Takes the spaces out of "https: //doi.org/ 10.1000/182".
fn closed_addresses(text: &str) -> String {
    let mut closed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let is_rest = (word.starts_with("//")
            && (closed.ends_with("http:") || closed.ends_with("https:")))
            || (closed.ends_with("doi.org/") && word.starts_with("10."));
        if !closed.is_empty() && !is_rest {
            closed.push(' ');
        }
        closed.push_str(word);
    }
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_on() {
        let goes_on = continues_address;
        assert!(goes_on("https://doi.org/10.1000/", "1234-5678/ab123e"));
        assert!(goes_on(
            "https://doi.org/10.1000/j.",
            "1234-5678.2010.12345.x"
        ));
        assert!(goes_on("https:", "//doi.org/10.1/a"));
        assert!(goes_on("https://doi.org/10.5281/zenodo.", "1234567"));
        assert!(goes_on("https://doi.or", "g/10.1000/xyz.1234.56789."));
        assert!(goes_on("https://blog.example/techno", "logy/ai/"));
        assert!(goes_on("https://example.com/news/one-3", "-5-two."));
        assert!(goes_on("https://github.com/someone/", "Repository"));
        assert!(!goes_on("https://example.com/a.", "Accessed"));
        assert!(!goes_on("https://example.com/a.", "2019."));
        assert!(!goes_on("https://example.com/a", "(visited"));
        assert!(!goes_on("https://example.com/a,", "2019"));
        assert!(!goes_on("word", "word"));
        assert!(!goes_on("Journal/", "word"));
    }
}
