//! Lists of passages from collections of judged questions: what our own search finds in each, with what
//! the judgements say of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use finetune::reranker::lists::{Candidate, List};
use retrieval::cross_encoder::DEPTH;
use retrieval::embed::Embedder;
use serde::Deserialize;

use crate::error::{Fault, Problem};
use crate::eval::beir::{BeirDocument, BeirQuery, Collection};
use crate::eval::retrieval::Corpus;
use crate::progress::Bar;

/// Hits looked at for [`DEPTH`] passages of as many documents.
const HITS: usize = DEPTH * 3;

/// The lists of a collection, whose indexes are kept in `folder`. Blocking.
///
/// # Errors
/// Where the embedder or an index fails.
pub(super) fn lists(
    collection: &Collection,
    embedder: &Arc<dyn Embedder>,
    max_tokens: usize,
    folder: &Path,
) -> Result<Vec<List>> {
    let corpus = Corpus::index(collection, embedder, max_tokens, folder)?;
    let bar = Bar::items("searching", collection.queries.len() as u64);
    let mut lists = Vec::with_capacity(collection.queries.len());
    for (at, query) in collection.queries.iter().enumerate() {
        let hits = corpus
            .search(&query.text, HITS)
            .with_context(|| format!("query {}", query.id))?;
        let mut missed: HashMap<&str, u32> = query
            .grades
            .iter()
            .filter(|(_, grade)| **grade > 0)
            .map(|(id, grade)| (id.as_str(), *grade))
            .collect();
        let mut passages = Vec::with_capacity(DEPTH);
        let mut seen = HashSet::new();
        for hit in hits {
            let id = collection.corpus[corpus.owner(&hit)].id.as_str();
            // A document's best passage stands for it.
            if passages.len() == DEPTH || id == query.id || !seen.insert(id) {
                continue;
            }
            passages.push(Candidate {
                text: corpus.text(&hit).to_owned(),
                score: hit.score,
                grade: missed.remove(id).unwrap_or(0),
            });
        }
        let mut missed: Vec<u32> = missed.into_values().collect();
        missed.sort_unstable();
        lists.push(List {
            question: query.text.clone(),
            group: format!("{} {}", collection.name, query.id),
            passages,
            missed,
        });
        bar.set(at as u64 + 1);
    }
    bar.finish();
    Ok(lists)
}

#[derive(Deserialize)]
struct Line {
    question: String,
    passage: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    negatives: Vec<String>,
}

/// Reads pairs of question and passage, one JSON object a line, as a collection: the passages of all
/// lines are the corpus, and each question is answered by the passages that are given with it.
///
/// # Errors
/// A problem `pairs_invalid` with the line that is no pair, or where there is none.
pub(super) fn pairs(path: &Path) -> Result<Collection> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut corpus: Vec<BeirDocument> = Vec::new();
    let mut queries: BTreeMap<String, HashMap<String, u32>> = BTreeMap::new();
    for (index, content) in text.lines().enumerate() {
        if content.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(content)
            .map_err(|error| invalid(path, &format!("line {}: {error}", index + 1)))?;
        if line.question.trim().is_empty() || line.passage.trim().is_empty() {
            let why = format!("line {} has no question or no passage", index + 1);
            return Err(invalid(path, &why).into());
        }
        let mut number = |text: &str, title: &str| {
            let next = corpus.len();
            let number = *numbers.entry(text.to_owned()).or_insert(next);
            if number == next {
                corpus.push(BeirDocument {
                    id: format!("passage {}", number + 1),
                    title: title.to_owned(),
                    text: text.to_owned(),
                });
            }
            format!("passage {}", number + 1)
        };
        let answer = number(line.passage.trim(), line.title.trim());
        for negative in line.negatives.iter().filter(|text| !text.trim().is_empty()) {
            number(negative.trim(), "");
        }
        let question = line.question.trim().to_owned();
        queries.entry(question).or_default().insert(answer, 1);
    }
    if queries.is_empty() {
        return Err(invalid(path, "it is empty").into());
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Collection {
        name: name.into_owned(),
        split: "pairs".to_owned(),
        corpus,
        queries: queries
            .into_iter()
            .map(|(text, grades)| BeirQuery {
                id: format!("question {text}"),
                text,
                grades,
            })
            .collect(),
    })
}

fn invalid(path: &Path, why: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "pairs_invalid",
        format!("{} holds no pairs that can be read: {why}", path.display()),
        "give a JSON object a line with `question` and `passage`, and, where wanted, `title` and \
         `negatives`, a list of passages; docs/reranker.md shows it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Collection> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        pairs(file.path())
    }

    #[test]
    fn pairs_are_a_collection() {
        let found = read(
            "{\"question\":\"q1\",\"passage\":\"a\",\"negatives\":[\"b\",\"c\"]}\n\n\
             {\"question\":\"q2\",\"passage\":\"b\",\"title\":\"T\"}\n\
             {\"question\":\"q1\",\"passage\":\"c\"}\n",
        )
        .unwrap();
        assert_eq!(found.corpus.len(), 3);
        assert_eq!(found.queries.len(), 2);
        assert_eq!(found.queries[0].grades.len(), 2);
        assert_eq!(found.queries[1].grades["passage 2"], 1);
    }

    #[test]
    fn other_lines_are_named() {
        for (text, told) in [
            ("", "it is empty"),
            (
                "{\"question\":\"q\",\"passage\":\"p\"}\n\n{\"question\":\"q\"}",
                "line 3",
            ),
            (
                "{\"question\":\" \",\"passage\":\"p\"}",
                "line 1 has no question",
            ),
            ("[1]", "line 1"),
        ] {
            let problem = Problem::from_error(&read(text).unwrap_err());
            assert_eq!(problem.code, "pairs_invalid");
            assert!(problem.message.contains(told), "{problem}");
        }
    }
}
