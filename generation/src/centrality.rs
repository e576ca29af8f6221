//! How central each sentence of a text is: LexRank (Erkan and Radev, 2004,
//! <https://arxiv.org/abs/1109.2128>).
//!
//! What a text is about is said again and again in it, so a sentence that is like many others is
//! central. Sentences are compared by their words, weighted by how few sentences have them;
//! centrality is the stationary probability of a walk from sentence to like sentence.

use std::collections::{BTreeMap, HashMap};

/// A sentence's stems, by number, with their weights; of length 1, or empty.
pub(crate) type Vector = HashMap<u32, f32>;

/// Less alike than this is not alike.
const LIKENESS: f32 = 0.1;
/// Chance that the walk goes on rather than starts anywhere.
const DAMPING: f32 = 0.85;
const STEPS: usize = 30;

/// Sparse vectors of the sentences: inverse frequency of their stems, of length 1.
pub(crate) fn vectors(sentences: &[Vec<String>]) -> Vec<Vector> {
    let total = sentences.len() as f32;
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut having: Vec<f32> = Vec::new();
    let mut counted: Vec<BTreeMap<u32, f32>> = Vec::with_capacity(sentences.len());
    for stems in sentences {
        let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
        for stem in stems {
            let next = numbers.len() as u32;
            let number = *numbers.entry(stem.clone()).or_insert(next);
            *counts.entry(number).or_default() += 1.0;
        }
        having.resize(numbers.len(), 0.0);
        for number in counts.keys() {
            having[*number as usize] += 1.0;
        }
        counted.push(counts);
    }
    counted
        .into_iter()
        .map(|counts| {
            let weigh = |(number, count): (&u32, &f32)| {
                let idf = ((1.0 + total) / (0.5 + having[*number as usize])).ln();
                (*number, count * idf.max(0.0))
            };
            let weights: Vec<(u32, f32)> = counts.iter().map(weigh).collect();
            let length = weights.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
            match length > 0.0 {
                true => weights.into_iter().map(|(n, w)| (n, w / length)).collect(),
                false => Vector::new(),
            }
        })
        .collect()
}

/// Cosine of two vectors.
pub(crate) fn likeness(left: &Vector, right: &Vector) -> f32 {
    let (small, large) = match left.len() <= right.len() {
        true => (left, right),
        false => (right, left),
    };
    let mut shared: Vec<f32> = small
        .iter()
        .filter_map(|(stem, weight)| Some(weight * large.get(stem)?))
        .collect();
    // Maps have no order, and sums of floats depend on theirs.
    shared.sort_by(f32::total_cmp);
    shared.into_iter().sum()
}

/// Edges of the graph: like sentences, each with how alike.
pub(crate) fn graph(vectors: &[&Vector]) -> Vec<Vec<(usize, f32)>> {
    let mut edges: Vec<Vec<(usize, f32)>> = vec![Vec::new(); vectors.len()];
    let mut having: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, vector) in vectors.iter().enumerate() {
        let mut others: Vec<usize> = vector
            .keys()
            .filter_map(|stem| having.get(stem))
            .flatten()
            .copied()
            .collect();
        others.sort_unstable();
        others.dedup();
        for other in others {
            let alike = likeness(vector, vectors[other]);
            if alike >= LIKENESS {
                edges[at].push((other, alike));
                edges[other].push((at, alike));
            }
        }
        for stem in vector.keys() {
            having.entry(*stem).or_default().push(at);
        }
    }
    edges
}

/// Centrality of each sentence, the most central 1.
pub(crate) fn centrality(edges: &[Vec<(usize, f32)>]) -> Vec<f32> {
    let count = edges.len() as f32;
    let sums: Vec<f32> = edges
        .iter()
        .map(|edges| edges.iter().map(|(_, alike)| alike).sum())
        .collect();
    let mut ranks = vec![1.0 / count; edges.len()];
    for _ in 0..STEPS {
        let mut next = vec![(1.0 - DAMPING) / count; edges.len()];
        for (at, edges) in edges.iter().enumerate() {
            if sums[at] > 0.0 {
                for (other, alike) in edges {
                    next[*other] += DAMPING * ranks[at] * alike / sums[at];
                }
            }
        }
        ranks = next;
    }
    let most = ranks.iter().copied().fold(0.0, f32::max);
    ranks
        .into_iter()
        .map(|rank| if most > 0.0 { rank / most } else { 0.0 })
        .collect()
}
