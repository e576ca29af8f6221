//! The index of token vectors on disk: what is put is scored, what is removed is gone from the
//! files, a kill leaves the last commit, damage is an error and never a wrong result.

use std::path::Path;

use proptest::prelude::*;
use retrieval::embed::{Embedded, Embedder, TextToken, TokenVectors, VectorSpace};
use retrieval::tokens::TokenIndex;
use retrieval::{Error, IndexedChunk, IndexedDocument, Result};

/// A word's vector is drawn at random from its letters; a text's is their mean.
struct Words(VectorSpace);

const DIMENSION: usize = 300;

impl Words {
    fn new() -> Self {
        Self(VectorSpace {
            id: "words".into(),
            revision: "1".into(),
            dimension: DIMENSION,
        })
    }

    fn vector(word: &str) -> Vec<f32> {
        let mut state = word.bytes().fold(0x9e37_79b9_7f4a_7c15u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (0..DIMENSION)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // All lean one way, as a model's do.
                (state >> 40) as f32 / (1 << 24) as f32 - 0.3
            })
            .collect()
    }
}

impl Embedder for Words {
    fn space(&self) -> &VectorSpace {
        &self.0
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn max_tokens(&self) -> usize {
        512
    }

    fn whole_words(&self) -> Vec<String> {
        (0..2000).map(|number| format!("word{number}")).collect()
    }

    fn encode_documents(&self, texts: &[&str]) -> Result<Vec<Embedded>> {
        texts.iter().map(|text| self.encode_query(text)).collect()
    }

    fn encode_query(&self, text: &str) -> Result<Embedded> {
        let mut tokens = TokenVectors {
            dimension: DIMENSION,
            ..TokenVectors::default()
        };
        for word in text.split_whitespace() {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            tokens.tokens.push(TextToken {
                id: 0,
                start,
                end: start + word.len(),
            });
            tokens.vectors.extend(Self::vector(word));
        }
        Ok(Embedded {
            vector: Self::vector(text),
            tokens,
        })
    }
}

fn document(id: &str, chunks: &[(u64, &str)]) -> IndexedDocument {
    IndexedDocument {
        document_id: id.into(),
        collection: "c".into(),
        title: String::new(),
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

fn put(index: &TokenIndex, document: &IndexedDocument) {
    let words = Words::new();
    let texts = document.embedded_texts();
    let texts: Vec<&str> = texts.iter().map(|text| text.as_ref()).collect();
    let records = texts
        .iter()
        .zip(words.encode_documents(&texts).unwrap())
        .map(|(text, embedded)| index.encode(text, &embedded.tokens, &words).unwrap())
        .collect();
    index.put(document, records).unwrap();
}

fn scores(index: &TokenIndex, question: &str, ids: &[u64]) -> Vec<Option<f32>> {
    let asked = Words::new().encode_query(question).unwrap();
    index
        .maxsim(
            question,
            &asked.tokens,
            |words| Ok(vec![1.0; words.len()]),
            ids,
        )
        .unwrap()
}

fn open(folder: &Path) -> Result<TokenIndex> {
    TokenIndex::open(folder, Words::new().space())
}

fn files_hold(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|file| {
        let bytes = std::fs::read(file.path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn words_are_found_again_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).unwrap();
    put(
        &index,
        &document(
            "a",
            &[
                (1, "zebra crossing"),
                (2, "quick brown fox"),
                (3, "the of and"),
            ],
        ),
    );
    index.commit(4).unwrap();
    let found = scores(&index, "brown fox", &[1, 2, 3, 99]);
    assert!(found[1].unwrap() > 0.7, "{found:?}");
    assert!(found[0].unwrap() < 0.4, "{found:?}");
    // Stop words only, and a chunk that is not there.
    assert_eq!((found[2], found[3]), (None, None));
    assert_eq!(scores(&index, "the", &[1]), [None]);

    drop(index);
    let index = open(folder.path()).unwrap();
    assert_eq!(
        (index.watermark().unwrap(), index.count(None).unwrap()),
        (4, 3)
    );
    assert_eq!(scores(&index, "brown fox", &[1, 2, 3, 99]), found);
}

#[test]
fn what_is_removed_or_replaced_is_gone_from_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).unwrap();
    put(&index, &document("a", &[(1, "zebra")]));
    put(&index, &document("b", &[(2, "giraffe")]));
    index.commit(2).unwrap();
    let home = TokenIndex::folder_for(folder.path(), Words::new().space());
    let segment = std::fs::read(home.join("segment-1.bin")).unwrap();
    let secret = &segment[2..34];
    assert!(files_hold(&home, secret));

    index.remove("a").unwrap();
    assert!(!files_hold(&home, secret));
    put(&index, &document("b", &[(3, "lion")]));
    index.commit(3).unwrap();
    assert_eq!(index.count(Some("a")).unwrap(), 0);
    assert!(index.holds(&document("b", &[(3, "lion")])).unwrap());
    assert!(!index.holds(&document("b", &[(2, "giraffe")])).unwrap());
    assert_eq!(scores(&index, "giraffe", &[1, 2]), [None, None]);
    assert!(scores(&index, "lion", &[3])[0].unwrap() > 0.7);
}

#[test]
fn what_was_not_committed_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    {
        let index = open(folder.path()).unwrap();
        put(&index, &document("a", &[(1, "zebra")]));
        index.commit(1).unwrap();
        put(&index, &document("b", &[(2, "giraffe")]));
    }
    let index = open(folder.path()).unwrap();
    assert_eq!(
        (index.watermark().unwrap(), index.count(None).unwrap()),
        (1, 1)
    );
    // The change is applied again.
    put(&index, &document("b", &[(2, "giraffe")]));
    index.commit(2).unwrap();
    assert!(scores(&index, "giraffe", &[2])[0].unwrap() > 0.7);
}

#[test]
fn space_of_removed_documents_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path()).unwrap();
    let text: String = (0..127).map(|number| format!("word{number} ")).collect();
    for id in 0..600u64 {
        put(&index, &document(&id.to_string(), &[(id, &text)]));
    }
    index.commit(1).unwrap();
    for id in (0..600u64).filter(|id| id % 2 == 0) {
        index.remove(&id.to_string()).unwrap();
    }
    index.commit(2).unwrap();
    let home = TokenIndex::folder_for(folder.path(), Words::new().space());
    let size = || -> u64 {
        std::fs::read_dir(&home)
            .unwrap()
            .flatten()
            .map(|file| file.metadata().unwrap().len())
            .sum()
    };
    let before = size();
    assert!(index.optimize().unwrap());
    assert!(!index.optimize().unwrap());
    assert!(size() < before * 6 / 10, "{} of {before}", size());
    drop(index);
    let index = open(folder.path()).unwrap();
    assert_eq!(
        (index.watermark().unwrap(), index.count(None).unwrap()),
        (2, 300)
    );
    let found = scores(&index, "word7", &[6, 7]);
    assert!(found[0].is_none() && found[1].unwrap() > 0.7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn damage_is_an_error_or_harmless(which in 0usize..5, at in 0.0f64..1.0, how in 0u8..3) {
        let folder = tempfile::tempdir().unwrap();
        {
            let index = open(folder.path()).unwrap();
            put(&index, &document("a", &[(1, "zebra crossing"), (2, "quick brown fox")]));
            put(&index, &document("b", &[(3, "giraffe")]));
            index.remove("a").unwrap();
            put(&index, &document("c", &[(4, "lion")]));
            index.commit(9).unwrap();
        }
        let home = TokenIndex::folder_for(folder.path(), Words::new().space());
        let mut files: Vec<_> = std::fs::read_dir(&home).unwrap().flatten().map(|f| f.path()).collect();
        files.sort();
        let file = &files[which % files.len()];
        let mut bytes = std::fs::read(file).unwrap();
        let place = ((bytes.len() - 1) as f64 * at) as usize;
        match how {
            0 => bytes.truncate(place),
            1 => bytes[place] ^= 0x55,
            _ => bytes.clear(),
        }
        std::fs::write(file, bytes).unwrap();
        match open(folder.path()) {
            Err(error) => prop_assert!(matches!(error, Error::Tokens(_)), "{error}"),
            Ok(index) => {
                // A record that was hit is missing, the others are as they were.
                let found = scores(&index, "lion giraffe", &[3, 4]);
                prop_assert!(found.iter().flatten().all(|score| *score > 0.3 && *score < 0.8));
                prop_assert_eq!(scores(&index, "zebra", &[1]), [None]);
            }
        }
    }
}
