//! Ties each sentence of an answer to the evidence that supports it. No model takes part, so the
//! same sentence and evidence always give the same verdict.
//!
//! Support is the share of the sentence's content words that the evidence has, words that the
//! question already said counting little, mixed with how many of them stand together there as
//! they do in the sentence. Word overlap alone would pass a sentence with one wrong figure, so
//! some things veto it whatever its words: a number that the evidence lacks, a name that it lacks,
//! a negation on one side only, an opposite ("higher" for "lower"), another part in what happens
//! ("by the editors" for "for the editors"), words that stand together in the sentence only, and a
//! subject that the evidence does not speak of. The idea of checking an answer's atoms against its
//! source is from Min et al., "FActScore", 2023, <https://arxiv.org/abs/2305.14251>.

use std::collections::HashSet;

use retrieval::Passage;

use crate::clauses::clauses;
use crate::evidence::{Evidence, leans_on_the_sentence_before};
use crate::numbers::quantities;
use crate::polarity::{OPPOSITES, Polarity};
use crate::words::{Word, content_stems, fold, words};

/// A sentence with at least this support, and no veto, is supported.
pub const THRESHOLD: f32 = 0.7;

/// Weight of a word that the question said; others weigh 1.
const QUESTION_WORD_WEIGHT: f32 = 0.4;

/// Weight of a number or a name.
const HARD_WEIGHT: f32 = 2.0;

/// Share of the support that comes from words standing together.
const TOGETHER_SHARE: f32 = 0.2;

/// Weight of a pair of neighbouring words of which the question said one; others weigh 1.
const QUESTION_PAIR_WEIGHT: f32 = 0.3;

/// Share of the pairs of neighbouring words that stand together in the evidence, at least.
const LEAST_TOGETHER: f32 = 0.6;

/// Share of what the sentence says beyond the question that the evidence has, at least.
const LEAST_NEW: f32 = 0.9;

/// Share of the question's words in the sentence that the evidence speaks of, at least.
const LEAST_SUBJECT: f32 = 0.5;

/// Why a sentence is not supported although its words are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Veto {
    /// A number, or its unit, that the evidence does not have.
    Number(String),
    /// A name that neither the evidence nor the question has.
    Name(String),
    /// Something that one side negates and the other does not.
    Negation(String),
    /// A word whose opposite stands in the evidence.
    Opposite(String),
    /// A word that has another part in the evidence: done by it rather than for it.
    Role(String),
    /// Some of what it says beyond the question is not there, or not as the sentence joins it.
    Scrambled,
    /// What the sentence says of what was asked about, the evidence says of something else.
    Subject,
}

/// What supports a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// True where the evidence supports it.
    pub supported: bool,
    /// How well the best evidence supports it, 0 to 1.
    pub support: f32,
    /// Indices of that evidence: one, or one for each statement that the sentence makes.
    pub evidence: Vec<usize>,
    /// Why not, where words alone would have passed it.
    pub veto: Option<Veto>,
}

/// Finds the evidence that best supports `sentence`, an answer to `question`.
///
/// What a sentence says has to stand in one quote: of two that hold half of its words each,
/// neither need say it. A sentence of several statements may take a quote for each of them.
pub fn align(
    sentence: &str,
    question: &str,
    passages: &[Passage],
    evidence: &[Evidence],
) -> Alignment {
    let whole = align_statement(sentence, question, passages, evidence);
    let clauses = clauses(sentence);
    if whole.supported || clauses.len() < 2 {
        return whole;
    }
    let parts: Vec<Alignment> = clauses
        .iter()
        .map(|clause| align_statement(clause, question, passages, evidence))
        .collect();
    if !parts.iter().all(|part| part.supported) {
        return whole;
    }
    let mut quotes: Vec<usize> = Vec::new();
    for index in parts.iter().flat_map(|part| &part.evidence) {
        if !quotes.contains(index) {
            quotes.push(*index);
        }
    }
    Alignment {
        supported: true,
        support: parts.iter().map(|part| part.support).fold(1.0, f32::min),
        evidence: quotes,
        veto: None,
    }
}

/// The one piece of evidence that best supports `statement`.
fn align_statement(
    statement: &str,
    question: &str,
    passages: &[Passage],
    evidence: &[Evidence],
) -> Alignment {
    let claim = Claim::new(statement, question);
    let mut best = Alignment {
        supported: false,
        support: 0.0,
        evidence: Vec::new(),
        veto: None,
    };
    // Of equals the one that fits the question best, which comes first.
    for (index, item) in evidence.iter().enumerate() {
        let passage = &passages[item.passage];
        let source = Source::new(passage, item);
        let support = claim.support(&source);
        let veto = claim.veto(&source);
        let supported = support >= THRESHOLD && veto.is_none();
        if best.evidence.is_empty() || (supported, support) > (best.supported, best.support) {
            best = Alignment {
                supported,
                support,
                evidence: vec![index],
                veto,
            };
        }
    }
    best
}

