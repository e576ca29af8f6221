//! The fonts of a document: what their codes mean, how wide they are, and how they look.
//!
//! A code's characters come from the ToUnicode table, from the glyph's name, or, in the bitmap
//! fonts of old TeX papers, from TeX's encoding ([`super::tex_bitmap`]). Each is looked up once.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use hayro_cmap::{BfString, CMap, CidFamily};
use hayro_font::{CMapResolverFn, Font, FontCache, FontGlyph, FontResolverFn, StandardFont};
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Number, ObjectIdentifier};
use kurbo::Vec2;

use super::characters::push_clean;
use super::tex_bitmap;

/// Characters kept of one glyph. No font needs more; a hostile one could repeat a megabyte.
const MAX_CHARACTERS: usize = 32;
/// Fonts told apart; above this all are the last one.
const MAX_FONTS: usize = 4_000;

/// What a code shows.
#[derive(Debug)]
pub(super) struct Shown {
    /// Its characters; empty where they are unknown or mean nothing.
    pub(super) text: String,
    /// True where any of them is more than space.
    pub(super) is_ink: bool,
    /// How far the next glyph stands from this one, in ems.
    pub(super) advance: Vec2,
    /// Where its origin stands from the current point, in ems (vertical writing).
    pub(super) displacement: Vec2,
}

/// One font of the document.
pub(super) struct Face<'a> {
    font: Font<'a>,
    /// Its place in [`Faces::fonts`].
    pub(super) index: u16,
    /// Lines run from top to bottom.
    pub(super) is_vertical: bool,
    /// How much taller than its nominal size its em is; 1 but for Type 3 fonts.
    pub(super) scale: f64,
    names: HashMap<u8, String>,
    /// What the glyphs of a Chinese, Japanese or Korean collection mean, where codes are glyphs.
    collection: Option<Rc<CMap>>,
    shown: RefCell<HashMap<u32, Rc<Shown>>>,
}

impl Face<'_> {
    /// The code at byte `at` of `text` and its length in bytes.
    pub(super) fn read_code(&self, text: &[u8], at: usize) -> (u32, usize) {
        self.font.read_code(text, at)
    }

    /// What `code` shows.
    pub(super) fn shown(&self, code: u32) -> Rc<Shown> {
        if let Some(shown) = self.shown.borrow().get(&code) {
            return shown.clone();
        }
        let shown = Rc::new(self.look_up(code));
        let mut known = self.shown.borrow_mut();
        // Hostile fonts have no end of codes.
        if known.len() < 100_000 {
            known.insert(code, shown.clone());
        }
        shown
    }

    fn look_up(&self, code: u32) -> Shown {
        let mut text = String::new();
        let mut is_ink = false;
        let named = u8::try_from(code)
            .ok()
            .and_then(|code| self.names.get(&code));
        let mut push = |c: char| is_ink |= push_clean(c, &mut text);
        if let Some(named) = named {
            named.chars().for_each(&mut push);
        } else {
            let meaning = unicode(&self.font, code).or_else(|| {
                let collection = self.collection.as_ref()?;
                collection.lookup_bf_string(code)
            });
            match meaning {
                Some(BfString::Char(c)) => push(c),
                Some(BfString::String(string)) => {
                    string.chars().take(MAX_CHARACTERS).for_each(&mut push);
                }
                None => {}
            }
        }
        Shown {
            text,
            is_ink,
            advance: finite(self.font.code_advance(code)),
            displacement: finite(self.font.origin_displacement(code)),
        }
    }
}

/// From thousandths of an em to ems.
fn finite(thousandths: Vec2) -> Vec2 {
    let ems = thousandths / 1000.0;
    if ems.x.is_finite() && ems.y.is_finite() {
        ems
    } else {
        Vec2::ZERO
    }
}

fn unicode(font: &Font<'_>, code: u32) -> Option<BfString> {
    match font.glyph(font.map_code(code), code) {
        FontGlyph::Outline(glyph) => glyph.as_unicode(),
        FontGlyph::Type3(glyph) => glyph.as_unicode(),
    }
}

/// All fonts of a document.
pub(super) struct Faces<'a> {
    pdf: &'a Pdf,
    cache: FontCache<'a>,
    resolver: FontResolverFn,
    cmaps: CMapResolverFn,
    by_id: HashMap<ObjectIdentifier, Option<Rc<Face<'a>>>>,
    fonts: Vec<crate::Font>,
    fallback: Option<Option<Rc<Face<'a>>>>,
    has_decimal_names: OnceCell<bool>,
    collections: HashMap<Vec<u8>, Option<Rc<CMap>>>,
}

