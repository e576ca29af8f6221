//! The few words that answer a factual question: "35ms on average".
//!
//! Numbers and dates only: they can be told by their form, their unit and the words of the question
//! near them. Names and phrases cannot be told apart well enough without a trained reader, and a
//! wrong short answer is worse than none, so nothing is offered where a second candidate is close.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::evidence::Evidence;
use crate::numbers::{Quantity, quantities};
use crate::question::{Question, Wanted};
use crate::words::words;

/// Sentences that are looked at, and how far below the best they may be.
const SENTENCES: usize = 3;
const BELOW_BEST: f32 = 0.15;
/// How far the best candidate must lead the next one of another value; dates are told apart less
/// well.
const LEAD: f32 = 0.2;
const LEAD_OF_DATES: f32 = 0.5;

/// Where the short answer stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Short {
    /// Index of the evidence.
    pub(crate) evidence: usize,
    /// Its bytes in the evidence's text.
    pub(crate) range: Range<usize>,
}

struct Candidate {
    evidence: usize,
    range: Range<usize>,
    value: String,
    fits: f32,
    score: f32,
}

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a pattern of ours is valid"));
    };
}

// What may stand before a number and belongs to what is said of it.
pattern!(
    HEDGE,
    r"(?i)(?:about|approximately|approx\.|around|over|more than|less than|fewer than|nearly|almost|up to|at least|at most|in excess of|roughly|only|between|some|~|≈|<|>|≤|≥)\s*$"
);
// What may stand behind it.
pattern!(TAIL, r"(?i)^\s+(?:on average|per [\w-]+)");
// What makes a number the name of something.
pattern!(
    LABEL,
    r"(?i)(?:section|sections|sec\.|figure|figures|fig\.|table|tables|equation|eq\.|algorithm|step|type|version|page|pages|p\.|pp\.|no\.|chapter|appendix|theorem|lemma|rfc|phase|ref\.)\s*\(?$"
);
pattern!(
    DATE,
    r"(?i)\b(?:(?:\d{1,2}(?:st|nd|rd|th)? )?(?:january|february|march|april|may|june|july|august|september|october|november|december)(?: \d{1,2}(?:st|nd|rd|th)?,?)? )?(?:1[0-9]{3}|20[0-9]{2})s?(?:\s?[-–]\s?(?:\d{2}|\d{4}))?\b|\b\d{1,2}(?:st|nd|rd|th) century\b"
);
// What is counted: the words after "how many".
pattern!(COUNTED, r"(?i)\bhow (?:many|much) ((?:[\w-]+ ?){1,4})");

/// The short answer to `question` in the evidence, best first, whose texts are `texts`.
pub(crate) fn short_answer(
    question: &Question,
    evidence: &[Evidence],
    texts: &[&str],
) -> Option<Short> {
    let best = evidence.first()?.score;
    let mut candidates: Vec<Candidate> = Vec::new();
    let near = evidence
        .iter()
        .enumerate()
        .filter(|(_, item)| !item.is_neighbour)
        .take(SENTENCES)
        .filter(|(_, item)| item.score >= best - BELOW_BEST);
    for (index, item) in near {
        let text = texts[index];
        let found = match question.wanted {
            Wanted::Number | Wanted::Duration | Wanted::Share => numbers(question, text),
            Wanted::Date => dates(question, text),
            _ => return None,
        };
        for (range, value, fits) in found {
            let score =
                fits + 1.5 * nearness(question, text, range.start) + 3.0 * (item.score - best);
            candidates.push(Candidate {
                evidence: index,
                range,
                value,
                fits,
                score,
            });
        }
    }
    candidates.sort_by(|left, right| right.score.total_cmp(&left.score));
    let first = candidates.first()?;
    let is_alone = candidates.iter().all(|other| other.value == first.value);
    let is_of_kind = first.fits >= 1.0 || is_alone && question.wanted == Wanted::Number;
    let least = match question.wanted {
        Wanted::Date => LEAD_OF_DATES,
        _ => LEAD,
    };
    let leads = candidates
        .iter()
        .filter(|other| other.value != first.value)
        .all(|other| first.score - other.score >= least);
    // What the best sentence does not say is a guess.
    (is_of_kind && leads && first.evidence == 0).then(|| Short {
        evidence: first.evidence,
        range: first.range.clone(),
    })
}

