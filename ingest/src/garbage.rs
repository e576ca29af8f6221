//! Where each page's text comes from, or why it has none: the verdict on which text recognition is
//! offered ([`PageText::needs_ocr`]).
//!
//! A PDF shows shapes; the characters are what the file says that they mean, and files are wrong in
//! two ways. Some say nothing for a shape, which the interpreter counts ([`Ink::unmapped`]). Others
//! say something false: glyph numbers as character codes, a Chinese code page as Latin-1, private
//! letters of a subset font. That is seen in the text only, and the tests here know no language:
//! characters that no text has, mojibake, scripts mixed inside words, and pairs of letters that are
//! rare in every language. The last catches substitution ciphers of any kind: over 40 words, text
//! in 34 languages scores at most 2.4 and ciphers of it at least 2.7 ([`PAIRS`]). A page is judged
//! only on enough text of the kind that a test looks at, so formulas, tables, code and short pages
//! pass. A false alarm costs more than a miss: it would throw good text away.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::PageText;
use crate::extract::{Ink, ReadPage};

/// Words needed before their letters are judged.
const MIN_WORDS: usize = 30;

/// Mean of [`PAIRS`] above which words are none.
const MAX_PAIR_LEVEL: f32 = 2.8;

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
    let is_unmapped = ink.unmapped >= 3 && u64::from(ink.unmapped) * 20 > u64::from(ink.glyphs);
    if text.trim().is_empty() {
        return if is_unmapped {
            PageText::Garbled
        } else if ink.images > 0 || ink.paths > 0 || ink.unmapped > 0 {
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

/// True where the text is no text in any language.
pub(crate) fn is_garbled(text: &str) -> bool {
    let characters = Characters::count(text);
    characters.is_garbled() || is_mixed(text) || is_cipher(text) || is_rare_chinese(text)
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Hebrew,
    Arabic,
    Other,
}

fn script(c: char) -> Option<Script> {
    Some(match u32::from(c) {
        _ if !c.is_alphabetic() => return None,
        // Signs of units and operators that Unicode counts as letters go with any script.
        0xaa | 0xb5 | 0xba | 0x2100..=0x214f | 0x1d400..=0x1d7ff => return None,
        0x41..=0x24f | 0x1e00..=0x1eff | 0xfb00..=0xfb06 => Script::Latin,
        0x370..=0x3ff | 0x1f00..=0x1fff => Script::Greek,
        0x400..=0x52f => Script::Cyrillic,
        0x590..=0x5ff | 0xfb1d..=0xfb4f => Script::Hebrew,
        0x600..=0x77f | 0x8a0..=0x8ff | 0xfb50..=0xfdff | 0xfe70..=0xfeff => Script::Arabic,
        _ => Script::Other,
    })
}

/// True where words of several letters often change between scripts that no language mixes.
fn is_mixed(text: &str) -> bool {
    let (mut words, mut mixed) = (0, 0);
    for word in text.split(|c: char| !c.is_alphabetic()) {
        let mut first = None;
        let (mut letters, mut changes) = (0, 0);
        // Longer than any word: not the place to look.
        for script in word.chars().take(64).filter_map(script) {
            letters += 1;
            // Chinese and Japanese run on into Latin without a space.
            if script == Script::Other {
                letters = 0;
                break;
            }
            changes += usize::from(first.is_some_and(|first| first != script));
            first = Some(script);
        }
        if letters >= 4 {
            words += 1;
            mixed += usize::from(changes > 0);
        }
    }
    words >= MIN_WORDS && 3 * mixed > words
}

/// True where the Latin words of a page have pairs of letters that no language has.
fn is_cipher(text: &str) -> bool {
    let (mut words, mut pairs, mut levels) = (0usize, 0usize, 0usize);
    let mut seen = HashSet::new();
    for word in text.split(|c: char| !c.is_alphabetic()) {
        let mut folded = String::new();
        // Cut short where it is no word anyway.
        if !word.chars().take(32).all(|c| fold(c, &mut folded)) || folded.len() < 3 {
            continue;
        }
        // Acronyms follow no language's rules.
        if folded.len() <= 5 && word.chars().all(char::is_uppercase) {
            continue;
        }
        // The labels of a table or plot count once.
        if !seen.insert(folded.clone()) {
            continue;
        }
        let bytes = folded.as_bytes();
        words += 1;
        pairs += bytes.len() - 1;
        levels += bytes
            .windows(2)
            .map(|pair| level(pair[0], pair[1]))
            .sum::<usize>();
    }
    words >= MIN_WORDS && levels as f32 > MAX_PAIR_LEVEL * pairs as f32
}

/// Characters of which every Chinese text has many, in both scripts: about a third of modern prose,
/// a fifth of tables and titles.
const COMMON_CHINESE: &str = "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能\
    而子那得于於着下自之年过過发發后後作里用道行所然家种種事成方多经經么去法学學如都同现現当當没動动面起看定天分还還进進\
    好小部其些主样樣理心本前开開但因只从從想实實日者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外\
    将將两兩高间間由问問很最重并並物手应應向文体體政相见見利什二等产產或新制身加表化合回特代内信位次度常通原提及比员員";

/// True where Chinese lacks its common characters: glyph numbers read as ideographs.
fn is_rare_chinese(text: &str) -> bool {
    let (mut ideographs, mut common, mut kana) = (0usize, 0usize, 0usize);
    let mut set = None;
    for c in text.chars() {
        match u32::from(c) {
            0x3400..=0x9fff | 0x2_0000..=0x3_ffff => {
                let set = set.get_or_insert_with(|| COMMON_CHINESE.chars().collect::<HashSet<_>>());
                ideographs += 1;
                common += usize::from(set.contains(&c));
            }
            0x3040..=0x30ff => kana += 1,
            _ => {}
        }
    }
    ideographs >= 200 && 30 * common < ideographs && 20 * kana < ideographs
}

/// Appends a Latin letter without its marks, in lower case; false where it is no Latin letter.
fn fold(c: char, folded: &mut String) -> bool {
    for c in std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)) {
        for c in c.to_lowercase() {
            match c {
                'a'..='z' => folded.push(c),
                'ł' => folded.push('l'),
                'ø' => folded.push('o'),
                'đ' | 'ð' => folded.push('d'),
                'ı' => folded.push('i'),
                'ß' => folded.push_str("ss"),
                'æ' => folded.push_str("ae"),
                'œ' => folded.push_str("oe"),
                'ﬁ' => folded.push_str("fi"),
                'ﬂ' => folded.push_str("fl"),
                c if is_combining_mark(c) => {}
                _ => return false,
            }
        }
    }
    true
}

