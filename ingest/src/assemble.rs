//! Pages as they were read, made into a document: what takes the paper as a whole.

use crate::extract::{ReadPage, Start};
use crate::layout::{self, Hints};
use crate::{BlockKind, Document, PageText, Warning, metadata, references};

/// How a person gets text out of pages that have none.
const INSTALL_OCR: &str = "text recognition (OCR) can read such pages where tesseract is installed: \
    `apt install tesseract-ocr` (Debian, Ubuntu) or `brew install tesseract` (macOS)";

/// Finds title, authors and other facts, lays the pages out, finds the reference list, and sums up
/// warnings.
pub(crate) fn assemble(start: &Start, read: Vec<ReadPage>, mut warnings: Vec<Warning>) -> Document {
    let mut pages = Vec::with_capacity(read.len());
    let mut unreadable = Vec::new();
    for one in read {
        for warning in one.warnings {
            match warning.code.as_str() {
                "page_unreadable" => unreadable.push(one.page.number),
                _ => warnings.push(warning),
            }
        }
        pages.push(one.page);
    }
    let total = pages.len();
    let with = |source: PageText| -> Vec<u32> {
        let pages = pages.iter().filter(|page| page.source == source);
        pages.map(|page| page.number).collect()
    };
    let (garbled, missing, mut blank) = (
        with(PageText::Garbled),
        with(PageText::Missing),
        with(PageText::Blank),
    );
    // A blank page is a blank page; a blank paper is worth a word.
    if blank.len() < total {
        blank.clear();
    }
    for (code, numbers, what) in [
        (
            "page_unreadable",
            unreadable,
            "malformed, could not be read".to_owned(),
        ),
        (
            "garbled_text",
            garbled,
            format!(
                "the fonts do not say which letters they show, so the text is garbled; {INSTALL_OCR}"
            ),
        ),
        (
            "page_without_text",
            missing,
            format!("scanned or drawn, without a text layer; {INSTALL_OCR}"),
        ),
        (
            "page_without_text",
            blank,
            "nothing is printed on any page".to_owned(),
        ),
    ] {
        warnings.extend(summary(code, &numbers, total, &what));
    }
    // Imprints in the margins say when and where a paper appeared, so the facts come first, and
    // where they stand helps layout.
    let (metadata, front) = metadata::front(&start.info, &pages);
    let parts = [
        (BlockKind::Title, front.title),
        (BlockKind::Author, front.authors),
        (
            BlockKind::Abstract,
            front
                .abstract_text
                .filter(|_| front.abstract_page == front.page),
        ),
    ];
    let hints = Hints {
        front_page: front.page,
        front: parts
            .into_iter()
            .filter_map(|(kind, lines)| Some((kind, lines?)))
            .collect(),
        outline: &start.outline,
    };
    layout::lay_out(&mut pages, &hints);
    let mut references = references::find(&pages);
    layout::mark_references(&mut pages, &mut references);
    Document {
        metadata,
        references,
        pages,
        outline: start.outline.clone(),
        warnings,
        ..Document::default()
    }
}

/// One warning for all the pages concerned, since a scan has hundreds of them.
fn summary(code: &str, numbers: &[u32], total: usize, what: &str) -> Option<Warning> {
    let first = *numbers.first()?;
    let message = match numbers {
        _ if numbers.len() == total && total > 1 => format!("all {total} pages: {what}"),
        [only] => format!("page {only}: {what}"),
        _ => format!(
            "{} of {total} pages ({}): {what}",
            numbers.len(),
            ranges(numbers)
        ),
    };
    Some(Warning {
        code: code.to_owned(),
        message,
        page: Some(first),
    })
}

/// "1-3, 7, 9-10", cut short where it would grow long.
pub(crate) fn ranges(numbers: &[u32]) -> String {
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
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
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
