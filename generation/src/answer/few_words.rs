//! Answers in a few words: "80 bytes".
//!
//! A model that was trained on reading comprehension answers so. The words say nothing of what was asked,
//! so that a reader cannot see from them whether the paper speaks of that, and neither can alignment: it
//! finds them wherever they stand. They are shown with the sentence that they stand in, and only where
//! that is as near to the question as what quotes alone would have answered with.

use std::collections::HashSet;

use regex::Regex;

use crate::evidence::Evidence;
use crate::numbers::{Quantity, quantities};
use crate::words::{content_stems, words};

/// Words that carry content, at most, of what is called few.
const FEW: usize = 10;

/// A sentence that has less than this share of the question's words does not say what it is about.
const LEAST_ASKED: f32 = 0.34;

/// How much less than the best a quote may fit the question that few words stand in.
const BELOW_BEST: f32 = 0.1;

/// From this share of a quote's words on the quote itself is as short.
const MOST_OF_QUOTE: f32 = 0.6;

/// True where a sentence is of few words and does not say what it is about.
pub(super) fn is_bare(sentence: &str, question: &str) -> bool {
    let asked: HashSet<String> = content_stems(question).into_iter().collect();
    let said: HashSet<String> = content_stems(sentence).into_iter().collect();
    let shared = asked.intersection(&said).count();
    said.len() <= FEW && (shared as f32) < LEAST_ASKED * asked.len() as f32
}

/// True where a quote fits the question nearly as well as the best does.
pub(super) fn fits(quote: &Evidence, evidence: &[Evidence]) -> bool {
    let best = evidence
        .iter()
        .map(|item| item.score)
        .fold(f32::NEG_INFINITY, f32::max);
    quote.score >= best - BELOW_BEST
}

/// True where one of two answers in a few words says what the other does: its quantities, or its words
/// one after the other where not both have quantities. "5" is not in "35".
pub(super) fn agree(one: &str, other: &str) -> bool {
    let of_one = quantities(one, true);
    let of_other = quantities(other, true);
    if of_one.is_empty() || of_other.is_empty() {
        return says(one, other) || says(other, one);
    }
    let has_all =
        |all: &[Quantity], some: &[Quantity]| some.iter().all(|quantity| quantity.is_in(all));
    has_all(&of_one, &of_other) || has_all(&of_other, &of_one)
}

/// True where `whole` has the words of `part` one after the other.
fn says(whole: &str, part: &str) -> bool {
    let (whole, part) = (words(whole), words(part));
    !part.is_empty()
        && whole
            .windows(part.len())
            .any(|window| window.iter().zip(&part).all(|(a, b)| a.stem == b.stem))
}

/// How the words of an answer stand in a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FewWords {
    /// As these.
    Some(String),
    /// They are most of it.
    Most,
    /// Not in this order, or not as they are written.
    No,
}

/// Finds the words in the quote, both on one line, and takes them from there.
pub(super) fn of_quote(answer: &str, quote: &str) -> FewWords {
    let answer = answer.trim_end_matches(['.', ',', ';', ':']).trim();
    let Ok(pattern) = Regex::new(&format!("(?i){}", regex::escape(answer))) else {
        return FewWords::No;
    };
    let is_apart = |found: &regex::Match<'_>| {
        let before = quote[..found.start()].chars().next_back();
        let after = quote[found.end()..].chars().next();
        ![before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric)
    };
    let Some(found) = pattern.find_iter(quote).find(is_apart) else {
        return FewWords::No;
    };
    let (here, there) = (words(answer).len(), words(quote).len());
    match here as f32 >= MOST_OF_QUOTE * there as f32 {
        true => FewWords::Most,
        false => FewWords::Some(found.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_do_not_say_what_they_are_about_are_told() {
        let question = "How large is a block header of Bitcoin?";
        assert!(is_bare("80 bytes", question));
        assert!(is_bare("It takes 80 bytes.", question));
        assert!(!is_bare("A block header takes 80 bytes.", question));
        assert!(!is_bare("80 bytes", "How?"));
        let long = "This is the first report of concentrations of an antibiotic in plasma and in fluid \
                    between cells of patients whose kidneys have failed after surgery on the heart.";
        assert!(!is_bare(long, question));
    }

    #[test]
    fn words_are_taken_from_the_quote() {
        let quote = "A block header with no transactions would be about 80 bytes.";
        assert_eq!(
            of_quote("About 80 bytes.", quote),
            FewWords::Some("about 80 bytes".to_owned())
        );
        assert_eq!(of_quote("0 bytes", quote), FewWords::No);
        assert_eq!(of_quote("80 small bytes", quote), FewWords::No);
        assert_eq!(
            of_quote(
                "a block header with no transactions would be 80 bytes",
                quote
            ),
            FewWords::No
        );
        assert_eq!(
            of_quote(
                "block header with no transactions would be about 80 bytes",
                quote
            ),
            FewWords::Most
        );
    }

    #[test]
    fn answers_agree_where_one_says_what_the_other_does() {
        for (one, other, wanted) in [
            ("35ms", "35 ms on average", true),
            ("about 80 bytes", "80", true),
            ("three servers", "3", true),
            ("5", "35", false),
            ("35 ms", "35 s", false),
            ("1.5 million", "5 million", false),
            ("in March 2010", "March", true),
            ("the leader", "leaders", true),
            ("the leader", "a follower", false),
        ] {
            assert_eq!(agree(one, other), wanted, "{one}, {other}");
            assert_eq!(agree(other, one), wanted, "{other}, {one}");
        }
    }
}
