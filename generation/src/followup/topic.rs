//! What a conversation is about: what a pronoun of the next question may mean.
//!
//! The last question that names something decides. A name beats a common noun ("How does Raft elect
//! a leader?" is about Raft), and a phrase must agree in number with what stands for it. Where the
//! question asked for a name ("Which protocol does etcd use?") and the answer gave exactly one, that
//! is the topic.

use super::Turn;
use super::lexicon::{is_author_noun, is_generic_noun, is_paper_noun, is_relational_noun};
use super::phrase::{Kind, Phrase, Token, definite, phrases, tag};

/// How many questions back a topic is looked for.
const REACH: usize = 4;

/// Nouns that name nothing.
const EMPTY: &[&str] = &[
    "thing",
    "things",
    "way",
    "ways",
    "kind",
    "kinds",
    "type",
    "types",
    "number",
    "difference",
    "differences",
    "example",
    "examples",
    "reason",
    "reasons",
    "year",
    "author",
    "authors",
    "paper",
    "papers",
    "something",
    "anything",
    "detail",
    "details",
    "point",
    "fact",
    "time",
    "question",
    "percentage",
    "percent",
    "amount",
    "sort",
    "library",
    "evidence",
    "thanks",
    "thank",
    "hello",
    "hi",
    "hey",
    "great",
    "cool",
    "bye",
    "sorry",
];

/// A question that was asked, taken apart.
pub(super) struct Asked<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) phrases: Vec<Phrase>,
}

impl<'a> Asked<'a> {
    fn of(text: &'a str) -> Self {
        let tokens = tag(text);
        let phrases = phrases(text, &tokens);
        Self {
            text,
            tokens,
            phrases,
        }
    }

    /// The names in it, each once: "Raft", "the CAP theorem", "the Treaty of Westphalia".
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if self.tokens[at].kind != Kind::Name {
                at += 1;
                continue;
            }
            let mut start = at;
            at = self.name_end(at);
            let is_whole = self
                .phrases
                .iter()
                .any(|phrase| phrase.tokens.contains(&start) && !phrase.tokens.contains(&at));
            let before = start.checked_sub(1).map(|before| &self.tokens[before]);
            if is_whole
                && before.is_some_and(|before| matches!(before.lower.as_str(), "the" | "a" | "an"))
            {
                start -= 1;
            }
            let name = definite(self.text, &self.tokens[start..at]);
            let name = name
                .trim_end_matches("'s")
                .trim_end_matches("’s")
                .to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// One past the name that starts at `at`: names in a row, one of another, and the nouns that
    /// follow in the same phrase.
    fn name_end(&self, at: usize) -> usize {
        let phrase = self
            .phrases
            .iter()
            .find(|phrase| phrase.tokens.contains(&at));
        let limit = phrase.map_or(self.tokens.len(), |phrase| phrase.tokens.end);
        let mut end = at + 1;
        while end < limit
            && !self.tokens[end - 1].breaks
            && !self.tokens[end - 1].lower.ends_with("'s")
        {
            let next = &self.tokens[end];
            let of_name = next.lower == "of"
                && self
                    .tokens
                    .get(end + 1)
                    .is_some_and(|name| name.kind == Kind::Name);
            if !(of_name || matches!(next.kind, Kind::Name | Kind::Word | Kind::Number)) {
                break;
            }
            end += 1;
        }
        end
    }

    /// The phrases that name something, best first.
    fn candidates(&self) -> Vec<&Phrase> {
        let mut found: Vec<&Phrase> = self
            .phrases
            .iter()
            .filter(|phrase| !EMPTY.contains(&phrase.head.as_str()) || phrase.complement.is_some())
            .collect();
        found.sort_by_key(|phrase| {
            let only_relational = is_relational_noun(&phrase.head) && phrase.complement.is_none();
            (phrase.is_asked_for, only_relational)
        });
        found
    }

    fn complement(&self, phrase: &Phrase) -> Option<(String, bool)> {
        let tokens = &self.tokens[phrase.complement.clone()?];
        let last = tokens.last()?;
        let plural = super::lexicon::is_plural(&last.lower) && last.kind != Kind::Name;
        Some((definite(self.text, tokens), plural))
    }

    /// One thing: what "it" means.
    fn one(&self, of_measure: bool) -> Option<(String, bool)> {
        let candidates = self.candidates();
        if of_measure
            && let Some(phrase) = candidates
                .iter()
                .find(|phrase| phrase.complement.is_some() && !phrase.is_plural)
        {
            return Some((phrase.text.clone(), true));
        }
        let names = self.names();
        if let Some(first) = names.first() {
            return Some((first.clone(), names.len() == 1));
        }
        for phrase in &candidates {
            match self.complement(phrase) {
                Some((of, false)) if is_vague(&phrase.head) || phrase.is_plural => {
                    return Some((of, true));
                }
                _ if !phrase.is_plural => return Some((phrase.text.clone(), true)),
                _ => {}
            }
        }
        candidates
            .first()
            .map(|phrase| (phrase.text.clone(), false))
    }

