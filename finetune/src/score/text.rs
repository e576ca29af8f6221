//! How near a text is to a reference.
//!
//! Exact match and token F1 normalise as SQuAD's evaluation does (Rajpurkar et al., "SQuAD", 2016,
//! <https://arxiv.org/abs/1606.05250>: lower case, without ASCII punctuation and English articles).
//! ROUGE-1, ROUGE-2 and ROUGE-L are F-measures with equal weights over words, pairs of words and the
//! longest common subsequence (Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004).
//! BLEU is up to four words long, with clipped counts and brevity penalty (Papineni et al., "BLEU",
//! 2002), of a single sentence: one is added to matches and totals of two words and more (Lin and Och,
//! "ORANGE", 2004), since a short sentence often has no four words in common. Jaccard is over sets of
//! words. All are 0 to 1.

use std::collections::{HashMap, HashSet};

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
    overlap_f1(&text, &reference, 1)
}

/// F-measure, precision and recall weighing the same, of runs of `length` words in common.
pub fn rouge_n(text: &str, reference: &str, length: usize) -> f64 {
    overlap_f1(&words(text), &words(reference), length)
}

/// F-measure, precision and recall weighing the same, of the longest common subsequence.
pub fn rouge_l(text: &str, reference: &str) -> f64 {
    let (text, reference) = (words(text), words(reference));
    f_measure(
        ordered_recall(&text, &reference),
        ordered_recall(&reference, &text),
    )
}

/// Sentence BLEU of up to four words, smoothed by one from two words on. Of several references, each
/// run counts as often as the one that has it most.
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

/// Words in lower case: runs of letters, digits and underscores.
pub fn words(text: &str) -> Vec<String> {
    text.replace('\u{ad}', "")
        .to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Share of the wanted words in the longest common subsequence: found, and in the same order.
/// Hunt and Szymanski, "A fast algorithm for computing longest common subsequences", 1977.
pub fn ordered_recall(wanted: &[String], found: &[String]) -> f64 {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, word) in found.iter().enumerate() {
        places.entry(word).or_default().push(i);
    }
    let mut tails: Vec<usize> = Vec::new();
    for word in wanted {
        for &place in places.get(word.as_str()).into_iter().flatten().rev() {
            let at = tails.partition_point(|&tail| tail < place);
            if at == tails.len() {
                tails.push(place);
            } else {
                tails[at] = place;
            }
        }
    }
    tails.len() as f64 / wanted.len().max(1) as f64
}

/// True for words that SQuAD's evaluation passes over.
pub fn is_article(word: &str) -> bool {
    matches!(word, "a" | "an" | "the")
}

fn overlap_f1(text: &[String], reference: &[String], length: usize) -> f64 {
    let (found, wanted) = (counts(text, length), counts(reference, length));
    let common: usize = found
        .iter()
        .map(|(run, count)| *count.min(wanted.get(run).unwrap_or(&0)))
        .sum();
    let share = |counts: &HashMap<&[String], usize>| {
        common as f64 / counts.values().sum::<usize>().max(1) as f64
    };
    f_measure(share(&found), share(&wanted))
}

fn f_measure(precision: f64, recall: f64) -> f64 {
    match precision + recall {
        sum if sum > 0.0 => 2.0 * precision * recall / sum,
        _ => 0.0,
    }
}

fn counts(words: &[String], length: usize) -> HashMap<&[String], usize> {
    let mut counts = HashMap::new();
    for run in words.windows(length.max(1)) {
        *counts.entry(run).or_default() += 1;
    }
    counts
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn rouge_is_that_of_lins_example() {
        // Lin 2004, section 3.1: LCS of "police killed the gunman" is 3 with S2 and 2 with S3.
        let reference = "police killed the gunman";
        near(rouge_l("police kill the gunman", reference), 0.75);
        near(rouge_l("the gunman kill police", reference), 0.5);
        // Pairs in common: "the gunman" of three and three, for either.
        near(rouge_n("police kill the gunman", reference, 2), 1.0 / 3.0);
        near(rouge_n("the gunman kill police", reference, 2), 1.0 / 3.0);
        near(rouge_n("the gunman kill police", reference, 1), 0.75);
        near(rouge_n("the", "the", 2), 0.0);
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
    fn words_in_common_are_counted_once_by_jaccard_and_in_order_by_recall() {
        near(jaccard("a b c", "b c d"), 0.5);
        near(jaccard("", ""), 0.0);
        let wanted = words("the cat sat on the mat");
        near(
            ordered_recall(&wanted, &words("the cat sat on the mat!")),
            1.0,
        );
        near(
            ordered_recall(&wanted, &words("on the mat the cat sat")),
            0.5,
        );
    }

    proptest! {
        #[test]
        fn all_are_shares_and_whole_for_the_same(
            text in "[a-d ]{0,20}",
            other in "[a-d ]{0,20}",
        ) {
            type Measure = fn(&str, &str) -> f64;
            let measures: [(&str, Measure); 7] = [
                ("em", exact_match),
                ("f1", token_f1),
                ("jaccard", jaccard),
                ("rouge1", |text, other| rouge_n(text, other, 1)),
                ("rouge2", |text, other| rouge_n(text, other, 2)),
                ("rougeL", rouge_l),
                ("bleu", |text, other| bleu(text, &[other.to_owned()])),
            ];
            for (name, measure) in measures {
                let found = measure(&text, &other);
                prop_assert!((0.0..=1.0 + 1e-9).contains(&found), "{name}: {found}");
                if name != "bleu" {
                    let back = measure(&other, &text);
                    prop_assert!((found - back).abs() < 1e-9, "{name}: {found} {back}");
                }
                if words(&text).len() > 1 {
                    prop_assert!((measure(&text, &text) - 1.0).abs() < 1e-9, "{name}");
                }
            }
        }
    }
}
