//! Single characters: those that no text has, and those of one code page read as another.

use std::collections::HashSet;

/// True where too many characters are none, or signs stand where letters should.
pub(super) fn are_garbled(text: &str) -> bool {
    Characters::count(text).is_garbled()
}

/// Counts of a page's characters, white space apart.
#[derive(Debug, Default)]
struct Characters {
    all: usize,
    /// Private, control, unassigned by design, or the replacement character.
    none: usize,
    /// Letters and symbols of Latin-1 and its kin, standing where no Latin letter is near.
    stray: usize,
    stray_kinds: HashSet<char>,
    /// Starts of UTF-8 sequences that were read byte by byte.
    utf8: usize,
    /// ASCII and Latin-1 punctuation, a run of one kind counted once.
    punctuation: usize,
    runs: usize,
}

impl Characters {
    fn count(text: &str) -> Self {
        let mut counts = Characters::default();
        let mut before = ' ';
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let after = chars.peek().copied().unwrap_or(' ');
            if !c.is_whitespace() {
                counts.take(c, before, after);
            }
            before = c;
        }
        counts
    }

    fn take(&mut self, c: char, before: char, after: char) {
        self.all += 1;
        self.runs += usize::from(c != before);
        self.none += usize::from(is_no_character(c));
        self.punctuation += usize::from(
            c != before && (c.is_ascii_punctuation() || matches!(c, '\u{a1}'..='\u{bf}')),
        );
        self.utf8 += usize::from(
            matches!(c, 'Ã' | 'Â') && matches!(after, '\u{80}'..='\u{bf}')
                || c == 'â' && matches!(after, '€' | '\u{80}'..='\u{9f}'),
        );
        if is_stray(c) && !before.is_ascii_alphabetic() && !after.is_ascii_alphabetic() {
            self.stray += 1;
            self.stray_kinds.insert(c);
        }
    }

    fn is_garbled(&self) -> bool {
        let over = |count: usize, percent: usize| count * 100 > percent * self.all;
        (self.none >= 3 && over(self.none, 5))
            || (self.stray >= 8 && self.stray_kinds.len() >= 4 && over(self.stray, 4))
            || (self.utf8 >= 5 && over(self.utf8, 1))
            || (self.runs >= 100 && self.punctuation * 100 > 60 * self.runs)
    }
}

/// What no text contains (<https://www.unicode.org/versions/latest/core-spec/chapter-23/>).
fn is_no_character(c: char) -> bool {
    let code = u32::from(c);
    c == '\u{fffd}'
        || c.is_control()
        || matches!(code, 0xe000..=0xf8ff | 0xf_0000..=0x10_ffff)
        || matches!(code, 0xfdd0..=0xfdef)
        || code & 0xfffe == 0xfffe
}

/// Signs that are frequent where another code page was read as Western, and rare alone elsewhere.
/// Quotation marks, degrees, operators, fractions and small accented letters, which some languages
/// have as words, are not among them.
fn is_stray(c: char) -> bool {
    matches!(
        c,
        '¢' | '£' | '¤' | '¥' | '¦' | '¨' | '¬' | '¯' | '¸' | '¿' | '¡' | 'À'..='Ö' | 'Ø'..='Þ'
            | 'ð' | 'þ' | 'ÿ' | 'Œ' | 'œ' | 'ƒ' | 'ˆ' | '˜' | '‡' | '‰' | '‹' | '›' | 'Š' | 'š'
            | 'Ž' | 'ž' | 'Ÿ' | 'ł' | 'Ł'
    )
}
