//! Adding up the scores of a segment's chunks, word by word.
//!
//! The rarest words come first. Each word's postings are added to one accumulator a chunk, until
//! all words that are left could not lift a chunk that has nothing yet into the best (MaxScore,
//! Turtle and Flood 1995, "Query evaluation: strategies and optimizations"); from there only chunks
//! that can still win are looked up in the long postings of common words. The result is exact.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::InvertedIndexReader;
use tantivy::postings::{BlockSegmentPostings, Postings, SegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet};

use super::best::Best;
use super::plan::Slot;
use super::restriction::Allowed;
use crate::Result;

/// The buffers of one search, to be used again by the next.
#[derive(Default)]
pub(super) struct Scratch {
    /// Score so far of every chunk of a segment; all 0 between searches.
    pub(super) scores: Vec<f32>,
    /// Chunks that have one.
    pub(super) touched: Vec<DocId>,
}

/// A word with what its score needs, and where its postings are.
pub(super) struct Weighted {
    /// `weight * idf * (k1 + 1)`, which no chunk's score for this word can exceed.
    pub(super) bound: f32,
    /// By segment.
    pub(super) lists: Vec<Vec<List>>,
}

/// One form of a word in one field of one segment.
#[derive(Clone)]
pub(super) struct List {
    pub(super) slot: Slot,
    pub(super) index: Arc<InvertedIndexReader>,
    pub(super) info: TermInfo,
}

/// One search in one segment.
pub(super) struct SegmentSearch<'a> {
    allowed: &'a Allowed<'a>,
    pub(super) scratch: &'a mut Scratch,
    k1: f32,
    factors: &'a [[f32; 256]],
    lengths: Vec<FieldNormReader>,
    max_doc: DocId,
}

impl<'a> SegmentSearch<'a> {
    /// `factors` are by slot and field length code, `lengths` by slot.
    pub(super) fn new(
        allowed: &'a Allowed<'a>,
        scratch: &'a mut Scratch,
        k1: f32,
        factors: &'a [[f32; 256]],
        lengths: Vec<FieldNormReader>,
        max_doc: DocId,
    ) -> Self {
        if scratch.scores.len() < max_doc as usize {
            scratch.scores.resize(max_doc as usize, 0.0);
        }
        Self {
            allowed,
            scratch,
            k1,
            factors,
            lengths,
            max_doc,
        }
    }

    /// Leaves the scores of all chunks that may be among the best in the scratch.
    pub(super) fn run(
        &mut self,
        words: &[Weighted],
        segment: usize,
        best: &mut Best,
    ) -> Result<()> {
        let postings = |word: &Weighted| -> u64 {
            let lists = word.lists[segment].iter();
            lists.map(|list| u64::from(list.info.doc_freq)).sum()
        };
        let mut rest_bound: f32 = words.iter().map(|word| word.bound).sum();
        let mut rest_postings: u64 = words.iter().map(postings).sum();
        // A filter that leaves few chunks: look those up and nothing else.
        if let Some(docs) = self.allowed.few(rest_postings) {
            for word in words {
                self.look_up(word, segment, &docs)?;
            }
            self.scratch.touched = docs;
            return Ok(());
        }

        let mut reached = 0.0_f32;
        for (at, word) in words.iter().enumerate() {
            let worthwhile = rest_bound < reached.max(best.floor())
                && rest_postings > self.scratch.touched.len() as u64 / 2;
            if worthwhile && rest_bound < self.floor(best) {
                return self.finish(&words[at..], segment, rest_bound, best);
            }
            self.add(word, segment)?;
            rest_bound -= word.bound;
            rest_postings -= postings(word);
            reached += word.bound;
        }
        Ok(())
    }

    /// The score that the last of the best has at least by now.
    fn floor(&mut self, best: &Best) -> f32 {
        let mut scores: Vec<f32> = self
            .scratch
            .touched
            .iter()
            .map(|&doc| self.scratch.scores[doc as usize])
            .collect();
        let limit = best.limit();
        if limit == 0 || scores.len() < limit {
            return best.floor();
        }
        let (_, last, _) = scores.select_nth_unstable_by(limit - 1, |a, b| b.total_cmp(a));
        last.max(best.floor())
    }

    /// Adds the words that are left to the chunks that can still be among the best.
    fn finish(
        &mut self,
        words: &[Weighted],
        segment: usize,
        mut rest_bound: f32,
        best: &Best,
    ) -> Result<()> {
        for word in words {
            // Sums of the same numbers in another order differ in the last bits.
            let needed = self.floor(best) * (1.0 - 1e-5) - rest_bound;
            let scores = &mut self.scratch.scores;
            self.scratch.touched.retain(|&doc| {
                let stays = scores[doc as usize] >= needed;
                if !stays {
                    scores[doc as usize] = 0.0;
                }
                stays
            });
            let mut docs = std::mem::take(&mut self.scratch.touched);
            docs.sort_unstable();
            let looked_up = self.look_up(word, segment, &docs);
            self.scratch.touched = docs;
            looked_up?;
            rest_bound -= word.bound;
        }
        Ok(())
    }

