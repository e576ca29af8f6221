//! What `lectern eval answers` tells: figures with intervals, over all questions and apart by set,
//! kind and origin, so that the model's own answers are never mistaken for quotes.

use std::collections::BTreeMap;

use generation::Origin;
use serde::Serialize;

use super::calibrate::Fitted;
use super::judge::{Judged, MOST_WORDS};
use super::questions::Set;
use crate::eval::calibration::{
    self, Bin, Forecast, Pair, SURE, Threshold, auroc, bins, expected_error,
};
use crate::eval::interval::{Figure, figure, mean, quantile};

/// Bins of the reliability diagram.
const BINS: usize = 10;

/// Figures by name.
pub(super) type Figures = BTreeMap<&'static str, Figure>;

/// Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the questions took no longer.
    pub p50: f64,
    /// 95 of 100 took no longer.
    pub p95: f64,
    /// The longest.
    pub max: f64,
    /// Number of questions.
    pub n: usize,
}

/// How answers of one origin fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OriginScore {
    /// Share of the answerable questions that were answered so.
    pub share: Figure,
    /// Figures of these answers alone.
    pub figures: Figures,
}

/// How well confidence foretells what is right.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Answers with a confidence.
    pub n: usize,
    /// Expected calibration error.
    pub expected_error: Option<f64>,
    /// The precision that was wanted.
    pub precision: f64,
    /// From which confidence on it is reached; none where it is not.
    pub threshold: Option<Threshold>,
    /// What was foretold, and which share of the answers was right.
    pub bins: Vec<Bin>,
    /// What was foretold, and which share of the questions the library can answer: of all
    /// questions, refused ones as well. That is what the confidence of Lectern's own calibration
    /// foretells.
    pub answerable: Vec<Bin>,
    /// Expected calibration error of that.
    pub answerable_error: Option<f64>,
}

/// What `eval answers --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the question file.
    pub questions: String,
    /// Questions asked.
    pub n: usize,
    /// Of them, those that the library answers.
    pub answerable: usize,
    /// Those that no document answers.
    pub absent: usize,
    /// Those whose document is there and does not say.
    pub adversarial: usize,
    /// True where quotes were asked for.
    pub extractive: bool,
    /// Models that answered.
    pub models: Vec<String>,
    /// Figures over all questions that each is defined for.
    pub figures: Figures,
    /// Figures of the answerable questions of each kind.
    pub by_kind: BTreeMap<String, Figures>,
    /// Answers of each origin apart; `refused` are answerable questions that were not answered.
    pub by_origin: BTreeMap<&'static str, OriginScore>,
    /// Confidence, where answers have it.
    pub calibration: Option<Calibration>,
    /// Until evidence was shown, until the first token, until the answer.
    pub latency_ms: BTreeMap<&'static str, Latency>,
    /// Quotes that are not verbatim on their page or not covered by their rectangles.
    pub faults: Vec<String>,
    /// What refusal goes by from now on, where it was fitted to these questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fitted: Option<Fitted>,
}

/// A figure of answers.
type Measure = (&'static str, fn(&[&Judged]) -> Option<f64>);

/// What is counted over answerable questions, a refusal counting as no answer.
pub(super) static OF_ANSWERS: [Measure; 15] = [
    ("em", |all| mean(texts(all).map(|text| text.em))),
    ("f1", |all| mean(texts(all).map(|text| text.f1))),
    ("rougeL", |all| mean(texts(all).map(|text| text.rouge_l))),
    ("bleu", |all| mean(texts(all).map(|text| text.bleu))),
    ("jaccard", |all| mean(texts(all).map(|text| text.jaccard))),
    ("contains", |all| share(all, |one| one.contains)),
    ("contains_words", |all| {
        share(all, |one| Some(one.contains? || one.recall? >= MOST_WORDS))
    }),
    ("reference_recall", |all| {
        mean(all.iter().filter_map(|one| one.recall))
    }),
    ("short_em", |all| {
        mean(all.iter().filter_map(|one| Some(one.short_text?.em)))
    }),
    ("short_f1", |all| {
        mean(all.iter().filter_map(|one| Some(one.short_text?.f1)))
    }),
    ("right_page", |all| share(all, |one| one.right_page)),
    ("citation_precision", |all| {
        ratio(
            all,
            |one| one.right_citations,
            |one| one.right_citations.map(|_| one.citations),
        )
    }),
    ("citation_recall", |all| {
        mean(all.iter().filter_map(|one| one.gold_cited))
    }),
    ("gold_shown", |all| share(all, |one| one.gold_shown)),
    ("supported_sentences", |all| {
        ratio(all, |one| Some(one.supported), |one| Some(one.sentences))
    }),
];

fn texts<'a>(all: &'a [&Judged]) -> impl Iterator<Item = crate::eval::text::TextScores> + 'a {
    all.iter().filter_map(|one| one.text)
}

