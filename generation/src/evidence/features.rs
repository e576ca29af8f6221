//! What is known of a sentence that might answer a question.
//!
//! First what words tell, of all sentences; then, of the best by that, what token vectors tell that
//! were computed with the text around the sentence in view ([`add_vectors`]). A sentence seldom says
//! all that a question names: what stands next to it, in its heading and in the paper's title
//! counts too, apart.

use std::collections::HashSet;
use std::ops::Range;

use retrieval::tokens::WordVectors;
use retrieval::{Passage, headings};
use serde::{Deserialize, Serialize};

use super::prose::{is_bibliography, is_cut, is_finished, is_prose};
use super::{Scoring, Sources};
use crate::Result;
use crate::question::{Question, Wanted};
use crate::words::{content_stems, fold};

/// A sentence of a passage.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) passage: usize,
    /// Place among the sentences of its passage, prose or not.
    pub(super) position: usize,
    pub(super) range: Range<usize>,
    pub(super) features: Features,
}

/// Numbers about a sentence, most from 0 to 1. Shares of the question are weighted by how rare its
/// words are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    /// Share of the question in the sentence.
    pub overlap: f32,
    /// Share in the sentences beside it and not in it.
    pub beside: f32,
    /// Share in title and headings and not in it.
    pub above: f32,
    /// Share in title and headings, and neither in it nor beside it.
    pub only_above: f32,
    /// One over the rank of its passage.
    pub rank: f32,
    /// How far its passage scored below the best, 0 or less.
    pub gap: f32,
    /// The reranker's score of its passage.
    pub rerank: f32,
    /// It has a number, where one is wanted.
    pub number: f32,
    /// It has a date, where one is wanted.
    pub date: f32,
    /// It has a name, where one is wanted.
    pub name: f32,
    /// It has a cause, where one is wanted.
    pub cause: f32,
    /// It defines, where that is wanted.
    pub definition: f32,
    /// It begins in the middle of a sentence.
    pub cut: f32,
    /// It does not end as sentences do.
    pub unfinished: f32,
    /// Logarithm of its length in words.
    pub length: f32,
    /// It is very short.
    pub short: f32,
    /// It is a question itself.
    pub asks: f32,
    /// It is the first of its passage.
    pub first: f32,
    /// The weighted mean over the question's words of the best cosine among the sentence's, -1 to
    /// 1; `None` where it was not computed.
    pub maxsim: Option<f32>,
    /// What the sentences beside it add to that.
    pub maxsim_beside: f32,
    /// For each of [`Question::stems`], how far the sentence meets it, 0 to 1: whole where it stands
    /// there, less where it stands beside or above it, else the best cosine where that was computed.
    pub met: Vec<f32>,
    /// Cosine of the question to what was read around the sentence; `None` where it was not.
    pub cosine: Option<f32>,
}

fn flag(condition: bool) -> f32 {
    f32::from(u8::from(condition))
}

/// The question's stems with their weights, which sum to 1.
fn weights(question: &Question, scoring: &Scoring) -> Result<Vec<f32>> {
    let written: Vec<&str> = question.words.iter().map(String::as_str).collect();
    let weights = scoring.weigh(&written)?;
    let total: f32 = weights.iter().sum();
    Ok(weights
        .into_iter()
        .map(|weight| weight / total.max(1e-6))
        .collect())
}

