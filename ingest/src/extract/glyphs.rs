//! The glyphs of a page, in points from its top left, each with its characters.
//!
//! What a person sees once is kept once: text drawn twice for boldness or shadow, text outside the
//! page or its clip, and hidden text under visible text are left out.

use std::collections::HashMap;

use kurbo::{Affine, Point, Rect};

use super::Ink;
use super::characters::{combining, is_right_to_left};
use super::face::{Face, Shown};

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
    /// Its font, as [`super::interpret::Interpreter::fonts`] counts them.
    pub(super) font: u16,
    /// Set with its column's centre line as baseline, as vertical Japanese is.
    pub(super) is_vertical: bool,
    /// Drawn without ink, as text recognition lays words under a scan.
    pub(super) is_invisible: bool,
    /// Marked as a running head or foot.
    pub(super) is_artifact: bool,
}

/// A glyph as the interpreter draws it.
pub(super) struct Drawn<'d, 'a> {
    /// From ems to points.
    pub(super) transform: Affine,
    pub(super) shown: &'d Shown,
    pub(super) face: &'d Face<'a>,
    pub(super) clip: Rect,
    pub(super) is_invisible: bool,
    pub(super) is_artifact: bool,
}

/// The glyphs of one page in the order in which they were drawn.
#[derive(Debug, Default)]
pub(super) struct Glyphs {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) characters: String,
    /// What was drawn, whether kept or not.
    pub(super) ink: Ink,
    /// True where [`MAX_GLYPHS`] or a limit of the interpreter was reached.
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

    /// Width and height of the page.
    pub(super) fn bounds(&self) -> (f32, f32) {
        (self.width, self.height)
    }

    /// Number of glyphs so far.
    pub(super) fn len(&self) -> usize {
        self.glyphs.len()
    }

    /// The characters of a glyph.
    pub(super) fn text(&self, glyph: &Glyph) -> &str {
        self.characters
            .get(glyph.start as usize..glyph.end as usize)
            .unwrap_or("")
    }

    /// Adds a glyph, unless it can't be seen.
    pub(super) fn push(&mut self, drawn: &Drawn<'_, '_>) {
        if self.glyphs.len() >= MAX_GLYPHS {
            self.is_cut = true;
            return;
        }
        let shown = drawn.shown;
        let origin = drawn.transform * shown.displacement.to_point();
        let [a, b, c, d, _, _] = drawn.transform.as_coeffs();
        let length = a.hypot(b);
        if !(length > 0.0 && origin.x.is_finite() && origin.y.is_finite()) {
            return;
        }
        // The em's height is the em's y axis less what slants along the baseline.
        let size = ((a * d - b * c).abs() / length * drawn.face.scale) as f32;
        let is_readable = (0.3..4000.0).contains(&size);
        // What is seen is the letter's middle, about a third of an em above the baseline.
        let half = (shown.advance.x / 2.0).clamp(0.0, 1.0);
        let middle = Point::new(origin.x + half * a + 0.3 * c, origin.y + half * b + 0.3 * d);
        let reach = 0.5 * f64::from(size);
        if is_readable && !drawn.clip.inflate(reach, reach).contains(middle) {
            return;
        }
        self.ink.glyphs += u32::from(shown.is_ink || shown.text.is_empty());
        self.ink.unmapped += u32::from(shown.text.is_empty());
        if shown.text.is_empty() || !is_readable {
            return;
        }
        let (mut x, mut y) = (origin.x, origin.y);
        let mut angle = b.atan2(a).to_degrees();
        let mut advance = (shown.advance.x * length) as f32;
        if drawn.face.is_vertical {
            // The drawn origin is the horizontal one, at the left of the baseline; the column's
            // centre line is half an em right of it, the cell's top about 0.88 em above it.
            x += a * 0.5 + c * 0.88;
            y += b * 0.5 + d * 0.88;
            angle += 90.0;
            advance = size;
        }
        if !advance.is_finite() || advance < 0.0 {
            advance = 0.0;
        }
        // Some writers give every hyphen the code of the soft one. What is drawn is a hyphen; what
        // takes no room is a place to break at, and invisible.
        let text = match shown.text.as_str() {
            "\u{ad}" if advance < 0.05 * size => return,
            "\u{ad}" => "-",
            text => text,
        };
        let start = self.characters.len() as u32;
        self.characters.push_str(text);
        let angle = snap(angle);
        let (sin, cos) = sin_cos(angle);
        let glyph = Glyph {
            start,
            end: self.characters.len() as u32,
            angle,
            along: x as f32 * cos + y as f32 * sin,
            across: y as f32 * cos - x as f32 * sin,
            advance: advance.min(4.0 * size.max(1.0)),
            size,
            is_space: !shown.is_ink,
            font: drawn.face.index,
            is_vertical: drawn.face.is_vertical,
            is_invisible: drawn.is_invisible,
            is_artifact: drawn.is_artifact,
        };
        if shown.is_ink && self.is_overprint(&glyph, x as f32, y as f32) {
            self.characters.truncate(start as usize);
            return;
        }
        self.glyphs.push(glyph);
    }

    /// Lets the glyphs from `first` on stand for `text`, as `/ActualText` says they do.
    ///
    /// Only for a few glyphs on one baseline: a ligature, a broken word, a letter with its accent.
    /// Whole paragraphs so marked are read from their glyphs, which have places.
    pub(super) fn replace(&mut self, first: usize, text: &str) {
        let glyphs = self.glyphs.get(first..).unwrap_or(&[]);
        let (Some(&head), Some(&last)) = (glyphs.first(), glyphs.last()) else {
            return;
        };
        let is_level = |glyph: &Glyph| {
            glyph.angle == head.angle && (glyph.across - head.across).abs() < 0.6 * head.size
        };
        let shown: String = glyphs.iter().map(|glyph| self.text(glyph)).collect();
        let is_hyphen = |text: &str| matches!(text, "-" | "\u{2010}" | "\u{ad}");
        let has_rtl = |text: &str| text.chars().any(is_right_to_left);
        // Right to left, producers disagree on whether it is in the order of reading or of drawing.
        if glyphs.len() > 40
            || has_rtl(text)
            || has_rtl(&shown)
            || text.chars().count() > 80
            || shown.trim() == text
            || shown.trim().is_empty()
            || is_hyphen(text)
            || is_hyphen(shown.trim())
            || !glyphs.iter().all(is_level)
        {
            return;
        }
        let start = self.characters.len() as u32;
        self.characters.push_str(text);
        let merged = Glyph {
            start,
            end: self.characters.len() as u32,
            advance: (last.along + last.advance - head.along).max(0.0),
            is_space: false,
            ..head
        };
        self.glyphs.truncate(first);
        self.glyphs.push(merged);
    }

    /// Leaves out hidden text under visible text; a scan's hidden text is all that it has.
    pub(super) fn drop_hidden(&mut self) {
        let hidden = self.glyphs.iter().filter(|g| g.is_invisible).count();
        let visible = self.glyphs.len() - hidden;
        if hidden > 0 && visible >= hidden && self.ink.images == 0 {
            self.glyphs.retain(|glyph| !glyph.is_invisible);
        }
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
                    let Some(other) = self.glyphs.get(other as usize) else {
                        continue;
                    };
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
