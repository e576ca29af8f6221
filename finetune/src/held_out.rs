//! A model put to the questions of a dataset's test side, one after the other: what it writes, greedily
//! and by the function that serves ([`generation::llama`]), and the loss of what it should have written.
//!
//! Questions that were trained on prove nothing; [`Trained`] tells them, also where a model was trained
//! on another dataset than the one that it is tested with.

use std::collections::HashSet;
use std::path::Path;

use candle_core::Tensor;
use generation::llama::{Llama, Prompt};
use generation::prompt::NO_ANSWER;
use generation::sampling::Sampling;
use generation::{Completion, Message};

use crate::data::{Example, Kind, folded};
use crate::loss::{Gradient, cross_entropy};
use crate::score::auroc::Ranked;
use crate::score::{Metric, Part, Parts, score};
use crate::{Error, Result, random};

/// The loss that a token is given whose own is no number or beyond all bounds, in nats: a model that
/// was ruined has to have figures too.
const WORST: f64 = 100.0;

/// A model that is put to questions.
#[derive(Debug)]
pub struct Tested<'m> {
    model: &'m Llama,
    /// `(vocab, hidden)` in f32, unpacked once.
    head: Tensor,
}

impl<'m> Tested<'m> {
    /// A model as it is served.
    ///
    /// # Errors
    /// Where its weights cannot be unpacked.
    pub fn new(model: &'m Llama) -> Result<Self> {
        let head = model.decoder().head().weight()?;
        Ok(Self { model, head })
    }

    /// What it writes behind `prompt`, always taking the likeliest token, and the losses of texts that
    /// it might have written. The prompt is read once for all. None where it is longer than the model
    /// reads.
    ///
    /// # Errors
    /// Where the model cannot be run.
    pub fn put<const TEXTS: usize>(
        &self,
        prompt: &[Message],
        texts: [&str; TEXTS],
        max_tokens: usize,
    ) -> Result<Option<(Completion, [Part; TEXTS])>> {
        let sampling = Sampling {
            max_tokens,
            ..Sampling::default()
        };
        let mut prompt = match self.model.read(prompt, max_tokens) {
            Err(generation::Error::TooLong { .. }) => return Ok(None),
            prompt => prompt?,
        };
        let written = prompt.write(&sampling, &mut |_| true)?;
        let mut losses = [Part::default(); TEXTS];
        for (loss, text) in losses.iter_mut().zip(texts) {
            *loss = self.loss(&mut prompt, text)?;
        }
        Ok(Some((written, losses)))
    }

    /// The loss of `completion`, with the token that ends it, behind a prompt: summed over its tokens,
    /// in nats.
    ///
    /// # Errors
    /// Those of encoding and computing.
    fn loss(&self, prompt: &mut Prompt<'_>, completion: &str) -> Result<Part> {
        let tokens = self.model.chat().encode_completion(completion)?;
        let states = prompt.predicting(&tokens)?;
        let losses = cross_entropy(&states, &self.head, &tokens, Gradient::None)?.rows;
        Ok(Part {
            // The lesser of no number and a number is the number.
            sum: losses.iter().map(|loss| f64::from(*loss).min(WORST)).sum(),
            weight: losses.len() as f64,
        })
    }
}

/// What became of one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What the model wrote.
    pub completion: Completion,
    /// What it gives each figure.
    pub parts: Parts,
    /// How readily the model would have declined, and whether it should have.
    pub refusal: Ranked,
}

/// Puts a question to a model. None where its prompt is longer than the model reads.
///
/// # Errors
/// Where the model cannot be run.
pub fn answer(tested: &Tested<'_>, example: &Example, max_tokens: usize) -> Result<Option<Trial>> {
    let Some((prompt, expected)) = example.parts() else {
        return Ok(None);
    };
    let texts = [expected, NO_ANSWER];
    let Some((completion, [loss, refusal])) = tested.put(prompt, texts, max_tokens)? else {
        return Ok(None);
    };
    let is_refusal = example.about.kind == Kind::Refusal;
    let mut parts = score(expected, is_refusal, &completion.text);
    parts.insert(Metric::Perplexity, loss);
    Ok(Some(Trial {
        completion,
        parts,
        refusal: Ranked {
            score: -refusal.sum,
            is_positive: is_refusal,
        },
    }))
}

