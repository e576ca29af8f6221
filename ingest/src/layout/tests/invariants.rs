//! What holds whatever a page is like.

use proptest::prelude::*;

use super::super::{Hints, lay_out, mark_references};
use super::builder::{BOLD, MONO, PLAIN, Sheet};
use crate::{Page, Reference};

/// All characters that are ink, but hyphens, sorted.
fn ink<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<char> {
    let mut ink: Vec<char> = texts
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{ad}'))
        .collect();
    ink.sort_unstable();
    ink
}

fn check(page: &Page) -> Result<(), TestCaseError> {
    let mut line_at = 0;
    let mut at = 0;
    for block in &page.blocks {
        prop_assert_eq!(block.first_line, line_at, "each line is in one block");
        prop_assert!(block.first_line < block.end_line);
        line_at = block.end_line;
        prop_assert_eq!(block.start, page.lines[block.first_line].start);
        prop_assert_eq!(block.end, page.lines[block.end_line - 1].end);
    }
    prop_assert_eq!(line_at, page.lines.len());
    for line in &page.lines {
        prop_assert!(at <= line.start && line.start <= line.end);
        prop_assert!(page.text.get(line.start..line.end).is_some());
        prop_assert!(page.text[at..line.start].chars().all(char::is_whitespace));
        at = line.end;
        let mut within = line.start;
        for span in &line.spans {
            prop_assert!(within <= span.start && span.start < span.end && span.end <= line.end);
            prop_assert!(page.text.get(span.start..span.end).is_some());
            within = span.end;
        }
    }
    prop_assert_eq!(at, page.text.len());
    Ok(())
}

fn words() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "1 Introduction",
        "References",
        "Abstract",
        "Figure 1: A view",
        "Table 2",
        "• item",
        "2. item",
        "words that go on over the whole of a line of text and end in hy-",
        "phen and more words",
        "a\tb\tc",
        "x = y + 1",
        "12",
        "[3] A. Writer. A title. 1999.",
        "日本語の本文",
        "1A note at the foot",
        "Page 3 of 9",
        "iv",
        "for i in 0..9:",
        "© 2020 The Publisher",
        "*",
        "-",
        "42 Running head",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_line_and_no_ink_is_lost(
        pages in prop::collection::vec(
            prop::collection::vec((words(), 0.0f32..590.0, 0.0f32..800.0, 5.0f32..25.0, 0u16..4), 0..40),
            0..6,
        ),
        spans in prop::collection::vec((0usize..4000, 0usize..300), 0..6),
    ) {
        let mut pages: Vec<Page> = pages
            .iter()
            .zip(1..)
            .map(|(lines, number)| {
                let mut sheet = Sheet::new(number);
                for (text, x, y, size, font) in lines {
                    sheet.put(*x, *y, *size, &[(*font, text)]);
                }
                sheet.page()
            })
            .collect();
        let before: Vec<Vec<char>> = pages.iter().map(|page| ink(std::iter::once(page.text.as_str()))).collect();
        lay_out(&mut pages, &Hints::default());
        for (page, before) in pages.iter().zip(&before) {
            check(page)?;
            let margins = page.margins.iter().map(|margin| margin.text.as_str());
            prop_assert_eq!(&ink(margins.chain(std::iter::once(page.text.as_str()))), before);
        }
        let mut at = 0;
        let mut references: Vec<Reference> = spans
            .iter()
            .map(|(skip, length)| {
                let start = at + skip;
                at = start + length;
                Reference { start, end: at, ..Reference::default() }
            })
            .collect();
        mark_references(&mut pages, &mut references);
        for (page, before) in pages.iter().zip(&before) {
            check(page)?;
            let margins = page.margins.iter().map(|margin| margin.text.as_str());
            prop_assert_eq!(&ink(margins.chain(std::iter::once(page.text.as_str()))), before);
        }
    }
}

#[test]
fn a_page_of_a_hundred_thousand_lines_and_one_of_a_megabyte_come_through() {
    let mut many = Sheet::new(1);
    for index in 0..100_000 {
        let font = if index % 3 == 0 { BOLD } else { MONO };
        many.put(
            (index % 7) as f32 * 80.0,
            1e6,
            10.0,
            &[(font, "1 One\tcell")],
        );
    }
    let mut long = Sheet::new(2);
    long.put(-1e7, 1e7, 1000.0, &[(PLAIN, &"a- ".repeat(400_000))]);
    long.put(0.0, 0.0, 0.0, &[(PLAIN, &"[".repeat(400_000))]);
    let mut pages = [many.page(), long.page()];
    let before: Vec<Vec<char>> = pages
        .iter()
        .map(|page| ink(std::iter::once(page.text.as_str())))
        .collect();
    lay_out(&mut pages, &Hints::default());
    for (page, before) in pages.iter().zip(before) {
        let margins = page.margins.iter().map(|margin| margin.text.as_str());
        assert_eq!(
            ink(margins.chain(std::iter::once(page.text.as_str()))),
            before
        );
    }
}
