//! The API as it is described: the OpenAPI document names every route, and every response, failures
//! too, is held against it.

#[path = "../common/mod.rs"]
mod common;

mod codes;
mod contract;
mod failures;
mod idempotency;
mod lists;
mod routes;
#[path = "../common/tiny_answerer.rs"]
mod tiny_answerer;
mod training;
