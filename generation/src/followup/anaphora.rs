//! Words that stand for something said before: "it", "their", "this method", "the former".
//!
//! First it is asked whether what such a word stands for is in the question itself ("How does Raft
//! elect its leader?"), or whether it stands for nothing ("Is it safe to ..."): then nothing is
//! missing. Grammar decides: a pronoun does not mean another phrase of its own clause, save that a
//! possessive may, and it agrees in number with what it means.

use std::ops::Range;

use super::antecedent::Inside;
use super::lexicon::{
    is_adjective, is_author_noun, is_author_verb, is_base_verb, is_be, is_comparative,
    is_do_or_modal, is_generic_noun, is_measuring_verb, is_paper_noun, is_plural, is_preposition,
    is_saying_verb,
};
use super::phrase::{Kind, Phrase, Token, phrases};
use super::topic::Topics;
use super::{Verdict, append, bare, join, replace};

/// Nouns that "this" and "these" place in time rather than point with.
const TIMES: &[&str] = &[
    "day", "days", "year", "month", "week", "decade", "century", "time", "moment", "morning",
];

/// Nouns that with "the" before them mean what was spoken of.
const METHODS: &[&str] = &[
    "method",
    "approach",
    "algorithm",
    "technique",
    "protocol",
    "framework",
    "procedure",
    "model",
];

/// What is said of a statement rather than of a thing.
const OF_STATEMENTS: &[&str] = &[
    "true", "right", "correct", "false", "so", "always", "wrong", "certain", "proven", "the",
];

/// The question with its references resolved; `None` where it has none that lead out of it.
pub(super) fn resolve(question: &str, tokens: &[Token], topics: &Topics) -> Option<Verdict> {
    let mut resolver = Resolver {
        question,
        tokens,
        phrases: phrases(question, tokens),
        topics,
        edits: Vec::new(),
        sure: true,
        lost: false,
        found: false,
        more: None,
        statement: false,
    };
    let mut index = 0;
    while index < tokens.len() {
        index = resolver.visit(index).max(index + 1);
    }
    resolver.verdict()
}

struct Resolver<'a> {
    question: &'a str,
    tokens: &'a [Token<'a>],
    phrases: Vec<Phrase>,
    topics: &'a Topics<'a>,
    edits: Vec<(Range<usize>, String)>,
    sure: bool,
    /// A reference was found, and nothing that it may mean.
    lost: bool,
    found: bool,
    /// What is to be said at the end.
    more: Option<String>,
    /// It speaks of the whole of what was said.
    statement: bool,
}

