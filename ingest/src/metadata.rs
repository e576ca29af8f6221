//! Title, authors, year and the other facts of a paper, each with its source and how far to trust it.
//!
//! Two sources that are both often wrong: what the file says of itself (the name of a Word file,
//! of the secretary, of the last conference's template) and what the first page looks like. A
//! statement of the file counts if the first page bears it out; the page itself is read by type
//! and place for the title, by place and the shape of words for names, by wording for the year,
//! the venue and the identifiers. Where nothing is sure the field stays empty: a wrong author is
//! worse than none.
//!
//! The confidences are about the shares that were right on papers with known answers, rounded
//! down, as no such set has every layout.

mod abstracts;
mod authors;
mod first_page;
pub(crate) mod identifiers;
mod keywords;
mod masthead;
mod names;
mod notices;
mod stated;
mod title;
mod venue;
pub(crate) mod year;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::extract::Info;
use crate::{Metadata, Page, Source};
use first_page::FirstPage;

/// Where the front matter stands: runs of lines of one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Front {
    /// Index of the page that carries the title; a repository's cover sheet comes before it.
    pub(crate) page: usize,
    /// The title's lines on that page.
    pub(crate) title: Option<Range<usize>>,
    /// The lines of names and affiliations.
    pub(crate) authors: Option<Range<usize>>,
    /// Index of the page on which the abstract begins.
    pub(crate) abstract_page: usize,
    /// The abstract's lines on that page, without its heading.
    pub(crate) abstract_text: Option<Range<usize>>,
}

/// What `info` and the first pages say of the paper, and where on the pages it was found.
pub(crate) fn front(info: &Info, pages: &[Page]) -> (Metadata, Front) {
    let Some(first) = first_page::find(pages).and_then(|number| FirstPage::new(pages, number))
    else {
        return (of_scan(info), Front::default());
    };
    let mut title = title::find(info, &first);
    let place = title.as_ref().and_then(|title| title.place.clone());
    let place = place.as_ref();
    let authors = authors::find(info, &first, place);
    let title_lines = place.map(|place| place.lines.clone()).unwrap_or_default();
    let author_lines = authors
        .as_ref()
        .map(|authors| authors.lines.clone())
        .unwrap_or_default();
    let taken: Vec<usize> = title_lines.iter().chain(&author_lines).copied().collect();
    let found = abstracts::find(&first, pages, &taken);
    // Without anything else of a paper's front it may be any page in large type.
    if let Some(title) = &mut title
        && found.is_none()
        && author_lines.is_empty()
        && title.field.source == Source::Layout
    {
        title.field.confidence = title.field.confidence.min(0.75);
    }
    let abstract_page = found.as_ref().map_or(first.number, |found| found.page);
    let notices = notices::notices(&first, pages);
    let arxiv_id = identifiers::arxiv(info, &notices);
    let front = Front {
        page: first.number,
        title: first_page::run(&title_lines),
        authors: first_page::run(&author_lines),
        abstract_page,
        abstract_text: found
            .as_ref()
            .and_then(|found| first_page::run(&found.lines)),
    };
    let title_text = title.as_ref().map(|title| title.field.value.as_str());
    let metadata = Metadata {
        year: year::find(
            info,
            &notices,
            pages,
            arxiv_id.as_ref().map(|field| field.value.as_str()),
        ),
        venue: venue::find(info, &notices, title_text),
        doi: identifiers::doi(info, &notices),
        arxiv_id,
        keywords: keywords::find(info, pages, &[abstract_page, first.number], &first.words),
        abstract_text: found.map(|found| found.field),
        authors: authors.map(|authors| authors.field),
        title: title.map(|title| title.field),
    };
    (metadata, front)
}

/// A file without text has nothing but its own word, which no page bears out.
fn of_scan(info: &Info) -> Metadata {
    let title = stated::titles(info).into_iter().next();
    Metadata {
        title: title.map(|(title, source)| crate::Field::new(title, source, 0.6)),
        doi: identifiers::doi(info, &[]),
        ..Metadata::default()
    }
}

/// Letters and digits only, in lower case: what stays the same between two ways to set a title.
pub(crate) fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
