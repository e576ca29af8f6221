//! OpenAI's routes over HTTP, and OpenAI's own Python client on them where it is installed.

mod common;

use std::process::Command;

use base64::Engine;
use common::{TestApp, pdf, spawn_app};
use serde_json::{Value, json};

const QUESTION: &str = "What was the median latency of the protocol?";
const SENTENCE: &str = "The median latency of the protocol was 35 ms in the second experiment.";

/// A library with one paper, and an empty collection beside it.
async fn app() -> TestApp {
    let app = spawn_app(&[]).await;
    app.uploaded("latency.pdf", pdf(&[SENTENCE])).await;
    app.library.create_collection("empty shelf").await.unwrap();
    app
}

/// Sends a body as a client does that knows nothing of CSRF tokens.
async fn post(app: &TestApp, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", app.url);
    let request = app.client.post(url).bearer_auth("unused").json(body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

fn chat(more: Value) -> Value {
    let mut body = json!({
        "model": "lectern",
        "messages": [{"role": "user", "content": QUESTION}],
        "lectern": {"extractive": true},
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_openais_shape_and_its_proof() {
    let app = app().await;
    let (status, answer) = post(&app, "/v1/chat/completions", &chat(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["object"], "chat.completion");
    let choice = &answer["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["index"]),
        (&json!("stop"), &json!(0))
    );
    let message = &choice["message"];
    assert_eq!(message["content"], format!("{SENTENCE} [1]"));
    assert_eq!(message["lectern"]["citations"][0]["quote"], SENTENCE);
    assert_eq!(message["lectern"]["citations"][0]["page"], 1);
    let usage = &answer["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64().unwrap(),
        usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap()
    );
    // The answer is kept under its id.
    let id = message["lectern"]["id"].as_str().unwrap();
    assert!(app.library.catalog.answer(id).await.unwrap().is_some());

    let with_sources = json!({"lectern": {"extractive": true, "sources": true}, "stop": "in the"});
    let (_, answer) = post(&app, "/v1/chat/completions", &chat(with_sources)).await;
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "The median latency of the protocol was 35 ms \n\nSources:\n[1] latency, page 1"
    );

    let in_collection = json!({"model": "lectern:empty shelf"});
    let (status, answer) = post(&app, "/v1/chat/completions", &chat(in_collection)).await;
    assert_eq!(status, 200, "{answer}");
    let own = &answer["choices"][0]["message"]["lectern"];
    assert_eq!(own["outcome"], "insufficient_evidence", "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_in_done_and_is_the_checked_answer() {
    let app = app().await;
    let body = chat(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let response = app
        .client
        .post(format!("{}/v1/chat/completions", app.url))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let mut events: Vec<&str> = text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .collect();
    assert_eq!(events.pop(), Some("[DONE]"), "{text}");
    let chunks: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]));
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["object"] == "chat.completion.chunk")
    );
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let written: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(written, format!("{SENTENCE} [1]"));
    let evidence = &chunks[1]["choices"][0]["delta"]["lectern_evidence"];
    assert_eq!(evidence[0]["quote"], SENTENCE, "{text}");
    let [.., last, usage] = chunks.as_slice() else {
        panic!("{text}");
    };
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        last["choices"][0]["delta"]["lectern"]["outcome"],
        "answered"
    );
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["total_tokens"].is_u64() && last["usage"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_told_so_in_openais_shape() {
    let app = app().await;
    let path = "/v1/chat/completions";
    for (body, status, param, code) in [
        (
            chat(json!({"model": "gpt-4o"})),
            404,
            json!("model"),
            "model_not_found",
        ),
        (
            chat(json!({"model": "lectern:nowhere"})),
            404,
            json!("model"),
            "model_not_found",
        ),
        (chat(json!({"n": 3})), 400, json!("n"), "invalid_value"),
        (
            chat(json!({"messages": []})),
            400,
            json!("messages"),
            "invalid_value",
        ),
        (
            chat(json!({"messages": [{"role": "user", "content": "x".repeat(100_000)}]})),
            400,
            json!(null),
            "question_too_long",
        ),
        (
            chat(json!({"lectern": {"documents": ["nothing.pdf"]}, "stream": true})),
            404,
            json!(null),
            "document_not_found",
        ),
    ] {
        let (found, answer) = post(&app, path, &body).await;
        let error = &answer["error"];
        assert_eq!(found, status, "{answer}");
        assert_eq!(
            (&error["param"], &error["code"]),
            (&param, &json!(code)),
            "{answer}"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert!(
            error["message"].as_str().unwrap().contains("hint: "),
            "{answer}"
        );
    }
    let (_, unknown) = post(&app, path, &chat(json!({"model": "gpt-4o"}))).await;
    let message = unknown["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("lectern, lectern:default, lectern:empty shelf"),
        "{message}"
    );

    let send = |request: reqwest::RequestBuilder| async {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    };
    let raw = || app.client.post(format!("{}{path}", app.url));
    let json_type = ("Content-Type", "application/json");
    for (request, expected) in [
        (
            raw().header(json_type.0, json_type.1).body("{\"model\":"),
            (400, "request_malformed"),
        ),
        (raw().body("{}"), (400, "request_malformed")),
        (
            raw()
                .header("Origin", "https://evil.example")
                .json(&json!({})),
            (403, "origin_foreign"),
        ),
        (
            raw().header("Host", "evil.example").json(&json!({})),
            (403, "host_unknown"),
        ),
        (app.get("/v1/chat/completions"), (404, "unknown_url")),
        (app.get("/v1/engines"), (404, "unknown_url")),
        (
            app.get("/v1/models/lectern:nowhere"),
            (404, "model_not_found"),
        ),
    ] {
        let (status, code) = send(request).await;
        assert_eq!((status, code.as_str()), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_routes_and_a_cookie_alone_changes_nothing() {
    let token = "a-token-that-nobody-guesses";
    let app = spawn_app(&[("token", token)]).await;
    let (status, body) = post(&app, "/v1/chat/completions", &chat(json!({}))).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("invalid_api_key"))
    );
    let models = app
        .get("/v1/models")
        .header("Accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(models.status(), 401, "no page is shown");
    let request = app
        .client
        .post(format!("{}/v1/chat/completions", app.url))
        .bearer_auth(token)
        .json(&chat(json!({})));
    assert_eq!(request.send().await.unwrap().status(), 200);

    let signed_in = app
        .client
        .post(format!("{}/login", app.url))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(format!("token={token}&next=/"))
        .send()
        .await
        .unwrap();
    let cookie = signed_in.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    let request = app
        .client
        .post(format!("{}/v1/chat/completions", app.url))
        .header("Cookie", cookie.split(';').next().unwrap())
        .json(&chat(json!({})));
    let response: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(response["error"]["code"], "csrf_token_wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_are_those_of_the_library() {
    let app = app().await;
    let (embedder, path) = (app.library.embedder().await.unwrap(), "/v1/embeddings");
    let model = embedder.space().id.clone();
    let body = json!({"model": model, "input": [SENTENCE, "Another."]});
    let (status, answer) = post(&app, path, &body).await;
    assert_eq!(status, 200, "{answer}");
    let vector = |answer: &Value| -> Vec<f32> {
        serde_json::from_value(answer["data"][0]["embedding"].clone()).unwrap()
    };
    let floats = vector(&answer);
    assert_eq!(answer["data"][1]["index"], 1);
    let cosine = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let expected = embedder.embed_documents(&[SENTENCE]).unwrap().remove(0);
    assert!(cosine(&floats, &expected) > 0.99);
    let tokens = embedder.count_tokens(SENTENCE) + embedder.count_tokens("Another.");
    assert_eq!(answer["usage"]["prompt_tokens"], tokens);

    let body = json!({"model": model, "input": SENTENCE, "encoding_format": "base64", "dimensions": floats.len()});
    let (_, answer) = post(&app, path, &body).await;
    let text = answer["data"][0]["embedding"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    let decoded: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    assert!(cosine(&floats, &decoded) > 0.99);

    let long = "word ".repeat(5000);
    for (more, status, param) in [
        (json!({"model": "ada"}), 404, "model"),
        (json!({"input": [1, 2, 3]}), 400, "input"),
        (json!({"input": [[1, 2], [3]]}), 400, "input"),
        (json!({"input": []}), 400, "input"),
        (json!({"input": ["a", ""]}), 400, "input"),
        (json!({"input": long}), 400, "input"),
        (json!({"dimensions": 7}), 400, "dimensions"),
        (json!({"encoding_format": "int8"}), 400, "encoding_format"),
    ] {
        let mut body = json!({"model": model, "input": "a"});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let (found, answer) = post(&app, path, &body).await;
        assert_eq!(
            (found, &answer["error"]["param"]),
            (status, &json!(param)),
            "{answer}"
        );
    }
    let (status, answer) = post(
        &app,
        path,
        &json!({"model": model, "input": long, "truncate": true}),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(answer["usage"]["prompt_tokens"], embedder.max_tokens());
}

/// Set `LECTERN_TEST_PYTHON` to a Python that has the package `openai`; else `python3` is tried.
#[tokio::test(flavor = "multi_thread")]
async fn openais_own_client_is_content() {
    let python = std::env::var("LECTERN_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let import = Command::new(&python).args(["-c", "import openai"]).output();
    if !import.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no package `openai`");
        return;
    }
    let app = app().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/openai_client.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg(format!("{}/v1", app.url))
        .arg(QUESTION);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    assert!(said.trim().ends_with("all is well"), "{said}{error}");
}
