//! The index on a server: the same checks, and a server that refuses, stumbles, goes away, comes
//! back, or comes back empty.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use retrieval::dense::{
    ApiKey, DenseConfig, DenseIndex, Quantization, ServerAddress, ServerConfig, ServerIndex,
};
use retrieval::embed::{Embedded, Embedder, VectorSpace};
use retrieval::fusion::Fusion;
use retrieval::hybrid::{self, Stores};
use retrieval::lexical::{LexicalIndex, ParsedQuery};
use retrieval::{Error, Filter, Mode, Query};

use crate::conformance::{self, DIMENSION, Noise, document, ids, space, unit};
use crate::qdrant::{Behaviour, Server};

fn config(url: &str, collection: &str) -> ServerConfig {
    ServerConfig {
        address: ServerAddress::parse(url).unwrap(),
        api_key: None,
        collection: collection.into(),
        shards: 2,
        replicas: 3,
        on_disk: true,
        timeout: Duration::from_secs(20),
    }
}

fn open(url: &str, collection: &str) -> ServerIndex {
    ServerIndex::open(&config(url, collection), Quantization::Scalar, &space()).unwrap()
}

#[test]
fn conforms_over_the_wire() {
    let server = Server::start(Behaviour::default());
    conformance::check_all(&|name| Box::new(open(&server.url(), name)));
    let created = server.behaviour.created.lock().unwrap();
    assert_eq!(created.len(), 6, "a collection is made once");
    let first = &created[0];
    assert_eq!(
        (first.shard_number, first.replication_factor),
        (Some(2), Some(3))
    );
    assert_eq!(
        first.write_consistency_factor,
        Some(2),
        "the majority of three"
    );
    assert!(first.quantization_config.is_some());
    assert!(
        first
            .collection_name
            .starts_with("documents-test-model-rev-1")
    );
}

#[test]
fn conforms_on_a_real_server() {
    let Ok(url) = std::env::var("LECTERN_TEST_QDRANT_URL") else {
        eprintln!("skipped: LECTERN_TEST_QDRANT_URL is not set");
        return;
    };
    let run = std::process::id();
    let open = |name: &str| {
        let mut config = config(&url, &format!("lectern-test-{run}-{name}"));
        config.replicas = 1;
        config.api_key = std::env::var("LECTERN_TEST_QDRANT_API_KEY")
            .ok()
            .map(|key| ApiKey::parse(&key).unwrap());
        ServerIndex::open(&config, Quantization::None, &space()).unwrap()
    };
    conformance::check_all(&|name| Box::new(open(name)));
    for name in ["documents", "watermark", "moves", "filters", "odd", "empty"] {
        open(name).delete().unwrap();
    }
}

#[test]
fn libraries_on_one_server_do_not_mix() {
    let server = Server::start(Behaviour::default());
    let (one, two) = (open(&server.url(), "one"), open(&server.url(), "two"));
    let vector = || vec![Noise(3).vector()];
    one.put(&document("a", "c", &[(1, "")]), vector()).unwrap();
    one.commit(4).unwrap();
    assert_eq!((two.count(None).unwrap(), two.watermark().unwrap()), (0, 0));
    two.put(&document("a", "c", &[(1, "")]), vector()).unwrap();
    two.remove("a").unwrap();
    assert_eq!(one.count(None).unwrap(), 1);
    one.delete().unwrap();
    assert_eq!((one.count(None).unwrap(), one.watermark().unwrap()), (0, 0));
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let server = Server::start(Behaviour::default());
    let index = open(&server.url(), "one");
    let vector = Noise(5).vector();
    for failing in [1, 2, 3] {
        server.behaviour.failing.store(failing, Ordering::SeqCst);
        index
            .put(&document("a", "c", &[(1, "")]), vec![vector.clone()])
            .unwrap();
        index.commit(u64::from(failing)).unwrap();
    }
    assert_eq!(index.watermark().unwrap(), 3);
    server.behaviour.failing.store(1, Ordering::SeqCst);
    assert_eq!(
        ids(&index.search(&vector, 5, &Filter::default()).unwrap()),
        [1]
    );
}

