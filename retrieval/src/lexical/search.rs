//! Asking the index.

use std::ops::Range;

use tantivy::index::SegmentReader;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Searcher, TERMINATED, Term};

use super::accumulate::Scratch;
use super::bm25::Scorer;
use super::language::Language;
use super::plan::{self, Concept, Slot};
use super::query::ParsedQuery;
use super::restriction::Restriction;
use super::{LexicalIndex, guarded, highlight};
use crate::{ChunkId, Filter, Result};

/// Words by which passages like a given one are found.
const CHARACTERISTIC: usize = 25;

impl LexicalIndex {
    /// The `limit` best chunks by BM25, best first; of equals, the one with the lower id. `text` is
    /// read as [`ParsedQuery::parse`] does.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn search(&self, text: &str, limit: usize, filter: &Filter) -> Result<Vec<(ChunkId, f32)>> {
        self.search_parsed(&ParsedQuery::parse(text), limit, filter)
    }

    /// As [`search`](Self::search), for a question that was read before.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn search_parsed(
        &self,
        parsed: &ParsedQuery,
        limit: usize,
        filter: &Filter,
    ) -> Result<Vec<(ChunkId, f32)>> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let languages = self.languages(&searcher)?;
            let concepts = plan::concepts(parsed, &languages);
            if concepts.is_empty() || limit == 0 {
                return Ok(Vec::new());
            }
            let restriction =
                Restriction::new(filter, parsed, &languages, &self.fields, &searcher)?;
            let scorer = Scorer::new(&searcher, self.fields, &self.bm25)?;
            self.with_scratch(|scratch| scorer.best(&concepts, limit, &restriction, scratch))
        })
    }

    /// BM25 of given chunks, in their order: 0 for one that has none of the words or is not held.
    /// Conditions are not looked at.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn scores(&self, parsed: &ParsedQuery, ids: &[ChunkId]) -> Result<Vec<f32>> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let concepts = plan::concepts(parsed, &self.languages(&searcher)?);
            let places = self.places(&searcher, ids)?;
            let scorer = Scorer::new(&searcher, self.fields, &self.bm25)?;
            self.with_scratch(|scratch| scorer.of(&concepts, &places, scratch))
        })
    }

    /// What no chunk's BM25 for `parsed` can exceed: the sum over the words that stand anywhere of
    /// `idf * (k1 + 1)`, so that scores of different questions compare.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn bound(&self, parsed: &ParsedQuery) -> Result<f32> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let concepts = plan::concepts(parsed, &self.languages(&searcher)?);
            Scorer::new(&searcher, self.fields, &self.bm25)?.bound(&concepts)
        })
    }

    /// Which of given chunks meet the filter and all that `parsed` requires and excludes; false for
    /// one that is not held.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn matching(
        &self,
        parsed: &ParsedQuery,
        filter: &Filter,
        ids: &[ChunkId],
    ) -> Result<Vec<bool>> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let languages = self.languages(&searcher)?;
            let restriction =
                Restriction::new(filter, parsed, &languages, &self.fields, &searcher)?;
            let places = self.places(&searcher, ids)?;
            let mut matching = vec![false; ids.len()];
            for (at, segment) in searcher.segment_readers().iter().enumerate() {
                let mut here: Vec<(DocId, usize)> = Vec::new();
                for (which, place) in places.iter().enumerate() {
                    if let Some((of, doc)) = place
                        && *of == at
                    {
                        here.push((*doc, which));
                    }
                }
                here.sort_unstable();
                let docs: Vec<DocId> = here.iter().map(|(doc, _)| *doc).collect();
                if docs.is_empty() {
                    continue;
                }
                let among = restriction.among(segment, &docs)?;
                for ((_, which), allowed) in here.iter().zip(among) {
                    matching[*which] = allowed;
                }
            }
            Ok(matching)
        })
    }

    /// In how many chunks each word stands, in any field; the commonest part counts where the
    /// tokenizer takes a word for several.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn document_frequencies(&self, words: &[&str]) -> Result<Vec<u64>> {
        self.of_words(words, |scorer, concepts| {
            let mut most = 0;
            for concept in concepts {
                most = most.max(scorer.document_frequency(concept)?);
            }
            Ok(most)
        })
    }

    /// Inverse document frequency of words, `ln(1 + (N - n + 0.5) / (n + 0.5))`; of the rarest
    /// part, where the tokenizer takes a word for several, and 0 for what is no word.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn idf(&self, words: &[&str]) -> Result<Vec<f32>> {
        self.of_words(words, |scorer, concepts| {
            let mut most = 0.0_f32;
            for concept in concepts {
                most = most.max(scorer.idf(scorer.document_frequency(concept)?));
            }
            Ok(most)
        })
    }

    /// The words that tell a text from the rest of the library, at most `limit`, with their
    /// `(1 + ln tf) * idf`, best first. Words that stand in no second chunk find nothing and are
    /// left out.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn characteristic_terms(&self, text: &str, limit: usize) -> Result<Vec<(String, f32)>> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let languages = self.languages(&searcher)?;
            let scorer = Scorer::new(&searcher, self.fields, &self.bm25)?;
            let mut counted: Vec<(Concept, String, f32)> = Vec::new();
            let mut known = std::collections::HashMap::new();
            for word in plan::meaningful(text, &languages) {
                let forms = plan::forms(&word, &languages);
                let place = *known.entry(forms).or_insert_with_key(|forms| {
                    let terms = forms.iter().map(|form| (Slot::Body, form.clone()));
                    let terms = terms.collect();
                    let concept = Concept { weight: 1.0, terms };
                    counted.push((concept, word.surface.clone().into_owned(), 0.0));
                    counted.len() - 1
                });
                counted[place].2 += 1.0;
            }
            let mut terms = Vec::new();
            for (concept, word, count) in counted {
                let frequency = scorer.document_frequency(&concept)?;
                if frequency > 1 && word.chars().any(char::is_alphabetic) {
                    terms.push((word, (1.0 + count.ln()) * scorer.idf(frequency)));
                }
            }
            terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            terms.truncate(limit);
            Ok(terms)
        })
    }

    /// The `limit` chunks whose words are most like those of `text`, best first.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn similar(
        &self,
        text: &str,
        limit: usize,
        filter: &Filter,
    ) -> Result<Vec<(ChunkId, f32)>> {
        let terms = self.characteristic_terms(text, CHARACTERISTIC)?;
        let words: Vec<&str> = terms.iter().map(|(word, _)| word.as_str()).collect();
        self.search_parsed(&ParsedQuery::plain(&words.join(" ")), limit, filter)
    }

    /// The words of `text` that `query` is about, as byte ranges: in order, apart from each other,
    /// at characters. A phrase is marked as a whole, a word in all its forms.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn highlights(&self, query: &ParsedQuery, text: &str) -> Result<Vec<Range<usize>>> {
        guarded(|| {
            let languages = self.languages(&self.reader.searcher())?;
            Ok(highlight::ranges(query, text, &languages))
        })
    }

    fn of_words<T>(
        &self,
        words: &[&str],
        value: impl Fn(&Scorer<'_>, &[Concept]) -> Result<T>,
    ) -> Result<Vec<T>> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let languages = self.languages(&searcher)?;
            let scorer = Scorer::new(&searcher, self.fields, &self.bm25)?;
            words
                .iter()
                .map(|word| value(&scorer, &plan::of_word(word, &languages)))
                .collect()
        })
    }

    /// The languages of the documents, English first.
    fn languages(&self, searcher: &Searcher) -> Result<Vec<Language>> {
        let mut languages = vec![Language::English];
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(self.fields.language)?;
            let mut codes = index.terms().stream()?;
            while codes.advance() {
                let language = Language::from_code(&String::from_utf8_lossy(codes.key()));
                if !languages.contains(&language) {
                    languages.push(language);
                }
            }
        }
        languages.sort_unstable();
        Ok(languages)
    }

    /// Segment and place of each chunk that is held.
    fn places(&self, searcher: &Searcher, ids: &[ChunkId]) -> Result<Vec<Option<(usize, DocId)>>> {
        let mut places = vec![None; ids.len()];
        for (at, segment) in searcher.segment_readers().iter().enumerate() {
            let column = segment.fast_fields().u64(super::schema::CHUNK)?;
            let held = column.min_value()..=column.max_value();
            for (place, id) in places.iter_mut().zip(ids) {
                if place.is_none() && held.contains(id) {
                    *place = self.place(segment, *id)?.map(|doc| (at, doc));
                }
            }
        }
        Ok(places)
    }

    fn place(&self, segment: &SegmentReader, id: ChunkId) -> Result<Option<DocId>> {
        let index = segment.inverted_index(self.fields.chunk)?;
        let term = Term::from_field_u64(self.fields.chunk, id);
        let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else {
            return Ok(None);
        };
        while postings.doc() != TERMINATED && segment.is_deleted(postings.doc()) {
            postings.advance();
        }
        Ok((postings.doc() != TERMINATED).then(|| postings.doc()))
    }

    /// Buffers come back only from a search that went well, so that they are clean.
    fn with_scratch<T>(&self, search: impl FnOnce(&mut Scratch) -> Result<T>) -> Result<T> {
        let pool = || {
            self.scratch
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
        };
        let mut scratch = pool().pop().unwrap_or_default();
        let found = search(&mut scratch)?;
        pool().push(scratch);
        Ok(found)
    }
}
