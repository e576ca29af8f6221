//! What a training run is told: a TOML file, `key=value` overrides, and what is wrong with them.
//!
//! Every problem is found at once, not the first alone, since a person who is told of one bad value
//! at a time starts a run five times. What is probably a mistake but can be run is a warning.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::settings::{SETTINGS, Setting};
use crate::{Dataset, Error, Result};

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipe {
    /// A low-rank adapter over frozen weights.
    Lora,
    /// The same over weights in four bits.
    Qlora,
    /// Every weight.
    Full,
    /// A small cross-encoder that orders passages.
    Reranker,
}

impl Recipe {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Recipe::Lora => "lora",
            Recipe::Qlora => "qlora",
            Recipe::Full => "full",
            Recipe::Reranker => "reranker",
        }
    }

    /// The learning rate where none is given. Adapters need about ten times that of all weights
    /// (Hu et al., 2021, appendix D; Dettmers et al., 2023, appendix B).
    fn learning_rate(self) -> f64 {
        match self {
            Recipe::Lora | Recipe::Qlora => 2e-4,
            Recipe::Full => 2e-5,
            Recipe::Reranker => 1e-4,
        }
    }
}

/// How the learning rate falls after its warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Half a cosine wave (Loshchilov and Hutter, "SGDR", 2017).
    Cosine,
    /// A straight line.
    Linear,
    /// Not at all.
    Constant,
}

/// The numbers that frozen weights are held in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BasePrecision {
    /// 32 bits: the fastest.
    F32,
    /// 16 bits, unpacked for each use.
    Bf16,
}

/// What is done with an example that is longer than `max_length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TooLong {
    /// The run is not started.
    Refuse,
    /// It is left out.
    Skip,
    /// Its answer is cut; one whose prompt alone is too long is left out.
    Cut,
}

/// All settings of a run, checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainConfig {
    /// What is trained.
    pub recipe: Recipe,
    /// The base model: a GGUF file.
    pub base: PathBuf,
    /// The training data: JSONL of chats.
    pub train: PathBuf,
    /// Held-out data in the same form; empty for none.
    pub eval: PathBuf,
    /// The adapter that is trained further: a folder in PEFT's format. Empty to begin anew.
    pub adapter: PathBuf,
    /// What the run's folder is named after.
    pub name: String,

    /// Passes over the training data.
    pub epochs: usize,
    /// Steps after which to stop whatever is left; 0 for no limit.
    pub max_steps: usize,
    /// Times that a pass takes an example from feedback: a few corrections would not be heard among
    /// thousands of other questions.
    pub feedback_repeats: usize,
    /// Where an adapter is trained further and the data hold feedback: the share of what is learnt of
    /// other examples that is how the adapter answered them before, rather than their answers.
    pub self_distillation: f64,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Batches whose gradients make one step.
    pub gradient_accumulation: usize,
    /// Tokens that an example may have.
    pub max_length: usize,
    /// What is done with longer ones.
    pub too_long: TooLong,
    /// True to fill batches up to `batch_size * max_length` tokens rather than to `batch_size`
    /// examples.
    pub packing: bool,

    /// Learning rate after the warm-up.
    pub learning_rate: f64,
    /// Learning rate at the end.
    pub min_learning_rate: f64,
    /// The share of steps in which the learning rate rises.
    pub warmup_ratio: f64,
    /// How it falls then.
    pub schedule: Decay,
    /// The share of a weight that a step takes off it, times the learning rate.
    pub weight_decay: f64,
    /// The largest norm that all gradients together may have; 0 for no limit.
    pub gradient_clip: f64,
    /// AdamW's memory for gradients and for their squares.
    pub betas: [f64; 2],
    /// AdamW's guard against division by zero.
    pub epsilon: f64,

    /// Rank of the adapter.
    pub rank: usize,
    /// What the adapter's scale is made from.
    pub alpha: f64,
    /// The share of an adapter's inputs that a step drops.
    pub dropout: f64,
    /// Projections that have an adapter.
    pub target_modules: Vec<String>,
    /// True to divide the scale by the root of the rank rather than the rank.
    pub rslora: bool,

    /// Layers of the base that a reranker is made of.
    pub layers: usize,
    /// Passages of a question that a reranker is trained on.
    pub passages: usize,
    /// How much a reranker is kept to the ranking that it adds to.
    pub distillation: f64,

    /// The numbers that frozen weights are held in.
    pub precision: BasePrecision,
    /// Blocks, from the last, whose intermediate values are kept for the backward pass rather than
    /// computed again: memory for time.
    pub keep_blocks: usize,
    /// Steps between two lines of metrics.
    pub log_steps: usize,
    /// Steps between two evaluations; 0 for one after each pass.
    pub eval_steps: usize,
    /// Held-out examples that an evaluation takes; 0 for all.
    pub eval_examples: usize,
    /// Answers that each evaluation writes out.
    pub samples: usize,
    /// Steps between two checkpoints.
    pub checkpoint_steps: usize,
    /// Checkpoints with the lowest held-out loss that are kept beside the newest.
    pub keep_best: usize,
    /// Evaluations without a lower held-out loss after which to stop; 0 for no limit.
    pub patience: usize,
    /// A loss or gradient norm this many times its running median stops the run; 0 for no limit.
    pub spike_factor: f64,
    /// What everything random is drawn from.
    pub seed: u64,
}

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting.
    pub key: String,
    /// What is wrong, and a hint.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.is_empty() {
            true => formatter.write_str(&self.message),
            false => write!(formatter, "{}: {}", self.key, self.message),
        }
    }
}

