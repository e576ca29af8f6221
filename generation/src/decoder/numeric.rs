//! Access to the numbers of CPU tensors, and the few vector loops that the decoder's own operations
//! are made of.
//!
//! The loops are written over fixed numbers of lanes so that the compiler turns them into vector
//! instructions, and run through [`pulp::Arch`], which picks the best that the machine has.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor};
use rayon::prelude::*;

const LANES: usize = 16;

/// Elements below which a loop is not worth a second thread.
const PARALLEL: usize = 16 * 1024;

/// The numbers of a contiguous argument of an operation.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("an operation of the decoder was given a strided tensor"),
    }
}

/// Calls `read` with the numbers of a tensor.
pub(super) fn with_values<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(read(values(storage, layout)?)),
        _ => candle_core::bail!("the decoder runs on the CPU only"),
    }
}

/// Runs `work` for each row of `out` (of `width` numbers), on all cores where that is worth it.
pub(super) fn for_each_row(
    out: &mut [f32],
    width: usize,
    work: impl Fn(usize, &mut [f32]) + Send + Sync,
) {
    if width == 0 {
        return;
    }
    let arch = pulp::Arch::new();
    if out.len() < PARALLEL {
        arch.dispatch(|| {
            for (index, row) in out.chunks_exact_mut(width).enumerate() {
                work(index, row);
            }
        });
        return;
    }
    let rows = (PARALLEL / 2 / width).max(1);
    out.par_chunks_mut(rows * width)
        .enumerate()
        .for_each(|(chunk, out)| {
            arch.dispatch(|| {
                for (index, row) in out.chunks_exact_mut(width).enumerate() {
                    work(chunk * rows + index, row);
                }
            });
        });
}

#[inline(always)]
fn fold(values: &[f32], start: f32, step: impl Fn(f32, f32) -> f32 + Copy) -> f32 {
    let mut lanes = [start; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = step(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = step(*lane, *value);
    }
    lanes.into_iter().fold(start, step)
}

/// The sum of all.
#[inline(always)]
pub(super) fn sum(values: &[f32]) -> f32 {
    fold(values, 0.0, |total, value| total + value)
}

/// The highest of all.
#[inline(always)]
pub(super) fn highest(values: &[f32]) -> f32 {
    fold(values, f32::NEG_INFINITY, |highest, value| {
        if value > highest { value } else { highest }
    })
}

/// The sum of products.
#[inline(always)]
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (left, right) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest: f32 = left
        .remainder()
        .iter()
        .zip(right.remainder())
        .map(|(left, right)| left * right)
        .sum();
    for (left, right) in left.zip(right) {
        for lane in 0..LANES {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// e to the power of `x`, within 2 units in the last place; at the ends of its range it stays
/// finite. Straight-line code, so that loops over it become vector instructions (reduction by
/// multiples of ln 2 and the Cephes library's polynomial).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding and subtracting this rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let power = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let rest = x - power * LN2_HIGH - power * LN2_LOW;
    let mut series = 1.987_569_1e-4;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        series = series * rest + coefficient;
    }
    let fraction = series * rest * rest + rest + 1.0;
    let scale = f32::from_bits(((power as i32 + 127) as u32) << 23);
    fraction * scale
}

/// The logistic function.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_the_exponential() {
        for step in -8700..=8800 {
            let x = step as f32 / 100.0;
            let (ours, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours - exact).abs() <= 3e-7 * exact, "{x}: {ours} {exact}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(1000.0).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn reductions_take_every_number() {
        for length in [0, 1, 15, 16, 17, 50] {
            let values: Vec<f32> = (0..length).map(|n| n as f32).collect();
            let expected: f32 = values.iter().sum();
            assert_eq!(sum(&values), expected);
            let squares: f32 = values.iter().map(|value| value * value).sum();
            assert_eq!(dot(&values, &values), squares);
            assert_eq!(
                highest(&values),
                values.last().copied().unwrap_or(f32::NEG_INFINITY)
            );
        }
    }
}
