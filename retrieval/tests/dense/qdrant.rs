//! A server that speaks Qdrant's protocol, as far as Lectern asks, with Qdrant's engine behind it.
//! It can refuse, fail for a while and break off in the middle of a call.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::{Points, PointsServer};
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{self as wire, point_id::PointIdOptions, vectors_config::Config};
use qdrant_edge::{
    AnyVariants, Condition, CountRequest, CreateIndex, DEFAULT_VECTOR_NAME, Distance,
    EdgeConfigBuilder, EdgeShard, EdgeVectorParams, FieldCondition, FieldIndexOperations, Filter,
    HasIdCondition, JsonPath, Match, PayloadFieldSchema, PayloadOps, PayloadSchemaType, PointId,
    PointInsertOperations, PointOperations, PointStruct, SearchRequest, SetPayloadOp,
    UpdateOperation, VectorStructInternal, WithPayloadInterface, WithVector,
};
use tonic::{Request, Response, Status};

pub(crate) struct Collection {
    shard: EdgeShard,
    size: u64,
    indexed: HashSet<String>,
    _folder: tempfile::TempDir,
}

/// How the server behaves, and what it has.
#[derive(Default)]
pub(crate) struct Behaviour {
    pub(crate) collections: Mutex<HashMap<String, Collection>>,
    /// The key that it asks for.
    pub(crate) api_key: Option<String>,
    /// Calls that it will still fail for a passing reason.
    pub(crate) failing: AtomicU32,
    /// Searches are taken and never answered.
    pub(crate) silent: AtomicBool,
    /// Points cannot be read by their number.
    pub(crate) without_vectors: AtomicBool,
    /// Searches that were taken.
    pub(crate) searches: AtomicU32,
    /// Collections as they were asked for.
    pub(crate) created: Mutex<Vec<wire::CreateCollection>>,
}

impl Behaviour {
    /// Loses everything, as a server with a new disk.
    pub(crate) fn wipe(&self) {
        self.collections.lock().unwrap().clear();
    }

    fn with<T>(
        &self,
        name: &str,
        call: impl FnOnce(&mut Collection) -> Result<T, qdrant_edge::OperationError>,
    ) -> Result<T, Status> {
        let mut collections = self.collections.lock().unwrap();
        let collection = collections
            .get_mut(name)
            .ok_or_else(|| Status::not_found(format!("Collection `{name}` doesn't exist!")))?;
        call(collection).map_err(|error| Status::invalid_argument(error.to_string()))
    }

    fn update(
        &self,
        name: &str,
        operation: UpdateOperation,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.with(name, |collection| collection.shard.update(operation))?;
        Ok(Response::new(wire::PointsOperationResponse::default()))
    }

    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        if let Some(key) = &self.api_key {
            let given = request
                .metadata()
                .get("api-key")
                .and_then(|key| key.to_str().ok());
            if given != Some(key) {
                return Err(Status::unauthenticated("Must provide an API key"));
            }
        }
        let take = |left: u32| left.checked_sub(1);
        match self
            .failing
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
        {
            Ok(_) => Err(Status::unavailable("overloaded")),
            Err(_) => Ok(()),
        }
    }
}

/// A running server; dropping it breaks its connections off.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) behaviour: Arc<Behaviour>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), Arc::new(behaviour))
    }

    pub(crate) fn start_at(address: SocketAddr, behaviour: Arc<Behaviour>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let service = Service(behaviour.clone());
        let router = {
            let _inside = runtime.enter();
            tonic::transport::Server::builder()
                .add_service(
                    PointsServer::new(service.clone()).max_decoding_message_size(usize::MAX),
                )
                .add_service(CollectionsServer::new(service))
        };
        runtime.spawn(
            router.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)),
        );
        Self {
            address,
            behaviour,
            runtime: Some(runtime),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        }
    }
}

#[derive(Clone)]
struct Service(Arc<Behaviour>);

fn path(field: &str) -> JsonPath {
    field.parse().unwrap()
}

fn number(id: &wire::PointId) -> PointId {
    match id.point_id_options {
        Some(PointIdOptions::Num(number)) => PointId::NumId(number),
        _ => panic!("Lectern numbers its points"),
    }
}

fn wire_id(id: PointId) -> Option<wire::PointId> {
    match id {
        PointId::NumId(number) => Some(number.into()),
        PointId::Uuid(_) => None,
    }
}

fn condition(condition: &wire::Condition) -> Condition {
    match condition.condition_one_of.as_ref().unwrap() {
        ConditionOneOf::HasId(ids) => Condition::HasId(HasIdCondition {
            has_id: ids.has_id.iter().map(number).collect(),
        }),
        ConditionOneOf::Field(field) => {
            let value = field
                .r#match
                .as_ref()
                .unwrap()
                .match_value
                .as_ref()
                .unwrap();
            let value = match value {
                MatchValue::Keyword(word) => Match::from(word.clone()),
                MatchValue::Keywords(words) => Match::from(AnyVariants::Strings(
                    words.strings.iter().cloned().collect(),
                )),
                other => panic!("Lectern does not match by {other:?}"),
            };
            Condition::Field(FieldCondition::new_match(path(&field.key), value))
        }
        other => panic!("Lectern does not filter by {other:?}"),
    }
}

