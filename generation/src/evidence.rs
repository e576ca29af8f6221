//! Chooses, from the passages that retrieval found, the few sentences that the model reads.
//!
//! A small model answers better from ten sentences than from ten pages, and prefill time grows
//! with every token. Each sentence is scored by its meaning (cosine to the question), by the
//! question's rare words in it (weighted by inverse document frequency among the candidates), and
//! by the rank of its passage; the best are kept until the token budget is spent. What is kept is
//! also what can be cited.
//!
//! Extracted text holds much that ends with a full stop and is no sentence: bibliographies, table
//! cells, headings, running titles. [`is_prose`] leaves those out.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use retrieval::Passage;
use retrieval::embed::Embedder;

use crate::Result;
use crate::words::{content_stems, words};

/// How much is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of evidence in all, as the embedder counts them.
    pub max_tokens: usize,
    /// Sentences kept at most.
    pub max_sentences: usize,
    /// Sentences of one passage kept at most, neighbours apart.
    pub max_per_passage: usize,
    /// Sentences that are embedded at most; the others, which share fewest words with the
    /// question, are dropped unread.
    pub max_embedded: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_tokens: 350,
            max_sentences: 10,
            max_per_passage: 4,
            max_embedded: 40,
        }
    }
}

/// A sentence that the model reads and that the answer may cite.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Index of its passage.
    pub passage: usize,
    /// Its bytes in [`Passage::text`].
    pub range: Range<usize>,
    /// How well it fits the question; what the choice goes by.
    pub score: f32,
    /// Cosine to the question.
    pub cosine: f32,
    /// Share of the question's words in it, weighted by their rarity, 0 to 1.
    pub overlap: f32,
    /// True where it was taken only to explain the sentence after it.
    pub is_neighbour: bool,
}

/// Weights of the three parts of a score.
const COSINE_WEIGHT: f32 = 0.6;
const OVERLAP_WEIGHT: f32 = 0.3;
const RANK_WEIGHT: f32 = 0.1;

/// Sentences that score below this share of the best one are left out.
const RELATIVE_FLOOR: f32 = 0.6;

/// The part of a sentence's score that the sentence before it gets, where it explains it.
const NEIGHBOUR_SHARE: f32 = 0.8;

/// A sentence of a passage, before it is scored.
struct Candidate {
    passage: usize,
    /// Place among the sentences of its passage, prose or not.
    position: usize,
    range: Range<usize>,
    stems: HashSet<String>,
    overlap: f32,
}

/// The evidence for `question`, best first; a neighbour follows the sentence that it explains.
///
/// # Errors
/// Where embedding fails.
pub fn select(
    question: &str,
    passages: &[Passage],
    embedder: &dyn Embedder,
    limits: Limits,
) -> Result<Vec<Evidence>> {
    let sentences: Vec<Vec<Range<usize>>> = passages
        .iter()
        .map(|passage| ingest::sentence::split(&passage.text))
        .collect();
    let mut candidates = candidates(passages, &sentences);
    score_overlap(question, &mut candidates);
    let rank = |candidate: &Candidate| 1.0 / (1.0 + candidate.passage as f32);
    candidates.sort_by(|left, right| {
        let score = |candidate: &Candidate| candidate.overlap + 0.5 * rank(candidate);
        score(right).total_cmp(&score(left))
    });
    candidates.truncate(limits.max_embedded);

    let cosines = cosines(question, passages, &candidates, embedder)?;
    let mut scored: Vec<(Candidate, Evidence)> = candidates
        .into_iter()
        .zip(cosines)
        .map(|(candidate, cosine)| {
            let evidence = Evidence {
                passage: candidate.passage,
                range: candidate.range.clone(),
                score: COSINE_WEIGHT * cosine
                    + OVERLAP_WEIGHT * candidate.overlap
                    + RANK_WEIGHT * rank(&candidate),
                cosine,
                overlap: candidate.overlap,
                is_neighbour: false,
            };
            (candidate, evidence)
        })
        .collect();
    scored.sort_by(|left, right| right.1.score.total_cmp(&left.1.score));
    Ok(keep(scored, passages, &sentences, embedder, limits))
}

