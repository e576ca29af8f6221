//! The index in the data folder: graphs, deletion from the disk, damage, kills.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use retrieval::dense::{DenseIndex, EdgeIndex, Quantization};
use retrieval::{Filter, IndexedDocument};

use crate::conformance::{self, DIMENSION, Noise, document, filters, ids, library, recall, space};

fn open(folder: &Path) -> retrieval::Result<EdgeIndex> {
    EdgeIndex::open(folder, &space(), Quantization::None)
}

#[test]
fn conforms() {
    let folder = tempfile::tempdir().unwrap();
    conformance::check_all(&|name| Box::new(open(&folder.path().join(name)).unwrap()));
}

#[test]
fn conforms_with_quantization() {
    for quantization in [Quantization::Scalar, Quantization::Binary] {
        let folder = tempfile::tempdir().unwrap();
        conformance::check_all(&|name| {
            let folder = folder.path().join(name);
            Box::new(EdgeIndex::open(&folder, &space(), quantization).unwrap())
        });
    }
}

fn put_all(index: &EdgeIndex, library: &[(IndexedDocument, Vec<Vec<f32>>)]) {
    for (document, vectors) in library {
        index.put(document, vectors.clone()).unwrap();
    }
}

#[test]
fn a_graph_finds_what_comparing_all_finds_with_and_without_filters() {
    for quantization in [Quantization::None, Quantization::Scalar] {
        let folder = tempfile::tempdir().unwrap();
        let mut noise = Noise(7);
        let library = library(3000, &mut noise);
        let index = EdgeIndex::open(folder.path(), &space(), quantization).unwrap();
        put_all(&index, &library);
        index.commit(1).unwrap();
        assert!(
            index.optimize().unwrap(),
            "30,000 vectors are worth a graph"
        );
        assert!(!index.optimize().unwrap(), "and are then done");
        for filter in filters() {
            let search = |query: &[f32], limit| index.search(query, limit, &filter).unwrap();
            let share = recall(&library, &filter, &mut noise, &search);
            let nothing = filter.collection.as_deref() == Some("none such");
            assert!(
                nothing || share >= 0.98,
                "{quantization:?}: {share} of {filter:?}"
            );
        }
        let everything = Filter::default();
        let exactly =
            |query: &[f32], limit| index.search_exactly(query, limit, &everything).unwrap();
        assert_eq!(recall(&library, &everything, &mut noise, &exactly), 1.0);
    }
}

#[test]
fn searches_and_writes_go_on_while_it_optimises() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise(11);
    let library = library(2600, &mut noise);
    let (first, later) = library.split_at(2500);
    let index = open(folder.path()).unwrap();
    put_all(&index, first);
    index.commit(1).unwrap();
    let done = AtomicBool::new(false);
    let everything = Filter::default();
    let (searches, slowest, took) = std::thread::scope(|scope| {
        let optimizing = scope.spawn(|| {
            let began = std::time::Instant::now();
            assert!(index.optimize().unwrap());
            done.store(true, Ordering::SeqCst);
            began.elapsed()
        });
        let writing = scope.spawn(|| {
            for (number, (document, vectors)) in later.iter().enumerate() {
                index.put(document, vectors.clone()).unwrap();
                index.remove(&first[number].0.document_id).unwrap();
                index.commit(number as u64 + 2).unwrap();
            }
        });
        let mut slowest = std::time::Duration::ZERO;
        let mut searches = 0;
        while !done.load(Ordering::SeqCst) {
            let began = std::time::Instant::now();
            let found = index.search(&noise.vector(), 10, &everything).unwrap();
            slowest = slowest.max(began.elapsed());
            assert_eq!(found.len(), 10);
            searches += 1;
        }
        writing.join().unwrap();
        (searches, slowest, optimizing.join().unwrap())
    });
    eprintln!("{searches} searches in {took:?}, the slowest {slowest:?}");
    assert!(
        searches > 10 && slowest < took / 2,
        "{searches} searches, {slowest:?} of {took:?}"
    );
    assert_eq!(index.count(None).unwrap(), 25_000);
    index.optimize().unwrap();
    drop(index);
    let index = open(folder.path()).unwrap();
    assert_eq!(
        (index.count(None).unwrap(), index.watermark().unwrap()),
        (25_000, 101)
    );
    for (document, vectors) in later {
        assert!(index.holds(document).unwrap());
        let found = index.search(&vectors[0], 1, &everything).unwrap();
        assert_eq!(ids(&found), [document.chunks[0].id]);
    }
    for (document, _) in &first[..later.len()] {
        assert_eq!(index.count(Some(&document.document_id)).unwrap(), 0);
    }
}

