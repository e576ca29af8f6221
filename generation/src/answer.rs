//! The path of one question, from passages to a cited answer. Read [`answer`] first.
//!
//! What a person is shown must hold without trust in the model: the model proposes sentences,
//! alignment decides which of them the papers support. Where it supports none, the answer is made
//! of the evidence itself, word for word, and says so by the model id `extractive`.

use std::collections::HashSet;
use std::time::Instant;

use retrieval::Passage;

use crate::align::{align, strip_markers};
use crate::calibration::{Calibration, Signals};
use crate::evidence::{self, Evidence, Limits, Sources};
use crate::prompt::{messages, one_line};
use crate::question::Question;
use crate::quote::{cite, key_of, quote};
use crate::sampling::Sampling;
use crate::short::short_answer;
use crate::words::content_stems;
use crate::{
    Answer, Answered, Citation, Completion, Generator, IndexInfo, ModelInfo, Origin, Outcome,
    Result, Sentence, ShortAnswer, Timings, Trace, TracedEvidence,
};

/// The model id of answers that are made of quotes only.
pub const EXTRACTIVE: &str = "extractive";

/// What an answer says where the library has none.
pub const INSUFFICIENT: &str = "The library does not answer this question.";

/// Quotes in an extractive answer, and citations where there is no answer, at most.
const MOST_QUOTES: usize = 3;

/// A further quote joins an extractive answer where it scores at most this much below the best.
const FURTHER_QUOTE: f32 = 0.2;

/// A quote that shares this much of its words with one before it says the same.
const SAME: f32 = 0.75;

/// A question and how to answer it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Id under which the answer is stored.
    pub id: String,
    /// The question, able to stand alone.
    pub question: String,
    /// True to answer with quotes only.
    pub extractive: bool,
    /// How the model chooses its words.
    pub sampling: Sampling,
    /// How much is shown and can be cited.
    pub limits: Limits,
    /// Tokens of it, as the embedder counts them, that the model is given: the best.
    pub prompt_tokens: usize,
    /// How probable a right answer is, given what was found.
    pub calibration: Calibration,
    /// Share of the answers that are to be right; what is less sure is refused.
    pub precision: f32,
    /// The index that found the passages.
    pub index: IndexInfo,
    /// Time that the search took, in milliseconds.
    pub retrieve_ms: Option<f64>,
    /// Time that reranking took, in milliseconds.
    pub rerank_ms: Option<f64>,
    /// When the question was asked.
    pub started: Instant,
}

