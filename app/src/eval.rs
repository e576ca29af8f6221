//! Measurements that anyone can run again: `lectern eval`.

pub mod answers;
pub mod beir;
pub mod calibration;
pub mod chunks;
pub mod extraction;
mod gold;
pub mod interval;
pub mod own;
pub mod ranking;
pub mod report;
pub mod retrieval;
pub mod text;
mod words;