/// Numbers that the question does not have: their range with what belongs to them, their value, and
/// how far they are of the kind that is wanted.
fn numbers(question: &Question, text: &str) -> Vec<(Range<usize>, String, f32)> {
    let asked = quantities(&question.text, true);
    let found = quantities(text, true);
    let counted = counted(question);
    let mut ranges: Vec<(Range<usize>, String, f32)> = Vec::new();
    for (index, quantity) in found.iter().enumerate() {
        let is_asked = asked.iter().any(|other| other.value == quantity.value);
        if is_asked || is_label(text, quantity) || is_bare_year(quantity) {
            continue;
        }
        // The second number of a range belongs to the first.
        let joins = index > 0
            && ranges.last().is_some_and(|(range, ..)| {
                let between = text.get(range.end..quantity.start).unwrap_or_default();
                matches!(between.trim(), "-" | "–" | "to" | "and") && between.len() <= 5
            })
            && found[index - 1].unit == quantity.unit;
        if joins {
            if let Some((range, value, _)) = ranges.last_mut() {
                range.end = whole(text, quantity).end;
                value.push('-');
                value.push_str(&quantity.value);
            }
            continue;
        }
        let fits = match question.wanted {
            Wanted::Share => match quantity.unit {
                Some("%" | "x") => 1.0,
                _ => -1.0,
            },
            Wanted::Duration => match quantity.unit {
                Some(
                    "ms" | "µs" | "ns" | "s" | "min" | "h" | "day" | "week" | "month" | "year",
                ) => 1.0,
                _ => -1.0,
            },
            _ => counts(&counted, text, quantity),
        };
        ranges.push((whole(text, quantity), quantity.value.clone(), fits));
    }
    ranges
}

/// A quantity with the hedge before it and the tail behind it.
fn whole(text: &str, quantity: &Quantity) -> Range<usize> {
    let mut start = quantity.start;
    let sign = text[..start].chars().next_back();
    if let Some(sign @ ('$' | '€' | '£' | '-' | '−' | '+')) = sign {
        let before = text[..start - sign.len_utf8()].chars().next_back();
        if before.is_none_or(char::is_whitespace) {
            start -= sign.len_utf8();
        }
    }
    if let Some(hedge) = HEDGE.find(&text[..start]) {
        let is_word = text[..hedge.start()]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric());
        if is_word {
            start = hedge.start();
        }
    }
    let mut end = quantity.end;
    // The word that is counted: "41 of the ... " needs no more, "300 sentences" is clearer.
    if quantity.unit.is_none() {
        end += noun_after(&text[end..]);
    }
    if let Some(tail) = TAIL.find(&text[end..]) {
        end += tail.end();
    }
    start..end
}

/// Length of the word after a number, where it can only be what is counted.
fn noun_after(rest: &str) -> usize {
    let Some(word) = words(rest).into_iter().next() else {
        return 0;
    };
    let is_next = rest[..word.start].chars().all(|c| c == ' ' || c == '\n') && word.start > 0;
    let is_plural = word.text.len() > 3 && word.text.ends_with('s') && !word.is_stop;
    match is_next && is_plural && word.text.chars().all(char::is_lowercase) {
        true => word.start + word.text.len(),
        false => 0,
    }
}

fn dates(question: &Question, text: &str) -> Vec<(Range<usize>, String, f32)> {
    DATE.find_iter(text)
        .filter(|found| {
            let joined = text[..found.start()].chars().next_back();
            !joined.is_some_and(|c| matches!(c, '.' | ',' | '-' | '/'))
                && !question.text.contains(found.as_str())
        })
        .map(|found| (found.range(), found.as_str().to_lowercase(), 1.0))
        .collect()
}

/// Stems of what is counted.
fn counted(question: &Question) -> Vec<String> {
    let Some(found) = COUNTED.captures(&question.text) else {
        return Vec::new();
    };
    words(&found[1])
        .into_iter()
        .take_while(|word| !word.is_stop)
        .map(|word| word.stem)
        .collect()
}

