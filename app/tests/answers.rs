//! Answers that were given: kept, shown, made again, written out, deleted, and gone with their
//! documents; and the measurement of answers. Real models, real stores.

mod common;

use std::path::{Path, PathBuf};

use common::{code, command, json, json_lines, lectern, sample, spawn_app};
use serde_json::{Value, json};

const SAMPLES: [&str; 3] = ["hybrid-retrieval.pdf", "lora-qlora.pdf", "reading-pdfs.pdf"];
const QUESTION: &str = "How many bits per parameter do the scales cost with double quantisation?";

fn ingest(folder: &Path, papers: &[PathBuf]) {
    let mut arguments = vec!["ingest".to_owned(), "--json".to_owned()];
    arguments.extend(papers.iter().map(|paper| paper.display().to_string()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = lectern(folder, &arguments);
    assert_eq!(code(&output), 0, "{}", errors(&output));
}

fn errors(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn ask(folder: &Path, arguments: &[&str]) -> Value {
    json(&lectern(folder, &[&["ask", "--json"], arguments].concat()))
}

fn replay(folder: &Path, id: &str) -> (i32, Value) {
    let output = lectern(folder, &["answers", "replay", id, "--json"]);
    (code(&output), json(&output))
}

/// What of the surroundings has changed, less the number of the last change.
fn changed(replay: &Value) -> Vec<&str> {
    let changes = replay["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| change["what"].as_str().unwrap())
        .collect()
}

#[test]
fn answers_are_made_again_until_something_changes_and_say_what() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    ingest(data, &[sample(SAMPLES[0]), sample(SAMPLES[1])]);
    let quoted = ask(data, &[QUESTION, "--extractive"]);
    let written = ask(data, &[QUESTION, "--seed", "7"]);
    let refused = ask(data, &["Which cheese is the moon made from?"]);
    assert_ne!(written["origin"], "extractive", "{written}");

    let list = json(&lectern(data, &["answers", "list", "--json"]));
    let listed: Vec<&Value> = list["answers"].as_array().unwrap().iter().collect();
    let ids: Vec<&Value> = listed.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&refused["id"], &written["id"], &quoted["id"]]);
    assert!(listed.iter().all(|answer| answer["replayable"] == true));
    let page = json(&lectern(
        data,
        &["answers", "list", "--limit", "2", "--json"],
    ));
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = json(&lectern(
        data,
        &["answers", "list", "--cursor", cursor, "--json"],
    ));
    assert_eq!(rest["answers"][0]["id"], quoted["id"]);
    assert!(rest["next_cursor"].is_null() && rest["answers"].as_array().unwrap().len() == 1);

    let id = written["id"].as_str().unwrap();
    let shown = json(&lectern(data, &["answers", "show", id, "--json"]));
    assert_eq!(shown["answer"], written["answer"]);
    assert_eq!(shown["trace"]["sampling"]["seed"], 7);
    assert!(!shown["trace"]["prompt"].as_array().unwrap().is_empty());
    let provenance = &shown["provenance"];
    for (key, length) in [("build", 12), ("model_sha256", 64)] {
        assert_eq!(provenance[key].as_str().unwrap().len(), length, "{key}");
    }
    assert_eq!(provenance["settings"]["top_k"], "8");

    for answer in [&quoted, &written, &refused] {
        let (exit, again) = replay(data, answer["id"].as_str().unwrap());
        assert_eq!((exit, &again["verdict"]), (0, &json!("same")), "{again}");
        assert_eq!(again["now"]["answer"], answer["answer"]);
        assert_eq!(again["now"]["citations"], answer["citations"]);
        assert_eq!(changed(&again), [] as [&str; 0], "{again}");
        assert_eq!(again["evidence"]["new"], json!([]));
        assert_eq!(again["evidence"]["missed"], json!([]));
    }
    let start = &id[..18];
    let said = lectern(data, &["answers", "replay", start]);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(text.starts_with("the same: "), "{text}");

    // Papers cut otherwise, and one more of them: the same answer, and what is new is told.
    let other = data.join("other.txt");
    std::fs::write(
        &other,
        "With double quantisation the scales cost 0.127 bits per parameter, as others found too. \
         How many bits per parameter the scales cost with double quantisation was measured again.\n",
    )
    .unwrap();
    ingest(data, &[other]);
    let reindexed = command(data, &["reindex", "--json"])
        .env("LECTERN_CHUNK_MAX_TOKENS", "160")
        .env("LECTERN_CHUNK_OVERLAP_TOKENS", "20")
        .output()
        .unwrap();
    assert_eq!(code(&reindexed), 0, "{}", errors(&reindexed));
    let (exit, again) = replay(data, id);
    assert_eq!((exit, &again["verdict"]), (0, &json!("same")), "{again}");
    let changes = changed(&again);
    for what in ["chunks", "index generation", "last change of the library"] {
        assert!(changes.contains(&what), "{changes:?}");
    }
    assert!(again["passages"]["cut_otherwise"].as_u64().unwrap() > 0);
    assert_eq!(again["passages"]["changed"], 0);
    let new = again["evidence"]["new"].to_string();
    assert!(new.contains("as others found too"), "{again}");

    // Another prompt of then gives another text now: a trace that was changed by hand.
    change(
        data,
        "UPDATE answers SET trace = replace(trace, '0.127', '0.999') WHERE id = $1",
        id,
    );
    let (exit, again) = replay(data, id);
    assert_eq!(again["verdict"], "differs", "{again}");
    assert_eq!(exit, 3);
    assert!(!again["differences"].as_array().unwrap().is_empty());

    change(data, "UPDATE answers SET trace = NULL WHERE id = $1", id);
    let (exit, error) = replay(data, id);
    assert_eq!(exit, 1);
    assert_eq!(error["error"]["code"], "answer_not_replayable", "{error}");
    let shown = json(&lectern(data, &["answers", "show", id, "--json"]));
    assert!(shown["trace"].is_null() && shown["answer"] == written["answer"]);

    let deleted = json(&lectern(data, &["answers", "delete", id, "--json"]));
    assert_eq!(deleted["deleted"], json!([id]));
    for wrong in [id, "zzz", "0"] {
        let output = lectern(data, &["answers", "show", wrong, "--json"]);
        assert_eq!(code(&output), 1);
        assert_eq!(json(&output)["error"]["code"], "answer_not_found");
    }
}

/// Changes the catalog of a library that nobody has open.
fn change(data: &Path, sql: &'static str, id: &str) {
    let path = data.join("catalog.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let pool = sqlx::sqlite::SqlitePool::connect_with(options)
            .await
            .unwrap();
        let done = sqlx::query(sql).bind(id).execute(&pool).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
        pool.close().await;
    });
}

