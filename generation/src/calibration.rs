//! How probable it is that the papers answer a question, and that the answer is right.
//!
//! A logistic model over a few [`Signals`]: how well the best sentence meets the question, which of
//! its words nothing meets, how far the best passage stands out, what contradicts. They are shares and
//! cosines, so that a library of five papers and one of five thousand are on one scale. An answer is
//! given where the probability reaches a threshold, and the threshold is what reached the wanted
//! precision on labelled questions: refusing is a decision about errors, not a property of a model
//! (El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010).

use std::collections::{HashMap, HashSet};

use retrieval::embed::Embedder;
use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Sources};
use crate::polarity::{OPPOSITES, Polarity};
use crate::question::{Question, Wanted};
use crate::words::words;

/// How many signals there are.
pub const SIGNALS: usize = 20;

/// What each signal is called, in order.
pub const NAMES: [&str; SIGNALS] = [
    "fit",
    "fit_best",
    "words",
    "score",
    "maxsim",
    "covered",
    "met",
    "weakest",
    "rerank",
    "rerank_lead",
    "dense",
    "names_missing",
    "names_missing_near",
    "numbers_missing",
    "negation",
    "opposite",
    "superlative",
    "kind_missing",
    "second",
    "same_paper",
];

/// What is known before an answer is made, in the order of [`NAMES`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals(pub [f32; SIGNALS]);

impl Signals {
    /// Reads them off the evidence, which is best first.
    pub fn of(question: &Question, sources: &Sources, evidence: &[Evidence]) -> Self {
        let Some(best) = evidence.first() else {
            return Self::default();
        };
        let passage = &sources.passages[best.passage];
        let text = &passage.text[best.range.clone()];
        let features = &best.features;
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
        let mut met: Vec<f32> = features.met.iter().map(|one| one.max(0.0)).collect();
        met.sort_by(f32::total_cmp);
        let lowest = &met[..met.len().min(2)];

        let top = &sources.passages[..sources.passages.len().min(10)];
        let mut reranked: Vec<f32> = top
            .iter()
            .map(|one| one.scores.rerank.unwrap_or(one.score))
            .collect();
        reranked.sort_by(|left, right| right.total_cmp(left));
        let first = reranked.first().copied().unwrap_or(0.0);
        let middle = reranked.get(reranked.len() / 2).copied().unwrap_or(0.0);
        let dense = top
            .iter()
            .filter_map(|one| one.scores.dense)
            .fold(0.0, f32::max);

        let near: HashSet<String> = stems(&[
            &passage.title,
            passage.section.as_deref().unwrap_or_default(),
            &passage.text,
        ]);
        let anywhere: HashSet<String> = sources
            .passages
            .iter()
            .flat_map(|one| stems(&[&one.title, &one.text]))
            .collect();
        let missing = |kind: fn(&str, bool) -> bool, known: &HashSet<String>| -> f32 {
            let count = words(&question.text)
                .iter()
                .enumerate()
                .filter(|(place, word)| !word.is_stop && kind(word.text, *place == 0))
                .filter(|(_, word)| !known.contains(&word.stem))
                .count();
            count.min(3) as f32
        };
        let wants_kind = !matches!(question.wanted, Wanted::How | Wanted::Other);
        let second = evidence
            .iter()
            .filter(|item| !item.is_neighbour)
            .nth(1)
            .map_or(0.0, |item| item.score);
        let same = top
            .iter()
            .take(5)
            .filter(|one| one.document_id == passage.document_id)
            .count();
        let weights = question.weights(rarity(question, sources.embedder));
        let total: f32 = weights.iter().sum();
        let fit = |item: &Evidence| -> f32 {
            let sum: f32 = item
                .features
                .met
                .iter()
                .zip(&weights)
                .map(|(met, weight)| met.clamp(0.0, 1.0) * weight)
                .sum();
            let met = sum / total.max(1e-6);
            match item.features.cosine {
                Some(cosine) => 0.4 * cosine + 0.6 * met,
                // By words alone the same evidence gets less; put on the other's scale.
                None => 0.25 + 0.72 * met,
            }
        };
        let most = evidence.iter().map(fit).fold(0.0, f32::max);
        Self([
            most,
            fit(best),
            question.weighty_words().clamp(1.5, 7.0).ln(),
            best.score,
            features.maxsim.unwrap_or(0.0),
            features.overlap + features.beside + features.only_above,
            mean(&met),
            mean(lowest),
            first,
            first - middle,
            dense,
            missing(is_name, &anywhere),
            missing(is_name, &near),
            missing(is_number, &near),
            flag(negates(&question.text) && !negates(text)),
            opposites(&question.text, text),
            superlatives(&question.text, text),
            match wants_kind {
                true => 1.0 - question.fits(text),
                false => 0.0,
            },
            second,
            same as f32 / 5.0,
        ])
    }
}

