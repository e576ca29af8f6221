//! Vectors in the data folder, in qdrant-edge: Qdrant's engine inside the process. The watermark
//! is a small file written after the points are flushed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use qdrant_edge::{
    AnyVariants, Condition, CountRequest, CreateIndex, DEFAULT_VECTOR_NAME, Distance,
    EdgeConfigBuilder, EdgeShard, EdgeVectorParams, FieldCondition, FieldIndexOperations,
    Filter as EdgeFilter, JsonPath, Match, OperationError, Payload, PayloadFieldSchema, PayloadOps,
    PayloadSchemaType, PointId, PointInsertOperations, PointOperations, PointStruct, SearchRequest,
    SetPayloadOp, UpdateOperation, VectorStructInternal, WithPayloadInterface, WithVector,
};
use serde::{Deserialize, Serialize};

use super::DenseIndex;
use crate::embed::VectorSpace;
use crate::{ChunkId, Error, Filter, IndexedChunk, IndexedDocument, Result};

const DOCUMENT: &str = "document";
const COLLECTION: &str = "collection";
const SECTION: &str = "section";
const WATERMARK_FILE: &str = "watermark.json";

/// Vectors of one embedder.
pub struct EdgeIndex {
    /// qdrant-edge's flush panics where another call holds its locks, so writers exclude readers.
    shard: RwLock<EdgeShard>,
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Watermark {
    sequence: u64,
}

impl EdgeIndex {
    /// Opens the index of a vector space under `parent`, or makes it.
    ///
    /// # Errors
    /// [`Error::Dense`] where it is damaged: delete its [`folder`](Self::folder_for) and open again.
    pub fn open(parent: &Path, space: &VectorSpace) -> Result<Self> {
        let folder = Self::folder_for(parent, space);
        std::fs::create_dir_all(&folder)?;
        let shard = opened(&folder, space.dimension)?;
        Ok(Self {
            shard: RwLock::new(shard),
            folder,
        })
    }

    /// Where the space's index lives under `parent`.
    pub fn folder_for(parent: &Path, space: &VectorSpace) -> PathBuf {
        let safe = |text: &str| -> String {
            text.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect()
        };
        parent.join(format!(
            "dense-{}-{}",
            safe(&space.id),
            safe(&space.revision)
        ))
    }

    fn write(&self, operation: UpdateOperation) -> Result<()> {
        self.write_guard().update(operation).map_err(engine)
    }

    // A poisoned lock means that a writer panicked inside the engine, which keeps its own
    // consistency; refusing to serve from then on would be worse.
    fn read_guard(&self) -> RwLockReadGuard<'_, EdgeShard> {
        self.shard
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write_guard(&self) -> RwLockWriteGuard<'_, EdgeShard> {
        self.shard
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl DenseIndex for EdgeIndex {
    fn watermark(&self) -> Result<u64> {
        Ok(std::fs::read(self.folder.join(WATERMARK_FILE))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Watermark>(&bytes).ok())
            .map_or(0, |watermark| watermark.sequence))
    }

    fn put(&self, document: &IndexedDocument, vectors: Vec<Vec<f32>>) -> Result<()> {
        self.remove(&document.document_id)?;
        if document.chunks.is_empty() {
            return Ok(());
        }
        let points = document
            .chunks
            .iter()
            .zip(vectors)
            .map(|(chunk, vector)| {
                PointStruct::new(
                    PointId::NumId(chunk.id),
                    vector,
                    serde_json::Value::Object(payload(document, chunk)),
                )
                .into()
            })
            .collect();
        let insert = PointInsertOperations::PointsList(points);
        self.write(UpdateOperation::PointOperation(
            PointOperations::UpsertPoints(insert),
        ))
    }

    fn remove(&self, document_id: &str) -> Result<()> {
        let filter = EdgeFilter::new_must(keyword(DOCUMENT, Match::from(document_id.to_owned())));
        self.write(UpdateOperation::PointOperation(
            PointOperations::DeletePointsByFilter(filter),
        ))
    }

    fn commit(&self, sequence: u64) -> Result<()> {
        {
            let shard = self.write_guard();
            catch_unwind(AssertUnwindSafe(|| shard.flush()))
                .map_err(|_| Error::Dense("flushing failed; is the disk full?".into()))?;
        }
        let bytes = serde_json::to_vec(&Watermark { sequence }).unwrap_or_default();
        let partial = self.folder.join("watermark.partial");
        std::fs::write(&partial, bytes)?;
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(partial, self.folder.join(WATERMARK_FILE))?;
        Ok(())
    }

