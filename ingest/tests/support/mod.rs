//! Tiny PDFs written by hand, one content stream a page.

// Each test file uses some of it.
#![allow(dead_code)]

use std::fmt::Write;

/// A PDF with one page for each content stream, 400 by 600 points, Helvetica as `/F1`, not
/// embedded. `page_extra` goes into each page's dictionary, `info` into the information dictionary.
pub(crate) fn pdf(contents: &[&str], page_extra: &str, info: &str) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
        format!("<< {info} >>"),
    ];
    let mut kids = String::new();
    for content in contents {
        let page = objects.len() + 1;
        let _ = write!(kids, "{page} 0 R ");
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> {page_extra} >>",
            page + 1
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    objects[1] = format!(
        "<< /Type /Pages /Kids [{kids}] /Count {} >>",
        contents.len()
    );

    let objects: Vec<&[u8]> = objects.iter().map(String::as_bytes).collect();
    pdf_of(&objects)
}

/// A PDF of these objects, numbered from 1; the first is the catalog, the fourth the information
/// dictionary if it is one.
pub(crate) fn pdf_of(objects: &[&[u8]]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (object, number) in objects.iter().zip(1..) {
        offsets.push(out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        out.extend_from_slice(object);
        out.extend(b"\nendobj\n");
    }
    let xref = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    out.extend(
        format!(
            "trailer << /Size {} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{xref}\n%%EOF\n",
            objects.len() + 1
        )
        .bytes(),
    );
    out
}

/// Lines of text in 10 point Helvetica from the top left of a page, 12 points apart.
pub(crate) fn lines(lines: &[&str]) -> String {
    let mut content = "BT /F1 10 Tf 12 TL 50 550 Td ".to_owned();
    for line in lines {
        let _ = write!(content, "({line}) Tj T* ");
    }
    content + "ET"
}
