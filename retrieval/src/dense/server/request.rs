//! What is sent to a server, and what is read of its answers.

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::quantization_config::Quantization as QuantizationKind;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    BinaryQuantization, CollectionInfo, Condition, CreateCollection, CreateFieldIndexCollection,
    DeletePoints, Distance, FieldCondition, FieldType, Filter as ServerFilter, GetPoints,
    HnswConfigDiff, Match, PointId, PointStruct, QuantizationConfig, QuantizationSearchParams,
    QuantizationType, RepeatedStrings, RetrievedPoint, ScalarQuantization, SearchParams,
    SearchPoints, SetPayloadPoints, UpsertPoints, Value, VectorParams, VectorsConfig,
    WriteOrdering, WriteOrderingType,
};

use super::super::{
    COLLECTION, DOCUMENT, FIELDS, HNSW_EF_CONSTRUCT, HNSW_EF_SEARCH, HNSW_M, Quantization, SECTION,
};
use super::config::ServerConfig;
use crate::{ChunkId, Error, Filter, IndexedChunk, IndexedDocument, Result};

/// Id of the point that carries the watermark; chunks are numbered from 1 by the catalog, in 63
/// bits.
pub(super) const WATERMARK: ChunkId = u64::MAX;
/// Its payload.
const SEQUENCE: &str = "sequence";

/// Makes requests for one collection.
pub(super) struct Requests {
    pub(super) collection: String,
    pub(super) config: ServerConfig,
    pub(super) quantization: Quantization,
    pub(super) dimension: usize,
}

impl Requests {
    // Servers before 1.17 know only the fields that the client calls deprecated.
    #[allow(deprecated)]
    pub(super) fn create(&self) -> CreateCollection {
        let on_disk = Some(self.config.on_disk);
        let kind = match self.quantization {
            Quantization::None => None,
            Quantization::Scalar => Some(QuantizationKind::Scalar(ScalarQuantization {
                r#type: QuantizationType::Int8.into(),
                quantile: Some(0.99),
                ..ScalarQuantization::default()
            })),
            Quantization::Binary => Some(QuantizationKind::Binary(BinaryQuantization::default())),
        };
        CreateCollection {
            collection_name: self.collection.clone(),
            vectors_config: Some(VectorsConfig {
                config: Some(Config::Params(VectorParams {
                    size: self.dimension as u64,
                    distance: Distance::Cosine.into(),
                    on_disk,
                    ..VectorParams::default()
                })),
            }),
            hnsw_config: Some(HnswConfigDiff {
                m: Some(HNSW_M as u64),
                ef_construct: Some(HNSW_EF_CONSTRUCT as u64),
                on_disk,
                ..HnswConfigDiff::default()
            }),
            quantization_config: kind.map(|kind| QuantizationConfig {
                quantization: Some(kind),
            }),
            shard_number: Some(self.config.shards),
            replication_factor: Some(self.config.replicas),
            write_consistency_factor: Some(self.config.replicas / 2 + 1),
            on_disk_payload: Some(true),
            ..CreateCollection::default()
        }
    }

    /// For the fields that are not in `indexed`.
    pub(super) fn payload_indexes(&self, indexed: &[String]) -> Vec<CreateFieldIndexCollection> {
        FIELDS
            .into_iter()
            .filter(|field| !indexed.iter().any(|name| name == field))
            .map(|field| CreateFieldIndexCollection {
                collection_name: self.collection.clone(),
                wait: Some(true),
                field_name: field.to_owned(),
                field_type: Some(FieldType::Keyword.into()),
                ..CreateFieldIndexCollection::default()
            })
            .collect()
    }

    pub(super) fn upsert(
        &self,
        document: &IndexedDocument,
        chunks: &[IndexedChunk],
        vectors: impl Iterator<Item = Vec<f32>>,
    ) -> UpsertPoints {
        let points = chunks
            .iter()
            .zip(vectors)
            .map(|(chunk, vector)| {
                let payload = super::super::payload(document, chunk.kind().name());
                PointStruct::new(chunk.id, vector, payload)
            })
            .collect();
        self.upsert_points(points)
    }

    pub(super) fn watermark(&self, sequence: u64) -> UpsertPoints {
        let mut vector = vec![0.0; self.dimension];
        if let Some(first) = vector.first_mut() {
            *first = 1.0;
        }
        let payload = [(SEQUENCE, Value::from(sequence as i64))];
        self.upsert_points(vec![PointStruct::new(WATERMARK, vector, payload)])
    }

