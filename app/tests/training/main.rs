//! Training from the command line and over HTTP, on a model of two layers with random weights: real
//! processes, real runs, real files.

mod bad_input;
mod command_line;
#[path = "../common/mod.rs"]
mod common;
mod http;
mod interrupted;
#[path = "../common/tiny_answerer.rs"]
mod tiny_answerer;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use common::{code, command, json, json_lines};
use tiny_answerer::tiny::Place;

/// `lectern finetune` on a data folder, not yet started. Training takes its share of the processor: what
/// other tests leave may be nothing.
fn finetune_command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = command(data, &[&["finetune"], arguments].concat());
    command.env("LECTERN_TRAINING_PRIORITY", "normal");
    command
}

/// `lectern finetune` on a data folder.
fn finetune(data: &Path, arguments: &[&str]) -> Output {
    finetune_command(data, arguments).output().unwrap()
}

/// What a command that must succeed printed.
fn done(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(output), 0, "{errors}");
    json(output)
}

/// The problem of a command that must fail, with its exit code.
fn problem(output: &Output, exit: i32) -> Value {
    let lines = json_lines(output);
    let problem = lines.last().map_or(Value::Null, |it| it["error"].clone());
    assert_eq!(code(output), exit, "{problem}");
    assert!(!problem["hint"].as_str().unwrap().is_empty(), "{problem}");
    problem
}

/// The arguments of a run on the files of a place, short unless `further` say otherwise.
fn run_arguments(place: &Place, further: &[&str]) -> Vec<String> {
    let path = |name: &str| place.path(name).display().to_string();
    let mut arguments = vec!["run".to_owned()];
    for (flag, value) in [
        ("--base", path("model.gguf")),
        ("--train", path("train.jsonl")),
        ("--eval", path("eval.jsonl")),
    ] {
        arguments.extend([flag.to_owned(), value]);
    }
    for setting in [
        "epochs=5",
        "batch_size=2",
        "gradient_accumulation=2",
        "max_length=128",
        "learning_rate=1e-2",
        "rank=4",
        "alpha=8",
        "eval_steps=3",
        "checkpoint_steps=2",
        "samples=1",
    ] {
        arguments.extend(["--set".to_owned(), setting.to_owned()]);
    }
    arguments.extend(further.iter().map(|one| (*one).to_owned()));
    arguments
}

/// `lectern finetune run` on the files of a place.
fn train(data: &Path, place: &Place, further: &[&str]) -> Output {
    let arguments = run_arguments(place, further);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    finetune(data, &arguments)
}

/// Settings under which a run goes on for as long as any test looks at it.
const LONG: [&str; 6] = [
    "--set",
    "epochs=1000",
    "--set",
    "eval_steps=100000",
    "--set",
    "checkpoint_steps=100000",
];

/// Many examples, for such a run.
fn lengthen(place: &Place) {
    let lines = std::fs::read_to_string(place.path("train.jsonl")).unwrap();
    place.write("train.jsonl", &lines.repeat(20));
}

/// Starts a run in the background and gives its name.
fn start(data: &Path, place: &Place, further: &[&str]) -> String {
    let further = [&["--background", "--json"], further].concat();
    let output = train(data, place, &further);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), 0, "{errors}");
    let lines = json_lines(&output);
    lines.last().unwrap()["run"].as_str().unwrap().to_owned()
}

/// A run as `runs show` prints it.
fn shown(data: &Path, run: &str) -> Value {
    done(&finetune(data, &["runs", "show", run, "--json"]))
}

/// Waits until this holds of a run.
fn until(data: &Path, run: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1500 {
        let run = shown(data, run);
        if holds(&run) {
            return run;
        }
        std::thread::sleep(Duration::from_millis(40));
    }
    panic!("{} never came so far", shown(data, run));
}

/// The process that trains a run.
fn process(data: &Path, run: &str) -> rustix::process::Pid {
    let folder = shown(data, run)["folder"].as_str().unwrap().to_owned();
    let log = std::fs::read_to_string(Path::new(&folder).join("log.jsonl")).unwrap();
    let mut ids = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["process"].as_i64());
    rustix::process::Pid::from_raw(i32::try_from(ids.next_back().unwrap()).unwrap()).unwrap()
}
