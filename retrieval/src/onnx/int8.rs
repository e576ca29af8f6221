//! Weights in bytes: `w ≈ q · s`, with one scale `s` for each output channel.
//!
//! One scale for a whole matrix would be set by its largest channel and leave the others a few
//! levels (a text's vector then has a cosine of 0.90 to its float32 one). Scales per channel cost
//! nothing, since they are applied to the products of a channel, after it was summed (Jacob et al.,
//! "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
//! 2018; Krishnamoorthi, "Quantizing deep convolutional networks", 2018).
//!
//! A product is of an unsigned activation and a signed weight. x86 processors without the VNNI
//! instructions add two of them in 16 bits, which 255 · 127 · 2 overflows and 255 · 63 · 2 does
//! not: there a weight has 7 bits. ONNX Runtime does not protect against it.

use super::weights::Linear;

/// A matrix in bytes, with the scale of each column.
pub(super) struct Quantised {
    pub(super) values: Vec<i8>,
    pub(super) scales: Vec<f32>,
}

/// The largest magnitude of a weight in bytes on this machine.
pub(super) fn levels() -> i8 {
    #[cfg(target_arch = "x86_64")]
    let vnni =
        std::is_x86_feature_detected!("avx512vnni") || std::is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    let vnni = true;
    if vnni { 127 } else { 63 }
}

/// A layer's weight, `(inputs, outputs)`, with a scale for each output.
pub(super) fn by_column(layer: &Linear, levels: i8) -> Quantised {
    let mut largest = vec![0f32; layer.outputs];
    for row in layer.weight.chunks_exact(layer.outputs) {
        for (largest, value) in largest.iter_mut().zip(row) {
            *largest = largest.max(value.abs());
        }
    }
    let scales: Vec<f32> = largest
        .iter()
        .map(|&largest| scale(largest, levels))
        .collect();
    let values = layer
        .weight
        .chunks_exact(layer.outputs)
        .flat_map(|row| row.iter().zip(&scales))
        .map(|(value, scale)| level(*value, *scale, levels))
        .collect();
    Quantised { values, scales }
}

/// A table of vectors of `width`, with a scale for each vector.
pub(super) fn by_row(table: &[f32], width: usize) -> Quantised {
    let mut quantised = Quantised {
        values: Vec::with_capacity(table.len()),
        scales: Vec::with_capacity(table.len() / width),
    };
    for row in table.chunks_exact(width) {
        let largest = row.iter().fold(0f32, |most, value| most.max(value.abs()));
        let scale = scale(largest, i8::MAX);
        quantised.scales.push(scale);
        let levels = row.iter().map(|&value| level(value, scale, i8::MAX));
        quantised.values.extend(levels);
    }
    quantised
}

fn scale(largest: f32, levels: i8) -> f32 {
    // A channel of zeros has any scale but 0, which would be divided by.
    largest.max(f32::MIN_POSITIVE * 256.0) / f32::from(levels)
}

fn level(value: f32, scale: f32, levels: i8) -> i8 {
    let most = f32::from(levels);
    (value / scale).round().clamp(-most, most) as i8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_quantised_is_within_half_a_level(
            weight in prop::collection::vec(-4f32..4.0, 12),
            levels in prop::sample::select(vec![63i8, 127]),
        ) {
            let layer = Linear { inputs: 4, outputs: 3, weight, bias: vec![0.0; 3] };
            let quantised = by_column(&layer, levels);
            for (index, (value, byte)) in layer.weight.iter().zip(&quantised.values).enumerate() {
                let scale = quantised.scales[index % 3];
                let back = f32::from(*byte) * scale;
                prop_assert!((back - value).abs() <= scale * 0.501, "{back} is not {value}");
                prop_assert!(byte.abs() <= levels);
            }
        }
    }

    #[test]
    fn a_channel_of_zeros_stays_zero() {
        let quantised = by_row(&[0.0, 0.0, 1.0, -2.0], 2);
        assert_eq!(quantised.values, [0, 0, 64, -127]);
        assert!(quantised.scales.iter().all(|scale| *scale > 0.0));
    }
}
