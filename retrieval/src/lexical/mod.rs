//! The BM25 index, in tantivy: title, section and body, English stems.
//!
//! What a person types is never parsed as a query language: it is cut into terms by the same
//! analyser that cut the text, so that no input can be a syntax error. The watermark is the
//! commit's payload and so moves with the postings, atomically.

mod stop_words;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard};

use tantivy::collector::{Count, TopDocs};
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, TermQuery, TermSetQuery};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions, Value,
};
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    TextAnalyzer, TokenStream,
};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};

use crate::{ChunkId, Filter, IndexedDocument, Result};

const ANALYSER: &str = "english";
/// Smallest arena that tantivy accepts is 15 MB; papers come one at a time, so it suffices.
const WRITER_BYTES: usize = 32 << 20;
/// Terms of a question that are searched; a pasted page must not cost seconds.
const QUERY_TERMS: usize = 256;
const FOLDER: &str = "bm25-v2";

struct Fields {
    chunk: Field,
    document: Field,
    collection: Field,
    kind: Field,
    title: Field,
    section: Field,
    body: Field,
}

/// Postings of all chunks.
pub struct LexicalIndex {
    index: Index,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: Fields,
}

impl LexicalIndex {
    /// Opens the index under `parent`, or makes it.
    ///
    /// # Errors
    /// Where it is damaged: delete its [`folder`](Self::folder_in) and open again.
    pub fn open(parent: &Path) -> Result<Self> {
        let folder = Self::folder_in(parent);
        std::fs::create_dir_all(&folder)?;
        let (schema, fields) = schema();
        let directory = tantivy::directory::MmapDirectory::open(&folder)
            .map_err(tantivy::TantivyError::from)?;
        let index = Index::open_or_create(directory, schema)?;
        index.tokenizers().register(ANALYSER, analyser());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let writer = Mutex::new(index.writer_with_num_threads(1, WRITER_BYTES)?);
        Ok(Self {
            index,
            reader,
            writer,
            fields,
        })
    }

    /// Where the index lives under `parent`.
    pub fn folder_in(parent: &Path) -> std::path::PathBuf {
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
        let writer = self.writer();
        for chunk in &document.chunks {
            let mut entry = TantivyDocument::new();
            entry.add_u64(self.fields.chunk, chunk.id);
            entry.add_text(self.fields.document, &document.document_id);
            entry.add_text(self.fields.collection, &document.collection);
            entry.add_text(self.fields.kind, chunk.kind().name());
            entry.add_text(self.fields.title, &document.title);
            entry.add_text(
                self.fields.section,
                chunk.section.as_deref().unwrap_or_default(),
            );
            entry.add_text(self.fields.body, &chunk.text);
            writer.add_document(entry)?;
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

    /// The `limit` best chunks by BM25, best first.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn search(&self, text: &str, limit: usize, filter: &Filter) -> Result<Vec<(ChunkId, f32)>> {
        let mut clauses: Vec<(Occur, Box<dyn tantivy::query::Query>)> = Vec::new();
        for term in self.terms(text) {
            for (field, boost) in [
                (self.fields.body, 1.0),
                (self.fields.title, 0.3),
                (self.fields.section, 0.2),
            ] {
                let query = TermQuery::new(
                    Term::from_field_text(field, &term),
                    IndexRecordOption::WithFreqs,
                );
                clauses.push((
                    Occur::Should,
                    Box::new(BoostQuery::new(Box::new(query), boost)),
                ));
            }
        }
        if clauses.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let mut query = BooleanQuery::new(clauses);
        if let Some(collection) = &filter.collection {
            let term = Term::from_field_text(self.fields.collection, collection);
            query = restricted(
                query,
                Box::new(TermQuery::new(term, IndexRecordOption::Basic)),
            );
        }
        if let Some(documents) = &filter.documents {
            let terms: Vec<Term> = documents
                .iter()
                .map(|id| Term::from_field_text(self.fields.document, id))
                .collect();
            query = restricted(query, Box::new(TermSetQuery::new(terms)));
        }

        if !filter.section_kinds.is_empty() {
            let terms: Vec<Term> = filter
                .section_kinds
                .iter()
                .map(|kind| Term::from_field_text(self.fields.kind, kind.name()))
                .collect();
            query = restricted(query, Box::new(TermSetQuery::new(terms)));
        }

        let searcher = self.reader.searcher();
        let best = searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        let mut found = Vec::with_capacity(best.len());
        for (score, address) in best {
            let entry: TantivyDocument = searcher.doc(address)?;
            if let Some(id) = entry
                .get_first(self.fields.chunk)
                .and_then(|value| value.as_u64())
            {
                found.push((id, score));
            }
        }
        Ok(found)
    }

    /// How rare the words of `text` are: the highest inverse document frequency among them.
    pub fn idf(&self, text: &str) -> f32 {
        let searcher = self.reader.searcher();
        let count = searcher.num_docs() as f32;
        self.terms(text)
            .iter()
            .map(|term| {
                let term = Term::from_field_text(self.fields.body, term);
                let frequency = searcher.doc_freq(&term).unwrap_or(0) as f32;
                (1.0 + (count - frequency + 0.5).max(0.0) / (frequency + 0.5)).ln()
            })
            .fold(0.0, f32::max)
    }

    /// Merges what deletions have left behind.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn optimize(&self) -> Result<bool> {
        Ok(false)
    }

    /// Number of chunks held; of one document, where given.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn count(&self, document_id: Option<&str>) -> Result<usize> {
        let searcher = self.reader.searcher();
        Ok(match document_id {
            None => searcher.num_docs() as usize,
            Some(id) => {
                let term = Term::from_field_text(self.fields.document, id);
                searcher.search(&TermQuery::new(term, IndexRecordOption::Basic), &Count)?
            }
        })
    }

    /// The distinct terms of a question, as the analyser cuts them.
    fn terms(&self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        let mut analyser = analyser();
        let mut stream = analyser.token_stream(text);
        while stream.advance() && terms.len() < QUERY_TERMS {
            let term = &stream.token().text;
            if !terms.contains(term) {
                terms.push(term.clone());
            }
        }
        terms
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter> {
        self.writer
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// `query`, only where `condition` holds too; the condition adds nothing to the score.
fn restricted(query: BooleanQuery, condition: Box<dyn tantivy::query::Query>) -> BooleanQuery {
    BooleanQuery::new(vec![
        (Occur::Must, Box::new(query)),
        (Occur::Must, Box::new(ConstScoreQuery::new(condition, 0.0))),
    ])
}

/// True for English words that say nothing of what a text is about.
pub fn is_stop_word(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> =
        LazyLock::new(|| stop_words::ENGLISH.split_whitespace().collect());
    WORDS.contains(word.to_lowercase().as_str())
}

fn analyser() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(64))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::new(Language::English))
        .build()
}

fn schema() -> (Schema, Fields) {
    let text = || {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(ANALYSER)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions),
        )
    };
    let mut builder = Schema::builder();
    let fields = Fields {
        chunk: builder.add_u64_field("chunk", tantivy::schema::STORED | INDEXED | FAST),
        document: builder.add_text_field("document", STRING),
        collection: builder.add_text_field("collection", STRING),
        kind: builder.add_text_field("kind", STRING),
        title: builder.add_text_field("title", text()),
        section: builder.add_text_field("section", text()),
        body: builder.add_text_field("body", text()),
    };
    (builder.build(), fields)
}
