//! Adapters from a run's folder to answers: evaluated, promoted, served, rolled back. A tiny random
//! model, trained in the test by the very recipe; real stores and the real embedder.

mod closed_loop;
mod command_line;
#[path = "../common/mod.rs"]
mod common;
mod http;
mod trained;
