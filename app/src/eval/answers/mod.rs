//! How well questions are answered: `lectern eval answers FILE`.
//!
//! [`questions`] reads what is asked, [`contexts`] the sets that bring their documents along;
//! [`ask`] puts each question to a library as a person would, [`quotes`] holds every quote to its
//! page, [`judge`] says what the answer is worth, [`report`] sums up with intervals, [`print`] shows
//! that to people. What is
//! measured is what people get: the same call, the same settings.

pub mod calibrate;
pub mod contexts;
pub mod judge;
pub mod print;
pub mod questions;
pub mod quotes;
pub mod report;
pub(crate) mod squad;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result};
use generation::Answered;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

pub use judge::Judged;
pub use questions::{Question, Set};

use crate::error::{Fault, Problem};
use crate::library::Library;
use crate::library::ask::{AskEvent, AskRequest};
use judge::{Heard, judge};

/// Files that an error names, at most.
const NAMED: usize = 5;

/// Questions to put to one library, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Round {
    /// What is asked.
    pub questions: Vec<Question>,
    /// Only of this collection.
    pub collection: Option<String>,
    /// Answer with quotes only.
    pub extractive: bool,
    /// Sample with this seed.
    pub sampling_seed: Option<u64>,
}

/// Puts the questions to a library, one after the other; `judged` is told of each answer and
/// returns false to stop. Nothing of it is stored.
///
/// # Errors
/// A problem `papers_missing` where the library lacks a file that answers a question; or where an
/// answer cannot be made.
pub async fn ask(library: &Library, round: &Round, judged: impl Fn(Judged) -> bool) -> Result<()> {
    check_files(library, round).await?;
    for question in &round.questions {
        let one = ask_one(library, round, question)
            .await
            .with_context(|| format!("question {}", question.id))?;
        if !judged(one) {
            break;
        }
    }
    Ok(())
}

async fn ask_one(library: &Library, round: &Round, question: &Question) -> Result<Judged> {
    let request = AskRequest {
        question: question.question.clone(),
        collection: round.collection.clone(),
        documents: question.documents.clone(),
        extractive: round.extractive,
        seed: round.sampling_seed,
        unkept: true,
        ..AskRequest::default()
    };
    let heard: Arc<Mutex<Heard>> = Arc::default();
    let hearing = heard.clone();
    let started = Instant::now();
    let elapsed = move || started.elapsed().as_secs_f64() * 1000.0;
    let answered = library
        .ask_traced(&request, move |event| {
            // Nothing panics while it holds this lock.
            let mut heard = hearing.lock().unwrap_or_else(|p| p.into_inner());
            match event {
                AskEvent::Evidence(quotes) => {
                    heard.evidence_ms = Some(elapsed());
                    heard.shown = quotes;
                }
                AskEvent::Token(_) => {
                    heard.first_token_ms.get_or_insert_with(elapsed);
                }
            }
            true
        })
        .await?;
    let Answered { answer, trace } = answered;
    let mut heard = heard.lock().unwrap_or_else(|p| p.into_inner()).clone();
    heard.total_ms = elapsed();
    let faults = quotes::faults(&answer, &library.catalog).await?;
    Ok(Judged {
        signals: Some(trace.signals),
        ..judge(question, &answer, &heard, faults)
    })
}

/// Every file that answers a question must be there, or the figures would blame the answers.
async fn check_files(library: &Library, round: &Round) -> Result<()> {
    let there: HashSet<String> = library
        .catalog
        .documents(round.collection.as_deref())
        .await?
        .into_iter()
        .map(|document| document.file)
        .collect();
    let mut missing: Vec<String> = Vec::new();
    for question in &round.questions {
        for gold in question
            .gold
            .iter()
            .filter(|gold| !there.contains(&gold.file))
        {
            let place = match question.line {
                0 => question.id.clone(),
                line => format!("line {line}"),
            };
            if !missing.iter().any(|known| known.starts_with(&gold.file)) {
                missing.push(format!("{} ({place})", gold.file));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let more = missing.len().saturating_sub(NAMED);
    missing.truncate(NAMED);
    let and = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Err(Problem::new(
        Fault::Input,
        "papers_missing",
        format!(
            "the library lacks papers that the questions are on: {}{and}",
            missing.join(", ")
        ),
        "bring them in with `lectern ingest`, under these file names, or name the collection that \
         has them; a set that brings its contexts along is asked with --contexts",
    )
    .into())
}

/// At most `limit` questions of each set, chosen by `seed`, in their order.
pub fn sample(questions: Vec<Question>, limit: Option<usize>, seed: u64) -> Vec<Question> {
    let Some(limit) = limit else {
        return questions;
    };
    let mut order: Vec<usize> = (0..questions.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    let mut chosen: HashSet<usize> = HashSet::new();
    for set in [Set::Answerable, Set::Absent, Set::Adversarial] {
        let of_set = order.iter().filter(|at| questions[**at].set == set);
        chosen.extend(of_set.take(limit));
    }
    questions
        .into_iter()
        .enumerate()
        .filter(|(at, _)| chosen.contains(at))
        .map(|(_, question)| question)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_take_some_of_each_set_and_keep_the_order() {
        let of = |at: usize| Question {
            id: at.to_string(),
            question: "q?".into(),
            kind: "other".into(),
            set: [Set::Answerable, Set::Absent][at % 2],
            references: Vec::new(),
            gold: Vec::new(),
            line: at,
            documents: Vec::new(),
        };
        let all: Vec<Question> = (0..40).map(of).collect();
        let few = sample(all.clone(), Some(5), 7);
        assert_eq!(few.len(), 10);
        assert_eq!(few.iter().filter(|q| q.set == Set::Absent).count(), 5);
        assert!(few.is_sorted_by_key(|q| q.line));
        assert_eq!(few, sample(all.clone(), Some(5), 7));
        assert_ne!(few, sample(all.clone(), Some(5), 8));
        assert_eq!(sample(all.clone(), None, 1), all);
        assert_eq!(sample(all.clone(), Some(100), 1), all);
    }
}
