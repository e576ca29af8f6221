//! The command line as a person and a script use it: real models, real stores.

mod common;

use common::{code, command, json, json_lines, lectern, pdf, sample};
use serde_json::Value;

fn ingest(folder: &std::path::Path, paths: &[&str]) -> (i32, Vec<Value>, Value) {
    let output = lectern(folder, &[&["ingest", "--json"], paths].concat());
    let mut lines = json_lines(&output);
    let summary = lines
        .pop()
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (code(&output), lines, summary["summary"].clone())
}

#[test]
fn a_paper_is_added_found_cited_and_deleted_without_a_trace() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let paper = sample("hybrid-retrieval.pdf").display().to_string();

    let (exit, files, summary) = ingest(data, &[&paper]);
    assert_eq!((exit, files.len()), (0, 1), "{files:?}");
    assert_eq!(files[0]["status"], "added");
    assert_eq!(files[0]["pages"], 4);
    assert!(
        files[0]["chunks"].as_u64().unwrap() > 4 && files[0]["error"].is_null(),
        "{files:?}"
    );
    assert_eq!(summary["added"], 1);
    let id = files[0]["document_id"].as_str().unwrap().to_owned();

    let (exit, files, _) = ingest(data, &[&paper]);
    assert_eq!((exit, &files[0]["status"]), (0, &Value::from("unchanged")));
    assert_eq!(files[0]["document_id"], id.as_str());

    for mode in ["bm25", "dense", "hybrid"] {
        let found = json(&lectern(
            data,
            &[
                "search",
                "reciprocal rank fusion constant",
                "--mode",
                mode,
                "--json",
            ],
        ));
        assert_eq!(found["mode"], mode);
        let first = &found["passages"][0];
        assert_eq!(
            (&first["rank"], first["document_id"].as_str()),
            (&Value::from(1), Some(id.as_str()))
        );
        assert!(
            first["text"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .contains("rank"),
            "{mode}: {first}"
        );
        assert!(!first["rects"].as_array().unwrap().is_empty());
        assert_eq!(first["scores"]["fused"].is_null(), mode != "hybrid");
    }
    let none = lectern(
        data,
        &["search", "anything", "--year", "1850..1900", "--json"],
    );
    assert_eq!(code(&none), 3);

    let output = lectern(
        data,
        &["ask", "What are the usual BM25 parameters?", "--json"],
    );
    let answer = json(&output);
    assert_eq!(code(&output), 0, "{answer}");
    check_shape(&answer);
    let citation = &answer["citations"][0];
    let page = citation["page"].as_u64().unwrap();
    assert!((1..=4).contains(&page));
    assert_eq!(citation["file"], "hybrid-retrieval.pdf");

    // The quote is verbatim text of that page.
    let page_text = runtime().block_on(async {
        let library = app::library::Library::open(common::settings(data, &[]))
            .await
            .unwrap();
        library
            .catalog
            .page(&id, page as u32)
            .await
            .unwrap()
            .unwrap()
            .text
    });
    assert!(
        page_text.contains(citation["quote"].as_str().unwrap()),
        "{citation}"
    );

    let report = json(&lectern(data, &["doctor", "--json"]));
    assert_eq!(report["ok"], true, "{report}");
    let chunks = &report["chunks"];
    assert!(chunks["catalog"].as_u64().unwrap() > 0);
    assert_eq!(
        (&chunks["catalog"], &chunks["catalog"]),
        (&chunks["dense"], &chunks["bm25"])
    );

    assert_eq!(code(&lectern(data, &["documents", "delete", &id])), 0);
    let report = json(&lectern(data, &["doctor", "--json"]));
    assert_eq!(
        report["chunks"],
        serde_json::json!({ "catalog": 0, "dense": 0, "bm25": 0 })
    );
    assert!(
        files_below(&data.join("blobs")).is_empty(),
        "the blob is still there"
    );
    let asked = lectern(
        data,
        &["ask", "What are the usual BM25 parameters?", "--json"],
    );
    assert_eq!(
        (code(&asked), json(&asked)["outcome"].as_str()),
        (3, Some("insufficient_evidence"))
    );
    assert_eq!(code(&lectern(data, &["search", "BM25", "--json"])), 3);

    let (exit, files, _) = ingest(data, &[&paper]);
    assert_eq!(
        (exit, &files[0]["status"]),
        (0, &Value::from("added")),
        "it can be added again"
    );
}

