//! `lectern ingest`.

use anyhow::Result;
use serde_json::json;

use super::args::Ingest;
use super::{Exit, lost, output};
use crate::control::{self, Event, IngestRequest, Request, Summary};
use crate::library::{FileReport, FileStatus, Stage};
use crate::progress::Bar;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, args: Ingest) -> Result<Exit> {
    let paths = args
        .paths
        .iter()
        .map(std::path::absolute)
        .collect::<Result<_, _>>()?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let request = IngestRequest {
        paths,
        collection: args.collection,
        jobs: args.jobs.map_or(cores.min(4), usize::from),
        recursive: args.recursive,
        password: args.password,
        bibtex: args.bibtex.map(std::path::absolute).transpose()?,
        zotero: args.zotero.map(std::path::absolute).transpose()?,
    };
    let mut events = control::start(settings, Request::Ingest(request)).await?;
    let mut bar = None;
    let mut finished = 0;
    loop {
        let event = tokio::select! {
            event = events.recv() => event.ok_or_else(lost)?,
            _ = tokio::signal::ctrl_c() => {
                // Dropping the receiver stops the work after the batch that runs.
                drop(events);
                eprintln!("interrupted after {finished} files; run the same command again to go on");
                return Ok(Exit::Interrupted);
            }
        };
        match event {
            Event::Note(note) => eprintln!("note: {}", output::plain(&note)),
            Event::Files(count) => bar = Some(Bar::items("files", count as u64)),
            Event::Progress {
                file,
                stage,
                done,
                total,
            } => {
                if let Some(bar) = &bar {
                    bar.message(&format!(
                        "{} {done}/{total} {}",
                        verb(stage),
                        output::plain(&file)
                    ));
                }
            }
            Event::File(report) => {
                finished += 1;
                if let Some(bar) = &bar {
                    if args.json {
                        output::json(&report)?;
                    } else {
                        bar.line(&describe(&report));
                    }
                    bar.set(finished);
                }
            }
            Event::Summary(summary) => {
                if let Some(bar) = &bar {
                    bar.finish();
                }
                if args.json {
                    output::json(&json!({ "summary": summary }))?;
                } else {
                    output::line(&total(&summary))?;
                }
                return Ok(exit(&summary));
            }
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    }
}

pub(super) fn exit(summary: &Summary) -> Exit {
    let incomplete = summary.failed + summary.needs_ocr;
    match (summary.files, incomplete) {
        (0, _) => {
            eprintln!(
                "no paper was found\nhint: name papers (PDF, Markdown, text, HTML, DOCX, JATS or TEI XML) or a folder of them; --recursive looks into folders in folders"
            );
            Exit::NothingFound
        }
        (_, 0) => Exit::Done,
        (files, _) if summary.failed == files => Exit::Failed,
        _ => Exit::Partly,
    }
}

pub(super) fn describe(report: &FileReport) -> String {
    let file = output::plain(&report.file);
    let mut text = match report.status {
        FileStatus::Added | FileStatus::Replaced => format!(
            "{} {file}: {} pages, {} chunks, {:.1} s",
            if report.status == FileStatus::Added {
                "added"
            } else {
                "replaced"
            },
            report.pages,
            report.chunks,
            report.ms as f64 / 1000.0
        ),
        FileStatus::Unchanged => format!("unchanged {file}"),
        FileStatus::NeedsOcr => {
            let was_tried = report
                .warnings
                .iter()
                .any(|warning| warning.code == "recognition_failed");
            let hint = if was_tried {
                "set ocr.language to the paper's language (such as LECTERN_OCR_LANGUAGE=chi_sim; `tesseract --list-langs` shows what is installed) and run the same command again"
            } else {
                "install tesseract (apt install tesseract-ocr, brew install tesseract) and run the same command again"
            };
            format!(
                "needs OCR {file}: {} pages, none with usable text; kept, but nothing of it can be found\n  hint: {hint}",
                report.pages
            )
        }
        FileStatus::Failed => format!("failed {file}"),
    };
    if let Some(error) = &report.error {
        text += &format!(
            ": {}\n  hint: {}",
            output::plain(&error.message),
            error.hint
        );
    }
    for duplicate in &report.duplicates {
        text += &format!(
            "\n  note: much the same as {} ({}); both are kept",
            output::plain(&duplicate.file),
            duplicate.why()
        );
    }
    for warning in &report.warnings {
        text += &format!("\n  warning: {}", output::plain(&warning.message));
    }
    text
}

/// The summary as a table: what became of the files, then what is in the library of them.
fn total(summary: &Summary) -> String {
    let counts = [
        (summary.added, "added"),
        (summary.replaced, "replaced"),
        (summary.unchanged, "unchanged"),
        (summary.needs_ocr, "without usable text"),
        (summary.failed, "failed"),
    ];
    let mut rows: Vec<(String, String)> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| ((*name).to_owned(), count.to_string()))
        .collect();
    let seconds = summary.ms as f64 / 1000.0;
    rows.push(("files".into(), summary.files.to_string()));
    rows.push(("pages".into(), summary.pages.to_string()));
    rows.push(("chunks".into(), summary.chunks.to_string()));
    rows.push(("time".into(), format!("{seconds:.1} s")));
    let (names, values) = rows.iter().fold((0, 0), |(names, values), (name, value)| {
        (names.max(name.len()), values.max(value.len()))
    });
    rows.iter()
        .map(|(name, value)| format!("{name:<names$}  {value:>values$}"))
        .collect::<Vec<_>>()
        .join("\n")
}

pub(super) fn verb(stage: Stage) -> &'static str {
    match stage {
        Stage::Reading => "reading",
        Stage::Recognising => "recognising text of",
        Stage::Embedding => "embedding",
        Stage::Indexing => "indexing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_summary_is_a_table() {
        let summary = Summary {
            files: 12,
            added: 9,
            unchanged: 2,
            failed: 1,
            pages: 1204,
            chunks: 88,
            ms: 61_240,
            ..Summary::default()
        };
        expect![[r#"
            added           9
            unchanged       2
            failed          1
            files          12
            pages        1204
            chunks         88
            time       61.2 s"#]]
        .assert_eq(&total(&summary));
    }
}
