//! The search page as plain data.

use askama::Template;

use crate::error::Problem;

/// `/search`: the form, and what was found.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "search.html")]
pub struct SearchPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// How many documents there are; at 0 the page points to the library instead.
    pub documents: usize,
    /// The form as it was sent.
    pub form: SearchForm,
    /// What is wrong with what was sent.
    pub problem: Option<Problem>,
    /// What could not be asked and was done without.
    pub warnings: Vec<String>,
    /// Why nothing was found, where nothing was.
    pub nothing: Option<String>,
    /// What was found, best first.
    pub results: Vec<SearchResult>,
    /// Rank of the first result.
    pub first: usize,
    /// Address of the page before.
    pub previous: Option<String>,
    /// Address of the next page.
    pub next: Option<String>,
}

/// The search form, filled in.
#[derive(Debug, Clone, Default)]
pub struct SearchForm {
    /// What to look for.
    pub query: String,
    /// A passage or document that results are to be like.
    pub like: Option<String>,
    /// By words, by meaning or both.
    pub modes: Vec<Choice>,
    /// All collections; a choice is offered when there is more than one.
    pub collections: Vec<String>,
    /// The collection that is chosen; empty for all.
    pub collection: String,
    /// Author.
    pub author: String,
    /// Year or range of years.
    pub year: String,
    /// Journal or conference.
    pub venue: String,
    /// Documents that the search keeps to.
    pub documents: Vec<String>,
    /// Kinds of sections.
    pub sections: Vec<Choice>,
    /// The strength of diversification that the box asks for.
    pub diversify: String,
    /// Whether the box is ticked.
    pub is_diverse: bool,
}

impl SearchForm {
    /// Whether anything beyond the query is set, so that it is shown.
    #[must_use]
    pub fn has_filters(&self) -> bool {
        let texts = [&self.collection, &self.author, &self.year, &self.venue];
        texts.iter().any(|text| !text.is_empty())
            || self.sections.iter().any(|section| section.is_chosen)
            || self.is_diverse
            || !self.documents.is_empty()
            || self.modes.iter().skip(1).any(|mode| mode.is_chosen)
    }
}

/// A value that can be chosen.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// As it is sent.
    pub value: String,
    /// As it is shown.
    pub label: String,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// A passage that was found.
#[derive(Debug, Clone, Default)]
pub struct SearchResult {
    /// Its chunk id.
    pub chunk_id: u64,
    /// Its document's id.
    pub document_id: String,
    /// Its document's title.
    pub title: String,
    /// Authors and year.
    pub byline: String,
    /// The page it begins on.
    pub page: u32,
    /// The pages it stands on, in words.
    pub pages: String,
    /// Headings above it.
    pub section: Option<String>,
    /// Its text, cut where words match: whether a part is one, and the part.
    pub parts: Vec<(bool, String)>,
}
