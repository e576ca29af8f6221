//! Cuts a document into passages for retrieval.
//!
//! Passages are runs of whole sentences, as long as the embedder can read, each starting with the
//! last sentences of the one before so that a fact on a border is found from either side. They are
//! spans of [`Document::text`], never rewritten text, so that whatever is quoted from one can be
//! found on its page. A heading opens a new passage once the current one is half full.
//!
//! Cost: each sentence is counted once and each finished passage once.

use std::ops::Range;

use crate::locate::page_at;
use crate::{Chunk, Document, TokenCounter, section, sentence};

/// How long passages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkConfig {
    /// Longest passage in tokens, without the embedder's special tokens.
    pub max_tokens: usize,
    /// About how many tokens a passage repeats of the one before.
    pub overlap_tokens: usize,
}

impl Default for ChunkConfig {
    fn default() -> Self {
        ChunkConfig {
            max_tokens: 256,
            overlap_tokens: 32,
        }
    }
}

/// A sentence, a heading, or a part of a sentence that is too long.
struct Unit {
    range: Range<usize>,
    tokens: usize,
    is_heading: bool,
    /// Index into the headings of the one that it stands under.
    section: Option<usize>,
}

/// The passages of a document, in order. Every byte that is not space is in at least one; none is
/// longer than `config.max_tokens`, except where one character alone is.
pub fn chunk(document: &Document, config: ChunkConfig, counter: &dyn TokenCounter) -> Vec<Chunk> {
    let text = document.text();
    let max = config.max_tokens.max(1);
    let overlap = config.overlap_tokens.min(max / 2);
    let headings = section::headings(document);
    let units = units(&text, &headings, max, counter);

    let mut chunks = Vec::new();
    let mut first = 0;
    // Units before this one are already in a passage.
    let mut fresh = 0;
    while fresh < units.len() {
        let mut end = fill(&units, first, fresh, max);
        let mut span = units[first].range.start..units[end - 1].range.end;
        let mut tokens = counter.count(&text[span.clone()]);
        // Tokenizers are not quite additive: the whole may count more than its sentences.
        while tokens > max && end - first > 1 {
            if end - 1 > fresh {
                end -= 1;
            } else {
                first += 1;
            }
            span = units[first].range.start..units[end - 1].range.end;
            tokens = counter.count(&text[span.clone()]);
        }
        chunks.push(Chunk {
            index: chunks.len() as u32,
            text: text[span.clone()].to_owned(),
            start: span.start,
            end: span.end,
            first_page: page_at(&document.pages, span.start),
            last_page: page_at(&document.pages, span.end - 1),
            section: units[fresh]
                .section
                .map(|at| text[headings[at].clone()].trim().replace('\n', " ")),
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        });
        fresh = end;
        first = overlap_start(&units, first, end, overlap, max);
    }
    chunks
}

/// One past the last unit of the passage that starts at `first` and must hold `fresh`.
fn fill(units: &[Unit], first: usize, fresh: usize, max: usize) -> usize {
    let mut tokens: usize = units[first..=fresh].iter().map(|unit| unit.tokens).sum();
    let mut end = fresh + 1;
    while let Some(unit) = units.get(end) {
        let opens_section = unit.is_heading && !units[end - 1].is_heading;
        if tokens + unit.tokens > max || (opens_section && tokens * 2 >= max) {
            break;
        }
        tokens += unit.tokens;
        end += 1;
    }
    // A heading belongs to what follows.
    if end < units.len() && end - 1 > fresh && units[end - 1].is_heading {
        end -= 1;
    }
    end
}

/// Where the passage after `first..end` starts: at whole trailing sentences of it that make up
/// the overlap and leave room for the next unit.
fn overlap_start(units: &[Unit], first: usize, end: usize, overlap: usize, max: usize) -> usize {
    let Some(next) = units.get(end) else {
        return end;
    };
    if next.is_heading {
        return end;
    }
    let mut start = end;
    let mut tokens = 0;
    while start > first + 1 {
        let unit = &units[start - 1];
        if unit.is_heading
            || tokens + unit.tokens > overlap
            || tokens + unit.tokens + next.tokens > max
        {
            break;
        }
        tokens += unit.tokens;
        start -= 1;
    }
    start
}

/// All units of the text, none longer than `max` tokens unless it is one character.
fn units(
    text: &str,
    headings: &[Range<usize>],
    max: usize,
    counter: &dyn TokenCounter,
) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut at = 0;
    let mut section = None;
    let mut add = |range: Range<usize>, section: Option<usize>, is_heading: bool| {
        for part in sentence::split(&text[range.clone()]) {
            let part = range.start + part.start..range.start + part.end;
            let tokens = counter.count(&text[part.clone()]);
            if tokens <= max {
                units.push(Unit {
                    range: part,
                    tokens,
                    is_heading,
                    section,
                });
            } else {
                for (range, tokens) in pieces(text, part, max, counter) {
                    units.push(Unit {
                        range,
                        tokens,
                        is_heading,
                        section,
                    });
                }
            }
        }
    };
    for (index, heading) in headings.iter().enumerate() {
        add(at..heading.start, section, false);
        section = Some(index);
        add(heading.clone(), section, true);
        at = heading.end;
    }
    add(at..text.len(), section, false);
    units
}

/// Cuts one over-long sentence at word boundaries, a giant word between characters.
fn pieces(
    text: &str,
    range: Range<usize>,
    max: usize,
    counter: &dyn TokenCounter,
) -> Vec<(Range<usize>, usize)> {
    let mut words = Vec::new();
    let mut at = range.start;
    for word in text[range].split_whitespace() {
        let start = at + text[at..].find(word).unwrap_or(0);
        at = start + word.len();
        let tokens = counter.count(word);
        halve(text, start..at, tokens, max, counter, &mut words);
    }
    let mut pieces: Vec<(Range<usize>, usize)> = Vec::new();
    for (word, tokens) in words {
        match pieces.last_mut() {
            Some((piece, sum)) if *sum + tokens <= max => {
                piece.end = word.end;
                *sum += tokens;
            }
            _ => pieces.push((word, tokens)),
        }
    }
    // Counted once more, as the sum over the words may be off.
    let mut exact = Vec::new();
    for (piece, _) in pieces {
        let tokens = counter.count(&text[piece.clone()]);
        halve(text, piece, tokens, max, counter, &mut exact);
    }
    exact
}

/// Halves a range until each part has at most `max` tokens or is one character.
fn halve(
    text: &str,
    range: Range<usize>,
    tokens: usize,
    max: usize,
    counter: &dyn TokenCounter,
    out: &mut Vec<(Range<usize>, usize)>,
) {
    let slice = &text[range.clone()];
    let middle = slice.ceil_char_boundary(slice.len() / 2);
    // At a space if one is near, so that no word is cut without need.
    let middle = slice[middle..]
        .find(char::is_whitespace)
        .map_or(middle, |space| middle + space);
    let middle = if middle >= slice.len() {
        slice.ceil_char_boundary(slice.len() / 2)
    } else {
        middle
    };
    if tokens <= max || middle == 0 || middle >= slice.len() {
        out.push((range, tokens));
        return;
    }
    for part in [
        range.start..range.start + middle,
        range.start + middle..range.end,
    ] {
        let start = part.start + (text[part.clone()].len() - text[part.clone()].trim_start().len());
        let part = start..part.end;
        if part.is_empty() {
            continue;
        }
        let tokens = counter.count(&text[part.clone()]);
        halve(text, part, tokens, max, counter, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let document = document(texts);
        let text = document.text();
        let chunks = chunk(
            &document,
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
}