    /// Several things: what "they" means.
    fn several(&self) -> Option<(String, bool)> {
        let names = self.names();
        if let [first, .., last] = &names[..] {
            let all = match names.len() {
                2 => format!("{first} and {last}"),
                _ => format!("{} and {last}", names[..names.len() - 1].join(", ")),
            };
            return Some((all, names.len() == 2));
        }
        for phrase in self.candidates() {
            if phrase.is_plural && !phrase.is_name {
                let text = self.of_name(&phrase.text, &names);
                return Some((text, true));
            }
            if let Some((of, true)) = self.complement(phrase) {
                return Some((of, true));
            }
        }
        None
    }

    /// "the datasets" of a question on GPT-3 are "the datasets of GPT-3".
    fn of_name(&self, phrase: &str, names: &[String]) -> String {
        let text = match phrase.starts_with("the ") {
            true => phrase.to_owned(),
            false if names.is_empty() => return phrase.to_owned(),
            false => format!("the {phrase}"),
        };
        match names {
            [name] if !text.contains(name.as_str()) => format!("{text} of {name}"),
            _ => text,
        }
    }
}

fn is_vague(head: &str) -> bool {
    is_relational_noun(head) || EMPTY.contains(&head)
}

/// What was spoken of.
pub(super) struct Topics<'a> {
    /// Questions, the last first; only those that name something.
    asked: Vec<Asked<'a>>,
    /// The name that the last answer gave, where its question asked for one.
    answered: Option<String>,
    /// Titles of the papers that the last answer cites.
    pub(super) titles: &'a [String],
}

impl<'a> Topics<'a> {
    /// `None` where nothing was said that names anything.
    pub(super) fn of(history: &'a [Turn]) -> Option<Self> {
        let asked: Vec<Asked> = history
            .iter()
            .rev()
            .take(REACH)
            .map(|turn| Asked::of(turn.asked()))
            .filter(|asked| !asked.candidates().is_empty())
            .collect();
        let last = history.last()?;
        Some(Self {
            answered: asked.first().and_then(|asked| answered(asked, last)),
            titles: &last.titles,
            asked: (!asked.is_empty()).then_some(asked)?,
        })
    }

    /// The last question.
    pub(super) fn last(&self) -> &Asked<'a> {
        &self.asked[0]
    }

    /// What "it" means, and whether that is sure.
    pub(super) fn one(&self, of_measure: bool) -> Option<(String, bool)> {
        match &self.answered {
            Some(name) if !of_measure => Some((name.clone(), true)),
            _ => self.asked.iter().find_map(|asked| asked.one(of_measure)),
        }
    }

    /// What "they" means, and whether that is sure.
    pub(super) fn several(&self) -> Option<(String, bool)> {
        if let Some(found) = self.last().several() {
            return Some(found);
        }
        if let Some((older, newer)) = self.pair() {
            return Some((format!("{older} and {newer}"), true));
        }
        self.one(false)
    }

    /// Two things that can be compared: of the last question, or of the last two.
    pub(super) fn pair(&self) -> Option<(String, String)> {
        let names = self.last().names();
        match &names[..] {
            [first, second] => return Some((first.clone(), second.clone())),
            [one] => {
                let older = self.asked.get(1)?.names();
                if let [other] = &older[..]
                    && other != one
                {
                    return Some((other.clone(), one.clone()));
                }
            }
            [] => {
                let bare = |asked: &Asked| -> Option<String> {
                    match asked.candidates()[..] {
                        [phrase] if phrase.complement.is_none() => Some(phrase.text.clone()),
                        _ => None,
                    }
                };
                let one = bare(self.last())?;
                let other = bare(self.asked.get(1)?)?;
                return (one != other).then_some((other, one));
            }
            _ => {}
        }
        None
    }

    /// Who "she" is.
    pub(super) fn person(&self) -> Option<(String, bool)> {
        if let Some(name) = &self.answered {
            return Some((name.clone(), true));
        }
        self.asked.iter().find_map(|asked| {
            let names = asked.names();
            names.first().map(|name| (name.clone(), names.len() == 1))
        })
    }

    /// What the conversation is about, in a few words, and whether that is sure.
    pub(super) fn subject(&self) -> Option<(String, bool)> {
        self.one(false).or_else(|| self.several())
    }

    /// "the authors", where the last question speaks of them.
    pub(super) fn authors(&self) -> Option<String> {
        let phrase = self
            .last()
            .phrases
            .iter()
            .find(|phrase| is_author_noun(&phrase.head))?;
        Some(phrase.text.clone())
    }
}

/// The one name that the first sentence of an answer has and its question has not, where the
/// question asks for one.
fn answered(asked: &Asked, turn: &Turn) -> Option<String> {
    let first = asked.tokens.first()?;
    let asks_for_name = match first.lower.as_str() {
        "who" => true,
        "which" | "what" => asked.tokens.get(1).is_some_and(|token| {
            is_generic_noun(&token.lower) || is_paper_noun(&token.lower) || token.is_nominal()
        }),
        _ => false,
    };
    if !asks_for_name || asked.phrases.first().is_some_and(|phrase| phrase.is_plural) {
        return None;
    }
    let text = crate::align::strip_markers(turn.answer.as_deref()?);
    let sentence = ingest::sentence::split(&text).into_iter().next()?;
    let known = asked.text.to_lowercase();
    let answer = Asked::of(&text[sentence]);
    let mut names = answer.names();
    names.retain(|name| !known.contains(&name.to_lowercase()));
    match &names[..] {
        [name] if name.split(' ').count() <= 4 => Some(name.clone()),
        _ => None,
    }
}
