//! Where each page's text comes from, or why it has none: the verdict on which text recognition is
//! offered ([`PageText::needs_ocr`]).
//!
//! A PDF shows shapes; the characters are what the file says that they mean, and files are wrong in
//! two ways. Some say nothing for a shape, which the interpreter counts ([`Ink::unmapped`]). Others
//! say something false: glyph numbers as character codes, a Chinese code page as Latin-1, private
//! letters of a subset font. That is seen in the text only, and the tests here know no language:
//! characters that no text has, mojibake, scripts mixed inside words, and pairs of letters that are
//! rare in every language. The last catches substitution ciphers of any kind: over 40 words, text
//! in 34 languages scores at most 2.4 and ciphers of it at least 2.7 ([`words`]). A page is judged
//! only on enough text of the kind that a test looks at, so formulas, tables, code and short pages
//! pass. A false alarm costs more than a miss: it would throw good text away.

mod characters;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;

use crate::PageText;
use crate::extract::{Ink, ReadPage};

/// Share of a page from which on a picture is what the page is about.
const MIN_PICTURE: f32 = 0.5;

/// Shapes from which on a drawing could be letters turned into outlines.
const MIN_OUTLINES: u32 = 300;

/// Gives each page its verdict; those that could not be read or were recognised keep theirs.
pub(crate) fn judge(pages: &mut [ReadPage]) {
    for read in pages.iter_mut() {
        if read.page.source == PageText::Own {
            read.page.source = verdict(&read.page.text, &read.ink);
        }
    }
    mark_stamped_scans(pages);
}

/// A library's stamp on every page of a scan is not the scan's text. Such pages are pictures of a
/// whole page, have little text, and all the same, but for its digits; the slides of a talk, whose
/// background may be a picture too, differ. One such page among others is a cover.
fn mark_stamped_scans(pages: &mut [ReadPage]) {
    let mut stamps: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, read) in pages.iter().enumerate() {
        if is_picture_with_little_text(read) {
            stamps
                .entry(without_digits(&read.page.text))
                .or_default()
                .push(i);
        }
    }
    stamps.retain(|_, pages| pages.len() >= 2);
    let stamped: Vec<usize> = stamps.into_values().flatten().collect();
    let scans = pages
        .iter()
        .filter(|read| read.page.source == PageText::Missing)
        .count();
    if 2 * (stamped.len() + scans) > pages.len() {
        for i in stamped {
            pages[i].page.source = PageText::Missing;
        }
    }
}

fn is_picture_with_little_text(read: &ReadPage) -> bool {
    read.page.source == PageText::Own
        && read.ink.image_cover > 0.85
        && read.page.text.len() < 2_000
        && read
            .page
            .text
            .chars()
            .filter(|c| !c.is_whitespace())
            .count()
            < 200
}

fn without_digits(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_numeric())
        .collect()
}

fn verdict(text: &str, ink: &Ink) -> PageText {
    // Two odd glyphs say nothing of a page, and nothing is lost with them.
    // In cursive and Indic scripts the characters of a cluster stand at its first glyph.
    let share = if is_clustered(text) { 2 } else { 20 };
    let is_unmapped = ink.unmapped >= 3 && u64::from(ink.unmapped) * share > u64::from(ink.glyphs);
    if text.trim().is_empty() {
        // A page number or running head, which is no part of the text, and little else.
        let is_margin_only =
            ink.glyphs > ink.unmapped && ink.image_cover < MIN_PICTURE && ink.paths < MIN_OUTLINES;
        return if is_unmapped {
            PageText::Garbled
        } else if is_margin_only {
            PageText::Own
        } else if ink.images > 0 || ink.paths > 0 || ink.glyphs > 0 {
            PageText::Missing
        } else {
            PageText::Blank
        };
    }
    if is_unmapped || is_garbled(text) {
        PageText::Garbled
    } else {
        PageText::Own
    }
}

/// True where most letters are of scripts that join letters into shapes of several glyphs: Arabic,
/// Syriac, those of India and of South-East Asia.
fn is_clustered(text: &str) -> bool {
    let (mut joined, mut all) = (0, 0);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        all += 1;
        joined += usize::from(matches!(c,
            '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'));
    }
    joined * 2 > all
}

/// True where the text is no text in any language.
pub(crate) fn is_garbled(text: &str) -> bool {
    characters::are_garbled(text) || words::are_garbled(text)
}