/// A sentence of the answer, taken apart.
struct Claim<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
    question_stems: HashSet<String>,
    question: &'a str,
}

/// The evidence that it is compared with.
struct Source<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
    stems: HashSet<String>,
    title: &'a str,
    /// Stems of the title: what the paper speaks of, though not in each of its sentences.
    title_stems: HashSet<String>,
    /// Stems of what was said before, where the evidence leans on that ("It takes ...").
    before: HashSet<String>,
}

impl<'a> Source<'a> {
    fn new(passage: &'a Passage, item: &Evidence) -> Self {
        let text = &passage.text[item.range.clone()];
        let before = match leans_on_the_sentence_before(text) {
            true => &passage.text[..item.range.start],
            false => "",
        };
        let words = words(text);
        let stems = |text: &str| content_stems(text).into_iter().collect();
        Self {
            text,
            stems: words.iter().map(|word| word.stem.clone()).collect(),
            words,
            title: &passage.title,
            title_stems: stems(&passage.title),
            before: stems(before),
        }
    }

    /// True where the two words stand near each other somewhere.
    fn has_near(&self, left: &str, right: &str) -> bool {
        const NEAR: usize = 5;
        self.has_within(left, right, NEAR)
    }

    /// True where the two words stand at most so many words apart somewhere.
    fn has_within(&self, left: &str, right: &str, most: usize) -> bool {
        let places = |stem: &str| -> Vec<usize> {
            let words = self.words.iter().enumerate();
            words
                .filter(|(_, word)| word.stem == stem)
                .map(|(place, _)| place)
                .collect()
        };
        let right = places(right);
        places(left)
            .iter()
            .any(|left| right.iter().any(|right| left.abs_diff(*right) <= most))
    }

    /// How much of a word the source has: 1 for the word, less for one of the same root.
    fn has(&self, stem: &str) -> f32 {
        const ROOT: usize = 6;
        if self.stems.contains(stem) {
            return 1.0;
        }
        let root: String = stem.chars().take(ROOT).collect();
        let has_root =
            root.chars().count() == ROOT && self.stems.iter().any(|other| other.starts_with(&root));
        if has_root { 0.8 } else { 0.0 }
    }
}

impl<'a> Claim<'a> {
    fn new(text: &'a str, question: &'a str) -> Self {
        Self {
            text,
            words: words(text),
            question_stems: words(question).into_iter().map(|word| word.stem).collect(),
            question,
        }
    }

    fn support(&self, source: &Source) -> f32 {
        let figures = quantities(self.text, true);
        let content = self.content();
        // A bare number proves nothing: papers are full of numbers of sections and equations.
        if content.is_empty() && figures.iter().all(|figure| figure.unit.is_none()) {
            return 0.0;
        }
        // What only says the question again answers nothing, whatever it is compared with.
        let asked = quantities(self.question, true);
        let is_echo = content
            .iter()
            .all(|(_, word)| self.question_stems.contains(&word.stem))
            && figures.iter().all(|figure| figure.is_in(&asked));
        if is_echo {
            return 0.0;
        }
        if self.breaks_off() {
            return 0.0;
        }
        if self.is_verbatim(source) {
            return 1.0;
        }
        let (mut met, mut whole) = (0.0, 0.0);
        for (index, word) in &content {
            let weight = if self.question_stems.contains(&word.stem) {
                QUESTION_WORD_WEIGHT
            } else if self.is_name(*index) {
                HARD_WEIGHT
            } else {
                1.0
            };
            whole += weight;
            met += weight * source.has(&word.stem);
        }
        let known = quantities(source.text, true);
        for figure in &figures {
            let weight = if figure.is_in(&asked) {
                QUESTION_WORD_WEIGHT
            } else {
                HARD_WEIGHT
            };
            whole += weight;
            met += if figure.is_in(&known) { weight } else { 0.0 };
        }
        let coverage = met / whole;
        let together = self.together(&content, source, coverage);
        (1.0 - TOGETHER_SHARE) * coverage + TOGETHER_SHARE * together
    }

    /// True where the claim is a part of the source, letter for letter, in whole words.
    fn is_verbatim(&self, source: &Source) -> bool {
        let ends = [self.words.first(), self.words.last()];
        let is_whole = ends
            .iter()
            .flatten()
            .all(|word| source.stems.contains(&word.stem));
        is_whole && fold(source.text).contains(&fold(self.text))
    }

