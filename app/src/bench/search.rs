//! How search scales: `lectern bench search CORPUS --chunks 100000,1000000`.
//!
//! For each size a library is made of real material ([`super::material`]) and put through the real
//! indexes. A process of its own then opens them and asks the collection's own queries, so that
//! memory is that of serving, not of building. Memory is told apart: anonymous memory is taken from
//! others, while file-mapped memory is the system's cache of the indexes, given back when needed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use retrieval::dense::{DenseIndex, EdgeIndex};
use retrieval::embed::Embedder;
use retrieval::fusion::Fusion;
use retrieval::hybrid::{self, Stores};
use retrieval::lexical::{LexicalIndex, ParsedQuery};
use retrieval::{ChunkId, Filter, Mode, Query};
use serde::{Deserialize, Serialize};

use super::material::{CHUNKS_OF_DOCUMENT, Material};
use crate::error::{Fault, Problem};
use crate::eval::beir::Collection;
use crate::library::{Library, blocking};
use crate::progress::Bar;
use crate::settings::Settings;

/// Documents between two commits.
const DOCUMENTS_A_COMMIT: usize = 100;
/// Hits that recall is counted over.
const RECALL_AT: usize = 10;
/// Hits that a search asks each index for, as [`hybrid::search`] does.
const CANDIDATES: usize = 100;
const QUERIES_FILE: &str = "queries.json";

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Collection in BEIR's layout that material and queries are taken from.
    pub corpus: PathBuf,
    /// Passages of it that are embedded.
    pub seeds: usize,
    /// Queries asked, at most.
    pub queries: usize,
    /// Where indexes are built; a temporary folder where `None`.
    pub folder: Option<PathBuf>,
}

/// Milliseconds that a share of the queries took at most.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
}

/// What serving was measured at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Serving {
    /// Opening both indexes, in seconds.
    pub open_seconds: f64,
    /// Queries, each asked once to warm up and three times for the figures.
    pub queries: usize,
    /// Embedding a query.
    pub embed_ms: Latency,
    /// The dense index alone, without embedding.
    pub dense_ms: Latency,
    /// The same within one collection of ten.
    pub dense_filtered_ms: Latency,
    /// Comparing with every vector.
    pub exact_ms: Latency,
    /// BM25 alone.
    pub bm25_ms: Latency,
    /// A whole hybrid search, embedding included, without reranking by token vectors: made texts
    /// have none.
    pub hybrid_ms: Latency,
    /// Share of the ten truly nearest that the dense index finds.
    pub recall_at_10: f64,
    /// The same within one collection of ten.
    pub filtered_recall_at_10: f64,
    /// Memory of the process before the indexes were opened, with the embedder.
    pub anonymous_mib_before: u64,
    /// Anonymous memory after all queries.
    pub anonymous_mib: u64,
    /// File-mapped memory after all queries.
    pub file_mapped_mib: u64,
}

/// What was measured of one size.
#[derive(Debug, Clone, Serialize)]
pub struct SizeReport {
    /// Chunks.
    pub chunks: usize,
    /// Writing vectors, in seconds.
    pub dense_build_seconds: f64,
    /// Building graphs, in seconds.
    pub optimize_seconds: f64,
    /// Writing postings, in seconds.
    pub bm25_build_seconds: f64,
    /// Size of the dense index.
    pub dense_mib: u64,
    /// Size of the BM25 index.
    pub bm25_mib: u64,
    /// Serving from it.
    pub serving: Serving,
}

/// Builds and measures each size.
///
/// # Errors
/// Where the corpus cannot be read, the embedder is missing, or an index fails.
pub async fn run(settings: &Settings, plan: &Plan, sizes: &[usize]) -> Result<Vec<SizeReport>> {
    let collection = Collection::read(&plan.corpus, None)?;
    let embedder = embedder(settings).await?;
    let seeds = plan.seeds;
    let texts: Vec<String> = collection
        .corpus
        .iter()
        .map(|document| format!("{} {}", document.title, document.text))
        .filter(|text| text.split_whitespace().count() >= 8)
        .take(seeds)
        .collect();
    if texts.len() < 2 {
        return Err(Problem::new(
            Fault::Input,
            "corpus_too_small",
            format!(
                "{} has too few passages of eight words",
                plan.corpus.display()
            ),
            "give a collection with some hundred passages at least",
        )
        .into());
    }
    let queries: Vec<String> = collection
        .queries
        .iter()
        .map(|query| query.text.clone())
        .take(plan.queries)
        .collect();
    let mut reports = Vec::new();
    let space = embedder.space().clone();
    let material = blocking({
        let embedder = embedder.clone();
        move || material(embedder.as_ref(), &texts)
    })
    .await?;
    let material = std::sync::Arc::new(material);
    for &chunks in sizes {
        let temporary = match &plan.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                tempfile::tempdir_in(folder)
            }
            None => tempfile::tempdir(),
        }
        .context("making a folder for the indexes")?;
        let folder = temporary.path().to_path_buf();
        std::fs::write(folder.join(QUERIES_FILE), serde_json::to_vec(&queries)?)?;
        let quantization = settings.dense.quantization;
        let mut report = blocking({
            let (folder, material, space) = (folder.clone(), material.clone(), space.clone());
            move || {
                let dense = EdgeIndex::open(&folder, &space, quantization)?;
                let lexical = LexicalIndex::open(&folder)?;
                build(&material, &dense, &lexical, chunks)
            }
        })
        .await?;
        report.dense_mib = mebibytes(&EdgeIndex::folder_for(&folder, &space));
        report.bm25_mib = mebibytes(&LexicalIndex::folder_in(&folder));
        report.serving = measured_apart(settings, &folder).await?;
        reports.push(report);
    }
    Ok(reports)
}