impl<'a> Faces<'a> {
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        Faces {
            pdf,
            cache: FontCache::new(),
            resolver: super::font::resolver(),
            cmaps: super::font::character_maps(),
            by_id: HashMap::new(),
            fonts: Vec::new(),
            fallback: None,
            has_decimal_names: OnceCell::new(),
            collections: HashMap::new(),
        }
    }

    /// The fonts as layout sees them, by [`Face::index`].
    pub(super) fn fonts(&self) -> &[crate::Font] {
        &self.fonts
    }

    /// The font that a dictionary describes; none where it can't be read.
    pub(super) fn face(&mut self, dict: &Dict<'a>) -> Option<Rc<Face<'a>>> {
        let id = dict.obj_id();
        if let Some(known) = id.and_then(|id| self.by_id.get(&id)) {
            return known.clone();
        }
        let face = self
            .cache
            .font(dict, &self.resolver, &self.cmaps)
            .map(|font| Rc::new(self.describe(dict, font)));
        if let Some(id) = id {
            self.by_id.insert(id, face.clone());
        }
        face
    }

    /// What text without a font is set in.
    pub(super) fn fallback(&mut self) -> Option<Rc<Face<'a>>> {
        if let Some(known) = &self.fallback {
            return known.clone();
        }
        let font = self
            .cache
            .standard_font(StandardFont::Helvetica, &self.resolver);
        let face = font.map(|font| {
            let font_name = crate::Font {
                name: "Helvetica".to_owned(),
                ..crate::Font::default()
            };
            Rc::new(self.face_of(font, font_name, HashMap::new(), 1.0, None))
        });
        self.fallback = Some(face.clone());
        face
    }

    fn describe(&mut self, dict: &Dict<'a>, font: Font<'a>) -> Face<'a> {
        let is_type3 = dict
            .get::<Name<'_>>("Subtype")
            .is_some_and(|name| name.as_ref() == b"Type3");
        let names = if is_type3 && tex_bitmap::is_tex(dict) {
            let is_decimal = *self
                .has_decimal_names
                .get_or_init(|| tex_bitmap::has_decimal_names(self.pdf));
            tex_bitmap::characters(dict, is_decimal)
        } else {
            HashMap::new()
        };
        let scale = if is_type3 {
            em_height(&font, &names)
        } else {
            1.0
        };
        let collection = self.collection(dict);
        self.face_of(font, look(dict), names, scale, collection)
    }

    /// The meaning of glyph numbers (CIDs) in the character collection of a composite font whose
    /// codes are those numbers (ISO 32000-1, 9.10.2).
    fn collection(&mut self, dict: &Dict<'a>) -> Option<Rc<CMap>> {
        let encoding = dict.get::<Name<'_>>("Encoding")?;
        if !matches!(encoding.as_ref(), b"Identity-H" | b"Identity-V") {
            return None;
        }
        let descendant = dict
            .get::<Array<'_>>("DescendantFonts")?
            .iter::<Dict<'_>>()
            .next()?;
        let system = descendant.get::<Dict<'_>>("CIDSystemInfo")?;
        let part = |key: &str| {
            system
                .get::<hayro_syntax::object::String<'_>>(key)
                .map(|text| text.as_bytes().to_vec())
        };
        let (registry, ordering) = (part("Registry")?, part("Ordering")?);
        if let Some(known) = self.collections.get(&ordering) {
            return known.clone();
        }
        let family = CidFamily::from_registry_ordering(&registry, &ordering);
        let cmaps = self.cmaps.clone();
        let map = family.ucs2_cmap().and_then(|name| {
            let data = (cmaps)(name)?;
            CMap::parse(data, move |name| (cmaps)(name))
        });
        let map = map.map(Rc::new);
        self.collections.insert(ordering, map.clone());
        map
    }

    fn face_of(
        &mut self,
        font: Font<'a>,
        look: crate::Font,
        names: HashMap<u8, String>,
        scale: f64,
        collection: Option<Rc<CMap>>,
    ) -> Face<'a> {
        let index = match self.fonts.iter().position(|known| *known == look) {
            Some(index) => index,
            None if self.fonts.len() < MAX_FONTS => {
                self.fonts.push(look);
                self.fonts.len() - 1
            }
            None => self.fonts.len() - 1,
        };
        Face {
            is_vertical: !font.is_horizontal(),
            font,
            index: index as u16,
            scale,
            names,
            collection,
            shown: RefCell::default(),
        }
    }
}

/// How much taller than its nominal size a Type 3 font's em is.
///
/// Such fonts (bitmaps out of old TeX, plots) choose their own units, so the nominal size can be
/// off by a factor of hundreds; the widths of its letters tell the true one.
fn em_height(font: &Font<'_>, names: &HashMap<u8, String>) -> f64 {
    let (mut drawn, mut expected) = (0.0, 0.0);
    // A font of signs alone is measured by those, which is less sure.
    let (mut signs, mut signs_expected) = (0.0, 0.0);
    for code in 0..=255u8 {
        let character = match names.get(&code) {
            Some(name) => name.chars().next().filter(|_| name.chars().count() == 1),
            None => match unicode(font, u32::from(code)) {
                Some(BfString::Char(c)) => Some(c),
                _ => None,
            },
        };
        let advance = font.code_advance(u32::from(code)).x / 1000.0;
        let Some(c) = character.filter(|c| !c.is_whitespace() && advance > 0.0) else {
            continue;
        };
        if !c.is_alphanumeric() {
            signs += advance;
            signs_expected += match c {
                '.' | ',' | ';' | ':' | '\'' | '|' | '·' => 0.28,
                '(' | ')' | '[' | ']' | '-' => 0.36,
                '=' | '<' | '>' | '+' | '−' | '×' | '≤' | '≥' | '∈' => 0.75,
                '→' | '←' | '⇒' => 1.0,
                _ => 0.5,
            };
            continue;
        }
        drawn += advance;
        expected += match c {
            'i' | 'j' | 'l' => 0.28,
            'f' | 't' | 'r' | 's' => 0.38,
            'm' | 'w' | 'M' | 'W' => 0.83,
            'A'..='Z' => 0.69,
            _ => 0.5,
        };
    }
    let scale: f64 = if expected > 0.0 {
        drawn / expected
    } else {
        signs / signs_expected
    };
    if !scale.is_finite() || scale <= 0.0 || (0.6..1.6).contains(&scale) {
        1.0
    } else {
        scale
    }
}

