//! A run from its start to a merged model, one at a time, stopped and gone on with.

use std::path::Path;
use std::process::Stdio;

use generation::Generator;
use generation::decoder::{Adapter, Decoder, Kernels, KvCache, Precision};
use generation::llama::Llama;
use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::*;

fn logits(model: &Decoder) -> Vec<f32> {
    let mut cache = KvCache::new(model.config(), 8);
    let logits = model.forward(&[40, 41, 42], &mut cache, Kernels::Fused);
    logits.unwrap().to_vec1().unwrap()
}

#[test]
fn a_run_is_watched_to_its_end_and_merged() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    let output = train(data, &place, &["--name", "first", "--json"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(code(&output), 0, "{errors}");
    assert!(
        errors.contains("of memory and") && errors.contains("warning: "),
        "{errors}"
    );
    let events = json_lines(&output);
    let names: Vec<&str> = events
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(names[..2], ["plan", "loading"]);
    for name in ["started", "step", "evaluated", "saved"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert_eq!(events[0]["plan"]["steps"], 10);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["state"]),
        (&"ended".into(), &"finished".into())
    );
    let run = last["run"].as_str().unwrap();
    assert!(run.ends_with("-first"));

    let listed = done(&finetune(data, &["runs", "--json"]));
    let listed = &listed["runs"][0];
    assert_eq!(listed["state"], "finished");
    assert_eq!(
        (&listed["step"], &listed["steps"]),
        (&10.into(), &10.into())
    );
    assert_eq!(listed["resumable"], false);
    assert!(listed["eval_loss"].is_f64());
    let one = shown(data, "latest");
    assert_eq!(one["settings"]["rank"], 4);
    assert_eq!(one["metrics"]["train"].as_array().unwrap().len(), 10);
    assert_eq!(one["metrics"]["eval"].as_array().unwrap().len(), 5);
    assert_eq!(one["samples"].as_array().unwrap().len(), 1);
    let watched = finetune(data, &["runs", "watch", run, "--json"]);
    assert_eq!(json_lines(&watched).last(), Some(last));

    // Merged, it is the same model.
    let adapter = Adapter::load(Path::new(one["result"].as_str().unwrap())).unwrap();
    let base = Decoder::from_gguf(&place.path("model.gguf"), Precision::F32).unwrap();
    let expected = logits(&base.with_adapter(&adapter).unwrap());
    assert_ne!(logits(&base), expected);
    let same = |model: &Decoder, within: f32| {
        for (left, right) in logits(model).iter().zip(&expected) {
            assert!((left - right).abs() < within, "{left} {right}");
        }
    };
    let out = |name: &str| home.path().join(name).display().to_string();
    let merged = done(&finetune(
        data,
        &["merge", run, "--out", &out("merged"), "--json"],
    ));
    let merged = Path::new(merged["out"].as_str().unwrap());
    same(
        &Decoder::from_safetensors(merged, Precision::F32).unwrap(),
        1e-4,
    );
    let half = ["--format", "gguf", "--type", "f16"];
    let to = ["--out", &out("new/model.gguf"), "--json"];
    done(&finetune(
        data,
        &[&["export", run][..], &half, &to].concat(),
    ));
    let gguf = home.path().join("new/model.gguf");
    same(&Decoder::from_gguf(&gguf, Precision::F32).unwrap(), 2e-2);
    assert_eq!(Llama::load(&gguf, "exported").unwrap().id(), "exported");
    let to = ["--out", &out("peft"), "--json"];
    done(&finetune(
        data,
        &[&["export", run, "--format", "peft"][..], &to].concat(),
    ));
    let copied = Adapter::load(&home.path().join("peft")).unwrap();
    same(&base.with_adapter(&copied).unwrap(), 1e-6);
    // A folder of PEFT's is as good as a run.
    let model = place.path("model.gguf").display().to_string();
    let from = ["merge", &out("peft"), "--base", &model, "--type", "f16"];
    done(&finetune(
        data,
        &[&from[..], &["--out", &out("again"), "--json"]].concat(),
    ));
    same(
        &Decoder::from_safetensors(&home.path().join("again"), Precision::F32).unwrap(),
        2e-2,
    );

    let refused: [(&[&str], &str, i32); 6] = [
        (&["merge", run, "--out", &out("merged")], "export_exists", 1),
        (
            &[
                "export",
                run,
                "--format",
                "gguf",
                "--type",
                "bf16",
                "--out",
                &out("x"),
            ],
            "export_impossible",
            2,
        ),
        (
            &["merge", &out("new"), "--out", &out("x")],
            "adapter_unusable",
            1,
        ),
        (
            &["merge", "nothing", "--out", &out("x")],
            "run_not_found",
            1,
        ),
        (&["runs", "stop", run], "run_not_running", 1),
        (&["run", "--resume", run], "run_finished", 1),
    ];
    for (arguments, wanted, exit) in refused {
        let output = finetune(data, &[arguments, &["--json"]].concat());
        assert_eq!(problem(&output, exit)["code"], wanted);
    }

    done(&finetune(data, &["runs", "delete", run, "--json"]));
    let listed = done(&finetune(data, &["runs", "list", "--json"]));
    assert_eq!(listed["runs"].as_array().unwrap().len(), 0);
    let output = finetune(data, &["runs", "show", "--json"]);
    assert_eq!(problem(&output, 1)["code"], "run_not_found");
}

