//! What one answer is worth, held to what is known of its question.

use generation::calibration::Signals;
use generation::{Answer, Citation, Origin, Outcome};
use serde::{Deserialize, Serialize};

use super::questions::{Gold, Question, Set};
use crate::eval::text::{self, TextScores};

/// A quote holds the gold evidence, and evidence was shown, where this share of its runs of two
/// words is there: line ends, hyphens and formulas may cost a few, another sentence has far fewer.
pub const HELD: f64 = 0.6;

/// An answer that has this share of a reference's words, in whatever order, has the answer.
pub const MOST_WORDS: f64 = 0.8;

/// What was heard while the answer was made.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The quotes that could be cited.
    pub shown: Vec<Citation>,
    /// From the question to the evidence, in milliseconds.
    pub evidence_ms: Option<f64>,
    /// From the question to the first token, in milliseconds.
    pub first_token_ms: Option<f64>,
    /// From the question to the answer, in milliseconds.
    pub total_ms: f64,
}

/// What one answer is worth: a line of `--questions-out`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The question's id.
    pub id: String,
    /// What was asked.
    pub question: String,
    /// Its kind.
    pub kind: String,
    /// Whether the library answers it.
    pub set: Set,
    /// Whether it was answered.
    pub outcome: Outcome,
    /// How the words of the answer came about.
    pub origin: Origin,
    /// The model that answered.
    pub model: String,
    /// The answer, without markers.
    pub answer: String,
    /// The exact words asked for, where they were given.
    pub short: Option<String>,
    /// Probability that the answer is right, as Lectern says.
    pub confidence: Option<f64>,
    /// How near it is to a reference; all 0 where it was not answered. `None` where the library has
    /// no answer.
    pub text: Option<TextScores>,
    /// How near the exact words are, where they were given.
    pub short_text: Option<TextScores>,
    /// True where the words of a reference stand in the answer.
    pub contains: Option<bool>,
    /// Share of a reference's words that are in the answer, of the best.
    pub recall: Option<f64>,
    /// Number of citations.
    pub citations: usize,
    /// How many of them are on a right page.
    pub right_citations: Option<usize>,
    /// True where at least one is.
    pub right_page: Option<bool>,
    /// Share of the gold evidence that some quote holds.
    pub gold_cited: Option<f64>,
    /// True where the gold evidence or a reference was among what could be cited.
    pub gold_shown: Option<bool>,
    /// Sentences of the answer.
    pub sentences: usize,
    /// Those that a quote supports.
    pub supported: usize,
    /// What is wrong with its quotes; empty where each is verbatim on its page and covered.
    pub faults: Vec<String>,
    /// What the decision to answer went by.
    #[serde(default)]
    pub signals: Option<Signals>,
    /// From the question to the evidence, in milliseconds.
    pub evidence_ms: Option<f64>,
    /// From the question to the first token, in milliseconds.
    pub first_token_ms: Option<f64>,
    /// From the question to the answer, in milliseconds.
    pub total_ms: f64,
}

impl Judged {
    /// True where it was answered.
    pub fn is_answered(&self) -> bool {
        self.outcome == Outcome::Answered
    }

    /// Whether the answer is right: it has the words of a reference, or nearly all of them, or
    /// quotes the evidence. An answer to a question that the library does not answer is wrong.
    pub fn is_right(&self) -> bool {
        self.is_answered()
            && self.set == Set::Answerable
            && (self.contains == Some(true)
                || self.recall.is_some_and(|recall| recall >= MOST_WORDS)
                || self.gold_cited.is_some_and(|share| share >= 1.0))
    }
}

/// Judges an answer. `faults` are those of its quotes.
pub fn judge(question: &Question, answer: &Answer, heard: &Heard, faults: Vec<String>) -> Judged {
    let answered = answer.outcome == Outcome::Answered;
    let is_answerable = question.set == Set::Answerable;
    let sentences: Vec<&str> = answer
        .sentences
        .iter()
        .map(|sentence| sentence.text.as_str())
        .collect();
    let said = match answered {
        true => sentences.join(" "),
        false => String::new(),
    };
    let short = answer
        .short
        .as_ref()
        .filter(|_| answered)
        .map(|short| short.text.clone());
    // Nearest passages beside a refusal are no citations.
    let citations: &[Citation] = match answered {
        true => &answer.citations,
        false => &[],
    };
    let right = citations
        .iter()
        .filter(|citation| question.gold.iter().any(|gold| is_right(gold, citation)))
        .count();
    let has_gold = is_answerable && !question.gold.is_empty();
    let scores = |text: &str| match text.is_empty() {
        true => TextScores::default(),
        false => text::score(text, &question.references),
    };
    let references = || question.references.iter();
    Judged {
        id: question.id.clone(),
        question: question.question.clone(),
        kind: question.kind.clone(),
        set: question.set,
        outcome: answer.outcome,
        origin: answer.origin,
        model: answer.model.id.clone(),
        confidence: answer.confidence.map(f64::from),
        text: is_answerable.then(|| scores(&said)),
        short_text: short.as_deref().filter(|_| is_answerable).map(scores),
        contains: is_answerable.then(|| references().any(|one| text::contains(&said, one))),
        recall: is_answerable.then(|| {
            references()
                .map(|one| text::word_recall(one, &said))
                .fold(0.0, f64::max)
        }),
        citations: citations.len(),
        right_citations: has_gold.then_some(right),
        right_page: has_gold.then_some(right > 0),
        gold_cited: quoted(question, citations),
        gold_shown: is_answerable.then(|| is_shown(question, &heard.shown)),
        sentences: if answered { sentences.len() } else { 0 },
        supported: answer
            .sentences
            .iter()
            .filter(|sentence| answered && sentence.supported)
            .count(),
        faults,
        signals: None,
        evidence_ms: heard.evidence_ms,
        first_token_ms: heard.first_token_ms,
        total_ms: heard.total_ms,
        answer: said,
        short,
    }
}

