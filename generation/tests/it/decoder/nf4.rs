//! NF4 with double quantisation, bit for bit against a plain reference written from the definition
//! in bitsandbytes (`functional.py` and the kernels): nearest values by linear search.

use candle_core::Tensor;
use generation::decoder::linear::Linear;
use generation::decoder::nf4::Nf4;
use proptest::prelude::*;

use super::{CPU, Noise, numbers};

const NORMAL_FLOAT: [f64; 16] = [
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
];

/// `create_dynamic_map(signed=True, max_exponent_bits=7, total_bits=8)`, in torch's f32 arithmetic.
fn dynamic_map() -> Vec<f32> {
    let mut data: Vec<f32> = Vec::new();
    for i in 0..7 {
        let fraction_items = (1 << i) + 1;
        let mut boundaries = vec![0f32; fraction_items];
        let step = (1.0f32 - 0.1f32) / (fraction_items - 1) as f32;
        for (index, boundary) in boundaries.iter_mut().enumerate() {
            *boundary = if index < fraction_items / 2 {
                0.1f32 + step * index as f32
            } else {
                1.0f32 - step * (fraction_items - index - 1) as f32
            };
        }
        let exponent = [1e-6f32, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0][i];
        for pair in boundaries.windows(2) {
            data.push(exponent * ((pair[0] + pair[1]) / 2.0));
            data.push(-(exponent * ((pair[0] + pair[1]) / 2.0)));
        }
    }
    data.push(0.0);
    data.push(1.0);
    assert_eq!(data.len(), 256);
    data.sort_by(|left, right| left.partial_cmp(right).unwrap());
    data
}

fn by_linear_search(code: &[f32], x: f32) -> f32 {
    let mut best = code[0];
    for value in code {
        if (x - value).abs() < (x - best).abs() {
            best = *value;
        }
    }
    best
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}

/// Quantised and back.
fn reference(weights: &[f32]) -> Vec<f32> {
    let code: Vec<f32> = NORMAL_FLOAT.iter().map(|value| *value as f32).collect();
    let map = dynamic_map();
    let absmax: Vec<f32> = weights.chunks(64).map(largest).collect();
    let mean = absmax.iter().map(|value| f64::from(*value)).sum::<f64>() / absmax.len() as f64;
    let offset = mean as f32;
    let mut kept = Vec::new();
    for block in absmax.chunks(256) {
        let centred: Vec<f32> = block.iter().map(|value| value - offset).collect();
        let most = largest(&centred);
        for value in centred {
            let scaled = if most == 0.0 { 0.0 } else { value / most };
            kept.push(by_linear_search(&map, scaled) * most + offset);
        }
    }
    let mut out = Vec::new();
    for (index, weight) in weights.iter().enumerate() {
        let absmax = absmax[index / 64];
        let scaled = if absmax == 0.0 { 0.0 } else { weight / absmax };
        out.push(by_linear_search(&code, scaled) * kept[index / 64]);
    }
    out
}

fn check(weights: Vec<f32>, shape: (usize, usize)) {
    let expected: Vec<u32> = reference(&weights).iter().map(|x| x.to_bits()).collect();
    let tensor = Tensor::from_vec(weights, shape, CPU).unwrap();
    let layer = Nf4::quantise(&tensor).unwrap();
    let ours: Vec<u32> = numbers(&layer.weight().unwrap())
        .iter()
        .map(|x| x.to_bits())
        .collect();
    assert_eq!(ours, expected);
}

#[test]
fn random_weights_are_those_of_the_reference_bit_for_bit() {
    let mut noise = Noise(3);
    // Sums of three are nearly normal, as weights are.
    let weights: Vec<f32> = (0..300 * 192)
        .map(|_| noise.numbers(3).iter().sum::<f32>() * 0.02)
        .collect();
    check(weights, (300, 192));
    check(noise.numbers(64 * 300), (300, 64));
}

#[test]
fn memory_is_four_bits_and_an_eighth_for_a_weight() {
    let mut noise = Noise(4);
    let layer = Nf4::quantise(&noise.tensor(&[1024, 1024], 0.1)).unwrap();
    let bits = layer.bytes() as f64 * 8.0 / f64::from(1 << 20);
    assert!((4.125..4.135).contains(&bits), "{bits}");
    assert_eq!(layer.shape(), (1024, 1024));
}

proptest! {
    #[test]
    fn any_weights_are_those_of_the_reference(
        weights in prop::collection::vec(-10f32..10.0, 1..700),
        scale in prop::sample::select(vec![0.0f32, 1e-6, 0.02, 1.0, 300.0]),
    ) {
        let count = weights.len();
        check(weights.into_iter().map(|weight| weight * scale).collect(), (1, count));
    }
}