/// All sentences of prose, each once: overlapping chunks repeat sentences, whole or in part.
fn candidates(passages: &[Passage], sentences: &[Vec<Range<usize>>]) -> Vec<Candidate> {
    let mut found: Vec<(String, Candidate)> = Vec::new();
    for (passage_idx, passage) in passages.iter().enumerate() {
        if passage.section.as_deref().is_some_and(is_bibliography) {
            continue;
        }
        for (position, range) in sentences[passage_idx].iter().enumerate() {
            let text = &passage.text[range.clone()];
            if !is_prose(text) {
                continue;
            }
            let folded = fold(text);
            if found.iter().any(|(other, _)| other.contains(&folded)) {
                continue;
            }
            found.retain(|(other, _)| !folded.contains(other.as_str()));
            let candidate = Candidate {
                passage: passage_idx,
                position,
                range: range.clone(),
                stems: content_stems(text).into_iter().collect(),
                overlap: 0.0,
            };
            found.push((folded, candidate));
        }
    }
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Letters and digits only, in lower case: what stays the same when a sentence is printed twice.
fn fold(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn score_overlap(question: &str, candidates: &mut [Candidate]) {
    let mut asked = content_stems(question);
    asked.sort();
    asked.dedup();
    let total = candidates.len() as f32;
    let weights: HashMap<String, f32> = asked
        .into_iter()
        .map(|stem| {
            let having = candidates
                .iter()
                .filter(|candidate| candidate.stems.contains(&stem))
                .count() as f32;
            let weight = ((total + 1.0) / (having + 0.5)).ln().max(0.1);
            (stem, weight)
        })
        // A word that no candidate has cannot tell them apart, but still says that the question
        // is not fully met: it counts as much as a word that one candidate has.
        .map(|(stem, weight)| (stem, weight.min(((total + 1.0) / 1.5).ln().max(0.1))))
        .collect();
    let whole: f32 = weights.values().sum();
    for candidate in candidates {
        let met: f32 = weights
            .iter()
            .filter(|(stem, _)| candidate.stems.contains(*stem))
            .map(|(_, weight)| weight)
            .sum();
        candidate.overlap = if whole > 0.0 { met / whole } else { 0.0 };
    }
}

/// The cosine of each candidate to the question. Neighbours in length are embedded together,
/// since a batch costs as much as its longest text.
fn cosines(
    question: &str,
    passages: &[Passage],
    candidates: &[Candidate],
    embedder: &dyn Embedder,
) -> Result<Vec<f32>> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let asked = embedder.embed_query(question)?;
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|index| candidates[*index].range.len());
    let mut cosines = vec![0.0; candidates.len()];
    for batch in order.chunks(candidates.len().div_ceil(2)) {
        let texts: Vec<&str> = batch
            .iter()
            .map(|index| {
                let candidate = &candidates[*index];
                &passages[candidate.passage].text[candidate.range.clone()]
            })
            .collect();
        for (index, vector) in batch.iter().zip(embedder.embed_documents(&texts)?) {
            cosines[*index] = vector
                .iter()
                .zip(&asked)
                .map(|(left, right)| left * right)
                .sum();
        }
    }
    Ok(cosines)
}

/// Takes the best until the budget is spent.
fn keep(
    scored: Vec<(Candidate, Evidence)>,
    passages: &[Passage],
    sentences: &[Vec<Range<usize>>],
    embedder: &dyn Embedder,
    limits: Limits,
) -> Vec<Evidence> {
    let Some(best) = scored.first().map(|(_, evidence)| evidence.score) else {
        return Vec::new();
    };
    let mut kept: Vec<Evidence> = Vec::new();
    let mut tokens_left = limits.max_tokens;
    for (candidate, evidence) in scored {
        if kept.len() >= limits.max_sentences || evidence.score < RELATIVE_FLOOR * best {
            break;
        }
        let of_passage = kept
            .iter()
            .filter(|other| other.passage == evidence.passage && !other.is_neighbour)
            .count();
        let is_kept = kept.iter().any(|other| {
            other.passage == evidence.passage && other.range.start == evidence.range.start
        });
        if of_passage >= limits.max_per_passage || is_kept {
            continue;
        }
        let text = &passages[evidence.passage].text;
        let tokens = embedder.count_tokens(&text[evidence.range.clone()]);
        if tokens > tokens_left {
            continue;
        }
        tokens_left -= tokens;

        let neighbour = candidate
            .position
            .checked_sub(1)
            .filter(|_| leans_on_the_sentence_before(&text[evidence.range.clone()]))
            .map(|before| sentences[evidence.passage][before].clone())
            .filter(|range| is_prose(&text[range.clone()]))
            .filter(|range| {
                !kept.iter().any(|other| {
                    other.passage == evidence.passage && other.range.start == range.start
                })
            });
        let explained = evidence.clone();
        kept.push(evidence);
        if let Some(range) = neighbour {
            let tokens = embedder.count_tokens(&text[range.clone()]);
            if tokens <= tokens_left {
                tokens_left -= tokens;
                kept.push(Evidence {
                    range,
                    score: explained.score * NEIGHBOUR_SHARE,
                    cosine: 0.0,
                    overlap: 0.0,
                    is_neighbour: true,
                    ..explained
                });
            }
        }
    }
    kept
}

