//! Text recognition: a page of text, drawn by our own renderer, wrapped as a scan and read back.
//!
//! Needs tesseract; without it the tests say so and pass, but not under continuous integration.

mod support;

use std::io::Write;

use hayro::vello_cpu::Pixmap;
use ingest::ocr::{Recognition, Tesseract};
use ingest::picture::{self, Size};
use ingest::worker::{Limits, Progress, Reader};
use ingest::{Document, Error, PageText};
use support::{lines, pdf, pdf_of};

fn reader() -> Reader {
    Reader {
        program: env!("CARGO_BIN_EXE_extract-worker").into(),
        args: vec![],
        limits: Limits::default(),
    }
}

fn tesseract() -> Option<Tesseract> {
    let found = Tesseract::find(None);
    if found.is_none() {
        assert!(
            std::env::var_os("LECTERN_REQUIRE_OCR").is_none(),
            "tesseract must be installed for CI"
        );
        eprintln!("skipped: tesseract is not installed");
    }
    found
}

/// A PDF of one page, 400 by 600 points, that is nothing but the picture of these lines.
fn scan(text: &[&str]) -> Vec<u8> {
    let png = picture::page(pdf(&[&lines(text)], "", ""), None, 1, Size::Dpi(200)).expect("draws");
    let pixmap = Pixmap::from_png(std::io::Cursor::new(png.bytes)).expect("a PNG");
    let mut pixels = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for pixel in pixmap.data_as_u8_slice().chunks(4) {
        pixels.write_all(&pixel[..3]).expect("to memory");
    }
    let pixels = pixels.finish().expect("to memory");
    let content = "400 0 0 600 0 0 cm /I Do";
    pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents 5 0 R \
          /Resources << /XObject << /I 6 0 R >> >> >>",
        b"<< >>",
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        )
        .as_bytes(),
        &[
            format!(
                "<< /Type /XObject /Subtype /Image /Width {} /Height {} /ColorSpace /DeviceRGB \
                 /BitsPerComponent 8 /Filter /FlateDecode /Length {} >>\nstream\n",
                png.width,
                png.height,
                pixels.len()
            )
            .as_bytes(),
            &pixels,
            b"\nendstream",
        ]
        .concat(),
    ])
}

fn read(bytes: &[u8], recognition: &Recognition) -> Result<Document, Error> {
    reader().read_recognising(bytes, None, Some(recognition), &|| false, &mut |_| {})
}

#[test]
fn a_scan_is_read_with_places() {
    let Some(tesseract) = tesseract() else { return };
    let recognition = Recognition::new(tesseract, "eng").expect("has English");
    let bytes = scan(&["A page that was scanned", "has words and places"]);
    let plain = reader()
        .read(&bytes, None, &|| false, &mut |_, _| {})
        .expect("reads");
    assert_eq!(plain.needs_ocr(), [1]);
    assert!(
        plain.warnings[0]
            .message
            .contains("apt install tesseract-ocr")
    );

    let mut progress = Vec::new();
    let document = reader()
        .read_recognising(&bytes, None, Some(&recognition), &|| false, &mut |step| {
            progress.push(step);
        })
        .expect("reads");
    assert_eq!(
        document.text(),
        "A page that was scanned\nhas words and places"
    );
    assert!(document.warnings.is_empty(), "{:?}", document.warnings);
    let page = &document.pages[0];
    assert_eq!(page.source, PageText::Recognised);
    assert_eq!((page.width, page.height), (400.0, 600.0));
    // 10 point type; the first baseline is 50 points from the top, the left edge 50.
    let rect = page.lines[0].rect;
    assert!((rect.x0 - 50.0).abs() < 2.0, "{rect:?}");
    assert!(
        (rect.y0 - 42.5).abs() < 2.0 && (rect.y1 - 52.0).abs() < 2.0,
        "{rect:?}"
    );
    assert!((rect.x1 - 157.0).abs() < 6.0, "{rect:?}");
    assert!((page.lines[1].rect.y1 - page.lines[0].rect.y1 - 12.0).abs() < 1.5);
    assert!((8.0..13.0).contains(&page.lines[0].font_size));
    assert_eq!(
        progress.last(),
        Some(&Progress::Recognising { done: 1, total: 1 })
    );
}

#[test]
fn pages_with_text_are_left_as_they_are() {
    let Some(tesseract) = tesseract() else { return };
    let recognition = Recognition::new(tesseract, "eng").expect("has English");
    let document = read(&pdf(&[&lines(&["Own words"]), ""], "", ""), &recognition).expect("reads");
    assert_eq!(document.pages[0].source, PageText::Own);
    assert_eq!(document.pages[1].source, PageText::Blank);
}

#[test]
fn a_language_that_is_not_there() {
    let Some(tesseract) = tesseract() else { return };
    let error = Recognition::new(tesseract, "eng+tlh").expect_err("no Klingon");
    assert_eq!(error.code(), "recognition_failed");
    assert!(error.to_string().contains("\"tlh\""), "{error}");
}

/// A broken installation costs the text of the scans, not the paper.
#[cfg(unix)]
#[test]
fn recognition_that_fails_is_a_warning() {
    let recognition = Recognition {
        tesseract: Tesseract {
            program: "/bin/false".into(),
            version: String::new(),
            languages: vec![],
        },
        language: "eng".to_owned(),
        dpi: 72,
        page_seconds: 10,
        threads: 2,
    };
    let drawn = "10 10 100 100 re f";
    let own = lines(&["Own words"]);
    let bytes = pdf(&[drawn, &own, drawn, drawn, drawn, drawn], "", "");
    let document = read(&bytes, &recognition).expect("reads");
    assert_eq!(document.needs_ocr(), [1, 3, 4, 5, 6]);
    let failed = document
        .warnings
        .iter()
        .find(|warning| warning.code == "recognition_failed")
        .expect("a warning");
    assert!(
        failed
            .message
            .starts_with("5 of 5 pages without text (1, 3-6)"),
        "{}",
        failed.message
    );
}

#[test]
fn recognition_is_cancelled() {
    let Some(tesseract) = tesseract() else { return };
    let recognition = Recognition::new(tesseract, "eng").expect("has English");
    let bytes = scan(&["Some words"]);
    let is_recognising = std::sync::atomic::AtomicBool::new(false);
    let cancelled = || is_recognising.load(std::sync::atomic::Ordering::Relaxed);
    let result =
        reader().read_recognising(&bytes, None, Some(&recognition), &cancelled, &mut |step| {
            if matches!(step, Progress::Recognising { .. }) {
                is_recognising.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        });
    assert!(matches!(result, Err(Error::Cancelled)));
}
