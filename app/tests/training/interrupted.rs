//! Runs that are killed, and disks that do not take a checkpoint: what was saved stays, and the run goes
//! on to the same end.

use std::path::{Path, PathBuf};

use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::*;

/// The losses of a run's steps and evaluations.
fn losses(run: &Value) -> Vec<String> {
    let series = &run["metrics"];
    let all = ["train", "eval"].map(|name| series[name].as_array().unwrap());
    all.into_iter()
        .flatten()
        .map(|point| format!("{} {}", point["step"], point["loss"]))
        .collect()
}

fn adapter(run: &Value) -> Vec<u8> {
    let folder = PathBuf::from(run["folder"].as_str().unwrap());
    std::fs::read(folder.join("adapter/adapter_model.safetensors")).unwrap()
}

fn resume(data: &Path) -> Output {
    finetune(data, &["run", "--resume", "--json"])
}

#[test]
fn killed_again_and_again_while_saving_it_comes_to_the_same_end() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    // A checkpoint a step, so that most kills come while one is written.
    let often = ["--set", "epochs=40", "--set", "checkpoint_steps=1"];
    assert_eq!(
        code(&train(
            data,
            &place,
            &[&often[..], &["--name", "whole"]].concat()
        )),
        0
    );
    let whole = shown(data, "latest");

    let run = start(data, &place, &often);
    let mut kills = 0;
    for wait in (0..).map(|kills| 300 + 150 * kills) {
        std::thread::sleep(Duration::from_millis(wait));
        if shown(data, &run)["state"] == "finished" {
            break;
        }
        // It may be gone by now, which is as good.
        let _ = kill_process(process(data, &run), Signal::KILL);
        let after = until(data, &run, |run| run["state"] != "running");
        if after["state"] == "finished" {
            break;
        }
        kills += 1;
        assert_eq!(after["state"], "killed");
        assert_eq!(after["resumable"], true);
        assert!(
            after["reason"].as_str().unwrap().contains("killed"),
            "{after}"
        );
        let resumed = finetune(data, &["run", "--resume", &run, "--background", "--json"]);
        assert_eq!(done(&resumed)["run"], run.as_str());
    }
    eprintln!("killed {kills} times");
    let run = shown(data, &run);
    assert_eq!(losses(&run), losses(&whole));
    assert_eq!(adapter(&run), adapter(&whole));
}

#[test]
fn a_run_that_is_killed_in_front_of_you_says_so() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    lengthen(&place);
    let run = start(data, &place, &LONG);
    let watching = finetune_command(data, &["runs", "watch", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until(data, &run, |run| run["step"].as_u64() > Some(0));
    kill_process(process(data, &run), Signal::KILL).unwrap();
    let output = watching.wait_with_output().unwrap();
    let problem = problem(&output, 1);
    assert_eq!(problem["code"], "run_killed");
    assert!(
        problem["hint"].as_str().unwrap().contains("--resume"),
        "{problem}"
    );
}

#[test]
fn a_checkpoint_that_cannot_be_written_fails_the_run_and_leaves_the_old_one() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    let settings = ["--set", "epochs=100", "--set", "checkpoint_steps=5"];
    assert_eq!(
        code(&train(
            data,
            &place,
            &[&settings[..], &["--name", "whole"]].concat()
        )),
        0
    );
    let whole = shown(data, "latest");

    let run = start(data, &place, &settings);
    until(data, &run, |run| run["step"].as_u64() > Some(2));
    finetune(data, &["runs", "stop", &run]);
    let stopped = shown(data, &run);
    let saved = stopped["step"].as_u64().unwrap();
    assert!(saved < 200, "it came to its end before it could be stopped");
    let checkpoints = PathBuf::from(stopped["folder"].as_str().unwrap()).join("checkpoints");
    // What a checkpoint is written to before it has its name cannot be made.
    let in_the_way: Vec<PathBuf> = (saved + 1..=200)
        .map(|step| checkpoints.join(format!(".step-{step:08}.part")))
        .collect();
    for path in &in_the_way {
        std::fs::write(path, "in the way").unwrap();
    }
    let failed = problem(&resume(data), 1);
    assert_eq!(failed["code"], "run_unusable");
    let hint = failed["hint"].as_str().unwrap();
    assert!(hint.contains("check the free space"), "{failed}");
    let after = shown(data, &run);
    assert_eq!(
        (&after["state"], &after["resumable"]),
        (&"failed".into(), &true.into())
    );
    assert!(checkpoints.join(format!("step-{saved:08}")).is_dir());

    for path in &in_the_way {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(code(&resume(data)), 0);
    let run = shown(data, &run);
    assert_eq!(losses(&run), losses(&whole));
    assert_eq!(adapter(&run), adapter(&whole));
}
