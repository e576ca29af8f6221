//! `lectern extract`: what reading a file gives, without a library.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use ::ingest::{Document, Page, render};

use super::args::{Extract, TextFormat};
use super::ingest::verb;
use super::{Exit, output};
use crate::error::{Fault, Problem};
use crate::library::reading::FileReader;
use crate::library::{add::display_name, blocking};
use crate::progress::Bar;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, args: Extract) -> Result<Exit> {
    let bytes = tokio::fs::read(&args.file).await.map_err(|error| {
        Problem::new(
            Fault::Input,
            "file_not_readable",
            format!("{} cannot be read: {error}", args.file.display()),
            "check the path, and that you may read the file",
        )
    })?;
    let mut reader = FileReader::new(settings)?;
    if args.no_ocr {
        reader = reader.without_recognition();
    }
    let name = display_name(&args.file.to_string_lossy());
    let password = args.password;
    let stopped = std::sync::Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let asked = stopped.clone();
    let read = blocking(move || {
        // Most files take less time than a bar is worth.
        let (started, mut bar) = (Instant::now(), None);
        let document = reader.read(
            &bytes,
            &name,
            password.as_deref(),
            &|| asked.load(Ordering::Relaxed),
            &mut |stage, done, total| {
                if started.elapsed() > Duration::from_secs(1) && done < total {
                    let shown = bar.get_or_insert_with(|| Bar::items("pages", u64::from(total)));
                    shown.message(verb(stage));
                    shown.set(u64::from(done));
                }
            },
        );
        if let Some(bar) = bar {
            bar.finish();
        }
        Ok(document?)
    })
    .await;
    if stopped.load(Ordering::Relaxed) {
        return Ok(Exit::Interrupted);
    }
    let document = read?;
    for warning in &document.warnings {
        eprintln!("warning: {}", output::plain(&warning.message));
    }
    match args.format {
        TextFormat::Text => output::text(&ended(render::text(&document)))?,
        TextFormat::Markdown => output::text(&ended(render::markdown(&document)))?,
        TextFormat::Json => output::json(&as_json(&document))?,
    }
    Ok(if document.is_textless() {
        eprintln!("no text was found in {}", args.file.display());
        Exit::NothingFound
    } else {
        Exit::Done
    })
}

/// With one line end at its end.
fn ended(text: String) -> String {
    format!("{}\n", text.trim_end())
}

fn as_json(document: &Document) -> Value {
    json!({
        "format": document.format,
        "metadata": document.metadata,
        "pages": document.pages.iter().map(page).collect::<Vec<_>>(),
        "outline": document.outline,
        "references": document.references,
        "warnings": document.warnings,
    })
}

/// A page with the text written out where the catalog keeps byte spans.
fn page(page: &Page) -> Value {
    let blocks: Vec<Value> = page
        .blocks
        .iter()
        .map(|block| {
            let lines = page.lines.get(block.first_line..block.end_line);
            let lines: Vec<Value> = lines
                .unwrap_or_default()
                .iter()
                .map(|line| {
                    let spans: Vec<Value> = line
                        .spans
                        .iter()
                        .map(|span| {
                            json!({
                                "text": page.slice(span.start, span.end),
                                "font": page.fonts.get(usize::from(span.font)),
                                "size": span.size,
                                "rise": span.rise,
                                "x0": span.x0,
                                "x1": span.x1,
                            })
                        })
                        .collect();
                    json!({
                        "text": page.slice(line.start, line.end),
                        "rect": line.rect,
                        "font_size": line.font_size,
                        "spans": spans,
                    })
                })
                .collect();
            json!({
                "kind": block.kind,
                "level": block.level,
                "text": page.slice(block.start, block.end),
                "rect": block.rect,
                "continues": block.continues,
                "lines": lines,
            })
        })
        .collect();
    json!({
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "source": page.source,
        "blocks": blocks,
        "margins": page.margins,
    })
}
