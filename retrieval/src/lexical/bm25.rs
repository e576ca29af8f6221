//! BM25 over several fields, with parameters of our own.
//!
//! This is BM25F (Robertson, Zaragoza and Taylor 2004, "Simple BM25 extension to multiple weighted
//! fields"): a word's counts in title, headings and text are normalised by the field's length,
//! weighted, added, and saturated once, so that a word in title and text does not count twice:
//!
//! ```text
//! tf  = sum over fields: weight * count / (1 - b + b * length / average length)
//! idf = ln(1 + (N - n + 0.5) / (n + 0.5))
//! score = sum over words: idf * (k1 + 1) * tf / (k1 + tf)
//! ```
//!
//! N, n and the average lengths are those of the whole library, whatever the filter, so that
//! scores of different searches compare.
//!
//! The rarest words come first. Each word's postings are added to one accumulator a chunk, until
//! all words that are left could not lift a chunk that has nothing yet into the best (MaxScore,
//! Turtle and Flood 1995); from there only chunks that can still win are looked up in the long
//! postings of common words. The result is exact.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::{InvertedIndexReader, SegmentReader};
use tantivy::postings::{BlockSegmentPostings, Postings, SegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Searcher, Term};

use super::best::Best;
use super::plan::{Concept, Slot};
use super::restriction::{Allowed, Restriction};
use super::schema::{CHUNK, Fields};
use crate::{ChunkId, Result};

/// Parameters of the score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25 {
    /// How fast more occurrences of a word stop to count.
    pub k1: f32,
    /// How much longer text is held against a passage, from 0 to 1.
    pub b: f32,
    /// Weight of a word in the title, where one in the text counts 1.
    pub title: f32,
    /// Weight of a word in a heading above the passage.
    pub section: f32,
    /// Weight of a word in the authors' names.
    pub authors: f32,
    /// How much more an identifier counts that is found as a whole.
    pub exact: f32,
}

impl Default for Bm25 {
    fn default() -> Self {
        Self {
            k1: 1.2,
            b: 0.75,
            title: 1.0,
            section: 0.5,
            authors: 1.0,
            exact: 1.0,
        }
    }
}

/// The buffers of one search, to be used again by the next.
#[derive(Default)]
pub(super) struct Scratch {
    /// Score so far of every chunk of a segment; all 0 between searches.
    scores: Vec<f32>,
    /// Chunks that have one.
    touched: Vec<DocId>,
}

/// A word with what its score needs, and where its postings are.
struct Weighted {
    /// `weight * idf * (k1 + 1)`, which no chunk's score for this word can exceed.
    bound: f32,
    /// By segment.
    lists: Vec<Vec<List>>,
}

/// One form of a word in one field of one segment.
#[derive(Clone)]
struct List {
    slot: Slot,
    index: Arc<InvertedIndexReader>,
    info: TermInfo,
}

/// Scores the chunks of one state of the index.
pub(super) struct Scorer<'s> {
    searcher: &'s Searcher,
    fields: Fields,
    k1: f32,
    /// By slot and field length code: `weight / (1 - b + b * length / average length)`.
    factors: Vec<[f32; 256]>,
    exact: f32,
}

const SLOTS: [Slot; 5] = [
    Slot::Body,
    Slot::Title,
    Slot::Section,
    Slot::Authors,
    Slot::Exact,
];

impl<'s> Scorer<'s> {
    pub(super) fn new(searcher: &'s Searcher, fields: Fields, bm25: &Bm25) -> Result<Self> {
        let chunks: u64 = segments(searcher).map(|s| u64::from(s.max_doc())).sum();
        let mut factors = Vec::with_capacity(SLOTS.len());
        for slot in SLOTS {
            let weight = match slot {
                Slot::Body | Slot::Exact => 1.0,
                Slot::Title => bm25.title,
                Slot::Section => bm25.section,
                Slot::Authors => bm25.authors,
            };
            let b = match slot {
                Slot::Authors | Slot::Exact => 0.0,
                _ => bm25.b,
            };
            let mut words = 0;
            for segment in segments(searcher) {
                words += segment.inverted_index(fields.of(slot))?.total_num_tokens();
            }
            let average = (words as f32 / chunks.max(1) as f32).max(1.0);
            factors.push(std::array::from_fn(|code| {
                let length = FieldNormReader::id_to_fieldnorm(code as u8) as f32;
                weight / (1.0 - b + b * length / average)
            }));
        }
        Ok(Self {
            searcher,
            fields,
            k1: bm25.k1,
            factors,
            exact: bm25.exact,
        })
    }

    /// Number of chunks in which a concept stands, by its most common form.
    pub(super) fn document_frequency(&self, concept: &Concept) -> Result<u64> {
        let (frequency, _) = self.lists(concept)?;
        Ok(frequency)
    }

    /// `ln(1 + (N - n + 0.5) / (n + 0.5))`.
    pub(super) fn idf(&self, document_frequency: u64) -> f32 {
        let all: u64 = segments(self.searcher)
            .map(|s| u64::from(s.max_doc()))
            .sum();
        let (all, with) = (all as f64, document_frequency.min(all) as f64);
        ((all - with + 0.5) / (with + 0.5)).ln_1p() as f32
    }

