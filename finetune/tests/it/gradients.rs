//! Losses and gradients against plain forms of the same.

use std::collections::HashMap;

use candle_core::{D, Device, Tensor, Var};
use finetune::backward::{Gradients, Pass, accumulate};
use finetune::batch::Batch;
use finetune::config::{Recipe, TooLong};
use finetune::dataset::{Encoded, Limits};
use finetune::evaluate::token_losses;
use finetune::optimizer::{AdamW, clip};
use finetune::{Dataset, TrainConfig};
use generation::chat::ChatFormat;
use generation::decoder::{Adapter, AdapterConfig, Decoder, Kernels, Precision};

use crate::tiny::{LAYERS, Place};

const MODULES: [&str; 3] = ["q_proj", "o_proj", "down_proj"];

fn examples(place: &Place) -> Vec<Encoded> {
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    let limits = Limits {
        max_length: 128,
        too_long: TooLong::Refuse,
    };
    Dataset::read(&place.path("train.jsonl"), &chat, limits)
        .unwrap()
        .examples
}

/// An adapter whose B is not zero, so that every matrix has a gradient.
fn adapted(base: &Decoder, dropout: f32) -> (Decoder, Vec<(String, Var)>) {
    let config = AdapterConfig {
        lora_dropout: dropout,
        ..AdapterConfig::new(4, 8.0, &MODULES)
    };
    let adapter = Adapter::new(config, base.config(), 1).unwrap();
    let variables = adapter.variables();
    for (name, variable) in &variables {
        if name.contains("lora_B") {
            let noise = Tensor::randn(0f32, 0.1, variable.shape(), &Device::Cpu).unwrap();
            variable.set(&noise).unwrap();
        }
    }
    (base.with_adapter(&adapter).unwrap(), variables)
}

/// The mean loss by one graph through the whole model and candle's operations.
fn plain_loss(model: &Decoder, batch: &Batch, kernels: Kernels) -> Tensor {
    let packing = model.packing(&batch.lengths);
    let states = model
        .hidden_states(&batch.tokens, &packing, kernels)
        .unwrap();
    let rows = Tensor::new(batch.rows.as_slice(), &Device::Cpu).unwrap();
    let states = states.index_select(&rows, 0).unwrap();
    let logits = model.head().forward(&states, kernels).unwrap();
    let highest = logits.max_keepdim(D::Minus1).unwrap().detach();
    let shifted = logits.broadcast_sub(&highest).unwrap();
    let total = shifted.exp().unwrap().sum_keepdim(D::Minus1).unwrap();
    let log = shifted.broadcast_sub(&total.log().unwrap()).unwrap();
    let targets = Tensor::new(batch.targets.as_slice(), &Device::Cpu).unwrap();
    let picked = log.gather(&targets.unsqueeze(1).unwrap(), 1).unwrap();
    picked.mean_all().unwrap().neg().unwrap()
}

fn far(left: &Tensor, right: &Tensor) -> f32 {
    let largest = |tensor: &Tensor| -> f32 {
        let all = tensor.abs().unwrap().flatten_all().unwrap();
        all.max(0).unwrap().to_scalar().unwrap()
    };
    largest(&(left - right).unwrap()) / largest(right).max(1e-6)
}

fn check(model: &Decoder, variables: &[(String, Var)], batch: &Batch, trains_head: bool) {
    let seed = 9;
    let loss = plain_loss(model, batch, Kernels::Training { seed });
    let grads = loss.backward().unwrap();
    let mean: f32 = loss.to_scalar().unwrap();
    for keep_blocks in 0..=LAYERS {
        let mut gradients = Gradients::new(variables);
        let pass = Pass {
            weight: 1.0 / batch.targets.len() as f32,
            keep_blocks,
            seed,
            head: trains_head.then(|| {
                let name = "model.embed_tokens.weight";
                variables.iter().position(|(it, _)| it == name).unwrap()
            }),
            keeper: None,
        };
        let sum = accumulate(model, batch, pass, &mut gradients).unwrap();
        assert!((sum / batch.targets.len() as f64 - f64::from(mean)).abs() < 1e-5);
        for ((name, variable), ours) in variables.iter().zip(gradients.sums()) {
            let ours = ours.as_ref().unwrap_or_else(|| panic!("{name} has none"));
            let difference = far(ours, grads.get(variable).unwrap());
            assert!(difference < 1e-4, "{name}, {keep_blocks}: {difference}");
        }
    }
}

#[test]
fn gradients_block_by_block_are_those_of_one_graph() {
    let place = Place::new();
    let batch = Batch::new(&examples(&place));
    for precision in [Precision::F32, Precision::Bf16, Precision::Nf4] {
        let base = Decoder::from_gguf(&place.path("model.gguf"), precision).unwrap();
        for dropout in [0.0, 0.3] {
            let (model, variables) = adapted(&base, dropout);
            assert_eq!(variables.len(), LAYERS * MODULES.len() * 2);
            check(&model, &variables, &batch, false);
        }
    }
    let base = Decoder::from_gguf(&place.path("model.gguf"), Precision::F32).unwrap();
    let (model, variables) = base.to_variables().unwrap();
    check(&model, &variables, &batch, true);
}

