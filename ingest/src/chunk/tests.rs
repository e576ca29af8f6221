use super::*;
use crate::locate::page_at;
use crate::{Block, BlockKind, Line, Page, Rect};
use expect_test::expect;
use proptest::prelude::*;

/// Two tokens for a word of over 5 bytes, like a word-piece tokenizer.
struct Words;

impl TokenCounter for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace()
            .map(|word| word.len().div_ceil(5))
            .sum()
    }
}

/// Not additive: rounding makes a whole smaller or larger than its parts.
struct Bytes;

impl TokenCounter for Bytes {
    fn count(&self, text: &str) -> usize {
        text.len() / 3 + text.matches('\n').count()
    }
}

fn document(texts: &[String]) -> Document {
    let pages = texts.iter().zip(1..).map(|(text, number)| {
        let mut at = 0;
        let lines = text.split('\n').map(|line| {
            let start = at;
            at += line.len() + 1;
            Line {
                rect: Rect {
                    x0: 0.0,
                    y0: 0.0,
                    x1: 1.0,
                    y1: 1.0,
                },
                start,
                end: start + line.len(),
                font_size: 10.0,
                spans: Vec::new(),
            }
        });
        Page {
            number,
            width: 100.0,
            height: 100.0,
            text: text.clone(),
            lines: lines.collect(),
            ..Page::default()
        }
    });
    Document {
        pages: pages.collect(),
        ..Document::default()
    }
}

fn cut(texts: &[&str], max_tokens: usize, overlap_tokens: usize) -> Vec<Chunk> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    chunk(
        &document(&texts),
        ChunkConfig {
            max_tokens,
            overlap_tokens,
        },
        &Words,
    )
}

#[test]
fn sentences_overlap_and_pages_are_right() {
    let chunks = cut(
        &["One is here. Two is here. Three is", "on. Four is here."],
        6,
        3,
    );
    let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "One is here. Two is here.",
            "Two is here. Three is\non.",
            "Three is\non. Four is here."
        ]
    );
    let pages: Vec<(u32, u32)> = chunks
        .iter()
        .map(|chunk| (chunk.first_page, chunk.last_page))
        .collect();
    assert_eq!(pages, [(1, 1), (1, 2), (1, 2)]);
}

#[test]
fn a_passage_may_cross_pages() {
    let chunks = cut(&["It goes", "on here."], 100, 0);
    assert_eq!(chunks.len(), 1);
    assert_eq!((chunks[0].first_page, chunks[0].last_page), (1, 2));
    assert_eq!(chunks[0].text, "It goes\non here.");
}

#[test]
fn headings_name_the_section_and_open_passages() {
    let chunks = cut(
        &["Abstract\nWe do one two three.\n1 Introduction\nFour five six seven."],
        9,
        3,
    );
    let found: Vec<(&str, Option<&str>)> = chunks
        .iter()
        .map(|chunk| (chunk.text.as_str(), chunk.section.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("Abstract\nWe do one two three.", Some("Abstract")),
            (
                "1 Introduction\nFour five six seven.",
                Some("1 Introduction")
            ),
        ]
    );
}

#[test]
fn nothing_comes_of_nothing() {
    assert!(cut(&[], 10, 2).is_empty());
    assert!(cut(&["", " \n "], 10, 2).is_empty());
}

fn check(texts: &[String], max: usize, overlap: usize, counter: &dyn TokenCounter) {
    check_document(&document(texts), max, overlap, counter);
}

fn check_document(document: &Document, max: usize, overlap: usize, counter: &dyn TokenCounter) {
    let text = document.text();
    let chunks = chunk(
        document,
        ChunkConfig {
            max_tokens: max,
            overlap_tokens: overlap,
        },
        counter,
    );
    let mut covered = vec![false; text.len()];
    let mut last = (0, 0);
    for (chunk, index) in chunks.iter().zip(0..) {
        assert_eq!(chunk.index, index);
        assert_eq!(chunk.text, text[chunk.start..chunk.end]);
        assert_eq!(chunk.tokens as usize, counter.count(&chunk.text));
        assert!(
            chunk.tokens as usize <= max.max(1) || chunk.text.chars().count() == 1,
            "{chunk:?}"
        );
        assert!(chunk.start >= last.0 && chunk.end > last.1, "no progress");
        assert_eq!(chunk.first_page, page_at(&document.pages, chunk.start));
        assert!(chunk.first_page <= chunk.last_page);
        covered[chunk.start..chunk.end].fill(true);
        last = (chunk.start, chunk.end);
    }
    for (at, c) in text.char_indices() {
        assert!(c.is_whitespace() || covered[at], "lost {c:?} at {at}");
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_too_long(
        texts in prop::collection::vec("([a-z]{1,12}|[A-Z][a-z]{1,5}|[.!?] |[ \n]|é字|[a-z]{40,60}|1 Results\n){0,80}", 0..4),
        max in 0usize..40,
        overlap in 0usize..20,
    ) {
        check(&texts, max, overlap, &Words);
        check(&texts, max, overlap, &Bytes);
    }
}

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
    .assert_eq(&cut_blocks(&[document.clone()], 12, 2));
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
