//! How long chunks should be: `lectern eval chunks FOLDER QUESTIONS`.
//!
//! For each size the papers are read into a library of their own, and each question is searched.
//! A question is a hit at k where a passage among the first k starts or ends on a page that answers
//! it. Long passages cover more pages, so sizes are also compared at the same number of tokens read:
//! as many passages as fit.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use retrieval::Mode;
use serde::{Deserialize, Serialize};

use crate::catalog::DEFAULT_COLLECTION;
use crate::control::{self, Event, IngestRequest, Request};
use crate::error::{Fault, Problem};
use crate::library::Library;
use crate::library::search::SearchRequest;
use crate::settings::Settings;

/// Tokens that passages are compared at: what an answerer with a short context reads.
const TOKENS_READ: usize = 2048;

/// A question of the file, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
struct Question {
    question: String,
    file: serde_json::Value,
    pages_ok: serde_json::Value,
}

/// A question with the pages of one paper that answer it.
struct Wanted {
    question: String,
    file: String,
    pages: Vec<u32>,
}

/// What was measured of one size.
#[derive(Debug, Clone, Serialize)]
pub struct SizeScore {
    /// Longest chunk, in the embedder's tokens.
    pub max_tokens: usize,
    /// Tokens that neighbours share.
    pub overlap_tokens: usize,
    /// Chunks of all papers.
    pub chunks: u64,
    /// Questions asked.
    pub questions: usize,
    /// Share of questions with a hit at the first passage.
    pub hit_at_1: f64,
    /// At the first five.
    pub hit_at_5: f64,
    /// At the first ten.
    pub hit_at_10: f64,
    /// Among as many as hold 2,048 tokens.
    pub hit_at_2048_tokens: f64,
    /// Mean reciprocal rank over the first ten.
    pub mrr_at_10: f64,
}

/// Measures each size (longest chunk and overlap, in tokens).
///
/// # Errors
/// Where the questions cannot be read, or a library cannot be made.
pub async fn run(
    settings: &Settings,
    folder: &Path,
    questions: &Path,
    sizes: &[(usize, usize)],
) -> Result<Vec<SizeScore>> {
    let wanted = read_questions(questions)?;
    let mut scores = Vec::new();
    for &(max_tokens, overlap_tokens) in sizes {
        let home = tempfile::tempdir()?;
        let mut settings = settings.clone();
        settings.data_dir = home.path().to_path_buf();
        settings.chunk.max_tokens = max_tokens;
        settings.chunk.overlap_tokens = overlap_tokens;
        let library = Library::open(settings).await?;
        let request = Request::Ingest(IngestRequest {
            paths: vec![PathBuf::from(folder)],
            collection: DEFAULT_COLLECTION.to_owned(),
            jobs: 2,
            recursive: false,
            password: None,
            bibtex: None,
            zotero: None,
        });
        let mut events = control::start_here(library.clone(), request);
        while let Some(event) = events.recv().await {
            match event {
                Event::Failed(problem) => return Err(problem.into()),
                Event::File(report) => tracing::info!("{max_tokens}: {}", report.file),
                _ => {}
            }
        }
        scores.push(score(&library, &wanted, max_tokens, overlap_tokens).await?);
    }
    Ok(scores)
}

async fn score(
    library: &Library,
    wanted: &[Wanted],
    max_tokens: usize,
    overlap_tokens: usize,
) -> Result<SizeScore> {
    let budget = (TOKENS_READ / max_tokens).max(1);
    let ranks: Vec<Option<usize>> = futures_util::stream::iter(wanted)
        .then(|one| rank(library, one))
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<Result<_>>()?;
    let share = |k: usize| {
        let hits = ranks.iter().flatten().filter(|rank| **rank <= k).count();
        hits as f64 / ranks.len().max(1) as f64
    };
    let reciprocal: f64 = ranks
        .iter()
        .flatten()
        .filter(|rank| **rank <= 10)
        .map(|rank| 1.0 / *rank as f64)
        .sum();
    Ok(SizeScore {
        max_tokens,
        overlap_tokens,
        chunks: library.catalog.count_chunks().await?,
        questions: ranks.len(),
        hit_at_1: share(1),
        hit_at_5: share(5),
        hit_at_10: share(10),
        hit_at_2048_tokens: share(budget),
        mrr_at_10: reciprocal / ranks.len().max(1) as f64,
    })
}

/// Rank of the first passage on a page that answers the question, from 1.
async fn rank(library: &Library, wanted: &Wanted) -> Result<Option<usize>> {
    let found = library
        .search(&SearchRequest {
            query: wanted.question.clone(),
            mode: Mode::Hybrid,
            top_k: Some(20),
            ..SearchRequest::default()
        })
        .await?;
    Ok(found
        .passages
        .iter()
        .map(|found| &found.passage)
        .find(|passage| {
            passage.file == wanted.file
                && wanted
                    .pages
                    .iter()
                    .any(|page| (passage.pages[0]..=passage.pages[1]).contains(page))
        })
        .map(|passage| passage.rank))
}

/// The questions of a JSONL file that are answered by one paper. Others, and those that nothing
/// answers, say nothing about the length of chunks.
fn read_questions(path: &Path) -> Result<Vec<Wanted>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut wanted = Vec::new();
    let mut seen = HashMap::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
    {
        let question: Question = serde_json::from_str(line)
            .with_context(|| format!("{}, line {}", path.display(), number + 1))?;
        let (Some(file), Ok(pages)) = (
            question.file.as_str(),
            serde_json::from_value::<Vec<u32>>(question.pages_ok),
        ) else {
            continue;
        };
        if pages.is_empty() || seen.insert(question.question.clone(), ()).is_some() {
            continue;
        }
        wanted.push(Wanted {
            question: question.question,
            file: file.to_owned(),
            pages,
        });
    }
    if wanted.is_empty() {
        return Err(Problem::new(
            Fault::Input,
            "nothing_to_measure",
            format!(
                "{} holds no question with a file and its pages",
                path.display()
            ),
            "give JSON lines with \"question\", \"file\" and \"pages_ok\"",
        )
        .into());
    }
    Ok(wanted)
}
