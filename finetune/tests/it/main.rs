//! Tests of the crate at its boundaries, in one binary because linking is slow.

mod configs;
mod datasets;
mod estimates;
mod gradients;
mod real;
mod reranker;
mod resume;
mod runs;
mod start;
mod tiny;
