//! What people would have seen of what a model wrote.
//!
//! A test question's notes are taken for what a search found. Evidence is chosen from them, the
//! library's calibration decides whether that can answer, the model's text is aligned to it, and quotes
//! take the place of what is not supported: all by the functions that serve
//! ([`generation::answer`]). The text is the one that the model wrote to the example's own prompt, so
//! that it is not asked twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use finetune::data::{Example, Kind, folded};
use finetune::held_out::Trial;
use finetune::score::{Parts, Said, score_answer};
use generation::answer::{Request, from_evidence};
use generation::calibration::Calibration;
use generation::evidence::{Evidence, Limits, Sources, select};
use generation::question::Question;
use generation::sampling::Sampling;
use generation::{Answer, Completion, Generator, IndexInfo, Message, Origin, Outcome};
use retrieval::embed::Embedder;
use retrieval::{Passage, Scores};

use super::evaluation::Given;
use crate::library::Indexes;

/// What answers are served with.
pub(super) struct Serving {
    pub(super) embedder: Arc<dyn Embedder>,
    pub(super) indexes: Arc<Indexes>,
    pub(super) prompt_tokens: usize,
    pub(super) max_tokens: usize,
    pub(super) calibration: Calibration,
    pub(super) precision: f32,
}

/// A question's notes as passages, and what of them can be cited.
pub(super) struct Notes {
    passages: Vec<Passage>,
    evidence: Vec<Evidence>,
    /// Number and words of each.
    numbered: Vec<(usize, String)>,
}

/// An answer as people would have seen it.
pub(super) struct Seen {
    pub(super) parts: Parts,
    pub(super) given: Given,
}

impl Serving {
    /// The notes of an example; none where it has none.
    pub(super) fn notes(&self, example: &Example) -> Result<Option<Notes>> {
        let numbered: Vec<(usize, String)> = example
            .notes()
            .into_iter()
            .map(|(number, text)| (number, folded(text)))
            .collect();
        let passages = passages(example);
        if passages.is_empty() {
            return Ok(None);
        }
        let question = Question::read(&example.about.question);
        let evidence = self.with(&passages, |sources| {
            Ok(select(&question, sources, Limits::default())?)
        })?;
        Ok(Some(Notes {
            passages,
            evidence,
            numbered,
        }))
    }

    /// What becomes of a model's text.
    pub(super) fn seen(&self, example: &Example, notes: &Notes, trial: &Trial) -> Result<Seen> {
        let request = Request {
            id: String::new(),
            question: example.about.question.clone(),
            extractive: false,
            sampling: Sampling::default(),
            limits: Limits::default(),
            prompt_tokens: self.prompt_tokens,
            calibration: self.calibration.clone(),
            precision: self.precision,
            index: IndexInfo {
                embedder: self.embedder.space().id.clone(),
                revision: 0,
            },
            retrieve_ms: None,
            rerank_ms: None,
            started: Instant::now(),
        };
        let answer = self.with(&notes.passages, |sources| {
            let written = Written(trial);
            let ignored = &mut |_: generation::answer::Event<'_>| true;
            let answered =
                from_evidence(&request, sources, &notes.evidence, Some(&written), ignored)?;
            Ok(answered.answer)
        })?;
        let text: Vec<&str> = answer
            .sentences
            .iter()
            .map(|sentence| sentence.text.as_str())
            .collect();
        // The few words that were asked for are what people read first.
        let shown = match &answer.short {
            Some(short) => short.text.clone(),
            None => text.join(" "),
        };
        let said = Said {
            text: &shown,
            citations: cited(&answer, &notes.numbered),
            refuses: answer.outcome == Outcome::InsufficientEvidence,
        };
        let expected = example.parts().map_or("", |(_, expected)| expected);
        let parts = score_answer(expected, example.about.kind == Kind::Refusal, &said);
        // What is cited where there is no answer is what comes nearest.
        let quotes = match said.refuses {
            true => Vec::new(),
            false => answer.citations.into_iter().map(|one| one.quote).collect(),
        };
        Ok(Seen {
            parts,
            given: Given {
                written: trial.completion.text.clone(),
                shown,
                quotes,
                fell_back: answer.origin == Origin::Fallback,
            },
        })
    }

