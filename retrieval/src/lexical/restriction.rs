//! Which chunks a search may give: filters, the question's conditions, and what is deleted.

use tantivy::index::SegmentReader;
use tantivy::postings::BlockSegmentPostings;
use tantivy::query::{BooleanQuery, EnableScoring, PhraseQuery, Query, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, TERMINATED, Term};

use super::analysis::words;
use super::identifier;
use super::language::Language;
use super::query::{Clause, Occur, ParsedQuery, QueryField};
use super::schema::Fields;
use crate::{Filter, Result};

/// Words of a phrase that are looked at.
const PHRASE_WORDS: usize = 64;
/// A chunk that is looked up costs about as much as this many postings that are read through.
const LOOK_UP: u64 = 16;

/// A filter and conditions, ready to be put to segments.
pub(super) struct Restriction {
    /// A chunk must have one of the terms of each field.
    any_of: Vec<(Field, Vec<Term>)>,
    /// What must and must not match.
    conditions: Vec<(bool, Box<dyn Weight>)>,
}

/// The chunks of a segment that may be found.
pub(super) struct Allowed<'s> {
    segment: &'s SegmentReader,
    bits: Option<Vec<u64>>,
}

impl Restriction {
    pub(super) fn new(
        filter: &Filter,
        parsed: &ParsedQuery,
        languages: &[Language],
        fields: &Fields,
        searcher: &Searcher,
    ) -> Result<Self> {
        let mut any_of = Vec::new();
        let mut one_of = |field, values: Vec<&str>| {
            let terms = values.into_iter();
            let terms = terms.map(|value| Term::from_field_text(field, value));
            any_of.push((field, terms.collect()));
        };
        if let Some(collection) = &filter.collection {
            one_of(fields.collection, vec![collection]);
        }
        if let Some(documents) = &filter.documents {
            let documents = documents.iter().map(String::as_str);
            one_of(fields.document, documents.collect());
        }
        if !filter.section_kinds.is_empty() {
            let kinds = filter.section_kinds.iter().map(|kind| kind.name());
            one_of(fields.kind, kinds.collect());
        }
        let mut conditions = Vec::new();
        for clause in &parsed.clauses {
            if let Some(query) = condition(clause, languages, fields) {
                let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
                conditions.push((clause.occur == Occur::Must, weight));
            }
        }
        Ok(Self { any_of, conditions })
    }

    /// The chunks of `segment` that may be found.
    pub(super) fn allowed<'s>(&self, segment: &'s SegmentReader) -> Result<Allowed<'s>> {
        let mut allowed = Allowed::all(segment);
        for (field, terms) in &self.any_of {
            let index = segment.inverted_index(*field)?;
            let mut lists = Vec::with_capacity(terms.len());
            for term in terms {
                lists.extend(index.get_term_info(term)?);
            }
            // A library is often one collection.
            if lists.iter().any(|list| list.doc_freq == segment.max_doc()) {
                continue;
            }
            let mut bits = empty(segment);
            for list in &lists {
                let option = IndexRecordOption::Basic;
                fill(
                    &mut bits,
                    index.read_block_postings_from_terminfo(list, option)?,
                );
            }
            allowed.keep(&bits);
        }
        for (must, weight) in &self.conditions {
            let mut matched = weight.scorer(segment, 1.0)?;
            let mut bits = empty(segment);
            let mut doc = matched.doc();
            while doc != TERMINATED {
                set(&mut bits, doc);
                doc = matched.advance();
            }
            if !must {
                for word in &mut bits {
                    *word = !*word;
                }
            }
            allowed.keep(&bits);
        }
        Ok(allowed)
    }

    /// Which of the chunks of `segment` may be found; `docs` are sorted.
    pub(super) fn among(&self, segment: &SegmentReader, docs: &[DocId]) -> Result<Vec<bool>> {
        let mut allowed: Vec<bool> = docs.iter().map(|&doc| !segment.is_deleted(doc)).collect();
        for (field, terms) in &self.any_of {
            let index = segment.inverted_index(*field)?;
            let mut found = vec![false; docs.len()];
            for term in terms {
                if let Some(postings) = index.read_postings(term, IndexRecordOption::Basic)? {
                    mark(postings, docs, &mut found);
                }
            }
            for (allowed, found) in allowed.iter_mut().zip(found) {
                *allowed &= found;
            }
        }
        for (must, weight) in &self.conditions {
            let mut found = vec![false; docs.len()];
            mark(weight.scorer(segment, 1.0)?, docs, &mut found);
            for (allowed, found) in allowed.iter_mut().zip(found) {
                *allowed &= found == *must;
            }
        }
        Ok(allowed)
    }
}

impl<'s> Allowed<'s> {
    /// All that are not deleted.
    pub(super) fn all(segment: &'s SegmentReader) -> Self {
        let bits = None;
        Self { segment, bits }
    }

