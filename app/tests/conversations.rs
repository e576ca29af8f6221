//! Conversations: follow-ups, restarts, deletions, and every way to reach them.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use common::{code, command, json, json_lines, lectern, sample, spawn_app};
use serde_json::{Value, json};

fn ingest(data: &Path, name: &str) -> String {
    let added = lectern(
        data,
        &["ingest", "--json", &sample(name).display().to_string()],
    );
    assert_eq!(
        code(&added),
        0,
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    json_lines(&added)[0]["document_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// `lectern chat` with lines on its standard input.
fn chat(data: &Path, arguments: &[&str], lines: &[&str]) -> Output {
    let mut child = command(data, &[&["chat", "--extractive"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all((lines.join("\n") + "\n").as_bytes())
        .unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn a_chat_is_kept_and_goes_on_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    ingest(data, "hybrid-retrieval.pdf");

    let first = chat(
        data,
        &["--json"],
        &[
            "What is reciprocal rank fusion?",
            "",
            "What constant does it use?",
        ],
    );
    let turns = json_lines(&first);
    assert_eq!(
        (code(&first), turns.len()),
        (0, 2),
        "{turns:?} {}",
        String::from_utf8_lossy(&first.stderr)
    );
    assert_eq!(turns[0]["standalone"], Value::Null);
    assert_eq!(turns[1]["question"], "What constant does it use?");
    assert_eq!(
        turns[1]["standalone"],
        "What constant does reciprocal rank fusion use?"
    );
    let id = turns[0]["conversation"].as_str().unwrap().to_owned();
    assert_eq!(turns[1]["conversation"], id.as_str());

    // Another process, going on.
    let again = chat(
        data,
        &["--json", "--continue"],
        &["Why?", "/sources", "/nonsense", "/list"],
    );
    let turns = json_lines(&again);
    assert_eq!(code(&again), 4, "one line of four is no command");
    assert_eq!(turns[0]["conversation"], id.as_str());
    assert_eq!(
        turns[0]["standalone"],
        "What constant does reciprocal rank fusion use, and why?"
    );
    assert!(turns[1]["citations"].is_array());
    assert_eq!(turns[2]["error"]["code"], "command_unknown");
    assert_eq!(turns[3]["conversations"][0]["turns"], 3);

    let asked = json(&lectern(
        data,
        &[
            "ask",
            "And in BM25?",
            "--extractive",
            "--json",
            "--conversation",
            &id[..13],
        ],
    ));
    assert_eq!(asked["conversation"], id.as_str());

    let shown = json(&lectern(data, &["conversations", "show", &id, "--json"]));
    assert_eq!(shown["title"], "What is reciprocal rank fusion?");
    assert_eq!(shown["messages"].as_array().unwrap().len(), 4);
    assert_eq!(
        shown["messages"][1]["answer"]["id"],
        json_lines(&first)[1]["id"]
    );

    let exported = lectern(data, &["conversations", "export", &id]);
    let text = String::from_utf8(exported.stdout).unwrap();
    assert!(
        text.starts_with("# What is reciprocal rank fusion?\n\n## What is reciprocal"),
        "{text}"
    );
    assert!(
        text.contains("[^1]: ") && text.contains("hybrid-retrieval.pdf, page "),
        "{text}"
    );
    let sources = lectern(
        data,
        &["conversations", "export", &id, "--format", "bibtex"],
    );
    let sources = String::from_utf8(sources.stdout).unwrap();
    assert_eq!(
        sources.matches("\n@").count() + usize::from(sources.starts_with('@')),
        1,
        "{sources}"
    );
    let items = lectern(
        data,
        &["conversations", "export", &id, "--format", "csl-json"],
    );
    assert_eq!(
        serde_json::from_slice::<Value>(&items.stdout)
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        1
    );

    assert_eq!(
        code(&lectern(data, &["conversations", "rename", &id, "Fusion"])),
        0
    );
    let listed = json(&lectern(data, &["conversations", "list", "--json"]));
    assert_eq!(listed["conversations"][0]["title"], "Fusion");
    assert_eq!(code(&lectern(data, &["conversations", "delete", &id])), 0);
    let gone = lectern(data, &["conversations", "show", &id]);
    assert_eq!(code(&gone), 1);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("hint: `lectern conversations list`"));
    assert_eq!(
        json(&lectern(data, &["conversations", "list", "--json"]))["conversations"],
        json!([])
    );
}

#[test]
fn a_conversation_keeps_what_it_is_asked_of() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let lora = ingest(data, "lora-qlora.pdf");
    let fusion = ingest(data, "hybrid-retrieval.pdf");
    let turns = json_lines(&chat(
        data,
        &["--json", "--document", "hybrid-retrieval.pdf"],
        &[
            "What is reciprocal rank fusion?",
            "What is double quantisation?",
            "/document lora-qlora.pdf",
            "What is double quantisation?",
        ],
    ));
    let cited = |turn: &Value| -> Vec<String> {
        let citations = turn["citations"].as_array().unwrap();
        citations
            .iter()
            .map(|citation| citation["document_id"].as_str().unwrap().to_owned())
            .collect()
    };
    for turn in &turns[..2] {
        assert!(cited(turn).iter().all(|id| *id == fusion), "{turn}");
    }
    assert_eq!(turns[2]["documents"], json!([lora]));
    assert!(
        !cited(&turns[3]).is_empty() && cited(&turns[3]).iter().all(|id| *id == lora),
        "{}",
        turns[3]
    );

    let wrong = lectern(
        data,
        &[
            "ask",
            "Why?",
            "--json",
            "--conversation",
            "new",
            "--document",
            "nowhere.pdf",
        ],
    );
    assert_eq!(
        (code(&wrong), &json(&wrong)["error"]["code"]),
        (1, &"document_not_found".into())
    );
    assert_eq!(code(&lectern(data, &["documents", "delete", &lora])), 0);
    let id = turns[0]["conversation"].as_str().unwrap();
    let left = lectern(data, &["ask", "Why?", "--json", "--conversation", id]);
    assert_eq!(
        json(&left)["error"]["code"],
        "conversation_without_documents",
        "it is not asked of other papers instead"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_document_leaves_questions_and_nothing_of_its_text() {
    let app = spawn_app(&[]).await;
    let text = "Quokkas of Rottnest Island feed on succulents at night. \
                Their keeper, Zebedee Marmaduke, counted ninety of them.";
    let job = app.uploaded("quokkas.txt", text.as_bytes().to_vec()).await;
    assert_eq!(job["result"]["status"], "added", "{job}");
    let document = job["result"]["document_id"].as_str().unwrap().to_owned();

    let begun = app
        .post("/api/v1/conversations")
        .json(&json!({ "title": "Animals", "collection": "default" }))
        .send()
        .await
        .unwrap();
    assert_eq!(begun.status(), 201);
    let begun: Value = begun.json().await.unwrap();
    let id = begun["id"].as_str().unwrap().to_owned();
    for question in ["Who counted the quokkas?", "Where did he live?"] {
        let asked = json!({ "question": question, "conversation": id, "extractive": true });
        let response = app.post("/api/v1/ask").json(&asked).send().await.unwrap();
        assert!(response.text().await.unwrap().contains("event: answer"));
    }
    let details: Value = app
        .get(&format!("/api/v1/conversations/{id}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        details["messages"][0]["answer"]["outcome"], "answered",
        "{details}"
    );
    let page = app
        .get(&format!("/conversations/{id}"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("Zebedee Marmaduke") && page.contains("Who counted the quokkas?"),
        "{page}"
    );

    let deleted = app
        .delete(&format!("/api/v1/documents/{document}"))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), 204);
    let details: Value = app
        .get(&format!("/api/v1/conversations/{id}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(details["title"], "Animals");
    for turn in details["messages"].as_array().unwrap() {
        assert_eq!(
            (&turn["answer"], &turn["deleted"]),
            (&Value::Null, &"with_its_source".into()),
            "{turn}"
        );
    }
    let page = app
        .get(&format!("/conversations/{id}"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("deleted with its source") && page.contains("Where did he live?"),
        "{page}"
    );
    let markdown = app
        .get(&format!(
            "/api/v1/conversations/{id}/export?format=markdown"
        ))
        .send()
        .await
        .unwrap();
    assert!(
        markdown
            .text()
            .await
            .unwrap()
            .contains("deleted with its source")
    );
    for entry in std::fs::read_dir(app.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(
                !bytes.contains("Marmaduke"),
                "{} still has text of the document",
                path.display()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_paged_renamed_and_deleted_over_http() {
    let app = spawn_app(&[]).await;
    app.uploaded(
        "a.txt",
        b"Otters hold hands while they sleep so that they do not drift apart.".to_vec(),
    )
    .await;
    let mut ids = Vec::new();
    for question in [
        "Why do otters hold hands?",
        "What do otters eat?",
        "Where do otters sleep?",
    ] {
        let asked = json!({ "question": question, "conversation": "new", "extractive": true });
        let text = app
            .post("/api/v1/ask")
            .json(&asked)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let answer = text
            .split("event: answer\ndata: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap();
        let answer: Value = serde_json::from_str(answer).unwrap();
        ids.push(answer["conversation"].as_str().unwrap().to_owned());
    }
    ids.reverse();
    let get =
        async |path: &str| -> Value { app.get(path).send().await.unwrap().json().await.unwrap() };
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&format!("/api/v1/conversations?limit=2{cursor}")).await;
        for conversation in page["conversations"].as_array().unwrap() {
            seen.push(conversation["id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids, "each once, the newest first");
    for (query, code) in [("limit=0", "limit_invalid"), ("cursor=x", "cursor_invalid")] {
        assert_eq!(
            get(&format!("/api/v1/conversations?{query}")).await["code"],
            code
        );
    }

    let path = format!("/api/v1/conversations/{}", ids[0]);
    let renamed = app
        .patch(&path)
        .json(&json!({ "title": " Sleep \n " }))
        .send()
        .await
        .unwrap();
    assert_eq!(renamed.json::<Value>().await.unwrap()["title"], "Sleep");
    let refused = app
        .patch(&path)
        .json(&json!({ "title": " " }))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(app.delete(&path).send().await.unwrap().status(), 204);
    assert_eq!(app.delete(&path).send().await.unwrap().status(), 404);
    let lost = json!({ "question": "And then?", "conversation": ids[0] });
    let text = app
        .post("/api/v1/ask")
        .json(&lost)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(text.contains("conversation_not_found"), "{text}");
    let list = app
        .get("/conversations")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(list.contains("What do otters eat?") && !list.contains("Where do otters sleep?"));
}
