//! A library of any size that behaves like a real one.
//!
//! Vectors: real passages are embedded, and each further vector lies between two of them that are
//! near each other, with a little noise. So vectors keep the clusters and the lower inner dimension
//! of real ones; random vectors, all as far from each other, would make graphs look worse and
//! quantisation better than they are. Texts: spans of real sentences put together anew, so that
//! words are as frequent, and as often together, as in the collection.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use retrieval::{IndexedChunk, IndexedDocument};

/// Chunks of a made document.
pub const CHUNKS_OF_DOCUMENT: usize = 30;
/// Words of a made chunk: about 250 tokens.
const WORDS: usize = 170;
/// Words taken together.
const SPAN: usize = 17;
/// Passages that one is mixed with: its nearest.
const NEIGHBOURS: usize = 8;
const SECTIONS: [&str; 5] = [
    "Introduction",
    "Methods",
    "Results",
    "Discussion",
    "Conclusion",
];

/// What a library is made from.
pub struct Material {
    passages: Vec<Vec<String>>,
    vectors: Vec<Vec<f32>>,
    /// The nearest passages of each.
    near: Vec<Vec<usize>>,
}

impl Material {
    /// From real passages and their L2-normalised vectors.
    pub fn new(passages: &[String], vectors: Vec<Vec<f32>>) -> Self {
        let near = vectors
            .iter()
            .enumerate()
            .map(|(number, vector)| {
                let mut others: Vec<(usize, f32)> = vectors
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != number)
                    .map(|(other, candidate)| (other, dot(vector, candidate)))
                    .collect();
                others.sort_by(|left, right| right.1.total_cmp(&left.1));
                others.truncate(NEIGHBOURS);
                others.into_iter().map(|(other, _)| other).collect()
            })
            .collect();
        let passages = passages
            .iter()
            .map(|passage| passage.split_whitespace().map(str::to_owned).collect())
            .collect();
        Self {
            passages,
            vectors,
            near,
        }
    }

    /// Document `number` with its vectors: the same each time.
    pub fn document(&self, number: usize, chunks: usize) -> (IndexedDocument, Vec<Vec<f32>>) {
        let mut random = SmallRng::seed_from_u64(number as u64);
        let first = (number * CHUNKS_OF_DOCUMENT + 1) as u64;
        let mut vectors = Vec::with_capacity(chunks);
        let chunks = (0..chunks as u64)
            .map(|at| {
                vectors.push(self.vector(&mut random));
                IndexedChunk {
                    id: first + at,
                    text: self.text(&mut random),
                    section: Some(SECTIONS[random.random_range(0..SECTIONS.len())].into()),
                }
            })
            .collect();
        let document = IndexedDocument {
            document_id: format!("{:032x}", 0x5bd1_e995_u128 * (number as u128 + 1)),
            collection: format!("collection-{}", number % 10),
            title: self.span(&mut random, 9).join(" "),
            authors: vec![self.span(&mut random, 2).join(" ")],
            chunks,
        };
        (document, vectors)
    }

    fn vector(&self, random: &mut SmallRng) -> Vec<f32> {
        let one = random.random_range(0..self.vectors.len());
        let near = &self.near[one];
        let other = match near.len() {
            0 => one,
            neighbours => near[random.random_range(0..neighbours)],
        };
        let share = random.random_range(0.0..0.5_f32);
        let dimension = self.vectors[one].len();
        // Uniform noise of this width has a length of about `loudness`.
        let loudness = random.random_range(0.1..0.4_f32);
        let width = loudness * (3.0 / dimension as f32).sqrt();
        let mixed = self.vectors[one]
            .iter()
            .zip(&self.vectors[other])
            .map(|(x, y)| x * (1.0 - share) + y * share + random.random_range(-width..width))
            .collect::<Vec<f32>>();
        let length = dot(&mixed, &mixed).sqrt().max(f32::MIN_POSITIVE);
        mixed.into_iter().map(|x| x / length).collect()
    }

    fn text(&self, random: &mut SmallRng) -> String {
        let mut text = String::new();
        for _ in 0..WORDS.div_ceil(SPAN) {
            for word in self.span(random, SPAN) {
                text.push_str(word);
                text.push(' ');
            }
        }
        text
    }

    fn span(&self, random: &mut SmallRng, words: usize) -> &[String] {
        let passage = &self.passages[random.random_range(0..self.passages.len())];
        let start = random.random_range(0..passage.len().saturating_sub(words) + 1);
        &passage[start..(start + words).min(passage.len())]
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_documents_are_the_same_each_time_and_near_real_ones() {
        let passages = ["one two three", "four five six seven", "eight"].map(str::to_owned);
        let axis = |at: usize| (0..16).map(|i| f32::from(u8::from(i == at))).collect();
        let vectors: Vec<Vec<f32>> = vec![axis(0), axis(1), axis(2)];
        let material = Material::new(&passages, vectors.clone());
        let (document, made) = material.document(4, 20);
        let (again, made_again) = material.document(4, 20);
        assert_eq!(document.chunks[3].text, again.chunks[3].text);
        assert_eq!(made, made_again);
        assert_eq!(document.chunks[0].id, 121);
        for vector in made {
            assert!((dot(&vector, &vector) - 1.0).abs() < 1e-4);
            let nearest = vectors
                .iter()
                .map(|real| dot(real, &vector))
                .fold(0.0, f32::max);
            assert!(nearest > 0.55, "{nearest}");
        }
    }
}
