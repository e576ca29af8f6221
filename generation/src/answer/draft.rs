//! An answer in the making.

use std::time::Instant;

use retrieval::Passage;

use super::few_words::{self, FewWords};
use super::{EXTRACTIVE, Event, INSUFFICIENT, MOST_QUOTES, Request, extract, with_markers};
use crate::align::align;
use crate::evidence::Evidence;
use crate::prompt::{messages, one_line};
use crate::question::Question;
use crate::quote::{key_of, quote};
use crate::short::short_answer;
use crate::{
    Answer, Answered, Completion, Generator, ModelInfo, Origin, Outcome, Result, Sentence,
    ShortAnswer, Timings, Trace, TracedEvidence,
};

/// How sure the model has to be of a few words to have them shown by themselves.
const CERTAIN: f32 = 0.93;

/// What there is of it so far.
pub(super) struct Draft<'a> {
    request: &'a Request,
    passages: &'a [Passage],
    pub(super) answer: Answer,
    pub(super) trace: Trace,
    /// Index of the evidence that best supports the first sentence, or its first statement.
    backing: Option<usize>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(request: &'a Request, passages: &'a [Passage]) -> Self {
        Self {
            request,
            passages,
            answer: Answer {
                id: request.id.clone(),
                question: request.question.clone(),
                outcome: Outcome::InsufficientEvidence,
                answer: String::new(),
                sentences: Vec::new(),
                citations: Vec::new(),
                origin: Origin::Extractive,
                short: None,
                parts: Vec::new(),
                standalone: None,
                conversation: None,
                warnings: Vec::new(),
                confidence: None,
                model: ModelInfo {
                    id: EXTRACTIVE.to_owned(),
                    adapter: None,
                },
                index: request.index.clone(),
                seed: None,
                timings_ms: Timings {
                    retrieve: request.retrieve_ms,
                    rerank: request.rerank_ms,
                    ..Timings::default()
                },
                usage: crate::Usage::default(),
            },
            trace: Trace {
                passages: passages.iter().map(|passage| passage.chunk_id).collect(),
                sampling: request.sampling.clone(),
                extractive: request.extractive,
                ..Trace::default()
            },
            backing: None,
        }
    }

    pub(super) fn trace(&mut self, evidence: &[Evidence]) {
        self.trace.evidence = evidence
            .iter()
            .map(|item| {
                let passage = &self.passages[item.passage];
                TracedEvidence {
                    document_id: passage.document_id.clone(),
                    chunk_id: passage.chunk_id,
                    start: item.range.start,
                    end: item.range.end,
                    text: passage.text[item.range.clone()].to_owned(),
                    chosen: item.clone(),
                }
            })
            .collect();
    }

    /// Adds the few words that were asked for, where they are certain.
    pub(super) fn shorten(&mut self, question: &Question, evidence: &[Evidence]) {
        let passages = self.passages;
        let texts: Vec<&str> = evidence
            .iter()
            .map(|item| &passages[item.passage].text[item.range.clone()])
            .collect();
        let Some(short) = short_answer(question, evidence, &texts) else {
            return;
        };
        let text = one_line(&texts[short.evidence][short.range]);
        // Of two that do not agree one is wrong.
        if let Some(other) = self.answer.short.take()
            && !few_words::agree(&other.text, &text)
        {
            return;
        }
        let citation = self.key_of(&evidence[short.evidence]);
        // A quote is cut to one page; what stands on the other is not in it.
        let quoted = &self.answer.citations[citation as usize - 1].quote;
        if one_line(quoted).contains(&text) {
            self.answer.short = Some(ShortAnswer { text, citation });
        }
    }

    /// Runs the model on the evidence and records what it took.
    pub(super) fn generate(
        &mut self,
        generator: &dyn Generator,
        evidence: &[Evidence],
        on_event: &mut dyn FnMut(Event) -> bool,
    ) -> Result<Completion> {
        let Request {
            question,
            sampling,
            started,
            ..
        } = self.request;
        let chat = messages(question, self.passages, evidence);
        let mut first_token = None;
        let completion = generator.generate(&chat, sampling, &mut |text| {
            if !text.is_empty() {
                first_token.get_or_insert_with(|| milliseconds_since(*started));
            }
            on_event(Event::Token(text))
        })?;
        self.answer.model = ModelInfo {
            id: generator.id().to_owned(),
            adapter: generator.adapter().map(str::to_owned),
        };
        self.answer.seed = (sampling.temperature > 0.0).then_some(sampling.seed);
        self.answer.timings_ms.prefill = Some(completion.prefill_ms);
        self.answer.timings_ms.first_token = first_token;
        self.answer.usage = completion.usage;
        self.answer.origin = Origin::Model;
        self.trace.prompt = chat;
        self.trace.completion = Some(completion.text.clone());
        Ok(completion)
    }

    /// Adds a sentence of the model's, with the quotes that support it. One that answers in a few words
    /// takes a quote that fits the question.
    pub(super) fn align(&mut self, text: String, evidence: &[Evidence]) {
        let question = &self.request.question;
        let mut alignment = align(&text, question, self.passages, evidence);
        let is_answer = self.answer.sentences.is_empty();
        if is_answer && few_words::is_bare(&text, question) {
            alignment.supported &= alignment
                .evidence
                .iter()
                .all(|index| few_words::fits(&evidence[*index], evidence));
        }
        if is_answer {
            self.backing = alignment.evidence.first().copied();
        }
        let citations = match alignment.supported {
            true => alignment
                .evidence
                .iter()
                .map(|index| self.key_of(&evidence[*index]))
                .collect(),
            false => Vec::new(),
        };
        self.answer.sentences.push(Sentence {
            text,
            supported: alignment.supported,
            support: alignment.support,
            citations,
        });
    }

    /// The key of the citation of `item`, which is added where it is new.
    fn key_of(&mut self, item: &Evidence) -> u32 {
        let passage = &self.passages[item.passage];
        let quote = quote(passage, item.range.clone());
        key_of(&mut self.answer.citations, passage, quote)
    }

    /// True where the first sentence, the one that answers, is supported, and at least half of
    /// all: a draft of which most is made up is not worth mending.
    pub(super) fn is_mostly_supported(&self) -> bool {
        let sentences = &self.answer.sentences;
        let supported = sentences
            .iter()
            .filter(|sentence| sentence.supported)
            .count();
        let is_begun_well = sentences.first().is_some_and(|first| first.supported);
        is_begun_well && supported * 2 >= sentences.len()
    }

    /// Puts the papers' sentences in the place of an answer of a few words: the one that they stand in,
    /// with the words above it where the model was sure of them, and behind the best quote where it was
    /// not.
    pub(super) fn quote_few_words(&mut self, evidence: &[Evidence], certainty: Option<f32>) {
        let [sentence] = self.answer.sentences.as_slice() else {
            return;
        };
        let ([key], Some(backing)) = (&sentence.citations[..], self.backing) else {
            return;
        };
        let of_model = &evidence[backing];
        let citation = &self.answer.citations[*key as usize - 1];
        let found = few_words::of_quote(&sentence.text, &one_line(&citation.quote));
        // A sentence in the model's own words, with a subject like "it", is no quote.
        let is_own = found == FewWords::No && sentence.text.ends_with(['.', '!', '?']);
        if is_own || !few_words::is_bare(&sentence.text, &self.request.question) {
            return;
        }
        self.answer.sentences.clear();
        self.answer.citations.clear();
        let is_certain = certainty.is_some_and(|certainty| certainty >= CERTAIN);
        match found {
            FewWords::Some(text) if is_certain => {
                let citation = self.add_quote(of_model);
                self.answer.short = Some(ShortAnswer { text, citation });
            }
            _ => {
                let quotes = extract(evidence, self.passages);
                let best = quotes
                    .into_iter()
                    .max_by(|left, right| left.score.total_cmp(&right.score))
                    .filter(|best| *best != of_model);
                for item in best.into_iter().chain([of_model]) {
                    self.add_quote(item);
                }
            }
        }
    }

    /// Adds a sentence of a paper, word for word; returns the key of its citation.
    fn add_quote(&mut self, item: &Evidence) -> u32 {
        let key = self.key_of(item);
        let quoted = &self.answer.citations[key as usize - 1].quote;
        self.answer.sentences.push(Sentence {
            text: one_line(quoted),
            supported: true,
            support: 1.0,
            citations: vec![key],
        });
        key
    }

    /// Drops the model's sentences and answers with the best evidence, word for word.
    pub(super) fn extractive(mut self, question: &Question, evidence: &[Evidence]) -> Answered {
        self.clear();
        self.answer.origin = match self.trace.completion {
            Some(_) => Origin::Fallback,
            None => Origin::Extractive,
        };
        for item in extract(evidence, self.passages) {
            self.add_quote(item);
        }
        self.shorten(question, evidence);
        self.finish(Outcome::Answered)
    }

    /// Says that there is no answer and cites what comes nearest. There are no sentences.
    pub(super) fn insufficient(mut self, evidence: &[Evidence]) -> Answered {
        let model = self.answer.model.clone();
        self.clear();
        self.answer.model = model;
        for item in evidence
            .iter()
            .filter(|item| !item.is_neighbour)
            .take(MOST_QUOTES)
        {
            self.key_of(item);
        }
        self.finish(Outcome::InsufficientEvidence)
    }

    fn clear(&mut self) {
        self.answer.sentences.clear();
        self.answer.citations.clear();
        self.answer.short = None;
        self.answer.seed = None;
        self.answer.model = ModelInfo {
            id: EXTRACTIVE.to_owned(),
            adapter: None,
        };
    }

    pub(super) fn finish(mut self, outcome: Outcome) -> Answered {
        self.answer.outcome = outcome;
        self.answer.answer = match outcome {
            Outcome::Answered => with_markers(&self.answer.sentences),
            Outcome::InsufficientEvidence => INSUFFICIENT.to_owned(),
        };
        self.answer.timings_ms.total = Some(milliseconds_since(self.request.started));
        Answered {
            answer: self.answer,
            trace: self.trace,
        }
    }
}

fn milliseconds_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}
