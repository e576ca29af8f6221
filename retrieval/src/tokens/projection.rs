//! From a model's token vectors to 256 mixed directions: centre, scale to length 1, keep the
//! subspace that holds most of the variance, rotate it at random.
//!
//! The subspace is found by orthogonal iteration (Golub and Van Loan, "Matrix Computations", 7.3):
//! only the space that the columns span matters, not each column, because they are rotated anyway.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::codec::BITS;
use crate::rerank::dot;

/// Steps of the iteration; the subspace hardly turns after that.
const STEPS: usize = 8;

/// Mean and directions of a model's token vectors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Projection {
    /// `(dimension)`.
    mean: Vec<f32>,
    /// `(BITS, dimension)`, a direction a row. Where the model has fewer dimensions than `BITS`,
    /// rows are random unit vectors.
    rows: Vec<Vec<f32>>,
}

impl Projection {
    /// Fits to `samples`, `(n, dimension)` flat.
    pub(super) fn fit(samples: &[f32], dimension: usize) -> Self {
        let count = (samples.len() / dimension).max(1) as f32;
        let mut mean = vec![0.0; dimension];
        for vector in samples.chunks_exact(dimension) {
            add(&mut mean, vector, 1.0 / count);
        }
        let centred: Vec<Vec<f32>> = samples
            .chunks_exact(dimension)
            .map(|vector| normalised(&difference(vector, &mean)))
            .collect();
        let mut rng = StdRng::seed_from_u64(1);
        let kept = BITS.min(dimension);
        let mut basis = random(&mut rng, kept, dimension);
        orthonormalise(&mut basis);
        if kept < dimension {
            let covariance = covariance(&centred, dimension);
            for _ in 0..STEPS {
                basis = basis
                    .iter()
                    .map(|row| covariance.iter().map(|other| dot(row, other)).collect())
                    .collect();
                orthonormalise(&mut basis);
            }
        }
        let mut mix = random(&mut rng, BITS, kept);
        if kept == BITS {
            orthonormalise(&mut mix);
        }
        let rows = mix
            .iter()
            .map(|weights| {
                let mut row = vec![0.0; dimension];
                for (weight, direction) in weights.iter().zip(&basis) {
                    add(&mut row, direction, *weight);
                }
                normalised(&row)
            })
            .collect();
        Self { mean, rows }
    }

    /// `(dimension)`.
    pub(super) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// `(BITS)`, not normalised.
    pub(super) fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let centred = normalised(&difference(vector, &self.mean));
        self.rows.iter().map(|row| dot(row, &centred)).collect()
    }

    /// Dimension, mean and rows, little-endian, with a checksum in front.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(4 * (1 + self.mean.len() * (BITS + 1)));
        body.extend((self.mean.len() as u32).to_le_bytes());
        for value in self.mean.iter().chain(self.rows.iter().flatten()) {
            body.extend(value.to_le_bytes());
        }
        let mut bytes = crc32fast::hash(&body).to_le_bytes().to_vec();
        bytes.extend(body);
        bytes
    }

    /// `None` where the bytes are damaged.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (crc, body) = bytes.split_first_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (dimension, values) = body.split_first_chunk::<4>()?;
        let dimension = u32::from_le_bytes(*dimension) as usize;
        let values: Vec<f32> = values
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        if dimension == 0 || values.len() != dimension * (BITS + 1) {
            return None;
        }
        let (mean, rows) = values.split_at(dimension);
        Some(Self {
            mean: mean.to_vec(),
            rows: rows.chunks_exact(dimension).map(<[f32]>::to_vec).collect(),
        })
    }
}

/// Scaled to length 1; zeros stay zeros.
pub(super) fn normalised(vector: &[f32]) -> Vec<f32> {
    let length = dot(vector, vector).sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    vector.iter().map(|value| value * scale).collect()
}

/// `(dimension, dimension)`.
fn covariance(vectors: &[Vec<f32>], dimension: usize) -> Vec<Vec<f32>> {
    let mut sums = vec![vec![0.0; dimension]; dimension];
    for vector in vectors {
        for (row, value) in sums.iter_mut().zip(vector) {
            add(row, vector, *value);
        }
    }
    sums
}

/// Gram-Schmidt, with a second pass where the first lost precision.
fn orthonormalise(rows: &mut [Vec<f32>]) {
    for at in 0..rows.len() {
        let (before, rest) = rows.split_at_mut(at);
        let row = &mut rest[0];
        for _ in 0..2 {
            for other in before.iter() {
                let overlap = dot(row, other);
                add(row, other, -overlap);
            }
        }
        *row = normalised(row);
    }
}

/// Standard normal numbers, `(rows, columns)`, by Box and Muller.
fn random(rng: &mut StdRng, rows: usize, columns: usize) -> Vec<Vec<f32>> {
    let mut normal = || {
        let (radius, angle): (f32, f32) = (rng.random_range(f32::MIN_POSITIVE..1.0), rng.random());
        (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * angle).cos()
    };
    (0..rows)
        .map(|_| (0..columns).map(|_| normal()).collect())
        .collect()
}

pub(super) fn difference(one: &[f32], other: &[f32]) -> Vec<f32> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one - other)
        .collect()
}

fn add(sum: &mut [f32], vector: &[f32], scale: f32) {
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += value * scale;
    }
}
