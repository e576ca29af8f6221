//! Joins words that were hyphenated at line ends, without which they can neither be searched nor
//! quoted.
//!
//! Whether the hyphen belongs to the word ("self-attention") is decided by the paper itself: the
//! hyphen stays if the paper writes the word with it elsewhere and never without, or never writes
//! it elsewhere but uses both halves as words of their own ("open-domain"). Either way both halves
//! end up side by side, and each line keeps the bytes that it gave.

use std::collections::HashMap;

/// Shortest second half that can be told from a syllable.
const LEAST_HALF: usize = 4;
/// Shortest first half that can.
const LEAST_LEFT: usize = 3;
/// Words that are often the second of a compound written with a hyphen, and hardly ever the end of
/// a longer word.
const SECOND_PARTS: &[&str] = &[
    "aware",
    "based",
    "centric",
    "class",
    "consuming",
    "dependent",
    "dimensional",
    "driven",
    "effect",
    "efficient",
    "facing",
    "free",
    "friendly",
    "generated",
    "grained",
    "informed",
    "intensive",
    "invariant",
    "level",
    "order",
    "oriented",
    "performing",
    "purpose",
    "related",
    "scale",
    "sensitive",
    "shot",
    "sided",
    "specific",
    "state",
    "structured",
    "term",
    "trained",
    "truth",
    "tuned",
    "tuning",
    "varying",
];

/// Words that far more often are the end of one: "approach-able" is "approachable".
const SUFFIXES: &[&str] = &[
    "able", "ably", "less", "ness", "ship", "hood", "ward", "wards", "wise",
];

/// Words inside compounds of several.
const INNER_WORDS: &[&str] = &[
    "and", "by", "for", "in", "of", "on", "or", "out", "the", "to", "up", "vs",
];

/// What words are made with without a hyphen.
const PREFIXES: &[&str] = &[
    "hyper", "inter", "intra", "macro", "meta", "micro", "mis", "multi", "non", "over", "post",
    "pre", "sub", "super", "trans", "ultra", "under",
];

/// Those among them that are hardly ever set off by one: "over-head" is "overhead".
const CLOSED_PREFIXES: &[&str] = &[
    "hyper", "inter", "mis", "over", "sub", "super", "trans", "under",
];

/// How often each word of the document occurs, in lower case; those with inner hyphens count
/// whole and in parts.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    words: HashMap<String, u32>,
}

impl Vocabulary {
    /// Counts the words of a document's lines.
    pub(crate) fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut words = HashMap::new();
        let mut count = |word: String| *words.entry(word).or_default() += 1;
        let mut is_cut = false;
        for line in lines {
            // What follows a hyphen at a line's end is half a word.
            for word in line.split_whitespace().skip(usize::from(is_cut)) {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !is_hyphen(c));
                if word.is_empty() || word.ends_with(is_hyphen) {
                    continue;
                }
                let word = word.to_lowercase();
                if word.contains(is_hyphen) {
                    word.split(is_hyphen)
                        .map(str::to_owned)
                        .for_each(&mut count);
                    count(word.replace(is_hyphen, "-"));
                } else {
                    count(word);
                }
            }
            is_cut = line.ends_with(is_hyphen);
        }
        Vocabulary { words }
    }
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The line ends here.
    Keep,
    /// The next line goes on with the same word, which is written with the hyphen.
    KeepHyphen,
    /// The next line goes on with the same word.
    DropHyphen,
}

