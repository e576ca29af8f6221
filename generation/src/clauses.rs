//! Cuts a sentence into clauses that each say something whole, so that each can be held to a
//! quote of its own.
//!
//! Only clauses with a subject of their own are cut off: "the trial took 152 ms and the cluster
//! had 1,800 machines" is two statements. In "takes 35 ms and 2 GB" or "was built at Google and
//! runs on Linux" the second part leans on the first, and a quote on something else could seem
//! to support it.

use crate::words::words;

/// What joins two clauses.
const JOINTS: [&str; 8] = [
    "; ",
    ", and ",
    ", but ",
    ", while ",
    ", whereas ",
    " and ",
    " while ",
    " whereas ",
];

/// Words that begin a subject. A pronoun does not: what it stands for is in the other clause.
const DETERMINERS: [&str; 8] = ["the", "a", "an", "this", "these", "those", "each", "every"];

/// Words of content that a clause has at least.
const FEWEST_WORDS: usize = 3;

/// The clauses of a sentence, in its order; the whole sentence where it has but one.
pub(crate) fn clauses(sentence: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut rest = sentence;
    let mut from = 0;
    while let Some((at, joint)) = next_joint(rest, from) {
        let (left, right) = (&rest[..at], &rest[at + joint.len()..]);
        if is_whole(left) && is_whole(right) && has_subject(right) {
            clauses.push(left);
            rest = right;
            from = 0;
        } else {
            from = at + joint.len();
        }
    }
    clauses.push(rest);
    clauses
}

/// The first joint at or after `from`; of those that begin together the longest.
fn next_joint(text: &str, from: usize) -> Option<(usize, &'static str)> {
    JOINTS
        .iter()
        .filter_map(|joint| Some((from + text[from..].find(joint)?, *joint)))
        .min_by_key(|(at, joint)| (*at, usize::MAX - joint.len()))
}

fn is_whole(clause: &str) -> bool {
    words(clause).iter().filter(|word| !word.is_stop).count() >= FEWEST_WORDS
}

fn has_subject(clause: &str) -> bool {
    let Some(first) = clause.split_whitespace().next() else {
        return false;
    };
    let first = first.trim_matches(|character: char| !character.is_alphanumeric());
    DETERMINERS.contains(&first.to_lowercase().as_str()) || first.starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_with_a_subject_of_their_own_are_cut_off() {
        for (sentence, expected) in [
            (
                "The longest trial took 152 ms and the cluster had 1800 machines.",
                &[
                    "The longest trial took 152 ms",
                    "the cluster had 1800 machines.",
                ][..],
            ),
            (
                "Raft elects a leader quickly; Paxos takes more rounds, while the baseline never ends its election.",
                &[
                    "Raft elects a leader quickly",
                    "Paxos takes more rounds",
                    "the baseline never ends its election.",
                ],
            ),
        ] {
            assert_eq!(clauses(sentence), expected);
        }
    }

    #[test]
    fn what_leans_on_the_words_before_stays_with_them() {
        for sentence in [
            "Raft was built at Stanford and runs on five servers of a cluster.",
            "It stores the log and the snapshot.",
            "The 4-bit code costs 0.5 bits and 2 bits per parameter and weight.",
            "Raft elects a leader and it takes 35 ms on average.",
            "and ; , while ",
            "",
        ] {
            assert_eq!(clauses(sentence), [sentence]);
        }
    }
}
