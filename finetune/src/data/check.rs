//! What is not fit to be learnt, and why.
//!
//! Each check is a reason to leave an example out; the first that holds is told. A model learns a
//! sentence that its notes do not support as readily as one that they do, and then makes up others;
//! a question that holds its own answer teaches nothing; one that stands there twenty times is learnt
//! by heart (Lee et al., "Deduplicating Training Data Makes Language Models Better", 2022,
//! <https://arxiv.org/abs/2107.06499>).

use std::collections::{HashMap, HashSet};

use generation::align::{align, strip_markers};
use generation::evidence::Evidence;
use ingest::similarity::Sketch;
use retrieval::{Passage, Scores};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Example, Kind, cited, folded};

/// Share of its shingles that a question with its answer has in common with one that is kept, from
/// which on it is the same.
const NEAR: f32 = 0.8;

/// Share of the runs of three words in an answer that differ, at least.
const LEAST_VARIED: f32 = 0.5;

/// Why an example is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Without a question, a prompt or an answer.
    Empty,
    /// More tokens than are trained on.
    TooLong,
    /// The answer is longer than answers should be.
    Wordy,
    /// The answer says the same again and again.
    Repetitive,
    /// The answer declines and its kind says that it answers, or the other way round.
    WrongKind,
    /// It cites a note that the prompt does not have.
    NoSuchNote,
    /// Its own notes do not support what it says.
    Unsupported,
    /// The question says the answer.
    AnswerInQuestion,
    /// It is there already, word for word.
    Duplicate,
    /// One much like it is there already.
    NearDuplicate,
    /// Its documents are on two sides.
    TwoSides,
    /// Its question stands on another side too.
    QuestionElsewhere,
}

impl Reason {
    /// In words, for cards.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "more tokens than the limit",
            Self::Wordy => "answer too long",
            Self::Repetitive => "answer repeats itself",
            Self::WrongKind => "answer declines, or a refusal does not",
            Self::NoSuchNote => "cites a note that is not there",
            Self::Unsupported => "not supported by its own evidence",
            Self::AnswerInQuestion => "question says the answer",
            Self::Duplicate => "exact duplicate",
            Self::NearDuplicate => "near duplicate",
            Self::TwoSides => "its documents are on two sides",
            Self::QuestionElsewhere => "the same question is on another side",
        }
    }
}

/// An example that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// What names it.
    pub id: String,
    /// Why.
    pub reason: Reason,
}

/// What is still fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of prompt and answer together, at most.
    pub max_tokens: usize,
    /// Words of an answer, at most.
    pub max_words: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_tokens: 1024,
            max_words: 150,
        }
    }
}

/// What came of the checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is fit, in the order in which it came, with its tokens.
    pub kept: Vec<(Example, usize)>,
    /// What is not.
    pub dropped: Vec<Dropped>,
}

/// Keeps what is fit to be learnt. `tokens` counts an example's as the model to be trained does; what
/// comes first stays where two are the same.
pub fn check(
    examples: Vec<Example>,
    limits: Limits,
    tokens: &dyn Fn(&Example) -> usize,
) -> Checked {
    let mut checked = Checked::default();
    let mut seen = Seen::default();
    for example in examples {
        let length = tokens(&example);
        let reason = match length > limits.max_tokens {
            true => Some(Reason::TooLong),
            false => unfit(&example, limits),
        };
        match reason.or_else(|| seen.add(&example, checked.kept.len())) {
            Some(reason) => checked.dropped.push(Dropped {
                id: example.about.id,
                reason,
            }),
            None => checked.kept.push((example, length)),
        }
    }
    checked
}

/// What is wrong with an example, whatever others there are. Its tokens are not counted.
#[must_use]
pub fn unfit(example: &Example, limits: Limits) -> Option<Reason> {
    let about = &example.about;
    let Some((_, completion)) = example.parts() else {
        return Some(Reason::Empty);
    };
    let said = strip_markers(completion);
    let words = folded(&said);
    let question = folded(&about.question);
    if words.is_empty() || question.is_empty() {
        return Some(Reason::Empty);
    }
    if words.split(' ').count() > limits.max_words {
        return Some(Reason::Wordy);
    }
    if repeats(&said, &words) {
        return Some(Reason::Repetitive);
    }
    let declines = generation::answer::declines(&said);
    if declines != (about.kind == Kind::Refusal) {
        return Some(Reason::WrongKind);
    }
    if about.kind == Kind::Refusal {
        return None;
    }
    if format!(" {question} ").contains(&format!(" {words} ")) {
        return Some(Reason::AnswerInQuestion);
    }
    let notes = example.notes();
    if cited(completion).any(|number| !notes.iter().any(|(own, _)| *own == number)) {
        return Some(Reason::NoSuchNote);
    }
    (!is_supported(&said, &about.question, &notes)).then_some(Reason::Unsupported)
}

