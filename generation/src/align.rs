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

mod markers;
mod veto;

use std::collections::HashSet;

use retrieval::Passage;

use crate::clauses::clauses;
use crate::evidence::{Evidence, leans_on_the_sentence_before};
use crate::numbers::quantities;
use crate::words::{Word, content_stems, fold, words};

pub use markers::strip_markers;

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
}
