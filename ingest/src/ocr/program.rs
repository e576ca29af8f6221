//! The program: find it, run it within limits.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::tsv::{self, Recognised};
use crate::Error;

/// How often cancellation is looked at.
const TICK: Duration = Duration::from_millis(50);
/// Bytes of its output that are taken; a dense page gives 200 kB.
const MAX_OUTPUT: u64 = 32 << 20;
/// Address space of tesseract, in bytes.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 3 << 30;
/// Seconds for the questions about itself.
const QUESTION_SECONDS: u64 = 10;

/// An installed tesseract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tesseract {
    /// Where it is.
    pub program: PathBuf,
    /// As it says itself, such as `5.3.0`.
    pub version: String,
    /// The languages that it has data for, by its three-letter names.
    pub languages: Vec<String>,
}

impl Tesseract {
    /// The tesseract at `path`, or else on the PATH; none where there is none that works.
    pub fn find(path: Option<&Path>) -> Option<Tesseract> {
        let program = path.map_or_else(|| PathBuf::from("tesseract"), Path::to_path_buf);
        let ask = |argument: &str| {
            let output = run(&program, &[argument.into()], &[], QUESTION_SECONDS, &|| {
                false
            });
            output
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let version = ask("--version")?;
        let version = version.lines().next()?.strip_prefix("tesseract")?.trim();
        // The first line is a heading. Its other names are scripts and page orientation.
        let languages = ask("--list-langs")?
            .lines()
            .skip(1)
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty() && line != "osd")
            .collect();
        Some(Tesseract {
            version: version.trim_start_matches('v').to_owned(),
            languages,
            program,
        })
    }

    /// The text of a picture; rectangles in points from its top left,
    /// `dpi` pixels to the inch.
    pub fn recognise(
        &self,
        png: &[u8],
        dpi: f32,
        language: &str,
        seconds: u64,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Recognised, Error> {
        let arguments = [
            "stdin".into(),
            "stdout".into(),
            "-l".into(),
            language.into(),
            "--dpi".into(),
            format!("{dpi:.0}").into(),
            "tsv".into(),
        ];
        let output = run(&self.program, &arguments, png, seconds, cancelled)?;
        Ok(tsv::parse(&String::from_utf8_lossy(&output), 72.0 / dpi))
    }
}

/// What the program writes to stdout; an error where it fails, takes too long or is cancelled.
fn run(
    program: &Path,
    arguments: &[OsString],
    input: &[u8],
    seconds: u64,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<u8>, Error> {
    let fail = |reason: String| Error::Recognition { reason };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        // Pages are recognised beside other work; its threads gain little and wait for each other.
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["PATH", "TESSDATA_PREFIX", "SYSTEMROOT"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // Ctrl-C is for the parent, which ends it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn().map_err(|error| {
        fail(format!(
            "{} could not be started: {error}",
            program.display()
        ))
    })?;
    let mut child = Killed(child);
    limit(&child.0);
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (
        child.0.stdin.take(),
        child.0.stdout.take(),
        child.0.stderr.take(),
    ) else {
        return Err(fail("no pipes to the program".to_owned()));
    };
    let input = input.to_vec();
    let (sender, outputs) = channel();
    let error_sender = sender.clone();
    std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    std::thread::spawn(move || {
        let _ = sender.send((true, read_bounded(stdout, MAX_OUTPUT)));
    });
    std::thread::spawn(move || {
        let _ = error_sender.send((false, read_bounded(stderr, 1 << 16)));
    });

    let deadline = Instant::now() + Duration::from_secs(seconds);
    let (mut output, mut complaint) = (None, None);
    while output.is_none() || complaint.is_none() {
        if cancelled() {
            return Err(Error::Cancelled);
        }
        if Instant::now() >= deadline {
            return Err(fail(format!("it took longer than {seconds} s")));
        }
        match outputs.recv_timeout(TICK) {
            Ok((true, bytes)) => output = Some(bytes),
            Ok((false, bytes)) => complaint = Some(bytes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // Both pipes are closed, so it is about to end or stuck.
    while Instant::now() < deadline {
        if let Ok(Some(status)) = child.0.try_wait() {
            if status.success() {
                return Ok(output.unwrap_or_default());
            }
            let complaint = complaint.unwrap_or_default();
            let complaint = String::from_utf8_lossy(&complaint);
            let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
            return Err(fail(
                last.unwrap_or("it gave no reason")
                    .chars()
                    .take(200)
                    .collect(),
            ));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err(fail(format!("it took longer than {seconds} s")))
}

fn read_bounded(source: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut source = source.take(most);
    let _ = source.read_to_end(&mut bytes);
    // What is past the bound is read and dropped, so that the program does not hang.
    let _ = std::io::copy(&mut source.into_inner(), &mut std::io::sink());
    bytes
}

/// A picture that makes it allocate without end must not take the machine's memory.
fn limit(child: &std::process::Child) {
    #[cfg(target_os = "linux")]
    if let Some(pid) = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        let limit = rustix::process::Rlimit {
            current: Some(MEMORY),
            maximum: Some(MEMORY),
        };
        let _ = rustix::process::prlimit(Some(pid), rustix::process::Resource::As, limit);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = child;
}

/// Ended when dropped.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.0.try_wait() {
            return;
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(
        script: &str,
        seconds: u64,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<String, Error> {
        run(
            Path::new("/bin/sh"),
            &["-c".into(), script.into()],
            b"in",
            seconds,
            cancelled,
        )
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn output_and_failure() {
        assert_eq!(
            shell("cat; echo $OMP_THREAD_LIMIT", 30, &|| false).expect("runs"),
            "in1\n"
        );
        let error = shell(
            "echo first >&2; echo no such language >&2; exit 1",
            30,
            &|| false,
        )
        .expect_err("fails");
        assert_eq!(
            error.to_string(),
            "text recognition failed: no such language"
        );
        assert!(Tesseract::find(Some(Path::new("/nowhere/tesseract"))).is_none());
        assert!(Tesseract::find(Some(Path::new("/bin/true"))).is_none());
    }

    #[test]
    fn stopped_when_too_slow_or_cancelled() {
        let error = shell("sleep 60", 1, &|| false).expect_err("slow");
        assert!(error.to_string().contains("longer than 1 s"), "{error}");
        let error = shell("exec >&- 2>&-; sleep 60", 1, &|| false).expect_err("slow");
        assert!(error.to_string().contains("longer than 1 s"), "{error}");
        let error = shell("sleep 60", 60, &|| true).expect_err("cancelled");
        assert!(matches!(error, Error::Cancelled));
    }
}
