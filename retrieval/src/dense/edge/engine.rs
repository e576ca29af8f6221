//! qdrant-edge as Lectern uses it: its settings, its journal, and its panics turned into errors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use qdrant_edge::{
    AnyVariants, BinaryQuantizationConfig, Condition, DEFAULT_VECTOR_NAME, Distance, EdgeConfig,
    EdgeConfigBuilder, EdgeOptimizersConfig, EdgeShard, EdgeVectorParams, FieldCondition,
    Filter as EdgeFilter, HnswIndexConfig, JsonPath, KeywordIndexParams, Match, OperationError,
    OperationResult, PayloadFieldSchema, PayloadSchemaParams, QuantizationConfig,
    QuantizationSearchParams, ScalarQuantizationConfig, ScalarType, SearchParams, WalOptions,
};

use super::super::{
    COLLECTION, DOCUMENT, EXACT_UP_TO, HNSW_EF_CONSTRUCT, HNSW_EF_SEARCH, HNSW_M, Quantization,
    SECTION,
};
use crate::{Error, Filter, Result};

/// Size of a journal file, in bytes.
const JOURNAL_FILE: usize = 8 << 20;
/// Segments that optimising aims for; each further one costs a search a walk.
const SEGMENTS: usize = 4;
/// Vectors beyond which segments are not merged any more: building one graph of them takes minutes.
const LARGEST_MERGED: usize = 400_000;

/// An open shard whose failures are errors.
pub(super) struct Engine(Option<EdgeShard>);

impl Engine {
    /// Opens the shard in `folder`, or makes it.
    pub(super) fn open(folder: &Path, config: EdgeConfig, existing: bool) -> Result<Self> {
        let shard = guarded(|| {
            if existing {
                EdgeShard::load(folder, Some(config))
            } else {
                EdgeShard::new(folder, config)
            }
        })?;
        Ok(Self(Some(shard)))
    }

    /// Calls the engine.
    pub(super) fn call<T>(&self, call: impl FnOnce(&EdgeShard) -> OperationResult<T>) -> Result<T> {
        let shard = self
            .0
            .as_ref()
            .ok_or_else(|| Error::Dense("it could not be opened again".into()))?;
        guarded(|| call(shard))
    }

    /// Makes all writes durable.
    pub(super) fn flush(&self) -> Result<()> {
        // The engine's flush panics rather than wait while optimising swaps a segment.
        let mut attempts = 0;
        loop {
            let flushed = self.call(|shard| {
                shard.flush();
                Ok(())
            });
            match flushed {
                Err(Error::Dense(reason)) if reason.contains("lock acquired") && attempts < 200 => {
                    attempts += 1;
                    std::thread::sleep(Duration::from_millis(20));
                }
                flushed => return flushed,
            }
        }
    }

    /// Closes it; what it was asked before is written.
    pub(super) fn close(&mut self) {
        // Dropping flushes, which panics where the folder is gone.
        let shard = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(shard)));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

fn guarded<T>(call: impl FnOnce() -> OperationResult<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(|error: OperationError| Error::Dense(error.to_string())),
        Err(panic) => {
            let reason = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "its files are damaged".into());
            Err(Error::Dense(reason))
        }
    }
}

/// The shard's settings. Vectors, graph and payload are mapped from disk: the system keeps in
/// memory what is used and can drop it again.
pub(super) fn config(dimension: usize, quantization: Quantization) -> EdgeConfig {
    let mut vector = EdgeVectorParams::builder(dimension, Distance::Cosine).on_disk(true);
    let quantized = match quantization {
        Quantization::None => None,
        Quantization::Scalar => Some(QuantizationConfig::from(ScalarQuantizationConfig {
            r#type: ScalarType::Int8,
            quantile: Some(0.99),
            always_ram: None,
        })),
        Quantization::Binary => Some(QuantizationConfig::from(BinaryQuantizationConfig {
            always_ram: None,
            encoding: None,
            query_encoding: None,
        })),
    };
    if let Some(quantized) = quantized {
        vector = vector.quantization_config(quantized);
    }
    EdgeConfigBuilder::new()
        .vector(DEFAULT_VECTOR_NAME, vector.build())
        .on_disk_payload(true)
        .hnsw_config(HnswIndexConfig {
            m: HNSW_M,
            ef_construct: HNSW_EF_CONSTRUCT,
            full_scan_threshold: kibibytes(EXACT_UP_TO, dimension),
            max_indexing_threads: 0,
            on_disk: Some(true),
            payload_m: None,
            inline_storage: None,
        })
        .optimizers(optimizers(dimension, 0))
        .wal_options(WalOptions {
            segment_capacity: JOURNAL_FILE,
            ..WalOptions::default()
        })
        .build()
}

