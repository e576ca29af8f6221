//! Measurements that anyone can run again: `lectern eval`.

pub mod extraction;
mod gold;
mod words;
