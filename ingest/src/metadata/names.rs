//! Which words on a line are names of people.
//!
//! There is no list of all names, but there is one of the words that institutions, addresses and
//! headings are made of, and names have a shape: two to six capitalised words, initials and
//! particles. A line counts only if everything on it is names, marks, degrees and the glue between
//! them, or if what follows the names is an institution.

mod degrees;
mod words;

use super::first_page::MARK;
use degrees::is_suffix;
pub(super) use degrees::{is_degree, without_title};
use words::{NOT_NAMES, PARTICLES, PLACES};

/// Longest line of names in bytes that is looked at.
const MAX_LENGTH: usize = 40_000;

/// One piece between separators.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    Name(&'a str),
    /// A word or initials that may be the beginning or end of a name cut by a line break.
    Piece(&'a str),
    /// Marks, affiliation letters, degrees.
    Nothing,
    Institution,
    Other,
}

/// The names that a line consists of, with [`MARK`] for superscripts; none if anything but names
/// is on it. `letters` are the affiliation marks in use, for lines whose fonts do not tell what is
/// raised: with them "Lanea,c, Bestb" is Lane and Best.
pub(super) fn names_of(line: &str, letters: &[char]) -> Option<Vec<String>> {
    if line.len() > MAX_LENGTH {
        return None;
    }
    let line = prepare(line);
    let parts: Vec<&str> = split(&line).collect();
    let is_list = parts.len() > 1 && line.contains([',', ';', '&']) || line.contains(" and ");
    let parts = without_letters(parts, &line, letters);
    let mut names: Vec<String> = Vec::new();
    for part in &parts {
        match kind(part, is_list) {
            Part::Name(name) => names.push(without_title(name).to_owned()),
            Part::Nothing => {
                if is_suffix(part)
                    && let Some(last) = names.last_mut()
                {
                    last.push(' ');
                    last.push_str(part.trim());
                }
            }
            // "Ann Lee, University of X": what follows is where she works.
            Part::Institution if !names.is_empty() => break,
            Part::Piece(_) | Part::Institution | Part::Other => return None,
        }
    }
    (!names.is_empty()).then_some(names)
}

/// True where a name that began on `line` ends on the line below it, or the list goes on there.
pub(super) fn goes_on(line: &str, next: &str) -> bool {
    let line = prepare(line);
    let next = prepare(next);
    let trimmed = line.trim_end();
    let is_listed = |text: &str| text.contains([',', ';', '&', MARK]) || text.contains(" and ");
    let starts: Vec<&str> = split(&next).take(2).collect();
    let Some(start) = starts.first() else {
        return false;
    };
    if trimmed.ends_with([',', ';', '&']) || trimmed.ends_with(" and") {
        return matches!(kind(start, true), Part::Name(_) | Part::Piece(_))
            && split(trimmed)
                .all(|part| !matches!(kind(part, true), Part::Other | Part::Institution));
    }
    // A mark or number ends the name before it.
    if trimmed.ends_with(|c: char| is_separator(c)) || !is_listed(&line) && !is_listed(&next) {
        return false;
    }
    let Some(last) = split(trimmed).last() else {
        return false;
    };
    let is_cut = |part: &str| matches!(kind(part, true), Part::Piece(_));
    let is_person = |part: &str| matches!(kind(part, true), Part::Name(_) | Part::Piece(_));
    is_person(last)
        && is_person(start)
        && (is_cut(last) || is_cut(start))
        && kind(&format!("{last} {start}"), true) != Part::Other
}

/// Takes away what stands around names: e-mail addresses, remarks in parentheses, "by".
fn prepare(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut depth = 0_u32;
    for c in line.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '\t' => text.push(','),
            _ => text.push(c),
        }
    }
    let mut clean = String::with_capacity(text.len());
    for word in text.split(' ') {
        if word.contains('@') || word.contains("//") || word.contains("www.") {
            continue;
        }
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    for tail in [" et al.", " et al", ", et al.", " and others"] {
        if let Some(rest) = clean.strip_suffix(tail) {
            clean.truncate(rest.len());
        }
    }
    let lower = clean.to_lowercase();
    for lead in ["by ", "by: ", "authors: ", "author: ", "written by "] {
        if lower.starts_with(lead)
            && let Some(rest) = clean.get(lead.len()..)
        {
            return rest.to_owned();
        }
    }
    clean
}

