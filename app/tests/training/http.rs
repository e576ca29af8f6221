//! From papers to a finished adapter over HTTP, and the page that shows it.

use serde_json::json;

use super::*;
use crate::common::{TestApp, sample, spawn_app};

async fn call(request: reqwest::RequestBuilder, status: u16) -> Value {
    let response = request.send().await.unwrap();
    let found = response.status().as_u16();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// Events of a stream: their names and data.
fn events(stream: &Value) -> Vec<(String, Value)> {
    let parts = stream.as_str().unwrap().split_terminator("\n\n");
    parts
        .filter(|part| !part.starts_with(':'))
        .map(|part| {
            let (name, data) = part.split_once('\n').unwrap();
            let data = data.strip_prefix("data: ").unwrap();
            let name = name.strip_prefix("event: ").unwrap().to_owned();
            (name, serde_json::from_str(data).unwrap())
        })
        .collect()
}

async fn with_papers(models: &Path) -> TestApp {
    let app = spawn_app(&[
        ("models_dir", &models.display().to_string()),
        // The one that comes with Lectern is for the model whose place the tiny one takes.
        ("answer.adapter", "none"),
        ("training.priority", "normal"),
    ])
    .await;
    for paper in ["lora-qlora.pdf", "hybrid-retrieval.pdf", "reading-pdfs.pdf"] {
        let bytes = std::fs::read(sample(paper)).unwrap();
        let job = app.uploaded(paper, bytes).await;
        assert_eq!(job["state"], "done", "{job}");
    }
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_become_a_dataset_a_run_and_an_adapter() {
    let models = tiny_answerer::models();
    let app = with_papers(models.path()).await;
    let wanted = json!({ "name": "papers", "generate": 30, "max_tokens": 4000, "seed": 5 });
    let prepare = app
        .post("/api/v1/datasets")
        .header("Accept", "text/event-stream")
        .json(&wanted);
    let told = events(&call(prepare, 200).await);
    assert!(told.iter().any(|(name, _)| name == "preparing"), "{told:?}");
    let (name, dataset) = told.last().unwrap();
    assert_eq!(
        (name.as_str(), &dataset["name"]),
        ("dataset", &"papers".into())
    );
    assert!(
        dataset["card"]["sides"]["train"]["examples"].as_u64() > Some(0),
        "{dataset}"
    );
    let again = call(app.post("/api/v1/datasets").json(&wanted), 409).await;
    assert_eq!(again["code"], "dataset_exists");
    let nothing = json!({ "name": "none" });
    let nothing = call(app.post("/api/v1/datasets").json(&nothing), 400).await;
    assert_eq!(nothing["code"], "dataset_sources_missing");

    let estimate = "/api/v1/training/estimate?dataset=papers&settings=";
    let plan = call(
        app.get(&format!("{estimate}max_length%3D4000%0Aepochs%3D1")),
        200,
    )
    .await;
    assert!(plan["memory_bytes"].as_u64() > Some(0) && plan["seconds"].as_f64() > Some(0.0));
    let problem = call(app.get(&format!("{estimate}rank%3D0")), 400).await;
    assert_eq!(problem["code"], "training_settings_invalid");
    call(app.get(&format!("{estimate}rank%20")), 400).await;

    let runs = "/api/v1/training/runs";
    let settings = json!({ "max_length": 4000, "epochs": 6, "batch_size": 1, "checkpoint_steps": 2,
        "gradient_accumulation": 1, "rank": 2, "samples": 1, "eval_examples": 2 });
    for (status, code, wanted) in [
        (404, "dataset_not_found", json!({ "dataset": "none" })),
        (
            400,
            "training_settings_invalid",
            json!({ "dataset": "papers", "settings": { "epochs": 0 } }),
        ),
        (
            400,
            "training_settings_invalid",
            json!({ "dataset": "papers", "settings": { "base": "/etc/hostname" } }),
        ),
        (
            400,
            "training_settings_invalid",
            json!({ "dataset": "papers", "recipe": "magic" }),
        ),
        // Bytes are tokens here, so every prompt is too long.
        (
            422,
            "training_data_unusable",
            json!({ "dataset": "papers", "settings": { "max_length": 64 } }),
        ),
        (
            400,
            "request_malformed",
            json!({ "dataset": "papers", "train": "/etc/hostname" }),
        ),
    ] {
        let problem = call(app.post(runs).json(&wanted), status).await;
        assert_eq!(problem["code"], code, "{wanted}: {problem}");
    }
    let unsigned = app.client.post(format!("{}{runs}", app.url));
    call(unsigned.json(&json!({ "dataset": "papers" })), 403).await;
    assert_eq!(call(app.get(runs), 200).await["runs"], json!([]));

    let wanted = json!({ "dataset": "papers", "name": "web", "settings": settings });
    let begun = call(app.post(runs).json(&wanted), 201).await;
    let name = begun["name"].as_str().unwrap().to_owned();
    assert_eq!(
        (&begun["dataset"], &begun["state"]),
        (&"papers".into(), &"running".into())
    );
    let one = format!("{runs}/{name}");
    let second = call(app.post(runs).json(&wanted), 409).await;
    assert_eq!(second["code"], "run_in_progress");
    assert!(second["detail"].as_str().unwrap().contains(&name));
    // The command line sees it, and is refused likewise.
    let data = app.folder.path().to_owned();
    let refused = std::thread::spawn(move || {
        let place = Place::new();
        super::problem(&train(&data, &place, &["--json"]), 1)
    });
    assert_eq!(refused.join().unwrap()["code"], "run_in_progress");
    assert_eq!(call(app.delete(&one), 409).await["code"], "run_running");

    // Serving goes on beside it.
    call(app.get("/health/ready"), 200).await;
    let told = events(&call(app.get(&format!("{one}/events")), 200).await);
    assert_eq!(told[0].0, "loading");
    let (name_of_last, last) = told.last().unwrap();
    assert_eq!(
        (name_of_last.as_str(), &last["state"]),
        ("ended", &"finished".into())
    );
    let shown = call(app.get(&one), 200).await;
    assert_eq!(shown["state"], "finished");
    assert!(!shown["metrics"]["train"].as_array().unwrap().is_empty());
    assert!(
        Path::new(shown["result"].as_str().unwrap())
            .join("adapter_config.json")
            .is_file()
    );
    assert_eq!(
        call(app.post(&format!("{one}/stop")), 409).await["code"],
        "run_not_running"
    );
    assert_eq!(
        call(app.post(&format!("{one}/resume")), 409).await["code"],
        "run_finished"
    );

    let page = call(app.get("/training"), 200).await;
    let page = page.as_str().unwrap();
    for part in [
        "curve-train",
        "curve-eval",
        "run-form",
        "papers (",
        &name,
        "lectern finetune export",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(
        !page.contains("style=") && !page.contains("<script>"),
        "the policy forbids it"
    );
    let own = call(app.get(&format!("/training/runs/{name}")), 200).await;
    assert!(own.as_str().unwrap().contains("<code>max_length</code>"));
    let panel = call(app.get(&format!("/training/runs/{name}/panel")), 200).await;
    assert!(panel.as_str().unwrap().starts_with("<article"));
    call(app.get("/training/runs/none"), 404).await;

    // Timed now, the next is estimated by it.
    let plan = call(app.get(&format!("{estimate}max_length%3D4000")), 200).await;
    assert_eq!(plan["timed"], true);
    call(app.delete(&one), 204).await;
    assert_eq!(call(app.get(&one), 404).await["code"], "run_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_and_gone_on_with_and_outlives_the_server() {
    let app = spawn_app(&[("training.priority", "normal")]).await;
    let data = app.folder.path().to_owned();
    let place = Place::new();
    lengthen(&place);
    let (run, data) = tokio::task::spawn_blocking(move || {
        let run = start(&data, &place, &LONG);
        until(&data, &run, |run| run["step"].as_u64() > Some(1));
        // Its base and data have to last.
        std::mem::forget(place);
        (run, data)
    })
    .await
    .unwrap();
    let one = format!("/api/v1/training/runs/{run}");
    // Started from the command line, it is stopped from here.
    let stopping = call(app.post(&format!("{one}/stop")), 202).await;
    assert_eq!(stopping["name"], run.as_str());
    let ended = events(&call(app.get(&format!("{one}/events")), 200).await);
    assert_eq!(ended.last().unwrap().1["state"], "stopped");
    let page = call(app.get("/training"), 200).await;
    assert!(page.as_str().unwrap().contains("run-resume"));
    let resumed = call(app.post(&format!("{one}/resume")), 200).await;
    assert_eq!(resumed["name"], run.as_str());
    let step = stopping["step"].as_u64();
    tokio::task::spawn_blocking(move || {
        until(&data, &run, |run| {
            run["state"] == "running" && run["step"].as_u64() > step
        });
        done(&finetune(&data, &["runs", "stop", "--json"]));
    })
    .await
    .unwrap();
    let stopped = call(app.get(&one), 200).await;
    assert_eq!(stopped["state"], "stopped");
}
