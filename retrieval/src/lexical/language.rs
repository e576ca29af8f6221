//! Which language a document is in, and what that means for its words: the stemmer and the words
//! that carry no meaning.
//!
//! A document's language is told from its text by trigrams and, where they leave a doubt, is
//! English: a title or a table of numbers says too little. A language without a stemmer keeps its
//! words as they are. Chinese, Japanese and Korean need no stemmer, and the Latin words that stand
//! in such text are nearly always English ones, so their documents count as English.
//!
//! Stemmers: Snowball, <https://snowballstem.org>.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Language as Listed, RawTokenizer, StopWordFilter, TextAnalyzer};
use whatlang::{Lang, Script};

use super::analysis::words;
use super::stop_words;

/// Letters below which a text's language is not guessed.
const ENOUGH_LETTERS: usize = 40;
/// One in so many words is a stop word in any English text, and in no other language an English
/// one; telling so is a hundred times faster than by trigrams.
const ENGLISH_SHARE: usize = 4;
/// Confidence from which a Latin-script text counts as another language than English.
const CONFIDENT: f64 = 0.9;

/// How a document's words are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Language {
    English,
    Arabic,
    Danish,
    Dutch,
    Finnish,
    French,
    German,
    Greek,
    Hungarian,
    Italian,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Spanish,
    Swedish,
    Tamil,
    Turkish,
    /// One that has no stemmer here.
    Other,
}

use Language::{
    Arabic, Danish, Dutch, English, Finnish, French, German, Greek, Hungarian, Italian, Norwegian,
    Other, Portuguese, Romanian, Russian, Spanish, Swedish, Tamil, Turkish,
};

/// Code in the index, detector's name, stemmer, list of stop words.
type Row = (
    Language,
    &'static str,
    Option<Lang>,
    Option<Algorithm>,
    Option<Listed>,
);

const TABLE: [Row; 19] = [
    (
        English,
        "en",
        Some(Lang::Eng),
        Some(Algorithm::English),
        None,
    ),
    (Arabic, "ar", Some(Lang::Ara), Some(Algorithm::Arabic), None),
    (
        Danish,
        "da",
        Some(Lang::Dan),
        Some(Algorithm::Danish),
        Some(Listed::Danish),
    ),
    (
        Dutch,
        "nl",
        Some(Lang::Nld),
        Some(Algorithm::Dutch),
        Some(Listed::Dutch),
    ),
    (
        Finnish,
        "fi",
        Some(Lang::Fin),
        Some(Algorithm::Finnish),
        Some(Listed::Finnish),
    ),
    (
        French,
        "fr",
        Some(Lang::Fra),
        Some(Algorithm::French),
        Some(Listed::French),
    ),
    (
        German,
        "de",
        Some(Lang::Deu),
        Some(Algorithm::German),
        Some(Listed::German),
    ),
    (Greek, "el", Some(Lang::Ell), Some(Algorithm::Greek), None),
    (
        Hungarian,
        "hu",
        Some(Lang::Hun),
        Some(Algorithm::Hungarian),
        Some(Listed::Hungarian),
    ),
    (
        Italian,
        "it",
        Some(Lang::Ita),
        Some(Algorithm::Italian),
        Some(Listed::Italian),
    ),
    (
        Norwegian,
        "no",
        Some(Lang::Nob),
        Some(Algorithm::Norwegian),
        Some(Listed::Norwegian),
    ),
    (
        Portuguese,
        "pt",
        Some(Lang::Por),
        Some(Algorithm::Portuguese),
        Some(Listed::Portuguese),
    ),
    (
        Romanian,
        "ro",
        Some(Lang::Ron),
        Some(Algorithm::Romanian),
        None,
    ),
    (
        Russian,
        "ru",
        Some(Lang::Rus),
        Some(Algorithm::Russian),
        Some(Listed::Russian),
    ),
    (
        Spanish,
        "es",
        Some(Lang::Spa),
        Some(Algorithm::Spanish),
        Some(Listed::Spanish),
    ),
    (
        Swedish,
        "sv",
        Some(Lang::Swe),
        Some(Algorithm::Swedish),
        Some(Listed::Swedish),
    ),
    (Tamil, "ta", Some(Lang::Tam), Some(Algorithm::Tamil), None),
    (
        Turkish,
        "tr",
        Some(Lang::Tur),
        Some(Algorithm::Turkish),
        None,
    ),
    (Other, "", None, None, None),
];