fn filter(filter: &wire::Filter) -> Filter {
    let all = |conditions: &[wire::Condition]| {
        (!conditions.is_empty()).then(|| conditions.iter().map(condition).collect())
    };
    Filter {
        must: all(&filter.must),
        must_not: all(&filter.must_not),
        should: all(&filter.should),
        ..Filter::new()
    }
}

fn json(payload: HashMap<String, wire::Value>) -> serde_json::Map<String, serde_json::Value> {
    payload
        .into_iter()
        .map(|(field, value)| (field, value.into_json()))
        .collect()
}

fn dense(vectors: Option<wire::Vectors>) -> Vec<f32> {
    match vectors.and_then(|vectors| vectors.vectors_options) {
        Some(VectorsOptions::Vector(vector)) => match vector.vector {
            Some(wire::vector::Vector::Dense(vector)) => vector.data,
            #[allow(deprecated)]
            None => vector.data,
            other => panic!("Lectern's vectors are dense, not {other:?}"),
        },
        other => panic!("Lectern's vectors have no name: {other:?}"),
    }
}

/// Calls that Lectern does not make.
macro_rules! never_called {
    ($($name:ident($request:ident) -> $response:ident;)*) => {$(
        fn $name<'life0, 'async_trait>(
            &'life0 self,
            _: Request<wire::$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<wire::$response>, Status>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($name))) })
        }
    )*};
}

#[tonic::async_trait]
impl Collections for Service {
    async fn get(
        &self,
        request: Request<wire::GetCollectionInfoRequest>,
    ) -> Result<Response<wire::GetCollectionInfoResponse>, Status> {
        self.0.admit(&request)?;
        let result = self
            .0
            .with(&request.get_ref().collection_name, |collection| {
                let config = wire::CollectionConfig {
                    params: Some(wire::CollectionParams {
                        vectors_config: Some(wire::VectorsConfig {
                            config: Some(Config::Params(wire::VectorParams {
                                size: collection.size,
                                distance: wire::Distance::Cosine.into(),
                                ..Default::default()
                            })),
                        }),
                        ..Default::default()
                    }),
                    ..Default::default()
                };
                let indexed = collection.indexed.iter().cloned();
                Ok(wire::CollectionInfo {
                    config: Some(config),
                    payload_schema: indexed.map(|field| (field, Default::default())).collect(),
                    ..Default::default()
                })
            })?;
        Ok(Response::new(wire::GetCollectionInfoResponse {
            result: Some(result),
            time: 0.0,
        }))
    }

    async fn create(
        &self,
        request: Request<wire::CreateCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        self.0.created.lock().unwrap().push(request.clone());
        let mut collections = self.0.collections.lock().unwrap();
        if collections.contains_key(&request.collection_name) {
            return Err(Status::already_exists("Collection already exists!"));
        }
        let Some(Config::Params(params)) =
            request.vectors_config.and_then(|vectors| vectors.config)
        else {
            return Err(Status::invalid_argument("no vectors"));
        };
        assert_eq!(params.distance(), wire::Distance::Cosine);
        let vector = EdgeVectorParams::builder(params.size as usize, Distance::Cosine).build();
        let config = EdgeConfigBuilder::new()
            .vector(DEFAULT_VECTOR_NAME, vector)
            .build();
        let folder = tempfile::tempdir().unwrap();
        let shard = EdgeShard::new(folder.path(), config)
            .map_err(|error| Status::internal(error.to_string()))?;
        let collection = Collection {
            shard,
            size: params.size,
            indexed: HashSet::new(),
            _folder: folder,
        };
        collections.insert(request.collection_name, collection);
        Ok(Response::new(wire::CollectionOperationResponse {
            result: true,
            time: 0.0,
        }))
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        self.0.admit(&request)?;
        let name = &request.get_ref().collection_name;
        let result = self.0.collections.lock().unwrap().remove(name).is_some();
        Ok(Response::new(wire::CollectionOperationResponse {
            result,
            time: 0.0,
        }))
    }

    never_called! {
        list(ListCollectionsRequest) -> ListCollectionsResponse;
        update(UpdateCollection) -> CollectionOperationResponse;
        update_aliases(ChangeAliases) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        list_aliases(ListAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        collection_exists(CollectionExistsRequest) -> CollectionExistsResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}

#[tonic::async_trait]
impl Points for Service {
    async fn upsert(
        &self,
        request: Request<wire::UpsertPoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        assert_eq!(
            request.wait,
            Some(true),
            "a write that is not waited for may be lost"
        );
        let points = request.points.into_iter().map(|point| {
            let payload = serde_json::Value::Object(json(point.payload));
            PointStruct::new(number(&point.id.unwrap()), dense(point.vectors), payload).into()
        });
        let insert = PointInsertOperations::PointsList(points.collect());
        self.0.update(
            &request.collection_name,
            UpdateOperation::PointOperation(PointOperations::UpsertPoints(insert)),
        )
    }

    async fn delete(
        &self,
        request: Request<wire::DeletePoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        assert_eq!(request.wait, Some(true));
        match request
            .points
            .and_then(|points| points.points_selector_one_of)
        {
            Some(PointsSelectorOneOf::Filter(chosen)) => self.0.update(
                &request.collection_name,
                UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter(
                    &chosen,
                ))),
            ),
            other => panic!("Lectern deletes by filter, not {other:?}"),
        }
    }

