use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::{Block, BlockKind};

/// A block of a test: its kind, a heading's level, its text, and whether it goes on.
type Spec<'s> = (BlockKind, Option<u8>, &'s str, bool);

fn blocks(pages: &[Vec<Spec<'_>>]) -> Document {
    let pages = pages.iter().zip(1..).map(|(specs, number)| {
        let mut page = Page {
            number,
            ..Page::default()
        };
        for (kind, level, text, continues) in specs {
            if !page.text.is_empty() {
                page.text.push_str("\n\n");
            }
            let start = page.text.len();
            page.text.push_str(text);
            page.blocks.push(Block {
                kind: *kind,
                level: *level,
                start,
                end: page.text.len(),
                first_line: 0,
                end_line: 0,
                rect: Rect::default(),
                continues: *continues,
            });
        }
        page
    });
    Document {
        pages: pages.collect(),
        ..Document::default()
    }
}

fn heading(level: u8, text: &str) -> Spec<'_> {
    (BlockKind::Heading, Some(level), text, false)
}

fn plain(text: &str) -> Spec<'_> {
    (BlockKind::Paragraph, None, text, false)
}

fn of(kind: BlockKind, text: &str) -> Spec<'_> {
    (kind, None, text, false)
}

fn cut_blocks(pages: &[Vec<Spec<'_>>], max_tokens: usize, overlap_tokens: usize) -> String {
    let config = ChunkConfig {
        max_tokens,
        overlap_tokens,
    };
    let chunks = chunk(&blocks(pages), config, &Words);
    let lines = chunks.iter().map(|chunk| {
        format!(
            "{}: {:?}\n",
            chunk.section.as_deref().unwrap_or("-"),
            chunk.text
        )
    });
    lines.collect()
}

#[test]
fn the_path_follows_levels_and_numbers() {
    let document = vec![
        of(BlockKind::Title, "On x"),
        of(BlockKind::Author, "Ann Lee"),
        of(BlockKind::Abstract, "We saw."),
        heading(1, "1 Intro"),
        plain("One."),
        heading(1, "2 Methods"),
        // The layout took it for a main section.
        heading(1, "2.1 Data"),
        plain("Two."),
        heading(2, "2.2 Models"),
        heading(3, "2.2.1 Large"),
        plain("Three."),
        heading(4, "Details"),
        plain("Four."),
        heading(2, "3 Results"),
        plain("Five."),
        heading(1, "Acknowledgements"),
        plain("Six."),
        heading(1, "References"),
        of(BlockKind::Reference, "[1] A. B."),
        of(BlockKind::Reference, "[2] C. D."),
        heading(1, "A. Proofs"),
        heading(1, "A.1 First"),
        plain("Seven."),
    ];
    expect![[r#"
        -: "On x\n\nAnn Lee"
        Abstract: "We saw."
        1 Intro: "1 Intro\n\nOne."
        2 Methods > 2.1 Data: "2 Methods\n\n2.1 Data\n\nTwo."
        2 Methods > 2.2 Models > 2.2.1 Large: "2.2 Models\n\n2.2.1 Large\n\nThree."
        2 Methods > 2.2 Models > 2.2.1 Large > Details: "Details\n\nFour."
        3 Results: "3 Results\n\nFive."
        Acknowledgements: "Acknowledgements\n\nSix."
        References: "References\n\n[1] A. B.\n\n[2] C. D."
        A. Proofs > A.1 First: "A. Proofs\n\nA.1 First\n\nSeven."
    "#]]
    .assert_eq(&cut_blocks(&[document], 50, 10));
}

#[test]
fn references_without_a_heading_are_a_section_of_whole_entries() {
    let document = vec![
        heading(1, "3 Results"),
        plain("It ends."),
        of(BlockKind::Reference, "[1] Lee, A. One two."),
        of(BlockKind::Reference, "[2] Ek, B. Three four."),
        of(BlockKind::Reference, "[3] Oz, C. Five six."),
    ];
    expect![[r#"
        3 Results: "3 Results\n\nIt ends."
        References: "[1] Lee, A. One two.\n\n[2] Ek, B. Three four."
        References: "[3] Oz, C. Five six."
    "#]]
    .assert_eq(&cut_blocks(&[document], 12, 4));
}

#[test]
fn tables_stay_whole_with_their_captions_where_they_fit() {
    let rows = "a\t1\nb\t2\nc\t3";
    let document = vec![
        heading(1, "1 Data"),
        plain("One two. Three four."),
        of(BlockKind::Caption, "Table 1. It. Is."),
        of(BlockKind::Table, rows),
        of(BlockKind::Caption, "Figure 1. No."),
        plain("Five. Six."),
    ];
    expect![[r#"
        1 Data: "1 Data\n\nOne two. Three four."
        1 Data: "Table 1. It. Is.\n\na\t1\nb\t2\nc\t3"
        1 Data: "Figure 1. No.\n\nFive. Six."
    "#]]
    .assert_eq(&cut_blocks(std::slice::from_ref(&document), 12, 2));
    // Too long for one passage, it is cut between rows.
    expect![[r#"
        1 Data: "1 Data\n\nOne two."
        1 Data: "Three four."
        1 Data: "Table 1. It. Is."
        1 Data: "a\t1\nb\t2"
        1 Data: "c\t3"
        1 Data: "Figure 1. No."
        1 Data: "Five. Six."
    "#]]
    .assert_eq(&cut_blocks(&[document], 4, 0));
}

#[test]
fn captions_below_tables_go_with_the_table_above() {
    let document = vec![
        of(BlockKind::Table, "a\t1"),
        of(BlockKind::Caption, "Table 1. It."),
        of(BlockKind::Table, "b\t2"),
        of(BlockKind::Caption, "Table 2. Is."),
        plain("One."),
    ];
    expect![[r#"
        -: "a\t1\n\nTable 1. It."
        -: "b\t2\n\nTable 2. Is.\n\nOne."
    "#]]
    .assert_eq(&cut_blocks(&[document], 7, 0));
}

#[test]
fn a_sentence_runs_on_over_columns_pages_and_footnotes() {
    let on = |text| (BlockKind::Paragraph, None, text, true);
    let pages = [
        vec![
            plain("First one. It runs"),
            on("over a column. And"),
            of(BlockKind::Footnote, "1 A note."),
        ],
        vec![
            of(BlockKind::Caption, "Figure 1. See."),
            on("over a page. The end."),
        ],
    ];
    // The halves of the sentence and what stands between them share a passage.
    expect![[r#"
        -: "First one. It runs\n\nover a column."
        -: "And\n\n1 A note.\nFigure 1. See.\n\nover a page. The end."
    "#]]
    .assert_eq(&cut_blocks(&pages, 13, 3));
    expect![[r#"
        -: "First one."
        -: "It runs\n\nover a"
        -: "column. And"
        -: "1 A note."
        -: "Figure 1. See."
        -: "over a page. The end."
    "#]]
    .assert_eq(&cut_blocks(&pages, 5, 0));
}

#[test]
fn a_word_over_a_column_break_stays_whole() {
    let mut document = blocks(&[vec![
        plain("A hypo. It is compre"),
        plain("hensive. It is so."),
    ]]);
    // The hyphen at the column's end is gone, and the halves stand side by side.
    let page = &mut document.pages[0];
    page.text = page.text.replace("\n\n", "");
    (page.blocks[0].end, page.blocks[1].start) = (20, 20);
    (page.blocks[1].end, page.blocks[1].continues) = (38, true);
    let config = ChunkConfig {
        max_tokens: 6,
        overlap_tokens: 0,
    };
    let texts: Vec<String> = chunk(&document, config, &Words)
        .into_iter()
        .map(|chunk| chunk.text)
        .collect();
    assert_eq!(texts, ["A hypo.", "It is comprehensive.", "It is so."]);
}

#[test]
fn the_overlap_ends_at_the_section() {
    let document = vec![
        heading(1, "1 A"),
        plain("One two. Three four. Five six."),
        heading(1, "2 B"),
        plain("Seven eight. Nine ten."),
    ];
    expect![[r#"
        1 A: "1 A\n\nOne two. Three four."
        1 A: "Three four. Five six."
        2 B: "2 B\n\nSeven eight."
        2 B: "Seven eight. Nine ten."
    "#]]
    .assert_eq(&cut_blocks(&[document], 6, 3));
}

#[test]
fn text_outside_of_blocks_and_wrong_spans_lose_nothing() {
    let mut document = blocks(&[vec![plain("één twee."), plain("drie vier.")]]);
    let page = &mut document.pages[0];
    page.blocks[0].end = 1;
    page.blocks[1].start = 3;
    page.blocks[1].end = 900;
    page.blocks.remove(0);
    check_document(&document, 3, 1, &Words);
}

/// Counts the bytes that it was asked to count.
struct Metered(std::cell::Cell<usize>);

impl TokenCounter for Metered {
    fn count(&self, text: &str) -> usize {
        self.0.set(self.0.get() + text.len());
        Words.count(text)
    }
}

#[test]
fn the_work_grows_with_the_text_and_no_faster() {
    let prose = "Many words stand in this one sentence. ".repeat(5_000);
    let rows = "a\t1\t2\n".repeat(20_000);
    let word = "x".repeat(100_000);
    let mut hostile: Vec<Spec<'_>> = vec![plain(&prose), of(BlockKind::Table, &rows), plain(&word)];
    for _ in 0..3_000 {
        hostile.push(heading(1, "1 A"));
        hostile.push(of(BlockKind::Caption, "Table 1. It."));
        hostile.push((BlockKind::Paragraph, None, "it goes", true));
        hostile.push(of(BlockKind::Footnote, "A note."));
    }
    let document = blocks(&[hostile]);
    let counter = Metered(std::cell::Cell::new(0));
    let chunks = chunk(&document, ChunkConfig::default(), &counter);
    assert!(chunks.len() > 100);
    assert!(
        counter.0.get() < 12 * document.text().len(),
        "{}",
        counter.0.get()
    );
}

#[test]
fn deep_and_long_headings_keep_paths_short() {
    let long = "word ".repeat(10_000);
    let mut document: Vec<Spec<'_>> = (0..200).map(|level| heading(level, "Deeper")).collect();
    document.push(heading(250, &long));
    document.push(plain("One."));
    let chunks = chunk(&blocks(&[document]), ChunkConfig::default(), &Words);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.section.as_ref().is_none_or(|path| path.len() < 4_000))
    );
}

const KINDS: &[BlockKind] = &[
    BlockKind::Title,
    BlockKind::Abstract,
    BlockKind::Heading,
    BlockKind::Heading,
    BlockKind::Paragraph,
    BlockKind::Paragraph,
    BlockKind::Paragraph,
    BlockKind::ListItem,
    BlockKind::Caption,
    BlockKind::Table,
    BlockKind::Equation,
    BlockKind::Code,
    BlockKind::Footnote,
    BlockKind::Reference,
];

proptest! {
    #[test]
    fn random_blocks_lose_nothing_and_sections_do_not_mix(
        pages in prop::collection::vec(
            prop::collection::vec(
                (
                    prop::sample::select(KINDS),
                    1u8..4,
                    "([a-z]{1,12}|[A-Z][a-z]{1,5}|\\. |\n|\t|é字|[a-z]{40,60}|2\\.1 ){0,30}",
                    any::<bool>(),
                ),
                0..12,
            ),
            0..4,
        ),
        max in 0usize..40,
        overlap in 0usize..20,
    ) {
        let specs: Vec<Vec<Spec<'_>>> = pages
            .iter()
            .map(|page| {
                page.iter()
                    .map(|(kind, level, text, continues)| {
                        let level = (*kind == BlockKind::Heading).then_some(*level);
                        (*kind, level, text.as_str(), *continues)
                    })
                    .collect()
            })
            .collect();
        let document = blocks(&specs);
        check_document(&document, max, overlap, &Words);
        check_document(&document, max, overlap, &Bytes);
        sections_do_not_mix(&document, max, overlap);
    }
}

/// No passage holds text before and after a heading, but for headings at its start.
fn sections_do_not_mix(document: &Document, max_tokens: usize, overlap_tokens: usize) {
    let config = ChunkConfig {
        max_tokens,
        overlap_tokens,
    };
    let text = document.text();
    let mut headings = Vec::new();
    let mut offset = 0;
    for page in &document.pages {
        for block in page
            .blocks
            .iter()
            .filter(|block| block.kind == BlockKind::Heading)
        {
            headings.push(offset + block.start..offset + block.end);
        }
        offset += page.text.len() + PAGE_SEPARATOR.len();
    }
    for chunk in chunk(document, config, &Words) {
        let inside = headings.iter().filter(|heading| {
            heading.end > chunk.start
                && heading.start < chunk.end
                && !text[(*heading).clone()].trim().is_empty()
        });
        let mut at = chunk.start;
        for heading in inside {
            let before = &text[at..heading.start.max(at)];
            assert!(before.trim().is_empty(), "{:?}", chunk.text);
            at = heading.end.min(chunk.end);
        }
    }
}