async fn embedder(settings: &Settings) -> Result<std::sync::Arc<dyn Embedder>> {
    let folder = tempfile::tempdir()?;
    let settings = Settings {
        data_dir: folder.path().to_path_buf(),
        ..settings.clone()
    };
    Library::open(settings).await?.embedder().await
}

fn material(embedder: &dyn Embedder, texts: &[String]) -> Result<Material> {
    let bar = Bar::items("embedding passages", texts.len() as u64);
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(32) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        vectors.extend(embedder.embed_documents(&batch)?);
        bar.set(vectors.len() as u64);
    }
    bar.finish();
    Ok(Material::new(texts, vectors))
}

fn build(
    material: &Material,
    dense: &EdgeIndex,
    lexical: &LexicalIndex,
    chunks: usize,
) -> Result<SizeReport> {
    let bar = Bar::items(&format!("indexing {chunks} chunks"), chunks as u64);
    let (mut in_dense, mut in_lexical) = (Duration::ZERO, Duration::ZERO);
    let documents = chunks.div_ceil(CHUNKS_OF_DOCUMENT);
    for number in 0..documents {
        let wanted = CHUNKS_OF_DOCUMENT.min(chunks - number * CHUNKS_OF_DOCUMENT);
        let (document, vectors) = material.document(number, wanted);
        let sequence = number as u64 + 1;
        let commit =
            (sequence as usize).is_multiple_of(DOCUMENTS_A_COMMIT) || number + 1 == documents;
        let began = Instant::now();
        dense.put(&document, vectors)?;
        if commit {
            dense.commit(sequence)?;
        }
        in_dense += began.elapsed();
        let began = Instant::now();
        lexical.put(&document)?;
        if commit {
            lexical.commit(sequence)?;
        }
        in_lexical += began.elapsed();
        bar.set((number * CHUNKS_OF_DOCUMENT + wanted) as u64);
    }
    bar.finish();
    let began = Instant::now();
    lexical.optimize()?;
    in_lexical += began.elapsed();
    let began = Instant::now();
    dense.optimize()?;
    Ok(SizeReport {
        chunks,
        dense_build_seconds: in_dense.as_secs_f64(),
        optimize_seconds: began.elapsed().as_secs_f64(),
        bm25_build_seconds: in_lexical.as_secs_f64(),
        dense_mib: 0,
        bm25_mib: 0,
        serving: Serving::default(),
    })
}

/// Runs [`serving`] in a process of its own.
async fn measured_apart(settings: &Settings, folder: &Path) -> Result<Serving> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command
        .args(["bench", "search", "--json", "--measure"])
        .arg(folder)
        .arg("--models-dir")
        .arg(&settings.models_dir)
        .env(
            "LECTERN_DENSE_QUANTIZATION",
            format!("{:?}", settings.dense.quantization).to_ascii_lowercase(),
        )
        .stderr(std::process::Stdio::inherit())
        .kill_on_drop(true);
    let output = command
        .output()
        .await
        .context("starting the measuring process")?;
    anyhow::ensure!(output.status.success(), "the measuring process failed");
    serde_json::from_slice(&output.stdout).context("reading the measurements")
}

/// Opens the indexes that [`run`] built in `folder` and measures serving from them.
///
/// # Errors
/// Where an index cannot be opened or a search fails.
pub async fn serving(settings: &Settings, folder: PathBuf) -> Result<Serving> {
    let embedder = embedder(settings).await?;
    let quantization = settings.dense.quantization;
    blocking(move || {
        let bytes = std::fs::read(folder.join(QUERIES_FILE))?;
        let queries: Vec<String> = serde_json::from_slice(&bytes)?;
        // The embedder's own memory is at its highest after the first queries.
        for query in queries.iter().take(5) {
            embedder.embed_query(query)?;
        }
        let (before, _) = memory();
        let began = Instant::now();
        let dense = EdgeIndex::open(&folder, embedder.space(), quantization)?;
        let lexical = LexicalIndex::open(&folder)?;
        let open_seconds = began.elapsed().as_secs_f64();
        let stores = Stores {
            embedder: embedder.as_ref(),
            dense: &dense,
            lexical: &lexical,
            tokens: None,
        };
        Ok(Serving {
            open_seconds,
            anonymous_mib_before: before,
            ..measured(&queries, &stores, &dense)?
        })
    })
    .await
}

