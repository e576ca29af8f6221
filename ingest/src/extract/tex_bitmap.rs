//! Gives the bitmap fonts of old TeX papers their characters back.
//!
//! dvips and its kin made a Type 3 font of bitmaps out of each TeX font. Such a font has no
//! ToUnicode table, and its glyphs are named after their place in TeX's encoding (`/12`, `/#0c`,
//! `/,`), which no glyph list knows; papers of the 1990s then read as nothing at all or lose
//! digits, stops and ligatures. TeX's text encoding: OT1,
//! <https://www.ctan.org/tex-archive/macros/latex/base>.

use std::collections::HashMap;

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Object};

/// Codes of a font and the names of their glyphs.
type Names = Vec<(u8, Vec<u8>)>;

/// True where a Type 3 font's glyphs are named after places. Others, such as those of plotting
/// libraries, name their glyphs properly. A ToUnicode table, which some converters make of what
/// they know, is believed unless all names are TeX's.
pub(super) fn is_tex(font: &Dict<'_>) -> bool {
    let names = differences(font);
    let is_tex_name =
        |name: &[u8]| is_place(name) || matches!(name, [byte] if byte.is_ascii_alphabetic());
    names.iter().any(|(_, name)| is_place(name))
        && (!font.contains_key("ToUnicode") || names.iter().all(|(_, name)| is_tex_name(name)))
}

/// True where the document's bitmap fonts name places in decimal: "/5" is the digit in one
/// producer's fonts and place 5 in another's, whose names then go on to "/12".
pub(super) fn has_decimal_names(pdf: &Pdf) -> bool {
    pdf.pages().iter().any(|page| {
        let fonts = &page.resources().fonts;
        fonts
            .keys()
            .filter_map(|key| fonts.get::<Dict<'_>>(key))
            .filter(|font| {
                font.get::<Name<'_>>("Subtype")
                    .is_some_and(|name| name.as_ref() == b"Type3")
            })
            .flat_map(|font| differences(&font))
            .any(|(_, name)| name.len() > 1 && name.iter().all(u8::is_ascii_digit))
    })
}

/// The characters of a bitmap font's codes, as far as their names tell.
pub(super) fn characters(font: &Dict<'_>, is_decimal: bool) -> HashMap<u8, String> {
    let places: Vec<(u8, u8)> = differences(font)
        .into_iter()
        .filter_map(|(code, name)| {
            let place = match name.as_slice() {
                [letter] if letter.is_ascii_alphabetic() => Some(*letter),
                name => place(name, is_decimal),
            };
            Some((code, place?))
        })
        .collect();
    let encoding = Encoding::of(&places);
    places
        .into_iter()
        .filter_map(|(code, place)| Some((code, encoding.text(place)?)))
        .collect()
}

/// Which of TeX's encodings a font is in. Bitmap fonts have no names, so what they hold tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// OT1, running text.
    Text,
    /// OML, letters in formulas.
    Letters,
    /// OMS, symbols in formulas.
    Symbols,
}

impl Encoding {
    fn of(places: &[(u8, u8)]) -> Self {
        let has = |range: &[u8]| places.iter().any(|(_, place)| range.contains(place));
        let lower: Vec<u8> = places
            .iter()
            .map(|(_, place)| *place)
            .filter(u8::is_ascii_lowercase)
            .collect();
        // Fences and arrows stand at these letters; no word does without the others.
        let are_fences = lower.iter().all(|letter| b"bcdefghijknp".contains(letter));
        let has_letters = places.iter().any(|(_, place)| place.is_ascii_alphabetic());
        let has_greek = places.iter().any(|(_, place)| (0x0b..0x20).contains(place));
        // Digits and a plus stand where formulas have hardly any sign.
        let has_sums = has(b"+") || places.iter().filter(|(_, p)| p.is_ascii_digit()).count() > 2;
        let has_low = has(&[0, 1, 2, 3, 5, 6, 7]);
        let has_relations = !has_letters && has(b"\x14\x15\x18\x19");
        let is_symbols = are_fences && (has(b"f") && has(b"g") || has_low || has_relations);
        // Running text has stops and hyphens at places that formulas leave empty, and an o, which
        // formulas avoid.
        let has_words = [b'e', b'o', b't']
            .iter()
            .all(|letter| lower.contains(letter));
        let is_text = has(b",.-")
            || has_words
            || has_sums
            || (lower.len() >= 12 && !has(b":;"))
            || !(has_letters || has_greek);
        if is_symbols && !has(b",.-") {
            Encoding::Symbols
        } else if is_text {
            Encoding::Text
        } else {
            Encoding::Letters
        }
    }

