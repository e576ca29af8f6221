//! Whole runs of each recipe on the tiny model.

use finetune::config::Recipe;
use finetune::run::status;
use finetune::{Ending, Error, Event, RunFolder, TrainConfig, recipes};
use generation::chat::ChatFormat;
use generation::decoder::{Adapter, Decoder, Kernels, KvCache, Precision};
use generation::llama::Llama;
use generation::sampling::Sampling;
use generation::{Generator, Message};

use crate::tiny::{Place, line, losses, quiet};

fn first_and_last(run: &std::path::Path) -> (f64, f64) {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let losses: Vec<f64> = text
        .lines()
        .filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["loss"].as_f64()
        })
        .collect();
    (losses[0], *losses.last().unwrap())
}

fn memorise(recipe: Recipe, learning_rate: f64) -> (Place, finetune::Summary) {
    let place = Place::new();
    let config = TrainConfig {
        learning_rate,
        epochs: 80,
        rank: 16,
        alpha: 32.0,
        dropout: 0.0,
        samples: 0,
        eval: place.path("train-too.jsonl"),
        eval_steps: 40,
        spike_factor: 0.0,
        checkpoint_steps: 1000,
        ..place.config(recipe)
    };
    // The same lines: what is asked here is whether they were learnt.
    std::fs::copy(place.path("train.jsonl"), &config.eval).unwrap();
    let summary = place.train(&config).unwrap();
    let (first, last) = first_and_last(&summary.run);
    assert!(last < 0.3 && first > 3.0, "{recipe:?}: {first} {last}");
    assert!(summary.eval_loss.unwrap() < 0.3);
    assert_eq!(summary.ending, Ending::Finished);
    assert_eq!(status(&summary.run).unwrap().state, "finished");
    (place, summary)
}

/// Greedy, by the function that serves.
fn answer(llama: &Llama, question: &str) -> String {
    let messages = [Message {
        role: "user".to_owned(),
        content: question.to_owned(),
    }];
    let sampling = Sampling {
        temperature: 0.0,
        max_tokens: 40,
        ..Sampling::default()
    };
    llama
        .generate(&messages, &sampling, &mut |_| true)
        .unwrap()
        .text
}

#[test]
fn lora_learns_what_it_is_shown_and_the_adapter_says_it_when_served() {
    let (place, summary) = memorise(Recipe::Lora, 1e-2);
    let llama = Llama::load(&place.path("model.gguf"), "tiny").unwrap();
    assert_ne!(answer(&llama, "What is black?"), "Coal and also tar.");
    let adapter = Adapter::load(&summary.run.join("adapter")).unwrap();
    assert_eq!(adapter.parameters(), summary.parameters);
    assert_eq!(
        adapter.config().base_model_name_or_path.as_deref(),
        Some("Tiny Instruct")
    );
    let trained = llama.with_adapter(Some(("trained", &adapter))).unwrap();
    assert_eq!(answer(&trained, "What is black?"), "Coal and also tar.");
    assert_eq!(answer(&trained, "What is white?"), "Snow.");
    assert_ne!(answer(&llama, "What is white?"), "Snow.");
}

#[test]
fn qlora_learns_over_four_bits() {
    let (place, summary) = memorise(Recipe::Qlora, 1e-2);
    let base = Decoder::from_gguf(&place.path("model.gguf"), Precision::Nf4).unwrap();
    let adapter = Adapter::load(&summary.run.join("adapter")).unwrap();
    let model = base.with_adapter(&adapter).unwrap();
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    let prompt = chat
        .encode(&[Message {
            role: "user".to_owned(),
            content: "What is grey?".to_owned(),
        }])
        .unwrap();
    let mut cache = KvCache::new(model.config(), 64);
    let logits = model.forward(&prompt, &mut cache, Kernels::Fused).unwrap();
    let likeliest = logits.argmax(0).unwrap().to_scalar::<u32>().unwrap();
    assert_eq!(chat.decode(&[likeliest]), "A");
}

#[test]
fn full_learns_with_every_weight_and_the_model_is_a_file_of_its_own() {
    let (_place, summary) = memorise(Recipe::Full, 3e-3);
    let model = summary.run.join("model");
    let llama = Llama::load(&model.join("model.gguf"), "trained").unwrap();
    assert_eq!(answer(&llama, "What is black?"), "Coal and also tar.");
    let reloaded = Decoder::from_safetensors(&model, Precision::F32).unwrap();
    assert_eq!(reloaded.config().parameters(), summary.parameters);
}

