//! Whether answers are recited: long runs of words that training taught and that the notes at hand do
//! not hold.
//!
//! A model that has learnt its examples by heart says them again where the question is alike, whatever
//! its notes say (Carlini et al., "Quantifying Memorization Across Neural Language Models", 2022,
//! <https://arxiv.org/abs/2202.07646>). Words that stand in the notes are what an answer is made of,
//! so only runs that do not are counted. Eight words in a row are rarely the same by chance, and the
//! fixed refusal has five.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use generation::Message;
use generation::align::strip_markers;

use crate::data::folded;

/// Words of a run.
pub const RUN: usize = 8;

/// The runs of words that training taught.
#[derive(Debug, Clone, Default)]
pub struct Learnt {
    runs: HashSet<u64>,
}

impl Learnt {
    /// The runs of what the model was taught to say.
    pub fn new<'a>(completions: impl IntoIterator<Item = &'a str>) -> Self {
        let mut runs = HashSet::new();
        for completion in completions {
            let words = folded(&strip_markers(completion));
            let words: Vec<&str> = words.split(' ').collect();
            runs.extend(words.windows(RUN).map(hash));
        }
        Self { runs }
    }

    /// True where nothing was taught.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// A run that `written` says again and that the prompt does not hold.
    #[must_use]
    pub fn recited(&self, written: &str, prompt: &[Message]) -> Option<String> {
        let words = folded(&strip_markers(written));
        let words: Vec<&str> = words.split(' ').collect();
        let given: Vec<String> = prompt
            .iter()
            .map(|message| format!(" {} ", folded(&message.content)))
            .collect();
        words
            .windows(RUN)
            .filter(|run| self.runs.contains(&hash(run)))
            .map(|run| run.join(" "))
            .find(|run| !given.iter().any(|text| text.contains(&format!(" {run} "))))
    }
}

fn hash(run: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    run.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_notes_do_not_hold_is_recited() {
        let taught = "The election of a leader takes 35 ms on average, they say. [1]";
        let learnt = Learnt::new([taught, "Short."]);
        let notes = |text: &str| {
            [Message {
                role: "user".to_owned(),
                content: format!("Notes:\n1. {text}\n\nQuestion: How long?"),
            }]
        };
        let other = notes("Snapshots are written every ten minutes.");
        let run = learnt.recited("THE ELECTION of a leader takes 35 ms on average.", &other);
        assert_eq!(run.as_deref(), Some("the election of a leader takes 35 ms"));
        // The same words, where its own notes say so.
        let own = notes("The election of a leader takes 35 ms on average, they say.");
        assert_eq!(learnt.recited(taught, &own), None);
        assert_eq!(
            learnt.recited("The election of a leader is quick.", &other),
            None
        );
        assert!(!learnt.is_empty() && Learnt::new(["Too short to tell."]).is_empty());
    }
}
