//! Questions that are whole as sentences but not as questions: "What are the limitations?",
//! "Which is faster?", "Is there anything cheaper?"
//!
//! Limitations are limitations of something, and a comparison has a second side. Only questions
//! that name nothing else are completed.

use super::lexicon::{
    is_adjective, is_be, is_comparative, is_generic_noun, is_relational_noun, is_superlative, is_wh,
};
use super::phrase::{Kind, Token};
use super::topic::Topics;
use super::{Verdict, append, bare};

/// What may stand before a noun of relation without saying what it relates to.
const MODIFIERS: &[&str] = &[
    "main",
    "key",
    "major",
    "minor",
    "side",
    "use",
    "biggest",
    "possible",
    "potential",
    "known",
    "adverse",
    "practical",
    "usual",
    "typical",
    "overall",
];

/// Nouns that name nothing that could be compared.
const STANDING_FOR_ANYTHING: &[&str] = &[
    "anything",
    "something",
    "alternative",
    "alternatives",
    "option",
    "options",
    "way",
    "ways",
];

/// The question with what it relates to; `None` where it relates to nothing unsaid.
pub(super) fn complete(question: &str, tokens: &[Token], topics: &Topics) -> Option<Verdict> {
    if tokens.iter().any(|token| token.kind == Kind::Name) {
        return None;
    }
    let lower: Vec<&str> = tokens.iter().map(|token| token.lower.as_str()).collect();
    let content = tokens.iter().filter(|token| token.is_content()).count();
    let has = |word: &str| lower.contains(&word);

    let differs = lower
        .iter()
        .any(|word| matches!(*word, "difference" | "differences"));
    if differs && content == 1 && !has("between") {
        return Some(match topics.pair() {
            Some((one, other)) => {
                Verdict::Sure(append(question, &format!("between {one} and {other}")))
            }
            None => Verdict::Unsure(None),
        });
    }
    // "Which is the best optimizer?" says itself what it chooses among.
    let names_things = tokens.iter().any(|token| {
        let lower = token.lower.as_str();
        token.kind == Kind::Word
            && !is_comparative(lower)
            && !is_superlative(lower)
            && !is_adjective(lower)
            && !is_generic_noun(lower)
            && !STANDING_FOR_ANYTHING.contains(&lower)
    });
    let compares = lower
        .iter()
        .any(|word| is_comparative(word) || is_superlative(word));
    if has("which") && compares && !names_things && !has("than") && !has("of") {
        return Some(match topics.pair() {
            Some((one, other)) => Verdict::Sure(format!("{}, {one} or {other}?", bare(question))),
            None => Verdict::Unsure(None),
        });
    }
    let exists = matches!(lower[..], ["is" | "are", "there", ..]);
    if exists && compares && !names_things && !has("than") {
        let (topic, sure) = topics.subject()?;
        return Some(verdict(append(question, &format!("than {topic}")), sure));
    }
    related(question, tokens, topics)
}

/// "What are the limitations?", "Are there any side effects?", "Who are the authors?"
fn related(question: &str, tokens: &[Token], topics: &Topics) -> Option<Verdict> {
    let last = tokens.last()?;
    let opening = tokens
        .iter()
        .take_while(|token| {
            is_wh(&token.lower)
                || is_be(&token.lower)
                || token.lower == "there"
                || matches!(token.kind, Kind::Determiner)
        })
        .count();
    let opens = tokens
        .get(..opening)
        .is_some_and(|opening| opening.iter().any(|token| is_be(&token.lower)));
    let rest = &tokens[opening..];
    // "the side effects", "the main limitations", but not "the p-value threshold".
    let is_bare = match rest {
        [_] => true,
        [first, _] => is_adjective(&first.lower) || MODIFIERS.contains(&first.lower.as_str()),
        _ => false,
    } && rest.iter().all(|token| token.kind == Kind::Word);
    let determined = tokens[..opening].last().is_some_and(|token| {
        matches!(
            token.lower.as_str(),
            "the" | "any" | "some" | "other" | "there"
        )
    });
    if !opens || !is_bare || !determined || !is_relational_noun(&last.lower) {
        return None;
    }
    let (topic, sure) = topics.subject()?;
    let word = match last.lower.as_str() {
        "alternative" | "alternatives" => "to",
        _ => "of",
    };
    Some(verdict(append(question, &format!("{word} {topic}")), sure))
}

fn verdict(text: String, sure: bool) -> Verdict {
    match sure {
        true => Verdict::Sure(text),
        false => Verdict::Unsure(Some(text)),
    }
}
