//! The shape of SQuAD 2.0 (Rajpurkar et al., "Know What You Don't Know", 2018,
//! <https://arxiv.org/abs/1806.03822>), which many question sets are in.

use serde::Deserialize;
use serde_json::Value;

/// A file.
#[derive(Deserialize)]
pub(crate) struct Squad {
    pub(crate) data: Vec<Article>,
}

/// A document.
#[derive(Deserialize)]
pub(crate) struct Article {
    #[serde(default)]
    title: Option<String>,
    pub(crate) paragraphs: Vec<Paragraph>,
}

/// A paragraph with its questions.
#[derive(Deserialize)]
pub(crate) struct Paragraph {
    pub(crate) context: String,
    pub(crate) qas: Vec<Asked>,
}

/// A question.
#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) question: String,
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    pub(crate) answers: Vec<Given>,
    #[serde(default)]
    pub(crate) is_impossible: bool,
}

/// An answer, as a part of the paragraph.
#[derive(Deserialize)]
pub(crate) struct Given {
    pub(crate) text: String,
    /// Where it begins, in characters.
    #[serde(default)]
    pub(crate) answer_start: Option<usize>,
}

impl Article {
    /// Its title as people write it; empty where it has none.
    pub(crate) fn title(&self) -> String {
        self.title.as_deref().unwrap_or_default().replace('_', " ")
    }
}

impl Asked {
    /// Its id, a text or a number; `otherwise` where it has none.
    pub(crate) fn id(&self, otherwise: impl FnOnce() -> String) -> String {
        match &self.id {
            Some(Value::String(id)) => id.clone(),
            Some(id @ Value::Number(_)) => id.to_string(),
            _ => otherwise(),
        }
    }
}
