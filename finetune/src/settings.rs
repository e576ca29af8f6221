//! The table of training settings: how each is read from TOML, checked and shown.

use std::path::PathBuf;

use toml::Value;

use crate::config::{BasePrecision, Decay, Recipe, TooLong, TrainConfig};

type Read<T> = Result<T, String>;

/// A setting that exists.
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) read: fn(&mut TrainConfig, &Value) -> Read<()>,
    pub(crate) show: fn(&TrainConfig) -> Value,
}

impl Setting {
    pub(crate) fn find(key: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

macro_rules! setting {
    ($key:ident, $meaning:literal, $read:expr, $show:expr) => {
        Setting {
            key: stringify!($key),
            meaning: $meaning,
            read: |config, value| {
                config.$key = $read(value)?;
                Ok(())
            },
            show: |config| $show(&config.$key),
        }
    };
}

/// All of them.
// The closures are the macro's arguments.
#[allow(clippy::redundant_closure_call)]
pub(crate) const SETTINGS: &[Setting] = &[
    setting!(
        recipe,
        "what is trained: lora, qlora, full or reranker",
        recipe,
        |it: &Recipe| it.name().into()
    ),
    setting!(base, "base model: a GGUF file", path, show_path),
    setting!(train, "training data: JSONL of chats", path, show_path),
    setting!(
        eval,
        "held-out data in the same form; empty for none",
        path,
        show_path
    ),
    setting!(
        adapter,
        "adapter to train further: a folder in PEFT's format; empty to begin anew",
        path,
        show_path
    ),
    setting!(
        name,
        "what the run's folder is named after",
        name,
        show_text
    ),
    setting!(
        epochs,
        "passes over the training data",
        |v| whole(v, 1, 1000),
        show_whole
    ),
    setting!(
        max_steps,
        "steps after which to stop; 0 for no limit",
        |v| whole(v, 0, 100_000_000),
        show_whole
    ),
    setting!(
        feedback_repeats,
        "times that a pass takes an example from feedback, so that a few corrections are heard among many questions",
        |v| whole(v, 1, 1000),
        show_whole
    ),
    setting!(
        self_distillation,
        "where an adapter is trained further on data with feedback: share of what is learnt of other examples that is how it answered them before, 0 to 1",
        |v| number(v, 0.0, 1.0),
        show_number
    ),
    setting!(
        batch_size,
        "examples in a batch",
        |v| whole(v, 1, 1024),
        show_whole
    ),
    setting!(
        gradient_accumulation,
        "batches whose gradients make one step",
        |v| whole(v, 1, 1024),
        show_whole
    ),
    setting!(
        max_length,
        "tokens that an example may have",
        |v| whole(v, 8, 1_000_000),
        show_whole
    ),
    setting!(
        too_long,
        "what is done with longer ones: refuse, skip or cut",
        |v| choice(v, TOO_LONG),
        |it: &TooLong| shown(*it, TOO_LONG)
    ),
    setting!(
        packing,
        "fill batches up to batch_size * max_length tokens rather than batch_size examples",
        switch,
        |it: &bool| (*it).into()
    ),
    setting!(
        learning_rate,
        "learning rate after the warm-up; by default 2e-4, for full 2e-5",
        |v| number(v, 1e-12, 1.0),
        show_number
    ),
    setting!(
        min_learning_rate,
        "learning rate at the end",
        |v| number(v, 0.0, 1.0),
        show_number
    ),
    setting!(
        warmup_ratio,
        "share of the steps in which the learning rate rises",
        |v| number(v, 0.0, 0.9),
        show_number
    ),
    setting!(
        schedule,
        "how it falls then: cosine, linear or constant",
        |v| choice(v, DECAY),
        |it: &Decay| shown(*it, DECAY)
    ),
    setting!(
        weight_decay,
        "share of a weight that a step takes off it, times the learning rate",
        |v| number(v, 0.0, 1.0),
        show_number
    ),
    setting!(
        gradient_clip,
        "largest norm of all gradients together; 0 for no limit",
        |v| number(v, 0.0, 1e6),
        show_number
    ),
    setting!(
        betas,
        "AdamW's memory for gradients and for their squares",
        betas,
        |it: &[f64; 2]| it.to_vec().into()
    ),
    setting!(
        epsilon,
        "AdamW's guard against division by zero",
        |v| number(v, 1e-16, 0.1),
        show_number
    ),
    setting!(
        rank,
        "rank of the adapter",
        |v| whole(v, 1, 1024),
        show_whole
    ),
    setting!(
        alpha,
        "what the adapter's scale is made from: alpha / rank",
        |v| number(v, 1e-3, 1e5),
        show_number
    ),
    setting!(
        dropout,
        "share of an adapter's inputs that a step drops",
        |v| number(v, 0.0, 0.9),
        show_number
    ),
    setting!(
        target_modules,
        "projections that have an adapter",
        modules,
        |it: &Vec<String>| it.clone().into()
    ),
    setting!(
        rslora,
        "divide the adapter's scale by the root of the rank rather than the rank",
        switch,
        |it: &bool| (*it).into()
    ),
    setting!(
        layers,
        "for reranker: layers of the base that it is made of",
        |v| whole(v, 1, 48),
        show_whole
    ),
    setting!(
        passages,
        "for reranker: passages of a question that are learnt from",
        |v| whole(v, 2, 100),
        show_whole
    ),
    setting!(
        distillation,
        "for reranker: how much it is kept to the ranking that it adds to",
        |v| number(v, 0.0, 100.0),
        show_number
    ),
    setting!(
        precision,
        "numbers that frozen weights are held in: f32 or bf16",
        |v| choice(v, PRECISION),
        |it: &BasePrecision| shown(*it, PRECISION)
    ),
    setting!(
        keep_blocks,
        "blocks, from the last, whose intermediate values are kept rather than computed again",
        |v| whole(v, 0, 10_000),
        show_whole
    ),
    setting!(
        log_steps,
        "steps between two lines of metrics",
        |v| whole(v, 1, 1_000_000),
        show_whole
    ),
    setting!(
        eval_steps,
        "steps between two evaluations; 0 for one after each pass",
        |v| whole(v, 0, 100_000_000),
        show_whole
    ),
    setting!(
        eval_examples,
        "held-out examples that an evaluation takes; 0 for all",
        |v| whole(v, 0, 100_000_000),
        show_whole
    ),
    setting!(
        samples,
        "answers that each evaluation writes out",
        |v| whole(v, 0, 1000),
        show_whole
    ),
    setting!(
        checkpoint_steps,
        "steps between two checkpoints",
        |v| whole(v, 1, 100_000_000),
        show_whole
    ),
    setting!(
        keep_best,
        "checkpoints with the lowest held-out loss that are kept beside the newest",
        |v| whole(v, 1, 100),
        show_whole
    ),
    setting!(
        patience,
        "evaluations without a lower held-out loss after which to stop; 0 for no limit",
        |v| whole(v, 0, 10_000),
        show_whole
    ),
    setting!(
        spike_factor,
        "a loss (of 4 nats or more) or gradient norm this many times its running median, and twice the largest of the last 50 steps, stops the run; 0 for no limit",
        spike_factor,
        show_number
    ),
    setting!(
        seed,
        "what everything random is drawn from",
        |v| whole(v, 0, i64::MAX as usize).map(|seed| seed as u64),
        |it: &u64| (*it as i64).into()
    ),
];

const TOO_LONG: &[(&str, TooLong)] = &[
    ("refuse", TooLong::Refuse),
    ("skip", TooLong::Skip),
    ("cut", TooLong::Cut),
];

const DECAY: &[(&str, Decay)] = &[
    ("cosine", Decay::Cosine),
    ("linear", Decay::Linear),
    ("constant", Decay::Constant),
];

const PRECISION: &[(&str, BasePrecision)] =
    &[("f32", BasePrecision::F32), ("bf16", BasePrecision::Bf16)];

pub(crate) fn recipe(value: &Value) -> Read<Recipe> {
    let recipes = [Recipe::Lora, Recipe::Qlora, Recipe::Full, Recipe::Reranker];
    choice(value, &recipes.map(|recipe| (recipe.name(), recipe)))
}

/// A value that is not what it must be: what it is, and what to write.
fn wrong<T>(value: &Value, must: &str, hint: &str) -> Read<T> {
    let value = value.to_string();
    let short: String = value.chars().take(60).collect();
    Err(format!("{short} is not {must}; hint: {hint}"))
}

fn choice<T: Copy>(value: &Value, known: &[(&str, T)]) -> Read<T> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let found = value
        .as_str()
        .and_then(|text| known.iter().find(|(name, _)| *name == text));
    match found {
        Some((_, found)) => Ok(*found),
        None => wrong(
            value,
            "one of its values",
            &format!("it is one of {}", names.join(", ")),
        ),
    }
}

fn shown<T: Copy + PartialEq>(value: T, known: &[(&str, T)]) -> Value {
    let name = known.iter().find(|(_, known)| *known == value);
    name.map_or("", |(name, _)| name).into()
}

fn whole(value: &Value, least: usize, most: usize) -> Read<usize> {
    let number = value.as_integer().and_then(|n| usize::try_from(n).ok());
    match number.filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(number),
        None => wrong(
            value,
            "a whole number in its range",
            &format!("it is {least} to {most}"),
        ),
    }
}

