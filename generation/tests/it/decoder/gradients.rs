//! Gradients: that they arrive everywhere, and that they are what small changes say they are.

use candle_core::quantized::GgmlDType;
use candle_core::{Tensor, Var};
use generation::decoder::{Adapter, AdapterConfig, Decoder, Kernels, Precision};

use super::{CPU, LLAMA, MISTRAL, Model, Noise, QWEN2, numbers, tokens};

pub(super) const ALL: [&str; 7] = [
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
];

/// An adapter whose `B` is not zero, as it is after some training.
pub(super) fn trained_adapter(model: &Model, config: AdapterConfig) -> Adapter {
    let adapter = Adapter::new(config, &model.config, 5).unwrap();
    let mut noise = Noise(9);
    for (name, variable) in adapter.variables() {
        if name.ends_with("lora_B.weight") {
            variable.set(&noise.tensor(variable.dims(), 0.2)).unwrap();
        }
    }
    adapter
}

/// A smooth loss over two packed sequences, the second longer than attention takes at a time.
fn loss(decoder: &Decoder, kernels: Kernels) -> Tensor {
    let ids = [tokens(20), tokens(140)].concat();
    let packing = decoder.packing(&[20, 140]);
    let states = decoder.hidden_states(&ids, &packing, kernels).unwrap();
    let logits = decoder.head().forward(&states, kernels).unwrap();
    let weights = Noise(21).tensor(logits.dims(), 1.0);
    let fitted = ((logits / 4.0).unwrap().tanh().unwrap() * weights).unwrap();
    fitted.sum_all().unwrap()
}

/// Holds the gradient of each variable against the change of the loss along a random direction.
fn check(decoder: &Decoder, variables: &[(String, Var)], kernels: Kernels) {
    let value = |()| f64::from(loss(decoder, kernels).to_scalar::<f32>().unwrap());
    let gradients = loss(decoder, kernels).backward().unwrap();
    let mut noise = Noise(33);
    for (name, variable) in variables {
        let gradient = gradients.get(variable.as_tensor());
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        assert_eq!(gradient.dims(), variable.dims(), "{name}");
        let gradient = numbers(gradient);
        let length = gradient
            .iter()
            .map(|g| f64::from(g * g))
            .sum::<f64>()
            .sqrt();
        assert!(length.is_finite() && length > 0.0, "{name}: {length}");

        // Half along the gradient, so that the change is well above the noise of f32.
        let random = noise.numbers(gradient.len());
        let spread = random.iter().map(|r| f64::from(r * r)).sum::<f64>().sqrt();
        let direction: Vec<f32> = gradient
            .iter()
            .zip(&random)
            .map(|(g, r)| (f64::from(*g) / length + f64::from(*r) / spread) as f32)
            .collect();
        let expected: f64 = gradient
            .iter()
            .zip(&direction)
            .map(|(g, d)| f64::from(*g) * f64::from(*d))
            .sum();
        let direction = Tensor::from_vec(direction, variable.dims(), CPU).unwrap();
        let start = variable.as_tensor().copy().unwrap();
        // A change of the loss of about a hundredth of what it is made of.
        let step = (0.05 / length).min(0.02);
        let at = |step: f64| {
            let moved = (&start + (&direction * step).unwrap()).unwrap();
            variable.set(&moved).unwrap();
            value(())
        };
        let measured = (at(step) - at(-step)) / (2.0 * step);
        at(0.0);
        let apart = (measured - expected).abs() / expected.abs();
        assert!(
            apart < 0.03,
            "{name}: {measured} measured, {expected} expected"
        );
    }
}

#[test]
fn every_adapter_variable_gets_its_gradient() {
    for json in [LLAMA, MISTRAL, QWEN2] {
        let model = Model::new(json);
        let config = AdapterConfig::new(4, 8.0, &ALL);
        let adapter = trained_adapter(&model, config);
        let variables = adapter.variables();
        assert_eq!(variables.len(), 2 * 2 * ALL.len());
        let decoder = model
            .decoder(Precision::F32)
            .with_adapter(&adapter)
            .unwrap();
        check(&decoder, &variables, Kernels::Differentiable);
        // The fused kernels leave no trace to go back along.
        let gradients = loss(&decoder, Kernels::Fused).backward().unwrap();
        for (name, variable) in &variables {
            assert!(gradients.get(variable.as_tensor()).is_none(), "{name}");
        }
    }
}

#[test]
fn dropout_and_packed_weights_have_gradients_as_well() {
    let model = Model::new(LLAMA);
    let config = AdapterConfig {
        lora_dropout: 0.3,
        use_rslora: true,
        ..AdapterConfig::new(4, 4.0, &["q_proj", "down_proj"])
    };
    let adapter = trained_adapter(&model, config);
    let kernels = Kernels::Training { seed: 77 };
    for decoder in [
        model.decoder(Precision::Nf4),
        model.decoder(Precision::Bf16),
        Decoder::from_gguf(&model.gguf(GgmlDType::Q8_0), Precision::AsStored).unwrap(),
    ] {
        let decoder = decoder.with_adapter(&adapter).unwrap();
        check(&decoder, &adapter.variables(), kernels);
    }
}

#[test]
fn all_weights_can_be_trained() {
    for json in [LLAMA, QWEN2] {
        let model = Model::new(json);
        let (decoder, variables) = model.decoder(Precision::F32).to_variables().unwrap();
        assert_eq!(variables.len(), model.tensors.len());
        for (name, variable) in &variables {
            assert_eq!(numbers(variable), numbers(&model.tensors[name]), "{name}");
        }
        check(&decoder, &variables, Kernels::Differentiable);
        let gradients = loss(&decoder, Kernels::Fused).backward().unwrap();
        for (name, variable) in &variables {
            assert!(gradients.get(variable.as_tensor()).is_none(), "{name}");
        }
    }
}

#[test]
fn a_block_alone_passes_gradients_for_checkpointing() {
    let model = Model::new(LLAMA);
    let decoder = model.decoder(Precision::F32);
    let ids = Tensor::new(tokens(30), CPU).unwrap();
    let packing = decoder.packing(&[30]);
    let (kernels, width) = (Kernels::Differentiable, model.config.hidden);
    let hidden = Var::from_tensor(&decoder.embed(&ids).unwrap()).unwrap();
    let out = decoder.block(1, &hidden, &packing, kernels).unwrap();
    let weights = Noise(2).tensor(&[30, width], 1.0);
    let gradients = (out * weights)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    let gradient = numbers(gradients.get(&hidden).unwrap());
    assert!(gradient.iter().all(|value| value.is_finite()));
    assert!(
        gradient
            .chunks(width)
            .all(|row| row.iter().any(|value| value.abs() > 1e-6))
    );
    assert!(decoder.block(2, &hidden, &packing, kernels).is_err());
    let other = decoder.packing(&[29]);
    assert!(decoder.block(1, &hidden, &other, kernels).is_err());
}