fn measured(queries: &[String], stores: &Stores<'_>, dense: &EdgeIndex) -> Result<Serving> {
    let everything = Filter::default();
    let within = Filter {
        collection: Some("collection-3".into()),
        ..Filter::default()
    };
    let bar = Bar::items("asking", 4 * queries.len() as u64);
    let mut times: [Vec<f64>; 6] = Default::default();
    let mut vectors = Vec::with_capacity(queries.len());
    for round in 0..4 {
        for (number, text) in queries.iter().enumerate() {
            let [embed, found, filtered, bm25, whole, _] = &mut times;
            let warm = |times: &mut Vec<f64>, took: f64| {
                if round > 0 {
                    times.push(took);
                }
            };
            let (vector, took) = timed(|| stores.embedder.embed_query(text))?;
            warm(embed, took);
            let (_, took) = timed(|| dense.search(&vector, CANDIDATES, &everything))?;
            warm(found, took);
            let (_, took) = timed(|| dense.search(&vector, CANDIDATES, &within))?;
            warm(filtered, took);
            let (_, took) = timed(|| stores.lexical.search(text, CANDIDATES, &everything))?;
            warm(bm25, took);
            let query = Query {
                asked: ParsedQuery::parse(text),
                mode: Mode::Hybrid,
                fusion: Fusion::default(),
                top_k: RECALL_AT,
                rerank: false,
                filter: everything.clone(),
            };
            let (_, took) = timed(|| hybrid::search(&query, stores))?;
            warm(whole, took);
            if round == 0 {
                vectors.push(vector);
            }
            bar.set((round * queries.len() + number) as u64);
        }
    }
    bar.finish();
    // Before comparing with every vector, which maps them all.
    let (anonymous_mib, file_mapped_mib) = memory();
    let recall = |filter: &Filter, exact: &mut Vec<f64>| -> Result<f64> {
        let mut share = 0.0;
        for vector in &vectors {
            let (truth, took) = timed(|| dense.search_exactly(vector, RECALL_AT, filter))?;
            exact.push(took);
            // As deep as a hybrid search asks, of which the first ten count.
            let mut found = dense.search(vector, CANDIDATES, filter)?;
            found.truncate(RECALL_AT);
            let held = |id: ChunkId| found.iter().any(|(other, _)| *other == id);
            let hits = truth.iter().filter(|(id, _)| held(*id)).count();
            share += hits as f64 / truth.len().max(1) as f64;
        }
        Ok(share / vectors.len().max(1) as f64)
    };
    let recall_at_10 = recall(&everything, &mut times[5])?;
    let filtered_recall_at_10 = recall(&within, &mut Vec::new())?;
    let [embed, found, filtered, bm25, whole, exact] = times.map(latency);
    Ok(Serving {
        open_seconds: 0.0,
        queries: queries.len(),
        embed_ms: embed,
        dense_ms: found,
        dense_filtered_ms: filtered,
        exact_ms: exact,
        bm25_ms: bm25,
        hybrid_ms: whole,
        recall_at_10,
        filtered_recall_at_10,
        anonymous_mib_before: 0,
        anonymous_mib,
        file_mapped_mib,
    })
}

fn timed<T>(work: impl FnOnce() -> retrieval::Result<T>) -> Result<(T, f64)> {
    let began = Instant::now();
    let done = work()?;
    Ok((done, began.elapsed().as_secs_f64() * 1e3))
}

fn latency(mut times: Vec<f64>) -> Latency {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * times.len() as f64).ceil() as usize;
        times
            .get(place.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    };
    Latency {
        p50: at(0.50),
        p95: at(0.95),
        p99: at(0.99),
    }
}

/// Anonymous and file-mapped memory of this process in MiB; zeros where the system does not tell.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.trim_end_matches("kB").trim().parse::<u64>().ok())
            .map_or(0, |kibibytes| kibibytes / 1024)
    };
    (field("RssAnon:"), field("RssFile:"))
}

/// Space that a folder takes on disk; files that are sparse count as what they take.
fn mebibytes(folder: &Path) -> u64 {
    fn bytes(folder: &Path) -> u64 {
        use std::os::unix::fs::MetadataExt;
        let Ok(entries) = std::fs::read_dir(folder) else {
            return 0;
        };
        entries
            .flatten()
            .map(|entry| match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
                Ok(metadata) => metadata.blocks() * 512,
                Err(_) => 0,
            })
            .sum()
    }
    bytes(folder) >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = (1..=100).rev().map(f64::from).collect();
        let latency = latency(times);
        assert_eq!((latency.p50, latency.p95, latency.p99), (50.0, 95.0, 99.0));
        assert_eq!(super::latency(vec![3.0]).p99, 3.0);
        assert_eq!(super::latency(Vec::new()).p50, 0.0);
    }
}
