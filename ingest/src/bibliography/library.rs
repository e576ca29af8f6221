//! Which entry of a bibliography a paper is.
//!
//! Each way of knowing has an index, so that matching a library of thousands of papers against a
//! file of thousands of entries stays linear. The surest is asked first: the path of the attached
//! file, DOI, arXiv identifier; a bare file name or a title counts only if nothing contradicts it.

use std::collections::HashMap;

use super::Entry;
use crate::Metadata;
use crate::metadata::squash;

/// Entries under one file name or title that are looked at.
const MAX_SAME: usize = 100;
/// Shortest title, squashed, that is believed without a year.
const LONG_TITLE: usize = 18;

/// Entries with indexes.
#[derive(Debug, Clone, Default)]
pub struct Library {
    entries: Vec<Entry>,
    by_name: HashMap<String, Vec<usize>>,
    by_doi: HashMap<String, usize>,
    by_arxiv: HashMap<String, usize>,
    by_title: HashMap<String, Vec<usize>>,
}

impl Library {
    /// Indexes the entries.
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut library = Library::default();
        for (at, entry) in entries.iter().enumerate() {
            let mut names: Vec<String> = entry.files.iter().map(|file| name(file)).collect();
            if !entry.key.is_empty() {
                names.push(format!("{}.pdf", entry.key.to_lowercase()));
            }
            names.sort_unstable();
            names.dedup();
            for name in names {
                library.by_name.entry(name).or_default().push(at);
            }
            if let Some(doi) = &entry.doi {
                library.by_doi.entry(doi.to_lowercase()).or_insert(at);
            }
            if let Some(id) = &entry.arxiv_id {
                library.by_arxiv.entry(id.to_lowercase()).or_insert(at);
            }
            if let Some(title) = &entry.title {
                library.by_title.entry(squash(title)).or_default().push(at);
            }
        }
        library.entries = entries;
        library
    }

    /// All entries, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry that the file `file_path` with this metadata is.
    pub fn matching(&self, file_path: &str, metadata: &Metadata) -> Option<&Entry> {
        let doi = metadata
            .doi
            .as_ref()
            .map(|field| field.value.to_lowercase());
        let arxiv = metadata
            .arxiv_id
            .as_ref()
            .map(|field| field.value.to_lowercase());
        let at = self
            .by_path(file_path, metadata, 2)
            .or_else(|| self.by_doi.get(&doi?).copied())
            .or_else(|| self.by_arxiv.get(&arxiv?).copied())
            .or_else(|| self.by_path(file_path, metadata, 1))
            .or_else(|| self.by_title(metadata))?;
        self.entries.get(at)
    }

    /// The entry whose attached file has the longest common end with the path, of at least
    /// `least` components; none where two have it.
    fn by_path(&self, file_path: &str, metadata: &Metadata, least: usize) -> Option<usize> {
        let wanted = components(file_path);
        let mut best: Option<(usize, usize)> = None;
        let mut is_tied = false;
        for &at in self.by_name.get(&name(file_path))?.iter().take(MAX_SAME) {
            let entry = &self.entries[at];
            let common = entry
                .files
                .iter()
                .map(|file| common_end(&components(file), &wanted))
                .max()
                .unwrap_or(0)
                .max(1);
            if common < least || contradicts(entry, metadata, common) {
                continue;
            }
            match best {
                Some((_, most)) if common < most => {}
                Some((_, most)) if common == most => is_tied = true,
                _ => {
                    best = Some((at, common));
                    is_tied = false;
                }
            }
        }
        best.filter(|_| !is_tied).map(|(at, _)| at)
    }

    fn by_title(&self, metadata: &Metadata) -> Option<usize> {
        let title = squash(metadata.title()?);
        let same = self.by_title.get(&title)?;
        let differs = |at: usize| match (self.entries[at].year, metadata.year()) {
            (Some(a), Some(b)) => a.abs_diff(b),
            _ => 2,
        };
        let best = same
            .iter()
            .take(MAX_SAME)
            .copied()
            .min_by_key(|&at| differs(at))?;
        (title.chars().count() >= LONG_TITLE || differs(best) <= 1).then_some(best)
    }
}