    fn upsert_points(&self, points: Vec<PointStruct>) -> UpsertPoints {
        UpsertPoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            points,
            ordering: in_order(),
            ..UpsertPoints::default()
        }
    }

    pub(super) fn delete(&self, filter: ServerFilter) -> DeletePoints {
        DeletePoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            points: Some(filter.into()),
            ordering: in_order(),
            ..DeletePoints::default()
        }
    }

    pub(super) fn describe(&self, document: &IndexedDocument) -> Vec<SetPayloadPoints> {
        super::super::by_payload(document)
            .into_iter()
            .map(|(payload, ids)| SetPayloadPoints {
                collection_name: self.collection.clone(),
                wait: Some(true),
                payload: qdrant_client::Payload::from(payload).into(),
                points_selector: Some(points(ids).into()),
                ordering: in_order(),
                ..SetPayloadPoints::default()
            })
            .collect()
    }

    pub(super) fn get(&self, ids: &[ChunkId], payload: bool, vectors: bool) -> GetPoints {
        GetPoints {
            collection_name: self.collection.clone(),
            ids: points(ids.iter().copied()),
            with_payload: Some(payload.into()),
            with_vectors: Some(vectors.into()),
            ..GetPoints::default()
        }
    }

    pub(super) fn search(&self, vector: &[f32], limit: usize, filter: &Filter) -> SearchPoints {
        let quantization = self.quantization;
        SearchPoints {
            collection_name: self.collection.clone(),
            vector: vector.to_vec(),
            filter: restriction(filter),
            // The watermark may be among the nearest.
            limit: limit as u64 + 1,
            with_payload: Some(false.into()),
            params: Some(SearchParams {
                hnsw_ef: Some(HNSW_EF_SEARCH as u64),
                quantization: (quantization != Quantization::None).then(|| {
                    QuantizationSearchParams {
                        ignore: None,
                        rescore: Some(true),
                        oversampling: Some(quantization.oversampling()),
                    }
                }),
                ..SearchParams::default()
            }),
            ..SearchPoints::default()
        }
    }
}

/// Later writes must not overtake earlier ones on another replica.
fn in_order() -> Option<WriteOrdering> {
    Some(WriteOrdering {
        r#type: WriteOrderingType::Medium.into(),
    })
}

fn points(ids: impl IntoIterator<Item = ChunkId>) -> Vec<PointId> {
    ids.into_iter().map(PointId::from).collect()
}

fn ids_of(document: &IndexedDocument) -> Condition {
    Condition::has_id(document.chunks.iter().map(|chunk| chunk.id))
}

/// The points of a document.
pub(super) fn of_document(document_id: &str) -> ServerFilter {
    ServerFilter::must([keyword(
        DOCUMENT,
        MatchValue::Keyword(document_id.to_owned()),
    )])
}

/// The points of a document that are not of its chunks.
pub(super) fn other_points(document: &IndexedDocument) -> ServerFilter {
    ServerFilter {
        must_not: vec![ids_of(document)],
        ..of_document(&document.document_id)
    }
}

/// The points of a document that are of its chunks.
pub(super) fn these_points(document: &IndexedDocument) -> ServerFilter {
    let mut filter = of_document(&document.document_id);
    filter.must.push(ids_of(document));
    filter
}

/// All points but the watermark.
pub(super) fn chunks_only() -> ServerFilter {
    ServerFilter::must_not([Condition::has_id([WATERMARK])])
}

/// The client's own `Condition::matches` takes a word with a blank in it for a search in a text.
fn keyword(field: &str, value: MatchValue) -> Condition {
    Condition {
        condition_one_of: Some(ConditionOneOf::Field(FieldCondition {
            key: field.to_owned(),
            r#match: Some(Match {
                match_value: Some(value),
            }),
            ..FieldCondition::default()
        })),
    }
}

fn any(strings: Vec<String>) -> MatchValue {
    MatchValue::Keywords(RepeatedStrings { strings })
}

fn restriction(filter: &Filter) -> Option<ServerFilter> {
    let mut must = Vec::new();
    if let Some(collection) = &filter.collection {
        must.push(keyword(COLLECTION, MatchValue::Keyword(collection.clone())));
    }
    if let Some(documents) = &filter.documents {
        must.push(keyword(DOCUMENT, any(documents.clone())));
    }
    if !filter.section_kinds.is_empty() {
        let names = filter.section_kinds.iter();
        let names = names.map(|kind| kind.name().to_owned()).collect();
        must.push(keyword(SECTION, any(names)));
    }
    (!must.is_empty()).then(|| ServerFilter::must(must))
}

/// The number of a point.
pub(super) fn number(id: Option<&PointId>) -> Option<ChunkId> {
    match id?.point_id_options.as_ref()? {
        PointIdOptions::Num(number) => Some(*number),
        PointIdOptions::Uuid(_) => None,
    }
}

/// What the watermark's point says.
pub(super) fn sequence_of(point: &RetrievedPoint) -> u64 {
    point
        .payload
        .get(SEQUENCE)
        .and_then(Value::as_integer)
        .and_then(|sequence| u64::try_from(sequence).ok())
        .unwrap_or(0)
}

/// Refuses a collection that somebody else made for other vectors.
pub(super) fn check_fits(info: &CollectionInfo, name: &str, dimension: usize) -> Result<()> {
    let config = info
        .config
        .as_ref()
        .and_then(|config| config.params.as_ref())
        .and_then(|params| params.vectors_config.as_ref())
        .and_then(|vectors| vectors.config.as_ref());
    match config {
        Some(Config::Params(params))
            if params.size == dimension as u64 && params.distance() == Distance::Cosine =>
        {
            Ok(())
        }
        _ => Err(Error::Dense(format!(
            "the collection {name} on the server is not one of {dimension} numbers by cosine; \
             delete it there, or set qdrant.collection to another name"
        ))),
    }
}
