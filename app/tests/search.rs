//! Searching over HTTP and from the command line: filters, pages, contexts, more like this,
//! collections, and whatever a person may type.

mod common;

use common::{TestApp, code, json as printed, lectern, spawn_app};
use serde_json::{Value, json};

/// Small chunks, so that short papers have many.
const SMALL: &[(&str, &str)] = &[("chunk.max_tokens", "48"), ("chunk.overlap_tokens", "8")];

const CONSENSUS: &str = "---\ntitle: In Search of an Understandable Consensus Algorithm\n\
author: [Diego Ongaro, John K. Müller-Ousterhout]\ndate: 2014\njournal: USENIX Annual Technical Conference\n---\n\n\
# Introduction\n\nConsensus algorithms allow a collection of machines to work as a coherent group that survives the failures of some of its members.\n\n\
# Methods\n\nA leader is elected by a majority of the servers. Each server starts an election after a random timeout, so that split votes are rare and soon resolved.\n\n\
The leader takes entries from clients and copies them to the other servers. It tells them when it is safe to apply an entry to their machines.\n\n\
# Results\n\nAn election takes 35 ms on average when timeouts are drawn from 12 to 24 ms. The longest election took 152 ms, well below the limit that had been set.\n\n\
# References\n\nLamport. The part-time parliament.\n";

const ZEBRAS: &str = "---\ntitle: Stripes and Flies\nauthor: Jane Q. Smith\ndate: 2019\njournal: Journal of Animal Ecology\n---\n\n\
# Introduction\n\nZebras have stripes, and why they have them was long disputed among those who study animals of the savanna.\n\n\
# Results\n\nBiting flies land on striped coats less often than on plain ones. A horse in a striped blanket was bitten a third as often.\n\n\
# Discussion\n\nStripes may confuse the eyes of flies at close range, since at a distance flies come near striped animals as often.\n";

const GIRAFFES: &str = "---\ntitle: Necks and Leaves\nauthor: John Smith\ndate: 2021\njournal: Nature Communications\n---\n\n\
# Introduction\n\nGiraffes eat leaves that no other animals of the savanna reach, and their long necks are said to serve that end.\n\n\
# Results\n\nMales with longer necks won more fights. In dry seasons most leaves were taken from below the height of the shoulder.\n";

async fn library() -> (TestApp, Vec<String>) {
    let app = spawn_app(SMALL).await;
    let mut ids = Vec::new();
    for (file, text) in [
        ("raft.md", CONSENSUS),
        ("zebras.md", ZEBRAS),
        ("giraffes.md", GIRAFFES),
    ] {
        let job = app.uploaded(file, text.as_bytes().to_vec()).await;
        assert_eq!(job["result"]["status"], "added", "{job}");
        ids.push(job["result"]["document_id"].as_str().unwrap().to_owned());
    }
    (app, ids)
}

async fn found(app: &TestApp, query: &str) -> Value {
    let response = app
        .get(&format!("/api/v1/search?{query}"))
        .send()
        .await
        .unwrap();
    let status = response.status();
    let found: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{query}: {found}");
    found
}

