//! Citation markers of an answer: `[1]`, `[2, 3]`.

use std::ops::Range;

/// The most digits that a marker's number has. A year, `[2014]`, is none.
const DIGITS: usize = 3;

/// Places and numbers of the markers in a text.
#[must_use]
pub fn markers(text: &str) -> Vec<(Range<usize>, Vec<u32>)> {
    let mut found = Vec::new();
    for (open, _) in text.match_indices('[') {
        let inside = &text[open + 1..];
        let Some(close) = inside.find(']') else { break };
        let numbers: Option<Vec<u32>> = inside[..close]
            .split(',')
            .map(|number| {
                let number = number.trim();
                let is_number = (1..=DIGITS).contains(&number.len())
                    && number.bytes().all(|byte| byte.is_ascii_digit());
                is_number.then(|| number.parse().ok()).flatten()
            })
            .collect();
        if let Some(numbers) = numbers {
            found.push((open..open + close + 2, numbers));
        }
    }
    found
}

/// All numbers that a text cites, in its order.
pub(crate) fn cited(text: &str) -> impl Iterator<Item = usize> {
    markers(text)
        .into_iter()
        .flat_map(|(_, numbers)| numbers)
        .map(|number| number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_numbers_in_brackets() {
        let found =
            |text| -> Vec<Vec<u32>> { markers(text).into_iter().map(|one| one.1).collect() };
        assert_eq!(found("a [1] b [2, 13]"), [vec![1], vec![2, 13]]);
        for text in [
            "[]", "[a]", "[1", "[2014]", "[1;2]", "[ü]", "1]", "[-1]", "[1,]",
        ] {
            assert!(markers(text).is_empty(), "{text}");
        }
        assert_eq!(found("[[1]]"), [vec![1]]);
        assert_eq!(cited("a [1] b [2, 13]").collect::<Vec<_>>(), [1, 2, 13]);
    }
}
