//! How fast papers are read: glyphs and layout, chunks, near-duplicate sketches.
//!
//! ```text
//! cargo bench -p ingest --bench extraction
//! LECTERN_BENCH_PAPERS=FOLDER cargo bench -p ingest --bench extraction
//! ```
//! Without a folder of PDFs the sample papers of the repository are read. Throughput is in pages
//! (elements) per second, in this process and on one thread; `lectern eval extraction` measures
//! the same with the worker processes around it.

#![allow(missing_docs, reason = "criterion's macro makes a public function")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ingest::chunk::{ChunkConfig, chunk};
use ingest::similarity::Sketch;
use ingest::{Document, TokenCounter, extract};

/// About what a word-piece tokenizer counts.
struct RoughTokens;

impl TokenCounter for RoughTokens {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().map(|word| 1 + word.len() / 7).sum()
    }
}

fn papers() -> Vec<Vec<u8>> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let folder = std::env::var_os("LECTERN_BENCH_PAPERS").map_or(samples, PathBuf::from);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .collect();
    files.sort();
    files
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .filter(|bytes| extract::read(bytes.clone(), None).is_ok())
        .collect()
}

fn reading(criterion: &mut Criterion) {
    let papers = papers();
    let documents: Vec<Document> = papers
        .iter()
        .filter_map(|bytes| extract::read(bytes.clone(), None).ok())
        .collect();
    let pages: usize = documents.iter().map(|document| document.pages.len()).sum();

    let mut group = criterion.benchmark_group("extraction");
    group.sample_size(10);
    group.throughput(Throughput::Elements(pages as u64));
    group.bench_function("read", |bencher| {
        bencher.iter_batched(
            || papers.clone(),
            |papers| {
                for bytes in papers {
                    black_box(extract::read(bytes, None).ok());
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("chunk", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                black_box(chunk(document, ChunkConfig::default(), &RoughTokens));
            }
        });
    });
    group.bench_function("sketch", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                black_box(Sketch::of(&document.text()));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
