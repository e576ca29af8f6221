//! One batch through the model and back, holding the graph of one block at a time.
//!
//! Gradient checkpointing (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016,
//! <https://arxiv.org/abs/1604.06174>), outside of autograd: on the way forward only the input of
//! each block is kept; on the way back each block is computed again from it, and the gradient of its
//! output sent through. That is a third more computation for a fraction of the memory; the last
//! blocks' graphs may be kept, up to all of them, where there is memory.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use generation::decoder::{Decoder, Kernels};

use crate::batch::Batch;
use crate::loss::{self, Gradient, cross_entropy, distilled};

/// Gradients of what is trained, summed over batches.
#[derive(Debug)]
pub struct Gradients {
    variables: Vec<Var>,
    sums: Vec<Option<Tensor>>,
}

impl Gradients {
    /// None yet.
    pub fn new(variables: &[(String, Var)]) -> Self {
        Self {
            variables: variables.iter().map(|(_, it)| it.clone()).collect(),
            sums: vec![None; variables.len()],
        }
    }

    /// Takes what `grads` has of them.
    pub(crate) fn take(&mut self, grads: &mut GradStore) -> Result<()> {
        for (variable, sum) in self.variables.iter().zip(&mut self.sums) {
            if let Some(part) = grads.remove(variable.as_tensor()) {
                add(sum, part)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, index: usize, part: Tensor) -> Result<()> {
        add(&mut self.sums[index], part)
    }

    /// In the order of the variables; `None` for one that nothing depended on.
    pub fn sums(&self) -> &[Option<Tensor>] {
        &self.sums
    }

    /// The norm of all together.
    ///
    /// # Errors
    /// Those of reading.
    pub fn norm(&self) -> Result<f64> {
        let mut total = 0.0;
        for sum in self.sums.iter().flatten() {
            let values = sum.flatten_all()?.to_vec1::<f32>()?;
            // Part sums: plain f32 for speed, few enough that no digits are lost.
            total += values
                .chunks(256)
                .map(|part| f64::from(part.iter().map(|value| value * value).sum::<f32>()))
                .sum::<f64>();
        }
        Ok(total.sqrt())
    }
}

fn add(sum: &mut Option<Tensor>, part: Tensor) -> Result<()> {
    let part = part.detach();
    *sum = Some(match sum.take() {
        None => part,
        Some(total) => (total + part)?,
    });
    Ok(())
}

/// A model that what is trained is kept to: as it was before, against forgetting (Li and Hoiem,
/// "Learning without Forgetting", 2016, <https://arxiv.org/abs/1606.09282>).
#[derive(Debug, Clone, Copy)]
pub struct Keeper<'a> {
    /// The model, over the same head.
    pub model: &'a Decoder,
    /// The share, 0 to 1, of the gradient of examples that are not from feedback which comes from its
    /// distributions rather than from their tokens.
    pub share: f32,
}

/// How a batch is sent through.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// What each token's loss counts: one over the number of tokens in the whole step, so that every
    /// token of a step counts the same however the step is cut into batches.
    pub weight: f32,
    /// Blocks, from the last, whose graph is kept.
    pub keep_blocks: usize,
    /// What dropout is drawn from.
    pub seed: u64,
    /// Where among the variables the head's weights are, if they are trained.
    pub head: Option<usize>,
    /// What it is kept to, if anything.
    pub keeper: Option<Keeper<'a>>,
}

/// Adds the gradients of a batch to `gradients`; returns the sum of its tokens' losses, in nats.
///
/// # Errors
/// Those of computing.
pub fn accumulate(
    model: &Decoder,
    batch: &Batch,
    pass: Pass<'_>,
    gradients: &mut Gradients,
) -> Result<f64> {
    let packing = model.packing(&batch.lengths);
    let kernels = Kernels::Training { seed: pass.seed };
    let n_layers = model.config().n_layers;

    // Tracked only where the embeddings are trained.
    let embedded = model.embed(&batch.ids()?)?;
    let trains_embeddings = embedded.track_op();
    let mut hidden = embedded.detach();
    let mut passed = Vec::with_capacity(n_layers);
    for layer in 0..n_layers {
        let input = match layer == 0 && !trains_embeddings {
            true => hidden,
            false => Var::from_tensor(&hidden)?.into_inner(),
        };
        let output = model.block(layer, &input, &packing, kernels)?;
        hidden = output.detach();
        let graph = (layer + pass.keep_blocks >= n_layers).then_some(output);
        passed.push((input, graph));
    }

    // Only what predicts an answer's token goes through the head.
    let last = Var::from_tensor(&hidden)?;
    let states = last.index_select(&batch.predicting()?, 0)?;
    let normalised = model.final_norm(&states, kernels)?;
    let wanted = match pass.head {
        None => Gradient::Hidden {
            weight: pass.weight,
        },
        Some(_) => Gradient::HiddenAndHead {
            weight: pass.weight,
        },
    };
    let head = model.head().weight()?;
    let loss = match pass.keeper {
        Some(keeper) if batch.feedback.contains(&false) => {
            let states = keeper
                .model
                .hidden_states(&batch.tokens, &packing, Kernels::Fused)?
                .index_select(&batch.predicting()?, 0)?;
            let share = |from_feedback: &bool| if *from_feedback { 0.0 } else { keeper.share };
            let shares: Vec<f32> = batch.feedback.iter().map(share).collect();
            let teacher = loss::Teacher {
                states: &states,
                shares: &shares,
            };
            distilled(&normalised, &head, &batch.targets, teacher, wanted)?
        }
        _ => cross_entropy(&normalised, &head, &batch.targets, wanted)?,
    };
    drop(head);
    let total = loss.sum();
    let Some(gradient) = loss.hidden else {
        return Ok(total);
    };
    if let (Some(index), Some(gradient)) = (pass.head, loss.head) {
        gradients.add(index, gradient)?;
    }
    let mut upstream = send(&normalised, &gradient, Some(last.as_tensor()), gradients)?;

    for layer in (0..n_layers).rev() {
        let (Some((input, graph)), Some(gradient)) = (passed.pop(), upstream) else {
            return Ok(total);
        };
        let output = match graph {
            Some(output) => output,
            None => model.block(layer, &input, &packing, kernels)?,
        };
        upstream = send(&output, &gradient, Some(&input), gradients)?;
    }
    if let (true, Some(gradient)) = (trains_embeddings, upstream) {
        send(&embedded, &gradient, None, gradients)?;
    }
    Ok(total)
}

/// Sends the gradient of `output` back to the variables that it was computed from, and returns that
/// of `input`.
fn send(
    output: &Tensor,
    gradient: &Tensor,
    input: Option<&Tensor>,
    gradients: &mut Gradients,
) -> Result<Option<Tensor>> {
    // Of this sum the gradient with respect to `output` is `gradient`.
    let mut grads = (output * gradient.detach())?.sum_all()?.backward()?;
    gradients.take(&mut grads)?;
    Ok(input
        .and_then(|input| grads.remove(input))
        .map(|gradient| gradient.detach()))
}