/// Name, weight and slant of a font, from its descriptor's flags (ISO 32000-1, 9.8.2) and name.
fn look(dict: &Dict<'_>) -> crate::Font {
    let descendant = dict
        .get::<Array<'_>>("DescendantFonts")
        .and_then(|fonts| fonts.iter::<Dict<'_>>().next());
    let described = descendant.as_ref().unwrap_or(dict);
    let base = dict.get::<Name<'_>>("BaseFont");
    let name: String = base
        .as_ref()
        .map_or("", |name| name.as_str())
        .chars()
        .take(100)
        .collect();
    // "ABCDEF+Times-Roman" names a subset.
    let name = match name.split_once('+') {
        Some((tag, rest)) if tag.len() == 6 => rest.to_owned(),
        _ => name,
    };
    let descriptor = described
        .get::<Dict<'_>>("FontDescriptor")
        .unwrap_or_default();
    let number = |key: &str| descriptor.get::<Number>(key).map_or(0.0, |n| n.as_f64());
    let flags = descriptor.get::<i64>("Flags").unwrap_or(0);
    let named = style(&name);
    crate::Font {
        bold: named.bold || flags & (1 << 18) != 0 || number("FontWeight") >= 600.0,
        italic: named.italic || flags & (1 << 6) != 0 || number("ItalicAngle") != 0.0,
        monospace: named.monospace || (flags & 1 != 0 && !named.name.contains("CM")),
        name,
    }
}

/// What a PostScript name says, as `Times-BoldItalic`, `NimbusRomNo9L-Medi`, `CMBX12` do.
fn style(name: &str) -> crate::Font {
    let lower = name.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let starts = |parts: &[&str]| parts.iter().any(|part| lower.starts_with(part));
    // "LinLibertineTB" is bold; other names end in "tb" by chance.
    let is_libertine = starts(&["linlibertine", "linbiolinum"]);
    let is_bold = has(&["bold", "black", "heavy", "demi", "extrabd", "-bd", "_bd"])
        || lower.ends_with("-medi")
        || lower.contains("-mediital")
        || starts(&[
            "cmbx", "cmb1", "cmssbx", "sfbx", "sfbi", "ecbx", "tcbx", "lmbx", "cmbxti",
        ])
        || [".b", ".bi", "tb", "tbi", "tz"]
            .iter()
            .any(|end| lower.ends_with(end) && (end.starts_with('.') || is_libertine));
    let is_italic = has(&["ital", "obli", "slant", "kursiv"])
        || starts(&[
            "cmti", "cmsl", "cmmi", "sfti", "sfsl", "ecti", "cmbxti", "cmitt",
        ])
        || lower.ends_with("-it")
        || lower.ends_with("-i")
        || [".i", ".bi", "ti", "tbi"]
            .iter()
            .any(|end| lower.ends_with(end) && (end.starts_with('.') || is_libertine));
    let is_monospace = has(&[
        "courier",
        "mono",
        "typewriter",
        "consol",
        "menlo",
        "inconsolata",
        "fixed",
        "terminal",
    ]) || starts(&[
        "cmtt", "cmsltt", "cmitt", "sftt", "ectt", "lmtt", "txtt", "t1xtt", "pcr",
    ]);
    crate::Font {
        name: name.to_owned(),
        bold: is_bold,
        italic: is_italic,
        monospace: is_monospace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_style() {
        let flags = |name: &str| {
            let font = style(name);
            (font.bold, font.italic, font.monospace)
        };
        assert_eq!(flags("NimbusRomNo9L-Medi"), (true, false, false));
        assert_eq!(flags("NimbusRomNo9L-MediItal"), (true, true, false));
        assert_eq!(flags("NimbusRomNo9L-Regu"), (false, false, false));
        assert_eq!(flags("CMBX12"), (true, false, false));
        assert_eq!(flags("CMMI10"), (false, true, false));
        assert_eq!(flags("CMTT9"), (false, false, true));
        assert_eq!(flags("LinBiolinumT"), (false, false, false));
        assert_eq!(flags("LinLibertineTI"), (false, true, false));
        assert_eq!(flags("TimesNewRomanPS-BoldItalicMT"), (true, true, false));
        assert_eq!(flags("Helvetica-Oblique"), (false, true, false));
    }
}
