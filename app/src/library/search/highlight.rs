//! Which words of a passage are words of the query.

use std::ops::Range;

/// Words that are in every text.
const SMALL_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "how", "in",
    "is", "it", "of", "on", "or", "that", "the", "to", "was", "were", "what", "when", "where",
    "which", "who", "why", "with",
];

/// [`highlights`] as the JSON contract has them.
pub(super) fn spans(query: &str, text: &str) -> Vec<[usize; 2]> {
    highlights(query, text)
        .into_iter()
        .map(|range| [range.start, range.end])
        .collect()
}

/// The bytes of `text` that words of `query` take up, in order, none over another.
fn highlights(query: &str, text: &str) -> Vec<Range<usize>> {
    let wanted: Vec<String> = words(query)
        .map(|(_, word)| stem(word))
        .filter(|stem| !SMALL_WORDS.contains(&stem.as_str()))
        .collect();
    words(text)
        .filter(|(_, word)| wanted.contains(&stem(word)))
        .map(|(start, word)| start..start + word.len())
        .collect()
}

/// Runs of letters and digits, with their first bytes.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// A word without case and its commonest English endings.
fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    let is_plain = lower.chars().all(|c| c.is_ascii_alphabetic());
    if is_plain {
        for ending in ["ing", "ed", "es", "s"] {
            if let Some(stem) = lower.strip_suffix(ending)
                && stem.len() >= 3
            {
                return stem.trim_end_matches('e').to_owned();
            }
        }
        if lower.len() > 3 {
            return lower.trim_end_matches('e').to_owned();
        }
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked<'a>(query: &str, text: &'a str) -> Vec<&'a str> {
        highlights(query, text)
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn words_of_the_query_are_marked_whatever_their_ending() {
        assert_eq!(
            marked(
                "How is a leader elected?",
                "Leaders are elected; the LEADER, in É, elects."
            ),
            ["Leaders", "elected", "LEADER", "elects"]
        );
        assert_eq!(marked("p53", "p53 and p5"), ["p53"]);
        assert_eq!(marked("müller", "Herr Müller"), ["Müller"]);
        for nothing in ["", "the of", "🦀", "\"'--", "\0"] {
            assert!(marked(nothing, "the of a leader").is_empty(), "{nothing}");
        }
    }
}
