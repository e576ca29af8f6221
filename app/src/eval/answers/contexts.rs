//! Question sets that bring their documents along, in the shape of SQuAD 2.0: each article becomes
//! a document of a library made for the occasion. Of halves, each question is asked twice: of the
//! half that has its article, and of the other, where nothing can answer it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::questions::{Gold, Question, Set};
use super::squad::{Article, Given, Squad};
use crate::error::{Fault, Problem};

/// Words of an answer that its sentence is looked for with; longer ones are found by their start.
const LONGEST_NEEDLE: usize = 200;

/// Documents to ingest, and the questions to ask of the library that they make.
#[derive(Debug, Default)]
pub struct Shelf {
    /// File names and texts.
    pub documents: Vec<(String, String)>,
    /// What to ask of them.
    pub questions: Vec<Question>,
}

/// Reads a question set into one shelf or, for `halves`, into two that hold every other article.
///
/// # Errors
/// A problem `contexts_invalid` where the file is of another shape, or has too few articles for
/// halves.
pub fn read(path: &Path, halves: bool) -> Result<Vec<Shelf>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let squad: Squad =
        serde_json::from_str(&text).map_err(|error| invalid(path, &error.to_string()))?;
    let articles: Vec<(Shelf, usize)> = squad
        .data
        .into_iter()
        .enumerate()
        .map(|(number, article)| (Shelf::of(article, number), number % 2))
        .collect();
    let fewest = 1 + usize::from(halves);
    if articles.len() < fewest {
        return Err(invalid(path, "it has too few articles").into());
    }
    if !halves {
        let mut whole = Shelf::default();
        for (article, _) in articles {
            whole.documents.extend(article.documents);
            whole.questions.extend(article.questions);
        }
        return Ok(vec![whole]);
    }
    let mut shelves = vec![Shelf::default(), Shelf::default()];
    for (article, half) in articles {
        let elsewhere = article
            .questions
            .iter()
            .filter(|q| q.set == Set::Answerable);
        let absent: Vec<Question> = elsewhere
            .map(|question| Question {
                id: format!("{} (absent)", question.id),
                set: Set::Absent,
                references: Vec::new(),
                gold: Vec::new(),
                ..question.clone()
            })
            .collect();
        shelves[1 - half].questions.extend(absent);
        shelves[half].documents.extend(article.documents);
        shelves[half].questions.extend(article.questions);
    }
    Ok(shelves)
}

/// Writes a shelf's documents into a folder and names the files.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write(shelf: &Shelf, folder: &Path) -> Result<Vec<PathBuf>> {
    shelf
        .documents
        .iter()
        .map(|(file, text)| {
            let path = folder.join(file);
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            Ok(path)
        })
        .collect()
}

fn invalid(path: &Path, why: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "contexts_invalid",
        format!(
            "{} holds no questions with their contexts: {why}",
            path.display()
        ),
        "give a file in the shape of SQuAD 2.0: {\"data\":[{\"title\",\"paragraphs\":[{\"context\",\
         \"qas\":[{\"question\",\"answers\":[{\"text\"}],\"is_impossible\"}]}]}]}",
    )
}

impl Shelf {
    fn of(article: Article, number: usize) -> Self {
        let title = article.title();
        let slug: String = title
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(60)
            .collect();
        let file = format!("{:03}-{}.txt", number + 1, slug.trim_matches('-'));
        let mut text = String::new();
        if !title.is_empty() {
            text.push_str(&format!("{title}\n\n"));
        }
        let mut questions = Vec::new();
        for paragraph in article.paragraphs {
            text.push_str(paragraph.context.trim());
            text.push_str("\n\n");
            for (place, asked) in paragraph.qas.into_iter().enumerate() {
                let id = asked.id(|| format!("{file} {}", place + 1));
                questions.push(question(
                    id,
                    asked.question,
                    asked.answers,
                    asked.is_impossible,
                    &file,
                    &paragraph.context,
                ));
            }
        }
        Shelf {
            documents: vec![(file, text)],
            questions,
        }
    }
}

fn question(
    id: String,
    question: String,
    answers: Vec<Given>,
    is_impossible: bool,
    file: &str,
    context: &str,
) -> Question {
    let answers: Vec<Given> = match is_impossible {
        true => Vec::new(),
        false => answers,
    };
    let mut gold: Vec<Gold> = Vec::new();
    for answer in &answers {
        let quote = sentences_of(context, &answer.text, answer.answer_start);
        // Annotators mostly mark the same sentence.
        if gold.is_empty() {
            gold.extend(quote.map(|quote| Gold {
                file: file.to_owned(),
                quote,
                pages: Vec::new(),
            }));
        }
    }
    let mut references: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
    references.retain(|reference| !reference.trim().is_empty());
    let mut seen = std::collections::HashSet::new();
    references.retain(|reference| seen.insert(reference.clone()));
    Question {
        id,
        question,
        kind: if is_impossible {
            "adversarial"
        } else {
            "other"
        }
        .to_owned(),
        set: if is_impossible || references.is_empty() {
            Set::Adversarial
        } else {
            Set::Answerable
        },
        references,
        gold,
        line: 0,
        documents: Vec::new(),
    }
}

