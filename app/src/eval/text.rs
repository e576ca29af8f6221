//! How near a text is to a reference.
//!
//! The measures are those that trained models are judged by ([`finetune::score::text`]). Of several
//! references the best counts; BLEU takes them together, as it is defined.

use std::collections::HashSet;

use finetune::score::text::{bleu, exact_match, is_article, jaccard, rouge_l, token_f1};
use serde::{Deserialize, Serialize};

/// How near a text is to the best of its references, each 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TextScores {
    /// 1 where it is the same but for case, punctuation and articles.
    pub em: f64,
    /// Harmonic mean of the shares of words in common.
    pub f1: f64,
    /// The same over the longest common subsequence.
    #[serde(rename = "rougeL")]
    pub rouge_l: f64,
    /// Runs of one to four words in common.
    pub bleu: f64,
    /// Words in common among all words.
    pub jaccard: f64,
}

/// Scores `text` against `references`; all 0 where there are none.
pub fn score(text: &str, references: &[String]) -> TextScores {
    let best = |of: &dyn Fn(&str) -> f64| {
        references
            .iter()
            .map(|reference| of(reference))
            .fold(0.0, f64::max)
    };
    TextScores {
        em: best(&|reference| exact_match(text, reference)),
        f1: best(&|reference| token_f1(text, reference)),
        rouge_l: best(&|reference| rouge_l(text, reference)),
        bleu: bleu(text, references),
        jaccard: best(&|reference| jaccard(text, reference)),
    }
}

/// True where the words of `reference` stand in `text`, one after the other. "35ms" is "35 ms",
/// "1,800" is "1800" and "44%" is "44 percent".
pub fn contains(text: &str, reference: &str) -> bool {
    let (text, reference) = (pieces(text), pieces(reference));
    !reference.is_empty() && text.windows(reference.len()).any(|run| run == reference)
}

/// Share of the runs of two words of `wanted` that stand in `text`; of single words where there
/// are no more. It stays near 1 over line ends, hyphens and left-out formulas, and low for another
/// sentence on the same subject.
pub fn coverage(wanted: &str, text: &str) -> f64 {
    let (wanted, text) = (pieces(wanted), pieces(text));
    let length = wanted.len().min(2);
    if length == 0 {
        return 0.0;
    }
    let there: HashSet<&[String]> = text.windows(length).collect();
    let runs = wanted.windows(length);
    let total = runs.len();
    runs.filter(|run| there.contains(run)).count() as f64 / total as f64
}

/// Share of the words of `wanted`, without articles, that stand anywhere in `text`.
pub fn word_recall(wanted: &str, text: &str) -> f64 {
    let wanted: HashSet<String> = pieces(wanted).into_iter().collect();
    let text: HashSet<String> = pieces(text).into_iter().collect();
    if wanted.is_empty() {
        return 0.0;
    }
    wanted.intersection(&text).count() as f64 / wanted.len() as f64
}

/// Runs of letters and numbers, in lower case and without articles.
fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text
        .replace('\u{ad}', "")
        .replace('%', " percent ")
        .to_lowercase()
        .chars()
        .collect();
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    for (at, &c) in characters.iter().enumerate() {
        let follows_digit = piece.ends_with(|last: char| last.is_ascii_digit() || last == '.');
        let digit_after = characters.get(at + 1).is_some_and(char::is_ascii_digit);
        match c {
            ',' if follows_digit && digit_after => continue,
            '.' if follows_digit && digit_after => piece.push('.'),
            c if c.is_alphanumeric() => {
                if !piece.is_empty() && follows_digit != c.is_ascii_digit() {
                    pieces.push(std::mem::take(&mut piece));
                }
                piece.push(c);
            }
            _ => pieces.push(std::mem::take(&mut piece)),
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty() && !is_article(piece));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_best_reference_counts() {
        let scores = score("35 ms", &owned(&["half a second", "35 ms", ""]));
        assert_eq!((scores.em, scores.f1, scores.jaccard), (1.0, 1.0, 1.0));
        assert_eq!(score("35 ms", &[]), TextScores::default());
    }

    #[test]
    fn answers_are_found_however_they_are_set() {
        for (text, reference) in [
            ("it takes only 35ms\non average", "35 ms on average"),
            ("about 1,800 machines.", "1800"),
            ("for 99.9995% of its requests", "99.9995 percent"),
            (
                "a small set of tools: melting, string splitting, and casting",
                "string splitting",
            ),
            ("Qwen2.5-7b (Yang et al.)", "Qwen-2.5 7B"),
            ("a Merkle Tree [7]", "The Merkle tree"),
        ] {
            assert!(contains(text, reference), "{reference} in {text}");
        }
        for (text, reference) in [
            ("it takes 135 ms", "35 ms"),
            ("1.35 ms", "35 ms"),
            ("the tree of Merkle", "Merkle tree"),
            ("anything", ""),
            ("anything", "the"),
        ] {
            assert!(!contains(text, reference), "{reference} not in {text}");
        }
    }

    #[test]
    fn coverage_bears_line_ends_and_tells_sentences_apart() {
        let gold = "The leader decides when it is safe to apply a log entry to the state machines";
        let printed = "3. The leader decides when it is safe to ap\u{ad}ply a log\nentry to the state machines;";
        near(coverage(gold, printed), 1.0);
        assert!(coverage(gold, "The leader applies entries to its own state machine.") < 0.3);
        near(
            coverage("Dubious", "in the context of Dubious, a language"),
            1.0,
        );
        near(coverage("", "anything"), 0.0);
        near(word_recall("melt, cast", "they cast and mold"), 0.5);
    }
}