#[test]
fn an_example_costs_the_same_whatever_it_is_packed_with() {
    let place = Place::new();
    let base = Decoder::from_gguf(&place.path("model.gguf"), Precision::F32).unwrap();
    let (model, variables) = adapted(&base, 0.0);
    let examples = examples(&place);
    let packed = token_losses(&model, &Batch::new(&examples)).unwrap();
    let mut start = 0;
    let mut alone = Gradients::new(&variables);
    let pass = Pass {
        weight: 1.0,
        keep_blocks: 0,
        seed: 0,
        head: None,
        keeper: None,
    };
    for example in &examples {
        let batch = Batch::new([example]);
        let losses = token_losses(&model, &batch).unwrap();
        for (alone, packed) in losses.iter().zip(&packed[start..]) {
            assert!((alone - packed).abs() < 1e-4, "{alone} {packed}");
        }
        start += losses.len();
        accumulate(&model, &batch, pass, &mut alone).unwrap();
    }
    assert_eq!(start, packed.len());
    let mut together = Gradients::new(&variables);
    accumulate(&model, &Batch::new(&examples), pass, &mut together).unwrap();
    for (alone, together) in alone.sums().iter().zip(together.sums()) {
        assert!(far(alone.as_ref().unwrap(), together.as_ref().unwrap()) < 1e-4);
    }
}

#[test]
fn the_answer_is_learnt_and_the_prompt_is_not() {
    let place = Place::new();
    let base = Decoder::from_gguf(&place.path("model.gguf"), Precision::F32).unwrap();
    let (model, _) = adapted(&base, 0.0);
    let example = examples(&place).swap_remove(0);
    let losses = |example: &Encoded| token_losses(&model, &Batch::new([example])).unwrap();
    let whole = losses(&example);
    assert_eq!(whole.len(), example.tokens.len() - example.prompt);
    // An example of which more is the prompt has the same losses for what is left.
    let shorter = Encoded {
        prompt: example.prompt + 2,
        ..example.clone()
    };
    assert_eq!(losses(&shorter), whole[2..]);
}

/// AdamW as the paper has it, one number at a time in f64.
fn reference(
    value: f64,
    gradients: &[f64],
    config: &TrainConfig,
    learning_rate: f64,
    decay: f64,
) -> f64 {
    let [beta1, beta2] = config.betas;
    let (mut value, mut first, mut second) = (value, 0.0, 0.0);
    for (step, gradient) in gradients.iter().enumerate() {
        let step = step as i32 + 1;
        first = beta1 * first + (1.0 - beta1) * gradient;
        second = beta2 * second + (1.0 - beta2) * gradient * gradient;
        let first = first / (1.0 - beta1.powi(step));
        let second: f64 = second / (1.0 - beta2.powi(step));
        value -= learning_rate * (first / (second.sqrt() + config.epsilon) + decay * value);
    }
    value
}

#[test]
fn the_optimizer_is_the_papers() {
    let place = Place::new();
    let base = Decoder::from_gguf(&place.path("model.gguf"), Precision::F32).unwrap();
    let (model, variables) = base.to_variables().unwrap();
    let batch = Batch::new(&examples(&place));
    let config = TrainConfig {
        weight_decay: 0.1,
        ..TrainConfig::new(Recipe::Full)
    };
    let mut optimizer = AdamW::new(&config, &variables);
    let values =
        |variable: &Var| -> Vec<f32> { variable.flatten_all().unwrap().to_vec1().unwrap() };
    let before: Vec<Vec<f32>> = variables.iter().map(|(_, it)| values(it)).collect();
    let mut history: HashMap<usize, Vec<Vec<f32>>> = HashMap::new();
    let learning_rate = 1e-3;
    for step in 0..4 {
        let pass = Pass {
            weight: 1.0 / batch.targets.len() as f32,
            keep_blocks: 0,
            seed: step,
            head: Some(0),
            keeper: None,
        };
        let mut gradients = Gradients::new(&variables);
        accumulate(&model, &batch, pass, &mut gradients).unwrap();
        let scale = clip(gradients.norm().unwrap(), 0.5);
        for (index, sum) in gradients.sums().iter().enumerate() {
            let sum = sum.as_ref().unwrap().flatten_all().unwrap();
            let scaled = (sum * scale).unwrap().to_vec1::<f32>().unwrap();
            history.entry(index).or_default().push(scaled);
        }
        optimizer
            .step(&variables, &gradients, scale, learning_rate)
            .unwrap();
    }
    for (index, (name, variable)) in variables.iter().enumerate() {
        let decay = if variable.rank() > 1 { 0.1 } else { 0.0 };
        for (place, value) in values(variable).iter().enumerate().step_by(37) {
            let gradients: Vec<f64> = history[&index]
                .iter()
                .map(|step| f64::from(step[place]))
                .collect();
            let start = f64::from(before[index][place]);
            let expected = reference(start, &gradients, &config, learning_rate, decay);
            // A gradient near epsilon makes a step of any size below the learning rate.
            assert!(
                (f64::from(*value) - expected).abs() < 2e-5,
                "{name}: {value} {expected}"
            );
        }
    }
    assert!((clip(10.0, 1.0) - 0.1).abs() < 1e-12);
    assert_eq!((clip(0.5, 1.0), clip(10.0, 0.0)), (1.0, 1.0));
}
