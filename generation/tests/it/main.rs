//! Tests of the crate at its boundaries, in one binary because linking is slow.

mod alignment;
mod answers;
mod decoder;
mod evidence;
mod fakes;
mod followups;
mod intents;
mod llama;
mod prompt;
mod quotes;
mod replay;
mod summaries;
