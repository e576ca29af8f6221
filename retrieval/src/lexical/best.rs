//! The best few of many scored chunks.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::ChunkId;

/// Keeps the `limit` best chunks; of two with equal scores the one with the lower id, so that the
/// order does not depend on how the index is laid out.
pub(super) struct Best {
    limit: usize,
    kept: BinaryHeap<Reverse<Entry>>,
}

#[derive(Clone, Copy, PartialEq)]
struct Entry {
    score: f32,
    id: ChunkId,
}

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = self.score.total_cmp(&other.score);
        by_score.then_with(|| other.id.cmp(&self.id))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Best {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: BinaryHeap::new(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// The score below which nothing is kept any more.
    pub(super) fn floor(&self) -> f32 {
        if self.kept.len() < self.limit {
            return 0.0;
        }
        self.kept.peek().map_or(f32::MAX, |entry| entry.0.score)
    }

    pub(super) fn offer(&mut self, id: ChunkId, score: f32) {
        self.kept.push(Reverse(Entry { score, id }));
        if self.kept.len() > self.limit {
            self.kept.pop();
        }
    }

    pub(super) fn into_sorted(self) -> Vec<(ChunkId, f32)> {
        let sorted = self.kept.into_sorted_vec().into_iter();
        sorted
            .map(|Reverse(entry)| (entry.id, entry.score))
            .collect()
    }
}
