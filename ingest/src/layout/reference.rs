//! Blocks of the reference list, once its entries are known better than by their looks.

use super::row::union;
use crate::{Block, BlockKind, PAGE_SEPARATOR, Page, Reference};

/// Makes a block of the lines of each entry, whose spans are byte ranges of the document's text.
/// Where an entry starts inside a block, the text gains an empty line, and the spans move along.
pub(crate) fn mark(pages: &mut [Page], references: &mut [Reference]) {
    let mut order: Vec<usize> = (0..references.len()).collect();
    order.sort_by_key(|&index| references[index].start);
    let mut moved: Vec<Option<(usize, usize)>> = vec![None; references.len()];
    let (mut old_offset, mut new_offset, mut next) = (0, 0, 0);
    let mut last = None;
    for page in pages {
        let mut entries = vec![None; page.lines.len()];
        for (line, entry) in page.lines.iter().zip(&mut entries) {
            let (start, end) = (old_offset + line.start, old_offset + line.end);
            while next < order.len() && references[order[next]].end <= start {
                next += 1;
            }
            *entry = order
                .get(next)
                .copied()
                .filter(|&index| references[index].start < end);
        }
        let old: Vec<usize> = page
            .lines
            .iter()
            .map(|line| old_offset + line.start)
            .collect();
        old_offset += page.text.len() + PAGE_SEPARATOR.len();
        if entries.iter().any(Option::is_some) {
            let blocks = blocks(page, &entries, last);
            rewrite(page, blocks);
        }
        for ((line, entry), old) in page.lines.iter().zip(&entries).zip(old) {
            let Some(index) = *entry else {
                continue;
            };
            let within =
                |at: usize| new_offset + (line.start + at.saturating_sub(old)).min(line.end);
            let end = within(references[index].end);
            match &mut moved[index] {
                Some(span) => span.1 = end,
                None => moved[index] = Some((within(references[index].start), end)),
            }
        }
        last = entries.iter().rev().find_map(|entry| *entry).or(last);
        new_offset += page.text.len() + PAGE_SEPARATOR.len();
    }
    for (reference, span) in references.iter_mut().zip(moved) {
        if let Some((start, end)) = span {
            (reference.start, reference.end) = (start, end);
        }
    }
}

/// The page's blocks, those of entries cut or joined so that each has its own.
fn blocks(page: &Page, entries: &[Option<usize>], last: Option<usize>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<usize> = None;
    let mut before = last;
    for old in &page.blocks {
        let mut is_first = true;
        for line in old.first_line..old.end_line {
            let entry = entries.get(line).copied().flatten();
            let rect = page.lines.get(line).map_or(old.rect, |line| line.rect);
            let goes_on = if entry.is_some() {
                entry == open
            } else {
                !is_first && open.is_none()
            };
            match blocks.last_mut() {
                Some(block) if goes_on => {
                    block.end_line = line + 1;
                    block.rect = union(block.rect, rect);
                }
                _ => blocks.push(Block {
                    kind: if entry.is_some() {
                        BlockKind::Reference
                    } else {
                        old.kind
                    },
                    level: old.level.filter(|_| entry.is_none()),
                    start: 0,
                    end: 0,
                    first_line: line,
                    end_line: line + 1,
                    rect,
                    continues: if entry.is_some() {
                        entry == before
                    } else {
                        old.continues && is_first
                    },
                }),
            }
            open = entry;
            before = entry.or(before);
            is_first = false;
        }
    }
    blocks
}

/// Writes the page's text anew for other blocks of the same lines.
fn rewrite(page: &mut Page, blocks: Vec<Block>) {
    let mut text = String::with_capacity(page.text.len() + 2 * blocks.len());
    let mut lines = page.lines.clone();
    page.blocks = blocks;
    for index in 0..page.blocks.len() {
        let (first, end) = (page.blocks[index].first_line, page.blocks[index].end_line);
        for (at, line) in lines.iter_mut().enumerate().take(end).skip(first) {
            let old = &page.lines[at];
            if let Some(before) = at.checked_sub(1).and_then(|before| page.lines.get(before)) {
                let between = page.slice(before.end, old.start);
                let is_inner = at > first || page.blocks[index].continues;
                text.push_str(match between {
                    // The halves of a word stay together.
                    "" => "",
                    "\n\n" if is_inner => "\n",
                    _ if is_inner => between,
                    _ => "\n\n",
                });
            }
            let start = text.len();
            text.push_str(page.slice(old.start, old.end));
            for span in &mut line.spans {
                span.start = span.start - old.start + start;
                span.end = span.end - old.start + start;
            }
            (line.start, line.end) = (start, text.len());
        }
        page.blocks[index].start = lines[first].start;
        page.blocks[index].end = text.len();
    }
    page.text = text;
    page.lines = lines;
}
