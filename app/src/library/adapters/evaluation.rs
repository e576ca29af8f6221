//! What an evaluation found: `lectern finetune evaluate --json`.

use std::collections::BTreeMap;

use finetune::data::Source;
use finetune::gate::{Judgement, Verdict};
use finetune::score::Metric;
use finetune::score::Parts;
use finetune::score::auroc::ToldApart;
use finetune::score::bootstrap::{self, Difference};
use finetune::score::general::General;
use serde::{Deserialize, Serialize};

/// Figures of a model, with the intervals that hold them in 95 of 100 cases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The figures that there was anything to work out from.
    pub metrics: BTreeMap<Metric, f64>,
    /// Lower and upper end of each.
    pub intervals: BTreeMap<Metric, [f64; 2]>,
}

impl Figures {
    /// Those of the questions' parts.
    #[must_use]
    pub fn of(examples: &[Parts], seed: u64) -> Self {
        let found = bootstrap::figures(examples, seed);
        Self {
            metrics: found
                .iter()
                .map(|(metric, figure)| (*metric, figure.value))
                .collect(),
            intervals: found
                .iter()
                .map(|(metric, figure)| (*metric, [figure.low, figure.high]))
                .collect(),
        }
    }
}

/// The model that a candidate is compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Its adapter; null for the model as it was made.
    pub adapter: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What a model made of one question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What it wrote.
    pub written: String,
    /// What people would have been shown; empty where the question would have been declined.
    pub shown: String,
    /// The quotes that would have been cited.
    pub quotes: Vec<String>,
    /// True where quotes took the place of its words.
    pub fell_back: bool,
}

/// One question of an evaluation: a line of `lectern finetune evaluate --answers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Name of the example.
    pub id: String,
    /// What was asked.
    pub question: String,
    /// What should be answered; that the notes do not say, where they do not.
    pub expected: String,
    /// What the candidate made of it.
    pub candidate: Given,
    /// What the model that it is compared with made of it.
    pub against: Given,
}

/// How an evaluation comes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// So many answers were given, of how many.
    Answers {
        /// Answers given.
        done: usize,
        /// Answers in all.
        total: usize,
    },
    /// Both have answered a question.
    Case(Box<Case>),
}

/// Answers as people see them: after alignment, refusal and fallback.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EndToEnd {
    /// Questions that had notes to answer from.
    pub n: usize,
    /// Those of the candidate.
    #[serde(flatten)]
    pub figures: Figures,
    /// Those of the model that it is compared with.
    pub against: Figures,
    /// How they differ.
    pub differences: BTreeMap<Metric, Difference>,
    /// The share of the candidate's answers that quotes took the place of, as its own sentences were
    /// not supported.
    pub fallback: f64,
    /// The same of the other model.
    pub fallback_against: f64,
}

/// Shares of answers that say what training taught and their notes do not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Recited {
    /// Of the candidate's.
    pub candidate: f64,
    /// Of the other model's.
    pub against: f64,
}

/// What an evaluation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The model that answers.
    pub model: String,
    /// The candidate's id.
    pub adapter: String,
    /// The dataset's name, or its folder.
    pub dataset: String,
    /// SHA-256 of its files.
    pub dataset_sha256: String,
    /// Always `test`.
    pub split: String,
    /// Questions that were asked.
    pub n: usize,
    /// What the candidate writes by itself.
    #[serde(flatten)]
    pub figures: Figures,
    /// The model that it is compared with: the one in service, unless another was named.
    pub against: Against,
    /// How they differ.
    pub differences: BTreeMap<Metric, Difference>,
    /// How well questions to be refused are told from the others (area under the ROC), by how likely
    /// the words that decline are; null where there are none of the one or of the other.
    #[serde(default)]
    pub refusal_auroc: Option<ToldApart>,
    /// The same of the answers that people see.
    pub end_to_end: EndToEnd,
    /// The candidate on the general set.
    pub general: General,
    /// The base model on it.
    pub general_base: General,
    /// Recited answers; null where what it was trained on is not known.
    pub recited: Option<Recited>,
    /// Where the questions come from.
    pub sources: BTreeMap<Source, usize>,
    /// Questions that one of the two was trained on, or on whose documents; they were not asked.
    pub left_out: usize,
    /// Questions whose prompt is longer than the model reads; they were not asked.
    pub too_long: usize,
    /// What the gate says.
    pub verdict: Verdict,
    /// True where it is shown not to be worse.
    pub not_worse: bool,
    /// Questions that are missing for a verdict.
    pub needed: usize,
    /// What speaks against it.
    pub reasons: Vec<String>,
    /// Which questions were drawn.
    pub seed: u64,
    /// When, RFC 3339.
    pub evaluated_at: String,
    /// How long it took.
    pub seconds: f64,
}

impl Evaluation {
    /// Takes over what the gate says.
    pub(super) fn decide(&mut self, judgement: Judgement) {
        self.verdict = judgement.verdict;
        self.not_worse = judgement.not_worse;
        self.needed = judgement.needed;
        self.reasons = judgement.reasons;
    }

    /// How to get more questions, where there are too few.
    #[must_use]
    pub fn how_to_get_more(&self) -> Option<String> {
        (self.needed > 0).then(|| {
            format!(
                "prepare a dataset with more questions on its test side, which gets a tenth: `lectern \
                 finetune prepare --name NAME --generate {}` makes them of the library (they count, \
                 marked as generated), or import a file of questions",
                // A tenth of what is generated comes to the test side.
                (self.needed * 10).next_multiple_of(100)
            )
        })
    }
}
