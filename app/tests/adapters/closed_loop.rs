//! The whole loop on one running server: answers are corrected, the corrections approved, a dataset made
//! of them, a run trained on it, the adapter held to a fixed set, promoted, asked what it was not taught
//! in these words, trained further, and rolled back.

use std::time::Duration;

use app::library::datasets::prepare::PrepareRequest;
use finetune::score::general;
use serde_json::{Value, json};

use crate::common::{TestApp, settings};
use crate::http::{call, evaluated};
use crate::trained::{QUESTION, QUESTIONS, SENTENCE, model, write_dataset_saying};

/// What is to be said: less than the sentence of the paper, with which it is shown.
const ANSWER: &str = "35 kilograms.";

/// How the run is trained: to learn ten sentences by heart takes a tiny model many passes.
fn training() -> Value {
    json!({
        "epochs": 24, "batch_size": 4, "gradient_accumulation": 1, "learning_rate": 1e-2,
        "feedback_repeats": 4, "rank": 16, "alpha": 32.0, "dropout": 0.0, "samples": 0,
        "spike_factor": 0.0, "checkpoint_steps": 1000, "max_length": 2048,
    })
}

async fn ask(app: &TestApp, question: &str) -> Value {
    let body = json!({ "question": question });
    let response = app.post("/api/v1/ask").json(&body).send().await.unwrap();
    let stream = response.text().await.unwrap();
    let answer = stream.split("event: answer\ndata: ").nth(1).expect(&stream);
    serde_json::from_str(answer.split("\n\n").next().unwrap()).unwrap()
}

/// Ten answers are corrected by Ann and approved by Bo. Returns the ids of the feedback.
async fn corrected(app: &TestApp) -> Vec<String> {
    let mut ids = Vec::new();
    // None of the fixed set, and every digit somewhere: a model this small has to have seen them.
    for number in [135, 146, 357, 468, 579, 680, 791, 802, 913, 724] {
        let answer = ask(app, &format!("How heavy is wombat {number}?")).await;
        assert!(answer["model"]["adapter"].is_null());
        let path = format!(
            "/api/v1/answers/{}/feedback",
            answer["id"].as_str().unwrap()
        );
        let given = json!({
            "thumbs": "down", "tags": ["wrong"], "correction": format!("{ANSWER} [1]"),
            "by": "Ann",
        });
        let given = call(app.post(&path).json(&given), 201).await;
        let id = given["id"].as_str().unwrap().to_owned();
        let approve = app.post(&format!("/api/v1/feedback/{id}/approve"));
        call(approve.json(&json!({ "by": "Bo" })), 200).await;
        ids.push(id);
    }
    ids
}

/// The corrections with something else to learn, so that they are not all that is left afterwards.
async fn prepared(app: &TestApp) {
    let plain: Vec<String> = general::requests()
        .into_iter()
        .take(12)
        .map(|one| {
            let (question, answer) = (one.prompt, one.completion);
            json!({ "question": question, "answer": answer, "context": answer }).to_string()
        })
        .collect();
    let file = app.folder.path().join("plain.jsonl");
    std::fs::write(&file, plain.join("\n")).unwrap();
    let request = PrepareRequest {
        name: "corrections".to_owned(),
        feedback: true,
        generate: 0,
        imports: vec![file],
        refusals: 0.0,
        seed: 1,
        max_tokens: 2048,
        out: None,
    };
    let made = app.library.prepare_dataset(&request, |_, _| ());
    let made = serde_json::to_value(made.await.unwrap()).unwrap();
    let train = &made["card"]["sides"]["train"];
    assert_eq!(train["sources"]["feedback"], 10, "{train}");
}

