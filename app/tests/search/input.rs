//! Whatever a person may type.

use crate::common::{code, json as printed, lectern};
use crate::library;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_typed_has_a_clear_answer() {
    let (app, _) = library().await;
    for query in [
        "the of and",
        "\"leader election",
        "(leader AND (",
        "title:",
        "🦀🦀",
        "'; DROP TABLE documents; --",
        "leader\u{0}election\u{1b}[31m",
        "\u{202e}leader\u{200f}",
        "%%%",
        "NEAR/3 * ? ~2 ^4 [1 TO 2]",
        &"leader ".repeat(500),
    ] {
        for mode in ["bm25", "dense", "hybrid"] {
            let response = app
                .post("/api/v1/search")
                .json(&json!({ "query": query, "mode": mode }))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 200, "{query:?}");
            let found: Value = response.json().await.unwrap();
            let is_empty = found["passages"].as_array().unwrap().is_empty();
            assert_eq!(found["reason"].is_string(), is_empty, "{query:?}: {found}");
        }
    }
    let long = "a".repeat(100_000);
    for (body, status, expected) in [
        (json!({ "query": "" }), 400, "question_empty"),
        (json!({}), 400, "question_empty"),
        (json!({ "query": "\u{0}\u{202e}" }), 400, "question_empty"),
        (json!({ "query": long }), 400, "question_too_long"),
        (
            json!({ "query": "x", "mode": "magic" }),
            400,
            "request_malformed",
        ),
        (
            json!({ "query": "x", "colection": "a" }),
            400,
            "request_malformed",
        ),
        (json!({ "query": "x", "top_k": 0 }), 400, "top_k_invalid"),
        (
            json!({ "query": "x", "top_k": -1 }),
            400,
            "request_malformed",
        ),
        (
            json!({ "query": "x", "offset": 5000 }),
            400,
            "offset_invalid",
        ),
        (json!({ "query": "x", "year": "soon" }), 400, "year_invalid"),
        (
            json!({ "query": "x", "author": " " }),
            400,
            "author_invalid",
        ),
        (json!({ "query": "x", "venue": "\"" }), 400, "venue_invalid"),
        (
            json!({ "query": "x", "sections": ["prose"] }),
            400,
            "section_invalid",
        ),
        (
            json!({ "query": "x", "diversify": 2 }),
            400,
            "diversify_invalid",
        ),
        (
            json!({ "query": "x", "expand": "all" }),
            400,
            "request_malformed",
        ),
        (json!({ "query": "x", "like": "1" }), 400, "like_with_query"),
        (
            json!({ "query": "x", "collection": "none" }),
            404,
            "collection_not_found",
        ),
        (
            json!({ "query": "x", "documents": ["none.pdf"] }),
            404,
            "document_not_found",
        ),
    ] {
        let response = app.post("/api/v1/search").json(&body).send().await.unwrap();
        assert_eq!(response.status(), status, "{expected}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], expected, "{problem}");
        assert!(!problem["hint"].as_str().unwrap().is_empty());
    }
    let unknown = app
        .get("/api/v1/search?q=x&colour=red")
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 400);
    let problem: Value = unknown.json().await.unwrap();
    assert_eq!(problem["code"], "parameter_unknown");
}

#[test]
fn wrong_use_of_search_and_collections_says_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    for (arguments, exit, expected) in [
        (
            vec!["search", "x", "--section", "prose"],
            2,
            "section_invalid",
        ),
        (vec!["search", "x", "--year", "-"], 2, "year_invalid"),
        (vec!["search", "x", "--author", "..."], 2, "author_invalid"),
        (vec!["search", "x", "--offset", "1000"], 2, "offset_invalid"),
        (vec!["search", "x", "--diversify=7"], 2, "diversify_invalid"),
        (vec!["search", "\u{1}\u{7f}"], 2, "question_empty"),
        (vec!["search", "--like", "none.pdf"], 1, "like_not_found"),
        (
            vec!["search", "x", "--document", "none.pdf"],
            1,
            "document_not_found",
        ),
        (
            vec!["documents", "move", "x.pdf", "--to", "none"],
            1,
            "collection_not_found",
        ),
        (
            vec!["collections", "delete", "none"],
            1,
            "collection_not_found",
        ),
        (
            vec!["collections", "delete", "default"],
            2,
            "collection_default",
        ),
    ] {
        let output = lectern(data, &[&arguments[..], &["--json"]].concat());
        assert_eq!(code(&output), exit, "{arguments:?}");
        assert_eq!(printed(&output)["error"]["code"], expected);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("hint: "), "{stderr}");
    }
    for arguments in [
        &["search"][..],
        &["search", "x", "--like", "1"],
        &["search", "x", "--rerank", "maybe"],
        &["search", "x", "--offset", "-1"],
        &[
            "collections",
            "delete",
            "a",
            "--documents",
            "--move-to",
            "b",
        ],
    ] {
        assert_eq!(code(&lectern(data, arguments)), 2, "{arguments:?}");
    }
}
