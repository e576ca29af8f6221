use expect_test::expect;
use proptest::prelude::*;

use super::word::{paragraph, word, zip};
use super::*;

#[test]
fn scripts_and_encodings_survive() {
    let mut utf16 = b"\xff\xfe".to_vec();
    utf16.extend(
        "שלום עולם\n\n深度学习。"
            .encode_utf16()
            .flat_map(u16::to_le_bytes),
    );
    check(
        &utf16,
        "a.txt",
        expect![[r#"
        title: "שלום עולם"
        Title "שלום עולם"
        Paragraph "深度学习。"
    "#]],
    );
    check(
        b"<html><head><meta http-equiv=content-type content='text/html; charset=windows-1252'></head><body><p>Gr\xf6\xdfe \x96 \x93zitiert\x94</body>",
        "a.html",
        expect![[r#"
            Paragraph "Größe – “zitiert”"
        "#]],
    );
    check(b"na\xc3\xafve caf\xc3\xa9 \xff na\xc3\xafve caf\xc3\xa9 na\xc3\xafve caf\xc3\xa9 na\xc3\xafve caf\xc3\xa9 na\xc3\xafve caf\xc3\xa9.\n\nx", "a.txt", expect![[r#"
        Paragraph "naïve café � naïve café naïve café naïve café naïve café."
        Paragraph "x"
        ! encoding_errors: some characters could not be decoded and are shown as �
    "#]]);
}

#[test]
fn damaged_files_are_read_as_far_as_they_go_or_refused() {
    let whole = zip(&[("word/document.xml", &word(&paragraph("", "Text.")))]);
    for (bytes, format, code) in [
        (b"".as_slice(), Format::Html, "empty_file"),
        (&whole[..whole.len() / 2], Format::Docx, "damaged_file"),
        (b"PK\x03\x04", Format::Docx, "damaged_file"),
        (b"<a/>", Format::Jats, "damaged_file"),
        (b"<a/>", Format::Tei, "damaged_file"),
        (b"%PDF-1.4", Format::Pdf, "unsupported_format"),
    ] {
        let error = read(bytes, format).expect_err("nothing can be read");
        assert_eq!(error.code(), code);
        assert!(!error.hint().is_empty() && !error.to_string().is_empty());
    }
    check(
        b"<article article-type='x'><body><sec><title>One</title><p>Two",
        "a.xml",
        expect![[r#"
            Heading 1 "One"
            Paragraph "Two"
            ! markup_cut: the file breaks off, is malformed or has too many elements; what comes after is left out
        "#]],
    );
    check(
        b"\n \n",
        "a.txt",
        expect![[r#"
        ! no_text: no text was found in the file
    "#]],
    );
}

#[test]
fn bombs_stay_small() {
    let laughs = "<!DOCTYPE article [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c SYSTEM \"file:///x\">]><article article-type=\"x\"><body><p>&b; &c;</p></body></article>";
    check(
        laughs.as_bytes(),
        "a.xml",
        expect![[r#"
        Paragraph "&b; &c;"
    "#]],
    );

    let spaces = " ".repeat(65 << 20);
    let bomb = zip(&[(
        "word/document.xml",
        &format!("<w:document><w:body>{}{spaces}", paragraph("", "Text.")),
    )]);
    assert!(bomb.len() < 1 << 20);
    check(
        &bomb,
        "a.docx",
        expect![[r#"
        Paragraph "Text."
        ! markup_cut: word/document.xml unpacks to more than 64 MiB; its end is left out
        ! markup_cut: the file breaks off, is malformed or has too many elements; what comes after is left out
    "#]],
    );
}

#[test]
fn deep_nesting_is_flattened_in_every_format() {
    let depth = 5_000;
    let nest =
        |open: &str, close: &str| format!("{}deep{}", open.repeat(depth), close.repeat(depth));
    for (text, format) in [
        (nest("<div>", "</div>"), Format::Html),
        (nest("<b>", "</b>"), Format::Html),
        (nest("<ul><li>", "</li></ul>"), Format::Html),
        (nest("<table><tr><td>", "</td></tr></table>"), Format::Html),
        (
            format!(
                "<article><body>{}</body></article>",
                nest("<sec>", "</sec>")
            ),
            Format::Jats,
        ),
        (
            format!(
                "<article><body><p>{}</p></body></article>",
                nest("<bold>", "</bold>")
            ),
            Format::Jats,
        ),
        (
            format!(
                "<TEI><text><body>{}</body></text></TEI>",
                nest("<div>", "</div>")
            ),
            Format::Tei,
        ),
        (format!("{}deep", "> ".repeat(depth)), Format::Markdown),
        (
            format!("{}deep{}", "*".repeat(depth), "*".repeat(depth)),
            Format::Markdown,
        ),
        (format!("{}deep", "- ".repeat(depth)), Format::Markdown),
    ] {
        let document = read(text.as_bytes(), format).expect("a document");
        check_invariants(&document);
        assert!(
            document.text().contains("deep"),
            "{format:?} {}",
            text.get(..20).unwrap_or("")
        );
    }
    let docx = zip(&[(
        "word/document.xml",
        &word(&nest("<w:sdt>", "</w:sdt>").replace("deep", &paragraph("", "deep"))),
    )]);
    let document = read(&docx, Format::Docx).expect("a document");
    // A paragraph's runs must be elements to be read; what is this deep is no honest file.
    assert_eq!(document.warnings[0].code, "markup_deep");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), name in "[a-z]{0,3}\\.(md|txt|html|xml|docx)") {
        if let Some(format) = detect(&bytes, &name)
            && let Ok(document) = read(&bytes, format) {
                check_invariants(&document);
            }
    }

    #[test]
    fn markup_in_any_order_keeps_the_invariants(parts in prop::collection::vec(prop::sample::select(PARTS), 0..40)) {
        let text = parts.concat();
        for format in [Format::Markdown, Format::Text, Format::Html] {
            check_invariants(&read(format!("x{text}").as_bytes(), format).expect("a document"));
        }
        let jats = format!("<article><body>{text}</body></article>");
        check_invariants(&read(jats.as_bytes(), Format::Jats).expect("a document"));
        let tei = format!("<TEI><text><body>{text}</body></text></TEI>");
        check_invariants(&read(tei.as_bytes(), Format::Tei).expect("a document"));
        let docx = zip(&[("word/document.xml", &word(&text))]);
        check_invariants(&read(&docx, Format::Docx).expect("a document"));
    }
}

const PARTS: &[&str] = &[
    "text ",
    "\n",
    "\n\n",
    "# A\n",
    "- b\n",
    "1. c\n",
    "    d\n",
    "```\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "===\n",
    "\u{c}",
    "é字",
    "\u{ad}",
    "\u{0}",
    "&amp;",
    "&#8;",
    "[^1]",
    "$$",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<sec>",
    "</sec>",
    "<title>T</title>",
    "<table>",
    "</table>",
    "<tr><td>x</td></tr>",
    "<list><list-item>",
    "</list>",
    "<ref-list>",
    "<ref><mixed-citation>Lee 2001. A. b</mixed-citation></ref>",
    "<fn><p>n</p></fn>",
    "<ul>",
    "<li>",
    "</ul>",
    "<h1>",
    "</h1>",
    "<h2>References</h2>",
    "<pre>",
    "</pre>",
    "<br/>",
    "<sup>2</sup>",
    "<w:p>",
    "</w:p>",
    "<w:r>",
    "</w:r>",
    "<w:t>",
    "</w:t>",
    "<w:br w:type='page'/>",
    "<w:tbl>",
    "</w:tbl>",
    "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>",
    "<head n='1.2'>H</head>",
    "<listBibl>",
    "<biblStruct>",
    "References\n\n",
    "Abstract\n\n",
    "[1] Lee, A. (2019). A title. J.\n",
];
