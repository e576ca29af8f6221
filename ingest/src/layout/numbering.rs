//! Numbers of pages and headings: arabic, roman and letters.

/// A page number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageNumber {
    pub(super) value: u32,
    pub(super) is_roman: bool,
    /// True for "Page 3 of 12", "3/12", "- 3 -", which are nothing else.
    pub(super) is_formal: bool,
}

/// Reads a page number that stands alone, if it is one.
pub(super) fn page_number(text: &str) -> Option<PageNumber> {
    let text = text.trim();
    if text.len() > 40 {
        return None;
    }
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| {
        matches!(c, '-' | '–' | '—' | '|' | '·' | '[' | ']' | '~') || c.is_whitespace()
    });
    let is_framed = bare.len() < lower.len();
    let number = |value: u32, is_roman: bool, is_formal: bool| {
        Some(PageNumber {
            value,
            is_roman,
            is_formal,
        })
    };
    if let Some(value) = small(bare) {
        return number(value, false, is_framed);
    }
    if let Some(value) = roman(bare) {
        return number(value, true, is_framed);
    }
    let words: Vec<&str> = bare
        .split(|c: char| c.is_whitespace() || c == '/' || c == '|' || c == '.')
        .filter(|word| !word.is_empty())
        .collect();
    const PAGE: &[&str] = &[
        "page", "p", "pg", "seite", "página", "pagina", "side", "sida", "стр",
    ];
    const OF: &[&str] = &["of", "von", "de", "sur", "di", "av"];
    match words.as_slice() {
        [page, n] if PAGE.contains(page) => number(small(n)?, false, true),
        [n, page] if PAGE.contains(page) => number(small(n)?, false, true),
        [page, n, of, all] if PAGE.contains(page) && OF.contains(of) && small(all).is_some() => {
            number(small(n)?, false, true)
        }
        [page, n, all] if PAGE.contains(page) && small(all).is_some() => {
            number(small(n)?, false, true)
        }
        [n, of, all] if OF.contains(of) && small(all).is_some() => number(small(n)?, false, true),
        [n, all] if bare.contains('/') && small(n)? <= small(all)? => {
            number(small(n)?, false, true)
        }
        _ => {
            let cjk = bare
                .strip_prefix('第')?
                .split_once('页')
                .or_else(|| bare.strip_prefix('第')?.split_once('頁'))?;
            number(small(cjk.0.trim())?, false, true)
        }
    }
}

fn small(word: &str) -> Option<u32> {
    (word.len() <= 5 && word.bytes().all(|b| b.is_ascii_digit()))
        .then(|| word.parse().ok())
        .flatten()
}

/// A roman number up to 399, in either case but not mixed.
pub(super) fn roman(word: &str) -> Option<u32> {
    let is_lower = word.bytes().all(|b| b"ivxlc".contains(&b));
    let is_upper = word.bytes().all(|b| b"IVXLC".contains(&b));
    if word.is_empty() || word.len() > 9 || !(is_lower || is_upper) {
        return None;
    }
    let mut total = 0;
    let mut rest = word.to_lowercase();
    const PARTS: &[(&str, u32)] = &[
        ("c", 100),
        ("xc", 90),
        ("l", 50),
        ("xl", 40),
        ("x", 10),
        ("ix", 9),
        ("v", 5),
        ("iv", 4),
        ("i", 1),
    ];
    for &(part, value) in PARTS {
        let mut times = 0;
        while let Some(tail) = rest.strip_prefix(part) {
            times += 1;
            if times > 3 {
                return None;
            }
            total += value;
            rest = tail.to_owned();
        }
    }
    rest.is_empty().then_some(total)
}

/// The number of a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number<'a> {
    /// As printed, less the last stop: "3.2", "IV", "A.1".
    pub(super) label: &'a str,
    /// "3.2" is 2 deep.
    pub(super) depth: u8,
    pub(super) style: Numerals,
}

/// What the first part of a number is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Numerals {
    Arabic,
    Letter,
    Roman,
}

/// "3.2. Training" as ("3.2", "Training"); "Appendix B: Proofs" as ("B", "Proofs").
pub(super) fn split_number(text: &str) -> (Option<Number<'_>>, &str) {
    let text = text.trim();
    let Some((word, mut rest)) = text.split_once([' ', '\t']) else {
        return (None, text);
    };
    const OPENINGS: &[&str] = &[
        "appendix", "chapter", "section", "part", "anhang", "kapitel", "annexe", "chapitre", "§",
    ];
    let (mut label, mut is_named) = (word, false);
    if OPENINGS.contains(&word.to_lowercase().as_str()) {
        let (next, after) = rest
            .trim_start()
            .split_once([' ', '\t'])
            .unwrap_or((rest.trim(), ""));
        (label, rest, is_named) = (next, after, true);
    }
    let label = label.trim_end_matches(['.', ':', ')', '．']);
    let mut depth = 0u8;
    let mut style = None;
    for part in label.split('.') {
        depth = depth.saturating_add(1);
        let is_digits =
            !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
        let is_letter = part.len() == 1 && part.bytes().all(|b| b.is_ascii_uppercase());
        let is_roman = part.bytes().all(|b| b"IVX".contains(&b)) && roman(part).is_some();
        let numerals = if is_digits {
            Numerals::Arabic
        } else if is_roman {
            Numerals::Roman
        } else if is_letter {
            Numerals::Letter
        } else {
            return (None, text);
        };
        if is_digits && part.parse::<u32>().is_ok_and(|n| n > 40) {
            return (None, text);
        }
        style.get_or_insert(numerals);
    }
    match style {
        Some(style) if depth <= 5 && (is_named || !rest.trim().is_empty()) => (
            Some(Number {
                label,
                depth,
                style,
            }),
            rest.trim_start_matches(|c: char| {
                c.is_whitespace() || matches!(c, ':' | '.' | '-' | '–' | '—')
            }),
        ),
        _ => (None, text),
    }
}

/// The labels just before and after a label of one part: "B" gives "A" and "C".
pub(super) fn neighbours(label: &str, style: Numerals) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(number) = label.parse::<u32>() {
        found.extend(number.checked_sub(1).map(|number| number.to_string()));
        found.push((number + 1).to_string());
    }
    if let (1, Some(letter @ b'A'..=b'Z')) = (label.len(), label.bytes().next()) {
        for other in [letter - 1, letter + 1] {
            if other.is_ascii_uppercase() {
                found.push(char::from(other).to_string());
            }
        }
    }
    if let (Numerals::Roman, Some(number)) = (style, roman(label)) {
        found.extend(
            [number.saturating_sub(1), number + 1]
                .into_iter()
                .filter_map(to_roman),
        );
    }
    found
}

fn to_roman(number: u32) -> Option<String> {
    const ONES: &[&str] = &["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    const TENS: &[&str] = &["", "X", "XX", "XXX"];
    if number == 0 {
        return None;
    }
    let tens = TENS.get(number as usize / 10)?;
    Some(format!("{tens}{}", ONES[number as usize % 10]))
}
