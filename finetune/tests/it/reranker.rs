//! A reranker of random weights: gradients, training, resuming, and what it is read as.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Device, Tensor};
use finetune::config::Recipe;
use finetune::reranker::encoder::RerankerModel;
use finetune::reranker::lists::{self, Candidate, EncodedList, List, Lists};
use finetune::reranker::loss::{fit_scale, of_list};
use finetune::{Ending, Error, Event, RunFolder, Summary, TrainConfig, Watch, recipes};
use retrieval::cross_encoder::{CandleCrossEncoder, CrossEncoder, PairTokenizer, Residual};
use retrieval::onnx::{Head, Precision, file_name};

use crate::tiny::{losses, quiet};

const WORDS: usize = 40;
const WIDTH: usize = 16;
const INNER: usize = 32;
const LAYERS: usize = 3;
const CONTEXT: usize = 32;

/// Numbers around `mean` that `name` alone decides.
fn noise(name: &str, shape: &[usize], mean: f32, spread: f32) -> Tensor {
    let mut state = name.bytes().fold(7u64, |state, byte| {
        state.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Of a uniform distribution with this standard deviation.
            mean + ((state >> 40) as f32 / (1u32 << 24) as f32 - 0.5) * spread * 3.46
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A BERT of random weights, with a tokenizer that knows the words `w4` to `w39`.
fn write_bert(folder: &Path) {
    let config = serde_json::json!({
        "model_type": "bert", "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
        "num_attention_heads": 4, "intermediate_size": INNER, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "max_position_embeddings": CONTEXT, "type_vocab_size": 2,
        "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0,
        "vocab_size": WORDS,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"];
    let mut vocabulary = serde_json::Map::new();
    let mut added = Vec::new();
    for (id, token) in special.iter().enumerate() {
        vocabulary.insert((*token).to_owned(), id.into());
        added.push(serde_json::json!({
            "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        }));
    }
    for id in 4..WORDS {
        vocabulary.insert(format!("w{id}"), id.into());
    }
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": null, "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1] },
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]" },
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();

    let mut tensors = HashMap::new();
    let mut add = |name: &str, shape: &[usize]| {
        // About the scale of a trained model, so that no layer is without effect.
        let (mean, spread) = match name.ends_with("LayerNorm.weight") {
            true => (1.0f32, 0.1f32),
            false => (0.0, 0.3),
        };
        tensors.insert(name.to_owned(), noise(name, shape, mean, spread));
    };
    add("embeddings.word_embeddings.weight", &[WORDS, WIDTH]);
    add("embeddings.position_embeddings.weight", &[CONTEXT, WIDTH]);
    add("embeddings.token_type_embeddings.weight", &[2, WIDTH]);
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    let mut linears = vec![("pooler.dense".to_owned(), WIDTH, WIDTH)];
    for layer in 0..LAYERS {
        let base = format!("encoder.layer.{layer}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            linears.push((format!("{base}.attention.{part}"), WIDTH, WIDTH));
        }
        linears.push((format!("{base}.intermediate.dense"), WIDTH, INNER));
        linears.push((format!("{base}.output.dense"), INNER, WIDTH));
        norms.push(format!("{base}.attention.output.LayerNorm"));
        norms.push(format!("{base}.output.LayerNorm"));
    }
    for name in norms {
        add(&format!("{name}.weight"), &[WIDTH]);
        add(&format!("{name}.bias"), &[WIDTH]);
    }
    for (name, from, to) in linears {
        add(&format!("{name}.weight"), &[to, from]);
        add(&format!("{name}.bias"), &[to]);
    }
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
}

/// A folder with a BERT and lists in which the passage with the question's first word answers,
/// wherever the search put it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        write_bert(place.folder.path());
        let list = |number: usize| {
            let word = 4 + number % 12;
            let answer = number % 4;
            let passages = (0..4)
                .map(|at| {
                    let said = if at == answer {
                        word
                    } else {
                        4 + (word + 5 * at + 1) % 12
                    };
                    Candidate {
                        text: format!("w{} w{said} w{}", 20 + number % 9, 30 + at),
                        score: 1.0 - at as f32 / 10.0,
                        grade: u32::from(at == answer),
                    }
                })
                .collect();
            List {
                question: format!("w{word} w{}", 16 + number % 3),
                passages,
                ..List::default()
            }
        };
        let all: Vec<List> = (0..60).map(list).collect();
        lists::write(&place.path("train.jsonl"), &all[..48]).unwrap();
        lists::write(&place.path("eval.jsonl"), &all[48..]).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> TrainConfig {
        TrainConfig {
            base: self.path("model.safetensors"),
            train: self.path("train.jsonl"),
            eval: self.path("eval.jsonl"),
            epochs: 3,
            layers: 2,
            max_length: 16,
            learning_rate: 3e-3,
            eval_steps: 5,
            checkpoint_steps: 4,
            ..TrainConfig::new(Recipe::Reranker)
        }
    }

    fn train(&self, config: &TrainConfig) -> Result<Summary, Error> {
        let run = RunFolder::create(&self.path("runs"), config, Some("revision"))?;
        recipes::train(config, &run, &mut quiet(&mut |_| ()))
    }

    /// A model whose classifier is not zero, and lists for it.
    fn model(&self, layers: usize) -> (RerankerModel, Lists) {
        let model = RerankerModel::load(self.folder.path(), layers, 1).unwrap();
        for (name, variable) in model.variables() {
            if name.starts_with("classifier") {
                let drawn = noise(&name, variable.dims(), 0.0, 0.5);
                variable.set(&drawn).unwrap();
            }
        }
        let tokenizer = PairTokenizer::load(self.folder.path(), 16).unwrap();
        let lists = Lists::read(&self.path("train.jsonl"), &tokenizer, 4).unwrap();
        (model, lists)
    }
}

#[test]
fn gradients_are_those_of_finite_differences_and_every_variable_has_one() {
    let place = Place::new();
    let (model, lists) = place.model(2);
    let loss = |list: &EncodedList| {
        let logits = model.logits(&list.pairs).unwrap();
        of_list(&logits, list, 3.0, 0.5).unwrap()
    };
    let sum = |lists: &[EncodedList]| -> Tensor {
        let each: Vec<Tensor> = lists.iter().map(loss).collect();
        Tensor::stack(&each, 0).unwrap().sum_all().unwrap()
    };
    let some = &lists.lists[..6];
    let grads = sum(some).backward().unwrap();
    let value = || f64::from(sum(some).to_scalar::<f32>().unwrap());
    for (name, variable) in model.variables() {
        let gradient = grads.get(&variable);
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        // In the direction of the gradient itself, where the loss changes most.
        let squares: f32 = gradient
            .sqr()
            .unwrap()
            .sum_all()
            .unwrap()
            .to_scalar()
            .unwrap();
        let norm = f64::from(squares).sqrt();
        if name.ends_with("key.bias") || name == "classifier.bias" {
            // They add the same to all that a softmax is over: tokens, or passages.
            assert!(norm < 1e-3, "{name}: {norm}");
            continue;
        }
        assert!(norm > 1e-4, "{name}: {norm}");
        let before = variable.as_tensor().copy().unwrap();
        let step = 0.005 / norm;
        let at = |sign: f64| {
            let moved = (&before + (gradient * (sign * step)).unwrap()).unwrap();
            variable.set(&moved).unwrap();
            value()
        };
        let slope = (at(1.0) - at(-1.0)) / (2.0 * 0.005);
        variable.set(&before).unwrap();
        assert!(
            (slope - norm).abs() < 0.03 * norm + 2e-3,
            "{name}: {slope} by differences, {norm} by the graph"
        );
    }
}

#[test]
fn what_is_saved_gives_the_same_logits_in_candles_own_bert() {
    for layers in 1..=LAYERS {
        let place = Place::new();
        let (model, lists) = place.model(layers);
        let saved = place.path("saved");
        let residual = Residual {
            scale: 2.0,
            depth: 20,
            max_length: 16,
        };
        model.save(&saved, &residual).unwrap();
        assert_eq!(Residual::read(&saved).unwrap(), Some(residual));
        let other = CandleCrossEncoder::load(&saved, 16).unwrap();
        let texts = ["w5 w6", "w20 w4 w31 w7 w8 w9 w10 w11 w12 w13 w14", "w9"];
        let tokenizer = PairTokenizer::load(&saved, 16).unwrap();
        let pairs: Vec<_> = texts
            .iter()
            .map(|it| tokenizer.pair("w4 w16", it).unwrap())
            .collect();
        // Of three lengths, so that two are padded.
        let ours: Vec<f32> = model.logits(&pairs).unwrap().to_vec1().unwrap();
        let theirs = other.score("w4 w16", &texts).unwrap();
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(
                (ours - theirs).abs() < 1e-4,
                "{layers} layers: {ours} {theirs}"
            );
        }
        assert!(lists.lists.iter().all(|list| list.pairs.len() == 4));
    }
}

#[test]
fn it_begins_at_the_ranking_that_there_is_and_learns_more() {
    let place = Place::new();
    let model = RerankerModel::load(place.folder.path(), 2, 1).unwrap();
    let tokenizer = PairTokenizer::load(place.folder.path(), 16).unwrap();
    let lists = Lists::read(&place.path("eval.jsonl"), &tokenizer, 4).unwrap();
    let logits: Vec<f32> = model
        .logits(&lists.lists[0].pairs)
        .unwrap()
        .to_vec1()
        .unwrap();
    assert_eq!(logits, [0.0; 4]);

    let config = TrainConfig {
        epochs: 30,
        distillation: 0.0,
        ..place.config()
    };
    let summary = place.train(&config).unwrap();
    assert_eq!(summary.ending, Ending::Finished);
    let told: Vec<serde_json::Value> = std::fs::read_to_string(summary.run.join("metrics.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = told[0]["eval_loss"].as_f64().unwrap();
    let last = summary.eval_loss.unwrap();
    assert!(last < 0.7 * first, "{first} {last}");

    let written = summary.run.join("model");
    let residual = Residual::read(&written).unwrap().unwrap();
    let trained = Lists::read(&config.train, &tokenizer, config.passages).unwrap();
    assert_eq!(residual.scale, fit_scale(&trained.lists));
    assert_eq!(residual.max_length, 16);
    let graph = file_name(Head::Classification, Precision::Int8);
    assert!(written.join(graph).is_file());
}

#[test]
fn stopped_at_any_step_it_goes_on_to_the_same_losses_and_weights() {
    let place = Place::new();
    let config = place.config();
    let whole = place.train(&config).unwrap();
    let weights = |run: &Path| std::fs::read(run.join("model/model.safetensors")).unwrap();
    for stop_after in [1, 4, 9] {
        let run = RunFolder::create(&place.path("runs"), &config, None).unwrap();
        let stop = AtomicBool::new(false);
        let mut on_event = |event: &Event| {
            if let Event::Step(progress) = event
                && progress.step == stop_after
            {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let mut watch = Watch {
            on_event: &mut on_event,
            stop: &stop,
        };
        let stopped = recipes::train(&config, &run, &mut watch).unwrap();
        assert_eq!(
            (stopped.ending, stopped.steps),
            (Ending::Stopped, stop_after)
        );
        let path = run.path().to_owned();
        drop(run);
        let (run, read) = RunFolder::open(&path).unwrap();
        assert_eq!(read, config);
        recipes::train(&read, &run, &mut quiet(&mut |_| ())).unwrap();
        assert_eq!(losses(&path), losses(&whole.run), "{stop_after}");
        assert_eq!(weights(&path), weights(&whole.run));
    }
}

#[test]
fn what_cannot_be_trained_is_told() {
    let place = Place::new();
    let told = |config: &TrainConfig| place.train(config).unwrap_err().to_string();
    let config = place.config();
    let layers = TrainConfig {
        layers: 4,
        ..config.clone()
    };
    assert!(told(&layers).contains("it has 3 layers, not 4; hint: "));
    let line = std::fs::read_to_string(place.path("train.jsonl")).unwrap();
    let line = line.lines().next().unwrap();
    let all_answer = line.replace("\"grade\":0", "\"grade\":1");
    for (text, wanted) in [
        (String::new(), "it is empty"),
        (
            format!("{line}\n\n{{\"question\":3}}\n"),
            "line 3 is no list",
        ),
        (all_answer, "in none of its lists"),
    ] {
        std::fs::write(place.path("bad.jsonl"), text).unwrap();
        let bad = TrainConfig {
            train: place.path("bad.jsonl"),
            ..config.clone()
        };
        let message = told(&bad);
        assert!(
            message.contains(wanted) && message.contains("hint: "),
            "{message}"
        );
    }
    let text = std::fs::read_to_string(place.path("config.json")).unwrap();
    for (was, is, wanted) in [
        ("\"bert\"", "\"nomic_bert\"", "nomic_bert"),
        ("\"vocab_size\":40", "\"vocab_size\":41", "has the shape"),
        ("\"gelu\"", "\"swish\"", "swish"),
    ] {
        assert!(text.contains(was));
        std::fs::write(place.path("config.json"), text.replacen(was, is, 1)).unwrap();
        let message = told(&config);
        assert!(
            message.contains(wanted) && message.contains("hint: "),
            "{message}"
        );
    }
    std::fs::write(place.path("config.json"), &text).unwrap();
    std::fs::write(place.path("model.safetensors"), "cut").unwrap();
    assert!(told(&config).contains("model.safetensors"));
}