/// Exactly the fields of the contract, whether filled or null.
fn check_shape(answer: &Value) {
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let mut top = keys(answer);
    top.sort();
    assert_eq!(
        top,
        [
            "answer",
            "citations",
            "confidence",
            "conversation",
            "id",
            "index",
            "model",
            "origin",
            "outcome",
            "parts",
            "question",
            "seed",
            "sentences",
            "short",
            "standalone",
            "timings_ms",
            "usage",
            "warnings"
        ]
    );
    let sorted = |value: &Value| {
        let mut keys = keys(value);
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(
        sorted(&answer["sentences"][0]),
        "citations support supported text"
    );
    assert_eq!(
        sorted(&answer["citations"][0]),
        "authors chunk_id document_id file key page quote rects score title year"
    );
    assert_eq!(
        sorted(&answer["citations"][0]["rects"][0]),
        "page x0 x1 y0 y1"
    );
    assert_eq!(sorted(&answer["model"]), "adapter id");
    assert_eq!(sorted(&answer["index"]), "embedder revision");
    assert_eq!(
        sorted(&answer["timings_ms"]),
        "first_token prefill rerank retrieve total"
    );
    assert_eq!(sorted(&answer["usage"]), "completion_tokens prompt_tokens");
}

#[test]
fn bad_files_fail_one_by_one_and_the_rest_go_on() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    let path = |name: &str| papers.path().join(name).display().to_string();
    std::fs::write(path("empty.pdf"), "").unwrap();
    std::fs::write(path("text.pdf"), "These are notes, not a PDF.").unwrap();
    std::fs::write(path("nopages.pdf"), pdf(&[])).unwrap();
    std::fs::write(path("scan.pdf"), pdf(&["", ""])).unwrap();
    let long = path(&format!("{}.pdf", "n".repeat(240)));
    std::fs::write(
        &long,
        pdf(&["Consensus is reached by a majority of the servers in the cluster."]),
    )
    .unwrap();
    std::fs::write(
        path("quo\"te'\nline.pdf"),
        pdf(&["A quote in the name of a file does no harm at all."]),
    )
    .unwrap();

    let (exit, files, summary) = ingest(data.path(), &[&path(""), &path("gone.pdf")]);
    assert_eq!(exit, 4, "partly done");
    let by_name = |part: &str| {
        files
            .iter()
            .find(|file| file["file"].as_str().unwrap().contains(part))
            .unwrap()
    };
    for (name, expected) in [
        ("empty.pdf", "empty_file"),
        ("text.pdf", "not_a_pdf"),
        ("nopages.pdf", "no_pages"),
        ("gone.pdf", "file_not_found"),
    ] {
        let file = by_name(name);
        assert_eq!(file["status"], "failed", "{file}");
        assert_eq!(file["error"]["code"], expected, "{file}");
        for part in ["message", "hint"] {
            assert!(!file["error"][part].as_str().unwrap().is_empty(), "{file}");
        }
    }
    assert_eq!(by_name("scan.pdf")["status"], "needs_ocr");
    assert_eq!(by_name("nnnn")["status"], "added");
    assert_eq!(by_name("line.pdf")["status"], "added");
    assert_eq!(
        (&summary["files"], &summary["failed"], &summary["added"]),
        (&7.into(), &4.into(), &2.into())
    );

    // Nothing is half-stored: three documents, three files, all stores agree.
    let report = json(&lectern(data.path(), &["doctor", "--json"]));
    assert_eq!(
        (&report["ok"], &report["documents"]),
        (&true.into(), &3.into()),
        "{report}"
    );
    assert_eq!(files_below(&data.path().join("blobs")).len(), 3);

    let too_large = command(
        data.path(),
        &[
            "ingest",
            "--json",
            &sample("lora-qlora.pdf").display().to_string(),
        ],
    )
    .env("LECTERN_MAX_UPLOAD_MB", "1")
    .output()
    .unwrap();
    assert_eq!(code(&too_large), 0, "a small file is under the limit");
    std::fs::write(path("large.pdf"), vec![b'x'; 2 << 20]).unwrap();
    let too_large = command(data.path(), &["ingest", "--json", &path("large.pdf")])
        .env("LECTERN_MAX_UPLOAD_MB", "1")
        .output()
        .unwrap();
    assert_eq!(code(&too_large), 1);
    assert_eq!(json_lines(&too_large)[0]["error"]["code"], "file_too_large");
}

