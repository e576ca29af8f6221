//! Collects the glyphs of a page as the interpreter draws them.
//!
//! The interpreter walks the content stream and calls a `Device`; this one keeps text only. It
//! never asks an image, mask, shading or pattern for its content, and those are decoded lazily,
//! so they cost next to nothing.

use std::collections::HashMap;

use hayro_interpret::font::{Glyph as DrawnGlyph, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};

use super::characters::{combining, push_clean};

/// Glyphs kept of one page. A dense page has under 20,000; past this it is an attack or a drawing.
const MAX_GLYPHS: usize = 2_000_000;

/// One drawn glyph, in points, `y` downwards from the top of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    /// Where its characters stand in [`Glyphs::characters`].
    pub(super) start: u32,
    pub(super) end: u32,
    /// Direction of writing in whole degrees, clockwise from rightwards, 0 to 359.
    pub(super) angle: i16,
    /// Start of the glyph along its direction of writing.
    pub(super) along: f32,
    /// Baseline: distance across the direction of writing, growing with each next line.
    pub(super) across: f32,
    /// Width along the direction of writing.
    pub(super) advance: f32,
    /// Height of the em.
    pub(super) size: f32,
    pub(super) is_space: bool,
    /// Set with its column's centre line as baseline, as vertical Japanese is.
    pub(super) is_vertical: bool,
}

/// The glyphs of one page in the order in which they were drawn.
#[derive(Debug, Default)]
pub(super) struct Glyphs {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) characters: String,
    /// Glyphs for which no usable character is known.
    pub(super) unmapped: usize,
    /// True where [`MAX_GLYPHS`] was reached.
    pub(super) is_cut: bool,
    width: f32,
    height: f32,
    seen: HashMap<(i32, i32), Vec<u32>>,
}

impl Glyphs {
    /// An empty page of the size given in points.
    pub(super) fn new(width: f32, height: f32) -> Self {
        Glyphs {
            width,
            height,
            ..Glyphs::default()
        }
    }

    /// The characters of a glyph.
    pub(super) fn text(&self, glyph: &Glyph) -> &str {
        self.characters
            .get(glyph.start as usize..glyph.end as usize)
            .unwrap_or("")
    }

    fn push(&mut self, drawn: &PositionedGlyph<'_>, run: Affine, scale: f64, vertical: bool) {
        if self.glyphs.len() >= MAX_GLYPHS {
            self.is_cut = true;
            return;
        }
        let [a, b, c, d, x, y] = (run * drawn.transform()).as_coeffs();
        let length = a.hypot(b);
        if !(length > 0.0 && x.is_finite() && y.is_finite()) {
            return;
        }
        // The em's height is the glyph's y axis less what slants along the baseline.
        let size = ((a * d - b * c).abs() / length * 1000.0 * scale) as f32;
        if !(0.3..4000.0).contains(&size) {
            self.unmapped += usize::from(drawn.as_unicode().is_none());
            return;
        }
        // Text outside the crop box is not displayed.
        if x < -1.0
            || y < -1.0
            || x > f64::from(self.width) + 1.0
            || y > f64::from(self.height) + 1.0
        {
            return;
        }
        let start = self.characters.len() as u32;
        let is_ink = self.push_characters(drawn);
        let end = self.characters.len() as u32;
        if start == end {
            self.unmapped += 1;
            return;
        }
        let advance_em = match &**drawn {
            DrawnGlyph::Outline(glyph) => glyph.advance_width(),
            DrawnGlyph::Type3(glyph) => glyph.advance_width(),
        };
        let mut angle = b.atan2(a).to_degrees();
        let mut advance = advance_em.map_or(0.0, |units| f64::from(units) * length) as f32;
        let (mut x, mut y) = (x, y);
        if vertical {
            // The drawn origin is the horizontal one, at the left of the baseline; the column's
            // centre line is half an em right of it, the cell's top about 0.88 em above it.
            x += a * 500.0 + c * 880.0;
            y += b * 500.0 + d * 880.0;
            angle += 90.0;
            advance = size;
        }
        if !advance.is_finite() || advance < 0.0 {
            advance = 0.0;
        }
        // Some writers give every hyphen the code of the soft one. What is drawn is a hyphen; what
        // takes no room is a place to break at, and invisible.
        if &self.characters[start as usize..] == "\u{ad}" {
            self.characters.truncate(start as usize);
            if advance < 0.05 * size {
                return;
            }
            self.characters.push('-');
        }
        let end = self.characters.len() as u32;
        let angle = snap(angle);
        let (sin, cos) = sin_cos(angle);
        let glyph = Glyph {
            start,
            end,
            angle,
            along: x as f32 * cos + y as f32 * sin,
            across: y as f32 * cos - x as f32 * sin,
            advance: advance.min(4.0 * size.max(1.0)),
            size,
            is_space: !is_ink,
            is_vertical: vertical,
        };
        if is_ink && self.is_overprint(&glyph, x as f32, y as f32) {
            self.characters.truncate(start as usize);
            return;
        }
        self.glyphs.push(glyph);
    }

    /// Appends the glyph's characters; true where any of them is more than space.
    fn push_characters(&mut self, drawn: &PositionedGlyph<'_>) -> bool {
        let mut is_ink = false;
        match drawn.as_unicode() {
            Some(BfString::Char(c)) => is_ink = push_clean(c, &mut self.characters),
            Some(BfString::String(string)) => {
                // No font needs more for a glyph; a hostile one could repeat a megabyte.
                for c in string.chars().take(32) {
                    is_ink |= push_clean(c, &mut self.characters);
                }
            }
            None => {}
        }
        is_ink
    }