/// All sentences of prose with what their words tell, each once: overlapping chunks repeat
/// sentences, whole or in part.
pub(super) fn candidates(
    question: &Question,
    sources: &Sources,
    sentences: &[Vec<Range<usize>>],
    scoring: &Scoring,
) -> Result<Vec<Candidate>> {
    let weights = weights(question, scoring)?;
    let share = |has: &dyn Fn(&String) -> bool| -> f32 {
        question
            .stems
            .iter()
            .zip(&weights)
            .filter(|(stem, _)| has(stem))
            .map(|(_, weight)| weight)
            .sum()
    };
    let best_score = sources.passages.first().map_or(0.0, |best| best.score);
    let mut seen: Vec<(&str, String)> = Vec::new();
    let mut found = Vec::new();
    for (index, passage) in sources.passages.iter().enumerate() {
        if passage.section.as_deref().is_some_and(is_bibliography) {
            continue;
        }
        let stems: Vec<HashSet<String>> = sentences[index]
            .iter()
            .map(|range| {
                content_stems(&passage.text[range.clone()])
                    .into_iter()
                    .collect()
            })
            .collect();
        let above = headings(&passage.title, passage.section.as_deref());
        let above: HashSet<String> = content_stems(&above).into_iter().collect();
        for (position, range) in sentences[index].iter().enumerate() {
            let text = &passage.text[range.clone()];
            if !is_prose(text) {
                continue;
            }
            let folded = fold(text);
            let is_known = seen.iter().any(|(document, other)| {
                *document == passage.document_id && other.contains(&folded)
            });
            if is_known {
                continue;
            }
            seen.push((&passage.document_id, folded));
            let own = &stems[position];
            let is_beside = |stem: &String| {
                position > 0 && stems[position - 1].contains(stem)
                    || stems
                        .get(position + 1)
                        .is_some_and(|next| next.contains(stem))
            };
            let length = text.split_whitespace().count();
            let fits = question.fits(text);
            let wanted = |kinds: &[Wanted]| match kinds.contains(&question.wanted) {
                true => fits,
                false => 0.0,
            };
            let features = Features {
                overlap: share(&|stem| own.contains(stem)),
                beside: share(&|stem| !own.contains(stem) && is_beside(stem)),
                above: share(&|stem| !own.contains(stem) && above.contains(stem)),
                only_above: share(&|stem| {
                    !own.contains(stem) && !is_beside(stem) && above.contains(stem)
                }),
                rank: 1.0 / (1.0 + index as f32),
                gap: passage.score - best_score,
                rerank: passage.scores.rerank.unwrap_or(passage.score),
                number: wanted(&[Wanted::Number, Wanted::Duration, Wanted::Share]),
                date: wanted(&[Wanted::Date]),
                name: wanted(&[Wanted::Who, Wanted::Where]),
                cause: wanted(&[Wanted::Why]),
                definition: wanted(&[Wanted::Definition]),
                cut: flag(is_cut(text)),
                unfinished: flag(!is_finished(text)),
                length: (1.0 + length as f32).ln(),
                short: flag(length < 7),
                asks: flag(text.trim_end().ends_with('?')),
                first: flag(position == 0),
                maxsim: None,
                maxsim_beside: 0.0,
                met: question
                    .stems
                    .iter()
                    .map(|stem| stands(stem, own, &above, is_beside(stem)))
                    .collect(),
                cosine: None,
            };
            found.push(Candidate {
                passage: index,
                position,
                range: range.clone(),
                features,
            });
        }
    }
    Ok(found)
}

/// How far a stem of the question stands in or about a sentence.
fn stands(stem: &String, own: &HashSet<String>, above: &HashSet<String>, beside: bool) -> f32 {
    if own.contains(stem) {
        1.0
    } else if above.contains(stem) {
        0.9
    } else if beside {
        0.8
    } else {
        0.0
    }
}

/// A part of a passage that is read at once.
struct Window {
    passage: usize,
    /// Bytes of the passage.
    range: Range<usize>,
}

