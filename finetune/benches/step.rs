//! How fast a training step is and what it holds: one sequence of 512 tokens, all of them learnt,
//! rank 8 on all projections, each way of holding weights and graphs in a process of its own, as
//! training runs in one.
//!
//! `LECTERN_BENCH_MODEL=model.gguf cargo bench --workspace --bench step`
//!
//! With `LECTERN_BENCH_PYTHON=python3`, an interpreter that has PyTorch, the same step in PyTorch
//! (`scripts/bench_training_step.py`) takes its turn with them, several rounds, and the ratio of the
//! medians is told.

#![allow(
    clippy::print_stdout,
    reason = "one process reads what the other measured"
)]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use finetune::TrainConfig;
use finetune::backward::{Gradients, Pass, accumulate};
use finetune::batch::Batch;
use finetune::config::Recipe;
use finetune::dataset::Encoded;
use finetune::optimizer::{AdamW, clip};
use generation::decoder::{Adapter, AdapterConfig, Decoder, Precision};

#[path = "shared/memory.rs"]
mod memory;

use memory::peak;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOKENS: usize = 512;
const VARIANT: &str = "LECTERN_BENCH_VARIANT";

/// Name, how weights are held, blocks whose graph is kept.
const VARIANTS: [(&str, Precision, usize); 5] = [
    ("lora f32, blocks computed again", Precision::F32, 0),
    ("lora f32, graphs kept", Precision::F32, usize::MAX),
    ("lora bf16, blocks computed again", Precision::Bf16, 0),
    ("qlora, blocks computed again", Precision::Nf4, 0),
    ("qlora, graphs kept", Precision::Nf4, usize::MAX),
];

fn main() {
    let Some(model) = std::env::var_os("LECTERN_BENCH_MODEL") else {
        eprintln!("skipped: LECTERN_BENCH_MODEL names no GGUF file");
        return;
    };
    let chosen = std::env::var(VARIANT).ok();
    if let Some(which) = chosen.and_then(|which| which.parse::<usize>().ok()) {
        measure(Path::new(&model), VARIANTS[which]);
        return;
    }
    let python = std::env::var_os("LECTERN_BENCH_PYTHON");
    let rounds = if python.is_some() { 3 } else { 1 };
    let mut ours = vec![Vec::new(); VARIANTS.len()];
    let mut theirs = Vec::new();
    for _ in 0..rounds {
        for (which, seconds) in ours.iter_mut().enumerate() {
            let program = std::env::current_exe().expect("this program has a path");
            let mut variant = Command::new(program);
            variant
                .env(VARIANT, which.to_string())
                .env("MIMALLOC_PURGE_DELAY", "-1");
            seconds.push(seconds_of(&mut variant));
        }
        if let Some(python) = &python {
            let script = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../scripts/bench_training_step.py"
            );
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let mut peer = Command::new(python);
            peer.arg(script).args(["--threads", &threads.to_string()]);
            theirs.push(seconds_of(&mut peer));
        }
    }
    let Some(peer) = median(&mut theirs) else {
        return;
    };
    for ((name, ..), seconds) in VARIANTS.iter().zip(&mut ours) {
        let ratio = median(seconds).map_or(0.0, |seconds| peer / seconds);
        eprintln!("{name:<34} {ratio:.2} times the speed of PyTorch's {peer:.2} s a step");
    }
}

/// Runs a program that prints a JSON object with the seconds of a step, last, and returns those.
fn seconds_of(command: &mut Command) -> f64 {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .expect("it can be started");
    assert!(output.status.success(), "{command:?} failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    let told: serde_json::Value = serde_json::from_str(line).expect("it prints JSON");
    if told.get("torch").is_some() {
        eprintln!("{line}");
    }
    told["seconds"].as_f64().expect("with seconds")
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn measure(model: &Path, (name, precision, keep): (&str, Precision, usize)) {
    let steps: usize = std::env::var("LECTERN_BENCH_STEPS")
        .ok()
        .and_then(|steps| steps.parse().ok())
        .unwrap_or(5);
    let base = Decoder::from_gguf(model, precision).expect("the model loads");
    let modules = TrainConfig::new(Recipe::Lora).target_modules;
    let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
    let adapter = Adapter::new(AdapterConfig::new(8, 16.0, &modules), base.config(), 1)
        .expect("the model has these projections");
    let decoder = base.with_adapter(&adapter).expect("they fit");
    let variables = adapter.variables();
    let vocab = base.config().vocab as u64;
    let batch = Batch::new([&Encoded {
        line: 1,
        tokens: (0..TOKENS as u64 + 1)
            .map(|place| (place * 7919 % vocab) as u32)
            .collect(),
        prompt: 1,
        is_feedback: false,
        repeats: 1,
    }]);
    let config = TrainConfig::new(Recipe::Lora);
    let mut optimizer = AdamW::new(&config, &variables);
    let mut seconds = Vec::new();
    let mut before = 0.0;
    for step in 0..=steps {
        let started = Instant::now();
        let mut gradients = Gradients::new(&variables);
        let pass = Pass {
            weight: 1.0 / batch.targets.len() as f32,
            keep_blocks: keep.min(base.config().n_layers),
            seed: step as u64,
            head: None,
            keeper: None,
        };
        accumulate(&decoder, &batch, pass, &mut gradients).expect("the step is computed");
        let scale = clip(gradients.norm().expect("it has a norm"), 1.0);
        optimizer
            .step(&variables, &gradients, scale, 1e-4)
            .expect("the step is taken");
        // The first warms up.
        match step {
            0 => before = processor_seconds(),
            _ => seconds.push(started.elapsed().as_secs_f64()),
        }
    }
    let median = median(&mut seconds).expect("steps were taken");
    let least = seconds[0];
    eprintln!(
        "{name:<34} {median:6.2} s a step (least {least:.2}), {:6.1} tokens/s, {:.2} processor \
         seconds a step, weights {:4} MiB, peak {} MiB",
        TOKENS as f64 / median,
        (processor_seconds() - before) / steps as f64,
        decoder.bytes() >> 20,
        peak().map_or("?".to_owned(), |peak| peak.to_string()),
    );
    println!("{}", serde_json::json!({ "seconds": median }));
}

/// Time that all threads have spent on a processor, whatever else the machine does; 0 where it can't
/// be told.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    // Linux counts in hundredths of a second for programs.
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}
