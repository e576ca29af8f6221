//! Puts an answer of several parts together: a comparison, a summary, a list of papers. No model
//! takes part: sentences are quotes, or state what the catalog says.

use std::ops::Range;
use std::time::Instant;

use retrieval::Passage;

use crate::answer::EXTRACTIVE;
use crate::evidence::{Evidence, Features};
use crate::prompt::one_line;
use crate::quote::{key_of, quote};
use crate::{
    Answer, Answered, Citation, IndexInfo, ModelInfo, Origin, Outcome, Part, Sentence, Timings,
    Trace, TracedEvidence, Usage,
};

/// A question that is answered in parts.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Id under which the answer is stored.
    pub id: String,
    /// The question.
    pub question: String,
    /// The index that found the passages.
    pub index: IndexInfo,
    /// When it was asked.
    pub started: Instant,
    /// Time that finding took, in milliseconds.
    pub retrieve_ms: Option<f64>,
}

/// An answer in the making.
#[derive(Debug, Default)]
pub struct Composer {
    sentences: Vec<Sentence>,
    citations: Vec<Citation>,
    parts: Vec<Part>,
    trace: Trace,
}

impl Composer {
    /// Begins a part; what comes before the first one stands under no heading.
    pub fn begin(&mut self, heading: &str, document_id: Option<&str>, aspect: Option<&str>) {
        self.parts.push(Part {
            heading: one_line(heading),
            document_id: document_id.map(str::to_owned),
            aspect: aspect.map(one_line),
            sentences: 0,
        });
    }

    /// Adds a sentence that follows from the catalog and needs no quote.
    pub fn state(&mut self, text: &str) {
        self.push(Sentence {
            text: one_line(text),
            supported: true,
            support: 1.0,
            citations: Vec::new(),
        });
    }

    /// Adds a sentence of a paper, word for word, with its citation. One that a page break cuts is
    /// quoted as far as its page goes.
    pub fn quote(&mut self, passage: &Passage, range: Range<usize>) {
        let quote = quote(passage, range.clone());
        if quote.text.is_empty() {
            return;
        }
        let text = one_line(&quote.text);
        self.trace.passages.push(passage.chunk_id);
        self.trace.evidence.push(TracedEvidence {
            document_id: passage.document_id.clone(),
            chunk_id: passage.chunk_id,
            start: range.start,
            end: range.end,
            text: passage.text[range.clone()].to_owned(),
            chosen: Evidence {
                passage: self.trace.passages.len() - 1,
                range,
                score: 0.0,
                features: Features::default(),
                is_neighbour: false,
            },
        });
        let key = key_of(&mut self.citations, passage, quote);
        self.push(Sentence {
            text,
            supported: true,
            support: 1.0,
            citations: vec![key],
        });
    }

    fn push(&mut self, sentence: Sentence) {
        if self.parts.is_empty() {
            self.begin("", None, None);
        }
        self.sentences.push(sentence);
        if let Some(part) = self.parts.last_mut() {
            part.sentences += 1;
        }
    }

    /// True where no paper has said anything.
    pub fn has_no_quotes(&self) -> bool {
        self.citations.is_empty()
    }

    /// The answer.
    pub fn finish(mut self, asked: Asked, origin: Origin) -> Answered {
        let text = self.text();
        self.trace.passages.dedup();
        self.trace.extractive = true;
        self.answered(asked, origin, Outcome::Answered, text)
    }

    /// An answer that says only why there is none.
    pub fn nothing(asked: Asked, origin: Origin, why: &str) -> Answered {
        let mut none = Self::default();
        none.trace.extractive = true;
        none.answered(asked, origin, Outcome::InsufficientEvidence, one_line(why))
    }

    fn answered(self, asked: Asked, origin: Origin, outcome: Outcome, text: String) -> Answered {
        let answer = Answer {
            id: asked.id,
            question: asked.question,
            outcome,
            answer: text,
            sentences: self.sentences,
            citations: self.citations,
            origin,
            short: None,
            parts: self.parts,
            standalone: None,
            conversation: None,
            warnings: Vec::new(),
            confidence: None,
            model: ModelInfo {
                id: EXTRACTIVE.to_owned(),
                adapter: None,
            },
            index: asked.index,
            seed: None,
            timings_ms: Timings {
                retrieve: asked.retrieve_ms,
                total: Some(asked.started.elapsed().as_secs_f64() * 1000.0),
                ..Timings::default()
            },
            usage: Usage::default(),
        };
        Answered {
            answer,
            trace: self.trace,
        }
    }

    /// The answer as text: a paragraph a part under its heading.
    fn text(&self) -> String {
        let mut sentences = self.sentences.iter();
        let mut paragraphs = Vec::new();
        for part in &self.parts {
            let mut lines = Vec::new();
            let heading = match &part.aspect {
                Some(aspect) if part.heading.is_empty() => aspect.clone(),
                Some(aspect) => format!("{}: {aspect}", part.heading),
                None => part.heading.clone(),
            };
            if !heading.is_empty() {
                lines.push(heading);
            }
            let marked: Vec<String> = sentences
                .by_ref()
                .take(part.sentences)
                .map(|sentence| {
                    let markers = sentence.citations.iter().map(|key| format!(" [{key}]"));
                    format!("{}{}", sentence.text, markers.collect::<String>())
                })
                .collect();
            match (marked.is_empty(), &part.aspect) {
                (false, _) => lines.push(marked.join(" ")),
                (true, Some(_)) => lines.push(NOTHING_SAID.to_owned()),
                (true, None) => {}
            }
            paragraphs.push(lines.join("\n"));
        }
        paragraphs.join("\n\n")
    }
}

/// True where a sentence stands on one page as a whole, so that its quote is all of it.
pub fn is_on_one_page(passage: &Passage, range: &Range<usize>) -> bool {
    quote(passage, range.clone()).range == *range
}

/// What stands in the empty cell of a comparison.
pub const NOTHING_SAID: &str = "(nothing found)";