/// How common the question's words are: their place in the embedder's vocabulary, where the
/// commonest come first (as in BERT's), on a logarithmic scale.
fn rarity(question: &Question, embedder: &dyn Embedder) -> impl Fn(&str) -> Option<f32> {
    let asked: HashSet<String> = question
        .words
        .iter()
        .map(|word| word.to_lowercase())
        .chain(question.stems.iter().cloned())
        .collect();
    let vocabulary = embedder.whole_words();
    let scale = (vocabulary.len().max(3) as f32).ln();
    let places: HashMap<String, usize> = vocabulary
        .into_iter()
        .enumerate()
        .filter(|(_, word)| asked.contains(word))
        .map(|(place, word)| (word, place))
        .collect();
    move |word| {
        let place = *places.get(word)?;
        Some(((place + 2) as f32).ln() / scale)
    }
}

fn flag(condition: bool) -> f32 {
    f32::from(u8::from(condition))
}

fn stems(texts: &[&str]) -> HashSet<String> {
    texts
        .iter()
        .flat_map(|text| words(text))
        .map(|word| word.stem)
        .collect()
}

/// A capital inside the question, or capitals and digits within the word.
fn is_name(word: &str, is_first: bool) -> bool {
    let mut characters = word.chars();
    let is_capital = characters.next().is_some_and(char::is_uppercase);
    let is_marked = characters.any(|c| c.is_uppercase() || c.is_ascii_digit());
    !is_number(word, is_first) && (is_marked || is_capital && !is_first)
}

fn is_number(word: &str, _: bool) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn negates(text: &str) -> bool {
    Polarity::of(&words(text), text).has_negation
}

fn lower(text: &str) -> HashSet<String> {
    words(text)
        .iter()
        .map(|word| word.text.to_lowercase())
        .collect()
}

/// 1 where a word of the question stands in the sentence as its opposite only.
fn opposites(question: &str, sentence: &str) -> f32 {
    let (asked, said) = (lower(question), lower(sentence));
    let has =
        |side: &[&str], words: &HashSet<String>| side.iter().any(|word| words.contains(*word));
    let count = OPPOSITES
        .iter()
        .flat_map(|(left, right)| [(left, right), (right, left)])
        .filter(|(side, other)| has(side, &asked) && !has(side, &said) && has(other, &said))
        .count();
    count.min(1) as f32
}

/// How many superlatives and restrictions of the question the sentence does not have.
fn superlatives(question: &str, sentence: &str) -> f32 {
    let said = lower(sentence);
    let count = lower(question)
        .iter()
        .filter(|word| {
            word.len() > 4 && word.ends_with("est")
                || matches!(word.as_str(), "only" | "first" | "last" | "most" | "least")
        })
        .filter(|word| !said.contains(*word))
        .count();
    count.min(2) as f32
}

/// A logistic model over [`Signals`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Log-odds where all signals are 0.
    pub intercept: f32,
    /// Change of the log-odds a unit of each signal, in the order of [`NAMES`].
    pub coefficients: [f32; SIGNALS],
    /// Precisions that were reached, each with the lowest probability from which it was; ascending.
    pub thresholds: Vec<(f32, f32)>,
}

