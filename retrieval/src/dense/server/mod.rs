//! Vectors in a Qdrant server or cluster, asked over gRPC.
//!
//! A vector space is a collection, named for the library, the model and its version. The watermark
//! is a point of it under an id that no chunk has: so it is wiped with the data, and an empty
//! server says that it has nothing. Writes wait until they are applied. The server builds graphs
//! and drops what was deleted by itself.

mod config;
mod connection;
mod request;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use qdrant_client::qdrant::vector_output::Vector;
use qdrant_client::qdrant::{CountPoints, Filter as ServerFilter};

pub use config::{ApiKey, ServerAddress, ServerConfig};

use super::{DenseIndex, Quantization, plain};
use crate::embed::VectorSpace;
use crate::{ChunkId, Error, Filter, IndexedDocument, Result};
use connection::{Connection, Failure, Patience};
use request::{Requests, WATERMARK, number};

/// Points sent at once: about 400 kB.
const BATCH: usize = 256;

/// Vectors of one embedder, on a server.
pub struct ServerIndex {
    connection: Connection,
    requests: Requests,
    dimension: usize,
    /// Held while the collection is made, so that it is made once.
    making: Mutex<()>,
}

impl ServerIndex {
    /// The index of a vector space on a server. The server is not asked yet: its collection is
    /// made by the first call that reaches it.
    ///
    /// # Errors
    /// Where the client cannot be set up.
    pub fn open(
        config: &ServerConfig,
        quantization: Quantization,
        space: &VectorSpace,
    ) -> Result<Self> {
        Ok(Self {
            connection: Connection::new(config)?,
            requests: Requests {
                collection: Self::collection_for(config, space),
                config: config.clone(),
                quantization,
                dimension: space.dimension,
            },
            dimension: space.dimension,
            making: Mutex::new(()),
        })
    }

    /// The name of the space's collection.
    pub fn collection_for(config: &ServerConfig, space: &VectorSpace) -> String {
        format!(
            "{}-{}-{}",
            plain(&config.collection),
            plain(&space.id),
            plain(&space.revision)
        )
    }

    /// Deletes the collection: for a vector space that is no longer used.
    ///
    /// # Errors
    /// Where the server cannot be reached.
    pub fn delete(&self) -> Result<()> {
        let name = self.requests.collection.clone();
        self.connection.ready.store(false, Ordering::Relaxed);
        let deleted = self.connection.call(Patience::Write, move |client| {
            let name = name.clone();
            async move { client.delete_collection(name).await }
        });
        match deleted {
            Ok(_) | Err(Failure::Missing) => Ok(()),
            Err(Failure::Other(error)) => Err(error),
        }
    }

