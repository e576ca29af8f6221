//! The path of one question, from passages to a cited answer. Read [`answer`] first.
//!
//! What a person is shown must hold without trust in the model: the model proposes sentences,
//! alignment decides which of them the papers support. Where it supports none, the answer is made
//! of the evidence itself, word for word, and says so by the model id `extractive`.

mod draft;
mod few_words;

use std::collections::HashSet;
use std::time::Instant;

use retrieval::Passage;

use crate::align::strip_markers;
use crate::calibration::{Calibration, Signals};
use crate::evidence::{self, Evidence, Limits, Sources};
use crate::prompt::one_line;
use crate::question::Question;
use crate::quote::{cite, quote};
use crate::sampling::Sampling;
use crate::words::content_stems;
use crate::{Answered, Citation, Completion, Generator, IndexInfo, Outcome, Result, Sentence};
use draft::Draft;

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
        draft.quote_few_words(evidence, completion.certainty());
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
