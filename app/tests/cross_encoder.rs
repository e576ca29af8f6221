//! A cross-encoder made on the spot, held to candle's plain formula of the same weights.

mod common;

use app::models::{self, pull};
use candle_core::{DType, Device, Tensor};
use candle_nn::{Linear, Module, VarBuilder, VarMap};
use candle_transformers::models::bert::{BertModel, Config};
use retrieval::cross_encoder::{CrossEncoder, OnnxCrossEncoder};
use retrieval::embed::Engine;
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