fn share(all: &[&Judged], of: impl Fn(&Judged) -> Option<bool>) -> Option<f64> {
    let values = all.iter().filter_map(|one| of(one));
    mean(values.map(|is_so| f64::from(u8::from(is_so))))
}

/// Sum over sum, for what is counted in citations or sentences rather than questions.
fn ratio(
    all: &[&Judged],
    part: impl Fn(&Judged) -> Option<usize>,
    whole: impl Fn(&Judged) -> Option<usize>,
) -> Option<f64> {
    let sum = |of: &dyn Fn(&Judged) -> Option<usize>| -> usize {
        all.iter().filter_map(|one| of(one)).sum()
    };
    let whole = sum(&whole);
    (whole > 0).then(|| sum(&part) as f64 / whole as f64)
}

/// What is counted over questions of several sets.
pub(super) static OF_ALL: [Measure; 9] = [
    ("answered_of_answerable", |all| {
        share(all, |one| {
            (one.set == Set::Answerable).then(|| one.is_answered())
        })
    }),
    ("refusal_precision", |all| {
        share(all, |one| {
            (!one.is_answered()).then_some(one.set != Set::Answerable)
        })
    }),
    ("refusal_recall", |all| {
        share(all, |one| {
            (one.set != Set::Answerable).then(|| !one.is_answered())
        })
    }),
    ("refused_of_absent", |all| {
        share(all, |one| {
            (one.set == Set::Absent).then(|| !one.is_answered())
        })
    }),
    ("refused_of_adversarial", |all| {
        share(all, |one| {
            (one.set == Set::Adversarial).then(|| !one.is_answered())
        })
    }),
    ("auroc_absent", |all| told_apart(all, Set::Absent)),
    ("auroc_adversarial", |all| told_apart(all, Set::Adversarial)),
    ("answers_right", |all| {
        share(all, |one| one.is_answered().then(|| one.is_right()))
    }),
    ("quotes_verbatim", |all| {
        share(all, |one| {
            (one.citations > 0).then_some(one.faults.is_empty())
        })
    }),
];

/// How well confidence tells answerable questions from those of another set.
fn told_apart(all: &[&Judged], from: Set) -> Option<f64> {
    let forecasts: Vec<Forecast> = all
        .iter()
        .filter(|one| one.set == Set::Answerable || one.set == from)
        .filter_map(|one| {
            Some(Pair {
                features: one.confidence?,
                is_right: one.set == Set::Answerable,
            })
        })
        .collect();
    auroc(&forecasts.iter().collect::<Vec<_>>())
}

fn figures<'a>(
    measures: impl IntoIterator<Item = &'a Measure>,
    of: &[&Judged],
    seed: u64,
) -> Figures {
    measures
        .into_iter()
        .filter_map(|(name, measure)| {
            let found = figure(of, seed, |all| {
                measure(&all.iter().map(|one| **one).collect::<Vec<_>>())
            });
            Some((*name, found?))
        })
        .collect()
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Model => "model",
        Origin::Fallback => "fallback",
        Origin::Extractive => "extractive",
        Origin::Catalog => "catalog",
    }
}

