//! What a run will take, told before it is begun: steps, memory and time, and what is probably a mistake.

use std::path::Path;

use anyhow::Result;
use finetune::dataset::Limits;
use finetune::estimate::{self, estimate};
use finetune::metrics::StepMetrics;
use finetune::{Dataset, TrainConfig};
use generation::chat::ChatFormat;
use generation::decoder::DecoderConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Runs, details};

/// What an evaluation's token costs, in tokens of training: there once, and not back.
const FORWARD_SHARE: f64 = 1.0 / 3.0;

/// Steps of an earlier run that its rate is taken from, at least and at most.
const TIMED: (usize, usize) = (3, 50);

/// What a run will take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// The base model's file, without its ending.
    pub base: String,
    /// The adapter that is trained further; null where one is begun.
    #[schema(required)]
    pub from: Option<String>,
    /// Examples that are trained on.
    pub examples: usize,
    /// Examples that are held out.
    pub eval_examples: usize,
    /// Steps in all.
    pub steps: usize,
    /// Tokens run through the model.
    pub tokens: usize,
    /// Numbers that are trained.
    pub parameters: usize,
    /// The most memory that it will hold, in bytes, about.
    pub memory_bytes: u64,
    /// Memory that is free now, in bytes; null where the system does not say.
    #[schema(required)]
    pub memory_free_bytes: Option<u64>,
    /// Time that it will take, in seconds, about.
    pub seconds: f64,
    /// True where that is from an earlier run of this kind, false where from a short measurement.
    pub timed: bool,
    /// What is probably a mistake.
    pub warnings: Vec<String>,
}

impl Runs {
    /// What a run of `config` will take. Reads all its data; blocking.
    ///
    /// # Errors
    /// What would keep it from being trained: base or data that cannot be used.
    pub fn plan(&self, config: &TrainConfig) -> Result<Plan> {
        // As training says it, of which the base is one of the things that can be wrong.
        let unusable = finetune::Error::Generation;
        let chat = ChatFormat::from_gguf(&config.base).map_err(unusable)?;
        let model = DecoderConfig::read_gguf(&config.base).map_err(unusable)?;
        let limits = Limits {
            max_length: config.max_length.min(model.context),
            too_long: config.too_long,
        };
        let train = Dataset::read_repeated(&config.train, &chat, limits, config.feedback_repeats)?;
        let held_out = match config.eval.as_os_str().is_empty() {
            true => None,
            false => Some(Dataset::read(&config.eval, &chat, limits)?),
        };
        finetune::start::check(config)?;
        let expected = estimate(config, &model, &train);
        let earlier = self.earlier_rate(config);
        let rate = match earlier {
            Some(rate) => rate,
            None => estimate::tokens_per_second(config, &model)?,
        };
        let evaluated = held_out
            .as_ref()
            .map_or(0.0, |data| evaluated_tokens(config, data, expected.steps));
        // Kept to what it said before, it is asked that too.
        let asked = match config.self_distills(&train) && earlier.is_none() {
            true => expected.tokens as f64,
            false => 0.0,
        };
        let forward = (evaluated + asked) * FORWARD_SHARE;
        let seconds = (expected.tokens as f64 + forward) / rate.max(1e-3);

        let mut warnings = config.warnings();
        if config.max_length > model.context {
            warnings.push(format!(
                "the model reads {} tokens at most, so max_length is taken to be that",
                model.context
            ));
        }
        warnings.extend(train.warnings(&chat, config));
        let free = free_memory();
        let memory = expected.memory as u64;
        if free.is_some_and(|free| free < memory) {
            warnings.push(
                "it needs more memory than is free and may be killed; a smaller batch_size or \
                 max_length needs less, and so does the recipe qlora"
                    .to_owned(),
            );
        }
        Ok(Plan {
            base: config
                .base
                .file_stem()
                .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
            from: from(config),
            examples: train.card.examples,
            eval_examples: held_out.map_or(0, |data| data.card.examples),
            steps: expected.steps,
            tokens: expected.tokens,
            parameters: expected.parameters,
            memory_bytes: memory,
            memory_free_bytes: free,
            seconds,
            timed: earlier.is_some(),
            warnings,
        })
    }

