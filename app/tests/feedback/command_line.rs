//! `lectern feedback`.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::common::{code, json, lectern, sample};

const QUESTION: &str = "How many bits per parameter do the scales cost with double quantisation?";

fn feedback(folder: &Path, arguments: &[&str]) -> Output {
    lectern(folder, &[&["feedback"], arguments].concat())
}

fn done(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(output), 0, "{errors}");
    json(output)
}

fn refused(folder: &Path, arguments: &[&str], exit: i32, problem: &str) -> Value {
    let output = feedback(folder, &[arguments, &["--json"]].concat());
    assert_eq!(code(&output), exit, "{arguments:?}");
    let error = json(&output)["error"].clone();
    assert_eq!(error["code"], problem, "{arguments:?}: {error}");
    assert!(!error["hint"].as_str().unwrap().is_empty());
    error
}

/// A library with a paper, and an answer made of quotes.
fn library_with_answer(data: &Path) -> Value {
    let paper = sample("lora-qlora.pdf").display().to_string();
    assert_eq!(code(&lectern(data, &["ingest", &paper])), 0);
    json(&lectern(data, &["ask", QUESTION, "--extractive", "--json"]))
}

#[test]
fn a_correction_becomes_a_training_example_and_moves_to_another_library() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = home.path();
    let answer = library_with_answer(data);
    let answer = answer["id"].as_str().unwrap();

    refused(data, &["add", answer], 2, "feedback_empty");
    refused(data, &["add", answer, "--rating", "9"], 1, "rating_invalid");
    refused(
        data,
        &["add", answer, "--correction", " "],
        1,
        "correction_empty",
    );
    let unknown = refused(
        data,
        &["add", answer, "--correction", "0.127 bits [77]"],
        1,
        "citation_unknown",
    );
    assert!(unknown["message"].as_str().unwrap().contains("[77]"));
    assert!(unknown["hint"].as_str().unwrap().contains("[1]"));
    let arguments = ["add", answer, "--citation-wrong", "9"];
    refused(data, &arguments, 1, "citation_unknown");
    let arguments = ["add", answer, "--tag", "should_have_answered"];
    refused(data, &arguments, 1, "feedback_contradictory");
    let arguments = ["add", answer, "--thumbs", "up", "--tag", "wrong"];
    refused(data, &arguments, 1, "feedback_contradictory");
    refused(data, &["add", "0", "--thumbs", "up"], 1, "answer_not_found");
    refused(data, &["show", "nothing"], 1, "feedback_not_found");
    assert_eq!(code(&feedback(data, &["add", answer, "--tag", "ugly"])), 2);

    let correction = "The scales cost 0.127 bits per parameter [1].";
    let given = done(&feedback(
        data,
        &[
            "add",
            answer,
            "--thumbs",
            "down",
            "--tag",
            "incomplete",
            "--correction",
            correction,
            "--citation-right",
            "1",
            "--by",
            "Ann",
            "--json",
        ],
    ));
    let id = given["id"].as_str().unwrap();
    assert_eq!(given["state"], "pending");
    assert_eq!(given["completion"], correction);
    assert_eq!(given["trainable"], true);
    assert_eq!(given["left_out"], Value::Null);
    assert_eq!(given["question"], QUESTION);
    // No model was asked; the prompt is the one that it would have been given.
    let prompt = given["context"]["prompt"].as_array().unwrap();
    assert_eq!(prompt[0]["role"], "system");
    assert!(
        prompt[1]["content"]
            .as_str()
            .unwrap()
            .ends_with(&format!("Question: {QUESTION}"))
    );
    let evidence = &given["context"]["evidence"][0];
    assert!(
        !evidence["title"].as_str().unwrap().is_empty(),
        "{evidence}"
    );

    let nothing = feedback(data, &["export"]);
    assert_eq!(code(&nothing), 3, "nothing is approved yet");
    assert!(nothing.stdout.is_empty());
    let approved = done(&feedback(
        data,
        &[
            "approve",
            &id[..18],
            "--by",
            "Bo",
            "--note",
            "checked",
            "--json",
        ],
    ));
    assert_eq!(approved["state"], "approved");
    let steps: Vec<(&str, &str)> = approved["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (
                step["action"].as_str().unwrap(),
                step["by"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(steps, [("given", "Ann"), ("approved", "Bo")]);
    assert_eq!(approved["history"][1]["note"], "checked");

    let edit = |edited: &str| feedback(data, &["edit", id, "--edited", edited]);
    let told = String::from_utf8(edit("They cost 0.9 bits per parameter [1].").stderr).unwrap();
    let reason = "datasets leave it out as it stands: not supported by its own evidence";
    assert!(told.contains(reason), "{told}");
    let shown = done(&feedback(data, &["show", id, "--json"]));
    assert_eq!(
        shown["left_out"], "not supported by its own evidence",
        "{shown}"
    );
    assert_eq!(code(&feedback(data, &["edit", id, "--clear", "edited"])), 0);

    let chats = String::from_utf8(feedback(data, &["export"]).stdout).unwrap();
    let chat: Value = serde_json::from_str(&chats).unwrap();
    let messages = chat["messages"].as_array().unwrap();
    assert_eq!(messages[..2], prompt[..]);
    let said = messages[2]["content"].as_str().unwrap();
    // The marker is the number of the note that holds the quote, not that of the citation.
    let number: u32 = said.split(['[', ']']).nth(1).unwrap().parse().unwrap();
    let quote = given["context"]["citations"][0]["quote"].as_str().unwrap();
    let quote: Vec<&str> = quote.split_whitespace().collect();
    let notes = messages[1]["content"].as_str().unwrap();
    let note = notes
        .lines()
        .find(|line| line.starts_with(&format!("{number}. ")));
    assert!(note.unwrap().contains(&quote.join(" ")), "{notes}");
    assert_eq!(chat["feedback"]["refusal"], false);
    assert_eq!(chat["feedback"]["tags"], json!(["incomplete"]));

    for format in ["messages", "prompt-completion", "instruction", "parquet"] {
        let file = data.join(format!("{format}.out")).display().to_string();
        let written = feedback(data, &["export", "--format", format, "--out", &file]);
        assert_eq!(
            code(&written),
            0,
            "{}",
            String::from_utf8_lossy(&written.stderr)
        );
        let again = feedback(data, &["export", "--format", format, "--out", &file]);
        assert_eq!(code(&again), 2, "nothing is written over");
        let report = done(&feedback(data, &["import", &file, "--json"]));
        assert_eq!(
            (&report["found"], &report["added"]),
            (&json!(1), &json!(0)),
            "{report}"
        );
        let report = done(&feedback(
            other.path(),
            &["import", &file, "--approve", "--json"],
        ));
        let is_first = format == "messages";
        assert_eq!(report["added"], u32::from(is_first), "{format}: {report}");
        assert_eq!(report["state"], "approved");
    }
    let moved = String::from_utf8(feedback(other.path(), &["export"]).stdout).unwrap();
    let moved: Value = serde_json::from_str(&moved).unwrap();
    assert_eq!(moved["messages"], chat["messages"]);
    assert_eq!(moved["feedback"]["question"], QUESTION);
    assert_eq!(moved["feedback"]["evidence"], chat["feedback"]["evidence"]);

    // What its giver changes has to be looked at again; what a reviewer writes has not.
    let edited = done(&feedback(
        data,
        &[
            "edit",
            id,
            "--clear",
            "correction",
            "--rating",
            "2",
            "--json",
        ],
    ));
    assert_eq!(
        (&edited["state"], &edited["completion"]),
        (&json!("pending"), &Value::Null)
    );
    assert!(edited["opinion"]["thumbs"].is_null() && edited["opinion"]["rating"] == 2);
    refused(data, &["approve", id], 1, "feedback_not_trainable");
    let text = "0.127 bits [1].";
    let approved = done(&feedback(
        data,
        &["approve", id, "--edited", text, "--json"],
    ));
    assert_eq!(
        (&approved["state"], &approved["completion"]),
        (&json!("approved"), &json!(text))
    );
    let said = feedback(data, &["show", id]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("what is learnt:\n  0.127 bits [1].") && said.contains("rewritten by"),
        "{said}"
    );

    let list = done(&feedback(
        data,
        &["list", "--state", "approved", "--answer", answer, "--json"],
    ));
    assert_eq!(list["feedback"][0]["id"], id);
    assert_eq!(
        done(&feedback(data, &["list", "--state", "rejected", "--json"]))["feedback"],
        json!([])
    );

    // The answer goes, what was said of it stays; taken back, it is never learnt.
    assert_eq!(code(&lectern(data, &["answers", "delete", answer])), 0);
    let kept = done(&feedback(data, &["withdraw", id, "--json"]));
    assert_eq!(kept["state"], "withdrawn");
    refused(data, &["approve", id], 1, "feedback_withdrawn");
    refused(
        data,
        &["edit", id, "--rating", "1"],
        1,
        "feedback_withdrawn",
    );
    assert_eq!(code(&feedback(data, &["export"])), 3);

    assert_eq!(
        code(&lectern(data, &["documents", "delete", "lora-qlora.pdf"])),
        0
    );
    refused(data, &["show", id], 1, "feedback_not_found");
    let elsewhere = done(&feedback(other.path(), &["list", "--json"]));
    let imported = elsewhere["feedback"][0]["id"].as_str().unwrap();
    done(&feedback(other.path(), &["delete", imported, "--json"]));
    assert_eq!(
        done(&feedback(other.path(), &["list", "--json"]))["feedback"],
        json!([])
    );
}

#[test]
fn refusals_are_taught_and_what_the_model_was_given_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    library_with_answer(data);
    let written = json(&lectern(data, &["ask", QUESTION, "--json"]));
    let id = written["id"].as_str().unwrap();
    let stored = json(&lectern(data, &["answers", "show", id, "--json"]));
    let given = done(&feedback(
        data,
        &["add", id, "--tag", "should_have_refused", "--json"],
    ));
    assert_eq!(given["context"]["prompt"], stored["trace"]["prompt"]);
    assert_eq!(given["context"]["written"], stored["trace"]["completion"]);
    assert_eq!(given["context"]["model"], written["model"]["id"]);
    assert_eq!(given["completion"], "The notes do not say.");
    done(&feedback(
        data,
        &["approve", given["id"].as_str().unwrap(), "--json"],
    ));

    let refusal = json(&lectern(
        data,
        &["ask", "Which cheese is the moon made from?", "--json"],
    ));
    assert_eq!(refusal["outcome"], "insufficient_evidence");
    let good = done(&feedback(
        data,
        &[
            "add",
            refusal["id"].as_str().unwrap(),
            "--rating",
            "5",
            "--json",
        ],
    ));
    assert_eq!(good["completion"], "The notes do not say.");
    done(&feedback(
        data,
        &["approve", good["id"].as_str().unwrap(), "--json"],
    ));
    let lines =
        String::from_utf8(feedback(data, &["export", "--format", "instruction"]).stdout).unwrap();
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["output"], "The notes do not say.");
        assert_eq!(line["feedback"]["refusal"], true);
        assert!(line["instruction"].as_str().unwrap().starts_with("You are"));
    }
}

