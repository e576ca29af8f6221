//! Facts about a work as formats write them, brought to the form that [`crate::Metadata`] and
//! [`Reference`] promise: bare lower-case DOIs, given names first, years as numbers.

use crate::Reference;

/// Longest DOI in bytes.
const MAX_DOI: usize = 300;

/// The first DOI in `text`, in lower case, without a prefix.
pub(super) fn doi(text: &str) -> Option<String> {
    for (at, _) in text.match_indices("10.") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        let rest = &text[at + 3..];
        let digits = rest.bytes().take(10).take_while(u8::is_ascii_digit).count();
        if !(4..=9).contains(&digits) || rest.as_bytes().get(digits) != Some(&b'/') {
            continue;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '{' | '}' | '|'))
            .unwrap_or(rest.len());
        // None is so long, and what is trimmed below is counted again and again.
        let end = rest.floor_char_boundary(end.min(MAX_DOI));
        let mut found = &text[at..at + 3 + end];
        loop {
            let shorter = found.trim_end_matches(['.', ',', ';', ':', '\'', '*', '_', '\u{201d}']);
            let closes_nothing = |open: char, close: char| {
                shorter.ends_with(close)
                    && shorter.matches(close).count() > shorter.matches(open).count()
            };
            let shorter = if closes_nothing('(', ')') || closes_nothing('[', ']') {
                &shorter[..shorter.len() - 1]
            } else {
                shorter
            };
            if shorter.len() == found.len() {
                break;
            }
            found = shorter;
        }
        if found.len() > digits + 4 {
            return Some(found.to_lowercase());
        }
    }
    None
}

/// An arXiv identifier without prefix and version: `1706.03762`, `cs/0112017`.
pub(super) fn arxiv_id(text: &str) -> Option<String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let bare = ["https://arxiv.org/abs/", "http://arxiv.org/abs/", "arxiv:"]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix))
        .map_or(text, |rest| &text[text.len() - rest.len()..])
        .trim();
    let bare = bare.split_whitespace().next()?;
    let number_end = bare.rfind('v').filter(|&at| {
        at + 1 < bare.len() && bare[at + 1..].bytes().all(|byte| byte.is_ascii_digit())
    });
    let bare = &bare[..number_end.unwrap_or(bare.len())];
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_new = bare.split_once('.').is_some_and(|(a, b)| {
        a.len() == 4 && all_digits(a) && matches!(b.len(), 4 | 5) && all_digits(b)
    });
    let is_old = bare.split_once('/').is_some_and(|(archive, number)| {
        number.len() == 7
            && all_digits(number)
            && !archive.is_empty()
            && archive
                .chars()
                .all(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '.'))
    });
    (is_new || is_old).then(|| bare.to_owned())
}

/// The first number of four digits that is a year of publication.
pub(super) fn year(text: &str) -> Option<i32> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() == 4 || digits.len() == 8)
        .filter_map(|digits| digits.get(..4)?.parse().ok())
        .find(|year| (1500..=2100).contains(year))
}

/// A person's name, given names first, on one line.
pub(super) fn person(name: &str) -> Option<String> {
    let name = squeeze(name);
    let name = name.trim_matches([',', ';', '*', ' ']);
    if !name.chars().any(char::is_alphabetic) {
        return None;
    }
    let Some((family, given)) = name.split_once(", ") else {
        return Some(name.to_owned());
    };
    // "Knuth, D. E." is inverted, "Smith, John, Jr." has a suffix, a longer list is no name.
    Some(match given.split_once(", ") {
        None if is_suffix(given) => format!("{family} {given}"),
        None => format!("{given} {family}"),
        Some((given, suffix)) if is_suffix(suffix) => format!("{given} {family} {suffix}"),
        Some(_) => name.to_owned(),
    })
}

fn is_suffix(text: &str) -> bool {
    matches!(
        text.trim_end_matches('.'),
        "Jr" | "Sr" | "II" | "III" | "IV" | "PhD" | "MD"
    )
}

