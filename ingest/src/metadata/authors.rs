//! The authors: what the file states, if the first page bears it out, else the lines under the
//! title that are made of names and nothing else.

use super::squash;
use super::title::{Title, text_of};
use crate::extract::Info;
use crate::{Page, section};

/// Lines below the title that are looked at.
const MAX_LINES: usize = 40;

/// Words of addresses and headings that are shaped like names.
const NOT_NAMES: &[&str] = &[
    "university",
    "institute",
    "institut",
    "department",
    "dept",
    "laboratory",
    "laboratories",
    "lab",
    "labs",
    "school",
    "college",
    "center",
    "centre",
    "research",
    "google",
    "microsoft",
    "facebook",
    "meta",
    "amazon",
    "ibm",
    "inc",
    "corporation",
    "company",
    "faculty",
    "abstract",
    "introduction",
    "proceedings",
    "conference",
    "group",
    "team",
    "street",
    "road",
    "avenue",
    "usa",
    "uk",
    "china",
    "germany",
    "science",
    "sciences",
    "computer",
    "technology",
    "engineering",
    "hospital",
    "academy",
    "systems",
    "open",
    "access",
    "article",
    "journal",
    "project",
    "software",
    "review",
    "submitted",
    "published",
    "the",
    "of",
    "for",
    "in",
    "on",
    "with",
    "a",
    "an",
    "data",
    "learning",
    "division",
    "northern",
    "southern",
    "united",
    "states",
    "press",
    "version",
    "draft",
    "paper",
    "papers",
    "report",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "new",
    "international",
    "national",
    "state",
    "city",
    "association",
    "society",
    "mountain",
    "view",
    "palo",
    "alto",
    "san",
    "francisco",
    "park",
    "york",
    "general",
    "terms",
    "keywords",
    "method",
    "methods",
    "contents",
];

pub(super) fn find(info: &Info, page: &Page, title: Option<&Title>) -> Vec<String> {
    let page_text = squash(&page.text);
    let stated = info.author.as_deref().map(split_stated).unwrap_or_default();
    let xmp: Vec<String> = info
        .xmp_authors
        .iter()
        .flat_map(|author| split_stated(author))
        .collect();
    let stated = if xmp.len() > stated.len() {
        xmp
    } else {
        stated
    };
    // Organisations are stated among people; strangers to the first page discredit the whole.
    let stated: Vec<String> = stated
        .into_iter()
        .filter(|name| !is_organisation(name))
        .collect();
    if !stated.is_empty() && stated.iter().all(|name| is_stated_name(name, &page_text)) {
        return stated;
    }
    title
        .and_then(|title| title.next_line)
        .map(|line| below_title(page, line))
        .unwrap_or_default()
}

