//! A cross-encoder made on the spot, held to candle's plain formula of the same weights.

mod common;

use app::models::{self, pull};
use app::reranker::adopted;
use candle_core::{DType, Device, Tensor};
use candle_nn::{Linear, Module, VarBuilder, VarMap};
use candle_transformers::models::bert::{BertModel, Config};
use retrieval::cross_encoder::{self, CandleCrossEncoder, CrossEncoder, OnnxCrossEncoder};
use retrieval::embed::{Backend, Engine};
use retrieval::onnx::{Head, Precision};

const WORDS: u32 = 40;

/// A classifier of random weights, with a tokenizer that knows the words `w4`, `w5` and so on.
fn random_classifier(folder: &std::path::Path) -> (BertModel, Linear, Linear) {
    let config = serde_json::json!({
        "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 64, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0, "max_position_embeddings": 64, "type_vocab_size": 2,
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

    let weights = VarMap::new();
    let builder = VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu);
    let config: Config = serde_json::from_value(config).unwrap();
    let encoder = BertModel::load(builder.pp("bert"), &config).unwrap();
    let pooler = candle_nn::linear(32, 32, builder.pp("bert.pooler.dense")).unwrap();
    let classifier = candle_nn::linear(32, 1, builder.pp("classifier")).unwrap();
    weights.save(folder.join("model.safetensors")).unwrap();
    (encoder, pooler, classifier)
}

fn words(ids: &[u32]) -> String {
    let words: Vec<String> = ids.iter().map(|id| format!("w{id}")).collect();
    words.join(" ")
}

#[test]
fn logits_equal_those_of_the_plain_formula() {
    let folder = tempfile::tempdir().unwrap();
    let (encoder, pooler, classifier) = random_classifier(folder.path());
    let query = [4, 9, 30];
    let passages: Vec<Vec<u32>> = vec![
        vec![9, 9, 12],
        (4..39).collect(),
        vec![30],
        vec![4, 9, 30, 5, 6, 7, 8],
    ];
    let wanted: Vec<f32> = passages
        .iter()
        .map(|passage| {
            let mut ids = vec![1];
            ids.extend(query);
            ids.push(2);
            let first = ids.len();
            ids.extend(passage);
            ids.push(2);
            let types: Vec<u32> = (0..ids.len()).map(|at| u32::from(at >= first)).collect();
            let row = |values: Vec<u32>| Tensor::new(values, &Device::Cpu).unwrap().unsqueeze(0);
            let states = encoder
                .forward(&row(ids).unwrap(), &row(types).unwrap(), None)
                .unwrap();
            let token = states.narrow(1, 0, 1).unwrap().squeeze(1).unwrap();
            let inner = pooler.forward(&token).unwrap().tanh().unwrap();
            let logits = classifier.forward(&inner).unwrap();
            logits.flatten_all().unwrap().to_vec1().unwrap()[0]
        })
        .collect();

    let settings = common::settings(folder.path(), &[]);
    let place = pull::Place {
        models_dir: &settings.models_dir,
        offline: false,
    };
    let runtime = models::find(models::RUNTIME).unwrap();
    pull::ensure(&runtime, &place).unwrap();
    let engine = |precision| Engine {
        precision,
        threads: 2,
        libraries: vec![runtime.weights(&settings.models_dir)],
        ..Engine::default()
    };
    let texts: Vec<String> = passages.iter().map(|passage| words(passage)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (precision, tolerance) in [(Precision::Float32, 1e-4), (Precision::Int8, 0.1)] {
        let model =
            OnnxCrossEncoder::load(folder.path(), folder.path(), 64, &engine(precision)).unwrap();
        let scores = model.score(&words(&query), &texts).unwrap();
        for (ours, theirs) in scores.iter().zip(&wanted) {
            assert!(
                (ours - theirs).abs() < tolerance,
                "{ours} is not {theirs} in {precision}"
            );
        }
    }

    // A graph that cannot be opened is written again.
    let graph = folder.path().join(retrieval::onnx::file_name(
        Head::Classification,
        Precision::Int8,
    ));
    std::fs::write(&graph, "cut").unwrap();
    OnnxCrossEncoder::load(folder.path(), folder.path(), 64, &engine(Precision::Int8)).unwrap();
    assert!(std::fs::metadata(&graph).unwrap().len() > 1000);
}

#[test]
fn what_is_no_classifier_or_of_another_family_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    random_classifier(folder.path());
    let write = |head| {
        let to = folder.path().join("out.onnx");
        retrieval::onnx::write(folder.path(), &to, head, Precision::Int8).map_err(|e| e.to_string())
    };
    let config = folder.path().join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    for (was, is, told) in [
        ("\"bert\"", "\"nomic_bert\"", "nomic_bert"),
        ("\"bert\"", "\"roberta\"", "classifier.out_proj"),
        ("\"hidden_size\":32", "\"hidden_size\":30", "heads"),
        ("\"vocab_size\":40", "\"vocab_size\":41", "shape"),
        ("\"gelu\"", "\"swish\"", "swish"),
        ("{", "", "config.json"),
    ] {
        assert!(text.contains(was), "{was}");
        std::fs::write(&config, text.replacen(was, is, 1)).unwrap();
        let error = write(Head::Classification).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    std::fs::write(&config, &text).unwrap();
    std::fs::write(folder.path().join("model.safetensors"), "cut").unwrap();
    assert!(write(Head::Classification).unwrap_err().contains("damaged"));
}

/// Words of questions and passages, each passage about one of them.
fn facts() -> Vec<(String, String)> {
    let things = [
        "Anchor", "Bridge", "Candle", "Dynamo", "Engine", "Filter", "Gasket", "Hammer",
    ];
    let kinds = [
        "tool",
        "device",
        "machine",
        "part",
        "instrument",
        "component",
    ];
    things
        .iter()
        .flat_map(|thing| {
            kinds.iter().map(move |kind| {
                let name = format!("{thing} {kind}");
                (
                    format!("What is {name}?"),
                    format!(
                        "{name} is a {kind} that holds the {thing} of a mill in its place today."
                    ),
                )
            })
        })
        .collect()
}

fn trained(home: &std::path::Path, arguments: &[&str]) -> serde_json::Value {
    let base = home.join("base");
    std::fs::create_dir_all(&base).unwrap();
    random_classifier(&base);
    let base = base.display().to_string();
    let fixed = ["--base", &base, "--layers", "2", "--set", "max_length=64"];
    let all = [&["finetune", "reranker", "--json"], &fixed[..], arguments].concat();
    let output = common::lectern(home, &all);
    assert_eq!(
        common::code(&output),
        0,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    common::json(&output)
}

#[test]
fn a_reranker_is_trained_on_pairs_and_judged_on_others() {
    let home = tempfile::tempdir().unwrap();
    let lines: Vec<String> = facts()
        .iter()
        .map(|(question, passage)| {
            serde_json::json!({"question": question, "passage": passage}).to_string()
        })
        .collect();
    let pairs = home.path().join("pairs.jsonl");
    std::fs::write(&pairs, lines.join("\n")).unwrap();
    let pairs = pairs.display().to_string();
    let told = trained(home.path(), &["--pairs", &pairs, "--epochs", "1"]);
    let judgement = &told["judgement"];
    assert_eq!(judgement["verdict"], "not_enough_evidence", "{told}");
    let questions = judgement["questions"].as_u64().unwrap();
    assert!(
        questions > 3 && judgement["lacking"] == 100 - questions,
        "{told}"
    );
    assert_eq!(told["used"], false);
    assert!(!home.path().join("reranker.json").exists());
    assert!(told["bytes"].as_u64().unwrap() > 1000);

    // What was trained is what is run: by candle, in float32 and in int8.
    let model = std::path::PathBuf::from(told["model"].as_str().unwrap());
    let settings = common::settings(home.path(), &[]);
    let runtime = models::find(models::RUNTIME).unwrap();
    let engine = |precision| Engine {
        precision,
        threads: 1,
        libraries: vec![runtime.weights(&settings.models_dir)],
        ..Engine::default()
    };
    let texts = ["w9 w8", "w12 w30 w31 w32 w5", "w4"];
    let plain = CandleCrossEncoder::load(&model, 64).unwrap();
    let wanted = plain.score("w9 w30", &texts).unwrap();
    for (precision, tolerance) in [(Precision::Float32, 1e-3), (Precision::Int8, 0.1)] {
        let loaded = cross_encoder::load(&model, &model, 64, &engine(precision)).unwrap();
        assert_eq!(loaded.backend, "onnx", "{:?}", loaded.warnings);
        for (ours, theirs) in loaded
            .encoder
            .score("w9 w30", &texts)
            .unwrap()
            .iter()
            .zip(&wanted)
        {
            assert!((ours - theirs).abs() < tolerance, "{ours} {theirs}");
        }
    }
    let candle = Engine {
        backend: Backend::Candle,
        ..engine(Precision::Int8)
    };
    let loaded = cross_encoder::load(&model, &model, 64, &candle).unwrap();
    assert_eq!(
        (
            loaded.backend,
            loaded.encoder.score("w9 w30", &texts).unwrap()
        ),
        ("candle", wanted)
    );
}

#[test]
fn a_library_trains_on_its_own_questions_and_keeps_no_text_of_them() {
    let home = tempfile::tempdir().unwrap();
    let notes = home.path().join("notes.md");
    let text: Vec<String> = facts().into_iter().map(|(_, passage)| passage).collect();
    std::fs::write(&notes, format!("# Mills\n\n{}\n", text.join("\n\n"))).unwrap();
    let notes = notes.display().to_string();
    // Many short chunks, so that some are left to judge on.
    std::fs::write(
        home.path().join("lectern.toml"),
        "[chunk]\nmax_tokens = 32\n",
    )
    .unwrap();
    let ingested = common::lectern(home.path(), &["ingest", &notes]);
    assert_eq!(
        common::code(&ingested),
        0,
        "{}",
        String::from_utf8_lossy(&ingested.stderr)
    );
    let told = trained(home.path(), &["--set", "max_steps=2", "--generate", "40"]);
    assert_eq!(told["summary"]["steps"], 2, "{told}");
    assert_eq!(told["used"], false);
    let left: Vec<String> = std::fs::read_dir(home.path().join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        !left.iter().any(|name| name.starts_with("lists-")),
        "{left:?}"
    );

    // A judgement that says so has the library use it, at once and until it is taken away.
    let model = std::path::PathBuf::from(told["model"].as_str().unwrap());
    let judgement = serde_json::from_value(told["judgement"].clone()).unwrap();
    adopted::adopt(home.path(), &model, &judgement).unwrap();
    let search = || {
        let output = common::lectern(home.path(), &["search", "anchor tool", "--json"]);
        assert_eq!(common::code(&output), 0);
        let found = common::json(&output);
        assert!(found["warnings"].is_null(), "{found}");
        found["passages"][0]["scores"]["rerank"].as_f64().unwrap()
    };
    let read = search();
    let off = common::lectern(home.path(), &["finetune", "reranker", "--off"]);
    assert_eq!(common::code(&off), 0);
    assert_ne!(search(), read);
}

#[test]
fn what_cannot_train_a_reranker_is_told() {
    let home = tempfile::tempdir().unwrap();
    let bad = home.path().join("bad.jsonl");
    std::fs::write(
        &bad,
        "{\"question\":\"q\",\"passage\":\"p\"}\n{\"question\":1}\n",
    )
    .unwrap();
    let bad = bad.display().to_string();
    for (arguments, code, told) in [
        (vec!["--pairs", &bad], "pairs_invalid", "line 2"),
        (vec!["--set", "passages=1"], "reranker_unusable", "passages"),
        (vec![], "reranker_questions_missing", "0 found"),
    ] {
        let all = [&["finetune", "reranker", "--json"], &arguments[..]].concat();
        let output = common::lectern(home.path(), &all);
        assert_ne!(common::code(&output), 0, "{arguments:?}");
        let error = common::json(&output)["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
        assert!(!error["hint"].as_str().unwrap().is_empty());
    }
}