fn problem(key: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem {
        key: key.into(),
        message: message.into(),
    }
}

impl TrainConfig {
    /// What a recipe does where nothing is set; base model and data are still to be named.
    pub fn new(recipe: Recipe) -> Self {
        let defaults = Self::shared(recipe);
        match recipe {
            Recipe::Lora | Recipe::Qlora | Recipe::Full => defaults,
            // Its examples are lists, each as long as several chats, and small sets are usual.
            Recipe::Reranker => Self {
                epochs: 2,
                gradient_accumulation: 2,
                max_length: 192,
                warmup_ratio: 0.1,
                eval_steps: 25,
                samples: 0,
                keep_best: 1,
                ..defaults
            },
        }
    }

    fn shared(recipe: Recipe) -> Self {
        Self {
            recipe,
            base: PathBuf::new(),
            train: PathBuf::new(),
            eval: PathBuf::new(),
            adapter: PathBuf::new(),
            name: recipe.name().to_owned(),
            epochs: 3,
            max_steps: 0,
            feedback_repeats: 4,
            self_distillation: 0.0,
            batch_size: 4,
            gradient_accumulation: 4,
            max_length: 1024,
            too_long: TooLong::Skip,
            packing: false,
            learning_rate: recipe.learning_rate(),
            min_learning_rate: 0.0,
            warmup_ratio: 0.03,
            schedule: Decay::Cosine,
            weight_decay: 0.01,
            gradient_clip: 1.0,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            rank: 8,
            alpha: 16.0,
            dropout: 0.05,
            target_modules: [
                "q_proj",
                "k_proj",
                "v_proj",
                "o_proj",
                "gate_proj",
                "up_proj",
                "down_proj",
            ]
            .map(str::to_owned)
            .to_vec(),
            rslora: false,
            layers: 3,
            passages: 6,
            distillation: 0.3,
            precision: BasePrecision::F32,
            keep_blocks: 0,
            log_steps: 1,
            eval_steps: 0,
            eval_examples: 200,
            samples: 3,
            checkpoint_steps: 50,
            keep_best: 2,
            patience: 0,
            spike_factor: 8.0,
            seed: 42,
        }
    }

