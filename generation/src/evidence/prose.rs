//! Tells sentences from what else stands in extracted text.
//!
//! Much that ends with a full stop is no sentence: bibliographies, table cells, headings, running
//! titles, formulas. None of it can be quoted as what a paper says.

use crate::words::{content_stems, words};

pub(crate) fn is_bibliography(section: &str) -> bool {
    let section = section.to_lowercase();
    [
        "references",
        "bibliography",
        "works cited",
        "literature cited",
    ]
    .iter()
    .any(|name| section.trim().ends_with(name))
}

/// True for what reads as running text; false for headings, table cells, formulas, fragments and
/// entries of a bibliography. It may begin in the middle of a sentence, where a page, a column or a
/// figure cut it: [`is_cut`].
pub fn is_prose(text: &str) -> bool {
    const LEAST_CHARACTERS: usize = 25;
    const MOST_CHARACTERS: usize = 900;
    const LEAST_WORDS: usize = 5;
    /// Without a full stop, anything shorter is a heading or a cell.
    const LEAST_UNFINISHED_WORDS: usize = 9;

    let text = text.trim();
    let characters = text.chars().filter(|c| !c.is_whitespace()).count();
    if !(LEAST_CHARACTERS..=MOST_CHARACTERS).contains(&characters) {
        return false;
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters * 10 < characters * 6 {
        return false;
    }
    let found = words(text);
    let least = if is_finished(text) {
        LEAST_WORDS
    } else {
        LEAST_UNFINISHED_WORDS
    };
    // Text without any function word is a list of names or of table cells. Only languages that
    // write between spaces have such words.
    let is_spaced = text.is_ascii();
    let has_function_word = found.iter().any(|word| word.is_stop);
    found.len() >= least && (has_function_word || !is_spaced) && !is_reference(text)
}

/// True for what begins in the middle of a sentence.
pub fn is_cut(text: &str) -> bool {
    text.trim_start()
        .chars()
        .next()
        .is_some_and(char::is_lowercase)
}

/// True where two texts have a word in common that carries meaning, in whatever inflection.
pub fn shares_a_word(left: &str, right: &str) -> bool {
    let left = content_stems(left);
    content_stems(right).iter().any(|stem| left.contains(stem))
}

/// True where the text ends as a sentence does.
pub(crate) fn is_finished(text: &str) -> bool {
    text.trim_end()
        .trim_end_matches(['"', '\'', ')', ']', '”', '’'])
        .ends_with(['.', '!', '?', ':', ';', '。', '！', '？'])
}

/// True for an entry of a bibliography, which has at least two of its marks.
fn is_reference(text: &str) -> bool {
    const MARKS: [&str; 16] = [
        "pp.",
        "In Proc",
        "Proceedings of",
        "arXiv:",
        "arXiv preprint",
        "doi:",
        "doi.org",
        "http",
        "vol.",
        "Vol.",
        "et al.,",
        "Press,",
        "Journal of",
        "Trans.",
        "eds.",
        "Technical report",
    ];
    let begins_numbered = text.strip_prefix('[').is_some_and(|rest| {
        rest.split_once(']')
            .is_some_and(|(number, _)| number.parse::<u16>().is_ok())
    });
    let initials = text
        .split([' ', '\n'])
        .filter(|word| {
            let mut characters = word.trim_end_matches(',').chars();
            matches!(
                (characters.next(), characters.next(), characters.next()),
                (Some(first), Some('.'), None) if first.is_uppercase()
            )
        })
        .count();
    let marks = MARKS.iter().filter(|mark| text.contains(**mark)).count();
    marks + usize::from(begins_numbered) + initials.min(3) / 2 + usize::from(initials >= 4) >= 2
}
