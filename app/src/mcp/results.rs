//! What tools give back: less than the API does, since a model pays for each word that it reads, and
//! rectangles on pages mean nothing to it.

use std::fmt::Write;

use generation::{Answer, Outcome};
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::DocumentRecord;
use crate::library::details::DocumentDetails;
use crate::library::search::{FoundPassage, SearchResponse};

/// What a search found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SearchResult {
    /// Best first.
    passages: Vec<PassageResult>,
    /// Why there is nothing, where nothing was found.
    reason: Option<String>,
    /// What could not be asked and was done without.
    warnings: Vec<String>,
}

/// A passage of a paper.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PassageResult {
    document_id: String,
    file: String,
    title: String,
    authors: Vec<String>,
    year: Option<i32>,
    /// First and last page, from 1.
    pages: [u32; 2],
    /// Headings under which it stands.
    section: Option<String>,
    /// Verbatim text.
    text: String,
    score: f32,
}

/// An answer from the papers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AnswerResult {
    /// `answered`, or `insufficient_evidence` where nothing in the papers supports an answer.
    outcome: &'static str,
    /// The answer, with `[key]` after each sentence that a quote supports.
    answer: String,
    /// The same, sentence by sentence.
    sentences: Vec<SentenceResult>,
    /// The quotes; the nearest passages where the outcome is `insufficient_evidence`.
    citations: Vec<CitationResult>,
    /// Probability that the answer is right, where it is known.
    confidence: Option<f32>,
    /// The question as it was searched for, where it was a follow-up.
    standalone: Option<String>,
    /// The conversation to go on with.
    conversation: Option<String>,
    /// What went less well than it should.
    warnings: Vec<String>,
}

/// A sentence of an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SentenceResult {
    text: String,
    /// False where no quote supports it.
    supported: bool,
    /// Keys of the quotes that support it.
    citations: Vec<u32>,
}

/// A quote that supports a sentence.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CitationResult {
    key: u32,
    document_id: String,
    file: String,
    title: String,
    authors: Vec<String>,
    year: Option<i32>,
    /// Page in the file, from 1.
    page: u32,
    /// Verbatim text of that page.
    quote: String,
}

/// A part of the list of documents.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DocumentsResult {
    /// Newest first.
    documents: Vec<DocumentResult>,
    /// `cursor` of the next part; null on the last.
    next_cursor: Option<String>,
}

/// A document as lists show it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DocumentResult {
    id: String,
    file: String,
    title: String,
    authors: Vec<String>,
    year: Option<i32>,
    collection: String,
    pages: u32,
}

/// A document with what is known of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DetailsResult {
    /// The document.
    document: DocumentResult,
    venue: Option<String>,
    doi: Option<String>,
    arxiv_id: Option<String>,
    #[serde(rename = "abstract")]
    abstract_text: Option<String>,
    keywords: Vec<String>,
    /// Headings with their depth, from 1, and page.
    outline: Vec<HeadingResult>,
    /// What it cites.
    references: Vec<ReferenceResult>,
    /// Documents of the library that cite it.
    cited_by: Vec<CitingResult>,
}

/// A heading of a document's own table of contents.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct HeadingResult {
    title: String,
    level: u8,
    page: Option<u32>,
}

/// An entry of a reference list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ReferenceResult {
    text: String,
    /// The document, where the library has it.
    document_id: Option<String>,
}

/// A document that cites another.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CitingResult {
    document_id: String,
    title: String,
}

/// Text of pages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PagesResult {
    /// The document.
    document: DocumentResult,
    /// The pages that were read.
    pages: Vec<PageResult>,
    /// The page to go on with, where not all that was asked for fits.
    next_page: Option<u32>,
}

/// Text of a page.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PageResult {
    /// Page in the file, from 1.
    number: u32,
    text: String,
}

/// A result as a model reads it.
pub(super) trait Readable {
    /// The text.
    fn readable(&self) -> String;
}

