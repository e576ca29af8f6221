//! Retrieval collections in BEIR's layout (Thakur et al., "BEIR: A Heterogeneous Benchmark for
//! Zero-shot Evaluation of Information Retrieval Models", 2021): `corpus.jsonl` with `_id`, `title`
//! and `text`, `queries.jsonl` with `_id` and `text`, `qrels/SPLIT.tsv` with query, document and
//! grade.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::error::{Fault, Problem};

/// A document of the corpus.
#[derive(Debug, Clone, Deserialize)]
pub struct BeirDocument {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Its title, empty where it has none.
    #[serde(default)]
    pub title: String,
    /// Its text.
    pub text: String,
}

/// A query with what answers it.
#[derive(Debug, Clone)]
pub struct BeirQuery {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// Grade of each judged document; 0 is judged and not relevant.
    pub grades: HashMap<String, u32>,
}

/// A collection with the judgements of one split.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Name of its folder.
    pub name: String,
    /// Which judgements.
    pub split: String,
    /// All documents.
    pub corpus: Vec<BeirDocument>,
    /// The judged queries, by id.
    pub queries: Vec<BeirQuery>,
}

#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id")]
    id: String,
    text: String,
}

impl Collection {
    /// Reads a collection. Without `split`, `test` is taken where it is there, else the only one.
    ///
    /// # Errors
    /// A problem that names the file and line where the layout is not BEIR's.
    pub fn read(folder: &Path, split: Option<&str>) -> Result<Self> {
        let (split, qrels) = judgements(folder, split)?;
        let corpus: Vec<BeirDocument> = lines(&folder.join("corpus.jsonl"))?;
        let texts: HashMap<String, String> = lines::<QueryLine>(&folder.join("queries.jsonl"))?
            .into_iter()
            .map(|query| (query.id, query.text))
            .collect();
        let mut grades: BTreeMap<String, HashMap<String, u32>> = BTreeMap::new();
        let table = std::fs::read_to_string(&qrels)
            .with_context(|| format!("reading {}", qrels.display()))?;
        for (number, line) in table.lines().enumerate() {
            let mut cells = line.split('\t');
            let (Some(query), Some(document), Some(grade)) =
                (cells.next(), cells.next(), cells.next())
            else {
                if line.trim().is_empty() {
                    continue;
                }
                return Err(not_beir(&qrels, number + 1, "three cells with tabs between").into());
            };
            match grade.trim().parse::<i64>() {
                Ok(grade) => {
                    grades
                        .entry(query.to_owned())
                        .or_default()
                        .insert(document.to_owned(), grade.max(0) as u32);
                }
                Err(_) if number == 0 => {}
                Err(_) => return Err(not_beir(&qrels, number + 1, "a grade").into()),
            }
        }
        let queries: Vec<BeirQuery> = grades
            .into_iter()
            .filter(|(_, grades)| grades.values().any(|grade| *grade > 0))
            .filter_map(|(id, grades)| {
                let text = texts.get(&id)?.clone();
                Some(BeirQuery { id, text, grades })
            })
            .collect();
        if corpus.is_empty() || queries.is_empty() {
            return Err(Problem::new(
                Fault::Input,
                "nothing_to_measure",
                format!(
                    "{} has {} documents and {} judged queries",
                    folder.display(),
                    corpus.len(),
                    queries.len()
                ),
                "check that the ids of qrels are those of queries.jsonl",
            )
            .into());
        }
        let name = folder
            .canonicalize()
            .ok()
            .and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_else(|| folder.display().to_string());
        Ok(Self {
            name,
            split,
            corpus,
            queries,
        })
    }
}

fn judgements(folder: &Path, split: Option<&str>) -> Result<(String, PathBuf), Problem> {
    let qrels = folder.join("qrels");
    let mut splits: Vec<String> = std::fs::read_dir(&qrels)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".tsv").map(str::to_owned)
        })
        .collect();
    splits.sort();
    if splits.is_empty() {
        return Err(Problem::new(
            Fault::Input,
            "collection_not_beir",
            format!("{} has no judgements in qrels/SPLIT.tsv", folder.display()),
            "give a folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv",
        ));
    }
    let chosen = match split {
        Some(split) => splits.iter().find(|name| *name == split),
        None => splits
            .iter()
            .find(|name| *name == "test")
            .or_else(|| splits.first().filter(|_| splits.len() == 1)),
    };
    match chosen {
        Some(name) => Ok((name.clone(), qrels.join(format!("{name}.tsv")))),
        None => Err(Problem::new(
            Fault::Usage,
            "split_unknown",
            match split {
                Some(split) => format!("{} has no split {split:?}", folder.display()),
                None => format!("{} has several splits", folder.display()),
            },
            format!("give --split {}", splits.join(" or ")),
        )),
    }
}

fn lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| not_beir(path, number + 1, &error.to_string()).into())
        })
        .collect()
}

fn not_beir(path: &Path, line: usize, wanted: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "collection_not_beir",
        format!("{}, line {line}: {wanted}", path.display()),
        "give a folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(qrels: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "corpus.jsonl",
            "{\"_id\":\"d1\",\"title\":\"T\",\"text\":\"one\"}\n{\"_id\":\"d2\",\"text\":\"two\"}\n",
        );
        write(
            "queries.jsonl",
            "{\"_id\":\"q1\",\"text\":\"which?\"}\n{\"_id\":\"q2\",\"text\":\"none\"}\n",
        );
        std::fs::create_dir(folder.path().join("qrels")).unwrap();
        for (name, text) in qrels {
            std::fs::write(folder.path().join("qrels").join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn judged_queries_are_read_and_others_left_out() {
        let table = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td1\t0\n";
        let folder = collection(&[("train.tsv", table)]);
        let read = Collection::read(folder.path(), None).unwrap();
        assert_eq!((read.split.as_str(), read.corpus.len()), ("train", 2));
        assert_eq!(read.queries.len(), 1);
        assert_eq!(read.queries[0].grades["d1"], 2);
    }

    #[test]
    fn wrong_layouts_and_splits_are_named() {
        let folder = collection(&[("a.tsv", "q1\td1\t1\n"), ("b.tsv", "q1\td1\t1\n")]);
        let message = |result: Result<Collection>| format!("{:#}", result.unwrap_err());
        assert!(message(Collection::read(folder.path(), None)).contains("several splits"));
        assert!(message(Collection::read(folder.path(), Some("c"))).contains("no split"));
        assert!(Collection::read(folder.path(), Some("b")).is_ok());
        let folder = collection(&[("test.tsv", "head\nq1 d1 1\n")]);
        assert!(message(Collection::read(folder.path(), None)).contains("test.tsv, line"));
        let folder = collection(&[]);
        assert!(message(Collection::read(folder.path(), None)).contains("no judgements"));
    }
}