/// Whether a line's last word goes on in the next line.
pub(crate) fn ending(line: &str, next: &str, vocabulary: &Vocabulary) -> Ending {
    let words = &vocabulary.words;
    if !line.ends_with(is_hyphen) {
        return Ending::Keep;
    }
    let before = line.trim_end_matches(is_hyphen);
    // "A--" is a dash.
    if line.chars().rev().nth(1).is_none_or(|c| !c.is_alphabetic()) {
        return Ending::Keep;
    }
    if !next.chars().next().is_some_and(char::is_lowercase) {
        // "Append-" and "Entries" where the paper has AppendEntries elsewhere.
        let half = |text: &str| -> String {
            let letters = text.chars().take_while(|c| c.is_alphanumeric());
            letters.flat_map(char::to_lowercase).collect()
        };
        let last = before.rsplit(|c: char| !c.is_alphanumeric()).next();
        let joined = format!("{}{}", half(last.unwrap_or("")), half(next));
        let is_known = next.starts_with(char::is_uppercase) && words.contains_key(&joined);
        return if is_known {
            Ending::DropHyphen
        } else {
            Ending::Keep
        };
    }
    let left = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    let is_address = left.contains("://") || left.starts_with("www.");
    let left = left
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    let right: String = next
        .chars()
        .take_while(|&c| c.is_alphanumeric() || is_hyphen(c))
        .collect::<String>()
        .to_lowercase();
    // "pre- and post-training": the hyphen stands for what follows later.
    if matches!(right.as_str(), "and" | "or" | "to" | "und" | "oder" | "et") {
        return Ending::Keep;
    }
    // Brackets inside the left half, as in "(word)sub-", leave only the part that is a word.
    let left = left
        .rsplit(|c: char| !c.is_alphanumeric() && !is_hyphen(c))
        .next()
        .unwrap_or(&left);
    let right = right.trim_end_matches(is_hyphen);
    // "hand-" and "in-hand": only the first part can be half a word.
    let part = right.split(is_hyphen).next().unwrap_or(right);
    let joined = format!("{left}{part}");
    let hyphenated = format!("{left}-{right}").replace(is_hyphen, "-");
    let least = if part.len() < right.len() {
        2
    } else {
        LEAST_HALF
    };
    // "off-" and "the-shelf"
    let is_phrase = part.len() < right.len() && INNER_WORDS.contains(&part);
    let is_compound = left.chars().count() >= LEAST_LEFT
        && SECOND_PARTS.contains(&part)
        && !PREFIXES.contains(&left);
    let are_words = left.chars().count() >= LEAST_LEFT
        && part.chars().count() >= least
        && words.contains_key(left)
        && words.contains_key(part)
        && !SUFFIXES.contains(&part)
        && !CLOSED_PREFIXES.contains(&left);
    if words.contains_key(&joined) {
        Ending::DropHyphen
    } else if words.contains_key(&hyphenated)
        || left.contains(is_hyphen)
        || are_words
        || is_compound
        || is_phrase
        || is_address
    {
        Ending::KeepHyphen
    } else {
        Ending::DropHyphen
    }
}

/// True for hyphens, drawn and soft.
pub(crate) fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(lines: &[&str]) -> String {
        let words = Vocabulary::of(lines.iter().copied());
        let mut text = String::new();
        for (index, line) in lines.iter().enumerate() {
            let ending = lines
                .get(index + 1)
                .map_or(Ending::KeepHyphen, |next| ending(line, next, &words));
            match ending {
                Ending::DropHyphen => text.push_str(line.trim_end_matches(is_hyphen)),
                Ending::KeepHyphen => text.push_str(line),
                Ending::Keep => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }

    #[test]
    fn the_paper_decides_about_the_hyphen() {
        assert_eq!(joined(&["an exam-", "ple of it"]), "an example of it");
        assert_eq!(
            joined(&["able to approach it", "makes it approach-", "able"]),
            "able to approach it\nmakes it approachable"
        );
        assert_eq!(
            joined(&["heads go over it", "an over-", "head"]),
            "heads go over it\nan overhead"
        );
        assert_eq!(
            joined(&[
                "AppendEntries is sent",
                "by Append-",
                "Entries and Anne-",
                "Marie"
            ]),
            "AppendEntries is sent\nby AppendEntries and Anne-\nMarie"
        );
        assert_eq!(
            joined(&["self-attention is self-", "attention"]),
            "self-attention is self-attention"
        );
        assert_eq!(joined(&["state-of-the-", "art"]), "state-of-the-art");
        assert_eq!(
            joined(&["pre-", "and post-training"]),
            "pre-\nand post-training"
        );
        assert_eq!(
            joined(&["from GPT-", "4 and Anne-", "Marie"]),
            "from GPT-\n4 and Anne-\nMarie"
        );
        assert_eq!(joined(&["soft\u{ad}", "ware"]), "software");
        assert_eq!(
            joined(&["an open question in one domain", "is open-", "domain"]),
            "an open question in one domain\nis open-domain"
        );
        assert_eq!(
            joined(&["for infor-", "mation"]),
            "for information",
            "half a word is no word"
        );
        assert_eq!(
            joined(&["a dash --", "next -", "last"]),
            "a dash --\nnext -\nlast"
        );
    }
}
