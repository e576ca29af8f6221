//! Bibliographies that people already keep: BibTeX files in and out, and which paper an entry is.
//!
//! What a person entered or checked beats whatever is inferred from a PDF, so an entry that matches
//! a paper overrides its metadata. An entry is matched by the file that it names, by DOI, by arXiv
//! identifier and at last by title; Zotero's own database, read elsewhere, gives the same entries.
//! Files of thousands of entries have a few broken ones: each costs itself only and is reported
//! with its line and key.

mod bibtex;
mod blocks;
mod export;
mod files;
mod library;

pub use bibtex::parse_bibtex;
pub use export::to_bibtex;
pub use files::paths as file_paths;
pub use library::Library;

use serde::{Deserialize, Serialize};

use crate::{Field, Metadata, Source};

/// One work of a bibliography.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// The key that it is cited by.
    pub key: String,
    /// Title, LaTeX decoded.
    pub title: Option<String>,
    /// Authors in order, given names first.
    pub authors: Vec<String>,
    /// Year of publication.
    pub year: Option<i32>,
    /// Journal, or the book or proceedings that it stands in.
    pub venue: Option<String>,
    /// DOI, in lower case, without a prefix.
    pub doi: Option<String>,
    /// arXiv identifier without version.
    pub arxiv_id: Option<String>,
    /// Abstract.
    #[serde(rename = "abstract")]
    pub abstract_text: Option<String>,
    /// Keywords.
    pub keywords: Vec<String>,
    /// Paths of attached files, as the entry gives them.
    pub files: Vec<String>,
}

/// An entry that could not be read, or only in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Line of the file on which the entry begins, from 1.
    pub line: usize,
    /// Its key; empty where that could not be read.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "entry {:?}: ", self.key)?;
        }
        write!(f, "{}", self.message)
    }
}

/// Overrides what the entry knows, at full confidence.
pub fn apply(entry: &Entry, metadata: &mut Metadata, source: Source) {
    fn set<T: Clone>(field: &mut Option<Field<T>>, value: Option<&T>, source: Source) {
        if let Some(value) = value {
            *field = Some(Field::new(value.clone(), source, 1.0));
        }
    }
    let known =
        |list: &'_ Vec<String>| -> Option<Vec<String>> { (!list.is_empty()).then(|| list.clone()) };
    set(&mut metadata.title, entry.title.as_ref(), source);
    set(
        &mut metadata.authors,
        known(&entry.authors).as_ref(),
        source,
    );
    set(&mut metadata.year, entry.year.as_ref(), source);
    set(&mut metadata.venue, entry.venue.as_ref(), source);
    set(&mut metadata.doi, entry.doi.as_ref(), source);
    set(&mut metadata.arxiv_id, entry.arxiv_id.as_ref(), source);
    set(
        &mut metadata.abstract_text,
        entry.abstract_text.as_ref(),
        source,
    );
    set(
        &mut metadata.keywords,
        known(&entry.keywords).as_ref(),
        source,
    );
}

impl Entry {
    /// The entry that says what `metadata` says, for export.
    pub fn of(key: &str, metadata: &Metadata) -> Self {
        Entry {
            key: key.to_owned(),
            title: metadata.title().map(str::to_owned),
            authors: metadata.authors().to_vec(),
            year: metadata.year(),
            venue: metadata.venue.as_ref().map(|field| field.value.clone()),
            doi: metadata.doi.as_ref().map(|field| field.value.clone()),
            arxiv_id: metadata.arxiv_id.as_ref().map(|field| field.value.clone()),
            abstract_text: metadata
                .abstract_text
                .as_ref()
                .map(|field| field.value.clone()),
            keywords: metadata
                .keywords
                .as_ref()
                .map(|field| field.value.clone())
                .unwrap_or_default(),
            files: Vec::new(),
        }
    }
}
