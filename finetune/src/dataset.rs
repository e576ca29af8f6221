//! Chats to tokens, of which only the answer is learnt.
//!
//! A prompt is encoded by the function that encodes it for serving
//! ([`ChatFormat::encode`]), so that a model is trained on what it will be given, byte for byte. The
//! answer follows, with the token that ends it: a model that is not taught to stop does not stop.

use std::path::{Path, PathBuf};

use generation::Message;
use generation::chat::ChatFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::TooLong;
use crate::data::Source;
use crate::data::reorder::reordered;
use crate::{Error, Example, Result, TrainConfig, parse_line};

/// Orders of its notes in which an example from feedback is taken, at most: as many as four notes have.
const ORDERS: usize = 24;

/// An example as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Prompt and answer.
    pub tokens: Vec<u32>,
    /// How many of them are the prompt's.
    pub prompt: usize,
    /// True where a person's judgement made it.
    pub is_feedback: bool,
    /// Times that a pass over the data takes it.
    pub repeats: usize,
}

impl Encoded {
    /// The tokens that are learnt.
    pub fn completion(&self) -> &[u32] {
        &self.tokens[self.prompt..]
    }
}

/// How long examples may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most tokens of prompt and answer together.
    pub max_length: usize,
    /// What is done with longer ones.
    pub too_long: TooLong,
}

/// What a dataset holds, as a run folder records it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Examples that are used.
    pub examples: usize,
    /// Tokens in them.
    pub tokens: usize,
    /// Those of them that are learnt.
    pub completion_tokens: usize,
    /// Tokens of the longest.
    pub longest: usize,
    /// Examples left out because they are too long.
    pub skipped: usize,
    /// Examples whose answer was cut because they are too long.
    pub cut: usize,
    /// Examples without a question, which are texts to continue rather than chats.
    pub without_question: usize,
}

/// A dataset in tokens.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its examples.
    pub examples: Vec<Encoded>,
    /// What it holds.
    pub card: Card,
}

impl Dataset {
    /// Reads JSONL of chats, each of them once.
    ///
    /// # Errors
    /// [`Error::Dataset`] where the file cannot be read, holds no usable example, or one that is too
    /// long and `limits` refuse it; [`Error::Lines`] where lines are malformed.
    pub fn read(path: &Path, chat: &ChatFormat, limits: Limits) -> Result<Self> {
        Self::read_repeated(path, chat, limits, 1)
    }

    /// As [`Self::read`], to train on: a pass takes each example from feedback `repeats` times, with
    /// its notes in the order in which they were served once, and in others after that.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_repeated(
        path: &Path,
        chat: &ChatFormat,
        limits: Limits,
        repeats: usize,
    ) -> Result<Self> {
        let refused = |reason: String| Error::Dataset {
            path: path.to_owned(),
            reason,
        };
        let bytes = std::fs::read(path).map_err(|error| {
            refused(format!(
                "{error}; hint: name a JSONL file, such as `lectern finetune prepare` writes"
            ))
        })?;
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            refused(format!(
                "line {line} is not UTF-8; hint: save the file as UTF-8"
            ))
        })?;
        let mut dataset = Self {
            examples: Vec::new(),
            card: Card {
                path: path.to_owned(),
                sha256,
                examples: 0,
                tokens: 0,
                completion_tokens: 0,
                longest: 0,
                skipped: 0,
                cut: 0,
                without_question: 0,
            },
        };
        // A byte order mark, as some editors put it in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut bad = Vec::new();
        for (index, content) in text.lines().enumerate() {
            if content.trim().is_empty() {
                continue;
            }
            match parse_line(index + 1, content) {
                Ok(example) => dataset
                    .add(
                        (index + 1, is_feedback(content).then_some(repeats)),
                        &example,
                        chat,
                        limits,
                    )
                    .map_err(|error| match error {
                        Refusal::TooLong(tokens) => refused(format!(
                            "line {} is {tokens} tokens long and {} are allowed; hint: raise \
                             max_length, or set too_long to skip or cut",
                            index + 1,
                            limits.max_length
                        )),
                        Refusal::Other(error) => {
                            refused(format!("line {} cannot be encoded: {error}", index + 1))
                        }
                    })?,
                Err(error) => bad.push(error),
            }
        }
        let count = bad.len();
        if let Some(first) = bad.into_iter().next() {
            return Err(Error::Lines {
                path: path.to_owned(),
                count,
                first: Box::new(first),
            });
        }
        if dataset.examples.is_empty() {
            return Err(refused(match dataset.card.skipped {
                0 => "it is empty; hint: each line is one example".to_owned(),
                skipped => format!(
                    "all of its {skipped} examples are longer than {} tokens; hint: raise \
                     max_length",
                    limits.max_length
                ),
            }));
        }
        Ok(dataset)
    }

    fn add(
        &mut self,
        (line, feedback): (usize, Option<usize>),
        example: &Example,
        chat: &ChatFormat,
        limits: Limits,
    ) -> std::result::Result<(), Refusal> {
        let Some((tokens, prompt)) = encoded(&example.messages, chat)? else {
            return Ok(());
        };
        if tokens.len() > limits.max_length {
            match limits.too_long {
                TooLong::Refuse => return Err(Refusal::TooLong(tokens.len())),
                TooLong::Cut if prompt < limits.max_length => self.card.cut += 1,
                _ => {
                    self.card.skipped += 1;
                    return Ok(());
                }
            }
        }
        if prompt == 0 {
            // Nothing precedes the first token, from which it could be predicted.
            self.card.skipped += 1;
            return Ok(());
        }
        let mut one = Encoded {
            line,
            tokens,
            prompt,
            is_feedback: feedback.is_some(),
            repeats: 1,
        };
        // What is cut does not end, and must not be taught to.
        one.tokens.truncate(limits.max_length);
        let card = &mut self.card;
        card.examples += 1;
        card.tokens += one.tokens.len();
        card.completion_tokens += one.completion().len();
        card.longest = card.longest.max(one.tokens.len());
        card.without_question += usize::from(!example.messages.iter().any(|it| it.role == "user"));
        match feedback {
            None => self.examples.push(one),
            Some(repeats) => {
                self.examples
                    .extend(in_orders(one, repeats, example, chat, limits.max_length)?);
            }
        }
        Ok(())
    }

    /// Whether any of it is from feedback.
    pub fn has_feedback(&self) -> bool {
        self.examples.iter().any(|example| example.is_feedback)
    }

    /// What is probably a mistake: about the data, and about the data with this base model, whose
    /// file may say by its name what the model itself does not.
    pub fn warnings(&self, chat: &ChatFormat, config: &TrainConfig) -> Vec<String> {
        let card = &self.card;
        let path = card.path.display();
        let mut warnings = Vec::new();
        if card.skipped > 0 {
            warnings.push(format!(
                "{path}: {} examples are too long and left out",
                card.skipped
            ));
        }
        if card.cut > 0 {
            warnings.push(format!(
                "{path}: {} examples are too long and their answers cut",
                card.cut
            ));
        }
        if card.examples < 20 {
            warnings.push(format!(
                "{path}: {} examples are few; the model will recite rather than learn",
                card.examples
            ));
        }
        if config.self_distillation > 0.0 && !self.has_feedback() {
            warnings.push(format!(
                "{path}: none is from feedback, so all of it is learnt and self_distillation has no \
                 effect"
            ));
        }
        let file = config
            .base
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let is_tuned = is_instruction_tuned(chat.name()) || is_instruction_tuned(&file);
        if is_tuned && card.without_question * 2 > card.examples {
            warnings.push(format!(
                "{} is tuned to chat and most of {path} are texts without a question: a new format \
                 may cost it what it knows; a base model suits them better",
                chat.name()
            ));
        }
        if !is_tuned && card.without_question * 2 <= card.examples {
            warnings.push(format!(
                "{} seems to be a base model, not tuned to chat: it needs far more examples to \
                 learn to answer than an instruct model",
                chat.name()
            ));
        }
        warnings
    }
}

