//! Searching over HTTP and from the command line: filters, pages, contexts, more like this,
//! collections, and whatever a person may type.

mod collections;
#[path = "../common/mod.rs"]
mod common;
mod filters;
mod input;
mod page;
mod results;

use common::{TestApp, spawn_app};
use serde_json::Value;

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
