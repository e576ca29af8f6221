//! Questions whose answers are known: JSON lines of questions on papers, or JSON in the shape of
//! SQuAD 2.0 (Rajpurkar et al., "Know What You Don't Know", 2018).
//!
//! A JSON line has `question`, and `kind`. A question that papers answer has `answer`, its other
//! wordings in `aliases`, the `file` that answers it, a verbatim `quote` of it and the pages that
//! are right, `pages_ok`; a question on several papers has a list of each. Kind `unanswerable` is a
//! question that no paper of the library answers, `adversarial` one whose paper is there and does
//! not say.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Fault, Problem};

/// Kinds that a JSON line may name.
const KINDS: [&str; 12] = [
    "number",
    "why",
    "method",
    "comparison",
    "definition",
    "factoid",
    "list",
    "yes_no",
    "multi",
    "other",
    "unanswerable",
    "adversarial",
];

/// Whether a library answers a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    /// It does.
    Answerable,
    /// No document of it does.
    Absent,
    /// The document that one would look in is there and does not say.
    Adversarial,
}

/// Where the answer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gold {
    /// File name of the document, as the library has it.
    pub file: String,
    /// What it says.
    pub quote: String,
    /// Pages that say it; any page where empty.
    pub pages: Vec<u32>,
}

/// A question with all that is known of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id in the file, or its line.
    pub id: String,
    /// What is asked.
    pub question: String,
    /// What kind of question it is.
    pub kind: String,
    /// Whether the library answers it.
    pub set: Set,
    /// Right answers, each in other words; empty where there is none.
    pub references: Vec<String>,
    /// Where the answer stands, a place a paper.
    pub gold: Vec<Gold>,
    /// Line of the file, from 1; 0 where it has no lines.
    pub line: usize,
    /// Only these documents are asked; all where empty.
    #[serde(default)]
    pub documents: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Option<Value>,
    question: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    file: Option<OneOrMore<String>>,
    #[serde(default)]
    page: Option<OneOrMore<u32>>,
    #[serde(default)]
    quote: Option<OneOrMore<String>>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    pages_ok: Vec<OneOrMore<u32>>,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn list(self) -> Vec<T> {
        match self {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

/// Reads JSON lines.
///
/// # Errors
/// A problem `questions_invalid` that names the line and what is wrong with it.
pub fn read_lines(path: &Path) -> Result<Vec<Question>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut questions = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = at + 1;
        let question = serde_json::from_str::<Line>(line)
            .map_err(|error| error.to_string())
            .and_then(|line| line.question(number));
        match question {
            Ok(question) => questions.push(question),
            Err(why) => return Err(invalid(path, number, &why).into()),
        }
    }
    if questions.is_empty() {
        return Err(invalid(path, 1, "there is no question in it").into());
    }
    Ok(questions)
}

/// True where a file is one JSON object with `data`, as SQuAD's are, rather than JSON lines.
pub fn is_squad(path: &Path) -> bool {
    std::fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .is_some_and(|value| value.get("data").is_some_and(Value::is_array))
}

fn invalid(path: &Path, line: usize, why: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "questions_invalid",
        format!("{}, line {line}: {why}", path.display()),
        "give a JSON object a line with \"question\", \"kind\", \"answer\", \"aliases\", \"file\", \
         \"quote\" and \"pages_ok\"; docs/evaluation.md has an example",
    )
}

impl Line {
    fn question(self, line: usize) -> Result<Question, String> {
        let kind = self.kind.unwrap_or_else(|| "other".to_owned());
        if !KINDS.contains(&kind.as_str()) {
            return Err(format!(
                "the kind {kind:?} is not known; known are {}",
                KINDS.join(", ")
            ));
        }
        if self.question.trim().is_empty() {
            return Err("the question is empty".to_owned());
        }
        let set = match kind.as_str() {
            "unanswerable" => Set::Absent,
            "adversarial" => Set::Adversarial,
            _ => Set::Answerable,
        };
        let references: Vec<String> = self
            .answer
            .into_iter()
            .chain(self.aliases)
            .filter(|reference| !reference.trim().is_empty())
            .collect();
        let gold = match set {
            Set::Answerable if references.is_empty() => {
                return Err(format!(
                    "a question of kind {kind:?} needs an answer; give kind \"unanswerable\" where there is none"
                ));
            }
            Set::Answerable => places(self.file, self.quote, self.pages_ok, self.page)?,
            _ => Vec::new(),
        };
        Ok(Question {
            id: match self.id {
                Some(Value::String(id)) => id,
                Some(id @ Value::Number(_)) => id.to_string(),
                _ => format!("line {line}"),
            },
            question: self.question,
            kind,
            set,
            references: match set {
                Set::Answerable => references,
                _ => Vec::new(),
            },
            gold,
            line,
            documents: Vec::new(),
        })
    }
}