    /// Makes the collection where it is not there, and checks that it fits where it is.
    fn prepare(&self, patience: Patience) -> Result<()> {
        let ready = &self.connection.ready;
        if ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _making = self.making.lock().unwrap_or_else(|lock| lock.into_inner());
        if ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        let name = self.requests.collection.clone();
        let asked = self.connection.call(patience, move |client| {
            let name = name.clone();
            async move { client.collection_info(name).await }
        });
        let indexed = match asked {
            Ok(answer) => {
                let info = answer.result.unwrap_or_default();
                request::check_fits(&info, &self.requests.collection, self.dimension)?;
                info.payload_schema.into_keys().collect()
            }
            Err(Failure::Missing) => {
                let request = self.requests.create();
                let created = self.connection.call(Patience::Write, move |client| {
                    let request = request.clone();
                    async move { client.create_collection(request).await }
                });
                match created {
                    Ok(_) => Vec::new(),
                    Err(failure) => return Err(failure.into()),
                }
            }
            Err(failure) => return Err(failure.into()),
        };
        for request in self.requests.payload_indexes(&indexed) {
            self.connection.call(Patience::Write, move |client| {
                let request = request.clone();
                async move { client.create_field_index(request).await }
            })?;
        }
        ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Waits for a call on a collection that is there; one that vanished meanwhile is an error
    /// that a search can do without, and the next call makes it again, empty.
    fn ask<T, F, A>(&self, patience: Patience, call: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(qdrant_client::Qdrant) -> A + Send + 'static,
        A: Future<Output = std::result::Result<T, qdrant_client::QdrantError>> + Send + 'static,
    {
        self.prepare(patience)?;
        self.connection
            .call(patience, call)
            .map_err(|failure| match failure {
                Failure::Missing => self.connection.unavailable(format!(
                    "the collection {} is gone; it is filled again when Lectern next catches up",
                    self.requests.collection
                )),
                Failure::Other(error) => error,
            })
    }

    fn counted(&self, filter: ServerFilter) -> Result<usize> {
        let request = CountPoints {
            collection_name: self.requests.collection.clone(),
            filter: Some(filter),
            exact: Some(true),
            ..CountPoints::default()
        };
        let answer = self.ask(Patience::Write, move |client| {
            let request = request.clone();
            async move { client.count(request).await }
        })?;
        Ok(answer.result.map_or(0, |result| result.count as usize))
    }

    fn delete_points(&self, filter: ServerFilter) -> Result<()> {
        let request = self.requests.delete(filter);
        self.ask(Patience::Write, move |client| {
            let request = request.clone();
            async move { client.delete_points(request).await }
        })?;
        Ok(())
    }
}

impl DenseIndex for ServerIndex {
    fn watermark(&self) -> Result<u64> {
        let request = self.requests.get(&[WATERMARK], true, false);
        let answer = self.ask(Patience::Write, move |client| {
            let request = request.clone();
            async move { client.get_points(request).await }
        })?;
        Ok(answer.result.first().map_or(0, request::sequence_of))
    }

    fn put(&self, document: &IndexedDocument, vectors: Vec<Vec<f32>>) -> Result<()> {
        super::check_vectors(document, &vectors, self.dimension)?;
        let mut vectors = vectors.into_iter();
        for chunks in document.chunks.chunks(BATCH) {
            let vectors = vectors.by_ref().take(chunks.len());
            let request = self.requests.upsert(document, chunks, vectors);
            self.ask(Patience::Write, move |client| {
                let request = request.clone();
                async move { client.upsert_points(request).await }
            })?;
        }
        self.delete_points(request::other_points(document))
    }

    fn remove(&self, document_id: &str) -> Result<()> {
        self.delete_points(request::of_document(document_id))
    }

    fn holds(&self, document: &IndexedDocument) -> Result<bool> {
        let wanted = document.chunks.len();
        if self.count(Some(&document.document_id))? != wanted {
            return Ok(false);
        }
        Ok(wanted == 0 || self.counted(request::these_points(document))? == wanted)
    }

    fn describe(&self, document: &IndexedDocument) -> Result<()> {
        for request in self.requests.describe(document) {
            self.ask(Patience::Write, move |client| {
                let request = request.clone();
                async move { client.overwrite_payload(request).await }
            })?;
        }
        Ok(())
    }

    fn commit(&self, sequence: u64) -> Result<()> {
        let request = self.requests.watermark(sequence);
        self.ask(Patience::Write, move |client| {
            let request = request.clone();
            async move { client.upsert_points(request).await }
        })?;
        Ok(())
    }

    fn search(&self, vector: &[f32], limit: usize, filter: &Filter) -> Result<Vec<(ChunkId, f32)>> {
        if vector.len() != self.dimension {
            return Err(Error::Dense(format!(
                "a vector of {} numbers was looked for among those of {}",
                vector.len(),
                self.dimension
            )));
        }
        let nothing_fits = filter.documents.as_ref().is_some_and(Vec::is_empty);
        if limit == 0 || nothing_fits {
            return Ok(Vec::new());
        }
        let request = self.requests.search(vector, limit, filter);
        let answer = self.ask(Patience::Search, move |client| {
            let request = request.clone();
            async move { client.search_points(request).await }
        })?;
        let mut found: Vec<(ChunkId, f32)> = answer
            .result
            .iter()
            .filter_map(|point| Some((number(point.id.as_ref())?, point.score)))
            .filter(|&(id, _)| id != WATERMARK)
            .collect();
        found.truncate(limit);
        Ok(found)
    }

    fn vectors(&self, ids: &[ChunkId]) -> Result<Vec<Option<Vec<f32>>>> {
        let mut found: HashMap<ChunkId, Vec<f32>> = HashMap::new();
        for batch in ids.chunks(BATCH) {
            let request = self.requests.get(batch, false, true);
            let answer = self.ask(Patience::Search, move |client| {
                let request = request.clone();
                async move { client.get_points(request).await }
            })?;
            for point in answer.result {
                let vector = point.vectors.and_then(|vectors| vectors.get_vector());
                if let (Some(id), Some(Vector::Dense(vector))) = (number(point.id.as_ref()), vector)
                {
                    found.insert(id, vector.data);
                }
            }
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    fn count(&self, document_id: Option<&str>) -> Result<usize> {
        self.counted(match document_id {
            Some(id) => request::of_document(id),
            None => request::chunks_only(),
        })
    }

    fn optimize(&self) -> Result<bool> {
        Ok(false)
    }
}
