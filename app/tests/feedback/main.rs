//! Feedback from the click to the training example: given, reviewed, exported, imported elsewhere,
//! taken back, and gone with its documents. Real models, real stores.

mod command_line;
#[path = "../common/mod.rs"]
mod common;
mod datasets;
mod http;
mod own;