#[test]
fn one_at_a_time_is_trained_and_it_is_stopped_and_gone_on_with() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    lengthen(&place);
    let run = start(data, &place, &LONG);
    until(data, &run, |run| run["step"].as_u64() > Some(3));
    let live = shown(data, &run);
    assert_eq!(live["state"], "running");
    assert!(live["seconds_left"].as_f64() > Some(0.0), "{live}");

    let second = problem(&train(data, &place, &["--json"]), 1);
    assert_eq!(second["code"], "run_in_progress");
    assert!(
        second["message"].as_str().unwrap().contains(&run),
        "{second}"
    );
    let deleted = finetune(data, &["runs", "delete", &run, "--json"]);
    assert_eq!(problem(&deleted, 1)["code"], "run_running");
    assert_eq!(
        done(&finetune(data, &["runs", "--json"]))["runs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let stopped = done(&finetune(data, &["runs", "stop", "--json"]));
    assert_eq!(
        (&stopped["state"], &stopped["name"]),
        (&"stopped".into(), &run.as_str().into())
    );
    assert_eq!(stopped["resumable"], true);
    let again = finetune(data, &["runs", "stop", &run, "--json"]);
    assert_eq!(problem(&again, 1)["code"], "run_not_running");

    let resumed = finetune(data, &["run", "--resume", "--background", "--json"]);
    assert_eq!(done(&resumed)["run"], run.as_str());
    let step = stopped["step"].as_u64();
    until(data, &run, |run| {
        run["step"].as_u64() > step && run["state"] == "running"
    });
    done(&finetune(data, &["runs", "stop", &run, "--json"]));
    done(&finetune(data, &["runs", "delete", &run[..12], "--json"]));
}

#[test]
fn ctrl_c_saves_and_a_second_one_ends_it_at_once() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    lengthen(&place);
    for times in [1, 2] {
        let arguments = match times {
            1 => run_arguments(&place, &LONG),
            _ => ["run", "--resume"].map(str::to_owned).to_vec(),
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let child = finetune_command(data, &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let running = |run: &Value| run["state"] == "running" && run["seconds_left"].is_f64();
        while finetune(data, &["runs", "show", "--json"]).status.code() != Some(0) {
            std::thread::sleep(Duration::from_millis(40));
        }
        until(data, "latest", running);
        let process = rustix::process::Pid::from_child(&child);
        for _ in 0..times {
            kill_process(process, Signal::INT).unwrap();
            std::thread::sleep(Duration::from_millis(100));
        }
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code(&output), 130, "{errors}");
        assert!(errors.contains("finetune run --resume"), "{errors}");
        let state = shown(data, "latest")["state"].clone();
        match times {
            1 => assert_eq!(state, "stopped"),
            _ => assert!(
                ["stopped", "killed"].contains(&state.as_str().unwrap()),
                "{state}"
            ),
        }
        assert_eq!(shown(data, "latest")["resumable"], true);
    }
}

#[test]
fn it_leaves_the_processor_to_others_unless_told_otherwise() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    lengthen(&place);
    for (priority, nice) in [("idle", "19"), ("normal", "0")] {
        let arguments = run_arguments(&place, &[&LONG[..], &["--background"]].concat());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut started = finetune_command(data, &arguments);
        let started = started.env("LECTERN_TRAINING_PRIORITY", priority).output();
        let errors = String::from_utf8_lossy(&started.as_ref().unwrap().stderr).into_owned();
        let run = String::from_utf8_lossy(&started.unwrap().stdout)
            .trim()
            .to_owned();
        assert!(!run.is_empty(), "{errors}");
        let id = process(data, &run).as_raw_nonzero();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        assert_eq!(fields[16], nice, "{stat}");
        // Idle, it may not come to where it would stop.
        kill_process(process(data, &run), Signal::KILL).unwrap();
        until(data, &run, |run| run["state"] == "killed");
        done(&finetune(data, &["runs", "delete", &run, "--json"]));
    }
}
