//! Batches of like length: what is padded is computed as dearly as words.

/// Tokens in one batch at most, padding included: bounds the memory of a forward pass.
const BATCH_TOKENS: usize = 2_048;

/// The part of a batch that may be padding.
const PADDING: f64 = 0.05;

/// Cuts `order`, sorted by ascending length, into runs of at most [`BATCH_TOKENS`] when padded to
/// their longest, with at most a twentieth of padding.
pub(super) fn batches(order: &[usize], length: impl Fn(usize) -> usize) -> Vec<&[usize]> {
    let mut runs = Vec::new();
    let (mut start, mut words) = (0, 0);
    for (end, &index) in order.iter().enumerate() {
        let size = length(index);
        let padded = size * (end + 1 - start);
        let padding = (padded - words - size) as f64;
        if end > start && (padded > BATCH_TOKENS || padding > PADDING * padded as f64) {
            runs.push(&order[start..end]);
            (start, words) = (end, 0);
        }
        words += size;
    }
    if start < order.len() {
        runs.push(&order[start..]);
    }
    runs
}

/// The share of what is computed that is padding, over all batches.
#[cfg(test)]
fn padding_share(runs: &[&[usize]], length: impl Fn(usize) -> usize) -> f64 {
    let (mut padded, mut words) = (0, 0);
    for run in runs {
        let longest = run.iter().map(|&index| length(index)).max().unwrap_or(0);
        padded += longest * run.len();
        words += run.iter().map(|&index| length(index)).sum::<usize>();
    }
    if padded == 0 {
        return 0.0;
    }
    1.0 - words as f64 / padded as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_cover_everything_and_bound_padding(
            mut lengths in prop::collection::vec(1usize..3000, 0..200),
        ) {
            lengths.sort_unstable();
            let order: Vec<usize> = (0..lengths.len()).collect();
            let runs = batches(&order, |index| lengths[index]);
            prop_assert_eq!(runs.concat(), order.clone());
            for run in &runs {
                let longest = lengths[run[run.len() - 1]];
                prop_assert!(run.len() == 1 || longest * run.len() <= BATCH_TOKENS);
            }
            prop_assert!(padding_share(&runs, |index| lengths[index]) <= PADDING);
        }
    }
}
