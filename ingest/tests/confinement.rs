//! What a reader process can't do, and how it ends when it tries to use too much.

#![cfg(unix)]

mod support;

use std::fmt::Write;

use ingest::picture::Size;
use ingest::worker::{Limits, Reader};
use support::{lines, pdf, pdf_of};

fn reader(limits: Limits) -> Reader {
    Reader {
        program: env!("CARGO_BIN_EXE_extract-worker").into(),
        args: vec![],
        limits,
    }
}

#[test]
fn a_reader_process_can_not_get_out() {
    let probe = reader(Limits::default()).probe().expect("answers");
    assert!(probe.attempts.len() >= 6);
    if !probe.confinement.is_full() {
        eprintln!(
            "skipped: this kernel confines less: {:?}",
            probe.confinement
        );
        return;
    }
    assert!(probe.is_tight(), "{:#?}", probe.attempts);
}

#[test]
fn pages_are_drawn_in_the_size_asked_for() {
    let reader = reader(Limits::default());
    let bytes = pdf(&[&lines(&["Some words"]), &lines(&["More"])], "", "");
    for (size, expected) in [
        (Size::Width(800), (800, 1200)),
        (Size::Dpi(144), (800, 1200)),
        (Size::Width(1), (16, 24)),
        (Size::Width(1_000_000), (4000, 6000)),
    ] {
        let png = reader
            .render(&bytes, None, 2, size, &|| false)
            .expect("draws");
        assert_eq!((png.width, png.height), expected);
        assert!(png.bytes.starts_with(b"\x89PNG"));
    }
    // Helvetica is not in the file: the letters show only if the standard fonts are there.
    let blank = pdf(&[""], "", "");
    let draw = |bytes: &[u8]| {
        let png = reader.render(bytes, None, 1, Size::Width(400), &|| false);
        png.expect("draws").bytes
    };
    assert!(draw(&bytes).len() > draw(&blank).len() + 500);
}

#[test]
fn what_can_not_be_drawn() {
    let reader = reader(Limits::default());
    let bytes = pdf(&[&lines(&["One page"])], "", "");
    let fail = |bytes: &[u8], page| {
        reader
            .render(bytes, None, page, Size::Width(100), &|| false)
            .expect_err("fails")
    };
    assert_eq!(
        fail(&bytes, 2).to_string(),
        "there is no page 2: the file has 1"
    );
    assert_eq!(fail(&bytes, 0).code(), "no_such_page");
    assert_eq!(fail(b"text", 1).code(), "not_a_pdf");
    assert_eq!(fail(b"", 1).code(), "empty_file");
}

#[test]
fn drawing_ends_in_time() {
    // A pattern of patterns without end in sight: each rectangle is painted over the whole page.
    let mut content = String::new();
    for i in 0..200_000 {
        let _ = write!(
            content,
            "0.{} g 0 0 m 400 {} l 0 600 l 300 {} l f* ",
            i % 10,
            i % 600,
            i % 599
        );
    }
    let limits = Limits {
        render_ms: 300,
        ..Limits::default()
    };
    let error = reader(limits)
        .render(
            &pdf(&[&content], "", ""),
            None,
            1,
            Size::Width(4000),
            &|| false,
        )
        .expect_err("too slow");
    assert_eq!(error.code(), "timed_out");
}

/// Spaces deflated twice: gigabytes in a few kilobytes.
fn twice_deflated(megabytes: usize) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    use std::io::Write;
    // After a full flush the same input gives the same bytes, so they can be repeated.
    let mut deflate = Compress::new(Compression::best(), true);
    let mut block = || {
        let mut out = Vec::with_capacity(1 << 20);
        deflate
            .compress_vec(&[b' '; 1 << 20], &mut out, FlushCompress::Full)
            .expect("to memory");
        out
    };
    let mut once = block();
    once.extend(block().repeat(megabytes - 1));
    let mut twice = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
    twice.write_all(&once).expect("to memory");
    twice.finish().expect("to memory")
}

#[test]
fn a_decompression_bomb_ends_within_its_limits() {
    let bomb = twice_deflated(4096);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let page = "/Type /Page /Parent 2 0 R /MediaBox [0 0 100 100]";
    let bytes = pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        format!("<< {page} /Contents 4 0 R >>").as_bytes(),
        &[
            format!(
                "<< /Filter [/FlateDecode /FlateDecode] /Length {} >>\nstream\n",
                bomb.len()
            )
            .as_bytes(),
            &bomb,
            b"\nendstream",
        ]
        .concat(),
    ]);
    let limits = Limits {
        memory: 512 << 20,
        ..Limits::default()
    };
    let reader = reader(limits);
    match reader.read(&bytes, None, &|| false, &mut |_, _| {}) {
        Ok(document) => assert!(document.is_textless()),
        Err(error) => assert_eq!(error.code(), "reader_died", "{error}"),
    }
    if let Err(error) = reader.render(&bytes, None, 1, Size::Width(100), &|| false) {
        assert!(
            matches!(error.code(), "reader_died" | "timed_out"),
            "{error}"
        );
    }
}

#[test]
fn a_character_map_bomb_ends_within_its_limits() {
    // Each range gives 65,536 codes a string of its own length.
    let mut map =
        "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <ffff> \
                   endcodespacerange 100 beginbfrange\n"
            .to_owned();
    let long = "0041".repeat(200);
    for _ in 0..100 {
        let _ = writeln!(map, "<0000> <ffff> <{long}>");
    }
    map += "endbfrange endcmap end";
    let content = "BT /F1 10 Tf 20 50 Td <00410042> Tj ET";
    let bytes = pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R \
          /Resources << /Font << /F1 5 0 R >> >> >>",
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        )
        .as_bytes(),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 6 0 R \
          /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo \
          << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>",
        format!("<< /Length {} >>\nstream\n{map}\nendstream", map.len()).as_bytes(),
    ]);
    let limits = Limits {
        memory: 512 << 20,
        base_ms: 20_000,
        ..Limits::default()
    };
    if let Err(error) = reader(limits).read(&bytes, None, &|| false, &mut |_, _| {}) {
        assert!(
            matches!(error.code(), "reader_died" | "timed_out"),
            "{error}"
        );
    }
}

#[test]
fn nesting_without_end_ends() {
    // A form that draws itself, and arrays nested a hundred thousand deep.
    let form = "/F Do /F Do";
    let nested = "[".repeat(100_000);
    let bytes = pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 5 0 R \
          /Resources << /XObject << /F 4 0 R >> >> >>",
        format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 4 0 R >> >> \
             /Length {} >>\nstream\n{form}\nendstream",
            form.len()
        )
        .as_bytes(),
        format!("<< /Length {} >>\nstream\n/F Do {nested}\nendstream", nested.len() + 6).as_bytes(),
    ]);
    let limits = Limits {
        base_ms: 20_000,
        ..Limits::default()
    };
    if let Err(error) = reader(limits).read(&bytes, None, &|| false, &mut |_, _| {}) {
        assert!(
            matches!(error.code(), "reader_died" | "timed_out"),
            "{error}"
        );
    }
}