    /// Reads settings: the text of a TOML file (which may be empty), then `key=value` overrides, the
    /// value in TOML or a bare text. `recipe`, where given, comes before both.
    ///
    /// # Errors
    /// [`Error::Config`] with everything that is wrong.
    pub fn parse(text: &str, overrides: &[String], recipe: Option<Recipe>) -> Result<Self> {
        let mut table = text.parse::<toml::Table>().map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            let line = before.matches('\n').count() + 1;
            Error::Config(vec![problem(
                "",
                format!(
                    "line {line} of the file is not TOML ({}); hint: write lines such as `epochs = \
                     3`, texts in quotes",
                    error.message()
                ),
            )])
        })?;
        let mut problems = Vec::new();
        for given in overrides {
            match given.split_once('=') {
                Some((key, value)) => {
                    table.insert(key.trim().to_owned(), override_value(value.trim()));
                }
                None => problems.push(problem(
                    given,
                    "it has no value; hint: write it as key=value, such as epochs=3",
                )),
            }
        }
        if let Some(recipe) = recipe {
            table.insert("recipe".to_owned(), recipe.name().into());
        }
        let config = Self::from_table(&table, &mut problems);
        match problems.is_empty() {
            true => Ok(config),
            false => Err(Error::Config(problems)),
        }
    }

    /// As [`Self::parse`] from a file. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`Error::Config`] where it cannot be read or anything in it is wrong.
    pub fn read(path: &Path, overrides: &[String], recipe: Option<Recipe>) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::Config(vec![problem(
                path.display().to_string(),
                format!("it cannot be read ({error}); hint: name a TOML file"),
            )])
        })?;
        let mut config = Self::parse(&text, overrides, recipe)?;
        let is_overridden = |key: &str| {
            overrides.iter().any(|given| {
                given
                    .split_once('=')
                    .is_some_and(|(name, _)| name.trim() == key)
            })
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        for (key, value) in [
            ("base", &mut config.base),
            ("train", &mut config.train),
            ("eval", &mut config.eval),
            ("adapter", &mut config.adapter),
        ] {
            if !is_overridden(key) && !value.as_os_str().is_empty() {
                *value = folder.join(&*value);
            }
        }
        Ok(config)
    }

    fn from_table(table: &toml::Table, problems: &mut Vec<Problem>) -> Self {
        let mut config = Self::new(Recipe::Lora);
        // First, since other defaults depend on it.
        let recipe = table.get("recipe").map(crate::settings::recipe);
        if let Some(Ok(recipe)) = recipe {
            config = Self::new(recipe);
        }
        for (key, value) in table {
            match Setting::find(key) {
                Some(setting) => {
                    if let Err(message) = (setting.read)(&mut config, value) {
                        problems.push(problem(key, message));
                    }
                }
                None => problems.push(problem(key, unknown(key))),
            }
        }
        config.check(problems);
        config
    }

    /// What single values cannot show.
    fn check(&self, problems: &mut Vec<Problem>) {
        let mut require = |holds: bool, key: &str, message: &str| {
            let is_told = problems.iter().any(|problem| problem.key == key);
            if !holds && !is_told {
                problems.push(problem(key, message));
            }
        };
        require(
            !self.base.as_os_str().is_empty(),
            "base",
            "no base model is named; hint: base = \"model.gguf\"",
        );
        require(
            !self.train.as_os_str().is_empty(),
            "train",
            "no training data is named; hint: train = \"train.jsonl\"",
        );
        require(
            self.min_learning_rate <= self.learning_rate,
            "min_learning_rate",
            "it is above learning_rate, from which it is to fall; hint: take a tenth of it, or 0",
        );
        require(
            self.recipe != Recipe::Full || self.precision == BasePrecision::F32,
            "precision",
            "the recipe full trains every weight and bf16 is too coarse for the steps; hint: f32",
        );
        require(
            self.recipe != Recipe::Reranker || self.adapter.as_os_str().is_empty(),
            "adapter",
            "a reranker has none; hint: leave it out",
        );
        require(
            self.recipe != Recipe::Reranker || self.max_length <= 512,
            "max_length",
            "a reranker reads 512 tokens at most; hint: 192 keeps it quick",
        );
        require(
            self.patience == 0 || !self.eval.as_os_str().is_empty(),
            "patience",
            "there is nothing to be patient with without held-out data; hint: name some as eval",
        );
        require(
            self.train.as_os_str().is_empty() || self.train != self.eval,
            "eval",
            "it is the training data, on which any model looks good; hint: hold some examples back",
        );
    }

    /// What is probably a mistake.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |holds: bool, message: &str| {
            if holds {
                warnings.push(message.to_owned());
            }
        };
        warn(
            self.recipe != Recipe::Full && self.learning_rate > 2e-3,
            "learning_rate is high for an adapter and may diverge; 1e-4 to 1e-3 is usual",
        );
        warn(
            self.recipe == Recipe::Full && self.learning_rate > 2e-4,
            "learning_rate is high for all weights and may make the model forget; 1e-5 to 1e-4 is \
             usual",
        );
        warn(
            self.recipe != Recipe::Full && self.alpha > 4.0 * self.rank as f64 && !self.rslora,
            "alpha is more than four times the rank, which acts as a higher learning rate",
        );
        warn(
            self.recipe == Recipe::Qlora && self.precision == BasePrecision::Bf16,
            "precision has no effect on qlora, whose frozen weights are in four bits",
        );
        warn(
            self.self_distillation > 0.0 && !self.has_teacher(),
            "self_distillation has no effect where no adapter is trained further",
        );
        warn(
            self.eval.as_os_str().is_empty(),
            "there is no held-out data, so the last weights are kept, not the best",
        );
        warn(
            self.gradient_clip == 0.0,
            "gradients are not clipped; one odd example can undo the training",
        );
        warnings
    }

    /// Whether what is not feedback is learnt, by a share, of the adapter that is trained further.
    pub fn has_teacher(&self) -> bool {
        self.self_distillation > 0.0
            && !self.adapter.as_os_str().is_empty()
            && matches!(self.recipe, Recipe::Lora | Recipe::Qlora)
    }

    /// Whether this is done with `data`: where none of it is feedback, all of it is learnt.
    pub fn self_distills(&self, data: &Dataset) -> bool {
        self.has_teacher() && data.has_feedback()
    }

    /// The settings as a TOML file that gives the same run.
    pub fn to_toml(&self) -> String {
        let table: toml::Table = SETTINGS
            .iter()
            .map(|setting| (setting.key.to_owned(), (setting.show)(self)))
            .collect();
        table.to_string()
    }
}

/// Key, default for LoRA, and meaning of every setting.
pub fn settings() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    let defaults = TrainConfig::new(Recipe::Lora);
    SETTINGS.iter().map(move |setting| {
        let default = (setting.show)(&defaults).to_string();
        (setting.key, default, setting.meaning)
    })
}

fn override_value(text: &str) -> toml::Value {
    format!("value = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| text.into())
}

fn unknown(key: &str) -> String {
    let nearest = SETTINGS
        .iter()
        .map(|setting| (strsim::jaro_winkler(key, setting.key), setting.key))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match nearest {
        Some((likeness, nearest)) if likeness > 0.75 => {
            format!("there is no such setting; hint: {nearest} is one")
        }
        _ => "there is no such setting; hint: docs/training.md lists them all".to_owned(),
    }
}
