//! The API: evaluated in the background, promoted while an answer is on its way, rolled back.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use app::catalog::Catalog;
use app::library::adapters::background::Begun;
use app::library::adapters::evaluate::EvaluateRequest;
use app::library::ask::{AskEvent, AskRequest};
use serde_json::{Value, json};

use crate::common::{Server, TestApp, command, settings};
use crate::trained::{QUESTION, QUESTIONS, SENTENCE, dataset, model, run};

pub(crate) async fn call(request: reqwest::RequestBuilder, status: u16) -> Value {
    let response = request.send().await.unwrap();
    let found = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap(),
    }
}

/// A server on the tiny model, with a run, its dataset and a paper.
async fn server() -> TestApp {
    let home = tempfile::tempdir().unwrap();
    let answerer = model().display().to_string();
    let changes = [
        ("addr", "127.0.0.1:0"),
        ("answerer", answerer.as_str()),
        ("answer.max_tokens", "80"),
        ("answer.precision", "0"),
    ];
    let settings = settings(home.path(), &changes);
    let runs = home.path().join("runs");
    std::fs::create_dir(&runs).unwrap();
    std::os::unix::fs::symlink(run(), runs.join("wombat-run")).unwrap();
    let app = TestApp::on(home, settings).await;
    app.uploaded("wombat.txt", SENTENCE.into()).await;
    add_dataset(&app.library.catalog).await;
    app
}

async fn add_dataset(catalog: &Catalog) {
    let card = finetune::data::folder::read_card(&dataset()).unwrap();
    let folder = dataset().canonicalize().unwrap().display().to_string();
    assert!(catalog.add_dataset(&folder, &card, &[]).await.unwrap());
}

async fn ask(app: &TestApp) -> Value {
    let request = AskRequest {
        question: QUESTION.to_owned(),
        ..AskRequest::default()
    };
    let answer = app.library.ask(&request, |_| true).await.unwrap();
    serde_json::to_value(answer).unwrap()
}

