//! Starting a run, or going on with one: a process of its own, one at a time.
//!
//! Whoever starts one holds a lock from looking whether another goes on until the new process has its
//! run, so that the command line and the server cannot start two. Blocking throughout.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use finetune::{RunFolder, TrainConfig};

use super::log::{Reader, RunEvent};
use super::{RunState, Runs, TRAINER_COMMAND, name, state, worker};
use crate::error::{Fault, Problem};

/// What the process says for itself.
const STDERR: &str = "worker.log";

/// The longest wait for a new process to have its run.
const PATIENCE: Duration = Duration::from_secs(30);

/// A run that was started.
#[derive(Debug)]
pub struct Started {
    /// Its folder.
    pub run: PathBuf,
    /// Its log, from where it began.
    pub log: Reader,
    child: Child,
}

impl Runs {
    /// Starts a run.
    ///
    /// # Errors
    /// A problem `run_in_progress`, those of the settings, and whatever keeps a process from starting.
    pub fn start(&self, config: &TrainConfig) -> Result<Started> {
        let _starting = self.lock()?;
        self.refuse_second()?;
        let run = RunFolder::create(self.folder(), config, None)?;
        let path = run.path().to_owned();
        // The process takes it over; others are held back meanwhile.
        drop(run);
        self.spawn(path)
    }

    /// Goes on with a run from its newest checkpoint.
    ///
    /// # Errors
    /// A problem `run_in_progress` or `run_finished`, and whatever keeps a process from starting.
    pub fn resume(&self, run: &Path) -> Result<Started> {
        let _starting = self.lock()?;
        self.refuse_second()?;
        if state(run) == RunState::Finished {
            return Err(Problem::new(
                Fault::Conflict,
                "run_finished",
                format!("the run {} has come to its end", name(run)),
                "start a new one, with more epochs say",
            )
            .into());
        }
        self.spawn(run.to_owned())
    }

    /// Whether a run can be started, to be asked before all that takes longer.
    ///
    /// # Errors
    /// A problem `run_in_progress`.
    pub fn refuse_second(&self) -> Result<(), Problem> {
        let Some(running) = self.running() else {
            return Ok(());
        };
        let running = name(&running);
        Err(Problem::new(
            Fault::Conflict,
            "run_in_progress",
            format!("the run {running} is going on, and one at a time is trained"),
            format!("wait for it, or stop it with `lectern finetune runs stop {running}`"),
        ))
    }

    fn spawn(&self, run: PathBuf) -> Result<Started> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().context("finding this program")?,
        };
        let stderr = run.join(STDERR);
        let stderr =
            File::create(&stderr).with_context(|| format!("writing {}", stderr.display()))?;
        let begin = Reader::at_end(&run);
        let mut log = begin.clone();
        let child = Command::new(&program)
            .arg(TRAINER_COMMAND)
            .arg(&run)
            .args((!self.is_idle).then_some(worker::NORMAL))
            // A step asks for the same memory as the step before: given back to the system in
            // between it has to be cleared again each time, which costs a sixth of the time.
            .env("MIMALLOC_PURGE_DELAY", "-1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut started = Started {
            run,
            log: begin,
            child,
        };
        let since = Instant::now();
        while log.news().is_empty() {
            if let Some(status) = started.child.try_wait()? {
                return Err(started.died(status).into());
            }
            if since.elapsed() > PATIENCE {
                started.kill();
                anyhow::bail!("the process that trains did not begin");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(started)
    }
}

impl Started {
    /// Ends the process at once; the run can go on from its newest checkpoint.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until the process is gone.
    pub fn wait(&mut self) {
        let _ = self.child.wait();
    }

    /// Leaves the process to itself. It is waited for in the background, as the system wants it.
    pub fn leave(self) -> PathBuf {
        let Self { run, mut child, .. } = self;
        std::thread::spawn(move || child.wait());
        run
    }

    /// What came of the process, where it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Why the process ended, where its log does not say.
    pub fn died(&self, status: ExitStatus) -> Problem {
        died(&self.run, Some(status))
    }
}

/// What is to be said of a run whose process is gone without a word.
pub fn died(run: &Path, status: Option<ExitStatus>) -> Problem {
    let said = std::fs::read_to_string(run.join(STDERR)).unwrap_or_default();
    let said = said.trim();
    let (message, hint) = match said.strip_prefix("error: ") {
        Some(said) => said.rsplit_once("\nhint: ").unwrap_or((said, "")),
        None => (said.lines().last().unwrap_or_default(), ""),
    };
    let how = status.map_or_else(String::new, |status| format!(" ({status})"));
    Problem::new(
        Fault::Machine,
        "run_killed",
        match message {
            "" => format!("the run {} was killed{how}", name(run)),
            said => format!("the run {} broke off{how}: {said}", name(run)),
        },
        match hint {
            "" => format!(
                "if memory or disk ran out, make room; go on with `lectern finetune run --resume {}`",
                name(run)
            ),
            hint => hint.to_owned(),
        },
    )
}

/// The event that stands for a run whose process is gone without a word.
pub fn died_event(run: &Path) -> RunEvent {
    let problem = died(run, None);
    RunEvent::Failed {
        run: name(run),
        code: problem.code,
        message: problem.message,
        hint: problem.hint,
    }
}
