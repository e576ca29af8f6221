//! Chooses, from the passages that retrieval found, the few sentences that the model reads.
//!
//! A small model answers better from ten sentences than from ten pages, and prefill time grows
//! with every token. Each sentence is scored by what its words and its place tell ([`features`]);
//! the best are read with the text around them, so that token vectors can tell more, and scored
//! again; the best of those are kept until the token budget is spent. What is kept is also what can
//! be cited.

mod features;
mod prose;

use std::ops::Range;

use retrieval::Passage;
use retrieval::embed::Embedder;
use serde::{Deserialize, Serialize};

pub use features::Features;
pub(crate) use prose::is_finished;
pub use prose::{is_cut, is_prose, shares_a_word};

use crate::Result;
use crate::question::Question;
use crate::words::words;
use features::Candidate;

/// How much is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of evidence in all, as the embedder counts them. The model is given the best of it
    /// only: [`answer::Request::prompt_tokens`](crate::answer::Request::prompt_tokens).
    pub max_tokens: usize,
    /// Sentences kept at most.
    pub max_sentences: usize,
    /// Tokens that are read for their vectors at most, sentences beside the likely ones included.
    pub max_read: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_tokens: 700,
            max_sentences: 24,
            max_read: 1_500,
        }
    }
}

/// Words' rarity in a library: inverse document frequencies, in the order of the words.
pub type Rarity<'a> = &'a (dyn Fn(&[&str]) -> retrieval::Result<Vec<f32>> + Sync);

/// What evidence is chosen from, and what helps to choose.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What was found, best first.
    pub passages: &'a [Passage],
    /// The embedder that found them.
    pub embedder: &'a dyn Embedder,
    /// Mean of its token vectors, `(dimension)`; empty where it is not known.
    pub centre: &'a [f32],
    /// How rare words are.
    pub rarity: Rarity<'a>,
}

/// A sentence that the model reads and that the answer may cite.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Index of its passage.
    pub passage: usize,
    /// Its bytes in [`Passage::text`].
    pub range: Range<usize>,
    /// How well it fits the question, about 0 to 2.
    pub score: f32,
    /// What is known of it.
    pub features: Features,
    /// True where it was taken only to explain the sentence after it.
    pub is_neighbour: bool,
}

/// How words count.
struct Scoring<'a> {
    rarity: Rarity<'a>,
    /// No word counts more than one that a single chunk has: what the library does not have at all
    /// cannot tell its sentences apart.
    most: f32,
}

impl<'a> Scoring<'a> {
    fn new(rarity: Rarity<'a>) -> Result<Self> {
        /// A word that no library has, and how much more it counts than one of a single chunk.
        const UNKNOWN: &str = "zqxjkvbwy";
        const LEAD: f32 = 1.1;
        let most = rarity(&[UNKNOWN])?.first().copied().unwrap_or(1.0) - LEAD;
        Ok(Self {
            rarity,
            most: most.max(0.2),
        })
    }

    fn weigh(&self, words: &[&str]) -> Result<Vec<f32>> {
        let weights = (self.rarity)(words)?;
        Ok(weights
            .into_iter()
            .map(|weight| weight.clamp(0.1, self.most))
            .collect())
    }
}

/// How well a sentence fits, about 0 to 2: fitted by conditional logistic regression (one question,
/// one group), then rounded. All terms are shares or cosines, so that nothing depends on the size of
/// a library. For a sentence that was not read closely, what its token vectors would tell is guessed
/// from its words.
fn score(of: &Features) -> f32 {
    let vectors = match of.maxsim {
        Some(maxsim) => maxsim + 0.5 * of.maxsim_beside,
        None => {
            0.15 + 0.47 * of.overlap + 0.18 * of.beside - 0.05 * of.only_above + 0.29 * of.rerank
        }
    };
    vectors
        + 0.4 * of.overlap
        + 0.3 * of.beside
        + 0.5 * of.only_above
        + 0.5 * of.rerank
        + 0.25 * (of.number + of.date)
        + 0.15 * (of.cause + of.definition)
        - 0.15 * (of.cut + of.short)
        - 0.1 * of.asks
}

/// The part of a sentence's score that the sentence before it gets, where it explains it.
const NEIGHBOUR_SHARE: f32 = 0.8;

/// Sentences that are looked at closely, at most.
const READ_CLOSELY: usize = 40;

/// The evidence for `question`, best first; a neighbour follows the sentence that it explains.
///
/// # Errors
/// Where embedding or the index fails.
pub fn select(question: &Question, sources: &Sources, limits: Limits) -> Result<Vec<Evidence>> {
    let sentences: Vec<Vec<Range<usize>>> = sources
        .passages
        .iter()
        .map(|passage| ingest::sentence::split(&passage.text))
        .collect();
    let scoring = Scoring::new(sources.rarity)?;
    let mut candidates = features::candidates(question, sources, &sentences, &scoring)?;
    sort_by_score(&mut candidates);
    let chosen: Vec<usize> = (0..candidates.len().min(READ_CLOSELY)).collect();
    features::add_vectors(
        question,
        &mut candidates,
        &chosen,
        &sentences,
        sources,
        &scoring,
        limits.max_read,
    )?;
    sort_by_score(&mut candidates);
    Ok(keep(candidates, &sentences, sources, limits))
}

fn sort_by_score(candidates: &mut [Candidate]) {
    candidates.sort_by(|left, right| score(&right.features).total_cmp(&score(&left.features)));
}

/// Takes the best until the budget is spent.
fn keep(
    candidates: Vec<Candidate>,
    sentences: &[Vec<Range<usize>>],
    sources: &Sources,
    limits: Limits,
) -> Vec<Evidence> {
    let mut kept: Vec<Evidence> = Vec::new();
    let mut tokens_left = limits.max_tokens;
    for candidate in candidates {
        if kept.len() >= limits.max_sentences {
            break;
        }
        let is_kept = |kept: &[Evidence], range: &Range<usize>| {
            kept.iter()
                .any(|other| other.passage == candidate.passage && other.range.start == range.start)
        };
        if is_kept(&kept, &candidate.range) {
            continue;
        }
        let text = &sources.passages[candidate.passage].text;
        let tokens = sources
            .embedder
            .count_tokens(&text[candidate.range.clone()]);
        if tokens > tokens_left {
            continue;
        }
        tokens_left -= tokens;
        let evidence = Evidence {
            passage: candidate.passage,
            range: candidate.range.clone(),
            score: score(&candidate.features),
            features: candidate.features,
            is_neighbour: false,
        };
        let neighbour = candidate
            .position
            .checked_sub(1)
            .filter(|_| leans_on_the_sentence_before(&text[evidence.range.clone()]))
            .map(|before| sentences[evidence.passage][before].clone())
            .filter(|range| is_prose(&text[range.clone()]) && !is_kept(&kept, range));
        let explained = evidence.clone();
        kept.push(evidence);
        if let Some(range) = neighbour {
            let tokens = sources.embedder.count_tokens(&text[range.clone()]);
            if tokens <= tokens_left {
                tokens_left -= tokens;
                kept.push(Evidence {
                    range,
                    score: explained.score * NEIGHBOUR_SHARE,
                    is_neighbour: true,
                    ..explained
                });
            }
        }
    }
    kept
}

/// True where the sentence can hardly be understood without the one before it.
pub(crate) fn leans_on_the_sentence_before(sentence: &str) -> bool {
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