#[test]
fn files_that_cannot_be_imported_leave_nothing() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let file = |name: &str, bytes: &[u8]| {
        let path = data.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let good = "{\"prompt\":\"q\",\"completion\":\"a\"}\n";
    let bad = file(
        "bad.jsonl",
        format!("{good}{{\"prompt\":\"q\",\"completion\":7}}\n").as_bytes(),
    );
    let error = refused(data, &["import", &bad], 1, "import_malformed");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("line 2: `completion` is a number, not text"),
        "{message}"
    );
    let empty = file("empty.jsonl", b"\n");
    refused(data, &["import", &empty], 1, "import_empty");
    let damaged = file("damaged.parquet", b"PAR1rubbishPAR1");
    refused(data, &["import", &damaged], 1, "import_malformed");
    refused(
        data,
        &["import", &data.join("none").display().to_string()],
        1,
        "io_failed",
    );
    refused(
        data,
        &["import", &data.display().to_string()],
        1,
        "import_malformed",
    );
    assert_eq!(
        done(&feedback(data, &["list", "--json"]))["feedback"],
        json!([])
    );

    let good = file("good.jsonl", good.as_bytes());
    let report = done(&feedback(data, &["import", &good, "--json"]));
    assert_eq!(report["added"], 1);
    let list = done(&feedback(data, &["list", "--json"]));
    let one = &list["feedback"][0];
    assert_eq!(
        (&one["state"], &one["source"], &one["question"]),
        (&json!("pending"), &json!("dataset"), &json!("q"))
    );
}
