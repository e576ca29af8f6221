//! `lectern eval self`: the same questions each time, what has changed, and what people approved.

use std::path::Path;

use serde_json::Value;

use crate::common::{code, json as printed, lectern, sample};

const QUICK: [&str; 6] = ["eval", "self", "--questions", "3", "--extractive", "--json"];

fn evaluated(data: &Path) -> Value {
    let output = lectern(data, &QUICK);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), 0, "{errors}");
    printed(&output)
}

fn ids(evaluation: &Value) -> Vec<String> {
    let values = evaluation["values"].as_object().unwrap();
    values.keys().cloned().collect()
}

#[test]
fn the_library_is_asked_the_same_questions_each_time() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let output = lectern(data, &["eval", "self", "--json"]);
    assert_eq!(code(&output), 1);
    assert_eq!(printed(&output)["error"]["code"], "own_questions_missing");
    assert_eq!(code(&lectern(data, &["eval", "self", "--history"])), 3);
    assert_eq!(
        code(&lectern(data, &["eval", "self", "--questions", "0"])),
        2
    );

    for paper in ["lora-qlora.pdf", "hybrid-retrieval.pdf", "reading-pdfs.pdf"] {
        let paper = sample(paper).display().to_string();
        assert_eq!(code(&lectern(data, &["ingest", &paper])), 0);
    }
    let first = evaluated(data);
    assert_eq!(
        (&first["answerable"], &first["absent"]),
        (&3.into(), &2.into())
    );
    assert!(first["comparison"].is_null());
    // A rule's question is worded like its sentence: a library that does not show most of them has a
    // fault.
    let figure = |name: &str| first["figures"][name]["value"].as_f64().unwrap();
    assert!(figure("evidence_shown") > 0.6, "{}", first["figures"]);
    assert!(figure("f1") > 0.3, "{}", first["figures"]);

    let again = evaluated(data);
    assert_eq!(ids(&again), ids(&first));
    let comparison = &again["comparison"];
    assert_eq!(comparison["with"], first["id"]);
    assert_eq!(comparison["questions"], 5);
    assert_eq!(comparison["changed"], Value::Array(Vec::new()));
    assert_eq!(comparison["differences"]["f1"]["value"], 0.0);

    // A setting that decides is named, and what came out is held against the time before.
    let settings = data.join("lectern.toml");
    std::fs::write(&settings, "[answer]\nprecision = 0\n").unwrap();
    let other = evaluated(data);
    let changed = other["comparison"]["changed"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].as_str().unwrap().starts_with("answer.precision"));
    assert_eq!(other["figures"]["answered"]["value"], 1.0);
    std::fs::remove_file(settings).unwrap();

    // Others are asked where that is wanted, as far as there are any; and then these each time.
    let anew = lectern(data, &[&QUICK[..], &["--anew"]].concat());
    let anew = printed(&anew);
    assert_eq!(anew["answerable"], 3);
    assert_ne!(ids(&anew), ids(&first));
    assert_eq!(ids(&evaluated(data)), ids(&anew));

    // A question goes with its paper, and another takes its place.
    let listed = printed(&lectern(data, &["documents", "list", "--json"]));
    let mut left = 5;
    for gone in listed["documents"].as_array().unwrap() {
        let gone = gone["id"].as_str().unwrap();
        assert_eq!(code(&lectern(data, &["documents", "delete", gone])), 0);
        let fewer = lectern(data, &QUICK);
        if code(&fewer) != 0 {
            assert_eq!(printed(&fewer)["error"]["code"], "own_questions_missing");
            left = 0;
            break;
        }
        left = printed(&fewer)["comparison"]["questions"].as_u64().unwrap();
        if left < 5 {
            break;
        }
    }
    assert!(left < 5);

    let history = lectern(data, &["eval", "self", "--history", "--json"]);
    assert_eq!(code(&history), 0);
    let kept = printed(&history);
    let kept = kept["evaluations"].as_array().unwrap();
    assert!(kept.len() >= 3);
    assert_eq!(kept[kept.len() - 1]["id"], first["id"]);
    let shown = lectern(data, &["eval", "self", "--history"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("evidence_shown") && shown.contains("answer.precision"));
}
