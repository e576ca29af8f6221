//! Where one block of a page ends and the next begins, told by spacing, type size and headings.
//!
//! Blocks are set apart in the text by an empty line, so that a heading, a cell of a figure or a
//! formula does not become part of the sentence beside it. A sentence that visibly goes on (no
//! stop above, lower case below) is never cut: inline formulas spread lines too.

use crate::{Line, Page, section};

/// A gap between lines this much larger than the page's usual one parts blocks.
const WIDE_GAP: f32 = 1.35;
/// Sizes that differ by more than this share belong to different blocks.
const OTHER_SIZE: f32 = 0.12;

/// The usual distance of a page's lines.
pub(crate) struct Spacing {
    /// From one line's bottom to the next one's, in points; the median of the page.
    leading: f32,
}

impl Spacing {
    /// Measures a page.
    pub(crate) fn of(page: &Page) -> Self {
        let mut distances: Vec<f32> = page
            .lines
            .windows(2)
            .filter(|pair| is_below(&pair[0], &pair[1]))
            .map(|pair| pair[1].rect.y1 - pair[0].rect.y1)
            .filter(|distance| *distance < 40.0)
            .collect();
        distances.sort_by(f32::total_cmp);
        let leading = distances.get(distances.len() / 2).copied().unwrap_or(12.0);
        Self { leading }
    }

    /// True where a block ends between two lines that follow each other; `above` and `below` are
    /// given with their texts.
    pub(crate) fn parts(&self, above: (&Line, &str), below: (&Line, &str)) -> bool {
        let (upper, upper_text) = above;
        let (lower, lower_text) = below;
        if section::is_heading(upper_text, lower_text) || section::is_heading(lower_text, "") {
            return true;
        }
        if goes_on(upper_text, lower_text) || !is_below(upper, lower) {
            return false;
        }
        let (small, large) = if upper.font_size < lower.font_size {
            (upper.font_size, lower.font_size)
        } else {
            (lower.font_size, upper.font_size)
        };
        let distance = lower.rect.y1 - upper.rect.y1;
        large - small > OTHER_SIZE * large || distance > WIDE_GAP * self.leading
    }
}

/// True where the sentence of the upper line visibly goes on in the lower one.
fn goes_on(upper: &str, lower: &str) -> bool {
    let is_ended = upper
        .trim_end()
        .trim_end_matches([')', ']', '"', '\u{201d}', '\u{2019}'])
        .ends_with(['.', '!', '?', ':', ';', '。', '！', '？']);
    !is_ended
        && lower
            .trim_start()
            .chars()
            .next()
            .is_some_and(char::is_lowercase)
}

/// True where the second line stands under the first in the same column; the next column starts
/// higher, or beside it.
fn is_below(upper: &Line, lower: &Line) -> bool {
    let overlap = upper.rect.x1.min(lower.rect.x1) - upper.rect.x0.max(lower.rect.x0);
    lower.rect.y1 > upper.rect.y1 && overlap > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rect;

    fn line(y: f32, size: f32) -> Line {
        let rect = Rect {
            x0: 50.0,
            y0: y - size,
            x1: 250.0,
            y1: y,
        };
        Line {
            rect,
            start: 0,
            end: 0,
            font_size: size,
            spans: Vec::new(),
        }
    }

    fn page(lines: Vec<Line>) -> Page {
        Page {
            number: 1,
            width: 600.0,
            height: 800.0,
            text: String::new(),
            lines,
            ..Page::default()
        }
    }

    #[test]
    fn blocks_end_at_gaps_sizes_and_headings() {
        let body: Vec<Line> = (0..6)
            .map(|row| line(100.0 + 12.0 * row as f32, 10.0))
            .collect();
        let spacing = Spacing::of(&page(body.clone()));
        let parts =
            |upper: &Line, a: &str, lower: &Line, b: &str| spacing.parts((upper, a), (lower, b));

        assert!(!parts(
            &body[0],
            "The score is the",
            &body[1],
            "sum of all."
        ));
        assert!(!parts(
            &body[0],
            "It ends here.",
            &body[1],
            "The next begins."
        ));
        assert!(
            parts(
                &body[0],
                "of their own:",
                &line(130.0, 10.0),
                "8/64 + 32/256 = 0.127"
            ),
            "a gap"
        );
        assert!(
            !parts(
                &body[0],
                "a formula that",
                &line(130.0, 10.0),
                "spreads the lines"
            ),
            "it goes on"
        );
        assert!(
            parts(
                &body[0],
                "It ends here.",
                &line(112.0, 8.0),
                "Figure 2. Levels."
            ),
            "a caption"
        );
        assert!(parts(
            &body[0],
            "3.2 Double quantisation",
            &body[1],
            "Each block needs its scale."
        ));
        assert!(parts(
            &body[0],
            "It ends here.",
            &body[1],
            "3.2 Double quantisation"
        ));
        assert!(!parts(
            &line(700.0, 10.0),
            "It ends here.",
            &line(80.0, 10.0),
            "The next column."
        ));
    }
}