/// 1 where what is counted stands within three words behind the number.
fn counts(counted: &[String], text: &str, quantity: &Quantity) -> f32 {
    let behind = words(&text[quantity.end..]);
    let is_named = behind
        .iter()
        .take(3)
        .any(|word| counted.contains(&word.stem));
    let is_other_kind = matches!(
        quantity.unit,
        Some("%" | "ms" | "s" | "min" | "h" | "day" | "week" | "month" | "year")
    );
    match (is_named, is_other_kind) {
        (true, _) => 1.0,
        (false, true) => -0.5,
        (false, false) => 0.0,
    }
}

fn is_label(text: &str, quantity: &Quantity) -> bool {
    let before = &text[..quantity.start];
    let in_brackets = before.rfind('[').is_some_and(|open| {
        let inside = &before[open + 1..];
        inside.len() < 20
            && inside
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '–'))
    });
    in_brackets || LABEL.is_match(before)
}

fn is_bare_year(quantity: &Quantity) -> bool {
    quantity.unit.is_none()
        && quantity.value.len() == 4
        && matches!(quantity.value.parse(), Ok(1000..=2099))
}

/// How near the question's words stand: the mean over them of one over their distance.
fn nearness(question: &Question, text: &str, at: usize) -> f32 {
    let found = words(text);
    let place = found
        .iter()
        .position(|word| word.start >= at)
        .unwrap_or(found.len());
    let sum: f32 = question
        .stems
        .iter()
        .filter_map(|stem| {
            found
                .iter()
                .enumerate()
                .filter(|(_, word)| word.stem == *stem)
                .map(|(index, _)| index.abs_diff(place))
                .min()
        })
        .map(|distance| 1.0 / (1.0 + distance.saturating_sub(1) as f32 / 4.0))
        .sum();
    sum / question.stems.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Features;

    fn asked(question: &str, sentences: &[&str]) -> Option<String> {
        let evidence: Vec<Evidence> = sentences
            .iter()
            .enumerate()
            .map(|(place, text)| Evidence {
                passage: 0,
                range: 0..text.len(),
                score: 1.5 - 0.05 * place as f32,
                features: Features::default(),
                is_neighbour: false,
            })
            .collect();
        let short = short_answer(&Question::read(question), &evidence, sentences)?;
        Some(sentences[short.evidence][short.range].to_owned())
    }

    #[test]
    fn numbers_and_dates_are_found_with_what_belongs_to_them() {
        let cases: [(&str, &[&str], Option<&str>); 11] = [
            (
                "How long does it take to elect a leader?",
                &["With a timeout of 12-24ms, it takes only 35ms on average to elect a leader."],
                Some("only 35ms on average"),
            ),
            (
                "What share of relation phrases is covered?",
                &["They cover approximately 69% of the relation phrases, of 300 in all."],
                Some("approximately 69%"),
            ),
            (
                "How many participants were recruited?",
                &["In 2013 we recruited 43 participants; see Table 5 and [12]."],
                Some("43 participants"),
            ),
            (
                "How many of the 300 sentences were read?",
                &["Of 300 sentences, we read more than 207 sentences."],
                Some("more than 207 sentences"),
            ),
            (
                "When was the virus isolated?",
                &["The virus was isolated in March 1952 by Smith."],
                Some("March 1952"),
            ),
            (
                "How long is the incubation period?",
                &["The incubation period is 3 to 4 days."],
                Some("3 to 4 days"),
            ),
            (
                "Who isolated it?",
                &["It was isolated by Smith in 1952."],
                None,
            ),
            ("How many nodes?", &["It was isolated by Smith."], None),
            (
                "How many bugs were found?",
                &["See Figure 3 and Section 4."],
                None,
            ),
            // Two that are as good.
            (
                "How long does it take?",
                &["It takes 3 hours, or takes 5 days."],
                None,
            ),
            ("How long does it take?", &[], None),
        ];
        for (question, sentences, expected) in cases {
            assert_eq!(
                asked(question, sentences).as_deref(),
                expected,
                "{question}"
            );
        }
    }
}
