//! Chooses the next token from the model's logits, and notices when the model goes in circles.
//!
//! Greedy by default, so that an answer can be replayed; with a temperature, nucleus sampling
//! (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020,
//! <https://arxiv.org/abs/1904.09751>) from a seeded generator. Tokens written lately are made
//! less likely (Keskar et al., "CTRL", 2019). Only what the model wrote is penalised, not its
//! prompt: repeating the evidence is what an answer is for.

use serde::{Deserialize, Serialize};

/// How many of the last written tokens the repetition penalty looks at.
const PENALTY_WINDOW: usize = 64;

/// How tokens are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 always takes the likeliest token; 1 draws as the model says.
    pub temperature: f64,
    /// Draws only from the likeliest tokens that together have this probability.
    pub top_p: f64,
    /// Makes draws repeatable.
    pub seed: u64,
    /// Tokens to write at most.
    pub max_tokens: usize,
    /// Divides the logit of tokens written lately; 1 is off.
    pub repeat_penalty: f32,
    /// The text ends before the first of these.
    #[serde(default)]
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            seed: 0,
            max_tokens: 200,
            repeat_penalty: 1.1,
            stop: Vec::new(),
        }
    }
}

/// Chooses tokens for one completion.
pub struct Sampler<'a> {
    sampling: &'a Sampling,
    random: SplitMix64,
}

impl<'a> Sampler<'a> {
    /// A sampler at the start of its seed's sequence.
    pub fn new(sampling: &'a Sampling) -> Self {
        Self {
            sampling,
            random: SplitMix64(sampling.seed),
        }
    }

    /// Chooses from `logits` (one for each token of the vocabulary), given the tokens `written` so
    /// far. Logits that are no numbers are never chosen.
    pub fn sample(&mut self, logits: &mut [f32], written: &[u32]) -> u32 {
        penalise(logits, written, self.sampling.repeat_penalty);
        if self.sampling.temperature <= 0.0 {
            return likeliest(logits);
        }
        self.draw(logits)
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let highest = logits[likeliest(logits) as usize];
        let mut weights: Vec<(u32, f64)> = (0..)
            .zip(logits)
            .filter(|(_, logit)| !logit.is_nan())
            .map(|(token, logit)| {
                let weight = (f64::from(logit - highest) / self.sampling.temperature).exp();
                (token, weight)
            })
            .collect();
        weights.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));

        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut nucleus = 0.0;
        let kept = weights
            .iter()
            .position(|(_, weight)| {
                nucleus += weight;
                nucleus >= total * self.sampling.top_p
            })
            .map_or(weights.len(), |last| last + 1);
        weights.truncate(kept);

        let mut left = self.random.next_unit() * nucleus;
        for (token, weight) in &weights {
            left -= weight;
            if left <= 0.0 {
                return *token;
            }
        }
        likeliest(logits)
    }
}

/// The token with the highest logit, the first of equals.
fn likeliest(logits: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, &logit) in (0..).zip(logits) {
        if logit > best.1 {
            best = (token, logit);
        }
    }
    best.0
}

/// The logarithm of the probability that `logits` give a token.
pub(crate) fn log_prob(logits: &[f32], token: u32) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits
        .iter()
        .map(|logit| (logit - highest).exp())
        .filter(|share| !share.is_nan())
        .sum();
    logits
        .get(token as usize)
        .map_or(f32::NEG_INFINITY, |logit| logit - highest - sum.ln())
}

fn penalise(logits: &mut [f32], written: &[u32], penalty: f32) {
    let mut lately = written[written.len().saturating_sub(PENALTY_WINDOW)..].to_vec();
    lately.sort_unstable();
    lately.dedup();
    for token in lately {
        if let Some(logit) = logits.get_mut(token as usize) {
            *logit = if *logit > 0.0 {
                *logit / penalty
            } else {
                *logit * penalty
            };
        }
    }
}

/// Sebastiano Vigna's SplitMix64: small, and the same on every machine and in every version.
struct SplitMix64(u64);

