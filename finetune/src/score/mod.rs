//! How good answers are: each beside what should have been said.
//!
//! An answer is judged for what it says ([`text`]), for the notes that it cites, and for whether it
//! declines where it should ([`generation::answer::declines`], as serving tells it). A right refusal
//! counts as a perfect answer and a wrong one as none, as in SQuAD 2.0 (Rajpurkar et al., "Know What
//! You Don't Know", 2018, <https://arxiv.org/abs/1806.03822>), so that no figure can be had by always
//! answering or by never.
//!
//! Each example gives each figure a [`Part`], a sum and what it is divided by; a figure is the sum of
//! the one over the sum of the other. So ratios (of citations, of refusals) can be drawn again from
//! the examples as means can ([`bootstrap`]).

pub mod auroc;
pub mod bootstrap;
pub mod general;
pub mod recite;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use generation::align::strip_markers;
use generation::answer::declines;
use serde::{Deserialize, Serialize};

use crate::data::cited;
use text::{bleu, exact_match, jaccard, rouge_l, rouge_n, token_f1};

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// The share that is right to the word.
    #[serde(rename = "em")]
    ExactMatch,
    /// Words in common, precision and recall weighing the same.
    #[serde(rename = "f1")]
    F1,
    /// The same, over the questions that can be answered alone.
    #[serde(rename = "answer_f1")]
    AnswerF1,
    /// Words in common among all words.
    #[serde(rename = "jaccard")]
    Jaccard,
    /// Words in common.
    #[serde(rename = "rouge1")]
    Rouge1,
    /// Pairs of words in common.
    #[serde(rename = "rouge2")]
    Rouge2,
    /// The longest common subsequence.
    #[serde(rename = "rougeL")]
    RougeL,
    /// Runs of one to four words in common.
    #[serde(rename = "bleu")]
    Bleu,
    /// Among how many tokens the model hesitates where it should have written the reference.
    #[serde(rename = "perplexity")]
    Perplexity,
    /// The share of the cited notes that the reference cites.
    #[serde(rename = "citation_precision")]
    CitationPrecision,
    /// The share of the notes of the reference that are cited.
    #[serde(rename = "citation_recall")]
    CitationRecall,
    /// The share of the refusals that are right.
    #[serde(rename = "refusal_precision")]
    RefusalPrecision,
    /// The share of the questions to be refused that are refused.
    #[serde(rename = "refusal_recall")]
    RefusalRecall,
    /// The share of the questions that can be answered and are refused.
    #[serde(rename = "false_refusals")]
    FalseRefusals,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 14] = [
        Metric::ExactMatch,
        Metric::F1,
        Metric::AnswerF1,
        Metric::Jaccard,
        Metric::Rouge1,
        Metric::Rouge2,
        Metric::RougeL,
        Metric::Bleu,
        Metric::Perplexity,
        Metric::CitationPrecision,
        Metric::CitationRecall,
        Metric::RefusalPrecision,
        Metric::RefusalRecall,
        Metric::FalseRefusals,
    ];

    /// Its name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::ExactMatch => "em",
            Metric::F1 => "f1",
            Metric::AnswerF1 => "answer_f1",
            Metric::Jaccard => "jaccard",
            Metric::Rouge1 => "rouge1",
            Metric::Rouge2 => "rouge2",
            Metric::RougeL => "rougeL",
            Metric::Bleu => "bleu",
            Metric::Perplexity => "perplexity",
            Metric::CitationPrecision => "citation_precision",
            Metric::CitationRecall => "citation_recall",
            Metric::RefusalPrecision => "refusal_precision",
            Metric::RefusalRecall => "refusal_recall",
            Metric::FalseRefusals => "false_refusals",
        }
    }

    /// True where less is better.
    #[must_use]
    pub fn is_cost(self) -> bool {
        matches!(self, Metric::Perplexity | Metric::FalseRefusals)
    }

    /// The figure of these parts; none where there is nothing to divide by.
    #[must_use]
    pub fn of(self, part: Part) -> Option<f64> {
        if part.weight <= 0.0 {
            return None;
        }
        let mean = part.sum / part.weight;
        Some(match self {
            Metric::Perplexity => mean.exp(),
            _ => mean,
        })
    }
}

/// What one or several examples give a figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What is divided: points, right citations, loss in nats.
    pub sum: f64,
    /// By what: examples, citations, tokens.
    pub weight: f64,
}

impl Part {
    /// A part of weight 1.
    #[must_use]
    pub fn one(sum: f64) -> Self {
        Self { sum, weight: 1.0 }
    }
}

impl std::ops::AddAssign for Part {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }
}

/// What one example gives each figure; one that it says nothing of is not among them.
pub type Parts = BTreeMap<Metric, Part>;

/// True where an answer says that the notes do not answer: its first sentence does.
#[must_use]
pub fn refuses(written: &str) -> bool {
    let text = strip_markers(written.trim());
    let first = ingest::sentence::split(&text).into_iter().next();
    first.is_some_and(|range| declines(&text[range]))
}

/// The notes that an answer cites.
#[must_use]
pub fn citations(written: &str) -> BTreeSet<usize> {
    cited(written).collect()
}

/// Scores what was written beside what should have been: `expected` with its markers, `is_refusal`
/// where that is to decline. Without [`Metric::Perplexity`], which words alone do not tell.
#[must_use]
pub fn score(expected: &str, is_refusal: bool, written: &str) -> Parts {
    score_answer(
        expected,
        is_refusal,
        &Said {
            text: written,
            citations: citations(written),
            refuses: refuses(written),
        },
    )
}

