//! The API and the pages.

use serde_json::{Value, json};

use crate::common::{TestApp, spawn_app};

async fn call(request: reqwest::RequestBuilder, status: u16) -> Value {
    let response = request.send().await.unwrap();
    let found = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|_| text.into())
}

async fn ask(app: &TestApp, question: &str) -> Value {
    let body = json!({ "question": question, "extractive": true, "conversation": "new" });
    let response = app.post("/api/v1/ask").json(&body).send().await.unwrap();
    let stream = response.text().await.unwrap();
    let answer = stream.split("event: answer\ndata: ").nth(1).unwrap();
    serde_json::from_str(answer.trim()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_is_given_reviewed_and_shown_on_pages() {
    let app = spawn_app(&[]).await;
    let text = "The largest wombat of the reserve weighs <b>35</b> kilograms. It sleeps a lot.";
    app.uploaded("wombat.txt", text.into()).await;
    let answer = ask(&app, "How heavy is the largest wombat of the reserve?").await;
    let path = format!(
        "/api/v1/answers/{}/feedback",
        answer["id"].as_str().unwrap()
    );
    let nothing = call(app.post(&path).json(&json!({})), 400).await;
    assert_eq!(nothing["code"], "feedback_empty");
    let odd = call(app.post(&path).json(&json!({"thumbs": "sideways"})), 400).await;
    assert_eq!(odd["code"], "request_malformed");
    let both = json!({"thumbs": "up", "rating": 1});
    assert_eq!(
        call(app.post(&path).json(&both), 422).await["code"],
        "feedback_contradictory"
    );
    let named = json!({"thumbs": "up", "by": "a\u{7}"});
    assert_eq!(
        call(app.post(&path).json(&named), 400).await["code"],
        "name_invalid"
    );

    let given = json!({"thumbs": "down", "tags": ["wrong", "wrong"], "comment": "<script>", "citations": [{"key": 1, "right": false}]});
    let given = call(app.post(&path).json(&given), 201).await;
    let one = format!("/api/v1/feedback/{}", given["id"].as_str().unwrap());
    assert_eq!(given["opinion"]["tags"], json!(["wrong"]));
    assert_eq!(given["history"][0]["by"], "api");

    // The page of the conversation shows what was said, and the queue what is to be decided.
    let page = format!(
        "/conversations/{}",
        answer["conversation"].as_str().unwrap()
    );
    let html = call(app.get(&page), 200).await;
    let html = html.as_str().unwrap();
    assert!(html.contains(&format!(
        "data-feedback=\"{}\"",
        given["id"].as_str().unwrap()
    )));
    assert!(html.contains("data-thumbs=\"down\" aria-pressed=\"true\""));
    assert!(html.contains("data-right=\"false\" aria-pressed=\"true\""));
    assert!(html.contains("value=\"wrong\" checked"));
    let queue = call(app.get("/feedback"), 200).await;
    let queue = queue.as_str().unwrap();
    assert!(queue.contains("How heavy is the largest wombat") && queue.contains("Bad answer"));
    assert!(!queue.contains("<script>") && !queue.contains("<b>35"));

    let corrected = json!({"correction": "35 kilograms [1]", "comment": null, "by": "Ann"});
    let corrected = call(app.patch(&one).json(&corrected), 200).await;
    assert!(corrected["opinion"]["comment"].is_null());
    assert_eq!(corrected["completion"], "35 kilograms [1]");
    let approve = app
        .post(&format!("{one}/approve"))
        .json(&json!({"by": "Bo"}));
    assert_eq!(call(approve, 200).await["state"], "approved");
    let export = call(
        app.get("/api/v1/feedback/export?format=prompt-completion"),
        200,
    )
    .await;
    // Citation 1 was marked wrong, so its marker is not learnt.
    assert_eq!(export["completion"], "35 kilograms");
    let parquet = app
        .get("/api/v1/feedback/export?format=parquet")
        .send()
        .await
        .unwrap();
    assert_eq!(
        parquet.headers()["content-type"],
        "application/vnd.apache.parquet"
    );
    let parquet = parquet.bytes().await.unwrap();
    let import = app
        .post("/api/v1/feedback/import?name=a.parquet")
        .body(parquet);
    let report = call(import, 200).await;
    assert_eq!(
        (&report["format"], &report["unchanged"]),
        (&json!("parquet"), &json!(1))
    );
    let reject = app.post(&format!("{one}/reject")).json(&json!({}));
    assert_eq!(call(reject, 200).await["state"], "rejected");
    assert_eq!(
        call(app.get("/api/v1/feedback/export"), 200).await,
        json!("")
    );

    let chats = json!([{"title": "t", "current_node": "a", "mapping": {
        "q": {"parent": null, "children": ["a"], "message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["What is a wombat?"]}}},
        "a": {"parent": "q", "children": [], "message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["A marsupial."]}}},
    }}]);
    let body = chats.to_string();
    let unread = app
        .post("/api/v1/feedback/import?approve=true")
        .body(body.clone());
    assert_eq!(call(unread, 400).await["code"], "import_needs_review");
    for added in [1, 0] {
        let import = app.post("/api/v1/feedback/import?name=conversations.json&by=Cy");
        let report = call(import.body(body.clone()), 200).await;
        assert_eq!(
            (&report["added"], &report["state"]),
            (&json!(added), &json!("pending"))
        );
    }
    let list = call(app.get("/api/v1/feedback?state=pending"), 200).await;
    assert_eq!(list["feedback"][0]["source"], "chatgpt");
    let first = call(app.get("/api/v1/feedback?limit=1"), 200).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = call(
        app.get(&format!("/api/v1/feedback?limit=1&cursor={cursor}")),
        200,
    )
    .await;
    assert_eq!(rest["feedback"][0]["id"], given["id"]);
    assert!(rest["next_cursor"].is_null());
    let bad = app
        .post("/api/v1/feedback/import")
        .body(vec![b'{', 0xff, b'\n']);
    assert_eq!(call(bad, 422).await["code"], "import_malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clicks_at_once_lose_nothing() {
    let app = spawn_app(&[]).await;
    app.uploaded(
        "wombat.txt",
        "The largest wombat of the reserve weighs 35 kilograms.".into(),
    )
    .await;
    let answer = ask(&app, "How heavy is the largest wombat of the reserve?").await;
    let path = format!(
        "/api/v1/answers/{}/feedback",
        answer["id"].as_str().unwrap()
    );
    let given = call(app.post(&path).json(&json!({"thumbs": "down"})), 201).await;
    let one = format!("/api/v1/feedback/{}", given["id"].as_str().unwrap());
    let clicks = (0..12).map(|number| {
        let edit = match number % 3 {
            0 => json!({"comment": format!("comment {number}")}),
            1 => json!({"correction": format!("correction {number}")}),
            _ => json!({"edited": format!("edited {number}")}),
        };
        app.patch(&one).json(&edit).send()
    });
    for response in futures_util::future::join_all(clicks).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    let last = call(app.get(&one), 200).await;
    for field in ["comment", "correction"] {
        assert!(last["opinion"][field].as_str().unwrap().starts_with(field));
    }
    assert!(last["edited"].as_str().unwrap().starts_with("edited"));
    assert_eq!(last["history"].as_array().unwrap().len(), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_again_under_its_key_it_is_given_once_and_its_response_goes_with_it() {
    let app = spawn_app(&[]).await;
    let text = "The largest wombat of the reserve weighs 35 kilograms.";
    let added = app.uploaded("wombat.txt", text.into()).await;
    let answer = ask(&app, "How heavy is the largest wombat of the reserve?").await;
    let path = format!(
        "/api/v1/answers/{}/feedback",
        answer["id"].as_str().unwrap()
    );
    let give = |key: &'static str, said: &str| {
        let request = app.post(&path).header("Idempotency-Key", key);
        request.json(&json!({ "correction": said }))
    };
    let first = call(give("a", "It weighs 36 kilograms [1]."), 201).await;
    let again = call(give("a", "It weighs 36 kilograms [1]."), 201).await;
    assert_eq!(again, first);
    let other = call(give("a", "It weighs 37 kilograms [1]."), 422).await;
    assert_eq!(other["code"], "idempotency_key_reused");
    let second = call(give("b", "It weighs 36 kilograms [1]."), 201).await;
    assert_ne!(second["id"], first["id"]);
    let listed = call(app.get("/api/v1/feedback"), 200).await;
    assert_eq!(listed["feedback"].as_array().unwrap().len(), 2);

    // Kept responses hold what was said and what the paper says, and are deleted with them.
    let kept = || async {
        let catalog = &app.library.catalog;
        let mut bodies = Vec::new();
        for key in ["a", "b"] {
            let kept = catalog.keep_request(key, "another", "another").await;
            bodies.push(kept.unwrap().body.is_some());
        }
        bodies
    };
    assert_eq!(kept().await, [true, true]);
    let one = format!("/api/v1/feedback/{}", first["id"].as_str().unwrap());
    call(app.delete(&one), 204).await;
    assert_eq!(kept().await, [false, true]);
    let document = added["result"]["document_id"].as_str().unwrap();
    call(app.delete(&format!("/api/v1/documents/{document}")), 204).await;
    assert_eq!(kept().await, [false, false]);
}
