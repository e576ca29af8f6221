//! What can be asked of a search, what is wrong with a request, and what comes back.

use retrieval::{Mode, ParsedQuery, Passage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Fault, Problem};

pub use crate::catalog::{Expand, PassageContext};

/// Longest question, in characters.
pub const QUESTION_CHARACTERS: usize = 4000;
/// Most passages of one answer.
const MOST_PASSAGES: usize = 100;
/// How far down a ranking pages go.
const DEEPEST: usize = 1000;

/// What to look for and where.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchRequest {
    /// What the person typed; empty where `like` is given.
    pub query: String,
    /// A passage's chunk id, or a document: find what is like it.
    pub like: Option<String>,
    /// Which indexes to ask.
    pub mode: Mode,
    /// How many passages; the setting `top_k` where not given.
    pub top_k: Option<usize>,
    /// How many of the best to leave out: those of the pages before.
    pub offset: Option<usize>,
    /// Only this collection.
    pub collection: Option<String>,
    /// Only papers with an author of this name: `Smith`, `Jane Smith`, `Smith, J.`
    pub author: Option<String>,
    /// Only papers of these years, such as `2012` or `2010..2020`.
    pub year: Option<String>,
    /// Only papers of this journal or conference.
    pub venue: Option<String>,
    /// Only these documents: ids, starts of ids, or file names.
    #[serde(alias = "document")]
    pub documents: Vec<String>,
    /// Only passages from sections of these kinds.
    #[serde(alias = "section")]
    pub sections: Vec<String>,
    /// Order the best again by their token vectors; the setting `search.rerank` where not given.
    pub rerank: Option<bool>,
    /// From 0, the order of relevance, to 1: how much a passage loses by repeating another.
    pub diversify: Option<f32>,
    /// What is given around each passage.
    pub expand: Expand,
    /// The query is a question to be answered: what would be query syntax is text.
    #[serde(skip)]
    pub is_question: bool,
}

/// What `search --json` prints.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct SearchResponse {
    /// What was looked for.
    pub query: String,
    /// What it was to be like, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// Which indexes were asked.
    pub mode: Mode,
    /// Time it took, in milliseconds.
    pub took_ms: f64,
    /// How many of the best were left out.
    #[serde(default)]
    pub offset: usize,
    /// The `offset` of the next page; `None` where this is the last.
    #[serde(default)]
    pub next_offset: Option<usize>,
    /// What was found, best first.
    pub passages: Vec<FoundPassage>,
    /// Why there is nothing, where nothing was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What could not be asked and was done without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A passage and what helps to read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FoundPassage {
    /// The passage.
    #[serde(flatten)]
    pub passage: Passage,
    /// Where words of the query stand in its text: first byte and one past the last, of UTF-8.
    #[serde(default)]
    pub highlights: Vec<[usize; 2]>,
    /// The passage with what stands around it, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<PassageContext>,
}

impl std::ops::Deref for FoundPassage {
    type Target = Passage;

    fn deref(&self) -> &Passage {
        &self.passage
    }
}

/// Which part of a ranking is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: usize,
    top_k: usize,
}

impl Page {
    /// One past the last place shown.
    pub(super) fn end(self) -> usize {
        self.offset + self.top_k
    }

    /// True where the next page is not too far down to be asked for.
    pub(super) fn can_go_on(self) -> bool {
        self.end() + self.top_k <= DEEPEST
    }
}

impl SearchRequest {
    /// Which part of the ranking to show.
    pub(super) fn page(&self, default_top_k: usize) -> Result<Page, Problem> {
        let top_k = self.top_k.unwrap_or(default_top_k);
        if !(1..=MOST_PASSAGES).contains(&top_k) {
            return Err(Problem::new(
                Fault::Usage,
                "top_k_invalid",
                format!("top_k = {top_k} is out of range"),
                format!("give a number from 1 to {MOST_PASSAGES}"),
            ));
        }
        let offset = self.offset.unwrap_or(0);
        if offset > DEEPEST - top_k {
            return Err(Problem::new(
                Fault::Usage,
                "offset_invalid",
                format!("offset = {offset} is too far down"),
                format!(
                    "offset and top_k together may be {DEEPEST} at most; use more words or a filter to find what is further down"
                ),
            ));
        }
        Ok(Page { offset, top_k })
    }

    /// The query as the indexes take it.
    pub(super) fn asked(&self) -> ParsedQuery {
        // Control characters are no text.
        let text: String = self
            .query
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if self.is_question {
            ParsedQuery::plain(&text)
        } else {
            ParsedQuery::parse(&text)
        }
    }

