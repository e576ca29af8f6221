//! Text into words: the one tokenizer that index, query and highlighting share.
//!
//! A word is a run of letters and digits in any script. Punctuation parts words, except an
//! apostrophe between letters and a full stop between digits: "state-of-the-art" is four words in a
//! row, "3.14" is one. Scripts that put no spaces between words (Chinese, Japanese, Korean, Thai and
//! its neighbours) become overlapping pairs of characters, which needs no dictionary and finds
//! every word of two characters or more; a Han character also counts alone, since it often is a
//! word. Latin words inside such text stay words.
//!
//! A word is normalised by Unicode NFKC (ligatures, full-width letters, sub- and superscripts),
//! lower-cased, stemmed in its document's language and, after that, freed of accents, so that
//! "Möbius" and "mobius" meet. Places in the text are kept throughout.

use std::borrow::Cow;
use std::ops::Range;

use tantivy::tokenizer::{PreTokenizedString, Token};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::language::Language;

/// Longest word in bytes; what is longer is encoded data, not language.
const LONGEST: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'t> {
    /// Where it stands in the text, in bytes.
    pub(super) range: Range<usize>,
    /// Number of words before it.
    pub(super) position: usize,
    /// Normalised and in lower case, not stemmed.
    pub(super) surface: Cow<'t, str>,
    /// One character of a run whose pairs are given too; a query leaves it out.
    pub(super) part_of_pair: bool,
}

impl Word<'_> {
    /// The word as `language` has it in the index.
    pub(super) fn term(&self, language: Language) -> String {
        let stem = language.stem(&self.surface);
        // A stemmer may leave nothing of a very short word.
        fold(if stem.is_empty() {
            &self.surface
        } else {
            &stem
        })
    }

    /// The word as the fields that are not stemmed have it.
    pub(super) fn plain(&self) -> String {
        fold(&self.surface)
    }
}

/// The words of `text` in order; one that is longer than 64 bytes leaves a gap in the positions.
pub(super) fn words(text: &str) -> Words<'_> {
    Words {
        text,
        at: 0,
        position: 0,
        run: None,
        alone: None,
    }
}

/// Iterator of [`words`].
pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
    position: usize,
    /// End of the run without spaces that is being cut, and whether more than one character is in it.
    run: Option<(usize, bool)>,
    /// The next word, where one character gave two.
    alone: Option<Word<'t>>,
}

impl<'t> Iterator for Words<'t> {
    type Item = Word<'t>;

    fn next(&mut self) -> Option<Word<'t>> {
        if let Some(word) = self.alone.take() {
            return Some(word);
        }
        loop {
            if let Some((end, several)) = self.run {
                if self.at < end {
                    if let Some(word) = self.pair(end, several) {
                        return Some(word);
                    }
                    continue;
                }
                self.run = None;
            }
            let rest = &self.text[self.at..];
            let (skipped, first) = rest.char_indices().find(|(_, c)| c.is_alphanumeric())?;
            let start = self.at + skipped;
            if is_spaceless(first) {
                let mut chars = self.text[start..].char_indices();
                let end = chars
                    .find(|(_, c)| !is_spaceless(*c))
                    .map_or(self.text.len(), |(length, _)| start + length);
                self.at = start;
                self.run = Some((end, self.text[start..end].chars().nth(1).is_some()));
                continue;
            }
            let end = start + word_length(&self.text[start..]);
            self.at = end;
            self.position += 1;
            let surface = normalised(&self.text[start..end]);
            if surface.len() <= LONGEST && !surface.is_empty() {
                return Some(Word {
                    range: start..end,
                    position: self.position - 1,
                    surface,
                    part_of_pair: false,
                });
            }
        }
    }
}

impl<'t> Words<'t> {
    /// The pair at the current place of a run, or its last character; moves one character on.
    fn pair(&mut self, end: usize, several: bool) -> Option<Word<'t>> {
        let start = self.at;
        let mut chars = self.text[start..end].char_indices();
        let (_, first) = chars.next()?;
        let second = chars.next();
        self.at = second.map_or(end, |(length, _)| start + length);
        self.position += 1;
        let word = |range: Range<usize>, part_of_pair| Word {
            surface: normalised(&self.text[range.clone()]),
            range,
            position: self.position - 1,
            part_of_pair,
        };
        let single = (is_han(first) || !several).then(|| word(start..self.at, several));
        match second {
            Some((length, second)) => {
                self.alone = single;
                Some(word(start..start + length + second.len_utf8(), false))
            }
            None => single,
        }
    }
}

/// Length in bytes of the word that `text` begins with.
fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let mut last = ' ';
    while let Some((place, c)) = chars.next() {
        let joins = |next: char| match c {
            '\'' | '’' | 'ʼ' => last.is_alphabetic() && next.is_alphabetic(),
            '.' => last.is_ascii_digit() && next.is_ascii_digit(),
            _ => false,
        };
        let inside = (c.is_alphanumeric() && !is_spaceless(c))
            || is_combining_mark(c)
            || is_invisible(c)
            || chars.peek().is_some_and(|(_, next)| joins(*next));
        if !inside {
            return place;
        }
        if !is_invisible(c) && !is_combining_mark(c) {
            last = c;
        }
    }
    text.len()
}