    /// True where the same characters were already drawn at this place: bold by drawing twice,
    /// shadows.
    fn is_overprint(&mut self, glyph: &Glyph, x: f32, y: f32) -> bool {
        const CELL: f32 = 4.0;
        let radius = (0.1 * glyph.size).min(1.5);
        let cell = |value: f32| (value / CELL).floor() as i32;
        for column in cell(x - radius)..=cell(x + radius) {
            for row in cell(y - radius)..=cell(y + radius) {
                let Some(others) = self.seen.get(&(column, row)) else {
                    continue;
                };
                // A crowded cell is a drawing; comparing all pairs there would be quadratic.
                for &other in others.iter().rev().take(24) {
                    let other = &self.glyphs[other as usize];
                    let is_same_place = other.angle == glyph.angle
                        && (other.along - glyph.along).abs() < radius
                        && (other.across - glyph.across).abs() < radius;
                    if is_same_place && self.text(other) == self.text(glyph) {
                        return true;
                    }
                }
            }
        }
        self.seen
            .entry((cell(x), cell(y)))
            .or_default()
            .push(self.glyphs.len() as u32);
        false
    }

    /// Puts accents that were drawn as glyphs of their own onto the letters that they stand over.
    pub(super) fn compose_accents(&mut self) {
        let mut dropped = vec![false; self.glyphs.len()];
        let mut any = false;
        for i in 0..self.glyphs.len() {
            let accent = self.glyphs[i];
            let mut chars = self.text(&accent).chars();
            let (Some(c), None) = (chars.next(), chars.next()) else {
                continue;
            };
            let Some(mark) = combining(c) else { continue };
            // TeX draws the accent first, most others the letter first.
            let candidates = [i.checked_add(1), i.checked_sub(1)];
            let Some(base) = candidates
                .into_iter()
                .flatten()
                .find(|&j| self.is_under(j, &accent, &dropped))
            else {
                continue;
            };
            let letter = self.glyphs[base];
            let text = self
                .text(&letter)
                .replace('\u{131}', "i")
                .replace('\u{237}', "j");
            let start = self.characters.len() as u32;
            self.characters.push_str(&text);
            self.characters.push(mark);
            self.glyphs[base].start = start;
            self.glyphs[base].end = self.characters.len() as u32;
            dropped[i] = true;
            any = true;
        }
        if any {
            let mut dropped = dropped.into_iter();
            self.glyphs.retain(|_| !dropped.next().unwrap_or(false));
        }
    }

    /// True where glyph `j` is a letter whose middle is where the accent's middle is.
    fn is_under(&self, j: usize, accent: &Glyph, dropped: &[bool]) -> bool {
        let Some(letter) = self.glyphs.get(j) else {
            return false;
        };
        let middle = |glyph: &Glyph| glyph.along + glyph.advance / 2.0;
        !dropped[j]
            && letter.angle == accent.angle
            && (middle(letter) - middle(accent)).abs() < 0.2 * accent.size
            && (letter.across - accent.across).abs() < 0.5 * accent.size
            && self
                .text(letter)
                .chars()
                .next_back()
                .is_some_and(char::is_alphabetic)
    }
}

/// Whole degrees in 0 to 359; what is nearly upright is upright, so that a skewed scan keeps lines.
fn snap(degrees: f64) -> i16 {
    let quarter = (degrees / 90.0).round() * 90.0;
    let snapped = if (degrees - quarter).abs() < 4.0 {
        quarter
    } else {
        degrees.round()
    };
    (snapped as i64).rem_euclid(360) as i16
}

/// Sine and cosine of whole degrees, exact for the upright directions.
pub(super) fn sin_cos(angle: i16) -> (f32, f32) {
    match angle {
        0 => (0.0, 1.0),
        90 => (1.0, 0.0),
        180 => (0.0, -1.0),
        270 => (-1.0, 0.0),
        _ => f32::from(angle).to_radians().sin_cos(),
    }
}

/// How much taller than its nominal size a Type 3 font's em is.
///
/// Such fonts (bitmaps out of old TeX) choose their own units, so the nominal size can be off by
/// a factor of hundreds; the widths of the letters shown tell the true one.
fn type3_scale(glyphs: &[PositionedGlyph<'_>]) -> f64 {
    let (mut drawn, mut expected) = (0.0, 0.0);
    for glyph in glyphs {
        let DrawnGlyph::Type3(type3) = &**glyph else {
            return 1.0;
        };
        let (Some(BfString::Char(c)), Some(advance)) = (glyph.as_unicode(), type3.advance_width())
        else {
            continue;
        };
        drawn += f64::from(advance) / 1000.0;
        expected += match c {
            'i' | 'j' | 'l' | '.' | ',' | ';' | ':' | '\'' => 0.28,
            'f' | 't' | 'r' | 's' | '(' | ')' | '-' => 0.38,
            'm' | 'w' | 'M' | 'W' => 0.83,
            'A'..='Z' => 0.69,
            _ => 0.5,
        };
    }
    let scale = drawn / expected;
    if !scale.is_finite() || scale <= 0.0 || (0.6..1.6).contains(&scale) {
        1.0
    } else {
        scale
    }
}

impl<'a> Device<'a> for Glyphs {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let scale = type3_scale(run.glyphs());
        let is_vertical = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            self.push(glyph, props.transform, scale, is_vertical);
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &hayro_interpret::kurbo::Rect) {}
    fn draw_rect(&mut self, _: &hayro_interpret::kurbo::Rect, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_upright_is_upright() {
        assert_eq!(
            [snap(1.2), snap(-2.0), snap(-90.3), snap(179.9), snap(45.4)],
            [0, 0, 270, 180, 45]
        );
    }
}