/// True where the entry is sure to be another work than a file of the same name.
fn contradicts(entry: &Entry, metadata: &Metadata, common: usize) -> bool {
    if let (Some(a), Some(b)) = (&entry.doi, &metadata.doi)
        && !a.eq_ignore_ascii_case(&b.value)
        && b.confidence > 0.9
    {
        return true;
    }
    // With a folder in common it is the same file, whatever its first page is read to say.
    let (Some(a), Some(b)) = (&entry.title, &metadata.title) else {
        return false;
    };
    let (a, b) = (squash(a), squash(&b.value));
    common < 2 && !a.is_empty() && !b.is_empty() && !a.contains(&b) && !b.contains(&a)
}

/// Parts of a path in lower case, whatever the slashes.
fn components(path: &str) -> Vec<String> {
    path.split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != ".")
        .map(str::to_lowercase)
        .collect()
}

fn common_end(a: &[String], b: &[String]) -> usize {
    a.iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count()
}

/// The file's name, in lower case.
fn name(path: &str) -> String {
    components(path).pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Source};

    fn entry(key: &str, title: &str, year: i32, file: &str) -> Entry {
        Entry {
            key: key.to_owned(),
            title: Some(title.to_owned()),
            year: Some(year),
            files: (!file.is_empty())
                .then(|| file.to_owned())
                .into_iter()
                .collect(),
            ..Entry::default()
        }
    }

    fn metadata(title: &str, year: i32) -> Metadata {
        Metadata {
            title: Some(Field::new(title.to_owned(), Source::Layout, 0.9)),
            year: Some(Field::new(year, Source::Pattern, 0.9)),
            ..Metadata::default()
        }
    }

    fn library() -> Library {
        Library::new(vec![
            entry(
                "lee20",
                "A Study of Small Things",
                2020,
                "C:\\lib\\one\\paper.pdf",
            ),
            entry("ray21", "Another Study", 2021, "lib/two/paper.pdf"),
            entry("doe22", "Editorial", 2022, ""),
            entry("doe23", "Editorial", 2023, ""),
            Entry {
                key: "eve".to_owned(),
                doi: Some("10.1000/eve".to_owned()),
                arxiv_id: Some("2001.00001".to_owned()),
                ..Entry::default()
            },
        ])
    }

    fn key(path: &str, metadata: &Metadata) -> Option<String> {
        library()
            .matching(path, metadata)
            .map(|entry| entry.key.clone())
    }

    #[test]
    fn by_path_before_all_else() {
        let other = metadata("Misread Title", 1999);
        assert_eq!(
            key("/home/lib/one/paper.pdf", &other).as_deref(),
            Some("lee20")
        );
        assert_eq!(
            key("/home/lib/two/Paper.pdf", &other).as_deref(),
            Some("ray21")
        );
        // Two have this name, and the title speaks against both.
        assert_eq!(key("/elsewhere/paper.pdf", &other), None);
        assert_eq!(
            key("/elsewhere/paper.pdf", &metadata("Another study", 1)).as_deref(),
            Some("ray21")
        );
        assert_eq!(key("/x/EVE.pdf", &other).as_deref(), Some("eve"));
    }

    #[test]
    fn by_identifiers_and_title() {
        let mut known = metadata("No Such Title Anywhere", 2000);
        known.doi = Some(Field::new("10.1000/EVE".to_owned(), Source::Xmp, 0.9));
        assert_eq!(key("a.pdf", &known).as_deref(), Some("eve"));
        let known = Metadata {
            arxiv_id: Some(Field::new("2001.00001".to_owned(), Source::Pattern, 0.9)),
            ..Metadata::default()
        };
        assert_eq!(key("a.pdf", &known).as_deref(), Some("eve"));
        assert_eq!(
            key("a.pdf", &metadata("A study of  small things!", 1990)).as_deref(),
            Some("lee20")
        );
        assert_eq!(
            key("a.pdf", &metadata("Editorial", 2023)).as_deref(),
            Some("doe23")
        );
        assert_eq!(key("a.pdf", &metadata("Editorial", 1990)), None);
        assert_eq!(key("a.pdf", &Metadata::default()), None);
    }
}
