//! Why a sentence is not supported although its words are: what it says differs from the quote in
//! a way that shared words do not show.

use std::collections::HashSet;

use super::{Claim, Source, Veto};
use crate::numbers::quantities;
use crate::polarity::{OPPOSITES, Polarity};
use crate::words::{Word, fold, words};

/// Share of the pairs of neighbouring words that stand together in the evidence, at least.
const LEAST_TOGETHER: f32 = 0.6;

/// Share of what the sentence says beyond the question that the evidence has, at least.
const LEAST_NEW: f32 = 0.9;

/// Share of the question's words in the sentence that the evidence speaks of, at least.
const LEAST_SUBJECT: f32 = 0.5;

impl Claim<'_> {
    /// The first reason against it, if there is any.
    pub(super) fn veto(&self, source: &Source) -> Option<Veto> {
        self.wrong_number(source)
            .or_else(|| self.unknown_name(source))
            .or_else(|| self.lone_negation(source))
            .or_else(|| self.opposite(source))
            .or_else(|| self.other_role(source))
            .or_else(|| self.other_subject(source))
            .or_else(|| self.scrambled(source))
    }

    fn other_subject(&self, source: &Source) -> Option<Veto> {
        let asked: HashSet<&String> = self
            .content()
            .into_iter()
            .map(|(_, word)| &word.stem)
            .filter(|stem| self.question_stems.contains(*stem))
            .collect();
        let met: f32 = asked
            .iter()
            .map(|stem| match source.has(stem) {
                _ if source.before.contains(*stem) => 1.0,
                0.0 if source.title_stems.contains(*stem) => 0.5,
                has => has,
            })
            .sum();
        let is_other = !asked.is_empty() && met < LEAST_SUBJECT * asked.len() as f32;
        is_other.then_some(Veto::Subject)
    }

    fn scrambled(&self, source: &Source) -> Option<Veto> {
        const LEAST_APART: usize = 4;
        if self.is_verbatim(source) {
            return None;
        }
        let content = self.content();
        let new: Vec<bool> = content
            .iter()
            .filter(|(_, word)| !self.question_stems.contains(&word.stem))
            .map(|(_, word)| source.has(&word.stem) > 0.0)
            .collect();
        let known = new.iter().filter(|is_known| **is_known).count();
        let is_invented = (known as f32) < LEAST_NEW * new.len() as f32;
        // Few words have few neighbours: one turn of phrase would part them all.
        let is_apart =
            content.len() >= LEAST_APART && self.together(&content, source, 1.0) < LEAST_TOGETHER;
        let is_other = is_invented
            || is_apart
            || self.is_spliced(&content, source)
            || self.is_of_another_item(&content, source);
        is_other.then_some(Veto::Scrambled)
    }

    /// A word after "by", "from" and the like that has another such word before it in the source.
    fn other_role(&self, source: &Source) -> Option<Veto> {
        let here = roles(&self.words);
        let there = roles(&source.words);
        here.iter()
            .find(|(stem, role)| {
                let mut known = there.iter().filter(|(other, _)| other == stem).peekable();
                known.peek().is_some() && known.all(|(_, other)| other != role)
            })
            .map(|(stem, _)| Veto::Role((*stem).to_owned()))
    }

    fn wrong_number(&self, source: &Source) -> Option<Veto> {
        let known = quantities(source.text, true);
        quantities(self.text, true)
            .into_iter()
            .find(|quantity| !quantity.is_in(&known))
            .map(|quantity| {
                Veto::Number(format!("{}{}", quantity.value, quantity.unit.unwrap_or("")))
            })
    }

    /// True where the few words that answer stand in one item of a long enumeration, and most of
    /// what was asked about stands in others.
    fn is_of_another_item(&self, content: &[(usize, &Word)], source: &Source) -> bool {
        const LONG: usize = 30;
        const FEW: usize = 4;
        const ITEM: usize = 12;
        let (asked, new): (Vec<&str>, Vec<&str>) = content
            .iter()
            .map(|(_, word)| word.stem.as_str())
            .filter(|stem| source.stems.contains(*stem))
            .partition(|stem| self.question_stems.contains(*stem));
        if source.words.len() <= LONG || new.is_empty() || new.len() > FEW || asked.len() < 2 {
            return false;
        }
        let is_near = |stem: &&&str| new.iter().any(|other| source.has_within(stem, other, ITEM));
        asked.iter().filter(is_near).count() * 2 < asked.len()
    }

    /// True where two words that stand side by side in the claim ("combat damage") both are in
    /// the source, each with others: what was between them there has been skipped.
    fn is_spliced(&self, content: &[(usize, &Word)], source: &Source) -> bool {
        content.windows(2).any(|pair| {
            let [(left, first), (right, second)] = pair else {
                return false;
            };
            let is_new = |word: &Word| {
                source.stems.contains(&word.stem) && !self.question_stems.contains(&word.stem)
            };
            // Words with a comma or a bracket between them are no phrase.
            let between = &self.text[first.start + first.text.len()..second.start];
            right - left == 1
                && between.trim().is_empty()
                && is_new(first)
                && is_new(second)
                && !source.has_near(&first.stem, &second.stem)
        })
    }

    fn unknown_name(&self, source: &Source) -> Option<Veto> {
        let known: HashSet<String> = [source.text, source.title, self.question]
            .iter()
            .flat_map(|text| words(text))
            .map(|word| word.stem)
            .collect();
        let squashed: Vec<String> = [source.text, source.title, self.question]
            .iter()
            .map(|text| fold(text))
            .collect();
        let initials: String = source
            .words
            .iter()
            .filter_map(|word| word.text.chars().next())
            .flat_map(char::to_lowercase)
            .collect();
        (0..self.words.len())
            .filter(|index| self.is_name(*index))
            .map(|index| &self.words[index])
            .find(|word| {
                let name = fold(word.text);
                let is_acronym = word.text.len() >= 3 && word.text.chars().all(char::is_uppercase);
                let is_known = known.contains(&word.stem)
                    || name.len() >= 5 && squashed.iter().any(|text| text.contains(&name))
                    || is_acronym && initials.contains(&name);
                !is_known
            })
            .map(|word| Veto::Name(word.text.to_owned()))
    }

    fn lone_negation(&self, source: &Source) -> Option<Veto> {
        let here = Polarity::of(&self.words, self.text);
        let there = Polarity::of(&source.words, source.text);
        if here.has_negation && !there.has_negation {
            return Some(Veto::Negation("not".to_owned()));
        }
        let clash = |negated: &Polarity, plain: &Polarity| {
            negated
                .heads
                .iter()
                .filter(|stem| !negated.plain.contains(*stem))
                .find(|stem| plain.plain.contains(*stem) && !plain.negated.contains(*stem))
                .cloned()
        };
        clash(&here, &there)
            .or_else(|| clash(&there, &here))
            .map(Veto::Negation)
    }

    fn opposite(&self, source: &Source) -> Option<Veto> {
        let lower = |words: &[Word]| -> HashSet<String> {
            words.iter().map(|word| word.text.to_lowercase()).collect()
        };
        let (here, there) = (lower(&self.words), lower(&source.words));
        OPPOSITES
            .iter()
            .flat_map(|(left, right)| [(left, right), (right, left)])
            .find_map(|(said, meant)| {
                let said: Vec<&&str> = said.iter().filter(|word| here.contains(**word)).collect();
                let is_said_there = OPPOSITES
                    .iter()
                    .flat_map(|(left, right)| [left, right])
                    .filter(|side| said.iter().any(|word| side.contains(word)))
                    .any(|side| side.iter().any(|word| there.contains(*word)));
                let is_denied = meant.iter().any(|word| there.contains(*word));
                (!said.is_empty() && is_denied && !is_said_there)
                    .then(|| Veto::Opposite(said[0].to_string()))
            })
    }
}

/// Words that say what part the noun after them has, with that noun's stem. Only those that
/// cannot stand for one another: "in", "on", "of", "with" and "at" often can.
fn roles<'w>(words: &'w [Word]) -> Vec<(&'w str, &'w str)> {
    const ROLES: [&str; 7] = ["by", "for", "from", "than", "without", "despite", "against"];
    /// Words between, of a noun phrase.
    const REACH: usize = 3;
    let mut found = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let Some(role) = ROLES
            .iter()
            .find(|role| word.text.eq_ignore_ascii_case(role))
        else {
            continue;
        };
        let phrase = words[place + 1..]
            .iter()
            .take(REACH)
            .skip_while(|word| matches!(word.stem.as_str(), "the" | "a" | "an" | "its" | "their"))
            .take_while(|word| !word.is_stop && !word.text.ends_with("ing"));
        found.extend(phrase.map(|word| (word.stem.as_str(), *role)));
    }
    found
}
