//! Pages as they were read, made into a document: what takes the paper as a whole.

use crate::extract::{Info, ReadPage};
use crate::layout::{self, Hints};
use crate::{Document, Warning, metadata};

/// Joins hyphenated words, finds title, authors and year, and sums up warnings.
pub(crate) fn assemble(info: &Info, read: Vec<ReadPage>, mut warnings: Vec<Warning>) -> Document {
    let mut pages = Vec::with_capacity(read.len());
    let mut unreadable = Vec::new();
    let mut garbled = Vec::new();
    for one in read {
        for warning in one.warnings {
            match warning.code.as_str() {
                "page_unreadable" => unreadable.push(one.page.number),
                "garbled_text" => garbled.push(one.page.number),
                _ => warnings.push(warning),
            }
        }
        pages.push(one.page);
    }
    let explained: Vec<u32> = unreadable.iter().chain(&garbled).copied().collect();
    let textless: Vec<u32> = pages
        .iter()
        .filter(|page| page.text.trim().is_empty() && !explained.contains(&page.number))
        .map(|page| page.number)
        .collect();
    let total = pages.len();
    let textless_message = if textless.len() == total {
        "no page has any text: a scan without a text layer, it needs text recognition (OCR)"
    } else {
        "without any text"
    };
    warnings.extend(summary(
        "page_unreadable",
        &unreadable,
        total,
        "malformed, could not be read",
    ));
    warnings.extend(summary(
        "garbled_text",
        &garbled,
        total,
        "most characters have no known meaning, as the fonts do not say which letters they show",
    ));
    warnings.extend(summary(
        "page_without_text",
        &textless,
        total,
        textless_message,
    ));
    // Imprints in the margins say when and where a paper appeared, so this comes first.
    let metadata = metadata::infer(info, &pages);
    layout::lay_out(&mut pages, &Hints::default());
    Document {
        metadata,
        references,
        pages,
        warnings,
        ..Document::default()
    }
}

/// One warning for all the pages concerned, since a scan has hundreds of them.
fn summary(code: &str, numbers: &[u32], total: usize, what: &str) -> Option<Warning> {
    let first = *numbers.first()?;
    let message = match numbers {
        _ if numbers.len() == total => what.to_owned(),
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
