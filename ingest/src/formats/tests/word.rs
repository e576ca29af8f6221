use std::io::Write;

use super::*;

/// A zip with these parts.
pub(super) fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("a new part");
        zip.write_all(text.as_bytes()).expect("room in memory");
    }
    zip.finish().expect("a whole zip").into_inner()
}

pub(super) fn paragraph(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

pub(super) fn word(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"w\" xmlns:m=\"m\"><w:body>{body}</w:body></w:document>"
    )
}

#[test]
fn docx() {
    let styles = "<w:styles><w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style><w:style w:styleId='Mine'><w:name w:val='Mine'/><w:basedOn w:val='berschrift1'/><w:pPr><w:outlineLvl w:val='1'/></w:pPr></w:style><w:style w:styleId='Title'><w:name w:val='Title'/></w:style><w:style w:styleId='C'><w:name w:val='caption'/></w:style><w:style w:styleId='K'><w:name w:val='Source Code'/></w:style></w:styles>";
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId='0'><w:lvl w:ilvl='0'><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl></w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num></w:numbering>";
    let footnotes = "<w:footnotes><w:footnote w:type='separator' w:id='-1'/><w:footnote w:id='2'><w:p><w:r><w:footnoteRef/><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>";
    let core = "<cp:coreProperties><dc:creator>Ann Lee; Bo Ek</dc:creator><dc:title>Microsoft Word - x.doc</dc:title><dcterms:created>2020-05-01T00:00:00Z</dcterms:created></cp:coreProperties>";
    let item = |text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val='0'/><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let body = [
        paragraph("Title", "On x"),
        paragraph("berschrift1", "Abstract"),
        "<w:p><w:r><w:t xml:space='preserve'>We </w:t></w:r><w:ins><w:r><w:t>saw</w:t></w:r></w:ins><w:del><w:r><w:delText>not</w:delText></w:r></w:del><w:r><w:t>.</w:t><w:footnoteReference w:id='2'/></w:r></w:p>".to_owned(),
        paragraph("berschrift1", "Methods"),
        "<w:p><w:r><w:t>See 10</w:t></w:r><w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>-3</w:t></w:r><w:hyperlink><w:r><w:t xml:space='preserve'> and on.</w:t></w:r></w:hyperlink><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>".to_owned(),
        item("First"),
        item("Second"),
        paragraph("K", "if x:"),
        paragraph("K", ""),
        paragraph("K", "    y"),
        "<w:p><m:oMathPara><m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath></m:oMathPara></w:p>".to_owned(),
        "<w:p><w:r><w:br w:type='page'/><w:t>Next page.</w:t></w:r></w:p>".to_owned(),
        paragraph("C", "Table 1. Numbers"),
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>A</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>B</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p/></w:tc><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc></w:tr></w:tbl>".to_owned(),
        paragraph("Mine", "Data"),
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>Inside.</w:t></w:r></w:p></w:sdtContent></w:sdt>".to_owned(),
        paragraph("berschrift1", "References"),
        paragraph("", "Lee, A. (2019). A title. J, 3. doi:10.1000/x"),
    ]
    .concat();
    let bytes = zip(&[
        ("[Content_Types].xml", "<Types/>"),
        ("word/document.xml", &word(&body)),
        ("word/styles.xml", styles),
        ("word/numbering.xml", numbering),
        ("word/footnotes.xml", footnotes),
        ("docProps/core.xml", core),
    ]);
    check(
        &bytes,
        "a.docx",
        expect![[r#"
        title: "On x"
        authors: "Ann Lee; Bo Ek"
        year: "2020"
        abstract: "We saw."
        Title "On x"
        Heading 1 "Abstract"
        Abstract "We saw."
        Footnote "A note."
        Heading 1 "Methods"
        Paragraph "See 10^-3 and on."
        ListItem "1. First"
        ListItem "2. Second"
        Code "if x:\n \n    y"
        Equation "a=b"
        -- page --
        Paragraph "Next page."
        Caption "Table 1. Numbers"
        Table "A\tB\n\t1"
        Heading 2 "Data"
        Paragraph "Inside."
        Heading 1 "References"
        Reference "Lee, A. (2019). A title. J, 3. doi:10.1000/x"
        [] [] Some("A title") Some(2019) Some("10.1000/x")
    "#]],
    );
}

#[test]
fn docx_without_styles_has_headings_made_by_hand() {
    let bold = |size: u32, text: &str| {
        format!(
            "<w:p><w:r><w:rPr><w:b/><w:sz w:val='{size}'/></w:rPr><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let body = [
        bold(36, "On x"),
        paragraph("", "Ann Lee"),
        bold(24, "Introduction"),
        paragraph("", "It begins."),
        bold(24, "What we saw"),
        paragraph("", "Many."),
    ]
    .concat();
    let bytes = zip(&[("word/document.xml", &word(&body))]);
    check(
        &bytes,
        "a.docx",
        expect![[r#"
            title: "On x"
            authors: "Ann Lee"
            Title "On x"
            Author "Ann Lee"
            Heading 1 "Introduction"
            Paragraph "It begins."
            Heading 1 "What we saw"
            Paragraph "Many."
        "#]],
    );
}