/// Some of the examples, the same ones for the same seed; all for 0.
#[must_use]
pub fn chosen(mut examples: Vec<Example>, count: usize, seed: u64) -> Vec<Example> {
    if count > 0 && count < examples.len() {
        random::shuffle(&mut examples, random::of(seed, &[2]));
        examples.truncate(count);
    }
    examples
}

/// What a model was trained on, as far as a test must keep away from it.
#[derive(Debug, Clone, Default)]
pub struct Trained {
    /// What it was taught to say.
    pub completions: Vec<String>,
    /// Documents whose text it was shown.
    pub documents: HashSet<String>,
    /// Names of the examples: ids of feedback, places in chunks, lines of files.
    pub examples: Vec<String>,
    /// Ids of feedback among them.
    pub feedback: Vec<String>,
    questions: HashSet<String>,
}

impl Trained {
    /// Reads it from the JSONL that a run was given; of chats without provenance only the words are
    /// known.
    ///
    /// # Errors
    /// [`Error::Dataset`] where the file cannot be read.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|error| Error::Dataset {
            path: file.to_owned(),
            reason: format!("{error}; hint: put the file back where the run found it"),
        })?;
        let mut trained = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if let Ok(example) = serde_json::from_str::<Example>(line) {
                trained.add(&example);
            } else if let Ok(chat) = serde_json::from_str::<crate::Example>(line) {
                let said = chat.messages.into_iter().next_back();
                trained.completions.extend(said.map(|said| said.content));
            }
        }
        Ok(trained)
    }

    fn add(&mut self, example: &Example) {
        let about = &example.about;
        if let Some((_, completion)) = example.parts() {
            self.completions.push(completion.to_owned());
        }
        self.documents.extend(about.documents.iter().cloned());
        self.questions.insert(folded(&about.question));
        self.examples.push(about.id.clone());
        if about.source == crate::data::Source::Feedback {
            self.feedback.push(about.id.clone());
        }
    }

    /// Takes in what else a model was trained on, as far as only its documents are known.
    pub fn add_documents(&mut self, documents: impl IntoIterator<Item = String>) {
        self.documents.extend(documents);
    }

    /// True where the example was, or might have been, learnt: its question was, or text of one of its
    /// documents.
    #[must_use]
    pub fn knows(&self, example: &Example) -> bool {
        let about = &example.about;
        self.questions.contains(&folded(&about.question))
            || about
                .documents
                .iter()
                .any(|document| self.documents.contains(document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples;

    fn example(id: &str, document: &str, question: &str) -> Example {
        samples::example(id, &[document], &["A note."], question, "A note. [1]")
    }

    #[test]
    fn what_was_trained_on_is_no_test() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("train.jsonl");
        let known = serde_json::to_string(&example("1", "a", "Why?")).unwrap();
        let chat = r#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"Said."}]}"#;
        std::fs::write(&file, format!("{known}\n\n{chat}\nnot json\n")).unwrap();
        let mut trained = Trained::read(&file).unwrap();
        assert_eq!(trained.completions, ["A note. [1]", "Said."]);
        assert_eq!(trained.examples, ["1"]);
        assert!(trained.feedback.is_empty());
        assert!(trained.knows(&example("2", "b", "why")), "the question");
        assert!(trained.knows(&example("2", "a", "How?")), "the document");
        assert!(!trained.knows(&example("2", "b", "How?")));
        trained.add_documents(["b".to_owned()]);
        assert!(trained.knows(&example("2", "b", "How?")));
        assert!(Trained::read(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_sample_is_the_seeds() {
        let all: Vec<Example> = (0..50)
            .map(|number| example(&number.to_string(), "a", "Why?"))
            .collect();
        let some = chosen(all.clone(), 10, 1);
        assert_eq!(some.len(), 10);
        assert_eq!(some, chosen(all.clone(), 10, 1));
        assert_ne!(some, chosen(all.clone(), 10, 2));
        assert_eq!(chosen(all.clone(), 0, 1), all);
        assert_eq!(chosen(all.clone(), 99, 1), all);
    }
}
