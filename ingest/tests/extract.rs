//! What is read of small PDFs.

mod support;

use ingest::{Document, Error, extract};
use support::{lines, pdf};

fn read(bytes: Vec<u8>) -> Document {
    extract::read(bytes, None).expect("readable")
}

fn text(content: &str) -> String {
    read(pdf(&[content], "", "")).text()
}

#[test]
fn one_page_with_geometry() {
    let document = read(pdf(
        &[&lines(&["Hello there world", "Second line"])],
        "",
        "",
    ));
    assert_eq!(document.text(), "Hello there world\nSecond line");
    let page = &document.pages[0];
    assert_eq!((page.number, page.width, page.height), (1, 400.0, 600.0));
    let line = &page.lines[0];
    assert_eq!(&page.text[line.start..line.end], "Hello there world");
    assert_eq!(line.font_size, 10.0);
    // Baseline 550 from the bottom is 50 from the top.
    assert!(
        (line.rect.x0 - 50.0).abs() < 0.1
            && (line.rect.y0 - 42.0).abs() < 0.1
            && (line.rect.y1 - 52.0).abs() < 0.1
    );
    // The widths of Helvetica add up to 7.502 em.
    assert!((line.rect.x1 - 125.02).abs() < 0.01, "{}", line.rect.x1);
    assert!(document.warnings.is_empty(), "{:?}", document.warnings);
}

#[test]
fn page_numbers_and_pages_without_text() {
    let document = read(pdf(
        &[&lines(&["First page"]), "", &lines(&["Third page"])],
        "",
        "",
    ));
    assert_eq!(document.text(), "First page\n\nThird page");
    assert_eq!(
        document
            .pages
            .iter()
            .map(|page| page.number)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(document.warnings.len(), 1);
    assert_eq!(document.warnings[0].code, "page_without_text");
    assert_eq!(document.warnings[0].page, Some(2));
}

#[test]
fn words_are_parted_by_gaps_and_kept_together_across_kerning() {
    assert_eq!(
        text("BT /F1 10 Tf 50 500 Td [(two)-300(w)40(ords)] TJ ET"),
        "two words"
    );
    assert_eq!(
        text("BT /F1 10 Tf 50 500 Td (a) Tj 100 0 Td (tab) Tj ET"),
        "a\ntab"
    );
}

#[test]
fn letters_spaced_apart_are_one_word() {
    assert_eq!(
        text("BT /F1 10 Tf 3 Tc 50 500 Td (ABSTRACT HERE) Tj ET"),
        "ABSTRACT HERE"
    );
}

#[test]
fn drawn_twice_is_read_once() {
    let content = "BT /F1 10 Tf 50 500 Td (Bold) Tj ET BT /F1 10 Tf 50.3 500 Td (Bold) Tj ET";
    assert_eq!(text(content), "Bold");
}

#[test]
fn superscripts_stay_on_their_line() {
    let content =
        "BT /F1 10 Tf 50 500 Td (E = mc) Tj /F1 6 Tf 4 Ts (2) Tj 0 Ts /F1 10 Tf ( holds.) Tj ET";
    assert_eq!(text(content), "E = mc2 holds.");
}

#[test]
fn hyphenated_words_are_joined_and_lines_still_cover_the_text() {
    let document = read(pdf(&[&lines(&["An exam-", "ple of it"])], "", ""));
    assert_eq!(document.text(), "An example of it");
    let page = &document.pages[0];
    let parts: Vec<&str> = page
        .lines
        .iter()
        .map(|line| &page.text[line.start..line.end])
        .collect();
    assert_eq!(parts, ["An exam", "ple of it"]);
}

#[test]
fn rotated_and_cropped_pages_are_measured_as_displayed() {
    let document = read(pdf(&[&lines(&["Turned"])], "/Rotate 90", ""));
    let page = &document.pages[0];
    assert_eq!((page.width, page.height), (600.0, 400.0));
    let rect = page.lines[0].rect;
    // Turned clockwise, the text runs downwards at the right edge.
    assert!(
        rect.x0 > 540.0 && rect.x1 < 560.0 && (rect.y0 - 50.0).abs() < 0.1,
        "{rect:?}"
    );

    let document = read(pdf(
        &[&lines(&["Cropped"])],
        "/CropBox [40 100 400 600]",
        "",
    ));
    let page = &document.pages[0];
    assert_eq!((page.width, page.height), (360.0, 500.0));
    assert!((page.lines[0].rect.x0 - 10.0).abs() < 0.1);
    assert_eq!(document.text(), "Cropped");
}

#[test]
fn columns_drawn_line_by_line_are_read_one_after_the_other() {
    let mut content = "BT /F1 9 Tf ".to_owned();
    for row in 0..30 {
        let y = 550 - row * 12;
        content += &format!(
            "1 0 0 1 30 {y} Tm (left {row} goes on with some more words) Tj 1 0 0 1 215 {y} Tm (right {row} goes on with some more words) Tj "
        );
    }
    let text = text(&(content + "ET"));
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 60);
    assert!(
        rows[0].starts_with("left 0")
            && rows[29].starts_with("left 29")
            && rows[30].starts_with("right 0"),
        "{text}"
    );
}

