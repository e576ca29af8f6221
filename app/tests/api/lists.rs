//! Lists in parts: nothing is skipped or given twice, whatever comes in or goes meanwhile.

use serde_json::Value;

use crate::common::{TestApp, spawn_app};

async fn part(app: &TestApp, path: &str, cursor: Option<&str>) -> Value {
    let parted = if path.contains('?') { '&' } else { '?' };
    let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
    let path = format!("{path}{parted}limit=3{cursor}");
    let response = app.get(&path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn names(part: &Value, list: &str, field: &str) -> Vec<String> {
    let records = part[list].as_array().unwrap();
    records
        .iter()
        .map(|record| record[field].as_str().unwrap().to_owned())
        .collect()
}

async fn add(app: &TestApp, number: usize) -> String {
    let text = format!("# Note {number}\n\nNote number {number} says that {number} is a number.\n");
    let job = app
        .uploaded(&format!("note-{number}.md"), text.into())
        .await;
    job["result"]["document_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_jobs_come_in_parts() {
    let app = spawn_app(&[]).await;
    let mut ids = Vec::new();
    for number in 0..8 {
        ids.push(add(&app, number).await);
    }
    ids.reverse();

    let first = part(&app, "/api/v1/documents", None).await;
    let mut seen = names(&first, "documents", "id");
    assert_eq!(seen, ids[..3]);
    // The last one that was shown goes, one that was not goes, and a new one comes in.
    for gone in [2, 4] {
        let path = format!("/api/v1/documents/{}", ids[gone]);
        assert_eq!(app.delete(&path).send().await.unwrap().status(), 204);
    }
    add(&app, 8).await;
    let mut cursor = first["next_cursor"].as_str().map(str::to_owned);
    while let Some(next) = cursor {
        let part = part(&app, "/api/v1/documents", Some(&next)).await;
        seen.extend(names(&part, "documents", "id"));
        cursor = part["next_cursor"].as_str().map(str::to_owned);
    }
    let expected: Vec<&String> = ids
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != 4)
        .map(|(_, id)| id)
        .collect();
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);

    let mut jobs = Vec::new();
    let mut cursor = None;
    loop {
        let part = part(&app, "/api/v1/jobs", cursor.as_deref()).await;
        jobs.extend(names(&part, "jobs", "file"));
        cursor = part["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    // Those of the two documents that were deleted went with them.
    let left = (0..9).rev().filter(|number| ![3, 5].contains(number));
    let expected: Vec<String> = left.map(|number| format!("note-{number}.md")).collect();
    assert_eq!(jobs, expected);
    let unfinished = part(&app, "/api/v1/jobs?unfinished=true", None).await;
    assert_eq!(unfinished["jobs"].as_array().unwrap().len(), 0);
    let elsewhere = part(&app, "/api/v1/documents?collection=none", None).await;
    assert_eq!(
        (&elsewhere["documents"], &elsewhere["next_cursor"]),
        (&Value::Array(vec![]), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_come_in_parts() {
    let app = spawn_app(&[]).await;
    for name in ["e", "b", "d", "a", "c"] {
        app.library.create_collection(name).await.unwrap();
    }
    let first = part(&app, "/api/v1/collections", None).await;
    assert_eq!(names(&first, "collections", "name"), ["a", "b", "c"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        app.delete("/api/v1/collections/c")
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    let second = part(&app, "/api/v1/collections", Some(cursor)).await;
    assert_eq!(names(&second, "collections", "name"), ["d", "default", "e"]);
    assert_eq!(second["next_cursor"], Value::Null);

    let other = app.get(&format!("/api/v1/documents?cursor={cursor}"));
    let other: Value = other.send().await.unwrap().json().await.unwrap();
    assert_eq!(other["code"], "cursor_invalid", "of another list");
}
