//! Questions from files: SQuAD's shape, PubMedQA's, JSON lines with their contexts, or JSON lines of
//! questions on papers that the library has.
//!
//! A context is a document of its own, named by its content, so that the same text in two files is on
//! one side. What has no context is asked of the library.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use finetune::data::Source;
use retrieval::{Passage, Scores};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::build::Candidate;
use crate::error::{Fault, Problem};
use crate::eval::answers::contexts::sentences_of;
use crate::eval::answers::questions;
use crate::eval::answers::squad::Squad;

/// Documents of imports are named so; no document of a library is.
pub(crate) const PREFIX: &str = "import:";

/// What files hold.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// Paragraphs by the document that they are of.
    pub(super) contexts: BTreeMap<String, Vec<Passage>>,
    /// Questions on those: `document` is one of them.
    pub(super) candidates: Vec<Candidate>,
    /// Questions on papers: `document` is a file name.
    pub(super) on_papers: Vec<Candidate>,
}

/// An abstract in PubMedQA's shape (Jin et al., 2019, <https://arxiv.org/abs/1909.06146>): the
/// question is its title, the long answer its conclusion.
#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Abstract {
    question: String,
    contexts: Vec<String>,
    long_answer: String,
}

#[derive(Deserialize)]
struct Line {
    question: String,
    #[serde(default)]
    answer: Option<String>,
    context: String,
    #[serde(default)]
    title: Option<String>,
}

/// Reads files, all or none.
///
/// # Errors
/// A problem `questions_invalid` that names the file and, where it has any, the line.
pub(super) fn read(paths: &[impl AsRef<Path>]) -> Result<Imported> {
    let mut imported = Imported::default();
    for path in paths {
        imported.add(path.as_ref())?;
    }
    Ok(imported)
}

impl Imported {
    fn add(&mut self, path: &Path) -> Result<()> {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        if questions::is_squad(path) {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading {}", path.display()))?;
            let squad: Squad =
                serde_json::from_str(&text).map_err(|error| invalid(path, &error.to_string()))?;
            self.add_squad(&name, squad);
            return Ok(());
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        if let Ok(abstracts) = serde_json::from_str::<BTreeMap<String, Abstract>>(&text) {
            self.add_abstracts(&name, abstracts);
            return Ok(());
        }
        let first = text.lines().find(|line| !line.trim().is_empty());
        let has_context = first
            .and_then(|line| serde_json::from_str::<Value>(line).ok())
            .is_some_and(|line| line.get("context").is_some());
        if has_context {
            return self.add_lines(path, &name, &text);
        }
        for question in questions::read_lines(path)? {
            let Some(gold) = question.gold.first() else {
                // Of the whole library: what no paper answers has no document to be on a side with.
                continue;
            };
            let answer = question.references.first().unwrap_or(&gold.quote);
            self.on_papers.push(Candidate {
                id: format!("{name} {}", question.id),
                source: Source::Imported,
                question: question.question,
                answer: answer.clone(),
                sentence: gold.quote.clone(),
                document: gold.file.clone(),
            });
        }
        Ok(())
    }

    fn add_squad(&mut self, name: &str, squad: Squad) {
        for (number, article) in squad.data.into_iter().enumerate() {
            let title = article.title();
            let texts: Vec<&str> = article
                .paragraphs
                .iter()
                .map(|paragraph| paragraph.context.as_str())
                .collect();
            let document = self.add_contexts(name, &title, &texts);
            for (at, paragraph) in article.paragraphs.iter().enumerate() {
                for (place, asked) in paragraph.qas.iter().enumerate() {
                    let id = asked.id(|| format!("{}.{}.{}", number + 1, at + 1, place + 1));
                    let given = asked.answers.first().filter(|_| !asked.is_impossible);
                    self.candidates.push(Candidate {
                        id: format!("{name} {id}"),
                        source: Source::Imported,
                        question: asked.question.clone(),
                        answer: given.map(|given| given.text.clone()).unwrap_or_default(),
                        sentence: given
                            .and_then(|given| {
                                sentences_of(&paragraph.context, &given.text, given.answer_start)
                            })
                            .unwrap_or_default(),
                        document: document.clone(),
                    });
                }
            }
        }
    }

    /// The conclusion is one of the paragraphs, as in the paper, and its first sentence the answer.
    fn add_abstracts(&mut self, name: &str, abstracts: BTreeMap<String, Abstract>) {
        for (id, one) in abstracts {
            let texts: Vec<&str> = (one.contexts.iter().map(String::as_str))
                .chain([one.long_answer.as_str()])
                .collect();
            let first = ingest::sentence::split(&one.long_answer).into_iter().next();
            let answer = first.map_or("", |range| &one.long_answer[range]).trim();
            if answer.is_empty() || one.question.trim().is_empty() {
                continue;
            }
            let document = self.add_contexts(name, "", &texts);
            self.candidates.push(Candidate {
                id: format!("{name} {id}"),
                source: Source::Imported,
                question: one.question,
                answer: answer.to_owned(),
                sentence: answer.to_owned(),
                document,
            });
        }
    }

    fn add_lines(&mut self, path: &Path, name: &str, text: &str) -> Result<()> {
        for (index, content) in text.lines().enumerate() {
            if content.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(content)
                .map_err(|error| invalid(path, &format!("line {}: {error}", index + 1)))?;
            if line.context.trim().is_empty() || line.question.trim().is_empty() {
                let why = format!("line {} has no question or no context", index + 1);
                return Err(invalid(path, &why).into());
            }
            let title = line.title.unwrap_or_default();
            let document = self.add_contexts(name, &title, &[&line.context]);
            let answer = line.answer.unwrap_or_default();
            self.candidates.push(Candidate {
                id: format!("{name} {}", index + 1),
                source: Source::Imported,
                question: line.question,
                sentence: sentences_of(&line.context, &answer, None).unwrap_or_default(),
                answer,
                document,
            });
        }
        Ok(())
    }

    /// Keeps the paragraphs of a document, once; returns what it is named.
    fn add_contexts(&mut self, file: &str, title: &str, texts: &[&str]) -> String {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update(text.trim());
            hash.update([0]);
        }
        let document = format!("{PREFIX}{:x}", hash.finalize());
        let title = if title.is_empty() { file } else { title };
        self.contexts.entry(document.clone()).or_insert_with(|| {
            (1..)
                .zip(texts)
                .map(|(rank, text)| passage(rank, &document, file, title, text.trim()))
                .collect()
        });
        document
    }
}

