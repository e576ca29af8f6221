//! Vectors in the data folder, in qdrant-edge: Qdrant's engine inside the process.
//!
//! Few vectors are compared one by one; [`EdgeIndex::optimize`] builds HNSW graphs
//! (<https://arxiv.org/abs/1603.09320>) over the others and drops what was deleted, while searches
//! and writes go on. The files are mapped from disk, so the system keeps in memory what is used.
//!
//! A search takes no lock but the shard's, for reading. Writers take turns, since the engine's
//! flush fails beside another write. The shard is locked for writing only while it is closed and
//! opened again to drop its journal, which takes well under a second.

mod engine;
mod record;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use qdrant_edge::{
    CountRequest, CreateIndex, FieldIndexOperations, PointId, PointInsertOperations,
    PointOperations, PointStruct, SearchRequest, SetPayloadOp, UpdateOperation,
    VectorStructInternal, WithPayloadInterface, WithVector,
};

use super::{DOCUMENT, DenseIndex, EXACT_UP_TO, FIELDS, Quantization, plain};
use crate::embed::VectorSpace;
use crate::{ChunkId, Error, Filter, IndexedDocument, Result};
use engine::Engine;
use record::Record;

/// Operations that may follow a commit before the record of their number is written again.
const UNRECORDED: u64 = 1 << 20;
/// Journal beyond which it is dropped in the middle of a long run of writes, in bytes.
const LARGEST_JOURNAL: u64 = 256 << 20;
/// Points that the engine is handed at once.
const BATCH: usize = 512;

/// Vectors of one embedder.
pub struct EdgeIndex {
    engine: RwLock<Engine>,
    state: Mutex<State>,
    /// Held by whoever optimises or closes the shard, since neither may happen during the other.
    maintaining: Mutex<()>,
    /// Points at the last commit.
    committed: AtomicUsize,
    folder: PathBuf,
    dimension: usize,
    quantization: Quantization,
}

/// What writers know.
struct State {
    record: Record,
    /// Operations so far.
    operations: u64,
    /// Something was written since the last commit.
    uncommitted: bool,
    /// Something was deleted since the journal was begun.
    deleted: bool,
    /// Files change without a write.
    optimizing: bool,
}

impl EdgeIndex {
    /// Opens the index of a vector space under `parent`, or makes it.
    ///
    /// # Errors
    /// [`Error::Dense`] where it is damaged: delete its [`folder`](Self::folder_for) and open again.
    pub fn open(parent: &Path, space: &VectorSpace, quantization: Quantization) -> Result<Self> {
        let folder = Self::folder_for(parent, space);
        std::fs::create_dir_all(&folder)?;
        let existing = folder.join("segments").is_dir();
        let (record, clean) = match Record::read(&folder)? {
            Some(record) => {
                let clean = !record::is_writing(&folder);
                if clean {
                    record.check(&folder)?;
                }
                (record, clean)
            }
            None if existing => return Err(Error::Dense("its record is missing".into())),
            None => {
                record::begin_writing(&folder)?;
                let record = Record::default();
                record.write(&folder)?;
                (record, false)
            }
        };
        // What an optimisation that was cut off left behind.
        let _ = std::fs::remove_dir_all(folder.join("temp_segments"));
        let operations = record.operations + if clean { 1 } else { UNRECORDED };
        engine::restart_journal(&folder, operations)?;
        let config = engine::config(space.dimension, quantization);
        let engine = Engine::open(&folder, config, existing)?;
        let recorded = record.points;
        let index = Self {
            engine: RwLock::new(engine),
            state: Mutex::new(State {
                record,
                operations,
                uncommitted: !clean,
                deleted: false,
                optimizing: false,
            }),
            maintaining: Mutex::new(()),
            committed: AtomicUsize::new(recorded),
            folder,
            dimension: space.dimension,
            quantization,
        };
        if clean && index.points()? != recorded {
            return Err(Error::Dense(format!(
                "it holds {} vectors instead of {recorded}",
                index.points()?
            )));
        }
        index.settle(&mut index.state(), clean)?;
        if !existing {
            index.create_payload_indexes()?;
        }
        Ok(index)
    }

    /// Where the space's index lives under `parent`.
    pub fn folder_for(parent: &Path, space: &VectorSpace) -> PathBuf {
        parent.join(format!(
            "dense-{}-{}",
            plain(&space.id),
            plain(&space.revision)
        ))
    }

    /// As [`search`](DenseIndex::search), comparing with every vector: what the graph's answers
    /// are measured by.
    ///
    /// # Errors
    /// Where the engine fails.
    pub fn search_exactly(
        &self,
        vector: &[f32],
        limit: usize,
        filter: &Filter,
    ) -> Result<Vec<(ChunkId, f32)>> {
        self.nearest(vector, limit, filter, true)
    }

