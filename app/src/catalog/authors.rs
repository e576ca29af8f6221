//! Names of authors, as papers print them and as people type them: `Jane Q. Smith`, `Smith, J.`,
//! `JQ Smith`, `smith`.
//!
//! A name is its words in the order given names, family name, folded to lower case without
//! accents. What is typed matches a name where its words stand in the name in that order; an
//! initial stands for any word that it begins, on either side, but one word must be there in full.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A name, in every way that it can be read.
#[derive(Debug, Clone)]
pub(super) struct Name {
    readings: Vec<Reading>,
}

/// A name, cut into words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    words: Vec<Word>,
    /// Which end the family name stands at was written down: by a comma or by initials.
    is_ordered: bool,
}

/// A word of a name in every spelling that it goes by: `müller` is `muller` and `mueller`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    spellings: Vec<String>,
}

impl Name {
    /// Cuts a name into words. `JQ` may be initials (`JQ Smith`) or a name (`Wei LI`).
    pub(super) fn parse(text: &str) -> Self {
        let mut readings = vec![Reading::parse(text, false)];
        let with_initials = Reading::parse(text, true);
        if with_initials != readings[0] {
            readings.push(with_initials);
        }
        Self { readings }
    }

    /// Every spelling of the words that are more than an initial.
    pub(super) fn full_words(&self) -> impl Iterator<Item = &str> {
        self.readings
            .iter()
            .flat_map(|reading| &reading.words)
            .filter(|word| !word.is_initial())
            .flat_map(|word| word.spellings.iter().map(String::as_str))
    }

    /// True where `self`, as typed, names the author `name`.
    pub(super) fn names(&self, name: &Name) -> bool {
        self.readings
            .iter()
            .any(|typed| name.readings.iter().any(|name| typed.names(name)))
    }
}

impl Reading {
    fn parse(text: &str, splits_capitals: bool) -> Self {
        let words = |text| words(text, splits_capitals);
        let (family, mut all) = match text.split_once(',') {
            Some((family, given)) if !given.trim().is_empty() => (words(family), words(given)),
            _ => (Vec::new(), words(text)),
        };
        if !family.is_empty() {
            all.extend(family);
            return Self {
                words: all,
                is_ordered: true,
            };
        }
        if !splits_capitals && !all.is_empty() && has_capital_family(text) {
            all.rotate_left(1);
        }
        // "Smith J. Q.": initials at the end only, so the family name came first.
        let initials = all
            .iter()
            .rev()
            .take_while(|word| word.is_initial())
            .count();
        if initials > 0 && initials < all.len() {
            let families = all.len() - initials;
            all.rotate_left(families);
        }
        Self {
            is_ordered: all.iter().any(Word::is_initial),
            words: all,
        }
    }

    fn names(&self, name: &Reading) -> bool {
        if is_within(&self.words, &name.words) {
            return true;
        }
        // "Smith Jane", without a comma.
        !self.is_ordered
            && (1..self.words.len()).any(|first| {
                let mut turned = self.words.clone();
                turned.rotate_left(first);
                is_within(&turned, &name.words)
            })
    }
}

impl Word {
    /// A letter alone. Chinese, Japanese and Korean names have words of one character.
    fn is_initial(&self) -> bool {
        self.spellings.iter().all(|spelling| {
            let mut letters = spelling.chars();
            letters.next().is_some_and(|c| c < '\u{2E80}') && letters.next().is_none()
        })
    }

    fn begins_with(&self, initial: &Word) -> bool {
        self.spellings.iter().any(|word| {
            initial
                .spellings
                .iter()
                .any(|one| word.starts_with(one.as_str()))
        })
    }

    fn is_also(&self, other: &Word) -> bool {
        self.spellings
            .iter()
            .any(|spelling| other.spellings.contains(spelling))
    }
}

/// True where the words typed stand in a name, in this order, at least one of them in full.
fn is_within(typed: &[Word], name: &[Word]) -> bool {
    let mut rest = name.iter();
    let mut any_in_full = false;
    for word in typed {
        let found =
            rest.by_ref().any(
                |candidate| match (word.is_initial(), candidate.is_initial()) {
                    (false, false) => {
                        let same = word.is_also(candidate);
                        any_in_full |= same;
                        same
                    }
                    (true, _) => candidate.begins_with(word),
                    (false, true) => word.begins_with(candidate),
                },
            );
        if !found {
            return false;
        }
    }
    any_in_full
}

