//! What each of several papers says on one or more aspects: a cell a paper and aspect, made of the
//! best sentences that a search of that paper alone finds. A paper that says nothing on an aspect
//! has an empty cell: nothing is made up to fill it.

use std::sync::Arc;

use anyhow::Result;
use generation::Origin;
use generation::evidence::{self, Evidence, Limits, Sources};
use generation::parts::{Asked, Composer, is_on_one_page};
use generation::question::Question;
use ingest::section::SectionKind;
use retrieval::Passage;
use retrieval::embed::Embedder;

use super::about::{Scope, Told};
use crate::catalog::DocumentRecord;
use crate::library::search::SearchRequest;
use crate::library::{Indexes, Library, blocking};

/// Papers that are compared at most: more make no table that a person reads.
const MOST_PAPERS: usize = 6;
/// Passages of a paper that are read for an aspect.
const PASSAGES: usize = 6;
/// Passages by which papers are chosen where there are too many.
const CHOOSING: usize = 100;
/// Tokens of them that are read for their vectors.
const MOST_READ: usize = 600;
/// Papers that a search can be restricted to one by one.
const MOST_NAMED: usize = 200;
/// Sentences in a cell.
const IN_A_CELL: usize = 2;
/// A second sentence has at least this share of the first one's score.
const SECOND: f32 = 0.85;
/// Cosine from which a sentence is on the aspect, whatever its words.
const ON_IT: f32 = 0.45;
/// Cosine that is enough where it has a word of the aspect as well.
const WITH_A_WORD: f32 = 0.25;
/// Cosine that is enough where the question named no aspect.
const IN_GENERAL: f32 = 0.2;

/// What is compared where the question doesn't say.
const GENERAL: [(&str, &str); 3] = [
    (
        "Aim",
        "What problem does this paper address and what does it propose?",
    ),
    ("Method", "What method, model or design does the paper use?"),
    (
        "Results",
        "What are the main results and findings of the paper?",
    ),
];

/// A column of the table.
#[derive(Debug, Clone)]
struct Aspect {
    name: String,
    question: String,
    is_general: bool,
}

impl Library {
    /// Compares papers; all those of `scope`, or the ones that say most.
    pub(super) async fn compare(
        &self,
        aspects: &[String],
        mut scope: Scope,
        mut asked: Asked,
    ) -> Result<Told> {
        let aspects = columns(aspects);
        let mut warnings = Vec::new();
        if scope.papers.len() > MOST_PAPERS {
            let count = scope.papers.len();
            self.keep_those_that_say_most(&aspects, &mut scope).await?;
            warnings.push(format!(
                "compared are the {} of {count} papers that say most about it",
                scope.papers.len()
            ));
        }
        let embedder = self.embedder().await?;
        let indexes = self.indexes().await?;
        let mut composer = Composer::default();
        for paper in &scope.papers {
            for aspect in &aspects {
                composer.begin(&paper.title, Some(&paper.id), Some(&aspect.name));
                let passages = self.passages_on(aspect, paper, &mut warnings).await?;
                let cell =
                    cell(aspect.clone(), passages, embedder.clone(), indexes.clone()).await?;
                for (passage, range) in cell {
                    composer.quote(&passage, range);
                }
            }
        }
        asked.retrieve_ms = Some(asked.started.elapsed().as_secs_f64() * 1000.0);
        let answered = match composer.has_no_quotes() {
            true => Composer::nothing(
                asked,
                Origin::Extractive,
                "None of the papers says anything about it.",
            ),
            false => composer.finish(asked, Origin::Extractive),
        };
        Ok(Told { answered, warnings })
    }

    async fn keep_those_that_say_most(&self, aspects: &[Aspect], scope: &mut Scope) -> Result<()> {
        let questions: Vec<&str> = aspects
            .iter()
            .map(|aspect| aspect.question.as_str())
            .collect();
        let named: Vec<String> = match scope.is_named && scope.papers.len() <= MOST_NAMED {
            true => scope.papers.iter().map(|paper| paper.id.clone()).collect(),
            false => Vec::new(),
        };
        let found = self
            .search(&SearchRequest {
                query: questions.join("; "),
                top_k: Some(CHOOSING),
                documents: named,
                collection: scope.collection.clone(),
                is_question: true,
                ..SearchRequest::default()
            })
            .await?;
        let place = |paper: &DocumentRecord| {
            found
                .passages
                .iter()
                .position(|passage| passage.document_id == paper.id)
                .unwrap_or(usize::MAX)
        };
        // Those of which nothing was found keep their order, after the others.
        scope.papers.sort_by_key(place);
        scope.papers.truncate(MOST_PAPERS);
        Ok(())
    }

