//! The child's side: limit and confine yourself, read stdin, do the task, write to stdout.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::panic::catch_unwind;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::Limits;
use super::confinement::{self, Confinement, Probe, Witness};
use super::protocol::{Failure, MAX_IMAGE, Message, Request, Task};
use crate::picture::Size;
use crate::{Error, Format, extract, formats, picture};

/// Does one task on one PDF from stdin and answers on stdout, as [`super::Reader`] expects it.
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
    let witness = Witness::new();
    let mut confinement = Confinement::default();
    confinement.refuse_files();
    let working = std::thread::Builder::new()
        .stack_size(extract::STACK_SIZE)
        .spawn(move || {
            // From here, as this thread is the last that is started.
            confinement.refuse_system_calls();
            // What may be open already stays usable.
            let _ = set(Resource::Nofile, 0);
            let password = request.password.as_deref();
            match request.task {
                Task::Read => read(bytes, password),
                Task::Document { format } => document(&bytes, format),
                Task::Render { page, size } => render(bytes, password, page, size),
                Task::Probe => send_alone(&Message::Probe(Probe {
                    confinement,
                    attempts: confinement::attempts(&witness),
                })),
            }
        })?;
    working
        .join()
        .map_err(|_| io::Error::other("the working thread panicked"))?
}

fn read(bytes: Vec<u8>, password: Option<&str>) -> io::Result<()> {
    let output = std::cell::RefCell::new(BufWriter::with_capacity(1 << 16, io::stdout().lock()));
    // What is still buffered is lost in a crash, so each page goes out by itself; the start at
    // once, as the parent sets its deadline by the number of pages.
    let send = |message: &Message| write_line(&mut *output.borrow_mut(), message);
    let failed = std::cell::Cell::new(Ok(()));
    let keep = |sent: io::Result<()>| {
        let is_sent = sent.is_ok();
        if !is_sent {
            failed.set(sent);
        }
        is_sent
    };
    let started = std::cell::Cell::new(true);
    let outcome = extract::pages(
        bytes,
        password,
        &mut |start| started.set(keep(send(&Message::Start(start)))),
        &mut |page| started.get() && keep(send(&Message::Page(page))),
    );
    failed.into_inner()?;
    send(&match outcome {
        Ok(()) => Message::End,
        Err(error) => Message::Error(Failure::from(&error)),
    })
}

fn document(bytes: &[u8], format: Format) -> io::Result<()> {
    // A panic in a parser is the file's fault, not the end of the process.
    let read = catch_unwind(|| formats::read(bytes, format)).unwrap_or_else(|_| {
        Err(Error::DamagedFile {
            reason: "its structure can't be parsed".to_owned(),
        })
    });
    send_alone(&match read {
        Ok(document) => Message::Document(Box::new(document)),
        Err(error) => Message::Error(Failure::from(&error)),
    })
}

fn render(bytes: Vec<u8>, password: Option<&str>, page: u32, size: Size) -> io::Result<()> {
    let png = picture::page(bytes, password, page, size).and_then(|png| {
        if png.bytes.len() as u64 <= MAX_IMAGE {
            Ok(png)
        } else {
            Err(Error::NotRendered {
                page,
                reason: "its picture is too big".to_owned(),
            })
        }
    });
    let png = match png {
        Ok(png) => png,
        Err(error) => return send_alone(&Message::Error(Failure::from(&error))),
    };
    let mut output = io::stdout().lock();
    let message = Message::Image {
        width: png.width,
        height: png.height,
        length: png.bytes.len() as u64,
        bytes: Vec::new(),
    };
    write_line(&mut output, &message)?;
    output.write_all(&png.bytes)?;
    output.flush()
}

fn send_alone(message: &Message) -> io::Result<()> {
    write_line(&mut BufWriter::new(io::stdout().lock()), message)
}

fn write_line(output: &mut impl Write, message: &Message) -> io::Result<()> {
    serde_json::to_writer(&mut *output, message)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn set(resource: Resource, value: u64) -> rustix::io::Result<()> {
    let limit = Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(resource, limit)
}

/// Limits this process for the rest of its life.
fn limit(limits: &Limits) -> io::Result<()> {
    for (resource, value) in [
        (Resource::As, limits.memory),
        (Resource::Cpu, limits.cpu_seconds),
        (Resource::Core, 0),
        // Pipes are no files.
        (Resource::Fsize, 0),
    ] {
        set(resource, value)?;
    }
    // Nothing reads what the child of a dead parent finds.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}
