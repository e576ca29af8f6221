//! The worker process under the allocator that the program is built with, since an allocator that
//! needs a refused system call would fail in the child only. Has a `main` of its own, as the child
//! is this binary again.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod support;

use std::process::ExitCode;

use ingest::picture::Size;
use ingest::worker::{self, Limits, Reader};

const WORKER: &str = "--extract-worker";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return worker::run();
    }
    // Asked for its tests by a runner.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let reader = Reader {
        program: std::env::current_exe().expect("own path"),
        args: vec![WORKER.into()],
        limits: Limits::default(),
    };
    reads_and_draws(&reader);
    is_tight(&reader);
    ExitCode::SUCCESS
}

fn reads_and_draws(reader: &Reader) {
    // Enough text that the allocator goes back to the system for more.
    let line = "words ".repeat(200);
    let content = support::lines(&vec![line.as_str(); 200]);
    let bytes = support::pdf(&[&content, &support::lines(&["Last page"])], "", "");
    let document = reader
        .read(&bytes, None, &|| false, &mut |_, _| {})
        .expect("reads");
    assert_eq!(document.pages[1].text, "Last page");
    let png = reader
        .render(&bytes, None, 1, Size::Width(2000), &|| false)
        .expect("draws");
    assert_eq!((png.width, png.height), (2000, 3000));
}

fn is_tight(reader: &Reader) {
    let probe = reader.probe().expect("answers");
    if probe.confinement.is_full() {
        assert!(probe.is_tight(), "{probe:?}");
    }
}
