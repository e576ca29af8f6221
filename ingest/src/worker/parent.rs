//! The parent's side: start the child, feed it, take what it says with caution, end it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::Limits;
use super::protocol::{Message, Request};
use crate::extract::{Ink, ReadPage, Start};
use crate::{Document, Error, Line, Page, Warning};

/// How often cancellation and the deadline are looked at while nothing arrives.
const TICK: Duration = Duration::from_millis(25);
/// Pages that the parent believes a file to have at most; above this the child lies.
const MAX_PAGES: u32 = 100_000;

/// Reads PDFs, each in a child process.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The program to run, which must end up in [`super::run`].
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What one file may cost.
    pub limits: Limits,
}

impl Reader {
    /// Reads one PDF. Blocks until done; call it from a thread that may.
    ///
    /// `cancelled` is asked some forty times a second. `on_progress` is told the pages done and the
    /// pages in all. Where the child fails after some pages had text, the document holds those,
    /// empty pages for the rest, and a warning `reading_stopped`.
    pub fn read(
        &self,
        bytes: &[u8],
        password: Option<&str>,
        cancelled: &(dyn Fn() -> bool + Sync),
        on_progress: &mut dyn FnMut(u32, u32),
    ) -> Result<Document, Error> {
        // No process for what can be told at once.
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        if cancelled() {
            return Err(Error::Cancelled);
        }
        let mut worker = self.start(bytes, password)?;
        let mut reading = Reading::default();
        let end = self.follow(&mut worker, &mut reading, cancelled, on_progress);
        let status = worker.end();
        reading.finish(end, status.as_ref())
    }

    fn start(&self, bytes: &[u8], password: Option<&str>) -> io::Result<Worker> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // A group of its own, so that Ctrl-C reaches the parent alone and whatever the child may
        // start dies with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::other("no pipes to the reader process"));
        };
        // From here on the child is reaped whatever fails.
        let (sender, messages) = sync_channel(4);
        let worker = Worker { child, messages };
        let request = Request {
            password: password.map(str::to_owned),
            limits: self.limits,
            length: bytes.len() as u64,
        };
        let mut header = serde_json::to_vec(&request)?;
        header.push(b'\n');
        // Copied, so that neither thread needs to be waited for: a process that the child left
        // behind could hold the pipes open for ever.
        let bytes = bytes.to_vec();
        std::thread::Builder::new()
            .name("pdf-feed".to_owned())
            .spawn(move || feed(stdin, &header, &bytes))?;
        let limits = self.limits;
        std::thread::Builder::new()
            .name("pdf-listen".to_owned())
            .spawn(move || listen(stdout, &limits, &sender))?;
        Ok(worker)
    }

    /// Takes messages until the child is done, fails, runs out of time or the caller cancels.
    fn follow(
        &self,
        worker: &mut Worker,
        reading: &mut Reading,
        cancelled: &(dyn Fn() -> bool + Sync),
        on_progress: &mut dyn FnMut(u32, u32),
    ) -> End {
        let began = Instant::now();
        loop {
            if cancelled() {
                return End::Cancelled;
            }
            let allowed = self.limits.deadline(reading.start.pages);
            let Some(left) = allowed
                .checked_sub(began.elapsed())
                .filter(|left| !left.is_zero())
            else {
                return End::TimedOut {
                    seconds: allowed.as_secs(),
                };
            };
            match worker.messages.recv_timeout(left.min(TICK)) {
                Ok(Ok(message)) => {
                    if let Some(end) = reading.take(message) {
                        return end;
                    }
                    on_progress(reading.pages.len() as u32, reading.start.pages);
                }
                Ok(Err(fault)) => return End::Died { fault: Some(fault) },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return End::Died { fault: None },
            }
        }
    }
}

/// A running child; dropped, it is dead.
struct Worker {
    child: Child,
    messages: Receiver<Result<Message, Fault>>,
}

impl Worker {
    /// Ends the child if it still runs and reaps it.
    fn end(mut self) -> Option<ExitStatus> {
        self.kill_and_wait()
    }

    fn kill_and_wait(&mut self) -> Option<ExitStatus> {
        // A child that said its last word is given a moment, for its exit status.
        for _ in 0..20 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        self.child.wait().ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill_and_wait();
    }
}

/// What a child did that no honest one does.
#[derive(Debug, Clone, Copy)]
enum Fault {
    LongLine,
    LongOutput,
    Nonsense,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Fault::LongLine => "one page gave more text than is taken",
            Fault::LongOutput => "the file gave more text than is taken",
            Fault::Nonsense => "it answered something that is not a page",
        })
    }
}

fn feed(mut stdin: ChildStdin, header: &[u8], bytes: &[u8]) {
    // A child that fails early closes its end; its answer says why.
    let _ = stdin
        .write_all(header)
        .and_then(|()| stdin.write_all(bytes));
}

