//! Summarises a paper by its own sentences, section by section.
//!
//! A summary that a small model writes cannot be checked sentence by sentence as well as quotes
//! can, so the sentences are chosen, not written. What a paper is about is said again and again in
//! it: a sentence that is like many others is central (see `centrality`). Added to that are what authors signal themselves ("we show", "in this paper"), where
//! a sentence stands, and how central it is within its section; taken away is what cannot stand
//! alone. No sentence is taken that says what another one has said.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use ingest::SECTION_SEPARATOR;
use ingest::section::SectionKind;
use retrieval::Passage;

use crate::centrality::{Vector, centrality, graph, likeness, vectors};
use crate::evidence::{is_cut, is_finished, is_prose};
use crate::parts::is_on_one_page;
use crate::words::{content_stems, fold, words};

/// How long a summary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// Sentences in all.
    pub sentences: usize,
    /// Sentences of one section; the abstract may have one more.
    pub per_section: usize,
}

impl Default for Length {
    fn default() -> Self {
        Self {
            sentences: 15,
            per_section: 3,
        }
    }
}

/// A section of the paper with its most telling sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading; empty for text before the first one.
    pub heading: String,
    /// Each sentence as the index of its passage and its bytes in [`Passage::text`], in the order
    /// of the paper.
    pub sentences: Vec<(usize, Range<usize>)>,
}

/// Heading of the abstract where the paper gives it none.
const ABSTRACT: &str = "Abstract";
/// More alike than this says the same.
const SAME: f32 = 0.5;
/// Sentences that are looked at; a book's chapters are thinned out evenly.
const MOST_SENTENCES: usize = 1500;

/// Weights of what makes a sentence telling.
const CENTRAL: f32 = 0.45;
const CENTRAL_IN_SECTION: f32 = 0.2;
const SIGNALLED: f32 = 0.25;
const PLACE: f32 = 0.15;
const OF_THE_TITLE: f32 = 0.15;
/// What remains of a sentence that leans on the one before it.
const LEANING: f32 = 0.35;

/// A sentence that may be chosen.
struct Candidate {
    passage: usize,
    range: Range<usize>,
    section: usize,
    vector: Vector,
    score: f32,
}

/// The most telling sentences of a paper, given all its passages in order and its abstract where it
/// is known. Empty where there is no running text.
pub fn summarise(
    passages: &[Passage],
    abstract_text: Option<&str>,
    length: Length,
) -> Vec<Section> {
    let (headings, mut candidates) = candidates(passages, abstract_text);
    if candidates.is_empty() {
        return Vec::new();
    }
    score(passages, &mut candidates);
    let chosen = choose(&candidates, headings.len(), length);
    headings
        .into_iter()
        .enumerate()
        .map(|(section, heading)| Section {
            heading,
            sentences: chosen
                .iter()
                .map(|&at| &candidates[at])
                .filter(|candidate| candidate.section == section)
                .map(|candidate| (candidate.passage, candidate.range.clone()))
                .collect(),
        })
        .filter(|section| !section.sentences.is_empty())
        .collect()
}

/// The headings, in order with the abstract first, and the sentences under them, each once.
fn candidates(passages: &[Passage], abstract_text: Option<&str>) -> (Vec<String>, Vec<Candidate>) {
    let abstract_text = fold(abstract_text.unwrap_or_default());
    let depth = depth_of_sections(passages);
    let mut headings = vec![ABSTRACT.to_owned()];
    let mut seen: HashSet<String> = HashSet::new();
    let mut found: Vec<(Candidate, Vec<String>)> = Vec::new();
    for (passage_idx, passage) in passages.iter().enumerate() {
        let path = passage.section.as_deref().unwrap_or_default();
        let kind = SectionKind::of(path);
        if kind == SectionKind::Back {
            continue;
        }
        let heading = heading_of(path, depth);
        for range in ingest::sentence::split(&passage.text) {
            let text = &passage.text[range.clone()];
            if !is_worth_quoting(text) || !is_on_one_page(passage, &range) {
                continue;
            }
            let folded = fold(text);
            let is_abstract =
                kind == SectionKind::Abstract || abstract_text.contains(folded.as_str());
            // What stands before the first heading is names and addresses, but for the abstract.
            if !seen.insert(folded) {
                continue;
            }
            let section = if is_abstract {
                0
            } else {
                // Of two sections with one heading the sentences stand together.
                match headings.iter().skip(1).position(|known| *known == heading) {
                    Some(at) => at + 1,
                    None => {
                        headings.push(heading.clone());
                        headings.len() - 1
                    }
                }
            };
            let candidate = Candidate {
                passage: passage_idx,
                range,
                section,
                vector: Vector::new(),
                score: 0.0,
            };
            found.push((candidate, content_stems(text)));
        }
    }
    // Chunks overlap and cut sentences: of a part and its whole, the whole counts.
    found = without_parts(passages, found);
    if found.len() > MOST_SENTENCES {
        let step = found.len().div_ceil(MOST_SENTENCES);
        found = found.into_iter().step_by(step).collect();
    }
    let (mut candidates, stems): (Vec<Candidate>, Vec<Vec<String>>) = found.into_iter().unzip();
    for (candidate, vector) in candidates.iter_mut().zip(vectors(&stems)) {
        candidate.vector = vector;
    }
    (headings, candidates)
}

