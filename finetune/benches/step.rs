//! How fast a training step is and what it holds: one sequence of 512 tokens, all of them learnt,
//! rank 8 on all projections, each way of holding weights and graphs in a process of its own.
//!
//! `LECTERN_BENCH_MODEL=model.gguf cargo bench -p finetune --bench step`

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
    match chosen.and_then(|which| which.parse::<usize>().ok()) {
        Some(which) => measure(Path::new(&model), VARIANTS[which]),
        None => {
            for which in 0..VARIANTS.len() {
                let program = std::env::current_exe().expect("this program has a path");
                let status = Command::new(program)
                    .env(VARIANT, which.to_string())
                    .status();
                assert!(status.is_ok_and(|status| status.success()));
            }
        }
    }
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
    }]);
    let config = TrainConfig::new(Recipe::Lora);
    let mut optimizer = AdamW::new(&config, &variables);
    let mut seconds = Vec::new();
    for step in 0..=steps {
        let started = Instant::now();
        let mut gradients = Gradients::new(&variables);
        let pass = Pass {
            weight: 1.0 / batch.targets.len() as f32,
            keep_blocks: keep.min(base.config().n_layers),
            seed: step as u64,
            head: None,
        };
        accumulate(&decoder, &batch, pass, &mut gradients).expect("the step is computed");
        let scale = clip(gradients.norm().expect("it has a norm"), 1.0);
        optimizer
            .step(&variables, &gradients, scale, 1e-4)
            .expect("the step is taken");
        // The first warms up.
        if step > 0 {
            seconds.push(started.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    let (median, least) = (seconds[seconds.len() / 2], seconds[0]);
    eprintln!(
        "{name:<34} {median:6.2} s a step (least {least:.2}), {:6.1} tokens/s, weights {:4} MiB, \
         peak {} MiB",
        TOKENS as f64 / median,
        decoder.bytes() >> 20,
        peak().map_or("?".to_owned(), |peak| peak.to_string()),
    );
}

/// The most memory that this process has held, in MiB.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes >> 10)
}