    fn create_payload_indexes(&self) -> Result<()> {
        let mut state = self.state();
        for field in FIELDS {
            let index = CreateIndex {
                field_name: engine::json_path(field),
                field_schema: Some(engine::keyword_index()),
            };
            self.write(
                &mut state,
                UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(index)),
            )?;
        }
        Ok(())
    }

    fn write(&self, state: &mut State, operation: UpdateOperation) -> Result<()> {
        if !state.uncommitted {
            record::begin_writing(&self.folder)?;
            state.uncommitted = true;
        }
        if state.operations - state.record.operations > UNRECORDED / 2 {
            state.record.operations = state.operations;
            state.record.write(&self.folder)?;
        }
        state.operations += 1;
        self.engine_read().call(|shard| shard.update(operation))
    }

    fn delete(&self, state: &mut State, document_id: &str) -> Result<()> {
        if self.count(Some(document_id))? == 0 {
            return Ok(());
        }
        state.deleted = true;
        let filter = engine::of_document(document_id);
        self.write(
            state,
            UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter)),
        )
    }

    /// Writes the record of what the files are, where nothing changes them.
    fn settle(&self, state: &mut State, same_points: bool) -> Result<()> {
        if state.uncommitted || state.optimizing {
            return Ok(());
        }
        let files = record::files(&self.folder)?;
        if !same_points || files != state.record.files {
            state.record.operations = state.operations;
            state.record.points = self.points()?;
            state.record.files = files;
            state.record.write(&self.folder)?;
        }
        record::end_writing(&self.folder)
    }

    /// Closes the shard and opens it again with an empty journal. The caller holds `maintaining`.
    fn renew(&self, state: &mut State) -> Result<()> {
        let mut engine = self.engine_write();
        if !state.uncommitted {
            record::begin_writing(&self.folder)?;
        }
        engine.flush()?;
        engine.close();
        engine::restart_journal(&self.folder, state.operations + 1)?;
        state.operations += 1;
        let config = engine::config(self.dimension, self.quantization);
        *engine = Engine::open(&self.folder, config, true)?;
        drop(engine);
        state.deleted = false;
        self.settle(state, false)
    }

    /// True where comparing with every vector is as fast as anything else.
    fn is_small(&self) -> bool {
        self.committed.load(Ordering::Relaxed) <= EXACT_UP_TO
    }

    fn points(&self) -> Result<usize> {
        self.engine_read()
            .call(|shard| Ok(shard.info().points_count))
    }

    fn nearest(
        &self,
        vector: &[f32],
        limit: usize,
        filter: &Filter,
        exact: bool,
    ) -> Result<Vec<(ChunkId, f32)>> {
        if vector.len() != self.dimension {
            return Err(Error::Dense(format!(
                "a vector of {} numbers was looked for among those of {}",
                vector.len(),
                self.dimension
            )));
        }
        if limit == 0 {
            return Ok(Vec::new());
        }
        let request = SearchRequest {
            query: vector.to_vec().into(),
            filter: engine::edge_filter(filter),
            params: Some(engine::search_params(
                self.quantization,
                exact || self.is_small(),
            )),
            limit,
            offset: 0,
            with_payload: None,
            with_vector: None,
            score_threshold: None,
        };
        let points = self.engine_read().call(|shard| shard.search(request))?;
        Ok(points
            .into_iter()
            .filter_map(|point| match point.id {
                PointId::NumId(id) => Some((id, point.score)),
                PointId::Uuid(_) => None,
            })
            .collect())
    }

    // A poisoned lock means that a thread panicked between two calls of the engine, which keeps
    // its own consistency; refusing to serve from then on would be worse.
    fn engine_read(&self) -> RwLockReadGuard<'_, Engine> {
        self.engine
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn engine_write(&self) -> RwLockWriteGuard<'_, Engine> {
        self.engine
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for EdgeIndex {
    fn drop(&mut self) {
        self.engine_write().close();
        let mut state = self.state();
        if state.uncommitted || state.optimizing {
            return;
        }
        // Closing may have written once more. Without a record of it the files would look damaged.
        if let Ok(files) = record::files(&self.folder)
            && files != state.record.files
        {
            state.record.files = files;
            let _ = state.record.write(&self.folder);
        }
    }
}

impl DenseIndex for EdgeIndex {
    fn watermark(&self) -> Result<u64> {
        Ok(self.state().record.sequence)
    }

