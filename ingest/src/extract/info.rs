//! What the file itself says of the paper: the information dictionary and the XMP packet
//! (ISO 32000-1, 14.3). Raw strings; [`crate::metadata`] decides what of it to believe.

use hayro_syntax::Pdf;
use hayro_syntax::object::{Dict, Stream};
use serde::{Deserialize, Serialize};

/// Longest string taken from a file's metadata, in characters.
const MAX_LENGTH: usize = 1_000;

/// The file's own metadata, unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// `/Title`.
    pub title: Option<String>,
    /// `/Author`.
    pub author: Option<String>,
    /// `/Subject`, where journals often put their citation.
    pub subject: Option<String>,
    /// `/Keywords`.
    pub keywords: Option<String>,
    /// `dc:title` of the XMP packet.
    pub xmp_title: Option<String>,
    /// `dc:creator` of the XMP packet, in order.
    pub xmp_authors: Vec<String>,
    /// `prism:doi`, `pdfx:doi` or `dc:identifier` of the XMP packet.
    pub xmp_doi: Option<String>,
    /// `prism:publicationName` of the XMP packet.
    pub xmp_venue: Option<String>,
    /// Year of `prism:coverDate` or `prism:publicationDate`.
    pub xmp_year: Option<i32>,
    /// Year of `/CreationDate`.
    pub creation_year: Option<i32>,
}

impl Info {
    pub(super) fn read(pdf: &Pdf) -> Info {
        let metadata = pdf.metadata();
        let xmp = xmp(pdf).unwrap_or_default();
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| elements(&xmp, name).into_iter().next())
        };
        let date = first(&[
            "prism:coverDate",
            "prism:publicationDate",
            "prism:coverDisplayDate",
        ]);
        Info {
            title: metadata.title.as_deref().and_then(text_string),
            author: metadata.author.as_deref().and_then(text_string),
            subject: metadata.subject.as_deref().and_then(text_string),
            keywords: metadata.keywords.as_deref().and_then(text_string),
            xmp_title: first(&["dc:title"]),
            xmp_authors: elements(&xmp, "dc:creator"),
            xmp_doi: first(&[
                "prism:doi",
                "pdfx:doi",
                "crossmark:DOI",
                "pdfx:WPS-ARTICLEDOI",
            ])
            .or_else(|| first(&["dc:identifier"]).filter(|id| id.contains("10."))),
            xmp_venue: first(&["prism:publicationName"]),
            xmp_year: date.as_deref().and_then(year),
            creation_year: metadata.creation_date.map(|date| i32::from(date.year)),
        }
    }
}

fn xmp(pdf: &Pdf) -> Option<String> {
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())?;
    let stream = catalog.get::<Stream<'_>>("Metadata")?;
    let data = stream.decoded_data().ok()?;
    // Packets are padded, but the titles stand in the first part.
    let data = &data[..data.len().min(200_000)];
    Some(String::from_utf8_lossy(data).into_owned())
}

/// The first four digits that stand alone.
fn year(date: &str) -> Option<i32> {
    date.split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 4)
        .and_then(|digits| digits.parse().ok())
}

/// The values of an XMP property: each `rdf:li` in it, its own text, or the attribute of its name.
fn elements(xmp: &str, name: &str) -> Vec<String> {
    let element = [format!("<{name}>"), format!("<{name} ")]
        .iter()
        .find_map(|open| xmp.find(open));
    let Some(start) = element.and_then(|at| Some(at + xmp[at..].find('>')? + 1)) else {
        return attribute(xmp, name).into_iter().collect();
    };
    let Some(length) = xmp[start..].find(&format!("</{name}>")) else {
        return Vec::new();
    };
    let mut rest = &xmp[start..start + length];
    if !rest.contains("<rdf:li") {
        return tidy(&unescape(rest)).into_iter().collect();
    }
    let mut values = Vec::new();
    while let Some(at) = rest.find("<rdf:li") {
        rest = &rest[at..];
        let (Some(open), Some(close)) = (rest.find('>'), rest.find("</rdf:li>")) else {
            break;
        };
        if open < close {
            values.extend(tidy(&unescape(&rest[open + 1..close])));
        }
        rest = &rest[close + "</rdf:li>".len()..];
        if values.len() >= 500 {
            break;
        }
    }
    values
}

/// RDF allows simple properties as attributes: `prism:doi="10.1000/1"`.
fn attribute(xmp: &str, name: &str) -> Option<String> {
    let start = xmp.find(&format!(" {name}="))? + name.len() + 2;
    let quote = xmp[start..]
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''))?;
    let value = &xmp[start + 1..];
    tidy(&unescape(&value[..value.find(quote)?]))
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// A PDF text string: UTF-16 or UTF-8 with a mark, else PDFDocEncoding (ISO 32000-1, 7.9.2.2).
pub(super) fn text_string(bytes: &[u8]) -> Option<String> {
    let utf16 = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..]
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| read(*pair))
            .collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Against the standard, many producers write plain UTF-8.
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| pdf_doc(byte)).collect(),
        },
    };
    tidy(&text)
}

fn pdf_doc(byte: u8) -> char {
    const FROM_0X80: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚',
        '™', 'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', ' ', '€',
    ];
    match byte {
        0x80..=0xa0 => FROM_0X80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// One line without control characters; none where nothing is left.
fn tidy(text: &str) -> Option<String> {
    let mut clean = String::new();
    for c in text.chars().take(MAX_LENGTH) {
        super::characters::push_clean(c, &mut clean);
    }
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    (!clean.is_empty()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_strings_in_three_encodings() {
        assert_eq!(text_string(b"\xfe\xff\0H\0i").as_deref(), Some("Hi"));
        assert_eq!(
            text_string(b"na\xefve \x93efficient").as_deref(),
            Some("naïve fiefficient")
        );
        assert_eq!(text_string("naïve".as_bytes()).as_deref(), Some("naïve"));
        assert_eq!(text_string(b" \0 "), None);
    }

    #[test]
    fn xmp_values() {
        let xmp = "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>A &amp; B</rdf:li></rdf:Alt></dc:title>\
                   <dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>";
        assert_eq!(elements(xmp, "dc:title"), ["A & B"]);
        assert_eq!(elements(xmp, "dc:creator"), ["Ann", "Bo"]);
        assert_eq!(elements("<dc:title>", "dc:title"), Vec::<String>::new());
        assert_eq!(elements("<dc:title", "dc:title"), Vec::<String>::new());
        let xmp =
            "<rdf:Description a='' prism:doi=\"10.1000/1\"><dc:title xml:lang='x'>T</dc:title>";
        assert_eq!(elements(xmp, "prism:doi"), ["10.1000/1"]);
        assert_eq!(elements(xmp, "dc:title"), ["T"]);
    }
}
