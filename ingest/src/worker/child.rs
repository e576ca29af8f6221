//! The child's side: limit yourself, read stdin, write pages to stdout.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::Limits;
use super::protocol::{Failure, Message, Request};
use crate::extract;

/// Reads one PDF from stdin and writes its pages to stdout, as [`super::Reader`] expects it.
///
/// For a hidden command of the program; it must be called before any other thread is started and
/// must be all that the process does. Exit code 0 where the outcome, also a failure to read the
/// file, was reported; 1 where it could not be.
pub fn run() -> ExitCode {
    // Panics are caught page by page and reported as warnings; their messages would go nowhere.
    std::panic::set_hook(Box::new(|_| {}));
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let mut stdin = BufReader::new(io::stdin().lock());
    let mut header = String::new();
    (&mut stdin).take(1 << 16).read_line(&mut header)?;
    let request: Request = serde_json::from_str(&header)?;
    limit(&request.limits)?;

    let mut bytes = Vec::new();
    stdin.take(request.length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != request.length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let reading = std::thread::Builder::new()
        .stack_size(extract::STACK_SIZE)
        .spawn(move || read(bytes, request.password.as_deref()))?;
    reading
        .join()
        .map_err(|_| io::Error::other("the reading thread panicked"))?
}

fn read(bytes: Vec<u8>, password: Option<&str>) -> io::Result<()> {
    let output = std::cell::RefCell::new(BufWriter::with_capacity(1 << 16, io::stdout().lock()));
    let send = |message: &Message| -> io::Result<()> {
        let mut output = output.borrow_mut();
        serde_json::to_writer(&mut *output, message)?;
        output.write_all(b"\n")
    };
    let mut failed: io::Result<()> = Ok(());
    let start_failed = std::cell::Cell::new(false);
    let outcome = extract::pages(
        bytes,
        password,
        &mut |start| {
            // At once, as the parent sets its deadline by the number of pages.
            let sent = send(&Message::Start(start)).and_then(|()| output.borrow_mut().flush());
            start_failed.set(sent.is_err());
        },
        &mut |page| {
            failed = if start_failed.get() {
                Err(io::ErrorKind::BrokenPipe.into())
            } else {
                send(&Message::Page(page))
            };
            // What is still buffered is lost in a crash, so each page goes out by itself.
            failed =
                std::mem::replace(&mut failed, Ok(())).and_then(|()| output.borrow_mut().flush());
            failed.is_ok()
        },
    );
    failed?;
    send(&match outcome {
        Ok(()) => Message::End,
        Err(error) => Message::Error(Failure::from(&error)),
    })?;
    output.borrow_mut().flush()
}

/// Limits this process for the rest of its life.
fn limit(limits: &Limits) -> io::Result<()> {
    for (resource, value) in [
        (Resource::As, limits.memory),
        (Resource::Cpu, limits.cpu_seconds),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit {
            current: Some(value),
            maximum: Some(value),
        };
        setrlimit(resource, limit)?;
    }
    // Nothing reads what the child of a dead parent finds.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}
