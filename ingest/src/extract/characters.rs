//! Which characters of a font's answer become text.
//!
//! A glyph's characters come from tables that the PDF's producer wrote, so they hold ligatures,
//! presentation forms, typographic spaces, control characters and private-use codes. What is left
//! here is what a person would type to search for it.

use unicode_normalization::UnicodeNormalization;

/// Appends what `raw` means as plain text to `out`; returns whether anything but space was kept.
pub(super) fn push_clean(raw: char, out: &mut String) -> bool {
    match raw {
        ' '..='~' => {
            out.push(raw);
            raw != ' '
        }
        '\t'
        | '\n'
        | '\r'
        | '\u{a0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{3000}' => {
            out.push(' ');
            false
        }
        _ if is_noise(raw) => false,
        // Latin and Armenian ligatures, Arabic presentation forms, mathematical letters: the same
        // letters in another dress.
        '\u{fb00}'..='\u{fb17}'
        | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}'
        | '\u{1d400}'..='\u{1d7ff}' => {
            out.extend(std::iter::once(raw).nfkc());
            true
        }
        // CJK radicals are drawn where the ordinary ideograph is meant.
        '\u{2e80}'..='\u{2fdf}' | '\u{f900}'..='\u{faff}' => {
            out.extend(std::iter::once(raw).nfkc());
            true
        }
        _ => {
            out.push(raw);
            true
        }
    }
}

/// Characters that carry nothing: controls, replacement characters, private use, zero widths.
fn is_noise(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{fffc}' | '\u{fffd}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
        || (c as u32) & 0xfffe == 0xfffe
}

/// The combining form of an accent that TeX and old fonts draw as a glyph of its own.
pub(super) fn combining(accent: char) -> Option<char> {
    Some(match accent {
        '\u{60}' | '\u{2cb}' => '\u{300}',
        '\u{b4}' | '\u{2ca}' => '\u{301}',
        '\u{5e}' | '\u{2c6}' => '\u{302}',
        '\u{7e}' | '\u{2dc}' => '\u{303}',
        '\u{af}' | '\u{2c9}' => '\u{304}',
        '\u{2d8}' => '\u{306}',
        '\u{2d9}' => '\u{307}',
        '\u{a8}' => '\u{308}',
        '\u{2da}' => '\u{30a}',
        '\u{2dd}' => '\u{30b}',
        '\u{2c7}' => '\u{30c}',
        '\u{b8}' => '\u{327}',
        '\u{2db}' => '\u{328}',
        '\u{300}'..='\u{36f}' => accent,
        _ => return None,
    })
}

/// True for scripts that put no space between words.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{2fdf}' | '\u{3000}'..='\u{30ff}' | '\u{3100}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ff65}' | '\u{20000}'..='\u{3ffff}')
}

/// True for letters that are written from right to left.
pub(super) fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(raw: &str) -> String {
        let mut out = String::new();
        for c in raw.chars() {
            push_clean(c, &mut out);
        }
        out
    }

    #[test]
    fn ligatures_are_spelled_out_and_noise_goes() {
        assert_eq!(clean("e\u{fb03}cient \u{fb01}eld"), "efficient field");
        assert_eq!(clean("a\0b\u{fffd}c\u{e001}d\u{200b}e"), "abcde");
        assert_eq!(clean("\u{1d465}\u{a0}=\u{2009}1"), "x = 1");
        assert_eq!(
            clean("x\u{b2} caf\u{e9} \u{4e2d}\u{6587}"),
            "x\u{b2} caf\u{e9} \u{4e2d}\u{6587}"
        );
    }
}