impl Report {
    /// Sums up; intervals are drawn with `seed`, the threshold is for `precision`.
    pub fn new(
        questions: &str,
        judged: &[Judged],
        extractive: bool,
        precision: f64,
        seed: u64,
    ) -> Self {
        let all: Vec<&Judged> = judged.iter().collect();
        let of = |set: Set| judged.iter().filter(move |one| one.set == set);
        let answerable: Vec<&Judged> = of(Set::Answerable).collect();
        let mut by_kind: BTreeMap<String, Vec<&Judged>> = BTreeMap::new();
        let mut by_origin: BTreeMap<&'static str, Vec<&Judged>> = BTreeMap::new();
        for one in &answerable {
            by_kind.entry(one.kind.clone()).or_default().push(one);
            let origin = match one.is_answered() {
                true => origin_name(one.origin),
                false => "refused",
            };
            by_origin.entry(origin).or_default().push(one);
        }
        let mut models: Vec<String> = judged.iter().map(|one| one.model.clone()).collect();
        models.sort_unstable();
        models.dedup();
        let mut figures_of_all = figures(&OF_ANSWERS, &answerable, seed);
        figures_of_all.extend(figures(&OF_ALL, &all, seed));
        Self {
            questions: questions.to_owned(),
            n: judged.len(),
            answerable: answerable.len(),
            absent: of(Set::Absent).count(),
            adversarial: of(Set::Adversarial).count(),
            extractive,
            models,
            figures: figures_of_all,
            by_kind: by_kind
                .into_iter()
                .map(|(kind, ones)| (kind, figures(&OF_ANSWERS, &ones, seed)))
                .collect(),
            by_origin: by_origin
                .into_iter()
                .filter_map(|(origin, ones)| {
                    let is_so = |one: &Judged| match one.is_answered() {
                        true => origin_name(one.origin) == origin,
                        false => origin == "refused",
                    };
                    let share = figure(&answerable, seed, |all| {
                        share(&all.iter().map(|one| **one).collect::<Vec<_>>(), |one| {
                            Some(is_so(one))
                        })
                    })?;
                    let figures = match origin {
                        "refused" => Figures::new(),
                        _ => figures(&OF_ANSWERS, &ones, seed),
                    };
                    Some((origin, OriginScore { share, figures }))
                })
                .collect(),
            calibration: calibrated(judged, precision),
            latency_ms: latency(judged),
            faults: judged
                .iter()
                .flat_map(|one| {
                    one.faults
                        .iter()
                        .map(|fault| format!("{}: {fault}", one.id))
                })
                .collect(),
            fitted: None,
        }
    }
}

fn calibrated(judged: &[Judged], precision: f64) -> Option<Calibration> {
    // What was refused was not judged: nobody knows whether it would have been right.
    let forecasts: Vec<Forecast> = judged
        .iter()
        .filter(|one| one.is_answered())
        .filter_map(|one| {
            Some(Pair {
                features: one.confidence?,
                is_right: one.is_right(),
            })
        })
        .collect();
    if forecasts.is_empty() {
        return None;
    }
    let answerable: Vec<Forecast> = judged
        .iter()
        .filter_map(|one| {
            Some(Pair {
                features: one.confidence?,
                is_right: one.set == Set::Answerable,
            })
        })
        .collect();
    let answerable = bins(&answerable, BINS);
    let bins = bins(&forecasts, BINS);
    Some(Calibration {
        answerable_error: expected_error(&answerable),
        answerable,
        n: forecasts.len(),
        expected_error: expected_error(&bins),
        precision,
        threshold: calibration::threshold(&forecasts, precision, SURE),
        bins,
    })
}

