//! Training runs as they are started, watched and ended, from the command line, the API and the page.
//!
//! A run is a folder ([`finetune::run`]), and that folder is all there is: no table, no memory of the
//! server. The training itself goes on in a process of its own ([`worker`]) at the lowest priority, which
//! reads and writes files only, so that it neither slows serving nor ends with it, and whoever can read
//! the folder can watch it ([`log`]), whichever side it was [started](start) from. A run is stopped by a
//! file in its folder, and is known to be alive by the lock that its process holds: one that says
//! `running` and is not locked was killed, and can go on.
//!
//! [`request`] is what may be asked of a run, [`plan`] what it will take, [`details`] how it is shown,
//! [`export`] what is made of its end.

pub mod details;
pub mod export;
pub mod log;
pub mod plan;
pub mod request;
pub mod start;
pub mod worker;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use finetune::run as folder;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Fault, Problem};
use crate::settings::Settings;

pub use worker::TRAINER_COMMAND;

/// The file in a run's folder that asks it to stop.
const STOP: &str = ".stop";
/// The file whose lock is held while a run is started or deleted.
const STARTING: &str = ".starting";
/// Ending of the name of a run that is being deleted.
const DELETED: &str = ".deleted";
/// The longest that a process takes to be gone once the end of its run is recorded.
const PARTING: Duration = Duration::from_secs(10);
/// The link to the newest run.
const LATEST: &str = "latest";

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It goes on.
    Running,
    /// It came to its end.
    Finished,
    /// Somebody stopped it; it can go on.
    Stopped,
    /// It was ended from outside: a kill, too little memory, a machine that went down. It can go on.
    Killed,
    /// It went wrong. It can go on where the reason is gone.
    Failed,
}

impl RunState {
    /// Its name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Stopped => "stopped",
            RunState::Killed => "killed",
            RunState::Failed => "failed",
        }
    }

    /// True where it can go on.
    pub fn is_resumable(self) -> bool {
        matches!(
            self,
            RunState::Stopped | RunState::Killed | RunState::Failed
        )
    }
}

/// All runs of a data folder.
#[derive(Debug, Clone)]
pub struct Runs {
    folder: PathBuf,
    program: Option<PathBuf>,
    is_idle: bool,
}

impl Runs {
    /// Those where the settings say.
    pub fn new(settings: &Settings) -> Self {
        Self {
            folder: settings.runs_dir.clone(),
            program: settings.reader_program.clone(),
            is_idle: settings.training_is_idle,
        }
    }

    /// Their folder, which need not be there yet.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Their folders, newest first.
    pub fn list(&self) -> Vec<PathBuf> {
        let mut runs = folder::list(&self.folder);
        runs.retain(|run| !name(run).starts_with('.'));
        runs.reverse();
        runs
    }

    /// The folder of one: its name, the start of it, or `latest`.
    ///
    /// # Errors
    /// A problem `run_not_found` or `run_ambiguous`.
    pub fn find(&self, wanted: &str) -> Result<PathBuf, Problem> {
        let runs = self.list();
        if wanted == LATEST {
            let newest = std::fs::read_link(self.folder.join(LATEST)).ok();
            let linked = newest.map(|target| self.folder.join(target));
            let linked = linked.filter(|linked| runs.contains(linked));
            return linked
                .or_else(|| runs.first().cloned())
                .ok_or_else(|| not_found(wanted));
        }
        if let Some(run) = runs.iter().find(|run| name(run) == wanted) {
            return Ok(run.clone());
        }
        let begins = |run: &&PathBuf| !wanted.is_empty() && name(run).starts_with(wanted);
        let mut found = runs.iter().filter(begins);
        match (found.next(), found.next()) {
            (Some(run), None) => Ok(run.clone()),
            (None, _) => Err(not_found(wanted)),
            (Some(first), Some(second)) => Err(Problem::new(
                Fault::Usage,
                "run_ambiguous",
                format!(
                    "several runs have names that begin with {wanted:?}: {}, {}",
                    name(first),
                    name(second)
                ),
                "give more of the name",
            )),
        }
    }

    /// The one that goes on. Blocks for a moment where one has just ended.
    pub fn running(&self) -> Option<PathBuf> {
        self.list().into_iter().find(|run| is_held(run))
    }

