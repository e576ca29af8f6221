mod structure;

use super::*;
use crate::locate::page_at;
use crate::{Line, Page, Rect};
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
