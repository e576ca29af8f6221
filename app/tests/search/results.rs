//! Pages, highlights, contexts, and more like this.

use crate::{files, found, library};
use serde_json::Value;

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
