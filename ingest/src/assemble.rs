//! Pages as they were read, made into a document: what takes the paper as a whole.

use crate::extract::{Info, ReadPage};
use crate::{Document, Page, Warning, hyphen, metadata};

/// Joins hyphenated words, finds title, authors and year, and sums up warnings.
pub(crate) fn assemble(info: &Info, read: Vec<ReadPage>, mut warnings: Vec<Warning>) -> Document {
    let mut pages = Vec::with_capacity(read.len());
    let mut unreadable = Vec::new();
    for mut one in read {
        for warning in one.warnings.drain(..) {
            if warning.code == "page_unreadable" {
                unreadable.push(one.page.number);
            }
            warnings.push(warning);
        }
        pages.push(one.page);
    }
    hyphen::join(&mut pages);
    warnings.extend(without_text(&pages, &unreadable));
    let metadata = metadata::infer(info, &pages);
    Document { metadata, pages, warnings }
}

/// One warning for all pages that hold no text, since a scan has hundreds of them.
fn without_text(pages: &[Page], known: &[u32]) -> Option<Warning> {
    let numbers: Vec<u32> = pages
        .iter()
        .filter(|page| page.text.trim().is_empty() && !known.contains(&page.number))
        .map(|page| page.number)
        .collect();
    let first = *numbers.first()?;
    let message = if numbers.len() == pages.len() {
        "no page has any text: a scan without a text layer, it needs text recognition (OCR)".to_owned()
    } else if let [only] = numbers.as_slice() {
        format!("page {only} has no text")
    } else {
        format!("{} of {} pages have no text: {}", numbers.len(), pages.len(), ranges(&numbers))
    };
    Some(Warning { code: "page_without_text".to_owned(), message, page: Some(first) })
}

/// "1-3, 7, 9-10", cut short where it would grow long.
fn ranges(numbers: &[u32]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => spans.push((number, number)),
        }
    }
    let mut parts: Vec<String> = spans
        .iter()
        .take(12)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    if spans.len() > parts.len() {
        parts.push("...".to_owned());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
    }
}
