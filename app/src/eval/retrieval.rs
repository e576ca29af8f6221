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
use retrieval::dense::{self, DenseConfig, DenseIndex};
use retrieval::embed::{Embedder, EmbedderTokens};
use retrieval::hybrid::{self, Stores};
use retrieval::lexical::LexicalIndex;
use retrieval::tokens::TokenIndex;
use retrieval::{Filter, Fusion, IndexedChunk, IndexedDocument, Mode, ParsedQuery, Query};
use serde::Serialize;

use super::beir::{BeirDocument, Collection};
use super::ranking::{Estimate, QueryScore, estimate, score};
use crate::error::{Fault, Problem};
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

/// What was measured of one system.
#[derive(Debug, Clone, Serialize)]
pub struct SystemScore {
    /// Mean nDCG@10 with linear gain.
    #[serde(rename = "ndcg@10")]
    pub ndcg: f64,
    /// Its 95 % bootstrap interval over queries.
    #[serde(rename = "ndcg@10_interval")]
    pub interval: [f64; 2],
    /// Mean recall@100.
    #[serde(rename = "recall@100")]
    pub recall: f64,
    /// Mean reciprocal rank of the first ten.
    #[serde(rename = "mrr@10")]
    pub mrr: f64,
    /// Mean average precision over the first hundred.
    pub map: f64,
    /// Median time of a query, embedding it included.
    pub ms_per_query: f64,
    /// Each query's nDCG@10, in the order of [`Report::queries`].
    #[serde(skip)]
    pub per_query: Vec<f64>,
}

/// Difference of two systems over the same queries.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Which two, better minus worse by name: `hybrid - best part`.
    pub of: String,
    /// Mean difference of nDCG@10 with its paired 95 % interval.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// What `eval retrieval --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Name of the collection's folder.
    pub dataset: String,
    /// Which judgements.
    pub split: String,
    /// Documents.
    pub documents: usize,
    /// Judged queries.
    pub queries: usize,
    /// Embedder and how it is computed.
    pub embedder: String,
    /// Systems, in the order of [`SYSTEMS`].
    #[serde(serialize_with = "as_map")]
    pub systems: Vec<(&'static str, SystemScore)>,
    /// What fusion and reranking add.
    pub differences: Vec<Difference>,
    /// Figures that others have published for this collection and split.
    pub published: Vec<Published>,
}

/// A published figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    /// Which system.
    pub system: &'static str,
    /// Its nDCG@10.
    #[serde(rename = "ndcg@10")]
    pub ndcg: f64,
    /// Where it is published.
    pub source: &'static str,
}