/// "Ann Lee; Bo Ray", "Ann Lee, Bo Ray and Cy Doe", "Lee, Ann".
fn split_stated(author: &str) -> Vec<String> {
    let parts: Vec<&str> = if author.contains(';') {
        author.split(';').flat_map(split_group).collect()
    } else {
        let parts: Vec<&str> = author
            .split([',', '&'])
            .flat_map(|part| part.split(" and "))
            .collect();
        match parts.as_slice() {
            // One name, family name first.
            [last, first]
                if !last.trim().contains(' ')
                    && !first.trim().contains(' ')
                    && author.contains(',') =>
            {
                vec![author]
            }
            _ => parts,
        }
    };
    parts
        .into_iter()
        .map(|part| part.trim().trim_start_matches("and ").trim())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// "Ann Lee, Bo Ray" in two, "Lee, Ann" whole.
fn split_group(group: &str) -> Vec<&str> {
    let parts: Vec<&str> = group.split(',').map(str::trim).collect();
    if parts.len() > 1 && parts.iter().all(|part| part.contains(' ')) {
        parts
    } else {
        vec![group]
    }
}

fn is_organisation(name: &str) -> bool {
    name.split([' ', ','])
        .any(|word| NOT_NAMES.contains(&word.to_lowercase().as_str()))
}

/// Shaped like a name, and its family name is printed on the first page.
fn is_stated_name(name: &str, page_text: &str) -> bool {
    let has_shape = name.contains(' ') || name.chars().any(crate::extract::is_cjk);
    let words: Vec<&str> = name
        .split([' ', ','])
        .filter(|word| word.chars().count() > 1)
        .collect();
    has_shape
        && name.len() < 60
        && !name.contains(['@', '/', '\\'])
        && words
            .iter()
            .max_by_key(|word| word.len())
            .is_some_and(|word| page_text.contains(&squash(word)))
}

/// The lines between title and abstract that consist of names.
fn below_title(page: &Page, first: usize) -> Vec<String> {
    let lines: Vec<&str> = page
        .lines
        .iter()
        .skip(first)
        .take(MAX_LINES)
        .map(|line| text_of(page, line))
        .collect();
    let is_abstract =
        |line: &&str| squash(line).starts_with("abstract") || section::is_heading(line, "");
    // Without a known end, only names directly below the title are sure.
    let end = lines.iter().position(is_abstract);
    let mut names = Vec::new();
    let mut i = 0;
    while i < end.unwrap_or(lines.len()) {
        let (found, used) = match (names_of(lines[i]), lines.get(i + 1)) {
            (None, Some(next)) if lines[i].contains(',') => {
                (names_of(&format!("{} {next}", lines[i])), 2)
            }
            (found, _) => (found, 1),
        };
        i += if found.is_some() { used } else { 1 };
        match found {
            Some(found) => names.extend(found),
            None if end.is_none() => break,
            None => {}
        }
    }
    // Several addresses and one name: the other names were not understood.
    let addresses = lines[..end.unwrap_or(0)]
        .iter()
        .filter(|line| line.contains('@'))
        .count();
    if (names.len() == 1 && addresses > 1) || names.len() > 50 {
        names.clear();
    }
    names
}

/// The names that a line consists of, none if anything else is on it.
fn names_of(line: &str) -> Option<Vec<String>> {
    let is_mark = |c: char| {
        c.is_ascii_digit()
            || matches!(
                c,
                '∗' | '*'
                    | '†'
                    | '‡'
                    | '§'
                    | '¶'
                    | ','
                    | ';'
                    | '&'
                    | '·'
                    | '•'
                    | '⋆'
                    | '✉'
                    | '#'
            )
    };
    let line = line
        .strip_prefix("by ")
        .or_else(|| line.strip_prefix("By "))
        .unwrap_or(line);
    // Superscript numbers and marks part the names as well as commas do.
    let names: Vec<&str> = line
        .split(is_mark)
        .flat_map(|part| part.split(" and "))
        .map(|part| part.trim().trim_start_matches("and ").trim())
        .filter(|part| !part.is_empty() && *part != "and")
        .collect();
    let is_all_names = !names.is_empty() && names.iter().all(|name| is_name(name));
    is_all_names.then(|| names.into_iter().map(str::to_owned).collect())
}

/// Two to four words with capitals, initials or particles, none of them from an address.
fn is_name(name: &str) -> bool {
    const PARTICLES: &[&str] = &[
        "van", "von", "de", "der", "den", "la", "le", "di", "da", "del", "dos", "du", "bin", "al",
        "el", "ten", "ter",
    ];
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_word = |word: &&str| {
        let bare = word.trim_end_matches('.');
        let lower = bare.to_lowercase();
        if PARTICLES.contains(&lower.as_str()) {
            return true;
        }
        let has_case = bare.chars().next().is_some_and(char::is_uppercase);
        let is_letters = bare
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '\u{2019}' | '.' | '\u{2010}'));
        has_case && is_letters && !NOT_NAMES.contains(&lower.as_str())
    };
    // All capitals in every word is a heading or an acronym as often as a name.
    let has_lower = name.chars().any(char::is_lowercase);
    let is_small = |word: &&&str| {
        word.len() <= 2 || word.ends_with('.') || PARTICLES.contains(&word.to_lowercase().as_str())
    };
    let long = words.len() - words.iter().filter(is_small).count();
    // Four full words are two people set side by side; a last word of two capitals is a state.
    (2..=6).contains(&words.len())
        && (1..=3).contains(&long)
        && has_lower
        && words.iter().all(is_word)
        && words
            .last()
            .is_some_and(|word| word.chars().count() != 2 || word.chars().any(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_authors_are_split() {
        assert_eq!(split_stated("Ann Lee; Bo Ray"), ["Ann Lee", "Bo Ray"]);
        assert_eq!(
            split_stated("Ann Lee, Bo Ray, and Cy Doe"),
            ["Ann Lee", "Bo Ray", "Cy Doe"]
        );
        assert_eq!(split_stated("Lee, Ann"), ["Lee, Ann"]);
        assert_eq!(
            split_stated("Ann Lee, Bo Ray; Some University"),
            ["Ann Lee", "Bo Ray", "Some University"]
        );
        assert!(is_organisation("Association for Computational Linguistics"));
        assert!(!is_stated_name("admin", "admin"));
        assert!(is_stated_name("Ann Lee", "byannlee"));
        assert!(!is_stated_name("Some Secretary", "byannlee"));
    }

    #[test]
    fn lines_of_names() {
        assert_eq!(
            names_of("Jeffrey Dean and Sanjay Ghemawat").unwrap(),
            ["Jeffrey Dean", "Sanjay Ghemawat"]
        );
        assert_eq!(
            names_of("Ann B. Lee1,2∗, Jan van der Berg3").unwrap(),
            ["Ann B. Lee", "Jan van der Berg"]
        );
        assert_eq!(names_of("Michael Ernst Craig Kaplan"), None);
        assert_eq!(
            names_of("Hang Li1 Weinan E2").unwrap(),
            ["Hang Li", "Weinan E"]
        );
        assert_eq!(names_of("Google, Inc."), None);
        assert_eq!(names_of("Stanford University"), None);
        assert_eq!(names_of("Abstract"), None);
    }
}
