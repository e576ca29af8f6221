//! A question as tagged words and noun phrases.
//!
//! No trained tagger: questions are short and their grammar is narrow. Names are told by their
//! capitals and digits; verbs by the auxiliary before them and a list of common ones; everything
//! else that is no function word belongs to a noun phrase.

use std::ops::Range;

use super::lexicon::{
    is_adjective, is_adverb, is_auxiliary, is_base_verb, is_be, is_determiner, is_do_or_modal,
    is_irregular_participle, is_plural, is_preposition, is_subordinator, is_wh,
};
use crate::words::stem;

/// What a word does in its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Wh,
    Auxiliary,
    Determiner,
    /// it, they, them, he, she, him, this, that, these, those, one, ones, her
    Pronoun,
    /// its, their, his
    Possessive,
    Preposition,
    Conjunction,
    Verb,
    Adverb,
    Name,
    Number,
    /// Nouns and adjectives.
    Word,
}

/// A word and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) lower: String,
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// Punctuation follows: a clause may end here.
    pub(super) breaks: bool,
}

impl Token<'_> {
    pub(super) fn is_content(&self) -> bool {
        matches!(
            self.kind,
            Kind::Name | Kind::Number | Kind::Word | Kind::Verb
        )
    }

    pub(super) fn is_nominal(&self) -> bool {
        matches!(self.kind, Kind::Name | Kind::Number | Kind::Word)
    }
}

/// The words of a question.
pub(super) fn tag(text: &str) -> Vec<Token<'_>> {
    let mut tokens = split(text);
    let quoted = quotations(text);
    let words = tokens
        .iter()
        .filter(|token| token.lower.chars().any(char::is_alphabetic));
    let (all, upper) = words.fold((0, 0), |(all, upper), token| {
        let capital = token.text.chars().next().is_some_and(char::is_uppercase);
        (all + 1, upper + usize::from(capital))
    });
    // In a title or in capitals throughout, a capital means nothing.
    let capitals_tell = all < 4 || upper * 10 <= all * 7;

    let mut auxiliary: Option<bool> = None;
    let mut has_verb = false;
    // A question word or "if" opens a clause whose verb needs no auxiliary.
    let mut has_wh = false;
    let mut nouns_since = 0;
    for index in 0..tokens.len() {
        let before = index.checked_sub(1).map(|before| tokens[before].clone());
        let next = tokens.get(index + 1).map(|token| token.lower.clone());
        let starts = before
            .as_ref()
            .is_none_or(|before| before.breaks && !text[before.range.end..].starts_with(','));
        let token = &tokens[index];
        let lower = token.lower.as_str();
        let in_quotes = quoted
            .iter()
            .any(|range| range.contains(&token.range.start));
        let opens_phrase = before.as_ref().is_some_and(|before| {
            matches!(
                before.kind,
                Kind::Determiner | Kind::Possessive | Kind::Preposition
            ) && before.lower != "to"
        });
        let base = is_base_verb(lower)
            || (lower.ends_with('s') || lower.ends_with("ing")) && is_base_verb_form(lower);
        let kind = if in_quotes {
            Kind::Name
        } else if lower
            .chars()
            .all(|c| c.is_ascii_digit() || ".,%".contains(c))
        {
            Kind::Number
        } else if is_pronoun(lower) {
            Kind::Pronoun
        } else if matches!(lower, "its" | "their" | "his" | "theirs") {
            Kind::Possessive
        } else if lower == "her" {
            match &next {
                Some(word) if !is_preposition(word) && !is_auxiliary(word) && !token.breaks => {
                    Kind::Possessive
                }
                _ => Kind::Pronoun,
            }
        } else if is_wh(lower) {
            Kind::Wh
        } else if is_auxiliary(lower) && !(lower == "may" && token.text == "May" && !starts) {
            Kind::Auxiliary
        } else if is_determiner(lower) {
            Kind::Determiner
        } else if matches!(lower, "and" | "or" | "but" | "nor") {
            Kind::Conjunction
        } else if is_preposition(lower) {
            Kind::Preposition
        } else if is_subordinator(lower) {
            Kind::Conjunction
        } else if looks_like_a_name(token.text, starts, capitals_tell) {
            Kind::Name
        } else if is_adverb(lower) {
            Kind::Adverb
        } else if !opens_phrase
            && !has_verb
            && base
            && is_verb_here(auxiliary, nouns_since, has_wh, index)
            || before.as_ref().is_some_and(|before| before.lower == "to") && is_base_verb(lower)
            || !opens_phrase
                && (lower.len() > 4 && lower.ends_with("ed") || is_irregular_participle(lower))
                && (auxiliary.is_some() || has_wh && nouns_since == 0 || nouns_since > 0)
        {
            Kind::Verb
        } else {
            Kind::Word
        };
        match kind {
            Kind::Auxiliary => {
                auxiliary = Some(is_do_or_modal(lower));
                has_verb = false;
                nouns_since = 0;
            }
            Kind::Verb => has_verb = true,
            Kind::Wh => {
                has_wh = true;
                if is_be(lower) {
                    auxiliary = Some(false);
                    nouns_since = 0;
                }
            }
            Kind::Conjunction => {
                has_wh |= !matches!(lower, "and" | "or" | "but" | "nor");
                auxiliary = None;
                has_verb = false;
                nouns_since = 0;
            }
            Kind::Name | Kind::Number | Kind::Word | Kind::Pronoun | Kind::Possessive => {
                nouns_since += 1;
            }
            _ => {}
        }
        tokens[index].kind = kind;
    }
    find_missing_verb(&mut tokens);
    tokens
}

