//! `lectern answers`.

use anyhow::Result;
use serde_json::json;

use super::args::Answers;
use super::{Exit, ask, lost, output, single};
use crate::catalog::StoredAnswer;
use crate::control::{self, AnswersRequest, Event, Request};
use crate::library::answers::AnswerList;
use crate::library::answers::replay::{Difference, Replay, Verdict};
use crate::progress::Spinner;
use crate::settings::Settings;

/// Characters of an answer's id that lists show; enough where fewer than thousands are given a
/// minute.
const SHORT_ID: usize = 18;

pub(super) async fn run(settings: Settings, command: Answers) -> Result<Exit> {
    match command {
        Answers::List {
            limit,
            cursor,
            json,
        } => {
            let request = AnswersRequest::List { limit, cursor };
            let list = asked(settings, request, |event| match event {
                Event::AnswerList(list) => Some(list),
                _ => None,
            })
            .await?;
            show_list(&list, json)
        }
        Answers::Show { answer, json } => {
            let request = AnswersRequest::Show { id: answer };
            let stored = asked(settings, request, |event| match event {
                Event::StoredAnswer(stored) => Some(stored),
                _ => None,
            })
            .await?;
            show(&stored, json)
        }
        Answers::Replay { answer, json } => {
            let spinner = Spinner::start("making the answer again");
            let request = AnswersRequest::Replay { id: answer };
            let replay = asked(settings, request, |event| match event {
                Event::Replayed(replay) => Some(replay),
                _ => None,
            })
            .await;
            spinner.finish();
            let replay = replay?;
            show_replay(&replay, json)
        }
        Answers::Export {
            answers,
            conversation,
            format,
        } => {
            let request = AnswersRequest::Export {
                ids: answers,
                conversation,
                format: format.into(),
            };
            export(settings, request).await
        }
        Answers::Delete { answers, json } => {
            let request = AnswersRequest::Delete { ids: answers };
            let deleted = asked(settings, request, |event| match event {
                Event::AnswersDeleted(ids) => Some(ids),
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
            Ok(Exit::Done)
        }
    }
}

async fn asked<T>(
    settings: Settings,
    request: AnswersRequest,
    pick: impl FnMut(Event) -> Option<T>,
) -> Result<T> {
    single(settings, Request::Answers(request), pick).await
}

async fn export(settings: Settings, request: AnswersRequest) -> Result<Exit> {
    let mut events = control::start(settings, Request::Answers(request)).await?;
    while let Some(event) = events.recv().await {
        match event {
            Event::Exported(part) => output::text(&part)?,
            Event::ExportDone => return Ok(Exit::Done),
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    }
    Err(lost().into())
}

fn show_list(list: &AnswerList, json: bool) -> Result<Exit> {
    if json {
        output::json(list)?;
        return Ok(Exit::Done);
    }
    for answer in &list.answers {
        output::line(&format!(
            "{}\t{}\t{}\t{}",
            answer.id.get(..SHORT_ID).unwrap_or(&answer.id),
            answer.created_at.get(..16).unwrap_or(&answer.created_at),
            kind(answer),
            output::plain(&answer.question)
        ))?;
    }
    if let Some(cursor) = &list.next_cursor {
        eprintln!("there are more: --cursor {cursor}");
    }
    Ok(Exit::Done)
}

fn kind(answer: &crate::catalog::AnswerSummary) -> &'static str {
    use generation::{Origin, Outcome};
    match (answer.outcome, answer.origin) {
        (Outcome::InsufficientEvidence, _) => "no answer",
        (_, Origin::Model) => "model",
        (_, Origin::Fallback) => "fallback",
        (_, Origin::Extractive) => "quotes",
        (_, Origin::Catalog) => "catalog",
    }
}

fn show(stored: &StoredAnswer, json: bool) -> Result<Exit> {
    if json {
        output::json(stored)?;
        return Ok(Exit::Done);
    }
    let answer = &stored.answer;
    output::line(&format!("{}  {}", answer.id, stored.created_at))?;
    output::line(&format!("{}\n", output::plain(&answer.question)))?;
    if let Some(standalone) = &answer.standalone {
        output::line(&format!("read as: {}\n", output::plain(standalone)))?;
    }
    ask::show(answer, false)?;
    let mut how = vec![format!("model {}", answer.model.id)];
    if let Some(trace) = &stored.trace {
        how.push(format!(
            "{} sentences of {} passages",
            trace.evidence.len(),
            trace.passages.len()
        ));
    }
    if let Some(provenance) = &stored.provenance {
        how.push(format!("lectern {}", provenance.lectern));
        how.push(format!("index generation {}", provenance.generation));
    }
    output::line(&how.join("; "))?;
    // Whether it was an answer or a refusal, it was shown.
    Ok(Exit::Done)
}

fn show_replay(replay: &Replay, json: bool) -> Result<Exit> {
    if json {
        output::json(replay)?;
    } else {
        describe(replay)?;
    }
    Ok(match replay.verdict {
        Verdict::Same => Exit::Done,
        Verdict::Differs => Exit::NothingFound,
    })
}

fn describe(replay: &Replay) -> Result<()> {
    match replay.verdict {
        Verdict::Same => output::line(&format!(
            "the same: {} sentences, {} quotes",
            replay.now.sentences.len(),
            replay.now.citations.len()
        ))?,
        Verdict::Differs => {
            output::line("it differs\n")?;
            for difference in &replay.differences {
                write(difference)?;
            }
        }
    }
    if !replay.changes.is_empty() {
        output::line("\nchanged since it was given:")?;
        for change in &replay.changes {
            output::line(&format!(
                "  {}: {} -> {}",
                change.what,
                output::plain(&change.then),
                output::plain(&change.now)
            ))?;
        }
    }
    let passages = &replay.passages;
    if passages.cut_otherwise > 0 || passages.changed > 0 {
        output::line(&format!(
            "\npassages: {} as they were, {} cut otherwise now, {} with another text",
            passages.same, passages.cut_otherwise, passages.changed
        ))?;
    }
    if let Some(evidence) = &replay.evidence {
        if evidence.new.is_empty() && evidence.missed.is_empty() {
            output::line(&format!(
                "\na search today chooses the same {} sentences",
                evidence.kept
            ))?;
        } else {
            output::line(&format!(
                "\na search today chooses {} of the same sentences;",
                evidence.kept
            ))?;
            for (mark, notes) in [("+", &evidence.new), ("-", &evidence.missed)] {
                for note in notes {
                    output::line(&format!(
                        "  {mark} {}: {}",
                        output::plain(&note.title),
                        output::plain(&note.text)
                    ))?;
                }
            }
        }
    }
    for note in &replay.notes {
        output::line(&format!("note: {}", output::plain(note)))?;
    }
    Ok(())
}

fn write(difference: &Difference) -> Result<()> {
    output::line(&format!("{}:", difference.what))?;
    for (when, text) in [("then", &difference.then), ("now ", &difference.now)] {
        for line in text.lines() {
            output::line(&format!("  {when}  {}", output::plain(line)))?;
        }
    }
    Ok(())
}
