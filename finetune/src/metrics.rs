//! A run's numbers over time, as JSONL and for TensorBoard.
//!
//! A run that goes on from a checkpoint first forgets what was logged after it, so that the file is
//! that of an uninterrupted run.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::evaluate::{Evaluation, Sample};
use crate::tensorboard::EventWriter;
use crate::{Error, Result, files};

/// A training step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// From 1.
    pub step: usize,
    /// Passes over the data, with their fraction.
    pub epoch: f64,
    /// Per learnt token, in nats.
    pub loss: f64,
    /// As it was for this step.
    pub learning_rate: f64,
    /// Of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Tokens run through the model in this step.
    pub tokens: usize,
    /// Of them, in each second.
    pub tokens_per_second: f64,
    /// Time since the beginning, pauses aside.
    pub seconds: f64,
}

/// An evaluation, as a line of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalMetrics {
    /// After this step; 0 for before training.
    pub step: usize,
    /// Per token of held-out answers, in nats.
    pub eval_loss: f64,
    /// e to the power of it.
    pub perplexity: f64,
    /// Held-out examples that were taken.
    pub eval_examples: usize,
}

/// Files that a run's numbers go to.
#[derive(Debug)]
pub struct Metrics {
    lines: Lines,
    samples: Lines,
    events: EventWriter,
    folder: PathBuf,
}

impl Metrics {
    /// Opens the files in a run's folder, to go on after step `from` and the evaluation after step
    /// `evaluated`, where there was one.
    ///
    /// # Errors
    /// [`Error::Run`] where they cannot be read or written.
    pub fn open(folder: &Path, from: usize, evaluated: Option<usize>) -> Result<Self> {
        let is_done = |line: Line| match line.loss {
            Some(_) => line.step <= from,
            None => Some(line.step) <= evaluated,
        };
        Ok(Self {
            lines: Lines::open(folder.join("metrics.jsonl"), is_done)?,
            samples: Lines::open(folder.join("samples.jsonl"), is_done)?,
            events: EventWriter::create(folder, from)
                .map_err(|error| Error::unwritable(folder, &error))?,
            folder: folder.to_owned(),
        })
    }

    /// Logs a step.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written.
    pub fn step(&mut self, metrics: &StepMetrics) -> Result<()> {
        self.lines.add(metrics)?;
        self.scalars(
            metrics.step,
            &[
                ("train/loss", metrics.loss),
                ("train/learning_rate", metrics.learning_rate),
                ("train/gradient_norm", metrics.gradient_norm),
                ("train/tokens_per_second", metrics.tokens_per_second),
            ],
        )
    }

    /// Logs an evaluation and the answers written at it.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written.
    pub fn evaluation(
        &mut self,
        step: usize,
        evaluation: &Evaluation,
        samples: &[Sample],
    ) -> Result<()> {
        self.lines.add(&EvalMetrics {
            step,
            eval_loss: evaluation.loss,
            perplexity: evaluation.perplexity(),
            eval_examples: evaluation.examples,
        })?;
        for sample in samples {
            self.samples.add(&At { step, sample })?;
        }
        self.scalars(
            step,
            &[
                ("eval/loss", evaluation.loss),
                ("eval/perplexity", evaluation.perplexity()),
            ],
        )
    }

    fn scalars(&mut self, step: usize, scalars: &[(&str, f64)]) -> Result<()> {
        scalars
            .iter()
            .try_for_each(|(tag, value)| self.events.scalar(tag, step, *value))
            .map_err(|error| Error::unwritable(&self.folder, &error))
    }
}

#[derive(Serialize)]
struct At<'a> {
    step: usize,
    #[serde(flatten)]
    sample: &'a Sample,
}

/// A JSONL file each of whose lines has a `step`.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: File,
}

#[derive(Deserialize)]
struct Line {
    step: usize,
    /// Only a training step has one.
    loss: Option<f64>,
}

impl Lines {
    fn open(path: PathBuf, is_done: impl Fn(Line) -> bool) -> Result<Self> {
        let failed = |error: io::Error| Error::unwritable(&path, &error);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                // A line that a kill left in part is none.
                let kept: String = text
                    .lines()
                    .filter(|line| serde_json::from_str::<Line>(line).is_ok_and(&is_done))
                    .flat_map(|line| [line, "\n"])
                    .collect();
                if kept != text {
                    files::write_whole(&path, kept.as_bytes()).map_err(failed)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(failed)?;
        Ok(Self { path, file })
    }

    fn add(&mut self, line: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec(line)
            .map_err(|error| Error::unwritable(&self.path, &error.into()))?;
        bytes.push(b'\n');
        self.file
            .write_all(&bytes)
            .map_err(|error| Error::unwritable(&self.path, &error))
    }
}
