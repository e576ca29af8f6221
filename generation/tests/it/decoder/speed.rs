//! The decoder beside candle-transformers' quantized llama, on a real file, in turns. Prints; asserts
//! only that both say the same.

use std::path::PathBuf;
use std::time::Instant;

use candle_core::Tensor;
use candle_core::quantized::gguf_file::Content;
use candle_transformers::models::quantized_llama::ModelWeights;
use generation::decoder::{Adapter, AdapterConfig, Decoder, Kernels, KvCache, Precision};

use super::{CPU, numbers};

const PROMPT: usize = 256;
const WRITTEN: usize = 24;
const ROUNDS: usize = 3;

/// Seconds for the prompt and for each token after it, and the last logits.
fn timed(mut step: impl FnMut(&[u32]) -> Vec<f32>) -> ([f64; 2], Vec<f32>) {
    let prompt: Vec<u32> = (0..PROMPT as u32)
        .map(|index| index * 89 % 40_000 + 50)
        .collect();
    let started = Instant::now();
    let mut logits = step(&prompt);
    let prefill = started.elapsed().as_secs_f64();
    let started = Instant::now();
    for index in 0..WRITTEN as u32 {
        logits = step(&[index * 31 + 100]);
    }
    let decode = started.elapsed().as_secs_f64() / WRITTEN as f64;
    ([prefill, decode], logits)
}

fn best(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |left: &[f32], right: &[f32]| -> f32 {
        left.iter()
            .zip(right)
            .map(|(left, right)| left * right)
            .sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
#[ignore = "takes a model and a minute: LECTERN_TEST_GGUF=model.gguf"]
fn beside_candles_quantized_llama() {
    let Some(path) = std::env::var_os("LECTERN_TEST_GGUF").map(PathBuf::from) else {
        eprintln!("skipped: LECTERN_TEST_GGUF names no GGUF file");
        return;
    };
    let started = Instant::now();
    let ours = Decoder::from_gguf(&path, Precision::AsStored).unwrap();
    eprintln!("loaded in {:.2} s", started.elapsed().as_secs_f64());
    let mut file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
    let content = Content::read(&mut file).unwrap();
    let theirs = ModelWeights::from_gguf(content, &mut file, CPU).unwrap();

    let modules = [
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    ];
    let config = AdapterConfig::new(8, 16.0, &modules);
    let adapter = Adapter::new(config, ours.config(), 1)
        .unwrap()
        .frozen()
        .unwrap();
    let started = Instant::now();
    let adapted = ours.with_adapter(&adapter).unwrap();
    eprintln!(
        "adapter on in {:.1} ms",
        started.elapsed().as_secs_f64() * 1000.0
    );

    let mut times: [Vec<[f64; 2]>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let mut model = theirs.clone();
        let mut position = 0;
        let (seconds, expected) = timed(|tokens| {
            let ids = Tensor::new(tokens, CPU).unwrap().unsqueeze(0).unwrap();
            let logits = model.forward(&ids, position).unwrap();
            position += tokens.len();
            numbers(&logits)
        });
        times[0].push(seconds);
        for (which, decoder) in [(1, &ours), (2, &adapted)] {
            let mut cache = KvCache::new(decoder.config(), PROMPT + WRITTEN);
            let (seconds, logits) = timed(|tokens| {
                numbers(&decoder.forward(tokens, &mut cache, Kernels::Fused).unwrap())
            });
            times[which].push(seconds);
            let cosine = cosine(&logits, &expected);
            assert!(cosine > 0.995, "{cosine}");
        }
    }
    // The machine may be busy: the median says what is usual, the best what is possible.
    type Choose = fn(Vec<f64>) -> f64;
    for (what, choose) in [("median", median as Choose), ("best", best as Choose)] {
        let chosen = times.each_ref().map(|times| {
            [0, 1].map(|part| choose(times.iter().map(|seconds| seconds[part]).collect()))
        });
        report(what, chosen);
    }
}

fn report(what: &str, chosen: [[f64; 2]; 3]) {
    for (name, [prefill, decode]) in ["candle", "ours", "ours, adapter"].iter().zip(chosen) {
        eprintln!(
            "{what}, {name}: prefill {:.0} tokens/s ({:.2} of candle's speed), decode {:.1} ({:.2})",
            PROMPT as f64 / prefill,
            chosen[0][0] / prefill,
            1.0 / decode,
            chosen[0][1] / decode,
        );
    }
}