#[test]
fn a_wrong_key_is_told_and_never_shown() {
    let server = Server::start(Behaviour {
        api_key: Some("the-right-key".into()),
        ..Behaviour::default()
    });
    let mut config = config(&server.url(), "one");
    let mut ask = |key: Option<&str>| {
        config.api_key = key.map(|key| ApiKey::parse(key).unwrap());
        assert!(!format!("{config:?}").contains("key-"), "{config:?}");
        ServerIndex::open(&config, Quantization::None, &space())
            .unwrap()
            .watermark()
    };
    assert_eq!(ask(Some("the-right-key")).unwrap(), 0);
    for key in [None, Some("wrong-key-value")] {
        let error = ask(key).unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("API key") && !shown.contains("wrong-key-value"),
            "{shown}"
        );
    }
}

#[test]
fn a_server_that_was_wiped_is_noticed_and_can_be_filled_again() {
    let server = Server::start(Behaviour::default());
    let index = open(&server.url(), "one");
    let vector = Noise(7).vector();
    index
        .put(&document("a", "c", &[(1, "")]), vec![vector.clone()])
        .unwrap();
    index.commit(12).unwrap();
    server.behaviour.wipe();
    let error = index.search(&vector, 5, &Filter::default()).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(index.watermark().unwrap(), 0);
    index
        .put(&document("a", "c", &[(1, "")]), vec![vector.clone()])
        .unwrap();
    index.commit(12).unwrap();
    assert_eq!(
        ids(&index.search(&vector, 5, &Filter::default()).unwrap()),
        [1]
    );
}

#[test]
fn a_collection_for_other_vectors_is_refused() {
    let server = Server::start(Behaviour::default());
    open(&server.url(), "one").commit(1).unwrap();
    let other = VectorSpace {
        dimension: DIMENSION + 1,
        ..space()
    };
    let index =
        ServerIndex::open(&config(&server.url(), "one"), Quantization::None, &other).unwrap();
    let error = index.watermark().unwrap_err().to_string();
    assert!(
        error.contains("one-test-model-rev-1") && error.contains("33"),
        "{error}"
    );
}

#[test]
fn addresses_are_checked() {
    for (text, address) in [
        ("http://localhost", "http://localhost:6334"),
        (
            " https://vectors.example:443/ ",
            "https://vectors.example:443",
        ),
        ("http://[::1]:6334", "http://[::1]:6334"),
    ] {
        assert_eq!(ServerAddress::parse(text).unwrap().as_str(), address);
    }
    for text in [
        "",
        "localhost:6334",
        "http://",
        "http://h:",
        "http://u:p@h",
        "http://h/x",
        "h h",
    ] {
        assert!(ServerAddress::parse(text).is_err(), "{text}");
    }
    assert!(ApiKey::parse("with blank").is_err() && ApiKey::parse("").is_err());
}

