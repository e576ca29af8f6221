//! Which papers, and how many: answered from the catalog and, for what papers mention, from every
//! passage that the word index has, so that the number is exact.
//!
//! The index finds candidates by its own stems, which may take two words for one ("universe",
//! "university"); each is read again before it counts. The sentence with the number says what was
//! counted, and warnings say which papers could not be told either way.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use generation::Origin;
use generation::intent::{CatalogQuestion, Order};
use generation::mention::Phrase;
use generation::parts::{Asked, Composer, is_on_one_page};
use ingest::section::SectionKind;
use retrieval::lexical::{Clause, Occur, QueryField};
use retrieval::{ChunkId, Filter, Hit, Mode, ParsedQuery, Passage, Query};

use super::about::{Scope, Told, headed};
use crate::catalog::{DocumentFilter, DocumentRecord, DocumentStatus};
use crate::library::Library;

/// Papers shown at most; all are counted.
const MOST_SHOWN: usize = 50;
/// Passages of a paper that are looked through for a good sentence.
const MOST_READ: usize = 8;
/// Chunks that are asked of the catalog at once.
const BATCH: usize = 500;

/// Passages of each document that may have a phrase; the first one has it. None for a document that
/// has it in its title alone.
type Places = HashMap<String, Vec<Hit>>;

/// A phrase as it was asked for, and where it stands.
struct Mention {
    phrase: Phrase,
    places: Places,
}

impl Library {
    /// Answers a question after papers. `None` where no paper has what is asked for and the question
    /// may be an ordinary one.
    pub(super) async fn count_or_list(
        &self,
        question: &CatalogQuestion,
        mut scope: Scope,
        mut asked: Asked,
    ) -> Result<Option<Told>> {
        let mut warnings = Vec::new();
        self.keep_what_fits(question, &mut scope, &mut warnings)
            .await?;
        let mut mentions = Vec::new();
        for typed in &question.mentions {
            let Some(phrase) = Phrase::new(typed) else {
                return Ok(None);
            };
            let places = self
                .mentioning(typed, &phrase, &scope, &mut warnings)
                .await?;
            mentions.push(Mention { phrase, places });
        }
        if !mentions.is_empty() {
            let without_text = scope
                .papers
                .iter()
                .filter(|paper| paper.status == DocumentStatus::NeedsOcr)
                .count();
            if without_text > 0 {
                warnings.push(format!(
                    "{} without text could not be looked through: see `lectern documents list`",
                    papers(without_text)
                ));
            }
            scope.papers.retain(|paper| {
                let has = |mention: &Mention| mention.places.contains_key(&paper.id);
                match question.any_mention {
                    true => mentions.iter().any(has),
                    false => mentions.iter().all(has),
                }
            });
        }
        asked.retrieve_ms = Some(asked.started.elapsed().as_secs_f64() * 1000.0);
        let count = scope.papers.len();
        if count == 0 && !question.is_certain {
            return Ok(None);
        }
        in_order(&mut scope.papers, question.order);
        let known = scope.papers.iter().filter(|paper| paper.year.is_some());
        if question.limit.is_some() && known.count() == 0 && count > 0 {
            let why = format!("No year is known of the {} asked about.", papers(count));
            let answered = Composer::nothing(asked, Origin::Catalog, &why);
            return Ok(Some(Told { answered, warnings }));
        }
        if count == 0 {
            let answered = Composer::nothing(asked, Origin::Catalog, &counted(question, 0, &scope));
            return Ok(Some(Told { answered, warnings }));
        }
        let mut composer = Composer::default();
        composer.begin("", None, None);
        match question.limit {
            Some(limit) => {
                first_of(&mut scope.papers, limit);
                composer.state(&superlative(question, count, limit, &scope));
            }
            None => composer.state(&counted(question, count, &scope)),
        }
        // A number is all that "how many papers do I have?" asks for.
        if !(question.is_count && question.is_unrestricted()) {
            self.list(&scope.papers, &mentions, &mut composer).await?;
        }
        let answered = composer.finish(asked, Origin::Catalog);
        Ok(Some(Told { answered, warnings }))
    }

