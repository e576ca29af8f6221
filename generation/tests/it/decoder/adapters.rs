//! Adapters: put on, taken off, swapped, kept in files, merged.

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Tensor};
use generation::decoder::merge::{self, GgufFormat};
use generation::decoder::{Adapter, AdapterConfig, Decoder, Kernels, Precision};

use super::gradients::{ALL, trained_adapter};
use super::{
    CPU, LLAMA, LLAMA3, MISTRAL, Model, QWEN2, broken, close, logits, numbers, tokens, write,
};

fn config() -> AdapterConfig {
    AdapterConfig {
        base_model_name_or_path: Some("a tiny model".to_owned()),
        ..AdapterConfig::new(4, 8.0, &ALL)
    }
}

#[test]
fn a_new_adapter_changes_nothing_and_a_trained_one_does() {
    let model = Model::new(LLAMA);
    let base = model.decoder(Precision::F32);
    let before = logits(&base, &tokens(40), Kernels::Fused);
    let fresh = Adapter::new(config(), &model.config, 1).unwrap();
    let with_fresh = base.with_adapter(&fresh).unwrap();
    close(
        &logits(&with_fresh, &tokens(40), Kernels::Fused),
        &before,
        1e-6,
    );
    assert_eq!(fresh.parameters(), 2 * 4 * (2 * 128 + 2 * 96 + 3 * 160));

    let first = trained_adapter(&model, config());
    let second = trained_adapter(
        &model,
        AdapterConfig {
            lora_alpha: -3.0,
            ..config()
        },
    );
    let run = |decoder: &Decoder| logits(decoder, &tokens(40), Kernels::Fused);
    let adapted = base.with_adapter(&first).unwrap();
    assert_ne!(run(&adapted), before);
    // Swapped, not piled up; and whoever holds the old model goes on with it.
    let swapped = adapted.with_adapter(&second).unwrap();
    assert_eq!(run(&swapped), run(&base.with_adapter(&second).unwrap()));
    assert_eq!(run(&swapped.without_adapter()), before);
    assert_eq!(run(&base), before);
    let differentiable = logits(&adapted, &tokens(40), Kernels::Differentiable);
    close(&run(&adapted), &differentiable, 1e-3);
    // Serving goes on with what an adapter was, whatever training does to its variables.
    let served = base.with_adapter(&first.frozen().unwrap()).unwrap();
    let (_, variable) = first.variables().pop().unwrap();
    variable
        .set(&(variable.as_tensor() * 2.0).unwrap())
        .unwrap();
    assert_eq!(run(&served), run(&served.clone()));
    assert_ne!(run(&served), run(&adapted));
}

#[test]
fn an_adapter_gives_the_same_on_every_file_of_the_same_weights() {
    for json in [LLAMA3, MISTRAL, QWEN2] {
        let model = Model::new(json);
        let adapter = trained_adapter(&model, config());
        let from_folder = model.decoder(Precision::F32);
        let from_gguf = Decoder::from_gguf(&model.gguf(GgmlDType::F32), Precision::F32).unwrap();
        let [left, right] = [from_folder, from_gguf]
            .map(|decoder| decoder.with_adapter(&adapter).unwrap())
            .map(|decoder| logits(&decoder, &tokens(50), Kernels::Fused));
        close(&left, &right, 1e-4);
    }
}

#[test]
fn a_merged_model_gives_what_the_unmerged_one_gives() {
    for json in [LLAMA3, MISTRAL, QWEN2] {
        let model = Model::new(json);
        let adapter = trained_adapter(&model, config());
        let base = model.decoder(Precision::F32);
        let before = logits(&base, &tokens(60), Kernels::Fused);
        let decoder = base.with_adapter(&adapter).unwrap();
        let unmerged = logits(&decoder, &tokens(60), Kernels::Fused);
        assert!(
            before
                .iter()
                .zip(&unmerged)
                .any(|(left, right)| (left - right).abs() > 0.05)
        );

        let folder = model.folder.path().join("merged");
        merge::save_folder(&decoder, &folder, DType::F32).unwrap();
        let merged = Decoder::from_safetensors(&folder, Precision::AsStored).unwrap();
        assert_eq!(merged.config(), decoder.config());
        close(
            &logits(&merged, &tokens(60), Kernels::Fused),
            &unmerged,
            1e-3,
        );
        merge::save_folder(&decoder, &folder, DType::BF16).unwrap();
        let halved = Decoder::from_safetensors(&folder, Precision::AsStored).unwrap();
        close(
            &logits(&halved, &tokens(60), Kernels::Fused),
            &unmerged,
            0.1,
        );

        let source = model.gguf(GgmlDType::Q8_0);
        for (format, tolerance) in [(GgufFormat::F16, 5e-3), (GgufFormat::Q8_0, 0.1)] {
            let path = model.folder.path().join("merged.gguf");
            merge::save_gguf(&decoder, &source, &path, format).unwrap();
            let merged = Decoder::from_gguf(&path, Precision::F32).unwrap();
            close(
                &logits(&merged, &tokens(60), Kernels::Fused),
                &unmerged,
                tolerance,
            );
        }
    }
}