#[test]
fn deleted_vectors_and_names_leave_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise(13);
    let index = open(folder.path()).unwrap();
    put_all(&index, &library(30, &mut noise));
    let secret = noise.vector();
    let name = "document-to-forget";
    let forgotten = document(
        name,
        "collection-to-forget",
        &[(9001, "Methods"), (9002, "")],
    );
    index
        .put(&forgotten, vec![secret.clone(), noise.vector()])
        .unwrap();
    index.commit(1).unwrap();
    let vector = index.vectors(&[9001]).unwrap().remove(0).unwrap();
    let bytes: Vec<u8> = vector[..4].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert!(
        !files_with(folder.path(), &bytes).is_empty(),
        "the check can see a vector"
    );
    index.remove(name).unwrap();
    index.commit(2).unwrap();
    assert!(index.optimize().unwrap());
    assert_eq!(files_with(folder.path(), &bytes), Vec::<PathBuf>::new());
    // The journal writes numbers in another form; it must be gone as a whole.
    for text in [name, "collection-to-forget"] {
        assert_eq!(
            files_with(folder.path(), text.as_bytes()),
            Vec::<PathBuf>::new(),
            "{text}"
        );
    }
    assert_eq!(index.count(None).unwrap(), 300);
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn files_with(folder: &Path, wanted: &[u8]) -> Vec<PathBuf> {
    let mut files = all_files(folder);
    files.retain(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    });
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A copy of the files at any moment is what a kill at that moment leaves behind.
#[test]
fn a_kill_between_write_and_commit_loses_nothing_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise(17);
    let library = library(60, &mut noise);
    let index = open(folder.path()).unwrap();
    for (number, (document, vectors)) in library.iter().enumerate() {
        let sequence = number as u64 + 1;
        index.put(document, vectors.clone()).unwrap();
        if number % 3 == 2 {
            index.remove(&library[number - 2].0.document_id).unwrap();
        }
        let killed = tempfile::tempdir().unwrap();
        if number % 7 == 6 {
            copy(folder.path(), killed.path());
        }
        index.commit(sequence).unwrap();
        if number % 10 == 9 {
            index.optimize().unwrap();
        }
        if number % 7 != 6 {
            continue;
        }
        // Before the commit: the last change is made again, by its sequence.
        let after = open(killed.path()).unwrap();
        assert_eq!(after.watermark().unwrap(), sequence - 1);
        after.put(document, vectors.clone()).unwrap();
        if number % 3 == 2 {
            after.remove(&library[number - 2].0.document_id).unwrap();
        }
        after.commit(sequence).unwrap();
        drop(after);
        let after = open(killed.path()).unwrap();
        assert_eq!(
            after.count(None).unwrap(),
            index.count(None).unwrap(),
            "at {number}"
        );
        for (document, _) in &library[..=number] {
            let (was, is) = (
                index.holds(document).unwrap(),
                after.holds(document).unwrap(),
            );
            assert_eq!(was, is, "{} at {number}", document.document_id);
        }
    }
}

/// Opening never panics, and an index that opens holds what was put, or says that it does not.
#[test]
fn damage_is_an_error_and_never_other_results() {
    let whole = tempfile::tempdir().unwrap();
    let mut noise = Noise(19);
    let library = library(60, &mut noise);
    let index = open(whole.path()).unwrap();
    put_all(&index, &library);
    index.remove("doc-3").unwrap();
    index.commit(5).unwrap();
    index.optimize().unwrap();
    let query = noise.vector();
    let everything = Filter::default();
    let truth = index.search(&query, 20, &everything).unwrap();
    drop(index);
    let (mut refused, mut same) = (0, 0);
    for round in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        let files = all_files(folder.path());
        let path = &files[noise.below(files.len())];
        let bytes = std::fs::read(path).unwrap();
        match round % 4 {
            0 => std::fs::remove_file(path).unwrap(),
            1 => std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            2 => std::fs::write(path, vec![0xa5; bytes.len()]).unwrap(),
            _ => std::fs::write(path, []).unwrap(),
        }
        match open(folder.path()) {
            Err(error) => {
                refused += 1;
                assert!(
                    error.to_string().starts_with("the dense index failed"),
                    "{error}"
                );
                // What the library does then.
                let damaged = EdgeIndex::folder_for(folder.path(), &space());
                std::fs::remove_dir_all(damaged).unwrap();
                assert_eq!(open(folder.path()).unwrap().watermark().unwrap(), 0);
            }
            Ok(index) => {
                same += 1;
                let watermark = index.watermark().unwrap();
                let found = index.search(&query, 20, &everything).unwrap();
                assert!(
                    watermark == 0 || found == truth,
                    "{path:?} in round {round}"
                );
                index.put(&library[0].0, library[0].1.clone()).unwrap();
                index.commit(6).unwrap();
            }
        }
    }
    eprintln!("{refused} refused, {same} not harmed");
    assert!(refused > 30, "{refused} refused, {same} not harmed");
    // Folders that are lost as a whole.
    for lost in ["segments", "wal", "temp_segments"] {
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        let _ = std::fs::remove_dir_all(EdgeIndex::folder_for(folder.path(), &space()).join(lost));
        if let Ok(index) = open(folder.path()) {
            assert_eq!(
                index.search(&query, 20, &everything).unwrap(),
                truth,
                "{lost}"
            );
        }
    }
}

/// The journal's numbering once began again at zero, and the engine ignored all that was written.
#[test]
fn writes_are_not_ignored_after_opening_many_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise(23);
    for round in 0..12_u64 {
        let index = open(folder.path()).unwrap();
        let vector = noise.vector();
        index
            .put(&document("a", "one", &[(1, "")]), vec![vector.clone()])
            .unwrap();
        index
            .put(
                &document("b", "one", &[(100 + round, "")]),
                vec![noise.vector()],
            )
            .unwrap();
        let found = index.search(&vector, 1, &Filter::default()).unwrap();
        assert!(
            found[0].0 == 1 && found[0].1 > 0.999,
            "round {round}: {found:?}"
        );
        assert_eq!(index.count(None).unwrap(), 2);
        match round % 3 {
            0 => index.commit(round).unwrap(),
            1 => drop(index.optimize().unwrap()),
            _ => {}
        }
    }
}

#[test]
fn an_index_whose_folder_is_gone_is_dropped_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).unwrap();
    index
        .put(
            &document("a", "one", &[(1, "")]),
            vec![vec![1.0; DIMENSION]],
        )
        .unwrap();
    std::fs::remove_dir_all(folder.path()).unwrap();
    assert!(index.commit(1).is_err());
    drop(index);
}