fn files(found: &Value) -> Vec<&str> {
    let mut files: Vec<&str> = found["passages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|passage| passage["file"].as_str().unwrap())
        .collect();
    files.sort_unstable();
    files.dedup();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_keep_to_what_they_name() {
    let (app, ids) = library().await;
    let all = ["giraffes.md", "raft.md", "zebras.md"];
    for (filter, expected) in [
        ("", &all[..]),
        ("author=Smith", &["giraffes.md", "zebras.md"]),
        ("author=Smith,%20J.", &["giraffes.md", "zebras.md"]),
        ("author=Jane%20Smith", &["zebras.md"]),
        ("author=Smith%20JQ", &["zebras.md"]),
        ("author=Mueller", &["raft.md"]),
        ("author=M%C3%BCller-Ousterhout", &["raft.md"]),
        ("author=D.%20Ongaro", &["raft.md"]),
        ("year=2019..", &["giraffes.md", "zebras.md"]),
        ("year=2014", &["raft.md"]),
        ("venue=nature", &["giraffes.md"]),
        ("venue=J.%20Anim.%20Ecol.", &["zebras.md"]),
        ("author=Smith&year=..2020", &["zebras.md"]),
        (
            "document=raft.md&document=zebras.md",
            &["raft.md", "zebras.md"],
        ),
        ("document=raft.md&author=Ongaro", &["raft.md"]),
        ("section=discussion", &["zebras.md"]),
        (
            "section=methods&section=discussion",
            &["raft.md", "zebras.md"],
        ),
        ("collection=default", &all),
    ] {
        for mode in ["hybrid", "dense"] {
            let found = found(&app, &format!("q=animals&top_k=50&mode={mode}&{filter}")).await;
            assert_eq!(files(&found), expected, "{mode} {filter}");
        }
    }
    let short = found(&app, &format!("q=stripes&document={}", &ids[1][..13])).await;
    assert_eq!(files(&short), ["zebras.md"]);

    for (filter, reason) in [
        (
            "author=Nobody",
            "no paper in the library has an author \"Nobody\"",
        ),
        (
            "venue=Science",
            "no paper in the library has the venue \"Science\"",
        ),
        (
            "year=1850..1900",
            "no paper in the library has the year \"1850..1900\"",
        ),
        (
            "author=Ongaro&year=2019",
            "no paper in the library is by the author \"Ongaro\", of the year \"2019\" at once",
        ),
    ] {
        let nothing = found(&app, &format!("q=animals&{filter}")).await;
        assert!(files(&nothing).is_empty());
        assert_eq!(nothing["reason"], reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_older_rules_can_be_filtered_once_the_library_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let paper = folder.path().join("zebras.md");
    std::fs::write(&paper, ZEBRAS).unwrap();
    let data = folder.path().join("data");
    let add = lectern(&data, &["ingest", &paper.display().to_string()]);
    assert_eq!(code(&add), 0);
    let address = format!("sqlite://{}", data.join("catalog.sqlite").display());
    let pool = sqlx::SqlitePool::connect(&address).await.unwrap();
    for sql in [
        "DELETE FROM author_words",
        "UPDATE documents SET venue = NULL, filter_rules = 0",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let arguments = [
        "search",
        "stripes",
        "--author",
        "Smith",
        "--venue",
        "animal ecology",
        "--json",
    ];
    let output = lectern(&data, &arguments);
    assert_eq!(files(&printed(&output)), ["zebras.md"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_repeating_or_leaving_out() {
    let (app, _) = library().await;
    for query in [
        "q=why%20do%20animals%20have%20stripes",
        "q=why%20do%20animals%20have%20stripes&diversify=0.7",
        "q=animals&mode=bm25",
        "like=1",
    ] {
        let whole = found(&app, &format!("{query}&top_k=100")).await;
        let ids = |found: &Value| -> Vec<u64> {
            found["passages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|passage| passage["chunk_id"].as_u64().unwrap())
                .collect()
        };
        let mut paged = Vec::new();
        let mut offset = Some(0);
        while let Some(at) = offset {
            let page = found(&app, &format!("{query}&top_k=2&offset={at}")).await;
            assert_eq!(page["offset"], at);
            assert_eq!(page["passages"][0]["rank"], at + 1, "{query}");
            paged.extend(ids(&page));
            offset = page["next_offset"].as_u64();
        }
        assert_eq!(paged, ids(&whole), "{query}");
        assert!(whole["next_offset"].is_null());
    }
    let beyond = found(&app, "q=animals&offset=500").await;
    assert!(files(&beyond).is_empty());
    assert_eq!(
        beyond["reason"],
        "nothing beyond the first 500 matches the query"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_are_marked_and_shown_in_their_section() {
    let (app, ids) = library().await;
    let plain = found(&app, "q=leader+elected&mode=bm25&section=methods&top_k=1").await;
    let passage = &plain["passages"][0];
    let text = passage["text"].as_str().unwrap();
    let marked: Vec<&str> = passage["highlights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| &text[span[0].as_u64().unwrap() as usize..span[1].as_u64().unwrap() as usize])
        .collect();
    assert!(marked.contains(&"leader"), "{marked:?} in {text}");
    assert!(passage.get("context").is_none());

    let page = app.library.catalog.page(&ids[0], 1).await.unwrap().unwrap();
    for (expand, least) in [("neighbours", 1.2), ("section", 1.2)] {
        let wide = found(
            &app,
            &format!("q=leader+elected&mode=bm25&section=methods&top_k=1&expand={expand}"),
        )
        .await;
        let context = &wide["passages"][0]["context"];
        let around = context["text"].as_str().unwrap();
        assert!(page.text.contains(around), "verbatim: {around}");
        assert!(around.len() as f64 > least * text.len() as f64, "{around}");
        assert!(!around.contains("35 ms"), "another section: {around}");
        let place: Vec<usize> = context["passage"]
            .as_array()
            .unwrap()
            .iter()
            .map(|byte| byte.as_u64().unwrap() as usize)
            .collect();
        assert_eq!(&around[place[0]..place[1]], text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_like_this_leaves_out_itself() {
    let (app, ids) = library().await;
    let stripes = found(&app, "q=biting+flies+land+on+striped+coats&top_k=1").await;
    let chunk = stripes["passages"][0]["chunk_id"].as_u64().unwrap();
    let alike = found(&app, &format!("like={chunk}&top_k=100")).await;
    assert_eq!(alike["mode"], "hybrid");
    let passages = alike["passages"].as_array().unwrap();
    assert!(!passages.is_empty());
    assert!(passages.iter().all(|passage| passage["chunk_id"] != chunk));

    let alike = found(&app, &format!("like={}", ids[1])).await;
    let order: Vec<&str> = alike["passages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|passage| passage["file"].as_str().unwrap())
        .collect();
    assert_eq!(
        order,
        ["giraffes.md", "raft.md"],
        "one passage each, nearest first"
    );
    let other = found(&app, "like=zebras.md&author=Ongaro").await;
    assert_eq!(files(&other), ["raft.md"]);

    let missing = app.get("/api/v1/search?like=999999").send().await.unwrap();
    assert_eq!(missing.status(), 404);
    let problem: Value = missing.json().await.unwrap();
    assert_eq!(problem["code"], "like_not_found");
}

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

#[tokio::test(flavor = "multi_thread")]
async fn the_search_page_works_without_a_script() {
    let (app, ids) = library().await;
    let page = |path: String| {
        let request = app.get(&path);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    let (status, html) = page("/search".into()).await;
    assert_eq!(status, 200);
    for part in [
        "<form class=\"search-form\" method=\"get\" action=\"/search\"",
        "name=\"author\"",
        "value=\"methods\"",
        "href=\"/search\" aria-current=\"page\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("<script"), "nothing on this page needs one");

    let (status, html) =
        page("/search?q=leader+elected&top_k=1&mode=bm25&author=Ongaro".into()).await;
    assert_eq!(status, 200);
    assert!(html.contains("<mark>leader</mark>"), "{html}");
    assert!(html.contains("value=\"leader elected\"") && html.contains("value=\"Ongaro\""));
    assert!(html.contains("<option value=\"bm25\" selected>"));
    let link = |start: &str| -> String {
        let at = html
            .find(start)
            .unwrap_or_else(|| panic!("{start} in {html}"))
            + 6;
        html[at..].split('"').next().unwrap().replace("&#38;", "&")
    };
    let passage = link(&format!("href=\"/documents/{}/pages/1?passage=", ids[0]));
    let (status, printed) = page(passage.split('#').next().unwrap().to_owned()).await;
    assert_eq!(status, 200);
    assert!(
        printed.contains("<mark id=\"quote\""),
        "the passage is marked on its page"
    );
    let next = link("href=\"/search?q=leader");
    assert!(
        next.contains("offset=1") && next.contains("author=Ongaro"),
        "{next}"
    );
    let (status, second) = page(next).await;
    assert!(status == 200 && second.contains("rel=\"prev\""), "{second}");
    let (status, _) = page(link("href=\"/search?like=")).await;
    assert_eq!(status, 200);

    for (query, status, said) in [
        ("q=x&year=soon", 400, "is no year and no range of years"),
        ("q=x&section=prose", 400, "is no kind of section"),
        ("q=x&collection=none", 404, "there is no collection"),
        (
            "q=x&author=Nobody",
            200,
            "no paper in the library has an author",
        ),
        ("q=%00", 400, "the question is empty"),
        (
            "q=%3Cscript%3Ealert(1)%3C/script%3E",
            200,
            "&#60;script&#62;",
        ),
    ] {
        let (got, html) = page(format!("/search?{query}")).await;
        assert_eq!(got, status, "{query}");
        assert!(html.contains(said), "{query}: {html}");
        assert!(!html.contains("<script"), "{query}");
    }
}