/// File, quote and pages of each paper. `pages_ok` is a list of pages, or a list for each file.
fn places(
    files: Option<OneOrMore<String>>,
    quotes: Option<OneOrMore<String>>,
    pages_ok: Vec<OneOrMore<u32>>,
    page: Option<OneOrMore<u32>>,
) -> Result<Vec<Gold>, String> {
    let files = files.map(OneOrMore::list).unwrap_or_default();
    let quotes = quotes.map(OneOrMore::list).unwrap_or_default();
    let given = page.map(OneOrMore::list).unwrap_or_default();
    if !quotes.is_empty() && quotes.len() != files.len() {
        return Err(format!(
            "there are {} files and {} quotes",
            files.len(),
            quotes.len()
        ));
    }
    let are_lists = pages_ok
        .iter()
        .any(|pages| matches!(pages, OneOrMore::More(_)));
    let pages: Vec<Vec<u32>> = if are_lists {
        pages_ok.into_iter().map(OneOrMore::list).collect()
    } else if pages_ok.is_empty() {
        given.into_iter().map(|page| vec![page]).collect()
    } else {
        vec![pages_ok.into_iter().flat_map(OneOrMore::list).collect()]
    };
    if !pages.is_empty() && pages.len() != files.len() {
        return Err(format!(
            "there are {} files and pages for {}",
            files.len(),
            pages.len()
        ));
    }
    if pages.iter().flatten().any(|page| *page == 0) {
        return Err("pages are counted from 1".to_owned());
    }
    Ok(files
        .into_iter()
        .enumerate()
        .map(|(at, file)| Gold {
            file,
            quote: quotes.get(at).cloned().unwrap_or_default(),
            pages: pages.get(at).cloned().unwrap_or_default(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Question>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_lines(file.path())
    }

    #[test]
    fn all_kinds_are_read() {
        let questions = read(concat!(
            r#"{"id":"A1","question":"How long?","file":"a.pdf","page":3,"quote":"35ms","answer":"35 ms","aliases":["35ms"],"kind":"number","pages_ok":[3,4]}"#,
            "\n\n",
            r#"{"question":"How do they differ?","file":["a.pdf","b.pdf"],"page":[5,10],"quote":["x","y"],"answer":"x and y","aliases":[],"kind":"multi","pages_ok":[[5],[10,11]]}"#,
            "\n",
            r#"{"question":"Never said?","file":null,"page":null,"quote":null,"answer":null,"aliases":[],"kind":"unanswerable","pages_ok":[]}"#,
            "\n",
            r#"{"question":"Bare?","answer":"yes","file":"a.pdf"}"#,
        ))
        .unwrap();
        assert_eq!(questions.len(), 4);
        assert_eq!(questions[0].references, ["35 ms", "35ms"]);
        assert_eq!(questions[0].gold[0].pages, [3, 4]);
        assert_eq!(questions[1].gold[1].pages, [10, 11]);
        assert_eq!(questions[1].gold[1].quote, "y");
        assert_eq!((questions[1].line, questions[1].id.as_str()), (3, "line 3"));
        assert_eq!(
            (questions[2].set, questions[2].gold.len()),
            (Set::Absent, 0)
        );
        assert_eq!(questions[3].kind, "other");
        assert!(questions[3].gold[0].pages.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let good = r#"{"question":"q?","answer":"a","file":"a.pdf"}"#;
        for (line, why) in [
            ("{", "line 2"),
            (r#"{"kind":"number"}"#, "missing field `question`"),
            (
                r#"{"question":"q?","kind":"riddle","answer":"a"}"#,
                "\"riddle\" is not known",
            ),
            (r#"{"question":"q?","kind":"number"}"#, "needs an answer"),
            (r#"{"question":" ","answer":"a"}"#, "is empty"),
            (
                r#"{"question":"q?","answer":"a","file":["a","b"],"quote":"x"}"#,
                "2 files and 1 quotes",
            ),
            (
                r#"{"question":"q?","answer":"a","file":["a","b"],"pages_ok":[1]}"#,
                "pages for 1",
            ),
            (
                r#"{"question":"q?","answer":"a","file":"a","pages_ok":[0]}"#,
                "from 1",
            ),
        ] {
            let error = read(&format!("{good}\n{line}\n")).unwrap_err();
            let message = format!("{error:#}");
            assert!(
                message.contains("line 2") && message.contains(why),
                "{message}"
            );
            assert_eq!(Problem::from_error(&error).code, "questions_invalid");
        }
        assert!(format!("{:#}", read("\n").unwrap_err()).contains("no question"));
    }
}
