//! The default models, for real: fetched where they are missing, held to their references.

mod common;

use app::models::embedder::EmbedderModel;
use app::models::{self, pull};
use generation::Generator;
use generation::llama::Llama;
use generation::sampling::Sampling;
use retrieval::embed::Embedder;

fn fetched(id: &str) -> (models::Model, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let models_dir = common::settings(folder.path(), &[]).models_dir;
    let model = models::find(id).unwrap();
    pull::ensure(
        &model,
        &pull::Place {
            models_dir: &models_dir,
            offline: false,
        },
    )
    .unwrap();
    (model, models_dir)
}

/// The default embedder, as it is set.
fn embedder(data: &std::path::Path, precision: &str, backend: &str) -> Box<dyn Embedder> {
    let changes = [
        ("embedding.precision", precision),
        ("embedding.backend", backend),
        ("embedding.threads", "2"),
    ];
    let settings = common::settings(data, &changes);
    let loaded = EmbedderModel::choose(&settings)
        .unwrap()
        .load(&pull::Place {
            models_dir: &settings.models_dir,
            offline: false,
        })
        .unwrap();
    assert_eq!(loaded.backend, backend);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    loaded.embedder
}

/// Text of many lengths, cut from a source of this repository.
fn texts() -> Vec<String> {
    let words: Vec<&str> = include_str!("../../ARCHITECTURE.md")
        .split_whitespace()
        .collect();
    let lengths = [1, 3, 9, 17, 40, 80, 120, 150, 160, 350];
    let mut texts: Vec<String> = (0..30)
        .map(|index| {
            let start = index * 41 % (words.len() - 400);
            words[start..start + lengths[index % lengths.len()]].join(" ")
        })
        .collect();
    texts.push(String::new());
    texts.push("Größe 数据 🙂 \u{0} a\u{301}".into());
    texts
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

#[test]
fn both_backends_agree_in_float32() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let onnx = embedder(folder.path(), "float32", "onnx");
    let candle = embedder(folder.path(), "float32", "candle");
    assert_eq!(onnx.space(), candle.space());
    let (onnx_texts, candle_texts) = (
        onnx.encode_documents(&texts).unwrap(),
        candle.encode_documents(&texts).unwrap(),
    );
    for ((ours, theirs), text) in onnx_texts.iter().zip(&candle_texts).zip(&texts) {
        assert_eq!(onnx.count_tokens(text), candle.count_tokens(text));
        assert_eq!(ours.tokens.tokens, theirs.tokens.tokens, "{text:?}");
        for (a, b) in ours.vector.iter().zip(&theirs.vector) {
            assert!((a - b).abs() < 1e-4, "{a} is not {b} in {text:?}");
        }
        for (a, b) in ours.tokens.vectors.iter().zip(&theirs.tokens.vectors) {
            assert!((a - b).abs() < 1e-3, "{a} is not {b} in {text:?}");
        }
    }
    let (ours, theirs) = (
        onnx.embed_query("attention").unwrap(),
        candle.embed_query("attention").unwrap(),
    );
    assert!(cosine(&ours, &theirs) > 0.9999);
}

#[test]
fn int8_is_near_float32_and_does_not_depend_on_what_is_beside() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (exact, int8) = (
        embedder(folder.path(), "float32", "onnx"),
        embedder(folder.path(), "int8", "onnx"),
    );
    assert_ne!(exact.space(), int8.space());
    let together = int8.embed_documents(&texts).unwrap();
    let exact = exact.embed_documents(&texts).unwrap();
    let mut sum = 0.0;
    for ((ours, theirs), text) in together.iter().zip(&exact).zip(&texts) {
        let near = cosine(ours, theirs);
        // A single token has nothing to average its error over.
        let least = if text.contains(' ') { 0.99 } else { 0.98 };
        assert!(near >= least, "{near} in {text:?}");
        assert!((cosine(ours, ours) - 1.0).abs() < 1e-5);
        sum += near;
    }
    assert!(
        sum / texts.len() as f32 >= 0.995,
        "{}",
        sum / texts.len() as f32
    );
    for index in [0, 7, 29] {
        let alone = int8.embed_documents(&texts[index..=index]).unwrap();
        assert_eq!(alone[0], together[index], "{:?}", texts[index]);
    }
}

#[test]
fn the_weights_of_ranking_are_those_of_the_default_model() {
    let folder = tempfile::tempdir().unwrap();
    for precision in ["int8", "float32"] {
        let embedder = embedder(folder.path(), precision, "onnx");
        let spread = retrieval::tokens::Codec::fit(embedder.as_ref())
            .unwrap()
            .spread();
        assert!((spread - 1.0).abs() < 0.05, "{precision}: {spread}");
    }
}

#[test]
fn passages_and_questions_may_be_embedded_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let embedder = embedder(folder.path(), "int8", "onnx");
    let wanted = embedder.embed_documents(&texts).unwrap();
    let question = embedder.embed_query("who wrote it?").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                assert_eq!(embedder.embed_documents(&texts).unwrap(), wanted);
                assert_eq!(embedder.embed_query("who wrote it?").unwrap(), question);
            });
        }
    });
}