    /// The `limit` best chunks, best first; of equals, the one with the lower id.
    pub(super) fn best(
        &self,
        concepts: &[Concept],
        limit: usize,
        restriction: &Restriction,
        scratch: &mut Scratch,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let words = self.weighted(concepts)?;
        let mut best = Best::new(limit);
        // The largest segment first: its best rule out most of the others.
        let mut order: Vec<usize> = (0..self.searcher.segment_readers().len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(self.searcher.segment_readers()[at].max_doc()));
        for at in order {
            let segment = &self.searcher.segment_readers()[at];
            let allowed = restriction.allowed(segment)?;
            if allowed.is_empty() {
                continue;
            }
            let mut search = SegmentSearch::new(self, segment, &allowed, scratch)?;
            search.run(&words, at, &mut best)?;
            let ids = segment.fast_fields().u64(CHUNK)?;
            for &doc in &search.scratch.touched {
                let score = std::mem::take(&mut search.scratch.scores[doc as usize]);
                if score > 0.0 && score >= best.floor() {
                    if let Some(id) = ids.first(doc) {
                        best.offer(id, score);
                    }
                }
            }
            search.scratch.touched.clear();
        }
        Ok(best.into_sorted())
    }

    /// The scores of chunks given by segment and place, 0 where no word is in one.
    pub(super) fn of(
        &self,
        concepts: &[Concept],
        places: &[Option<(usize, DocId)>],
        scratch: &mut Scratch,
    ) -> Result<Vec<f32>> {
        let words = self.weighted(concepts)?;
        let mut scores = vec![0.0; places.len()];
        for (at, segment) in self.searcher.segment_readers().iter().enumerate() {
            let mut docs: Vec<DocId> = places
                .iter()
                .flatten()
                .filter_map(|&(of, doc)| (of == at).then_some(doc))
                .collect();
            if docs.is_empty() {
                continue;
            }
            docs.sort_unstable();
            docs.dedup();
            let all = Allowed::all(segment);
            let mut search = SegmentSearch::new(self, segment, &all, scratch)?;
            for word in &words {
                search.look_up(word, at, &docs)?;
            }
            for (score, place) in scores.iter_mut().zip(places) {
                if let Some((of, doc)) = place {
                    if *of == at {
                        *score = search.scratch.scores[*doc as usize];
                    }
                }
            }
            for doc in docs {
                search.scratch.scores[doc as usize] = 0.0;
            }
        }
        Ok(scores)
    }

    /// What no chunk's score can exceed.
    pub(super) fn bound(&self, concepts: &[Concept]) -> Result<f32> {
        let words = self.weighted(concepts)?;
        Ok(words.iter().map(|word| word.bound).sum())
    }

    /// The concepts that stand anywhere, rarest first.
    fn weighted(&self, concepts: &[Concept]) -> Result<Vec<Weighted>> {
        let mut words = Vec::with_capacity(concepts.len());
        for concept in concepts {
            let (frequency, lists) = self.lists(concept)?;
            let boost = if concept.is_exact() { self.exact } else { 1.0 };
            let bound = concept.weight * boost * self.idf(frequency) * (self.k1 + 1.0);
            if frequency > 0 && bound > 0.0 {
                words.push(Weighted { bound, lists });
            }
        }
        words.sort_by(|a, b| b.bound.total_cmp(&a.bound));
        Ok(words)
    }

    /// A concept's postings by segment, and the chunks with its most common form.
    fn lists(&self, concept: &Concept) -> Result<(u64, Vec<Vec<List>>)> {
        let mut frequencies = vec![0_u64; concept.terms.len()];
        let mut lists = Vec::new();
        for segment in self.searcher.segment_readers() {
            let mut here = Vec::new();
            for (frequency, (slot, text)) in frequencies.iter_mut().zip(&concept.terms) {
                if self.factors[*slot as usize][0] <= 0.0 {
                    continue;
                }
                let field = self.fields.of(*slot);
                let index = segment.inverted_index(field)?;
                let term = Term::from_field_text(field, text);
                if let Some(info) = index.get_term_info(&term)? {
                    *frequency += u64::from(info.doc_freq);
                    let slot = *slot;
                    here.push(List { slot, index, info });
                }
            }
            here.sort_by_key(|list| std::cmp::Reverse(list.info.doc_freq));
            lists.push(here);
        }
        Ok((frequencies.into_iter().max().unwrap_or(0), lists))
    }
}

/// One search in one segment.
struct SegmentSearch<'a> {
    allowed: &'a Allowed<'a>,
    scratch: &'a mut Scratch,
    k1: f32,
    factors: &'a [[f32; 256]],
    lengths: Vec<FieldNormReader>,
    max_doc: DocId,
}

impl<'a> SegmentSearch<'a> {
    fn new(
        scorer: &'a Scorer<'_>,
        segment: &SegmentReader,
        allowed: &'a Allowed<'a>,
        scratch: &'a mut Scratch,
    ) -> Result<Self> {
        let mut lengths = Vec::with_capacity(SLOTS.len());
        for slot in SLOTS {
            lengths.push(segment.get_fieldnorms_reader(scorer.fields.of(slot))?);
        }
        if scratch.scores.len() < segment.max_doc() as usize {
            scratch.scores.resize(segment.max_doc() as usize, 0.0);
        }
        Ok(Self {
            allowed,
            scratch,
            k1: scorer.k1,
            factors: &scorer.factors,
            lengths,
            max_doc: segment.max_doc(),
        })
    }

    /// Leaves the scores of all chunks that may be among the best in the scratch.
    fn run(&mut self, words: &[Weighted], segment: usize, best: &mut Best) -> Result<()> {
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
    fn look_up(&mut self, word: &Weighted, segment: usize, docs: &[DocId]) -> Result<()> {
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

fn segments(searcher: &Searcher) -> impl Iterator<Item = &SegmentReader> {
    searcher.segment_readers().iter()
}