    /// Refuses what cannot be asked.
    pub(super) fn check(&self) -> Result<(), Problem> {
        match &self.like {
            Some(_) if !self.query.trim().is_empty() => {
                return Err(Problem::new(
                    Fault::Usage,
                    "like_with_query",
                    "a search is either for words or for what is like something",
                    "leave out the query or `like`",
                ));
            }
            Some(_) => {}
            None => check_question(&self.query)?,
        }
        if let Some(strength) = self.diversify
            && !(0.0..=1.0).contains(&strength)
        {
            return Err(Problem::new(
                Fault::Usage,
                "diversify_invalid",
                format!("diversify = {strength} is out of range"),
                "give a number from 0 (by relevance alone) to 1 (as varied as can be), such as 0.5",
            ));
        }
        Ok(())
    }

    /// Why nothing was found by a search that could be made.
    pub(super) fn why_nothing(&self, offset: usize) -> String {
        let filters = self.filters();
        let among = if filters.is_empty() {
            String::new()
        } else {
            format!(" among passages {}", filters.join(", "))
        };
        let matches = if self.like.is_some() {
            "is like it"
        } else {
            "matches the query"
        };
        if offset > 0 {
            format!("nothing beyond the first {offset} {matches}{among}")
        } else {
            format!("nothing {matches}{among}")
        }
    }

    /// The filters in words, each as it is said of passages.
    pub(super) fn filters(&self) -> Vec<String> {
        let mut filters = Vec::new();
        let mut add = |what: &str, value: &Option<String>| {
            filters.extend(value.iter().map(|value| format!("{what} {value:?}")));
        };
        add("in the collection", &self.collection);
        add("by the author", &self.author);
        add("of the year", &self.year);
        add("from the venue", &self.venue);
        if !self.documents.is_empty() {
            filters.push(format!("of the document {}", self.documents.join(" or ")));
        }
        if !self.sections.is_empty() {
            filters.push(format!(
                "from sections of kind {}",
                self.sections.join(" or ")
            ));
        }
        filters
    }
}

/// Refuses a question that is empty or too long.
///
/// # Errors
/// A problem `question_empty` or `question_too_long`.
pub fn check_question(question: &str) -> Result<(), Problem> {
    if !question.chars().any(is_visible) {
        return Err(Problem::new(
            Fault::Usage,
            "question_empty",
            "the question is empty",
            "type what you want to know",
        ));
    }
    let characters = question.chars().count();
    if characters > QUESTION_CHARACTERS {
        return Err(Problem::new(
            Fault::Usage,
            "question_too_long",
            format!("the question is {characters} characters long"),
            format!(
                "ask in at most {QUESTION_CHARACTERS} characters; to look for what is like a whole \
                 document, add it and search with --like"
            ),
        ));
    }
    Ok(())
}

/// False for white space, control characters, and marks that only steer direction or joining.
fn is_visible(c: char) -> bool {
    let steers = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}');
    !c.is_whitespace() && !c.is_control() && !steers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_bounds() {
        for empty in ["", " \n", "\0\u{7}", "\u{200f}\u{202e} \u{feff}"] {
            assert_eq!(check_question(empty).unwrap_err().code, "question_empty");
        }
        assert_eq!(
            check_question(&"a".repeat(100_000)).unwrap_err().code,
            "question_too_long"
        );
        for typed in [
            "What is Raft?",
            "🦀",
            "the of and",
            "\"",
            "'; DROP TABLE--",
            "a\0b",
        ] {
            assert!(check_question(typed).is_ok(), "{typed}");
        }
        let typed = SearchRequest {
            query: "a\0b\u{1b}[31m".into(),
            ..SearchRequest::default()
        };
        assert_eq!(typed.asked().plain_text(), "a b [31m");
    }

    #[test]
    fn pages_have_bounds() {
        let page = |top_k, offset| {
            SearchRequest {
                top_k,
                offset,
                ..SearchRequest::default()
            }
            .page(8)
        };
        assert_eq!(page(None, None).unwrap().end(), 8);
        assert_eq!(page(Some(10), Some(990)).unwrap().end(), 1000);
        assert!(!page(Some(10), Some(990)).unwrap().can_go_on());
        assert_eq!(page(Some(0), None).unwrap_err().code, "top_k_invalid");
        assert_eq!(page(Some(101), None).unwrap_err().code, "top_k_invalid");
        for offset in [991, usize::MAX] {
            let problem = page(Some(10), Some(offset)).unwrap_err();
            assert_eq!(problem.code, "offset_invalid");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let both = SearchRequest {
            query: "raft".into(),
            like: Some("7".into()),
            ..SearchRequest::default()
        };
        assert_eq!(both.check().unwrap_err().code, "like_with_query");
        for strength in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            let request = SearchRequest {
                query: "raft".into(),
                diversify: Some(strength),
                ..SearchRequest::default()
            };
            assert_eq!(request.check().unwrap_err().code, "diversify_invalid");
        }
    }
}