fn number(value: &Value, least: f64, most: f64) -> Read<f64> {
    let number = value
        .as_float()
        .or_else(|| value.as_integer().map(|n| n as f64));
    match number.filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(number),
        None => wrong(
            value,
            "a number in its range",
            &format!("it is {least} to {most}"),
        ),
    }
}

fn switch(value: &Value) -> Read<bool> {
    match value.as_bool() {
        Some(is_on) => Ok(is_on),
        None => wrong(value, "true or false", "write it without quotes"),
    }
}

fn spike_factor(value: &Value) -> Read<f64> {
    match number(value, 0.0, 1e6)? {
        factor if factor > 0.0 && factor < 1.5 => wrong(
            value,
            "far enough above the losses that are usual",
            "it is 0, or 1.5 and more",
        ),
        factor => Ok(factor),
    }
}

fn text(value: &Value) -> Read<String> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => wrong(value, "a text", "put it in quotes"),
    }
}

fn path(value: &Value) -> Read<PathBuf> {
    text(value).map(PathBuf::from)
}

fn name(value: &Value) -> Read<String> {
    let name = text(value)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('.')
        && name.chars().all(is_plain)
    {
        true => Ok(name),
        false => wrong(
            value,
            "a name for a folder",
            "take up to 64 letters, digits, dots, dashes and underscores",
        ),
    }
}