    /// Tokens a second of the newest run of the same kind on this machine.
    fn earlier_rate(&self, config: &TrainConfig) -> Option<f64> {
        let is_alike = |one: &TrainConfig| {
            (one.recipe, one.precision, one.keep_blocks)
                == (config.recipe, config.precision, config.keep_blocks)
                && one.has_teacher() == config.has_teacher()
                && one.base == config.base
        };
        self.list()
            .iter()
            .filter(|run| details::config(run).is_some_and(|one| is_alike(&one)))
            .find_map(|run| rate(run))
    }
}

/// The adapter that a run goes on from: its id, which its folder's name begins with in a library, or the
/// run that it is of.
fn from(config: &TrainConfig) -> Option<String> {
    let folder = &config.adapter;
    let named = match folder.ends_with("adapter") {
        true => folder.parent()?.file_name()?,
        false => folder.file_name()?,
    };
    let name = named.to_string_lossy();
    let is_hash = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(match is_hash {
        true => name[..16].to_owned(),
        false => name.into_owned(),
    })
}

/// Tokens a second over the newest steps of a run, where there are enough of them.
fn rate(run: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(run.join(details::METRICS)).ok()?;
    let steps: Vec<StepMetrics> = text
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str(line).ok())
        .take(TIMED.1)
        .collect();
    if steps.len() < TIMED.0 {
        return None;
    }
    let tokens: f64 = steps.iter().map(|step| step.tokens as f64).sum();
    let seconds: f64 = steps
        .iter()
        .map(|step| step.tokens as f64 / step.tokens_per_second.max(1e-3))
        .sum();
    (seconds > 0.0).then(|| tokens / seconds)
}

/// Tokens of all evaluations of a run.
fn evaluated_tokens(config: &TrainConfig, data: &Dataset, steps: usize) -> f64 {
    let examples = data.card.examples.max(1);
    let taken = match config.eval_examples {
        0 => examples,
        limit => limit.min(examples),
    };
    // One before the first step, and then at intervals.
    let times = 1 + match config.eval_steps {
        0 => config.epochs,
        every => steps.div_ceil(every),
    };
    data.card.tokens as f64 * taken as f64 / examples as f64 * times as f64
}

/// Memory that can be had without swapping, in bytes.
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// A time for people: "3 min", "2 h 10 min".
pub fn time_text(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e9).round() as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, 1..5) => format!("{minutes} min {} s", seconds % 60),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A size for people: "720 MB", "1.4 GB".
pub fn size_text(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", (bytes as f64 / 1e3).ceil()),
        1_000_000..999_500_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A number for people: "950", "2.4 M".
pub fn count_text(number: usize) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..999_500 => format!("{:.0} k", number as f64 / 1e3),
        1_000_000_000.. => format!("{:.1} billion", number as f64 / 1e9),
        _ => format!("{:.1} M", number as f64 / 1e6),
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} examples, {} held out; {} steps, {} tokens; {} numbers trained on {}{}; about {} of \
             memory and {} of time ({})",
            self.examples,
            self.eval_examples,
            self.steps,
            count_text(self.tokens),
            count_text(self.parameters),
            self.base,
            match &self.from {
                Some(adapter) => format!(", from the adapter {adapter} on"),
                None => String::new(),
            },
            size_text(self.memory_bytes),
            time_text(self.seconds),
            match self.timed {
                true => "as an earlier run took",
                false => "measured in a moment, so it may be twice that",
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_fit_to_be_read() {
        let times = [3.4, 75.0, 59.0 * 60.0, 7800.0, 200_000.0].map(time_text);
        assert_eq!(
            times,
            ["3 s", "1 min 15 s", "59 min", "2 h 10 min", "2 d 7 h"]
        );
        let sizes = [10, 720_000_000, 1_430_000_000].map(size_text);
        assert_eq!(sizes, ["1 kB", "720 MB", "1.4 GB"]);
        let counts = [950, 24_400, 2_442_240, 1_500_000_000].map(count_text);
        assert_eq!(counts, ["950", "24 k", "2.4 M", "1.5 billion"]);
    }
}
