//! How fonts and character maps that a PDF does not carry are found.
//!
//! Text needs no outlines: names of glyphs give the characters and the PDF's width tables give
//! the advances. So a font that is not embedded is stood in for by an empty TrueType font of
//! about 200 bytes. Its glyphs are 0 wide on purpose: the interpreter squeezes a stand-in's glyphs
//! to the widths that the PDF states, unless the stand-in has no width, and that squeeze would
//! falsify the advances from which word gaps are measured.

use std::sync::Arc;

use hayro_font::{CMapResolverFn, FontData, FontResolverFn};

/// Stands in for every font that is not embedded.
pub(super) fn resolver() -> FontResolverFn {
    let blank: FontData = Arc::new(blank_font());
    Arc::new(move |_| Some((blank.clone(), 0)))
}

/// The character maps that the PDF standard names (ISO 32000-1, 9.7.5.2).
pub(super) fn character_maps() -> CMapResolverFn {
    Arc::new(hayro_cmap::load_embedded)
}

/// A TrueType font with one empty glyph, 1000 units to the em, 0 wide.
/// Tables: <https://learn.microsoft.com/typography/opentype/spec/otff>.
fn blank_font() -> Vec<u8> {
    let mut head = vec![0u8; 54];
    head[0..4].copy_from_slice(&0x0001_0000u32.to_be_bytes());
    head[12..16].copy_from_slice(&0x5F0F_3CF5u32.to_be_bytes());
    head[18..20].copy_from_slice(&1000u16.to_be_bytes());
    let mut hhea = vec![0u8; 36];
    hhea[0..4].copy_from_slice(&0x0001_0000u32.to_be_bytes());
    hhea[34..36].copy_from_slice(&1u16.to_be_bytes());
    let hmtx = vec![0u8; 4];
    let mut maxp = vec![0u8; 6];
    maxp[0..4].copy_from_slice(&0x0000_5000u32.to_be_bytes());
    maxp[4..6].copy_from_slice(&1u16.to_be_bytes());

    let tables: [(&[u8; 4], &[u8]); 4] = [
        (b"head", &head),
        (b"hhea", &hhea),
        (b"hmtx", &hmtx),
        (b"maxp", &maxp),
    ];
    let mut font = Vec::new();
    font.extend(0x0001_0000u32.to_be_bytes());
    for field in [tables.len() as u16, 64, 2, 0] {
        font.extend(field.to_be_bytes());
    }
    let mut offset = 12 + 16 * tables.len();
    for (tag, data) in &tables {
        font.extend(*tag);
        font.extend(0u32.to_be_bytes());
        font.extend((offset as u32).to_be_bytes());
        font.extend((data.len() as u32).to_be_bytes());
        offset += data.len().next_multiple_of(4);
    }
    for (_, data) in &tables {
        font.extend(*data);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    font
}
