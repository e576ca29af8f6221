//! How well a library answers questions on itself: `lectern eval self`.
//!
//! Rules make questions of the library's own sentences ([`crate::library::datasets::questions`]).
//! They are kept, so that the same ones are asked after each change of model, adapter, index or
//! settings, and a difference is a difference of answers and not of questions. Every other question
//! is asked again of other papers only, where the right answer is to decline; and what people
//! approved as feedback is asked as well. [`questions`] puts them together, [`compare`] holds an
//! evaluation against the one before. Read [`run`].
//!
//! What such figures are worth: they compare one state of this library with another. A rule's
//! question is worded like its sentence, so it is easier to find than what a person would ask.

mod compare;
mod questions;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Fault, Problem};
use crate::eval::answers::{self, Judged, Round, Set};
use crate::eval::interval::{Figure, figure, mean};
use crate::library::Library;

pub use compare::Comparison;

/// Questions that are kept unless another number is wanted.
pub const QUESTIONS: usize = 60;

/// Draws the intervals: always the same, so that a figure is the same when it is counted again.
const SEED: u64 = 1;

/// What is asked of `eval self`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SelfRequest {
    /// Questions on sentences of the library.
    pub questions: usize,
    /// Forget those that are kept, and make others.
    pub anew: bool,
    /// Answer with quotes only.
    pub extractive: bool,
    /// Why it is done, in words.
    pub reason: String,
}

/// What answers: an answer may change where any of it does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Served {
    /// Models that answered.
    pub models: Vec<String>,
    /// The adapter on top.
    pub adapter: Option<String>,
    /// The embedder of the index.
    pub embedder: String,
    /// The catalog's change sequence that the index had seen.
    pub revision: u64,
    /// Documents of the library.
    pub documents: usize,
    /// Settings that decide how an answer is made.
    pub settings: BTreeMap<String, String>,
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelfEvaluation {
    /// Its id.
    pub id: String,
    /// When it was made, RFC 3339.
    pub at: String,
    /// Why.
    pub reason: String,
    /// True where quotes were asked for.
    pub extractive: bool,
    /// What answered.
    pub served: Served,
    /// Questions that the library answers.
    pub answerable: usize,
    /// Questions that were asked of other papers, or that people said should be declined.
    pub absent: usize,
    /// Each figure with its 95 % interval.
    #[schema(value_type = Object)]
    pub figures: BTreeMap<String, Figure>,
    /// Against the evaluation before that asked for the same kind of answers.
    pub comparison: Option<Comparison>,
    /// What each answer was worth, by question and figure: what the next one is compared with.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Asks the kept questions, records what came out, and compares it with the time before.
/// `judged` is told of each answer and returns false to stop; then nothing is recorded.
///
/// # Errors
/// A problem `self_evaluation_running`; `own_questions_missing` where the library has no sentences that rules read; or where an
/// answer cannot be made.
pub async fn run(
    library: &Library,
    request: &SelfRequest,
    planned: impl FnOnce(usize),
    judged: impl Fn(&Judged) -> bool,
) -> Result<Option<SelfEvaluation>> {
    let _one = library.asking_itself.try_lock().map_err(|_| running())?;
    asked(library, request, planned, judged).await
}

/// Starts it in the background; what fails is in the log. False where it is going on already.
#[must_use]
pub fn start(library: Arc<Library>, request: SelfRequest) -> bool {
    let Ok(held) = library.asking_itself.clone().try_lock_owned() else {
        return false;
    };
    tokio::spawn(async move {
        if let Err(error) = asked(&library, &request, |_| (), |_| true).await {
            tracing::warn!("evaluating the library by itself: {error:#}");
        }
        drop(held);
    });
    true
}

/// True while the questions are being asked.
pub fn is_running(library: &Library) -> bool {
    library.asking_itself.try_lock().is_err()
}

fn running() -> Problem {
    Problem::new(
        Fault::Conflict,
        "self_evaluation_running",
        "the library is being asked its own questions already",
        "wait until that is over; `lectern eval self --history` then shows what came out",
    )
}

async fn asked(
    library: &Library,
    request: &SelfRequest,
    planned: impl FnOnce(usize),
    judged: impl Fn(&Judged) -> bool,
) -> Result<Option<SelfEvaluation>> {
    let questions = questions::collect(library, request).await?;
    if questions.is_empty() {
        return Err(Problem::new(
            Fault::Input,
            "own_questions_missing",
            "no sentence of the library is of a kind that questions are made of",
            "add papers with `lectern ingest`; or write questions of your own for `lectern eval answers`",
        )
        .into());
    }
    planned(questions.len());
    let count = questions.len();
    let round = Round {
        questions,
        collection: None,
        extractive: request.extractive,
        sampling_seed: None,
    };
    let all = std::sync::Mutex::new(Vec::with_capacity(count));
    answers::ask(library, &round, |one| {
        let goes_on = judged(&one);
        // Nothing panics while it holds this lock.
        all.lock().unwrap_or_else(|p| p.into_inner()).push(one);
        goes_on
    })
    .await?;
    let all = all.into_inner().unwrap_or_else(|p| p.into_inner());
    if all.len() < count {
        return Ok(None);
    }
    let mut served = served(library).await?;
    // Quotes are the same whatever model there is.
    served.adapter = served.adapter.filter(|_| !request.extractive);
    served.models = all.iter().map(|one| one.model.clone()).collect();
    served.models.sort_unstable();
    served.models.dedup();
    let values: BTreeMap<String, BTreeMap<String, f64>> = all
        .iter()
        .map(|one| (one.id.clone(), values(one)))
        .collect();
    let before = library.catalog.self_evaluations(HISTORY).await?;
    let before = before
        .iter()
        .find(|before| before.extractive == request.extractive);
    let evaluation = SelfEvaluation {
        id: uuid::Uuid::now_v7().to_string(),
        at: jiff::Timestamp::now().to_string(),
        reason: request.reason.clone(),
        extractive: request.extractive,
        answerable: all.iter().filter(|one| one.set == Set::Answerable).count(),
        absent: all.iter().filter(|one| one.set != Set::Answerable).count(),
        figures: figures(&values),
        comparison: before.map(|before| compare::with(before, &served, &values)),
        served,
        values,
    };
    library.catalog.add_self_evaluation(&evaluation).await?;
    Ok(Some(evaluation))
}

/// Evaluations that are looked through for one to compare with.
const HISTORY: u32 = 50;

/// What answers at the moment, less the models, which are known once they have.
///
/// # Errors
/// Where the catalog cannot be read.
pub async fn served(library: &Library) -> Result<Served> {
    const DECIDING: [&str; 7] = [
        "answer.",
        "llm.url",
        "llm.model",
        "search.",
        "chunk.",
        "top_k",
        "embedd",
    ];
    let indexes = library.indexes().await?;
    let settings = library.settings.entries.iter();
    Ok(Served {
        models: Vec::new(),
        adapter: library.adapter_serving().await?,
        embedder: library.embedder().await?.space().id.clone(),
        revision: indexes.watermark(),
        documents: library.catalog.documents(None).await?.len(),
        settings: settings
            .filter(|entry| DECIDING.iter().any(|start| entry.key.starts_with(start)))
            .map(|entry| (entry.key.to_owned(), entry.value.clone()))
            .collect(),
    })
}

/// Why the questions should be asked again: what has changed since they last were, documents aside,
/// which come and go every day. None where nothing has, or where they never were: who has not asked
/// for this is not to pay for it.
///
/// # Errors
/// Where the catalog cannot be read.
pub async fn is_due(library: &Library) -> Result<Option<String>> {
    let before = library.catalog.self_evaluations(1).await?;
    let Some(before) = before.into_iter().next() else {
        return Ok(None);
    };
    let served = served(library).await?;
    let now = Served {
        models: before.served.models.clone(),
        revision: before.served.revision,
        documents: before.served.documents,
        adapter: served.adapter.filter(|_| !before.extractive),
        ..served
    };
    let changed = compare::changes(&before.served, &now);
    Ok((!changed.is_empty()).then(|| changed.join("; ")))
}

/// What one answer is worth, by figure; a figure that it says nothing of is left out.
fn values(one: &Judged) -> BTreeMap<String, f64> {
    let share = |is_so: bool| f64::from(u8::from(is_so));
    let of_answerable = [
        ("answered", Some(share(one.is_answered()))),
        ("f1", one.text.map(|text| text.f1)),
        ("evidence_shown", one.gold_shown.map(share)),
        ("evidence_cited", one.gold_cited),
        (
            "supported_sentences",
            (one.sentences > 0).then(|| one.supported as f64 / one.sentences as f64),
        ),
        (
            "fallback",
            one.is_answered()
                .then(|| share(one.origin == generation::Origin::Fallback)),
        ),
    ];
    let of_absent = [("declined", Some(share(!one.is_answered())))];
    let figures: &[(&str, Option<f64>)] = match one.set {
        Set::Answerable => &of_answerable,
        _ => &of_absent,
    };
    let time = [("milliseconds", Some(one.total_ms))];
    figures
        .iter()
        .chain(&time)
        .filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?)))
        .collect()
}

