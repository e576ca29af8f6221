//! Runs that are interrupted, in every way that they can be.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use finetune::config::Recipe;
use finetune::{Ending, Event, RunFolder, TrainConfig, Watch, recipes};

use crate::tiny::{Place, losses, quiet};

fn adapter(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("adapter/adapter_model.safetensors")).unwrap()
}

/// Goes on with a run until it ends by itself.
fn go_on(run: &Path) -> finetune::Summary {
    let (run, config) = RunFolder::open(run).unwrap();
    recipes::train(&config, &run, &mut quiet(&mut |_| ())).unwrap()
}

fn config(place: &Place, recipe: Recipe) -> TrainConfig {
    TrainConfig {
        packing: true,
        ..place.config(recipe)
    }
}

#[test]
fn stopped_at_any_step_it_goes_on_to_the_same_losses_and_weights() {
    for recipe in [Recipe::Lora, Recipe::Qlora] {
        let place = Place::new();
        let config = TrainConfig {
            epochs: 9,
            ..config(&place, recipe)
        };
        let whole = place.train(&config).unwrap();
        for stop_after in [1, 4, 7] {
            let run = RunFolder::create(&place.path("runs"), &config, None).unwrap();
            let stop = AtomicBool::new(false);
            let mut on_event = |event: &Event| {
                if let Event::Step(progress) = event
                    && progress.step == stop_after
                {
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let mut watch = Watch {
                on_event: &mut on_event,
                stop: &stop,
            };
            let stopped = recipes::train(&config, &run, &mut watch).unwrap();
            assert_eq!(
                (stopped.ending, stopped.steps),
                (Ending::Stopped, stop_after)
            );
            let path = run.path().to_owned();
            drop(run);
            assert_eq!(finetune::run::status(&path).unwrap().state, "stopped");
            let summary = go_on(&path);
            assert_eq!(summary.ending, Ending::Finished);
            assert_eq!(losses(&path), losses(&whole.run), "{stop_after}");
            assert_eq!(adapter(&path), adapter(&whole.run));
            assert_eq!(summary.tokens, whole.tokens);
        }
    }
}

#[test]
fn two_runs_of_the_same_settings_are_the_same_and_other_seeds_are_not() {
    let place = Place::new();
    let config = config(&place, Recipe::Lora);
    let (first, second) = (place.train(&config).unwrap(), place.train(&config).unwrap());
    assert_ne!(first.run, second.run);
    assert_eq!(losses(&first.run), losses(&second.run));
    assert_eq!(adapter(&first.run), adapter(&second.run));
    let other = place.train(&TrainConfig { seed: 7, ..config }).unwrap();
    assert_ne!(losses(&first.run), losses(&other.run));
}

#[test]
fn a_run_is_open_once_and_goes_on_only_with_its_data() {
    let place = Place::new();
    let config = config(&place, Recipe::Lora);
    let run = RunFolder::create(&place.path("runs"), &config, None).unwrap();
    recipes::train(&config, &run, &mut quiet(&mut |_| ())).unwrap();
    let path = run.path().to_owned();
    let error = RunFolder::open(&path).unwrap_err().to_string();
    assert!(error.contains("another process is training it"), "{error}");
    assert!(finetune::run::is_open(&path));
    drop(run);
    assert!(!finetune::run::is_open(&path));
    assert_eq!(
        finetune::run::list(&place.path("runs")),
        std::slice::from_ref(&path)
    );

    place.write("train.jsonl", &crate::tiny::line("What is new?", "This."));
    let (run, config) = RunFolder::open(&path).unwrap();
    let error = recipes::train(&config, &run, &mut quiet(&mut |_| ())).unwrap_err();
    assert!(error.to_string().contains("start a new run"), "{error}");

    let error = RunFolder::open(place.folder.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("hint: name the folder of a run"), "{error}");
}

/// Set for the process that is to be killed: the run that it goes on with.
const KILLED_RUN: &str = "LECTERN_TEST_KILLED_RUN";

/// Not a test by itself: what the next one starts, and kills.
#[test]
fn trains_the_run_that_is_to_be_killed() {
    let Some(run) = std::env::var_os(KILLED_RUN) else {
        return;
    };
    go_on(Path::new(&run));
}

#[test]
fn killed_again_and_again_it_comes_to_the_same_losses() {
    let place = Place::new();
    let config = TrainConfig {
        epochs: 20,
        checkpoint_steps: 1,
        ..config(&place, Recipe::Lora)
    };
    let whole = place.train(&config).unwrap();
    let run = RunFolder::create(&place.path("runs"), &config, None).unwrap();
    let path = run.path().to_owned();
    drop(run);

    let mut kills = 0;
    // Ever longer, so that it ends on the slowest machine.
    for wait in (0..).map(|kills| 30.0 * 1.15f64.powi(kills)) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "resume::trains_the_run_that_is_to_be_killed"])
            .env(KILLED_RUN, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs_f64(wait / 1000.0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    eprintln!("killed {kills} times");
    go_on(&path);
    assert_eq!(losses(&path), losses(&whole.run));
    assert_eq!(adapter(&path), adapter(&whole.run));
}
