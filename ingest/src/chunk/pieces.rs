//! Cuts what is longer than a passage may be: between words, and a giant word between characters.

use std::ops::Range;

use crate::TokenCounter;

/// Cuts one over-long sentence at word boundaries, a giant word between characters.
pub(super) fn pieces(
    text: &str,
    range: Range<usize>,
    max: usize,
    counter: &dyn TokenCounter,
) -> Vec<(Range<usize>, usize)> {
    let mut words = Vec::new();
    let mut at = range.start;
    for word in text[range].split_whitespace() {
        let start = at + text[at..].find(word).unwrap_or(0);
        at = start + word.len();
        let tokens = counter.count(word);
        halve(text, start..at, tokens, max, counter, &mut words);
    }
    let mut pieces: Vec<(Range<usize>, usize)> = Vec::new();
    for (word, tokens) in words {
        match pieces.last_mut() {
            Some((piece, sum)) if *sum + tokens <= max => {
                piece.end = word.end;
                *sum += tokens;
            }
            _ => pieces.push((word, tokens)),
        }
    }
    // Counted once more, as the sum over the words may be off.
    let mut exact = Vec::new();
    for (piece, _) in pieces {
        let tokens = counter.count(&text[piece.clone()]);
        halve(text, piece, tokens, max, counter, &mut exact);
    }
    exact
}

/// Halves a range until each part has at most `max` tokens or is one character.
fn halve(
    text: &str,
    range: Range<usize>,
    tokens: usize,
    max: usize,
    counter: &dyn TokenCounter,
    out: &mut Vec<(Range<usize>, usize)>,
) {
    let slice = &text[range.clone()];
    let middle = slice.ceil_char_boundary(slice.len() / 2);
    // At a space if one is near, so that no word is cut without need.
    let middle = slice[middle..]
        .find(char::is_whitespace)
        .map_or(middle, |space| middle + space);
    let middle = if middle >= slice.len() {
        slice.ceil_char_boundary(slice.len() / 2)
    } else {
        middle
    };
    if tokens <= max || middle == 0 || middle >= slice.len() {
        out.push((range, tokens));
        return;
    }
    for part in [
        range.start..range.start + middle,
        range.start + middle..range.end,
    ] {
        let start = part.start + (text[part.clone()].len() - text[part.clone()].trim_start().len());
        let part = start..part.end;
        if part.is_empty() {
            continue;
        }
        let tokens = counter.count(&text[part.clone()]);
        halve(text, part, tokens, max, counter, out);
    }
}
