//! Requests that are sent twice under one key do nothing twice.

use reqwest::Response;
use serde_json::{Value, json};

use crate::common::{TestApp, pdf, settings, spawn_app};

async fn upload(app: &TestApp, key: &str, name: &str, text: &str) -> Response {
    let part = reqwest::multipart::Part::bytes(pdf(&[text])).file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().part("file", part);
    let request = app.post("/api/v1/uploads").header("Idempotency-Key", key);
    request.multipart(form).send().await.unwrap()
}

async fn body(response: Response) -> Value {
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_sent_again_is_queued_once() {
    let app = spawn_app(&[]).await;
    let text = "A client that heard no answer sends its request again.";
    let first = upload(&app, "key-1", "a.pdf", text).await;
    assert_eq!(first.status(), 202);
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let first = body(first).await;
    app.finished(first["job"]["id"].as_str().unwrap()).await;

    let again = upload(&app, "key-1", "a.pdf", text).await;
    assert_eq!(again.status(), 202);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(
        body(again).await,
        first,
        "the same response, though the job has ended"
    );

    for (name, text) in [("b.pdf", text), ("a.pdf", "Another text.")] {
        let other = upload(&app, "key-1", name, text).await;
        assert_eq!(other.status(), 422);
        assert_eq!(body(other).await["code"], "idempotency_key_reused");
    }
    let elsewhere = app
        .post("/api/v1/collections")
        .header("Idempotency-Key", "key-1");
    let elsewhere = elsewhere
        .json(&json!({ "name": "x" }))
        .send()
        .await
        .unwrap();
    assert_eq!(body(elsewhere).await["code"], "idempotency_key_reused");

    let other = upload(&app, "key-2", "a.pdf", text).await;
    assert_ne!(body(other).await["job"]["id"], first["job"]["id"]);
    let jobs = body(app.get("/api/v1/jobs").send().await.unwrap()).await;
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_one() {
    let app = spawn_app(&[]).await;
    let text = "Impatient clients send many at once.";
    let sent = (0..8).map(|_| upload(&app, "key", "a.pdf", text));
    let answers = futures_util::future::join_all(sent).await;
    let mut ids = Vec::new();
    for answer in answers {
        match answer.status().as_u16() {
            202 => ids.push(body(answer).await["job"]["id"].clone()),
            409 => assert_eq!(body(answer).await["code"], "idempotency_key_in_flight"),
            other => panic!("{other}"),
        }
    }
    assert!(!ids.is_empty());
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let jobs = body(app.get("/api/v1/jobs").send().await.unwrap()).await;
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_leaves_the_key_free_and_a_collection_is_made_once() {
    let app = spawn_app(&[]).await;
    let create = |name: &'static str| {
        let request = app
            .post("/api/v1/collections")
            .header("Idempotency-Key", "key");
        request.json(&json!({ "name": name })).send()
    };
    assert_eq!(create("").await.unwrap().status(), 400);
    let first = create("thesis").await.unwrap();
    assert_eq!(first.status(), 201);
    let again = create("thesis").await.unwrap();
    assert_eq!(again.status(), 201, "as the first time, not 200");
    assert_eq!(body(again).await, body(first).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_outlive_the_process_and_interrupted_work_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), &[("addr", "127.0.0.1:0")]);
    let library = app::library::Library::open(settings.clone()).await.unwrap();
    // As a process leaves it that ends between queueing the upload and recording its response.
    let bytes = pdf(&["This upload was accepted just before the power went."]);
    let name = app::library::Blobs::name_of(&bytes);
    library
        .queue("the-job", "a.pdf", "default", &name, bytes)
        .await
        .unwrap();
    let asked = ["POST", "/api/v1/uploads", "default", "a.pdf", &name];
    library
        .catalog
        .keep_request("key", &fingerprint(&asked), "the-job")
        .await
        .unwrap();
    drop(library);

    let app = TestApp::on(folder, settings).await;
    let text = "This upload was accepted just before the power went.";
    let again = upload(&app, "key", "a.pdf", text).await;
    assert_eq!(again.status(), 202);
    assert_eq!(body(again).await["job"]["id"], "the-job");
    let jobs = body(app.get("/api/v1/jobs").send().await.unwrap()).await;
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);
}

fn fingerprint(parts: &[&str]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}
