//! Words: scripts mixed inside them, letters that do not follow each other in any language, Chinese
//! without its common characters.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words needed before their letters are judged.
const MIN_WORDS: usize = 30;

/// Mean of [`PAIRS`] above which words are none.
const MAX_PAIR_LEVEL: f32 = 2.8;

/// True where a page's words are none.
pub(super) fn are_garbled(text: &str) -> bool {
    is_mixed(text) || is_cipher(text) || is_rare_chinese(text)
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
