//! `lectern ask`.

mod parts;

use anyhow::Result;
use generation::{Answer, Outcome};

use super::args::Ask;
use super::{Exit, output, single};
use crate::control::{Event, Request};
use crate::library::ask::{AskEvent, AskRequest, Task};
use crate::settings::Settings;

/// What `--summary` asks where no question is typed.
const SUMMARISE: &str = "Summarise this paper.";

pub(super) async fn run(settings: Settings, args: Ask) -> Result<Exit> {
    let task = match (args.compare, args.summary) {
        (true, _) => Task::Compare,
        (_, true) => Task::Summarise,
        _ => Task::Auto,
    };
    let request = AskRequest {
        question: args.question.unwrap_or_else(|| SUMMARISE.to_owned()),
        task,
        collection: args.collection,
        documents: args.document,
        conversation: args.conversation,
        top_k: args.top_k,
        extractive: args.extractive,
        seed: args.seed,
        ..AskRequest::default()
    };
    let answer = answer(settings, request).await?;
    let exit = show(&answer, args.json)?;
    if let (Some(id), false) = (&answer.conversation, args.json) {
        eprintln!("go on with: lectern ask --conversation {id} QUESTION");
    }
    Ok(exit)
}

/// Asks, with a sign of life on stderr while the model writes.
async fn answer(settings: Settings, request: AskRequest) -> Result<Answer> {
    let spinner = crate::progress::Spinner::start("searching");
    let found = single(settings, Request::Ask(request), |event| match event {
        Event::Asking(AskEvent::Evidence(quotes)) => {
            spinner.message(&format!("reading {} quotes", quotes.len()));
            None
        }
        Event::Asking(AskEvent::Token(text)) => {
            spinner.append(&output::plain(&text), text.starts_with(char::is_whitespace));
            None
        }
        Event::Answer(answer) => Some(answer),
        _ => None,
    })
    .await;
    spinner.finish();
    found
}

/// Prints an answer with its citations.
pub(super) fn show(answer: &Answer, json: bool) -> Result<Exit> {
    if json {
        output::json(answer)?;
    } else {
        for warning in &answer.warnings {
            eprintln!("warning: {}", output::plain(warning));
        }
        if let Some(standalone) = &answer.standalone {
            output::line(&format!("Searched for: {}\n", output::plain(standalone)))?;
        }
        if answer.parts.is_empty() {
            let lines: Vec<String> = answer.answer.trim().lines().map(output::plain).collect();
            output::line(&format!("{}\n", lines.join("\n")))?;
        } else {
            output::text(&parts::shown(answer, parts::Width::of_stdout()))?;
        }
        let unsupported = answer
            .sentences
            .iter()
            .filter(|sentence| !sentence.supported);
        for sentence in unsupported {
            output::line(&format!(
                "! not supported by any paper: {}\n",
                output::plain(&sentence.text)
            ))?;
        }
        show_sources(answer)?;
    }
    Ok(match answer.outcome {
        Outcome::Answered => Exit::Done,
        Outcome::InsufficientEvidence => Exit::NothingFound,
    })
}

/// Prints the quotes of an answer.
pub(super) fn show_sources(answer: &Answer) -> Result<()> {
    if answer.outcome == Outcome::InsufficientEvidence && !answer.citations.is_empty() {
        output::line("The nearest passages:\n")?;
    }
    for citation in &answer.citations {
        output::line(&format!(
            "[{}] {} — {}, page {}\n    “{}”\n",
            citation.key,
            output::plain(&citation.title),
            output::plain(&citation.file),
            citation.page,
            output::plain(&citation.quote),
        ))?;
    }
    Ok(())
}
