//! The default models, for real: fetched where they are missing, held to their references.

mod common;

use app::models::{self, pull};
use generation::Generator;
use generation::llama::Llama;
use generation::sampling::Sampling;
use retrieval::embed::{BertEmbedder, Embedder};

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

/// Vectors of sentence-transformers; see the file's `origin`.
#[test]
fn vectors_equal_those_of_sentence_transformers() {
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

    let (model, models_dir) = fetched(models::DEFAULT_EMBEDDER);
    let embedder =
        BertEmbedder::load(&model.folder(&models_dir), &model.id, &model.revision()).unwrap();
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
