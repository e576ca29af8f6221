//! Cuts a document into passages for retrieval.
//!
//! Passages are runs of whole sentences, as long as the embedder can read, each starting with the
//! last sentences of the one before so that a fact on a border is found from either side. They are
//! spans of [`Document::text`], never rewritten text, so that whatever is quoted from one can be
//! found on its page.
//!
//! Structure comes first: a passage ends where a section does, whatever its fill, since a passage
//! about two things is found for neither; tables, captions and references are not cut where they
//! fit. [`segments`] tells sections and blocks, [`units`] what is not to be cut, and this file
//! fills passages with units.
//!
//! Cost: each unit is counted once and each finished passage once.

mod pieces;
mod segments;
mod units;

use crate::{Chunk, Document, PAGE_SEPARATOR, TokenCounter};
use segments::Outline;
use units::Units;

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

/// The passages of a document, in order. Every byte that is not space is in at least one; none is
/// longer than `config.max_tokens`, except where one character alone is.
pub fn chunk(document: &Document, config: ChunkConfig, counter: &dyn TokenCounter) -> Vec<Chunk> {
    let text = document.text();
    let max = config.max_tokens.max(1);
    let overlap = config.overlap_tokens.min(max / 2);
    let outline = Outline::of(document, &text);
    let all = Units::of(&outline, &text, max, counter);
    let units = &all.units;
    let pages = PageStarts::of(document);

    let mut chunks = Vec::new();
    let mut first = 0;
    // Units before this one are already in a passage.
    let mut fresh = 0;
    while fresh < units.len() {
        let mut end = all.fill(first, fresh, max);
        let mut span = units[first].range.start..units[end - 1].range.end;
        let mut tokens = counter.count(&text[span.clone()]);
        // Tokenizers are not quite additive: the whole may count more than its sentences.
        while tokens > max && end - first > 1 {
            if end - 1 > fresh {
                end = all.uncut(fresh, end - 1, max);
            } else {
                first += 1;
            }
            span = units[first].range.start..units[end - 1].range.end;
            tokens = counter.count(&text[span.clone()]);
        }
        // Headings lead to the section, so what follows them says where this is.
        let lead = units[fresh..end].iter().find(|unit| !unit.is_heading());
        let section = lead.unwrap_or(&units[end - 1]).section;
        chunks.push(Chunk {
            index: chunks.len() as u32,
            text: text[span.clone()].to_owned(),
            start: span.start,
            end: span.end,
            first_page: pages.at(span.start),
            last_page: pages.at(span.end - 1),
            section: outline.paths[section].clone(),
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        });
        fresh = end;
        first = all.overlap_start(first, end, overlap, max);
    }
    chunks
}

impl Units {
    /// One past the last unit of the passage that starts at `first` and must hold `fresh`.
    fn fill(&self, first: usize, fresh: usize, max: usize) -> usize {
        let units = &self.units;
        let mut tokens: usize = units[first..=fresh].iter().map(|unit| unit.tokens).sum();
        let mut end = fresh + 1;
        while let Some(unit) = units.get(end) {
            let opens_section = unit.is_heading() && !units[end - 1].is_heading();
            if unit.group != units[fresh].group
                || tokens + unit.tokens > max
                || (opens_section && tokens * 2 >= max)
            {
                break;
            }
            tokens += unit.tokens;
            end += 1;
        }
        // A heading belongs to what follows.
        if end < units.len()
            && units[end].group == units[fresh].group
            && end - 1 > fresh
            && units[end - 1].is_heading()
            && !units[end - 2].is_heading()
        {
            end -= 1;
        }
        self.uncut(fresh, end, max)
    }

    /// `end`, or where the cluster starts that would be cut there, if that helps to keep it whole.
    fn uncut(&self, fresh: usize, end: usize, max: usize) -> usize {
        let (Some(last), Some(next)) = (self.units.get(end - 1), self.units.get(end)) else {
            return end;
        };
        let cluster = &self.clusters[next.cluster];
        let is_cut = last.cluster == next.cluster;
        if is_cut && cluster.first > fresh && cluster.tokens <= max {
            cluster.first
        } else {
            end
        }
    }

    /// Where the passage after `first..end` starts: at whole trailing sentences of it that make up
    /// the overlap and leave room for the next unit.
    fn overlap_start(&self, first: usize, end: usize, overlap: usize, max: usize) -> usize {
        let units = &self.units;
        let Some(next) = units.get(end) else {
            return end;
        };
        if next.is_heading() || !next.may_repeat() {
            return end;
        }
        let mut start = end;
        let mut tokens = 0;
        while start > first + 1 {
            let unit = &units[start - 1];
            if !unit.may_repeat()
                || unit.group != next.group
                || tokens + unit.tokens > overlap
                || tokens + unit.tokens + next.tokens > max
            {
                break;
            }
            tokens += unit.tokens;
            start -= 1;
        }
        // Not in the middle of what belongs together.
        while start < end && self.clusters[units[start].cluster].first < start {
            start += 1;
        }
        start
    }
}

/// Where each page's text starts.
struct PageStarts<'d> {
    document: &'d Document,
    starts: Vec<usize>,
}

impl<'d> PageStarts<'d> {
    fn of(document: &'d Document) -> Self {
        let mut at = 0;
        let starts = document.pages.iter().map(|page| {
            let start = at;
            at += page.text.len() + PAGE_SEPARATOR.len();
            start
        });
        PageStarts {
            document,
            starts: starts.collect(),
        }
    }

    /// Number of the page that holds a byte; a separator counts to the page before it.
    fn at(&self, offset: usize) -> u32 {
        let index = self.starts.partition_point(|start| *start <= offset);
        let page = self.document.pages.get(index.saturating_sub(1));
        page.map_or(1, |page| page.number)
    }
}

#[cfg(test)]
mod tests;
