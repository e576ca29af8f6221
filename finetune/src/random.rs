//! Random numbers that are a function of what they are for, not of how many were drawn before: a
//! run that goes on from a checkpoint needs no generator's state.

/// SplitMix64's mixing (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
/// 2014): every bit of the input changes half of the output's.
pub(crate) fn mix(counter: u64) -> u64 {
    let mixed = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A number for a place in a run.
pub(crate) fn of(seed: u64, place: &[u64]) -> u64 {
    place
        .iter()
        .fold(mix(seed), |drawn, part| mix(drawn ^ mix(*part)))
}

/// Puts `items` in an order that `seed` alone decides (Fisher and Yates).
pub(crate) fn shuffle<T>(items: &mut [T], seed: u64) {
    for last in (1..items.len()).rev() {
        // The bias of the remainder is below 2^-40 for any dataset that fits a disk.
        let drawn = of(seed, &[last as u64]) % (last as u64 + 1);
        items.swap(last, drawn as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_the_seeds_and_has_everything_once() {
        let order = |seed| {
            let mut items: Vec<u32> = (0..100).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let mut sorted = order(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn every_place_of_an_order_is_as_likely() {
        let mut first = [0; 5];
        for seed in 0..5000 {
            let mut items = [0, 1, 2, 3, 4];
            shuffle(&mut items, seed);
            first[items[0]] += 1;
        }
        assert!(
            first.iter().all(|count| (900..1100).contains(count)),
            "{first:?}"
        );
    }
}
