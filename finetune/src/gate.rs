//! Whether a model may take the place of the one in service.
//!
//! It may where it is **better**: on the primary figure by more than chance (one-sided paired bootstrap,
//! p < 0.05), and on no other figure worse than that figure's tolerance. A model that only learnt a few
//! corrections cannot be better on questions that have nothing to do with them; it may then be let in
//! for being **not worse**: the primary figure is shown not to have fallen by more than a margin
//! (non-inferiority; Blackwelder, "Proving the null hypothesis in clinical trials", 1982), and no other
//! by more than its tolerance.
//!
//! Both are asked of what the model writes by itself and, where that was measured, of the answers that
//! people see, after alignment and fallback. Under [`NEEDED`] questions neither is decided.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::score::Metric;
use crate::score::bootstrap::Difference;
use crate::score::general::General;

/// Held-out questions below which nothing is decided: the interval of a share is then ten points wide
/// to either side.
pub const NEEDED: usize = 100;

/// The p-value below which a difference is more than chance.
pub const ALPHA: f64 = 0.05;

/// By how much the primary figure may have fallen at most, with 95 % certainty, for a model that is
/// not worse: half of what a reader would notice, since F1 over questions moves by a tenth where every
/// fifth answer is half as good.
pub const MARGIN: f64 = 0.05;

/// How much more perplexed by plain language than the base model a trained one may be. A narrow
/// training set shifts style, which costs up to a half; a model that has lost its language is several
/// times as perplexed.
pub const GENERAL_RATIO: f64 = 2.0;

/// How many more of the general requests than the base model it may decline, as a share.
pub const GENERAL_DECLINED: f64 = 0.2;

/// How many more answers than those of the model in service may be recited, as a share.
pub const RECITED: f64 = 0.02;

/// How much worse a figure may be that is not the primary one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// So much more or less.
    Points(f64),
    /// So many times as much.
    Times(f64),
}

/// The tolerance of a figure.
///
/// Figures of words move together, and by two points or so whenever answers are worded otherwise, which
/// is no fault. Citations are few (one an answer), so that a single one weighs more; refusals are a
/// quarter of the questions and weigh more still. Perplexity is of one wording among many and is let
/// rise by a tenth.
#[must_use]
pub fn tolerance(metric: Metric) -> Tolerance {
    match metric {
        Metric::ExactMatch
        | Metric::F1
        | Metric::AnswerF1
        | Metric::Jaccard
        | Metric::Rouge1
        | Metric::Rouge2
        | Metric::RougeL
        | Metric::Bleu => Tolerance::Points(0.02),
        Metric::CitationPrecision | Metric::CitationRecall => Tolerance::Points(0.03),
        Metric::RefusalPrecision | Metric::RefusalRecall | Metric::FalseRefusals => {
            Tolerance::Points(0.05)
        }
        Metric::Perplexity => Tolerance::Times(1.1),
    }
}

/// What is known of a candidate beside the model in service.
#[derive(Debug, Clone)]
pub struct Findings<'a> {
    /// Held-out questions that both were asked.
    pub questions: usize,
    /// How they differ in what they write.
    pub raw: &'a BTreeMap<Metric, Difference>,
    /// How they differ in the answers that people see.
    pub end_to_end: Option<&'a BTreeMap<Metric, Difference>>,
    /// The candidate and the base model on the general set.
    pub general: Option<(General, General)>,
    /// Shares of the answers that are recited, of the candidate and of the model in service.
    pub recited: Option<(f64, f64)>,
}

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be promoted.
    Better,
    /// It may not.
    NotBetter,
    /// There are too few questions to tell.
    NotEnoughEvidence,
}

impl Verdict {
    /// Its name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::NotBetter => "not_better",
            Verdict::NotEnoughEvidence => "not_enough_evidence",
        }
    }
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What it is.
    pub verdict: Verdict,
    /// True where it is shown not to be worse, which promotes where that is asked for.
    pub not_worse: bool,
    /// Held-out questions that are missing for a verdict.
    pub needed: usize,
    /// What speaks against it, for people.
    pub reasons: Vec<String>,
}

