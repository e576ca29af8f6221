//! Questions that are whole as sentences but not as questions: "What are the limitations?",
//! "Which is faster?", "Is there anything cheaper?"
//!
//! Limitations are limitations of something, and a comparison has a second side. Only questions
//! that name nothing else are completed.

use super::lexicon::{is_be, is_comparative, is_relational_noun, is_superlative, is_wh};
use super::phrase::{Kind, Token};
use super::topic::Topics;
use super::{Verdict, append, bare, upper_first};

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
    let compares = lower
        .iter()
        .any(|word| is_comparative(word) || is_superlative(word));
    if has("which") && compares && content <= 2 && !has("than") && !has("of") {
        return Some(match topics.pair() {
            Some((one, other)) => Verdict::Sure(format!("{}, {one} or {other}?", bare(question))),
            None => Verdict::Unsure(None),
        });
    }
    let exists = matches!(lower[..], ["is" | "are", "there", ..]);
    if exists && compares && content <= 2 && !has("than") {
        let (topic, sure) = topics.subject()?;
        return Some(verdict(append(question, &format!("than {topic}")), sure));
    }
    related(question, tokens, topics).or_else(|| continued(question, tokens, topics))
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
    let is_bare =
        !rest.is_empty() && rest.len() <= 3 && rest.iter().all(|token| token.kind == Kind::Word);
    let determined = tokens[..opening]
        .last()
        .is_some_and(|token| token.kind == Kind::Determiner || token.lower == "there");
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

/// "And how are snapshots taken?": what goes on speaks of the same.
fn continued(question: &str, tokens: &[Token], topics: &Topics) -> Option<Verdict> {
    let [first, second, ..] = tokens else {
        return None;
    };
    let content = tokens.iter().filter(|token| token.is_content()).count();
    let goes_on = matches!(first.lower.as_str(), "and" | "but") && is_wh(&second.lower);
    let about_people = tokens
        .iter()
        .any(|token| matches!(token.lower.as_str(), "you" | "i" | "we"));
    if !goes_on || content > 3 || about_people {
        return None;
    }
    let [name] = &topics.last().names()[..] else {
        return None;
    };
    let rest = upper_first(&question[second.range.start..]);
    Some(verdict(append(&rest, &format!("in {name}")), true))
}

fn verdict(text: String, sure: bool) -> Verdict {
    match sure {
        true => Verdict::Sure(text),
        false => Verdict::Unsure(Some(text)),
    }
}
