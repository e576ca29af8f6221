//! Reads PDFs as the service does, each in a worker process: this program again, with an argument.
//!
//! ```text
//! read [--json|--meta|--blocks|--chunks|--markdown|--plain] [--in-process] [--password P]
//!      [--ocr LANGUAGES] FILE...
//! ```
//! Prints the text (or the document as JSON, or metadata, or blocks, or passages, or its
//! blocks as Markdown or plain text) to stdout;
//! one line a file and the pages per second to stderr.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ingest::chunk::{ChunkConfig, chunk};
use ingest::ocr::{Recognition, Tesseract};
use ingest::worker::{Limits, Reader};
use ingest::{Document, Error, Format, TokenCounter, extract, formats, render, worker};

const WORKER: &str = "--extract-worker";

/// About what a word-piece tokenizer counts.
struct RoughTokens;

impl TokenCounter for RoughTokens {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().map(|word| 1 + word.len() / 7).sum()
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return worker::run();
    }
    match read_all() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn read_all() -> io::Result<ExitCode> {
    let (mut format, mut password, mut in_process) = (String::new(), None, false);
    let mut recognition = None;
    let mut files = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" | "--meta" | "--blocks" | "--chunks" | "--markdown" | "--plain" => {
                format = arg;
            }
            "--password" => password = args.next(),
            "--in-process" => in_process = true,
            "--ocr" => {
                let tesseract = Tesseract::find(None)
                    .ok_or_else(|| io::Error::other("tesseract is not installed"))?;
                let languages = args.next().unwrap_or_default();
                recognition =
                    Some(Recognition::new(tesseract, &languages).map_err(io::Error::other)?);
            }
            _ => files.push(arg),
        }
    }
    let reader = Reader {
        program: std::env::current_exe()?,
        args: vec![WORKER.into()],
        limits: Limits::default(),
    };
    let (mut pages, mut spent, mut failed) = (0, Duration::ZERO, 0);
    for file in &files {
        let bytes = std::fs::read(file)?;
        let began = Instant::now();
        let read = if in_process {
            match formats::detect(&bytes, file) {
                Some(Format::Pdf) => extract::read(bytes, password.as_deref()),
                Some(format) => formats::read(&bytes, format),
                None => Err(formats::unsupported(&bytes, file)),
            }
        } else {
            reader.read_file(
                &bytes,
                file,
                password.as_deref(),
                recognition.as_ref(),
                &|| false,
                &mut |_| {},
            )
        };
        spent += began.elapsed();
        failed += usize::from(read.is_err());
        report(file, &read, began.elapsed(), &format)?;
        pages += read.map_or(0, |document| document.pages.len());
    }
    let rate = pages as f64 / spent.as_secs_f64();
    writeln!(
        io::stderr(),
        "{} files, {failed} failed, {pages} pages in {spent:.2?}: {rate:.0} pages/s",
        files.len()
    )?;
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn report(
    file: &str,
    read: &Result<Document, Error>,
    took: Duration,
    format: &str,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let document = match read {
        Ok(document) => document,
        Err(error) => {
            return writeln!(
                io::stderr(),
                "{file}: {}: {error}; hint: {}",
                error.code(),
                error.hint()
            );
        }
    };
    for warning in &document.warnings {
        writeln!(
            io::stderr(),
            "{file}: {}: {}",
            warning.code,
            warning.message
        )?;
    }
    writeln!(
        io::stderr(),
        "{file}: {} pages, {took:.1?}",
        document.pages.len()
    )?;
    match format {
        "--json" => writeln!(out, "{}", serde_json::to_string(document)?),
        "--meta" => {
            let metadata = &document.metadata;
            writeln!(
                out,
                "{file}\n  {:?}\n  {:?} {:?}",
                metadata.title(),
                metadata.authors(),
                metadata.year()
            )?;
            let rest = serde_json::json!({
                "venue": metadata.venue, "doi": metadata.doi, "arxiv": metadata.arxiv_id,
                "abstract": metadata.abstract_text, "keywords": metadata.keywords,
            });
            writeln!(out, "  {rest}")
        }
        "--blocks" => {
            for page in &document.pages {
                for block in &page.blocks {
                    let text = page.slice(block.start, block.end);
                    writeln!(out, "{:?} {:?} {text:?}", block.kind, block.level)?;
                }
            }
            Ok(())
        }
        "--markdown" => writeln!(out, "{}", render::markdown(document)),
        "--plain" => writeln!(out, "{}", render::text(document)),
        "--chunks" => {
            for chunk in chunk(document, ChunkConfig::default(), &RoughTokens) {
                writeln!(out, "{}", serde_json::to_string(&chunk)?)?;
            }
            Ok(())
        }
        _ => writeln!(out, "{}", document.text()),
    }
}