/// An answer, whichever way it shows what it cites and that it declines.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// Its words; markers in it are passed over.
    pub text: &'a str,
    /// Numbers of the notes that it cites.
    pub citations: BTreeSet<usize>,
    /// True where it declines.
    pub refuses: bool,
}

/// As [`score`], of an answer that was taken apart already.
#[must_use]
pub fn score_answer(expected: &str, is_refusal: bool, said: &Said<'_>) -> Parts {
    let mut parts = Parts::new();
    let text = strip_markers(said.text.trim());
    let reference = strip_markers(expected.trim());
    let right_refusal = f64::from(u8::from(is_refusal && said.refuses));
    let mut near = |metric: Metric, measure: &dyn Fn() -> f64| {
        let points = match is_refusal || said.refuses {
            true => right_refusal,
            false => measure(),
        };
        parts.insert(metric, Part::one(points));
    };
    near(Metric::ExactMatch, &|| exact_match(&text, &reference));
    near(Metric::F1, &|| token_f1(&text, &reference));
    near(Metric::Jaccard, &|| jaccard(&text, &reference));
    near(Metric::Rouge1, &|| rouge_n(&text, &reference, 1));
    near(Metric::Rouge2, &|| rouge_n(&text, &reference, 2));
    near(Metric::RougeL, &|| rouge_l(&text, &reference));
    near(Metric::Bleu, &|| {
        bleu(&text, std::slice::from_ref(&reference))
    });
    let refused = f64::from(u8::from(said.refuses));
    if is_refusal {
        parts.insert(Metric::RefusalRecall, Part::one(refused));
    } else {
        parts.insert(Metric::AnswerF1, parts[&Metric::F1]);
        parts.insert(Metric::FalseRefusals, Part::one(refused));
    }
    if said.refuses {
        parts.insert(Metric::RefusalPrecision, Part::one(right_refusal));
    }
    // Of a reference without markers it is not known what should be cited. Where there is nothing
    // to answer, nothing is right to cite.
    let wanted = citations(expected);
    if is_refusal || !wanted.is_empty() {
        let right = said.citations.intersection(&wanted).count() as f64;
        for (metric, of) in [
            (Metric::CitationPrecision, said.citations.len()),
            (Metric::CitationRecall, wanted.len()),
        ] {
            let weight = of as f64;
            parts.insert(metric, Part { sum: right, weight });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use generation::prompt::NO_ANSWER;

    fn value(parts: &Parts, metric: Metric) -> Option<f64> {
        metric.of(parts.get(&metric).copied().unwrap_or_default())
    }

    #[test]
    fn names_are_those_of_files() {
        for metric in Metric::ALL {
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(json, format!("\"{}\"", metric.as_str()));
        }
    }

    #[test]
    fn an_answer_is_judged_by_its_words_and_its_markers() {
        let parts = score("It takes 35 ms [2][3].", false, "About 35 ms [2, 4].");
        // "35 ms" of 3 and of 4 words.
        let f1 = value(&parts, Metric::F1).unwrap();
        assert!((f1 - 4.0 / 7.0).abs() < 1e-9, "{f1}");
        assert_eq!(value(&parts, Metric::AnswerF1), Some(f1));
        assert_eq!(value(&parts, Metric::CitationPrecision), Some(0.5));
        assert_eq!(value(&parts, Metric::CitationRecall), Some(0.5));
        assert_eq!(value(&parts, Metric::FalseRefusals), Some(0.0));
        assert_eq!(value(&parts, Metric::RefusalPrecision), None);
        assert_eq!(value(&parts, Metric::RefusalRecall), None);
    }

    #[test]
    fn what_is_not_known_is_not_counted() {
        let parts = score("It takes 35 ms.", false, "It takes 35 ms [1].");
        assert_eq!(value(&parts, Metric::ExactMatch), Some(1.0));
        assert_eq!(value(&parts, Metric::CitationPrecision), None);
        let silent = score("It takes 35 ms [1].", false, "It takes 35 ms.");
        assert_eq!(value(&silent, Metric::CitationPrecision), None);
        assert_eq!(value(&silent, Metric::CitationRecall), Some(0.0));
    }

    #[test]
    fn a_right_refusal_is_a_perfect_answer_and_a_wrong_one_is_none() {
        let right = score(NO_ANSWER, true, "The notes don't say how long it takes.");
        assert_eq!(value(&right, Metric::F1), Some(1.0));
        assert_eq!(value(&right, Metric::RefusalPrecision), Some(1.0));
        assert_eq!(value(&right, Metric::RefusalRecall), Some(1.0));
        assert_eq!(value(&right, Metric::AnswerF1), None);

        let wrong = score("It takes 35 ms [1].", false, NO_ANSWER);
        assert_eq!(value(&wrong, Metric::F1), Some(0.0));
        assert_eq!(value(&wrong, Metric::RefusalPrecision), Some(0.0));
        assert_eq!(value(&wrong, Metric::FalseRefusals), Some(1.0));

        let made_up = score(NO_ANSWER, true, "The notes are clear: 35 ms [1].");
        assert_eq!(value(&made_up, Metric::F1), Some(0.0), "words do not count");
        assert_eq!(value(&made_up, Metric::CitationPrecision), Some(0.0));
        assert_eq!(value(&made_up, Metric::RefusalRecall), Some(0.0));
        assert!(!refuses(""), "nothing written is no refusal");
    }

    #[test]
    fn perplexity_is_e_to_the_mean_loss() {
        let loss = Part {
            sum: 6.0,
            weight: 3.0,
        };
        assert_eq!(Metric::Perplexity.of(loss), Some(2.0f64.exp()));
        assert_eq!(Metric::Perplexity.of(Part::default()), None);
    }
}