    /// True where the claim ends in the middle: "The examples of these are".
    fn breaks_off(&self) -> bool {
        let is_ended = self
            .text
            .trim_end()
            .ends_with(['.', '!', '?', '"', '”', ')']);
        !is_ended && self.words.last().is_some_and(|word| word.is_stop)
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

    /// The share of neighbouring content words of the claim that are near each other in the
    /// source too.
    fn together(&self, content: &[(usize, &Word)], source: &Source, otherwise: f32) -> f32 {
        if content.len() < 2 {
            return otherwise;
        }
        let (mut near, mut whole) = (0.0, 0.0);
        for pair in content.windows(2) {
            let is_asked = |(_, word): &(usize, &Word)| self.question_stems.contains(&word.stem);
            let weight = match pair.iter().any(is_asked) {
                true => QUESTION_PAIR_WEIGHT,
                false => 1.0,
            };
            whole += weight;
            if source.has_near(&pair[0].1.stem, &pair[1].1.stem) {
                near += weight;
            }
        }
        near / whole
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

    fn veto(&self, source: &Source) -> Option<Veto> {
        self.wrong_number(source)
            .or_else(|| self.unknown_name(source))
            .or_else(|| self.lone_negation(source))
            .or_else(|| self.opposite(source))
            .or_else(|| self.other_role(source))
            .or_else(|| self.other_subject(source))
            .or_else(|| self.scrambled(source))
    }

    /// The words that carry content, with their places; what is part of a figure is left out.
    fn content(&self) -> Vec<(usize, &Word<'a>)> {
        let figures = quantities(self.text, true);
        let in_figure = |word: &Word| {
            figures
                .iter()
                .any(|figure| (figure.start..figure.end).contains(&word.start))
        };
        self.words
            .iter()
            .enumerate()
            .filter(|(_, word)| !word.is_stop && !in_figure(word))
            .collect()
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

    /// True where the word is written as a name: with a capital inside a sentence, or with
    /// capitals or digits after its first letter.
    fn is_name(&self, index: usize) -> bool {
        let word = &self.words[index];
        if word.text.chars().count() < 2 {
            return false;
        }
        let is_capital = |word: &Word| word.text.chars().next().is_some_and(char::is_uppercase);
        let is_marked = word.text.chars().any(char::is_alphabetic)
            && word
                .text
                .chars()
                .skip(1)
                .any(|character| character.is_uppercase() || character.is_ascii_digit())
            && !word
                .text
                .starts_with(|character: char| character.is_ascii_digit());
        // The first word of a sentence has a capital whatever it is; followed by another, it is
        // the first part of a name.
        let is_first = index == 0;
        let begins_name = self
            .words
            .get(index + 1)
            .is_some_and(|next| is_capital(next) && !next.is_stop && next.text.len() > 1);
        is_marked || is_capital(word) && !word.is_stop && (!is_first || begins_name)
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

/// Takes out the citation marks that a model writes: `[1]`, `[2, 3]`, `(Note 1)`, `Note 2:`.
pub fn strip_markers(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(']) {
        let inside = &rest[open + 1..];
        let close = match rest.as_bytes()[open] {
            b'[' => ']',
            _ => ')',
        };
        let marker = inside
            .find(close)
            .filter(|end| is_marker(&inside[..*end], close == ']'));
        match marker {
            Some(end) => {
                stripped.push_str(rest[..open].trim_end_matches(' '));
                rest = &inside[end + 1..];
            }
            None => {
                stripped.push_str(&rest[..open + 1]);
                rest = inside;
            }
        }
    }
    stripped.push_str(rest);
    let trimmed = stripped.trim();
    // "Note 2: ..." and "1. ..." at the beginning.
    let unlabelled = ["Notes", "Note", "note", ""].iter().find_map(|label| {
        let after = trimmed.strip_prefix(label)?.trim_start();
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let tail = &after[digits..];
        let tail = tail.strip_prefix(':').or_else(|| tail.strip_prefix(". "))?;
        (digits > 0 && digits <= 2).then(|| tail.trim_start())
    });
    unlabelled.unwrap_or(trimmed).to_owned()
}

/// True for the inside of a bracket that holds nothing but numbers of notes. Round brackets need
/// the word, since "(3)" may be part of the text.
fn is_marker(inside: &str, is_square: bool) -> bool {
    let lower = inside.trim().to_lowercase();
    let numbers = ["notes", "note", "source"]
        .iter()
        .find_map(|label| lower.strip_prefix(label));
    let is_labelled = numbers.is_some();
    let numbers = numbers.unwrap_or(&lower);
    let is_numeric = numbers
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '–' | '&'));
    is_numeric && numbers.contains(|c: char| c.is_ascii_digit()) && (is_square || is_labelled)
}
