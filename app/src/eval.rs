//! Measurements that anyone can run again: `lectern eval`.

pub mod beir;
pub mod chunks;
pub mod extraction;
mod gold;
pub mod ranking;
pub mod report;
pub mod retrieval;
mod words;