    fn text(self, place: u8) -> Option<String> {
        let c = match self {
            Encoding::Text => return tex_text(place),
            Encoding::Letters => match place {
                0x0b..=0x21 => "αβγδϵζηθικλμνξπρστυϕχψω"
                    .chars()
                    .nth(usize::from(place - 0x0b))?,
                0x22..=0x27 => "εϑϖϱςφ".chars().nth(usize::from(place - 0x22))?,
                0x3a => '.',
                0x3b => ',',
                0x3d => '/',
                0x3c | 0x3e | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(place),
                0x40 => '∂',
                0x60 => 'ℓ',
                _ => return tex_text(place),
            },
            Encoding::Symbols => match place {
                0x00..=0x0f => "−·×∗÷⋄±∓⊕⊖⊗⊘⊙○◦•".chars().nth(usize::from(place))?,
                0x10..=0x1f => "≍≡⊆⊇≤≥⪯⪰∼≈⊂⊃≪≫≺≻".chars().nth(usize::from(place - 0x10))?,
                0x20..=0x2f => "←→↑↓↔↗↘≃⇐⇒⇑⇓⇔↖↙∝".chars().nth(usize::from(place - 0x20))?,
                0x30 => '′',
                0x31 => '∞',
                0x32 => '∈',
                0x33 => '∋',
                0x38 => '∀',
                0x39 => '∃',
                0x3a => '¬',
                0x3b => '∅',
                b'A'..=b'Z' => char::from(place),
                0x5b..=0x5f => "∪∩⊎∧∨".chars().nth(usize::from(place - 0x5b))?,
                0x60 => '⊢',
                0x62..=0x6b => "⌊⌋⌈⌉{}⟨⟩|∥".chars().nth(usize::from(place - 0x62))?,
                0x6e => '\\',
                0x70 => '√',
                _ => return None,
            },
        };
        Some(c.to_string())
    }
}

/// Code and name of each glyph that the font's encoding lists.
fn differences(font: &Dict<'_>) -> Names {
    let list = font
        .get::<Dict<'_>>("Encoding")
        .and_then(|encoding| encoding.get::<Array<'_>>("Differences"));
    let mut names = Vec::new();
    let mut code = 0u8;
    for item in list.iter().flat_map(|list| list.iter::<Object<'_>>()) {
        match item {
            Object::Number(start) => match u8::try_from(start.as_i64()) {
                Ok(start) => code = start,
                Err(_) => break,
            },
            Object::Name(name) => {
                names.push((code, name.as_ref().to_vec()));
                code = code.wrapping_add(1);
                if names.len() > 1_000 {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn is_place(name: &[u8]) -> bool {
    place(name, false).or_else(|| place(name, true)).is_some()
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
    fn what_a_font_holds_tells_its_encoding() {
        let of = |places: &[u8]| {
            Encoding::of(
                &places
                    .iter()
                    .map(|&place| (place, place))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            of(b"\x0c'(),-.0123ABCabcdefghijklmnopqrstuvwxyz"),
            Encoding::Text
        );
        assert_eq!(of(b"\x0b\x0c:;ABEabcdefijkmnxy"), Encoding::Letters);
        assert_eq!(of(b"fg"), Encoding::Symbols);
        assert_eq!(of(b"\x03\x14!)26:[^`defghijn"), Encoding::Symbols);
        assert_eq!(of(b"\x0cabcdefghilmnopqrstuvxyz"), Encoding::Text);
        assert_eq!(of(b"+123="), Encoding::Text);
        assert_eq!(of(b"+"), Encoding::Text);
        assert_eq!(Encoding::Letters.text(0x0b).as_deref(), Some("α"));
        assert_eq!(Encoding::Letters.text(b':').as_deref(), Some("."));
        assert_eq!(Encoding::Symbols.text(b'f').as_deref(), Some("{"));
    }

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