/// What happens on the way to an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// The quotes that the model is given, best first, before its first token. Their keys are
    /// provisional: the finished answer numbers only those that it uses.
    Evidence(&'a [Citation]),
    /// A piece of the model's draft. The finished [`Answer`] replaces the draft.
    Token(&'a str),
}

/// Answers a question from sources. `on_event` returns false to stop the model; the answer is then
/// made of what it wrote so far. Without a generator the answer is extractive.
///
/// # Errors
/// Where embedding the evidence or running the model fails.
pub fn answer(
    request: &Request,
    sources: &Sources,
    generator: Option<&dyn Generator>,
    on_event: &mut dyn FnMut(Event) -> bool,
) -> Result<Answered> {
    let question = Question::read(&request.question);
    let evidence = evidence::select(&question, sources, request.limits)?;
    from_evidence(request, sources, &evidence, generator, on_event)
}

/// The rest of the path of [`answer`], from evidence that is chosen already, best first.
///
/// # Errors
/// Where running the model fails.
pub fn from_evidence(
    request: &Request,
    sources: &Sources,
    evidence: &[Evidence],
    generator: Option<&dyn Generator>,
    on_event: &mut dyn FnMut(Event) -> bool,
) -> Result<Answered> {
    let passages = sources.passages;
    let question = Question::read(&request.question);
    let mut draft = Draft::new(request, passages);
    draft.trace(evidence);
    draft.trace.signals = Signals::of(&question, sources, evidence);
    let confidence = match evidence.is_empty() {
        true => 0.0,
        false => request.calibration.probability(&draft.trace.signals),
    };
    draft.answer.confidence = Some(confidence);
    let threshold = request.calibration.threshold(request.precision);
    if confidence < threshold {
        return Ok(draft.insufficient(evidence));
    }

    let shown: Vec<Citation> = (1..)
        .zip(evidence)
        .map(|(key, item)| {
            let passage = &passages[item.passage];
            cite(key, passage, quote(passage, item.range.clone()))
        })
        .collect();
    let goes_on = on_event(Event::Evidence(&shown));
    let Some(generator) = generator.filter(|_| goes_on && !request.extractive) else {
        return Ok(draft.extractive(&question, evidence));
    };

    let given = given(evidence, sources, request.prompt_tokens);
    let completion = draft.generate(generator, given, on_event)?;
    let (sentences, declined) = sentences(&completion);
    for sentence in sentences {
        draft.align(sentence, evidence);
    }
    if draft.is_mostly_supported() {
        draft.shorten(&question, evidence);
        Ok(draft.finish(Outcome::Answered))
    } else if declined && confidence < 0.5 * (1.0 + threshold) {
        Ok(draft.insufficient(evidence))
    } else {
        Ok(draft.extractive(&question, evidence))
    }
}

/// The best of the evidence, as much as the model is given: `prompt_tokens`, as the embedder counts
/// them, but at least one sentence where there is any.
pub fn given<'e>(
    evidence: &'e [Evidence],
    sources: &Sources,
    prompt_tokens: usize,
) -> &'e [Evidence] {
    let mut left = prompt_tokens;
    let fits = evidence.iter().take_while(|item| {
        let text = &sources.passages[item.passage].text[item.range.clone()];
        let tokens = sources.embedder.count_tokens(text);
        let has_room = tokens <= left;
        left = left.saturating_sub(tokens);
        has_room
    });
    &evidence[..fits.count().max(1).min(evidence.len())]
}

/// An answer in the making.
struct Draft<'a> {
    request: &'a Request,
    passages: &'a [Passage],
    answer: Answer,
    trace: Trace,
}

