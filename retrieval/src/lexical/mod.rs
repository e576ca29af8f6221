//! The BM25 index: passages by their words.
//!
//! tantivy keeps the postings. What a word is, is decided here, and the same for documents,
//! questions and highlighting; how a question is read ([`ParsedQuery`]); and how
//! passages are scored ([`Bm25`]). Text comes from anywhere and in any language, so nothing that
//! stands in a document or a question is an error.
//!
//! The index is derived from the catalog. The watermark is the commit's payload and so moves with
//! the postings, atomically; a folder that is damaged is told by [`LexicalIndex::open`] or by a
//! search, which give an error and never panic, and is built anew by the caller.

mod accumulate;
mod analysis;
mod best;
mod bm25;
mod highlight;
mod identifier;
mod language;
mod plan;
mod query;
mod restriction;
mod schema;
mod search;
mod stop_words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use tantivy::collector::Count;
use tantivy::directory::MmapDirectory;
use tantivy::error::DataCorruption;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{
    DocSet, Index, IndexReader, IndexWriter, ReloadPolicy, TERMINATED, TantivyError, Term,
};

pub use bm25::Bm25;
pub use identifier::identifiers;
pub use query::{Clause, Occur, ParsedQuery, QueryField};

use crate::{IndexedDocument, Result};
use accumulate::Scratch;
use language::Language;
use schema::Fields;

/// Memory of words that wait to be written. Larger makes fewer segments.
const WRITER_BYTES: usize = 48 << 20;
/// Bytes up to which [`LexicalIndex::open`] reads the whole index to check it: about 0.1 s.
const CHECKED_BYTES: u64 = 256 << 20;
const FOLDER: &str = "bm25-v3";

/// True for English words that say nothing of what a text is about.
pub fn is_stop_word(word: &str) -> bool {
    Language::English.is_stop_word(&word.to_lowercase())
}

/// Postings of all chunks.
pub struct LexicalIndex {
    index: Index,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: Fields,
    bm25: Bm25,
    scratch: Mutex<Vec<Scratch>>,
}

