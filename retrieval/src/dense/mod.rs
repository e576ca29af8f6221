//! The dense index: one vector a chunk, searched by cosine.
//!
//! [`DenseIndex`] is what the rest needs of one, whoever keeps the vectors; [`edge`] keeps them in
//! the data folder with qdrant-edge, Qdrant's engine inside the process. A point's id is its
//! chunk's id; its payload names document, collection and kind of section, so that a document can
//! be forgotten and a search restricted. An index belongs to one [`VectorSpace`] and is never asked
//! with another's vectors.
//!
//! Writes become durable with [`DenseIndex::commit`], which then moves the watermark. A kill
//! between the two leaves the watermark behind the truth, never ahead, and the changes since are
//! applied again; applying one twice is harmless.

pub mod edge;

pub use edge::EdgeIndex;

use crate::{ChunkId, Filter, IndexedDocument, Result};

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