fn is_base_verb_form(lower: &str) -> bool {
    let stemmed = stem(lower);
    [
        stemmed.clone(),
        format!("{stemmed}e"),
        lower.trim_end_matches('s').to_owned(),
    ]
    .iter()
    .any(|form| is_base_verb(form))
}

/// Whether a word that can be a verb is one: after "does" and a noun, or after a question word
/// that asks for the subject.
fn is_verb_here(auxiliary: Option<bool>, nouns_since: usize, has_wh: bool, index: usize) -> bool {
    match auxiliary {
        Some(true) => nouns_since > 0,
        Some(false) => false,
        None => has_wh && index > 0,
    }
}

/// "How do vaccines xyz the body": where no known verb follows the auxiliary, the last of several
/// nouns in a row is it.
fn find_missing_verb(tokens: &mut [Token]) {
    let Some(auxiliary) = tokens
        .iter()
        .position(|token| token.kind == Kind::Auxiliary && is_do_or_modal(&token.lower))
    else {
        return;
    };
    let clause = auxiliary + 1
        ..tokens
            .iter()
            .skip(auxiliary + 1)
            .position(|token| token.kind == Kind::Conjunction)
            .map_or(tokens.len(), |end| auxiliary + 1 + end);
    if tokens[clause.clone()]
        .iter()
        .any(|token| token.kind == Kind::Verb)
    {
        return;
    }
    let mut run: Vec<usize> = Vec::new();
    for index in clause {
        match tokens[index].kind {
            Kind::Name | Kind::Word | Kind::Number | Kind::Pronoun => run.push(index),
            Kind::Preposition if tokens[index].lower == "of" => run.clear(),
            _ if run.len() > 1 => break,
            Kind::Determiner | Kind::Possessive => run.clear(),
            _ => {}
        }
    }
    if let [_, .., last] = run[..]
        && tokens[last].kind == Kind::Word
    {
        tokens[last].kind = Kind::Verb;
    }
}

fn is_pronoun(lower: &str) -> bool {
    matches!(
        lower,
        "it" | "they"
            | "them"
            | "he"
            | "she"
            | "him"
            | "this"
            | "that"
            | "these"
            | "those"
            | "one"
            | "ones"
            | "itself"
            | "themselves"
            | "himself"
            | "herself"
            | "it's"
            | "that's"
            | "i"
            | "you"
            | "we"
            | "me"
            | "us"
    )
}

fn looks_like_a_name(text: &str, starts: bool, capitals_tell: bool) -> bool {
    let mut letters = text.chars().filter(|c| c.is_alphabetic());
    let Some(first) = letters.next() else {
        return false;
    };
    let upper = text.chars().filter(|c| c.is_uppercase()).count();
    let lower = text.chars().filter(|c| c.is_lowercase()).count();
    let digits = text.chars().any(|c| c.is_ascii_digit());
    if !capitals_tell {
        return digits && upper > 0;
    }
    // BERT, GPT-2, mTOR, RoBERTa
    if upper > 1 || upper == 1 && (digits || (!first.is_uppercase() && lower > 0)) {
        return true;
    }
    first.is_uppercase() && !starts
}