/// True where a citation is on a right page of the right document.
fn is_right(gold: &Gold, citation: &Citation) -> bool {
    gold.file == citation.file && (gold.pages.is_empty() || gold.pages.contains(&citation.page))
}

/// Share of the gold quotes that the quotes of one document hold, together: a long gold quote may
/// be cited sentence by sentence.
fn quoted(question: &Question, citations: &[Citation]) -> Option<f64> {
    let wanted: Vec<&Gold> = question
        .gold
        .iter()
        .filter(|gold| !gold.quote.is_empty())
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let held = wanted
        .iter()
        .filter(|gold| text::coverage(&gold.quote, &quotes_of(&gold.file, citations)) >= HELD)
        .count();
    Some(held as f64 / wanted.len() as f64)
}

/// True where the gold quotes are among what could be cited, or a reference is.
fn is_shown(question: &Question, shown: &[Citation]) -> bool {
    if quoted(question, shown).is_some_and(|share| share >= 1.0) {
        return true;
    }
    let all = shown.iter().map(|citation| citation.quote.as_str());
    let all = all.collect::<Vec<_>>().join("\n\n");
    question
        .references
        .iter()
        .any(|reference| text::contains(&all, reference))
}

fn quotes_of(file: &str, citations: &[Citation]) -> String {
    let quotes = citations
        .iter()
        .filter(|citation| citation.file == file)
        .map(|citation| citation.quote.as_str());
    quotes.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn question(set: Set) -> Question {
        Question {
            id: "A1".into(),
            question: "How long?".into(),
            kind: "number".into(),
            set,
            references: match set {
                Set::Answerable => vec!["35 ms on average".into(), "35ms".into()],
                _ => Vec::new(),
            },
            gold: match set {
                Set::Answerable => vec![Gold {
                    file: "raft.pdf".into(),
                    quote: "it takes only 35ms on average to elect a leader".into(),
                    pages: vec![15],
                }],
                _ => Vec::new(),
            },
            line: 1,
            documents: Vec::new(),
        }
    }

    fn answer(outcome: &str, text: &str, file: &str, page: u32, quote: &str) -> Answer {
        serde_json::from_value(json!({
            "id": "1", "question": "How long?", "outcome": outcome, "answer": text,
            "sentences": if outcome == "answered" {
                json!([{"text": text, "supported": true, "support": 1.0, "citations": [1]}])
            } else { json!([]) },
            "citations": [{"key": 1, "document_id": "d", "file": file, "title": "t", "authors": [],
                "year": null, "page": page, "quote": quote, "rects": [], "chunk_id": 1, "score": 1.0}],
            "confidence": 0.5, "model": {"id": "m", "adapter": null},
            "index": {"embedder": "e", "revision": 1}, "seed": null,
            "timings_ms": {"retrieve": null, "rerank": null, "prefill": null, "first_token": null, "total": null},
            "usage": {"prompt_tokens": 0, "completion_tokens": 0}
        }))
        .unwrap()
    }

    const QUOTE: &str =
        "With a timeout of 12-24ms, it takes only 35ms\non average to elect a leader.";

    #[test]
    fn a_right_answer_counts_in_every_way() {
        let given = answer(
            "answered",
            "It takes 35 ms on average.",
            "raft.pdf",
            15,
            QUOTE,
        );
        let heard = Heard {
            shown: given.citations.clone(),
            ..Heard::default()
        };
        let judged = judge(&question(Set::Answerable), &given, &heard, Vec::new());
        assert_eq!(judged.contains, Some(true));
        assert_eq!(
            (judged.right_page, judged.right_citations),
            (Some(true), Some(1))
        );
        assert_eq!(
            (judged.gold_cited, judged.gold_shown),
            (Some(1.0), Some(true))
        );
        assert!(judged.is_right() && judged.text.unwrap().f1 > 0.7);
        assert_eq!((judged.sentences, judged.supported), (1, 1));
    }

    #[test]
    fn the_wrong_page_and_file_are_told_from_the_right_ones() {
        let heard = Heard::default();
        for (file, page) in [("raft.pdf", 14), ("dynamo.pdf", 15)] {
            let given = answer("answered", "Long.", file, page, "Something else.");
            let judged = judge(&question(Set::Answerable), &given, &heard, Vec::new());
            assert_eq!(
                (judged.right_page, judged.gold_cited),
                (Some(false), Some(0.0))
            );
            assert!(!judged.is_right() && judged.gold_shown == Some(false));
        }
    }

    #[test]
    fn a_refusal_has_no_text_and_its_nearest_passages_are_no_citations() {
        let given = answer("insufficient_evidence", "None.", "raft.pdf", 15, QUOTE);
        let judged = judge(
            &question(Set::Answerable),
            &given,
            &Heard::default(),
            Vec::new(),
        );
        assert_eq!(judged.text, Some(TextScores::default()));
        assert_eq!((judged.citations, judged.right_page), (0, Some(false)));
        assert_eq!(judged.contains, Some(false));
        let judged = judge(
            &question(Set::Absent),
            &given,
            &Heard::default(),
            Vec::new(),
        );
        assert_eq!(
            (judged.text, judged.right_page, judged.gold_cited),
            (None, None, None)
        );
    }
}
