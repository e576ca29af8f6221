//! `lectern bench`.

mod embedding;
mod search;

use anyhow::Result;

use super::Exit;
use super::args::Bench;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, command: Bench) -> Result<Exit> {
    match command {
        Bench::Search(args) => search::run(&settings, args).await,
        Bench::Embedding(args) => embedding::run(settings, args).await,
    }
}
