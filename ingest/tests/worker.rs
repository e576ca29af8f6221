//! The worker process: honest children, and children that hang, die, flood or lie.
//!
//! The honest child is the `extract-worker` program.

#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use ingest::picture::Size;
use ingest::worker::{Limits, Reader};
use ingest::{Document, Error};
use support::{lines, pdf};

fn shell(script: &str, limits: Limits) -> Reader {
    Reader {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        limits,
    }
}

fn read(reader: &Reader, bytes: &[u8]) -> Result<Document, Error> {
    reader.read(bytes, None, &|| false, &mut |_, _| {})
}

fn quick() -> Limits {
    Limits {
        base_ms: 400,
        page_ms: 0,
        ..Limits::default()
    }
}

/// A message for one page of one line, as the child writes it.
fn page(number: u32, text: &str) -> String {
    format!(
        r#"{{"type":"page","page":{{"number":{number},"width":100.0,"height":100.0,"text":"{text}","lines":[{{"rect":{{"x0":0.0,"y0":0.0,"x1":1.0,"y1":1.0}},"start":0,"end":{},"font_size":9.0}}]}},"warnings":[]}}"#,
        text.len()
    )
}

const START: &str = r#"{"type":"start","pages":3,"info":{"title":null,"author":null,"xmp_title":null,"xmp_authors":[],"creation_year":null}}"#;

