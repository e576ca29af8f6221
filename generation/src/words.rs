//! Words as evidence selection and alignment compare them: lower case, stemmed, function words
//! marked.
//!
//! The stemmer is deliberately light. It has to make "elects", "elected" and "electing" one word,
//! not to find roots: two different words taken for one would let a sentence pass as supported.

use unicode_segmentation::UnicodeSegmentation;

/// A word of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word<'a> {
    /// As it is written.
    pub(crate) text: &'a str,
    /// First byte in the text.
    pub(crate) start: usize,
    /// Lower case, without its ending.
    pub(crate) stem: String,
    /// True for words that carry no content of their own.
    pub(crate) is_stop: bool,
}

/// The words of `text`, in order.
pub(crate) fn words(text: &str) -> Vec<Word<'_>> {
    text.unicode_word_indices()
        .map(|(start, text)| {
            let lower = text.to_lowercase().replace('’', "'");
            let bare = lower.strip_suffix("'s").unwrap_or(&lower);
            Word {
                text,
                start,
                is_stop: STOP_WORDS.contains(&lower.as_str()),
                stem: stem(bare),
            }
        })
        .collect()
}

/// The stems of the words of `text` that carry content, in order, repeated where they are.
pub(crate) fn content_stems(text: &str) -> Vec<String> {
    words(text)
        .into_iter()
        .filter(|word| !word.is_stop)
        .map(|word| word.stem)
        .collect()
}

/// Letters and digits only, in lower case: what stays the same when a sentence is printed twice.
pub(crate) fn fold(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Removes English inflection from a lower-case word. Words with digits are left as they are.
pub(crate) fn stem(word: &str) -> String {
    if !word.is_ascii() || word.len() < 4 || word.bytes().any(|byte| byte.is_ascii_digit()) {
        return word.to_owned();
    }
    let singular = match word {
        _ if word.ends_with("ies") && word.len() > 4 => format!("{}y", &word[..word.len() - 3]),
        _ if word.ends_with("sses") || word.ends_with("xes") || word.ends_with("ches") => {
            word[..word.len() - 2].to_owned()
        }
        _ if word.ends_with('s')
            && !word.ends_with("ss")
            && !word.ends_with("us")
            && !word.ends_with("is") =>
        {
            word[..word.len() - 1].to_owned()
        }
        _ => word.to_owned(),
    };
    let mut root = singular.as_str();
    for ending in ["ingly", "edly", "ing", "ed", "ly"] {
        if let Some(shorter) = root.strip_suffix(ending)
            && shorter.len() >= 3
            && shorter.contains(['a', 'e', 'i', 'o', 'u', 'y'])
        {
            root = shorter;
            break;
        }
    }
    let bytes = root.as_bytes();
    let doubled = root.len() < singular.len()
        && bytes.len() > 3
        && bytes[bytes.len() - 1] == bytes[bytes.len() - 2]
        && !matches!(bytes[bytes.len() - 1], b'l' | b's' | b'z' | b'e');
    if doubled {
        root = &root[..root.len() - 1];
    }
    let root = root
        .strip_suffix('e')
        .filter(|r| r.len() >= 3)
        .unwrap_or(root);
    match root.strip_suffix('y') {
        Some(shorter) if shorter.len() >= 3 => format!("{shorter}i"),
        _ => root.to_owned(),
    }
}

const STOP_WORDS: [&str; 155] = [
    "a",
    "about",
    "above",
    "according",
    "after",
    "again",
    "all",
    "also",
    "although",
    "am",
    "among",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "below",
    "between",
    "both",
    "but",
    "by",
    "can",
    "cannot",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "don't",
    "during",
    "each",
    "either",
    "even",
    "for",
    "from",
    "further",
    "had",
    "has",
    "have",
    "having",
    "he",
    "hence",
    "her",
    "here",
    "him",
    "his",
    "how",
    "however",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "itself",
    "just",
    "may",
    "me",
    "might",
    "more",
    "most",
    "much",
    "must",
    "my",
    "neither",
    "no",
    "nor",
    "not",
    "of",
    "off",
    "on",
    "once",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "over",
    "own",
    "paper",
    "per",
    "said",
    "same",
    "say",
    "says",
    "shall",
    "she",
    "should",
    "since",
    "so",
    "some",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "therefore",
    "these",
    "they",
    "this",
    "those",
    "through",
    "thus",
    "to",
    "too",
    "two",
    "under",
    "until",
    "up",
    "upon",
    "us",
    "use",
    "used",
    "uses",
    "using",
    "very",
    "via",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "within",
    "without",
    "would",
    "yet",
    "you",
    "your",
    "author",
    "authors",
    "notes",
    "answer",
    "question",
    "yes",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_meet_and_other_words_do_not() {
        for (left, right) in [
            ("elects", "elected"),
            ("queries", "query"),
            ("running", "runs"),
            ("caches", "cache"),
            ("quickly", "quick"),
            ("studies", "studied"),
            ("makes", "making"),
        ] {
            assert_eq!(stem(left), stem(right), "{left} {right}");
        }
        for (left, right) in [
            ("bus", "bu"),
            ("analysis", "analyze"),
            ("ring", "red"),
            ("process", "proceed"),
        ] {
            assert_ne!(stem(left), stem(right), "{left} {right}");
        }
        assert_eq!(stem("qwen2.5"), "qwen2.5");
        assert_eq!(stem("números"), "números");
    }

    #[test]
    fn words_carry_their_place_and_possessives_go() {
        let found = words("Amazon’s 99.9995% of calls");
        let stems: Vec<&str> = found.iter().map(|word| word.stem.as_str()).collect();
        assert_eq!(stems, ["amazon", "99.9995", "of", "call"]);
        assert!(found[2].is_stop);
        assert_eq!(found[1].start, 11);
    }
}
