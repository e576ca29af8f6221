//! One question to one example, as it would be served: evidence chosen from passages, the prompt that
//! the model is given, and what it should say to it.

use std::sync::Arc;

use anyhow::Result;
use finetune::data::{About, Example, Kind, Source, folded};
use generation::align::{align, strip_markers};
use generation::answer;
use generation::evidence::{Evidence, Limits, Sources, select};
use generation::question::Question;
use generation::sampling::Sampling;
use generation::{Generator, Message, prompt};
use retrieval::Passage;
use retrieval::embed::Embedder;

use crate::library::Indexes;

/// A question whose answer is known.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// What names it.
    pub(crate) id: String,
    /// Where it comes from.
    pub(crate) source: Source,
    /// The question.
    pub(crate) question: String,
    /// What should be said, without markers; empty where nothing answers it.
    pub(crate) answer: String,
    /// The sentence that says so, as its document words it; empty where nothing does.
    pub(crate) sentence: String,
    /// The document that it is asked of.
    pub(crate) document: String,
}

/// What examples are built with.
pub(super) struct Builder {
    /// The embedder of the library's indexes.
    pub(super) embedder: Arc<dyn Embedder>,
    /// What tells how rare words are.
    pub(super) indexes: Arc<Indexes>,
    /// Tokens of evidence that the model is given.
    pub(super) prompt_tokens: usize,
    /// A model on a server whose answers are learnt; none to learn the known ones.
    pub(super) teacher: Option<Arc<dyn Generator>>,
}

impl Builder {
    /// The example of a candidate with these passages, best first. For a refusal, the passages are
    /// those that are left when the ones that say it are out. None where the evidence that was chosen
    /// does not hold the answer, or, for a refusal, does.
    pub(super) fn build(
        &self,
        candidate: &Candidate,
        kind: Kind,
        passages: &[Passage],
    ) -> Result<Option<Example>> {
        let question = Question::read(&candidate.question);
        let (tokens, lexical) = (self.indexes.tokens(), self.indexes.lexical());
        let sources = Sources {
            passages,
            embedder: self.embedder.as_ref(),
            centre: tokens.centre().unwrap_or_default(),
            rarity: &|words| lexical.idf(words),
        };
        let evidence = select(&question, &sources, Limits::default())?;
        if evidence.is_empty() {
            return Ok(None);
        }
        let given = answer::given(&evidence, &sources, self.prompt_tokens);
        let mut documents: Vec<String> = given
            .iter()
            .map(|item| passages[item.passage].document_id.clone())
            .chain([candidate.document.clone()])
            .collect();
        documents.sort_unstable();
        documents.dedup();
        let mut example = Example {
            messages: prompt::messages(&candidate.question, passages, given),
            about: About {
                id: candidate.id.clone(),
                source: candidate.source,
                kind,
                question: candidate.question.clone(),
                documents,
            },
        };
        let said = match kind {
            Kind::Refusal => self.refusal(candidate, &example, passages, given),
            Kind::Answer => self.answer(candidate, &mut example, passages, given)?,
        };
        Ok(said.map(|content| {
            example.messages.push(Message {
                role: "assistant".to_owned(),
                content,
            });
            example
        }))
    }

    /// The fixed sentence, where the notes really do not say it.
    fn refusal(
        &self,
        candidate: &Candidate,
        example: &Example,
        passages: &[Passage],
        given: &[Evidence],
    ) -> Option<String> {
        let answer = folded(&candidate.answer);
        let says = |note: &str| format!(" {} ", folded(note)).contains(&format!(" {answer} "));
        let is_answered = !answer.is_empty()
            && (example.notes().iter().any(|(_, note)| says(note))
                || align(&candidate.answer, &candidate.question, passages, given).supported);
        (!is_answered).then(|| prompt::NO_ANSWER.to_owned())
    }

    /// The answer with the numbers of its notes.
    fn answer(
        &self,
        candidate: &Candidate,
        example: &mut Example,
        passages: &[Passage],
        given: &[Evidence],
    ) -> Result<Option<String>> {
        let Some(number) = note_with(example, &candidate.sentence) else {
            return Ok(None);
        };
        let Some(teacher) = &self.teacher else {
            return Ok(Some(marked(&candidate.answer, &[number])));
        };
        let written = teacher.generate(&example.messages, &Sampling::default(), &mut |_| true)?;
        example.about.source = Source::Distilled;
        let text = strip_markers(written.text.trim());
        let mut sentences = Vec::new();
        for range in ingest::sentence::split(&text) {
            let sentence = &text[range];
            let found = align(sentence, &candidate.question, passages, given);
            if answer::declines(sentence) || !found.supported {
                return Ok(None);
            }
            let mut numbers: Vec<usize> = found
                .evidence
                .iter()
                .filter_map(|index| {
                    let item = &given[*index];
                    note_with(example, &passages[item.passage].text[item.range.clone()])
                })
                .collect();
            numbers.dedup();
            sentences.push(marked(sentence, &numbers));
        }
        Ok((!sentences.is_empty()).then(|| sentences.join(" ")))
    }
}

/// The number of the note that holds a text.
fn note_with(example: &Example, text: &str) -> Option<usize> {
    let wanted = format!(" {} ", folded(text));
    let notes = example.notes();
    let found = notes
        .iter()
        .find(|(_, note)| format!(" {} ", folded(note)).contains(&wanted));
    found
        .filter(|_| wanted.len() > 2)
        .map(|(number, _)| *number)
}

/// A sentence with the numbers of its notes after it.
fn marked(sentence: &str, numbers: &[usize]) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let mut text = words.join(" ");
    for (place, number) in numbers.iter().enumerate() {
        if place == 0 {
            text.push(' ');
        }
        text.push_str(&format!("[{number}]"));
    }
    text
}