fn split(text: &str) -> Vec<Token<'_>> {
    const OPENING: &[char] = &[
        '(', '[', '{', '"', '\'', '“', '‘', '«', '¿', '¡', '*', '_', '-', '–', '—',
    ];
    const CLOSING: &[char] = &[
        ')', ']', '}', '"', '\'', '”', '’', '»', '.', ',', ';', ':', '?', '!', '…', '*', '_', '-',
        '–', '—',
    ];
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let start = at;
        at += piece.len();
        let bare = piece.trim_end();
        let inner = bare.trim_start_matches(OPENING);
        let first = start + bare.len() - inner.len();
        let word = inner.trim_end_matches(CLOSING);
        let broken = word.len() < inner.len();
        if word.is_empty() {
            if let Some(last) = tokens.last_mut() {
                last.breaks |= !bare.is_empty();
            }
            continue;
        }
        tokens.push(Token {
            text: word,
            lower: word.to_lowercase().replace('’', "'"),
            range: first..first + word.len(),
            kind: Kind::Word,
            breaks: broken,
        });
    }
    tokens
}

/// What stands between double quotation marks.
fn quotations(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in text.char_indices() {
        match (c, open) {
            ('"' | '”' | '»', Some(start)) => {
                found.push(start..at);
                open = None;
            }
            ('"' | '“' | '«', None) => open = Some(at + c.len_utf8()),
            _ => {}
        }
    }
    found
}

/// A noun phrase of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    /// Its tokens.
    pub(super) tokens: Range<usize>,
    /// As it can be put into another question.
    pub(super) text: String,
    /// Its head, lower case.
    pub(super) head: String,
    /// Made of names.
    pub(super) is_name: bool,
    /// Means several things.
    pub(super) is_plural: bool,
    /// What "which" and "what" ask for.
    pub(super) is_asked_for: bool,
    /// What follows "of", as places in the list of tokens.
    pub(super) complement: Option<Range<usize>>,
}

impl Phrase {
    /// Agrees with a pronoun for several things, or for one.
    pub(super) fn agrees(&self, plural: bool) -> bool {
        self.is_name && !self.text.contains(" and ") || self.is_plural == plural
    }
}

/// The noun phrases, in order; "the X of Y" is one, and so are names joined by "and".
pub(super) fn phrases(text: &str, tokens: &[Token]) -> Vec<Phrase> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = at;
        let Some(mut end) = simple(tokens, at) else {
            at += 1;
            continue;
        };
        let head_end = end;
        let mut complement = None;
        while end < tokens.len()
            && !tokens[end - 1].breaks
            && tokens[end].lower == "of"
            && let Some(further) = simple(tokens, end + 1)
        {
            complement = Some(end + 1..further);
            end = further;
        }
        let is_name = tokens[start..end]
            .iter()
            .all(|token| token.kind == Kind::Name);
        if is_name {
            while end + 1 < tokens.len()
                && matches!(tokens[end].lower.as_str(), "and" | "or" | "vs" | "versus")
                && tokens[end + 1].kind == Kind::Name
            {
                end += 2;
                while end < tokens.len()
                    && tokens[end].kind == Kind::Name
                    && !tokens[end - 1].breaks
                {
                    end += 1;
                }
            }
        }
        let head = tokens[head_end - 1].lower.clone();
        let asked = start > 0
            && matches!(
                tokens[start - 1].lower.as_str(),
                "which" | "what" | "whose" | "many" | "much"
            );
        found.push(Phrase {
            text: definite(text, &tokens[start..end]),
            is_plural: is_plural(&head) || end > head_end && is_name,
            head,
            is_name,
            is_asked_for: asked,
            complement,
            tokens: start..end,
        });
        at = end;
    }
    found
}

/// The end of the phrase without complements that starts at `at`.
fn simple(tokens: &[Token], at: usize) -> Option<usize> {
    let mut end = at;
    if tokens.get(end)?.kind == Kind::Determiner && !tokens[end].breaks {
        end += 1;
    }
    let first = end;
    while let Some(token) = tokens.get(end) {
        let breaks_before = end > first && tokens[end - 1].breaks;
        if !token.is_nominal() || breaks_before {
            break;
        }
        end += 1;
    }
    // "Is gradient descent stable": what is said of it is not part of it.
    let be = tokens[..first].iter().any(|token| is_be(&token.lower));
    while end > first + 1 && be && is_adjective(&tokens[end - 1].lower) {
        end -= 1;
    }
    let adjective_alone = end == first + 1 && is_adjective(&tokens[first].lower);
    let has_determiner = first > at;
    (end > first && (has_determiner || !adjective_alone)).then_some(end)
}

/// The words of a phrase as they are said once it is known: "a leader" is "the leader" then.
pub(super) fn definite(text: &str, tokens: &[Token]) -> String {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return String::new();
    };
    let whole = &text[first.range.start..last.range.end];
    match first.kind {
        Kind::Determiner => match first.lower.as_str() {
            "a" | "an" | "the" | "any" | "some" => {
                format!("the {}", text[first.range.end..last.range.end].trim_start())
            }
            _ => whole.to_owned(),
        },
        _ => whole.to_owned(),
    }
}
