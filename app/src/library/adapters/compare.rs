//! Two models beside each other, judged by people who do not know whose answer is whose.
//!
//! Figures hold an answer to the words of a reference; whether people prefer it they cannot say. Both
//! models are asked the same held-out questions, greedily; where they answer in the same words nobody
//! is asked. Which of the two answers is shown first is drawn for each question, and told to nobody
//! before the vote, so that neither place nor name counts. The win rate counts a tie as half a win
//! each, with a 95 % interval by bootstrap over questions (as in Zheng et al., "Judging LLM-as-a-Judge
//! with MT-Bench and Chatbot Arena", 2023, <https://arxiv.org/abs/2306.05685>, whose votes are blind too).

use anyhow::Result;
use finetune::data::{Example, Side, folder};
use finetune::held_out;
use generation::Generator;
use generation::sampling::Sampling;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::evaluate::{BASE, EvaluateRequest};
use crate::catalog::{ComparisonRecord, Pair, Preferred};
use crate::error::{Fault, Problem};
use crate::eval::interval::{Figure, figure, mean};
use crate::library::{Library, blocking};

/// Questions that are asked unless another number is wanted: votes take a person's time.
const QUESTIONS: usize = 20;

/// What to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompareRequest {
    /// An adapter's id or a start of it, or a run's name.
    pub adapter: String,
    /// The adapter to compare with, or `base`; what is in service where not given.
    pub against: Option<String>,
    /// A dataset's name; the one that the adapter was trained on where not given.
    pub dataset: Option<String>,
    /// Questions that both are asked; 20 where 0.
    pub questions: usize,
    /// Chooses the questions, and whose answer is shown first.
    pub seed: u64,
}

/// Two answers, and nothing of whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlindPair {
    /// Its number, from 1.
    pub position: u32,
    /// What was asked.
    pub question: String,
    /// The numbered notes that both models were given.
    pub notes: Vec<String>,
    /// What should be said, as the dataset has it.
    pub expected: String,
    /// One answer.
    pub left: String,
    /// The other.
    pub right: String,
}

/// What somebody preferred, of two answers as they were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// The answer that was shown first.
    Left,
    /// The other.
    Right,
    /// Both are as good, or as bad.
    Tie,
}

/// A vote on a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteRequest {
    /// The pair's number.
    pub position: u32,
    /// What is preferred.
    pub vote: Vote,
    /// Who says so.
    #[serde(default)]
    pub by: Option<String>,
}

/// A comparison, with how the votes stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparisonDetails {
    /// The comparison.
    #[serde(flatten)]
    pub comparison: ComparisonRecord,
    /// Pairs of answers that differ.
    pub pairs: usize,
    /// Votes for the first model.
    pub wins: usize,
    /// Votes for the second.
    pub losses: usize,
    /// Votes for neither.
    pub ties: usize,
    /// The first model's win rate, a tie half a win, with its 95 % interval; null before the first
    /// vote.
    #[schema(required, value_type = Option<Object>)]
    pub win_rate: Option<Figure>,
    /// The next pair to vote on; null where there is none at the moment.
    #[schema(required)]
    pub next: Option<BlindPair>,
}

impl Library {
    /// Begins a comparison; both models are asked in the background, and pairs can be voted on as they
    /// come.
    ///
    /// # Errors
    /// As [`evaluate_adapter`](Self::evaluate_adapter); a problem `comparison_pointless` where both are
    /// the same.
    pub async fn compare_adapters(&self, request: &CompareRequest) -> Result<ComparisonDetails> {
        let record = self.register_adapter(&request.adapter).await?;
        self.check_base(&record).await?;
        let of_test = EvaluateRequest {
            adapter: record.id.clone(),
            dataset: request.dataset.clone(),
            against: request.against.clone(),
            ..EvaluateRequest::default()
        };
        let test = self.test_of(&of_test, &record).await?;
        if test.against.as_deref() == Some(record.id.as_str()) {
            return Err(Problem::new(
                Fault::Usage,
                "comparison_pointless",
                format!("{} would be compared with itself", record.id),
                "name another adapter, or `base` for the model without one",
            )
            .into());
        }
        let trained = self.trained_on(&record, test.against.as_deref()).await?;
        let (count, seed) = (request.questions, request.seed);
        let (name, path) = (test.name.clone(), test.folder.clone());
        let examples = blocking(move || {
            let mut all = folder::read(&path, Side::Test)
                .map_err(|error| super::evaluate::unusable(&error))?;
            let before = all.len();
            all.retain(|example| !trained.knows(example));
            let left_out = before - all.len();
            let count = if count == 0 { QUESTIONS } else { count };
            let chosen = held_out::chosen(all, count, seed);
            match chosen.is_empty() {
                true => Err(super::evaluate::nothing_held_out(&name, left_out).into()),
                false => Ok(chosen),
            }
        })
        .await?;
        let id = uuid::Uuid::now_v7().to_string();
        let second = test.against.clone().unwrap_or_else(|| BASE.to_owned());
        let models = [record.id.clone(), second];
        self.catalog
            .add_comparison(&id, &models, &test.name, examples.len())
            .await?;
        let Some(library) = self.me.upgrade() else {
            anyhow::bail!("the library is being closed");
        };
        let (of, against) = (id.clone(), test.against.clone());
        self.comparing().insert(id.clone());
        tokio::spawn(async move {
            let asked = library
                .ask_both(&of, &record.id, against.as_deref(), examples, seed)
                .await;
            let failed = asked.err().map(|error| format!("{error:#}"));
            if let Some(why) = &failed {
                tracing::warn!("comparing: {why}");
            }
            if let Err(error) = library.catalog.end_comparison(&of, failed.as_deref()).await {
                tracing::warn!("comparing: {error:#}");
            }
            library.comparing().remove(&of);
        });
        self.comparison(&id).await
    }

