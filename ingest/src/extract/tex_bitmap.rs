//! Gives the bitmap fonts of old TeX papers their characters back.
//!
//! dvips and its kin made a Type 3 font of bitmaps out of each TeX font. Such a font has no
//! ToUnicode table, and its glyphs are named after their place in TeX's encoding (`/12`, `/#0c`,
//! `/,`), which no glyph list knows; papers of the 1990s then read as nothing at all or lose
//! digits, stops and ligatures. The interpreter does not tell which font a glyph is from, so the
//! remedy is to write the missing ToUnicode tables into a copy of the file and read that.
//! TeX's text encoding: OT1, <https://www.ctan.org/tex-archive/macros/latex/base>.

use std::fmt::Write;
use std::panic::catch_unwind;

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Object as PdfObject};
use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

/// Files above this size in bytes are left alone: the copy would need several times the memory.
const MAX_FILE: usize = 64 << 20;

/// Codes of a font and the names of their glyphs.
type Names = Vec<(u8, Vec<u8>)>;

/// The same file with ToUnicode tables in TeX's bitmap fonts, or as it was where it has none.
pub(super) fn named(pdf: Pdf) -> Pdf {
    let bytes = pdf.data().as_ref();
    if bytes.len() > MAX_FILE || !has_bitmap_font(&pdf) {
        return pdf;
    }
    // Whatever goes wrong here, the file as it was is still worth reading.
    let pages = pdf.pages().len();
    let rewritten = catch_unwind(|| rewrite(bytes))
        .ok()
        .flatten()
        .and_then(|bytes| Pdf::new(bytes).ok());
    rewritten
        .filter(|rewritten| rewritten.pages().len() == pages)
        .unwrap_or(pdf)
}

