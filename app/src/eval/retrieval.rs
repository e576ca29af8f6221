//! How well passages are found: `lectern eval retrieval FOLDER`, for a collection in BEIR's layout.
//!
//! The corpus goes through the same embedder and the same indexes as a library, and each query
//! through the same [`hybrid::search`], so that what is measured is what people get. A document that
//! is longer than a chunk may be (`chunk.max_tokens`) is cut, and counts by its best chunk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use ingest::TokenCounter;
use retrieval::cross_encoder::residual;
use retrieval::dense::{self, DenseConfig, DenseIndex};
use retrieval::embed::{Embedder, EmbedderTokens};
use retrieval::hybrid::{self, Stores};
use retrieval::lexical::LexicalIndex;
use retrieval::tokens::TokenIndex;
use retrieval::{Filter, Fusion, Hit, IndexedChunk, IndexedDocument, Mode, ParsedQuery, Query};

use super::beir::{BeirDocument, Collection};
use super::ranking::{QueryScore, estimate, score};
use super::report::{Report, SystemScore, differences, published};
use crate::models::reranker::LoadedReranker;
use crate::progress::Bar;

/// Ranks of a query that are looked at.
const DEPTH: usize = 100;
/// Documents embedded and committed together.
const DOCUMENTS_AT_ONCE: usize = 64;

/// A way to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System {
    /// Its name in tables.
    pub name: &'static str,
    mode: Mode,
    rerank: bool,
}

/// All that are compared.
pub const SYSTEMS: [System; 4] = [
    System {
        name: "bm25",
        mode: Mode::Bm25,
        rerank: false,
    },
    System {
        name: "dense",
        mode: Mode::Dense,
        rerank: false,
    },
    System {
        name: "hybrid",
        mode: Mode::Hybrid,
        rerank: false,
    },
    System {
        name: "hybrid+rerank",
        mode: Mode::Hybrid,
        rerank: true,
    },
];

/// The system that has a cross-encoder read the best of [`SYSTEMS`]' last again.
const READ_AGAIN: System = System {
    name: "hybrid+reranker",
    mode: Mode::Hybrid,
    rerank: true,
};