    async fn ask_both(
        &self,
        id: &str,
        first: &str,
        second: Option<&str>,
        examples: Vec<Example>,
        seed: u64,
    ) -> Result<()> {
        let models = [
            self.llama_with(Some(first)).await?,
            self.llama_with(second).await?,
        ];
        let mut position = 0;
        for example in examples {
            let models = models.clone();
            let sampling = Sampling {
                max_tokens: self.settings.answer_max_tokens,
                ..Sampling::default()
            };
            let (example, answers) = blocking(move || {
                let Some((prompt, _)) = example.parts() else {
                    return Ok((example, None));
                };
                let mut answers = Vec::with_capacity(2);
                for model in &models {
                    match model.generate(prompt, &sampling, &mut |_| true) {
                        Err(generation::Error::TooLong { .. }) => return Ok((example, None)),
                        written => answers.push(written?.text.trim().to_owned()),
                    }
                }
                Ok((example, <[String; 2]>::try_from(answers).ok()))
            })
            .await?;
            let Some(answers) = answers else { continue };
            if answers[0] == answers[1] {
                self.catalog.add_same(id).await?;
                continue;
            }
            position += 1;
            let drawn = super::super::datasets::order(&example.about.id, &seed.to_string());
            let pair = Pair {
                position,
                question: example.about.question.clone(),
                expected: example.parts().map_or("", |(_, said)| said).to_owned(),
                notes: example
                    .notes()
                    .into_iter()
                    .map(|(number, text)| format!("{number}. {text}"))
                    .collect(),
                answers,
                swapped: drawn[0] % 2 == 1,
                vote: None,
            };
            let mut documents = example.about.documents;
            documents.retain(|document| !document.starts_with(super::super::datasets::IMPORTED));
            self.catalog.add_pair(id, &pair, &documents).await?;
        }
        Ok(())
    }

    /// All comparisons, newest first.
    ///
    /// # Errors
    /// Where the catalog cannot be read.
    pub async fn comparisons(&self) -> Result<Vec<ComparisonDetails>> {
        let mut all = Vec::new();
        for record in self.catalog.comparisons().await? {
            all.push(self.with_votes(record).await?);
        }
        Ok(all)
    }

    /// A comparison by its id or a start of it.
    ///
    /// # Errors
    /// A problem `comparison_not_found`.
    pub async fn comparison(&self, id: &str) -> Result<ComparisonDetails> {
        let mut found = self.catalog.comparisons().await?;
        found.retain(|one| !id.is_empty() && one.id.starts_with(id));
        match (found.pop(), found.is_empty()) {
            (Some(record), true) => self.with_votes(record).await,
            _ => Err(not_found(id).into()),
        }
    }

