//! Title, authors and year of papers whose facts are known.

use std::collections::BTreeMap;

use ingest::extract;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What is true of a paper. Two years where the paper and the copy at hand are of different ones.
#[derive(Debug, Deserialize)]
struct Gold {
    name: String,
    title: String,
    authors: Vec<String>,
    years: Vec<i32>,
}

/// Papers are not part of the repository: `LECTERN_TEST_PAPERS` names a folder of them, and those
/// whose SHA-256 is in the gold list are checked.
#[test]
fn titles_authors_and_years_of_known_papers() {
    let Some(folder) = std::env::var_os("LECTERN_TEST_PAPERS") else {
        eprintln!("skipped: LECTERN_TEST_PAPERS names no folder of papers");
        return;
    };
    let gold: BTreeMap<String, Gold> =
        serde_json::from_str(include_str!("gold/papers.json")).expect("the gold list is JSON");
    let (mut known, mut misses) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "pdf") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("the file can be read");
        let digest = Sha256::digest(&bytes);
        let key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let Some(gold) = gold.get(&key) else {
            continue;
        };
        known += 1;
        let metadata = extract::read(bytes, None).expect("readable").metadata;
        let is_right = metadata.title() == Some(gold.title.as_str())
            && metadata.authors() == gold.authors.as_slice()
            && metadata
                .year()
                .is_some_and(|year| gold.years.contains(&year));
        if !is_right {
            misses.push(format!(
                "{}: {:?} {:?} {:?}, not {gold:?}",
                gold.name,
                metadata.title(),
                metadata.authors(),
                metadata.year()
            ));
        }
    }
    for miss in &misses {
        eprintln!("{miss}");
    }
    assert!(
        known - misses.len() >= 20,
        "{known} papers known, {} wrong",
        misses.len()
    );
}
