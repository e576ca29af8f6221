//! How good a model is on held-out chats: loss per token of their answers, and what it writes.

use candle_core::Tensor;
use generation::chat::ChatFormat;
use generation::decoder::{Decoder, Kernels, KvCache};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::dataset::{Dataset, Encoded};
use crate::loss::{Gradient, cross_entropy};
use crate::{Result, random};

/// Tokens run through the model at a time.
const TOKENS: usize = 1024;

/// Tokens that a sample answer may have.
const SAMPLE_TOKENS: usize = 64;

/// Loss on held-out data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Per token of the answers, in nats.
    pub loss: f64,
    /// Tokens that it is the mean of.
    pub tokens: usize,
    /// Examples that were taken.
    pub examples: usize,
}

impl Evaluation {
    /// e to the power of the loss: among how many tokens the model hesitates.
    pub fn perplexity(&self) -> f64 {
        self.loss.exp()
    }
}

/// What a model wrote for a held-out prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The example's line in the held-out data, from 1.
    pub line: usize,
    /// The end of the prompt.
    pub prompt: String,
    /// What the model should have written.
    pub expected: String,
    /// What it wrote, always choosing the likeliest token.
    pub written: String,
}

/// Some examples of a dataset, the same ones each time, spread over it; all for 0.
fn chosen(data: &Dataset, count: usize) -> Vec<&Encoded> {
    let mut order: Vec<usize> = (0..data.examples.len()).collect();
    if count > 0 && count < order.len() {
        random::shuffle(&mut order, 0);
        order.truncate(count);
        order.sort_unstable();
    }
    order.iter().map(|index| &data.examples[*index]).collect()
}

/// The loss on `count` examples, all for 0. `go_on` is asked between batches.
///
/// # Errors
/// Those of computing.
pub fn evaluate(
    model: &Decoder,
    data: &Dataset,
    count: usize,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<Evaluation>> {
    let examples = chosen(data, count);
    let head = model.head().weight()?;
    let (mut total, mut tokens) = (0.0, 0);
    let mut start = 0;
    while start < examples.len() {
        if !go_on() {
            return Ok(None);
        }
        let (mut end, mut room) = (start, TOKENS);
        while let Some(example) = examples.get(end)
            && (end == start || example.tokens.len() <= room)
        {
            room = room.saturating_sub(example.tokens.len());
            end += 1;
        }
        let batch = Batch::new(examples[start..end].iter().copied());
        let losses = losses(model, &head, &batch)?;
        tokens += losses.len();
        total += losses.iter().map(|loss| f64::from(*loss)).sum::<f64>();
        start = end;
    }
    Ok(Some(Evaluation {
        loss: total / tokens.max(1) as f64,
        tokens,
        examples: examples.len(),
    }))
}

/// The loss of each token that a batch predicts.
///
/// # Errors
/// Those of computing.
pub fn token_losses(model: &Decoder, batch: &Batch) -> Result<Vec<f32>> {
    losses(model, &model.head().weight()?, batch)
}

/// As [`token_losses`], with the head's weights `(vocab, hidden)` unpacked once for many batches.
fn losses(model: &Decoder, head: &Tensor, batch: &Batch) -> Result<Vec<f32>> {
    let packing = model.packing(&batch.lengths);
    let states = model.hidden_states(&batch.tokens, &packing, Kernels::Fused)?;
    let states = states.index_select(&batch.predicting()?, 0)?;
    Ok(cross_entropy(&states, head, &batch.targets, Gradient::None)?.rows)
}

/// What the model writes for `count` held-out prompts.
///
/// # Errors
/// Those of computing.
pub fn samples(
    model: &Decoder,
    chat: &ChatFormat,
    data: &Dataset,
    count: usize,
) -> Result<Vec<Sample>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    chosen(data, count)
        .into_iter()
        .map(|example| {
            let prompt = &example.tokens[..example.prompt];
            let text = chat.decode(prompt);
            let tail = text.char_indices().rev().nth(199).map_or(0, |(at, _)| at);
            let expected: Vec<u32> = example
                .completion()
                .iter()
                .copied()
                .filter(|token| !chat.is_stop(*token))
                .collect();
            Ok(Sample {
                line: example.line,
                prompt: text[tail..].to_owned(),
                expected: chat.decode(&expected),
                written: write(model, chat, prompt)?,
            })
        })
        .collect()
}

fn write(model: &Decoder, chat: &ChatFormat, prompt: &[u32]) -> Result<String> {
    let mut cache = KvCache::new(model.config(), prompt.len() + SAMPLE_TOKENS);
    let mut logits = model.forward(prompt, &mut cache, Kernels::Fused)?;
    let mut written = Vec::new();
    while written.len() < SAMPLE_TOKENS {
        let token = logits.argmax(0)?.to_scalar::<u32>()?;
        if chat.is_stop(token) {
            break;
        }
        written.push(token);
        logits = model.forward(&[token], &mut cache, Kernels::Fused)?;
    }
    Ok(chat.decode(&written))
}
