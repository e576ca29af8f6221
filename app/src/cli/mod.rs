//! The command line: parse, load settings, run one command, turn failures into exit codes.
//!
//! Data goes to stdout, progress and messages to stderr. Exit codes: 0 done, 1 failed, 2 wrong
//! use, 3 nothing found, insufficient evidence, or a replay that differs, 4 partly done, 130 interrupted.

mod answers;
mod args;
mod ask;
mod bench;
mod chat;
mod collections;
mod conversations;
mod demo;
mod documents;
mod eval;
mod extract;
mod feedback;
mod finetune;
mod ingest;
mod mcp;
mod models;
mod output;
mod search;
mod serve;
mod system;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::control::{self, Event, Request};
use crate::error::Problem;
use crate::library::READER_COMMAND;
use crate::settings::Settings;
use crate::training::TRAINER_COMMAND;
use args::{Arguments, Command, Finetune};

/// What a command ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done = 0,
    Failed = 1,
    NothingFound = 3,
    Partly = 4,
    Interrupted = 130,
}

/// Runs the process's command line.
pub fn main() -> ExitCode {
    // The reader of one PDF: before anything else is set up, since it limits itself first.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|command| command == READER_COMMAND)
    {
        return ::ingest::worker::run();
    }
    let mut hidden = std::env::args_os().skip(1);
    if hidden
        .next()
        .is_some_and(|command| command == TRAINER_COMMAND)
    {
        return crate::training::worker::run(hidden);
    }
    let arguments = Arguments::parse();
    init_log();
    let runtime = match tokio::runtime::Runtime::new().context("starting the runtime") {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, false),
    };
    let json = arguments.command.is_json();
    let outcome = runtime.block_on(run(arguments));
    // A blocking read or a model that still runs must not hold the exit back.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error, json),
    }
}

async fn run(arguments: Arguments) -> Result<Exit> {
    // There it names the settings of the run.
    let is_run = matches!(&arguments.command, Command::Finetune(Finetune::Run(_)));
    let config = arguments.global.config.as_deref().filter(|_| !is_run);
    let settings = Settings::load(
        config,
        std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
        &arguments.flags(),
    )?;
    match arguments.command {
        Command::Serve(serve) => serve::run(settings, serve).await,
        Command::Ingest(ingest) => ingest::run(settings, ingest).await,
        Command::Extract(extract) => extract::run(&settings, extract).await,
        Command::Search(search) => search::run(settings, search).await,
        Command::Ask(ask) => ask::run(settings, ask).await,
        Command::Answers(command) => answers::run(settings, command).await,
        Command::Feedback(command) => feedback::run(settings, command).await,
        Command::Finetune(command) => finetune::run(settings, command).await,
        Command::Chat(chat) => chat::run(settings, chat).await,
        Command::Conversations(command) => conversations::run(settings, command).await,
        Command::Documents(command) => documents::run(settings, command).await,
        Command::Collections(command) => collections::run(settings, command).await,
        Command::Mcp => mcp::run(settings).await,
        Command::Models(command) => models::run(&settings, command).await,
        Command::Eval(command) => eval::run(&settings, command).await,
        Command::Bench(command) => bench::run(settings, command).await,
        Command::Reindex(json) => system::reindex(settings, json.json).await,
        Command::Doctor(json) => system::doctor(settings, json.json).await,
        Command::Config(command) => system::config(&settings, &command),
        Command::Completions(shell) => system::completions(shell.shell),
        Command::Demo(demo) => demo::run(settings, demo).await,
    }
}

/// Runs a request that is answered by one event, and hands that event on.
async fn single<T>(
    settings: Settings,
    request: Request,
    mut pick: impl FnMut(Event) -> Option<T>,
) -> Result<T> {
    let mut events = control::start(settings, request).await?;
    while let Some(event) = events.recv().await {
        match event {
            Event::Failed(problem) => return Err(problem.into()),
            event => {
                if let Some(found) = pick(event) {
                    return Ok(found);
                }
            }
        }
    }
    Err(lost().into())
}

/// The other side went away without an answer.
fn lost() -> Problem {
    Problem::new(
        crate::error::Fault::Machine,
        "connection_lost",
        "the running Lectern ended before it answered",
        "start `lectern serve` again, or run the command again without it: nothing is lost",
    )
}

fn fail(error: &anyhow::Error, json: bool) -> ExitCode {
    let problem = Problem::from_error(error);
    if json {
        let shown = serde_json::json!({
            "error": { "code": problem.code, "message": problem.message, "hint": problem.hint }
        });
        let _ = output::line(&shown.to_string());
    }
    eprintln!("error: {}\nhint: {}", problem.message, problem.hint);
    ExitCode::from(problem.fault.exit_code())
}

fn init_log() {
    // The engine underneath warns of start-up details that nobody here can act on.
    let filter = tracing_subscriber::EnvFilter::try_from_env("LECTERN_LOG")
        .unwrap_or_else(|_| "warn,app=info,actix_server=warn,qdrant_edge=error".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_writer(std::io::stderr)
        .init();
}
