use super::*;

fn choose(embedder: &str, precision: &str) -> Result<EmbedderModel, Problem> {
    let flags = [
        ("embedder", embedder.to_owned()),
        ("embedding.precision", precision.to_owned()),
    ];
    EmbedderModel::choose(&Settings::load(None, std::iter::empty(), &flags).unwrap())
}

#[test]
fn whatever_changes_vectors_changes_their_space() {
    let spaces: Vec<VectorSpace> = [
        ("all-MiniLM-L6-v2", "int8"),
        ("all-MiniLM-L6-v2", "float32"),
        ("all-MiniLM-L12-v2", "int8"),
        ("bge-small-en-v1.5", "int8"),
        ("multilingual-e5-small", "int8"),
    ]
    .iter()
    .map(|(name, precision)| choose(name, precision).unwrap().space())
    .collect();
    for (index, space) in spaces.iter().enumerate() {
        assert!(!spaces[..index].contains(space), "{space:?}");
        assert!(space.dimension > 0);
    }
    // A graph that was published has its own precision.
    let published = |precision| choose("nomic-embed-text-v1.5", precision).unwrap().space();
    assert_eq!(published("int8"), published("float32"));
}

#[test]
fn fastembeds_models_are_known_by_name_and_by_repository() {
    let by_name = choose("MultilingualE5Base", "int8").unwrap();
    let by_repository = choose("intfloat/multilingual-e5-base", "int8").unwrap();
    assert_eq!(by_name.space(), by_repository.space());
    let model = by_name.model().unwrap();
    assert_eq!(model.dimension, Some(768));
    assert_eq!(model.prompts.query, "query: ");
    assert_eq!(model.graph.as_deref(), Some("onnx/model.onnx"));
    for known in embed::published() {
        let model = from_hub(known);
        assert!(model.dimension.is_some_and(|size| size > 0), "{}", model.id);
    }
}

#[test]
fn a_folder_says_how_it_is_pooled_and_prompted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let named = folder.path().display().to_string();
    let problem = choose(&named, "int8").unwrap_err();
    assert_eq!(problem.code, "embedder_unusable");
    assert!(problem.message.contains("config.json"), "{problem}");

    std::fs::create_dir(at("1_Pooling")).unwrap();
    for (name, text) in [
        (
            "config.json",
            r#"{"model_type":"xlm-roberta","hidden_size":8,"max_position_embeddings":514,"pad_token_id":1}"#,
        ),
        ("tokenizer.json", "{}"),
        ("model.safetensors", "weights"),
        (
            "1_Pooling/config.json",
            r#"{"pooling_mode_cls_token":true}"#,
        ),
        (
            "config_sentence_transformers.json",
            r#"{"prompts":{"query":"Q: ","passage":"P: "}}"#,
        ),
    ] {
        std::fs::write(at(name), text).unwrap();
    }
    let model = choose(&named, "int8").unwrap();
    let files = model.files(Path::new("models"));
    assert_eq!(files.pooling, Pooling::Cls);
    assert_eq!(
        (
            files.prompts.query.as_str(),
            files.prompts.document.as_str()
        ),
        ("Q: ", "P: ")
    );
    assert_eq!(files.context, 512);
    let before = model.space();
    std::fs::write(at("model.safetensors"), "others").unwrap();
    assert_ne!(choose(&named, "int8").unwrap().space(), before);

    std::fs::write(at("config.json"), "{}").unwrap();
    let problem = choose(&named, "int8").unwrap_err();
    assert!(problem.message.contains("hidden_size"), "{problem}");
}

#[test]
fn what_is_no_embedder_is_refused() {
    for (name, code) in [
        ("SmolLM2-135M-Instruct", "not_an_embedder"),
        ("no-such-model", "model_unknown"),
        ("/no/such/folder", "embedder_unusable"),
    ] {
        assert_eq!(choose(name, "int8").unwrap_err().code, code, "{name}");
    }
}