/// A library that is none, cut short or missing ends in candle and one warning, never in a panic.
#[test]
fn a_library_that_cannot_be_used_is_told_and_done_without() {
    let (_, shared) = fetched(models::DEFAULT_EMBEDDER);
    let folder = tempfile::tempdir().unwrap();
    // Models without the library, and no network to fetch it.
    let models_dir = folder.path().join("models");
    let model = models_dir.join(models::DEFAULT_EMBEDDER);
    std::fs::create_dir_all(&model).unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(
            shared.join(models::DEFAULT_EMBEDDER).join(name),
            model.join(name),
        )
        .unwrap();
    }
    let library = folder.path().join("libonnxruntime.so");
    std::fs::write(&library, "no library\n".repeat(100)).unwrap();
    let texts = folder.path().join("texts.txt");
    std::fs::write(&texts, "one text\nanother text\n").unwrap();

    let run = |backend: &str| {
        let texts = texts.display().to_string();
        common::command(
            folder.path(),
            &[
                "--offline",
                "bench",
                "embedding",
                &texts,
                "--json",
                "--backend",
                backend,
            ],
        )
        .env("LECTERN_MODELS_DIR", &models_dir)
        .env("ORT_DYLIB_PATH", &library)
        .output()
        .unwrap()
    };
    let output = run("auto");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(common::code(&output), 0, "{told}");
    assert!(told.contains("no shared library"), "{told}");
    let report = common::json(&output);
    if report["backend"] == "candle" {
        assert!(told.contains("several times"), "{told}");
        let output = run("onnx");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(common::code(&output), 1, "{told}");
        assert!(
            told.contains("hint:") && !told.contains("panicked"),
            "{told}"
        );
    }
}

/// Vectors of sentence-transformers; see the file's `origin`.
#[test]
fn vectors_equal_those_of_sentence_transformers() {
    for backend in ["candle", "onnx"] {
        equal_to_sentence_transformers(backend);
    }
}

fn equal_to_sentence_transformers(backend: &str) {
    #[derive(serde::Deserialize)]
    struct Reference {
        text: String,
        vector: Vec<f32>,
    }
    #[derive(serde::Deserialize)]
    struct File {
        references: Vec<Reference>,
    }
    let file: File = serde_json::from_str(include_str!("data/minilm_reference.json")).unwrap();
    assert_eq!(file.references.len(), 3);

    let folder = tempfile::tempdir().unwrap();
    let embedder = embedder(folder.path(), "float32", backend);
    let texts: Vec<&str> = file
        .references
        .iter()
        .map(|reference| reference.text.as_str())
        .collect();
    // In one batch, so that padding is tested too.
    for (vector, reference) in embedder
        .embed_documents(&texts)
        .unwrap()
        .iter()
        .zip(&file.references)
    {
        assert_eq!(vector.len(), reference.vector.len());
        for (ours, theirs) in vector.iter().zip(&reference.vector) {
            assert!(
                (ours - theirs).abs() < 1e-4,
                "{ours} is not {theirs} in {:?}",
                reference.text
            );
        }
    }
}

#[test]
fn a_missing_file_is_fetched_again_and_two_processes_may_pull_at_once() {
    let (_, shared) = fetched(models::DEFAULT_EMBEDDER);
    let folder = tempfile::tempdir().unwrap();
    let model = models::find(models::DEFAULT_EMBEDDER).unwrap();
    // All but the largest file come from this machine; offline, so nothing else can be used.
    let target = model.folder(folder.path());
    std::fs::create_dir_all(&target).unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(model.folder(&shared).join(name), target.join(name)).unwrap();
    }
    std::thread::scope(|scope| {
        let pulls: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    pull::ensure(
                        &model,
                        &pull::Place {
                            models_dir: folder.path(),
                            offline: true,
                        },
                    )
                })
            })
            .collect();
        for pull in pulls {
            pull.join().unwrap().unwrap();
        }
    });
    pull::verify(&model, folder.path()).unwrap();

    std::fs::write(target.join("tokenizer.json"), "cut").unwrap();
    assert!(
        !model.is_present(folder.path()),
        "a file of another size is not there"
    );
}

#[test]
fn the_answerer_is_reproducible_and_stops_where_it_should() {
    let (model, models_dir) = fetched(models::DEFAULT_ANSWERER);
    let llama = Llama::load(&model.weights(&models_dir), &model.id).unwrap();
    let messages = [generation::Message {
        role: "user".into(),
        content: "What is the capital of France? Answer in one word.".into(),
    }];
    let generate = |sampling: &Sampling| {
        let mut streamed = String::new();
        let completion = llama
            .generate(&messages, sampling, &mut |text| {
                streamed.push_str(text);
                true
            })
            .unwrap();
        assert_eq!(
            streamed, completion.text,
            "what was streamed is what was returned"
        );
        completion
    };
    let greedy = Sampling {
        max_tokens: 24,
        ..Sampling::default()
    };
    let first = generate(&greedy);
    assert!(first.text.contains("Paris"), "{:?}", first.text);
    assert!(!first.text.contains("<|im_end|>"));
    assert_eq!(first.text, generate(&greedy).text);

    let seeded = Sampling {
        temperature: 0.9,
        top_p: 0.95,
        seed: 7,
        max_tokens: 24,
        ..Sampling::default()
    };
    assert_eq!(generate(&seeded).text, generate(&seeded).text);

    let cut = generate(&Sampling {
        max_tokens: 1,
        ..Sampling::default()
    });
    assert_eq!(cut.usage.completion_tokens, 1);
}
