//! The document against the routes that the sources register, and the page that shows it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::common::spawn_app;

/// Routes that are no part of the API: pages for people, their files, and other protocols.
const OTHERS: &[&str] = &[
    "GET /",
    "GET /api",
    "GET /conversations",
    "GET /conversations/{id}",
    "GET /conversations/{id}/turns/{answer}",
    "GET /documents/{id}",
    "GET /documents/{id}/file",
    "GET /documents/{id}/pages/{number}",
    "GET /documents/{id}/pages/{number}.png",
    "GET /favicon.ico",
    "GET /feedback",
    "GET /library",
    "GET /login",
    "GET /search",
    "GET /static/{name}",
    "GET /training",
    "GET /training/comparisons/{id}",
    "GET /training/runs/{run}",
    "GET /training/runs/{run}/panel",
    "POST /login",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_every_route() {
    let app = spawn_app(&[]).await;
    let response = app.get("/api/v1/openapi.json").send().await.unwrap();
    let document: Value = response.json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));

    let mut wanted: Vec<String> = OTHERS.iter().map(|route| (*route).to_owned()).collect();
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path.strip_prefix("/api/v1").unwrap_or(path);
            wanted.push(format!("{} {path}", method.to_ascii_uppercase()));
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            let tag = &operation["tags"][0];
            let tags = document["tags"].as_array().unwrap();
            assert!(
                tags.iter().any(|known| known["name"] == *tag),
                "{method} {path}: {tag}"
            );
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(
                    parameter["description"].is_string(),
                    "{method} {path}: {parameter}"
                );
            }
        }
    }
    let mut found = Vec::new();
    registered(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web")),
        &mut found,
    );
    wanted.sort();
    found.sort();
    assert_eq!(
        found, wanted,
        "routes in the sources, and those of the document with OTHERS"
    );
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
}

/// The routes that attributes of handlers name.
fn registered(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            registered(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            for method in ["get", "post", "put", "patch", "delete"] {
                let start = format!("#[{method}(\"");
                if let Some(rest) = line.strip_prefix(&start) {
                    let route = rest.split('"').next().unwrap();
                    found.push(format!("{} {route}", method.to_ascii_uppercase()));
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere() {
    let app = spawn_app(&[]).await;
    let response = app.get("/api/v1/openapi.json").send().await.unwrap();
    let document: Value = response.json().await.unwrap();
    let mut counts = BTreeMap::new();
    references(&document, &mut counts);
    assert!(counts.len() > 20, "{counts:?}");
    for to in counts.keys() {
        assert!(document.pointer(&to[1..]).is_some(), "{to}");
    }
}

fn references(value: &Value, counts: &mut BTreeMap<String, usize>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get("$ref") {
                *counts.entry(to.clone()).or_default() += 1;
            }
            fields.values().for_each(|field| references(field, counts));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, counts)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_can_read_it_too() {
    let app = spawn_app(&[]).await;
    let html = app.get("/api").send().await.unwrap().text().await.unwrap();
    for told in [
        "<b>GET</b> /api/v1/documents/{id}",
        "Ask a question.",
        "next_cursor",
        "multipart/form-data",
        "list of <a href=\"#type-Citation\">",
    ] {
        assert!(html.contains(told), "{told} is not on the page");
    }
    assert!(!html.contains("<script"));
}
