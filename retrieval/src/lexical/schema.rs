//! The fields of the index.
//!
//! Title, section, body and authors are text; `exact` holds the identifiers of title, section and
//! body. Text is cut before it reaches tantivy, because how depends on the document's language.
//! Nothing is stored but the postings: the catalog has the text.

use std::hash::{DefaultHasher, Hash, Hasher};

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};

use super::analysis::{Word, tokenized};
use super::identifier;
use super::language::Language;
use super::plan::Slot;
use crate::IndexedDocument;

/// Bytes of a document from which its language is told.
const SAMPLE: usize = 2_000;

/// The index's fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) chunk: Field,
    pub(super) document: Field,
    pub(super) collection: Field,
    pub(super) kind: Field,
    pub(super) language: Field,
    pub(super) fingerprint: Field,
    pub(super) title: Field,
    pub(super) section: Field,
    pub(super) body: Field,
    pub(super) authors: Field,
    pub(super) exact: Field,
}

impl Fields {
    /// The field that a slot of the score is.
    pub(super) fn of(&self, slot: Slot) -> Field {
        match slot {
            Slot::Body => self.body,
            Slot::Title => self.title,
            Slot::Section => self.section,
            Slot::Authors => self.authors,
            Slot::Exact => self.exact,
        }
    }
}

/// Name of the column of chunk ids.
pub(super) const CHUNK: &str = "chunk";
/// Name of the column of fingerprints.
pub(super) const FINGERPRINT: &str = "fingerprint";

pub(super) fn schema() -> (Schema, Fields) {
    // The tokenizer's name is required, but everything comes cut.
    let text = |option| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_index_option(option),
        )
    };
    let positions = || text(IndexRecordOption::WithFreqsAndPositions);
    let mut builder = Schema::builder();
    let fields = Fields {
        chunk: builder.add_u64_field(CHUNK, INDEXED | FAST),
        document: builder.add_text_field("document", STRING),
        collection: builder.add_text_field("collection", STRING),
        kind: builder.add_text_field("kind", STRING),
        language: builder.add_text_field("language", STRING),
        fingerprint: builder.add_u64_field(FINGERPRINT, FAST),
        title: builder.add_text_field("title", positions()),
        section: builder.add_text_field("section", positions()),
        body: builder.add_text_field("body", positions()),
        authors: builder.add_text_field("authors", positions()),
        exact: builder.add_text_field("exact", text(IndexRecordOption::WithFreqs)),
    };
    (builder.build(), fields)
}

/// A document's chunks as tantivy takes them.
pub(super) fn entries<'d>(
    document: &'d IndexedDocument,
    fields: &'d Fields,
) -> impl Iterator<Item = TantivyDocument> + 'd {
    let language = Language::of(&sample(document));
    let term = move |word: &Word<'_>| word.term(language);
    let fingerprint = fingerprint(document);
    let title = tokenized(&document.title, term);
    let authors = tokenized(&document.authors.join("; "), |word| word.plain());
    document.chunks.iter().map(move |chunk| {
        let section = chunk.section.as_deref().unwrap_or_default();
        let mut entry = TantivyDocument::new();
        entry.add_u64(fields.chunk, chunk.id);
        entry.add_u64(fields.fingerprint, fingerprint);
        entry.add_text(fields.document, &document.document_id);
        entry.add_text(fields.collection, &document.collection);
        entry.add_text(fields.kind, chunk.kind().name());
        entry.add_text(fields.language, language.code());
        entry.add_pre_tokenized_text(fields.title, title.clone());
        entry.add_pre_tokenized_text(fields.authors, authors.clone());
        entry.add_pre_tokenized_text(fields.section, tokenized(section, term));
        entry.add_pre_tokenized_text(fields.body, tokenized(&chunk.text, term));
        let exact = exact([&document.title, section, &chunk.text]);
        entry.add_pre_tokenized_text(fields.exact, exact);
        entry
    })
}

fn exact(texts: [&str; 3]) -> PreTokenizedString {
    let found = texts.into_iter().flat_map(identifier::find);
    let tokens = found.enumerate().map(|(position, identifier)| Token {
        offset_from: identifier.range.start,
        offset_to: identifier.range.end,
        position,
        position_length: 1,
        text: identifier.canonical,
    });
    PreTokenizedString {
        text: String::new(),
        tokens: tokens.collect(),
    }
}

/// The beginning of each chunk, so that a foreign abstract or a bibliography does not decide alone.
fn sample(document: &IndexedDocument) -> String {
    let share = SAMPLE / document.chunks.len().max(1);
    let mut sample = document.title.clone();
    for chunk in &document.chunks {
        sample.push(' ');
        sample.extend(chunk.text.chars().take(share.max(200)));
        if sample.len() > SAMPLE {
            break;
        }
    }
    sample
}

/// Tells whether a document is indexed as it is now. A change of the hash function with a newer
/// compiler costs no more than indexing again.
pub(super) fn fingerprint(document: &IndexedDocument) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&document.title, &document.collection, &document.authors).hash(&mut hasher);
    for chunk in &document.chunks {
        (chunk.id, &chunk.section, &chunk.text).hash(&mut hasher);
    }
    hasher.finish()
}
