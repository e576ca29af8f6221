//! One child process: start it, feed it, take its messages, end it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::protocol::{MAX_IMAGE, Message, Request};
use super::{Limits, Reader};

/// How often cancellation and the deadline are looked at while nothing arrives.
const TICK: Duration = Duration::from_millis(25);

/// What came of waiting for a message.
#[allow(
    clippy::large_enum_variant,
    reason = "one lives at a time, on the stack"
)]
pub(super) enum Next {
    Message(Message),
    /// The pipe is closed: the child is done or died.
    Closed,
    Fault(Fault),
    Cancelled,
    TimedOut,
}

/// A running child; dropped, it is dead.
pub(super) struct Worker {
    child: Child,
    messages: Receiver<Result<Message, Fault>>,
}

impl Worker {
    /// Starts the child and hands it the request and the file.
    pub(super) fn start(
        reader: &Reader,
        request: &Request,
        bytes: Arc<[u8]>,
    ) -> io::Result<Worker> {
        let mut command = std::process::Command::new(&reader.program);
        command
            .args(&reader.args)
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
        let mut header = serde_json::to_vec(request)?;
        header.push(b'\n');
        // The bytes are shared, so that neither thread needs to be waited for: a process that the
        // child left behind could hold the pipes open for ever.
        std::thread::Builder::new()
            .name("pdf-feed".to_owned())
            .spawn(move || feed(stdin, &header, &bytes))?;
        let limits = request.limits;
        std::thread::Builder::new()
            .name("pdf-listen".to_owned())
            .spawn(move || listen(stdout, &limits, &sender))?;
        Ok(worker)
    }

    /// Waits for the next message until `deadline` or until `cancelled` says so.
    pub(super) fn next(&self, deadline: Instant, cancelled: &(dyn Fn() -> bool + Sync)) -> Next {
        loop {
            if cancelled() {
                return Next::Cancelled;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::TimedOut;
            }
            match self.messages.recv_timeout(left.min(TICK)) {
                Ok(Ok(message)) => return Next::Message(message),
                Ok(Err(fault)) => return Next::Fault(fault),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Next::Closed,
            }
        }
    }

    /// Ends the child if it still runs and reaps it.
    pub(super) fn end(mut self) -> Option<ExitStatus> {
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
pub(super) enum Fault {
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

/// The message with the bytes that follow it where it announces an image.
fn with_image(mut message: Message, stdout: &mut impl Read) -> Result<Message, Fault> {
    if let Message::Image { length, bytes, .. } = &mut message {
        if *length > MAX_IMAGE {
            return Err(Fault::LongOutput);
        }
        let read = stdout.take(*length).read_to_end(bytes);
        if read.is_err() || bytes.len() as u64 != *length {
            return Err(Fault::Nonsense);
        }
    }
    Ok(message)
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
            serde_json::from_slice(&line)
                .map_err(|_| Fault::Nonsense)
                .and_then(|message| with_image(message, &mut stdout))
        };
        let is_fault = message.is_err();
        if sender.send(message).is_err() || is_fault {
            return;
        }
    }
}

/// Says how a child ended in words.
pub(super) fn cause(status: Option<&ExitStatus>) -> String {
    let Some(status) = status else {
        return "no exit status".to_owned();
    };
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(status) {
        return match signal {
            // Rust aborts when memory or the stack is at its limit.
            6 => "out of memory, or nested too deeply".to_owned(),
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
