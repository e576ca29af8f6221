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

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentReader;
use tantivy::{DocId, Searcher, Term};

use super::accumulate::{List, Scratch, SegmentSearch, Weighted};
use super::best::Best;
use super::plan::{Concept, SLOTS, Slot};
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
            k1: 1.5,
            b: 0.75,
            title: 2.0,
            section: 0.5,
            authors: 1.0,
            exact: 1.0,
        }
    }
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
            let mut search = self.search(segment, &allowed, scratch)?;
            search.run(&words, at, &mut best)?;
            let ids = segment.fast_fields().u64(CHUNK)?;
            for &doc in &search.scratch.touched {
                let score = std::mem::take(&mut search.scratch.scores[doc as usize]);
                if score > 0.0
                    && score >= best.floor()
                    && let Some(id) = ids.first(doc)
                {
                    best.offer(id, score);
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
            let mut search = self.search(segment, &all, scratch)?;
            for word in &words {
                search.look_up(word, at, &docs)?;
            }
            for (score, place) in scores.iter_mut().zip(places) {
                if let Some((of, doc)) = place
                    && *of == at
                {
                    *score = search.scratch.scores[*doc as usize];
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

    fn search<'a>(
        &'a self,
        segment: &SegmentReader,
        allowed: &'a Allowed<'a>,
        scratch: &'a mut Scratch,
    ) -> Result<SegmentSearch<'a>> {
        let mut lengths = Vec::with_capacity(SLOTS.len());
        for slot in SLOTS {
            lengths.push(segment.get_fieldnorms_reader(self.fields.of(slot))?);
        }
        let max_doc = segment.max_doc();
        let (k1, factors) = (self.k1, &self.factors);
        Ok(SegmentSearch::new(
            allowed, scratch, k1, factors, lengths, max_doc,
        ))
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

fn segments(searcher: &Searcher) -> impl Iterator<Item = &SegmentReader> {
    searcher.segment_readers().iter()
}