/// True where the sentence can hardly be understood without the one before it.
fn leans_on_the_sentence_before(sentence: &str) -> bool {
    const OPENERS: [&str; 20] = [
        "it",
        "they",
        "he",
        "she",
        "its",
        "their",
        "this",
        "that",
        "these",
        "those",
        "such",
        "however",
        "therefore",
        "thus",
        "hence",
        "instead",
        "otherwise",
        "both",
        "here",
        "then",
    ];
    words(sentence)
        .first()
        .is_some_and(|word| OPENERS.contains(&word.text.to_lowercase().as_str()))
}

fn is_bibliography(section: &str) -> bool {
    let section = section.to_lowercase();
    [
        "references",
        "bibliography",
        "works cited",
        "literature cited",
    ]
    .iter()
    .any(|name| section.trim().ends_with(name))
}

/// True for what reads as a sentence of running text; false for headings, table cells, formulas,
/// fragments and entries of a bibliography.
pub fn is_prose(text: &str) -> bool {
    const LEAST_CHARACTERS: usize = 25;
    const MOST_CHARACTERS: usize = 900;
    const LEAST_WORDS: usize = 5;
    /// Without a full stop, anything shorter is a heading or a cell.
    const LEAST_UNFINISHED_WORDS: usize = 9;

    let text = text.trim();
    let characters = text.chars().filter(|c| !c.is_whitespace()).count();
    if !(LEAST_CHARACTERS..=MOST_CHARACTERS).contains(&characters) {
        return false;
    }
    // What begins in the middle of a sentence was cut by a page, a column or a figure.
    if text.chars().next().is_some_and(char::is_lowercase) {
        return false;
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters * 10 < characters * 6 {
        return false;
    }
    let found = words(text);
    let least = if is_finished(text) {
        LEAST_WORDS
    } else {
        LEAST_UNFINISHED_WORDS
    };
    // Text without any function word is a list of names or of table cells. Only languages that
    // write between spaces have such words.
    let is_spaced = text.is_ascii();
    let has_function_word = found.iter().any(|word| word.is_stop);
    found.len() >= least && (has_function_word || !is_spaced) && !is_reference(text)
}

/// True where two texts have a word in common that carries meaning, in whatever inflection.
pub fn shares_a_word(left: &str, right: &str) -> bool {
    let left: HashSet<String> = content_stems(left).into_iter().collect();
    content_stems(right).iter().any(|stem| left.contains(stem))
}

/// True where the text ends as a sentence does.
pub(crate) fn is_finished(text: &str) -> bool {
    text.trim_end()
        .trim_end_matches(['"', '\'', ')', ']', '”', '’'])
        .ends_with(['.', '!', '?', ':', ';', '。', '！', '？'])
}

/// True for an entry of a bibliography, which has at least two of its marks.
fn is_reference(text: &str) -> bool {
    const MARKS: [&str; 16] = [
        "pp.",
        "In Proc",
        "Proceedings of",
        "arXiv:",
        "arXiv preprint",
        "doi:",
        "doi.org",
        "http",
        "vol.",
        "Vol.",
        "et al.,",
        "Press,",
        "Journal of",
        "Trans.",
        "eds.",
        "Technical report",
    ];
    let begins_numbered = text.strip_prefix('[').is_some_and(|rest| {
        rest.split_once(']')
            .is_some_and(|(number, _)| number.parse::<u16>().is_ok())
    });
    let initials = text
        .split([' ', '\n'])
        .filter(|word| {
            let mut characters = word.trim_end_matches(',').chars();
            matches!(
                (characters.next(), characters.next(), characters.next()),
                (Some(first), Some('.'), None) if first.is_uppercase()
            )
        })
        .count();
    let marks = MARKS.iter().filter(|mark| text.contains(**mark)).count();
    marks + usize::from(begins_numbered) + initials.min(3) / 2 + usize::from(initials >= 4) >= 2
}