fn is_separator(c: char) -> bool {
    const SEPARATORS: &str =
        ",;&·•|，、：+^=?!∗*†‡§¶⋆★✉#‖∥△◦○♣♠♥♦♢⊥⊕⊗⇤☯¤◇□■▪✝⁎✪◊⁺\u{20dd}¹²³⁴⁵⁶⁷⁸⁹⁰";
    c == MARK || c.is_ascii_digit() || !c.is_alphabetic() && SEPARATORS.contains(c)
}

fn split(line: &str) -> impl Iterator<Item = &str> {
    line.split(is_separator)
        .flat_map(|part| part.split(" and "))
        .flat_map(|part| part.split(" und "))
        .flat_map(|part| part.split(" AND "))
        .map(|part| {
            let part = part.trim().trim_start_matches([':', '.']).trim();
            // The ends of "1st" and "2nd" stay when the digits part.
            ["and ", "AND ", "und ", "with ", "st ", "nd ", "rd ", "th "]
                .iter()
                .find_map(|word| part.strip_prefix(word))
                .unwrap_or(part)
                .trim()
        })
        .filter(|part| !part.is_empty() && !matches!(*part, "and" | "AND" | "und" | "with"))
}

/// Takes affiliation letters off the names that they are glued to.
fn without_letters<'a>(parts: Vec<&'a str>, line: &str, letters: &[char]) -> Vec<&'a str> {
    if letters.is_empty() || line.contains(MARK) {
        return parts;
    }
    let is_letter = |part: &str| {
        let mut chars = part.chars();
        matches!((chars.next(), chars.next()), (Some(c), None) if letters.contains(&c))
    };
    let is_tagged =
        |part: &str| part.chars().count() >= 4 && part.ends_with(|c: char| letters.contains(&c));
    let full = |part: &&&str| part.contains(' ');
    let is_all_tagged =
        parts.iter().filter(full).count() >= 2 && parts.iter().filter(full).all(|p| is_tagged(p));
    (0..parts.len())
        .map(|i| {
            let part = parts[i];
            let is_followed = parts.get(i + 1).is_some_and(|next| is_letter(next));
            if full(&&part) && is_tagged(part) && (is_followed || is_all_tagged) {
                part.trim_end_matches(|c: char| letters.contains(&c) && c.is_lowercase())
                    .get(..)
                    .filter(|short| short.len() + 1 == part.len())
                    .or_else(|| part.get(..part.len() - 1))
                    .unwrap_or(part)
                    .trim()
            } else {
                part
            }
        })
        .collect()
}

fn kind(part: &str, is_list: bool) -> Part<'_> {
    let part = part.trim();
    let mut chars = part.chars();
    let is_single = matches!((chars.next(), chars.next()), (Some(c), None) if !c.is_uppercase());
    let lower = part.to_lowercase();
    if is_single || is_degree(part) || lower == "et al." || lower == "et al" || lower == "others" {
        return Part::Nothing;
    }
    if !part.chars().any(char::is_alphabetic) {
        return Part::Nothing;
    }
    if is_organisation(part) {
        return Part::Institution;
    }
    let name = without_title(part);
    if is_name(name, if is_list { 4 } else { 3 }) {
        Part::Name(name)
    } else if name.split_whitespace().all(is_word) && name.split_whitespace().count() <= 3 {
        Part::Piece(name)
    } else {
        Part::Other
    }
}

/// True where a word of the text belongs to institutions or addresses.
pub(super) fn is_organisation(text: &str) -> bool {
    let lower = text.to_lowercase();
    PLACES.iter().any(|place| lower.contains(place))
        || lower
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ':' | '/' | '\u{2013}'))
            .any(|word| NOT_NAMES.contains(word))
}

