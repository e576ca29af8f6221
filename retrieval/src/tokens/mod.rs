//! The index of token vectors, for late interaction: what each chunk's tokens look like, compressed.
//!
//! Scoring a question against the tokens of a hundred passages orders them better than one vector a
//! passage can, but computing those vectors at question time would take seconds. They come out of
//! the same forward pass as the passage's vector, so they are computed once, at ingest, and kept
//! ([`Store`]) in a few kilobytes a chunk ([`Codec`]). Like the other indexes this one is derived: it
//! has a watermark, belongs to one [`VectorSpace`], and can be rebuilt at any time.

mod codec;
mod projection;
mod store;
mod words;

use std::path::{Path, PathBuf};
use std::sync::{OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use codec::{Codec, QueryTokens};
use store::Store;
pub use words::WordVectors;

use crate::embed::{Embedder, TokenVectors, VectorSpace};
use crate::{ChunkId, Error, IndexedDocument, Result};

/// File of the fitted codec.
const CODEC: &str = "codec.bin";
/// What the records are; raised when their layout or what is kept of a text changes.
const FORMAT: &str = "words-256-signs-1";

/// Compressed token vectors of one [`VectorSpace`].
pub struct TokenIndex {
    folder: PathBuf,
    store: RwLock<Store>,
    /// Fitted when the first document comes.
    codec: OnceLock<Codec>,
}

impl TokenIndex {
    /// Opens the index of a vector space under `parent`, or makes it.
    ///
    /// # Errors
    /// [`Error::Tokens`] where it is damaged: delete its [`folder`](Self::folder_for) and open
    /// again.
    pub fn open(parent: &Path, space: &VectorSpace) -> Result<Self> {
        let folder = Self::folder_for(parent, space);
        let store = Store::open(&folder, FORMAT)?;
        let codec = OnceLock::new();
        match std::fs::read(folder.join(CODEC)) {
            Ok(bytes) => {
                let read = Codec::from_bytes(&bytes);
                let read = read.ok_or_else(|| Error::Tokens("its codec is damaged".into()))?;
                let _ = codec.set(read);
            }
            Err(_) if store.len() > 0 => {
                return Err(Error::Tokens("its codec is missing".into()));
            }
            Err(_) => {}
        }
        Ok(Self {
            folder,
            store: RwLock::new(store),
            codec,
        })
    }

    /// The codec of the embedder's model: fitted and kept in a file before the first record is
    /// written with it.
    fn codec(&self, embedder: &dyn Embedder) -> Result<&Codec> {
        if let Some(codec) = self.codec.get() {
            return Ok(codec);
        }
        let fitted = Codec::fit(embedder)?;
        let partial = self.folder.join("codec.partial");
        std::fs::write(&partial, fitted.to_bytes())?;
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, self.folder.join(CODEC))?;
        Ok(self.codec.get_or_init(|| fitted))
    }

    /// Where the space's index lives under `parent`.
    pub fn folder_for(parent: &Path, space: &VectorSpace) -> PathBuf {
        parent.join(space.folder_name("tokens"))
    }

    /// Last change of the catalog that this index has, 0 where it has none.
    ///
    /// # Errors
    /// None today; as with the other indexes.
    pub fn watermark(&self) -> Result<u64> {
        Ok(self.reading().watermark())
    }

    /// Compresses the tokens that `embedder` gave for `text`: a record for [`put`](Self::put).
    ///
    /// # Errors
    /// Where the codec is not fitted yet and the model fails, or its file cannot be written.
    pub fn encode(
        &self,
        text: &str,
        tokens: &TokenVectors,
        embedder: &dyn Embedder,
    ) -> Result<Vec<u8>> {
        Ok(self.codec(embedder)?.encode(text, tokens))
    }

    /// Adds a document, replacing what was there under its id. `records[i]` is what
    /// [`encode`](Self::encode) made of the i-th of [`IndexedDocument::embedded_texts`].
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn put(&self, document: &IndexedDocument, records: Vec<Vec<u8>>) -> Result<()> {
        let records: Vec<(ChunkId, Vec<u8>)> = document
            .chunks
            .iter()
            .map(|chunk| chunk.id)
            .zip(records)
            .collect();
        self.writing().put(key(&document.document_id), &records)
    }

    /// Forgets a document; its vectors are overwritten at once.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn remove(&self, document_id: &str) -> Result<()> {
        self.writing().remove(key(document_id))
    }

    /// True where exactly the document's chunks are held.
    ///
    /// # Errors
    /// None today; as with the other indexes.
    pub fn holds(&self, document: &IndexedDocument) -> Result<bool> {
        let store = self.reading();
        let held = store.chunks(key(&document.document_id));
        Ok(held.len() == document.chunks.len()
            && document.chunks.iter().all(|chunk| held.contains(&chunk.id)))
    }

    /// Makes all writes so far durable and records that they reach up to change `sequence`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn commit(&self, sequence: u64) -> Result<()> {
        self.writing().commit(sequence)
    }

    /// Number of chunks held; of one document, where given.
    ///
    /// # Errors
    /// None today; as with the other indexes.
    pub fn count(&self, document_id: Option<&str>) -> Result<usize> {
        let store = self.reading();
        Ok(match document_id {
            None => store.len(),
            Some(id) => store.chunks(key(id)).len(),
        })
    }

    /// Gives back the space of removed documents, a segment at a time. True where any was.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn optimize(&self) -> Result<bool> {
        let mut any = false;
        while self.writing().compact()? {
            any = true;
        }
        Ok(any)
    }

    /// The mean of the model's token vectors, `(dimension)`, for [`WordVectors`]; `None` before the
    /// first document.
    pub fn centre(&self) -> Option<&[f32]> {
        self.codec.get().map(Codec::centre)
    }

    /// How far the model's cosines lie apart, where all-MiniLM-L6-v2's count 1; 1 before the first
    /// document.
    pub fn spread(&self) -> f32 {
        self.codec.get().map_or(1.0, Codec::spread)
    }

    /// How well each chunk's words answer the question's: the weighted mean over the question's
    /// words of the best cosine among the chunk's (MaxSim; Khattab and Zaharia, "ColBERT", 2020).
    /// `tokens` are the embedder's for `text`, `weights` says how much words count. `None` for a
    /// chunk that is not held, and for all where the question has no word that counts.
    ///
    /// # Errors
    /// Where `weights` fails.
    pub fn maxsim(
        &self,
        text: &str,
        tokens: &TokenVectors,
        weights: impl Fn(&[&str]) -> Result<Vec<f32>>,
        ids: &[ChunkId],
    ) -> Result<Vec<Option<f32>>> {
        let Some(codec) = self.codec.get() else {
            return Ok(vec![None; ids.len()]);
        };
        let query = codec.query(text, tokens, weights)?;
        // The lock is not held while files are read.
        let records: Vec<_> = {
            let store = self.reading();
            ids.iter().map(|id| store.record(*id)).collect()
        };
        Ok(records
            .into_iter()
            .map(|record| codec.maxsim(&query, &record?.read()?))
            .collect())
    }

    // A poisoned lock means that a writer panicked between two writes: the watermark has not moved,
    // so the change is applied again.
    fn reading(&self) -> RwLockReadGuard<'_, Store> {
        self.store
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Store> {
        self.store
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// FNV-1a of a document's id: short, and the same in every build.
fn key(document_id: &str) -> u64 {
    document_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}
