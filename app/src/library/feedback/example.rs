//! What is learnt from feedback: the chat of the prompt, and what should have been said to it.
//!
//! People see citations numbered as the answer numbers them; the model sees its evidence numbered as
//! the prompt does. An example is written in the prompt's numbers: each marker becomes the number of
//! the note that holds its quote, and goes where no note does or where the citation was marked wrong.

use std::collections::BTreeMap;

use finetune::data::check::{Limits, Reason as LeftOut, unfit};
use finetune::data::{About, Example, Kind, Source, markers};
use generation::Message;
use sha2::{Digest, Sha256};

use crate::catalog::Feedback;
use crate::catalog::feedback::{FeedbackSource, Reason};

/// What the prompt tells the model to say where its notes do not answer.
pub(super) const REFUSAL: &str = generation::prompt::NO_ANSWER;

impl Feedback {
    /// What should have been said, in the numbers of the answer: what a reviewer wrote, else the
    /// correction, else a refusal where one was asked for, else the answer itself where it is good.
    #[must_use]
    pub fn completion(&self) -> Option<&str> {
        if let Some(edited) = &self.edited {
            return Some(edited);
        }
        if self.source != FeedbackSource::Answer {
            return Some(&self.answer);
        }
        let opinion = &self.opinion;
        if let Some(correction) = &opinion.correction {
            return Some(correction);
        }
        if opinion.tags.contains(&Reason::ShouldHaveRefused) {
            return Some(REFUSAL);
        }
        match (opinion.is_good(), super::is_refusal(&self.context)) {
            (true, true) => Some(REFUSAL),
            (true, false) => Some(&self.answer),
            (false, _) => None,
        }
    }

    /// True where there is something to learn: a prompt, and what should be said to it.
    #[must_use]
    pub fn is_trainable(&self) -> bool {
        !self.context.prompt.is_empty()
            && self
                .completion()
                .is_some_and(|completion| !completion.trim().is_empty())
    }

    /// True where what is learnt is to refuse.
    #[must_use]
    pub fn teaches_refusal(&self) -> bool {
        self.completion()
            .is_some_and(|completion| completion.trim() == REFUSAL)
    }

    /// The example: the prompt, and last what the assistant should have said, in the numbers of the
    /// prompt's notes.
    #[must_use]
    pub fn example(&self) -> Option<Vec<Message>> {
        if !self.is_trainable() {
            return None;
        }
        let completion = self.completion()?;
        let content = match self.source {
            FeedbackSource::Answer => self.renumbered(completion),
            FeedbackSource::Dataset | FeedbackSource::Chatgpt => completion.to_owned(),
        };
        let mut messages = self.context.prompt.clone();
        messages.push(Message {
            role: "assistant".to_owned(),
            content: content.trim().to_owned(),
        });
        Some(messages)
    }

    /// The example as datasets hold it.
    #[must_use]
    pub fn data_example(&self) -> Option<Example> {
        Some(Example {
            messages: self.example()?,
            about: About {
                id: self.id.clone(),
                source: Source::Feedback,
                kind: match self.teaches_refusal() {
                    true => Kind::Refusal,
                    false => Kind::Answer,
                },
                question: self.question.clone(),
                documents: self.documents(),
            },
        })
    }

    /// Why datasets leave the example out, so that whoever reviews it can mend it. What depends on the
    /// others in a dataset and on the model's tokens is not looked at.
    #[must_use]
    pub fn left_out(&self) -> Option<LeftOut> {
        unfit(&self.data_example()?, Limits::default())
    }

    /// SHA-256 of the example in hexadecimal, the same in whichever form it was written and read.
    pub(crate) fn content_hash(&self) -> Option<String> {
        let example = self.example()?;
        let (completion, prompt) = example.split_last()?;
        let prompt: Vec<&str> = prompt.iter().map(|one| one.content.as_str()).collect();
        let mut hash = Sha256::new();
        hash.update(prompt.join("\n\n").trim());
        hash.update([0]);
        hash.update(completion.content.trim());
        Some(format!("{:x}", hash.finalize()))
    }

