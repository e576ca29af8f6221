//! DOIs and arXiv identifiers as references print them.

/// Longest suffix of a DOI that is believed, in bytes.
const LONGEST: usize = 200;

/// The DOI in a text of one line, in lower case and without prefix.
///
/// Format: "10.", a registrant of four to nine digits (and dots), "/" and a suffix without
/// spaces; what a sentence puts behind it is taken off.
pub(super) fn doi(text: &str) -> Option<String> {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("10.")) {
        let at = from + found;
        from = at + 3;
        let is_inside = text
            .get(..at)
            .and_then(|before| before.chars().next_back())
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '.');
        if is_inside && !ends_with_prefix(text.get(..at).unwrap_or("")) {
            continue;
        }
        let rest = text.get(at..).unwrap_or("");
        let registrant = rest
            .bytes()
            .skip(3)
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count();
        let slash = 3 + registrant;
        if !(4..=14).contains(&registrant) || rest.as_bytes().get(slash) != Some(&b'/') {
            continue;
        }
        let suffix = rest.get(slash + 1..).unwrap_or("");
        let suffix = suffix
            .get(..suffix.floor_char_boundary(LONGEST + 50))
            .unwrap_or("");
        let suffix: &str = suffix
            .split(|c: char| c.is_whitespace() || "\"“”<>{}\u{200b}".contains(c))
            .next()
            .unwrap_or("");
        let suffix = without_tail(suffix);
        let suffix = percent_decoded(suffix);
        if suffix.len() >= 2 && suffix.len() <= LONGEST {
            return rest
                .get(..slash)
                .map(|registrant| format!("{registrant}/{suffix}").to_lowercase());
        }
    }
    None
}

/// "%5B" is "[", as addresses write it.
fn percent_decoded(suffix: &str) -> String {
    let mut decoded = String::with_capacity(suffix.len());
    let mut rest = suffix;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let code = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(u8::is_ascii_graphic);
        match code {
            Some(code) => decoded.push(char::from(code)),
            None => decoded.push('%'),
        }
        rest = if code.is_some() {
            after.get(2..).unwrap_or("")
        } else {
            after
        };
    }
    decoded.push_str(rest);
    decoded
}

/// "DOI10.1007/..." where the space was lost.
fn ends_with_prefix(before: &str) -> bool {
    let tail = before.get(before.len().saturating_sub(4)..).unwrap_or("");
    tail.to_ascii_lowercase().ends_with("doi")
}

/// Without stops, and without brackets that were opened before the DOI.
fn without_tail(suffix: &str) -> &str {
    let mut suffix = suffix;
    loop {
        let before = suffix.len();
        suffix = suffix.trim_end_matches(['.', ',', ';', ':', '\'', '’', '*', '…']);
        for (open, close) in [('(', ')'), ('[', ']')] {
            if suffix.ends_with(close)
                && suffix.matches(close).count() > suffix.matches(open).count()
            {
                suffix = suffix.strip_suffix(close).unwrap_or(suffix);
            }
        }
        if suffix.len() == before {
            return suffix;
        }
    }
}

/// The arXiv identifier in a text, without version: "1706.03762", "cs/0112017".
pub(super) fn arxiv(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    [
        "arxiv:",
        "arxiv.org/abs/",
        "arxiv.org/pdf/",
        "abs/",
        "arxiv.",
        "arxiv preprint ",
    ]
    .iter()
    .find_map(|prefix| {
        let mut from = 0;
        while let Some(found) = lower.get(from..).and_then(|rest| rest.find(prefix)) {
            from += found + prefix.len();
            let rest = lower.get(from..).unwrap_or("").trim_start();
            if let Some(identifier) = arxiv_number(rest) {
                return Some(identifier);
            }
        }
        None
    })
}

fn arxiv_number(rest: &str) -> Option<String> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    if digits(0) == 4 && bytes.get(4) == Some(&b'.') && (4..=5).contains(&digits(5)) {
        return rest.get(..5 + digits(5)).map(str::to_owned);
    }
    let archive = bytes
        .iter()
        .take(20)
        .take_while(|byte| byte.is_ascii_lowercase() || **byte == b'-' || **byte == b'.')
        .count();
    if archive >= 2 && bytes.get(archive) == Some(&b'/') && digits(archive + 1) == 7 {
        return rest.get(..archive + 8).map(str::to_owned);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dois() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(doi(text).as_deref(), expected, "{text}");
        };
        check(
            "https://doi.org/10.1000/1234-5678/AB123E",
            Some("10.1000/1234-5678/ab123e"),
        );
        check("doi:10.1000/182.", Some("10.1000/182"));
        check("doi: 10.1000/182, 2010", Some("10.1000/182"));
        check("DOI10.1007/978-3-1_2.", Some("10.1007/978-3-1_2"));
        check("(https://doi.org/10.1000/182)", Some("10.1000/182"));
        check(
            "10.1000/S0123-4567(98)00123-5.",
            Some("10.1000/s0123-4567(98)00123-5"),
        );
        check("10.1000.10/123456", Some("10.1000.10/123456"));
        check("vol. 10.5, pp. 1/2", None);
        check("110.1000/182", None);
        check("10.1000/ 182", None);
        check("", None);
    }

    #[test]
    fn arxiv_identifiers() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(arxiv(text).as_deref(), expected, "{text}");
        };
        check(
            "arXiv preprint arXiv:1706.03762v5, 2017",
            Some("1706.03762"),
        );
        check("CoRR, abs/2401.01234, 2024", Some("2401.01234"));
        check("https://arxiv.org/abs/cs/0112017", Some("cs/0112017"));
        check(
            "https://doi.org/10.48550/arXiv.2401.01234",
            Some("2401.01234"),
        );
        check("e-print 1234567", None);
        check("", None);
    }
}
