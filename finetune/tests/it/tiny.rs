//! A model of two layers with random weights and bytes for tokens, as a GGUF file, and data for it:
//! small enough that hundreds of steps take a second, and everything else as in a real one.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use finetune::config::Recipe;
use finetune::recipes::train;
use finetune::{Error, Event, RunFolder, Summary, TrainConfig, Watch};

const WIDTH: usize = 64;
const FEED_FORWARD: usize = 96;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
pub(crate) const LAYERS: usize = 2;
const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// GPT-2's characters for the 256 bytes.
fn byte_characters() -> Vec<String> {
    let mut next = 0x100;
    (0..=255u8)
        .map(|byte| {
            let code = match byte {
                b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => u32::from(byte),
                _ => {
                    next += 1;
                    next - 1
                }
            };
            char::from_u32(code).unwrap().to_string()
        })
        .collect()
}

/// Numbers in -1 to 1, the same each time.
struct Noise(u64);

impl Noise {
    fn tensor(&mut self, shape: &[usize], scale: f32) -> QTensor {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                self.0 = self
                    .0
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                scale * ((self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
            })
            .collect();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        QTensor::quantize(&tensor, GgmlDType::F32).unwrap()
    }
}

/// Writes the model; `name` is what it calls itself.
pub(crate) fn write_model(path: &Path, name: &str) {
    let text = |text: &str| Value::String(text.to_owned());
    let number = |number: usize| Value::U32(number as u32);
    let tokens: Vec<String> = SPECIAL
        .iter()
        .map(|token| (*token).to_owned())
        .chain(byte_characters())
        .chain(["er".to_owned(), "Ġt".to_owned()])
        .collect();
    let vocabulary = tokens.len();
    let kinds = (0..vocabulary).map(|token| Value::I32(if token < SPECIAL.len() { 3 } else { 1 }));
    let metadata = [
        ("general.architecture", text("llama")),
        ("general.name", text(name)),
        ("llama.block_count", number(LAYERS)),
        ("llama.context_length", number(2048)),
        ("llama.embedding_length", number(WIDTH)),
        ("llama.feed_forward_length", number(FEED_FORWARD)),
        ("llama.attention.head_count", number(HEADS)),
        ("llama.attention.head_count_kv", number(KV_HEADS)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.rope.dimension_count", number(WIDTH / HEADS)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("smollm")),
        ("tokenizer.ggml.token_type", Value::Array(kinds.collect())),
        (
            "tokenizer.ggml.merges",
            Value::Array(vec![text("e r"), text("Ġ t")]),
        ),
        ("tokenizer.ggml.eos_token_id", number(2)),
        (
            "tokenizer.ggml.tokens",
            Value::Array(tokens.into_iter().map(Value::String).collect()),
        ),
    ];
    let mut noise = Noise(42);
    let kv_width = WIDTH / HEADS * KV_HEADS;
    let mut tensors = vec![
        (
            "token_embd.weight".to_owned(),
            noise.tensor(&[vocabulary, WIDTH], 0.5),
        ),
        ("output_norm.weight".to_owned(), noise.tensor(&[WIDTH], 1.0)),
    ];
    for layer in 0..LAYERS {
        for (name, shape) in [
            ("attn_q", vec![WIDTH, WIDTH]),
            ("attn_k", vec![kv_width, WIDTH]),
            ("attn_v", vec![kv_width, WIDTH]),
            ("attn_output", vec![WIDTH, WIDTH]),
            ("ffn_gate", vec![FEED_FORWARD, WIDTH]),
            ("ffn_up", vec![FEED_FORWARD, WIDTH]),
            ("ffn_down", vec![WIDTH, FEED_FORWARD]),
            ("attn_norm", vec![WIDTH]),
            ("ffn_norm", vec![WIDTH]),
        ] {
            let scale = if shape.len() == 1 { 1.0 } else { 0.2 };
            let name = format!("blk.{layer}.{name}.weight");
            tensors.push((name, noise.tensor(&shape, scale)));
        }
    }
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, it)| (*key, it)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut file = std::fs::File::create(path).unwrap();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
}

/// A chat as a line of JSONL.
pub(crate) fn line(question: &str, answer: &str) -> String {
    serde_json::json!({"messages": [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]})
    .to_string()
}

/// A folder with a model, six examples to learn and two held out.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_model(&folder.path().join("model.gguf"), "Tiny Instruct");
        let place = Self { folder };
        let facts = [
            ("What is red?", "A rose."),
            ("What is blue?", "The sky is."),
            ("What is green?", "Grass, mostly."),
            ("What is white?", "Snow."),
            ("What is black?", "Coal and also tar."),
            ("What is grey?", "Ash."),
        ];
        let lines: Vec<String> = facts.iter().map(|(q, a)| line(q, a)).collect();
        place.write("train.jsonl", &(lines.join("\n") + "\n"));
        let held = [
            line("What is red, then?", "A rose."),
            line("Is coal?", "Yes."),
        ];
        place.write("eval.jsonl", &(held.join("\n") + "\n"));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Settings for a short run.
    pub(crate) fn config(&self, recipe: Recipe) -> TrainConfig {
        TrainConfig {
            base: self.path("model.gguf"),
            train: self.path("train.jsonl"),
            eval: self.path("eval.jsonl"),
            epochs: 5,
            batch_size: 2,
            gradient_accumulation: 2,
            max_length: 128,
            learning_rate: 1e-2,
            rank: 4,
            alpha: 8.0,
            dropout: 0.1,
            warmup_ratio: 0.1,
            eval_steps: 3,
            checkpoint_steps: 2,
            samples: 1,
            ..TrainConfig::new(recipe)
        }
    }

    /// Trains in a new run.
    pub(crate) fn train(&self, config: &TrainConfig) -> Result<Summary, Error> {
        let run = RunFolder::create(&self.path("runs"), config, Some("revision"))?;
        train(config, &run, &mut quiet(&mut |_| ()))
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);

/// Watches a run that nobody stops.
pub(crate) fn quiet(on_event: &mut dyn FnMut(&Event)) -> Watch<'_> {
    Watch {
        on_event,
        stop: &NEVER,
    }
}

/// The losses of a run's steps and evaluations, as they were written.
pub(crate) fn losses(run: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let kept = [
                "step",
                "loss",
                "gradient_norm",
                "learning_rate",
                "eval_loss",
            ];
            kept.iter()
                .filter_map(|key| Some(format!("{key}={} ", line.get(key)?)))
                .collect()
        })
        .collect()
}
