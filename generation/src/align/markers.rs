//! Citation marks that a model writes. What is cited is decided by alignment, so they go.

/// Takes out the citation marks that a model writes: `[1]`, `[2, 3]`, `(Note 1)`, `Note 2:`.
pub fn strip_markers(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(']) {
        let inside = &rest[open + 1..];
        let close = match rest.as_bytes()[open] {
            b'[' => ']',
            _ => ')',
        };
        let marker = inside
            .find(close)
            .filter(|end| is_marker(&inside[..*end], close == ']'));
        match marker {
            Some(end) => {
                stripped.push_str(rest[..open].trim_end_matches(' '));
                rest = &inside[end + 1..];
            }
            None => {
                stripped.push_str(&rest[..open + 1]);
                rest = inside;
            }
        }
    }
    stripped.push_str(rest);
    let trimmed = stripped.trim();
    // "Note 2: ..." and "1. ..." at the beginning.
    let unlabelled = ["Notes", "Note", "note", ""].iter().find_map(|label| {
        let after = trimmed.strip_prefix(label)?.trim_start();
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let tail = &after[digits..];
        let tail = tail.strip_prefix(':').or_else(|| tail.strip_prefix(". "))?;
        (digits > 0 && digits <= 2).then(|| tail.trim_start())
    });
    unlabelled.unwrap_or(trimmed).to_owned()
}

/// True for the inside of a bracket that holds nothing but numbers of notes. Round brackets need
/// the word, since "(3)" may be part of the text.
fn is_marker(inside: &str, is_square: bool) -> bool {
    let lower = inside.trim().to_lowercase();
    let numbers = ["notes", "note", "source"]
        .iter()
        .find_map(|label| lower.strip_prefix(label));
    let is_labelled = numbers.is_some();
    let numbers = numbers.unwrap_or(&lower);
    let is_numeric = numbers
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '–' | '&'));
    is_numeric && numbers.contains(|c: char| c.is_ascii_digit()) && (is_square || is_labelled)
}
