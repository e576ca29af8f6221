use super::*;

fn load(
    file: Option<&str>,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Settings, Problem> {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = file {
        std::fs::write(folder.path().join("lectern.toml"), text).unwrap();
    }
    let mut flags: Vec<(&'static str, String)> = flags
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    flags.push(("data_dir", folder.path().display().to_string()));
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::load(None, environment, &flags)
}

#[test]
fn later_sources_win_and_the_origin_is_kept() {
    let file = "top_k = 3\n[chunk]\nmax_tokens = 100\n";
    let settings = load(Some(file), &[("LECTERN_TOP_K", "4")], &[]).unwrap();
    assert_eq!((settings.top_k, settings.chunk.max_tokens), (4, 100));
    let settings = load(Some(file), &[("LECTERN_TOP_K", "4")], &[("top_k", "5")]).unwrap();
    assert_eq!(settings.top_k, 5);
    let entry = settings
        .entries
        .iter()
        .find(|entry| entry.key == "top_k")
        .unwrap();
    assert_eq!(entry.origin, "flag");
}

#[test]
fn wrong_settings_are_named() {
    let unknown = load(Some("topk = 3"), &[], &[]).unwrap_err();
    assert!(unknown.message.contains("`topk`"), "{unknown}");
    let text = load(None, &[("LECTERN_TOP_K", "many")], &[]).unwrap_err();
    assert!(text.message.contains("LECTERN_TOP_K"), "{text}");
    assert_eq!(text.fault, Fault::Usage);
    assert!(
        load(Some("top_k = "), &[], &[])
            .unwrap_err()
            .message
            .contains("TOML")
    );
    assert!(load(None, &[("LECTERN_TOKEN", "short")], &[]).is_err());
    for (name, value) in [
        ("LECTERN_EMBEDDER", " "),
        ("LECTERN_EMBEDDING_PRECISION", "int4"),
        ("LECTERN_EMBEDDING_BACKEND", "torch"),
        ("LECTERN_EMBEDDING_THREADS", "-1"),
    ] {
        let problem = load(None, &[(name, value)], &[]).unwrap_err();
        assert!(problem.message.contains(name), "{problem}");
    }
    assert!(load(None, &[("LECTERN_CHUNK_OVERLAP_TOKENS", "200")], &[]).is_err());
}

#[test]
fn secrets_are_never_shown() {
    let secrets = [
        ("LECTERN_TOKEN", "a-long-enough-secret"),
        ("LECTERN_QDRANT_URL", "https://vectors.example"),
        ("LECTERN_QDRANT_API_KEY", "another-secret"),
        ("LECTERN_LLM_URL", "https://models.example"),
        ("LECTERN_LLM_API_KEY", "a-third-secret"),
    ];
    let settings = load(None, &secrets, &[]).unwrap();
    assert!(settings.token.is_some());
    let shown = serde_json::to_string(&settings.entries).unwrap();
    assert!(!shown.contains("secret"), "{shown}");
    assert!(!format!("{:?} {:?}", settings.dense, settings.llm).contains("secret"));
    let wrong = [
        (
            "LECTERN_QDRANT_URL",
            "https://user:a-secret@vectors.example",
        ),
        ("LECTERN_QDRANT_API_KEY", "a secret with blanks"),
        ("LECTERN_LLM_URL", "https://user:a-secret@models.example"),
        ("LECTERN_LLM_API_KEY", "a secret with blanks"),
    ];
    for variable in wrong {
        let problem = load(None, &[variable], &[]).unwrap_err();
        assert!(!format!("{problem:?}").contains("a-secret"), "{problem:?}");
        assert!(!format!("{problem:?}").contains("a secret"), "{problem:?}");
        assert!(problem.message.contains(variable.0), "{problem}");
    }
}

#[test]
fn vectors_are_kept_where_the_settings_say() {
    let local = load(None, &[], &[]).unwrap().dense_config().unwrap();
    assert!(local.server.is_none());
    let folder = tempfile::tempdir().unwrap();
    let name = |collection: &str| {
        let mut settings = load(
            None,
            &[
                ("LECTERN_QDRANT_URL", "http://localhost"),
                ("LECTERN_QDRANT_COLLECTION", collection),
                ("LECTERN_QDRANT_SHARDS", "3"),
            ],
            &[],
        )
        .unwrap();
        settings.data_dir = folder.path().to_path_buf();
        let server = settings.dense_config().unwrap().server.unwrap();
        assert_eq!(server.address.as_str(), "http://localhost:6334");
        assert_eq!(server.shards, 3);
        server.collection
    };
    assert_eq!(name("shared"), "shared");
    let own = name("");
    assert!(own.starts_with("lectern-") && own.len() > 20, "{own}");
    assert_eq!(name(""), own, "the library keeps its id");
    for (variable, value) in [
        ("LECTERN_QDRANT_URL", "localhost:6334"),
        ("LECTERN_QDRANT_URL", "http://"),
        ("LECTERN_QDRANT_URL", "http://host:0"),
        ("LECTERN_QDRANT_URL", "http://host:99999"),
        ("LECTERN_QDRANT_URL", "http://host:6334/dashboard"),
        ("LECTERN_QDRANT_URL", "ftp://host"),
        ("LECTERN_QDRANT_COLLECTION", "a/b"),
        ("LECTERN_QDRANT_SHARDS", "0"),
        ("LECTERN_QDRANT_REPLICAS", "many"),
        ("LECTERN_QDRANT_TIMEOUT_SECONDS", "0"),
        ("LECTERN_DENSE_QUANTIZATION", "int4"),
    ] {
        let problem = load(None, &[(variable, value)], &[]).unwrap_err();
        assert!(problem.message.contains(variable), "{problem}");
    }
}

#[test]
fn a_server_answers_where_the_settings_name_one() {
    assert!(load(None, &[], &[]).unwrap().llm.is_none());
    let file = "[llm]\nurl = \"http://gpu:8000\"\nmodel = \"big\"\ntimeout_seconds = 7\n";
    let settings = load(
        Some(file),
        &[
            ("LECTERN_LLM_FALLBACK", "extractive"),
            ("LECTERN_LLM_RETRIES", "0"),
        ],
        &[],
    )
    .unwrap();
    let server = settings.llm.unwrap();
    assert_eq!(server.address.to_string(), "http://gpu:8000/v1");
    assert_eq!(server.model.as_deref(), Some("big"));
    assert_eq!((server.timeout.as_secs(), server.retries), (7, 0));
    assert!(settings.llm_falls_back);
    for (variable, value) in [
        ("LECTERN_LLM_URL", "gpu:8000"),
        ("LECTERN_LLM_MODEL", "without-a-server"),
        ("LECTERN_LLM_TIMEOUT_SECONDS", "0"),
        ("LECTERN_LLM_RETRIES", "-1"),
        ("LECTERN_LLM_FALLBACK", "yes"),
        ("LECTERN_OPENAI_SOURCES", "perhaps"),
    ] {
        let problem = load(None, &[(variable, value)], &[]).unwrap_err();
        assert!(problem.message.contains(variable), "{problem}");
    }
}

#[test]
fn short_chunks_bring_a_short_overlap_unless_it_is_given() {
    let chunk = |variables: &[(&str, &str)]| {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let flags = [("data_dir", "/nowhere".to_owned())];
        Settings::load(None, variables, &flags).map(|settings| settings.chunk)
    };
    let short = chunk(&[("LECTERN_CHUNK_MAX_TOKENS", "64")]).unwrap();
    assert_eq!((short.max_tokens, short.overlap_tokens), (64, 9));
    let usual = chunk(&[]).unwrap();
    assert_eq!((usual.max_tokens, usual.overlap_tokens), (382, 48));
    let wrong = [
        ("LECTERN_CHUNK_MAX_TOKENS", "64"),
        ("LECTERN_CHUNK_OVERLAP_TOKENS", "48"),
    ];
    assert_eq!(chunk(&wrong).unwrap_err().code, "setting_invalid");
}