/// True where a sentence stands there twice, or most runs of three words do.
fn repeats(said: &str, words: &str) -> bool {
    let mut sentences = HashSet::new();
    let twice = ingest::sentence::split(said)
        .into_iter()
        .map(|range| folded(&said[range]))
        .any(|sentence| !sentence.is_empty() && !sentences.insert(sentence));
    let words: Vec<&str> = words.split(' ').collect();
    let runs: Vec<&[&str]> = words.windows(3).collect();
    let varied: HashSet<&[&str]> = runs.iter().copied().collect();
    twice || (runs.len() >= 8 && (varied.len() as f32) < LEAST_VARIED * runs.len() as f32)
}

/// True where the notes hold each sentence word for word, or support it as they would have to when it
/// is served.
fn is_supported(said: &str, question: &str, notes: &[(usize, &str)]) -> bool {
    let whole: Vec<String> = notes
        .iter()
        .map(|(_, note)| format!(" {} ", folded(note)))
        .collect();
    let passages: Vec<Passage> = notes.iter().map(|(_, note)| passage(note)).collect();
    // A note is several sentences of evidence, which serving holds an answer to one by one. What takes
    // two of them together is given the whole.
    let evidence: Vec<Evidence> = passages
        .iter()
        .enumerate()
        .flat_map(|(index, passage)| {
            let whole = std::iter::once(0..passage.text.len());
            let ranges = whole.chain(ingest::sentence::split(&passage.text));
            ranges.map(move |range| Evidence {
                passage: index,
                range,
                ..Evidence::default()
            })
        })
        .collect();
    ingest::sentence::split(said).into_iter().all(|range| {
        let sentence = &said[range];
        let words = folded(sentence);
        let is_verbatim = |note: &String| note.contains(&format!(" {words} "));
        words.is_empty()
            || whole.iter().any(is_verbatim)
            || align(sentence, question, &passages, &evidence).supported
    })
}

fn passage(text: &str) -> Passage {
    Passage {
        rank: 1,
        chunk_id: 0,
        document_id: String::new(),
        file: String::new(),
        title: String::new(),
        authors: Vec::new(),
        year: None,
        page: 1,
        pages: [1, 1],
        section: None,
        text: text.to_owned(),
        score: 0.0,
        scores: Scores::default(),
        rects: Vec::new(),
        lines: Vec::new(),
    }
}

/// What was kept so far, to be found again.
#[derive(Default)]
struct Seen {
    exact: HashSet<[u8; 32]>,
    wordings: HashSet<(IsRefusal, String)>,
    bands: HashMap<(IsRefusal, i64), Vec<usize>>,
    /// With the figures, since questions on CIFAR-10 and on CIFAR-100 differ in nothing else.
    sketches: HashMap<usize, (Sketch, Vec<String>)>,
}

/// Copies are looked for among those of one kind.
type IsRefusal = bool;