    async fn get(
        &self,
        request: Request<wire::GetPoints>,
    ) -> Result<Response<wire::GetResponse>, Status> {
        self.0.admit(&request)?;
        if self.0.without_vectors.load(Ordering::SeqCst) {
            return Err(Status::unavailable("shutting down"));
        }
        let request = request.into_inner();
        let ids: Vec<PointId> = request.ids.iter().map(number).collect();
        let records = self.0.with(&request.collection_name, |collection| {
            let payload = WithPayloadInterface::Bool(true);
            collection
                .shard
                .retrieve(&ids, Some(payload), Some(WithVector::Bool(true)))
        })?;
        let result = records.into_iter().map(|record| {
            let payload = record.payload.map(|payload| payload.0).unwrap_or_default();
            let vector = match record.vector {
                Some(VectorStructInternal::Single(vector)) => vector,
                other => panic!("{other:?}"),
            };
            wire::RetrievedPoint {
                id: wire_id(record.id),
                payload: qdrant_client::Payload::from(payload).into(),
                vectors: Some(wire::VectorsOutput {
                    vectors_options: Some(wire::vectors_output::VectorsOptions::Vector(
                        wire::VectorOutput {
                            vector: Some(wire::vector_output::Vector::Dense(wire::DenseVector {
                                data: vector,
                            })),
                            ..Default::default()
                        },
                    )),
                }),
                ..Default::default()
            }
        });
        let result = result.collect();
        Ok(Response::new(wire::GetResponse {
            result,
            ..Default::default()
        }))
    }

    async fn overwrite_payload(
        &self,
        request: Request<wire::SetPayloadPoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        assert_eq!(request.wait, Some(true));
        let selector = request
            .points_selector
            .and_then(|points| points.points_selector_one_of);
        let Some(PointsSelectorOneOf::Points(points)) = selector else {
            panic!("Lectern describes points by id");
        };
        let overwrite = PayloadOps::OverwritePayload(SetPayloadOp {
            payload: qdrant_edge::Payload(json(request.payload)),
            points: Some(points.ids.iter().map(number).collect()),
            filter: None,
            key: None,
        });
        self.0.update(
            &request.collection_name,
            UpdateOperation::PayloadOperation(overwrite),
        )
    }

    async fn create_field_index(
        &self,
        request: Request<wire::CreateFieldIndexCollection>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        assert_eq!(request.field_type(), wire::FieldType::Keyword);
        let create =
            UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(CreateIndex {
                field_name: path(&request.field_name),
                field_schema: Some(PayloadFieldSchema::FieldType(PayloadSchemaType::Keyword)),
            }));
        self.0.with(&request.collection_name, |collection| {
            collection.indexed.insert(request.field_name.clone());
            collection.shard.update(create)
        })?;
        Ok(Response::new(wire::PointsOperationResponse::default()))
    }

    async fn search(
        &self,
        request: Request<wire::SearchPoints>,
    ) -> Result<Response<wire::SearchResponse>, Status> {
        self.0.admit(&request)?;
        self.0.searches.fetch_add(1, Ordering::SeqCst);
        if self.0.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let request = request.into_inner();
        let asked = SearchRequest {
            query: request.vector.into(),
            filter: request.filter.as_ref().map(filter),
            params: None,
            limit: request.limit as usize,
            offset: 0,
            with_payload: None,
            with_vector: None,
            score_threshold: None,
        };
        let found = self.0.with(&request.collection_name, |collection| {
            collection.shard.search(asked)
        })?;
        let result = found.into_iter().map(|point| wire::ScoredPoint {
            id: wire_id(point.id),
            score: point.score,
            ..Default::default()
        });
        let result = result.collect();
        Ok(Response::new(wire::SearchResponse {
            result,
            ..Default::default()
        }))
    }

    async fn count(
        &self,
        request: Request<wire::CountPoints>,
    ) -> Result<Response<wire::CountResponse>, Status> {
        self.0.admit(&request)?;
        let request = request.into_inner();
        let count = self.0.with(&request.collection_name, |collection| {
            collection.shard.count(CountRequest {
                filter: request.filter.as_ref().map(filter),
                exact: request.exact.unwrap_or(true),
            })
        })?;
        Ok(Response::new(wire::CountResponse {
            result: Some(wire::CountResult {
                count: count as u64,
            }),
            ..Default::default()
        }))
    }

    never_called! {
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        set_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        scroll(ScrollPoints) -> ScrollResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query(QueryPoints) -> QueryResponse;
        query_batch(QueryBatchPoints) -> QueryBatchResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}
