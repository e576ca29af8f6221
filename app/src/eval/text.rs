//! How near a text is to a reference.
//!
//! Exact match and token F1 normalise as SQuAD's evaluation does (Rajpurkar et al., "SQuAD", 2016:
//! lower case, without ASCII punctuation and English articles). ROUGE-L is the F-measure with equal
//! weights over the longest common subsequence (Lin, "ROUGE: A Package for Automatic Evaluation of
//! Summaries", 2004). BLEU is up to four words long, with clipped counts and brevity penalty
//! (Papineni et al., "BLEU", 2002), of a single sentence: one is added to matches and totals of two
//! words and more (Lin and Och, "ORANGE", 2004), since a short sentence often has no four words in
//! common. Jaccard is over sets of words. Of several references the best counts; BLEU takes them
//! together, as it is defined.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::words::{ordered_recall, words};

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

/// 1 where both are the same after normalising, else 0.
pub fn exact_match(text: &str, reference: &str) -> f64 {
    f64::from(u8::from(normalised(text) == normalised(reference)))
}

/// Harmonic mean of precision and recall of words, each as often as it occurs.
pub fn token_f1(text: &str, reference: &str) -> f64 {
    let (text, reference) = (normalised(text), normalised(reference));
    if text.is_empty() || reference.is_empty() {
        return f64::from(u8::from(text == reference));
    }
    let mut left = counts(&reference, 1);
    let common = text
        .chunks(1)
        .filter(|word| match left.get_mut(*word) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
        .count() as f64;
    f_measure(common / text.len() as f64, common / reference.len() as f64)
}

/// F-measure, precision and recall weighing the same, of the longest common subsequence.
pub fn rouge_l(text: &str, reference: &str) -> f64 {
    let (text, reference) = (words(text), words(reference));
    f_measure(
        ordered_recall(&text, &reference),
        ordered_recall(&reference, &text),
    )
}

/// Sentence BLEU of up to four words, smoothed by one from two words on.
pub fn bleu(text: &str, references: &[String]) -> f64 {
    const LONGEST: usize = 4;
    let text = words(text);
    let references: Vec<Vec<String>> = references.iter().map(|text| words(text)).collect();
    if text.is_empty() || references.is_empty() {
        return 0.0;
    }
    let mut log_sum = 0.0;
    for length in 1..=LONGEST {
        let found = counts(&text, length);
        let allowed: Vec<_> = references
            .iter()
            .map(|reference| counts(reference, length))
            .collect();
        let matched: usize = found
            .iter()
            .map(|(run, count)| {
                let most = allowed.iter().filter_map(|counts| counts.get(run)).max();
                *count.min(most.unwrap_or(&0))
            })
            .sum();
        let total: usize = found.values().sum();
        let smoothing = usize::from(length > 1);
        if matched + smoothing == 0 {
            return 0.0;
        }
        log_sum += ((matched + smoothing) as f64 / (total + smoothing) as f64).ln();
    }
    // The reference nearest in length, of two the shorter.
    let nearest = references
        .iter()
        .map(Vec::len)
        .min_by_key(|length| (length.abs_diff(text.len()), *length))
        .unwrap_or_default();
    let brevity = (1.0 - nearest as f64 / text.len() as f64).min(0.0);
    (brevity + log_sum / LONGEST as f64).exp()
}

/// Words in common among the words of either.
pub fn jaccard(text: &str, reference: &str) -> f64 {
    let set = |text: &str| words(text).into_iter().collect::<HashSet<String>>();
    let (text, reference) = (set(text), set(reference));
    let either = text.union(&reference).count();
    if either == 0 {
        return 0.0;
    }
    text.intersection(&reference).count() as f64 / either as f64
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

fn f_measure(precision: f64, recall: f64) -> f64 {
    match precision + recall {
        sum if sum > 0.0 => 2.0 * precision * recall / sum,
        _ => 0.0,
    }
}

fn counts(words: &[String], length: usize) -> HashMap<&[String], usize> {
    let mut counts = HashMap::new();
    for run in words.windows(length) {
        *counts.entry(run).or_default() += 1;
    }
    counts
}

fn is_article(word: &str) -> bool {
    matches!(word, "a" | "an" | "the")
}

/// Words as SQuAD's evaluation compares them.
fn normalised(text: &str) -> Vec<String> {
    let bare: String = text
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_ascii_punctuation())
        .collect();
    bare.split_whitespace()
        .filter(|word| !is_article(word))
        .map(str::to_owned)
        .collect()
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
    fn exact_match_and_f1_are_those_of_squad() {
        near(exact_match("The  Eiffel-Tower!", "eiffeltower"), 1.0);
        near(exact_match("Eiffel Tower", "Tower"), 0.0);
        // 2 of 3 words of the text, 2 of 2 of the reference.
        near(token_f1("in the Merkle tree", "a Merkle tree"), 0.8);
        near(token_f1("tree tree", "tree"), 2.0 / 3.0);
        near(token_f1("", "tree"), 0.0);
        near(token_f1("the", "a"), 1.0);
    }

    #[test]
    fn rouge_l_is_that_of_lins_example() {
        // Lin 2004, section 3.1: LCS of "police killed the gunman" is 3 with S2 and 2 with S3.
        let reference = "police killed the gunman";
        near(rouge_l("police kill the gunman", reference), 0.75);
        near(rouge_l("the gunman kill police", reference), 0.5);
    }

    #[test]
    fn bleu_clips_counts_and_punishes_brevity() {
        // Papineni 2002, example 2: "the" seven times has a clipped precision of 2/7; no runs of
        // two and more match, which smoothing makes 1/7, 1/6 and 1/5.
        let references = owned(&["The cat is on the mat.", "There is a cat on the mat."]);
        let found = bleu("the the the the the the the", &references);
        let wanted = (2.0 / 7.0 * (1.0 / 7.0) * (1.0 / 6.0) * (1.0 / 5.0f64)).powf(0.25);
        near(found, wanted);
        near(bleu("There is a cat on the mat", &references), 1.0);
        // Four words of six, all right: brevity exp(1 - 6/4).
        near(bleu("the cat is on", &references[..1]), (-0.5f64).exp());
        near(bleu("", &references), 0.0);
        near(bleu("dog", &references), 0.0);
    }

    #[test]
    fn the_best_reference_counts() {
        let scores = score("35 ms", &owned(&["half a second", "35 ms", ""]));
        assert_eq!((scores.em, scores.f1, scores.jaccard), (1.0, 1.0, 1.0));
        assert_eq!(score("35 ms", &[]), TextScores::default());
        near(jaccard("a b c", "b c d"), 0.5);
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