impl Default for Calibration {
    /// As shipped: fitted on 220 answerable and 220 absent questions each of halves of COVID-QA and of
    /// SQuAD 2.0, asked of libraries with and without their documents, 264 adversarial ones of SQuAD
    /// 2.0, and 60 on papers. What contradicts is weighted down from the fit, which learnt it from
    /// SQuAD's way of making adversarial questions. The precisions are those on the absent ones, half
    /// of the questions being answerable.
    fn default() -> Self {
        let mut coefficients = [0.0; SIGNALS];
        for (name, coefficient) in [
            ("fit", 12.4),
            ("negation", -1.6),
            ("opposite", -1.0),
            ("superlative", -0.8),
        ] {
            if let Some(place) = NAMES.iter().position(|other| *other == name) {
                coefficients[place] = coefficient;
            }
        }
        Self {
            intercept: -7.65,
            coefficients,
            thresholds: vec![
                (0.742, 0.3),
                (0.773, 0.4),
                (0.788, 0.45),
                (0.819, 0.5),
                (0.833, 0.55),
                (0.853, 0.6),
                (0.904, 0.7),
                (0.938, 0.8),
            ],
        }
    }
}

impl Calibration {
    /// The probability from which answers are right as often as `precision` says: between what was
    /// measured on a straight line, beyond it towards certainty.
    pub fn threshold(&self, precision: f32) -> f32 {
        let (mut below, mut above) = ((0.0, 0.0), (1.0, 1.0));
        for &point in &self.thresholds {
            if point.0 <= precision {
                below = point;
            } else {
                above = point;
                break;
            }
        }
        let span = above.0 - below.0;
        match span > 0.0 {
            true => below.1 + (above.1 - below.1) * (precision - below.0) / span,
            false => below.1,
        }
    }

    /// Probability that the answer is right.
    pub fn probability(&self, signals: &Signals) -> f32 {
        let sum: f32 = self
            .coefficients
            .iter()
            .zip(signals.0)
            .map(|(coefficient, signal)| coefficient * signal)
            .sum();
        1.0 / (1.0 + (-(self.intercept + sum)).exp())
    }

    /// Fits to questions with known outcome. With fewer than [`ENOUGH`](Self::ENOUGH) of them, or of
    /// one outcome nearly all, only the scale and the intercept of `self` are fitted (Platt, 1999);
    /// with more all coefficients are, drawn towards `self`.
    pub fn fit(&self, examples: &[(Signals, bool)]) -> Self {
        let right = examples.iter().filter(|(_, right)| *right).count();
        if right == 0 || right == examples.len() {
            return self.clone();
        }
        let rare = right.min(examples.len() - right);
        match examples.len() < Self::ENOUGH || rare < 3 * SIGNALS {
            true => self.rescaled(examples),
            false => self.refitted(examples),
        }
    }

    /// Labelled questions from which all coefficients are fitted.
    pub const ENOUGH: usize = 200;

    fn rescaled(&self, examples: &[(Signals, bool)]) -> Self {
        let log_odds = |signals: &Signals| {
            let probability = self.probability(signals).clamp(1e-6, 1.0 - 1e-6);
            (probability / (1.0 - probability)).ln()
        };
        let rows: Vec<(Vec<f32>, bool)> = examples
            .iter()
            .map(|(signals, right)| (vec![log_odds(signals)], *right))
            .collect();
        let (intercept, scale) = descend(&rows, &[1.0]);
        Self {
            intercept: scale[0] * self.intercept + intercept,
            coefficients: self.coefficients.map(|coefficient| scale[0] * coefficient),
            thresholds: self.thresholds.clone(),
        }
    }

    fn refitted(&self, examples: &[(Signals, bool)]) -> Self {
        let rows: Vec<(Vec<f32>, bool)> = examples
            .iter()
            .map(|(signals, right)| (signals.0.to_vec(), *right))
            .collect();
        let (intercept, fitted) = descend(&rows, &self.coefficients);
        let mut coefficients = [0.0; SIGNALS];
        coefficients.copy_from_slice(&fitted);
        Self {
            intercept,
            coefficients,
            thresholds: self.thresholds.clone(),
        }
    }
}