impl<'a> Draft<'a> {
    fn new(request: &'a Request, passages: &'a [Passage]) -> Self {
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
        }
    }

    fn trace(&mut self, evidence: &[Evidence]) {
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
    fn shorten(&mut self, question: &Question, evidence: &[Evidence]) {
        let passages = self.passages;
        let texts: Vec<&str> = evidence
            .iter()
            .map(|item| &passages[item.passage].text[item.range.clone()])
            .collect();
        let Some(short) = short_answer(question, evidence, &texts) else {
            return;
        };
        let text = one_line(&texts[short.evidence][short.range]);
        let citation = self.key_of(&evidence[short.evidence]);
        // A quote is cut to one page; what stands on the other is not in it.
        let quoted = &self.answer.citations[citation as usize - 1].quote;
        if one_line(quoted).contains(&text) {
            self.answer.short = Some(ShortAnswer { text, citation });
        }
    }

    /// Runs the model on the evidence and records what it took.
    fn generate(
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

    /// Adds a sentence of the model's, with the quotes that support it.
    fn align(&mut self, text: String, evidence: &[Evidence]) {
        let alignment = align(&text, &self.request.question, self.passages, evidence);
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
    fn is_mostly_supported(&self) -> bool {
        let sentences = &self.answer.sentences;
        let supported = sentences
            .iter()
            .filter(|sentence| sentence.supported)
            .count();
        let is_begun_well = sentences.first().is_some_and(|first| first.supported);
        is_begun_well && supported * 2 >= sentences.len()
    }

    /// Drops the model's sentences and answers with the best evidence, word for word.
    fn extractive(mut self, question: &Question, evidence: &[Evidence]) -> Answered {
        self.clear();
        self.answer.origin = match self.trace.completion {
            Some(_) => Origin::Fallback,
            None => Origin::Extractive,
        };
        for item in extract(evidence, self.passages) {
            let key = self.key_of(item);
            let quoted = &self.answer.citations[key as usize - 1].quote;
            self.answer.sentences.push(Sentence {
                text: one_line(quoted),
                supported: true,
                support: 1.0,
                citations: vec![key],
            });
        }
        self.shorten(question, evidence);
        self.finish(Outcome::Answered)
    }

    /// Says that there is no answer and cites what comes nearest. There are no sentences.
    fn insufficient(mut self, evidence: &[Evidence]) -> Answered {
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

    fn finish(mut self, outcome: Outcome) -> Answered {
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

/// The sentences of an extractive answer: the best, with the next best where they are nearly as
/// good. Those of one passage stand in its order.
fn extract<'e>(evidence: &'e [Evidence], passages: &[Passage]) -> Vec<&'e Evidence> {
    let best_score = evidence.first().map_or(0.0, |best| best.score);
    let near: Vec<&Evidence> = evidence
        .iter()
        .filter(|item| !item.is_neighbour && item.score >= best_score - FURTHER_QUOTE)
        .collect();
    // A quote that breaks off (into a table, a formula, a list) is shown where there is no other.
    let is_whole = |item: &&Evidence| {
        let text = &passages[item.passage].text[item.range.clone()];
        evidence::is_finished(text)
            && !text.trim_end().ends_with([':', ';'])
            && !evidence::is_cut(text)
    };
    let (whole, broken): (Vec<_>, Vec<_>) = near.into_iter().partition(is_whole);
    let near = if whole.is_empty() { broken } else { whole };
    let stems = |item: &Evidence| -> HashSet<String> {
        let text = &passages[item.passage].text[item.range.clone()];
        content_stems(text).into_iter().collect()
    };
    let mut chosen: Vec<&Evidence> = Vec::new();
    for item in near {
        let own = stems(item);
        let is_said = chosen.iter().any(|other| {
            let other = stems(other);
            let shared = own.intersection(&other).count() as f32;
            shared >= SAME * own.len().min(other.len()).max(1) as f32
        });
        if !is_said && chosen.len() < MOST_QUOTES {
            chosen.push(item);
        }
    }
    for place in 1..chosen.len() {
        let item = chosen[place];
        let before = chosen[..place].iter().position(|other| {
            other.passage == item.passage && other.range.start > item.range.start
        });
        if let Some(before) = before {
            chosen[before..=place].rotate_right(1);
        }
    }
    chosen
}

/// The model's sentences, each once and without its own markers, and whether it said that the
/// notes do not answer. A sentence that the token limit cut off is left out if it is not the
/// only one.
fn sentences(completion: &Completion) -> (Vec<String>, bool) {
    let text = completion.text.trim();
    let mut sentences: Vec<String> = Vec::new();
    let mut declined = false;
    for line in text.lines() {
        for range in ingest::sentence::split(line) {
            let sentence = one_line(&strip_markers(&line[range]));
            if declines(&sentence) {
                declined = true;
            } else if sentence.chars().any(char::is_alphanumeric) && !sentences.contains(&sentence)
            {
                // "The parameters are:" says nothing without what follows.
                match sentences.last_mut() {
                    Some(opening) if opening.ends_with(':') => {
                        opening.push(' ');
                        opening.push_str(&sentence);
                    }
                    _ => sentences.push(sentence),
                }
            }
        }
    }
    let is_cut_off = completion.truncated && !text.ends_with(['.', '!', '?', '"', ')', ']']);
    if is_cut_off && sentences.len() > 1 {
        sentences.pop();
    }
    (sentences, declined)
}

/// True where the model says that it finds no answer.
pub fn declines(sentence: &str) -> bool {
    const PHRASES: [&str; 12] = [
        "notes do not",
        "notes don't",
        "note does not",
        "not mentioned in the notes",
        "not answer this",
        "not answer the question",
        "cannot answer",
        "can't answer",
        "not in the notes",
        "no information",
        "not provided in the notes",
        "unable to answer",
    ];
    let lower = sentence.to_lowercase().replace('’', "'");
    PHRASES.iter().any(|phrase| lower.contains(phrase))
}

fn with_markers(sentences: &[Sentence]) -> String {
    let marked: Vec<String> = sentences
        .iter()
        .map(|sentence| {
            let markers: String = sentence
                .citations
                .iter()
                .map(|key| format!(" [{key}]"))
                .collect();
            format!("{}{markers}", sentence.text)
        })
        .collect();
    marked.join(" ")
}

fn milliseconds_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}
