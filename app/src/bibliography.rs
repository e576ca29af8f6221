//! The bibliographies of one ingest: which entries there are, and where each came from.

use ingest::bibliography::{Entry, Library, apply};
use ingest::{Metadata, Source};

/// Entries that override what is read of papers; of two that match a paper, the first one's
/// source wins.
pub struct Bibliography(Vec<(Library, Source)>);

impl Bibliography {
    /// Entries by source, surest first; none where there are no entries.
    pub fn new(sources: Vec<(Vec<Entry>, Source)>) -> Option<Self> {
        let libraries: Vec<_> = sources
            .into_iter()
            .filter(|(entries, _)| !entries.is_empty())
            .map(|(entries, source)| (Library::new(entries), source))
            .collect();
        (!libraries.is_empty()).then_some(Self(libraries))
    }

    /// Overrides what the entry of the file at `path` knows; false where no entry is that paper.
    pub fn apply(&self, path: &str, metadata: &mut Metadata) -> bool {
        for (library, source) in &self.0 {
            if let Some(entry) = library.matching(path, metadata) {
                apply(entry, metadata, *source);
                return true;
            }
        }
        false
    }
}