fn is_particle(word: &str) -> bool {
    PARTICLES.contains(&word.to_lowercase().as_str())
}

/// A word that can be in a name: capitalised letters, initials, a particle.
fn is_word(word: &str) -> bool {
    if is_particle(word) {
        return true;
    }
    let bare = word.trim_end_matches('.');
    let is_letters = !bare.is_empty()
        && bare.chars().all(|c| {
            c.is_alphabetic()
                || unicode_normalization::char::is_combining_mark(c)
                || matches!(
                    c,
                    '-' | '\'' | '\u{2019}' | '\u{2018}' | '.' | '\u{2010}' | '\u{2011}' | '`'
                )
        });
    // "d'Alembert", "al-Khwarizmi" begin with a small letter.
    let has_case = bare.chars().next().is_some_and(char::is_uppercase)
        || bare.contains(['\'', '\u{2019}', '-']) && bare.chars().any(char::is_uppercase);
    has_case && is_letters && bare.chars().count() <= 24
}

/// Two to six words with capitals, initials or particles, none of them from an address.
fn is_name(name: &str, most: usize) -> bool {
    if is_cjk_name(name) {
        return true;
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_small = |word: &&&str| {
        word.chars().filter(|c| c.is_alphabetic()).count() <= 1
            || word.ends_with('.')
            || is_particle(word)
            || word.contains('.')
    };
    let small = words.iter().filter(is_small).count();
    let long = words.len() - small;
    let Some(last) = words.last() else {
        return false;
    };
    let is_shouted = !name.chars().any(char::is_lowercase);
    let is_state = last.chars().count() == 2
        && last.chars().all(char::is_uppercase)
        && (!is_shouted || matches!(*last, "CA" | "WA" | "NY" | "TX" | "IL" | "NJ" | "PA" | "UK"));
    // Initials alone are no name, nor is what ends in one.
    let ends_in_family = !is_small(&last) || last.chars().count() == 1 && long >= 1 && small == 1;
    (2..=7).contains(&words.len())
        && (1..=most).contains(&long)
        && words.iter().all(|word| is_word(word))
        && (words.len() > 2 || words[0].starts_with(char::is_uppercase))
        && ends_in_family
        && !is_state
        && !is_acronym(&words, is_shouted)
        && !is_lettered(&words, is_shouted)
}

/// "A. RESULTS AND METHODS": a heading that is counted with a letter.
fn is_lettered(words: &[&str], is_shouted: bool) -> bool {
    is_shouted
        && words.len() >= 3
        && words[0].len() == 2
        && words[0].starts_with(['A', 'B', 'C', 'D', 'E', 'I', 'V'])
        && words[1..].iter().all(|word| word.chars().count() > 2)
}

/// "UCL Press" or "IBM Almaden" have a word of capitals that no name beside it has.
fn is_acronym(words: &[&str], is_shouted: bool) -> bool {
    !is_shouted
        && words.iter().any(|word| {
            word.chars().count() >= 3
                && word.chars().all(|c| c.is_uppercase() && c.is_alphabetic())
                && words
                    .iter()
                    .filter(|other| other.chars().any(char::is_lowercase))
                    .count()
                    == 1
                && words[0] == *word
        })
}

/// Two to four ideographs, the first of them a frequent family name.
fn is_cjk_name(name: &str) -> bool {
    const FAMILIES: &str = "王李张劉刘陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許韩韓\
        邓鄧冯馮曹彭曾肖萧蕭田董潘袁蔡蒋蔣余于杜叶葉程魏苏蘇吕呂丁任卢盧姚沈钟鍾姜崔谭譚陆陸范汪廖石金\
        韦韋贾賈夏付方邹鄒熊白孟秦邱侯江尹薛闫段雷龙龍黎史陶贺賀毛郝顾顧龚龔邵万萬覃武钱錢戴严嚴莫孔向倪\
        佐鈴高伊渡山中小加吉松井木斎清崎池橋阿森";
    let count = name.chars().count();
    (2..=4).contains(&count)
        && name.chars().all(crate::extract::is_cjk)
        && name.chars().next().is_some_and(|c| FAMILIES.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_names() {
        for (line, names) in [
            (
                "Jeffrey Dean and Sanjay Ghemawat",
                "Jeffrey Dean|Sanjay Ghemawat",
            ),
            (
                "Ann B. Lee1,2∗, Jan van der Berg3",
                "Ann B. Lee|Jan van der Berg",
            ),
            ("Hang Li1 Weinan E2", "Hang Li|Weinan E"),
            ("C. A. R. HOARE", "C. A. R. HOARE"),
            (
                "V Balaji, Paul O’Gorman, Julien Le Sommer",
                "V Balaji|Paul O’Gorman|Julien Le Sommer",
            ),
            (
                "Ann Lee, PhD, Bo Ray, Jr., and Dr. Cy Doe, Member, IEEE",
                "Ann Lee|Bo Ray Jr.|Cy Doe",
            ),
            ("Ann Lee, University of Somewhere", "Ann Lee"),
            ("Ann Lee (ann@lee.org)", "Ann Lee"),
            ("Jinwoo Park & Robert May", "Jinwoo Park|Robert May"),
            (
                "María José García López, Łukasz Żółw",
                "María José García López|Łukasz Żółw",
            ),
            (
                "Ann Lee\u{1f}, Bo Ray\u{1f} and Maria Costa\u{1f}",
                "Ann Lee|Bo Ray|Maria Costa",
            ),
            ("Ann Lee et al.", "Ann Lee"),
            ("by Ann Lee", "Ann Lee"),
            ("1st Ann B. Lee", "Ann B. Lee"),
            ("JOHN SMITH AND JANE DOE", "JOHN SMITH|JANE DOE"),
        ] {
            assert_eq!(
                names_of(line, &[]).map(|n| n.join("|")).as_deref(),
                Some(names),
                "{line}"
            );
        }
        for line in [
            "Michael Ernst Craig Kaplan",
            "Google, Inc.",
            "Stanford University",
            "Abstract",
            "Mountain View, CA",
            "Seattle WA",
            "January 29, 1998",
            "We study small things",
            "Menlo Park, California",
            "Received 3 May 2010",
            "et al.",
        ] {
            assert_eq!(names_of(line, &['a', 'b']), None, "{line}");
        }
    }

    #[test]
    fn affiliation_letters_are_taken_off() {
        let letters = ['a', 'b', 'c', 'd'];
        assert_eq!(
            names_of(
                "Patrick N.J. Lanea,c,*, Alice E. Bestb,c,d, Lu Zhangb,c",
                &letters
            )
            .unwrap(),
            ["Patrick N.J. Lane", "Alice E. Best", "Lu Zhang"]
        );
        assert_eq!(
            names_of("Ann Leea, Bo Smithb", &letters).unwrap(),
            ["Ann Lee", "Bo Smith"]
        );
        assert_eq!(names_of("Maria Costa", &letters).unwrap(), ["Maria Costa"]);
        assert_eq!(
            names_of("Maria Costa\u{1f}, Ann Bad\u{1f}", &letters).unwrap(),
            ["Maria Costa", "Ann Bad"]
        );
    }

    #[test]
    fn names_cut_by_a_line_break() {
        assert!(goes_on("Ann Lee, Bo Ray, and Ana", "Trisovic"));
        assert!(goes_on("Ann Lee, Dafne van", "Kuppevelt1, Cy Doe"));
        assert!(goes_on("Ann Lee, Mary E.", "Lofton, Cy Doe"));
        assert!(goes_on("Ann Lee, Bo Ray,", "Cy Doe and Di Eve"));
        assert!(!goes_on("Ann Lee", "Bo Ray"));
        assert!(!goes_on("Ann Lee, Bo Ray1", "Cy Doe"));
        assert!(!goes_on("Ann Lee, Bo Ray", "Some University"));
        assert!(!goes_on("Ann Lee and Bo Ray", "Cy Doe"));
    }
}