    fn with<T>(
        &self,
        passages: &[Passage],
        work: impl FnOnce(&Sources<'_>) -> Result<T>,
    ) -> Result<T> {
        let (tokens, lexical) = (self.indexes.tokens(), self.indexes.lexical());
        work(&Sources {
            passages,
            embedder: self.embedder.as_ref(),
            centre: tokens.centre().unwrap_or_default(),
            rarity: &|words| lexical.idf(words),
        })
    }
}

/// The numbers of the notes that hold what an answer quotes.
fn cited(answer: &Answer, notes: &[(usize, String)]) -> BTreeSet<usize> {
    if answer.outcome == Outcome::InsufficientEvidence {
        // The nearest passages are shown then, as what does not answer.
        return BTreeSet::new();
    }
    answer
        .citations
        .iter()
        .filter_map(|citation| {
            let quote = format!(" {} ", folded(&citation.quote));
            let found = notes
                .iter()
                .find(|(_, note)| format!(" {note} ").contains(&quote));
            found.map(|(number, _)| *number)
        })
        .collect()
}

/// A passage for each paper that an example has notes of, in the order of the prompt
/// ([`generation::prompt::messages`]).
fn passages(example: &Example) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let asked = example.messages.iter().rfind(|one| one.role == "user");
    for line in asked
        .into_iter()
        .flat_map(|message| message.content.lines())
    {
        let title = line
            .strip_prefix("From \"")
            .and_then(|rest| rest.strip_suffix("\":"));
        if let Some(title) = title {
            passages.push(passage(passages.len(), title));
        } else if let Some((number, text)) = line.split_once(". ")
            && number.parse::<usize>().is_ok()
        {
            if passages.is_empty() {
                passages.push(passage(0, ""));
            }
            if let Some(passage) = passages.last_mut() {
                if !passage.text.is_empty() {
                    // Notes that do not follow each other stand in paragraphs of their own.
                    passage.text.push_str("\n\n");
                }
                passage.text.push_str(text);
            }
        }
    }
    passages.retain(|passage| !passage.text.is_empty());
    passages
}

fn passage(place: usize, title: &str) -> Passage {
    Passage {
        rank: place + 1,
        chunk_id: place as u64 + 1,
        document_id: place.to_string(),
        file: String::new(),
        title: title.to_owned(),
        authors: Vec::new(),
        year: None,
        page: 1,
        pages: [1, 1],
        section: None,
        text: String::new(),
        score: 1.0 / (place + 1) as f32,
        scores: Scores::default(),
        rects: Vec::new(),
        lines: Vec::new(),
    }
}

/// A model that has written already.
struct Written<'a>(&'a Trial);

impl Generator for Written<'_> {
    fn id(&self) -> &str {
        "written"
    }

    fn generate(
        &self,
        _messages: &[Message],
        _sampling: &Sampling,
        _on_text: &mut dyn FnMut(&str) -> bool,
    ) -> generation::Result<Completion> {
        Ok(self.0.completion.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use finetune::data::{About, Source};

    #[test]
    fn notes_are_read_back_by_paper() {
        let message = |role: &str, content: &str| Message {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let example = Example {
            messages: vec![
                message("system", "Answer."),
                message(
                    "user",
                    "Notes:\n\"\"\"\nFrom \"Raft\":\n1. It takes 35 ms. It is quick.\n2. It is \
                     small.\nFrom \"GFS\":\n3. Chunks are 64 MB.\n\"\"\"\n\nQuestion: How long?",
                ),
                message("assistant", "35 ms [1]."),
            ],
            about: About {
                id: "1".to_owned(),
                source: Source::Generated,
                kind: Kind::Answer,
                question: "How long?".to_owned(),
                documents: Vec::new(),
            },
        };
        let found = passages(&example);
        let shown: Vec<(&str, &str)> = found
            .iter()
            .map(|one| (one.title.as_str(), one.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Raft", "It takes 35 ms. It is quick.\n\nIt is small."),
                ("GFS", "Chunks are 64 MB."),
            ]
        );
    }
}
