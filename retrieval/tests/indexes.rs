//! Both indexes for real, on disk: what is put is found, what is removed is gone, a watermark
//! survives, and nothing that a person types is an error.

use proptest::prelude::*;
use retrieval::dense::{DenseIndex, EdgeIndex, Quantization};
use retrieval::embed::VectorSpace;
use retrieval::lexical::LexicalIndex;
use retrieval::{Filter, IndexedChunk, IndexedDocument};

fn space() -> VectorSpace {
    VectorSpace {
        id: "test".into(),
        revision: "1".into(),
        dimension: 4,
    }
}

fn document(id: &str, collection: &str, chunks: &[(u64, &str)]) -> IndexedDocument {
    IndexedDocument {
        document_id: id.into(),
        collection: collection.into(),
        title: format!("Title of {id}"),
        authors: Vec::new(),
        chunks: chunks
            .iter()
            .map(|(id, text)| IndexedChunk {
                id: *id,
                text: (*text).into(),
                section: None,
            })
            .collect(),
    }
}

fn axis(place: usize) -> Vec<f32> {
    (0..4)
        .map(|at| if at == place { 1.0 } else { 0.1 })
        .collect()
}

fn ids(found: &[(u64, f32)]) -> Vec<u64> {
    found.iter().map(|(id, _)| *id).collect()
}

fn in_collection(name: &str) -> Filter {
    Filter {
        collection: Some(name.into()),
        ..Filter::default()
    }
}

fn of_documents(ids: &[&str]) -> Filter {
    Filter {
        documents: Some(ids.iter().map(|id| (*id).into()).collect()),
        ..Filter::default()
    }
}

#[test]
fn dense_finds_filters_forgets_and_remembers_its_watermark() {
    let folder = tempfile::tempdir().unwrap();
    {
        let index = EdgeIndex::open(folder.path(), &space(), Quantization::None).unwrap();
        assert_eq!(index.watermark().unwrap(), 0);
        index
            .put(
                &document("a", "one", &[(1, ""), (2, "")]),
                vec![axis(0), axis(1)],
            )
            .unwrap();
        index
            .put(&document("b", "two", &[(3, "")]), vec![axis(0)])
            .unwrap();
        index.commit(7).unwrap();
    }
    let index = EdgeIndex::open(folder.path(), &space(), Quantization::None).unwrap();
    assert_eq!(
        (index.watermark().unwrap(), index.count(None).unwrap()),
        (7, 3)
    );
    assert_eq!(index.count(Some("a")).unwrap(), 2);

    let all = index.search(&axis(1), 10, &Filter::default()).unwrap();
    assert_eq!((ids(&all)[0], all.len()), (2, 3));
    assert!(
        (all[0].1 - 1.0).abs() < 1e-4,
        "cosine of a vector with itself: {}",
        all[0].1
    );
    assert_eq!(
        ids(&index.search(&axis(0), 10, &in_collection("two")).unwrap()),
        [3]
    );
    assert_eq!(
        ids(&index.search(&axis(0), 10, &of_documents(&["b"])).unwrap()),
        [3]
    );
    assert!(
        index
            .search(&axis(0), 10, &of_documents(&[]))
            .unwrap()
            .is_empty()
    );

    // Applied twice, and with fewer chunks than before: nothing old is left.
    for _ in 0..2 {
        index
            .put(&document("a", "one", &[(4, "")]), vec![axis(2)])
            .unwrap();
    }
    assert_eq!(index.count(Some("a")).unwrap(), 1);
    index.remove("a").unwrap();
    index.remove("a").unwrap();
    index.commit(8).unwrap();
    assert_eq!(
        ids(&index.search(&axis(2), 10, &Filter::default()).unwrap()),
        [3]
    );
}

#[test]
fn bm25_finds_filters_forgets_and_remembers_its_watermark() {
    let folder = tempfile::tempdir().unwrap();
    {
        let index = LexicalIndex::open(folder.path()).unwrap();
        assert_eq!(index.watermark().unwrap(), 0);
        let first = document(
            "a",
            "one",
            &[
                (1, "Leaders are elected by a majority."),
                (2, "Zebras graze."),
            ],
        );
        index.put(&first).unwrap();
        index
            .put(&document(
                "b",
                "two",
                &[(3, "The election of a leader takes 35 ms.")],
            ))
            .unwrap();
        index.commit(7).unwrap();
    }
    let index = LexicalIndex::open(folder.path()).unwrap();
    assert_eq!(
        (index.watermark().unwrap(), index.count(None).unwrap()),
        (7, 3)
    );
    assert_eq!(index.count(Some("a")).unwrap(), 2);
    let search = |text: &str, filter: &Filter| ids(&index.search(text, 10, filter).unwrap());

    assert_eq!(
        search("zebra", &Filter::default()),
        [2],
        "words are stemmed"
    );
    let mut found = search("leader", &Filter::default());
    found.sort_unstable();
    assert_eq!(found, [1, 3]);
    assert_eq!(search("leader", &in_collection("two")), [3]);
    assert_eq!(search("leader", &of_documents(&["a"])), [1]);
    assert!(search("leader", &of_documents(&[])).is_empty());
    assert!(search("", &Filter::default()).is_empty());

    index
        .put(&document("a", "one", &[(4, "Giraffes.")]))
        .unwrap();
    index.commit(8).unwrap();
    assert!(
        index
            .search("zebra", 10, &Filter::default())
            .unwrap()
            .is_empty()
    );
    index.remove("a");
    index.commit(9).unwrap();
    assert_eq!(
        (index.count(None).unwrap(), index.count(Some("a")).unwrap()),
        (1, 0)
    );
}

#[test]
fn nothing_that_is_typed_is_a_syntax_error() {
    let folder = tempfile::tempdir().unwrap();
    let index = LexicalIndex::open(folder.path()).unwrap();
    index
        .put(&document(
            "a",
            "one",
            &[(1, "Some text with AND, OR and NOT.")],
        ))
        .unwrap();
    index.commit(1).unwrap();
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&"\\PC{0,80}", |typed| {
            prop_assert!(index.search(&typed, 5, &Filter::default()).is_ok());
            Ok(())
        })
        .unwrap();
    for typed in [
        "title:", "\"", "a AND (", "body:*", "[1 TO", "-", "\\", "~~~", "^2",
    ] {
        index.search(typed, 5, &Filter::default()).unwrap();
    }
}