fn latency(judged: &[Judged]) -> BTreeMap<&'static str, Latency> {
    type Stage = (&'static str, fn(&Judged) -> Option<f64>);
    let stages: [Stage; 3] = [
        ("evidence", |one| one.evidence_ms),
        ("first_token", |one| one.first_token_ms),
        ("total", |one| Some(one.total_ms)),
    ];
    stages
        .into_iter()
        .filter_map(|(stage, of)| {
            let mut times: Vec<f64> = judged.iter().filter_map(of).collect();
            Some((
                stage,
                Latency {
                    p50: quantile(&mut times, 0.5)?,
                    p95: quantile(&mut times, 0.95)?,
                    max: quantile(&mut times, 1.0)?,
                    n: times.len(),
                },
            ))
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::eval::text::TextScores;
    use generation::Outcome;

    fn judged(set: Set, outcome: Outcome, origin: Origin, confidence: f64) -> Judged {
        let is_answerable = set == Set::Answerable;
        let is_answered = outcome == Outcome::Answered;
        let right = is_answerable && is_answered;
        Judged {
            id: "1".into(),
            question: "q?".into(),
            kind: "number".into(),
            set,
            outcome,
            origin,
            model: "m".into(),
            answer: String::new(),
            short: None,
            confidence: Some(confidence),
            text: is_answerable.then(|| TextScores {
                f1: if right { 0.5 } else { 0.0 },
                ..TextScores::default()
            }),
            short_text: None,
            contains: is_answerable.then_some(right),
            recall: is_answerable.then_some(0.0),
            citations: if is_answered { 2 } else { 0 },
            right_citations: is_answerable.then_some(usize::from(right)),
            right_page: is_answerable.then_some(right),
            gold_cited: None,
            gold_shown: is_answerable.then_some(true),
            sentences: 1,
            supported: 1,
            faults: Vec::new(),
            signals: None,
            evidence_ms: Some(10.0),
            first_token_ms: None,
            total_ms: 20.0,
        }
    }

    pub(crate) fn report() -> Report {
        use Outcome::{Answered, InsufficientEvidence};
        Report::new(
            "mine",
            &[
                judged(Set::Answerable, Answered, Origin::Model, 0.9),
                judged(Set::Answerable, Answered, Origin::Fallback, 0.8),
                judged(Set::Answerable, Answered, Origin::Fallback, 0.8),
                judged(
                    Set::Answerable,
                    InsufficientEvidence,
                    Origin::Extractive,
                    0.3,
                ),
                judged(Set::Absent, InsufficientEvidence, Origin::Extractive, 0.1),
                judged(Set::Absent, Answered, Origin::Model, 0.85),
                judged(
                    Set::Adversarial,
                    InsufficientEvidence,
                    Origin::Extractive,
                    0.4,
                ),
            ],
            false,
            0.5,
            1,
        )
    }

    #[test]
    fn figures_are_counted_over_the_questions_they_are_defined_for() {
        let report = report();
        let value = |name: &str| report.figures[name].value;
        assert_eq!(
            (report.answerable, report.absent, report.adversarial),
            (4, 2, 1)
        );
        assert_eq!(value("contains"), 0.75);
        assert_eq!(value("f1"), 0.375);
        assert_eq!(value("citation_precision"), 0.5);
        assert_eq!(value("answered_of_answerable"), 0.75);
        assert!((value("refusal_precision") - 2.0 / 3.0).abs() < 1e-9);
        assert!((value("refusal_recall") - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(value("refused_of_absent"), 0.5);
        assert_eq!(value("refused_of_adversarial"), 1.0);
        // Against 0.1 and 0.85: 4 + 1 of 8 pairs in order.
        assert_eq!(value("auroc_absent"), 5.0 / 8.0);
        assert_eq!(value("answers_right"), 0.75);
        assert!(!report.figures.contains_key("short_em"));
        assert_eq!(report.by_origin["fallback"].share.value, 0.5);
        assert_eq!(report.by_origin["refused"].share.value, 0.25);
        assert_eq!(report.by_origin["model"].figures["contains"].value, 1.0);
        assert_eq!(report.latency_ms["total"].p95, 20.0);
        assert!(!report.latency_ms.contains_key("first_token"));
        let calibration = report.calibration.as_ref().unwrap();
        assert_eq!(calibration.n, 4);
    }
}