/// When segments are built again, with `points` in the index. Where that is cheap, any deletion is
/// reason enough, so that deleted vectors leave the disk.
pub(super) fn optimizers(dimension: usize, points: usize) -> EdgeOptimizersConfig {
    let cheap = points <= EXACT_UP_TO;
    EdgeOptimizersConfig {
        deleted_threshold: Some(if cheap { 0.0 } else { 0.1 }),
        vacuum_min_vector_number: Some(if cheap { 1 } else { 1000 }),
        default_segment_number: Some(SEGMENTS),
        max_segment_size: Some(kibibytes(LARGEST_MERGED, dimension)),
        indexing_threshold: Some(kibibytes(EXACT_UP_TO, dimension)),
        prevent_unoptimized: None,
    }
}

fn kibibytes(vectors: usize, dimension: usize) -> usize {
    (vectors * dimension * size_of::<f32>() / 1024).max(1)
}

/// How a payload field is indexed.
pub(super) fn keyword_index() -> PayloadFieldSchema {
    PayloadFieldSchema::FieldParams(PayloadSchemaParams::Keyword(KeywordIndexParams {
        on_disk: Some(true),
        ..KeywordIndexParams::default()
    }))
}

/// How a search walks the graph; `exact` compares with every vector instead.
pub(super) fn search_params(quantization: Quantization, exact: bool) -> SearchParams {
    SearchParams {
        hnsw_ef: Some(HNSW_EF_SEARCH),
        exact,
        quantization: (quantization != Quantization::None).then(|| QuantizationSearchParams {
            ignore: exact,
            rescore: Some(true),
            oversampling: Some(quantization.oversampling()),
        }),
        ..SearchParams::default()
    }
}

/// Begins an empty journal whose first operation has the number `first`.
///
/// The engine appends every operation, vectors included, to its journal, but never reads it again
/// and never shortens it. So it is thrown away whenever the shard is closed: only its numbering
/// must go on, and that is the name of an empty closed file (format: header `wal`, version 0, and
/// a seed of four bytes).
pub(super) fn restart_journal(folder: &Path, first: u64) -> Result<()> {
    let journal = folder.join("wal");
    match std::fs::remove_dir_all(&journal) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    std::fs::create_dir(&journal)?;
    let mut empty = [0; 64];
    empty[..3].copy_from_slice(b"wal");
    std::fs::write(journal.join(format!("closed-{first}")), empty)?;
    Ok(())
}

/// Bytes of the journal on disk.
pub(super) fn journal_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder.join("wal")) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// A search's restriction in the engine's words.
pub(super) fn edge_filter(filter: &Filter) -> Option<EdgeFilter> {
    let mut must = Vec::new();
    if let Some(collection) = &filter.collection {
        must.push(keyword(COLLECTION, Match::from(collection.clone())));
    }
    if let Some(documents) = &filter.documents {
        let any = AnyVariants::Strings(documents.iter().cloned().collect());
        must.push(keyword(DOCUMENT, Match::from(any)));
    }
    if !filter.section_kinds.is_empty() {
        let names = filter
            .section_kinds
            .iter()
            .map(|kind| kind.name().to_owned());
        must.push(keyword(
            SECTION,
            Match::from(AnyVariants::Strings(names.collect())),
        ));
    }
    (!must.is_empty()).then(|| EdgeFilter {
        must: Some(must),
        ..EdgeFilter::new()
    })
}

/// The points of one document.
pub(super) fn of_document(document_id: &str) -> EdgeFilter {
    EdgeFilter::new_must(keyword(DOCUMENT, Match::from(document_id.to_owned())))
}

fn keyword(field: &str, condition: Match) -> Condition {
    Condition::Field(FieldCondition::new_match(json_path(field), condition))
}

/// A payload field's path.
pub(super) fn json_path(field: &str) -> JsonPath {
    field
        .parse()
        .expect("the payload's field names are plain words")
}