    fn put(&self, document: &IndexedDocument, vectors: Vec<Vec<f32>>) -> Result<()> {
        super::check_vectors(document, &vectors, self.dimension)?;
        let mut state = self.state();
        self.delete(&mut state, &document.document_id)?;
        let mut points = document.chunks.iter().zip(vectors).map(|(chunk, vector)| {
            let payload = super::payload(document, chunk.kind().name());
            PointStruct::new(
                PointId::NumId(chunk.id),
                vector,
                serde_json::Value::Object(payload),
            )
            .into()
        });
        loop {
            let batch: Vec<_> = points.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let insert = PointInsertOperations::PointsList(batch);
            self.write(
                &mut state,
                UpdateOperation::PointOperation(PointOperations::UpsertPoints(insert)),
            )?;
        }
        Ok(())
    }

    fn remove(&self, document_id: &str) -> Result<()> {
        self.delete(&mut self.state(), document_id)
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
        let found = self.engine_read().call(|shard| {
            let payload = WithPayloadInterface::Fields(vec![engine::json_path(DOCUMENT)]);
            shard.retrieve(&ids, Some(payload), None)
        })?;
        Ok(found.len() == ids.len()
            && found.iter().all(|record| {
                record.payload.as_ref().is_some_and(|payload| {
                    payload.0.get(DOCUMENT).and_then(|id| id.as_str())
                        == Some(document.document_id.as_str())
                })
            }))
    }

    fn describe(&self, document: &IndexedDocument) -> Result<()> {
        let mut state = self.state();
        for (payload, ids) in super::by_payload(document) {
            let points = ids.into_iter().map(PointId::NumId).collect();
            self.write(
                &mut state,
                UpdateOperation::PayloadOperation(qdrant_edge::PayloadOps::OverwritePayload(
                    SetPayloadOp {
                        payload: qdrant_edge::Payload(payload),
                        points: Some(points),
                        filter: None,
                        key: None,
                    },
                )),
            )?;
        }
        Ok(())
    }

    fn commit(&self, sequence: u64) -> Result<()> {
        let mut state = self.state();
        if state.uncommitted {
            self.engine_read().flush()?;
            // Files come and go meanwhile; they are recorded when that has ended.
            if !state.optimizing {
                state.record.files = record::files(&self.folder)?;
                state.record.points = self.points()?;
            }
        }
        state.record.sequence = sequence;
        state.record.operations = state.operations;
        state.record.write(&self.folder)?;
        state.uncommitted = false;
        self.committed.store(self.points()?, Ordering::Relaxed);
        if state.optimizing {
            return Ok(());
        }
        record::end_writing(&self.folder)?;
        if engine::journal_bytes(&self.folder) > LARGEST_JOURNAL
            && let Ok(_maintaining) = self.maintaining.try_lock()
        {
            self.renew(&mut state)?;
        }
        Ok(())
    }

    fn search(&self, vector: &[f32], limit: usize, filter: &Filter) -> Result<Vec<(ChunkId, f32)>> {
        self.nearest(vector, limit, filter, false)
    }

    fn vectors(&self, ids: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>> {
        let points: Vec<PointId> = ids.iter().map(|&id| PointId::NumId(id)).collect();
        let records = self.engine_read().call(|shard| {
            shard.retrieve(
                &points,
                Some(WithPayloadInterface::Bool(false)),
                Some(WithVector::Bool(true)),
            )
        })?;
        let mut vectors: HashMap<PointId, Vec<f32>> = HashMap::new();
        for record in records {
            if let Some(VectorStructInternal::Single(vector)) = record.vector {
                vectors.insert(record.id, vector);
            }
        }
        Ok(points.iter().map(|id| vectors.get(id).cloned()).collect())
    }

    fn count(&self, document_id: Option<&str>) -> Result<usize> {
        let filter = document_id.map(engine::of_document);
        self.engine_read().call(|shard| {
            shard.count(CountRequest {
                filter,
                exact: true,
            })
        })
    }

    fn optimize(&self) -> Result<bool> {
        let _maintaining = self
            .maintaining
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        {
            let mut state = self.state();
            record::begin_writing(&self.folder)?;
            state.optimizing = true;
        }
        let done = self.engine_read().call(|shard| {
            let points = shard.info().points_count;
            shard.set_optimizers_config(engine::optimizers(self.dimension, points))?;
            shard.optimize()
        });
        let mut state = self.state();
        state.optimizing = false;
        if state.deleted || engine::journal_bytes(&self.folder) > LARGEST_JOURNAL / 4 {
            self.renew(&mut state)?;
        } else if !state.uncommitted {
            self.engine_read().flush()?;
            self.settle(&mut state, false)?;
        }
        done
    }
}
