//! The process that trains: this binary again, under a hidden command, with a run's folder.
//!
//! Unless the settings want otherwise it leaves the processor to everybody else (idle scheduling, the
//! lowest nice value, and that for its whole session where the kernel schedules by session). It is the
//! first to go where memory runs out, and
//! has a session of its own, so that Ctrl-C and a terminal that is closed do not reach it. It stops, with
//! a checkpoint, when the file [`STOP`] appears in the run's folder, or on SIGTERM.

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use finetune::Ending;
use finetune::run::Status;
use finetune::{Event, Recipe, RunFolder, Summary, TrainConfig, Watch, recipes};
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};
use tokio::signal::unix::{SignalKind, signal};

use super::log::{Log, RunEvent};
use super::{RunState, STOP, name};
use crate::error::Problem;

/// Hidden command under which this binary trains.
pub const TRAINER_COMMAND: &str = "train-worker";

/// The argument after the folder that has it take its share of the processor.
pub(super) const NORMAL: &str = "normal";

/// How often somebody is looked for who wants it to stop.
const LOOK: Duration = Duration::from_millis(200);

/// Trains the run whose folder is the first argument to its end, or until it is stopped. What there is
/// to say goes into that folder.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("error: no run is named\nhint: `lectern finetune run` starts this process");
        return ExitCode::from(2);
    };
    // First, since threads are like the one that they come from.
    step_back(arguments.next().is_none_or(|priority| priority != NORMAL));
    match train(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {}\nhint: {}", problem.message, problem.hint);
            ExitCode::from(problem.fault.exit_code())
        }
    }
}

/// Leaves processor and memory to others as far as the system lets it; what it does not let is done
/// without.
fn step_back(is_idle: bool) {
    let _ = rustix::process::setsid();
    if is_idle {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
        let _ = rustix::process::setpriority_process(None, 19);
        let _ = std::fs::write("/proc/self/autogroup", "19");
    }
    let _ = std::fs::write("/proc/self/oom_score_adj", "800");
}

fn train(folder: &Path) -> Result<(), Problem> {
    let opened = RunFolder::open(folder).map_err(anyhow::Error::from);
    let (run, config) = opened.map_err(|error| Problem::from_error(&error))?;
    let begin = || -> Result<Log> {
        // Asked of the process before this one.
        let _ = std::fs::remove_file(run.path().join(STOP));
        begun(&run)?;
        Ok(Log::open(run.path())?)
    };
    let mut log = begin().map_err(|error| Problem::from_error(&error))?;
    let name = name(run.path());
    log.add(RunEvent::Loading {
        run: name.clone(),
        process: std::process::id(),
    });

    let stop = Arc::new(AtomicBool::new(false));
    let trained = watch_for_stop(run.path(), &stop)
        .and_then(|_runtime| without_panic(|| recipe(&run, &config, &mut log, &stop)));
    let _ = std::fs::remove_file(run.path().join(STOP));
    match trained {
        Ok(summary) => {
            log.add(ended(&run, &config, &summary));
            Ok(())
        }
        Err(error) => {
            let problem = Problem::from_error(&error);
            log.add(RunEvent::Failed {
                run: name,
                code: problem.code.clone(),
                message: problem.message.clone(),
                hint: problem.hint.clone(),
            });
            Err(problem)
        }
    }
}

/// Says that the run goes on, so that one that is killed while it loads is not taken for stopped.
fn begun(run: &RunFolder) -> Result<()> {
    let before = finetune::run::status(run.path()).ok();
    run.set_status(&Status {
        state: RunState::Running.as_str().to_owned(),
        step: before.as_ref().map_or(0, |status| status.step),
        steps: before.as_ref().map_or(0, |status| status.steps),
        reason: None,
    })?;
    Ok(())
}

fn recipe(
    run: &RunFolder,
    config: &TrainConfig,
    log: &mut Log,
    stop: &AtomicBool,
) -> Result<Summary> {
    let mut on_event = |event: &Event| log.add(told(event));
    let mut watch = Watch {
        on_event: &mut on_event,
        stop,
    };
    Ok(recipes::train(config, run, &mut watch)?)
}

/// A panic is a failure of the run, which says so.
fn without_panic(train: impl FnOnce() -> Result<Summary>) -> Result<Summary> {
    // Nothing of what the closure changes is looked at after a panic but the log, line by line.
    std::panic::catch_unwind(AssertUnwindSafe(train)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        Err(anyhow!("training broke off: {said}"))
    })
}

/// Sets `stop` when the run is to stop, as long as the runtime that is returned lives.
fn watch_for_stop(run: &Path, stop: &Arc<AtomicBool>) -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let (asked, stop) = (run.join(STOP), stop.clone());
    runtime.spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            return;
        };
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                () = tokio::time::sleep(LOOK) => if asked.exists() { break },
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    Ok(runtime)
}

fn told(event: &Event) -> RunEvent {
    match event {
        Event::Warning(message) => RunEvent::Warning {
            message: message.clone(),
        },
        Event::Started {
            parameters,
            step,
            steps,
        } => RunEvent::Started {
            parameters: *parameters,
            step: *step,
            steps: *steps,
        },
        Event::Step(progress) => RunEvent::Step {
            step: progress.step,
            steps: progress.steps,
            loss: progress.loss,
            learning_rate: progress.learning_rate,
            gradient_norm: progress.gradient_norm,
            tokens_per_second: progress.tokens_per_second,
            seconds_left: progress.seconds_left,
        },
        Event::Evaluated {
            step,
            loss,
            perplexity,
        } => RunEvent::Evaluated {
            step: *step,
            loss: *loss,
            perplexity: *perplexity,
        },
        Event::Saved { path } => RunEvent::Saved {
            step: step_of(path),
        },
    }
}

/// The step that a checkpoint's folder is named after.
fn step_of(checkpoint: &Path) -> usize {
    let name = name(checkpoint);
    let number = name.rsplit('-').next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

fn ended(run: &RunFolder, config: &TrainConfig, summary: &Summary) -> RunEvent {
    let result = match config.recipe {
        Recipe::Full | Recipe::Reranker => run.model(),
        Recipe::Lora | Recipe::Qlora => run.adapter(),
    };
    RunEvent::Ended {
        run: name(run.path()),
        state: match summary.ending {
            Ending::Finished | Ending::Stale => RunState::Finished,
            Ending::Stopped => RunState::Stopped,
        },
        step: summary.steps,
        kept_step: summary.kept_step,
        loss: summary.loss,
        eval_loss: summary.eval_loss,
        seconds: summary.seconds,
        result: result.display().to_string(),
    }
}