#[test]
fn answers_are_written_out_with_their_sources() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    ingest(data, &[sample("lora-qlora.pdf")]);
    let answer = ask(data, &[QUESTION, "--extractive"]);
    let id = answer["id"].as_str().unwrap();
    let export = |format: &str| {
        let output = lectern(data, &["answers", "export", id, "--format", format]);
        assert_eq!(code(&output), 0, "{}", errors(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let markdown = export("markdown");
    assert!(
        markdown.starts_with(&format!("## {QUESTION}\n\n")),
        "{markdown}"
    );
    assert!(markdown.contains("[^1]: Mara Lindqvist"), "{markdown}");
    assert!(export("bibtex").contains("Adapting a Small Language Model on a CPU"));
    let csl: Value = serde_json::from_str(&export("csl-json")).unwrap();
    assert_eq!(csl[0]["author"][0]["family"], "Lindqvist");
    let none = lectern(data, &["answers", "export", "--conversation", "nothing"]);
    assert_eq!(code(&none), 1);
    assert!(errors(&none).contains("hint:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_document_leaves_no_word_in_the_catalog() {
    const SECRET: &str = "The zyxglorp of the quindle machine is 41 millihenries";
    let app = spawn_app(&[]).await;
    let text = format!("# Quindle machines\n\n{SECRET}, as measured twice.\n");
    let job = app.uploaded("quindle.md", text.into_bytes()).await;
    let document = job["result"]["document_id"].as_str().unwrap().to_owned();
    let kept = "The largest wombat of the reserve weighs 35 kilograms.";
    app.uploaded("wombat.txt", kept.as_bytes().to_vec()).await;
    let asked = async |body: Value| {
        let response = app.post("/api/v1/ask").json(&body).send().await.unwrap();
        response.text().await.unwrap()
    };
    let question = "What is the zyxglorp of the quindle machine?";
    for extractive in [true, false] {
        let stream = asked(json!({ "question": question, "extractive": extractive })).await;
        assert!(
            stream.contains("zyxglorp of the quindle machine is 41"),
            "{stream}"
        );
    }
    let unkept = asked(json!({ "question": question, "extractive": true, "unkept": true })).await;
    assert!(unkept.contains("event: answer"));
    asked(json!({ "question": "How heavy is the largest wombat?", "extractive": true })).await;

    let list = async || -> Value {
        let response = app.get("/api/v1/answers?limit=10").send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    };
    let answers = list().await["answers"].as_array().unwrap().clone();
    assert_eq!(answers.len(), 3, "{answers:?}");
    let first = answers[2]["id"].as_str().unwrap().to_owned();
    let replay = app.post(&format!("/api/v1/answers/{first}/replay"));
    let replay: Value = replay.send().await.unwrap().json().await.unwrap();
    assert_eq!(replay["verdict"], "same", "{replay}");
    let shown = app
        .get(&format!("/api/v1/answers/{first}"))
        .send()
        .await
        .unwrap();
    assert_eq!(shown.json::<Value>().await.unwrap()["question"], question);
    assert!(holds(app.folder.path(), "zyxglorp"));
    // What was said of answers holds text of the document as well, and outlives the answers alone.
    let mut given = Vec::new();
    for answer in &answers[1..] {
        let path = format!(
            "/api/v1/answers/{}/feedback",
            answer["id"].as_str().unwrap()
        );
        let said =
            json!({ "thumbs": "down", "correction": "The zyxglorp is 41 millihenries [1]." });
        let said: Value = app
            .post(&path)
            .json(&said)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(said["state"], "pending", "{said}");
        given.push(format!("/api/v1/feedback/{}", said["id"].as_str().unwrap()));
    }
    let alone = answers[1]["id"].as_str().unwrap();
    let gone = app.delete(&format!("/api/v1/answers/{alone}"));
    assert_eq!(gone.send().await.unwrap().status(), 204);
    for path in &given {
        assert_eq!(app.get(path).send().await.unwrap().status(), 200);
    }

    let gone = app.delete(&format!("/api/v1/documents/{document}"));
    assert_eq!(gone.send().await.unwrap().status(), 204);
    // The server still runs: the write-ahead log counts too.
    for word in ["zyxglorp", "quindle", "millihenries"] {
        assert!(!holds(app.folder.path(), word), "{word} is still there");
    }
    let shown = app
        .get(&format!("/api/v1/answers/{first}"))
        .send()
        .await
        .unwrap();
    assert_eq!(shown.status(), 404);
    for path in &given {
        assert_eq!(app.get(path).send().await.unwrap().status(), 404);
    }
    // Every answer read passages of the small library's both documents.
    let left = list().await["answers"].as_array().unwrap().clone();
    assert!(left.iter().all(|answer| answer["question"] != question));
    let bad = app.get("/api/v1/answers?limit=0").send().await.unwrap();
    assert_eq!(bad.status(), 400);
    let bad = app.get("/api/v1/answers?cursor=none").send().await.unwrap();
    let bad: Value = bad.json().await.unwrap();
    assert_eq!(bad["code"], "cursor_invalid");
}

/// True where a file of the catalog holds these letters, in whatever case.
fn holds(data: &Path, word: &str) -> bool {
    ["catalog.sqlite", "catalog.sqlite-wal"]
        .iter()
        .filter_map(|file| std::fs::read(data.join(file)).ok())
        .any(|bytes| {
            bytes
                .to_ascii_lowercase()
                .windows(word.len())
                .any(|window| window == word.as_bytes())
        })
}

#[test]
fn answers_are_measured_and_every_quote_is_verbatim() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    ingest(data, &SAMPLES.map(sample));
    let questions = sample("questions.jsonl").display().to_string();
    let lines = data.join("lines.jsonl");
    let out = lines.display().to_string();
    let report = json(&lectern(
        data,
        &[
            "eval",
            "answers",
            &questions,
            "--extractive",
            "--json",
            "--questions-out",
            &out,
        ],
    ));
    assert_eq!((&report["n"], &report["absent"]), (&json!(25), &json!(4)));
    assert_eq!(report["faults"], json!([]), "{report}");
    let figure = |name: &str| report["figures"][name]["value"].as_f64().unwrap();
    assert_eq!(figure("quotes_verbatim"), 1.0);
    assert!(
        figure("right_page") > 0.6 && figure("gold_shown") > 0.6,
        "{report}"
    );
    assert!(figure("refused_of_absent") > 0.5, "{report}");
    assert!(
        report["by_origin"]["extractive"]["share"]["value"]
            .as_f64()
            .unwrap()
            > 0.5
    );
    assert!(report["latency_ms"]["total"]["p95"].as_f64().unwrap() > 0.0);
    let written = std::fs::read_to_string(&lines).unwrap();
    assert_eq!(written.lines().count(), 25);
    let again = json(&lectern(
        data,
        &["eval", "answers", &questions, "--extractive", "--json"],
    ));
    assert_eq!(
        again["figures"], report["figures"],
        "the same seed gives the same intervals"
    );
    let list = json(&lectern(data, &["answers", "list", "--json"]));
    assert_eq!(list["answers"], json!([]), "nothing of it is stored");

    let few = lectern(
        data,
        &[
            "eval",
            "answers",
            &questions,
            "--limit",
            "1",
            "--verbose",
            "--json",
        ],
    );
    let few = json_lines(&few);
    assert_eq!(few.len(), 3, "two questions and the report");
    assert_eq!(few[2]["n"], 2);

    let table = data.join("table.md");
    std::fs::write(
        &table,
        "<!-- lectern eval answers: start -->\n<!-- lectern eval answers: end -->\n",
    )
    .unwrap();
    let table = table.display().to_string();
    let output = lectern(
        data,
        &[
            "eval",
            "answers",
            &questions,
            "--extractive",
            "--limit",
            "2",
            "--table",
            &table,
        ],
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("right_page") && text.contains("by origin"),
        "{text}"
    );
    let table = std::fs::read_to_string(table).unwrap();
    assert!(
        table.contains("| questions, quotes only | 2 + 2 + 0 |"),
        "{table}"
    );
}

#[test]
fn what_cannot_be_measured_is_told() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let file = |name: &str, text: &str| {
        let path = data.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let error = |arguments: &[&str]| {
        let output = lectern(data, &[&["eval", "answers", "--json"], arguments].concat());
        (code(&output), json(&output)["error"].clone())
    };
    let missing = file(
        "a.jsonl",
        "\n{\"question\":\"q?\",\"answer\":\"a\",\"file\":\"nowhere.pdf\"}\n",
    );
    let (exit, missing) = error(&[&missing]);
    assert_eq!((exit, &missing["code"]), (1, &json!("papers_missing")));
    assert!(
        missing["message"]
            .as_str()
            .unwrap()
            .contains("nowhere.pdf (line 2)")
    );
    let broken = file("b.jsonl", "{\"question\":\n");
    assert_eq!(error(&[&broken]).1["code"], "questions_invalid");
    let squad = file("c.json", "{\"data\":[]}");
    assert_eq!(error(&[&squad]).1["code"], "contexts_wanted");
    assert_eq!(error(&[&squad, "--contexts"]).1["code"], "contexts_invalid");
    let (exit, precision) = error(&[&squad, "--precision", "1.5"]);
    assert_eq!((exit, &precision["code"]), (2, &json!("precision_invalid")));
    assert_eq!(error(&["/nowhere.jsonl"]).0, 1);
}

#[test]
fn sets_with_contexts_are_asked_of_both_halves() {
    let home = tempfile::tempdir().unwrap();
    let set = home.path().join("animals.json");
    let article = |title: &str, context: &str, question: &str, answer: &str, trap: &str| {
        json!({ "title": title, "paragraphs": [{ "context": context, "qas": [
            { "id": title, "question": question, "is_impossible": false,
              "answers": [{ "text": answer, "answer_start": 0 }] },
            { "id": format!("{title} trap"), "question": trap, "is_impossible": true, "answers": [] }
        ]}]})
    };
    let data = json!({ "version": "v2.0", "data": [
        article("Wombats", "The wombat is a marsupial of Australia. The largest wombat of the reserve \
            weighs 35 kilograms. It digs burrows with its claws at night.",
            "How heavy is the largest wombat of the reserve?", "35 kilograms",
            "How heavy is the smallest wombat of the zoo?"),
        article("Lighthouses", "The lighthouse of Alexandria was built of limestone blocks. Its tower \
            stood about 100 metres tall. Earthquakes destroyed the lighthouse in the fourteenth century.",
            "What destroyed the lighthouse of Alexandria?", "Earthquakes",
            "Who destroyed the lighthouse of Genoa?")
    ]});
    std::fs::write(&set, data.to_string()).unwrap();
    let set = set.display().to_string();
    let keep = home.path().join("kept").display().to_string();
    let run = |arguments: &[&str]| {
        let fixed = [
            "eval",
            "answers",
            &set,
            "--contexts",
            "--extractive",
            "--json",
        ];
        json(&lectern(home.path(), &[&fixed, arguments].concat()))
    };
    for _ in 0..2 {
        let report = run(&["--halves", "--keep", &keep]);
        let counts = ["n", "answerable", "absent", "adversarial"].map(|key| &report[key]);
        assert_eq!(counts, [&json!(6), &json!(2), &json!(2), &json!(2)]);
        let figure = |name: &str| report["figures"][name]["value"].as_f64().unwrap();
        assert_eq!(figure("contains"), 1.0, "{report}");
        assert_eq!(figure("refused_of_absent"), 1.0, "{report}");
        assert_eq!(report["faults"], json!([]));
    }
    let whole = run(&[]);
    assert_eq!((&whole["n"], &whole["absent"]), (&json!(4), &json!(0)));
}

/// The same on papers of one's own, given by LECTERN_TEST_PAPERS (a folder) and
/// LECTERN_TEST_QUESTIONS (JSON lines).
#[test]
fn every_quote_of_papers_of_ones_own_is_verbatim() {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(papers), Some(questions)) = (
        variable("LECTERN_TEST_PAPERS"),
        variable("LECTERN_TEST_QUESTIONS"),
    ) else {
        eprintln!("skipped: LECTERN_TEST_PAPERS and LECTERN_TEST_QUESTIONS are not set");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    lectern(home.path(), &["ingest", &papers]);
    let report = json(&lectern(
        home.path(),
        &["eval", "answers", &questions, "--extractive", "--json"],
    ));
    assert_eq!(report["faults"], json!([]));
    assert_eq!(
        report["figures"]["quotes_verbatim"]["value"], 1.0,
        "{report}"
    );
    eprintln!("{report:#}");
}