    /// Leaves the papers of the authors, years and venue asked for.
    async fn keep_what_fits(
        &self,
        question: &CatalogQuestion,
        scope: &mut Scope,
        warnings: &mut Vec<String>,
    ) -> Result<()> {
        let filter = DocumentFilter {
            collection: scope.collection.clone(),
            author: None,
            years: question.years.clone(),
            venue: question.venue.clone(),
        };
        let mut filters: Vec<DocumentFilter> = question
            .authors
            .iter()
            .map(|author| DocumentFilter {
                author: Some(author.clone()),
                ..filter.clone()
            })
            .collect();
        if filters.is_empty() {
            filters.push(filter);
        }
        let mut fitting: Option<BTreeSet<String>> = None;
        for filter in filters {
            let found = self.catalog.document_ids(&filter).await?;
            fitting = Some(match fitting {
                Some(fitting) => fitting.intersection(&found).cloned().collect(),
                None => found,
            });
        }
        let fitting = fitting.unwrap_or_default();
        let unknown = |is_unknown: &dyn Fn(&DocumentRecord) -> bool| {
            scope
                .papers
                .iter()
                .filter(|paper| is_unknown(paper))
                .count()
        };
        for (is_asked, what, count) in [
            (
                question.years.is_some(),
                "year",
                unknown(&|paper| paper.year.is_none()),
            ),
            (
                question.venue.is_some(),
                "venue",
                unknown(&|paper| paper.metadata.venue.is_none()),
            ),
            (
                !question.authors.is_empty(),
                "authors",
                unknown(&|paper| paper.authors.is_empty()),
            ),
        ] {
            if is_asked && count > 0 {
                warnings.push(format!(
                    "the {what} of {} {} not known, so {} not counted",
                    papers(count),
                    if what == "authors" { "are" } else { "is" },
                    if count == 1 { "it is" } else { "they are" },
                ));
            }
        }
        scope.papers.retain(|paper| fitting.contains(&paper.id));
        Ok(())
    }

    /// The documents that have a phrase.
    async fn mentioning(
        &self,
        typed: &str,
        phrase: &Phrase,
        scope: &Scope,
        warnings: &mut Vec<String>,
    ) -> Result<Places> {
        let mut found: Places = HashMap::new();
        if scope.papers.is_empty() {
            return Ok(found);
        }
        let ids: Vec<String> = scope.papers.iter().map(|paper| paper.id.clone()).collect();
        let query = Query {
            asked: ParsedQuery {
                clauses: vec![Clause {
                    occur: Occur::Must,
                    field: Some(QueryField::Body),
                    phrase: true,
                    text: typed.to_owned(),
                }],
            },
            mode: Mode::Bm25,
            fusion: self.settings.search_fusion,
            // All of them: a paper must not be missed because others say it more often.
            top_k: usize::try_from(self.catalog.count_chunks().await?)?.max(1),
            rerank: false,
            filter: Filter {
                documents: Some(ids),
                ..Filter::default()
            },
        };
        let searched = self.find(&query).await?;
        for warning in searched.found.warnings {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        let mut candidates: Vec<(String, Vec<Hit>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for hits in searched.found.hits.chunks(BATCH) {
            let hits = self.searchable(hits.to_vec(), searched.up_to).await?;
            let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.chunk_id).collect();
            let of: HashMap<ChunkId, String> = self
                .catalog
                .chunk_places(&ids)
                .await?
                .into_iter()
                .map(|place| (place.chunk_id, place.document_id))
                .collect();
            for hit in hits {
                let Some(document) = of.get(&hit.chunk_id) else {
                    continue;
                };
                let place = *places.entry(document.clone()).or_insert_with(|| {
                    candidates.push((document.clone(), Vec::new()));
                    candidates.len() - 1
                });
                candidates[place].1.push(hit);
            }
        }
        self.verified(phrase, candidates, &mut found).await?;
        for paper in &scope.papers {
            if !phrase.find(&paper.title).is_empty() {
                found.entry(paper.id.clone()).or_default();
            }
        }
        Ok(found)
    }

    /// Reads candidates until one of each document has the phrase.
    async fn verified(
        &self,
        phrase: &Phrase,
        mut candidates: Vec<(String, Vec<Hit>)>,
        found: &mut Places,
    ) -> Result<()> {
        while !candidates.is_empty() {
            let ids: Vec<ChunkId> = candidates
                .iter()
                .filter_map(|(_, hits)| Some(hits.first()?.chunk_id))
                .collect();
            let mut texts: HashMap<ChunkId, String> = HashMap::new();
            for ids in ids.chunks(BATCH) {
                texts.extend(self.catalog.texts_of(ids).await?);
            }
            let mut left = Vec::new();
            for (document, mut hits) in candidates {
                let has = hits
                    .first()
                    .and_then(|hit| texts.get(&hit.chunk_id))
                    .is_some_and(|text| !phrase.find(text).is_empty());
                if has {
                    found.insert(document, hits);
                    continue;
                }
                if !hits.is_empty() {
                    hits.remove(0);
                }
                if !hits.is_empty() {
                    left.push((document, hits));
                }
            }
            candidates = left;
        }
        Ok(())
    }

    /// A part a paper, each with a sentence that has what was asked for.
    async fn list(
        &self,
        papers: &[DocumentRecord],
        mentions: &[Mention],
        composer: &mut Composer,
    ) -> Result<()> {
        for paper in papers.iter().take(MOST_SHOWN) {
            composer.begin(&headed(paper), Some(&paper.id), None);
            for mention in mentions {
                let hits = mention.places.get(&paper.id).map_or(&[][..], Vec::as_slice);
                if let Some((passage, range)) = self.telling(&mention.phrase, hits).await? {
                    composer.quote(&passage, range);
                }
            }
        }
        let more = papers.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            composer.begin("", None, None);
            composer.state(&format!("And {more} more."));
        }
        Ok(())
    }

