//! What a run will take, told before it is begun: steps, memory, and, once a step has been timed,
//! time.
//!
//! Memory is counted, not measured: weights, what is trained with its gradient and two moments, the
//! inputs of blocks, one block's graph (or as many as are kept), and the logits held at a time.

use generation::decoder::DecoderConfig;
use serde::Serialize;

use crate::batch::Order;
use crate::config::BasePrecision;
use crate::{Dataset, Recipe, TrainConfig};

/// Bytes of a number in f32.
const F32: usize = 4;

/// Numbers that the graph of a block holds for each token, in units of its hidden and of its
/// intermediate width: what its operations keep, and their gradients on the way back.
const GRAPH: (usize, usize) = (14, 6);

/// What a run will take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Steps in all.
    pub steps: usize,
    /// Tokens run through the model in all, evaluations aside.
    pub tokens: usize,
    /// Numbers that are trained.
    pub parameters: usize,
    /// The most memory that it will hold, in bytes, the program itself aside.
    pub memory: usize,
}

/// Estimates a run of `config` on a model of the shape `model`.
pub fn estimate(config: &TrainConfig, model: &DecoderConfig, data: &Dataset) -> Estimate {
    let order = Order::new(config, data);
    let steps = match config.max_steps {
        0 => order.steps(),
        limit => order.steps().min(limit),
    };
    let all = data.card.tokens * config.epochs;
    let whole = order.steps().max(1);
    let longest = order
        .epoch(0)
        .iter()
        .map(|batch| {
            let lengths = batch.iter().map(|it| data.examples[*it].tokens.len());
            lengths.sum::<usize>()
        })
        .max()
        .unwrap_or(0);
    let parameters = parameters(config, model);
    Estimate {
        steps,
        tokens: (all as f64 * steps as f64 / whole as f64) as usize,
        parameters,
        memory: memory(config, model, parameters, longest),
    }
}

fn parameters(config: &TrainConfig, model: &DecoderConfig) -> usize {
    if config.recipe == Recipe::Full {
        return model.parameters();
    }
    let is_target = |name: &str| config.target_modules.iter().any(|it| name.ends_with(it));
    let block: usize = model
        .projections()
        .iter()
        .filter(|(name, _, _)| is_target(name))
        .map(|(_, rows, columns)| config.rank * (rows + columns))
        .sum();
    model.n_layers * block
}

fn memory(
    config: &TrainConfig,
    model: &DecoderConfig,
    parameters: usize,
    batch_tokens: usize,
) -> usize {
    let all = model.parameters();
    let embeddings = model.vocab * model.hidden;
    let embeddings = if model.tied_embeddings {
        embeddings
    } else {
        2 * embeddings
    };
    let weights = match (config.recipe, config.precision) {
        (Recipe::Lora, BasePrecision::Bf16) => all * 2,
        // 4.127 bits in blocks, 8.5 bits for embeddings; the head is unpacked for the loss.
        (Recipe::Qlora, _) => {
            (all - embeddings) * 4127 / 8000
                + embeddings * 34 / 32
                + model.vocab * model.hidden * F32
        }
        _ => all * F32,
    };
    // Value (counted above where all is trained), gradient, two moments.
    let trained = match config.recipe {
        Recipe::Full => parameters * 3 * F32,
        _ => parameters * 4 * F32,
    };
    let inputs = model.n_layers * batch_tokens * model.hidden * F32;
    let graphs = config.keep_blocks.clamp(1, model.n_layers);
    let (hidden, intermediate) = GRAPH;
    let graph = batch_tokens * (hidden * model.hidden + intermediate * model.intermediate) * F32;
    let unpacked = model.hidden * model.intermediate * F32;
    let logits = 2 * crate::loss::HELD * F32;
    weights + trained + inputs + graphs * graph + 2 * unpacked + logits
}
