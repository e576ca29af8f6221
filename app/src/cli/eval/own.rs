//! `lectern eval self`.

use anyhow::Result;
use serde::Serialize;

use super::answers::{calibrate, line};
use crate::cli::args::EvalSelf;
use crate::cli::{Exit, lost, output};
use crate::control::{self, Event, Request};
use crate::error::{Fault, Problem};
use crate::eval::answers::calibrate::Fitted;
use crate::eval::own::{SelfEvaluation, SelfRequest};
use crate::progress::Bar;
use crate::settings::Settings;

/// Evaluations that `--history` shows.
const SHOWN: u32 = 20;

#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    evaluation: &'a SelfEvaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    fitted: Option<Fitted>,
}

pub(super) async fn run(settings: &Settings, args: EvalSelf) -> Result<Exit> {
    if args.history {
        return history(settings, args.json).await;
    }
    if args.questions == 0 {
        return Err(Problem::new(
            Fault::Usage,
            "questions_invalid",
            "--questions 0 asks nothing",
            "give a number such as 60",
        )
        .into());
    }
    let request = SelfRequest {
        questions: args.questions,
        anew: args.anew,
        extractive: args.extractive,
        reason: "asked for".to_owned(),
    };
    let request = Request::SelfEvaluate(request);
    let mut events = control::start(settings.clone(), request).await?;
    let mut bar = None;
    let mut judged = Vec::new();
    let evaluation = loop {
        match events.recv().await.ok_or_else(lost)? {
            Event::Asked(count) => bar = Some(Bar::items("asking", count as u64)),
            Event::Judged(one) => {
                match (args.verbose, args.json, &bar) {
                    (true, true, _) => output::json(&one)?,
                    (true, false, Some(bar)) => bar.line(&line(&one)),
                    _ => {}
                }
                judged.push(*one);
                if let Some(bar) = &bar {
                    bar.set(judged.len() as u64);
                }
            }
            Event::SelfEvaluations(found) => break found.into_iter().next().ok_or_else(lost)?,
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    let fitted = match args.calibrate {
        true => Some(calibrate(settings, &judged)?),
        false => None,
    };
    if args.json {
        output::json(&Told {
            evaluation: &evaluation,
            fitted,
        })?;
    } else {
        output::text(&text(&evaluation))?;
    }
    Ok(Exit::Done)
}

async fn history(settings: &Settings, json: bool) -> Result<Exit> {
    let request = Request::SelfEvaluations(SHOWN);
    let mut events = control::start(settings.clone(), request).await?;
    let found = loop {
        match events.recv().await.ok_or_else(lost)? {
            Event::SelfEvaluations(found) => break found,
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    };
    if json {
        output::json(&serde_json::json!({ "evaluations": found }))?;
    } else {
        for one in &found {
            output::text(&text(one))?;
            output::line("")?;
        }
    }
    Ok(if found.is_empty() {
        eprintln!("the library has not been asked its own questions yet: `lectern eval self`");
        Exit::NothingFound
    } else {
        Exit::Done
    })
}

/// What came out, for people: a line a figure, and whether it has changed.
fn text(one: &SelfEvaluation) -> String {
    let mut lines = vec![format!(
        "{}: {} questions to answer, {} to decline; {} ({})",
        one.at.get(..16).unwrap_or(&one.at).replace('T', " "),
        one.answerable,
        one.absent,
        match one.extractive {
            true => "quotes only".to_owned(),
            false => output::plain(&one.served.models.join(", ")),
        },
        output::plain(&one.reason),
    )];
    if let Some(comparison) = &one.comparison {
        let at = comparison.at.get(..16).unwrap_or(&comparison.at);
        lines.push(match comparison.changed.as_slice() {
            [] => format!("nothing has changed since {}", at.replace('T', " ")),
            changed => format!(
                "since {}: {}",
                at.replace('T', " "),
                output::plain(&changed.join("; "))
            ),
        });
    }
    for (name, figure) in &one.figures {
        let decimals = if figure.value.abs() < 10.0 { 3 } else { 0 };
        let mut line = format!(
            "{name:<22}{:>9.decimals$}  {:<18}{:>5}",
            figure.value,
            format!("{:.decimals$} to {:.decimals$}", figure.low, figure.high),
            figure.n,
        );
        let difference = one
            .comparison
            .as_ref()
            .and_then(|comparison| comparison.differences.get(name));
        if let Some(difference) = difference {
            let is_sure = difference.low > 0.0 || difference.high < 0.0;
            line.push_str(&format!(
                "  {:+.decimals$} ({:+.decimals$} to {:+.decimals$}){}",
                difference.value,
                difference.low,
                difference.high,
                if is_sure { ", for sure" } else { "" },
            ));
        }
        lines.push(line);
    }
    lines.join("\n") + "\n"
}
