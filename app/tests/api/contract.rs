//! Real responses against the schemas that the document gives them, more strictly than it says: what
//! it does not name may not be there.

use std::collections::BTreeSet;

use app::catalog::{AdapterRecord, NewAdapter, Pair};
use boon::{Compiler, Schemas};
use reqwest::{RequestBuilder, Response};
use serde_json::{Map, Value, json};

use crate::common::{TestApp, sample, spawn_app};

const ROOT: &str = "http://lectern.test/api.json";

/// The document, and which of its operations were tried.
pub(crate) struct Contract {
    pub(crate) document: Value,
    strict: Value,
    pub(crate) tried: BTreeSet<String>,
}

impl Contract {
    pub(crate) async fn of(app: &TestApp) -> Self {
        let response = app.get("/api/v1/openapi.json").send().await.unwrap();
        let document: Value = response.json().await.unwrap();
        let mut strict = json!({ "alone": {}, "merged": {} });
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            strict["alone"][name] = stricter(schema, false);
            strict["merged"][name] = stricter(schema, true);
        }
        Self {
            document,
            strict,
            tried: BTreeSet::new(),
        }
    }

    /// Sends a request and holds the response against what the document says of `operation`, such as
    /// `GET /api/v1/jobs`.
    pub(crate) async fn hold(
        &mut self,
        operation: &str,
        status: u16,
        request: RequestBuilder,
    ) -> Value {
        let response = request.send().await.unwrap();
        let found = response.status().as_u16();
        let (content, text) = read(response).await;
        assert_eq!(found, status, "{operation}: {text}");
        let described = self.described(operation, status);
        self.tried.insert(operation.to_owned());
        let Some(bodies) = described["content"].as_object() else {
            assert!(text.is_empty(), "{operation} {status} has no body: {text}");
            return Value::Null;
        };
        let schema = &bodies
            .get(&content)
            .unwrap_or_else(|| panic!("{operation} {status} gives {content}, not {bodies:?}"))["schema"];
        if content.starts_with("text/") || schema["type"] == "string" {
            return text.into();
        }
        let value: Value = serde_json::from_str(&text).unwrap();
        self.validate(operation, schema, &value);
        value
    }

    /// Holds a value against a named schema.
    pub(crate) fn hold_value(&self, name: &str, value: &Value) {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        self.validate(name, &schema, value);
    }

    fn described(&self, operation: &str, status: u16) -> Value {
        let (method, path) = operation.split_once(' ').unwrap();
        let operation_value = &self.document["paths"][path][method.to_ascii_lowercase()];
        assert!(operation_value.is_object(), "{operation} is not described");
        let responses = &operation_value["responses"];
        let response = match &responses[status.to_string()] {
            Value::Null if status >= 400 => &responses["default"],
            Value::Null => panic!("{operation} does not say that it gives {status}"),
            response => response,
        };
        match response["$ref"].as_str() {
            Some(to) => self.document.pointer(&to[1..]).unwrap().clone(),
            None => response.clone(),
        }
    }

    fn validate(&self, what: &str, schema: &Value, value: &Value) {
        let mut root = self.strict.clone();
        root["asked"] = stricter(schema, false);
        let mut compiler = Compiler::new();
        compiler.add_resource(ROOT, root).unwrap();
        let mut schemas = Schemas::new();
        let index = compiler
            .compile(&format!("{ROOT}#/asked"), &mut schemas)
            .unwrap_or_else(|error| panic!("{what}: {error:#}"));
        if let Err(error) = schemas.validate(value, index) {
            panic!("{what}: {error:#}\n{value:#}");
        }
    }
}

/// Content type without parameters, and the body.
async fn read(response: Response) -> (String, String) {
    let content = response.headers().get("content-type");
    let content = content.map_or("", |value| value.to_str().unwrap());
    let content = content.split(';').next().unwrap().to_owned();
    (content, response.text().await.unwrap())
}

