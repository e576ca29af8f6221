//! What a sentence affirms and what it denies: a quote that says the opposite supports nothing,
//! however many words it shares.
//!
//! A negation reaches the few content words after it, within its clause: the idea of NegEx
//! (Chapman et al., "A simple algorithm for identifying negated findings", 2001), without its
//! clinical vocabulary.

use std::collections::HashSet;

use crate::words::Word;

/// Words of which one contradicts those across from it.
pub(crate) const OPPOSITES: [(&[&str], &[&str]); 23] = [
    (
        &[
            "increase",
            "increases",
            "increased",
            "increasing",
            "rise",
            "rises",
            "rose",
            "grew",
        ],
        &[
            "decrease",
            "decreases",
            "decreased",
            "decreasing",
            "decline",
            "declines",
            "declined",
            "fell",
            "drops",
            "dropped",
        ],
    ),
    (&["higher", "highest"], &["lower", "lowest"]),
    (&["faster", "fastest"], &["slower", "slowest"]),
    (&["better", "best"], &["worse", "worst"]),
    (&["larger", "largest", "bigger"], &["smaller", "smallest"]),
    (&["longer", "longest"], &["shorter", "shortest"]),
    (&["always"], &["never"]),
    (
        &["maximum", "maximize", "maximise"],
        &["minimum", "minimize", "minimise"],
    ),
    (&["before"], &["after"]),
    (&["first", "earliest"], &["last", "latest"]),
    (&["early", "earlier"], &["late", "later"]),
    (&["more", "most"], &["less", "least", "fewer", "fewest"]),
    (&["north", "northern"], &["south", "southern"]),
    (&["east", "eastern"], &["west", "western"]),
    (
        &["easy", "easier", "easiest"],
        &["hard", "harder", "hardest", "difficult"],
    ),
    (
        &["old", "older", "oldest"],
        &["young", "younger", "youngest", "new", "newer", "newest"],
    ),
    (&["major"], &["minor"]),
    (&["above"], &["below"]),
    (&["positive"], &["negative"]),
    (&["agree", "agreed"], &["disagree", "disagreed"]),
    (
        &["allow", "allowed", "allows"],
        &["forbid", "forbade", "prohibited", "banned"],
    ),
    (
        &["advantage", "advantages"],
        &["disadvantage", "disadvantages"],
    ),
    (
        &["strong", "stronger", "strongest"],
        &["weak", "weaker", "weakest"],
    ),
];

/// Which content words of a text stand under a negation, and which do not.
pub(crate) struct Polarity {
    pub(crate) has_negation: bool,
    /// What each negation denies first of all. "Never elected" and "never elects a leader" deny
    /// the same thing, though the leader stands before it in one and after it in the other.
    pub(crate) heads: HashSet<String>,
    /// All that a negation reaches, heads too.
    pub(crate) negated: HashSet<String>,
    pub(crate) plain: HashSet<String>,
}

impl Polarity {
    /// The polarity of a text with its words.
    pub(crate) fn of(words: &[Word], text: &str) -> Self {
        /// Content words that a negation reaches, unless the clause ends before.
        const REACH: usize = 3;
        let mut polarity = Self {
            has_negation: false,
            heads: HashSet::new(),
            negated: HashSet::new(),
            plain: HashSet::new(),
        };
        let mut left = 0;
        let mut is_head_due = false;
        for (index, word) in words.iter().enumerate() {
            let between = words[..index].last().map_or("", |before| {
                &text[before.start + before.text.len()..word.start]
            });
            if between.contains([',', ';', ':', '.', '(', ')', '?', '!']) {
                left = 0;
                is_head_due = false;
            }
            let next = words.get(index + 1).map(|next| next.text.to_lowercase());
            if is_negation(&word.text.to_lowercase(), next.as_deref()) {
                polarity.has_negation = true;
                left = REACH;
                is_head_due = true;
            } else if !word.is_stop {
                // In "not significantly improve" the adverb is not what is denied.
                if is_head_due && !word.text.ends_with("ly") {
                    polarity.heads.insert(word.stem.clone());
                    is_head_due = false;
                }
                let side = match left {
                    0 => &mut polarity.plain,
                    _ => &mut polarity.negated,
                };
                side.insert(word.stem.clone());
                left = left.saturating_sub(1);
            }
        }
        polarity
    }
}

fn is_negation(word: &str, next: Option<&str>) -> bool {
    let is_softened = matches!(
        (word, next),
        (
            "not" | "no",
            Some("only" | "necessarily" | "more" | "less" | "longer" | "later" | "just")
        )
    );
    let negates = matches!(
        word,
        "not"
            | "no"
            | "never"
            | "without"
            | "cannot"
            | "none"
            | "neither"
            | "nor"
            | "fails"
            | "failed"
            | "unable"
    ) || word.replace('’', "'").ends_with("n't");
    negates && !is_softened
}