    fn renumbered(&self, text: &str) -> String {
        let notes = notes(&self.context.prompt);
        let number_of: BTreeMap<u32, u32> = self
            .context
            .citations
            .iter()
            .filter(|cited| {
                let marks = &self.opinion.citations;
                !marks
                    .iter()
                    .any(|mark| mark.key == cited.key && !mark.right)
            })
            .filter_map(|cited| {
                // As the prompt words it.
                let quote = generation::fence::tame(&folded(&cited.quote));
                let (number, _) = notes
                    .iter()
                    .find(|(_, note)| !quote.is_empty() && note.contains(&quote))?;
                Some((cited.key, *number))
            })
            .collect();
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (place, keys) in markers(text) {
            out.push_str(&text[done..place.start]);
            let mut numbers: Vec<u32> = keys
                .iter()
                .filter_map(|key| number_of.get(key).copied())
                .collect();
            numbers.dedup();
            if numbers.is_empty() {
                out.truncate(out.trim_end_matches(' ').len());
            }
            for number in numbers {
                out.push_str(&format!("[{number}]"));
            }
            done = place.end;
        }
        out.push_str(&text[done..]);
        out
    }
}

/// The notes of a prompt with their numbers, on one line each.
fn notes(prompt: &[Message]) -> Vec<(u32, String)> {
    let Some(last) = prompt.iter().rfind(|message| message.role == "user") else {
        return Vec::new();
    };
    last.content
        .lines()
        .filter_map(|line| {
            let (number, text) = line.split_once(". ")?;
            Some((number.parse().ok()?, folded(text)))
        })
        .collect()
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::feedback::Opinion;
    use serde_json::json;

    fn feedback(opinion: serde_json::Value) -> Feedback {
        let opinion: Opinion = serde_json::from_value(opinion).unwrap();
        let mut feedback: Feedback = serde_json::from_value(json!({
            "id": "f", "answer_id": "a", "source": "answer", "state": "pending",
            "question": "How long?", "answer": "It takes 35 ms [1]. It is fast [2].",
            "opinion": {}, "edited": null,
            "context": {
                "outcome": "answered", "origin": "model", "model": "m",
                "prompt": [
                    {"role": "system", "content": "Answer."},
                    {"role": "user", "content": "Notes:\n\"\"\"\nFrom \"Raft\":\n1. It is small.\n2. An election takes 35 ms on average.\n\"\"\"\n\nQuestion: How long?"},
                ],
                "citations": [
                    {"key": 1, "document_id": "d", "title": "Raft", "page": 3, "quote": "takes 35 ms\non average."},
                    {"key": 2, "document_id": "d", "title": "Raft", "page": 3, "quote": "Nowhere in the prompt."},
                ],
            },
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "history": [],
        }))
        .unwrap();
        feedback.opinion = opinion;
        feedback
    }

    fn learnt(feedback: &Feedback) -> Option<String> {
        feedback
            .example()
            .map(|mut messages| messages.pop().unwrap().content)
    }

    #[test]
    fn what_is_learnt_follows_from_what_was_said() {
        let cases = [
            (
                json!({"thumbs": "up"}),
                Some("It takes 35 ms [2]. It is fast."),
            ),
            (
                json!({"rating": 4}),
                Some("It takes 35 ms [2]. It is fast."),
            ),
            (json!({"rating": 3}), None),
            (json!({"thumbs": "down", "tags": ["wrong"]}), None),
            (
                json!({"thumbs": "down", "tags": ["should_have_refused"]}),
                Some(REFUSAL),
            ),
            (
                json!({"thumbs": "down", "correction": "35 ms [1, 2]"}),
                Some("35 ms [2]"),
            ),
            (
                json!({"thumbs": "up", "citations": [{"key": 1, "right": false}]}),
                Some("It takes 35 ms. It is fast."),
            ),
        ];
        for (opinion, wanted) in cases {
            let feedback = feedback(opinion.clone());
            assert_eq!(learnt(&feedback).as_deref(), wanted, "{opinion}");
            assert_eq!(feedback.content_hash().is_some(), wanted.is_some());
        }
        let mut edited = feedback(json!({"thumbs": "down", "tags": ["should_have_refused"]}));
        assert!(edited.teaches_refusal());
        edited.edited = Some("It takes [2014] 35 ms. [1]".to_owned());
        assert_eq!(
            learnt(&edited).as_deref(),
            Some("It takes [2014] 35 ms. [2]")
        );
        edited.context.prompt.clear();
        assert_eq!(
            learnt(&edited),
            None,
            "without a prompt there is nothing to learn"
        );
    }
}