impl From<SearchResponse> for SearchResult {
    fn from(found: SearchResponse) -> Self {
        Self {
            passages: found.passages.into_iter().map(Into::into).collect(),
            reason: found.reason,
            warnings: found.warnings,
        }
    }
}

impl From<FoundPassage> for PassageResult {
    fn from(found: FoundPassage) -> Self {
        let passage = found.passage;
        Self {
            document_id: passage.document_id,
            file: passage.file,
            title: passage.title,
            authors: passage.authors,
            year: passage.year,
            pages: passage.pages,
            section: passage.section,
            text: passage.text,
            score: passage.score,
        }
    }
}

impl Readable for SearchResult {
    fn readable(&self) -> String {
        let mut text = String::new();
        for (rank, passage) in (1..).zip(&self.passages) {
            let pages = match passage.pages {
                [first, last] if first < last => format!("pages {first} to {last}"),
                [first, _] => format!("page {first}"),
            };
            let section = passage.section.as_ref();
            let section = section.map_or_else(String::new, |section| format!(", {section}"));
            let _ = writeln!(
                text,
                "{rank}. {} — {}, {pages}{section} (document {})\n{}\n",
                by(&passage.title, &passage.authors, passage.year),
                passage.file,
                passage.document_id,
                passage.text,
            );
        }
        if let Some(reason) = &self.reason {
            let _ = writeln!(text, "Nothing found: {reason}.");
        }
        warned(&mut text, &self.warnings);
        text
    }
}

impl From<Answer> for AnswerResult {
    fn from(answer: Answer) -> Self {
        let sentences = answer.sentences.into_iter().map(|sentence| SentenceResult {
            text: sentence.text,
            supported: sentence.supported,
            citations: sentence.citations,
        });
        let citations = answer.citations.into_iter().map(|citation| CitationResult {
            key: citation.key,
            document_id: citation.document_id,
            file: citation.file,
            title: citation.title,
            authors: citation.authors,
            year: citation.year,
            page: citation.page,
            quote: citation.quote,
        });
        Self {
            outcome: match answer.outcome {
                Outcome::Answered => "answered",
                Outcome::InsufficientEvidence => "insufficient_evidence",
            },
            answer: answer.answer,
            sentences: sentences.collect(),
            citations: citations.collect(),
            confidence: answer.confidence,
            standalone: answer.standalone,
            conversation: answer.conversation,
            warnings: answer.warnings,
        }
    }
}

impl Readable for AnswerResult {
    fn readable(&self) -> String {
        let mut text = format!("{}\n\n", self.answer.trim());
        for sentence in self.sentences.iter().filter(|one| !one.supported) {
            let _ = writeln!(text, "Not supported by any paper: {}\n", sentence.text);
        }
        if self.outcome == "insufficient_evidence" && !self.citations.is_empty() {
            text.push_str("The nearest passages:\n\n");
        }
        for citation in &self.citations {
            let _ = writeln!(
                text,
                "[{}] {} — {}, page {} (document {})\n\"{}\"\n",
                citation.key,
                by(&citation.title, &citation.authors, citation.year),
                citation.file,
                citation.page,
                citation.document_id,
                citation.quote,
            );
        }
        warned(&mut text, &self.warnings);
        text
    }
}

impl From<&DocumentRecord> for DocumentResult {
    fn from(record: &DocumentRecord) -> Self {
        Self {
            id: record.id.clone(),
            file: record.file.clone(),
            title: record.title.clone(),
            authors: record.authors.clone(),
            year: record.year,
            collection: record.collection.clone(),
            pages: record.pages,
        }
    }
}

impl DocumentResult {
    fn line(&self) -> String {
        format!(
            "{} — {}, {} pages, collection {} (document {})",
            by(&self.title, &self.authors, self.year),
            self.file,
            self.pages,
            self.collection,
            self.id
        )
    }
}

impl DocumentsResult {
    /// A part of the list.
    pub(super) fn new(documents: &[DocumentRecord], next_cursor: Option<String>) -> Self {
        Self {
            documents: documents.iter().map(Into::into).collect(),
            next_cursor,
        }
    }
}