#[test]
fn nothing_is_asked_before_the_first_call_and_a_server_that_is_down_is_unavailable() {
    // A port that was free a moment ago.
    let address = Server::start(Behaviour::default()).address;
    let server = config(&format!("http://{address}"), "one");
    let config = DenseConfig {
        server: Some(server),
        ..DenseConfig::default()
    };
    let index = retrieval::dense::open(&config, "unused".as_ref(), &space()).unwrap();
    for _ in 0..2 {
        let error = index
            .search(&Noise(1).vector(), 5, &Filter::default())
            .unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

#[test]
fn it_can_be_called_and_dropped_on_another_runtime() {
    let server = Server::start(Behaviour::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let index = open(&server.url(), "one");
        assert_eq!(index.watermark().unwrap(), 0);
        drop(index);
    });
}

/// Counts letters: near texts share them.
struct Letters(VectorSpace);

impl Letters {
    fn vector(text: &str) -> Vec<f32> {
        let mut counts = vec![0.1; DIMENSION];
        for letter in text.bytes() {
            counts[letter as usize % DIMENSION] += 1.0;
        }
        unit(counts)
    }
}

impl Embedder for Letters {
    fn space(&self) -> &VectorSpace {
        &self.0
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }

    fn max_tokens(&self) -> usize {
        512
    }

    fn whole_words(&self) -> Vec<String> {
        Vec::new()
    }

    fn encode_documents(&self, texts: &[&str]) -> retrieval::Result<Vec<Embedded>> {
        texts.iter().map(|text| self.encode_query(text)).collect()
    }

    fn encode_query(&self, text: &str) -> retrieval::Result<Embedded> {
        let vector = Self::vector(text);
        Ok(Embedded {
            vector,
            ..Embedded::default()
        })
    }
}

#[test]
fn a_server_that_goes_away_mid_query_leaves_bm25_and_a_warning() {
    let server = Server::start(Behaviour::default());
    let dense = open(&server.url(), "one");
    let folder = tempfile::tempdir().unwrap();
    let lexical = LexicalIndex::open(folder.path()).unwrap();
    let embedder = Letters(space());
    let mut library = document("a", "c", &[(1, ""), (2, "")]);
    library.chunks[0].text = "Leaders are elected by a majority.".into();
    library.chunks[1].text = "Zebras graze.".into();
    let texts: Vec<&str> = library
        .chunks
        .iter()
        .map(|chunk| chunk.text.as_str())
        .collect();
    dense
        .put(&library, embedder.embed_documents(&texts).unwrap())
        .unwrap();
    dense.commit(1).unwrap();
    lexical.put(&library).unwrap();
    lexical.commit(1).unwrap();
    let stores = Stores {
        embedder: &embedder,
        dense: &dense,
        lexical: &lexical,
        tokens: None,
    };
    let ask = |mode: Mode| {
        let query = Query {
            asked: ParsedQuery::parse("zebras"),
            mode,
            fusion: Fusion::default(),
            top_k: 5,
            rerank: false,
            filter: Filter::default(),
        };
        hybrid::search(&query, &stores)
    };
    let found = ask(Mode::Hybrid).unwrap();
    assert_eq!((found.hits.len(), found.warnings.len()), (2, 0));
    assert!(found.hits[0].scores.dense.is_some() || found.hits[0].scores.fused.is_some());

    let address = server.address;
    let behaviour = server.behaviour.clone();
    behaviour.silent.store(true, Ordering::SeqCst);
    let taken = behaviour.searches.load(Ordering::SeqCst);
    let found = std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask(Mode::Hybrid).unwrap());
        while behaviour.searches.load(Ordering::SeqCst) == taken {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(server);
        asked.join().unwrap()
    });
    assert_eq!(
        found
            .hits
            .iter()
            .map(|hit| hit.chunk_id)
            .collect::<Vec<_>>(),
        [2]
    );
    assert!(found.hits[0].scores.bm25.is_some() && found.hits[0].scores.dense.is_none());
    assert_eq!(found.warnings.len(), 1);
    assert!(
        found.warnings[0].contains(&address.to_string()),
        "{:?}",
        found.warnings
    );
    // Nothing but meaning was wanted, so nothing can be answered.
    assert!(matches!(ask(Mode::Dense), Err(Error::Unavailable { .. })));

    // It comes back, as it was, and goes away between the search and the vectors of what was found.
    behaviour.silent.store(false, Ordering::SeqCst);
    let _server = Server::start_at(address, Arc::clone(&behaviour));
    assert_eq!(dense.watermark().unwrap(), 1);
    let found = ask(Mode::Hybrid).unwrap();
    assert_eq!((found.hits.len(), found.warnings.len()), (2, 0));
    behaviour.without_vectors.store(true, Ordering::SeqCst);
    let found = ask(Mode::Hybrid).unwrap();
    assert_eq!((found.hits.len(), found.warnings.len()), (1, 1));
}