/// Drops sentences that are the beginning or the end of their neighbour's.
fn without_parts(
    passages: &[Passage],
    found: Vec<(Candidate, Vec<String>)>,
) -> Vec<(Candidate, Vec<String>)> {
    let folds: Vec<String> = found
        .iter()
        .map(|(candidate, _)| fold(&passages[candidate.passage].text[candidate.range.clone()]))
        .collect();
    // Chunks that overlap are neighbours, so the whole is never far.
    const NEAR: usize = 30;
    let is_part = |at: usize| {
        let mut near = at.saturating_sub(NEAR)..(at + NEAR + 1).min(folds.len());
        near.any(|other| {
            let (part, whole) = (&folds[at], &folds[other]);
            whole.len() > part.len() && whole.contains(part.as_str())
        })
    };
    let parts: Vec<bool> = (0..folds.len()).map(is_part).collect();
    found
        .into_iter()
        .zip(parts)
        .filter(|(_, is_part)| !is_part)
        .map(|(candidate, _)| candidate)
        .collect()
}

/// Under how many headings all sections stand: some formats put the title over everything.
fn depth_of_sections(passages: &[Passage]) -> usize {
    let paths: Vec<Vec<&str>> = passages
        .iter()
        .filter_map(|passage| passage.section.as_deref())
        .map(|path| path.split(SECTION_SEPARATOR).collect())
        .collect();
    let Some(first) = paths.first() else { return 0 };
    let is_shared = paths.iter().all(|path| path.first() == first.first());
    let goes_deeper = paths.iter().any(|path| path.len() > 1);
    usize::from(is_shared && goes_deeper)
}

fn heading_of(path: &str, depth: usize) -> String {
    path.split(SECTION_SEPARATOR)
        .nth(depth)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// A whole sentence of running text that tells something of the paper's matter.
fn is_worth_quoting(text: &str) -> bool {
    const NOTICES: [&str; 16] = [
        "@",
        "©",
        "copyright",
        "permission",
        "all rights reserved",
        "licensed under",
        "creative commons",
        "corresponding author",
        "this work was supported",
        "equal contribution",
        "contributed equally",
        "conflict of interest",
        "competing interest",
        "is organized as follows",
        "is organised as follows",
        "is structured as follows",
    ];
    const CAPTIONS: [&str; 5] = ["figure", "fig", "table", "algorithm", "listing"];
    const LONGEST_WORDS: usize = 60;

    if !is_prose(text)
        || is_cut(text)
        || !is_finished(text)
        || text.trim_end().ends_with([':', ';', '?'])
    {
        return false;
    }
    // Items of a list stand in for what is said before them.
    let is_item = text.starts_with(|c: char| !c.is_alphanumeric() && !"\"“‘'([".contains(c));
    let lower = text.to_lowercase();
    if is_item || NOTICES.iter().any(|notice| lower.contains(notice)) {
        return false;
    }
    let found = words(text);
    let is_caption = found.first().is_some_and(|word| {
        CAPTIONS.contains(&word.stem.as_str())
            || CAPTIONS.contains(&word.text.to_lowercase().as_str())
    }) && found
        .get(1)
        .is_some_and(|word| word.text.starts_with(|c: char| c.is_ascii_digit()));
    // Formulas and listings come out as many short pieces.
    let symbols = text
        .chars()
        .filter(|c| "=<>{}|\\_^~∑∏∫√∈≤≥∀∃→".contains(*c))
        .count();
    !is_caption && found.len() <= LONGEST_WORDS && symbols <= 2
}

fn score(passages: &[Passage], candidates: &mut [Candidate]) {
    let vectors: Vec<&Vector> = candidates.iter().map(|one| &one.vector).collect();
    let edges = graph(&vectors);
    let central = centrality(&edges);
    let in_section: Vec<f32> = edges
        .iter()
        .enumerate()
        .map(|(at, edges)| {
            let same = |other: usize| candidates[other].section == candidates[at].section;
            edges
                .iter()
                .filter(|(other, _)| same(*other))
                .map(|(_, alike)| alike)
                .sum()
        })
        .collect();
    let mut most_in_section: HashMap<usize, f32> = HashMap::new();
    let mut ends: HashMap<usize, (usize, usize)> = HashMap::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let most = most_in_section.entry(candidate.section).or_default();
        *most = most.max(in_section[at]);
        ends.entry(candidate.section).or_insert((at, at)).1 = at;
    }
    let title: HashSet<String> = passages
        .first()
        .map(|passage| content_stems(&passage.title).into_iter().collect())
        .unwrap_or_default();
    for (at, candidate) in candidates.iter_mut().enumerate() {
        let text = &passages[candidate.passage].text[candidate.range.clone()];
        let most = most_in_section[&candidate.section].max(f32::MIN_POSITIVE);
        let (first, last) = ends[&candidate.section];
        let place = match at {
            _ if at == first => 1.0,
            _ if at == last => 0.6,
            _ if at <= first + 2 => 0.4,
            _ => 0.0,
        };
        let stems: HashSet<String> = content_stems(text).into_iter().collect();
        let of_title = title.intersection(&stems).count() as f32 / title.len().max(1) as f32;
        candidate.score = CENTRAL * central[at]
            + CENTRAL_IN_SECTION * in_section[at] / most
            + SIGNALLED * signals(text)
            + PLACE * place
            + OF_THE_TITLE * of_title.min(1.0);
        if leans(text) {
            candidate.score *= LEANING;
        }
    }
}

