//! How much of a gold text is found, and in its order.

use std::collections::HashMap;

pub(super) use finetune::score::text::{ordered_recall, words};

/// Share of the gold words that were found, each as often as it occurs.
pub(super) fn recall(gold: &[String], found: &[String]) -> f64 {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in found {
        *left.entry(word).or_default() += 1;
    }
    let hits = gold
        .iter()
        .filter(|word| match left.get_mut(word.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
        .count();
    hits as f64 / gold.len().max(1) as f64
}

/// Letters and digits in lower case: what stays the same between two ways to set a title.
pub(super) fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many of `gold` are among `found`, each as often as it occurs.
pub(super) fn common(gold: &[String], found: &[String]) -> usize {
    (recall(gold, found) * gold.len() as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_counts_as_often_as_it_occurs() {
        let gold = words("the cat sat on the mat");
        assert_eq!(recall(&gold, &words("mat the on sat cat THE")), 1.0);
        assert_eq!(recall(&gold, &[]), 0.0);
        assert_eq!(common(&gold, &words("the the the")), 2);
    }
}
