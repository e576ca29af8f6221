//! Embeds chunks, indexes them for dense and BM25 search, and finds passages for a query.
//!
//! This file is the contract. [`embed`] turns text into vectors; [`dense`] and [`lexical`]
//! are the indexes (chunk vectors, postings), [`fusion`] joins their rankings and [`hybrid`] is the
//! path of one query.
//! All indexes are derived from the catalog: each carries the watermark of the last change that
//! it has seen, and applying a change twice is harmless.

pub mod cross_encoder;
pub mod dense;
pub mod diversify;
pub mod embed;
pub mod fusion;
pub mod hybrid;
pub mod lexical;
pub mod onnx;
pub mod rerank;
pub mod tokens;

use std::collections::BTreeSet;

use ingest::section::SectionKind;
use ingest::{PageRect, Rect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use fusion::Fusion;
pub use lexical::ParsedQuery;

/// Characters of a title or a path of headings that are embedded with each passage.
const HEADING_CHARACTERS: usize = 200;

/// Number of a chunk in the catalog.
pub type ChunkId = u64;

/// What an index is told of a document.
#[derive(Debug, Clone)]
pub struct IndexedDocument {
    /// The catalog's document id.
    pub document_id: String,
    /// Collection that the document is in.
    pub collection: String,
    /// Title, indexed beside the text.
    pub title: String,
    /// Authors, indexed beside the text.
    pub authors: Vec<String>,
    /// The document's chunks.
    pub chunks: Vec<IndexedChunk>,
}

/// One chunk of an [`IndexedDocument`].
#[derive(Debug, Clone)]
pub struct IndexedChunk {
    /// The catalog's chunk id.
    pub id: ChunkId,
    /// Text to embed and to index.
    pub text: String,
    /// Headings under which it stands, joined by [`ingest::SECTION_SEPARATOR`].
    pub section: Option<String>,
}

impl IndexedDocument {
    /// What is embedded of each chunk, in their order: title and headings stand in front of its
    /// text, since a passage seldom names what the whole paper is about. Vectors depend on nothing
    /// else.
    pub fn embedded_texts(&self) -> Vec<String> {
        self.chunks
            .iter()
            .map(|chunk| headings(&self.title, chunk.section.as_deref()) + &chunk.text)
            .collect()
    }
}

/// What stands in front of a text of a paper where it is embedded: title and headings.
pub fn headings(title: &str, section: Option<&str>) -> String {
    [title, section.unwrap_or_default()]
        .iter()
        .map(|part| shortened(part))
        .filter(|part| !part.is_empty())
        .map(|part| format!("{part}. "))
        .collect()
}

/// The start of a title or of a path of headings: however long it is, the text must have its place.
fn shortened(heading: &str) -> &str {
    let heading = heading.trim();
    match heading.char_indices().nth(HEADING_CHARACTERS) {
        Some((end, _)) => &heading[..end],
        None => heading,
    }
}

impl IndexedChunk {
    /// What kind of section it stands in.
    pub fn kind(&self) -> SectionKind {
        SectionKind::of(self.section.as_deref().unwrap_or_default())
    }
}

/// Which index answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Words only.
    Bm25,
    /// Meaning only.
    Dense,
    /// Both, fused.
    #[default]
    Hybrid,
}

/// Restricts a search. Empty means the whole library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this collection.
    pub collection: Option<String>,
    /// Only these documents (the catalog resolves author, year and venue to ids).
    pub documents: Option<Vec<String>>,
    /// Only passages from sections of these kinds; empty means any.
    pub section_kinds: BTreeSet<SectionKind>,
}

/// A question put to the indexes.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// What the person asks.
    pub asked: ParsedQuery,
    /// Which indexes to ask.
    pub mode: Mode,
    /// How their rankings are joined.
    pub fusion: Fusion,
    /// How many hits to return.
    pub top_k: usize,
    /// Look at the best again, by their token vectors and neighbours.
    pub rerank: bool,
    /// Where to look.
    pub filter: Filter,
}