    /// Adds a word's score to `docs`, which are sorted.
    pub(super) fn look_up(
        &mut self,
        word: &Weighted,
        segment: usize,
        docs: &[DocId],
    ) -> Result<()> {
        let mut lists = Vec::new();
        for list in &word.lists[segment] {
            let postings = list
                .index
                .read_postings_from_terminfo(&list.info, IndexRecordOption::WithFreqs)?;
            lists.push((list.slot, postings));
        }
        let factor = |slot: Slot, doc| {
            self.factors[slot as usize][usize::from(self.lengths[slot as usize].fieldnorm_id(doc))]
        };
        for &doc in docs {
            let mut tf = 0.0;
            for (slot, postings) in &mut lists {
                let postings: &mut SegmentPostings = postings;
                if postings.doc() < doc {
                    postings.seek(doc);
                }
                if postings.doc() == doc {
                    tf += postings.term_freq() as f32 * factor(*slot, doc);
                }
            }
            if tf > 0.0 {
                self.scratch.scores[doc as usize] += word.bound * tf / (self.k1 + tf);
            }
        }
        Ok(())
    }

    /// Adds a word's score to every chunk that has it.
    fn add(&mut self, word: &Weighted, segment: usize) -> Result<()> {
        let Some((longest, others)) = word.lists[segment].split_first() else {
            return Ok(());
        };
        let mut side: Vec<(DocId, f32)> = Vec::new();
        for list in others {
            side = merged(&side, &self.decoded(list)?);
        }
        let mut side = side.into_iter().peekable();

        let factors = &self.factors[longest.slot as usize];
        let lengths = &self.lengths[longest.slot as usize];
        let (k1, bound) = (self.k1, word.bound);
        let Scratch { scores, touched } = &mut *self.scratch;
        let scores = &mut scores[..self.max_doc as usize];
        let mut add = |doc: DocId, tf: f32| {
            if !self.allowed.contains(doc) {
                return;
            }
            let score = &mut scores[doc as usize];
            if *score == 0.0 {
                touched.push(doc);
            }
            *score += bound * tf / (k1 + tf);
        };
        let mut postings = open(longest)?;
        while !postings.docs().is_empty() {
            for (&doc, &count) in postings.docs().iter().zip(postings.freqs()) {
                let mut tf = count as f32 * factors[usize::from(lengths.fieldnorm_id(doc))];
                while let Some(&(other, other_tf)) = side.peek() {
                    if other > doc {
                        break;
                    }
                    side.next();
                    if other == doc {
                        tf += other_tf;
                    } else {
                        add(other, other_tf);
                    }
                }
                add(doc, tf);
            }
            postings.advance();
        }
        for (doc, tf) in side {
            add(doc, tf);
        }
        Ok(())
    }

    /// A list's chunks with the weighted count of each.
    fn decoded(&self, list: &List) -> Result<Vec<(DocId, f32)>> {
        let factors = &self.factors[list.slot as usize];
        let lengths = &self.lengths[list.slot as usize];
        let mut decoded = Vec::with_capacity(list.info.doc_freq as usize);
        let mut postings = open(list)?;
        while !postings.docs().is_empty() {
            let counts = postings.docs().iter().zip(postings.freqs());
            decoded.extend(counts.map(|(&doc, &count)| {
                let factor = factors[usize::from(lengths.fieldnorm_id(doc))];
                (doc, count as f32 * factor)
            }));
            postings.advance();
        }
        Ok(decoded)
    }
}

fn open(list: &List) -> Result<BlockSegmentPostings> {
    let option = IndexRecordOption::WithFreqs;
    Ok(list
        .index
        .read_block_postings_from_terminfo(&list.info, option)?)
}

/// Two sorted lists as one; where both have a chunk, their counts are added.
fn merged(a: &[(DocId, f32)], b: &[(DocId, f32)]) -> Vec<(DocId, f32)> {
    if a.is_empty() || b.is_empty() {
        return [a, b].concat();
    }
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(&&(left, left_tf)), Some(&&(right, right_tf))) = (a.peek(), b.peek()) {
        let doc = left.min(right);
        let mut tf = 0.0;
        if left == doc {
            tf += left_tf;
            a.next();
        }
        if right == doc {
            tf += right_tf;
            b.next();
        }
        merged.push((doc, tf));
    }
    merged.extend(a);
    merged.extend(b);
    merged
}
