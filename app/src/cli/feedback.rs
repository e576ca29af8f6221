//! `lectern feedback`.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::args::Feedback;
use super::{Exit, lost, output, single};
use crate::catalog::FeedbackState;
use crate::catalog::feedback::{Opinion, Reason, Thumbs};
use crate::control::{self, Event, FeedbackRequest, Request};
use crate::error::{Fault, Problem};
use crate::library::feedback::dataset::DatasetFormat;
use crate::library::feedback::import::ImportReport;
use crate::library::feedback::review::{Review, Verdict};
use crate::library::feedback::{FeedbackDetails, FeedbackList};
use crate::settings::Settings;

/// Characters of an id that lists show.
const SHORT_ID: usize = 18;

pub(super) async fn run(settings: Settings, command: Feedback) -> Result<Exit> {
    let review = |by, note, edited| Review {
        edited,
        note,
        by: Some(who(by)),
    };
    let (request, json) = match command {
        Feedback::List {
            state,
            answer,
            limit,
            cursor,
            json,
        } => {
            let request = FeedbackRequest::List {
                state,
                answer,
                limit,
                cursor,
            };
            let list = asked(settings, request, |event| match event {
                Event::FeedbackList(list) => Some(list),
                _ => None,
            });
            return show_list(&list.await?, json);
        }
        Feedback::Show { feedback, json } => {
            let request = FeedbackRequest::Show { id: feedback };
            for feedback in changed(settings, request).await? {
                show(&feedback, json)?;
            }
            return Ok(Exit::Done);
        }
        Feedback::Delete { feedback, json } => {
            let request = FeedbackRequest::Delete { ids: feedback };
            let deleted = asked(settings, request, |event| match event {
                Event::FeedbackDeleted(ids) => Some(ids),
                _ => None,
            })
            .await?;
            if json {
                output::json(&json!({ "deleted": deleted }))?;
            } else {
                for id in deleted {
                    output::line(&format!("deleted {id}"))?;
                }
            }
            return Ok(Exit::Done);
        }
        Feedback::Export { format, state, out } => {
            return export(settings, format, state, out.as_deref()).await;
        }
        Feedback::Import {
            file,
            approve,
            who: said,
        } => {
            let request = FeedbackRequest::Import {
                path: std::path::absolute(&file).with_context(|| file.display().to_string())?,
                approve,
                by: Some(who(said.by)),
            };
            let report = asked(settings, request, |event| match event {
                Event::FeedbackImported(report) => Some(report),
                _ => None,
            });
            return show_import(&report.await?, said.json);
        }
        Feedback::Add {
            answer,
            said,
            who: said_by,
        } => {
            let mut edit = said.edit();
            edit.by = Some(who(said_by.by));
            (FeedbackRequest::Give { answer, edit }, said_by.json)
        }
        Feedback::Edit {
            feedback,
            said,
            edited,
            clear,
            who: said_by,
        } => {
            let mut edit = said.edit();
            edit.edited = edited.map(Some);
            edit.by = Some(who(said_by.by));
            for what in clear {
                what.apply(&mut edit);
            }
            (FeedbackRequest::Edit { id: feedback, edit }, said_by.json)
        }
        Feedback::Approve {
            feedback,
            edited,
            note,
            who: said_by,
        } => (
            FeedbackRequest::Review {
                ids: feedback,
                verdict: Verdict::Approve,
                review: review(said_by.by, note, edited),
            },
            said_by.json,
        ),
        Feedback::Reject {
            feedback,
            note,
            who: said_by,
        } => (
            FeedbackRequest::Review {
                ids: feedback,
                verdict: Verdict::Reject,
                review: review(said_by.by, note, None),
            },
            said_by.json,
        ),
        Feedback::Withdraw {
            feedback,
            note,
            who: said_by,
        } => (
            FeedbackRequest::Withdraw {
                ids: feedback,
                review: review(said_by.by, note, None),
            },
            said_by.json,
        ),
    };
    for feedback in changed(settings, request).await? {
        if json {
            output::json(&feedback)?;
        } else {
            let state = feedback.feedback.state;
            output::line(&format!("{} is {}", feedback.feedback.id, state.as_str()))?;
            let is_wanted = matches!(state, FeedbackState::Pending | FeedbackState::Approved);
            if let Some(reason) = feedback.left_out.filter(|_| is_wanted) {
                eprintln!("note: datasets leave it out as it stands: {reason}");
            }
        }
    }
    Ok(Exit::Done)
}

async fn asked<T>(
    settings: Settings,
    request: FeedbackRequest,
    pick: impl FnMut(Event) -> Option<T>,
) -> Result<T> {
    single(settings, Request::Feedback(request), pick).await
}

async fn changed(settings: Settings, request: FeedbackRequest) -> Result<Vec<FeedbackDetails>> {
    asked(settings, request, |event| match event {
        Event::Feedback(feedback) => Some(feedback),
        _ => None,
    })
    .await
}

/// Who sits at the terminal.
pub(super) fn who(by: Option<String>) -> String {
    by.or_else(|| std::env::var("USER").ok())
        .or_else(|| std::env::var("LOGNAME").ok())
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "command line".to_owned())
}