#[test]
fn a_child_that_hangs_is_stopped() {
    let began = Instant::now();
    let error = read(&shell("sleep 60", quick()), b"%PDF-1.4").expect_err("hangs");
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_child_that_dies_is_reported() {
    let error = read(&shell("exit 3", Limits::default()), b"%PDF-1.4").expect_err("dies");
    assert_eq!(
        error.to_string(),
        "the reader process ended early (exit code 3)"
    );
    let error = read(&shell("kill -SEGV $$", Limits::default()), b"%PDF-1.4").expect_err("dies");
    assert!(error.to_string().contains("crashed"), "{error}");
}

#[test]
fn a_big_file_and_a_child_that_does_not_listen() {
    let bytes = vec![b' '; 8 << 20];
    assert_eq!(
        read(&shell("exit 0", Limits::default()), &bytes)
            .expect_err("dies")
            .code(),
        "reader_died"
    );
    assert_eq!(
        read(&shell("sleep 60", quick()), &bytes)
            .expect_err("hangs")
            .code(),
        "timed_out"
    );
}

#[test]
fn a_child_that_floods_is_cut_off() {
    let error = read(&shell("yes", Limits::default()), b"%PDF-1.4").expect_err("floods");
    assert_eq!(error.code(), "reader_died");
    // One endless line.
    let limits = Limits {
        max_line: 1 << 20,
        ..Limits::default()
    };
    let error = read(&shell("tr '\\0' x < /dev/zero", limits), b"%PDF-1.4").expect_err("floods");
    assert!(
        error.to_string().contains("more text than is taken"),
        "{error}"
    );
    // Valid messages without end.
    let limits = Limits {
        max_output: 1 << 20,
        ..Limits::default()
    };
    let script = format!("echo '{START}'; yes '{}'", page(1, "again"));
    let document = read(&shell(&script, limits), b"%PDF-1.4").expect("first page is kept");
    assert_eq!(document.warnings[0].code, "reading_stopped");
}

#[test]
fn pages_that_arrived_are_kept() {
    for (ending, why) in [
        ("exit 1", "exit code 1"),
        ("kill -ABRT $$", "out of memory"),
        ("sleep 60", "longer than"),
    ] {
        let script = format!("echo '{START}'; echo '{}'; {ending}", page(1, "kept words"));
        let document = read(&shell(&script, quick()), b"%PDF-1.4").expect("partial");
        assert_eq!(document.pages.len(), 3);
        assert_eq!(document.text(), "kept words\n\n");
        assert_eq!(document.pages[2].number, 3);
        let warning = &document.warnings[0];
        assert_eq!(
            (warning.code.as_str(), warning.page),
            ("reading_stopped", Some(2))
        );
        assert!(
            warning.message.contains("only 1 of 3 pages") && warning.message.contains(why),
            "{}",
            warning.message
        );
    }
}

#[test]
fn a_child_that_lies_about_spans_is_not_believed() {
    let lie = page(1, "abc").replace(r#""end":3"#, r#""end":99"#);
    let script = format!("echo '{START}'; echo '{lie}'; sleep 60");
    let error = read(&shell(&script, Limits::default()), b"%PDF-1.4").expect_err("lies");
    assert!(error.to_string().contains("not a page"), "{error}");
}

#[test]
fn a_child_that_lies_about_a_picture_is_not_believed() {
    for (length, bytes) in [
        ("5", "hello"),
        ("500", "hello"),
        ("99999999999", ""),
        (
            "33",
            "\\211PNG\\r\\n\\032\\n\\000\\000\\000\\rIHDR\\000\\000\\000\\002\\000\\000\\000\\001.....",
        ),
    ] {
        let script = format!(
            r#"echo '{{"type":"image","width":1,"height":1,"length":{length}}}'; printf '{bytes}'"#
        );
        let error = shell(&script, Limits::default())
            .render(b"%PDF-1.4", None, 1, Size::Width(100), &|| false)
            .expect_err("lies");
        assert_eq!(error.code(), "reader_died", "{script}");
    }
    // And one where pages are expected.
    let script = r#"echo '{"type":"image","width":1,"height":1,"length":1}'; echo x; sleep 60"#;
    let error = read(&shell(script, Limits::default()), b"%PDF-1.4").expect_err("lies");
    assert!(error.to_string().contains("not a page"), "{error}");
}

#[test]
fn a_child_that_lies_about_its_contents_table_is_not_believed() {
    let start = START.replace(
        r#""pages":3"#,
        r#""pages":1,"outline":[{"title":"x","level":0,"page":7},{"title":"y","level":2,"page":1}]"#,
    );
    let script = format!(
        "echo '{start}'; echo '{}'; echo '{{\"type\":\"end\"}}'",
        page(1, "text")
    );
    let document = read(&shell(&script, Limits::default()), b"%PDF-1.4").expect("reads");
    let outline: Vec<_> = document
        .outline
        .iter()
        .map(|entry| (entry.level, entry.page))
        .collect();
    assert_eq!(outline, [(1, None), (2, Some(1))]);
}

#[test]
fn cancelled_at_once() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let cancelled = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 3;
    let began = Instant::now();
    let result =
        shell("sleep 60", Limits::default()).read(b"%PDF-1.4", None, &cancelled, &mut |_, _| {});
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_program_that_is_not_there() {
    let reader = Reader {
        program: "/nowhere/at/all".into(),
        args: vec![],
        limits: Limits::default(),
    };
    assert_eq!(
        read(&reader, b"%PDF-1.4").expect_err("absent").code(),
        "reader_unavailable"
    );
}

fn honest(limits: Limits) -> Reader {
    Reader {
        program: env!("CARGO_BIN_EXE_extract-worker").into(),
        args: vec![],
        limits,
    }
}

#[test]
fn an_honest_child_reads() {
    let bytes = pdf(&[&lines(&["First page"]), &lines(&["Second page"])], "", "");
    let mut progress = Vec::new();
    let document = honest(Limits::default())
        .read(&bytes, None, &|| false, &mut |done, total| {
            progress.push((done, total))
        })
        .expect("reads");
    assert_eq!(document.text(), "First page\nSecond page");
    assert_eq!(progress, [(0, 2), (1, 2), (2, 2)]);
    assert_eq!(document, ingest::extract::read(bytes, None).expect("reads"));
}

#[test]
fn the_childs_errors_come_through() {
    let reader = honest(Limits::default());
    assert_eq!(read(&reader, b"").expect_err("empty").code(), "empty_file");
    let error = read(&reader, b"plain text").expect_err("text");
    assert_eq!(
        error.to_string(),
        "the file is not a PDF (it starts with \"plain text\")"
    );
    assert_eq!(
        read(&reader, &pdf(&[], "", ""))
            .expect_err("no pages")
            .code(),
        "no_pages"
    );
}
