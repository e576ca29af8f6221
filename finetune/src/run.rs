//! The folder of a run: everything that it takes to see what was done and to do it again.
//!
//! ```text
//! runs/2026-01-31T12-00-00-lora/
//!   config.toml      the settings, every one of them
//!   run.json         program version, git revision, hash of the base model, when it began
//!   dataset.json     hashes and counts of the data
//!   status.json      where it stands
//!   metrics.jsonl    numbers of each step and evaluation; events.out.tfevents.* for TensorBoard
//!   samples.jsonl    answers written at each evaluation
//!   start/           the adapter that it goes on from, where it does
//!   checkpoints/     what is needed to go on
//!   adapter/         the adapter in PEFT's format; model/ where all weights were trained
//!   diverged.json    the batch that stopped the run, if one did
//! runs/latest        link to the newest
//! ```
//!
//! One process at a time has a run open.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dataset::{Card, hexadecimal};
use crate::{Dataset, Error, Result, TrainConfig, files, start};

const CONFIG: &str = "config.toml";
const RUN: &str = "run.json";
const DATASET: &str = "dataset.json";
const STATUS: &str = "status.json";
const START: &str = "start";
const LATEST: &str = "latest";
const LOCK: &str = ".lock";

/// What a run was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of this program.
    pub version: String,
    /// Git revision of the program or of the folder that it was started in, where there is one.
    pub git_revision: Option<String>,
    /// When it began, in UTC.
    pub started: String,
    /// SHA-256 of the base model's file.
    pub base_sha256: String,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `running`, `finished`, `stopped` (it can go on) or `failed`. A run that says `running` and
    /// that no process has open was killed, and can go on.
    pub state: String,
    /// Steps taken.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// What ended it.
    pub reason: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cards {
    train: Card,
    eval: Option<Card>,
}

/// An open run folder.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held while the run is open.
    _lock: File,
}

impl RunFolder {
    /// Makes the folder of a new run in `runs`, which is made where it is missing, and points
    /// `latest` at it. `git_revision` is that of the program; where it is not known, that of the
    /// current folder is taken.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written, [`Error::Config`] where the base model cannot be
    /// read, or the adapter to go on from not be used.
    pub fn create(runs: &Path, config: &TrainConfig, git_revision: Option<&str>) -> Result<Self> {
        start::check(config)?;
        let now = jiff::Timestamp::now();
        let origin = Origin {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_revision: git_revision
                .map(str::to_owned)
                .or_else(current_git_revision),
            started: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            base_sha256: hash(&config.base).map_err(|error| {
                Error::Config(vec![crate::config::Problem {
                    key: "base".to_owned(),
                    message: format!(
                        "{} cannot be read ({error}); hint: name a GGUF file",
                        config.base.display()
                    ),
                }])
            })?,
        };
        std::fs::create_dir_all(runs).map_err(|error| Error::unwritable(runs, &error))?;
        let name = format!("{}-{}", now.strftime("%Y-%m-%dT%H-%M-%S"), config.name);
        let path = new_folder(runs, &name)?;
        let run = Self {
            _lock: lock(&path)?,
            path,
        };
        run.copy_start(config)?;
        run.write(CONFIG, config.to_toml().as_bytes())?;
        run.write_json(RUN, &origin)?;
        run.point_latest(runs)?;
        Ok(run)
    }

