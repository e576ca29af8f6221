//! A question and how it is to be answered.

use generation::Message;
use generation::sampling::Sampling;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of answer is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// What the question asks for by its words.
    #[default]
    Auto,
    /// A few sentences.
    Answer,
    /// What each of several papers says, a part a paper.
    Compare,
    /// What a paper says, a part a section.
    Summarise,
}

impl Task {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Auto, "auto"),
        (Self::Answer, "answer"),
        (Self::Compare, "compare"),
        (Self::Summarise, "summarise"),
    ];

    /// Its name, as requests have it.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(task, _)| *task == self)
            .map_or("auto", |(_, name)| name)
    }

    /// The task of a name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name)?;
        Some(found.0)
    }
}

/// A question and how to answer it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AskRequest {
    /// What the person wants to know.
    pub question: String,
    /// What kind of answer is wanted.
    pub task: Task,
    /// Only this collection; empty for all of them, where the conversation was asked of one.
    pub collection: Option<String>,
    /// Only these documents: ids, starts of ids, or file names.
    #[serde(alias = "document")]
    pub documents: Vec<String>,
    /// The conversation that it goes on with; its earlier questions explain this one.
    pub conversation: Option<String>,
    /// What was said before, where there is no conversation kept: messages of `user` and
    /// `assistant`, oldest first.
    pub history: Vec<Message>,
    /// Passages to read; the setting `top_k` where not given.
    pub top_k: Option<usize>,
    /// Answer with quotes only.
    pub extractive: bool,
    /// Sample with this seed rather than take the likeliest word each time.
    pub seed: Option<u64>,
    /// 0 always takes the likeliest word; where not given, 0 without a seed and 0.7 with one.
    pub temperature: Option<f64>,
    /// Draws only from the likeliest words that together have this probability.
    pub top_p: Option<f64>,
    /// Longest answer, in the model's tokens; the setting `answer.max_tokens` where not given.
    pub max_tokens: Option<usize>,
    /// The model stops before it writes one of these.
    pub stop: Vec<String>,
    /// The answer is not stored: it cannot be shown or replayed later.
    pub unkept: bool,
}

impl AskRequest {
    /// How the model chooses its words: greedy unless a seed or a temperature asks for sampling.
    pub(super) fn sampling(&self, max_tokens: usize) -> Sampling {
        let temperature = match (self.temperature, self.seed) {
            (Some(temperature), _) => temperature,
            (None, Some(_)) => 0.7,
            (None, None) => 0.0,
        };
        let top_p = match temperature > 0.0 {
            true => self.top_p.unwrap_or(0.9),
            false => 1.0,
        };
        Sampling {
            temperature,
            top_p,
            seed: self.seed.unwrap_or_default(),
            max_tokens: self.max_tokens.unwrap_or(max_tokens),
            stop: self.stop.clone(),
            ..Sampling::default()
        }
    }
}