    fn search(&self, vector: &[f32], limit: usize, filter: &Filter) -> Result<Vec<(ChunkId, f32)>> {
        let request = SearchRequest {
            query: vector.to_vec().into(),
            filter: edge_filter(filter),
            params: None,
            limit,
            offset: 0,
            with_payload: None,
            with_vector: None,
            score_threshold: None,
        };
        let points = self.read_guard().search(request).map_err(engine)?;
        Ok(points
            .into_iter()
            .filter_map(|point| match point.id {
                PointId::NumId(id) => Some((id, point.score)),
                PointId::Uuid(_) => None,
            })
            .collect())
    }

    fn holds(&self, document: &IndexedDocument) -> Result<bool> {
        let ids: Vec<PointId> = document
            .chunks
            .iter()
            .map(|chunk| PointId::NumId(chunk.id))
            .collect();
        if self.count(Some(&document.document_id))? != ids.len() {
            return Ok(false);
        }
        let found = self
            .read_guard()
            .retrieve(&ids, Some(WithPayloadInterface::Bool(false)), None)
            .map_err(engine)?;
        Ok(found.len() == ids.len())
    }

    fn describe(&self, document: &IndexedDocument) -> Result<()> {
        for chunk in &document.chunks {
            self.write(UpdateOperation::PayloadOperation(
                PayloadOps::OverwritePayload(SetPayloadOp {
                    payload: Payload(payload(document, chunk)),
                    points: Some(vec![PointId::NumId(chunk.id)]),
                    filter: None,
                    key: None,
                }),
            ))?;
        }
        Ok(())
    }

    fn vectors(&self, ids: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>> {
        let points: Vec<PointId> = ids.iter().map(|&id| PointId::NumId(id)).collect();
        let records = self
            .read_guard()
            .retrieve(
                &points,
                Some(WithPayloadInterface::Bool(false)),
                Some(WithVector::Bool(true)),
            )
            .map_err(engine)?;
        let mut vectors: HashMap<PointId, Vec<f32>> = HashMap::new();
        for record in records {
            if let Some(VectorStructInternal::Single(vector)) = record.vector {
                vectors.insert(record.id, vector);
            }
        }
        Ok(points.iter().map(|id| vectors.remove(id)).collect())
    }

    fn optimize(&self) -> Result<bool> {
        self.read_guard().optimize().map_err(engine)
    }

    fn count(&self, document_id: Option<&str>) -> Result<usize> {
        let filter = document_id
            .map(|id| EdgeFilter::new_must(keyword(DOCUMENT, Match::from(id.to_owned()))));
        self.read_guard()
            .count(CountRequest {
                filter,
                exact: true,
            })
            .map_err(engine)
    }
}

fn opened(folder: &Path, dimension: usize) -> Result<EdgeShard> {
    let existing = folder.join("segments").is_dir();
    let config = EdgeConfigBuilder::new()
        .vector(
            DEFAULT_VECTOR_NAME,
            EdgeVectorParams::builder(dimension, Distance::Cosine).build(),
        )
        .build();
    // Damaged files make the engine panic in places where it could return an error.
    let opened = catch_unwind(|| {
        if existing {
            EdgeShard::load(folder, Some(config))
        } else {
            EdgeShard::new(folder, config)
        }
    });
    let shard = opened
        .map_err(|_| Error::Dense("its files are damaged".into()))?
        .map_err(engine)?;
    if !existing {
        for field in [DOCUMENT, COLLECTION, SECTION] {
            let index = CreateIndex {
                field_name: json_path(field),
                field_schema: Some(PayloadFieldSchema::FieldType(PayloadSchemaType::Keyword)),
            };
            shard
                .update(UpdateOperation::FieldIndexOperation(
                    FieldIndexOperations::CreateIndex(index),
                ))
                .map_err(engine)?;
        }
    }
    Ok(shard)
}

fn payload(
    document: &IndexedDocument,
    chunk: &IndexedChunk,
) -> serde_json::Map<String, serde_json::Value> {
    [
        (DOCUMENT, document.document_id.as_str()),
        (COLLECTION, document.collection.as_str()),
        (SECTION, chunk.kind().name()),
    ]
    .map(|(key, value)| (key.to_owned(), value.into()))
    .into_iter()
    .collect()
}

fn edge_filter(filter: &Filter) -> Option<EdgeFilter> {
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

fn keyword(field: &str, condition: Match) -> Condition {
    Condition::Field(FieldCondition::new_match(json_path(field), condition))
}

fn json_path(field: &str) -> JsonPath {
    field
        .parse()
        .expect("the payload's field names are plain words")
}

fn engine(error: OperationError) -> Error {
    Error::Dense(error.to_string())
}
