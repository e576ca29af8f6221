//! Failures: each is a problem (RFC 9457) with a stable code and a hint.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::contract::Contract;
use crate::common::{TestApp, spawn_app};

struct Case {
    request: RequestBuilder,
    status: u16,
    code: &'static str,
}

fn cases(app: &TestApp) -> Vec<Case> {
    let case = |request, status, code| Case {
        request,
        status,
        code,
    };
    let post = |path: &str, kind: &'static str, body: &str| {
        app.post(path)
            .header("Content-Type", kind)
            .body(body.to_owned())
    };
    let json = "application/json";
    let put = app
        .client
        .request(Method::PUT, format!("{}/api/v1/documents", app.url));
    let long = format!("{{\"question\": \"{}\"}}", "x".repeat(2 << 20));
    vec![
        case(app.get("/api/v1/nothing"), 404, "address_unknown"),
        case(app.get("/api/v1/documents/a/b/c"), 404, "address_unknown"),
        case(app.post("/api/v1/documents"), 405, "method_not_allowed"),
        case(app.delete("/api/v1/ask"), 405, "method_not_allowed"),
        case(put, 403, "csrf_token_wrong"),
        case(app.get("/api/v1/uploads"), 405, "method_not_allowed"),
        case(
            post("/api/v1/ask", "text/plain", "{}"),
            415,
            "content_type_unsupported",
        ),
        case(app.post("/api/v1/ask"), 415, "content_type_unsupported"),
        case(
            post("/api/v1/uploads", json, "{}"),
            415,
            "content_type_unsupported",
        ),
        case(app.post("/api/v1/uploads"), 415, "content_type_unsupported"),
        case(
            post(
                "/api/v1/uploads",
                "multipart/form-data; boundary=x",
                "rubbish",
            ),
            400,
            "upload_malformed",
        ),
        case(post("/api/v1/ask", json, &long), 413, "request_too_large"),
        case(post("/api/v1/ask", json, "{"), 400, "request_malformed"),
        case(post("/api/v1/ask", json, "[1]"), 400, "request_malformed"),
        case(
            post("/api/v1/search", json, "{\"colour\": 1}"),
            400,
            "request_malformed",
        ),
        case(
            post("/api/v1/collections", json, "{\"name\": 1}"),
            400,
            "request_malformed",
        ),
        case(
            app.get("/api/v1/documents?limit=x"),
            400,
            "request_malformed",
        ),
        case(
            app.get("/api/v1/documents?colour=red"),
            400,
            "request_malformed",
        ),
        case(app.get("/api/v1/documents?limit=0"), 400, "limit_invalid"),
        case(app.get("/api/v1/jobs?limit=1001"), 400, "limit_invalid"),
        case(
            app.get("/api/v1/jobs?cursor=rubbish"),
            400,
            "cursor_invalid",
        ),
        case(app.get("/api/v1/search"), 400, "question_empty"),
        case(
            app.get("/api/v1/search?q=x&mode=magic"),
            400,
            "mode_invalid",
        ),
        case(
            app.get("/api/v1/documents/none.pdf"),
            404,
            "document_not_found",
        ),
        case(
            app.get("/api/v1/documents/%00%ff"),
            404,
            "document_not_found",
        ),
        case(app.get("/api/v1/jobs/none"), 404, "job_not_found"),
        case(app.post("/api/v1/jobs/none/cancel"), 404, "job_not_found"),
        case(
            app.get("/api/v1/jobs").header("Host", "evil.example"),
            403,
            "host_unknown",
        ),
        case(
            app.post("/api/v1/collections")
                .header("Idempotency-Key", " ")
                .json(&json!({ "name": "a" })),
            400,
            "idempotency_key_invalid",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_is_a_problem_with_a_code() {
    let app = spawn_app(&[]).await;
    let api = Contract::of(&app).await;
    for (index, case) in cases(&app).into_iter().enumerate() {
        let response = case.request.send().await.unwrap();
        let what = format!("case {index}, {}", case.code);
        assert_eq!(response.status(), case.status, "{what}");
        let headers = response.headers().clone();
        assert_eq!(
            headers["content-type"], "application/problem+json",
            "{what}"
        );
        let problem = response.json().await.unwrap();
        api.hold_value("Problem", &problem);
        assert_eq!(problem["code"], case.code, "{what}: {problem}");
        assert_eq!(problem["status"], case.status, "{what}");
        assert!(!problem["hint"].as_str().unwrap().is_empty(), "{what}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{what}");
        assert_eq!(headers.contains_key("allow"), case.status == 405, "{what}");
    }
    let response = app.post("/api/v1/documents").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET");
    let response = app.delete("/api/v1/collections").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET, POST");
}