fn betas(value: &Value) -> Read<[f64; 2]> {
    let values: Vec<f64> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|value| number(value, 0.0, 0.999_999_9).ok())
        .collect();
    match (values.as_slice(), value.as_array().map(Vec::len)) {
        (&[first, second], Some(2)) => Ok([first, second]),
        _ => wrong(
            value,
            "two numbers from 0 to below 1",
            "betas = [0.9, 0.999]",
        ),
    }
}

fn modules(value: &Value) -> Read<Vec<String>> {
    let known = TrainConfig::new(Recipe::Lora).target_modules;
    let given: Vec<String> = match value {
        Value::String(text) if text == "all" => known.clone(),
        Value::String(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        Value::Array(names) => names.iter().map(text).collect::<Read<_>>()?,
        _ => Vec::new(),
    };
    let mut unique = given.clone();
    unique.sort();
    unique.dedup();
    match !given.is_empty()
        && unique.len() == given.len()
        && given.iter().all(|name| known.contains(name))
    {
        true => Ok(given),
        false => wrong(
            value,
            "a list of projections, each once",
            &format!("take some of {}, or \"all\"", known.join(", ")),
        ),
    }
}

fn show_path(path: &std::path::Path) -> Value {
    path.display().to_string().into()
}

fn show_text(text: &str) -> Value {
    text.into()
}

fn show_whole(number: &usize) -> Value {
    (*number as i64).into()
}

fn show_number(number: &f64) -> Value {
    (*number).into()
}
