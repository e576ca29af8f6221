//! The life of the indexes: they answer while they are built, rebuilt, damaged and written to, and
//! what they answer is always what the catalog holds.

mod common;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use app::library::add::Watch;
use app::library::search::{SearchRequest, SearchResponse};
use app::library::{Library, Stage, Upload};
use common::{code, command, json, lectern, pdf, settings};

struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _: Stage, _: usize, _: usize) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// The library in `folder`, as soon as an earlier one in this process has let go of it.
async fn open(folder: &Path, changes: &[(&'static str, &str)]) -> Arc<Library> {
    let mut waited = 0;
    loop {
        match Library::open(settings(folder, changes)).await {
            Ok(library) => return library,
            Err(error) if waited == 100 => panic!("{error:#}"),
            Err(_) => waited += 1,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn closed(library: Arc<Library>) {
    library.close().await.unwrap();
}

async fn add(library: &Library, file: &str, collection: &str, text: &str) -> String {
    let upload = Upload {
        file: file.to_owned(),
        source: Some(format!("/papers/{file}")),
        collection: collection.to_owned(),
        bytes: text.as_bytes().to_vec(),
        password: None,
        bibliography: None,
    };
    let report = library.add(upload, Arc::new(Unwatched)).await.unwrap();
    report.document_id.unwrap()
}

/// A text with a few sections, so long that it is more than one chunk.
fn paper(number: usize) -> String {
    let mut text = format!("# Paper {number} on enzyme number {number}\n\n");
    for section in ["Introduction", "Methods", "Results"] {
        text += &format!("## {section}\n\n");
        for sentence in 0..12 {
            text += &format!(
                "In the {section} sentence {sentence} tells that enzyme {number} binds receptor {} at {} degrees. ",
                number * 7 + sentence,
                20 + sentence
            );
        }
        text += "\n\n";
    }
    text
}

async fn search(library: &Library, query: &str) -> SearchResponse {
    let request = SearchRequest {
        query: query.to_owned(),
        ..SearchRequest::default()
    };
    library.search(&request).await.unwrap()
}

/// All stores agree; a server's indexes may take a moment to follow.
async fn is_sound(library: &Library) {
    let mut waited = 0;
    let report = loop {
        let report = library.doctor().await.unwrap();
        let failed: Vec<_> = report
            .checks
            .iter()
            .filter(|check| !check.ok && (check.name.contains("index") || check.name == "catalog"))
            .collect();
        if failed.is_empty() {
            break report;
        }
        assert!(waited < 300, "{failed:?}");
        waited += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(report.chunks.catalog, report.chunks.dense);
    assert_eq!(report.chunks.catalog, report.chunks.bm25);
}

fn generations(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("indexes")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_build_other_indexes_while_the_old_ones_answer() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path(), &[]).await;
    let mut ids = Vec::new();
    for number in 0..4 {
        let name = format!("paper-{number}.md");
        ids.push(add(&library, &name, "default", &paper(number)).await);
    }
    let before = library.catalog.count_chunks().await.unwrap();
    closed(library).await;

    let small: &[(&str, &str)] = &[("chunk.max_tokens", "48"), ("chunk.overlap_tokens", "8")];
    let library = open(folder.path(), small).await;
    let found = search(&library, "enzyme 3 receptor").await;
    assert_eq!(found.passages[0].document_id, ids[3]);
    assert!(
        found
            .warnings
            .iter()
            .any(|warning| warning.contains("lectern reindex")),
        "{:?}",
        found.warnings
    );
    assert_eq!(library.catalog.count_chunks().await.unwrap(), before);

    // Searched, added to and deleted from while it is built.
    let heard = Mutex::new(0);
    let tell = |done: u64, total: u64| {
        let mut heard = heard.lock().unwrap();
        *heard = total.max(done).max(*heard);
    };
    let building = library.reindex(&tell);
    let meanwhile = async {
        let found = search(&library, "enzyme 3 receptor").await;
        assert_eq!(found.passages[0].document_id, ids[3]);
        let added = add(
            &library,
            "late.md",
            "default",
            "Zebrafish regrow their fins.",
        )
        .await;
        library.remove(&ids[0]).await.unwrap();
        added
    };
    let (built, added) = tokio::join!(building, meanwhile);
    built.unwrap();
    assert!(*heard.lock().unwrap() >= 4);

    let after = library.catalog.count_chunks().await.unwrap();
    assert!(after > 2 * before, "{before} chunks became {after}");
    is_sound(&library).await;
    assert_eq!(generations(folder.path()), 1, "the old one is gone");
    let found = search(&library, "zebrafish fins").await;
    assert_eq!(found.passages[0].document_id, added);
    assert_eq!(found.warnings, [""; 0]);
    for id in &ids[1..] {
        let record = library.document(id).await.unwrap();
        assert!(record.chunks > 5, "{} chunks", record.chunks);
    }
    for passage in search(&library, "enzyme 2 receptor").await.passages {
        assert!(!passage.rects.is_empty() || passage.page == 1);
        assert_ne!(passage.document_id, ids[0]);
        assert!(
            passage.text.split_whitespace().count() <= 48,
            "{}",
            passage.text
        );
    }
    closed(library).await;

    // And a server does it by itself, back to what it was.
    let library = open(folder.path(), &[]).await;
    library.keep_up();
    let began = Instant::now();
    while library.doctor().await.unwrap().indexes.unwrap().max_tokens != 382 {
        assert!(
            began.elapsed() < Duration::from_secs(300),
            "never switched over"
        );
        assert!(
            !search(&library, "enzyme 2 receptor")
                .await
                .passages
                .is_empty()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_sound(&library).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_stay_right_while_documents_come_change_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path(), &[]).await;
    library.keep_up();
    let stay = add(
        &library,
        "stays.md",
        "kept",
        "The kakapo is a flightless parrot of New Zealand.",
    )
    .await;
    let deleted: Arc<Mutex<HashSet<String>>> = Arc::default();
    let is_done = Arc::new(AtomicBool::new(false));

    let writing = tokio::spawn({
        let (library, deleted, is_done) = (library.clone(), deleted.clone(), is_done.clone());
        async move {
            let mut ids = Vec::new();
            for number in 0..16 {
                let collection = if number % 2 == 0 { "even" } else { "odd" };
                ids.push(
                    add(
                        &library,
                        &format!("{number}.md"),
                        collection,
                        &paper(number),
                    )
                    .await,
                );
                if number % 3 == 2 {
                    let id = ids.remove(0);
                    library.remove(&id).await.unwrap();
                    deleted.lock().unwrap().insert(id);
                }
                if number % 5 == 4 {
                    // Replaced under its path.
                    let name = format!("{}.md", number - 1);
                    let collection = if number % 2 == 1 { "even" } else { "odd" };
                    let old = library.document(&name).await.unwrap().id;
                    let text = format!("{} It was revised.", paper(number - 1));
                    ids.retain(|id| *id != old);
                    ids.push(add(&library, &name, collection, &text).await);
                    deleted.lock().unwrap().insert(old);
                }
            }
            is_done.store(true, Ordering::Release);
            ids
        }
    });
    let mut searches = 0;
    while !is_done.load(Ordering::Acquire) {
        let gone = deleted.lock().unwrap().clone();
        let mut request = SearchRequest {
            query: "enzyme receptor sentence degrees".to_owned(),
            top_k: Some(20),
            ..SearchRequest::default()
        };
        let found = library.search(&request).await.unwrap();
        let ids: HashSet<u64> = found
            .passages
            .iter()
            .map(|passage| passage.chunk_id)
            .collect();
        assert_eq!(ids.len(), found.passages.len(), "no passage twice");
        for passage in &found.passages {
            assert!(
                !gone.contains(&passage.document_id),
                "deleted before the search"
            );
            assert!(!passage.text.is_empty() && !passage.file.is_empty());
        }
        let kept = search(&library, "flightless parrot").await;
        assert_eq!(kept.passages[0].document_id, stay, "always there");
        request.collection = Some("even".to_owned());
        if let Ok(found) = library.search(&request).await {
            for passage in found.passages {
                let number: usize = passage.file.trim_end_matches(".md").parse().unwrap();
                assert_eq!(number % 2, 0, "{}", passage.file);
            }
        }
        searches += 3;
    }
    let left = writing.await.unwrap();
    assert!(searches > 10, "{searches} searches");
    is_sound(&library).await;
    let records = library.catalog.documents(None).await.unwrap();
    let have: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert!(left.iter().all(|id| have.contains(id.as_str())));
}

/// Files below a folder, largest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort_by_key(|path| std::cmp::Reverse(std::fs::metadata(path).map_or(0, |m| m.len())));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_indexes_are_built_again_from_the_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path(), &[]).await;
    let id = add(&library, "okapi.md", "default", &paper(5)).await;
    add(
        &library,
        "other.md",
        "default",
        "Okapi weighting was made in London.",
    )
    .await;
    closed(library).await;

    type Damage = fn(&Path);
    let damages: &[(&str, Damage)] = &[
        ("all files overwritten", |folder| {
            for file in files(folder) {
                std::fs::write(file, "rubbish").unwrap();
            }
        }),
        ("all files empty", |folder| {
            for file in files(folder) {
                std::fs::write(file, "").unwrap();
            }
        }),
        ("all files cut in half", |folder| {
            for file in files(folder) {
                let bytes = std::fs::read(&file).unwrap();
                std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
            }
        }),
        ("half of the files deleted", |folder| {
            for file in files(folder).iter().step_by(2) {
                std::fs::remove_file(file).unwrap();
            }
        }),
        ("the other half of the files deleted", |folder| {
            for file in files(folder).iter().skip(1).step_by(2) {
                std::fs::remove_file(file).unwrap();
            }
        }),
        ("folders in the folder deleted", |folder| {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                for entry in std::fs::read_dir(&path).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        std::fs::remove_dir_all(path).unwrap();
                    }
                }
            }
        }),
        ("emptied", |folder| {
            std::fs::remove_dir_all(folder).unwrap();
            std::fs::create_dir(folder).unwrap();
        }),
        ("gone", |folder| std::fs::remove_dir_all(folder).unwrap()),
    ];
    for (name, damage) in damages {
        for part in ["vectors-", "postings-", "tokens-"] {
            let home = std::fs::read_dir(folder.path().join("indexes"))
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .path();
            let part_folder = std::fs::read_dir(&home)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .find(|path| {
                    path.file_name()
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .starts_with(part)
                })
                .unwrap();
            damage(&part_folder);
            let library = open(folder.path(), &[]).await;
            let found = search(&library, "enzyme 5 receptor").await;
            assert_eq!(found.passages[0].document_id, id, "{part}: {name}");
            let found = search(&library, "Okapi weighting").await;
            assert_eq!(found.passages[0].file, "other.md", "{part}: {name}");
            is_sound(&library).await;
            closed(library).await;
        }
    }
    let library = open(folder.path(), &[]).await;
    let documents = library.catalog.documents(None).await.unwrap();
    assert_eq!(documents.len(), 2, "nothing of the catalog was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_at_once_while_lost_indexes_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path(), &[]).await;
    for number in 0..12 {
        add(&library, &format!("{number}.md"), "default", &paper(number)).await;
    }
    closed(library).await;
    std::fs::remove_dir_all(folder.path().join("indexes")).unwrap();

    let library = open(folder.path(), &[]).await;
    library.keep_up();
    let mut warned = false;
    let began = Instant::now();
    loop {
        let found = search(&library, "enzyme 11 receptor").await;
        let is_level = found.warnings.is_empty() && found.passages.len() == 8;
        warned |= found
            .warnings
            .iter()
            .any(|warning| warning.contains("catching up") && warning.contains("of 12 documents"));
        if is_level {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(300),
            "{:?}",
            found.warnings
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(warned, "said how far it is");
    is_sound(&library).await;
    // Deleted while it catches up or not, a document is gone when the call returns.
    let id = library.document("3.md").await.unwrap().id;
    library.remove(&id).await.unwrap();
    let found = search(&library, "enzyme 3 receptor").await;
    assert!(
        found
            .passages
            .iter()
            .all(|passage| passage.document_id != id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_embedder_an_index_answers_by_words_and_takes_new_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let library = open(folder.path(), &[]).await;
    let id = add(
        &library,
        "kakapo.md",
        "default",
        "The kakapo is a flightless parrot.",
    )
    .await;
    closed(library).await;

    let nothing = tempfile::tempdir().unwrap();
    let empty = nothing.path().display().to_string();
    let gone = [("models_dir", empty.as_str()), ("offline", "true")];
    let mut settings = settings(folder.path(), &gone);
    settings.models_dir = nothing.path().to_path_buf();
    let library = Library::open(settings).await.unwrap();
    let found = search(&library, "parrot").await;
    assert_eq!(found.passages[0].document_id, id);
    assert!(
        found
            .warnings
            .iter()
            .any(|warning| warning.contains("by words alone")),
        "{:?}",
        found.warnings
    );
    // No text has changed, so nothing has to be embedded.
    let mut metadata = library.document(&id).await.unwrap().metadata;
    metadata.authors = Some(ingest::Field {
        value: vec!["Ada Lovelace".to_owned()],
        source: ingest::Source::Bibtex,
        confidence: 1.0,
    });
    library.set_metadata(&id, &metadata).await.unwrap();
    is_sound(&library).await;
    assert_eq!(
        search(&library, "parrot").await.passages[0].authors,
        ["Ada Lovelace"]
    );
}

#[test]
fn a_reindex_that_is_killed_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    for number in 0..10 {
        let path = papers.path().join(format!("paper-{number}.md"));
        std::fs::write(path, paper(number)).unwrap();
    }
    std::fs::write(
        papers.path().join("okapi.pdf"),
        pdf(&["Okapi weighting was made in London at City University."]),
    )
    .unwrap();
    let folder = papers.path().display().to_string();
    assert_eq!(code(&lectern(data.path(), &["ingest", &folder])), 0);

    let reindex = || {
        let mut command = command(data.path(), &["reindex", "--json"]);
        command.env("LECTERN_CHUNK_MAX_TOKENS", "64");
        command
    };
    for milliseconds in [300, 900, 1500, 2500] {
        let mut child = reindex()
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        let _ = child.kill();
        child.wait().unwrap();
        let found = json(&lectern(
            data.path(),
            &["search", "Okapi weighting", "--json"],
        ));
        assert_eq!(found["passages"][0]["file"], "okapi.pdf", "{found}");
    }
    let output = reindex().output().unwrap();
    let report = json(&output);
    assert_eq!(
        (code(&output), &report["ok"]),
        (0, &true.into()),
        "{report}"
    );
    assert_eq!(report["indexes"]["max_tokens"], 64);
    assert_eq!(report["indexes"]["building"], serde_json::Value::Null);
    assert_eq!(generations(data.path()), 1);
}
