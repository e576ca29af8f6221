//! Weights in four bits: NormalFloat with double quantisation (Dettmers et al., "QLoRA", 2023,
//! <https://arxiv.org/abs/2305.14314>, sections 3 and appendix E), with the constants of
//! bitsandbytes, so that what is trained here behaves as what is trained there.
//!
//! A run of 64 weights is divided by its largest magnitude, and each is replaced by the nearest of 16
//! values, the quantiles of a normal distribution. The magnitudes are themselves quantised: their
//! mean is taken off, runs of 256 are divided by *their* largest magnitude, and each is replaced by
//! the nearest of 256 values that are dense near zero. That is 4.127 bits a weight.

use std::sync::{Arc, LazyLock};

use candle_core::{Device, Result, Tensor};

use super::Kernels;
use super::linear::{Linear, frozen};
use super::numeric::{for_each_row, with_values};

/// Weights that share a magnitude.
const BLOCK: usize = 64;

/// Magnitudes that share theirs.
const SCALE_BLOCK: usize = 256;

/// The 16 values, ascending: bitsandbytes' `get_4bit_type("nf4")`.
const CODE: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The 256 values of magnitudes, ascending: bitsandbytes' `create_dynamic_map(signed=True)`. A sign,
/// an exponent counted by zeros, and a linear fraction in the bits that are left.
static SCALE_CODE: LazyLock<Vec<f32>> = LazyLock::new(|| {
    const EXPONENTS: i32 = 7;
    let mut code = vec![0.0, 1.0];
    for exponent in 0..EXPONENTS {
        let parts = 1usize << exponent;
        let step = 0.9f32 / parts as f32;
        // As torch's linspace: from both ends towards the middle.
        let boundary = |index: usize| match index < parts.div_ceil(2) {
            true => 0.1 + step * index as f32,
            false => 1.0 - step * (parts - index) as f32,
        };
        let power = 10f64.powi(exponent + 1 - EXPONENTS) as f32;
        for part in 0..parts {
            let value = power * ((boundary(part) + boundary(part + 1)) / 2.0);
            code.extend([value, -value]);
        }
    }
    code.sort_by(f32::total_cmp);
    code
});

/// Both values of each packed byte, the high four bits first.
static PAIRS: LazyLock<Vec<[f32; 2]>> = LazyLock::new(|| {
    (0..256)
        .map(|byte: usize| [CODE[byte >> 4], CODE[byte & 15]])
        .collect()
});

/// The index of the value of `code` (ascending) nearest to `x`, the lower of two as near.
fn nearest(code: &[f32], x: f32) -> u8 {
    let above = code.partition_point(|value| *value < x);
    let index = match (above.checked_sub(1), code.get(above)) {
        (Some(below), Some(value)) if (x - code[below]).abs() <= (value - x).abs() => below,
        (Some(below), None) => below,
        _ => above,
    };
    index as u8
}

/// `x / by`, and 0 where everything is 0.
fn share(x: f32, by: f32) -> f32 {
    if by > 0.0 { x / by } else { 0.0 }
}

fn magnitude(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// Numbers in NF4 with double quantisation.
#[derive(Debug)]
struct Packed {
    /// Two codes a byte, the first in the high bits.
    codes: Vec<u8>,
    /// A code for the magnitude of each [`BLOCK`].
    scales: Vec<u8>,
    /// The magnitude of each [`SCALE_BLOCK`] of those.
    scale_scales: Vec<f32>,
    /// The mean that was taken off the magnitudes.
    offset: f32,
    count: usize,
}

impl Packed {
    fn new(values: &[f32]) -> Self {
        let magnitudes: Vec<f32> = values.chunks(BLOCK).map(magnitude).collect();
        let codes = values
            .chunks(BLOCK)
            .zip(&magnitudes)
            .flat_map(|(block, magnitude)| {
                block.chunks(2).map(|pair| {
                    let code = |x: f32| nearest(&CODE, share(x, *magnitude));
                    let second = pair.get(1).map_or(0, |x| code(*x));
                    code(pair[0]) << 4 | second
                })
            })
            .collect();

        let total: f64 = magnitudes.iter().map(|scale| f64::from(*scale)).sum();
        let offset = (total / magnitudes.len().max(1) as f64) as f32;
        let centred: Vec<f32> = magnitudes.iter().map(|scale| scale - offset).collect();
        let scale_scales: Vec<f32> = centred.chunks(SCALE_BLOCK).map(magnitude).collect();
        let scales = centred
            .chunks(SCALE_BLOCK)
            .zip(&scale_scales)
            .flat_map(|(block, magnitude)| {
                block
                    .iter()
                    .map(|scale| nearest(&SCALE_CODE, share(*scale, *magnitude)))
            })
            .collect();
        Self {
            codes,
            scales,
            scale_scales,
            offset,
            count: values.len(),
        }
    }

    /// The magnitude of a block, as it is kept.
    fn scale(&self, block: usize) -> f32 {
        let code = SCALE_CODE[usize::from(self.scales[block])];
        code * self.scale_scales[block / SCALE_BLOCK] + self.offset
    }

    fn unpack(&self) -> Vec<f32> {
        let pairs: &[[f32; 2]] = &PAIRS;
        let unpack = |block: usize, out: &mut [f32]| {
            let scale = self.scale(block);
            let codes = &self.codes[block * BLOCK / 2..];
            for (out, byte) in out.chunks_mut(2).zip(codes) {
                for (out, value) in out.iter_mut().zip(pairs[usize::from(*byte)]) {
                    *out = value * scale;
                }
            }
        };
        let mut out = vec![0.0; self.count];
        let whole = self.count / BLOCK;
        let (blocks, rest) = out.split_at_mut(whole * BLOCK);
        for_each_row(blocks, BLOCK, unpack);
        if !rest.is_empty() {
            unpack(whole, rest);
        }
        out
    }
}

/// A linear layer whose frozen weights are held in NF4.
#[derive(Debug, Clone)]
pub struct Nf4 {
    packed: Arc<Packed>,
    shape: (usize, usize),
}

impl Nf4 {
    /// Quantises weights `(out, in)`.
    ///
    /// # Errors
    /// Weights that are no matrix.
    pub fn quantise(weight: &Tensor) -> Result<Self> {
        let shape = weight.dims2()?;
        let weight = weight.to_dtype(candle_core::DType::F32)?;
        Ok(Self {
            packed: Arc::new(with_values(&weight, Packed::new)?),
            shape,
        })
    }
}

impl Linear for Nf4 {
    fn forward(&self, x: &Tensor, kernels: Kernels) -> Result<Tensor> {
        match kernels {
            Kernels::Fused => x.matmul(&self.weight()?.t()?),
            _ => frozen(self.clone(), x),
        }
    }

    fn weight(&self) -> Result<Tensor> {
        Tensor::from_vec(self.packed.unpack(), self.shape, &Device::Cpu)
    }

    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn bytes(&self) -> usize {
        let packed = &self.packed;
        packed.codes.len()
            + packed.scales.len()
            + size_of_val(packed.scale_scales.as_slice())
            + size_of::<f32>()
    }
}