impl Resolver<'_> {
    fn verdict(self) -> Option<Verdict> {
        if !self.found {
            return None;
        }
        if self.statement {
            return Some(Verdict::Sure(join(self.topics.last().text, self.question)));
        }
        if self.lost {
            return Some(Verdict::Unsure(None));
        }
        let mut text = replace(self.question, &self.edits);
        if let Some(more) = self.more {
            text = append(&text, &more);
        }
        Some(match self.sure {
            true => Verdict::Sure(text),
            false => Verdict::Unsure(Some(text)),
        })
    }

    /// Looks at one token; returns the next to look at.
    fn visit(&mut self, at: usize) -> usize {
        let token = &self.tokens[at];
        match (token.kind, token.lower.as_str()) {
            (Kind::Pronoun, "it" | "it's")
                if !self.inside().is_expletive(at) && !self.is_inside(at, false) =>
            {
                let topic = self.topics.one(self.is_measured(at));
                let topic = topic.map(|(text, sure)| match token.lower.as_str() {
                    "it's" => (format!("{text} is"), sure),
                    _ => (text, sure),
                });
                self.put(token.range.clone(), topic);
            }
            (Kind::Pronoun, "they" | "them") if !self.is_inside(at, true) && !self.authors(at) => {
                self.put(token.range.clone(), self.topics.several());
            }
            (Kind::Pronoun, "he" | "she" | "him" | "her") if !self.has_name_before(at) => {
                self.put(token.range.clone(), self.topics.person());
            }
            (Kind::Possessive, "its" | "their" | "his" | "her")
                if !self.is_inside(at, token.lower == "their") =>
            {
                return self.possessive(at);
            }
            (Kind::Pronoun, "this" | "that" | "these" | "those" | "that's") => {
                return self.demonstrative(at);
            }
            (Kind::Pronoun, "one" | "ones") if !self.is_inside(at, token.lower == "ones") => {
                self.one(at)
            }
            (Kind::Determiner, "both")
                if !self.next_is_nominal(at) && !self.is_inside(at, true) =>
            {
                let pair = self
                    .topics
                    .pair()
                    .map(|(one, other)| (format!("both {one} and {other}"), true));
                self.put(token.range.clone(), pair);
            }
            (Kind::Determiner, "such") => return self.such(at),
            (Kind::Determiner, "the") => return self.definite(at),
            (Kind::Adverb, "there") if at + 1 == self.tokens.len() && at > 0 => {
                let topic = self
                    .topics
                    .subject()
                    .map(|(text, sure)| (format!("in {text}"), sure));
                self.put(token.range.clone(), topic);
            }
            _ => {}
        }
        at + 1
    }

    fn put(&mut self, range: Range<usize>, topic: Option<(String, bool)>) {
        self.found = true;
        match topic {
            Some((text, sure)) => {
                self.sure &= sure;
                self.edits.push((range, text));
            }
            None => self.lost = true,
        }
    }

    fn lower(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.lower.as_str())
    }

    fn next_is_nominal(&self, at: usize) -> bool {
        !self.tokens[at].breaks
            && self
                .tokens
                .get(at + 1)
                .is_some_and(|next| next.is_nominal() && !is_adjective_alone(self.tokens, at + 1))
    }

    /// "its limits" becomes "Raft's limits", and of a longer name "the limits of ...".
    fn possessive(&mut self, at: usize) -> usize {
        let token = &self.tokens[at];
        let topic = match token.lower.as_str() {
            "its" => self.topics.one(false),
            "their" => self.topics.several(),
            _ => self.topics.person(),
        };
        let Some((topic, sure)) = topic else {
            self.put(token.range.clone(), None);
            return at + 1;
        };
        let end = self.noun_end(at + 1);
        let is_short = topic.split(' ').count() <= 2 && !topic.starts_with("the ");
        if is_short || end == at + 1 {
            self.put(token.range.clone(), Some((genitive(&topic), sure)));
            return at + 1;
        }
        let owned = &self.question[self.tokens[at + 1].range.start..self.tokens[end - 1].range.end];
        let range = token.range.start..self.tokens[end - 1].range.end;
        self.put(range, Some((format!("the {owned} of {topic}"), sure)));
        end
    }

    /// One past the noun phrase that starts at `at`; `at` where there is none.
    fn noun_end(&self, at: usize) -> usize {
        let mut end = at;
        while end < self.tokens.len()
            && self.tokens[end].is_nominal()
            && (end == at || !self.tokens[end - 1].breaks)
        {
            end += 1;
        }
        // "How large is its training set" ends in the noun; "is its accuracy good" before "good".
        while end > at + 1 && is_adjective(&self.tokens[end - 1].lower) {
            end -= 1;
        }
        end
    }

    fn demonstrative(&mut self, at: usize) -> usize {
        let token = &self.tokens[at];
        let that = token.lower == "that";
        let before = at.checked_sub(1).map(|before| &self.tokens[before]);
        let next = self.tokens.get(at + 1);
        if that && self.is_complementizer(before, next) {
            return at + 1;
        }
        let plural = matches!(token.lower.as_str(), "these" | "those");
        let end = if token.breaks {
            at + 1
        } else {
            self.noun_end(at + 1)
        };
        let is_verb = that
            && before.is_some_and(|before| is_do_or_modal(&before.lower))
            && next.is_some_and(|next| next.kind == Kind::Word && is_base_verb(&next.lower))
            && self
                .tokens
                .get(at + 2)
                .is_none_or(|after| !after.is_nominal());
        let adjective = end == at + 2 && is_adjective(self.lower(at + 1));
        if end > at + 1 && !is_verb && !adjective {
            return self.pointed(at, end, plural);
        }
        if self.is_inside(at, plural) {
            return at + 1;
        }
        if token.lower == "that's" {
            let topic = self
                .topics
                .one(false)
                .map(|(text, sure)| (format!("{text} is"), sure));
            self.put(token.range.clone(), topic);
            return at + 1;
        }
        let said = next.map_or("", |next| next.lower.as_str());
        let after_be = before.is_some_and(|before| is_be(&before.lower));
        if after_be && OF_STATEMENTS.contains(&said) {
            self.found = true;
            self.statement = true;
            return at + 1;
        }
        let topic = match plural {
            true => self.topics.several(),
            false => self.topics.one(self.is_measured(at)),
        };
        self.put(token.range.clone(), topic);
        at + 1
    }

    /// "It is known that", "the model that uses": this "that" points at nothing.
    fn is_complementizer(&self, before: Option<&Token>, next: Option<&Token>) -> bool {
        let Some(before) = before else { return false };
        let Some(next) = next else { return false };
        match before.kind {
            Kind::Auxiliary | Kind::Preposition | Kind::Wh | Kind::Conjunction | Kind::Adverb => {
                before.lower == "so"
            }
            Kind::Verb => !matches!(next.kind, Kind::Preposition) && !is_generic_noun(&next.lower),
            _ => true,
        }
    }

    /// "this method": the method is named, or its noun said of the topic.
    fn pointed(&mut self, at: usize, end: usize, plural: bool) -> usize {
        let noun = self.lower(end - 1).to_owned();
        let range = self.tokens[at].range.start..self.tokens[end - 1].range.end;
        if TIMES.contains(&noun.as_str()) || self.is_inside(at, plural) {
            return end;
        }
        let words = &self.question[self.tokens[at + 1].range.start..self.tokens[end - 1].range.end];
        if is_paper_noun(&noun) {
            self.paper(range, 0);
            return end;
        }
        let one_of_several = if plural {
            self.topics.several()
        } else {
            self.topics.one(false)
        };
        let Some((topic, sure)) = one_of_several else {
            self.put(range, None);
            return end;
        };
        let repeats = topic.to_lowercase().split(' ').any(|word| word == noun);
        let text = if repeats || end == at + 2 && is_generic_noun(&noun) && !plural {
            topic
        } else {
            format!("the {words} of {topic}")
        };
        self.put(range, Some((text, sure)));
        end
    }

    /// The paper in the given place among those that were cited, by its title.
    fn paper(&mut self, range: Range<usize>, place: usize) {
        let titles = self.topics.titles;
        let title = titles.get(place).map(|title| {
            let sure = place > 0 || titles.len() == 1;
            (format!("\"{}\"", title.replace('"', "'")), sure)
        });
        self.put(range, title);
    }

    /// "the second paper", "the former", "the authors", "the method".
    fn definite(&mut self, at: usize) -> usize {
        let start = self.tokens[at].range.start;
        let last_title = self.topics.titles.len().saturating_sub(1);
        let place = match self.lower(at + 1) {
            "first" => Some(0),
            "second" => Some(1),
            "third" => Some(2),
            "fourth" => Some(3),
            "other" if self.topics.titles.len() == 2 => Some(1),
            "last" => Some(last_title),
            _ => None,
        };
        if let Some(place) = place
            && is_paper_noun(self.lower(at + 2))
            && !self.is_specified(at + 2)
        {
            self.paper(start..self.tokens[at + 2].range.end, place);
            // A first paper among one is a first paper of something else.
            self.sure &= self.topics.titles.len() > 1;
            return at + 3;
        }
        if matches!(self.lower(at + 1), "former" | "latter") {
            let pair = self
                .topics
                .pair()
                .map(|(one, other)| match self.lower(at + 1) {
                    "former" => (one, true),
                    _ => (other, true),
                });
            self.put(start..self.tokens[at + 1].range.end, pair);
            return at + 2;
        }
        if matches!(self.lower(at + 1), "first" | "second")
            && matches!(self.lower(at + 2), "one" | "")
        {
            let is_first = self.lower(at + 1) == "first";
            let pair = self
                .topics
                .pair()
                .map(|(one, other)| (if is_first { one } else { other }, true));
            let end = (at + 2).min(self.tokens.len() - 1);
            self.put(start..self.tokens[end].range.end, pair);
            return at + 3;
        }
        let Some(noun) = self.tokens.get(at + 1) else {
            return at + 1;
        };
        let stands_alone = self.tokens.iter().any(|token| token.kind == Kind::Name)
            || self.is_specified(at + 1)
            || noun.kind != Kind::Word
            || self.is_inside(at, is_plural(&noun.lower));
        if stands_alone {
            return at + 1;
        }
        let range = start..noun.range.end;
        if is_paper_noun(&noun.lower) {
            if self.topics.titles.len() == 1 {
                self.paper(range, 0);
            }
            return at + 2;
        }
        if is_author_noun(&noun.lower) {
            let of = match self.topics.titles {
                [title] => Some((
                    format!("the authors of \"{}\"", title.replace('"', "'")),
                    true,
                )),
                _ => self
                    .topics
                    .subject()
                    .map(|(topic, _)| (format!("the authors of the work on {topic}"), false)),
            };
            self.put(range, of);
            return at + 2;
        }
        // "the virus" may be one that all know; "the algorithm" is the one spoken of.
        if METHODS.contains(&noun.lower.as_str()) {
            if let Some((topic, sure)) = self.topics.one(false) {
                self.put(range, Some((topic, sure)));
            }
            return at + 2;
        }
        at + 1
    }

    /// More is said of the noun at `at` than the noun.
    fn is_specified(&self, at: usize) -> bool {
        let Some(next) = self.tokens.get(at + 1) else {
            return false;
        };
        if self.tokens[at].breaks {
            return false;
        }
        next.is_nominal()
            || matches!(
                next.lower.as_str(),
                "of" | "that"
                    | "which"
                    | "who"
                    | "by"
                    | "on"
                    | "in"
                    | "from"
                    | "for"
                    | "behind"
                    | "with"
                    | "about"
            )
    }

    /// "such models" are models such as the one before.
    fn such(&mut self, at: usize) -> usize {
        if self.lower(at + 1) == "as" || self.is_inside(at, true) {
            return at + 1;
        }
        let article = matches!(self.lower(at + 1), "a" | "an");
        let first = at + 1 + usize::from(article);
        let end = self.noun_end(first);
        if end == first {
            return at + 1;
        }
        let noun = &self.question[self.tokens[at + 1].range.start..self.tokens[end - 1].range.end];
        let range = self.tokens[at].range.start..self.tokens[end - 1].range.end;
        let topic = self
            .topics
            .subject()
            .map(|(topic, sure)| (format!("{noun} such as {topic}"), sure));
        self.put(range, topic);
        end
    }

    /// "Which one is faster?"
    fn one(&mut self, at: usize) {
        let before = at.checked_sub(1).map_or("", |before| self.lower(before));
        if !matches!(before, "which" | "what") {
            return;
        }
        self.found = true;
        match self.topics.pair() {
            Some((one, other)) => {
                let chosen = self.tokens[at + 1..].iter().any(|token| {
                    is_comparative(&token.lower) || super::lexicon::is_superlative(&token.lower)
                });
                let more = if chosen {
                    format!("{one} or {other}")
                } else {
                    format!("of {one} and {other}")
                };
                match chosen {
                    true => {
                        let start = bare(self.question).len();
                        self.edits.push((start..start, format!(", {more}")));
                    }
                    false => self
                        .edits
                        .push((self.tokens[at].range.clone(), format!("one {more}"))),
                }
            }
            None => self.lost = true,
        }
    }

    /// "What did they conclude?": papers conclude nothing, their authors do.
    fn authors(&mut self, at: usize) -> bool {
        let verb = self.tokens[at + 1..]
            .iter()
            .find(|token| token.kind != Kind::Adverb)
            .map_or("", |token| token.lower.as_str());
        let is_subject = self.lower(at) == "they";
        let is_done_by_authors = is_author_verb(verb) || verb == "used" || verb == "found";
        if !is_subject || !is_done_by_authors {
            return false;
        }
        if let Some(authors) = self.topics.authors() {
            self.put(self.tokens[at].range.clone(), Some((authors, true)));
            return true;
        }
        let is_of_things = self.topics.pair().is_some()
            || self
                .topics
                .last()
                .phrases
                .iter()
                .any(|phrase| phrase.is_plural && !phrase.is_asked_for);
        if is_of_things {
            return false;
        }
        self.put(
            self.tokens[at].range.clone(),
            Some(("the authors".to_owned(), true)),
        );
        let names_topic = self.tokens.iter().enumerate().any(|(other, token)| {
            other != at && (matches!(token.kind, Kind::Pronoun | Kind::Possessive | Kind::Name))
        });
        if !names_topic && let Some((topic, sure)) = self.topics.subject() {
            self.sure &= sure;
            let word = if is_saying_verb(verb) { "about" } else { "for" };
            self.more = Some(format!("{word} {topic}"));
        }
        true
    }

    fn has_name_before(&self, at: usize) -> bool {
        self.tokens[..at]
            .iter()
            .any(|token| token.kind == Kind::Name)
    }

    fn inside(&self) -> Inside<'_> {
        Inside {
            tokens: self.tokens,
            phrases: &self.phrases,
        }
    }

    fn is_inside(&self, at: usize, plural: bool) -> bool {
        self.inside().is_inside(at, plural)
    }

    /// What is said of it is how it is measured.
    fn is_measured(&self, at: usize) -> bool {
        self.tokens[at + 1..]
            .iter()
            .any(|token| is_measuring_verb(&token.lower))
    }
}

/// "Paxos's", "vaccines'".
fn genitive(topic: &str) -> String {
    let last = topic.rsplit(' ').next().unwrap_or_default();
    let is_common = last.chars().all(char::is_lowercase);
    match is_common && is_plural(last) {
        true => format!("{topic}'"),
        false => format!("{topic}'s"),
    }
}

fn is_adjective_alone(tokens: &[Token], at: usize) -> bool {
    is_adjective(&tokens[at].lower)
        && tokens
            .get(at + 1)
            .is_none_or(|next| !next.is_nominal() || is_preposition(&next.lower))
}
