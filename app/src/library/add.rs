//! How a file becomes part of the library: read -> cut -> embed -> store -> index.
//!
//! All that can fail because of the file happens before anything is stored, and what is stored is
//! stored in one transaction. So a file is in the library whole or not at all, and cancelling
//! leaves nothing behind. [`Library::prepare`] is apart from [`Library::store`] so that the next
//! file can be read while this one is embedded.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use ingest::similarity::Sketch;
use ingest::{Chunk, Document};
use retrieval::{IndexedChunk, IndexedDocument};
use serde::{Deserialize, Serialize};

use super::cut::cut;
use super::index::{Vectors, embed};
use super::report::{FileReport, FileStatus};
use super::{Blobs, Indexes, Library, blocking};
use crate::bibliography::Bibliography;
use crate::catalog::{DocumentRecord, DocumentStatus, NewDocument, READER_VERSION};
use crate::error::{Fault, Problem};

/// Longest file name kept, in characters.
const NAME_CHARACTERS: usize = 200;

/// A file on its way in.
#[derive(Clone)]
pub struct Upload {
    /// Name to show, as [`display_name`] gives it.
    pub file: String,
    /// Absolute path, where it comes from one: a changed file there replaces what was read before.
    pub source: Option<String>,
    /// Where it goes.
    pub collection: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Opens an encrypted file.
    pub password: Option<String>,
    /// Entries that override what is read of the paper.
    pub bibliography: Option<Arc<Bibliography>>,
}

/// What is being done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Reading its pages.
    Reading,
    /// Putting pages without text through text recognition.
    Recognising,
    /// Embedding its chunks.
    Embedding,
    /// Writing catalog and indexes.
    Indexing,
}

/// Told how a file comes along, and asked whether to go on.
pub trait Watch: Send + Sync {
    /// `done` of `total` pages or chunks.
    fn progress(&self, stage: Stage, done: usize, total: usize);
    /// True to stop; nothing of the file is kept then.
    fn cancelled(&self) -> bool;
}

/// A file that was read and cut, or needs no more work.
pub enum Prepared {
    /// In the library already.
    Known(FileReport),
    /// To be embedded and stored.
    New(Box<ReadUpload>),
}

/// A file that was read and cut.
pub struct ReadUpload {
    upload: Upload,
    sha256: String,
    document: Document,
    chunks: Vec<Chunk>,
    /// The generation of the indexes that it was cut for.
    generation: i64,
    sketch: Option<Sketch>,
    started: Instant,
}

impl ReadUpload {
    /// The document as the indexes will be told of it, before its chunks have ids.
    fn unnumbered(&self, title: String) -> IndexedDocument {
        let chunks = self.chunks.iter().map(|chunk| IndexedChunk {
            id: 0,
            text: chunk.text.clone(),
            section: chunk.section.clone(),
        });
        IndexedDocument {
            document_id: String::new(),
            collection: self.upload.collection.clone(),
            title,
            authors: self.document.metadata.authors().to_vec(),
            chunks: chunks.collect(),
        }
    }
}

impl Library {
    /// Brings one file into the library.
    ///
    /// # Errors
    /// Why it is not in the library; nothing of it is kept then.
    pub async fn add(&self, upload: Upload, watch: Arc<dyn Watch>) -> Result<FileReport> {
        match self.prepare(upload, watch.clone()).await? {
            Prepared::Known(report) => Ok(report),
            Prepared::New(read) => {
                let report = self.store(*read, watch).await?;
                self.commit().await?;
                Ok(report)
            }
        }
    }

    /// Stores an uploaded file and queues it as a job.
    ///
    /// # Errors
    /// Where it cannot be stored; nothing is kept then.
    pub async fn queue(
        &self,
        job_id: &str,
        file: &str,
        collection: &str,
        sha256: &str,
        bytes: Vec<u8>,
    ) -> Result<()> {
        // Held against `release`, which must not take the blob away in between.
        let _writing = self.writing.lock().await;
        self.blobs.put(sha256, bytes).await?;
        self.catalog.add_job(job_id, file, collection, sha256).await
    }

    /// Deletes an uploaded blob where no document and no other job needs it.
    ///
    /// # Errors
    /// Where the catalog cannot be read or the blob not deleted.
    pub async fn release(&self, sha256: &str) -> Result<()> {
        let _writing = self.writing.lock().await;
        self.forget_blob(sha256).await
    }