/// Indexes `collection` in `folder`, or goes on where an earlier run with the same embedder
/// stopped, and scores every system, that of `reranker` where there is one among them.
///
/// # Errors
/// Where the embedder or an index fails.
pub fn run(
    collection: &Collection,
    embedder: &Arc<dyn Embedder>,
    max_tokens: usize,
    folder: &Path,
    reranker: Option<&LoadedReranker>,
) -> Result<Report> {
    let corpus = Corpus::index(collection, embedder, max_tokens, folder)?;
    let mut systems: Vec<(&'static str, SystemScore)> = Vec::new();
    for system in SYSTEMS {
        systems.push((system.name, corpus.score(collection, system, None)?));
    }
    if let Some(reranker) = reranker {
        let score = corpus.score(collection, READ_AGAIN, Some(reranker))?;
        systems.push((READ_AGAIN.name, score));
    }
    let space = embedder.space();
    Ok(Report {
        dataset: collection.name.clone(),
        split: collection.split.clone(),
        documents: collection.corpus.len(),
        queries: collection.queries.len(),
        embedder: format!("{} ({})", space.id, space.revision),
        differences: differences(&systems),
        published: published(&collection.name, &collection.split, collection.corpus.len()),
        systems,
    })
}

/// The corpus in real indexes.
pub(crate) struct Corpus {
    embedder: Arc<dyn Embedder>,
    dense: Box<dyn DenseIndex>,
    lexical: LexicalIndex,
    tokens: TokenIndex,
    /// Which document a chunk is of.
    owners: HashMap<u64, usize>,
    /// What is embedded of each chunk.
    texts: HashMap<u64, String>,
}

impl Corpus {
    /// Indexes `collection` in `folder`, or goes on where an earlier run with the same embedder
    /// stopped.
    ///
    /// # Errors
    /// Where the embedder or an index fails.
    pub(crate) fn index(
        collection: &Collection,
        embedder: &Arc<dyn Embedder>,
        max_tokens: usize,
        folder: &Path,
    ) -> Result<Self> {
        let space = embedder.space();
        let dense = dense::open(&DenseConfig::default(), folder, space)?;
        let lexical = LexicalIndex::open(folder)?;
        let tokens = TokenIndex::open(folder, space)?;
        let mut corpus = Self {
            embedder: embedder.clone(),
            dense,
            lexical,
            tokens,
            owners: HashMap::new(),
            texts: HashMap::new(),
        };
        let done = corpus
            .dense
            .watermark()?
            .min(corpus.lexical.watermark()?)
            .min(corpus.tokens.watermark()?);
        let bar = Bar::items("embedding the corpus", collection.corpus.len() as u64);
        let mut next_id = 1u64;
        for (group, documents) in collection.corpus.chunks(DOCUMENTS_AT_ONCE).enumerate() {
            let sequence = group as u64 + 1;
            let indexed: Vec<IndexedDocument> = documents
                .iter()
                .enumerate()
                .map(|(at, document)| {
                    let number = group * DOCUMENTS_AT_ONCE + at;
                    let indexed = cut(
                        document,
                        number,
                        embedder.as_ref(),
                        max_tokens,
                        &mut next_id,
                    );
                    for (chunk, text) in indexed.chunks.iter().zip(indexed.embedded_texts()) {
                        corpus.owners.insert(chunk.id, number);
                        corpus.texts.insert(chunk.id, text);
                    }
                    indexed
                })
                .collect();
            if sequence > done {
                corpus.put(&indexed, sequence)?;
            }
            bar.set(((group + 1) * DOCUMENTS_AT_ONCE) as u64);
        }
        bar.finish();
        corpus.dense.optimize()?;
        corpus.lexical.optimize()?;
        Ok(corpus)
    }

    /// Embeds documents together, so that batches are of like length.
    fn put(&self, documents: &[IndexedDocument], sequence: u64) -> Result<()> {
        let texts: Vec<_> = documents
            .iter()
            .flat_map(IndexedDocument::embedded_texts)
            .collect();
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let mut embedded = texts.iter().zip(self.embedder.encode_documents(&texts)?);
        for document in documents {
            let (mut vectors, mut records) = (Vec::new(), Vec::new());
            for (text, embedded) in embedded.by_ref().take(document.chunks.len()) {
                vectors.push(embedded.vector);
                let embedder = self.embedder.as_ref();
                records.push(self.tokens.encode(text, &embedded.tokens, embedder)?);
            }
            self.dense.put(document, vectors)?;
            self.tokens.put(document, records)?;
            self.lexical.put(document)?;
        }
        self.dense.commit(sequence)?;
        self.tokens.commit(sequence)?;
        self.lexical.commit(sequence)?;
        Ok(())
    }

    /// What a library would find for `question`, reranked, best first.
    ///
    /// # Errors
    /// Where the embedder or an index fails.
    pub(crate) fn search(&self, question: &str, top_k: usize) -> Result<Vec<Hit>> {
        self.search_by(question, READ_AGAIN, top_k)
    }

    /// Which document of the collection a chunk is of.
    pub(crate) fn owner(&self, hit: &Hit) -> usize {
        self.owners[&hit.chunk_id]
    }

    /// What is embedded of a chunk.
    pub(crate) fn text(&self, hit: &Hit) -> &str {
        &self.texts[&hit.chunk_id]
    }

    fn search_by(&self, question: &str, system: System, top_k: usize) -> Result<Vec<Hit>> {
        let stores = Stores {
            embedder: self.embedder.as_ref(),
            dense: self.dense.as_ref(),
            lexical: &self.lexical,
            tokens: Some(&self.tokens),
        };
        let query = Query {
            asked: ParsedQuery::plain(question),
            fusion: Fusion::Convex,
            mode: system.mode,
            top_k,
            rerank: system.rerank,
            filter: Filter::default(),
        };
        Ok(hybrid::search(&query, &stores)?.hits)
    }

    /// Has the first hits read again.
    fn read_again(&self, question: &str, hits: Vec<Hit>, by: &LoadedReranker) -> Result<Vec<Hit>> {
        let mut head = hits;
        let tail = head.split_off(head.len().min(by.depth()));
        let texts: Vec<&str> = head.iter().map(|hit| self.text(hit)).collect();
        let scores: Vec<f32> = head.iter().map(|hit| hit.score).collect();
        let logits = by.encoder.score(question, &texts)?;
        let order = residual::order(&scores, &logits, by.residual.as_ref());
        Ok(order
            .iter()
            .map(|at| head[*at].clone())
            .chain(tail)
            .collect())
    }

    fn score(
        &self,
        collection: &Collection,
        system: System,
        reranker: Option<&LoadedReranker>,
    ) -> Result<SystemScore> {
        let bar = Bar::items(system.name, collection.queries.len() as u64);
        let mut scores: Vec<QueryScore> = Vec::with_capacity(collection.queries.len());
        let mut times = Vec::with_capacity(collection.queries.len());
        for (at, query) in collection.queries.iter().enumerate() {
            let started = Instant::now();
            // Several chunks of one document may stand before another document.
            let mut found = self
                .search_by(&query.text, system, DEPTH * 2)
                .with_context(|| format!("query {}", query.id))?;
            if let Some(reranker) = reranker {
                found = self.read_again(&query.text, found, reranker)?;
            }
            times.push(started.elapsed().as_secs_f64() * 1000.0);
            let mut ranking: Vec<String> = Vec::with_capacity(DEPTH);
            for hit in found {
                let id = &collection.corpus[self.owner(&hit)].id;
                // ArguAna's queries are documents of its corpus; finding oneself is no find.
                if *id != query.id && !ranking.contains(id) && ranking.len() < DEPTH {
                    ranking.push(id.clone());
                }
            }
            scores.push(score(&ranking, &query.grades));
            bar.set(at as u64 + 1);
        }
        bar.finish();
        times.sort_by(f64::total_cmp);
        let mean = |of: fn(&QueryScore) -> f64| {
            scores.iter().map(of).sum::<f64>() / scores.len().max(1) as f64
        };
        let per_query: Vec<f64> = scores.iter().map(|score| score.ndcg_at_10).collect();
        let ndcg = estimate(&per_query);
        Ok(SystemScore {
            ndcg: ndcg.mean,
            interval: [ndcg.low, ndcg.high],
            recall: mean(|score| score.recall_at_100),
            mrr: mean(|score| score.mrr_at_10),
            map: mean(|score| score.average_precision),
            ms_per_query: times.get(times.len() / 2).copied().unwrap_or(0.0),
            per_query,
        })
    }
}

/// One chunk where the embedder takes the document whole, else several.
fn cut(
    document: &BeirDocument,
    number: usize,
    embedder: &dyn Embedder,
    max_tokens: usize,
    next_id: &mut u64,
) -> IndexedDocument {
    let counter = EmbedderTokens(embedder);
    let limit = max_tokens.min(embedder.max_tokens());
    let mut pieces: Vec<&str> = Vec::new();
    if counter.count(&document.text) <= limit {
        pieces.push(&document.text);
    } else {
        let mut start = 0;
        let mut end = 0;
        for sentence in ingest::sentence::split(&document.text) {
            if end > start && counter.count(&document.text[start..sentence.end]) > limit {
                pieces.push(&document.text[start..end]);
                start = sentence.start;
            }
            end = sentence.end;
        }
        pieces.push(&document.text[start..end]);
    }
    let chunks = pieces
        .into_iter()
        .map(|text| {
            let id = *next_id;
            *next_id += 1;
            IndexedChunk {
                id,
                text: text.to_owned(),
                section: None,
            }
        })
        .collect();
    IndexedDocument {
        document_id: format!("{number}"),
        collection: "corpus".to_owned(),
        title: document.title.clone(),
        authors: Vec::new(),
        chunks,
    }
}

/// Folder in which a collection's indexes are kept between runs.
pub fn index_folder(keep: &Path, collection: &Collection) -> PathBuf {
    keep.join(&collection.name)
}