/// True for "ONGARO Diego": a family name in capitals before given names.
fn has_capital_family(text: &str) -> bool {
    let mut tokens = text.split_whitespace();
    let family = tokens.next().unwrap_or_default();
    family.chars().filter(|c| c.is_alphabetic()).count() > 1
        && !family.contains('.')
        && !family.chars().any(char::is_lowercase)
        && tokens.any(|token| token.chars().any(char::is_lowercase))
}

fn words(text: &str, splits_capitals: bool) -> Vec<Word> {
    let mut words = Vec::new();
    let tokens =
        text.split(|c: char| c.is_whitespace() || ".,;-\u{2010}\u{2011}\u{2013}\u{b7}".contains(c));
    for token in tokens {
        let is_short = (2..=3).contains(&token.chars().count());
        if splits_capitals && is_short && token.chars().all(char::is_uppercase) {
            words.extend(token.chars().map(|letter| word(&letter.to_string())));
        } else {
            words.push(word(token));
        }
    }
    words.retain(|word| !word.spellings[0].is_empty());
    words
}

fn word(token: &str) -> Word {
    let mut spellings = vec![folded(token)];
    let lower = token.nfc().collect::<String>().to_lowercase();
    if lower.contains(['ä', 'ö', 'ü', 'ø', 'å']) {
        let spelt_out: String = lower
            .chars()
            .map(|c| match c {
                'ä' => "ae".to_owned(),
                'ö' | 'ø' => "oe".to_owned(),
                'ü' => "ue".to_owned(),
                'å' => "aa".to_owned(),
                other => other.to_string(),
            })
            .collect();
        spellings.push(folded(&spelt_out));
    }
    Word { spellings }
}

/// Lower case, without accents, letters and digits only.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' | 'ẞ' => folded.push_str("ss"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'ø' | 'Ø' => folded.push('o'),
            'ł' | 'Ł' => folded.push('l'),
            'đ' | 'Đ' | 'ð' | 'Ð' => folded.push('d'),
            'þ' | 'Þ' => folded.push_str("th"),
            'ı' | 'İ' => folded.push('i'),
            c if c.is_alphanumeric() => folded.extend(c.to_lowercase()),
            _ => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_typed() {
        for (typed, printed) in [
            ("Smith", "Jane Q. Smith"),
            ("smith", "SMITH, J."),
            ("Jane Smith", "Jane Q. Smith"),
            ("Smith, Jane", "Jane Q. Smith"),
            ("Smith Jane", "Jane Smith"),
            ("J. Smith", "Jane Q. Smith"),
            ("Smith J", "Jane Smith"),
            ("JQ Smith", "Jane Q. Smith"),
            ("Smith JQ", "Jane Quentin Smith"),
            ("Jane Smith", "J. Smith"),
            ("Smith, J. Q.", "Smith JQ"),
            ("van der Berg", "Jan van der Berg"),
            ("J. Berg", "Jan van der Berg"),
            ("boyd graber", "Jordan Boyd-Graber"),
            ("Graber", "Jordan Boyd\u{2010}Graber"),
            ("OBrien", "Mary O\u{2019}Brien"),
            ("Muller", "K. Müller"),
            ("Mueller", "K. Mu\u{308}ller"),
            ("Müller", "Klaus Mueller"),
            ("Erdos", "Paul Erdős"),
            ("Łukasz Kaiser", "Lukasz Kaiser"),
            ("J.-P. Serre", "Jean-Pierre Serre"),
            ("LI", "Wei Li"),
            ("W. Li", "LI Wei"),
            ("Li", "Wei LI"),
            ("D. Ongaro", "ONGARO Diego"),
            ("W. Li", "Wei LI"),
            ("张", "张 伟"),
        ] {
            assert!(
                Name::parse(typed).names(&Name::parse(printed)),
                "{typed} for {printed}"
            );
        }
    }

    #[test]
    fn another_name_is_not() {
        for (typed, printed) in [
            ("Smith", "Jane Smithson"),
            ("Jane Smith", "John Smith"),
            ("K. Smith", "Jane Smith"),
            ("J. Smith", "Smith Jones"),
            ("J. S.", "Jane Smith"),
            ("", "Jane Smith"),
            ("...", "Jane Smith"),
            ("Smith Smith", "Jane Smith"),
            ("Li", "Wei Liu"),
        ] {
            assert!(
                !Name::parse(typed).names(&Name::parse(printed)),
                "{typed} for {printed}"
            );
        }
    }

    #[test]
    fn words_to_look_up_are_whole() {
        let name = Name::parse("J.-P. Müller-Ngô");
        assert_eq!(
            name.full_words().collect::<Vec<_>>(),
            ["muller", "mueller", "ngo"]
        );
    }
}