    /// A sentence that has the phrase: of running text, and not of the bibliography, where there is
    /// one.
    async fn telling(
        &self,
        phrase: &Phrase,
        hits: &[Hit],
    ) -> Result<Option<(Passage, std::ops::Range<usize>)>> {
        let mut other = None;
        for hit in hits.iter().take(MOST_READ) {
            for passage in self.catalog.passages(std::slice::from_ref(hit), 1).await? {
                let Some((range, is_prose)) = phrase.sentence(&passage.text) else {
                    continue;
                };
                let section = passage.section.as_deref().unwrap_or_default();
                let is_whole = is_prose && is_on_one_page(&passage, &range);
                if is_whole && SectionKind::of(section) != SectionKind::Back {
                    return Ok(Some((passage, range)));
                }
                if other.is_none() {
                    other = Some((passage, range));
                }
            }
        }
        Ok(other)
    }
}

fn in_order(papers: &mut [DocumentRecord], order: Order) {
    papers.sort_by(|a, b| {
        let by_year = match order {
            Order::NewestFirst => b.year.cmp(&a.year),
            Order::OldestFirst => match (a.year, b.year) {
                (Some(a), Some(b)) => a.cmp(&b),
                // The unknown come last.
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        };
        by_year.then_with(|| a.title.cmp(&b.title))
    });
}

/// Leaves the first `limit`, and those of the same year as the last of them: none is newer than
/// another.
fn first_of(papers: &mut Vec<DocumentRecord>, limit: usize) {
    papers.retain(|paper| paper.year.is_some());
    let last = papers
        .get(limit.saturating_sub(1))
        .and_then(|paper| paper.year);
    let end = papers
        .iter()
        .rposition(|paper| paper.year == last)
        .filter(|_| last.is_some())
        .map_or(papers.len(), |at| at + 1);
    papers.truncate(end);
}

fn papers(count: usize) -> String {
    match count {
        1 => "1 paper".to_owned(),
        count => format!("{count} papers"),
    }
}

/// By whom, when and where, as it is said of papers.
fn qualified(question: &CatalogQuestion) -> String {
    let mut said = String::new();
    if !question.authors.is_empty() {
        said.push_str(&format!(" by {}", question.authors.join(" and ")));
    }
    if let Some(years) = &question.years {
        said.push_str(&match (*years.start(), *years.end()) {
            (from, to) if from == to => format!(" from {from}"),
            (from, i32::MAX) => format!(" since {from}"),
            (i32::MIN, to) => format!(" until {to}"),
            (from, to) => format!(" from {from} to {to}"),
        });
    }
    if let Some(venue) = &question.venue {
        said.push_str(&format!(" in {venue}"));
    }
    said
}

fn quoted(question: &CatalogQuestion) -> String {
    let each: Vec<String> = question
        .mentions
        .iter()
        .map(|phrase| format!("“{phrase}”"))
        .collect();
    let word = if question.any_mention { "or" } else { "and" };
    match each.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} {word} {last}", first.join(", ")),
        _ => each.join(""),
    }
}

