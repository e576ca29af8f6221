//! All weights, LoRA and QLoRA on the same data: numbers trained, memory, time, held-out loss, and the F1
//! of the answers to questions of the test side, beside the model as it was. A model that declines
//! everything has the F1 of the questions that are to be declined, so that the F1 of the others and the share
//! of them that is declined stand beside it.
//!
//! `LECTERN_BENCH_MODEL=model.gguf LECTERN_BENCH_DATA=FOLDER cargo bench --workspace --bench recipes`
//!
//! FOLDER is what `lectern finetune prepare` makes. `LECTERN_BENCH_STEPS` (60) and
//! `LECTERN_BENCH_QUESTIONS` (100) say how long it takes, `LECTERN_BENCH_KEEP` (0) is `keep_blocks`. Each
//! recipe has a process of its own, and the learning rate that suits it: 1e-3 for adapters, 5e-5 for all
//! weights.

#![allow(
    clippy::print_stdout,
    reason = "one process reads what the other measured"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use finetune::config::Recipe;
use finetune::data::{Side, folder};
use finetune::held_out::{Tested, answer, chosen};
use finetune::score::bootstrap::figures;
use finetune::score::{Metric, Parts};
use finetune::{Event, RunFolder, TrainConfig, Watch, recipes};
use generation::decoder::Adapter;
use generation::llama::Llama;

#[path = "shared/memory.rs"]
mod memory;

use memory::peak;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECIPE: &str = "LECTERN_BENCH_RECIPE";
const BASE: &str = "base";

/// Tokens of an answer.
const TOKENS: usize = 80;

fn main() {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(model), Some(data)) = (path("LECTERN_BENCH_MODEL"), path("LECTERN_BENCH_DATA"))
    else {
        eprintln!(
            "skipped: LECTERN_BENCH_MODEL and LECTERN_BENCH_DATA name no GGUF file and no dataset"
        );
        return;
    };
    if let Ok(recipe) = std::env::var(RECIPE) {
        return one(&recipe, &model, &data);
    }
    println!(
        "| | trained | seconds | peak MiB | held-out loss | F1 (95 %) | F1 of answerable (95 %) | of these declined |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for recipe in [BASE, "full", "lora", "qlora"] {
        let program = std::env::current_exe().expect("this program has a path");
        let output = Command::new(program)
            .env(RECIPE, recipe)
            .env("MIMALLOC_PURGE_DELAY", "-1")
            .stderr(Stdio::inherit())
            .output()
            .expect("it can be started");
        assert!(output.status.success(), "{recipe} failed");
        let told = String::from_utf8_lossy(&output.stdout);
        println!("{}", told.lines().last().unwrap_or_default());
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    let given = std::env::var(name).ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

fn one(recipe: &str, model: &Path, data: &Path) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (trained, llama) = match recipe {
        BASE => ("| 0 | - | - | -".to_owned(), load(model)),
        recipe => train(recipe, model, data, home.path()),
    };
    let examples = folder::read(data, Side::Test).expect("the test side can be read");
    let examples = chosen(examples, number("LECTERN_BENCH_QUESTIONS", 100), 1);
    let tested = Tested::new(&llama).expect("the head is unpacked");
    let parts: Vec<Parts> = examples
        .iter()
        .filter_map(|example| answer(&tested, example, TOKENS).expect("it answers"))
        .map(|trial| trial.parts)
        .collect();
    let figures = figures(&parts, 1);
    let told = |metric: Metric| {
        let figure = figures[&metric];
        format!(
            "{:.3} ({:.3} to {:.3})",
            figure.value, figure.low, figure.high
        )
    };
    println!(
        "| {recipe} {trained} | {} | {} | {:.2} |",
        told(Metric::F1),
        told(Metric::AnswerF1),
        figures[&Metric::FalseRefusals].value
    );
}

fn load(model: &Path) -> Llama {
    Llama::load(model, "model").expect("the model loads")
}

fn train(recipe: &str, model: &Path, data: &Path, home: &Path) -> (String, Llama) {
    let recipe = match recipe {
        "full" => Recipe::Full,
        "qlora" => Recipe::Qlora,
        _ => Recipe::Lora,
    };
    let steps = number("LECTERN_BENCH_STEPS", 60);
    let config = TrainConfig {
        base: model.to_owned(),
        train: folder::file(data, Side::Train),
        eval: folder::file(data, Side::Validation),
        max_steps: steps,
        batch_size: 2,
        gradient_accumulation: 2,
        learning_rate: if recipe == Recipe::Full { 5e-5 } else { 1e-3 },
        warmup_ratio: 0.05,
        eval_steps: steps,
        eval_examples: 100,
        samples: 0,
        checkpoint_steps: 1_000_000,
        keep_blocks: number("LECTERN_BENCH_KEEP", 0),
        ..TrainConfig::new(recipe)
    };
    let run = RunFolder::create(home, &config, None).expect("a run's folder");
    let stop = AtomicBool::new(false);
    let mut taken = 0.0;
    let mut started = Instant::now();
    let mut on_event = |event: &Event| match event {
        Event::Step(progress) => {
            taken = started.elapsed().as_secs_f64();
            eprint!("\r{} step {} of {steps} ", recipe.name(), progress.step);
        }
        Event::Evaluated { loss, step, .. } => {
            eprintln!("held-out loss {loss:.4}");
            if *step == 0 {
                started = Instant::now();
            }
        }
        _ => {}
    };
    let mut watch = Watch {
        on_event: &mut on_event,
        stop: &stop,
    };
    let summary = recipes::train(&config, &run, &mut watch).expect("it trains");
    let peak = peak().map_or("?".to_owned(), |peak| peak.to_string());
    let told = format!(
        "| {} | {taken:.0} | {peak} | {:.4}",
        summary.parameters,
        summary.eval_loss.unwrap_or(f64::NAN)
    );
    let llama = match recipe {
        Recipe::Full => load(&run.model().join("model.gguf")),
        _ => {
            let adapter = Adapter::load(&run.adapter()).expect("the adapter is whole");
            let with = load(model).with_adapter(Some(("bench", &adapter)));
            with.expect("the adapter fits")
        }
    };
    (told, llama)
}