fn level(first: u8, second: u8) -> usize {
    let row = PAIRS.get(usize::from(first.wrapping_sub(b'a')));
    row.and_then(|row| row.get(usize::from(second.wrapping_sub(b'a'))))
        .map_or(9, |digit| usize::from(digit - b'0'))
}

/// How rare a letter is after another (row), in the language where it is least so: minus the binary
/// logarithm of its share, at most 9. Counted over 34 languages in Latin script, marks taken off.
const PAIRS: [[u8; 26]; 26] = [
    *b"24333444233242334222334533",
    *b"14771661136154179245254628",
    *b"27451690131464269313385422",
    *b"15521652144343149344235833",
    *b"14333434243331447223234544",
    *b"14632252155463148333266947",
    *b"15441732113342159233163927",
    *b"15531494243244156362322929",
    *b"35321435433232355332444553",
    *b"18920559193241129543148943",
    *b"15351420252354129423257936",
    *b"15531644225244268733253934",
    *b"13761751245434129425264937",
    *b"25422512134442257532354735",
    *b"24323434233221338222322763",
    *b"16351450255363129153365945",
    *b"99991599249997699966099969",
    *b"25431543244445157333344842",
    *b"15262631252455346531356932",
    *b"16671661254454279233255433",
    *b"23332434232221229222354633",
    *b"14571786266363159345469925",
    *b"07531953055353259336494527",
    *b"11341355264436329551289429",
    *b"03220334343222214121344944",
    *b"04431624184332247443234923",
];

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "The library keeps what was read of a paper until somebody asks a question \
        about it, and answers with the sentences in which the authors themselves gave their findings. \
        Whoever doubts an answer can open the page and look at the place that it was taken from.";
    const GERMAN: &str = "Die Bücherei behält das Gelesene, bis jemand danach fragt, und antwortet mit \
        den Sätzen, in denen die Verfasser selbst ihre Ergebnisse mitgeteilt haben. Wer der Antwort \
        misstraut, schlägt die Seite auf und prüft die Stelle, von welcher sie übernommen wurde. \
        Übertragungsgeschwindigkeiten und Größenverhältnisse werden ebenfalls berücksichtigt.";
    const FINNISH: &str = "Kirjasto säilyttää luetun tekstin kunnes joku kysyy siitä, ja vastaa niillä \
        lauseilla joilla tekijät itse kertoivat tuloksistaan. Joka epäilee vastausta voi avata sivun \
        ja katsoa kohtaa josta vastaus on otettu. Tämä koskee myös taulukoita, kaavioita sekä \
        lähdeluetteloita, joita tutkimuksissa käytetään hyvin yleisesti.";
    const POLISH: &str = "Biblioteka przechowuje przeczytane teksty, dopóki ktoś nie zapyta o nie, i \
        odpowiada zdaniami, w których sami autorzy przedstawili swoje wyniki. Kto wątpi w odpowiedź, \
        może otworzyć stronę i sprawdzić miejsce, z którego została wzięta. Dotyczy to również tabel, \
        wykresów oraz spisów literatury, często używanych w badaniach.";
    const RUSSIAN: &str = "Библиотека хранит прочитанное, пока кто-нибудь не спросит, и отвечает \
        предложениями самих авторов. Кто сомневается, может открыть страницу и проверить место.";
    const GREEK: &str = "Η βιβλιοθήκη κρατά ό,τι διαβάστηκε ώσπου κάποιος να ρωτήσει γι' αυτό.";
    const ARABIC: &str =
        "تحتفظ المكتبة بما قرئ من البحث حتى يسأل أحدهم عنه وتجيب بجمل المؤلفين أنفسهم";
    const CHINESE: &str =
        "图书馆保存读过的论文，直到有人提出问题，并用作者自己的话来回答。使用BERT模型和GPU训练。";
    const FORMULAS: &str = "f (x) = ∑ αᵢ K(xᵢ, x) + b, ∂L/∂w = −2λw + ∫ φ(x) dx ≤ ε ‖w‖² ⇒ θ ∈ ℝⁿ, \
        σ² = E[(X − μ)²], P(A|B) = P(B|A)P(A)/P(B), ∀ x ∃ y : x < y ∧ y ∉ S, (1) (2) (3) [4] {x | x > 0}";
    const CODE: &str = "fn main() { let mut xs: Vec<u32> = vec![1, 2, 3]; for x in xs.iter_mut() { *x += 1; } \
        println!(\"{:?}\", xs); } #include <stdio.h> int main(int argc, char **argv) { return 0; } \
        std::sort(v.begin(), v.end(), [](auto a, auto b) { return a < b; }); SELECT * FROM t WHERE id = ?;";
    const TABLE: &str =
        "0.91 (0.02) | 0.88 (0.03) | 0.79 (0.05) 12.5% 3,142.0 -0.7 1e-5 +/- 0.1 2.3 4.5 6.7";
    const CONTENTS: &str = "1 Introduction ........................ 1\n2 Methods ........................ 7\n\
        3 Results ........................ 19\n4 Discussion ..................... 23";

    fn shifted(text: &str, by: u8) -> String {
        let shift = |c: char, base: u8| char::from(base + (c as u8 - base + by) % 26);
        text.chars()
            .map(|c| match c {
                'a'..='z' => shift(c, b'a'),
                'A'..='Z' => shift(c, b'A'),
                c => c,
            })
            .collect()
    }

    #[test]
    fn text_of_any_language_and_kind_is_text() {
        for text in [
            ENGLISH, GERMAN, FINNISH, POLISH, RUSSIAN, GREEK, ARABIC, CHINESE, FORMULAS, CODE,
            TABLE, CONTENTS, "", "12", "x y z", "Fig. 1",
        ] {
            assert!(!is_garbled(text), "{text}");
            assert!(!is_garbled(&text.to_uppercase()), "{text}");
        }
    }

    #[test]
    fn ciphers_are_found() {
        for text in [ENGLISH, GERMAN, FINNISH, POLISH] {
            for by in 1..26 {
                assert!(
                    is_garbled(&shifted(text, by)),
                    "{by}: {}",
                    shifted(text, by)
                );
            }
        }
    }

    #[test]
    fn glyph_numbers_for_characters_are_found() {
        let text: String = ENGLISH
            .repeat(3)
            .chars()
            .filter_map(|c| char::from_u32(u32::from(c).wrapping_sub(29)))
            .collect();
        assert!(is_garbled(&text), "{text}");
    }

    #[test]
    fn characters_that_are_none_are_found() {
        let private: String = ENGLISH
            .chars()
            .map(|c| char::from_u32(0xe000 + u32::from(c)).unwrap_or(c))
            .collect();
        assert!(is_garbled(&private));
        assert!(is_garbled(&ENGLISH.replace('e', "\u{fffd}")));
        let bullets = ENGLISH.replacen("The", "\u{f0b7} The", 1);
        assert!(!is_garbled(&bullets), "one bullet of a symbol font");
    }

    #[test]
    fn other_code_pages_read_as_western_are_found() {
        // GB 2312 and UTF-8 bytes as Latin-1.
        let chinese = "Í¼Êé¹Ý±£´æ¶Á¹ýµÄÂÛÎÄ£¬Ö±µ½ÓÐÈËÌá³öÎÊÌâ£¬²¢ÓÃ×÷Õß×Ô¼ºµÄ»°À´»Ø´ð¡£".repeat(2);
        assert!(is_garbled(&chinese));
        let bytes = |text: &str| text.bytes().map(char::from).collect::<String>();
        assert!(is_garbled(&bytes(POLISH)));
        assert!(is_garbled(&bytes(RUSSIAN)));
    }

    #[test]
    fn scripts_mixed_inside_words_are_found() {
        let mixed: String = ENGLISH
            .repeat(2)
            .chars()
            .enumerate()
            .map(|(i, c)| match c {
                'a'..='z' if i % 2 == 0 => {
                    char::from_u32(0x3b1 + (c as u32 - 97) % 17).unwrap_or(c)
                }
                'a'..='z' if i % 3 == 0 => char::from_u32(0x430 + (c as u32 - 97)).unwrap_or(c),
                c => c,
            })
            .collect();
        assert!(is_garbled(&mixed), "{mixed}");
    }

    fn ink(glyphs: u32, unmapped: u32, images: u32) -> Ink {
        Ink {
            glyphs,
            unmapped,
            images,
            ..Ink::default()
        }
    }

    #[test]
    fn verdicts_by_ink() {
        assert_eq!(verdict("", &ink(0, 0, 0)), PageText::Blank);
        assert_eq!(verdict("\n", &ink(0, 0, 1)), PageText::Missing);
        assert_eq!(verdict("", &ink(40, 40, 0)), PageText::Garbled);
        assert_eq!(verdict(ENGLISH, &ink(1000, 49, 0)), PageText::Own);
        assert_eq!(verdict(ENGLISH, &ink(1000, 51, 0)), PageText::Garbled);
        assert_eq!(verdict("on e", &ink(5, 2, 0)), PageText::Own);
    }

    #[test]
    fn a_stamp_on_every_page_of_a_scan_is_no_text() {
        let page = |text: &str, cover: f32| ReadPage {
            page: crate::Page {
                text: text.to_owned(),
                ..crate::Page::default()
            },
            warnings: Vec::new(),
            ink: Ink {
                image_cover: cover,
                images: 1,
                ..Ink::default()
            },
        };
        let stamp = "Downloaded from the library on 3 May 2020";
        let other = "Downloaded from the library on 4 May 2020";
        let mut pages = [page(stamp, 0.98), page(other, 0.98), page(ENGLISH, 0.98)];
        judge(&mut pages);
        let sources = pages.each_ref().map(|read| read.page.source);
        assert_eq!(
            sources,
            [PageText::Missing, PageText::Missing, PageText::Own]
        );

        let mut pages = [
            page("Results", 1.0),
            page("Thank you", 1.0),
            page("Methods", 1.0),
        ];
        judge(&mut pages);
        assert!(
            pages.iter().all(|read| read.page.source == PageText::Own),
            "slides"
        );

        let mut pages = [page(stamp, 0.98), page(ENGLISH, 0.0), page(ENGLISH, 0.0)];
        judge(&mut pages);
        assert_eq!(pages[0].page.source, PageText::Own, "a cover");
    }

    #[test]
    fn glyph_numbers_for_ideographs_are_found() {
        assert!(!is_rare_chinese(&CHINESE.repeat(10)));
        let glyphs: String = (0..400u32)
            .filter_map(|i| char::from_u32(0x4e00 + (i * 7919) % 20_000))
            .collect();
        assert!(is_garbled(&glyphs));
        let japanese =
            "図書館は読んだ論文を保存し、質問があれば著者自身の文で答えます。".repeat(12);
        assert!(!is_garbled(&japanese));
    }
}
