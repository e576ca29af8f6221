//! A question's words as the index has them.
//!
//! The language of a question can rarely be told, so each of its words is analysed as every
//! language that the index holds would have it, and what comes out counts as one word: where two
//! forms stand in one passage their counts are added before BM25's saturation, and the word's
//! weight is that of its most common form. So a library in five languages scores like one in one.
//!
//! Stop words are those of the language that most of the question's words are stop words of,
//! English in doubt, and they are dropped unless there is nothing else.

use std::collections::HashMap;

use super::analysis::{Word, words};
use super::identifier;
use super::language::Language;
use super::query::{Clause, Occur, ParsedQuery, QueryField};

/// Words of a question that are searched; a pasted page must not cost seconds.
const CONCEPTS: usize = 256;
/// Words that are looked through for them.
const SCANNED: usize = 4_096;

/// A field that gives a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Slot {
    Body,
    Title,
    Section,
    Authors,
    Exact,
}

/// All of them, each at its number.
pub(super) const SLOTS: [Slot; 5] = [
    Slot::Body,
    Slot::Title,
    Slot::Section,
    Slot::Authors,
    Slot::Exact,
];

/// A word of a question in all its forms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Concept {
    /// How much it counts.
    pub(super) weight: f32,
    /// Where it is looked for.
    pub(super) terms: Vec<(Slot, String)>,
}

impl Concept {
    /// True where it is an identifier as a whole.
    pub(super) fn is_exact(&self) -> bool {
        self.terms.iter().all(|(slot, _)| *slot == Slot::Exact)
    }
}

/// The words and identifiers that `parsed` looks for, each once.
pub(super) fn concepts(parsed: &ParsedQuery, languages: &[Language]) -> Vec<Concept> {
    let wanted = || {
        let clauses = parsed.clauses.iter();
        clauses.filter(|clause| clause.occur != Occur::MustNot)
    };
    let texts = wanted().map(|clause| clause.text.as_str());
    let language = stop_language(texts, languages);
    let mut found = gathered(wanted(), languages, Some(language));
    if found.is_empty() {
        found = gathered(wanted(), languages, None);
    }
    found
}

/// A text's words that carry meaning, in the order in which they stand, each once.
pub(super) fn meaningful<'t>(text: &'t str, languages: &[Language]) -> Vec<Word<'t>> {
    let language = stop_language(std::iter::once(text), languages);
    words(text)
        .take(SCANNED)
        .filter(|word| !word.part_of_pair && !language.is_stop_word(&word.surface))
        .collect()
}

/// What a word, or what the tokenizer makes of it, is in the index, stop word or not.
pub(super) fn of_word(word: &str, languages: &[Language]) -> Vec<Concept> {
    let parts = words(word).take(CONCEPTS).filter(|part| !part.part_of_pair);
    let concepts = parts.map(|part| Concept {
        weight: 1.0,
        terms: terms_of(&part, None, languages),
    });
    concepts.collect()
}

/// The forms of one word in the fields that are stemmed, each once.
pub(super) fn forms(word: &Word<'_>, languages: &[Language]) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    for language in languages {
        let form = word.term(*language);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

fn gathered<'q>(
    clauses: impl Iterator<Item = &'q Clause>,
    languages: &[Language],
    stop: Option<Language>,
) -> Vec<Concept> {
    let mut found: Vec<Concept> = Vec::new();
    let mut known: HashMap<Vec<(Slot, String)>, (usize, f32)> = HashMap::new();
    let mut add = |terms: Vec<(Slot, String)>, found: &mut Vec<Concept>| {
        if let Some((place, times)) = known.get_mut(&terms) {
            *times += 1.0;
            found[*place].weight = repeated(*times);
        } else if found.len() < CONCEPTS {
            known.insert(terms.clone(), (found.len(), 1.0));
            found.push(Concept { weight: 1.0, terms });
        }
    };
    for clause in clauses {
        if matches!(clause.field, None | Some(QueryField::Body)) {
            // Within one name, whole and core are the same thing said twice.
            let mut end = 0;
            let mut terms: Vec<(Slot, String)> = Vec::new();
            for identifier in identifier::find(&clause.text) {
                if identifier.range.start >= end && !terms.is_empty() {
                    add(std::mem::take(&mut terms), &mut found);
                }
                end = end.max(identifier.range.end);
                terms.push((Slot::Exact, identifier.canonical));
                if found.len() >= CONCEPTS / 2 {
                    break;
                }
            }
            if !terms.is_empty() {
                add(terms, &mut found);
            }
        }
        let scanned = words(&clause.text).take(SCANNED);
        for word in scanned.filter(|word| !word.part_of_pair) {
            if stop.is_some_and(|language| language.is_stop_word(&word.surface)) {
                continue;
            }
            add(terms_of(&word, clause.field, languages), &mut found);
        }
    }
    found
}

/// Weight of a word that is asked for several times (BM25's k3 of 1).
fn repeated(times: f32) -> f32 {
    2.0 * times / (1.0 + times)
}

fn terms_of(
    word: &Word<'_>,
    field: Option<QueryField>,
    languages: &[Language],
) -> Vec<(Slot, String)> {
    let slots: &[Slot] = match field {
        None => &[Slot::Body, Slot::Title, Slot::Section, Slot::Authors],
        Some(QueryField::Body) => &[Slot::Body],
        Some(QueryField::Title) => &[Slot::Title],
        Some(QueryField::Section) => &[Slot::Section],
        Some(QueryField::Authors) => &[Slot::Authors],
    };
    let forms = forms(word, languages);
    let mut terms = Vec::with_capacity(slots.len() * forms.len());
    for slot in slots {
        if *slot == Slot::Authors {
            terms.push((*slot, word.plain()));
        } else {
            terms.extend(forms.iter().map(|form| (*slot, form.clone())));
        }
    }
    terms
}

/// The language whose stop words the question has most of.
fn stop_language<'q>(texts: impl Iterator<Item = &'q str>, languages: &[Language]) -> Language {
    let mut counts = vec![0_usize; languages.len()];
    for text in texts {
        for word in words(text).take(CONCEPTS) {
            for (count, language) in counts.iter_mut().zip(languages) {
                *count += usize::from(language.is_stop_word(&word.surface));
            }
        }
    }
    let english = languages.iter().position(|&of| of == Language::English);
    let in_english = english.map_or(0, |at| counts[at]);
    let most = counts.iter().copied().max().unwrap_or(0);
    if most > in_english {
        let best = counts.iter().position(|&count| count == most);
        best.map_or(Language::English, |at| languages[at])
    } else {
        Language::English
    }
}
