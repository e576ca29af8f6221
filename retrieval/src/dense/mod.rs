//! The dense index: one vector a chunk, searched by cosine.
//!
//! [`DenseIndex`] is what the rest needs of one, whoever keeps the vectors; [`edge`] keeps them in
//! the data folder with qdrant-edge, Qdrant's engine inside the process, and [`server`] in a Qdrant
//! server or cluster. [`open`] gives the one that the settings ask for. A point's id is its chunk's
//! id; its payload names document, collection and kind of section, so that a document can
//! be forgotten and a search restricted. An index belongs to one [`VectorSpace`] and is never asked
//! with another's vectors.
//!
//! Writes become durable with [`DenseIndex::commit`], which then moves the watermark. A kill
//! between the two leaves the watermark behind the truth, never ahead, and the changes since are
//! applied again; applying one twice is harmless.

pub mod edge;
pub mod server;

pub use edge::EdgeIndex;
pub use server::{ApiKey, ServerAddress, ServerConfig, ServerIndex};

use std::collections::BTreeMap;
use std::path::Path;

use crate::embed::VectorSpace;
use crate::{ChunkId, Error, Filter, IndexedDocument, Result};

type Payload = serde_json::Map<String, serde_json::Value>;

/// Payload fields of a point, the same wherever it is kept.
const DOCUMENT: &str = "document";
const COLLECTION: &str = "collection";
const SECTION: &str = "section";
/// The fields that a search can be restricted by.
const FIELDS: [&str; 3] = [DOCUMENT, COLLECTION, SECTION];

/// Vectors below which comparing all of them is as fast as walking a graph.
const EXACT_UP_TO: usize = 20_000;
/// Edges of a node in the graph.
const HNSW_M: usize = 24;
/// Neighbours looked at while the graph is built.
const HNSW_EF_CONSTRUCT: usize = 200;
/// Neighbours kept while it is walked.
const HNSW_EF_SEARCH: usize = 512;

/// How vectors are compared while the graph is walked. The best are always scored again with the
/// vectors as they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quantization {
    /// As they were given.
    #[default]
    None,
    /// A byte a number: a quarter of the memory.
    Scalar,
    /// A bit a number: a thirty-second of the memory; for vectors of 768 numbers and more.
    Binary,
}

impl Quantization {
    /// How many times the wanted number are taken by their quantised vectors, to be scored again.
    fn oversampling(self) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Scalar => 2.0,
            Self::Binary => 4.0,
        }
    }
}

impl std::str::FromStr for Quantization {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "scalar" => Ok(Self::Scalar),
            "binary" => Ok(Self::Binary),
            _ => Err(()),
        }
    }
}

/// Where vectors are kept and how.
#[derive(Debug, Clone, Default)]
pub struct DenseConfig {
    /// Of the graph's comparisons.
    pub quantization: Quantization,
    /// A Qdrant server; the data folder where `None`.
    pub server: Option<ServerConfig>,
}

/// Opens the index of a vector space, or makes it: under `folder`, or on the server of `config`.
///
/// A server is not asked before the first call, so one that is down does not keep Lectern from
/// starting.
///
/// # Errors
/// [`Error::Dense`](crate::Error::Dense) where the files in [`EdgeIndex::folder_for`] are damaged:
/// delete that folder and open again.
pub fn open(
    config: &DenseConfig,
    folder: &Path,
    space: &VectorSpace,
) -> Result<Box<dyn DenseIndex>> {
    Ok(match &config.server {
        Some(server) => Box::new(ServerIndex::open(server, config.quantization, space)?),
        None => Box::new(EdgeIndex::open(folder, space, config.quantization)?),
    })
}

/// What of a document's points is the same, with the chunks that share it: a write a kind of
/// section rather than a write a chunk.
fn by_payload(document: &IndexedDocument) -> Vec<(Payload, Vec<ChunkId>)> {
    let mut by_kind: BTreeMap<&str, Vec<ChunkId>> = BTreeMap::new();
    for chunk in &document.chunks {
        by_kind
            .entry(chunk.kind().name())
            .or_default()
            .push(chunk.id);
    }
    by_kind
        .into_iter()
        .map(|(kind, ids)| (payload(document, kind), ids))
        .collect()
}

/// What is kept beside the vector of a chunk that stands in a section of this kind.
fn payload(document: &IndexedDocument, kind: &str) -> Payload {
    [
        (DOCUMENT, document.document_id.as_str()),
        (COLLECTION, document.collection.as_str()),
        (SECTION, kind),
    ]
    .into_iter()
    .map(|(field, value)| (field.to_owned(), value.into()))
    .collect()
}

/// Refuses vectors that do not fit their document or the index.
fn check_vectors(document: &IndexedDocument, vectors: &[Vec<f32>], dimension: usize) -> Result<()> {
    if vectors.len() != document.chunks.len() {
        return Err(Error::Dense(format!(
            "document {} has {} chunks and {} vectors",
            document.document_id,
            document.chunks.len(),
            vectors.len()
        )));
    }
    match vectors.iter().find(|vector| vector.len() != dimension) {
        Some(vector) => Err(Error::Dense(format!(
            "document {} has a vector of {} numbers instead of {dimension}",
            document.document_id,
            vector.len()
        ))),
        None => Ok(()),
    }
}

/// A name as part of a folder's or a collection's.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}

/// Vectors of one [`VectorSpace`](crate::embed::VectorSpace).
pub trait DenseIndex: Send + Sync {
    /// Last change of the catalog that this index has, 0 where it has none.
    ///
    /// # Errors
    /// Where it cannot be told, because a server cannot be reached.
    fn watermark(&self) -> Result<u64>;
    /// Adds a document, replacing what was there under its id. `vectors[i]` belongs to
    /// `document.chunks[i]`.
    ///
    /// # Errors
    /// Where the engine refuses the write.
    fn put(&self, document: &IndexedDocument, vectors: Vec<Vec<f32>>) -> Result<()>;
    /// Forgets a document.
    ///
    /// # Errors
    /// Where the engine refuses the write.
    fn remove(&self, document_id: &str) -> Result<()>;
    /// True where exactly the document's chunks are held. A chunk's id is never used for another
    /// text, so their vectors need not be computed again.
    ///
    /// # Errors
    /// Where the engine fails.
    fn holds(&self, document: &IndexedDocument) -> Result<bool>;
    /// Writes the payload of a document that [`holds`](Self::holds) again: it has moved to another
    /// collection, or its sections have other names.
    ///
    /// # Errors
    /// Where the engine refuses the write.
    fn describe(&self, document: &IndexedDocument) -> Result<()>;
    /// Makes all writes so far durable and records that they reach up to change `sequence`.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn commit(&self, sequence: u64) -> Result<()>;
    /// The `limit` nearest chunks by cosine, best first.
    ///
    /// # Errors
    /// Where the engine fails.
    fn search(&self, vector: &[f32], limit: usize, filter: &Filter) -> Result<Vec<(ChunkId, f32)>>;
    /// The vectors of chunks, `None` for one that is not held, in the order of `ids`.
    ///
    /// # Errors
    /// Where the engine fails.
    fn vectors(&self, ids: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>>;
    /// Number of chunks held; of one document, where given.
    ///
    /// # Errors
    /// Where the engine fails.
    fn count(&self, document_id: Option<&str>) -> Result<usize>;
    /// Work that makes searching faster and may take long: graphs, compaction. Searches and writes
    /// go on meanwhile. True where anything was done.
    ///
    /// # Errors
    /// Where the engine fails.
    fn optimize(&self) -> Result<bool>;
}
