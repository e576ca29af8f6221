//! A candidate beside the model in service, on the test side of a dataset.
//!
//! Both are asked the same questions, greedily, on the same weights with one adapter and the other.
//! What they write is judged as it is (raw) and after all that serving makes of it ([`end_to_end`]).
//! Questions that either was trained on are left out, whichever dataset they are in.
//!
//! [`end_to_end`]: super::end_to_end

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use finetune::data::{Example, Side, Source, folder};
use finetune::gate::{Findings, Judgement, Verdict, judge};
use finetune::held_out::{self, Tested, Trained, Trial};
use finetune::score::auroc::{Ranked, told_apart};
use finetune::score::bootstrap::compare;
use finetune::score::general::{self, General};
use finetune::score::recite::Learnt;
use finetune::score::{Metric, Parts};
use generation::Generator;
use generation::llama::Llama;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;
use utoipa::ToSchema;

use super::built_in::built_in;
use super::end_to_end::{Seen, Serving};
use super::evaluation::{Against, Case, EndToEnd, Evaluation, Figures, Given, Recited, Step};
use crate::catalog::AdapterRecord;
use crate::error::{Fault, Problem};
use crate::library::{Library, blocking};

/// What stands for the model without an adapter.
pub const BASE: &str = "base";

/// The figure that decides.
const PRIMARY: Metric = Metric::F1;

/// What to evaluate, on what, beside what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateRequest {
    /// An adapter's id or a start of it, a run's name, or the absolute path of a folder. Over HTTP the
    /// address names it.
    #[schema(ignore)]
    pub adapter: String,
    /// A dataset's name, or the absolute path of its folder; the one that the adapter was trained on
    /// where not given.
    pub dataset: Option<String>,
    /// The adapter to compare with, or `base`; what is in service where not given.
    pub against: Option<String>,
    /// Questions at most, chosen by the seed; all where 0.
    pub limit: usize,
    /// Chooses the questions, and the draws of the bootstrap.
    pub seed: u64,
}

/// The questions of an evaluation, before they are read.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) sha256: String,
    pub(super) against: Option<String>,
}

/// What both models were asked, and what became of it.
struct Asked {
    raw: [Vec<Parts>; 2],
    seen: [Vec<Parts>; 2],
    refusals: [Vec<Ranked>; 2],
    fallbacks: [usize; 2],
    recited: [usize; 2],
    sources: BTreeMap<Source, usize>,
    too_long: usize,
}

impl Library {
    /// Evaluates an adapter and keeps what was found. `on_step` hears how many answers were given, and
    /// what they were, and returns false to stop.
    ///
    /// # Errors
    /// As [`register_adapter`](Self::register_adapter); a problem `evaluation_running`,
    /// `dataset_needed`, `dataset_not_found`, `dataset_unusable`, `nothing_held_out`,
    /// `evaluation_stopped`, or `adapter_not_found` of the one to compare with.
    pub async fn evaluate_adapter(
        &self,
        request: &EvaluateRequest,
        on_step: impl FnMut(Step) -> bool + Send + 'static,
    ) -> Result<Evaluation> {
        let Ok(held) = self.one_evaluation.clone().try_lock_owned() else {
            return Err(running().into());
        };
        self.evaluate_held(request, held, on_step).await
    }

    /// As [`evaluate_adapter`](Self::evaluate_adapter), where no other is running already.
    pub(super) async fn evaluate_held(
        &self,
        request: &EvaluateRequest,
        held: OwnedMutexGuard<()>,
        on_step: impl FnMut(Step) -> bool + Send + 'static,
    ) -> Result<Evaluation> {
        let record = self.register_adapter(&request.adapter).await?;
        self.check_base(&record).await?;
        let test = self.test_of(request, &record).await?;
        let candidate = self.llama_with(Some(&record.id)).await?;
        let other = self.llama_with(test.against.as_deref()).await?;
        let base = self.base_llama().await?;
        let trained = self.trained_on(&record, test.against.as_deref()).await?;
        let serving = self.serving_path().await?;
        let limits = (request.limit, request.seed);
        let adapter = record.id.clone();
        let evaluation = blocking(move || {
            let round = Round {
                candidate,
                other,
                base,
                trained,
                serving,
            };
            round.run(&adapter, &test, limits, on_step)
        })
        .await?;
        drop(held);
        if !self
            .catalog
            .set_adapter_evaluation(&record.id, &evaluation)
            .await?
        {
            return Err(super::not_found(&record.id).into());
        }
        Ok(evaluation)
    }