/// Trains over HTTP to the end. Returns the run.
async fn trained(app: &TestApp, wanted: Value) -> Value {
    let runs = "/api/v1/training/runs";
    let begun = call(app.post(runs).json(&wanted), 201).await;
    let one = format!("{runs}/{}", begun["name"].as_str().unwrap());
    loop {
        let run = call(app.get(&one), 200).await;
        match run["state"].as_str().unwrap() {
            "running" => tokio::time::sleep(Duration::from_millis(100)).await,
            "finished" => return run,
            _ => panic!("{run}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_change_what_is_answered_and_rolling_back_undoes_it() {
    let home = tempfile::tempdir().unwrap();
    let answerer = model().display().to_string();
    let changes = [
        ("addr", "127.0.0.1:0"),
        ("answerer", answerer.as_str()),
        ("answer.max_tokens", "80"),
        ("answer.precision", "0"),
        ("training.priority", "normal"),
    ];
    let settings = settings(home.path(), &changes);
    let app = TestApp::on(home, settings).await;
    app.uploaded("wombat.txt", SENTENCE.into()).await;
    // The fixed set, whose questions nothing here is trained on.
    let fixed = app.folder.path().join("fixed");
    let card = write_dataset_saying(&fixed, "fixed", QUESTIONS, "other.txt", ANSWER);
    let folder = fixed.canonicalize().unwrap().display().to_string();
    let catalog = &app.library.catalog;
    assert!(catalog.add_dataset(&folder, &card, &[]).await.unwrap());

    let before = ask(&app, QUESTION).await;
    assert_eq!(before["answer"], format!("{SENTENCE} [1]"));
    let feedback = corrected(&app).await;
    prepared(&app).await;
    let wanted = json!({ "dataset": "corrections", "name": "corrections", "settings": training() });
    let run = trained(&app, wanted).await;
    let name = run["name"].as_str().unwrap();

    let evaluate = format!("/api/v1/adapters/{name}/evaluate");
    let asked = json!({ "dataset": "fixed" });
    let started = call(app.post(&evaluate).json(&asked), 202).await;
    let id = started["id"].as_str().unwrap().to_owned();
    let found = evaluated(&app, &id).await["evaluation"].clone();
    assert_eq!(found["n"], QUESTIONS, "{found}");
    let f1 = found["metrics"]["f1"].as_f64().unwrap();
    assert!(f1 > 0.9, "{found}");
    assert_eq!(
        (&found["verdict"], &found["not_worse"]),
        (&json!("better"), &json!(true)),
        "{found}"
    );
    let promote = app.post(&format!("/api/v1/adapters/{id}/promote"));
    call(promote.json(&json!({ "tolerant": true, "by": "Cy" })), 200).await;

    // The same server answers otherwise, and says where from.
    let after = ask(&app, QUESTION).await;
    assert_eq!(after["model"]["adapter"], json!(id), "{after}");
    assert_eq!(
        (&before["origin"], &after["origin"]),
        (&json!("fallback"), &json!("model"))
    );
    assert_eq!(after["answer"], format!("{SENTENCE} [1]"));
    assert_eq!(
        after["short"],
        json!({ "text": "35 kilograms", "citation": 1 })
    );
    let answer = after["id"].as_str().unwrap();
    let lineage = call(app.get(&format!("/api/v1/answers/{answer}/lineage")), 200).await;
    assert_eq!(lineage["adapter"]["dataset"]["name"], "corrections");
    assert!(lineage["run"]["folder"].as_str().unwrap().ends_with(name));
    let mut learnt: Vec<&str> = lineage["feedback"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    let mut given: Vec<&str> = feedback.iter().map(String::as_str).collect();
    learnt.sort_unstable();
    given.sort_unstable();
    assert_eq!(learnt, given);

    // The next run goes on from what answers now, and what it makes comes from the same corrections.
    let mut settings = training();
    settings["max_steps"] = json!(1);
    for own in ["rank", "alpha"] {
        settings.as_object_mut().unwrap().remove(own);
    }
    let wanted = json!({ "dataset": "corrections", "name": "further", "settings": settings });
    let further = trained(&app, wanted).await;
    let evaluate = format!(
        "/api/v1/adapters/{}/evaluate",
        further["name"].as_str().unwrap()
    );
    let asked = json!({ "dataset": "fixed", "limit": 1 });
    let started = call(app.post(&evaluate).json(&asked), 202).await;
    assert_eq!(started["started_from"], json!(id), "{started}");
    assert_eq!(started["rank"], 16);
    let next = started["id"].as_str().unwrap();
    let found = evaluated(&app, next).await["evaluation"].clone();
    assert_eq!(found["against"]["adapter"], json!(id));
    assert_eq!(found["verdict"], "not_enough_evidence");
    let other = json!({ "dataset": "corrections", "settings": { "rank": 3 } });
    let refused = call(app.post("/api/v1/training/runs").json(&other), 400).await;
    assert!(
        refused["detail"].as_str().unwrap().contains("rank 16"),
        "{refused}"
    );

    let rollback = app.post("/api/v1/adapters/rollback");
    let now = call(
        rollback.json(&json!({ "by": "Cy", "reason": "a test" })),
        200,
    )
    .await;
    assert!(now["serving"].is_null(), "{now}");
    let back = ask(&app, QUESTION).await;
    for field in ["answer", "sentences", "citations", "model", "origin"] {
        assert_eq!(back[field], before[field], "{field}");
    }
}