#[test]
fn a_changed_file_replaces_its_old_version() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    let paper = papers.path().join("draft.pdf");
    std::fs::write(
        &paper,
        pdf(&["The first draft speaks of zebras and of nothing else whatever."]),
    )
    .unwrap();
    let name = paper.display().to_string();
    assert_eq!(ingest(data.path(), &[&name]).1[0]["status"], "added");
    std::fs::write(
        &paper,
        pdf(&["The second draft speaks of giraffes and of nothing else whatever."]),
    )
    .unwrap();
    assert_eq!(ingest(data.path(), &[&name]).1[0]["status"], "replaced");
    let found = json(&lectern(
        data.path(),
        &["search", "zebras", "--mode", "bm25", "--json"],
    ));
    assert!(found["passages"].as_array().unwrap().is_empty(), "{found}");
    assert_eq!(files_below(&data.path().join("blobs")).len(), 1);
}

#[test]
fn wrong_use_says_what_is_right() {
    let data = tempfile::tempdir().unwrap();
    let long = "why ".repeat(25_000);
    for (arguments, expected_exit, expected) in [
        (vec!["ask", "  ", "--json"], 2, "question_empty"),
        (vec!["ask", &long, "--json"], 2, "question_too_long"),
        (
            vec!["search", "x", "--top-k", "0", "--json"],
            2,
            "top_k_invalid",
        ),
        (
            vec!["search", "x", "--year", "soon", "--json"],
            2,
            "year_invalid",
        ),
        (
            vec!["search", "x", "--collection", "none", "--json"],
            1,
            "collection_not_found",
        ),
        (
            vec!["documents", "show", "nothing", "--json"],
            1,
            "document_not_found",
        ),
        (
            vec!["collections", "create", "a/b", "--json"],
            2,
            "collection_invalid",
        ),
        (
            vec!["models", "info", "gpt-99", "--json"],
            1,
            "model_unknown",
        ),
    ] {
        let output = lectern(data.path(), &arguments);
        assert_eq!(code(&output), expected_exit, "{expected}");
        assert_eq!(json(&output)["error"]["code"], expected);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("hint: "), "{expected}: {stderr}");
    }
    assert_eq!(
        code(&lectern(data.path(), &["search", "x", "--mode", "magic"])),
        2
    );
    assert_eq!(code(&lectern(data.path(), &["frobnicate"])), 2);
    let bound = lectern(data.path(), &["serve", "--addr", "0.0.0.0:0"]);
    assert_eq!(code(&bound), 2);
    assert!(String::from_utf8_lossy(&bound.stderr).contains("LECTERN_TOKEN"));
}

#[test]
fn offline_without_models_says_where_to_put_them() {
    let data = tempfile::tempdir().unwrap();
    let models = tempfile::tempdir().unwrap();
    let search = |mode: &str| {
        command(
            data.path(),
            &["search", "anything", "--json", "--mode", mode],
        )
        .env("LECTERN_OFFLINE", "1")
        .env("HF_HOME", models.path())
        .arg("--models-dir")
        .arg(models.path())
        .output()
        .unwrap()
    };
    // Words can be searched without a model, and the answer says that it was by words alone.
    let output = search("hybrid");
    assert_eq!(code(&output), 3);
    let warning = json(&output)["warnings"][0].to_string();
    assert!(warning.contains("by words alone"), "{warning}");

    let output = search("dense");
    assert_eq!(code(&output), 1);
    let error = &json(&output)["error"];
    assert_eq!(error["code"], "model_missing");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains(&models.path().display().to_string()),
        "{error}"
    );
}

#[test]
fn settings_and_completions_are_printed() {
    let data = tempfile::tempdir().unwrap();
    let output = command(data.path(), &["config", "show", "--json"])
        .env("LECTERN_TOP_K", "5")
        .output()
        .unwrap();
    let shown = json(&output);
    let top_k = shown["settings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["key"] == "top_k")
        .unwrap();
    assert_eq!(
        (&top_k["value"], &top_k["origin"]),
        (&"5".into(), &"LECTERN_TOP_K".into())
    );
    for shell in ["bash", "zsh", "fish"] {
        let script = lectern(data.path(), &["completions", shell]);
        assert!(
            code(&script) == 0 && String::from_utf8_lossy(&script.stdout).contains("ingest"),
            "{shell}"
        );
    }
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path))
        } else {
            found.push(path)
        }
    }
    found
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}