pub(crate) async fn evaluated(app: &TestApp, id: &str) -> Value {
    loop {
        let details = call(app.get(&format!("/api/v1/adapters/{id}")), 200).await;
        let running = &details["evaluating"];
        if running.is_null() {
            return details;
        }
        assert!(running["failed"].is_null(), "{running}");
        assert!(running["done"].as_u64() <= running["total"].as_u64());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A server in a process of its own, on the tiny model.
fn serving(data: &Path) -> Server {
    let mut command = command(data, &["serve", "--addr", "127.0.0.1:0"]);
    command
        .env("LECTERN_ANSWERER", model())
        .env("LECTERN_ANSWER_MAX_TOKENS", "80");
    Server::started(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_that_a_kill_cut_off_is_made_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join("runs");
    std::fs::create_dir(&runs).unwrap();
    std::os::unix::fs::symlink(run(), runs.join("wombat-run")).unwrap();
    let catalog = home.path().join("catalog.sqlite");
    let before = Catalog::open(&catalog).await.unwrap();
    add_dataset(&before).await;
    before.close().await;
    let client = reqwest::Client::new();
    let shown = |server: &Server, id: &str| {
        let details = client.get(format!("{}/api/v1/adapters/{id}", server.url));
        call(details, 200)
    };

    let mut server = serving(home.path());
    let session = client.get(format!("{}/api/v1/session", server.url));
    let session = call(session, 200).await;
    let evaluate = client
        .post(format!(
            "{}/api/v1/adapters/wombat-run/evaluate",
            server.url
        ))
        .header("X-CSRF-Token", session["csrf_token"].as_str().unwrap())
        .json(&json!({}));
    let started = call(evaluate, 202).await;
    let id = started["id"].as_str().unwrap();
    drop(server);

    // Killed again once answers are being given, and left alone then.
    server = serving(home.path());
    while shown(&server, id).await["evaluating"]["done"].as_u64() < Some(2) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(server);
    server = serving(home.path());
    let details = loop {
        let details = shown(&server, id).await;
        if !details["evaluation"].is_null() {
            break details;
        }
        assert!(details["evaluating"]["failed"].is_null(), "{details}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(details["evaluation"]["n"], QUESTIONS);

    // What is done is not done again, and what ends the program each time is given up.
    drop(server);
    let request = EvaluateRequest {
        adapter: id.to_owned(),
        ..EvaluateRequest::default()
    };
    let catalog = Catalog::open(&catalog).await.unwrap();
    assert_eq!(catalog.evaluations_begun().await.unwrap(), []);
    let begun = Begun { request, times: 3 };
    catalog
        .set_evaluation_begun(id, Some(&begun))
        .await
        .unwrap();
    catalog.close().await;
    let server = serving(home.path());
    let given_up = loop {
        let details = shown(&server, id).await;
        if let Some(why) = details["evaluating"]["failed"].as_str() {
            break why.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(given_up.contains("ended 3 times"), "{given_up}");
    assert!(given_up.contains("hint: "), "{given_up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_better_adapter_is_promoted_and_rolled_back() {
    let app = server().await;
    let before = ask(&app).await;
    assert!(before["model"]["adapter"].is_null());

    // Not without an evaluation, and not by force without a reason.
    let promote = "/api/v1/adapters/wombat-run/promote";
    let refused = call(app.post(promote).json(&json!({})), 409).await;
    assert_eq!(refused["code"], "adapter_not_evaluated");
    let refused = call(app.post(promote).json(&json!({"force": true})), 400).await;
    assert_eq!(refused["code"], "reason_missing");
    let unknown = app
        .post("/api/v1/adapters/nothing/promote")
        .json(&json!({}));
    assert_eq!(call(unknown, 404).await["code"], "adapter_not_found");
    let outside = app
        .post("/api/v1/adapters/%2Fetc/evaluate")
        .json(&json!({}));
    assert_eq!(call(outside, 404).await["code"], "adapter_not_found");

    let evaluate = "/api/v1/adapters/wombat-run/evaluate";
    let started = call(app.post(evaluate).json(&json!({})), 202).await;
    let id = started["id"].as_str().unwrap().to_owned();
    assert_eq!(started["dataset"]["name"], "wombats");
    let again = app.post(evaluate).json(&json!({}));
    assert_eq!(call(again, 409).await["code"], "evaluation_running");
    let details = evaluated(&app, &id).await;
    let found = &details["evaluation"];
    assert_eq!(found["verdict"], "better", "{found}");
    assert_eq!(
        (&found["n"], &found["split"]),
        (&json!(QUESTIONS), &json!("test"))
    );
    assert!(found["against"]["adapter"].is_null());
    for figure in ["f1", "citation_recall"] {
        let value = found["metrics"][figure].as_f64().unwrap();
        assert!(value > 0.9, "{figure}: {value}");
    }
    assert!(found["against"]["metrics"]["f1"].as_f64().unwrap() < 0.5);
    assert!(found["differences"]["f1"]["p"].as_f64().unwrap() < 0.001);
    let low = found["intervals"]["f1"][0].as_f64().unwrap();
    assert!(low > 0.8, "{low}");
    let fallback = |at: &str| found["end_to_end"][at].as_f64().unwrap();
    assert!(fallback("fallback") < 0.1 && fallback("fallback_against") > 0.5);
    assert_eq!(found["sources"], json!({ "imported": QUESTIONS }));
    assert_eq!(found["general"]["declined"], 0);

    compared(&app, &id).await;

    let promoted = app.post(promote).json(&json!({"by": "Ann"}));
    let promoted = call(promoted, 200).await;
    assert_eq!(promoted["state"], "in_service");
    assert_eq!(promoted["history"][0]["by"], "Ann");
    let answer = ask(&app).await;
    assert_eq!(answer["model"]["adapter"], json!(id));
    assert_eq!(answer["answer"], format!("{SENTENCE} [1]"));
    let twice = app.post(promote).json(&json!({}));
    assert_eq!(call(twice, 409).await["code"], "adapter_in_service");
    let delete = app.delete(&format!("/api/v1/adapters/{id}"));
    assert_eq!(call(delete, 409).await["code"], "adapter_in_service");

    // An answer that has begun goes on with the adapter, though it is taken off meanwhile.
    let (began, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let library = app.library.clone();
    let asking = tokio::spawn(async move {
        let request = AskRequest {
            question: QUESTION.to_owned(),
            ..AskRequest::default()
        };
        let mut waited = false;
        library
            .ask(&request, move |event| {
                if matches!(event, AskEvent::Token(_)) && !waited {
                    waited = true;
                    began.send(()).unwrap();
                    may_go_on.recv().unwrap();
                }
                true
            })
            .await
            .unwrap()
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap())
        .await
        .unwrap();
    let rollback = "/api/v1/adapters/rollback";
    let now = call(app.post(rollback).json(&json!({"reason": "a test"})), 200).await;
    assert!(now["serving"].is_null(), "{now}");
    go_on.send(()).unwrap();
    let in_flight = asking.await.unwrap();
    assert_eq!(in_flight.model.adapter.as_deref(), Some(id.as_str()));
    assert_eq!(in_flight.answer, format!("{SENTENCE} [1]"));

    // Everything is as it was before, to the byte.
    let after = ask(&app).await;
    for field in ["answer", "sentences", "citations", "model", "origin"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let nothing = call(app.post(rollback).json(&json!({})), 409).await;
    assert_eq!(nothing["code"], "nothing_to_roll_back");

    // The adapter's answer can be made again by the adapter, which does not answer any more.
    let answered = answer["id"].as_str().unwrap();
    let replay = app.library.replay_answer(answered).await.unwrap();
    assert!(replay.differences.is_empty(), "{:?}", replay.differences);
    assert_eq!(replay.now.model.adapter.as_deref(), Some(id.as_str()));
    let lineage = call(app.get(&format!("/api/v1/answers/{answered}/lineage")), 200).await;
    assert_eq!(lineage["adapter_id"], json!(id));
    assert_eq!(lineage["run"]["git_revision"], "abc123");
    assert_eq!(lineage["adapter"]["dataset"]["name"], "wombats");

    // Once it is deleted, that can't be done, and the replay says so.
    call(app.delete(&format!("/api/v1/adapters/{id}")), 204).await;
    let replay = app.library.replay_answer(answered).await.unwrap();
    assert!(
        replay.notes.iter().any(|note| note.contains(&id)),
        "{:?}",
        replay.notes
    );
    let list = call(app.get("/api/v1/adapters"), 200).await;
    assert_eq!(list["adapters"], json!([]));
}

/// Whoever prefers the right answers finds that the adapter's are, without having known.
async fn compared(app: &TestApp, id: &str) {
    let all = "/api/v1/comparisons";
    let same = json!({"adapter": id, "against": id});
    let same = call(app.post(all).json(&same), 400).await;
    assert_eq!(same["code"], "comparison_pointless");
    let wanted = json!({"adapter": "wombat-run", "against": "base", "questions": 3});
    let begun = call(app.post(all).json(&wanted), 202).await;
    assert_eq!(begun["models"], json!([id, "base"]));
    let one = format!("{all}/{}", begun["id"].as_str().unwrap());
    let mut standing = loop {
        let standing = call(app.get(&one), 200).await;
        assert!(standing["failed"].is_null(), "{standing}");
        if standing["finished"] == true {
            break standing;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(standing["pairs"], 3);
    while let Some(position) = standing["next"]["position"].as_u64() {
        let pair = &standing["next"];
        let vote = match pair["left"].as_str().unwrap().contains(SENTENCE) {
            true => "left",
            false => "right",
        };
        let page = app.get(&format!(
            "/training/comparisons/{}",
            begun["id"].as_str().unwrap()
        ));
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("data-vote=\"left\"") && !page.contains(id));
        let vote = json!({"position": position, "vote": vote, "by": "Ann"});
        standing = call(app.post(&format!("{one}/votes")).json(&vote), 200).await;
    }
    assert_eq!(
        (&standing["wins"], &standing["losses"]),
        (&json!(3), &json!(0)),
        "{standing}"
    );
    assert_eq!(standing["win_rate"]["value"], 1.0);
    call(app.delete(&one), 204).await;
}