/// True where a page uses a Type 3 font with glyphs named after places. Others, such as those of
/// plotting libraries, name their glyphs properly and need no copy.
fn has_bitmap_font(pdf: &Pdf) -> bool {
    pdf.pages().iter().any(|page| {
        let fonts = &page.resources().fonts;
        fonts
            .keys()
            .filter_map(|key| fonts.get::<Dict<'_>>(key))
            .any(|font| {
                let is_type3 = font
                    .get::<Name<'_>>("Subtype")
                    .is_some_and(|name| name.as_str() == "Type3");
                is_type3
                    && font
                        .get::<Dict<'_>>("Encoding")
                        .and_then(|encoding| encoding.get::<Array<'_>>("Differences"))
                        .is_some_and(|names| {
                            names
                                .iter::<PdfObject<'_>>()
                                .filter_map(PdfObject::into_name)
                                .any(|name| is_place(name.as_ref()))
                        })
            })
    })
}

fn rewrite(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut document = Document::load_mem(bytes).ok()?;
    if document.is_encrypted() {
        return None;
    }
    let fonts: Vec<(ObjectId, Names)> = document
        .objects
        .iter()
        .filter_map(|(id, object)| Some((*id, differences(&document, object.as_dict().ok()?)?)))
        .collect();
    // "/5" is the digit in one producer's fonts and place 5 in another's, whose names then go on to "/12".
    let is_decimal = fonts
        .iter()
        .flat_map(|(_, names)| names)
        .any(|(_, name)| name.len() > 1 && name.iter().all(u8::is_ascii_digit));
    let mut count = 0;
    for (id, names) in fonts {
        let Some(map) = to_unicode(&names, is_decimal) else {
            continue;
        };
        let stream = document.add_object(Stream::new(Dictionary::new(), map.into_bytes()));
        if let Some(Object::Dictionary(font)) = document.objects.get_mut(&id) {
            font.set("ToUnicode", stream);
            count += 1;
        }
    }
    let mut out = Vec::new();
    (count > 0 && document.save_to(&mut out).is_ok()).then_some(out)
}

/// Code and name of each glyph of a Type 3 font that needs a ToUnicode table. Where it has one,
/// which some converters make of what they know, it is replaced only if all names are TeX's.
fn differences(document: &Document, font: &Dictionary) -> Option<Names> {
    if font.get(b"Subtype").ok()?.as_name().ok()? != b"Type3" {
        return None;
    }
    let (_, encoding) = document.dereference(font.get(b"Encoding").ok()?).ok()?;
    let (_, list) = document
        .dereference(encoding.as_dict().ok()?.get(b"Differences").ok()?)
        .ok()?;
    let mut names = Vec::new();
    let mut code = 0u8;
    for item in list.as_array().ok()? {
        match item {
            Object::Integer(start) => code = u8::try_from(*start).ok()?,
            Object::Name(name) => {
                names.push((code, name.clone()));
                code = code.wrapping_add(1);
            }
            _ => {}
        }
    }
    let is_tex =
        |name: &[u8]| is_place(name) || matches!(name, [byte] if byte.is_ascii_alphabetic());
    (!font.has(b"ToUnicode") || names.iter().all(|(_, name)| is_tex(name))).then_some(names)
}

fn is_place(name: &[u8]) -> bool {
    place(name, false).or_else(|| place(name, true)).is_some()
}

/// A ToUnicode table (ISO 32000-1, 9.10.3) for the names that are places in TeX's encoding.
fn to_unicode(names: &[(u8, Vec<u8>)], is_decimal: bool) -> Option<String> {
    let mut entries = String::new();
    let mut count = 0;
    for (code, name) in names {
        // Letters too, as the table may replace one that had them.
        let place = match name.as_slice() {
            [letter] if letter.is_ascii_alphabetic() => Some(*letter),
            name => place(name, is_decimal),
        };
        let Some(text) = place.and_then(tex_text) else {
            continue;
        };
        let _ = write!(entries, "<{code:02x}> <");
        for unit in text.encode_utf16() {
            let _ = write!(entries, "{unit:04x}");
        }
        entries.push_str(">\n");
        count += 1;
    }
    (count > 0).then(|| {
        format!(
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /T def\n/CMapType 2 def\n\
             1 begincodespacerange\n<00> <ff>\nendcodespacerange\n{count} beginbfchar\n{entries}endbfchar\n\
             endcmap\nend\nend\n"
        )
    })
}

/// The place in TeX's encoding that a glyph's name stands for.
fn place(name: &[u8], is_decimal: bool) -> Option<u8> {
    match name {
        _ if is_decimal && name.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(name).ok()?.parse().ok()
        }
        [byte] if !byte.is_ascii_alphabetic() => Some(*byte),
        [b'#', hex @ ..] if hex.len() == 2 => {
            u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
        }
        _ => None,
    }
}

/// What stands at a place of TeX's text encoding.
fn tex_text(place: u8) -> Option<String> {
    Some(match place {
        0x0b => "ff".into(),
        0x0c => "fi".into(),
        0x0d => "fl".into(),
        0x0e => "ffi".into(),
        0x0f => "ffl".into(),
        0x10 => "\u{131}".into(),
        0x12 => "`".into(),
        0x13 => "\u{b4}".into(),
        0x19 => "\u{df}".into(),
        0x1a => "\u{e6}".into(),
        0x1b => "\u{153}".into(),
        0x1c => "\u{f8}".into(),
        0x22 => "\u{201d}".into(),
        0x27 => "\u{2019}".into(),
        0x5c => "\u{201c}".into(),
        0x60 => "\u{2018}".into(),
        0x7b => "\u{2013}".into(),
        0x7c => "\u{2014}".into(),
        0x7f => "\u{a8}".into(),
        0x21..=0x7e => char::from(place).to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_places() {
        let text = |name: &[u8], is_decimal| place(name, is_decimal).and_then(tex_text);
        assert_eq!(text(b"12", true).as_deref(), Some("fi"));
        assert_eq!(text(b"65", true).as_deref(), Some("A"));
        assert_eq!(text(b"5", false).as_deref(), Some("5"));
        assert_eq!(text(b"#0C", false).as_deref(), Some("fi"));
        assert_eq!(text(b",", false).as_deref(), Some(","));
        assert_eq!(text(b"A", false), None);
        assert_eq!(text(b"alpha", false), None);
    }
}
