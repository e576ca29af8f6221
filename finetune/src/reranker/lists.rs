//! Lists of passages: a question, what a search found for it in that order, and which of it answers.
//!
//! What does not answer although the search put it near the top is what teaches most ("hard
//! negatives"; Xiong et al., "Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text
//! Retrieval", 2021), and the search's own scores are what the model is to add to. So a list is the
//! search's result as it is, one JSON object a line:
//!
//! ```json
//! {"question":"What is Raft?","group":"a paper","passages":[
//!   {"text":"Raft is a consensus algorithm.","score":1.31,"grade":1},
//!   {"text":"A raft floats.","score":1.18,"grade":0}],"missed":[1]}
//! ```
//!
//! `missed` holds the grades of passages that answer and were not found; a ranking is judged by them
//! too. `group` names what must not be on two sides of a split.

use std::path::Path;

use retrieval::cross_encoder::{Pair, PairTokenizer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dataset::{Card, Dataset, Encoded, hexadecimal};
use crate::{Error, Result, session};

/// A question with what was found for it, best first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// What was asked.
    pub question: String,
    /// What it came from: a document, or the question itself.
    #[serde(default)]
    pub group: String,
    /// What was found, best first.
    pub passages: Vec<Candidate>,
    /// Grades above 0 of passages that were not found.
    #[serde(default)]
    pub missed: Vec<u32>,
}

/// A passage that was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its title, headings and text, as it is embedded.
    pub text: String,
    /// The score that decided its place.
    pub score: f32,
    /// 0 for one that does not answer; more for one that does, and how well.
    #[serde(default)]
    pub grade: u32,
}

impl List {
    /// True where there is something to learn: a passage that answers beside one that does not.
    pub fn teaches(&self) -> bool {
        let answers = |candidate: &Candidate| candidate.grade > 0;
        self.passages.iter().any(answers) && !self.passages.iter().all(answers)
    }

    /// The same with at most `count` passages: the first two that answer, and the first of the others.
    fn shortened(&self, count: usize) -> Vec<&Candidate> {
        let most = 2.min(count / 2).max(1);
        let (mut answers, mut others) = (0, 0);
        let found = self.passages.iter();
        let answering = found.filter(|it| it.grade > 0).count().min(most);
        self.passages
            .iter()
            .filter(|candidate| {
                let (taken, room) = match candidate.grade > 0 {
                    true => (&mut answers, answering),
                    false => (&mut others, count - answering),
                };
                *taken += 1;
                *taken <= room
            })
            .collect()
    }
}

/// Reads lists, one a line.
///
/// # Errors
/// [`Error::Dataset`] with the line that is no list, or where there is none.
pub fn read(path: &Path) -> Result<Vec<(usize, List)>> {
    let refused = |reason: String| Error::Dataset {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        refused(format!(
            "{error}; hint: name a file of lists, as `lectern finetune reranker` writes it"
        ))
    })?;
    let mut lists = Vec::new();
    for (index, content) in text.lines().enumerate() {
        if content.trim().is_empty() {
            continue;
        }
        let list: List = serde_json::from_str(content).map_err(|error| {
            refused(format!(
                "line {} is no list of passages ({error}); hint: each line is an object with \
                 `question` and `passages`, each of which has `text`, `score` and `grade`",
                index + 1
            ))
        })?;
        if list.question.trim().is_empty() || list.passages.iter().any(|it| !it.score.is_finite()) {
            return Err(refused(format!(
                "line {} has no question, or a score that is no number; hint: give both",
                index + 1
            )));
        }
        lists.push((index + 1, list));
    }
    match lists.is_empty() {
        true => Err(refused(
            "it is empty; hint: each line is one list".to_owned(),
        )),
        false => Ok(lists),
    }
}

/// Writes lists, one a line.
///
/// # Errors
/// [`Error::Run`] where the file cannot be written.
pub fn write(path: &Path, lists: &[List]) -> Result<()> {
    let mut text = String::new();
    for list in lists {
        let line = serde_json::to_string(list).map_err(|error| Error::run(path, error))?;
        text.push_str(&line);
        text.push('\n');
    }
    crate::files::write_whole(path, text.as_bytes())
        .map_err(|error| Error::unwritable(path, &error))
}

/// A list in tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedList {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The question with each passage.
    pub pairs: Vec<Pair>,
    /// What the search gave each.
    pub scores: Vec<f32>,
    /// The share of the answer that each is; they sum to 1.
    pub shares: Vec<f32>,
}