/// The sentences of the context that hold an answer. Offsets that the file gives are only a hint:
/// of several places the nearest one counts.
pub(crate) fn sentences_of(context: &str, answer: &str, hint: Option<usize>) -> Option<String> {
    let needle: String = answer.trim().chars().take(LONGEST_NEEDLE).collect();
    if needle.is_empty() {
        return None;
    }
    let hint = hint.unwrap_or(0);
    let (start, _) = context
        .match_indices(&needle)
        .min_by_key(|(place, _)| context[..*place].chars().count().abs_diff(hint))?;
    let end = start + answer.trim().len().min(context.len() - start);
    let sentences: Vec<_> = ingest::sentence::split(context)
        .into_iter()
        .filter(|sentence| sentence.start < end && start < sentence.end)
        .collect();
    let (first, last) = (sentences.first()?, sentences.last()?);
    context.get(first.start..last.end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = r#"{"data":[
        {"title":"Steam_engine","paragraphs":[{"context":"It runs on steam. It was built in 1712 by Newcomen. Others came in 1712 too.","qas":[
            {"id":"s1","question":"When was it built?","answers":[{"text":"1712","answer_start":33},{"text":"in 1712","answer_start":30},{"text":"1712","answer_start":33}],"is_impossible":false},
            {"id":"s2","question":"When was it scrapped?","answers":[],"plausible_answers":[{"text":"1712","answer_start":33}],"is_impossible":true}]}]},
        {"paragraphs":[{"context":"Whales sing.","document_id":7,"qas":[{"id":5,"question":"What do whales do?","answers":[{"text":"sing","answer_start":7}]}]}]}
    ]}"#;

    fn shelves(text: &str, halves: bool) -> Result<Vec<Shelf>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path(), halves)
    }

    #[test]
    fn articles_become_documents_and_keep_their_questions() {
        let shelf = shelves(SET, false).unwrap().remove(0);
        assert_eq!(shelf.documents[0].0, "001-Steam-engine.txt");
        assert!(shelf.documents[0].1.starts_with("Steam engine\n\nIt runs"));
        assert_eq!(shelf.documents[1].0, "002-.txt");
        let [built, scrapped, whales] = &shelf.questions[..] else {
            panic!("{:?}", shelf.questions)
        };
        assert_eq!(built.references, ["1712", "in 1712"]);
        assert_eq!(built.gold[0].quote, "It was built in 1712 by Newcomen.");
        assert_eq!((scrapped.set, scrapped.gold.len()), (Set::Adversarial, 0));
        assert_eq!((whales.id.as_str(), whales.set), ("5", Set::Answerable));
    }

    #[test]
    fn the_other_half_is_asked_what_it_cannot_know() {
        let halves = shelves(SET, true).unwrap();
        let asked = |shelf: &Shelf| -> Vec<(String, Set)> {
            let of = |q: &Question| (q.id.clone(), q.set);
            shelf.questions.iter().map(of).collect()
        };
        assert_eq!(halves[0].documents.len(), 1);
        assert_eq!(
            asked(&halves[0]),
            [
                ("s1".into(), Set::Answerable),
                ("s2".into(), Set::Adversarial),
                ("5 (absent)".into(), Set::Absent)
            ]
        );
        assert_eq!(
            asked(&halves[1]),
            [
                ("s1 (absent)".into(), Set::Absent),
                ("5".into(), Set::Answerable)
            ]
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            "[]",
            "{\"data\":[]}",
            "{\"question\":\"q\"}\n",
            "{\"data\":[{}]}",
        ] {
            let error = shelves(text, false).unwrap_err();
            assert_eq!(Problem::from_error(&error).code, "contexts_invalid");
        }
        let one = r#"{"data":[{"paragraphs":[]}]}"#;
        assert!(shelves(one, false).is_ok() && shelves(one, true).is_err());
    }

    #[test]
    fn an_answer_of_several_sentences_brings_them_all() {
        let context = "One came. Two went away. Three stayed. Four slept.";
        let found = sentences_of(context, "went away. Three", None);
        assert_eq!(found.as_deref(), Some("Two went away. Three stayed."));
        assert_eq!(sentences_of(context, "five", None), None);
    }
}