    pub(super) fn contains(&self, doc: DocId) -> bool {
        self.bits.as_ref().is_none_or(|bits| is_set(bits, doc))
            && self
                .segment
                .alive_bitset()
                .is_none_or(|alive| alive.is_alive(doc))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bits
            .as_ref()
            .is_some_and(|bits| bits.iter().all(|&word| word == 0))
    }

    /// The chunks themselves, where looking each up is less work than reading `postings` postings.
    pub(super) fn few(&self, postings: u64) -> Option<Vec<DocId>> {
        let bits = self.bits.as_ref()?;
        let count: u64 = bits.iter().map(|word| u64::from(word.count_ones())).sum();
        if count * LOOK_UP > postings {
            return None;
        }
        let mut docs = Vec::with_capacity(count as usize);
        for (place, &word) in bits.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                docs.push(place as DocId * 64 + left.trailing_zeros());
                left &= left - 1;
            }
        }
        docs.retain(|&doc| !self.segment.is_deleted(doc));
        Some(docs)
    }

    fn keep(&mut self, others: &[u64]) {
        match &mut self.bits {
            None => self.bits = Some(others.to_vec()),
            Some(bits) => {
                for (word, other) in bits.iter_mut().zip(others) {
                    *word &= other;
                }
            }
        }
    }
}

/// What matches a clause that must or must not match; `None` where it rules nothing out. Several
/// words stand in a row, except names, whose order differs from paper to paper.
fn condition(clause: &Clause, languages: &[Language], fields: &Fields) -> Option<Box<dyn Query>> {
    if !clause.is_condition() {
        return None;
    }
    let searched: &[Field] = match clause.field {
        None => &[fields.body, fields.title, fields.section, fields.authors],
        Some(QueryField::Title) => &[fields.title],
        Some(QueryField::Section) => &[fields.section],
        Some(QueryField::Authors) => &[fields.authors],
        Some(QueryField::Body) => &[fields.body],
    };
    let mut rows: Vec<Vec<(usize, Term)>> = Vec::new();
    for &field in searched.iter().filter(|&&field| field != fields.authors) {
        for &language in languages {
            let row = row(clause, field, language);
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    let mut queries: Vec<Box<dyn Query>> = Vec::new();
    for mut row in rows {
        match row.len() {
            0 => {}
            1 => queries.extend(row.pop().map(|(_, term)| exactly(term))),
            _ => queries.push(Box::new(PhraseQuery::new_with_offset(row))),
        }
    }
    if searched.contains(&fields.authors) {
        let names = row(clause, fields.authors, Language::Other);
        let names: Vec<_> = names.into_iter().map(|(_, name)| exactly(name)).collect();
        if !names.is_empty() {
            queries.push(Box::new(BooleanQuery::intersection(names)));
        }
    }
    if !clause.phrase && matches!(clause.field, None | Some(QueryField::Body)) {
        let whole = identifier::find(&clause.text).next();
        queries.extend(
            whole.map(|identifier| {
                exactly(Term::from_field_text(fields.exact, &identifier.canonical))
            }),
        );
    }
    (!queries.is_empty()).then(|| Box::new(BooleanQuery::union(queries)) as Box<dyn Query>)
}

/// A clause's words as a field has them, each with its place. Of names, initials are left out,
/// since they may be spelt out in the document.
fn row(clause: &Clause, field: Field, language: Language) -> Vec<(usize, Term)> {
    let words = || words(&clause.text).filter(|word| !word.part_of_pair);
    let is_name = clause.field == Some(QueryField::Authors);
    let long = |surface: &str| surface.chars().nth(1).is_some();
    let only_initials = !words().any(|word| long(&word.surface));
    words()
        .filter(|word| !is_name || only_initials || long(&word.surface))
        .take(PHRASE_WORDS)
        .map(|word| {
            let term = Term::from_field_text(field, &word.term(language));
            (word.position, term)
        })
        .collect()
}

fn exactly(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// Marks those of `docs`, which are sorted, that are in `set`.
fn mark(mut set: impl DocSet, docs: &[DocId], found: &mut [bool]) {
    for (found, &doc) in found.iter_mut().zip(docs) {
        if set.doc() < doc {
            set.seek(doc);
        }
        *found |= set.doc() == doc;
    }
}

fn fill(bits: &mut [u64], mut postings: BlockSegmentPostings) {
    while !postings.docs().is_empty() {
        for &doc in postings.docs() {
            set(bits, doc);
        }
        postings.advance();
    }
}

fn empty(segment: &SegmentReader) -> Vec<u64> {
    vec![0; segment.max_doc().div_ceil(64) as usize]
}

fn set(bits: &mut [u64], doc: DocId) {
    bits[doc as usize / 64] |= 1 << (doc % 64);
}

fn is_set(bits: &[u64], doc: DocId) -> bool {
    bits[doc as usize / 64] & (1 << (doc % 64)) != 0
}
