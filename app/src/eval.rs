//! Measurements that anyone can run again: `lectern eval`.

pub mod chunks;
pub mod extraction;
mod gold;
mod words;