/// Judges a candidate by the figure `primary`.
#[must_use]
pub fn judge(findings: &Findings<'_>, primary: Metric) -> Judgement {
    let needed = NEEDED.saturating_sub(findings.questions);
    if needed > 0 {
        return Judgement {
            verdict: Verdict::NotEnoughEvidence,
            not_worse: false,
            needed,
            reasons: vec![format!(
                "not enough evidence: {} held-out questions, {needed} more needed",
                findings.questions
            )],
        };
    }
    let mut harm: Vec<String> = worse(findings.raw, primary, "");
    if let Some(end_to_end) = findings.end_to_end {
        // What people see has no primary figure: nothing of it may fall.
        harm.extend(worse(end_to_end, Metric::Perplexity, "end to end, "));
    }
    harm.extend(forgotten(findings));
    harm.extend(recited(findings));
    let mut reasons = Vec::new();
    let difference = findings.raw.get(&primary);
    let is_better = difference.is_some_and(|found| found.p < ALPHA);
    let holds = difference.is_some_and(|found| match primary.is_cost() {
        true => found.worst < MARGIN,
        false => found.worst > -MARGIN,
    });
    match difference {
        Some(found) if !is_better => reasons.push(format!(
            "{} is not better by more than chance: {:+.3}, p = {:.3}",
            primary.as_str(),
            found.difference,
            found.p
        )),
        None => reasons.push(format!("{} is not known of both models", primary.as_str())),
        Some(_) => {}
    }
    let is_harmless = harm.is_empty();
    reasons.extend(harm);
    Judgement {
        verdict: match is_better && is_harmless {
            true => Verdict::Better,
            false => Verdict::NotBetter,
        },
        not_worse: holds && is_harmless,
        needed: 0,
        reasons,
    }
}

/// The figures that are worse than their tolerance, in words.
fn worse(differences: &BTreeMap<Metric, Difference>, primary: Metric, side: &str) -> Vec<String> {
    differences
        .iter()
        .filter(|(metric, _)| **metric != primary)
        .filter_map(|(metric, found)| {
            let loss = match metric.is_cost() {
                true => found.difference,
                false => -found.difference,
            };
            let (is_worse, by) = match tolerance(*metric) {
                Tolerance::Points(points) => (loss > points, format!("{points} are tolerated")),
                Tolerance::Times(times) => (
                    found.ratio.is_some_and(|ratio| ratio > times),
                    format!("{times} times as much is tolerated"),
                ),
            };
            is_worse.then(|| {
                format!(
                    "{side}{} is worse: {:+.3}, and {by}",
                    metric.as_str(),
                    found.difference
                )
            })
        })
        .collect()
}

fn forgotten(findings: &Findings<'_>) -> Vec<String> {
    let Some((candidate, base)) = findings.general else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    let ratio = candidate.perplexity / base.perplexity;
    // Not where either is no number.
    let is_kept = ratio <= GENERAL_RATIO;
    if !is_kept {
        reasons.push(format!(
            "it has forgotten plain language: perplexity {:.1} on the general set, and {:.1} is the \
             base model's",
            candidate.perplexity, base.perplexity
        ));
    }
    let share = |general: General| general.declined as f64 / general.requests.max(1) as f64;
    if share(candidate) > share(base) + GENERAL_DECLINED {
        reasons.push(format!(
            "it declines {} of {} general requests, and the base model {}",
            candidate.declined, candidate.requests, base.declined
        ));
    }
    reasons
}

