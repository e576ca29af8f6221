//! Whether a question itself has what a pronoun of it stands for, or whether that stands for nothing.
//!
//! A pronoun does not mean another phrase of its own clause, save that a possessive may; it agrees in
//! number with what it means; and the "it" of "Is it safe to ...?" means no thing at all.

use super::lexicon::{is_be, is_expletive_adjective};
use super::phrase::{Kind, Phrase, Token};

/// A question, to look for antecedents in.
pub(super) struct Inside<'a> {
    pub(super) tokens: &'a [Token<'a>],
    pub(super) phrases: &'a [Phrase],
}

impl Inside<'_> {
    fn lower(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.lower.as_str())
    }

    /// True where the question itself has what the word at `at` means.
    pub(super) fn is_inside(&self, at: usize, plural: bool) -> bool {
        let owns = self.tokens[at].kind == Kind::Possessive;
        self.phrases.iter().any(|phrase| {
            let end = phrase.tokens.end;
            if end > at || !phrase.agrees(plural) {
                return false;
            }
            let head = &self.tokens[end - 1];
            let before = phrase
                .tokens
                .start
                .checked_sub(1)
                .map(|before| &self.tokens[before]);
            let fronted = before
                .is_some_and(|before| before.kind == Kind::Preposition && phrase.tokens.start == 1);
            let boundary = self.tokens[end - 1..at]
                .iter()
                .enumerate()
                .any(|(offset, token)| {
                    token.breaks
                        || offset > 0
                            && (token.kind == Kind::Conjunction
                                || matches!(
                                    token.lower.as_str(),
                                    "that" | "which" | "who" | "when" | "why" | "how"
                                ))
                });
            if boundary {
                return !fronted || head.kind == Kind::Name || before.is_none();
            }
            owns && !phrase.is_asked_for
        })
    }

    /// "Is it safe to ...", "How long does it take to ...": this "it" means nothing.
    pub(super) fn is_expletive(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map_or("", |before| self.lower(before));
        let mut next = at + 1;
        if is_be(self.lower(next))
            || matches!(self.lower(next), "has" | "can" | "could" | "would" | "will")
        {
            next += 1;
        }
        while matches!(self.tokens.get(next), Some(token) if token.kind == Kind::Adverb) {
            next += 1;
        }
        let word = self.lower(next);
        let follows = self.lower(next + 1);
        let opens_clause = matches!(
            follows,
            "to" | "that" | "if" | "whether" | "when" | "who" | "which" | "how" | "why"
        );
        if is_expletive_adjective(word)
            && (opens_clause || follows == "for" && self.has_to_after(next))
        {
            return true;
        }
        if is_be(before) && matches!(word, "because" | "due") {
            return true;
        }
        match word {
            "take" | "cost" | "require" => self.has_to_after(next),
            "mean" | "matter" => matches!(
                follows,
                "to" | "for" | "when" | "if" | "that" | "whether" | "which" | "how"
            ),
            "make" => follows == "sense",
            "that" | "like" => true,
            "turns" | "seems" | "appears" | "happens" | "follows" | "seem" | "appear" => true,
            _ => false,
        }
    }

    fn has_to_after(&self, at: usize) -> bool {
        self.tokens[at + 1..]
            .iter()
            .any(|token| matches!(token.lower.as_str(), "to" | "before" | "until"))
    }
}
