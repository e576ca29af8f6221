//! Reads from the words of a question what kind of answer it wants.
//!
//! Most questions ask for what papers say. A few ask about the papers themselves: which of them
//! mention something, how many there are, how some of them compare, what one of them says as a
//! whole. Those have exact answers that no language model should guess, so they are told apart here
//! by rules: a small grammar of the ways in which people put such questions ([`catalog`],
//! [`papers`]). Precision comes first: every word has to be understood, and a question with one word
//! left over is an ordinary question. "How many papers were included in the meta-analysis?" is one
//! that a paper answers.
//!
//! The rules know English; in other languages they find only ordinary questions.

mod catalog;
mod papers;
mod tokens;

use std::ops::RangeInclusive;

/// Longer questions are ordinary ones, in words.
const LONGEST: usize = 60;

/// What kind of answer a question wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// What papers say.
    Answer,
    /// Papers themselves: which, or how many.
    Catalog(CatalogQuestion),
    /// What each of several papers says.
    Compare(Comparison),
    /// What a paper says as a whole.
    Summarise(Papers),
}

/// A question after papers that have something in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogQuestion {
    /// Wants their number rather than a list.
    pub is_count: bool,
    /// Authors, each as typed; the paper has all of them.
    pub authors: Vec<String>,
    /// Years of publication; an open end is `i32::MIN` or `i32::MAX`.
    pub years: Option<RangeInclusive<i32>>,
    /// Journal or conference, as typed.
    pub venue: Option<String>,
    /// Words or phrases that its text has.
    pub mentions: Vec<String>,
    /// One of [`mentions`](Self::mentions) is enough.
    pub any_mention: bool,
    /// In which order, and whether only the first are wanted.
    pub order: Order,
    /// How many of the first are wanted; all where none.
    pub limit: Option<usize>,
    /// The words can mean nothing but the library. Where it is false and no paper has what is
    /// asked for, an ordinary answer may be meant.
    pub is_certain: bool,
}

impl CatalogQuestion {
    /// True where it asks for no property at all.
    pub fn is_unrestricted(&self) -> bool {
        self.authors.is_empty()
            && self.years.is_none()
            && self.venue.is_none()
            && self.mentions.is_empty()
    }
}

/// An order of papers by year; those of unknown year come last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest first.
    #[default]
    NewestFirst,
    /// The earliest first.
    OldestFirst,
}

/// Papers that a question speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Papers {
    /// "this paper", "these papers": those that it is asked of.
    Asked,
    /// By file, id, title, or words of a title, as typed.
    Named(Vec<String>),
}

/// A question after what each of several papers says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Which papers.
    pub papers: Papers,
    /// On what; empty where the question doesn't say.
    pub aspects: Vec<String>,
}

/// What kind of answer `question` wants.
pub fn read(question: &str) -> Intent {
    let tokens = tokens::tokens(question);
    if tokens.is_empty() || tokens.len() > LONGEST {
        return Intent::Answer;
    }
    papers::summary(&tokens)
        .map(Intent::Summarise)
        .or_else(|| papers::comparison(&tokens).map(Intent::Compare))
        .or_else(|| catalog::read(&tokens).map(Intent::Catalog))
        .unwrap_or(Intent::Answer)
}
