//! Title, authors and year of a paper.
//!
//! Two sources that are both often wrong: what the file says of itself (the name of a Word file,
//! of the secretary, of the last conference's template) and what the first page looks like. A
//! statement of the file counts if the first page bears it out; the page itself is read by type
//! size for the title, by position and shape for names, by wording for the year. Where neither is
//! sure the field stays empty: a wrong author is worse than none.

mod authors;
mod title;
mod year;

use crate::extract::Info;
use crate::{Field, Metadata, Page, Source};

/// What `info` and the first pages say of the paper.
pub(crate) fn infer(info: &Info, pages: &[Page]) -> Metadata {
    let Some(first) = pages.first() else {
        return Metadata::default();
    };
    let title = title::find(info, first);
    let authors = authors::find(info, first, title.as_ref());
    Metadata {
        authors: (!authors.is_empty()).then(|| Field::new(authors, Source::Layout, 0.8)),
        year: year::find(info, pages).map(|year| Field::new(year, Source::Pattern, 0.8)),
        title: title
            .map(|title| title.text)
            .map(|title| Field::new(title, Source::Layout, 0.8)),
        ..Metadata::default()
    }
}

/// Letters and digits only, in lower case: what stays the same between two ways to set a title.
fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