/// NFKC, lower case, without characters that cannot be seen.
fn normalised(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(word.to_ascii_lowercase())
        } else {
            Cow::Borrowed(word)
        };
    }
    // A word that is far too long is dropped whatever it becomes.
    if word.len() > 8 * LONGEST {
        return Cow::Borrowed(word);
    }
    let composed: String = word
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if matches!(c, '’' | 'ʼ') { '\'' } else { c })
        .nfkc()
        .collect();
    Cow::Owned(composed.to_lowercase())
}

/// Without accents and with Latin letters of one language written as those of all.
pub(super) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    let mut folded = String::with_capacity(word.len());
    for c in word.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ħ' => folded.push('h'),
            'ς' => folded.push('σ'),
            _ => folded.push(c),
        }
    }
    if folded.is_empty() {
        return word.to_owned();
    }
    // Hangul falls apart into letters without this.
    folded.nfc().collect()
}

/// Marks of direction and joining, soft hyphens, and the vowel points and lengtheners that Arabic
/// and Hebrew text may have or lack.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{640}' | '\u{64b}'..='\u{652}' | '\u{591}'..='\u{5bd}')
}

fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Of a script that puts no spaces between words, or, as Korean does, many words between two.
fn is_spaceless(c: char) -> bool {
    is_han(c)
        || matches!(c,
            // Kana and Bopomofo
            '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}'
            | '\u{30fc}'..='\u{30ff}' | '\u{3105}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}'
            | '\u{ff66}'..='\u{ff9f}'
            // Hangul
            | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{a960}'..='\u{a97c}'
            | '\u{ac00}'..='\u{d7fb}'
            // Thai, Lao, Burmese, Khmer, without their digits
            | '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e81}'..='\u{ecf}'
            | '\u{1000}'..='\u{103f}' | '\u{1780}'..='\u{17d3}')
}

/// `text` as tantivy indexes it, each word as `term` gives it.
pub(super) fn tokenized(text: &str, term: impl Fn(&Word<'_>) -> String) -> PreTokenizedString {
    let tokens = words(text)
        .map(|word| Token {
            offset_from: word.range.start,
            offset_to: word.range.end,
            position: word.position,
            position_length: 1,
            text: term(&word),
        })
        .collect();
    // The text itself is not kept in the index.
    PreTokenizedString {
        text: String::new(),
        tokens,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(language: Language, text: &str, expected: Expect) {
        let terms: Vec<String> = words(text)
            .map(|word| {
                let mark = if word.part_of_pair { "~" } else { "" };
                format!("{}{mark}{}", word.position, word.term(language))
            })
            .collect();
        expected.assert_eq(&terms.join(" "));
    }

    #[test]
    fn english_words() {
        check(
            Language::English,
            "State-of-the-art (2.5%) BERT-base's patients’ COVID-19, e.g. x86_64; don't",
            expect![
                "0state 1of 2the 3art 42.5 5bert 6base 7patient 8covid 919 10e 11g 12x86 1364 14don't"
            ],
        );
        check(
            Language::English,
            "eﬃcient ｄｉｆｆｕｓｉｏｎ H₂O Möbius naïve co\u{ad}operate",
            expect!["0effici 1diffus 2h2o 3mobius 4naiv 5cooper"],
        );
    }

    #[test]
    fn other_languages() {
        check(
            Language::German,
            "Die Häuser der Straßen",
            expect!["0die 1haus 2der 3strass"],
        );
        check(
            Language::French,
            "Les études cliniques",
            expect!["0le 1etud 2cliniqu"],
        );
        check(Language::Russian, "Нейронные сети", expect!["0неирон 1сет"]);
        check(
            Language::Other,
            "zażółć gęślą jaźń",
            expect!["0zazolc 1gesla 2jazn"],
        );
    }

    #[test]
    fn text_without_spaces() {
        check(
            Language::English,
            "基于BERT的机器学习，犬 が好き。기계 학습 2024年",
            expect![
                "0基于 0~基 1~于 2bert 3的机 3~的 4机器 4~机 5器学 5~器 6学习 6~学 7~习 8犬 9が好 10好き 10~好 12기계 14학습 162024 17年"
            ],
        );
        check(
            Language::English,
            "ภาษาไทย",
            expect!["0ภา 1าษ 2ษา 3าไ 4ไท 5ทย"],
        );
    }

    #[test]
    fn a_word_of_a_thousand_letters_is_left_out() {
        let text = format!("one {} two", "x".repeat(1000));
        check(Language::English, &text, expect!["0one 2two"]);
    }

    proptest! {
        #[test]
        fn words_stand_where_they_say(text in "\\PC{0,60}|[a-z'’.\u{ad}\u{301}犬がㅎ한ก 0-9-]{0,40}") {
            let mut last = 0;
            for word in words(&text) {
                prop_assert!(text.get(word.range.clone()).is_some());
                prop_assert!(!word.range.is_empty());
                prop_assert!(word.position >= last);
                prop_assert!(!word.term(Language::Turkish).is_empty());
                last = word.position;
            }
        }
    }
}