#[test]
fn a_run_folder_tells_what_was_done() {
    let place = Place::new();
    let config = place.config(Recipe::Lora);
    let run = RunFolder::create(&place.path("runs"), &config, Some("abc123")).unwrap();
    let mut events = Vec::new();
    let summary = {
        let mut on_event = |event: &Event| events.push(event.clone());
        recipes::train(&config, &run, &mut quiet(&mut on_event)).unwrap()
    };
    let read = |name: &str| std::fs::read_to_string(run.path().join(name)).unwrap();
    let again = TrainConfig::parse(&read("config.toml"), &[], None).unwrap();
    assert_eq!(again, config);
    let origin: serde_json::Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!(origin["git_revision"], "abc123");
    assert_eq!(origin["base_sha256"].as_str().unwrap().len(), 64);
    let data: serde_json::Value = serde_json::from_str(&read("dataset.json")).unwrap();
    assert_eq!(data["train"]["examples"], 6);
    assert_eq!(data["eval"]["examples"], 2);
    // 3 batches of 2 are 2 steps an epoch; evaluations before, each third and at the end.
    assert_eq!(summary.steps, 10);
    assert_eq!(losses(run.path()).len(), 10 + 5);
    assert_eq!(read("samples.jsonl").lines().count(), 5);
    let latest = place.path("runs/latest").canonicalize().unwrap();
    assert_eq!(latest, run.path().canonicalize().unwrap());
    assert_eq!(Adapter::load(&run.adapter()).unwrap().config().r, 4);

    let steps = events.iter().filter(|it| matches!(it, Event::Step(_)));
    assert_eq!(steps.count(), 10);
    assert!(matches!(events[0], Event::Warning(_)), "{:?}", events[0]);
    let Some(Event::Step(last)) = events.iter().rfind(|event| matches!(event, Event::Step(_)))
    else {
        panic!("no step")
    };
    assert!(last.tokens_per_second > 0.0 && last.seconds_left == 0.0);
    // The best two and the newest.
    let checkpoints = finetune::checkpoint::Checkpoints::new(run.checkpoints()).steps();
    assert!((1..=3).contains(&checkpoints.len()), "{checkpoints:?}");
    assert_eq!(checkpoints.last(), Some(&10));
}

#[test]
fn training_stops_when_the_held_out_loss_rises_and_keeps_the_best() {
    let place = Place::new();
    // Nonsense that no amount of training on the facts makes likelier.
    place.write(
        "eval.jsonl",
        &line("What is red?", "zzqj xv9~ kkw@@ \u{7} ppp"),
    );
    let config = TrainConfig {
        epochs: 100,
        eval_steps: 2,
        patience: 3,
        samples: 0,
        learning_rate: 3e-2,
        spike_factor: 0.0,
        ..place.config(Recipe::Lora)
    };
    let summary = place.train(&config).unwrap();
    assert_eq!(summary.ending, Ending::Stale);
    assert_eq!(summary.kept_step + 2 * 3, summary.steps);
    assert!(summary.steps < 200);
    // What is in the adapter's folder is what was best.
    let base = Decoder::from_gguf(&config.base, Precision::F32).unwrap();
    let chat = ChatFormat::from_gguf(&config.base).unwrap();
    let limits = finetune::dataset::Limits {
        max_length: config.max_length,
        too_long: config.too_long,
    };
    let data = finetune::Dataset::read(&config.eval, &chat, limits).unwrap();
    let adapter = Adapter::load(&summary.run.join("adapter")).unwrap();
    let model = base.with_adapter(&adapter).unwrap();
    let evaluation = finetune::evaluate::evaluate(&model, &data, 0, &mut || true)
        .unwrap()
        .unwrap();
    assert_eq!(Some(evaluation.loss), summary.eval_loss);
}

#[test]
fn a_run_that_diverges_is_stopped_with_the_batch_that_did_it() {
    let place = Place::new();
    let config = TrainConfig {
        learning_rate: 1.0,
        gradient_clip: 0.0,
        warmup_ratio: 0.0,
        epochs: 100,
        eval: Default::default(),
        ..place.config(Recipe::Lora)
    };
    let error = place.train(&config).unwrap_err();
    let Error::Diverged { lines, report, .. } = &error else {
        panic!("{error}")
    };
    assert!(!lines.is_empty() && lines.iter().all(|line| (1..=6).contains(line)));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let told = report["examples"][0]["prompt"].as_str().unwrap();
    assert!(told.contains("What is "), "{told}");
    let state = status(&place.path("runs/latest")).unwrap();
    assert_eq!(state.state, "failed");
    assert!(state.reason.is_some());
}

#[test]
fn what_cannot_be_trained_says_so_before_it_begins() {
    let place = Place::new();
    let mut config = place.config(Recipe::Lora);
    config.base = place.path("missing.gguf");
    let error = place.train(&config).unwrap_err().to_string();
    assert!(
        error.contains("base: ") && error.contains("hint:"),
        "{error}"
    );

    place.write("broken.gguf", "not a model");
    config.base = place.path("broken.gguf");
    let error = place.train(&config).unwrap_err().to_string();
    assert!(error.contains("not a readable GGUF file"), "{error}");

    let config = TrainConfig {
        train: place.path("missing.jsonl"),
        ..place.config(Recipe::Lora)
    };
    let error = place.train(&config).unwrap_err().to_string();
    assert!(
        error.contains("missing.jsonl") && error.contains("hint:"),
        "{error}"
    );

    // One example is little, but can be learnt.
    place.write("one.jsonl", &line("What is red?", "A rose."));
    let config = TrainConfig {
        train: place.path("one.jsonl"),
        ..place.config(Recipe::Lora)
    };
    assert_eq!(place.train(&config).unwrap().steps, 5);
}