    /// The dataset, and what to compare with.
    pub(super) async fn test_of(
        &self,
        request: &EvaluateRequest,
        record: &AdapterRecord,
    ) -> Result<Test> {
        let (serving, _) = self.serving_now().await?;
        let against = match request.against.as_deref() {
            Some(BASE) => None,
            Some(id) if id == built_in().id() => Some(id.to_owned()),
            Some(id) => Some(self.found_adapter(id).await?.id),
            // What answers is no better than itself.
            None => serving.filter(|id| *id != record.id),
        };
        let dataset = record.dataset.as_ref();
        let own = dataset.and_then(|dataset| dataset.name.clone());
        let named = request.dataset.clone().or(own);
        let Some(named) = named else {
            return Err(Problem::new(
                Fault::Usage,
                "dataset_needed",
                format!(
                    "it is not known on what dataset the adapter {} was trained",
                    record.id
                ),
                "name one with --dataset; `lectern finetune datasets list` shows them",
            )
            .into());
        };
        let path = PathBuf::from(&named);
        if path.is_absolute() {
            let read = path.clone();
            let card = blocking(move || folder::read_card(&read).map_err(|error| unusable(&error)));
            return Ok(Test {
                name: named,
                folder: path,
                sha256: card.await?.sha256,
                against,
            });
        }
        let known = self.dataset(&named).await?;
        Ok(Test {
            name: known.name,
            folder: known.folder.into(),
            sha256: known.sha256,
            against,
        })
    }

    /// What the candidate learnt, and the documents that the other did: neither may be asked of what it
    /// has been shown.
    pub(super) async fn trained_on(
        &self,
        record: &AdapterRecord,
        other: Option<&str>,
    ) -> Result<Trained> {
        let train = record.dataset.as_ref().map(|dataset| dataset.train.clone());
        let mut trained = match train {
            // Gone or moved, it is known by its documents only.
            Some(train) => {
                blocking(move || Ok(Trained::read(train.as_ref()).unwrap_or_default())).await?
            }
            None => Trained::default(),
        };
        for id in [Some(record.id.as_str()), other].into_iter().flatten() {
            trained.add_documents(self.sources_of(id).await?.0);
        }
        Ok(trained)
    }

    async fn serving_path(&self) -> Result<Serving> {
        Ok(Serving {
            embedder: self.embedder().await?,
            indexes: self.indexes().await?,
            prompt_tokens: self.settings.answer_evidence_tokens,
            max_tokens: self.settings.answer_max_tokens,
            calibration: self.calibration()?,
            precision: self.settings.answer_precision,
        })
    }
}

/// All that an evaluation takes.
struct Round {
    candidate: Arc<Llama>,
    other: Arc<Llama>,
    base: Arc<Llama>,
    trained: Trained,
    serving: Serving,
}

impl Round {
    fn run(
        &self,
        adapter: &str,
        test: &Test,
        (limit, seed): (usize, u64),
        mut on_step: impl FnMut(Step) -> bool,
    ) -> Result<Evaluation> {
        let started = Instant::now();
        let all = folder::read(&test.folder, Side::Test).map_err(|error| unusable(&error))?;
        let (known, held_out): (Vec<Example>, Vec<Example>) = all
            .into_iter()
            .partition(|example| self.trained.knows(example));
        let left_out = known.len();
        let examples = held_out::chosen(held_out, limit, seed);
        if examples.is_empty() {
            return Err(nothing_held_out(&test.name, left_out).into());
        }
        let total = 2 * (examples.len() + general::requests().len());
        let mut done = 0;
        let mut step = |case: Option<Case>| match case {
            Some(case) => on_step(Step::Case(Box::new(case))),
            None => {
                done += 1;
                on_step(Step::Answers { done, total })
            }
        };
        let asked = self.ask(&examples, &mut step)?;
        let mut step = || step(None);
        let general = |model: &Llama, step: &mut dyn FnMut() -> bool| -> Result<General> {
            let measured = general::measure(model, step).map_err(failed)?;
            measured.ok_or_else(|| stopped().into())
        };
        let of_candidate = general(&self.candidate, &mut step)?;
        let of_base = general(&self.base, &mut step)?;

        let [raw, raw_other] = &asked.raw;
        let [seen, seen_other] = &asked.seen;
        let (n, n_seen) = (raw.len(), seen.len());
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let recited = (!self.trained.completions.is_empty()).then(|| Recited {
            candidate: share(asked.recited[0], n),
            against: share(asked.recited[1], n),
        });
        let mut evaluation = Evaluation {
            model: self.candidate.id().to_owned(),
            adapter: adapter.to_owned(),
            dataset: test.name.clone(),
            dataset_sha256: test.sha256.clone(),
            split: Side::Test.as_str().to_owned(),
            n,
            figures: Figures::of(raw, seed),
            against: Against {
                adapter: test.against.clone(),
                figures: Figures::of(raw_other, seed),
            },
            differences: compare(raw, raw_other, seed),
            refusal_auroc: told_apart(&asked.refusals[0], &asked.refusals[1], seed),
            end_to_end: EndToEnd {
                n: n_seen,
                figures: Figures::of(seen, seed),
                against: Figures::of(seen_other, seed),
                differences: compare(seen, seen_other, seed),
                fallback: share(asked.fallbacks[0], n_seen),
                fallback_against: share(asked.fallbacks[1], n_seen),
            },
            general: of_candidate,
            general_base: of_base,
            recited,
            sources: asked.sources,
            left_out,
            too_long: asked.too_long,
            verdict: Verdict::NotEnoughEvidence,
            not_worse: false,
            needed: 0,
            reasons: Vec::new(),
            seed,
            evaluated_at: jiff::Timestamp::now().to_string(),
            seconds: started.elapsed().as_secs_f64(),
        };
        evaluation.decide(judgement(&evaluation));
        Ok(evaluation)
    }