    /// Reads and cuts a file; stores nothing.
    ///
    /// # Errors
    /// Where the file cannot be read, the embedder is missing, or the watch says stop.
    pub async fn prepare(&self, upload: Upload, watch: Arc<dyn Watch>) -> Result<Prepared> {
        let started = Instant::now();
        self.check_size(upload.bytes.len() as u64)?;
        let sha256 = Blobs::name_of(&upload.bytes);
        if let Some(report) = self.known(&upload.collection, &sha256, started).await? {
            let report = self.told(report, &upload).await?;
            return Ok(Prepared::Known(report));
        }

        let reader = self.reader.clone();
        let (upload, read) = blocking(move || {
            let read = reader.read(
                &upload.bytes,
                &upload.file,
                upload.password.as_deref(),
                &|| watch.cancelled(),
                &mut |stage, done, total| watch.progress(stage, done as usize, total as usize),
            );
            Ok((upload, read))
        })
        .await?;
        let mut document = read?;
        if let Some(bibliography) = &upload.bibliography {
            let path = upload.source.as_deref().unwrap_or(&upload.file);
            bibliography.apply(path, &mut document.metadata);
        }

        let mut generation = 0;
        let (document, chunks, sketch) = if !has_text(&document) {
            (document, Vec::new(), None)
        } else {
            let indexes = self.indexes().await?;
            let embedder = self.embedder_of(&indexes).await?;
            generation = indexes.generation.id;
            let config = indexes.generation.spec.chunk();
            blocking(move || {
                let chunks = cut(&document, config, embedder.as_ref());
                let sketch = Sketch::of(&document.text());
                Ok((document, chunks, sketch))
            })
            .await?
        };
        Ok(Prepared::New(Box::new(ReadUpload {
            upload,
            sha256,
            document,
            chunks,
            generation,
            sketch,
            started,
        })))
    }

    /// Embeds and stores a file that was read. It can be found a moment later, or after
    /// [`commit`](Self::commit).
    ///
    /// # Errors
    /// Where the watch says stop, or the catalog or an index cannot be written.
    pub async fn store(&self, mut read: ReadUpload, watch: Arc<dyn Watch>) -> Result<FileReport> {
        let title = read
            .document
            .metadata
            .title()
            .map(str::to_owned)
            .unwrap_or_else(|| stem(&read.upload.file));
        let (vectors, _writing) = loop {
            let indexes = self.indexes().await?;
            let vectors;
            (read, vectors) = self.embed(read, &title, &indexes, watch.clone()).await?;
            watch.progress(Stage::Indexing, 0, 1);
            let writing = self.writing.lock().await;
            // Another generation may have begun to answer while it was embedded for this one.
            if self
                .active()
                .is_some_and(|active| active.generation.id == indexes.generation.id)
            {
                break (vectors, writing);
            }
        };
        let ReadUpload {
            upload,
            sha256,
            document,
            chunks,
            sketch,
            started,
            ..
        } = read;
        // The same file may have come in twice at once.
        if let Some(report) = self.known(&upload.collection, &sha256, started).await? {
            return Ok(report);
        }
        if watch.cancelled() {
            return Err(ingest::Error::Cancelled.into());
        }
        // The same bytes, read by an older reader or before text recognition was there, or what
        // the same path held before.
        let older = self
            .catalog
            .document_by_content(&upload.collection, &sha256)
            .await?;
        let replaced = match (older, &upload.source) {
            (Some(older), _) => Some(older),
            (None, Some(source)) => {
                self.catalog
                    .document_by_source(&upload.collection, source)
                    .await?
            }
            (None, None) => None,
        };
        let status = if has_text(&document) {
            DocumentStatus::Ready
        } else {
            DocumentStatus::NeedsOcr
        };
        let id = uuid::Uuid::now_v7().to_string();
        self.catalog.ensure_collection(&upload.collection).await?;
        let bytes = upload.bytes.len() as u64;
        self.blobs.put(&sha256, upload.bytes).await?;
        let sequence = self
            .catalog
            .add_document(&NewDocument {
                id: &id,
                collection: &upload.collection,
                sha256: &sha256,
                file: &upload.file,
                source: upload.source.as_deref(),
                status,
                title: &title,
                bytes,
                document: &document,
                chunks: &chunks,
                sketch,
                replaces: replaced.as_ref().map(|record| record.id.as_str()),
            })
            .await?;
        self.follow(sequence, id.clone(), Some(vectors)).await?;
        if let Some(replaced) = &replaced {
            self.forget_blob(&replaced.sha256).await?;
        }
        let duplicates = self.catalog.duplicates(&id).await?;

        let record = self
            .catalog
            .document(&id)
            .await?
            .context("the document was just added")?;
        let status = match (status, &replaced) {
            (DocumentStatus::NeedsOcr, _) => FileStatus::NeedsOcr,
            (DocumentStatus::Ready, Some(_)) => FileStatus::Replaced,
            (DocumentStatus::Ready, None) => FileStatus::Added,
        };
        Ok(FileReport {
            duplicates,
            ..FileReport::of(&record, status, started)
        })
    }

    /// Embeds a file for these indexes; cuts it first where it was cut for others.
    async fn embed(
        &self,
        mut read: ReadUpload,
        title: &str,
        indexes: &Indexes,
        watch: Arc<dyn Watch>,
    ) -> Result<(ReadUpload, Vectors)> {
        if read.chunks.is_empty() {
            return Ok((read, Vectors::default()));
        }
        let embedder = self.embedder_of(indexes).await?;
        let (generation, config) = (indexes.generation.id, indexes.generation.spec.chunk());
        let (title, tokens) = (title.to_owned(), indexes.tokens());
        blocking(move || {
            if read.generation != generation {
                read.chunks = cut(&read.document, config, embedder.as_ref());
                read.generation = generation;
            }
            let total = read.chunks.len();
            let document = read.unnumbered(title);
            let vectors = embed(&document, embedder.as_ref(), &tokens, &mut |done| {
                if watch.cancelled() {
                    return Err(ingest::Error::Cancelled.into());
                }
                watch.progress(Stage::Embedding, done, total);
                Ok(())
            })?;
            Ok((read, vectors))
        })
        .await
    }

