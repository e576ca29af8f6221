//! `lectern finetune compare`: votes in the terminal, on answers whose models are not told.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Result;
use serde_json::json;

use crate::cli::args::Compare;
use crate::cli::feedback::who;
use crate::cli::{Exit, lost, output};
use crate::control::keeper::Keeper;
use crate::control::{ComparisonsRequest, Event, Request};
use crate::error::{Fault, Problem};
use crate::library::adapters::compare::{
    BlindPair, CompareRequest, ComparisonDetails, Vote, VoteRequest,
};
use crate::settings::Settings;

/// How long the library stays open when nothing is asked of it.
const IDLE: std::time::Duration = std::time::Duration::from_secs(60);

/// Between two looks whether another pair has come.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

pub(super) async fn run(settings: Settings, command: Compare) -> Result<Exit> {
    let keeper = Keeper::new(settings, IDLE);
    let outcome = carried_out(&keeper, command).await;
    keeper.close().await;
    outcome
}

async fn carried_out(keeper: &Keeper, command: Compare) -> Result<Exit> {
    if command.list {
        return list(keeper, command.json).await;
    }
    if let Some(id) = command.delete {
        one(keeper, ComparisonsRequest::Delete { id: id.clone() }).await?;
        output::line(&format!("deleted {id}"))?;
        return Ok(Exit::Done);
    }
    let started = match (command.go_on, command.adapter) {
        (Some(id), _) => one(keeper, ComparisonsRequest::Show { id }).await?,
        (None, Some(adapter)) => {
            let request = CompareRequest {
                adapter,
                against: command.against,
                dataset: command.dataset,
                questions: command.questions,
                seed: command.seed,
            };
            one(keeper, ComparisonsRequest::Start(request)).await?
        }
        (None, None) => {
            return Err(Problem::new(
                Fault::Usage,
                "adapter_missing",
                "nothing is named that could be compared",
                "give an adapter's id or a run's name, or --go-on ID for a comparison that was begun",
            )
            .into());
        }
    };
    let can_vote = std::io::stdin().is_terminal() && !command.json;
    let by = who(command.by);
    let standing = attend(keeper, started, can_vote, &by).await?;
    match command.json {
        true => output::json(&standing)?,
        false => output::text(&text(&standing))?,
    }
    if !can_vote && standing.next.is_some() {
        eprintln!(
            "vote with `lectern finetune compare --go-on {}` in a terminal, or on the page /training",
            standing.comparison.id
        );
    }
    Ok(Exit::Done)
}

/// Waits for the answers, and asks for votes where somebody is there to give them. Without a server
/// the answers are made in this process, which has to stay until they are.
async fn attend(
    keeper: &Keeper,
    mut standing: ComparisonDetails,
    can_vote: bool,
    by: &str,
) -> Result<ComparisonDetails> {
    let id = standing.comparison.id.clone();
    let mut told = usize::MAX;
    loop {
        let is_over = standing.comparison.finished || standing.comparison.failed.is_some();
        match (&standing.next, can_vote) {
            (Some(pair), true) => {
                let vote = tokio::task::block_in_place(|| asked(pair, &standing))?;
                let Some(vote) = vote else {
                    eprintln!("go on with `lectern finetune compare --go-on {id}`");
                    return Ok(standing);
                };
                let request = VoteRequest {
                    position: pair.position,
                    vote,
                    by: Some(by.to_owned()),
                };
                let id = id.clone();
                standing = one(keeper, ComparisonsRequest::Vote { id, request }).await?;
                continue;
            }
            _ if is_over => return Ok(standing),
            _ => {}
        }
        let asked = standing.pairs + standing.comparison.same;
        if asked != told {
            eprintln!(
                "both asked {asked} of {} questions",
                standing.comparison.wanted
            );
            told = asked;
        }
        tokio::time::sleep(PAUSE).await;
        standing = one(keeper, ComparisonsRequest::Show { id: id.clone() }).await?;
    }
}

/// Shows two answers and reads which is better; none where the reader leaves.
fn asked(pair: &BlindPair, standing: &ComparisonDetails) -> Result<Option<Vote>> {
    let mut lines = vec![
        String::new(),
        format!(
            "{} of {}: {}",
            pair.position,
            standing
                .comparison
                .wanted
                .saturating_sub(standing.comparison.same),
            output::plain(&pair.question)
        ),
    ];
    lines.extend(
        pair.notes
            .iter()
            .map(|note| format!("  {}", output::plain(note))),
    );
    lines.push(format!("should say: {}", output::plain(&pair.expected)));
    lines.push(format!("\n[1] {}", output::plain(&pair.left)));
    lines.push(format!("[2] {}", output::plain(&pair.right)));
    output::line(&lines.join("\n"))?;
    let mut line = String::new();
    loop {
        eprint!("better: 1, 2, = for neither, q to stop: ");
        std::io::stderr().flush()?;
        line.clear();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim() {
            "1" => return Ok(Some(Vote::Left)),
            "2" => return Ok(Some(Vote::Right)),
            "=" => return Ok(Some(Vote::Tie)),
            "q" => return Ok(None),
            _ => {}
        }
    }
}

async fn one(keeper: &Keeper, request: ComparisonsRequest) -> Result<ComparisonDetails> {
    let found = comparisons(keeper, request).await?;
    found.into_iter().next().ok_or_else(|| lost().into())
}

async fn comparisons(
    keeper: &Keeper,
    request: ComparisonsRequest,
) -> Result<Vec<ComparisonDetails>> {
    let mut events = keeper.start(Request::Comparisons(request)).await?;
    loop {
        match events.recv().await.ok_or_else(lost)? {
            Event::Comparisons(found) => return Ok(found),
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    }
}

async fn list(keeper: &Keeper, json: bool) -> Result<Exit> {
    let found = comparisons(keeper, ComparisonsRequest::List).await?;
    if json {
        output::json(&json!({ "comparisons": found }))?;
        return Ok(Exit::Done);
    }
    for one in &found {
        output::text(&text(one))?;
    }
    Ok(Exit::Done)
}

fn text(one: &ComparisonDetails) -> String {
    let [first, second] = &one.comparison.models;
    let votes = one.wins + one.losses + one.ties;
    let rate = match &one.win_rate {
        Some(rate) => format!(
            "win rate of {first}: {:.2} ({:.2} to {:.2})",
            rate.value, rate.low, rate.high
        ),
        None => "no votes yet".to_owned(),
    };
    let failed = match &one.comparison.failed {
        Some(why) => format!("\n  not all were asked: {}", output::plain(why)),
        None => String::new(),
    };
    format!(
        "{}\t{first} beside {second} on {}\n  {votes} votes on {} pairs: {} to {}, {} ties, {} answered alike; {rate}{failed}\n",
        one.comparison.id,
        output::plain(&one.comparison.dataset),
        one.pairs,
        one.wins,
        one.losses,
        one.ties,
        one.comparison.same,
    )
}
