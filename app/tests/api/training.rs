//! Datasets and training runs against what the document says of them, on a tiny model.

use serde_json::json;

use super::contract::Contract;
use crate::common::{sample, spawn_app};
use crate::tiny_answerer;

/// From a paper to a run that is deleted.
pub(crate) async fn training(api: &mut Contract) {
    let models = tiny_answerer::models();
    let app = spawn_app(&[
        ("models_dir", &models.path().display().to_string()),
        // The one that comes with Lectern is for the model whose place the tiny one takes.
        ("answer.adapter", "none"),
        ("training.priority", "normal"),
    ])
    .await;
    let file = std::fs::read(sample("hybrid-retrieval.pdf")).unwrap();
    assert_eq!(app.uploaded("hybrid.pdf", file).await["state"], "done");

    let wanted = json!({ "name": "set", "generate": 12, "max_tokens": 4000 });
    for status in [201, 409] {
        let prepare = app.post("/api/v1/datasets").json(&wanted);
        api.hold("POST /api/v1/datasets", status, prepare).await;
    }
    let nothing = json!({ "name": "none", "generate": 0, "feedback": true });
    let prepare = app
        .post("/api/v1/datasets")
        .header("Accept", "text/event-stream")
        .json(&nothing);
    let stream = api.hold("POST /api/v1/datasets", 200, prepare).await;
    assert!(
        stream.as_str().unwrap().starts_with("event: error\n"),
        "{stream}"
    );
    api.hold_value("PreparingEvent", &json!({ "done": 1, "total": 2 }));
    let list = app.get("/api/v1/datasets");
    api.hold("GET /api/v1/datasets", 200, list).await;
    for (status, name) in [(200, "set"), (404, "none")] {
        let one = app.get(&format!("/api/v1/datasets/{name}"));
        api.hold("GET /api/v1/datasets/{name}", status, one).await;
    }

    for (status, settings) in [(200, "max_length%3D4000"), (400, "rank%3D0")] {
        let address = format!("/api/v1/training/estimate?dataset=set&settings={settings}");
        api.hold("GET /api/v1/training/estimate", status, app.get(&address))
            .await;
    }
    let settings = json!({ "max_length": 4000, "epochs": 100, "batch_size": 1, "samples": 1 });
    let wanted = json!({ "dataset": "set", "settings": settings });
    let runs = "/api/v1/training/runs";
    let begin = app.post(runs).json(&wanted);
    let begun = api.hold("POST /api/v1/training/runs", 201, begin).await;
    let begin = app.post(runs).json(&wanted);
    api.hold("POST /api/v1/training/runs", 409, begin).await;
    let run = format!("{runs}/{}", begun["name"].as_str().unwrap());
    loop {
        let one = api
            .hold("GET /api/v1/training/runs/{run}", 200, app.get(&run))
            .await;
        if one["step"].as_u64() > Some(0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let stop = app.post(&format!("{run}/stop"));
    api.hold("POST /api/v1/training/runs/{run}/stop", 202, stop)
        .await;
    let events = app.get(&format!("{run}/events"));
    let events = api
        .hold("GET /api/v1/training/runs/{run}/events", 200, events)
        .await;
    for event in events.as_str().unwrap().split_terminator("\n\n") {
        let Some((_, data)) = event.split_once("\ndata: ") else {
            continue;
        };
        api.hold_value("RunEvent", &serde_json::from_str(data).unwrap());
    }
    api.hold("GET /api/v1/training/runs", 200, app.get(runs))
        .await;
    let resume = app.post(&format!("{run}/resume"));
    api.hold("POST /api/v1/training/runs/{run}/resume", 200, resume)
        .await;
    api.hold("DELETE /api/v1/training/runs/{run}", 409, app.delete(&run))
        .await;
    let stop = app.post(&format!("{run}/stop"));
    api.hold("POST /api/v1/training/runs/{run}/stop", 202, stop)
        .await;
    // Read to its end, which is the run's.
    app.get(&format!("{run}/events"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for _ in 0..200 {
        if app.delete(&run).send().await.unwrap().status() == 204 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    api.hold("DELETE /api/v1/training/runs/{run}", 404, app.delete(&run))
        .await;
    let delete = app.delete("/api/v1/datasets/set");
    api.hold("DELETE /api/v1/datasets/{name}", 204, delete)
        .await;
}