/// A schema that refuses what it does not name. Where schemas are merged (`allOf`), the whole refuses
/// and the parts do not.
fn stricter(schema: &Value, merged: bool) -> Value {
    let Value::Object(schema) = schema else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (key, value) in schema {
        let value = match (key.as_str(), value) {
            ("$ref", Value::String(to)) => {
                let name = to.rsplit('/').next().unwrap();
                let set = if merged { "merged" } else { "alone" };
                format!("{ROOT}#/{set}/{name}").into()
            }
            ("allOf", Value::Array(parts)) => {
                parts.iter().map(|part| stricter(part, true)).collect()
            }
            ("oneOf" | "anyOf", Value::Array(parts)) => {
                parts.iter().map(|part| stricter(part, merged)).collect()
            }
            ("properties", Value::Object(fields)) => fields
                .iter()
                .map(|(name, field)| (name.clone(), stricter(field, false)))
                .collect::<Map<_, _>>()
                .into(),
            ("items", items) => stricter(items, false),
            (_, value) => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    if merged {
        out.remove("additionalProperties");
    } else if schema.contains_key("properties") || schema.contains_key("allOf") {
        out.insert("unevaluatedProperties".into(), false.into());
    }
    out.into()
}

/// A blind comparison: pairs, votes, and how they stand.
async fn comparisons(api: &mut Contract, app: &TestApp) {
    let catalog = &app.library.catalog;
    let models = ["0123456789abcdef".to_owned(), "base".to_owned()];
    catalog
        .add_comparison("c0ffee", &models, "d", 1)
        .await
        .unwrap();
    let pair = Pair {
        position: 1,
        question: "Who?".to_owned(),
        expected: "Ada [1]".to_owned(),
        notes: vec!["1. Ada did it.".to_owned()],
        answers: ["Ada".to_owned(), "Bob".to_owned()],
        swapped: true,
        vote: None,
    };
    catalog.add_pair("c0ffee", &pair, &[]).await.unwrap();
    catalog.end_comparison("c0ffee", None).await.unwrap();
    let all = "/api/v1/comparisons";
    let list = api.hold(&format!("GET {all}"), 200, app.get(all)).await;
    assert_eq!(list["comparisons"][0]["next"]["left"], "Bob");
    let (one, votes) = (format!("{all}/c0ff"), format!("{all}/c0ff/votes"));
    let shown = format!("GET {all}/{{id}}");
    api.hold(&shown, 200, app.get(&one)).await;
    let vote = format!("POST {all}/{{id}}/votes");
    for (status, position) in [(404, 2), (200, 1)] {
        let body = json!({ "position": position, "vote": "right" });
        let standing = api.hold(&vote, status, app.post(&votes).json(&body)).await;
        if status == 200 {
            assert_eq!(
                (&standing["wins"], &standing["losses"]),
                (&1.into(), &0.into())
            );
        }
    }
    let unknown = app.post(all).json(&json!({ "adapter": "none" }));
    api.hold(&format!("POST {all}"), 404, unknown).await;
    let delete = format!("DELETE {all}/{{id}}");
    api.hold(&delete, 204, app.delete(&one)).await;
    api.hold(&shown, 404, app.get(&one)).await;
}

/// The library's questions of itself.
async fn evaluations(api: &mut Contract, app: &TestApp) {
    let path = "/api/v1/evaluations";
    let operation = format!("POST {path}");
    for (status, body) in [
        (400, json!({ "questions": 0 })),
        (202, json!({ "questions": 2, "extractive": true })),
    ] {
        api.hold(&operation, status, app.post(path).json(&body))
            .await;
    }
    loop {
        let list = api.hold(&format!("GET {path}"), 200, app.get(path)).await;
        if list["running"] == false {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// The life of feedback on an answer.
async fn feedback(api: &mut Contract, app: &TestApp, answer: &str) {
    let given = json!({ "rating": 2, "tags": ["incomplete"], "comment": "Too short.", "citations": [{ "key": 1, "right": true }] });
    for (status, body) in [
        (201, given),
        (422, json!({ "rating": 7 })),
        (400, json!({})),
    ] {
        let give = app.post(&format!("{answer}/feedback")).json(&body);
        api.hold("POST /api/v1/answers/{id}/feedback", status, give)
            .await;
    }
    let list = app.get("/api/v1/feedback?state=pending");
    let list = api.hold("GET /api/v1/feedback", 200, list).await;
    let one = list["feedback"][0]["id"].as_str().unwrap();
    let one = format!("/api/v1/feedback/{one}");
    api.hold("GET /api/v1/feedback/{id}", 200, app.get(&one))
        .await;
    let approve = || app.post(&format!("{one}/approve")).json(&json!({}));
    api.hold("POST /api/v1/feedback/{id}/approve", 422, approve())
        .await;
    let edit = app
        .patch(&one)
        .json(&json!({ "correction": "k1 of 1.2 [1]", "by": "Ann" }));
    api.hold("PATCH /api/v1/feedback/{id}", 200, edit).await;
    api.hold("POST /api/v1/feedback/{id}/approve", 200, approve())
        .await;
    for format in ["messages", "parquet"] {
        let export = app.get(&format!("/api/v1/feedback/export?format={format}"));
        let export = api.hold("GET /api/v1/feedback/export", 200, export).await;
        assert!(!export.as_str().unwrap().is_empty());
    }
    let pair = json!({ "instruction": "Say a.", "output": "a" }).to_string();
    for (status, body) in [(200, pair.as_str()), (422, "{")] {
        let import = app.post("/api/v1/feedback/import").body(body.to_owned());
        api.hold("POST /api/v1/feedback/import", status, import)
            .await;
    }
    let reject = app
        .post(&format!("{one}/reject"))
        .json(&json!({ "note": "no" }));
    api.hold("POST /api/v1/feedback/{id}/reject", 200, reject)
        .await;
    let withdraw = app.post(&format!("{one}/withdraw")).json(&json!({}));
    api.hold("POST /api/v1/feedback/{id}/withdraw", 200, withdraw)
        .await;
    api.hold("POST /api/v1/feedback/{id}/approve", 409, approve())
        .await;
    api.hold("DELETE /api/v1/feedback/{id}", 204, app.delete(&one))
        .await;
    api.hold("GET /api/v1/feedback/{id}", 404, app.get(&one))
        .await;
}

/// What can be asked of adapters where no model is loaded.
async fn adapters(api: &mut Contract, app: &TestApp, answer: &str) {
    let lineage = app.get(&format!("{answer}/lineage"));
    let lineage = api.hold("GET /api/v1/answers/{id}/lineage", 200, lineage);
    assert!(lineage.await["adapter"].is_null());
    let record: AdapterRecord = serde_json::from_value(json!({
        "id": "0123456789abcdef", "sha256": "0123456789abcdef".repeat(4), "name": "run", "run": null,
        "base": { "model": "m", "sha256": "00", "source_sha256": null },
        "dataset": { "name": null, "sha256": null, "train": "t", "train_sha256": "11", "examples": 1 },
        "rank": 8, "parameters": 100, "state": "candidate", "deleted_documents": 0,
        "evaluation": null, "created_at": "", "updated_at": "",
    }))
    .unwrap();
    let new = NewAdapter {
        record,
        documents: Vec::new(),
        feedback: vec!["gone".to_owned()],
    };
    app.library.catalog.add_adapter(&new).await.unwrap();
    let list = api.hold("GET /api/v1/adapters", 200, app.get("/api/v1/adapters"));
    assert_eq!(list.await["adapters"][0]["fits"], false);
    let one = "/api/v1/adapters/0123";
    api.hold("GET /api/v1/adapters/{id}", 200, app.get(one))
        .await;
    let lineage = app.get(&format!("{one}/lineage"));
    api.hold("GET /api/v1/adapters/{id}/lineage", 200, lineage)
        .await;
    for what in ["evaluate", "promote"] {
        let request = app.post(&format!("/api/v1/adapters/none/{what}"));
        let operation = format!("POST /api/v1/adapters/{{id}}/{what}");
        api.hold(&operation, 404, request.json(&json!({}))).await;
    }
    let rollback = app.post("/api/v1/adapters/rollback").json(&json!({}));
    api.hold("POST /api/v1/adapters/rollback", 409, rollback)
        .await;
    api.hold("DELETE /api/v1/adapters/{id}", 204, app.delete(one))
        .await;
    api.hold("GET /api/v1/adapters/{id}", 404, app.get(one))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_is_as_described() {
    let app = spawn_app(&[]).await;
    let mut api = Contract::of(&app).await;
    let get = |path: &str| app.get(path);

    for path in [
        "/health/live",
        "/health/ready",
        "/api/v1/session",
        "/api/v1/openapi.json",
    ] {
        // The document describes itself as any object.
        if path.ends_with("openapi.json") {
            let response = get(path).send().await.unwrap();
            assert_eq!(response.status(), 200);
            api.tried.insert(format!("GET {path}"));
        } else {
            api.hold(&format!("GET {path}"), 200, get(path)).await;
        }
    }

    let file = std::fs::read(sample("hybrid-retrieval.pdf")).unwrap();
    let part = reqwest::multipart::Part::bytes(file).file_name("hybrid.pdf");
    let form = reqwest::multipart::Form::new().part("file", part);
    let upload = app.post("/api/v1/uploads").multipart(form);
    let queued = api.hold("POST /api/v1/uploads", 202, upload).await;
    let job = queued["job"]["id"].as_str().unwrap();
    api.hold("GET /api/v1/jobs", 200, get("/api/v1/jobs")).await;
    let finished = app.finished(job).await;
    let job = format!("/api/v1/jobs/{job}");
    api.hold("GET /api/v1/jobs/{id}", 200, get(&job)).await;
    let cancel = app.post(&format!("{job}/cancel"));
    api.hold("POST /api/v1/jobs/{id}/cancel", 200, cancel).await;
    api.hold("GET /api/v1/jobs", 200, get("/api/v1/jobs")).await;

    let id = finished["result"]["document_id"].as_str().unwrap();
    let listed = api
        .hold("GET /api/v1/documents", 200, get("/api/v1/documents"))
        .await;
    assert_eq!(listed["documents"][0]["id"], id);
    let document = format!("/api/v1/documents/{id}");
    api.hold("GET /api/v1/documents/{id}", 200, get(&document))
        .await;

    for (status, name) in [(201, "thesis"), (200, "thesis"), (400, "")] {
        let create = app
            .post("/api/v1/collections")
            .json(&json!({ "name": name }));
        api.hold("POST /api/v1/collections", status, create).await;
    }
    api.hold("GET /api/v1/collections", 200, get("/api/v1/collections"))
        .await;
    for (status, to) in [(200, "thesis"), (200, "thesis"), (404, "nowhere")] {
        let moving = app
            .post(&format!("{document}/move"))
            .json(&json!({ "to": to }));
        api.hold("POST /api/v1/documents/{id}/move", status, moving)
            .await;
    }

    for query in [
        "q=BM25",
        "q=BM25&expand=section&mode=bm25&top_k=2",
        "q=xyzzyq&mode=bm25",
        &format!("like={id}"),
    ] {
        let search = get(&format!("/api/v1/search?{query}"));
        api.hold("GET /api/v1/search", 200, search).await;
    }
    let body = json!({ "query": "BM25 parameters", "collection": "thesis", "diversify": 0.3 });
    let search = app.post("/api/v1/search").json(&body);
    api.hold("POST /api/v1/search", 200, search).await;

    let mut events = Vec::new();
    for question in [
        "What are the usual BM25 parameters?",
        "Who was crowned in Aachen in 800?",
    ] {
        for extractive in [true, false] {
            let ask = json!({ "question": question, "extractive": extractive });
            let ask = app.post("/api/v1/ask").json(&ask);
            let stream = api.hold("POST /api/v1/ask", 200, ask).await;
            for event in stream.as_str().unwrap().split_terminator("\n\n") {
                let (name, data) = event.split_once('\n').unwrap();
                let name = name.strip_prefix("event: ").unwrap();
                let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
                let schema = match name {
                    "evidence" => "EvidenceEvent",
                    "token" => "TokenEvent",
                    "answer" => "Answer",
                    _ => panic!("{name}"),
                };
                api.hold_value(schema, &data);
                events.push(name.to_owned());
            }
        }
    }
    for name in ["evidence", "token", "answer"] {
        assert!(events.iter().any(|event| event == name), "no {name}");
    }

    let begin = app
        .post("/api/v1/conversations")
        .json(&json!({ "title": "BM25" }));
    let begun = api.hold("POST /api/v1/conversations", 201, begin).await;
    let conversation = format!("/api/v1/conversations/{}", begun["id"].as_str().unwrap());
    let ask = json!({
        "question": "What are the usual BM25 parameters?",
        "extractive": true,
        "conversation": begun["id"],
    });
    let ask = app.post("/api/v1/ask").json(&ask);
    api.hold("POST /api/v1/ask", 200, ask).await;
    let list = get("/api/v1/conversations");
    let list = api.hold("GET /api/v1/conversations", 200, list).await;
    assert_eq!(list["conversations"][0]["id"], begun["id"]);
    let shown = get(&conversation);
    let shown = api.hold("GET /api/v1/conversations/{id}", 200, shown).await;
    let rename = app.patch(&conversation).json(&json!({ "title": "Words" }));
    api.hold("PATCH /api/v1/conversations/{id}", 200, rename)
        .await;
    let export = get(&format!("{conversation}/export"));
    api.hold("GET /api/v1/conversations/{id}/export", 200, export)
        .await;
    let list = get("/api/v1/answers?limit=2");
    let list = api.hold("GET /api/v1/answers", 200, list).await;
    assert!(list["next_cursor"].is_string());
    let answer = shown["messages"][0]["answer_id"].as_str().unwrap();
    let answer = format!("/api/v1/answers/{answer}");
    api.hold("GET /api/v1/answers/{id}", 200, get(&answer))
        .await;
    let replay = app.post(&format!("{answer}/replay"));
    let replay = api.hold("POST /api/v1/answers/{id}/replay", 200, replay);
    assert_eq!(replay.await["verdict"], "same");
    feedback(&mut api, &app, &answer).await;
    evaluations(&mut api, &app).await;
    comparisons(&mut api, &app).await;
    adapters(&mut api, &app, &answer).await;
    api.hold("DELETE /api/v1/answers/{id}", 204, app.delete(&answer))
        .await;
    api.hold("GET /api/v1/answers/{id}", 404, get(&answer))
        .await;
    let forget = app.delete(&conversation);
    api.hold("DELETE /api/v1/conversations/{id}", 204, forget)
        .await;

    let path = "/api/v1/collections/thesis";
    api.hold("DELETE /api/v1/collections/{name}", 409, app.delete(path))
        .await;
    api.hold("DELETE /api/v1/documents/{id}", 204, app.delete(&document))
        .await;
    api.hold("DELETE /api/v1/documents/{id}", 404, app.delete(&document))
        .await;
    api.hold("GET /api/v1/documents/{id}", 404, get(&document))
        .await;
    api.hold("DELETE /api/v1/collections/{name}", 204, app.delete(path))
        .await;

    crate::training::training(&mut api).await;

    let mut untried = Vec::new();
    for (path, item) in api.document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let operation = format!("{} {path}", method.to_ascii_uppercase());
            if !api.tried.contains(&operation) {
                untried.push(operation);
            }
        }
    }
    assert!(
        untried.is_empty(),
        "described and not tried here: {untried:?}"
    );
}