    async fn passages_on(
        &self,
        aspect: &Aspect,
        paper: &DocumentRecord,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Passage>> {
        let found = self
            .search(&SearchRequest {
                query: aspect.question.clone(),
                top_k: Some(PASSAGES),
                documents: vec![paper.id.clone()],
                is_question: true,
                ..SearchRequest::default()
            })
            .await?;
        for warning in found.warnings {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Ok(found
            .passages
            .into_iter()
            .map(|found| found.passage)
            .collect())
    }
}

fn columns(aspects: &[String]) -> Vec<Aspect> {
    if aspects.is_empty() {
        return GENERAL
            .iter()
            .map(|(name, question)| Aspect {
                name: (*name).to_owned(),
                question: (*question).to_owned(),
                is_general: true,
            })
            .collect();
    }
    aspects
        .iter()
        .map(|aspect| Aspect {
            name: aspect.clone(),
            question: aspect.clone(),
            is_general: false,
        })
        .collect()
}

/// The sentences of a cell, in the order of the paper.
async fn cell(
    aspect: Aspect,
    passages: Vec<Passage>,
    embedder: Arc<dyn Embedder>,
    indexes: Arc<Indexes>,
) -> Result<Vec<(Passage, std::ops::Range<usize>)>> {
    blocking(move || {
        let (tokens, lexical) = (indexes.tokens(), indexes.lexical());
        let sources = Sources {
            passages: &passages,
            embedder: embedder.as_ref(),
            centre: tokens.centre().unwrap_or_default(),
            rarity: &|words| lexical.idf(words),
        };
        let limits = Limits {
            max_sentences: 3 * IN_A_CELL,
            max_read: MOST_READ,
            ..Limits::default()
        };
        let chosen = evidence::select(&Question::read(&aspect.question), &sources, limits)?;
        let chosen: Vec<Evidence> = chosen
            .into_iter()
            .filter(|item| !item.is_neighbour)
            .filter(|item| is_quotable(&passages[item.passage], &item.range))
            .collect();
        let best = chosen.first().map_or(0.0, |best| best.score);
        let mut kept = Vec::new();
        let asked = embedder.embed_query(&aspect.question)?;
        for item in chosen {
            if kept.len() == IN_A_CELL || !kept.is_empty() && item.score < SECOND * best {
                break;
            }
            let passage = &passages[item.passage];
            let text = &passage.text[item.range.clone()];
            if is_on(&aspect, text, &asked, embedder.as_ref())? {
                kept.push((passage.clone(), item.range));
            }
        }
        kept.sort_by_key(|(passage, range)| (passage.page, passage.chunk_id, range.start));
        Ok(kept)
    })
    .await
}

/// A whole sentence, and no entry of the bibliography.
fn is_quotable(passage: &Passage, range: &std::ops::Range<usize>) -> bool {
    let text = &passage.text[range.clone()];
    let section = passage.section.as_deref().unwrap_or_default();
    let is_back = SectionKind::of(section) == SectionKind::Back;
    let goes_on = text.trim_end().ends_with([':', ';']);
    let is_whole = !evidence::is_cut(text) && !goes_on && is_on_one_page(passage, range);
    evidence::is_prose(text) && is_whole && !is_back
}

/// True where a sentence says something on the aspect.
fn is_on(aspect: &Aspect, text: &str, asked: &[f32], embedder: &dyn Embedder) -> Result<bool> {
    let vectors = embedder.embed_documents(&[text])?;
    let cosine = vectors.first().map_or(0.0, |vector| {
        vector.iter().zip(asked).map(|(a, b)| a * b).sum::<f32>()
    });
    let needed = match aspect.is_general {
        true => IN_GENERAL,
        false if evidence::shares_a_word(&aspect.question, text) => WITH_A_WORD,
        false => ON_IT,
    };
    Ok(cosine >= needed)
}