    /// A file that is in the library already may still learn from a bibliography.
    async fn told(&self, report: FileReport, upload: &Upload) -> Result<FileReport> {
        let (Some(bibliography), Some(id)) = (&upload.bibliography, &report.document_id) else {
            return Ok(report);
        };
        let record = self.document(id).await?;
        let mut metadata = record.metadata.clone();
        let path = upload.source.as_deref().unwrap_or(&upload.file);
        if bibliography.apply(path, &mut metadata) && metadata != record.metadata {
            self.set_metadata(id, &metadata).await?;
        }
        Ok(report)
    }

    async fn known(
        &self,
        collection: &str,
        sha256: &str,
        started: Instant,
    ) -> Result<Option<FileReport>> {
        let record = self.catalog.document_by_content(collection, sha256).await?;
        // A better reader, or text recognition that was not there or not in this language, is worth
        // reading it again.
        let language = format!("language {}", self.settings.ocr_language);
        let was_tried = |record: &DocumentRecord| {
            record.warnings.iter().any(|warning| {
                warning.code == "recognition_failed" && warning.message.contains(&language)
            })
        };
        let is_worth_it = |record: &DocumentRecord| {
            record.reader < READER_VERSION
                || (record.status == DocumentStatus::NeedsOcr
                    && self.can_recognise()
                    && !was_tried(record))
        };
        Ok(record.filter(|record| !is_worth_it(record)).map(|record| {
            let status = match record.status {
                DocumentStatus::Ready => FileStatus::Unchanged,
                DocumentStatus::NeedsOcr => FileStatus::NeedsOcr,
            };
            FileReport::of(&record, status, started)
        }))
    }

    /// Refuses a file over the size limit.
    ///
    /// # Errors
    /// A problem `file_too_large`.
    pub fn check_size(&self, bytes: u64) -> Result<(), Problem> {
        let limit = self.settings.max_upload_bytes;
        if bytes <= limit {
            return Ok(());
        }
        Err(Problem::new(
            Fault::TooLarge,
            "file_too_large",
            format!("the file is larger than the limit of {} MiB", limit >> 20),
            "raise the setting max_upload_mb, or split the file",
        ))
    }
}

/// The name that is shown and stored of a file: the last part of a path, without control
/// characters, at most 200 characters with its extension kept.
pub fn display_name(path: &str) -> String {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    if clean.is_empty() || clean.chars().all(|c| c == '.') {
        return "unnamed.pdf".to_owned();
    }
    if clean.chars().count() <= NAME_CHARACTERS {
        return clean.to_owned();
    }
    let extension = Path::new(clean)
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    let extension: String = extension.chars().take(8).collect();
    let kept: String = clean
        .chars()
        .take(NAME_CHARACTERS - extension.chars().count() - 2)
        .collect();
    if extension.is_empty() {
        format!("{kept}…")
    } else {
        format!("{kept}….{extension}")
    }
}

/// A collection's name, where it is one: 1 to 64 letters, digits, spaces, `-`, `_` and `.`.
///
/// # Errors
/// A problem `collection_invalid`.
pub fn collection_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let valid = (1..=64).contains(&name.chars().count())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || " -_.".contains(c));
    if valid {
        return Ok(name.to_owned());
    }
    Err(Problem::new(
        Fault::Usage,
        "collection_invalid",
        format!("{name:?} is no name for a collection"),
        "use 1 to 64 letters, digits, spaces, `-`, `_` and `.`",
    ))
}

/// True where any page has text that is worth finding.
fn has_text(document: &Document) -> bool {
    document
        .pages
        .iter()
        .any(|page| !page.source.needs_ocr() && !page.text.trim().is_empty())
}

fn stem(file: &str) -> String {
    Path::new(file)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(file)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_reduced_to_what_can_be_shown() {
        assert_eq!(display_name("../../etc/passwd.pdf"), "passwd.pdf");
        assert_eq!(display_name("C:\\papers\\raft.pdf"), "raft.pdf");
        assert_eq!(display_name("a\nb\"c'.pdf"), "ab\"c'.pdf");
        assert_eq!(display_name(".."), "unnamed.pdf");
        assert_eq!(display_name(""), "unnamed.pdf");
        let long = display_name(&format!("{}.pdf", "ä".repeat(300)));
        assert!(
            long.chars().count() <= NAME_CHARACTERS && long.ends_with("….pdf"),
            "{long}"
        );
    }

    #[test]
    fn collections_have_plain_names() {
        assert_eq!(collection_name(" Thesis 2024 ").unwrap(), "Thesis 2024");
        for bad in ["", "a/b", "x\ny", &"n".repeat(65)] {
            assert_eq!(collection_name(bad).unwrap_err().code, "collection_invalid");
        }
    }
}