async fn export(
    settings: Settings,
    format: DatasetFormat,
    state: FeedbackState,
    out: Option<&Path>,
) -> Result<Exit> {
    if format == DatasetFormat::Parquet && out.is_none() && std::io::stdout().is_terminal() {
        return Err(Problem::new(
            Fault::Usage,
            "export_to_terminal",
            "a Parquet file cannot be shown on a terminal",
            "name a file with --out, or redirect standard output",
        )
        .into());
    }
    // Written beside its place and moved there when it is whole.
    let mut file = match out {
        Some(path) if path.exists() => {
            return Err(Problem::new(
                Fault::Usage,
                "file_exists",
                format!("{} is there already", path.display()),
                "name another file, or delete that one first",
            )
            .into());
        }
        Some(path) => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
            Some(file.with_context(|| format!("writing {}", path.display()))?)
        }
        None => None,
    };
    let mut write = |bytes: &[u8]| -> Result<()> {
        match &mut file {
            Some(file) => file.write_all(bytes)?,
            None => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()?;
            }
        }
        Ok(())
    };
    let request = Request::Feedback(FeedbackRequest::Export { format, state });
    let mut events = control::start(settings, request).await?;
    let counts = loop {
        match events.recv().await.ok_or_else(lost)? {
            Event::Exported(text) => write(text.as_bytes())?,
            Event::ExportedBytes(part) => {
                write(
                    &STANDARD
                        .decode(part)
                        .context("reading a part of the export")?,
                )?;
            }
            Event::FeedbackExported(counts) => break counts,
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    };
    if let (Some(file), Some(path)) = (file, out) {
        file.as_file().sync_all()?;
        file.persist_noclobber(path)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    let left_out = match counts.left_out {
        0 => String::new(),
        count => format!("; {count} left out, since there is nothing to learn from them"),
    };
    eprintln!("{} examples{left_out}", counts.written);
    Ok(match counts.written {
        0 => Exit::NothingFound,
        _ => Exit::Done,
    })
}

fn show_import(report: &ImportReport, json: bool) -> Result<Exit> {
    if json {
        output::json(report)?;
        return Ok(Exit::Done);
    }
    for warning in &report.warnings {
        eprintln!("warning: {}", output::plain(warning));
    }
    output::line(&format!(
        "{}: {} pairs, {} new ({}), {} there already",
        output::plain(&report.file),
        report.found,
        report.added,
        report.state.as_str(),
        report.unchanged
    ))?;
    Ok(Exit::Done)
}

fn show_list(list: &FeedbackList, json: bool) -> Result<Exit> {
    if json {
        output::json(list)?;
        return Ok(Exit::Done);
    }
    for one in &list.feedback {
        let judged = judgement(one.thumbs, one.rating, &one.tags);
        output::line(&format!(
            "{}\t{}\t{}\t{judged}\t{}",
            one.id.get(..SHORT_ID).unwrap_or(&one.id),
            one.created_at.get(..16).unwrap_or(&one.created_at),
            one.state.as_str(),
            output::plain(&one.question)
        ))?;
    }
    if let Some(cursor) = &list.next_cursor {
        eprintln!("there are more: --cursor {cursor}");
    }
    Ok(Exit::Done)
}

fn judgement(thumbs: Option<Thumbs>, rating: Option<u8>, tags: &[Reason]) -> String {
    let mut parts = Vec::new();
    match thumbs {
        Some(Thumbs::Up) => parts.push("up".to_owned()),
        Some(Thumbs::Down) => parts.push("down".to_owned()),
        None => {}
    }
    if let Some(rating) = rating {
        parts.push(format!("{rating}/5"));
    }
    parts.extend(tags.iter().map(|tag| tag.as_str().to_owned()));
    match parts.is_empty() {
        true => "-".to_owned(),
        false => parts.join(","),
    }
}

fn show(details: &FeedbackDetails, json: bool) -> Result<()> {
    if json {
        return output::json(details);
    }
    let feedback = &details.feedback;
    let Opinion {
        thumbs,
        rating,
        tags,
        correction,
        comment,
        citations,
    } = &feedback.opinion;
    output::line(&format!("{}  {}", feedback.id, feedback.state.as_str()))?;
    let paragraph = |name: &str, text: &str| -> Result<()> {
        let lines: Vec<String> = text.lines().map(output::plain).collect();
        output::line(&format!("\n{name}:\n  {}", lines.join("\n  ")))
    };
    paragraph("question", &feedback.question)?;
    paragraph("answer", &feedback.answer)?;
    paragraph("judgement", &judgement(*thumbs, *rating, tags))?;
    let texts = [
        ("correction", correction),
        ("comment", comment),
        ("edited", &feedback.edited),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            paragraph(name, text)?;
        }
    }
    for mark in citations {
        let verdict = if mark.right { "right" } else { "wrong" };
        output::line(&format!("\ncitation [{}] is {verdict}", mark.key))?;
    }
    match &details.completion {
        Some(text) if details.trainable => paragraph("what is learnt", text)?,
        _ => output::line("\nthere is nothing to learn from it")?,
    }
    if let Some(reason) = &details.left_out {
        output::line(&format!("\ndatasets leave it out as it stands: {reason}"))?;
    }
    output::line("")?;
    for step in &feedback.history {
        let action = serde_json::to_value(step.action)?;
        let note = step
            .note
            .as_deref()
            .map(|note| format!(": {}", output::plain(note)));
        output::line(&format!(
            "{}  {} by {}{}",
            step.at.get(..19).unwrap_or(&step.at),
            action.as_str().unwrap_or_default(),
            output::plain(&step.by),
            note.unwrap_or_default()
        ))?;
    }
    Ok(())
}
