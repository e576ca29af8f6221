//! The background worker: takes uploads from the catalog one after the other and brings them into
//! the library. Jobs survive a restart; what was running then starts again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use anyhow::Result;
use tokio::sync::Notify;

use crate::catalog::{Job, JobState};
use crate::error::{Fault, Problem};
use crate::library::add::Watch;
use crate::library::{FileReport, Library, Stage, Upload};

/// Works through the queue.
pub struct Worker {
    library: Arc<Library>,
    wake: Notify,
    running: Mutex<HashMap<String, Arc<Running>>>,
}

#[derive(Default)]
struct Running {
    cancelled: AtomicBool,
    progress: Mutex<Option<(Stage, usize, usize)>>,
}

impl Watch for Running {
    fn progress(&self, stage: Stage, done: usize, total: usize) {
        *locked(&self.progress) = Some((stage, done, total));
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Worker {
    /// Starts the worker; it ends with the process.
    pub fn start(library: Arc<Library>) -> Arc<Self> {
        let worker = Arc::new(Self {
            library,
            wake: Notify::new(),
            running: Mutex::default(),
        });
        let working = worker.clone();
        tokio::spawn(async move { working.work().await });
        worker
    }

    /// Tells the worker that there is something in the queue.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Fills in how a running job comes along.
    pub fn complete(&self, job: &mut Job) {
        let Some(running) = locked(&self.running).get(&job.id).cloned() else {
            return;
        };
        if let Some((stage, done, total)) = *locked(&running.progress) {
            job.stage = serde_json::to_value(stage)
                .ok()
                .and_then(|name| name.as_str().map(str::to_owned));
            job.done = done as u32;
            job.total = Some(total as u32);
        }
    }

    /// Cancels a job: at once where it waits, at the next page or batch where it runs. A finished
    /// one stays as it is.
    ///
    /// # Errors
    /// Where the catalog cannot be written.
    pub async fn cancel(&self, id: &str) -> Result<()> {
        if let Some(running) = locked(&self.running).get(id) {
            running.cancelled.store(true, Ordering::Relaxed);
        }
        if self.library.catalog.cancel_queued_job(id).await?
            && let Some(job) = self.library.catalog.job(id).await?
        {
            self.library.release(&job.sha256).await?;
        }
        Ok(())
    }

    async fn work(&self) {
        let given_up = FileReport::failed("", interrupted(), Instant::now());
        if let Err(error) = self
            .library
            .catalog
            .requeue_interrupted_jobs(&given_up)
            .await
        {
            tracing::error!("interrupted uploads cannot be queued again: {error:#}");
        }
        loop {
            match self.library.catalog.take_job().await {
                Ok(Some(job)) => {
                    if let Err(error) = self.run(&job).await {
                        tracing::error!("the upload {} cannot be recorded: {error:#}", job.file);
                    }
                }
                Ok(None) => self.wake.notified().await,
                Err(error) => {
                    tracing::error!("the queue cannot be read: {error:#}");
                    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                }
            }
        }
    }

    async fn run(&self, job: &Job) -> Result<()> {
        let running = Arc::new(Running::default());
        locked(&self.running).insert(job.id.clone(), running.clone());
        let started = Instant::now();
        let added = match self.library.blobs.get(&job.sha256).await {
            Ok(bytes) => {
                let upload = Upload {
                    file: job.file.clone(),
                    source: None,
                    collection: job.collection.clone(),
                    bytes,
                    password: None,
                    bibliography: None,
                };
                self.library.add(upload, running.clone()).await
            }
            Err(error) => Err(error),
        };
        let (state, report) = match added {
            Ok(report) => (
                JobState::Done,
                Some(FileReport {
                    file: job.file.clone(),
                    ..report
                }),
            ),
            Err(_) if running.cancelled() => (JobState::Cancelled, None),
            Err(error) => {
                let problem = Problem::from_error(&error);
                (
                    JobState::Failed,
                    Some(FileReport::failed(&job.file, problem, started)),
                )
            }
        };
        let finished = self
            .library
            .catalog
            .finish_job(&job.id, state, report.as_ref())
            .await;
        locked(&self.running).remove(&job.id);
        finished?;
        self.library.release(&job.sha256).await
    }
}

fn interrupted() -> Problem {
    Problem::new(
        Fault::Input,
        "interrupted",
        "reading this file was interrupted several times",
        "add it again; if it happens again, the file may be what stops Lectern",
    )
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