impl Language {
    /// The language of a text, English where it cannot be told.
    pub(super) fn of(text: &str) -> Self {
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let (mut all, mut stop) = (0, 0);
        for word in words(text) {
            all += 1;
            stop += usize::from(English.is_stop_word(&word.surface));
        }
        if letters < ENOUGH_LETTERS || stop * ENGLISH_SHARE >= all {
            return English;
        }
        let Some(info) = whatlang::detect(text) else {
            return English;
        };
        match info.script() {
            Script::Latin if info.confidence() < CONFIDENT => English,
            Script::Mandarin | Script::Hiragana | Script::Katakana | Script::Hangul => English,
            _ => TABLE
                .iter()
                .find(|row| row.2 == Some(info.lang()))
                .map_or(Other, |row| row.0),
        }
    }

    /// Its code in the index.
    pub(super) fn code(self) -> &'static str {
        self.row().1
    }

    /// The language of a code of the index.
    pub(super) fn from_code(code: &str) -> Self {
        TABLE
            .iter()
            .find(|row| row.1 == code)
            .map_or(Other, |row| row.0)
    }

    /// The stem of a lower-case word.
    pub(super) fn stem(self, word: &str) -> Cow<'_, str> {
        match self.row().3 {
            Some(algorithm) => Stemmer::new(algorithm).stem(word),
            None => Cow::Borrowed(word),
        }
    }

    /// True for a lower-case word that says nothing of what a text is about.
    pub(super) fn is_stop_word(self, word: &str) -> bool {
        static ENGLISH: LazyLock<HashSet<&str>> =
            LazyLock::new(|| stop_words::ENGLISH.split_whitespace().collect());
        // The lists of the others can be asked only by filtering a word.
        static OTHERS: LazyLock<HashMap<Language, TextAnalyzer>> = LazyLock::new(|| {
            let filters = TABLE
                .iter()
                .filter_map(|row| Some((row.0, StopWordFilter::new(row.4?)?)));
            filters
                .map(|(language, filter)| {
                    let analyser = TextAnalyzer::builder(RawTokenizer::default());
                    (language, analyser.filter(filter).build())
                })
                .collect()
        });
        match self {
            English => ENGLISH.contains(word),
            _ => OTHERS
                .get(&self)
                .is_some_and(|analyser| !analyser.clone().token_stream(word).advance()),
        }
    }

    fn row(self) -> &'static Row {
        TABLE
            .iter()
            .find(|row| row.0 == self)
            .unwrap_or(&TABLE[TABLE.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_told_from_a_sentence_or_two_and_english_in_doubt() {
        for (text, expected) in [
            ("BRCA1 p53 mRNA", English),
            ("Die Bibliothek", English),
            (
                "Die Häuser der Stadt wurden im neunzehnten Jahrhundert von Arbeitern gebaut.",
                German,
            ),
            (
                "Les maisons de la ville étaient construites par des ouvriers expérimentés.",
                French,
            ),
            (
                "We identified 14 loss-of-function variants in BRCA1, TP53, ATM and CHEK2 (n = 312; \
                 p < 0.001) by PCR-RFLP and HPLC-MS/MS.",
                English,
            ),
            (
                "Нейронные сети обучаются на больших наборах данных и решают задачи.",
                Russian,
            ),
            (
                "Тексти українською мовою також індексуються, але без основ слів.",
                Other,
            ),
            (
                "基于深度学习的图像识别方法在医学影像中取得了很好的效果，并且应用广泛。研究表明该方法优于传统方法。",
                English,
            ),
        ] {
            assert_eq!(Language::of(text), expected, "{text}");
        }
    }

    #[test]
    fn every_language_finds_itself_by_its_code() {
        for row in TABLE {
            assert_eq!(Language::from_code(row.1), row.0);
            assert_eq!(row.0.row().1, row.1);
        }
        assert!(German.is_stop_word("und") && !German.is_stop_word("haus"));
        assert!(English.is_stop_word("which") && !English.is_stop_word("und"));
    }
}