impl Readable for DocumentsResult {
    fn readable(&self) -> String {
        let mut text = String::new();
        for document in &self.documents {
            let _ = writeln!(text, "- {}", document.line());
        }
        match &self.next_cursor {
            Some(cursor) => {
                let _ = writeln!(text, "There are more: call again with cursor = {cursor}");
            }
            None if self.documents.is_empty() => text.push_str("There are no documents.\n"),
            None => {}
        }
        text
    }
}

impl From<DocumentDetails> for DetailsResult {
    fn from(details: DocumentDetails) -> Self {
        let document = (&details.record).into();
        let metadata = details.record.metadata;
        let value = |field: Option<ingest::Field<String>>| field.map(|field| field.value);
        Self {
            document,
            venue: value(metadata.venue),
            doi: value(metadata.doi),
            arxiv_id: value(metadata.arxiv_id),
            abstract_text: value(metadata.abstract_text),
            keywords: metadata
                .keywords
                .map(|field| field.value)
                .unwrap_or_default(),
            outline: details
                .outline
                .into_iter()
                .map(|entry| HeadingResult {
                    title: entry.title,
                    level: entry.level,
                    page: entry.page,
                })
                .collect(),
            references: details
                .references
                .into_iter()
                .map(|linked| ReferenceResult {
                    text: linked.reference.text,
                    document_id: linked.document_id,
                })
                .collect(),
            cited_by: details
                .cited_by
                .into_iter()
                .map(|citing| CitingResult {
                    document_id: citing.document_id,
                    title: citing.title,
                })
                .collect(),
        }
    }
}

impl Readable for DetailsResult {
    fn readable(&self) -> String {
        let mut text = format!("{}\n", self.document.line());
        let facts = [
            ("venue", &self.venue),
            ("doi", &self.doi),
            ("arXiv", &self.arxiv_id),
            ("abstract", &self.abstract_text),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                let _ = writeln!(text, "{name}: {value}");
            }
        }
        if !self.keywords.is_empty() {
            let _ = writeln!(text, "keywords: {}", self.keywords.join(", "));
        }
        for heading in &self.outline {
            let indent = "  ".repeat(usize::from(heading.level).min(8));
            let page = heading.page;
            let page = page.map_or_else(String::new, |page| format!(", page {page}"));
            let _ = writeln!(text, "{indent}{}{page}", heading.title);
        }
        for reference in &self.references {
            let known = reference.document_id.as_ref();
            let known = known.map_or_else(String::new, |id| format!(" (document {id})"));
            let _ = writeln!(text, "cites: {}{known}", reference.text);
        }
        for citing in &self.cited_by {
            let _ = writeln!(
                text,
                "cited by: {} (document {})",
                citing.title, citing.document_id
            );
        }
        text
    }
}

impl PagesResult {
    /// Texts of pages, in order.
    pub(super) fn new(
        record: &DocumentRecord,
        pages: Vec<(u32, String)>,
        next_page: Option<u32>,
    ) -> Self {
        let page = |(number, text)| PageResult { number, text };
        Self {
            document: record.into(),
            pages: pages.into_iter().map(page).collect(),
            next_page,
        }
    }
}

impl Readable for PagesResult {
    fn readable(&self) -> String {
        let mut text = format!("{}\n", self.document.line());
        for page in &self.pages {
            let _ = writeln!(text, "\n--- page {} ---\n{}", page.number, page.text);
        }
        if let Some(next) = self.next_page {
            let _ = writeln!(text, "\nThere is more: call again with first_page = {next}");
        }
        text
    }
}

fn by(title: &str, authors: &[String], year: Option<i32>) -> String {
    let mut text = title.to_owned();
    match authors {
        [] => {}
        [one] => text.push_str(&format!(", {one}")),
        [one, other] => text.push_str(&format!(", {one} and {other}")),
        [one, ..] => text.push_str(&format!(", {one} et al.")),
    }
    if let Some(year) = year {
        text.push_str(&format!(" ({year})"));
    }
    text
}

fn warned(text: &mut String, warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(text, "Warning: {warning}");
    }
}
