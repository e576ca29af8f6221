//! What happens in a run, one JSON object a line in its folder (`log.jsonl`), for whoever watches it.
//!
//! Steps come at most once a second: this tells people how it is getting on, while `metrics.jsonl` has
//! all the numbers. A run that goes on adds to the file, and begins with [`RunEvent::Loading`] again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RunState;

pub(super) const LOG: &str = "log.jsonl";

/// The least time between two steps that are told.
const PAUSE: Duration = Duration::from_secs(1);

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// The process has the run and reads model and data.
    Loading {
        /// The run.
        run: String,
        /// The process's id.
        process: u32,
    },
    /// Something that is probably a mistake.
    Warning {
        /// What.
        message: String,
    },
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
    Step {
        /// Steps taken.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// Per learnt token, in nats.
        loss: f64,
        /// Of that step.
        learning_rate: f64,
        /// Of all gradients together, before clipping.
        gradient_norm: f64,
        /// Run through the model in that step.
        tokens_per_second: f64,
        /// Estimated time to the end.
        seconds_left: f64,
    },
    /// The model was evaluated on held-out data.
    Evaluated {
        /// After this step.
        step: usize,
        /// Per token, in nats.
        loss: f64,
        /// e to the power of it.
        perplexity: f64,
    },
    /// A checkpoint is on disk.
    Saved {
        /// After this step.
        step: usize,
    },
    /// The run has ended, for now or for good.
    Ended {
        /// The run.
        run: String,
        /// How.
        state: RunState,
        /// Steps taken.
        step: usize,
        /// The step whose weights were kept.
        kept_step: usize,
        /// Loss per token of the last step, in nats.
        loss: f64,
        /// The lowest held-out loss.
        eval_loss: Option<f64>,
        /// Time spent, pauses aside.
        seconds: f64,
        /// The folder of what was trained.
        result: String,
    },
    /// It went wrong.
    Failed {
        /// The run.
        run: String,
        /// Stable name for scripts.
        code: String,
        /// What failed, and why.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl RunEvent {
    /// True where nothing follows.
    pub fn is_last(&self) -> bool {
        matches!(self, RunEvent::Ended { .. } | RunEvent::Failed { .. })
    }
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    /// When, RFC 3339.
    at: String,
    #[serde(flatten)]
    event: RunEvent,
}

/// Writes the log of a run.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    told: Option<Instant>,
}

impl Log {
    /// Goes on with the log in a run's folder.
    pub(super) fn open(run: &Path) -> io::Result<Self> {
        let path = run.join(LOG);
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)?;
        // What a kill left of a line must not swallow the next one.
        let length = file.metadata()?.len();
        if length > 0 {
            let mut last = [0];
            file.seek(SeekFrom::Start(length - 1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Self { file, told: None })
    }

    /// Adds an event. That it cannot be written, on a full disk say, is no reason to end a run, whose
    /// checkpoints matter more.
    pub(super) fn add(&mut self, event: RunEvent) {
        if let RunEvent::Step { step, steps, .. } = &event {
            let is_due = self.told.is_none_or(|told| told.elapsed() >= PAUSE);
            if !is_due && step < steps {
                return;
            }
            self.told = Some(Instant::now());
        }
        let at = jiff::Timestamp::now().to_string();
        if let Ok(mut line) = serde_json::to_vec(&Line { at, event }) {
            line.push(b'\n');
            let _ = self.file.write_all(&line);
        }
    }
}

/// Reads the log of a run as it grows.
#[derive(Debug, Clone)]
pub struct Reader {
    path: std::path::PathBuf,
    position: u64,
    rest: Vec<u8>,
}

impl Reader {
    /// From its beginning.
    pub fn new(run: &Path) -> Self {
        Self {
            path: run.join(LOG),
            position: 0,
            rest: Vec::new(),
        }
    }

    /// From where it ends now.
    pub fn at_end(run: &Path) -> Self {
        let mut reader = Self::new(run);
        reader.position = std::fs::metadata(&reader.path).map_or(0, |meta| meta.len());
        reader
    }

    /// What was added since the last time. A line that is no event is passed over.
    pub fn news(&mut self) -> Vec<RunEvent> {
        // A log that is not there yet, or not readable, has nothing new.
        let _ = self.read();
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        whole
            .split(|byte| *byte == b'\n')
            .filter_map(|line| Some(serde_json::from_slice::<Line>(line).ok()?.event))
            .collect()
    }

    fn read(&mut self) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.position))?;
        self.position += file.read_to_end(&mut self.rest)? as u64;
        Ok(())
    }
}

/// What there is to tell of a run to somebody who comes now: all since it last began, of its steps the
/// newest only; and the reader of what follows.
pub fn since_begun(run: &Path) -> (Vec<RunEvent>, Reader) {
    let mut reader = Reader::new(run);
    let all = reader.news();
    let begun = all
        .iter()
        .rposition(|event| matches!(event, RunEvent::Loading { .. }))
        .unwrap_or(0);
    let newest = all
        .iter()
        .rposition(|event| matches!(event, RunEvent::Step { .. }));
    let told = all
        .into_iter()
        .enumerate()
        .skip(begun)
        .filter(|(at, event)| !matches!(event, RunEvent::Step { .. }) || Some(*at) == newest)
        .map(|(_, event)| event)
        .collect();
    (told, reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: usize) -> RunEvent {
        RunEvent::Step {
            step,
            steps: 9,
            loss: 1.5,
            learning_rate: 1e-4,
            gradient_norm: 0.5,
            tokens_per_second: 90.0,
            seconds_left: 3.0,
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_comes_and_half_a_line_harms_nothing() {
        let run = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(run.path());
        assert!(reader.news().is_empty());
        let loading = || RunEvent::Loading {
            run: "a".into(),
            process: 7,
        };
        let mut log = Log::open(run.path()).unwrap();
        log.add(loading());
        log.add(step(1));
        log.add(step(2));
        log.add(step(9));
        assert_eq!(reader.news(), [loading(), step(1), step(9)]);

        // Killed in the middle of a line.
        let mut file = OpenOptions::new()
            .append(true)
            .open(run.path().join(LOG))
            .unwrap();
        file.write_all(b"{\"at\":\"2026").unwrap();
        assert!(reader.news().is_empty());
        let mut log = Log::open(run.path()).unwrap();
        log.add(loading());
        assert_eq!(reader.news(), [loading()]);

        log.add(RunEvent::Saved { step: 3 });
        log.add(step(4));
        let (told, mut reader) = since_begun(run.path());
        assert_eq!(told, [loading(), RunEvent::Saved { step: 3 }, step(4)]);
        assert!(reader.news().is_empty());
    }
}