    /// `step` hears of each answer, and of each question that both have answered.
    fn ask(
        &self,
        examples: &[Example],
        step: &mut dyn FnMut(Option<Case>) -> bool,
    ) -> Result<Asked> {
        let learnt = Learnt::new(self.trained.completions.iter().map(String::as_str));
        let models = [
            Tested::new(&self.candidate).map_err(failed)?,
            Tested::new(&self.other).map_err(failed)?,
        ];
        let mut asked = Asked {
            raw: Default::default(),
            seen: Default::default(),
            refusals: Default::default(),
            fallbacks: [0; 2],
            recited: [0; 2],
            sources: BTreeMap::new(),
            too_long: 0,
        };
        for example in examples {
            let notes = self.serving.notes(example)?;
            let mut trials: Vec<(Trial, Option<Seen>)> = Vec::with_capacity(2);
            for model in &models {
                let trial = held_out::answer(model, example, self.serving.max_tokens);
                let Some(trial) = trial.map_err(failed)? else {
                    break;
                };
                let seen = match &notes {
                    Some(notes) => Some(self.serving.seen(example, notes, &trial)?),
                    None => None,
                };
                trials.push((trial, seen));
                if !step(None) {
                    return Err(stopped().into());
                }
            }
            if trials.len() < 2 {
                asked.too_long += 1;
                continue;
            }
            if !step(Some(case(example, &trials))) {
                return Err(stopped().into());
            }
            *asked.sources.entry(example.about.source).or_default() += 1;
            for (side, (trial, seen)) in trials.into_iter().enumerate() {
                let prompt = example.parts().map_or(&[][..], |(prompt, _)| prompt);
                let recited = learnt.recited(&trial.completion.text, prompt);
                asked.recited[side] += usize::from(recited.is_some());
                asked.refusals[side].push(trial.refusal);
                asked.raw[side].push(trial.parts);
                if let Some(seen) = seen {
                    asked.fallbacks[side] += usize::from(seen.given.fell_back);
                    asked.seen[side].push(seen.parts);
                }
            }
        }
        Ok(asked)
    }
}

/// A question, and what the candidate and the other made of it.
fn case(example: &Example, trials: &[(Trial, Option<Seen>)]) -> Case {
    let given = |side: usize| -> Given {
        match trials.get(side) {
            Some((_, Some(seen))) => seen.given.clone(),
            Some((trial, None)) => Given {
                written: trial.completion.text.clone(),
                shown: trial.completion.text.clone(),
                ..Given::default()
            },
            None => Given::default(),
        }
    };
    Case {
        id: example.about.id.clone(),
        question: example.about.question.clone(),
        expected: example
            .parts()
            .map_or("", |(_, expected)| expected)
            .to_owned(),
        candidate: given(0),
        against: given(1),
    }
}

/// What the gate says of figures.
fn judgement(evaluation: &Evaluation) -> Judgement {
    let findings = Findings {
        questions: evaluation.n,
        raw: &evaluation.differences,
        end_to_end: Some(&evaluation.end_to_end.differences),
        general: Some((evaluation.general, evaluation.general_base)),
        recited: evaluation
            .recited
            .map(|recited| (recited.candidate, recited.against)),
    };
    judge(&findings, PRIMARY)
}

pub(super) fn running() -> Problem {
    Problem::new(
        Fault::Conflict,
        "evaluation_running",
        "another adapter is being evaluated",
        "wait until it is done; `lectern finetune adapters list` shows how far it is",
    )
}

fn stopped() -> Problem {
    Problem::new(
        Fault::Conflict,
        "evaluation_stopped",
        "the evaluation was stopped before its end, and nothing of it is kept",
        "start it again; --limit makes it shorter",
    )
}

pub(super) fn nothing_held_out(dataset: &str, left_out: usize) -> Problem {
    let why = match left_out {
        0 => "its test side is empty".to_owned(),
        count => format!(
            "the models were trained on all {count} questions of its test side, or on their documents"
        ),
    };
    Problem::new(
        Fault::Input,
        "nothing_held_out",
        format!("the dataset {dataset} has nothing to test with: {why}"),
        "name the dataset that the adapter was trained on, or prepare one of other papers",
    )
}

fn failed(error: finetune::Error) -> anyhow::Error {
    match error {
        finetune::Error::Generation(error) => error.into(),
        error => Problem::new(
            Fault::Machine,
            "evaluation_failed",
            error.to_string(),
            "run `lectern doctor`",
        )
        .into(),
    }
}

pub(super) fn unusable(error: &finetune::Error) -> anyhow::Error {
    let shown = error.to_string();
    let (message, hint) = shown
        .split_once("; hint: ")
        .unwrap_or((shown.as_str(), "prepare the dataset again"));
    Problem::new(Fault::Input, "dataset_unusable", message, hint).into()
}