/// From 0 to 1: how far the authors themselves say that a sentence matters.
fn signals(text: &str) -> f32 {
    const STRONG: [&str; 27] = [
        "in this paper",
        "this paper",
        "in this work",
        "this work",
        "in this article",
        "this article",
        "in this study",
        "this study",
        "we propose",
        "we present",
        "we introduce",
        "we show",
        "we demonstrate",
        "we find that",
        "we found that",
        "our results",
        "our findings",
        "our approach",
        "our method",
        "our main",
        "in summary",
        "in conclusion",
        "we conclude",
        "these results",
        "results show",
        "the main contribution",
        "our contribution",
    ];
    const WEAK: [&str; 16] = [
        "we describe",
        "we develop",
        "we evaluate",
        "we report",
        "we use ",
        "we have shown",
        "we observe",
        "significantly",
        "outperform",
        "state of the art",
        "state-of-the-art",
        "is defined as",
        "the key ",
        "the goal",
        "the aim",
        "important",
    ];
    let lower = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    let has = |cues: &[&str]| cues.iter().any(|cue| lower.contains(cue));
    match (has(&STRONG), has(&WEAK)) {
        (true, _) => 1.0,
        (false, true) => 0.5,
        (false, false) => 0.0,
    }
}

/// True where a sentence says little without the one before it.
fn leans(text: &str) -> bool {
    const OPENERS: [&str; 28] = [
        "it",
        "they",
        "he",
        "she",
        "its",
        "their",
        "that",
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
        "but",
        "and",
        "also",
        "moreover",
        "furthermore",
        "similarly",
        "consequently",
        "conversely",
        "next",
        "again",
    ];
    let found = words(text);
    let Some(first) = found.first() else {
        return false;
    };
    let first = first.text.to_lowercase();
    // "This paper" and "these results" speak of the paper, "this is" of the sentence before.
    let second = found.get(1).map(|word| word.text.to_lowercase());
    let of_the_paper = [
        "paper", "work", "article", "study", "results", "findings", "survey", "thesis",
    ];
    match first.as_str() {
        "for" => second.is_some_and(|second| ["example", "instance"].contains(&second.as_str())),
        "this" | "these" => !second.is_some_and(|second| of_the_paper.contains(&second.as_str())),
        first => OPENERS.contains(&first),
    }
}

/// Indices of the chosen, in the order of the paper.
fn choose(candidates: &[Candidate], sections: usize, length: Length) -> Vec<usize> {
    let mut by_score: Vec<usize> = (0..candidates.len()).collect();
    by_score.sort_by(|&a, &b| {
        candidates[b]
            .score
            .total_cmp(&candidates[a].score)
            .then(a.cmp(&b))
    });
    let mut chosen: Vec<usize> = Vec::new();
    let mut counts = vec![0_usize; sections];
    let most_of = |section: usize| length.per_section + usize::from(section == 0);
    let fits = |chosen: &[usize], at: usize| {
        chosen
            .iter()
            .all(|&other| likeness(&candidates[other].vector, &candidates[at].vector) <= SAME)
    };
    // First the best of each section, so that none is passed over; then the best of all.
    for is_first in [true, false] {
        for &at in &by_score {
            let section = candidates[at].section;
            // The authors' own summary counts for more than one sentence of theirs.
            let limit = match (is_first, section) {
                (true, 0) => length.per_section,
                (true, _) => 1,
                (false, section) => most_of(section),
            };
            let is_full = chosen.len() >= length.sentences || counts[section] >= limit;
            if !is_full && !chosen.contains(&at) && fits(&chosen, at) {
                chosen.push(at);
                counts[section] += 1;
            }
        }
    }
    chosen.sort_unstable();
    chosen
}
