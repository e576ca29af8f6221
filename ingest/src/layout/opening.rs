//! How captions, list items and footnotes open.

use super::numbering::roman;

/// Whether a line opens the caption of a figure, table, algorithm or listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CaptionOpening {
    /// "Figure 3: Levels": nothing else looks so.
    Sure,
    /// "Figure 3 shows": only where something else says that a block starts here.
    Likely,
}

/// Reads the opening of a caption.
pub(super) fn caption(text: &str) -> Option<CaptionOpening> {
    const LABELS: &[&str] = &[
        "figure",
        "fig.",
        "fig",
        "table",
        "tab.",
        "algorithm",
        "listing",
        "scheme",
        "chart",
        "exhibit",
        "plate",
        "box",
        "supplementary figure",
        "supplementary table",
        "extended data fig.",
        "extended data figure",
        "extended data table",
        "abbildung",
        "abb.",
        "tabelle",
        "tableau",
        "figura",
        "tabla",
        "tabela",
        "tabella",
        "рис.",
        "рисунок",
        "таблица",
        "图",
        "圖",
        "表",
        "図",
        "그림",
        "표",
    ];
    let first = text.trim_start().chars().next()?;
    if first.is_ascii() && !b"abcefilpst".contains(&(first.to_ascii_lowercase() as u8)) {
        return None;
    }
    let lower: String = text
        .trim_start()
        .chars()
        .take(60)
        .flat_map(char::to_lowercase)
        .collect();
    let rest = LABELS
        .iter()
        .filter_map(|label| lower.strip_prefix(label))
        .min_by_key(|rest| rest.len())?;
    // "Tables and" is no "Table s".
    if rest.starts_with(|c: char| c.is_alphabetic() && !crate::extract::is_cjk(c)) {
        return None;
    }
    let rest = rest.trim_start();
    let number_end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
        .unwrap_or(rest.len());
    let (number, after) = rest.split_at_checked(number_end)?;
    let bare = number.trim_end_matches(['.', '-']);
    let is_number = bare.len() <= 8
        && (bare.bytes().any(|b| b.is_ascii_digit())
            || (!bare.is_empty() && roman(bare).is_some())
            || (bare.len() == 1 && bare.bytes().all(|b| b.is_ascii_alphabetic())));
    if !is_number {
        return None;
    }
    let is_marked = number.ends_with('.')
        || after
            .trim_start()
            .starts_with([':', '.', '|', '：', '．', '—', '–'])
        || after.trim().is_empty();
    // "Table 2. The" is sure; "figure 2." may end a sentence that wraps, so it must be capital.
    let is_capital = !text.trim_start().starts_with(|c: char| c.is_lowercase());
    match (is_marked, is_capital) {
        (true, true) => Some(CaptionOpening::Sure),
        (false, true) => Some(CaptionOpening::Likely),
        _ => None,
    }
}

/// The marker of a list item: how many bytes it takes, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// A bullet or dash.
    Bullet,
    /// "1.", "(a)", "iv)".
    Number,
    /// "[12]", as entries of reference lists have.
    Bracketed,
}

/// Reads the marker of a list item at the start of a line.
pub(super) fn list_marker(text: &str) -> Option<(Marker, usize)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let is_bullet = matches!(
        first,
        '•' | '◦'
            | '▪'
            | '▫'
            | '■'
            | '□'
            | '●'
            | '○'
            | '◆'
            | '◇'
            | '►'
            | '▶'
            | '➢'
            | '✓'
            | '✔'
            | '⋄'
            | '∙'
            | '‣'
            | '\u{f0b7}'
            | '\u{f0a7}'
            | '–'
            | '—'
            | '-'
            | '*'
            | '·'
            | '★'
            | '➤'
            | '→'
    );
    if is_bullet {
        let rest = chars.as_str();
        let is_dash = matches!(first, '–' | '—' | '-' | '*' | '·' | '→');
        let follows = rest.trim_start().chars().next()?;
        let is_item = rest.starts_with([' ', '\t']) || !is_dash;
        return (is_item && !follows.is_numeric() || !is_dash)
            .then_some((Marker::Bullet, first.len_utf8()));
    }
    let end = text.find([' ', '\t'])?;
    let word = text.get(..end)?;
    if let Some(inner) = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
    {
        let is_label = !inner.is_empty()
            && inner.len() <= 12
            && inner.chars().all(|c| c.is_alphanumeric() || c == '+');
        return is_label.then_some((Marker::Bracketed, end));
    }
    let (inner, is_closed) = match word.strip_prefix('(') {
        Some(inner) => (inner.strip_suffix(')')?, true),
        None => match word.strip_suffix(')') {
            Some(inner) => (inner, true),
            None => (word.strip_suffix('.')?, false),
        },
    };
    let is_digits =
        !inner.is_empty() && inner.len() <= 3 && inner.bytes().all(|b| b.is_ascii_digit());
    let is_letter = inner.len() == 1
        && inner
            .bytes()
            .all(|b| b.is_ascii_lowercase() || (is_closed && b.is_ascii_uppercase()));
    let is_roman =
        inner.len() <= 5 && inner.bytes().all(|b| b"ivx".contains(&b)) && roman(inner).is_some();
    (is_digits || is_letter || is_roman).then_some((Marker::Number, end))
}

/// True where a line starts with the mark of a footnote.
pub(super) fn footnote_mark(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some('*' | '∗' | '†' | '‡' | '§' | '¶' | '♯' | '⋆') => true,
        Some(c) if c.is_ascii_digit() => {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            text.len() - rest.len() <= 3
                && rest
                    .trim_start()
                    .chars()
                    .next()
                    .is_some_and(|c| c.is_alphabetic() || matches!(c, '“' | '"' | '‘'))
        }
        _ => false,
    }
}