impl LexicalIndex {
    /// Opens the index under `parent`, or makes it.
    ///
    /// # Errors
    /// Where it is damaged: delete its [`folder`](Self::folder_in) and open again. Up to 256 MB,
    /// all of it is read to tell; of a larger one, what [`damaged_files`](Self::damaged_files) would find may
    /// only show later.
    pub fn open(parent: &Path) -> Result<Self> {
        let folder = Self::folder_in(parent);
        std::fs::create_dir_all(&folder)?;
        guarded(|| {
            let (schema, fields) = schema::schema();
            let directory = MmapDirectory::open(&folder).map_err(TantivyError::from)?;
            let index = Index::open_or_create(directory, schema)?;
            let small = size(&folder)? <= CHECKED_BYTES;
            let damaged = if small {
                index.validate_checksum()?
            } else {
                Default::default()
            };
            if let Some(file) = damaged.into_iter().next() {
                return Err(TantivyError::DataCorruption(DataCorruption::new(
                    file,
                    "its checksum is wrong".to_owned(),
                ))
                .into());
            }
            let reader: IndexReader = index
                .reader_builder()
                .reload_policy(ReloadPolicy::Manual)
                .try_into()?;
            for segment in reader.searcher().segment_readers() {
                for (field, _) in index.schema().fields() {
                    if index.schema().get_field_entry(field).is_indexed() {
                        segment.inverted_index(field)?;
                    }
                }
                segment.fast_fields().u64(schema::CHUNK)?;
            }
            let writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES)?;
            Ok(Self {
                index,
                reader,
                writer: Mutex::new(writer),
                fields,
                bm25: Bm25::default(),
                scratch: Mutex::default(),
            })
        })
    }

    /// The same index scored with other parameters.
    #[must_use]
    pub fn with_bm25(mut self, bm25: Bm25) -> Self {
        self.bm25 = bm25;
        self
    }

    /// Where the index lives under `parent`.
    pub fn folder_in(parent: &Path) -> PathBuf {
        parent.join(FOLDER)
    }

    /// Last change of the catalog that this index has, 0 where it has none.
    ///
    /// # Errors
    /// Where the index's metadata cannot be read.
    pub fn watermark(&self) -> Result<u64> {
        let payload = self.index.load_metas()?.payload;
        Ok(payload.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Adds a document, replacing what was there under its id; visible after [`commit`](Self::commit).
    ///
    /// # Errors
    /// Where tantivy cannot write.
    pub fn put(&self, document: &IndexedDocument) -> Result<()> {
        self.remove(&document.document_id);
        for entry in schema::entries(document, &self.fields) {
            self.writer().add_document(entry)?;
        }
        Ok(())
    }

    /// Forgets a document; visible after [`commit`](Self::commit).
    pub fn remove(&self, document_id: &str) {
        self.writer()
            .delete_term(Term::from_field_text(self.fields.document, document_id));
    }

    /// Makes all writes so far durable and visible, and records that they reach up to change
    /// `sequence`.
    ///
    /// # Errors
    /// Where tantivy cannot write.
    pub fn commit(&self, sequence: u64) -> Result<()> {
        let mut writer = self.writer();
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&sequence.to_string());
        commit.commit()?;
        self.reader.reload()?;
        Ok(())
    }

    /// True where the document is indexed exactly as it is here: its chunks, their text and
    /// sections, its title, authors and collection. What is not committed does not count.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn holds(&self, document: &IndexedDocument) -> Result<bool> {
        guarded(|| {
            let fingerprint = schema::fingerprint(document);
            let term = Term::from_field_text(self.fields.document, &document.document_id);
            let mut chunks = 0;
            for segment in self.reader.searcher().segment_readers() {
                let index = segment.inverted_index(self.fields.document)?;
                let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)?
                else {
                    continue;
                };
                let fingerprints = segment.fast_fields().u64(schema::FINGERPRINT)?;
                while postings.doc() != TERMINATED {
                    let doc = postings.doc();
                    if !segment.is_deleted(doc) {
                        if fingerprints.first(doc) != Some(fingerprint) {
                            return Ok(false);
                        }
                        chunks += 1;
                    }
                    postings.advance();
                }
            }
            Ok(chunks == document.chunks.len())
        })
    }

    /// Number of chunks held; of one document, where given.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn count(&self, document_id: Option<&str>) -> Result<usize> {
        let searcher = self.reader.searcher();
        guarded(|| {
            Ok(match document_id {
                None => searcher.num_docs() as usize,
                Some(id) => {
                    let term = Term::from_field_text(self.fields.document, id);
                    searcher.search(&TermQuery::new(term, IndexRecordOption::Basic), &Count)?
                }
            })
        })
    }

    /// Rewrites every part of the index that still has the words of a document that was removed,
    /// so that they are gone from the disk. Searches and writes go on meanwhile. True where
    /// anything was done.
    ///
    /// # Errors
    /// Where tantivy cannot write.
    pub fn optimize(&self) -> Result<bool> {
        let mut done = false;
        for segment in self.index.searchable_segment_metas()? {
            if segment.num_deleted_docs() == 0 {
                continue;
            }
            let merge = self.writer().merge(&[segment.id()]);
            match merge.wait() {
                Ok(_) => done = true,
                // tantivy's own merging was faster, or is about it: what it leaves is for the next
                // time.
                Err(TantivyError::InvalidArgument(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Files that a search may still read are kept, so the reader has to let go of them first:
        // those of tantivy's own merging too.
        self.reader.reload()?;
        let collected = self.writer().garbage_collect_files();
        collected.wait()?;
        Ok(done)
    }

    /// Files of the index whose checksum is wrong. Reads all of it.
    ///
    /// # Errors
    /// Where a file cannot be read at all.
    pub fn damaged_files(&self) -> Result<Vec<PathBuf>> {
        guarded(|| Ok(self.index.validate_checksum()?.into_iter().collect()))
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter> {
        self.writer
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// tantivy trusts its files: what it makes of damaged ones may be a panic, which becomes an error.
fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown");
        Err(TantivyError::InternalError(format!("its files are damaged ({reason})")).into())
    })
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        // A file that a merge has just removed has no size.
        bytes += entry?.metadata().map_or(0, |file| file.len());
    }
    Ok(bytes)
}
