//! The commands, without a server: what is refused and why, and what is kept.

use std::fs::File;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{code, command, json as printed, lectern};
use crate::trained::{QUESTION, SENTENCE, copy, model, run, write_dataset, write_other_model};

/// Runs a command on the tiny model.
fn on_tiny(folder: &Path, arguments: &[&str]) -> Output {
    on(folder, &model(), arguments)
}

fn on(folder: &Path, model: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments)
        .env("LECTERN_ANSWERER", model)
        .env("LECTERN_ANSWER_MAX_TOKENS", "80")
        .env("LECTERN_ANSWER_PRECISION", "0")
        .output()
        .unwrap()
}

fn done(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(output), 0, "{errors}");
    printed(output)
}

/// The problem that a command fails with, and its exit code.
fn refused(output: &Output) -> (Value, i32) {
    let error = printed(output)["error"].clone();
    assert!(!error["hint"].as_str().unwrap().is_empty());
    (error, code(output))
}

#[test]
fn too_few_questions_decide_nothing_and_force_needs_a_reason() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let paper = data.join("wombat.txt");
    std::fs::write(&paper, SENTENCE).unwrap();
    let added = on_tiny(data, &["ingest", &paper.display().to_string(), "--json"]);
    let document = crate::common::json_lines(&added)[0]["document_id"].clone();
    let few = data.join("few");
    write_dataset(&few, "few", 6, document.as_str().unwrap());
    let (few, run) = (few.display().to_string(), run().display().to_string());

    let answers = home.path().join("answers.jsonl").display().to_string();
    let evaluate = |answers: &str| {
        let of_few = ["finetune", "evaluate", &run, "--dataset", &few, "--json"];
        on_tiny(data, &[&of_few[..], &["--answers", answers]].concat())
    };
    let nowhere = home.path().join("nowhere/answers.jsonl");
    let (error, exit) = refused(&evaluate(&nowhere.display().to_string()));
    assert_eq!((&error["code"], exit), (&json!("file_not_writable"), 2));
    let output = evaluate(&answers);
    let found = done(&output);
    assert_eq!(found["verdict"], "not_enough_evidence");
    let cases: Vec<Value> = std::fs::read_to_string(&answers)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(cases.len(), 6);
    for case in &cases {
        // F1 is 1: it wrote what it was taught.
        assert_eq!(case["candidate"]["written"], case["expected"], "{case}");
        assert_ne!(case["against"]["written"], case["expected"], "{case}");
    }
    assert_eq!((&found["n"], &found["needed"]), (&json!(6), &json!(94)));
    assert!(String::from_utf8_lossy(&output.stderr).contains("answers: 100 %"));
    let id = found["adapter"].as_str().unwrap();
    let limited = [
        "finetune",
        "evaluate",
        id,
        "--dataset",
        &few,
        "--limit",
        "2",
    ];
    let table = on_tiny(data, &limited);
    let shown = String::from_utf8_lossy(&table.stdout).into_owned();
    assert_eq!(code(&table), 0, "{shown}");
    assert!(shown.contains("| f1 | 1.000 ("), "{shown}");
    assert!(shown.contains("verdict: not enough evidence, 98 more needed"));

    let promote = ["finetune", "promote", id, "--json"];
    let (error, exit) = refused(&on_tiny(data, &promote));
    assert_eq!((&error["code"], exit), (&json!("not_enough_evidence"), 1));
    assert!(error["message"].as_str().unwrap().contains("98 more"));
    assert!(error["hint"].as_str().unwrap().contains("--generate"));
    let forced = [&promote[..], &["--force"]].concat();
    let (error, exit) = refused(&on_tiny(data, &forced));
    assert_eq!((&error["code"], exit), (&json!("reason_missing"), 2));
    let reason = ["--reason", "it is only a test", "--by", "Ann"];
    let promoted = done(&on_tiny(data, &[&forced[..], &reason].concat()));
    assert_eq!(promoted["history"][0]["action"], "forced");
    assert_eq!(promoted["history"][0]["note"], "it is only a test");

    // Another process serves what is promoted.
    let answer = done(&on_tiny(data, &["ask", QUESTION, "--json"]));
    assert_eq!(answer["model"]["adapter"], id);
    assert_eq!(answer["answer"], format!("{SENTENCE} [1]"));
    let lineage = on_tiny(
        data,
        &["finetune", "lineage", answer["id"].as_str().unwrap()],
    );
    let lineage = String::from_utf8_lossy(&lineage.stdout).into_owned();
    assert!(lineage.contains(&format!("adapter: {id}")), "{lineage}");
    assert!(lineage.contains("revision abc123"), "{lineage}");

    // On another model it is not used, and that is said; its folder named by hand is an error.
    let other = data.join("other.gguf");
    write_other_model(&other);
    let elsewhere = done(&on(data, &other, &["ask", QUESTION, "--json"]));
    assert!(elsewhere["model"]["adapter"].is_null());
    let warnings = elsewhere["warnings"].to_string();
    assert!(
        warnings.contains("is not used") && warnings.contains("hint:"),
        "{warnings}"
    );
    let doctor = printed(&on(data, &other, &["doctor", "--json"]));
    let checks = doctor["checks"].as_array().unwrap();
    let check = checks
        .iter()
        .find(|check| check["name"] == "adapter")
        .unwrap();
    assert_eq!(check["ok"], false, "{check}");
    let (error, _) = refused(&on(data, &other, &promote));
    assert_eq!(error["code"], "adapter_base_differs");
    // A setting that names no adapter fails its check; what there is to choose from is still listed.
    let nowhere = |args: &[&str]| {
        let mut named = command(data, args);
        named.env("LECTERN_ANSWERER", model());
        named.env("LECTERN_ANSWER_ADAPTER", data);
        named.output().unwrap()
    };
    let doctor = printed(&nowhere(&["doctor", "--json"]));
    let found = doctor["checks"].as_array().unwrap().iter();
    let check = found.into_iter().find(|one| one["name"] == "adapter");
    let detail = &check.unwrap()["detail"];
    assert!(
        detail.to_string().contains("adapter_config.json"),
        "{detail}"
    );
    let listed = done(&nowhere(&["finetune", "adapters", "list", "--json"]));
    assert_eq!(listed["adapters"][0]["id"], id);
    assert!(listed["serving"].is_null());
    assert_eq!(&listed["because"], detail);
    let bare = command(data, &["ask", QUESTION, "--json"])
        .env("LECTERN_ANSWERER", model())
        .env("LECTERN_ANSWER_ADAPTER", "none")
        .output()
        .unwrap();
    assert!(done(&bare)["model"]["adapter"].is_null());

    let now = done(&on_tiny(data, &["finetune", "rollback", "--json"]));
    assert!(now["serving"].is_null());
    let (error, _) = refused(&on_tiny(data, &["finetune", "rollback", "--json"]));
    assert_eq!(error["code"], "nothing_to_roll_back");
    let deleted = done(&on_tiny(
        data,
        &["finetune", "adapters", "delete", id, "--json"],
    ));
    assert_eq!(deleted, json!({ "deleted": [id] }));
    assert!(
        std::fs::read_dir(data.join("adapters"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn a_deleted_paper_marks_what_learnt_from_it() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let paper = data.join("wombat.txt");
    std::fs::write(&paper, SENTENCE).unwrap();
    let added = on_tiny(data, &["ingest", &paper.display().to_string(), "--json"]);
    let document = crate::common::json_lines(&added)[0]["document_id"].clone();
    let document = document.as_str().unwrap();
    // A run whose data is of that paper.
    let trained = data.join("runs").join("one");
    copy(&run(), &trained);
    copy(&run().join("adapter"), &trained.join("adapter"));
    let own = data.join("own");
    write_dataset(&own, "own", 3, document);
    let card = trained.join("dataset.json");
    let mut cards: Value = serde_json::from_slice(&std::fs::read(&card).unwrap()).unwrap();
    cards["train"]["path"] = json!(own.join("train.jsonl"));
    std::fs::write(&card, cards.to_string()).unwrap();
    // Questions on that paper were trained on, so there is nothing to ask.
    let same = data.join("same");
    let mut moved = std::fs::read_to_string(own.join("train.jsonl")).unwrap();
    copy(&own, &same);
    moved = moved.replace("plain-", "other-");
    std::fs::write(same.join("test.jsonl"), moved).unwrap();
    let same = same.display().to_string();
    let evaluate = ["finetune", "evaluate", "one", "--dataset", &same, "--json"];
    let (error, exit) = refused(&on_tiny(data, &evaluate));
    assert_eq!((&error["code"], exit), (&json!("nothing_held_out"), 1));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("all 54 questions")
    );

    let list = || done(&on_tiny(data, &["finetune", "adapters", "list", "--json"]));
    assert_eq!(list()["adapters"][0]["deleted_documents"], 0);
    let delete = on_tiny(data, &["documents", "delete", document]);
    assert_eq!(code(&delete), 0);
    assert_eq!(list()["adapters"][0]["deleted_documents"], 1);
    let shown = on_tiny(data, &["finetune", "adapters", "list"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("learnt from 1 deleted documents"), "{shown}");
}

#[test]
fn folders_that_are_no_whole_adapter_say_why() {
    use candle_core::{Device, Tensor, safetensors};
    use std::collections::HashMap;

    let home = tempfile::tempdir().unwrap();
    let data = home.path();
    let of = |name: &str| {
        let folder = data.join(name);
        copy(&run().join("adapter"), &folder);
        folder
    };
    let weights = |folder: &Path| -> HashMap<String, Tensor> {
        safetensors::load(folder.join("adapter_model.safetensors"), &Device::Cpu).unwrap()
    };
    let save = |folder: &Path, tensors: &HashMap<String, Tensor>| {
        safetensors::save(tensors, folder.join("adapter_model.safetensors")).unwrap();
    };

    // One layer's matrices are missing, both of them.
    let missing = of("missing");
    let mut tensors = weights(&missing);
    tensors.retain(|name, _| !name.contains("layers.1.self_attn.q_proj"));
    save(&missing, &tensors);
    let half = of("half");
    let mut tensors = weights(&half);
    tensors.retain(|name, _| !name.contains("layers.1.self_attn.q_proj.lora_B"));
    save(&half, &tensors);
    // Of a wider model.
    let wide = of("wide");
    let tensors: HashMap<String, Tensor> = weights(&wide)
        .into_iter()
        .map(|(name, tensor)| {
            let tensor = match name.contains("lora_A") {
                true => Tensor::cat(&[&tensor, &tensor], 1).unwrap(),
                false => tensor,
            };
            (name, tensor)
        })
        .collect();
    save(&wide, &tensors);
    let damaged = of("damaged");
    std::fs::write(damaged.join("adapter_model.safetensors"), "not tensors").unwrap();
    let empty = data.join("empty");
    std::fs::create_dir(&empty).unwrap();
    let cases = [
        (missing, "adapter_unusable", "for 13 projections"),
        (half, "adapter_unusable", "only one of"),
        (wide, "adapter_unusable", "the model needs"),
        (damaged, "adapter_unusable", "safetensors"),
        (empty, "adapter_unusable", "adapter_config.json"),
        (data.join("nowhere"), "adapter_not_found", "nowhere"),
    ];
    for (folder, problem, wanted) in cases {
        let folder = folder.display().to_string();
        let force = ["--force", "--reason", "a test", "--json"];
        let promote = [&["finetune", "promote", &folder][..], &force].concat();
        let (error, exit) = refused(&on_tiny(data, &promote));
        assert_eq!((&error["code"], exit), (&json!(problem), 1), "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(wanted), "{message}");
    }
    let list = on_tiny(data, &["finetune", "adapters", "list", "--json"]);
    assert_eq!(done(&list)["adapters"], json!([]), "nothing was taken in");

    // A run that trained all weights, and settings that name what is not there.
    let full = data.join("runs").join("full");
    copy(&run(), &full);
    std::fs::create_dir(full.join("model")).unwrap();
    let promote = ["finetune", "promote", "full", "--json"];
    let (error, _) = refused(&on_tiny(data, &promote));
    assert_eq!(error["code"], "run_without_adapter");
    let damaged = data.join("runs").join("damaged");
    copy(&run(), &damaged);
    copy(&run().join("adapter"), &damaged.join("adapter"));
    std::fs::remove_file(damaged.join("dataset.json")).unwrap();
    let evaluate = ["finetune", "evaluate", "damaged", "--json"];
    assert_eq!(refused(&on_tiny(data, &evaluate)).0["code"], "run_damaged");
    let nothing = on(
        data,
        &data.join("no.gguf"),
        &["finetune", "adapters", "list", "--json"],
    );
    assert_eq!(refused(&nothing).0["code"], "answerer_not_found");
    let folder = command(data, &["finetune", "adapters", "list", "--json"])
        .env("LECTERN_ANSWER_ADAPTER", data.join("nowhere"))
        .output()
        .unwrap();
    assert_eq!(refused(&folder).0["code"], "setting_invalid");
    let embedder = lectern(data, &["finetune", "adapters", "list", "--json"]);
    assert_eq!(
        code(&embedder),
        0,
        "no model is loaded or fetched for a list"
    );
}

#[test]
fn the_adapter_that_comes_with_lectern_answers_on_its_model_alone() {
    let home = tempfile::tempdir().unwrap();
    let list = |answerer: Option<&str>, adapter: &str| {
        let mut listing = command(home.path(), &["finetune", "adapters", "list", "--json"]);
        listing.env("LECTERN_ANSWER_ADAPTER", adapter);
        if let Some(answerer) = answerer {
            listing.env("LECTERN_ANSWERER", answerer);
        }
        done(&listing.output().unwrap())
    };
    for adapter in ["auto", "built-in"] {
        let listed = list(None, adapter);
        let serving = listed["serving"].as_str().unwrap();
        assert!(serving.starts_with("built-in-"), "{listed}");
        assert_eq!(listed["adapters"], json!([]));
    }
    assert!(list(None, "none")["serving"].is_null());
    // It means nothing on another model, which is only worth a word where it was asked for.
    for (adapter, why) in [
        ("auto", "none was promoted"),
        ("built-in", "another model answers"),
    ] {
        let listed = list(model().to_str(), adapter);
        assert!(listed["serving"].is_null(), "{listed}");
        let because = listed["because"].as_str().unwrap();
        assert!(because.contains(why), "{because}");
    }
}

#[test]
fn a_run_whose_process_has_only_to_let_go_is_taken_in_and_one_that_trains_is_not() {
    let home = tempfile::tempdir().unwrap();
    let copied = home.path().join("parting");
    copy(&run(), &copied);
    copy(&run().join("adapter"), &copied.join("adapter"));
    let lock = File::create(copied.join(".lock")).unwrap();
    lock.lock().unwrap();
    let status = copied.join("status.json");
    let finished = std::fs::read_to_string(&status).unwrap();
    std::fs::write(&status, finished.replace("finished", "running")).unwrap();
    let named = copied.display().to_string();
    let promote = || {
        let forced = ["--force", "--reason", "a test", "--json"];
        let promote = ["finetune", "promote", &named];
        on_tiny(home.path(), &[&promote[..], &forced].concat())
    };
    let (error, exit) = refused(&promote());
    assert_eq!((&error["code"], exit), (&json!("run_not_finished"), 1));

    // Its end is recorded before its process ends.
    std::fs::write(&status, finished).unwrap();
    let parting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        drop(lock);
    });
    assert_eq!(done(&promote())["state"], "in_service");
    parting.join().unwrap();
}