/// The names in a list in one text: "A. One; B. Two", "A. One, B. Two and C. Three".
pub(super) fn people(list: &str) -> Vec<String> {
    let list = squeeze(list);
    let parts: Vec<&str> = if list.contains(';') {
        list.split(';').collect()
    } else {
        list.split(" and ")
            .flat_map(|part| part.split(" & "))
            .flat_map(|part| {
                // "Doe, Jane" alone is one inverted name; "Jane Doe, Ann Lee" are two.
                let is_list = part.split(',').all(|one| one.trim().contains(' '))
                    || part.matches(',').count() > 1;
                if is_list {
                    part.split(',').collect()
                } else {
                    vec![part]
                }
            })
            .collect()
    };
    parts
        .into_iter()
        .map(|part| part.trim().trim_start_matches("and "))
        .filter_map(person)
        .collect()
}

/// The people that a paragraph below the title lists, if it lists people and nothing else.
pub(super) fn byline(lines: &[&str]) -> Vec<String> {
    if lines.len() > 4 || lines.iter().any(|line| line.len() > 1_000) {
        return Vec::new();
    }
    let lists = lines.iter().map(|line| line.trim().trim_end_matches(','));
    let names: Vec<String> = lists.flat_map(people).collect();
    let is_name = |name: &String| {
        let words: Vec<&str> = name.split(' ').collect();
        let is_capital = |word: Option<&&str>| {
            word.and_then(|word| word.chars().next())
                .is_some_and(char::is_uppercase)
        };
        (2..=5).contains(&words.len())
            && name
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | '-' | '\'' | '\u{2019}'))
            && !name.ends_with('.')
            && is_capital(words.first())
            && is_capital(words.last())
    };
    if names.iter().all(is_name) {
        names
    } else {
        Vec::new()
    }
}

/// All white space as single spaces.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// True where two titles differ in case, spaces and punctuation only.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let a = letters(a);
    !a.is_empty() && a == letters(b)
}

/// Without the bullet that a list item starts with.
pub(super) fn strip_bullet(text: &str) -> &str {
    text.trim_start()
        .strip_prefix(['•', '–', '-', '*', '·'])
        .map_or(text, str::trim_start)
}

/// "[12] Text" and "12. Text" as label and text.
pub(super) fn split_label(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    if let Some((label, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && !label.is_empty()
        && label.len() <= 20
        && !label.contains('\n')
    {
        return (label, rest.trim_start());
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    if (1..=3).contains(&digits) && rest.starts_with(['.', ')']) && rest[1..].starts_with(' ') {
        return (&text[..digits], rest[1..].trim_start());
    }
    ("", text)
}

/// What can be told of a reference that is only given as printed text.
pub(super) fn reference(printed: &str) -> Reference {
    Reference {
        doi: doi(printed),
        year: year_of_reference(printed),
        title: title_of_reference(printed),
        ..Reference::default()
    }
}

/// A year in brackets counts more than one in a title or an address.
fn year_of_reference(printed: &str) -> Option<i32> {
    let bracketed = printed.match_indices('(').find_map(|(at, _)| {
        let inside: String = printed[at + 1..].chars().take(20).collect();
        let inside = inside.split(')').next().unwrap_or("");
        inside
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| year(inside))?
    });
    let plain = || {
        // Pages and identifiers have four digits too; the last year printed is the likelier one.
        let address = printed
            .find("http")
            .or_else(|| printed.find("doi"))
            .unwrap_or(printed.len());
        printed[..address]
            .split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '\u{2013}' | '/'))
            .filter(|word| word.len() == 4)
            .filter_map(year)
            .next_back()
    };
    bracketed.or_else(plain)
}