fn place(scope: &Scope) -> String {
    match (&scope.collection, scope.is_named) {
        (_, true) => "among those asked about".to_owned(),
        (Some(name), false) => format!("in the collection “{name}”"),
        (None, false) => "in the library".to_owned(),
    }
}

/// "2 papers from 2012 mention “Paxos”."
fn counted(question: &CatalogQuestion, count: usize, scope: &Scope) -> String {
    let subject = match count {
        0 => "No paper".to_owned(),
        count => papers(count),
    };
    let (is, mention) = match count {
        0 | 1 => ("is", "mentions"),
        _ => ("are", "mention"),
    };
    let qualified = qualified(question);
    if question.mentions.is_empty() {
        return format!("{subject}{qualified} {is} {}.", place(scope));
    }
    let is_everywhere = scope.collection.is_none() && !scope.is_named;
    let place = match is_everywhere {
        true => String::new(),
        false => format!(" {}", place(scope)),
    };
    format!(
        "{subject}{qualified}{place} {mention} {}.",
        quoted(question)
    )
}

/// "The newest of 12 papers by Ongaro in the library is from 2021."
fn superlative(question: &CatalogQuestion, count: usize, limit: usize, scope: &Scope) -> String {
    let order = match question.order {
        Order::NewestFirst => "newest",
        Order::OldestFirst => "oldest",
    };
    let that = match question.mentions.is_empty() {
        true => String::new(),
        false => format!(" that mention {}", quoted(question)),
    };
    let of = format!(
        "{}{}{that} {}",
        papers(count),
        qualified(question),
        place(scope)
    );
    let shown = scope.papers.len();
    let year = scope.papers.first().and_then(|paper| paper.year);
    match (limit, shown, year) {
        (1, 1, Some(year)) => format!("The {order} of {of} is from {year}."),
        (1, _, Some(year)) => format!("The {order} of {of} are {shown} from {year}."),
        _ => format!("The {shown} {order} of {of}."),
    }
}

#[cfg(test)]
mod tests {
    use generation::intent::{self, Intent};

    use super::*;

    #[test]
    fn the_sentence_says_what_was_counted() {
        let everywhere = || Scope {
            papers: Vec::new(),
            collection: None,
            is_named: false,
        };
        let collection = || Scope {
            collection: Some("theses".to_owned()),
            ..everywhere()
        };
        for (asked, count, scope, said) in [
            (
                "Which papers from 2012 mention Paxos?",
                2,
                everywhere(),
                "2 papers from 2012 mention “Paxos”.",
            ),
            (
                "Which papers from 2012 mention Paxos or Raft?",
                1,
                collection(),
                "1 paper from 2012 in the collection “theses” mentions “Paxos” or “Raft”.",
            ),
            (
                "How many papers do I have by Ongaro?",
                0,
                everywhere(),
                "No paper by Ongaro is in the library.",
            ),
            (
                "List my papers since 2015 in JMLR",
                3,
                everywhere(),
                "3 papers since 2015 in JMLR are in the library.",
            ),
            (
                "How many documents are in the library?",
                12,
                everywhere(),
                "12 papers are in the library.",
            ),
        ] {
            let Intent::Catalog(question) = intent::read(asked) else {
                panic!("{asked}");
            };
            assert_eq!(counted(&question, count, &scope), said);
        }
    }
}
