//! What a run will take, told before it is begun: steps, memory and time.
//!
//! Time is what the multiplications of a step take at the rate at which this machine multiplies, which
//! is measured in a moment; a run that was timed tells it better.
//!
//! Memory is counted, not measured: weights, what is trained with its gradient and two moments, the
//! inputs of blocks, one block's graph (or as many as are kept), and the logits held at a time.

use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};
use generation::decoder::DecoderConfig;
use serde::Serialize;

use crate::batch::Order;
use crate::config::BasePrecision;
use crate::{Dataset, Recipe, Result, TrainConfig};

/// Bytes of a number in f32.
const F32: usize = 4;

/// Numbers that the graph of a block holds for each token, in units of its hidden and of its
/// intermediate width: what its operations keep, and their gradients on the way back.
const GRAPH: (usize, usize) = (14, 6);

/// How long this machine's rate is measured.
const MEASURED: Duration = Duration::from_millis(250);

/// The share of that rate that a step reaches, which does other things than multiply.
const EFFICIENCY: f64 = 0.6;

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
    let all = order.tokens() * config.epochs;
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

/// Tokens that this machine trains a second, about, from how fast it multiplies matrices of the
/// model's shape. Takes a quarter of a second.
///
/// # Errors
/// Those of computing.
pub fn tokens_per_second(config: &TrainConfig, model: &DecoderConfig) -> Result<f64> {
    let rows = 256;
    let left = Tensor::ones((rows, model.hidden), DType::F32, &Device::Cpu)?;
    let right = Tensor::ones((model.hidden, model.intermediate), DType::F32, &Device::Cpu)?;
    // The first is slower: threads start, pages are touched.
    left.matmul(&right)?;
    let (started, mut products) = (Instant::now(), 0);
    while products == 0 || started.elapsed() < MEASURED {
        left.matmul(&right)?;
        products += 1;
    }
    let operations = 2.0 * (rows * model.hidden * model.intermediate * products) as f64;
    let rate = operations / started.elapsed().as_secs_f64();
    Ok(rate * EFFICIENCY / operations_per_token(config, model))
}

/// Multiplications and additions of a step for each token: there, there again (blocks are computed
/// twice), and back, through frozen weights or into their gradients too.
fn operations_per_token(config: &TrainConfig, model: &DecoderConfig) -> f64 {
    let projections: usize = model
        .projections()
        .iter()
        .map(|(_, rows, columns)| rows * columns)
        .sum();
    let blocks = (model.n_layers * projections) as f64;
    let kept = config.keep_blocks.min(model.n_layers) as f64 / model.n_layers.max(1) as f64;
    let passes = match config.recipe {
        Recipe::Lora | Recipe::Qlora => 3.0,
        Recipe::Full | Recipe::Reranker => 4.0,
    };
    2.0 * blocks * (passes - kept)
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