/// The mean of each figure over the questions that it is defined for.
fn figures(values: &BTreeMap<String, BTreeMap<String, f64>>) -> BTreeMap<String, Figure> {
    let mut by_name: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    for (name, value) in values.values().flatten() {
        by_name.entry(name).or_default().push(*value);
    }
    by_name
        .into_iter()
        .filter_map(|(name, values)| {
            let found = figure(&values, SEED, |all| mean(all.iter().map(|value| **value)))?;
            Some((name.clone(), found))
        })
        .collect()
}

/// Looks now and then whether the questions should be asked again, and asks them: for a server, which
/// runs while models and settings change. Never ends.
pub async fn keep_asking(library: Arc<Library>) {
    const EVERY: std::time::Duration = std::time::Duration::from_secs(300);
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = ask_if_due(&library).await {
            tracing::warn!("evaluating the library by itself: {error:#}");
        }
    }
}

async fn ask_if_due(library: &Library) -> Result<()> {
    let Some(reason) = is_due(library).await? else {
        return Ok(());
    };
    let before = library.catalog.self_evaluations(1).await?;
    let request = SelfRequest {
        questions: QUESTIONS,
        anew: false,
        extractive: before.first().is_some_and(|before| before.extractive),
        reason,
    };
    tracing::info!("asking the library its own questions: {}", request.reason);
    run(library, &request, |_| (), |_| true).await?;
    Ok(())
}
