//! `lectern finetune prepare` and `lectern finetune datasets`: from papers to files that can be trained
//! on, and a deleted paper out of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::common::{code, json as printed, lectern, sample};

const SIDES: [&str; 3] = ["train", "validation", "test"];

fn finetune(folder: &Path, arguments: &[&str]) -> Output {
    lectern(folder, &[&["finetune"], arguments].concat())
}

fn done(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(output), 0, "{errors}");
    printed(output)
}

fn refused(folder: &Path, arguments: &[&str], problem: &str) {
    let output = finetune(folder, &[arguments, &["--json"]].concat());
    assert_ne!(code(&output), 0, "{arguments:?}");
    let error = printed(&output)["error"].clone();
    assert_eq!(error["code"], problem, "{arguments:?}: {error}");
    assert!(!error["hint"].as_str().unwrap().is_empty());
}

fn library() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for paper in ["lora-qlora.pdf", "hybrid-retrieval.pdf", "reading-pdfs.pdf"] {
        let paper = sample(paper).display().to_string();
        assert_eq!(code(&lectern(home.path(), &["ingest", &paper])), 0);
    }
    home
}

/// The examples of a side.
fn examples(record: &Value, side: &str) -> Vec<Value> {
    let path = PathBuf::from(record["folder"].as_str().unwrap()).join(format!("{side}.jsonl"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn papers_become_a_dataset_and_a_deleted_one_leaves_it() {
    let home = library();
    let data = home.path();
    let questions = sample("questions.jsonl").display().to_string();
    let prepare = |name: &str| {
        let sources = ["--generate", "12", "--import", &questions];
        let choices = ["--refusals", "0.3", "--seed", "5", "--json"];
        let named = ["prepare", "--name", name];
        finetune(data, &[&named[..], &sources, &choices].concat())
    };
    let first = done(&prepare("first"));
    let mut side_of: HashMap<String, &str> = HashMap::new();
    let mut kinds: HashMap<String, usize> = HashMap::new();
    for side in SIDES {
        for example in examples(&first, side) {
            let about = &example["about"];
            for document in about["documents"].as_array().unwrap() {
                let on = side_of.entry(document.as_str().unwrap().to_owned());
                assert_eq!(*on.or_insert(side), side, "{about}");
            }
            let kind = about["kind"].as_str().unwrap();
            *kinds.entry(kind.to_owned()).or_default() += 1;
            let messages = example["messages"].as_array().unwrap();
            let said = messages.last().unwrap()["content"].as_str().unwrap();
            let asked = messages[messages.len() - 2]["content"].as_str().unwrap();
            assert!(
                asked.contains(about["question"].as_str().unwrap()),
                "{about}"
            );
            match kind {
                "refusal" => assert_eq!(said, "The notes do not say."),
                _ => {
                    let (_, marker) = said.rsplit_once('[').unwrap();
                    let number = marker.strip_suffix(']').unwrap();
                    assert!(asked.contains(&format!("\n{number}. ")), "{said}\n{asked}");
                }
            }
        }
    }
    assert!(kinds["answer"] > 3, "{kinds:?}");
    assert!(kinds["refusal"] > 0, "{kinds:?}");
    assert_eq!(side_of.len(), 3, "all papers are used");

    let second = done(&prepare("second"));
    assert_eq!(first["sha256"], second["sha256"], "the seed decides all");
    let listed = done(&finetune(data, &["datasets", "list", "--json"]));
    assert_eq!(listed["datasets"].as_array().unwrap().len(), 2);

    // A paper goes, and its text with it.
    let gone = side_of
        .iter()
        .find(|(_, side)| **side == "train")
        .unwrap()
        .0;
    assert_eq!(code(&lectern(data, &["documents", "delete", gone])), 0);
    let after = done(&finetune(data, &["datasets", "show", "first", "--json"]));
    assert_eq!(after["changed"], true);
    assert_ne!(after["sha256"], first["sha256"]);
    for side in SIDES {
        for example in examples(&after, side) {
            let documents = example["about"]["documents"].as_array().unwrap();
            assert!(!documents.contains(&json!(gone)), "{example}");
        }
    }
    let folder = PathBuf::from(after["folder"].as_str().unwrap());
    let deleted = done(&finetune(data, &["datasets", "delete", "first", "--json"]));
    assert_eq!(deleted, json!({ "deleted": ["first"] }));
    assert!(!folder.exists());
}

#[test]
fn what_cannot_be_prepared_says_why() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let questions = data.join("questions.jsonl");
    std::fs::write(
        &questions,
        "{\"question\":\"q\",\"context\":\"c\"}\n{\"question\":1}\n",
    )
    .unwrap();
    let questions = questions.display().to_string();
    let cases: [(&[&str], &str); 6] = [
        (&["prepare", "--name", "set"], "dataset_sources_missing"),
        (
            &["prepare", "--name", "../set", "--feedback"],
            "dataset_name_invalid",
        ),
        (
            &[
                "prepare",
                "--name",
                "set",
                "--feedback",
                "--refusals",
                "1.5",
            ],
            "refusals_invalid",
        ),
        (
            &["prepare", "--name", "set", "--import", &questions],
            "questions_invalid",
        ),
        (
            &["prepare", "--name", "set", "--feedback"],
            "dataset_unusable",
        ),
        (&["datasets", "show", "set"], "dataset_not_found"),
    ];
    for (arguments, problem) in cases {
        refused(data, arguments, problem);
    }
}