impl Seen {
    /// Takes an example in as number `index`, or says of which sort of copy it is.
    fn add(&mut self, example: &Example, index: usize) -> Option<Reason> {
        let (prompt, completion) = example.parts()?;
        let mut hash = Sha256::new();
        for message in prompt {
            hash.update(message.content.trim());
            hash.update([0]);
        }
        hash.update(completion.trim());
        if !self.exact.insert(hash.finalize().into()) {
            return Some(Reason::Duplicate);
        }
        let is_refusal = example.about.kind == Kind::Refusal;
        // The words of all refusals are the same, and say nothing of the question.
        let answer = match is_refusal {
            true => String::new(),
            false => folded(&strip_markers(completion)),
        };
        let text = format!("{} {answer}", folded(&example.about.question));
        if !self.wordings.insert((is_refusal, text.clone())) {
            return Some(Reason::NearDuplicate);
        }
        let sketch = Sketch::of_short(&text)?;
        let mut figures: Vec<String> = text
            .split(' ')
            .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect();
        figures.sort_unstable();
        let bands = sketch.bands();
        let near = bands
            .iter()
            .filter_map(|band| self.bands.get(&(is_refusal, *band)))
            .flatten()
            .any(|other| {
                let (other, their_figures) = &self.sketches[other];
                *their_figures == figures && other.similarity(&sketch) >= NEAR
            });
        if near {
            return Some(Reason::NearDuplicate);
        }
        for band in bands {
            self.bands
                .entry((is_refusal, band))
                .or_default()
                .push(index);
        }
        self.sketches.insert(index, (sketch, figures));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::example;
    use generation::prompt::NO_ANSWER;

    const NOTES: [&str; 2] = [
        "The election of a leader takes 35 ms on average in a cluster of five servers.",
        "Snapshots are written to disk every ten minutes by a thread of its own.",
    ];

    fn reasons(examples: Vec<Example>) -> Vec<Reason> {
        let limits = Limits {
            max_tokens: 500,
            max_words: 30,
        };
        let count = |example: &Example| -> usize {
            let words = |text: &str| text.split_whitespace().count();
            example.messages.iter().map(|one| words(&one.content)).sum()
        };
        let checked = check(examples, limits, &count);
        checked.dropped.into_iter().map(|one| one.reason).collect()
    }

    #[test]
    fn each_example_is_judged_alone() {
        let question = "How long does the election of a leader take?";
        let supported = "The election of a leader takes 35 ms on average. [1]";
        let long = "word ".repeat(600);
        let wordy: String = (0..40).map(|number| format!("w{number} ")).collect();
        let cases: [(&str, &str, Option<Reason>); 14] = [
            (question, supported, None),
            (question, "35 ms [1]", None),
            (question, NO_ANSWER, None),
            (question, " ", Some(Reason::Empty)),
            ("?", supported, Some(Reason::Empty)),
            (question, "[1]", Some(Reason::Empty)),
            (&long, supported, Some(Reason::TooLong)),
            (question, &wordy, Some(Reason::Wordy)),
            (
                question,
                "It takes 35 ms on average. [1] It takes 35 ms on average. [1]",
                Some(Reason::Repetitive),
            ),
            (
                question,
                "a b c a b c a b c a b c a b c a b c",
                Some(Reason::Repetitive),
            ),
            (question, "35 ms [3]", Some(Reason::NoSuchNote)),
            (
                question,
                "The election of a leader takes 70 ms on average. [1]",
                Some(Reason::Unsupported),
            ),
            (
                "Is 35 ms the time that an election takes?",
                "35 ms [1]",
                Some(Reason::AnswerInQuestion),
            ),
            (question, "35 ms [2014]", None),
        ];
        for (question, completion, wanted) in cases {
            let found = reasons(vec![example("e", &["d"], &NOTES, question, completion)]);
            assert_eq!(found.first().copied(), wanted, "{question} {completion}");
        }
        let mut declines = example("e", &["d"], &NOTES, question, NO_ANSWER);
        declines.about.kind = Kind::Answer;
        let mut answers = example("e", &["d"], &NOTES, question, "35 ms [1]");
        answers.about.kind = Kind::Refusal;
        assert_eq!(reasons(vec![declines, answers]), [Reason::WrongKind; 2]);
    }

    #[test]
    fn a_sentence_of_a_long_note_supports_as_it_would_alone() {
        let note = "Services set their targets at the highest percentiles, as noted. A typical agreement \
                    required of the services that use the store is that 99.9% of the read and write \
                    requests execute within 300ms. Since the store runs on commodity hardware with less \
                    throughput than servers of enterprises, performance that is high is no small task.";
        let question = "What does a typical agreement of services that use the store require?";
        let said = |answer: &str| reasons(vec![example("e", &["d"], &[note], question, answer)]);
        assert_eq!(
            said("A typical agreement is that 99.9% of the requests execute within 300ms. [1]"),
            []
        );
        assert_eq!(
            said("A typical agreement is that 99.9% of the requests execute within 900ms. [1]"),
            [Reason::Unsupported]
        );
    }

    #[test]
    fn copies_are_told_from_look_alikes() {
        let one = |question: &str, notes: &[&str], completion: &str| {
            example("e", &["d"], notes, question, completion)
        };
        let asked = "How long does the election of a new leader take in a cluster of five servers?";
        let answer = "The election of a leader takes 35 ms on average. [1]";
        let cases: [(Vec<Example>, &[Reason]); 5] = [
            (
                vec![one(asked, &NOTES, answer), one(asked, &NOTES, answer)],
                &[Reason::Duplicate],
            ),
            // Other distractors.
            (
                vec![one(asked, &NOTES, answer), one(asked, &NOTES[..1], answer)],
                &[Reason::NearDuplicate],
            ),
            (
                vec![
                    one(asked, &NOTES, answer),
                    one(&asked.replace("a new leader", "a leader"), &NOTES, answer),
                ],
                &[Reason::NearDuplicate],
            ),
            // To refuse where the evidence is missing is something else to learn.
            (
                vec![
                    one(asked, &NOTES, answer),
                    one(asked, &NOTES[1..], NO_ANSWER),
                ],
                &[],
            ),
            (
                vec![
                    one(&asked.replace("five", "5"), &NOTES, NO_ANSWER),
                    one(&asked.replace("five", "9"), &NOTES, NO_ANSWER),
                ],
                &[],
            ),
        ];
        for (examples, wanted) in cases {
            let shown = examples[1].about.question.clone();
            assert_eq!(reasons(examples), wanted, "{shown}");
        }
    }
}