/// The score that each stage gave; `None` where that stage did not see the chunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scores {
    /// BM25 score.
    pub bm25: Option<f32>,
    /// Cosine similarity.
    pub dense: Option<f32>,
    /// Score of the joined ranking.
    pub fused: Option<f32>,
    /// Reranker score.
    pub rerank: Option<f32>,
}

/// A chunk that matched, best first in a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which chunk.
    pub chunk_id: ChunkId,
    /// The score that decided the order.
    pub score: f32,
    /// What each stage said.
    pub scores: Scores,
}

/// A line of a passage: which bytes of [`Passage::text`] it gave, and where it is printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageLine {
    /// Page, from 1.
    pub page: u32,
    /// Place on the page.
    pub rect: Rect,
    /// First byte in [`Passage::text`].
    pub start: usize,
    /// One past the last byte in [`Passage::text`].
    pub end: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// What could not be asked and was done without, for the person to see.
    pub warnings: Vec<String>,
}

/// A [`Hit`] together with the text and origin that the catalog has for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Passage {
    /// Place in the result, from 1.
    pub rank: usize,
    /// The catalog's chunk id.
    #[schema(value_type = u64)]
    pub chunk_id: ChunkId,
    /// The catalog's document id.
    pub document_id: String,
    /// File name as it was added.
    pub file: String,
    /// Title, or the file name where none was found.
    pub title: String,
    /// Authors, where known.
    pub authors: Vec<String>,
    /// Year, where known.
    pub year: Option<i32>,
    /// First page, from 1.
    pub page: u32,
    /// First and last page.
    pub pages: [u32; 2],
    /// Heading under which it stands.
    pub section: Option<String>,
    /// Verbatim text.
    pub text: String,
    /// The score that decided the order.
    pub score: f32,
    /// What each stage said.
    pub scores: Scores,
    /// Where the passage is printed, a rectangle a line.
    pub rects: Vec<PageRect>,
    /// Its lines; not part of the JSON contract.
    #[serde(skip)]
    pub lines: Vec<PassageLine>,
}

/// What kept retrieval from answering.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedder's files are unreadable or of another shape.
    #[error("the embedding model in {folder} cannot be used: {reason}")]
    Model {
        /// Folder of the model.
        folder: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model ran and failed.
    #[error("embedding failed: {0}")]
    Embed(#[from] candle_core::Error),
    /// ONNX Runtime is missing, or failed.
    #[error("ONNX Runtime failed: {0}")]
    Onnx(String),
    /// Tokenising failed.
    #[error("tokenising failed: {0}")]
    Tokenize(String),
    /// The dense index failed; it can be rebuilt.
    #[error("the dense index failed: {0}")]
    Dense(String),
    /// The index of token vectors failed; it can be rebuilt.
    #[error("the index of token vectors failed: {0}")]
    Tokens(String),
    /// A server that keeps an index cannot be reached, or refuses.
    #[error("the {service} at {address} cannot be used: {reason}")]
    Unavailable {
        /// Which service.
        service: &'static str,
        /// Its address, without credentials.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The BM25 index failed; it can be rebuilt.
    #[error("the BM25 index failed: {0}")]
    Lexical(#[from] tantivy::TantivyError),
    /// An index file could not be read or written.
    #[error("an index file could not be read or written: {0}")]
    Io(#[from] std::io::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_embedded_under_their_title_and_headings() {
        let chunk = |section: Option<&str>| IndexedChunk {
            id: 1,
            text: "It elects a leader.".into(),
            section: section.map(str::to_owned),
        };
        let mut document = IndexedDocument {
            document_id: "d".into(),
            collection: "c".into(),
            title: "Raft".into(),
            authors: Vec::new(),
            chunks: vec![chunk(Some("Design > Elections")), chunk(None)],
        };
        assert_eq!(
            document.embedded_texts(),
            [
                "Raft. Design > Elections. It elects a leader.",
                "Raft. It elects a leader."
            ]
        );
        document.title = "é".repeat(10_000);
        assert!(document.embedded_texts()[1].ends_with("é. It elects a leader."));
        assert_eq!(document.embedded_texts()[1].chars().count(), 221);
    }
}
