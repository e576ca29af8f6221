//! Collections over HTTP and from the command line.

use crate::common::{code, json as printed, lectern};
use crate::{CONSENSUS, ZEBRAS, files, found, library};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn documents_move_between_collections_and_searches_follow() {
    let (app, ids) = library().await;
    let made = app
        .post("/api/v1/collections")
        .json(&json!({ "name": "thesis" }))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    let path = format!("/api/v1/documents/{}/move", ids[1]);
    let to = json!({ "to": "thesis" });
    let moved: Value = app
        .post(&path)
        .json(&to)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&moved["status"], &moved["from"]),
        (&"moved".into(), &"default".into())
    );
    for mode in ["bm25", "dense"] {
        let there = found(&app, &format!("q=animals&collection=thesis&mode={mode}")).await;
        assert_eq!(files(&there), ["zebras.md"], "{mode}");
        let here = found(
            &app,
            &format!("q=animals&collection=default&mode={mode}&top_k=50"),
        )
        .await;
        assert!(!files(&here).contains(&"zebras.md"), "{mode}");
    }
    let again: Value = app
        .post(&path)
        .json(&to)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(again["status"], "unchanged");

    // The same file comes back into the first collection: it cannot be moved to where it is.
    let copy = app.uploaded("zebras.md", ZEBRAS.as_bytes().to_vec()).await;
    assert_eq!(copy["result"]["status"], "added", "{copy}");
    let copy = copy["result"]["document_id"].as_str().unwrap();
    let refused = app
        .post(&format!("/api/v1/documents/{copy}/move"))
        .json(&to)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 409);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "document_duplicate");
    assert!(problem["detail"].as_str().unwrap().contains(&ids[1]));

    for (path, status, expected) in [
        ("/api/v1/collections/thesis", 409, "collection_not_empty"),
        ("/api/v1/collections/default", 400, "collection_default"),
        ("/api/v1/collections/none", 404, "collection_not_found"),
        (
            "/api/v1/collections/thesis?move_to=default",
            409,
            "document_duplicate",
        ),
        (
            "/api/v1/collections/thesis?move_to=thesis",
            400,
            "collection_same",
        ),
    ] {
        let response = app.delete(path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], expected);
    }
    let gone = app
        .delete(&format!("/api/v1/documents/{copy}"))
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 204);
    let emptied = app
        .delete("/api/v1/collections/thesis?move_to=default")
        .send()
        .await
        .unwrap();
    assert_eq!(emptied.status(), 204);
    let here = found(&app, "q=animals&collection=default&top_k=50").await;
    assert!(files(&here).contains(&"zebras.md"));
    let report = app.library.doctor().await.unwrap();
    assert!(report.ok, "{report:?}");
}

#[test]
fn a_terminal_searches_pages_and_moves() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (file, text) in [("raft.md", CONSENSUS), ("zebras.md", ZEBRAS)] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let path = folder.path().display().to_string();
    assert_eq!(code(&lectern(&data, &["ingest", &path])), 0);

    let first = lectern(
        &data,
        &["search", "stripes", "--top-k", "1", "--expand", "section"],
    );
    let shown = String::from_utf8_lossy(&first.stdout);
    assert!(
        shown.contains("1. Stripes and Flies (zebras.md, page 1, passage "),
        "{shown}"
    );
    assert!(
        !shown.contains('\u{1b}'),
        "no escape sequences where stdout is no terminal"
    );
    assert!(String::from_utf8_lossy(&first.stderr).contains("more: --offset 1"));
    let nothing = lectern(&data, &["search", "stripes", "--author", "Nobody"]);
    assert_eq!(code(&nothing), 3);
    let said = String::from_utf8_lossy(&nothing.stderr);
    assert!(
        said.contains("has an author \"Nobody\"") && said.contains("hint: "),
        "{said}"
    );

    assert_eq!(
        code(&lectern(&data, &["collections", "create", "thesis"])),
        0
    );
    let moved = lectern(
        &data,
        &["documents", "move", "zebras.md", "--to", "thesis", "--json"],
    );
    assert_eq!(code(&moved), 0);
    assert_eq!(printed(&moved)["documents"][0]["status"], "moved");
    let there = lectern(
        &data,
        &["search", "stripes", "--collection", "thesis", "--json"],
    );
    assert_eq!(files(&printed(&there)), ["zebras.md"]);
    let kept = lectern(
        &data,
        &[
            "collections",
            "delete",
            "thesis",
            "--move-to",
            "default",
            "--json",
        ],
    );
    assert_eq!(code(&kept), 0, "{}", String::from_utf8_lossy(&kept.stderr));
    assert_eq!(
        printed(&kept)["collections"],
        json!([{ "name": "default", "documents": 2 }])
    );
    let report = printed(&lectern(&data, &["doctor", "--json"]));
    assert_eq!(report["ok"], true, "{report}");
}