fn recited(findings: &Findings<'_>) -> Option<String> {
    let (candidate, other) = findings.recited?;
    (candidate > other + RECITED).then(|| {
        format!(
            "it recites its training data: {:.1} % of its answers say what training taught and their \
             notes do not hold",
            100.0 * candidate
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::bootstrap::compare;
    use crate::score::{Part, Parts};
    use expect_test::{Expect, expect};

    /// Questions with an F1 and a share of right citations each.
    fn questions(count: usize, f1: f64, cited: f64) -> Vec<Parts> {
        (0..count)
            .map(|at| {
                // Around the mean, so that there is something to draw.
                let noise = [-0.1, 0.1, -0.05, 0.05][at % 4];
                Parts::from([
                    (Metric::F1, Part::one(f1 + noise)),
                    (Metric::CitationPrecision, Part::one(cited)),
                    (
                        Metric::Perplexity,
                        Part {
                            sum: 10.0,
                            weight: 10.0,
                        },
                    ),
                ])
            })
            .collect()
    }

    fn findings(raw: &BTreeMap<Metric, Difference>) -> Findings<'_> {
        Findings {
            questions: 120,
            raw,
            end_to_end: None,
            general: None,
            recited: None,
        }
    }

    fn general(perplexity: f64, declined: usize) -> General {
        General {
            perplexity,
            declined,
            requests: 30,
        }
    }

    fn check(findings: &Findings<'_>, wanted: &Expect) {
        let found = judge(findings, Metric::F1);
        wanted.assert_eq(&format!(
            "{} not_worse={} needed={}\n{}",
            found.verdict.as_str(),
            found.not_worse,
            found.needed,
            found.reasons.join("\n")
        ));
    }

    #[test]
    fn a_verdict_follows_from_the_figures() {
        let before = questions(120, 0.4, 0.5);
        let better = compare(&questions(120, 0.5, 0.5), &before, 1);
        let same = compare(&questions(120, 0.4, 0.5), &before, 1);
        let worse = compare(&questions(120, 0.3, 0.5), &before, 1);
        let uncited = compare(&questions(120, 0.5, 0.4), &before, 1);
        let of = findings;
        check(
            &of(&better),
            &expect![[r#"
                better not_worse=true needed=0
            "#]],
        );
        check(
            &of(&same),
            &expect![[r#"
                not_better not_worse=true needed=0
                f1 is not better by more than chance: +0.000, p = 1.000"#]],
        );
        check(
            &of(&worse),
            &expect![[r#"
                not_better not_worse=false needed=0
                f1 is not better by more than chance: -0.100, p = 1.000"#]],
        );
        check(
            &of(&uncited),
            &expect![[r#"
                not_better not_worse=false needed=0
                citation_precision is worse: -0.100, and 0.03 are tolerated"#]],
        );
        check(
            &Findings {
                end_to_end: Some(&worse),
                ..of(&better)
            },
            &expect![[r#"
                not_better not_worse=false needed=0
                end to end, f1 is worse: -0.100, and 0.02 are tolerated"#]],
        );
        check(
            &Findings {
                questions: 40,
                ..of(&better)
            },
            &expect![[r#"
                not_enough_evidence not_worse=false needed=60
                not enough evidence: 40 held-out questions, 60 more needed"#]],
        );
    }

    #[test]
    fn what_was_forgotten_or_learnt_by_heart_speaks_against_it() {
        let raw = compare(&questions(120, 0.5, 0.5), &questions(120, 0.4, 0.5), 1);
        let of = |candidate, recited| Findings {
            general: Some((candidate, general(8.0, 0))),
            recited: Some((recited, 0.0)),
            ..findings(&raw)
        };
        check(
            &of(general(12.0, 3), 0.01),
            &expect![[r#"
                better not_worse=true needed=0
            "#]],
        );
        check(
            &of(general(40.0, 30), 0.2),
            &expect![[r#"
                not_better not_worse=false needed=0
                it has forgotten plain language: perplexity 40.0 on the general set, and 8.0 is the base model's
                it declines 30 of 30 general requests, and the base model 0
                it recites its training data: 20.0 % of its answers say what training taught and their notes do not hold"#]],
        );
        let ruined = judge(&of(general(f64::NAN, 0), 0.0), Metric::F1);
        assert_eq!(ruined.verdict, Verdict::NotBetter);
    }

    #[test]
    fn a_rise_in_perplexity_is_measured_in_times() {
        let perplexed = |loss: f64| -> Vec<Parts> {
            questions(120, 0.5, 0.5)
                .into_iter()
                .map(|mut parts| {
                    let part = Part {
                        sum: loss,
                        weight: 1.0,
                    };
                    parts.insert(Metric::Perplexity, part);
                    parts
                })
                .collect()
        };
        for (loss, is_worse) in [(2.05, false), (2.2, true), (1.0, false)] {
            let raw = compare(&perplexed(loss), &perplexed(2.0), 1);
            let reasons = worse(&raw, Metric::F1, "");
            assert_eq!(!reasons.is_empty(), is_worse, "{loss}: {reasons:?}");
        }
    }
}
