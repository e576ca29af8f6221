//! What is read of small PDFs.

mod support;

use ingest::{Document, Error, OutlineEntry, PageText, extract};
use support::{lines, pdf, pdf_of};

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
        &[
            &lines(&["First page"]),
            "",
            "10 10 100 100 re f",
            &lines(&["Fourth page"]),
        ],
        "",
        "",
    ));
    assert_eq!(document.text(), "First page\n\n\nFourth page");
    let pages = document.pages.iter();
    assert_eq!(
        pages
            .map(|page| (page.number, page.source))
            .collect::<Vec<_>>(),
        [
            (1, PageText::Own),
            (2, PageText::Blank),
            (3, PageText::Missing),
            (4, PageText::Own)
        ]
    );
    assert_eq!(document.needs_ocr(), [3]);
    assert_eq!(document.warnings.len(), 1);
    let warning = &document.warnings[0];
    assert_eq!(
        (warning.code.as_str(), warning.page),
        ("page_without_text", Some(3))
    );
    assert!(
        warning.message.starts_with("page 3: scanned or drawn")
            && warning.message.contains("apt install tesseract-ocr"),
        "{}",
        warning.message
    );
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
fn three_columns_drawn_line_by_line_and_the_short_page_after_them() {
    const PROSE: [&str; 7] = [
        "zebras graze in herds that move",
        "over the plain when rain has",
        "fallen and the grass is new. A",
        "stallion leads each of them and",
        "watches while the others drink",
        "from the pools. Foals stay with",
        "their mothers for most of a year",
    ];
    let page = |rows: usize| {
        let mut content = "BT /F1 6 Tf ".to_owned();
        for row in 0..rows {
            let y = 550 - row * 8;
            for (x, name) in [(20, "Left"), (150, "Mid"), (280, "Right")] {
                let prose = PROSE[(row * 3 + x) % 7];
                content += &format!("1 0 0 1 {x} {y} Tm ({name} {prose}) Tj ");
            }
        }
        content + "ET"
    };
    let document = read(pdf(&[&page(30), &page(4)], "", ""));
    for (page, rows) in document.pages.iter().zip([30, 4]) {
        let words: Vec<&str> = page
            .text
            .split_whitespace()
            .filter(|word| matches!(*word, "Left" | "Mid" | "Right"))
            .collect();
        let wanted = ["Left", "Mid", "Right"]
            .map(|name| vec![name; rows])
            .concat();
        assert_eq!(words, wanted, "{}", page.text);
    }
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

/// One page of secret words, encrypted as versions 1.5 to 1.7 of the format do.
fn encrypted(user: &str, owner: &str) -> Vec<u8> {
    use lopdf::{
        Document as Pdf, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat,
    };
    let mut plain = Pdf::load_mem(&pdf(&[&lines(&["Secret words"])], "", "")).expect("loads");
    let id = Object::String(b"0123456789abcdef".to_vec(), StringFormat::Literal);
    plain.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    let version = EncryptionVersion::V2 {
        document: &plain,
        owner_password: owner,
        user_password: user,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).expect("encrypts");
    plain.encrypt(&state).expect("encrypts");
    let mut bytes = Vec::new();
    plain.save_to(&mut bytes).expect("saves");
    bytes
}

#[test]
fn encrypted_files_need_their_password() {
    let bytes = encrypted("sesame", "owner");
    assert!(matches!(
        extract::read(bytes.clone(), None),
        Err(Error::Encrypted)
    ));
    assert!(matches!(
        extract::read(bytes.clone(), Some("wrong")),
        Err(Error::WrongPassword)
    ));
    for password in ["sesame", "owner"] {
        let document = extract::read(bytes.clone(), Some(password)).expect("opens");
        assert_eq!(document.text(), "Secret words", "{password}");
    }
}

/// The bytes of such a password are not its UTF-8.
#[test]
fn a_password_with_umlauts_opens_an_old_file() {
    let bytes = encrypted("pässwört", "owner");
    let document = extract::read(bytes, Some("pässwört")).expect("opens");
    assert_eq!(document.text(), "Secret words");
}

/// Only what is attached is encrypted, so the text needs no password.
#[test]
fn encrypted_attachments_do_not_close_the_file() {
    let bytes = pdf(&[&lines(&["Open words"])], "", "");
    let text = String::from_utf8(bytes).expect("ASCII");
    let text = text.replace(
        "trailer <<",
        "trailer << /ID [<00> <00>] /Encrypt << /Filter /Standard /V 5 /R 6 /Length 256 /P -4 \
         /O <00> /U <00> /OE <00> /UE <00> /Perms <00> /StmF /Identity /StrF /Identity /EFF /StdCF \
         /CF << /StdCF << /AuthEvent /EFOpen /CFM /AESV3 /Length 32 >> >> >>",
    );
    assert_eq!(read(text.into_bytes()).text(), "Open words");
}

#[test]
fn brotli_is_named() {
    let bytes = b"%PDF-2.0\n1 0 obj << /Filter /BrotliDecode /Type /XRef >> stream".to_vec();
    let error = extract::read(bytes, None).expect_err("not supported");
    assert!(error.to_string().contains("Brotli"), "{error}");
}

/// Such a page was taken for blank.
#[test]
fn a_page_in_an_unknown_filter_is_not_blank() {
    let compressed = "\u{1}Sv\u{2}~9x)k}-0\u{11}zP";
    let bytes = pdf(&[&lines(&["First"]), compressed], "", "");
    let text = String::from_utf8(bytes).expect("ASCII");
    let at = text.rfind("<< /Length").expect("the second content");
    let text = format!(
        "{}<< /Filter /BrotliDecode /Length{}",
        &text[..at],
        &text[at + 10..]
    );
    let document = read(text.into_bytes());
    let sources: Vec<_> = document.pages.iter().map(|page| page.source).collect();
    assert_eq!(sources, [PageText::Own, PageText::Unreadable]);
    assert_eq!(document.warnings[0].code, "page_unreadable");
}

#[test]
fn the_files_own_contents_table() {
    let content = lines(&["A page"]);
    let bytes = pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R /Names << /Dests << /Names [(two) [5 0 R /Fit]] >> >> >>",
        b"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] >>",
        b"<< >>",
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /X ({content}) >>").as_bytes(),
        b"<< /First 7 0 R /Last 8 0 R >>",
        b"<< /Title (First) /Parent 6 0 R /Next 8 0 R /First 9 0 R /Dest [3 0 R /Fit] >>",
        // Back to the start: a ring.
        b"<< /Title <FEFF00DC> /Parent 6 0 R /Next 7 0 R /A << /S /GoTo /D (two) >> >>",
        b"<< /Title (Inner) /Parent 7 0 R /Dest [1 /Fit] >>",
    ]);
    let entry = |title: &str, level, page| OutlineEntry {
        title: title.to_owned(),
        level,
        page,
    };
    assert_eq!(
        read(bytes).outline,
        [
            entry("First", 1, Some(1)),
            entry("Inner", 2, Some(2)),
            entry("Ü", 1, Some(2))
        ]
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