    /// Opens a run to go on with it, with its settings. `latest` is a run like any other.
    ///
    /// # Errors
    /// [`Error::Run`] where the folder is no run's or another process has it open.
    pub fn open(path: &Path) -> Result<(Self, TrainConfig)> {
        // A link such as `latest` may point elsewhere tomorrow.
        let path = path.canonicalize().map_err(|error| {
            Error::run(path, format!("{error}; hint: name the folder of a run"))
        })?;
        let file = path.join(CONFIG);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            Error::run(&file, format!("{error}; hint: name the folder of a run"))
        })?;
        let config = TrainConfig::parse(&text, &[], None)?;
        let lock = lock(&path)?;
        Ok((Self { path, _lock: lock }, config))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the adapter is that the run goes on from.
    pub fn start(&self) -> PathBuf {
        self.path.join(START)
    }

    /// Where the adapter is written.
    pub fn adapter(&self) -> PathBuf {
        self.path.join("adapter")
    }

    /// Where the model is written, if all of it was trained.
    pub fn model(&self) -> PathBuf {
        self.path.join("model")
    }

    /// Where checkpoints are.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Records what the data is, or, where a run goes on, checks that it is still the same.
    ///
    /// # Errors
    /// [`Error::Run`] where it has changed or cannot be written.
    pub fn record_data(&self, train: &Dataset, eval: Option<&Dataset>) -> Result<()> {
        let cards = Cards {
            train: train.card.clone(),
            eval: eval.map(|data| data.card.clone()),
        };
        let path = self.path.join(DATASET);
        let Ok(text) = std::fs::read_to_string(&path) else {
            return self.write_json(DATASET, &cards);
        };
        let recorded: Cards = serde_json::from_str(&text).map_err(|error| {
            Error::run(
                &path,
                format!("{error}; hint: start a new run with this one's config.toml"),
            )
        })?;
        let hashes = |cards: &Cards| {
            let eval = cards.eval.as_ref().map(|card| card.sha256.clone());
            (cards.train.sha256.clone(), eval)
        };
        match hashes(&recorded) == hashes(&cards) {
            true => Ok(()),
            false => Err(Error::run(
                &self.path,
                "the data is not what the run was begun with; hint: start a new run",
            )),
        }
    }

    /// Records where the run stands.
    ///
    /// # Errors
    /// [`Error::Run`] where it cannot be written.
    pub fn set_status(&self, status: &Status) -> Result<()> {
        self.write_json(STATUS, status)
    }

    /// Writes a file of the run, whole.
    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::unwritable(&self.path.join(name), &error.into()))?;
        bytes.push(b'\n');
        self.write(name, &bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        files::write_whole(&path, bytes).map_err(|error| Error::unwritable(&path, &error))
    }

    fn copy_start(&self, config: &TrainConfig) -> Result<()> {
        if config.adapter.as_os_str().is_empty() {
            return Ok(());
        }
        let folder = self.start();
        std::fs::create_dir_all(&folder).map_err(|error| Error::unwritable(&folder, &error))?;
        for name in start::FILES {
            let (from, to) = (config.adapter.join(name), folder.join(name));
            std::fs::copy(&from, &to).map_err(|error| Error::unwritable(&to, &error))?;
        }
        Ok(())
    }

    fn point_latest(&self, runs: &Path) -> Result<()> {
        let link = runs.join(LATEST);
        let failed = |error: io::Error| Error::unwritable(&link, &error);
        let name = self.path.file_name().unwrap_or_default();
        let part = files::beside(&link);
        let _ = std::fs::remove_file(&part);
        // Relative, so that the runs can be moved together.
        std::os::unix::fs::symlink(name, &part).map_err(failed)?;
        std::fs::rename(&part, &link).map_err(failed)
    }
}

/// Where the run in `folder` stands, for those who watch it.
///
/// # Errors
/// [`Error::Run`] where the folder is no run's.
pub fn status(folder: &Path) -> Result<Status> {
    read_json(&folder.join(STATUS))
}

/// What the run in `folder` was made with.
///
/// # Errors
/// [`Error::Run`] where the folder is no run's.
pub fn origin(folder: &Path) -> Result<Origin> {
    read_json(&folder.join(RUN))
}

/// The data that the run in `folder` was trained on.
///
/// # Errors
/// [`Error::Run`] where the folder is no run's, or the run has not come so far.
pub fn train_card(folder: &Path) -> Result<Card> {
    let cards: Cards = read_json(&folder.join(DATASET))?;
    Ok(cards.train)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::run(path, format!("{error}; hint: name the folder of a run")))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::run(path, format!("{error}; hint: the file is damaged")))
}

/// The runs in a folder, oldest first.
pub fn list(runs: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(runs).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| !path.is_symlink() && path.join(CONFIG).is_file())
        .collect();
    found.sort();
    found
}

/// True where a process has the run open. A run whose status is `running` and that is not open was
/// killed.
pub fn is_open(folder: &Path) -> bool {
    File::open(folder.join(LOCK))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn new_folder(runs: &Path, name: &str) -> Result<PathBuf> {
    let mut path = runs.join(name);
    for number in 2.. {
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = runs.join(format!("{name}-{number}"));
            }
            Err(error) => return Err(Error::unwritable(&path, &error)),
            Ok(()) => break,
        }
    }
    Ok(path)
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(|error| Error::unwritable(&path, &error))?;
    for tries in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            // Who looks whether the run is open has the lock for a moment.
            Err(TryLockError::WouldBlock) if tries < 20 => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::run(
                    folder,
                    "another process is training it; hint: stop that one first",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(Error::unwritable(&path, &error)),
        }
    }
    Ok(file)
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn current_git_revision() -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "HEAD"])
        .stderr(std::process::Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let revision = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!revision.is_empty()).then_some(revision)
}