fn passage(rank: usize, document: &str, file: &str, title: &str, text: &str) -> Passage {
    Passage {
        rank,
        chunk_id: rank as u64,
        document_id: document.to_owned(),
        file: file.to_owned(),
        title: title.to_owned(),
        authors: Vec::new(),
        year: None,
        page: 1,
        pages: [1, 1],
        section: None,
        text: text.to_owned(),
        score: 0.0,
        scores: Scores::default(),
        rects: Vec::new(),
        lines: Vec::new(),
    }
}

fn invalid(path: &Path, why: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "questions_invalid",
        format!(
            "{} holds no questions that can be read: {why}",
            path.display()
        ),
        "give SQuAD's or PubMedQA's JSON, or a JSON object a line with `question`, `answer` and `context`, or with \
         `question`, `answer`, `file` and `quote` for papers of the library; docs/datasets.md shows each",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Imported> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(&[file.path()])
    }

    #[test]
    fn each_shape_gives_questions_with_where_their_answers_stand() {
        let squad = r#"{"data":[{"title":"Steam_engine","paragraphs":[{"context":"It runs on steam. It was built in 1712 by Newcomen.","qas":[
            {"id":"a","question":"When was it built?","answers":[{"text":"1712","answer_start":33}],"is_impossible":false},
            {"id":"b","question":"When was it scrapped?","answers":[],"is_impossible":true}]}]}]}"#;
        let found = read_text(squad).unwrap();
        let [built, scrapped] = &found.candidates[..] else {
            panic!("{found:?}")
        };
        assert_eq!(built.answer, "1712");
        assert_eq!(built.sentence, "It was built in 1712 by Newcomen.");
        assert!(scrapped.answer.is_empty() && scrapped.sentence.is_empty());
        assert_eq!(found.contexts[&built.document][0].title, "Steam engine");

        let pubmed = r#"{"12":{"QUESTION":"Does it help?","CONTEXTS":["We asked 20 people.","All were better."],"LONG_ANSWER":"It helps. More is not known.","final_decision":"yes"}}"#;
        let found = read_text(pubmed).unwrap();
        assert_eq!(found.candidates[0].sentence, "It helps.");
        let paragraphs = &found.contexts[&found.candidates[0].document];
        assert_eq!(paragraphs.len(), 3);

        let lines = "{\"question\":\"Who?\",\"answer\":\"Ada\",\"context\":\"Ada did it. Bob slept.\"}\n\n\
                     {\"question\":\"Where?\",\"answer\":null,\"context\":\"Ada did it. Bob slept.\"}\n";
        let found = read_text(lines).unwrap();
        assert_eq!(found.contexts.len(), 1, "one context, given twice");
        assert_eq!(found.candidates[0].sentence, "Ada did it.");
        assert!(found.candidates[1].answer.is_empty());
    }

    #[test]
    fn other_shapes_are_refused_with_their_line() {
        for (text, wanted) in [
            (
                "{\"question\":\"q\",\"context\":\"c\"}\n{\"question\":1,\"context\":\"c\"}",
                "line 2",
            ),
            ("{\"question\":\"q\",\"context\":\" \"}", "line 1"),
            ("{\"data\":[{}]}", "paragraphs"),
            ("", ""),
            ("[]", ""),
        ] {
            let error = read_text(text).unwrap_err();
            let problem = Problem::from_error(&error);
            assert_eq!(problem.code, "questions_invalid", "{text}");
            assert!(problem.message.contains(wanted), "{}", problem.message);
        }
    }
}
