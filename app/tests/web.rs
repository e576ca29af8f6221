//! The web page and the API, over HTTP: uploads, answers, and everything that must be refused.

mod common;

use common::{pdf, sample, spawn_app};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_becomes_a_cited_answer_and_goes_without_a_trace() {
    let app = spawn_app(&[]).await;
    let job = app
        .uploaded(
            "hybrid retrieval.pdf",
            std::fs::read(sample("hybrid-retrieval.pdf")).unwrap(),
        )
        .await;
    assert_eq!(
        (&job["state"], &job["result"]["status"]),
        (&"done".into(), &"added".into()),
        "{job}"
    );
    let id = job["result"]["document_id"].as_str().unwrap();

    let again = app
        .uploaded(
            "again.pdf",
            std::fs::read(sample("hybrid-retrieval.pdf")).unwrap(),
        )
        .await;
    assert_eq!(again["result"]["status"], "unchanged");

    let question = json!({ "question": "What are the usual BM25 parameters?" });
    let response = app
        .post("/api/v1/ask")
        .json(&question)
        .send()
        .await
        .unwrap();
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    let events = events(&response.text().await.unwrap());
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names.first(),
        Some(&"evidence"),
        "evidence comes before the first token: {names:?}"
    );
    assert_eq!(names.last(), Some(&"answer"), "{names:?}");
    let answer = &events.last().unwrap().1;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    let citation = &answer["citations"][0];
    assert_eq!(citation["document_id"], id);

    let page = app
        .get(&format!(
            "/documents/{id}/pages/{}?q={}",
            citation["page"],
            encoded(citation["quote"].as_str().unwrap())
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("<rect id=\"quote\""));
    let file = app
        .get(&format!("/documents/{id}/file"))
        .send()
        .await
        .unwrap();
    assert_eq!(file.headers()["content-type"], "application/pdf");
    assert_eq!(
        file.bytes().await.unwrap(),
        std::fs::read(sample("hybrid-retrieval.pdf")).unwrap()
    );

    assert_eq!(
        app.delete(&format!("/api/v1/documents/{id}"))
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(
        app.get(&format!("/documents/{id}/file"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert!(
        app.library
            .catalog
            .answer(answer["id"].as_str().unwrap())
            .await
            .unwrap()
            .is_none(),
        "the stored answer quotes it"
    );
    let report = app.library.doctor().await.unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!(
        (
            report.chunks.catalog,
            report.chunks.dense,
            report.chunks.bm25
        ),
        (0, 0, 0)
    );
    assert!(app.library.blobs.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_uploads_are_refused_or_fail_with_a_reason() {
    let app = spawn_app(&[("max_upload_mb", "1")]).await;
    for (name, bytes, expected) in [
        ("notes.pdf", b"just text".to_vec(), "not_a_pdf"),
        ("nothing.pdf", pdf(&[]), "no_pages"),
        ("broken.pdf", b"%PDF-1.7\nrubbish".to_vec(), "damaged"),
    ] {
        let job = app.uploaded(name, bytes).await;
        assert_eq!(job["state"], "failed", "{job}");
        assert_eq!(job["result"]["error"]["code"], expected, "{job}");
        assert!(!job["result"]["error"]["hint"].as_str().unwrap().is_empty());
    }
    let empty = app.upload("empty.pdf", Vec::new()).await;
    assert_eq!(empty.status(), 422);
    assert_eq!(empty.json::<Value>().await.unwrap()["code"], "empty_file");
    let large = app.upload("large.pdf", vec![0; 2 << 20]).await;
    assert_eq!(large.status(), 413);
    assert_eq!(
        large.json::<Value>().await.unwrap()["code"],
        "file_too_large"
    );

    let hostile = "../../<script>alert('x')</script>\".pdf";
    let job = app
        .uploaded(
            hostile,
            pdf(&["A file name is data, whatever it looks like to a browser."]),
        )
        .await;
    assert_eq!(job["result"]["status"], "added", "{job}");
    assert!(!job["file"].as_str().unwrap().contains('/'), "{job}");
    let html = app
        .get("/library")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        !html.contains("<script>alert"),
        "the file name became markup"
    );

    app.left_with_blobs(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_uploads_can_be_cancelled_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = common::settings(folder.path(), &[]);
    let library = app::library::Library::open(settings.clone()).await.unwrap();
    let bytes =
        pdf(&["An upload that was accepted is never lost, whatever happens to the process."]);
    let name = app::library::Blobs::name_of(&bytes);
    library
        .queue("first", "kept.pdf", "default", &name, bytes)
        .await
        .unwrap();
    let other = pdf(&["This one is cancelled before its turn comes."]);
    let other_name = app::library::Blobs::name_of(&other);
    library
        .queue("second", "cancelled.pdf", "default", &other_name, other)
        .await
        .unwrap();
    assert!(library.catalog.cancel_queued_job("second").await.unwrap());
    // As if the process had died in the middle of the first job.
    assert_eq!(
        library.catalog.take_job().await.unwrap().unwrap().id,
        "first"
    );
    drop(library);

    let library = app::library::Library::open(settings).await.unwrap();
    let _worker = app::jobs::Worker::start(library.clone());
    let job = loop {
        let job = library.catalog.job("first").await.unwrap().unwrap();
        if job.result.is_some() {
            break job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(job.state, app::catalog::JobState::Done);
    assert_eq!(library.catalog.count_documents().await.unwrap(), 1);
    assert_eq!(
        library.blobs.list().await.unwrap(),
        [name],
        "the cancelled one left nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_upload_can_be_cancelled_and_leaves_nothing() {
    let app = spawn_app(&[]).await;
    let line = "Consensus among servers is reached by a majority that never changes its mind.";
    let pages: Vec<String> = (0..1200)
        .map(|page| format!("Page {page}. {line}"))
        .collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let queued: Value = app
        .upload("long.pdf", pdf(&pages))
        .await
        .json()
        .await
        .unwrap();
    let path = format!("/api/v1/jobs/{}", queued["job"]["id"].as_str().unwrap());
    loop {
        let job: Value = app.get(&path).send().await.unwrap().json().await.unwrap();
        let job = &job["job"];
        if job["stage"] == "embedding" {
            assert!(
                job["done"].as_u64().unwrap() <= job["total"].as_u64().unwrap(),
                "{job}"
            );
            break;
        }
        assert!(
            matches!(job["state"].as_str().unwrap(), "queued" | "running"),
            "{job}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    app.post(&format!("{path}/cancel")).send().await.unwrap();
    let job = app.finished(queued["job"]["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "cancelled", "{job}");
    assert_eq!(app.library.catalog.count_documents().await.unwrap(), 0);
    app.left_with_blobs(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_from_elsewhere_are_refused() {
    let app = spawn_app(&[]).await;
    let forbidden = |response: reqwest::Response| async move {
        assert_eq!(response.status(), 403);
        response.json::<Value>().await.unwrap()["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let response = app
        .get("/api/v1/documents")
        .header("Host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(forbidden(response).await, "host_unknown");
    let response = app
        .post("/api/v1/ask")
        .header("Origin", "https://evil.example")
        .json(&json!({"question": "x"}));
    assert_eq!(
        forbidden(response.send().await.unwrap()).await,
        "origin_foreign"
    );
    let url = format!("{}/api/v1/documents/x", app.url);
    let response = app.client.delete(&url).send().await.unwrap();
    assert_eq!(forbidden(response).await, "csrf_token_wrong");
    let response = app
        .client
        .delete(&url)
        .header("X-CSRF-Token", "guess")
        .send()
        .await
        .unwrap();
    assert_eq!(forbidden(response).await, "csrf_token_wrong");

    for path in [
        "/",
        "/library",
        "/nothing",
        "/static/style.css",
        "/api/v1/jobs",
    ] {
        let response = app.get(path).send().await.unwrap();
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
    let html = app.get("/").send().await.unwrap().text().await.unwrap();
    assert!(!html.contains("<script>") && !html.contains(" style=") && !html.contains(" onclick="));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_token_nothing_is_open() {
    const TOKEN: &str = "a-secret-of-the-lab";
    let app = spawn_app(&[("token", TOKEN), ("addr", "0.0.0.0:0")]).await;
    let response = app.get("/api/v1/documents").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.json::<Value>().await.unwrap()["code"],
        "token_needed"
    );
    let response = app
        .get("/library?x=1")
        .header("Accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (303, &"/login?next=/library%3Fx%3D1".parse().unwrap())
    );
    assert_eq!(app.get("/health/live").send().await.unwrap().status(), 200);
    assert_eq!(
        app.get("/api/v1/documents")
            .bearer_auth("wrong")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    assert_eq!(
        app.get("/api/v1/documents")
            .bearer_auth(TOKEN)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );

    let login = |token: &'static str, next: &'static str| {
        let request = app
            .client
            .post(format!("{}/login", app.url))
            .header("Content-Type", "application/x-www-form-urlencoded");
        request.body(format!("token={token}&next={next}")).send()
    };
    assert_eq!(login("wrong", "/").await.unwrap().status(), 401);
    let response = login(TOKEN, "//evil.example").await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["location"].to_str().unwrap()
        ),
        (303, "/")
    );
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let session = cookie.split(';').next().unwrap();
    let response = app
        .get("/library")
        .header("Cookie", session)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        !response.text().await.unwrap().contains(TOKEN),
        "the token never appears in a page"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_are_refused() {
    let app = spawn_app(&[]).await;
    for (body, expected) in [
        (json!({ "question": "" }), "question_empty"),
        (
            json!({ "question": "a".repeat(100_000) }),
            "question_too_long",
        ),
        (json!({ "query": "x" }), "request_malformed"),
    ] {
        let response = app.post("/api/v1/ask").json(&body).send().await.unwrap();
        assert_eq!(response.status(), 400, "{expected}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], expected);
        assert!(!problem["hint"].as_str().unwrap().is_empty());
    }
    let response = app.get("/api/v1/nothing").send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.json::<Value>().await.unwrap()["code"]
        ),
        (404, &"address_unknown".into())
    );
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn events(text: &str) -> Vec<(String, Value)> {
    text.split("\n\n")
        .filter(|event| !event.trim().is_empty())
        .map(|event| {
            let field = |name: &str| {
                event
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .unwrap()
            };
            (
                field("event: ").to_owned(),
                serde_json::from_str(field("data: ")).unwrap(),
            )
        })
        .collect()
}
