//! What any [`DenseIndex`] must do. Every function gets a way to open the same index again.

use std::collections::{BTreeSet, HashMap};

use ingest::section::SectionKind;
use retrieval::dense::DenseIndex;
use retrieval::embed::VectorSpace;
use retrieval::{Filter, IndexedChunk, IndexedDocument};

/// One check of the suite.
type Check = (&'static str, fn(Open));
/// Searches for the nearest to a vector.
type Search<'a> = &'a dyn Fn(&[f32], usize) -> Vec<(u64, f32)>;
/// Opens the same index, empty the first time.
pub(crate) type Open<'a> = &'a dyn Fn() -> Box<dyn DenseIndex>;

pub(crate) const DIMENSION: usize = 32;

pub(crate) fn space() -> VectorSpace {
    VectorSpace {
        id: "test/model".into(),
        revision: "rev 1".into(),
        dimension: DIMENSION,
    }
}

/// All of them, each with an index of its own: `index(name)` opens the one of that name.
pub(crate) fn check_all(index: &dyn Fn(&str) -> Box<dyn DenseIndex>) {
    let checks: [Check; 6] = [
        ("documents", documents_come_and_go),
        ("watermark", the_watermark_survives),
        ("moves", a_document_is_described_again),
        ("filters", filters_agree_with_comparing_all),
        ("odd", odd_input_is_answered),
        ("empty", an_empty_index_answers),
    ];
    for (name, check) in checks {
        eprintln!("conformance: {name}");
        check(&|| index(name));
    }
}

pub(crate) fn document(id: &str, collection: &str, chunks: &[(u64, &str)]) -> IndexedDocument {
    IndexedDocument {
        document_id: id.into(),
        collection: collection.into(),
        title: format!("Title of {id}"),
        authors: Vec::new(),
        chunks: chunks
            .iter()
            .map(|(id, section)| IndexedChunk {
                id: *id,
                text: format!("text {id}"),
                section: (!section.is_empty()).then(|| (*section).into()),
            })
            .collect(),
    }
}

/// Numbers that look random and are the same each time.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 24) as f32 - 0.5
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (((self.next() + 0.5) * limit as f32) as usize).min(limit - 1)
    }

    /// A unit vector.
    pub(crate) fn vector(&mut self) -> Vec<f32> {
        unit((0..DIMENSION).map(|_| self.next()).collect())
    }

    /// A unit vector near another.
    pub(crate) fn near(&mut self, centre: &[f32]) -> Vec<f32> {
        unit(centre.iter().map(|x| x + 0.35 * self.next()).collect())
    }
}

pub(crate) fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

fn axis(place: usize) -> Vec<f32> {
    let of = |at| if at == place { 1.0 } else { 0.01 };
    unit((0..DIMENSION).map(of).collect())
}

