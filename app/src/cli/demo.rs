//! `lectern demo`: the whole path on three sample papers that the binary carries.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Result;

use super::args::Demo;
use super::{Exit, ask, ingest, output, serve};
use crate::catalog::DEFAULT_COLLECTION;
use crate::library::add::Watch;
use crate::library::ask::AskRequest;
use crate::library::{Library, Stage, Upload};
use crate::settings::Settings;
use crate::web;

const SAMPLES: &[(&str, &[u8])] = &[
    (
        "reading-pdfs.pdf",
        include_bytes!("../../../samples/reading-pdfs.pdf"),
    ),
    (
        "hybrid-retrieval.pdf",
        include_bytes!("../../../samples/hybrid-retrieval.pdf"),
    ),
    (
        "lora-qlora.pdf",
        include_bytes!("../../../samples/lora-qlora.pdf"),
    ),
];

const QUESTION: &str = "How many bits per parameter do the scales cost with double quantisation?";

pub(super) async fn run(mut settings: Settings, args: Demo) -> Result<Exit> {
    // The samples stay apart from a library of the person's own.
    let chosen = settings
        .entries
        .iter()
        .any(|entry| entry.key == "data_dir" && entry.origin != "default");
    if !chosen {
        settings.data_dir.set_file_name("lectern-demo");
    }
    let library = Library::open(settings.clone()).await?;
    for (file, bytes) in SAMPLES {
        let upload = Upload {
            file: (*file).to_owned(),
            source: None,
            collection: DEFAULT_COLLECTION.to_owned(),
            bytes: bytes.to_vec(),
            password: None,
            bibliography: None,
        };
        let report = library.add(upload, Arc::new(Patient)).await?;
        eprintln!("{}", ingest::describe(&report));
    }
    eprintln!("\nquestion: {QUESTION}\n");
    let request = AskRequest {
        question: QUESTION.to_owned(),
        ..AskRequest::default()
    };
    let answer = library.ask(&request, |_| true).await?;
    let exit = ask::show(&answer, args.json)?;
    if args.exit {
        return Ok(exit);
    }
    let listener = listener(&settings)?;
    if !args.json {
        output::line(
            "The library is served now; open the page, ask, or drop in a paper of yours.",
        )?;
    }
    serve::until_stopped(library, listener).await
}

/// The usual address, or any free port where that one is taken.
fn listener(settings: &Settings) -> Result<TcpListener> {
    match web::bind(settings) {
        Ok(listener) => Ok(listener),
        Err(problem) if problem.code == "address_unavailable" => {
            eprintln!("{}; taking a free port", problem.message);
            let free = Settings {
                addr: (settings.addr.ip(), 0).into(),
                ..settings.clone()
            };
            Ok(web::bind(&free)?)
        }
        Err(problem) => Err(problem.into()),
    }
}

struct Patient;

impl Watch for Patient {
    fn progress(&self, _stage: Stage, _done: usize, _total: usize) {}

    fn cancelled(&self) -> bool {
        false
    }
}
