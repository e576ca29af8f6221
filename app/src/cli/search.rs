//! `lectern search`.

use std::io::IsTerminal;

use anyhow::Result;

use super::args::{Search, Switch};
use super::{Exit, output, single};
use crate::control::{Event, Request};
use crate::library::search::{FoundPassage, SearchRequest, SearchResponse};
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, args: Search) -> Result<Exit> {
    let request = SearchRequest {
        query: args.query.unwrap_or_default(),
        like: args.like,
        mode: args.mode.into(),
        top_k: args.top_k,
        offset: args.offset,
        collection: args.collection,
        author: args.author,
        year: args.year,
        venue: args.venue,
        documents: args.document,
        sections: args.section,
        rerank: args.rerank.map(|switch| switch == Switch::On),
        diversify: args.diversify,
        expand: args.expand.into(),
        ..SearchRequest::default()
    };
    let response = single(settings, Request::Search(request), |event| match event {
        Event::Search(response) => Some(response),
        _ => None,
    })
    .await?;
    if args.json {
        output::json(&response)?;
    } else {
        show(&response)?;
    }
    Ok(if response.passages.is_empty() {
        Exit::NothingFound
    } else {
        Exit::Done
    })
}

fn show(response: &SearchResponse) -> Result<()> {
    for warning in &response.warnings {
        eprintln!("warning: {}", output::plain(warning));
    }
    // NO_COLOR asks for no escape sequences, whatever its value (no-color.org).
    let is_bold = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    for found in &response.passages {
        output::line(&shown(found, is_bold))?;
    }
    if let Some(next) = response.next_offset {
        eprintln!("more: --offset {next}");
    }
    if response.passages.is_empty() {
        let reason = response.reason.as_deref().unwrap_or("nothing matches");
        eprintln!(
            "nothing found: {}\nhint: use other words or filters; `lectern documents list` shows what is in the library",
            output::plain(reason)
        );
    }
    Ok(())
}

fn shown(found: &FoundPassage, is_bold: bool) -> String {
    let passage = &found.passage;
    let section = passage.section.as_ref().map_or(String::new(), |section| {
        format!(" — {}", output::plain(section))
    });
    let marked = |text: &str| {
        if is_bold {
            output::bold(text, &found.highlights)
        } else {
            output::plain(text)
        }
    };
    let text = match &found.context {
        None => marked(&passage.text),
        Some(context) => {
            let [start, end] = context.passage;
            let part = |range: std::ops::Range<usize>| {
                output::plain(context.text.get(range).unwrap_or_default())
            };
            let parts = [
                part(0..start),
                marked(&passage.text),
                part(end..context.text.len()),
            ];
            parts
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("\n   ")
        }
    };
    format!(
        "{}. {} ({}, page {}, passage {}){section}\n   {text}\n",
        passage.rank,
        output::plain(&passage.title),
        output::plain(&passage.file),
        passage.page,
        passage.chunk_id,
    )
}
