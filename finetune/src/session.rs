//! What goes on between two batches: the optimizer's step and its guards, metrics, evaluations kept
//! count of, checkpoints, and when to stop.
//!
//! A recipe owns the loop and asks a session for each step. A session that finds a checkpoint in its
//! run's folder goes on from it, and nothing else tells an interrupted run from one that was not.

use std::collections::HashMap;
use std::time::Instant;

use candle_core::Var;
use generation::chat::ChatFormat;

use crate::backward::{Gradients, Pass};
use crate::batch::{Batch, Order};
use crate::checkpoint::{Best, Checkpoints, State};
use crate::evaluate::{Evaluation, Sample};
use crate::metrics::{Metrics, StepMetrics};
use crate::optimizer::{AdamW, clip};
use crate::run::{RunFolder, Status};
use crate::schedule::Schedule;
use crate::watch::{Ending, Event, Progress, Summary, Watch};
use crate::{Dataset, Error, Result, TrainConfig, random};

/// Makes text of tokens, for the report of a batch that stops a run.
pub trait Words: std::fmt::Debug {
    /// Their text.
    fn text(&self, tokens: &[u32]) -> String;
}

impl Words for ChatFormat {
    fn text(&self, tokens: &[u32]) -> String {
        self.decode(tokens)
    }
}

/// The batches of one step.
#[derive(Debug)]
pub struct Step {
    /// From 1.
    pub number: usize,
    /// Batches whose gradients make it.
    pub batches: Vec<Batch>,
    /// Learnt tokens in all of them.
    targets: usize,
    started: Instant,
}

/// A run that is being trained.
#[derive(Debug)]
pub struct Session<'a, 'w> {
    config: &'a TrainConfig,
    run: &'a RunFolder,
    data: &'a Dataset,
    /// Text of a batch, for the report of one that stops the run.
    words: &'a dyn Words,
    watch: &'a mut Watch<'w>,
    variables: Vec<(String, Var)>,
    /// Where among them the head's weights are.
    head: Option<usize>,
    optimizer: AdamW,
    schedule: Schedule,
    order: Order,
    steps: usize,
    metrics: Metrics,
    checkpoints: Checkpoints,
    state: State,
    saved: Option<usize>,
    /// Steps and seconds since this process began, for an estimate.
    taken: (usize, f64),
    since: Instant,
}

impl<'a, 'w> Session<'a, 'w> {
    /// Begins a run that trains `variables`, or goes on with it where its folder has a checkpoint.
    ///
    /// # Errors
    /// [`Error::Run`] where the run's files cannot be read or written.
    pub fn start(
        config: &'a TrainConfig,
        run: &'a RunFolder,
        data: &'a Dataset,
        words: &'a dyn Words,
        variables: Vec<(String, Var)>,
        watch: &'a mut Watch<'w>,
    ) -> Result<Self> {
        let mut order = Order::new(config, data);
        let steps = match config.max_steps {
            0 => order.steps(),
            limit => order.steps().min(limit),
        };
        let mut optimizer = AdamW::new(config, &variables);
        let checkpoints = Checkpoints::new(run.checkpoints());
        let restored = checkpoints.restore(&variables, &mut optimizer)?;
        let saved = restored.as_ref().map(|state| state.step);
        let state = restored.unwrap_or_default();
        if saved.is_some() {
            order.seek(state.position);
        }
        let names = ["lm_head.weight", "model.embed_tokens.weight"];
        let head = names
            .iter()
            .find_map(|name| variables.iter().position(|(variable, _)| variable == name));
        let session = Self {
            metrics: Metrics::open(run.path(), state.step, state.evaluated)?,
            schedule: Schedule::new(config, steps),
            config,
            run,
            data,
            words,
            watch,
            variables,
            head,
            optimizer,
            order,
            steps,
            checkpoints,
            state,
            saved,
            taken: (0, 0.0),
            since: Instant::now(),
        };
        session.set_status("running", None)?;
        let (parameters, step) = (session.parameters(), session.state.step);
        (session.watch.on_event)(&Event::Started {
            parameters,
            step,
            steps,
        });
        Ok(session)
    }

    fn parameters(&self) -> usize {
        self.variables.iter().map(|(_, it)| it.elem_count()).sum()
    }

