//! Which document a reference cites.
//!
//! Both sides give keys; a key that both have says that they are the same work. So thousands of
//! references are linked to a library by one look-up each. Keys are the DOI, the arXiv identifier
//! and the title with the year, which may be one off, since a preprint is often a year older than
//! the paper. Titles of a word or two ("Introduction", "Deep learning") are shared by too many
//! works to be keys.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::identifier;
use crate::extract::is_cjk;
use crate::{Metadata, Reference};

/// Least words and least letters of a title that is told from others by itself.
const LEAST_WORDS: usize = 3;
const LEAST_LETTERS: usize = 15;

/// The keys of the work that a reference cites; none where it does not say enough.
pub fn keys(reference: &Reference) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(doi) = &reference.doi {
        keys.push(doi_key(doi));
    }
    if let Some(identifier) = identifier::arxiv(&reference.text) {
        keys.push(arxiv_key(&identifier));
    }
    if let Some(title) = reference.title.as_deref().and_then(title_key) {
        match reference.year {
            Some(year) => keys.extend([format!("{title}{year}"), format!("{title}dated")]),
            None => keys.push(format!("{title}undated")),
        }
    }
    deduplicated(keys)
}

/// The keys of a document of the library.
pub fn document_keys(metadata: &Metadata) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(doi) = &metadata.doi {
        keys.push(doi_key(&doi.value));
        if let Some(identifier) = identifier::arxiv(&doi.value) {
            keys.push(arxiv_key(&identifier));
        }
    }
    if let Some(identifier) = &metadata.arxiv_id {
        keys.push(arxiv_key(&identifier.value));
    }
    if let Some(title) = metadata.title().and_then(title_key) {
        match metadata.year() {
            Some(year) => {
                keys.extend((year - 1..=year + 1).map(|year| format!("{title}{year}")));
            }
            None => keys.push(format!("{title}dated")),
        }
        keys.push(format!("{title}undated"));
    }
    deduplicated(keys)
}

/// True where the reference cites the document.
///
/// To compare many with many, look up [`keys`] among [`document_keys`] instead.
pub fn matches(reference: &Reference, metadata: &Metadata) -> bool {
    let document = document_keys(metadata);
    keys(reference).iter().any(|key| document.contains(key))
}

fn doi_key(doi: &str) -> String {
    format!("doi:{}", doi.trim().to_lowercase())
}

fn arxiv_key(identifier: &str) -> String {
    let lower = identifier.trim().to_lowercase();
    let version = lower.rfind('v').filter(|at| {
        *at > 6
            && lower
                .get(at + 1..)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    });
    format!(
        "arxiv:{}",
        lower
            .get(..version.unwrap_or(lower.len()))
            .unwrap_or(&lower)
    )
}

/// "title:" and the letters and digits of the title, without accents and case.
fn title_key(title: &str) -> Option<String> {
    let squashed: String = title
        .nfkd()
        .filter(|c| c.is_alphanumeric() && !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let ideographs = squashed.chars().filter(|c| is_cjk(*c)).count();
    let is_telling = (title.split_whitespace().count() >= LEAST_WORDS
        && squashed.chars().count() >= LEAST_LETTERS)
        || ideographs >= 6;
    is_telling.then(|| format!("title:{squashed}:"))
}

fn deduplicated(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Source};

    fn reference(title: &str, year: Option<i32>, doi: Option<&str>, text: &str) -> Reference {
        Reference {
            title: (!title.is_empty()).then(|| title.to_owned()),
            year,
            doi: doi.map(str::to_owned),
            text: text.to_owned(),
            ..Reference::default()
        }
    }

    fn document(
        title: &str,
        year: Option<i32>,
        doi: Option<&str>,
        arxiv: Option<&str>,
    ) -> Metadata {
        let text = |value: &str| Field::new(value.to_owned(), Source::Layout, 1.0);
        Metadata {
            title: Some(text(title)),
            year: year.map(|year| Field::new(year, Source::Layout, 1.0)),
            doi: doi.map(text),
            arxiv_id: arxiv.map(text),
            ..Metadata::default()
        }
    }

    #[test]
    fn same_work() {
        let long = "On the Naïve Reading of Papers";
        let plain = "On the naive reading of papers.";
        let cites = |reference: &Reference, document: &Metadata| matches(reference, document);
        let dated = reference(long, Some(2010), None, "");
        assert!(cites(&dated, &document(plain, Some(2011), None, None)));
        assert!(!cites(&dated, &document(plain, Some(2012), None, None)));
        assert!(cites(&dated, &document(plain, None, None, None)));
        let undated = reference(long, None, None, "");
        assert!(cites(&undated, &document(plain, Some(2012), None, None)));
        assert!(cites(&undated, &document(plain, None, None, None)));
        let by_doi = reference("", None, Some("10.1000/182"), "");
        assert!(cites(
            &by_doi,
            &document("Other", None, Some("10.1000/182"), None)
        ));
        assert!(!cites(
            &by_doi,
            &document("Other", None, Some("10.1000/183"), None)
        ));
        let by_arxiv = reference("", None, None, "arXiv:1706.03762v5");
        assert!(cites(
            &by_arxiv,
            &document("X", None, None, Some("1706.03762"))
        ));
        let short = reference("Deep learning", Some(2015), None, "");
        assert!(!cites(
            &short,
            &document("Deep Learning", Some(2015), None, None)
        ));
        assert!(keys(&reference("", None, None, "")).is_empty());
    }
}