/// Minimises the log-loss with a ridge towards `prior`, by gradient descent on standardised columns.
/// Returns intercept and coefficients.
fn descend(rows: &[(Vec<f32>, bool)], prior: &[f32]) -> (f32, Vec<f32>) {
    const STEPS: usize = 4_000;
    const RATE: f64 = 0.5;
    /// Strength of the ridge, in examples.
    const RIDGE: f64 = 4.0;
    let (count, width) = (rows.len() as f64, prior.len());
    let column = |at: usize| rows.iter().map(move |(row, _)| f64::from(row[at]));
    let means: Vec<f64> = (0..width)
        .map(|at| column(at).sum::<f64>() / count)
        .collect();
    let deviations: Vec<f64> = (0..width)
        .map(|at| {
            let variance = column(at)
                .map(|value| (value - means[at]).powi(2))
                .sum::<f64>()
                / count;
            variance.sqrt().max(1e-6)
        })
        .collect();
    let standard: Vec<Vec<f64>> = rows
        .iter()
        .map(|(row, _)| {
            (0..width)
                .map(|at| (f64::from(row[at]) - means[at]) / deviations[at])
                .collect()
        })
        .collect();
    let towards: Vec<f64> = (0..width)
        .map(|at| f64::from(prior[at]) * deviations[at])
        .collect();
    let mut weights = towards.clone();
    let mut bias = 0.0;
    for _ in 0..STEPS {
        let mut slopes = vec![0.0; width];
        let mut bias_slope = 0.0;
        for (row, (_, right)) in standard.iter().zip(rows) {
            let sum: f64 = row
                .iter()
                .zip(&weights)
                .map(|(value, weight)| value * weight)
                .sum();
            let miss = 1.0 / (1.0 + (-(bias + sum)).exp()) - f64::from(u8::from(*right));
            bias_slope += miss;
            for (slope, value) in slopes.iter_mut().zip(row) {
                *slope += miss * value;
            }
        }
        bias -= RATE * bias_slope / count;
        for at in 0..width {
            let ridge = RIDGE * (weights[at] - towards[at]);
            weights[at] -= RATE * (slopes[at] + ridge) / count;
        }
    }
    let coefficients: Vec<f32> = (0..width)
        .map(|at| (weights[at] / deviations[at]) as f32)
        .collect();
    let shift: f64 = (0..width)
        .map(|at| weights[at] * means[at] / deviations[at])
        .sum();
    ((bias - shift) as f32, coefficients)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(fit: f32, right: bool) -> (Signals, bool) {
        let mut signals = Signals::default();
        signals.0[0] = fit;
        (signals, right)
    }

    #[test]
    fn a_threshold_lies_between_those_measured() {
        let calibration = Calibration::default();
        assert_eq!(calibration.threshold(0.904), 0.7);
        assert!((calibration.threshold(0.826) - 0.525).abs() < 1e-4);
        assert!(calibration.threshold(0.99) > 0.8 && calibration.threshold(1.0) <= 1.0);
        assert!(calibration.threshold(0.1) < 0.1);
    }

    #[test]
    fn fitting_follows_what_was_right() {
        let base = Calibration::default();
        // Right above 0.8 only, where the shipped model is sure from 0.7.
        let few: Vec<_> = (0..60)
            .map(|at| example(0.6 + 0.006 * at as f32, at > 33))
            .collect();
        let fitted = base.fit(&few);
        let at = |fit: f32| fitted.probability(&example(fit, true).0);
        assert!(at(0.7) < 0.3 && at(0.9) > 0.7, "{} {}", at(0.7), at(0.9));
        assert!(fitted.coefficients[0] > 0.0);
        let many: Vec<_> = (0..400)
            .map(|at| example(0.6 + 0.001 * at as f32, at > 200))
            .collect();
        let fitted = base.fit(&many);
        let at = |fit: f32| fitted.probability(&example(fit, true).0);
        assert!(at(0.65) < 0.2 && at(0.95) > 0.8);
        // One outcome teaches nothing.
        assert_eq!(base.fit(&few[40..]), base);
    }
}
