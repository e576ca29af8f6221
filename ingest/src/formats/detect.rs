//! What a file is. Bytes count more than names: downloads are misnamed more often than not.

use std::io::Cursor;

use zip::ZipArchive;

use super::encoding;
use crate::{Error, Format};

/// How much of a file is looked at.
const HEAD: usize = 64 << 10;

/// The format of a file named `name`; none where it is nothing that can be read. A file named
/// `.pdf` is taken for one whatever it holds, so that its reader can say what is wrong with it.
pub fn detect(bytes: &[u8], name: &str) -> Option<Format> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    let extension = extension.as_deref();
    let head = &bytes[..bytes.len().min(HEAD)];
    let magic = &head[..head.len().min(1024)];
    if magic.windows(5).any(|window| window == b"%PDF-") || extension == Some("pdf") {
        return Some(Format::Pdf);
    }
    if head.starts_with(b"PK\x03\x04") {
        return is_docx(bytes).then_some(Format::Docx);
    }
    if extension == Some("docx") {
        // A truncated download has no directory; the reader says so.
        return head.starts_with(b"PK").then_some(Format::Docx);
    }
    if head.starts_with(b"{\\rtf") || head.starts_with(b"%!PS") || !is_text(head) {
        return None;
    }
    let (text, _) = encoding::decode(head, encoding::declared(head).as_deref());
    let text = text.trim_start();
    if (text.starts_with("<?xml")
        || extension.is_some_and(|name| matches!(name, "xml" | "nxml" | "tei" | "xhtml")))
        && let Some(format) = of_xml(text)
    {
        return Some(format);
    }
    if let Some(format) = of_doctype(text) {
        return Some(format);
    }
    if starts_as_html(text) {
        return Some(Format::Html);
    }
    match extension {
        Some("md" | "markdown" | "mkd" | "qmd" | "rmd") => Some(Format::Markdown),
        Some("txt" | "text" | "rst") => Some(Format::Text),
        Some("html" | "htm" | "xhtml") => Some(Format::Html),
        // A name without extension, or none at all: text is text, but markup is not.
        None if !text.starts_with('<') => Some(Format::Text),
        _ => None,
    }
}

/// Why a file is not read, for one of which [`detect`] knows no format.
pub fn unsupported(bytes: &[u8], name: &str) -> Error {
    if bytes.is_empty() {
        return Error::Empty;
    }
    let head = &bytes[..bytes.len().min(HEAD)];
    let starts = |signatures: &[&[u8]]| signatures.iter().any(|one| head.starts_with(one));
    let is_webp = starts(&[b"RIFF"]) && head.get(8..12) == Some(b"WEBP");
    let extension = name
        .rsplit(['/', '\\'])
        .next()
        .and_then(|name| name.rsplit_once('.'));
    let what = if is_webp
        || starts(&[
            b"\x89PNG",
            b"\xff\xd8\xff",
            b"GIF8",
            b"II*\0",
            b"MM\0*",
            b"BM",
        ]) {
        "a picture".to_owned()
    } else if starts(&[b"PK\x03\x04"]) {
        "an archive without a Word document in it".to_owned()
    } else if starts(&[b"\xd0\xcf\x11\xe0"]) {
        "an old (.doc) or protected Office file".to_owned()
    } else if starts(&[b"{\\rtf"]) {
        "an RTF document".to_owned()
    } else if starts(&[b"%!PS"]) {
        "a PostScript document".to_owned()
    } else if !is_text(head) {
        "binary data of no known kind".to_owned()
    } else if head.trim_ascii_start().starts_with(b"<") {
        "markup that is neither a web page nor JATS nor TEI".to_owned()
    } else {
        let kind = extension.map_or("", |(_, extension)| extension);
        let kind: String = kind
            .chars()
            .take(12)
            .filter(|c| c.is_alphanumeric())
            .collect();
        format!("text of a kind that is not known (.{kind})")
    };
    Error::UnsupportedFormat { what }
}

/// True where a zip holds a DOCX's main part; a damaged one by its first names.
fn is_docx(bytes: &[u8]) -> bool {
    match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive.index_for_name("word/document.xml").is_some(),
        Err(_) => {
            let head = &bytes[..bytes.len().min(HEAD)];
            head.windows(5).any(|window| window == b"word/")
        }
    }
}

/// Text has no zero bytes, unless it is UTF-16 with its mark, and hardly any control characters.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let controls = head
        .iter()
        .filter(|&&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
        .count();
    !head.contains(&0) && controls * 100 <= head.len()
}