fn listen(stdout: ChildStdout, limits: &Limits, sender: &SyncSender<Result<Message, Fault>>) {
    let mut stdout =
        BufReader::with_capacity(1 << 16, stdout.take(limits.max_output.saturating_add(1)));
    let mut line = Vec::new();
    let mut total = 0u64;
    loop {
        line.clear();
        match (&mut stdout)
            .take(limits.max_line.saturating_add(1))
            .read_until(b'\n', &mut line)
        {
            Ok(0) | Err(_) => return,
            Ok(read) => total = total.saturating_add(read as u64),
        }
        let message = if total > limits.max_output {
            Err(Fault::LongOutput)
        } else if line.len() as u64 > limits.max_line {
            Err(Fault::LongLine)
        } else if line.last() != Some(&b'\n') {
            // The child died in the middle of a page.
            return;
        } else {
            serde_json::from_slice(&line).map_err(|_| Fault::Nonsense)
        };
        let is_fault = message.is_err();
        if sender.send(message).is_err() || is_fault {
            return;
        }
    }
}

/// Why no more is taken from the child.
enum End {
    Done,
    Failed(Error),
    Cancelled,
    TimedOut { seconds: u64 },
    Died { fault: Option<Fault> },
}

/// What has arrived.
#[derive(Default)]
struct Reading {
    start: Start,
    is_started: bool,
    pages: Vec<ReadPage>,
}

impl Reading {
    fn take(&mut self, message: Message) -> Option<End> {
        match message {
            Message::Start(start) if !self.is_started && (1..=MAX_PAGES).contains(&start.pages) => {
                self.start = start;
                self.is_started = true;
                None
            }
            Message::Page(page) if self.is_expected(&page) => {
                self.pages.push(page);
                None
            }
            Message::End if self.pages.len() as u32 == self.start.pages && self.is_started => {
                Some(End::Done)
            }
            Message::Error(failure) if self.pages.is_empty() => Some(End::Failed(failure.into())),
            _ => Some(End::Died {
                fault: Some(Fault::Nonsense),
            }),
        }
    }

    /// The rest of the program trusts spans and numbers, and the child's memory may have been
    /// corrupted, so they are checked here.
    fn is_expected(&self, read: &ReadPage) -> bool {
        let page = &read.page;
        let mut last = 0;
        self.is_started
            && self.pages.len() < self.start.pages as usize
            && page.number as usize == self.pages.len() + 1
            && page.width.is_finite()
            && page.height.is_finite()
            && read.warnings.len() <= 100
            && page.lines.iter().all(|line: &Line| {
                let rect = [
                    line.rect.x0,
                    line.rect.y0,
                    line.rect.x1,
                    line.rect.y1,
                    line.font_size,
                ];
                let mut at = line.start;
                let are_spans_good = line.spans.iter().all(|span| {
                    let is_good = at <= span.start
                        && span.end <= line.end
                        && page.text.get(span.start..span.end).is_some()
                        && usize::from(span.font) < page.fonts.len()
                        && [span.size, span.rise, span.x0, span.x1]
                            .iter()
                            .all(|value| value.is_finite());
                    at = span.end;
                    is_good
                });
                let is_good = last <= line.start
                    && are_spans_good
                    && page.text.get(line.start..line.end).is_some()
                    && rect.iter().all(|value| value.is_finite());
                last = line.end;
                is_good
            })
    }

    fn finish(mut self, end: End, status: Option<&ExitStatus>) -> Result<Document, Error> {
        let error = match end {
            End::Done => {
                return Ok(crate::assemble::assemble(
                    &self.start.info,
                    self.pages,
                    Vec::new(),
                ));
            }
            End::Failed(error) => return Err(error),
            End::Cancelled => return Err(Error::Cancelled),
            End::TimedOut { seconds } => Error::TimedOut { seconds },
            End::Died { fault: Some(fault) } => Error::WorkerDied {
                reason: fault.to_string(),
            },
            End::Died { fault: None } => Error::WorkerDied {
                reason: cause(status),
            },
        };
        if self
            .pages
            .iter()
            .all(|read| read.page.text.trim().is_empty())
        {
            return Err(error);
        }
        let read = self.pages.len() as u32;
        let size = self
            .pages
            .last()
            .map_or((612.0, 792.0), |last| (last.page.width, last.page.height));
        for number in read + 1..=self.start.pages {
            let page = Page {
                number,
                width: size.0,
                height: size.1,
                text: String::new(),
                lines: Vec::new(),
                ..Page::default()
            };
            let warnings = Vec::new();
            self.pages.push(ReadPage {
                page,
                warnings,
                ink: Ink::default(),
            });
        }
        let stopped = Warning {
            code: "reading_stopped".to_owned(),
            message: format!(
                "only {read} of {} pages were read: at page {} {error}",
                self.start.pages,
                read + 1
            ),
            page: Some(read + 1),
        };
        Ok(crate::assemble::assemble(
            &self.start.info,
            self.pages,
            vec![stopped],
        ))
    }
}

/// Says how a child ended in words.
fn cause(status: Option<&ExitStatus>) -> String {
    let Some(status) = status else {
        return "no exit status".to_owned();
    };
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(status) {
        return match signal {
            // Rust's allocator aborts when the limit is reached.
            6 => "out of memory".to_owned(),
            7 | 11 => "crashed, its nesting may be too deep".to_owned(),
            9 => "killed".to_owned(),
            24 => "used up its processor time".to_owned(),
            other => format!("signal {other}"),
        };
    }
    status.code().map_or_else(
        || "no exit code".to_owned(),
        |code| format!("exit code {code}"),
    )
}