pub(crate) fn ids(found: &[(u64, f32)]) -> Vec<u64> {
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

fn documents_come_and_go(open: Open) {
    let index = open();
    let all = Filter::default();
    let first = document("a", "one", &[(1, ""), (2, "")]);
    index.put(&first, vec![axis(0), axis(1)]).unwrap();
    let second = document("b", "two", &[(3, "")]);
    index.put(&second, vec![axis(0)]).unwrap();
    index.commit(1).unwrap();
    assert_eq!(index.count(None).unwrap(), 3);
    assert_eq!(index.count(Some("a")).unwrap(), 2);
    assert_eq!(index.count(Some("c")).unwrap(), 0);
    assert!(index.holds(&first).unwrap());

    let found = index.search(&axis(1), 10, &all).unwrap();
    assert_eq!((found[0].0, found.len()), (2, 3));
    assert!(
        (found[0].1 - 1.0).abs() < 1e-4,
        "cosine with itself: {}",
        found[0].1
    );
    assert!(found.is_sorted_by(|left, right| left.1 >= right.1));
    assert_eq!(ids(&index.search(&axis(1), 1, &all).unwrap()), [2]);

    // Applied twice, and with fewer chunks than before: nothing old is left.
    for _ in 0..2 {
        index
            .put(&document("a", "one", &[(4, "")]), vec![axis(2)])
            .unwrap();
    }
    assert_eq!(
        (index.count(Some("a")).unwrap(), index.count(None).unwrap()),
        (1, 2)
    );
    assert!(!index.holds(&first).unwrap());
    // As many chunks, but others.
    assert!(!index.holds(&document("a", "one", &[(5, "")])).unwrap());
    assert!(!index.holds(&document("b", "one", &[(4, "")])).unwrap());
    index.remove("a").unwrap();
    index.remove("a").unwrap();
    index.commit(2).unwrap();
    assert_eq!(ids(&index.search(&axis(2), 10, &all).unwrap()), [3]);
    index.optimize().unwrap();
    assert_eq!(ids(&index.search(&axis(2), 10, &all).unwrap()), [3]);
    drop(index);

    // What was optimised can be written to again, and everything is there after opening again.
    let index = open();
    assert_eq!(index.count(None).unwrap(), 1);
    index.put(&first, vec![axis(0), axis(1)]).unwrap();
    index.put(&second, vec![axis(5)]).unwrap();
    index.commit(3).unwrap();
    drop(index);
    let index = open();
    assert_eq!(ids(&index.search(&axis(5), 1, &all).unwrap()), [3]);
    assert_eq!(index.count(None).unwrap(), 3);
    // Emptied.
    index.put(&document("b", "two", &[]), Vec::new()).unwrap();
    index.remove("a").unwrap();
    index.commit(4).unwrap();
    assert_eq!(index.count(None).unwrap(), 0);
    assert!(index.search(&axis(5), 3, &all).unwrap().is_empty());
}

fn the_watermark_survives(open: Open) {
    let index = open();
    assert_eq!(index.watermark().unwrap(), 0);
    index
        .put(&document("a", "one", &[(1, "")]), vec![axis(0)])
        .unwrap();
    assert_eq!(index.watermark().unwrap(), 0);
    index.commit(7).unwrap();
    assert_eq!(index.watermark().unwrap(), 7);
    // Changes that do not concern this index move it too.
    index.commit(9).unwrap();
    drop(index);
    let index = open();
    assert_eq!(
        (index.watermark().unwrap(), index.count(None).unwrap()),
        (9, 1)
    );
    index.commit(i64::MAX as u64).unwrap();
    assert_eq!(index.watermark().unwrap(), i64::MAX as u64);
}

fn a_document_is_described_again(open: Open) {
    let index = open();
    let before = document(
        "a",
        "one",
        &[(1, "Methods"), (2, "Results"), (3, "Methods")],
    );
    index.put(&before, vec![axis(0), axis(1), axis(2)]).unwrap();
    index
        .put(&document("b", "one", &[(9, "Methods")]), vec![axis(3)])
        .unwrap();
    index.commit(1).unwrap();
    index.optimize().unwrap();
    let mut after = document(
        "a",
        "two",
        &[(1, "Methods"), (2, "Discussion"), (3, "Methods")],
    );
    after.title = "Another title".into();
    assert!(index.holds(&after).unwrap(), "the vectors stay the same");
    index.describe(&after).unwrap();
    index.commit(2).unwrap();
    drop(index);
    let index = open();
    assert_eq!(index.count(None).unwrap(), 4);
    let in_two = index.search(&axis(1), 9, &in_collection("two")).unwrap();
    assert_eq!((in_two[0].0, in_two.len()), (2, 3));
    assert_eq!(
        ids(&index.search(&axis(1), 9, &in_collection("one")).unwrap()),
        [9]
    );
    let of_kind = |kind: &str| {
        let filter = Filter {
            section_kinds: BTreeSet::from([SectionKind::of(kind)]),
            ..Filter::default()
        };
        let mut found = ids(&index.search(&axis(1), 9, &filter).unwrap());
        found.sort_unstable();
        found
    };
    assert!(of_kind("Results").is_empty());
    assert_eq!(of_kind("Methods"), [1, 3, 9]);
    assert_eq!(of_kind("Discussion"), [2]);
    let vectors = index.vectors(&[2, 77, 1, 2]).unwrap();
    assert!(vectors[1].is_none());
    for (at, place) in [(0, 1), (2, 0), (3, 1)] {
        let vector = vectors[at].as_ref().unwrap();
        let product: f32 = vector.iter().zip(axis(place)).map(|(x, y)| x * y).sum();
        assert!((product - 1.0).abs() < 1e-4);
    }
    assert!(index.vectors(&[]).unwrap().is_empty());
}

/// Documents of ten chunks with their vectors, in five collections and with sections of all kinds.
pub(crate) fn library(
    documents: usize,
    noise: &mut Noise,
) -> Vec<(IndexedDocument, Vec<Vec<f32>>)> {
    const SECTIONS: [&str; 5] = [
        "Introduction",
        "Methods",
        "Results",
        "Discussion",
        "References",
    ];
    let centres: Vec<Vec<f32>> = (0..documents.div_ceil(8)).map(|_| noise.vector()).collect();
    (0..documents)
        .map(|number| {
            let first = number as u64 * 10 + 1;
            let chunks: Vec<(u64, &str)> = (0..10)
                .map(|at| (first + at, SECTIONS[noise.below(SECTIONS.len())]))
                .collect();
            // One collection is a twentieth of the library.
            let collection = match noise.below(20) {
                0 => "rare",
                at => ["c1", "c2", "c3", "c4"][at % 4],
            };
            let centre = &centres[noise.below(centres.len())];
            let vectors = chunks.iter().map(|_| noise.near(centre)).collect();
            (
                document(&format!("doc-{number}"), collection, &chunks),
                vectors,
            )
        })
        .collect()
}

/// Share of the true nearest that `search` finds, over queries near the library's vectors.
pub(crate) fn recall(
    library: &[(IndexedDocument, Vec<Vec<f32>>)],
    filter: &Filter,
    noise: &mut Noise,
    search: Search<'_>,
) -> f64 {
    let fits = |document: &IndexedDocument, chunk: &IndexedChunk| {
        filter
            .collection
            .as_ref()
            .is_none_or(|name| *name == document.collection)
            && filter
                .documents
                .as_ref()
                .is_none_or(|ids| ids.contains(&document.document_id))
            && (filter.section_kinds.is_empty() || filter.section_kinds.contains(&chunk.kind()))
    };
    let held: HashMap<u64, &Vec<f32>> = library
        .iter()
        .flat_map(|(document, vectors)| {
            let pairs = document.chunks.iter().zip(vectors);
            pairs
                .filter(|(chunk, _)| fits(document, chunk))
                .map(|(chunk, vector)| (chunk.id, vector))
        })
        .collect();
    let (mut wanted, mut hits) = (0, 0);
    for _ in 0..40 {
        let (_, vectors) = &library[noise.below(library.len())];
        let query = noise.near(&vectors[0]);
        let cosine =
            |vector: &Vec<f32>| -> f32 { vector.iter().zip(&query).map(|(x, y)| x * y).sum() };
        let mut truth: Vec<(u64, f32)> = held
            .iter()
            .map(|(id, vector)| (*id, cosine(vector)))
            .collect();
        truth.sort_by(|left, right| right.1.total_cmp(&left.1));
        truth.truncate(10);
        let found = search(&query, 10);
        assert_eq!(found.len(), truth.len(), "{filter:?}");
        for (id, score) in &found {
            let vector = held
                .get(id)
                .unwrap_or_else(|| panic!("{id} does not fit {filter:?}"));
            assert!(
                (cosine(vector) - score).abs() < 1e-3,
                "{score} is no cosine"
            );
        }
        wanted += truth.len();
        hits += truth
            .iter()
            .filter(|(id, _)| found.iter().any(|(other, _)| other == id))
            .count();
    }
    hits as f64 / wanted.max(1) as f64
}

pub(crate) fn filters() -> Vec<Filter> {
    let many = (0..5000)
        .map(|number| format!("doc-{}", number * 3))
        .collect();
    vec![
        Filter::default(),
        in_collection("c1"),
        in_collection("rare"),
        in_collection("none such"),
        of_documents(&["doc-3", "doc-17", "no such document"]),
        Filter {
            documents: Some(many),
            ..Filter::default()
        },
        Filter {
            collection: Some("c2".into()),
            section_kinds: BTreeSet::from([SectionKind::of("Methods"), SectionKind::of("Results")]),
            ..Filter::default()
        },
    ]
}

fn filters_agree_with_comparing_all(open: Open) {
    let mut noise = Noise(0x5eed);
    let library = library(200, &mut noise);
    let index = open();
    for (number, (document, vectors)) in library.iter().enumerate() {
        index.put(document, vectors.clone()).unwrap();
        if number % 50 == 0 {
            index.commit(number as u64).unwrap();
        }
    }
    index.commit(1000).unwrap();
    index.optimize().unwrap();
    for filter in filters() {
        let search = |query: &[f32], limit| index.search(query, limit, &filter).unwrap();
        let recall = recall(&library, &filter, &mut noise, &search);
        let nothing = filter.collection.as_deref() == Some("none such");
        assert!(nothing || recall >= 0.98, "{recall} of {filter:?}");
    }
    assert!(
        index
            .search(&noise.vector(), 5, &of_documents(&[]))
            .unwrap()
            .is_empty()
    );
}

fn odd_input_is_answered(open: Open) {
    let index = open();
    let names = [
        "",
        "a'b\"c",
        "ü/\\:*?",
        "\u{1F600}\u{0}",
        "x".repeat(5000).leak(),
    ];
    for (number, name) in names.into_iter().enumerate() {
        let chunk = number as u64 + 1;
        index
            .put(&document(name, name, &[(chunk, name)]), vec![axis(number)])
            .unwrap();
    }
    index.commit(1).unwrap();
    for (number, name) in names.into_iter().enumerate() {
        let chunk = number as u64 + 1;
        assert_eq!(index.count(Some(name)).unwrap(), 1, "{name:?}");
        let found = index.search(&axis(9), 5, &in_collection(name)).unwrap();
        assert_eq!(ids(&found), [chunk], "{name:?}");
        let found = index.search(&axis(9), 5, &of_documents(&[name])).unwrap();
        assert_eq!(ids(&found), [chunk], "{name:?}");
    }
    assert!(index.search(&[1.0, 0.0], 5, &Filter::default()).is_err());
    assert!(
        index
            .search(&axis(0), 0, &Filter::default())
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        index
            .search(&axis(0), 100_000, &Filter::default())
            .unwrap()
            .len(),
        5
    );
    assert_eq!(
        index
            .search(&[0.0; DIMENSION], 9, &Filter::default())
            .unwrap()
            .len(),
        5
    );
    // Refused without harm.
    let two = document("two", "one", &[(90, ""), (91, "")]);
    assert!(index.put(&two, vec![axis(0)]).is_err());
    assert!(index.put(&two, vec![axis(0), vec![1.0; 3]]).is_err());
    assert_eq!(index.count(None).unwrap(), 5);
}

fn an_empty_index_answers(open: Open) {
    let index = open();
    assert_eq!(index.count(None).unwrap(), 0);
    assert!(
        index
            .search(&axis(0), 5, &Filter::default())
            .unwrap()
            .is_empty()
    );
    assert!(
        index
            .search(&axis(0), 5, &in_collection("one"))
            .unwrap()
            .is_empty()
    );
    assert_eq!(index.vectors(&[1]).unwrap(), [None]);
    index.remove("none").unwrap();
    index.describe(&document("none", "one", &[])).unwrap();
    assert!(index.holds(&document("none", "one", &[])).unwrap());
    assert!(!index.holds(&document("none", "one", &[(1, "")])).unwrap());
    index.optimize().unwrap();
    index.commit(1).unwrap();
    drop(index);
    assert_eq!(open().watermark().unwrap(), 1);
}