/// The title in quotation marks, or what follows "(2019)." up to the next full stop.
fn title_of_reference(printed: &str) -> Option<String> {
    let quoted = printed
        .split_once('\u{201c}')
        .and_then(|(_, rest)| rest.split_once('\u{201d}'))
        .or_else(|| {
            let (_, rest) = printed.split_once('"')?;
            rest.split_once('"')
        })
        .map(|(title, _)| title);
    let after_year = || {
        let (at, _) = printed.match_indices(").").find(|(at, _)| {
            let digits = printed[..*at].trim_end_matches(|c: char| c.is_ascii_lowercase());
            digits.len() >= 4
                && digits
                    .bytes()
                    .rev()
                    .take(4)
                    .all(|byte| byte.is_ascii_digit())
        })?;
        let rest = printed[at + 2..].trim_start();
        let end = rest
            .char_indices()
            .find(|&(at, c)| {
                matches!(c, '.' | '?' | '!')
                    && rest[at + 1..]
                        .chars()
                        .next()
                        .is_none_or(char::is_whitespace)
            })
            .map(|(at, c)| if c == '.' { at } else { at + 1 });
        end.map(|end| &rest[..end])
    };
    quoted
        .or_else(after_year)
        .map(|title| squeeze(title).trim_end_matches([',', '.']).to_owned())
        .filter(|title| title.chars().filter(|c| c.is_alphabetic()).count() >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dois_are_bare_and_lower_case() {
        for (text, expected) in [
            ("https://doi.org/10.1000/ABC.12.", Some("10.1000/abc.12")),
            (
                "doi:10.1016/S0140-6736(05)67483-1)",
                Some("10.1016/s0140-6736(05)67483-1"),
            ),
            ("see (10.5281/zenodo.1234)", Some("10.5281/zenodo.1234")),
            ("version 10.04/x or 110.1000/x", None),
            ("10.1000/", None),
        ] {
            assert_eq!(doi(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn names_have_given_names_first() {
        for (text, expected) in [
            ("Knuth, Donald E.", "Donald E. Knuth"),
            ("Smith, John, Jr.", "John Smith Jr."),
            ("Donald  Knuth", "Donald Knuth"),
            ("王小明", "王小明"),
        ] {
            assert_eq!(person(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(person(" ,"), None);
        for list in [
            "Ann Lee, Bo Ek and Cy Oz",
            "Lee, Ann; Ek, Bo; Oz, Cy",
            "Ann Lee, Bo Ek, and Cy Oz",
        ] {
            assert_eq!(people(list), ["Ann Lee", "Bo Ek", "Cy Oz"], "{list}");
        }
        assert_eq!(people("Lee, Ann and Ek, Bo"), ["Ann Lee", "Bo Ek"]);
    }

    #[test]
    fn arxiv_identifiers_lose_prefix_and_version() {
        for (text, expected) in [
            ("arXiv:1706.03762v5", Some("1706.03762")),
            ("https://arxiv.org/abs/cs/0112017", Some("cs/0112017")),
            ("math.GT/0309136", Some("math.GT/0309136")),
            ("10.1000/x", None),
        ] {
            assert_eq!(arxiv_id(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn references_as_printed() {
        let apa = reference(
            "Lee, A. (2019). A study of things? Journal, 3, 1876\u{2013}1999. https://doi.org/10.1000/x",
        );
        assert_eq!(
            (apa.year, apa.title.as_deref()),
            (Some(2019), Some("A study of things?"))
        );
        assert_eq!(apa.doi.as_deref(), Some("10.1000/x"));
        let ieee = reference("A. Lee, \u{201c}In 1984, all of it,\u{201d} Proc. X, pp. 1-9, 2003.");
        assert_eq!(
            (ieee.year, ieee.title.as_deref()),
            (Some(2003), Some("In 1984, all of it"))
        );
        assert_eq!(split_label("[Vas17] A. V"), ("Vas17", "A. V"));
        assert_eq!(split_label("12. A. V"), ("12", "A. V"));
        assert_eq!(split_label("2019 was"), ("", "2019 was"));
    }
}