/// A chat in tokens, and how many of them are the prompt's.
fn encoded(
    messages: &[Message],
    chat: &ChatFormat,
) -> generation::Result<Option<(Vec<u32>, usize)>> {
    let Some((answer, prompt)) = messages.split_last() else {
        return Ok(None);
    };
    let mut tokens = chat.encode(prompt)?;
    let prompt = tokens.len();
    tokens.extend(chat.encode_completion(&answer.content)?);
    Ok(Some((tokens, prompt)))
}

/// An example `repeats` times: as it is, and then with its notes in other orders, as far as those are no
/// longer than `max_length`.
fn in_orders(
    one: Encoded,
    repeats: usize,
    example: &Example,
    chat: &ChatFormat,
    max_length: usize,
) -> generation::Result<Vec<Encoded>> {
    let mut orders = vec![one];
    for seed in 1..repeats.min(ORDERS) {
        let Some(messages) = reordered(&example.messages, seed as u64) else {
            break;
        };
        // A few tokens more or less than the first, as words meet other words.
        let Some((tokens, prompt)) =
            encoded(&messages, chat)?.filter(|(tokens, _)| tokens.len() <= max_length)
        else {
            continue;
        };
        orders.push(Encoded {
            tokens,
            prompt,
            ..orders[0]
        });
    }
    let count = orders.len();
    for (index, order) in orders.iter_mut().enumerate() {
        order.repeats = repeats / count + usize::from(index < repeats % count);
    }
    Ok(orders)
}

/// What is read of an example's [`About`](crate::data::About): other files have something else there,
/// or nothing.
#[derive(Deserialize)]
struct Provenance {
    about: Origin,
}

#[derive(Deserialize)]
struct Origin {
    source: Source,
}

/// Whether a line of a dataset says that it is of feedback.
fn is_feedback(content: &str) -> bool {
    serde_json::from_str::<Provenance>(content).is_ok_and(|it| it.about.source == Source::Feedback)
}

enum Refusal {
    TooLong(usize),
    Other(generation::Error),
}

impl From<generation::Error> for Refusal {
    fn from(error: generation::Error) -> Self {
        Self::Other(error)
    }
}

/// Whether a model's name says that it was tuned to chat.
fn is_instruction_tuned(name: &str) -> bool {
    let name = name.to_lowercase();
    ["instruct", "chat", "assistant", "sft", "dpo", "zephyr"]
        .iter()
        .any(|part| name.contains(part))
        || name
            .split(['-', '_', ' ', '.'])
            .any(|part| matches!(part, "it" | "rlhf"))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