    /// Records a vote, and returns how they stand, with the next pair.
    ///
    /// # Errors
    /// A problem `comparison_not_found` or `pair_not_found`.
    pub async fn vote(&self, id: &str, request: &VoteRequest) -> Result<ComparisonDetails> {
        let record = self.comparison(id).await?.comparison;
        let pairs = self.catalog.pairs(&record.id).await?;
        let pair = pairs.iter().find(|pair| pair.position == request.position);
        let Some(pair) = pair else {
            return Err(Problem::new(
                Fault::NotFound,
                "pair_not_found",
                format!("the comparison has no pair {}", request.position),
                "it may have gone with a document that was deleted; look at `next`",
            )
            .into());
        };
        let preferred = match (request.vote, pair.swapped) {
            (Vote::Tie, _) => Preferred::Tie,
            (Vote::Left, false) | (Vote::Right, true) => Preferred::First,
            (Vote::Left, true) | (Vote::Right, false) => Preferred::Second,
        };
        let by = request.by.as_deref().unwrap_or_default();
        let by: String = by.chars().take(100).collect();
        self.catalog
            .vote(&record.id, pair.position, preferred, &by)
            .await?;
        self.with_votes(record).await
    }

    /// Deletes a comparison with its votes.
    ///
    /// # Errors
    /// A problem `comparison_not_found`.
    pub async fn delete_comparison(&self, id: &str) -> Result<ComparisonRecord> {
        let record = self.comparison(id).await?.comparison;
        match self.catalog.delete_comparison(&record.id).await? {
            true => Ok(record),
            false => Err(not_found(id).into()),
        }
    }

    async fn with_votes(&self, mut comparison: ComparisonRecord) -> Result<ComparisonDetails> {
        let is_over = comparison.finished || comparison.failed.is_some();
        if !is_over && !self.comparing().contains(&comparison.id) {
            comparison.failed = Some("the program was stopped before all were asked".to_owned());
        }
        let pairs = self.catalog.pairs(&comparison.id).await?;
        Ok(standing(comparison, &pairs))
    }

    fn comparing(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeSet<String>> {
        let comparing = self.comparing.lock();
        comparing.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn standing(comparison: ComparisonRecord, pairs: &[Pair]) -> ComparisonDetails {
    let count = |wanted| {
        pairs
            .iter()
            .filter(|pair| pair.vote == Some(wanted))
            .count()
    };
    let worth: Vec<f64> = pairs
        .iter()
        .filter_map(|pair| {
            Some(match pair.vote? {
                Preferred::First => 1.0,
                Preferred::Second => 0.0,
                Preferred::Tie => 0.5,
            })
        })
        .collect();
    let next = pairs.iter().find(|pair| pair.vote.is_none()).map(|pair| {
        let [first, second] = pair.answers.clone();
        let (left, right) = match pair.swapped {
            true => (second, first),
            false => (first, second),
        };
        BlindPair {
            position: pair.position,
            question: pair.question.clone(),
            notes: pair.notes.clone(),
            expected: pair.expected.clone(),
            left,
            right,
        }
    });
    ComparisonDetails {
        comparison,
        pairs: pairs.len(),
        wins: count(Preferred::First),
        losses: count(Preferred::Second),
        ties: count(Preferred::Tie),
        win_rate: figure(&worth, 1, |all| mean(all.iter().map(|value| **value))),
        next,
    }
}

fn not_found(id: &str) -> Problem {
    let shown: String = id.chars().take(80).collect();
    Problem::new(
        Fault::NotFound,
        "comparison_not_found",
        format!("there is no comparison {shown:?}"),
        "`lectern finetune compare --list` shows their ids",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(position: u32, swapped: bool, vote: Option<Preferred>) -> Pair {
        Pair {
            position,
            question: "Who?".to_owned(),
            expected: "Ada [1]".to_owned(),
            notes: vec!["1. Ada did it.".to_owned()],
            answers: ["one".to_owned(), "two".to_owned()],
            swapped,
            vote,
        }
    }

    #[test]
    fn votes_are_counted_and_the_next_pair_tells_nothing() {
        let record = ComparisonRecord {
            id: "c".to_owned(),
            models: ["a".to_owned(), BASE.to_owned()],
            dataset: "d".to_owned(),
            wanted: 5,
            same: 1,
            finished: true,
            failed: None,
            created_at: String::new(),
        };
        let pairs = [
            pair(1, false, Some(Preferred::First)),
            pair(2, true, Some(Preferred::First)),
            pair(3, true, Some(Preferred::Tie)),
            pair(4, true, None),
        ];
        let found = standing(record.clone(), &pairs);
        assert_eq!((found.wins, found.losses, found.ties), (2, 0, 1));
        let rate = found.win_rate.unwrap();
        assert!((rate.value - 5.0 / 6.0).abs() < 1e-9 && rate.high <= 1.0);
        let next = found.next.unwrap();
        assert_eq!((next.left.as_str(), next.right.as_str()), ("two", "one"));
        assert!(standing(record, &[]).win_rate.is_none());
    }
}
