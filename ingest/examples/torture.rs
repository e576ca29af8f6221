//! Reads every PDF of a folder through the worker and prints what became of each: for folders of
//! damaged, hostile or simply many files.
//!
//! ```text
//! torture [--render] [--ocr LANGUAGES] DIR...
//! ```
//! Passwords are taken from the columns `file` and `password` of a `manifest.tsv` in the folder.
//! One row a file to stdout: outcome, pages, where their text comes from, characters, entries of
//! the contents table, time, and the worker's peak memory (Linux only). Exit code 1 where reading
//! went past its limits or the parent's memory grew past 300 MB.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ingest::ocr::{Recognition, Tesseract};
use ingest::picture::Size;
use ingest::worker::{self, Limits, Reader};
use ingest::{Document, Error};

const WORKER: &str = "--extract-worker";
/// Kilobytes that the parent may take at its peak.
const PARENT_KB: u64 = 300_000;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return worker::run();
    }
    match torture() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn torture() -> io::Result<ExitCode> {
    let (mut is_rendering, mut recognition, mut folders) = (false, None, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--render" => is_rendering = true,
            "--ocr" => {
                let tesseract = Tesseract::find(None)
                    .ok_or_else(|| io::Error::other("tesseract is not installed"))?;
                let languages = args.next().unwrap_or_default();
                recognition =
                    Some(Recognition::new(tesseract, &languages).map_err(io::Error::other)?);
            }
            _ => folders.push(PathBuf::from(arg)),
        }
    }
    let reader = Reader {
        program: std::env::current_exe()?,
        args: vec![WORKER.into()],
        limits: Limits::default(),
    };
    let mut out = io::stdout().lock();
    let probe = reader.probe().map_err(io::Error::other)?;
    writeln!(
        out,
        "confinement: {:?}, tight: {}",
        probe.confinement,
        probe.is_tight()
    )?;
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for folder in folders {
        let passwords = passwords(&folder);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
            .collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let bytes = std::fs::read(&file)?;
            let password = passwords.get(name.as_ref()).map(String::as_str);
            let began = Instant::now();
            let (read, peak) = with_peak(|| {
                reader.read_recognising(
                    &bytes,
                    password,
                    recognition.as_ref(),
                    &|| false,
                    &mut |_| {},
                )
            });
            let took = began.elapsed();
            let (outcome, row) = row(&read);
            writeln!(
                out,
                "{name}\t{outcome}\t{row}\t{} ms\t{} MB",
                took.as_millis(),
                peak / 1024
            )?;
            *outcomes.entry(outcome).or_default() += 1;
            if is_rendering {
                let (drawn, peak) =
                    with_peak(|| reader.render(&bytes, password, 1, Size::Width(1000), &|| false));
                let drawn = match drawn {
                    Ok(png) => format!(
                        "{} x {}, {} kB",
                        png.width,
                        png.height,
                        png.bytes.len() / 1024
                    ),
                    Err(error) => error.code().to_owned(),
                };
                writeln!(
                    out,
                    "  page 1: {drawn}, {} ms, {} MB",
                    (began.elapsed() - took).as_millis(),
                    peak / 1024
                )?;
            }
        }
    }
    let parent = peak_of("/proc/self/status".as_ref()).unwrap_or(0);
    writeln!(
        out,
        "{outcomes:?}; the parent's peak is {} MB",
        parent / 1024
    )?;
    let is_over = parent > PARENT_KB || outcomes.contains_key("timed_out");
    Ok(if is_over {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn row(read: &Result<Document, Error>) -> (String, String) {
    let document = match read {
        Ok(document) => document,
        Err(error) => return (error.code().to_owned(), error.to_string()),
    };
    let mut sources: BTreeMap<String, u32> = BTreeMap::new();
    for page in &document.pages {
        *sources
            .entry(format!("{:?}", page.source).to_lowercase())
            .or_default() += 1;
    }
    let sources: Vec<String> = sources
        .iter()
        .map(|(source, count)| format!("{count} {source}"))
        .collect();
    let is_partial = document
        .warnings
        .iter()
        .any(|warning| warning.code == "reading_stopped");
    let outcome = if is_partial { "partial" } else { "ok" };
    let row = format!(
        "{} pages ({})\t{} chars\t{} outline",
        document.pages.len(),
        sources.join(", "),
        document.text().chars().count(),
        document.outline.len()
    );
    (outcome.to_owned(), row)
}

/// By file name; none without a manifest.
fn passwords(folder: &Path) -> HashMap<String, String> {
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).unwrap_or_default();
    let mut rows = manifest
        .lines()
        .map(|row| row.split('\t').collect::<Vec<_>>());
    let header = rows.next().unwrap_or_default();
    let column = |name: &str| header.iter().position(|column| *column == name);
    let (Some(file), Some(password)) = (column("file"), column("password")) else {
        return HashMap::new();
    };
    rows.filter_map(|row| {
        Some((
            (*row.get(file)?).to_owned(),
            (*row.get(password)?).to_owned(),
        ))
    })
    .filter(|(_, password)| !password.is_empty())
    .collect()
}

/// What `work` gives, and the highest peak, in kilobytes, seen of this process's children
/// meanwhile.
fn with_peak<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let (is_done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                for child in children() {
                    let status = PathBuf::from(format!("/proc/{child}/status"));
                    peak.fetch_max(peak_of(&status).unwrap_or(0), Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        result
    });
    (result, peak.into_inner())
}

fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

fn peak_of(status: &Path) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
