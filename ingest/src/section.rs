//! Recognises headings by their wording, for the section that a passage stands in.
//!
//! Two kinds are sure enough without layout: the names that papers give their sections
//! ("Abstract", "Methods"), alone on a line, and short numbered lines ("3.2 Training"). What a
//! section is for is told by its [`SectionKind`].

mod kind;

use crate::{Document, PAGE_SEPARATOR};
use std::ops::Range;

pub use kind::SectionKind;

/// Longest heading in bytes.
const MAX_LENGTH: usize = 70;

const NAMES: &[&str] = &[
    "abstract",
    "summary",
    "introduction",
    "background",
    "motivation",
    "preliminaries",
    "related work",
    "related works",
    "previous work",
    "literature review",
    "method",
    "methods",
    "methodology",
    "materials and methods",
    "methods and materials",
    "approach",
    "model",
    "data",
    "experiments",
    "experiment",
    "experimental setup",
    "experimental results",
    "implementation",
    "evaluation",
    "results",
    "results and discussion",
    "analysis",
    "discussion",
    "limitations",
    "conclusion",
    "conclusions",
    "concluding remarks",
    "conclusion and future work",
    "conclusions and future work",
    "discussion and conclusion",
    "future work",
    "acknowledgement",
    "acknowledgements",
    "acknowledgment",
    "acknowledgments",
    "references",
    "bibliography",
    "appendix",
    "appendices",
    "supplementary material",
];

/// Byte ranges of the headings in [`Document::text`], in order.
pub(crate) fn headings(document: &Document) -> Vec<Range<usize>> {
    if document.pages.iter().any(|page| !page.blocks.is_empty()) {
        let headings = crate::layout::headings(document);
        return headings.into_iter().map(|(range, _)| range).collect();
    }
    let mut found = Vec::new();
    let mut offset = 0;
    for page in &document.pages {
        for (i, line) in page.lines.iter().enumerate() {
            let text = page.text.get(line.start..line.end).unwrap_or("");
            let next = page
                .lines
                .get(i + 1)
                .and_then(|next| page.text.get(next.start..next.end));
            // A line whose last word goes on in the next one is no heading.
            let is_whole = next.is_none() || page.text[line.end..].starts_with('\n');
            if is_whole && is_heading(text, next.unwrap_or("")) {
                found.push(offset + line.start..offset + line.end);
            }
        }
        offset += page.text.len() + PAGE_SEPARATOR.len();
    }
    found
}

/// True where `line`, followed by the line `next`, is a heading.
pub(crate) fn is_heading(line: &str, next: &str) -> bool {
    let line = line.trim();
    if line.len() > MAX_LENGTH || line.is_empty() {
        return false;
    }
    let (number, title) = split_number(line);
    let name = title
        .trim_end_matches([':', '.', '\u{2014}'])
        .trim()
        .to_lowercase();
    if NAMES.contains(&name.as_str()) {
        // The last word of a sentence may stand alone on a line: "analysis."
        let is_opening = number.is_some() || title.chars().next().is_some_and(char::is_uppercase);
        return is_opening && (name == "abstract" || !title.ends_with('.'));
    }
    number.is_some_and(is_section_number)
        && title.chars().next().is_some_and(char::is_uppercase)
        && title.split_whitespace().count() <= 9
        && title.chars().filter(|c| c.is_alphabetic()).count() >= 4
        && title.chars().filter(|c| c.is_ascii_digit()).count() <= 2
        && !title.ends_with(['.', ',', ';', ':', '-', ')', '?'])
        && !title.contains("...")
        && !title.contains(". .")
        // The end of a sentence inside a line is prose: a numbered list.
        && !title.contains(". ")
        && !next.chars().next().is_some_and(char::is_lowercase)
}

/// "3.2. Training" as ("3.2", "Training").
fn split_number(line: &str) -> (Option<&str>, &str) {
    let Some((number, title)) = line.split_once(' ') else {
        return (None, line);
    };
    let bare = number.strip_suffix('.').unwrap_or(number);
    let is_number = !bare.is_empty()
        && bare.split('.').all(|part| {
            !part.is_empty()
                && (part.chars().all(|c| c.is_ascii_digit())
                    || part.len() == 1 && part.chars().all(|c| c.is_ascii_uppercase())
                    || part.chars().all(|c| matches!(c, 'I' | 'V' | 'X')))
        });
    if is_number {
        (Some(bare), title.trim_start())
    } else {
        (None, line)
    }
}

/// Section numbers are small; a year, an amount or a page number is not one. A letter alone may
/// start a sentence ("A model ..."), so it only counts with a number ("A.1").
fn is_section_number(number: &str) -> bool {
    let parts: Vec<&str> = number.split('.').collect();
    let is_small = |part: &&str| part.parse::<u32>().map_or(true, |n| (1..=30).contains(&n));
    parts.iter().all(is_small)
        && parts.len() <= 4
        && (number.len() > 1 || number.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_lines_that_look_like_them() {
        for line in [
            "Abstract",
            "1 Introduction",
            "3.2. Training the Model",
            "METHODS",
            "IV. RESULTS",
            "References",
            "A.1 Proofs",
        ] {
            assert!(is_heading(line, "We do."), "{line}");
        }
        for line in [
            "A model of the world",
            "12 patients were treated.",
            "2014 Elections",
            "1. We propose a method. It",
            "3 Introduction . . . . 7",
            "methods were",
            "5 mg of the",
            "Figure 3",
            "analysis.",
            "Discussion.",
        ] {
            assert!(!is_heading(line, "We do."), "{line}");
        }
        assert!(!is_heading("2. The first of many things", "that we did"));
    }
}
