//! The `lectern` binary's parts: settings, catalog, library, models, web page and command line.
//!
//! Start reading at [`cli::main`]; a file's way in is [`library::add`], a question's way is
//! [`library::ask`].

pub mod bench;
pub mod bibliography;
pub mod catalog;
pub mod cli;
pub mod control;
pub mod error;
pub mod eval;
pub mod jobs;
pub mod library;
pub mod mcp;
pub mod models;
pub mod paging;
pub mod progress;
pub mod reranker;
pub mod settings;
pub mod training;
pub mod web;
mod zotero;
