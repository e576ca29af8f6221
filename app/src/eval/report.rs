//! What `lectern eval retrieval` tells: figures of each system, what joining and reranking add, and
//! what others have published.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::ranking::{Estimate, estimate};
use super::retrieval::SYSTEMS;
use crate::error::{Fault, Problem};

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

pub(super) fn differences(systems: &[(&'static str, SystemScore)]) -> Vec<Difference> {
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
    let mut compared = vec![
        (format!("hybrid - {name}"), hybrid, part),
        ("hybrid+rerank - hybrid".to_owned(), rerank, hybrid),
    ];
    if let Some(read) = of("hybrid+reranker") {
        compared.push(("hybrid+reranker - hybrid+rerank".to_owned(), read, rerank));
    }
    compared
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
    let written = format!("nDCG@10, embedder {embedder}.\n\n{}", table.join("\n"));
    write_between(file, TABLE_START, TABLE_END, &written)
}

/// Puts `content` in the place of what stands between two markers of a Markdown file.
pub(super) fn write_between(file: &Path, start: &str, end: &str, content: &str) -> Result<()> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let (Some(from), Some(to)) = (text.find(start), text.find(end)) else {
        return Err(Problem::new(
            Fault::Input,
            "table_markers_missing",
            format!("{} has no place for the table", file.display()),
            format!("put the lines {start} and {end} where it belongs"),
        )
        .into());
    };
    let from = from + start.len();
    let written = format!(
        "{}\n\n{content}\n\n{}",
        &text[..from],
        &text[to.max(from)..]
    );
    std::fs::write(file, written).with_context(|| format!("writing {}", file.display()))
}

const BEIR: &str = "Thakur et al., BEIR, 2021";
const MTEB: &str = "MTEB leaderboard";

/// Published nDCG@10 where name, split and size say that it is the same collection.
pub(super) fn published(name: &str, split: &str, documents: usize) -> Vec<Published> {
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
