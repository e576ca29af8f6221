//! Text of many kinds and what files make of it.

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
const ARABIC: &str = "تحتفظ المكتبة بما قرئ من البحث حتى يسأل أحدهم عنه وتجيب بجمل المؤلفين أنفسهم";
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
        ENGLISH, GERMAN, FINNISH, POLISH, RUSSIAN, GREEK, ARABIC, CHINESE, FORMULAS, CODE, TABLE,
        CONTENTS, "", "12", "x y z", "Fig. 1",
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
            'a'..='z' if i % 2 == 0 => char::from_u32(0x3b1 + (c as u32 - 97) % 17).unwrap_or(c),
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
fn a_page_number_alone_is_no_missing_text() {
    let number = Ink {
        glyphs: 2,
        paths: 1,
        ..Ink::default()
    };
    assert_eq!(verdict("", &number), PageText::Own);
    let scan = Ink {
        images: 1,
        image_cover: 0.97,
        ..number
    };
    assert_eq!(verdict("", &scan), PageText::Missing);
    let outlines = Ink {
        paths: 2_000,
        ..number
    };
    assert_eq!(verdict("", &outlines), PageText::Missing);
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
    assert!(!is_garbled(&CHINESE.repeat(10)));
    let glyphs: String = (0..400u32)
        .filter_map(|i| char::from_u32(0x4e00 + (i * 7919) % 20_000))
        .collect();
    assert!(is_garbled(&glyphs));
    let japanese = "図書館は読んだ論文を保存し、質問があれば著者自身の文で答えます。".repeat(12);
    assert!(!is_garbled(&japanese));
}
