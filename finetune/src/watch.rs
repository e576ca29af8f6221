//! What is told of a run while it goes on and once it has ended, and who may stop it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

/// What is told while a run goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something that is probably a mistake.
    Warning(String),
    /// The first step is about to be taken, or the first since the run went on.
    Started {
        /// Numbers that are trained.
        parameters: usize,
        /// Steps taken before.
        step: usize,
        /// Steps in all.
        steps: usize,
    },
    /// A step was taken.
    Step(Progress),
    /// The model was evaluated.
    Evaluated {
        /// After this step.
        step: usize,
        /// Per token of held-out answers, in nats.
        loss: f64,
        /// e to the power of it.
        perplexity: f64,
    },
    /// A checkpoint was written.
    Saved {
        /// Its folder.
        path: PathBuf,
    },
}

/// How a run is getting on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps taken.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Per learnt token, in nats.
    pub loss: f64,
    /// Of the step that was taken.
    pub learning_rate: f64,
    /// Of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Run through the model in the last step.
    pub tokens_per_second: f64,
    /// Estimated time to the end.
    pub seconds_left: f64,
}

/// Who watches a run, and may stop it.
pub struct Watch<'a> {
    /// Called with what happens.
    pub on_event: &'a mut dyn FnMut(&Event),
    /// Looked at before each batch; once set, the run is saved and ends.
    pub stop: &'a AtomicBool,
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Watch")
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

impl Watch<'_> {
    /// True until someone stops the run.
    pub fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All steps were taken.
    Finished,
    /// The held-out loss no longer fell.
    Stale,
    /// Someone stopped it; it can go on.
    Stopped,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run's folder.
    pub run: PathBuf,
    /// Why it ended.
    pub ending: Ending,
    /// Steps taken.
    pub steps: usize,
    /// The step whose weights were kept.
    pub kept_step: usize,
    /// Loss per token of the last step, in nats.
    pub loss: f64,
    /// The lowest held-out loss.
    pub eval_loss: Option<f64>,
    /// Numbers that were trained.
    pub parameters: usize,
    /// Tokens run through the model.
    pub tokens: u64,
    /// Time spent.
    pub seconds: f64,
}