impl SplitMix64 {
    /// The next number in `[0, 1)`.
    fn next_unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// True where `tokens` ends in a run written again and again: a short one three times over, or
/// one of the length of a clause twice.
pub fn is_looping(tokens: &[u32]) -> bool {
    const CLAUSE: usize = 10;
    let longest = tokens.len() / 2;
    (1..=longest.min(PENALTY_WINDOW)).any(|length| {
        let times = match length {
            // Digits are tokens: 10000000 is no loop.
            1..=2 => 8,
            3..CLAUSE => 3,
            _ => 2,
        };
        let Some(start) = tokens.len().checked_sub(length * times) else {
            return false;
        };
        let tail = &tokens[start..];
        tail[length..] == tail[..tail.len() - length]
    })
}

/// True where `text` ends in a sentence that it already has, whatever its case and spacing.
pub fn repeats_a_sentence(text: &str) -> bool {
    let fold = |sentence: &str| -> String {
        sentence
            .chars()
            .filter(|character| character.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    if !text.trim_end().ends_with(['.', '!', '?']) {
        return false;
    }
    let mut sentences: Vec<String> = ingest::sentence::split(text)
        .into_iter()
        .map(|range| fold(&text[range]))
        .collect();
    match sentences.pop() {
        Some(last) => !last.is_empty() && sentences.contains(&last),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling);
        (0..count)
            .map(|_| sampler.sample(&mut logits.to_vec(), &[]))
            .collect()
    }

    #[test]
    fn greedy_takes_the_first_of_the_highest() {
        let logits = [0.5, f32::NAN, 3.0, 3.0, f32::NEG_INFINITY];
        assert_eq!(draws(&Sampling::default(), &logits, 3), [2, 2, 2]);
    }

    #[test]
    fn the_penalty_lowers_tokens_written_lately_and_forgets_old_ones() {
        let sampling = Sampling {
            repeat_penalty: 2.0,
            ..Sampling::default()
        };
        let mut sampler = Sampler::new(&sampling);
        assert_eq!(sampler.sample(&mut [3.0, 2.0, -1.0], &[0]), 1);
        let mut logits = [3.0, 2.0, -1.0];
        sampler.sample(&mut logits, &[2, 2]);
        assert_eq!(logits, [3.0, 2.0, -2.0]);
        let mut long_ago = vec![0];
        long_ago.extend([7; PENALTY_WINDOW]);
        assert_eq!(sampler.sample(&mut [3.0, 2.0, -1.0], &long_ago), 0);
    }

    #[test]
    fn a_seed_repeats_its_draws_and_another_differs() {
        let sampling = Sampling {
            temperature: 1.0,
            seed: 7,
            ..Sampling::default()
        };
        let other = Sampling {
            seed: 8,
            ..sampling.clone()
        };
        let logits = [1.0, 1.1, 0.9, 1.0];
        let first = draws(&sampling, &logits, 50);
        assert_eq!(first, draws(&sampling, &logits, 50));
        assert_ne!(first, draws(&other, &logits, 50));
        for token in 0..4 {
            assert!(first.contains(&token), "{token} is never drawn: {first:?}");
        }
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let sampling = Sampling {
            temperature: 1.0,
            ..Sampling::default()
        };
        let logits = [0.8f32.ln(), 0.2f32.ln()];
        let drawn = draws(&sampling, &logits, 2000);
        let share = drawn.iter().filter(|token| **token == 0).count() as f64 / 2000.0;
        assert!((share - 0.8).abs() < 0.03, "{share}");
    }

    #[test]
    fn top_p_leaves_the_tail_out() {
        let sampling = Sampling {
            temperature: 1.0,
            top_p: 0.75,
            ..Sampling::default()
        };
        let logits = [0.5f32.ln(), 0.3f32.ln(), 0.15f32.ln(), 0.05f32.ln()];
        assert!(
            draws(&sampling, &logits, 300)
                .iter()
                .all(|token| *token < 2)
        );
    }

    #[test]
    fn loops_are_noticed_and_lists_are_not() {
        assert!(is_looping(&[5, 9, 9, 9, 9, 9, 9, 9, 9]));
        assert!(is_looping(&[1, 2, 3, 4, 2, 3, 4, 2, 3, 4]));
        let clause: Vec<u32> = (0..12).collect();
        assert!(is_looping(&[clause.clone(), clause.clone()].concat()));
        assert!(!is_looping(&clause));
        assert!(!is_looping(&[1, 7, 2, 7, 3, 7, 4, 7]));
        assert!(!is_looping(&[1, 0, 0, 0, 0, 0, 0]));
        assert!(!is_looping(&[]));
    }

    #[test]
    fn a_repeated_sentence_is_noticed_once_it_ends() {
        assert!(repeats_a_sentence("It is fast. It works. It is  FAST."));
        assert!(!repeats_a_sentence("It is fast. It works. It is fast"));
        assert!(!repeats_a_sentence("It is fast. It works."));
        assert!(!repeats_a_sentence(""));
    }
}