#[test]
fn files_hold_what_peft_reads_and_come_back_the_same() {
    let model = Model::new(LLAMA);
    let adapter = trained_adapter(
        &model,
        AdapterConfig {
            lora_dropout: 0.1,
            ..config()
        },
    );
    let folder = model.folder.path().join("adapter");
    adapter.save(&folder).unwrap();
    adapter.save(&folder).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["adapter_config.json", "adapter_model.safetensors"]);
    let text = std::fs::read_to_string(folder.join("adapter_config.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["peft_type"], "LORA");
    assert_eq!(json["task_type"], "CAUSAL_LM");
    assert_eq!((&json["r"], &json["bias"]), (&4.into(), &"none".into()));

    let weights = folder.join("adapter_model.safetensors");
    let tensors = candle_core::safetensors::load(&weights, CPU).unwrap();
    let name = "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight";
    assert_eq!(tensors[name].dims(), [4, 96]);
    assert_eq!(tensors.len(), 28);

    let loaded = Adapter::load(&folder).unwrap();
    assert_eq!(loaded.config(), adapter.config());
    for ((name, left), (_, right)) in loaded.tensors().into_iter().zip(adapter.tensors()) {
        assert_eq!(numbers(&left), numbers(&right), "{name}");
    }
    assert!(loaded.variables().is_empty());
    assert_eq!(loaded.trainable().unwrap().variables().len(), 28);
}

#[test]
fn dropout_is_drawn_from_its_seed_and_only_in_training() {
    let model = Model::new(LLAMA);
    let config = AdapterConfig {
        lora_dropout: 0.5,
        ..config()
    };
    let adapter = trained_adapter(&model, config);
    let decoder = model
        .decoder(Precision::F32)
        .with_adapter(&adapter)
        .unwrap();
    let run = |kernels| logits(&decoder, &tokens(30), kernels);
    assert_eq!(
        run(Kernels::Training { seed: 1 }),
        run(Kernels::Training { seed: 1 })
    );
    assert_ne!(
        run(Kernels::Training { seed: 1 }),
        run(Kernels::Training { seed: 2 })
    );
    assert_ne!(
        run(Kernels::Training { seed: 1 }),
        run(Kernels::Differentiable)
    );
    close(&run(Kernels::Fused), &run(Kernels::Differentiable), 1e-3);
}

#[test]
fn unusable_adapters_are_refused_with_what_to_do() {
    let model = Model::new(LLAMA);
    let base = model.decoder(Precision::F32);
    let folder = model.folder.path().join("adapter");
    let folder = folder.as_path();
    let load = || Adapter::load(folder);
    broken(load(), &["adapter_config.json can't be read"]);
    trained_adapter(&model, config()).save(folder).unwrap();
    let text = std::fs::read_to_string(folder.join("adapter_config.json")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        write(folder, "adapter_config.json", text.replace(from, to));
        load()
    };
    broken(with("\"LORA\"", "\"IA3\""), &["kind IA3"]);
    broken(
        with("\"r\": 4", "\"r\": 8"),
        &["layers.0.mlp.down_proj.lora_A", "[4, 96]", "rank is 8"],
    );
    broken(with("\"r\": 4", "\"r\": 0"), &["rank is 0"]);
    broken(
        with("\"r\": 4", "\"r\": -1"),
        &["no adapter's configuration"],
    );
    broken(
        with("\"r\": 4", "\"use_dora\": true, \"r\": 4"),
        &["use_dora"],
    );
    broken(with("\"bias\": \"none\"", "\"bias\": \"all\""), &["biases"]);
    write(folder, "adapter_config.json", "{");
    broken(load(), &["no adapter's configuration"]);
    write(folder, "adapter_config.json", &text);

    let weights = folder.join("adapter_model.safetensors");
    let tensors = candle_core::safetensors::load(&weights, CPU).unwrap();
    let name = |layer: usize, which: &str| {
        format!("base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{which}.weight")
    };
    let change = |change: &dyn Fn(&mut std::collections::HashMap<String, Tensor>)| {
        let mut tensors = tensors.clone();
        change(&mut tensors);
        candle_core::safetensors::save(&tensors, &weights).unwrap();
        load()
    };
    broken(
        change(&|tensors| drop(tensors.remove(&name(1, "A")))),
        &["model.layers.1.self_attn.q_proj", "only one of"],
    );
    broken(change(&|tensors| tensors.clear()), &["is empty"]);
    broken(
        change(&|tensors| {
            let values = Tensor::full(f32::NAN, (4, 64), CPU).unwrap();
            tensors.insert(name(0, "A"), values);
        }),
        &["no numbers"],
    );
    broken(
        change(&|tensors| {
            let values = Tensor::zeros(4, DType::F32, CPU).unwrap();
            tensors.insert("base_model.model.score.weight".to_owned(), values);
        }),
        &["score.weight", "no LoRA matrix"],
    );
    // What only a model can tell.
    let wide = change(&|tensors| {
        let values = Tensor::zeros((4, 65), DType::F32, CPU).unwrap();
        tensors.insert(name(0, "A"), values);
    });
    broken(
        base.with_adapter(&wide.unwrap()),
        &["[4, 65]", "[4, 64]", "a tiny model"],
    );
    let deep = change(&|tensors| {
        for which in ["A", "B"] {
            let values = tensors[&name(1, which)].clone();
            tensors.insert(name(2, which), values);
        }
    });
    broken(
        base.with_adapter(&deep.unwrap()),
        &["model.layers.2.self_attn.q_proj"],
    );

    let bytes = std::fs::read(&weights).unwrap();
    for cut in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&weights, &bytes[..cut]).unwrap();
        broken(load(), &["not a readable safetensors file"]);
    }
    std::fs::remove_file(&weights).unwrap();
    broken(load(), &["adapter_model.safetensors can't be read"]);

    let unknown = AdapterConfig::new(4, 8.0, &["wqkv"]);
    broken(
        Adapter::new(unknown, &model.config, 0),
        &["`wqkv`", "q_proj"],
    );
    let none = AdapterConfig::new(4, 8.0, &[]);
    broken(Adapter::new(none, &model.config, 0), &["no target modules"]);
}