    /// Asks a run to stop, which it does before its next batch, with a checkpoint. Returns at once.
    ///
    /// # Errors
    /// A problem `run_not_running`.
    pub fn stop(&self, run: &Path) -> Result<()> {
        if state(run) != RunState::Running {
            return Err(Problem::new(
                Fault::Conflict,
                "run_not_running",
                format!("the run {} is {}", name(run), state(run).as_str()),
                "`lectern finetune runs` shows which one is running",
            )
            .into());
        }
        ask_to_stop(run)
    }

    /// Deletes a run with its checkpoints and what it came to.
    ///
    /// # Errors
    /// A problem `run_running`, or where the files cannot be deleted.
    pub fn delete(&self, run: &Path) -> Result<()> {
        let _starting = self.lock()?;
        if is_held(run) {
            return Err(Problem::new(
                Fault::Conflict,
                "run_running",
                format!("the run {} is running", name(run)),
                "stop it first: `lectern finetune runs stop`",
            )
            .into());
        }
        // Gone at once for all who look, whenever the files are.
        let hidden = self.folder.join(format!(".{}{DELETED}", name(run)));
        std::fs::rename(run, &hidden).with_context(|| format!("deleting {}", run.display()))?;
        self.point_latest();
        std::fs::remove_dir_all(&hidden).with_context(|| format!("deleting {}", hidden.display()))
    }

    /// Holds back whoever else starts or deletes a run.
    fn lock(&self) -> Result<File> {
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("making the folder {}", self.folder.display()))?;
        let path = self.folder.join(STARTING);
        let file = File::create(&path).with_context(|| format!("writing {}", path.display()))?;
        file.lock()
            .with_context(|| format!("locking {}", path.display()))?;
        self.sweep();
        Ok(file)
    }

    /// Removes what a kill left of runs that were being deleted.
    fn sweep(&self) {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        for entry in entries.flatten() {
            let entry_name = entry.file_name();
            let entry_name = entry_name.to_string_lossy();
            if entry_name.starts_with('.') && entry_name.ends_with(DELETED) {
                // Tried again next time.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Points the link at the newest run after the one that it pointed at has gone. Without the link
    /// the newest is found by its name, so a failure changes nothing.
    fn point_latest(&self) {
        let link = self.folder.join(LATEST);
        if link.exists() {
            return;
        }
        let _ = std::fs::remove_file(&link);
        if let Some(newest) = self.list().first() {
            let _ = std::os::unix::fs::symlink(name(newest), &link);
        }
    }
}

/// The name of a run's folder.
pub fn name(run: &Path) -> String {
    run.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Where a run stands.
pub fn state(run: &Path) -> RunState {
    // Before the status is read: one that ends in between has written it.
    let is_open = folder::is_open(run);
    let recorded = folder::status(run).map(|status| status.state);
    match (recorded.as_deref(), is_open) {
        (Ok("finished"), _) => RunState::Finished,
        (Ok("stopped"), _) => RunState::Stopped,
        (Ok("failed"), _) => RunState::Failed,
        (_, true) => RunState::Running,
        (_, false) => RunState::Killed,
    }
}

/// True where no process has the run, so that nothing more will be heard of it.
pub fn is_gone(run: &Path) -> bool {
    !folder::is_open(run)
}

/// True where a process has the run, and not only for the moment after its end was recorded. Blocks for
/// that moment.
pub fn is_held(run: &Path) -> bool {
    let since = Instant::now();
    while folder::is_open(run) {
        if state(run) == RunState::Running || since.elapsed() > PARTING {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Asks a run to stop, whether or not it goes on.
///
/// # Errors
/// Where its folder cannot be written.
pub fn ask_to_stop(run: &Path) -> Result<()> {
    let path = run.join(STOP);
    File::create(&path)
        .map(drop)
        .with_context(|| format!("writing {}", path.display()))
}

/// True where a run was asked to stop and has not yet.
pub fn is_stopping(run: &Path) -> bool {
    run.join(STOP).exists()
}

fn not_found(wanted: &str) -> Problem {
    let shown: String = wanted.chars().take(80).collect();
    Problem::new(
        Fault::NotFound,
        "run_not_found",
        match wanted {
            LATEST => "there are no training runs yet".to_owned(),
            _ => format!("there is no training run {shown:?}"),
        },
        "`lectern finetune runs` lists them; `lectern finetune run` starts one",
    )
}
