//! The pages as plain data: one struct per template under `templates/`.
//!
//! A handler fills a struct and renders it; nothing here knows HTTP or SQL. askama escapes every
//! field for HTML, and ids are percent-encoded where they stand in an address, so text from a paper
//! or a file name can never become markup. What the pages do after that (uploads, streaming,
//! deleting) is in the modules under `static/`, which talk to the JSON API.

mod adapters;
mod api;
mod conversation;
mod curve;
mod feedback;
mod search;
mod training;

use askama::Template;

pub use adapters::{AdapterCard, ComparisonPage, ComparisonRow, EvaluationTable};
pub use api::{ApiPage, Described, Field, Group, Operation, Parameter, Phrase, Span};
pub use conversation::{
    AskPage, CiteView, ConversationsPage, ParagraphView, SentenceView, SourceView, TurnFragment,
    TurnView,
};
pub use curve::{LossCurve, Tick};
pub use feedback::{
    FeedbackCard, FeedbackForm, FeedbackPage, FeedbackTab, JudgedCitation, ReasonChoice,
};
pub use search::{Choice, SearchForm, SearchPage, SearchResult};
pub use training::{DatasetCard, RunPage, RunPanel, RunPanelPage, RunRow, TrainingPage};

/// A document as the library lists it and as its own page describes it.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The document's id, as in `/documents/{id}`.
    pub id: String,
    /// The file name it was added under.
    pub file: String,
    /// The title found in the PDF.
    pub title: Option<String>,
    /// The authors' names, in order.
    pub authors: Vec<String>,
    /// The year of publication.
    pub year: Option<u32>,
    /// How many pages it has.
    pub pages: u32,
    /// How many passages were indexed.
    pub chunks: u32,
    /// Whether it is a PDF, with pages that a browser shows.
    pub is_pdf: bool,
    /// The state the API reports; `needs_ocr` is pointed out.
    pub status: String,
    /// The collection it is in.
    pub collection: String,
    /// When it was added, as an ISO 8601 timestamp.
    pub added_at: String,
    /// The size of the PDF in bytes.
    pub bytes: u64,
}

impl Document {
    /// The title, or the file name where the PDF gave none.
    #[must_use]
    pub fn display_title(&self) -> &str {
        match &self.title {
            Some(title) if !title.trim().is_empty() => title,
            _ => &self.file,
        }
    }

    /// The authors in one line; past four, the first three and "et al."
    #[must_use]
    pub fn authors_line(&self) -> String {
        match self.authors.len() {
            0..=4 => self.authors.join(", "),
            _ => format!("{} et al.", self.authors[..3].join(", ")),
        }
    }

    /// The year, or nothing.
    #[must_use]
    pub fn year_text(&self) -> String {
        self.year.map(|year| year.to_string()).unwrap_or_default()
    }

    /// The date part of `added_at`.
    #[must_use]
    pub fn added_day(&self) -> &str {
        self.added_at.split(['T', ' ']).next().unwrap_or_default()
    }

    /// Whether the PDF holds pictures of text only.
    #[must_use]
    pub fn needs_ocr(&self) -> bool {
        self.status == "needs_ocr"
    }

    /// The size in kB or MB.
    #[must_use]
    pub fn size_text(&self) -> String {
        match self.bytes {
            bytes @ 0..=999 => format!("{bytes} bytes"),
            bytes @ 1_000..=999_499 => format!("{:.0} kB", bytes as f64 / 1e3),
            bytes => format!("{:.1} MB", bytes as f64 / 1e6),
        }
    }

    /// The page numbers, from 1.
    #[must_use]
    pub fn page_numbers(&self) -> std::ops::RangeInclusive<u32> {
        1..=self.pages
    }
}

/// `/library`: adding papers, the running jobs and the list of documents.
#[derive(Debug, Clone, Template)]
#[template(path = "library.html")]
pub struct LibraryPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// All collections; a choice is offered when there is more than one.
    pub collections: Vec<String>,
    /// The collection that is chosen at first.
    pub collection: String,
    /// The documents, in the order they are listed.
    pub documents: Vec<Document>,
}

/// `/documents/{id}`: what is known about one document, and its pages.
#[derive(Debug, Clone, Template)]
#[template(path = "document.html")]
pub struct DocumentPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// The document.
    pub document: Document,
    /// What is known of the paper.
    pub paper: Paper,
    /// All collections; a move is offered when there is more than one.
    pub collections: Vec<String>,
}

/// What a document's page says of the paper beyond its title.
#[derive(Debug, Clone, Default)]
pub struct Paper {
    /// Journal or conference.
    pub venue: Option<String>,
    /// DOI.
    pub doi: Option<String>,
    /// arXiv identifier.
    pub arxiv_id: Option<String>,
    /// Abstract, in paragraphs.
    pub abstract_text: Vec<String>,
    /// Keywords.
    pub keywords: Vec<String>,
    /// What went wrong while it was read.
    pub warnings: Vec<String>,
    /// The reference list; the id of the document in the library, where it is there.
    pub references: Vec<(String, Option<String>)>,
    /// Id and title of documents in the library that cite this one.
    pub cited_by: Vec<(String, String)>,
    /// Id, title and reason of documents that are much the same.
    pub duplicates: Vec<(String, String, String)>,
}

/// `/documents/{id}/pages/{n}?q=QUOTE`: the text of one page, with the quote marked; with
/// `?passage=CHUNK` in its place, with what the page has of that passage marked.
///
/// `before`, `marked` and `after` put together are the text of the page.
#[derive(Debug, Clone, Template)]
#[template(path = "page.html")]
pub struct PageView {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// The document.
    pub document: Document,
    /// The number of the page, from 1.
    pub page: u32,
    /// The page as printed; none where the format has no pages.
    pub image: Option<PageImage>,
    /// The quote that was asked for (`?q=`), when one was.
    pub quote: Option<String>,
    /// The text before the quote; the whole text where there is no quote.
    pub before: String,
    /// The quote as the page has it; empty where it was not found.
    pub marked: String,
    /// The text after the quote.
    pub after: String,
    /// Address of the answer that led here.
    pub back: Option<String>,
}

/// A page as printed, with what a quote covers of it.
#[derive(Debug, Clone, Default)]
pub struct PageImage {
    /// Width in points.
    pub width: f32,
    /// Height in points.
    pub height: f32,
    /// What the quote covers, in points.
    pub marks: Vec<ingest::Rect>,
}

impl PageView {
    /// The quote that was asked for, when the page does not have it.
    #[must_use]
    pub fn quote_not_found(&self) -> Option<&str> {
        self.quote
            .as_deref()
            .filter(|quote| self.marked.is_empty() && !quote.is_empty())
    }

    /// Whether the quote is marked on the picture of the page, which then is where links lead.
    #[must_use]
    pub fn is_marked_in_image(&self) -> bool {
        self.image
            .as_ref()
            .is_some_and(|image| !image.marks.is_empty())
    }

    /// Whether the page has no text at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        [&self.before, &self.marked, &self.after]
            .iter()
            .all(|text| text.trim().is_empty())
    }
}

/// `/login`: asks for the token of a Lectern that is reachable from other machines.
#[derive(Debug, Clone, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// Where to go after signing in: a path on this server, checked by the handler.
    pub next: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Any page that could not be shown: what failed, why, and what to do.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The HTTP status.
    pub status: u16,
    /// What failed, as a heading.
    pub what: String,
    /// Why.
    pub why: String,
    /// What the reader can do about it.
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests;
