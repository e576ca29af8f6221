//! The Model Context Protocol, over HTTP and over stdin and stdout, spoken by hand and by the
//! official Python client where that is installed.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use common::{TestApp, code, command, lectern, sample, spawn_app};
use serde_json::{Value, json};

const TOOLS: [&str; 5] = [
    "ask",
    "search",
    "list_documents",
    "get_document",
    "read_document",
];

fn message(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn initialize() -> Value {
    json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    })
}

fn post(app: &TestApp, body: &Value) -> reqwest::RequestBuilder {
    app.client
        .post(format!("{}/mcp", app.url))
        .header("Accept", "application/json, text/event-stream")
        .json(body)
}

async fn asked(app: &TestApp, method: &str, params: Value) -> Value {
    let response = post(app, &message(1, method, params)).send().await.unwrap();
    assert_eq!(response.status(), 200, "{method}");
    response.json().await.unwrap()
}

async fn called(app: &TestApp, tool: &str, arguments: Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    let answer = asked(app, "tools/call", params).await;
    answer["result"].clone()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_answer_over_http() {
    let app = spawn_app(&[]).await;
    let paper = std::fs::read(sample("hybrid-retrieval.pdf")).unwrap();
    let job = app.uploaded("hybrid-retrieval.pdf", paper).await;
    let id = job["result"]["document_id"].as_str().unwrap();

    let greeted = asked(&app, "initialize", initialize()).await;
    let server = &greeted["result"];
    assert_eq!(server["serverInfo"]["name"], "lectern");
    assert!(server["instructions"].as_str().unwrap().contains("page"));
    let listed = asked(&app, "tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, TOOLS);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["annotations"]["openWorldHint"], false, "{tool}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        for (name, field) in tool["inputSchema"]["properties"].as_object().unwrap() {
            assert!(field["description"].is_string(), "{name} of {tool}");
        }
    }

    let found = called(
        &app,
        "search",
        json!({ "query": "BM25 parameters", "top_k": 2 }),
    )
    .await;
    assert_eq!(found["isError"], false, "{found}");
    let passages = found["structuredContent"]["passages"].as_array().unwrap();
    assert_eq!(
        (passages.len(), &passages[0]["document_id"]),
        (2, &id.into())
    );
    assert!(text(&found).contains(passages[0]["text"].as_str().unwrap()));

    let question = "What are the usual BM25 parameters?";
    for extractive in [false, true] {
        let arguments = json!({ "question": question, "extractive": extractive });
        let answer = called(&app, "ask", arguments).await;
        let data = &answer["structuredContent"];
        assert_eq!(data["outcome"], "answered", "{answer}");
        let quote = data["citations"][0]["quote"].as_str().unwrap();
        assert!(text(&answer).contains(quote) && text(&answer).contains("[1]"));
    }

    let documents = called(&app, "list_documents", json!({})).await;
    assert_eq!(documents["structuredContent"]["documents"][0]["id"], id);
    let details = called(&app, "get_document", json!({ "document": id })).await;
    assert_eq!(
        details["structuredContent"]["document"]["file"],
        "hybrid-retrieval.pdf"
    );
    let pages = called(
        &app,
        "read_document",
        json!({ "document": id, "last_page": 1 }),
    )
    .await;
    let pages = pages["structuredContent"]["pages"].as_array().unwrap();
    let stored = app.library.catalog.page(id, 1).await.unwrap().unwrap();
    assert_eq!((pages.len(), &pages[0]["text"]), (1, &stored.text.into()));

    let resources = asked(&app, "resources/list", json!({})).await;
    let uri = resources["result"]["resources"][0]["uri"].clone();
    assert_eq!(uri, format!("lectern://documents/{id}"));
    let read = asked(&app, "resources/read", json!({ "uri": uri })).await;
    let markdown = read["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(markdown.contains("BM25") && markdown.contains('#'));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_to_the_model() {
    let app = spawn_app(&[]).await;
    for (tool, arguments, expected) in [
        ("search", json!({}), "arguments_malformed"),
        (
            "search",
            json!({ "query": "x", "colour": "red" }),
            "arguments_malformed",
        ),
        (
            "search",
            json!({ "query": "x", "top_k": 0 }),
            "top_k_invalid",
        ),
        (
            "search",
            json!({ "query": "x", "collection": "none" }),
            "collection_not_found",
        ),
        ("ask", json!({ "question": " " }), "question_empty"),
        (
            "get_document",
            json!({ "document": "none.pdf" }),
            "document_not_found",
        ),
        ("list_documents", json!({ "cursor": "x" }), "cursor_invalid"),
    ] {
        let result = called(&app, tool, arguments).await;
        assert_eq!(result["isError"], true, "{tool}: {result}");
        let text = text(&result);
        assert!(
            text.contains(expected) && text.contains("hint: "),
            "{tool}: {text}"
        );
    }
    let nothing = called(&app, "search", json!({ "query": "x" })).await;
    assert!(text(&nothing).contains("Nothing found"), "{nothing}");
    let unknown = asked(&app, "tools/call", json!({ "name": "delete_all" })).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let gone = asked(
        &app,
        "resources/read",
        json!({ "uri": "lectern://documents/none" }),
    )
    .await;
    assert_eq!(gone["error"]["code"], -32002, "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_as_guarded_as_the_others() {
    let app = spawn_app(&[]).await;
    let body = message(1, "tools/list", json!({}));
    let refused = |request: reqwest::RequestBuilder| async move {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let problem: Value = response.json().await.unwrap();
        (
            status,
            problem["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let elsewhere = post(&app, &body).header("Host", "evil.example");
    assert_eq!(refused(elsewhere).await, (403, "host_unknown".into()));
    let foreign = post(&app, &body).header("Origin", "https://evil.example");
    assert_eq!(refused(foreign).await, (403, "origin_foreign".into()));
    let form = app
        .client
        .post(format!("{}/mcp", app.url))
        .header("Content-Type", "text/plain")
        .body(body.to_string());
    assert_eq!(refused(form).await, (403, "csrf_token_wrong".into()));
    let long = message(1, "tools/list", json!({ "x": "x".repeat(2 << 20) }));
    assert_eq!(refused(post(&app, &long)).await.1, "request_malformed");
    assert_eq!(app.get("/mcp").send().await.unwrap().status(), 405);

    const TOKEN: &str = "a-secret-of-the-lab";
    let app = spawn_app(&[("token", TOKEN), ("addr", "0.0.0.0:0")]).await;
    assert_eq!(
        refused(post(&app, &body)).await,
        (401, "token_needed".into())
    );
    let known = post(&app, &body).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(known.status(), 200);
}

/// A client over stdin and stdout.
struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Client {
    fn start(data: &Path) -> Self {
        let mut child = command(data, &["mcp"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut client = Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        client.ask("initialize", initialize());
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(&message(7, method, params));
        loop {
            let mut line = String::new();
            assert!(
                self.stdout.read_line(&mut line).unwrap() > 0,
                "{method}: it ended"
            );
            let answer: Value = serde_json::from_str(&line).unwrap();
            if answer["id"] == 7 {
                return answer["result"].clone();
            }
        }
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        )
    }

    /// Closes its stdin and waits for it to end.
    fn end(mut self) -> i32 {
        drop(self.stdin.take());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

#[test]
fn over_stdin_it_shares_the_folder_with_others() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let paper = sample("lora-qlora.pdf").display().to_string();
    assert_eq!(code(&lectern(data, &["ingest", &paper])), 0);

    let mut first = Client::start(data);
    let mut second = Client::start(data);
    for client in [&mut first, &mut second] {
        let found = client.call("search", json!({ "query": "double quantisation" }));
        let passages = &found["structuredContent"]["passages"];
        assert_eq!(passages[0]["file"], "lora-qlora.pdf", "{found}");
    }
    // The command line goes through the one that has the folder open.
    assert_eq!(code(&lectern(data, &["search", "quantisation"])), 0);
    assert_eq!(first.end(), 0);
    let listed = second.call("list_documents", json!({}));
    assert_eq!(
        listed["structuredContent"]["documents"][0]["file"],
        "lora-qlora.pdf"
    );
    assert_eq!(second.end(), 0);

    // Beside a running server.
    let mut server = command(data, &["serve", "--addr", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let mut client = Client::start(data);
    let question = "How many bits per parameter do the scales cost with double quantisation?";
    let answer = client.call("ask", json!({ "question": question, "extractive": true }));
    assert_eq!(
        answer["structuredContent"]["outcome"], "answered",
        "{answer}"
    );
    assert_eq!(client.end(), 0);
    server.kill().unwrap();
    server.wait().unwrap();
}

/// The Python interpreter that has the package `mcp`; none where there is none.
fn python() -> Option<String> {
    let candidates = [
        std::env::var("LECTERN_TEST_PYTHON").ok(),
        Some("python3".into()),
    ];
    candidates.into_iter().flatten().find(|python| {
        Command::new(python)
            .args(["-c", "from mcp import Client"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_is_served() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python with the package mcp (2.x); name one in LECTERN_TEST_PYTHON");
        return;
    };
    let app = spawn_app(&[]).await;
    let bytes = std::fs::read(sample("hybrid-retrieval.pdf")).unwrap();
    app.uploaded("hybrid-retrieval.pdf", bytes).await;
    let data = tempfile::tempdir().unwrap();
    let paper = sample("hybrid-retrieval.pdf").display().to_string();
    assert_eq!(code(&lectern(data.path(), &["ingest", &paper])), 0);

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp_client.py");
    let folder = data.path().display().to_string();
    for arguments in [
        vec![format!("{}/mcp", app.url)],
        vec![
            common::LECTERN.to_owned(),
            "--data-dir".into(),
            folder,
            "mcp".into(),
        ],
    ] {
        let output = tokio::process::Command::new(&python)
            .arg(script)
            .args(&arguments)
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
