//! Which examples are taken together, and in what order.
//!
//! Examples of a batch are laid one behind the other and attend each to itself alone
//! (block-diagonal attention), so that no batch is padded and a loss does not depend on what an
//! example is batched with. Two ways of choosing them: so many examples of about one length, or as
//! many as fill a number of tokens.
//!
//! The order is a function of seed and epoch, and a place in it is two numbers, [`Position`]; a run
//! that is interrupted goes on with the very batch that it would have taken.

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::dataset::{Dataset, Encoded};
use crate::random;

/// Batches whose examples are sorted by length together: enough that those of a batch are alike,
/// few enough that an epoch is still in random order.
const BUCKET: usize = 32;

/// How examples are chosen for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// This many, of about one length.
    Examples(usize),
    /// As many as fill this many tokens.
    Tokens(usize),
}

/// A place in the order of batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Passes over the data that are done.
    pub epoch: usize,
    /// Batches of this pass that are done.
    pub batch: usize,
}

/// The batches of a run, in order.
#[derive(Debug)]
pub struct Order {
    lengths: Vec<usize>,
    /// The examples of a pass, in the order of the file, some of them more than once.
    taken: Vec<usize>,
    batching: Batching,
    seed: u64,
    accumulation: usize,
    epochs: usize,
    position: Position,
    /// Of the epoch at `position`.
    batches: Vec<Vec<usize>>,
}

impl Order {
    /// The order for a dataset, from its beginning.
    pub fn new(config: &TrainConfig, dataset: &Dataset) -> Self {
        let batching = match config.packing {
            true => Batching::Tokens(config.batch_size.saturating_mul(config.max_length)),
            false => Batching::Examples(config.batch_size),
        };
        let lengths = dataset.examples.iter().map(|it| it.tokens.len()).collect();
        let examples = dataset.examples.iter().enumerate();
        let taken = examples
            .flat_map(|(number, it)| std::iter::repeat_n(number, it.repeats))
            .collect();
        let mut order = Self {
            lengths,
            taken,
            batching,
            seed: config.seed,
            accumulation: config.gradient_accumulation,
            epochs: config.epochs,
            position: Position::default(),
            batches: Vec::new(),
        };
        order.batches = order.epoch(0);
        order
    }

    /// The batches of an epoch, as numbers of examples.
    pub fn epoch(&self, epoch: usize) -> Vec<Vec<usize>> {
        let seed = random::of(self.seed, &[1, epoch as u64]);
        let mut order = self.taken.clone();
        random::shuffle(&mut order, seed);
        let mut batches: Vec<Vec<usize>> = match self.batching {
            Batching::Examples(count) => order
                .chunks_mut(count * BUCKET)
                .flat_map(|bucket| {
                    bucket.sort_by_key(|example| self.lengths[*example]);
                    bucket.chunks(count).map(<[usize]>::to_vec)
                })
                .collect(),
            Batching::Tokens(room) => self.fill(&order, room),
        };
        random::shuffle(&mut batches, random::mix(seed));
        batches
    }

    /// Each example goes into the first open batch with room for it; few are open at a time, so that
    /// this is quick and random order is kept.
    fn fill(&self, order: &[usize], room: usize) -> Vec<Vec<usize>> {
        let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut full = Vec::new();
        for example in order {
            let length = self.lengths[*example];
            match open.iter_mut().find(|(used, _)| used + length <= room) {
                Some((used, batch)) => {
                    *used += length;
                    batch.push(*example);
                }
                None => {
                    if open.len() == BUCKET {
                        full.push(open.remove(0).1);
                    }
                    open.push((length, vec![*example]));
                }
            }
        }
        full.extend(open.into_iter().map(|(_, batch)| batch));
        full
    }

    /// Steps in the whole run.
    pub fn steps(&self) -> usize {
        match self.batching {
            Batching::Examples(_) => {
                self.epochs * self.batches.len().div_ceil(self.accumulation).max(1)
            }
            Batching::Tokens(_) => (0..self.epochs)
                .map(|epoch| self.epoch(epoch).len().div_ceil(self.accumulation))
                .sum(),
        }
    }

    /// Tokens of a pass over the data.
    pub fn tokens(&self) -> usize {
        self.taken
            .iter()
            .map(|example| self.lengths[*example])
            .sum()
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Passes over the data that are done, with the fraction of the one that is not.
    pub fn passes(&self) -> f64 {
        let fraction = self.position.batch as f64 / self.batches.len().max(1) as f64;
        self.position.epoch as f64 + fraction
    }

    /// Goes to a place.
    pub fn seek(&mut self, position: Position) {
        self.position = position;
        self.batches = self.epoch(position.epoch);
    }

    /// True after the last batch of an epoch.
    pub fn is_at_epoch_end(&self) -> bool {
        self.position.batch == 0 && self.position.epoch > 0
    }

    /// The batches of the next step, none at the end. A step takes batches of one epoch only.
    pub fn next_step(&mut self) -> Option<Vec<Vec<usize>>> {
        if self.position.epoch >= self.epochs {
            return None;
        }
        let end = (self.position.batch + self.accumulation).min(self.batches.len());
        let step = self.batches.get(self.position.batch..end)?.to_vec();
        self.position.batch = end;
        if end == self.batches.len() {
            self.seek(Position {
                epoch: self.position.epoch + 1,
                batch: 0,
            });
        }
        Some(step)
    }
}

/// Examples laid one behind the other, ready for the model.
#[derive(Debug, Clone)]
pub struct Batch {
    /// All inputs. An example's last token is only predicted, so it is not among them.
    pub tokens: Vec<u32>,
    /// Inputs of each example.
    pub lengths: Vec<usize>,
    /// The inputs that predict a token of an answer, by their places in `tokens`.
    pub rows: Vec<u32>,
    /// The token that each of them predicts.
    pub targets: Vec<u32>,
    /// The examples' lines in the dataset.
    pub lines: Vec<usize>,
    /// For each row, whether its example is from feedback.
    pub feedback: Vec<bool>,
}

impl Batch {
    /// Lays out examples.
    pub fn new<'a>(examples: impl IntoIterator<Item = &'a Encoded>) -> Self {
        let mut batch = Self {
            tokens: Vec::new(),
            lengths: Vec::new(),
            rows: Vec::new(),
            targets: Vec::new(),
            lines: Vec::new(),
            feedback: Vec::new(),
        };
        for example in examples {
            let start = batch.tokens.len();
            let inputs = example.tokens.len() - 1;
            batch.tokens.extend(&example.tokens[..inputs]);
            batch.lengths.push(inputs);
            for (index, target) in example.completion().iter().enumerate() {
                batch.rows.push((start + example.prompt + index - 1) as u32);
                batch.targets.push(*target);
                batch.feedback.push(example.is_feedback);
            }
            batch.lines.push(example.line);
        }
        batch
    }

    pub(crate) fn ids(&self) -> candle_core::Result<Tensor> {
        Tensor::new(self.tokens.as_slice(), &Device::Cpu)
    }

    pub(crate) fn predicting(&self) -> candle_core::Result<Tensor> {
        Tensor::new(self.rows.as_slice(), &Device::Cpu)
    }
}