/// Reads the sentences at `chosen` (places in `candidates`, best first) with those beside them, and
/// adds what their token vectors tell. Stops before more than `max_tokens` are read.
pub(super) fn add_vectors(
    question: &Question,
    candidates: &mut [Candidate],
    chosen: &[usize],
    sentences: &[Vec<Range<usize>>],
    sources: &Sources,
    scoring: &Scoring,
    max_tokens: usize,
) -> Result<()> {
    let windows = windows(candidates, chosen, sentences, sources, max_tokens);
    if windows.is_empty() {
        return Ok(());
    }
    let asked = sources.embedder.encode_query(&question.text)?;
    let vector = asked.vector;
    let asked = WordVectors::new(&question.text, &asked.tokens, sources.centre);
    // Which vector stands for each of the question's stems.
    let vector_of: Vec<Option<usize>> = question
        .places
        .iter()
        .map(|place| asked.ranges.iter().position(|range| range.contains(place)))
        .collect();
    let names: Vec<&str> = asked
        .ranges
        .iter()
        .map(|range| &question.text[range.clone()])
        .collect();
    let weights = scoring.weigh(&names)?;
    let total: f32 = weights.iter().sum();
    if total <= 0.0 {
        return Ok(());
    }

    let fronts: Vec<String> = windows
        .iter()
        .map(|window| {
            let passage: &Passage = &sources.passages[window.passage];
            headings(&passage.title, passage.section.as_deref())
        })
        .collect();
    let texts: Vec<String> = windows
        .iter()
        .zip(&fronts)
        .map(|(window, front)| {
            let text = &sources.passages[window.passage].text[window.range.clone()];
            format!("{front}{text}")
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let read = sources.embedder.encode_documents(&texts)?;
    for (((window, front), text), embedded) in windows.iter().zip(&fronts).zip(&texts).zip(read) {
        let inner = WordVectors::new(text, &embedded.tokens, sources.centre);
        let cosines: Vec<Vec<f32>> = (0..asked.vectors.len())
            .map(|at| asked.cosines(at, &inner))
            .collect();
        // Where a word stands in the passage; none for those of the headings.
        let starts: Vec<Option<usize>> = inner
            .ranges
            .iter()
            .map(|range| Some(range.start.checked_sub(front.len())? + window.range.start))
            .collect();
        // The best cosine of each of the question's words among those in a range.
        let best = |range: &Range<usize>| -> Option<Vec<f32>> {
            let inside: Vec<usize> = (0..starts.len())
                .filter(|at| starts[*at].is_some_and(|start| range.contains(&start)))
                .collect();
            let most = |row: &Vec<f32>| inside.iter().map(|at| row[*at]).fold(f32::MIN, f32::max);
            (!inside.is_empty()).then(|| cosines.iter().map(most).collect())
        };
        let mean = |best: &[f32]| -> f32 {
            let sum: f32 = best
                .iter()
                .zip(&weights)
                .map(|(best, weight)| weight * best)
                .sum();
            sum / total
        };
        let inside = |candidate: &&mut Candidate| {
            candidate.passage == window.passage
                && window.range.start <= candidate.range.start
                && candidate.range.end <= window.range.end
        };
        for candidate in candidates.iter_mut().filter(inside) {
            let around = around(&sentences[candidate.passage], candidate.position);
            let around = around.start.max(window.range.start)..around.end.min(window.range.end);
            let (Some(own), Some(whole)) = (best(&candidate.range), best(&around)) else {
                continue;
            };
            candidate.features.maxsim = Some(mean(&own));
            candidate.features.maxsim_beside = mean(&whole) - mean(&own);
            candidate.features.cosine = Some(dot(&vector, &embedded.vector));
            for (met, at) in candidate.features.met.iter_mut().zip(&vector_of) {
                if let Some(at) = at {
                    *met = met.max(own[*at]);
                }
            }
        }
    }
    Ok(())
}

/// A sentence with those beside it.
fn around(sentences: &[Range<usize>], position: usize) -> Range<usize> {
    let first = position.saturating_sub(1);
    let last = (position + 1).min(sentences.len() - 1);
    sentences[first].start..sentences[last].end
}

/// What is read for the chosen sentences: each with those beside it, joined where they meet.
fn windows(
    candidates: &[Candidate],
    chosen: &[usize],
    sentences: &[Vec<Range<usize>>],
    sources: &Sources,
    max_tokens: usize,
) -> Vec<Window> {
    /// Bytes of a token of English prose, for the budget; counting them exactly costs more than
    /// being off by some.
    const BYTES_OF_A_TOKEN: usize = 4;
    let mut left = max_tokens * BYTES_OF_A_TOKEN;
    let mut windows: Vec<Window> = Vec::new();
    for &at in chosen {
        let candidate = &candidates[at];
        let range = around(&sentences[candidate.passage], candidate.position);
        let passage = &sources.passages[candidate.passage];
        let meets = windows.iter().position(|window| {
            window.passage == candidate.passage
                && window.range.start <= range.end
                && range.start <= window.range.end
        });
        let (added, joined) = match meets {
            Some(met) => {
                let window = &windows[met].range;
                let joined = window.start.min(range.start)..window.end.max(range.end);
                (joined.len() - window.len(), joined)
            }
            None => {
                let front = headings(&passage.title, passage.section.as_deref());
                (range.len() + front.len(), range)
            }
        };
        if added > left {
            break;
        }
        left -= added;
        match meets {
            Some(met) => windows[met].range = joined,
            None => windows.push(Window {
                passage: candidate.passage,
                range: joined,
            }),
        }
    }
    windows
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}