/// Lists in tokens, those that teach something.
#[derive(Debug, Clone)]
pub struct Lists {
    /// The lists.
    pub lists: Vec<EncodedList>,
    /// What a session takes them for: an example is all pairs of a list, of which one thing is learnt.
    pub dataset: Dataset,
}

impl Lists {
    /// Reads lists and keeps `count` passages of each.
    ///
    /// # Errors
    /// [`Error::Dataset`] as [`read`], or where no list teaches anything.
    pub fn read(path: &Path, tokenizer: &PairTokenizer, count: usize) -> Result<Self> {
        let refused = |reason: String| Error::Dataset {
            path: path.to_owned(),
            reason,
        };
        let bytes = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        let mut card = Card {
            path: path.to_owned(),
            sha256: hexadecimal(&Sha256::digest(&bytes)),
            ..Card::default()
        };
        let (mut lists, mut examples) = (Vec::new(), Vec::new());
        for (line, list) in read(path)? {
            let kept = list.shortened(count);
            let total: u32 = kept.iter().map(|it| it.grade).sum();
            if total == 0 || !list.teaches() || kept.len() < 2 {
                card.skipped += 1;
                continue;
            }
            let mut encoded = EncodedList {
                line,
                pairs: Vec::with_capacity(kept.len()),
                scores: kept.iter().map(|it| it.score).collect(),
                shares: kept
                    .iter()
                    .map(|it| it.grade as f32 / total as f32)
                    .collect(),
            };
            let mut tokens = Vec::new();
            for candidate in kept {
                let pair = tokenizer
                    .pair(&list.question, &candidate.text)
                    .map_err(|error| {
                        refused(format!("line {line} cannot be tokenised: {error}"))
                    })?;
                tokens.extend(&pair.ids);
                encoded.pairs.push(pair);
            }
            card.examples += 1;
            card.tokens += tokens.len();
            card.completion_tokens += 1;
            card.longest = card.longest.max(tokens.len());
            examples.push(Encoded {
                line,
                prompt: tokens.len() - 1,
                tokens,
                is_feedback: false,
                repeats: 1,
            });
            lists.push(encoded);
        }
        match lists.is_empty() {
            true => Err(refused(
                "in none of its lists a passage that answers stands beside one that does not; hint: \
                 give more questions"
                    .to_owned(),
            )),
            false => Ok(Self {
                lists,
                dataset: Dataset { examples, card },
            }),
        }
    }

    /// The list of a line.
    pub fn of_line(&self, line: usize) -> Option<&EncodedList> {
        let place = self.lists.binary_search_by_key(&line, |list| list.line);
        self.lists.get(place.ok()?)
    }
}

impl session::Words for PairTokenizer {
    fn text(&self, tokens: &[u32]) -> String {
        PairTokenizer::text(self, tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(grades: &[u32]) -> List {
        List {
            question: "which?".to_owned(),
            passages: grades
                .iter()
                .enumerate()
                .map(|(at, grade)| Candidate {
                    text: format!("passage {at}"),
                    score: 1.0 - at as f32 / 10.0,
                    grade: *grade,
                })
                .collect(),
            ..List::default()
        }
    }

    #[test]
    fn hard_negatives_are_those_that_stand_highest() {
        let kept = |grades: &[u32], count| -> Vec<String> {
            let list = list(grades);
            let kept = list.shortened(count);
            kept.iter()
                .map(|it| it.text.replace("passage ", ""))
                .collect()
        };
        assert_eq!(kept(&[0, 0, 1, 0, 0], 3), ["0", "1", "2"]);
        assert_eq!(kept(&[0, 1, 1, 1, 0, 0], 4), ["0", "1", "2", "4"]);
        assert_eq!(kept(&[0, 0, 0, 0, 1], 2), ["0", "4"]);
        assert!(list(&[0, 1]).teaches() && !list(&[0, 0]).teaches() && !list(&[1]).teaches());
    }

    #[test]
    fn what_was_written_is_read_and_other_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lists.jsonl");
        let lists = [list(&[0, 1]), list(&[2, 0])];
        write(&path, &lists).unwrap();
        let found = read(&path).unwrap();
        assert_eq!(found[1], (2, lists[1].clone()));
        for (text, told) in [
            ("", "it is empty"),
            (
                "{\"question\":\"q\",\"passages\":[]}\n\n{\"question\":1}",
                "line 3",
            ),
            ("{\"question\":\" \",\"passages\":[]}", "line 1"),
            ("nonsense", "line 1"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(told) && error.contains("hint: "), "{error}");
        }
    }
}