#[test]
fn metadata_of_a_small_paper() {
    let content = "BT /F1 18 Tf 50 550 Td (A Study of Small Things) Tj /F1 10 Tf 0 -30 Td (Ann Lee and Bo Ray) Tj \
                   0 -15 Td (Some University) Tj 0 -30 Td (Abstract) Tj 0 -15 Td (We study small things, which are many.) Tj \
                   0 -400 Td (Copyright 2014 by the authors) Tj ET";
    let document = read(pdf(
        &[content],
        "",
        "/Title (Microsoft Word - small.doc) /Author (admin)",
    ));
    assert_eq!(document.metadata.title(), Some("A Study of Small Things"));
    assert_eq!(document.metadata.authors(), ["Ann Lee", "Bo Ray"]);
    assert_eq!(document.metadata.year(), Some(2014));
}

#[test]
fn what_is_no_pdf() {
    let fail = |bytes: &[u8]| extract::read(bytes.to_vec(), None).expect_err("unreadable");
    assert!(matches!(fail(b""), Error::Empty));
    let error = fail(b"<!DOCTYPE html>\n\x00\x1b[31m<html>");
    assert_eq!(error.code(), "not_a_pdf");
    assert_eq!(
        error.to_string(),
        "the file is not a PDF (it starts with \"<!DOCTYPE html>[31m<html\")"
    );
    assert_eq!(
        fail(b"%PDF-1.4\ngarbage all the way down").code(),
        "damaged"
    );
    assert_eq!(fail(&pdf(&[], "", "")).code(), "no_pages");
}

#[test]
fn a_cut_file_is_still_read() {
    let whole = pdf(&[&lines(&["Still here"])], "", "");
    let cut = &whole[..whole.len() - 80];
    assert_eq!(read(cut.to_vec()).text(), "Still here");
}

#[test]
fn encrypted_files_need_their_password() {
    use lopdf::{
        Document as Pdf, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat,
    };
    let mut plain = Pdf::load_mem(&pdf(&[&lines(&["Secret words"])], "", "")).expect("loads");
    let id = Object::String(b"0123456789abcdef".to_vec(), StringFormat::Literal);
    plain.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    let version = EncryptionVersion::V2 {
        document: &plain,
        owner_password: "owner",
        user_password: "sesame",
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).expect("encrypts");
    plain.encrypt(&state).expect("encrypts");
    let mut bytes = Vec::new();
    plain.save_to(&mut bytes).expect("saves");

    assert!(matches!(
        extract::read(bytes.clone(), None),
        Err(Error::Encrypted)
    ));
    assert!(matches!(
        extract::read(bytes.clone(), Some("wrong")),
        Err(Error::WrongPassword)
    ));
    assert_eq!(
        extract::read(bytes, Some("sesame")).expect("opens").text(),
        "Secret words"
    );
}

#[test]
fn a_password_that_is_not_needed_does_no_harm() {
    let bytes = pdf(&[&lines(&["Open"])], "", "");
    assert_eq!(
        extract::read(bytes, Some("anything"))
            .expect("opens")
            .text(),
        "Open"
    );
}

/// The sample papers' typesetter gives every hyphen the code of the soft one.
#[test]
fn drawn_soft_hyphens_are_hyphens() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../samples/hybrid-retrieval.pdf"
    );
    let document = ingest::extract::read(std::fs::read(path).unwrap(), None).unwrap();
    let text = document.text();
    assert!(!text.contains('\u{ad}'));
    assert!(text.contains("open-domain") && text.contains("cross-validation"));
    assert!(
        text.contains("parameters"),
        "a word that was only hyphenated is whole"
    );
}