    fn set_status(&self, state: &str, reason: Option<String>) -> Result<()> {
        self.run.set_status(&Status {
            state: state.to_owned(),
            step: self.state.step,
            steps: self.steps,
            reason,
        })
    }

    fn is_stale(&self) -> bool {
        self.config.patience > 0 && self.state.stale >= self.config.patience
    }

    /// The next step, or `None` where the run ends here.
    pub fn next_step(&mut self) -> Option<Step> {
        if self.state.step >= self.steps || self.is_stale() || !self.watch.goes_on() {
            return None;
        }
        let started = Instant::now();
        let batches: Vec<Batch> = self
            .order
            .next_step()?
            .iter()
            .map(|batch| Batch::new(batch.iter().map(|index| &self.data.examples[*index])))
            .collect();
        Some(Step {
            number: self.state.step + 1,
            targets: batches.iter().map(|batch| batch.targets.len()).sum(),
            batches,
            started,
        })
    }

    /// Gradients for the step, none yet.
    pub fn gradients(&self) -> Gradients {
        Gradients::new(&self.variables)
    }

    /// How batch number `which` of a step is sent through the model.
    pub fn pass(&self, step: &Step, which: usize) -> Pass<'static> {
        Pass {
            weight: 1.0 / step.targets.max(1) as f32,
            keep_blocks: self.config.keep_blocks,
            seed: random::of(self.config.seed, &[2, step.number as u64, which as u64]),
            head: self.head,
            keeper: None,
        }
    }

    /// Looks at the sum of a batch's losses. False where the run is to be stopped before its step is
    /// whole; the step is then taken when it goes on.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the run has gone wrong.
    pub fn check(&mut self, step: &Step, batch: &Batch, sum: f64) -> Result<bool> {
        let loss = sum / batch.targets.len().max(1) as f64;
        match self.state.guard.check_loss(loss, self.config.spike_factor) {
            None => Ok(self.watch.goes_on()),
            Some(reason) => Err(self.diverged(step, &[batch], reason)),
        }
    }

    /// Takes the step.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the gradients have gone wrong, and the weights are then as they
    /// were; [`Error::Run`] where it cannot be logged.
    pub fn update(&mut self, step: &Step, losses: f64, gradients: &Gradients) -> Result<()> {
        let loss = losses / step.targets.max(1) as f64;
        let norm = gradients.norm()?;
        if let Some(reason) = self.state.guard.check_norm(norm, self.config.spike_factor) {
            let batches: Vec<&Batch> = step.batches.iter().collect();
            return Err(self.diverged(step, &batches, reason));
        }
        let learning_rate = self.schedule.at(step.number);
        let scale = clip(norm, self.config.gradient_clip);
        self.optimizer
            .step(&self.variables, gradients, scale, learning_rate)?;
        self.state.guard.record(loss, norm);

        let tokens: usize = step.batches.iter().map(|batch| batch.tokens.len()).sum();
        let seconds = step.started.elapsed().as_secs_f64();
        self.state.step = step.number;
        self.state.position = self.order.position();
        self.state.loss = loss;
        self.state.tokens += tokens as u64;
        self.taken = (self.taken.0 + 1, self.taken.1 + seconds);
        let tokens_per_second = tokens as f64 / seconds;
        if step.number.is_multiple_of(self.config.log_steps) || step.number == self.steps {
            self.metrics.step(&StepMetrics {
                step: step.number,
                epoch: self.order.passes(),
                loss,
                learning_rate,
                gradient_norm: norm,
                tokens,
                tokens_per_second,
                seconds: self.seconds(),
            })?;
        }
        (self.watch.on_event)(&Event::Step(Progress {
            step: step.number,
            steps: self.steps,
            loss,
            learning_rate,
            gradient_norm: norm,
            tokens_per_second,
            seconds_left: self.taken.1 / self.taken.0 as f64
                * self.steps.saturating_sub(step.number) as f64,
        }));
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.state.seconds + self.since.elapsed().as_secs_f64()
    }

    /// True where the model is to be evaluated now: before the first step, at intervals, and after
    /// the last, once each.
    pub fn evaluation_is_due(&self) -> bool {
        let step = self.state.step;
        if self.state.evaluated == Some(step) {
            return false;
        }
        let is_due = match self.config.eval_steps {
            0 => self.order.is_at_epoch_end(),
            every => step.is_multiple_of(every),
        };
        is_due || step == 0 || step >= self.steps
    }

    /// True until someone stops the run.
    pub fn goes_on(&self) -> bool {
        self.watch.goes_on()
    }

    /// Takes an evaluation, and saves a checkpoint where it is among the best. That before the first
    /// step is logged only.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written.
    pub fn evaluated(&mut self, evaluation: &Evaluation, samples: &[Sample]) -> Result<()> {
        let (step, loss) = (self.state.step, evaluation.loss);
        self.metrics.evaluation(step, evaluation, samples)?;
        self.state.evaluated = Some(step);
        (self.watch.on_event)(&Event::Evaluated {
            step,
            loss,
            perplexity: evaluation.perplexity(),
        });
        if step == 0 {
            return Ok(());
        }
        let best = &mut self.state.best;
        let is_lowest = best.first().is_none_or(|lowest| loss < lowest.loss);
        self.state.stale = match is_lowest {
            true => 0,
            false => self.state.stale + 1,
        };
        let place = best.partition_point(|other| other.loss <= loss);
        best.insert(place, Best { step, loss });
        best.truncate(self.config.keep_best);
        match best.iter().any(|best| best.step == step) {
            true => self.save(),
            false => Ok(()),
        }
    }

    /// Saves a checkpoint where one is due.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written.
    pub fn save_if_due(&mut self) -> Result<()> {
        let step = self.state.step;
        let is_due = step > 0 && step.is_multiple_of(self.config.checkpoint_steps);
        match is_due && self.saved != Some(step) {
            true => self.save(),
            false => Ok(()),
        }
    }

    fn save(&mut self) -> Result<()> {
        let state = State {
            seconds: self.seconds(),
            ..self.state.clone()
        };
        let path = self
            .checkpoints
            .save(&state, &self.variables, &self.optimizer)?;
        self.checkpoints.prune(&state.best)?;
        self.saved = Some(state.step);
        self.set_status("running", None)?;
        (self.watch.on_event)(&Event::Saved { path });
        Ok(())
    }

    /// Ends the run: saves where it stands, then puts the weights of the best evaluation into the
    /// variables. What they are part of is written next.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written or read.
    pub fn finish(mut self) -> Result<Summary> {
        let step = self.state.step;
        if self.saved != Some(step) && step > 0 {
            self.save()?;
        }
        let best = self.state.best.first().copied();
        if let Some(best) = best.filter(|best| best.step != step) {
            self.checkpoints
                .restore_weights(best.step, &self.variables)?;
        }
        let ending = match (step >= self.steps, self.is_stale()) {
            (true, _) => Ending::Finished,
            (_, true) => Ending::Stale,
            _ => Ending::Stopped,
        };
        Ok(Summary {
            run: self.run.path().to_owned(),
            ending,
            steps: step,
            kept_step: best.map_or(step, |best| best.step),
            loss: self.state.loss,
            eval_loss: best.map(|best| best.loss),
            parameters: self.parameters(),
            tokens: self.state.tokens,
            seconds: self.seconds(),
        })
    }

    fn diverged(&self, step: &Step, batches: &[&Batch], reason: String) -> Error {
        let lines: Vec<usize> = batches.iter().flat_map(|it| it.lines.clone()).collect();
        let by_line: HashMap<usize, &crate::dataset::Encoded> =
            self.data.examples.iter().map(|it| (it.line, it)).collect();
        let examples: Vec<serde_json::Value> = lines
            .iter()
            .filter_map(|line| {
                let example = by_line.get(line)?;
                let start = |tokens: &[u32]| -> String {
                    self.words.text(tokens).chars().take(300).collect()
                };
                Some(serde_json::json!({
                    "line": line,
                    "tokens": example.tokens.len(),
                    "prompt": start(&example.tokens[..example.prompt]),
                    "completion": start(example.completion()),
                }))
            })
            .collect();
        let report = "diverged.json";
        let told = serde_json::json!({
            "step": step.number, "reason": reason, "data": self.config.train, "examples": examples,
        });
        let error = Error::Diverged {
            step: step.number,
            lines,
            report: self.run.path().join(report),
            reason: reason.clone(),
        };
        // What stopped the run is the error to tell, whether or not a report of it can be written.
        let _ = self.run.write_json(report, &told);
        let _ = self.set_status("failed", Some(reason));
        error
    }
}