/// The format that the root element of an XML file tells.
fn of_xml(text: &str) -> Option<Format> {
    let mut rest = text;
    // The first tag that is no declaration, comment or document type.
    let tag = loop {
        let start = rest.find('<')?;
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")?..];
        } else if rest.starts_with("<!") {
            // A document type may declare entities in brackets.
            let end = rest.find('>')?;
            let bracket = rest[..end].find('[');
            rest = match bracket {
                Some(_) => &rest[rest.find("]>").or_else(|| rest.find(']'))?..],
                None => &rest[end..],
            };
        } else if rest.starts_with("<?") {
            rest = &rest[rest.find("?>")?..];
        } else {
            break &rest[1..];
        }
    };
    let end = tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
    let name = tag[..end].rsplit(':').next().unwrap_or("");
    let attributes = &tag[end..tag.find('>').unwrap_or(tag.len())];
    match name {
        "article" if attributes.contains("docbook") => None,
        "article" | "pmc-articleset" | "OAI-PMH"
            if text.contains("<front")
                || text.contains(":front")
                || text.contains("article-type")
                || text.contains("<body") =>
        {
            Some(Format::Jats)
        }
        "TEI" | "TEI.2" | "teiCorpus" => Some(Format::Tei),
        "html" => Some(Format::Html),
        _ => None,
    }
}

/// The format that a document type names, for XML without a declaration.
fn of_doctype(text: &str) -> Option<Format> {
    let has = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    if has("<!doctype article") || has("<tei") || has("<article") && text.contains("article-type") {
        return of_xml(text);
    }
    None
}

/// Tags that only a whole web page starts with, comments apart.
fn starts_as_html(text: &str) -> bool {
    let mut rest = text;
    while let Some(comment) = rest.strip_prefix("<!--") {
        let Some(end) = comment.find("-->") else {
            return false;
        };
        rest = comment[end + 3..].trim_start();
    }
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| {
            rest.get(..tag.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(tag))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named() {
        for (bytes, name, expected) in [
            (b"".as_slice(), "a.md", "the file is empty"),
            (
                b"\x89PNG\r\n",
                "a.txt",
                "the file is a picture, which can't be read",
            ),
            (
                b"PK\x03\x04",
                "a.odt",
                "the file is an archive without a Word document in it, which can't be read",
            ),
            (
                b"a,b",
                "x/table.csv",
                "the file is text of a kind that is not known (.csv), which can't be read",
            ),
            (
                b" <svg/>",
                "a.svg",
                "the file is markup that is neither a web page nor JATS nor TEI, which can't be read",
            ),
        ] {
            assert_eq!(unsupported(bytes, name).to_string(), expected);
        }
    }

    #[test]
    fn bytes_count_more_than_names() {
        let jats = "<?xml version=\"1.0\"?>\n<!-- x -->\n<!DOCTYPE article PUBLIC \"-//NLM//DTD JATS\" \"x.dtd\" [<!ENTITY a \"<b>\">]>\n<article article-type='other'><front/>";
        for (bytes, name, expected) in [
            (b"junk\n%PDF-1.7".as_slice(), "a.txt", Some(Format::Pdf)),
            (b"<html>please log in", "paper.pdf", Some(Format::Pdf)),
            (jats.as_bytes(), "a.xml", Some(Format::Jats)),
            (jats.as_bytes(), "", Some(Format::Jats)),
            (b"<tei:TEI xmlns:tei='x'>", "a.xml", Some(Format::Tei)),
            (b"<?xml version='1.0'?><TEI.2>", "a", Some(Format::Tei)),
            (
                b"<article xmlns='http://docbook.org/ns/docbook'><body/>",
                "a.xml",
                None,
            ),
            (b"<?xml version='1.0'?><svg>", "a.xml", None),
            (
                b"<!-- saved from x -->\n<!DOCTYPE HTML PUBLIC '-//W3C'>",
                "a",
                Some(Format::Html),
            ),
            (b"\xef\xbb\xbf<HTML>", "a.txt", Some(Format::Html)),
            (b"<p>text", "a.htm", Some(Format::Html)),
            (b"<article><p>text", "a.html", Some(Format::Html)),
            (
                b"<p align=center>\n# Title",
                "README.md",
                Some(Format::Markdown),
            ),
            (b"plain", "notes.TXT", Some(Format::Text)),
            (b"plain", "notes", Some(Format::Text)),
            (b"\xff\xfep\0l\0", "notes.txt", Some(Format::Text)),
            (b"a,b", "table.csv", None),
            (b"{\\rtf1 x}", "a.txt", None),
            (b"\x89PNG\r\n\x1a\n\0\0", "a.txt", None),
            (b"PK\x03\x04rest", "a.odt", None),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "a.doc", None),
        ] {
            assert_eq!(
                detect(bytes, name),
                expected,
                "{name}: {}",
                bytes.escape_ascii()
            );
        }
    }
}