fn as_map<S: serde::Serializer>(
    systems: &[(&'static str, SystemScore)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(systems.iter().map(|(name, score)| (name, score)))
}

/// Indexes `collection` in `folder`, or goes on where an earlier run with the same embedder
/// stopped, and scores every system.
///
/// # Errors
/// Where the embedder or an index fails.
pub fn run(
    collection: &Collection,
    embedder: &Arc<dyn Embedder>,
    max_tokens: usize,
    folder: &Path,
) -> Result<Report> {
    let corpus = Corpus::index(collection, embedder, max_tokens, folder)?;
    let mut systems: Vec<(&'static str, SystemScore)> = Vec::new();
    for system in SYSTEMS {
        systems.push((system.name, corpus.score(collection, system)?));
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

fn differences(systems: &[(&'static str, SystemScore)]) -> Vec<Difference> {
    let of = |name: &str| {
        systems
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, score)| score)
    };
    let (Some(bm25), Some(dense), Some(hybrid), Some(rerank)) =
        (of("bm25"), of("dense"), of("hybrid"), of("hybrid+rerank"))
    else {
        return Vec::new();
    };
    let (name, part) = if bm25.ndcg >= dense.ndcg {
        ("bm25", bm25)
    } else {
        ("dense", dense)
    };
    [
        (format!("hybrid - {name}"), hybrid, part),
        ("hybrid+rerank - hybrid".to_owned(), rerank, hybrid),
    ]
    .into_iter()
    .map(|(of, one, other)| {
        let pairs: Vec<f64> = one
            .per_query
            .iter()
            .zip(&other.per_query)
            .map(|(one, other)| one - other)
            .collect();
        Difference {
            of,
            estimate: estimate(&pairs),
        }
    })
    .collect()
}

/// The corpus in real indexes.
struct Corpus {
    embedder: Arc<dyn Embedder>,
    dense: Box<dyn DenseIndex>,
    lexical: LexicalIndex,
    tokens: TokenIndex,
    /// Which document a chunk is of.
    owners: HashMap<u64, usize>,
}

impl Corpus {
    fn index(
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
                    for chunk in &indexed.chunks {
                        corpus.owners.insert(chunk.id, number);
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

    fn score(&self, collection: &Collection, system: System) -> Result<SystemScore> {
        let stores = Stores {
            embedder: self.embedder.as_ref(),
            dense: self.dense.as_ref(),
            lexical: &self.lexical,
            tokens: Some(&self.tokens),
        };
        let bar = Bar::items(system.name, collection.queries.len() as u64);
        let mut scores: Vec<QueryScore> = Vec::with_capacity(collection.queries.len());
        let mut times = Vec::with_capacity(collection.queries.len());
        for (at, query) in collection.queries.iter().enumerate() {
            let started = Instant::now();
            let found = hybrid::search(
                &Query {
                    asked: ParsedQuery::plain(&query.text),
                    fusion: Fusion::Convex,
                    mode: system.mode,
                    // Several chunks of one document may stand before another document.
                    top_k: DEPTH * 2,
                    rerank: system.rerank,
                    filter: Filter::default(),
                },
                &stores,
            )
            .with_context(|| format!("query {}", query.id))?;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
            let mut ranking: Vec<String> = Vec::with_capacity(DEPTH);
            for hit in found.hits {
                let id = &collection.corpus[self.owners[&hit.chunk_id]].id;
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

impl Report {
    /// The report as plain text.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "{} ({}): {} documents, {} queries, {}",
                self.dataset, self.split, self.documents, self.queries, self.embedder
            ),
            format!(
                "{:<16}{:>8}{:>18}{:>12}{:>9}{:>8}{:>10}",
                "", "nDCG@10", "95 %", "recall@100", "MRR@10", "MAP", "ms/query"
            ),
        ];
        for (name, score) in &self.systems {
            lines.push(format!(
                "{name:<16}{:>8.4}{:>18}{:>12.4}{:>9.4}{:>8.4}{:>10.1}",
                score.ndcg,
                format!("{:.3} to {:.3}", score.interval[0], score.interval[1]),
                score.recall,
                score.mrr,
                score.map,
                score.ms_per_query
            ));
        }
        for difference in &self.differences {
            let Estimate { mean, low, high } = difference.estimate;
            lines.push(format!(
                "{}: {:+.1} points ({:+.1} to {:+.1})",
                difference.of,
                mean * 100.0,
                low * 100.0,
                high * 100.0
            ));
        }
        for published in &self.published {
            lines.push(format!(
                "published: {} {:.3} ({})",
                published.system, published.ndcg, published.source
            ));
        }
        lines.join("\n") + "\n"
    }

    fn row(&self) -> String {
        let ndcg = |name: &str| {
            self.systems
                .iter()
                .find(|(other, _)| *other == name)
                .map_or(String::new(), |(_, score)| format!("{:.3}", score.ndcg))
        };
        let published: Vec<String> = self
            .published
            .iter()
            .map(|published| format!("{} {:.3}", published.system, published.ndcg))
            .collect();
        let cells: Vec<String> = SYSTEMS.iter().map(|system| ndcg(system.name)).collect();
        format!(
            "| {} ({}) | {} | {} | {} | {} |",
            self.dataset,
            self.split,
            self.documents,
            self.queries,
            cells.join(" | "),
            published.join(", ")
        )
    }
}

const TABLE_START: &str = "<!-- lectern eval retrieval: start -->";
const TABLE_END: &str = "<!-- lectern eval retrieval: end -->";

/// Writes the reports as a table between the markers of a Markdown file.
///
/// # Errors
/// A problem `table_markers_missing` where the file has no markers.
pub fn write_table(file: &Path, reports: &[Report]) -> Result<()> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let (Some(start), Some(end)) = (text.find(TABLE_START), text.find(TABLE_END)) else {
        return Err(Problem::new(
            Fault::Input,
            "table_markers_missing",
            format!("{} has no place for the table", file.display()),
            format!("put the lines {TABLE_START} and {TABLE_END} where it belongs"),
        )
        .into());
    };
    let names: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
    let mut table = vec![
        format!(
            "| collection (split) | documents | queries | {} | published |",
            names.join(" | ")
        ),
        format!("|---|---:|---:|{}---|", "---:|".repeat(names.len())),
    ];
    table.extend(reports.iter().map(Report::row));
    let embedders: Vec<&str> = reports
        .iter()
        .map(|report| report.embedder.as_str())
        .collect();
    let embedder = embedders.first().copied().unwrap_or_default();
    let written = format!(
        "{}\n\nnDCG@10, embedder {embedder}.\n\n{}\n\n{}",
        &text[..start + TABLE_START.len()],
        table.join("\n"),
        &text[end.max(start + TABLE_START.len())..]
    );
    std::fs::write(file, written).with_context(|| format!("writing {}", file.display()))
}

/// Folder in which a collection's indexes are kept between runs.
pub fn index_folder(keep: &Path, collection: &Collection) -> PathBuf {
    keep.join(&collection.name)
}

const BEIR: &str = "Thakur et al., BEIR, 2021";
const MTEB: &str = "MTEB leaderboard";

/// Published nDCG@10 where name, split and size say that it is the same collection.
fn published(name: &str, split: &str, documents: usize) -> Vec<Published> {
    const MINILM: &str = "all-MiniLM-L6-v2";
    const BM25: &str = "BM25";
    // (name, documents, BM25, all-MiniLM-L6-v2, bge-small-en-v1.5, bge-base-en-v1.5)
    const KNOWN: &[(&str, usize, f64, f64)] = &[
        ("scifact", 5_183, 0.679, 0.645),
        ("nfcorpus", 3_633, 0.322, 0.316),
        ("arguana", 8_674, 0.397, 0.502),
        ("scidocs", 25_657, 0.149, 0.216),
        ("fiqa", 57_638, 0.236, 0.369),
        ("trec-covid", 171_332, 0.595, 0.473),
        ("webis-touche2020", 382_545, 0.442, 0.169),
        ("quora", 522_931, 0.789, 0.876),
    ];
    if split != "test" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (known, size, bm25, minilm) in KNOWN {
        if name.eq_ignore_ascii_case(known) && documents.abs_diff(*size) * 50 <= *size {
            for (system, ndcg, source) in [(BM25, *bm25, BEIR), (MINILM, *minilm, MTEB)] {
                found.push(Published {
                    system,
                    ndcg,
                    source,
                });
            }
            if *known == "scifact" {
                for (system, ndcg) in [("bge-small-en-v1.5", 0.713), ("bge-base-en-v1.5", 0.741)] {
                    found.push(Published {
                        system,
                        ndcg,
                        source: MTEB,
                    });
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_figures_are_shown_for_the_same_collection_only() {
        assert_eq!(published("scifact", "test", 5_183).len(), 4);
        assert_eq!(published("scifact", "train", 5_183), []);
        assert_eq!(published("scifact", "test", 100), []);
        assert_eq!(published("mine", "test", 5_183), []);
    }
}
