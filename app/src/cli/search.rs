//! `lectern search`.

use anyhow::Result;

use super::args::Search;
use super::{Exit, output, single};
use crate::control::{Event, Request};
use crate::library::search::SearchRequest;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, args: Search) -> Result<Exit> {
    let request = SearchRequest {
        query: args.query,
        mode: args.mode.into(),
        top_k: args.top_k,
        collection: args.collection,
        author: args.author,
        year: args.year,
    };
    let response = single(settings, Request::Search(request), |event| match event {
        Event::Search(response) => Some(response),
        _ => None,
    })
    .await?;
    let found = !response.passages.is_empty();
    if args.json {
        output::json(&response)?;
    } else {
        for passage in &response.passages {
            output::line(&format!(
                "{}. {} ({}, page {}){}\n   {}\n",
                passage.rank,
                output::plain(&passage.title),
                output::plain(&passage.file),
                passage.page,
                passage
                    .section
                    .as_ref()
                    .map_or(String::new(), |section| format!(
                        " — {}",
                        output::plain(section)
                    )),
                output::plain(&passage.text),
            ))?;
        }
        if !found {
            eprintln!(
                "nothing found\nhint: use other words, or `lectern documents list` to see what is in the library"
            );
        }
    }
    Ok(if found {
        Exit::Done
    } else {
        Exit::NothingFound
    })
}
