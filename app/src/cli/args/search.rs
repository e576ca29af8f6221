//! `lectern search` as clap parses it.

use clap::{Args, ValueEnum};
use retrieval::Mode;

use crate::catalog::Expand;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum SearchMode {
    Bm25,
    Dense,
    Hybrid,
}

impl From<SearchMode> for Mode {
    fn from(mode: SearchMode) -> Self {
        match mode {
            SearchMode::Bm25 => Mode::Bm25,
            SearchMode::Dense => Mode::Dense,
            SearchMode::Hybrid => Mode::Hybrid,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum ExpandTo {
    /// Nothing
    None,
    /// The passages before and after, in the same section
    Neighbours,
    /// The section
    Section,
}

impl From<ExpandTo> for Expand {
    fn from(to: ExpandTo) -> Self {
        match to {
            ExpandTo::None => Expand::None,
            ExpandTo::Neighbours => Expand::Neighbours,
            ExpandTo::Section => Expand::Section,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Search {
    /// What to look for
    #[arg(required_unless_present = "like", conflicts_with = "like")]
    pub(in crate::cli) query: Option<String>,
    /// Find what is like this: a passage's chunk_id, or a document's id or file name
    #[arg(long, value_name = "PASSAGE|DOCUMENT")]
    pub(in crate::cli) like: Option<String>,
    /// By words, by meaning or both
    #[arg(long, value_enum, default_value = "hybrid")]
    pub(in crate::cli) mode: SearchMode,
    /// Order the best again by their token vectors [default: the setting search.rerank]
    #[arg(long, value_enum, value_name = "on|off")]
    pub(in crate::cli) rerank: Option<Switch>,
    /// Passages to return [default: the setting top_k]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) top_k: Option<usize>,
    /// Leave out the first N, to see the next page
    #[arg(long, value_name = "N")]
    pub(in crate::cli) offset: Option<usize>,
    /// Only in this collection
    #[arg(long)]
    pub(in crate::cli) collection: Option<String>,
    /// Only papers by this author: "Smith", "Jane Smith", "Smith, J."
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) author: Option<String>,
    /// Only papers of these years: 2012, 2010..2020, 2010.. or ..2020
    #[arg(long, value_name = "YEARS", allow_hyphen_values = true)]
    pub(in crate::cli) year: Option<String>,
    /// Only papers of this journal or conference, whole, in part or abbreviated
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) venue: Option<String>,
    /// Only this document: id, start of an id, or file name; can be given several times
    #[arg(long, value_name = "DOCUMENT")]
    pub(in crate::cli) document: Vec<String>,
    /// Only sections of this kind: abstract, introduction, background, methods, results,
    /// discussion, conclusion, back or other; can be given several times
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) section: Vec<String>,
    /// Show fewer passages that say the same: 0 (by relevance alone) to 1 [without a value: 0.5]
    #[arg(long, value_name = "0..1", num_args = 0..=1, default_missing_value = "0.5", require_equals = true)]
    pub(in crate::cli) diversify: Option<f32>,
    /// What to show around each passage
    #[arg(long, value_enum, default_value = "none")]
    pub(in crate::cli) expand: ExpandTo,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
