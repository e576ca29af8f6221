//! How much of a gold text is found, and in its order.

use std::collections::HashMap;

/// Words in lower case: runs of letters, digits and underscores.
pub(super) fn words(text: &str) -> Vec<String> {
    text.replace('\u{ad}', "")
        .to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

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

/// Share of the gold words in the longest common subsequence: found, and in the same order.
/// Hunt and Szymanski, "A fast algorithm for computing longest common subsequences", 1977.
pub(super) fn ordered_recall(gold: &[String], found: &[String]) -> f64 {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, word) in found.iter().enumerate() {
        places.entry(word).or_default().push(i);
    }
    let mut tails: Vec<usize> = Vec::new();
    for word in gold {
        for &place in places.get(word.as_str()).into_iter().flatten().rev() {
            let at = tails.partition_point(|&tail| tail < place);
            if at == tails.len() {
                tails.push(place);
            } else {
                tails[at] = place;
            }
        }
    }
    tails.len() as f64 / gold.len().max(1) as f64
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
    fn order_counts_where_it_should() {
        let gold = words("the cat sat on the mat");
        assert_eq!(recall(&gold, &words("mat the on sat cat THE")), 1.0);
        assert_eq!(
            ordered_recall(&gold, &words("the cat sat on the mat!")),
            1.0
        );
        assert_eq!(ordered_recall(&gold, &words("on the mat the cat sat")), 0.5);
        assert_eq!(recall(&gold, &[]), 0.0);
        assert_eq!(common(&gold, &words("the the the")), 2);
    }
}
