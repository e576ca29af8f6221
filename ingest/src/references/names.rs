//! The list of authors that an entry begins with.
//!
//! Styles differ in which part of a name comes first and in what ends the list, so the first
//! name decides how the rest is read:
//!
//! | first name | as in | the list ends |
//! |---|---|---|
//! | `Surname, I.` | APA, ACM, Springer | after initials that a title follows, at `:` |
//! | `I. Surname` | IEEE, BibTeX's abbrv | at `.` after a surname, at `,` before what is no name |
//! | `Surname I` | Vancouver | at `.` |
//! | `Given Surname` | BibTeX's plain, ACL | at `.`, at `,` before what is no name |

pub(super) use super::name_words::is_particle;
use super::name_words::{Kind, LONGEST, Token, tokens};

/// Authors at the start of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// Where the list ends and the rest of the entry begins, in bytes.
    pub(super) end: usize,
    /// A comma, not a stop, ends the list, as it then does the title.
    pub(super) ends_in_comma: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    SurnameFirst,
    InitialsFirst,
    Vancouver,
    Full,
}

/// How the first author is written; none where the entry begins with no name.
fn order(tokens: &[Token<'_>]) -> Option<Order> {
    let name = |token: &Token<'_>| matches!(token.kind, Kind::Name | Kind::Capitals);
    let mut rest = tokens
        .iter()
        .skip_while(|token| token.kind == Kind::Particle);
    let first = rest.next()?;
    if first.kind == Kind::Initials {
        let surname = rest.find(|token| !matches!(token.kind, Kind::Initials | Kind::Particle))?;
        return name(surname).then_some(Order::InitialsFirst);
    }
    if !name(first) {
        return None;
    }
    // The words of the first surname or name, up to punctuation or what is no name.
    let mut last = first;
    let mut words = 1;
    let mut initials = 0;
    for token in rest.take(6) {
        if last.has_comma {
            // "Mora T. A., Quist S."
            if initials > 0 && initials + 1 == words {
                return Some(Order::Vancouver);
            }
            return match token.kind {
                Kind::Initials => Some(Order::SurnameFirst),
                Kind::Capitals if words == 1 && !token.has_stop => Some(Order::SurnameFirst),
                // "Mora, Thomas C." has given names after the comma, "Mora, Quist" does not;
                // two words before it are a whole name.
                Kind::Name | Kind::Capitals if words == 1 => Some(Order::SurnameFirst),
                _ => Some(Order::Full),
            };
        }
        if last.has_stop || last.has_colon {
            return (words > 1).then_some(Order::Full);
        }
        let is_lone_initial = words == 1 && token.kind == Kind::Initials && token.has_stop;
        if is_lone_initial && tokens.iter().any(|token| opens_volume(token.core)) {
            return Some(Order::Vancouver);
        }
        match token.kind {
            Kind::Capitals | Kind::Initials
                if !token.core.contains('.')
                    && token.core.chars().count() <= 3
                    && (token.has_comma
                        || token.has_stop && token.kind == Kind::Capitals
                        || token.has_stop && words <= 2 && token.core.chars().count() > 1) =>
            {
                return Some(Order::Vancouver);
            }
            Kind::Capitals | Kind::Name | Kind::Particle | Kind::Initials | Kind::Suffix => {
                words += 1;
                initials += usize::from(token.kind == Kind::Initials);
            }
            Kind::And | Kind::Others => return Some(Order::Full),
            _ => return None,
        }
        last = token;
    }
    ((last.has_comma || last.has_stop) && words > 1).then_some(Order::Full)
}

/// "2010;12(3):100-9", "3;464:12", as Vancouver style has it, or GOST's "//": they tell
/// "Mora T. Tides." from "Tom T. Mora."
fn opens_volume(word: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit();
    word == "//"
        || word.split_once(';').is_some_and(|(date, volume)| {
            !date.is_empty() && date.chars().all(is_digit) && volume.starts_with(is_digit)
        })
}

/// Where the authors at the start of the text end; none where it does not begin with any or what
/// follows can't be told from them.
pub(super) fn read(text: &str) -> Option<Names> {
    let tokens = tokens(text);
    let order = order(&tokens)?;
    let ended = |token: &Token<'_>, ends_in_comma: bool| {
        Some(Names {
            end: token.end,
            ends_in_comma,
        })
    };
    let mut follows_and = false;
    // The author that is being read began with initials, whatever the order of the first.
    let mut initials_lead = false;
    let mut author_start = 0;
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        if index == author_start {
            initials_lead = token.kind == Kind::Initials;
        }
        match token.kind {
            Kind::Other => return None,
            Kind::And => {
                follows_and = token.core != "…" && token.core != "...";
                author_start = index + 1;
                continue;
            }
            Kind::Others => {
                // "et al", with or without stop.
                return ended(token, token.has_comma);
            }
            Kind::Editors if next.is_none_or(|next| next.kind != Kind::Editors) => {
                return ended(token, token.has_comma);
            }
            _ => {}
        }
        if token.has_colon && (order != Order::Full || follows_and) {
            return ended(token, false);
        }
        if token.has_comma {
            let next = next?;
            if matches!(
                next.kind,
                Kind::And | Kind::Suffix | Kind::Editors | Kind::Others
            ) {
                continue;
            }
            let is_inverted = order == Order::SurnameFirst && !initials_lead;
            let author = tokens.get(author_start..=index).unwrap_or_default();
            let is_surname_only = is_inverted
                && !author
                    .iter()
                    .any(|token| token.has_comma && token.end < tokens[index].end);
            if is_surname_only && is_given(next) {
                continue;
            }
            if !is_author(&tokens[index + 1..], order) || (follows_and && !is_surname_only) {
                return ended(token, true);
            }
            author_start = index + 1;
            continue;
        }
        if token.has_stop {
            let next = next?;
            let ends = match token.kind {
                Kind::Name | Kind::Capitals => {
                    // "Ng., Large", "Yu. Ivanov"
                    token.core.chars().count() > 2
                        || order != Order::SurnameFirst
                        || next.kind == Kind::Other
                }
                Kind::Initials => {
                    let is_name_part = match order {
                        Order::InitialsFirst | Order::Full => true,
                        Order::Vancouver => false,
                        Order::SurnameFirst => initials_lead,
                    };
                    let goes_on = matches!(
                        next.kind,
                        Kind::Initials | Kind::And | Kind::Suffix | Kind::Editors
                    ) || (next.kind == Kind::Particle
                        && author_is_inverted(&tokens, index));
                    // "A. title" of one letter: "SMITH, J. A note on".
                    let is_article = next.core == "A" && !next.has_stop && !next.has_comma;
                    !is_name_part && (!goes_on || is_article)
                }
                Kind::Suffix => matches!(next.kind, Kind::Name | Kind::Capitals | Kind::Other),
                _ => false,
            };
            if ends {
                return ended(token, false);
            }
        }
    }
    None
}

/// "Mora, E. C. de, Quist, J." has the particle after the initials.
fn author_is_inverted(tokens: &[Token<'_>], index: usize) -> bool {
    tokens
        .get(index + 1..)
        .and_then(|rest| rest.iter().find(|token| token.kind != Kind::Particle))
        .is_some()
        && tokens
            .get(index + 1)
            .is_some_and(|particle| particle.has_comma)
}

fn is_given(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Initials | Kind::Capitals | Kind::Name)
}

/// True where the tokens go on with one more author.
fn is_author(tokens: &[Token<'_>], order: Order) -> bool {
    let end = tokens
        .iter()
        .take(8)
        .position(|token| {
            token.has_comma
                || matches!(token.kind, Kind::And | Kind::Other | Kind::Others)
                || (token.has_stop && (token.kind != Kind::Initials || order == Order::Vancouver))
                || token.has_colon
        })
        .map_or(tokens.len().min(8), |at| at + 1);
    let segment = tokens.get(..end).unwrap_or_default();
    let Some(first) = segment.first() else {
        return false;
    };
    let closing_and = segment.last().is_some_and(|token| token.kind == Kind::And);
    let names = if closing_and {
        segment.get(..segment.len() - 1).unwrap_or_default()
    } else {
        segment
    };
    if names
        .iter()
        .any(|token| matches!(token.kind, Kind::Other | Kind::Others))
    {
        return false;
    }
    match order {
        Order::InitialsFirst => {
            names.len() >= 2
                && (first.kind == Kind::Initials
                    // One name in full among abbreviated ones, with an initial inside.
                    || names.iter().any(|token| token.kind == Kind::Initials) && names.len() <= 4
                    || (closing_and && names.len() <= 3))
        }
        Order::Vancouver => {
            names.len() >= 2
                && names.len() <= 5
                && names
                    .last()
                    .is_some_and(|token| matches!(token.kind, Kind::Initials | Kind::Capitals))
        }
        Order::SurnameFirst => {
            // Surname and comma, then initials or a given name; or initials and surname.
            let is_plain = first.kind == Kind::Initials && names.len() >= 2;
            let follows = tokens.get(end).is_some_and(|next| {
                matches!(next.kind, Kind::Initials | Kind::Capitals)
                    || (next.kind == Kind::Name && (next.has_comma || next.has_stop))
            });
            is_plain
                || (names.len() <= 4 && names.last().is_some_and(|token| token.has_comma) && follows)
                || (names.len() <= 3 && closing_and)
                // "Surname I., Surname I.,"
                || (names.len() >= 2 && names.last().is_some_and(|token| token.kind == Kind::Initials))
        }
        Order::Full => names.len() >= 2 && names.len() <= 5 || closing_and && names.len() == 1,
    }
}

/// True where the line begins as the list of authors of an entry does.
pub(super) fn begin(text: &str) -> bool {
    let head = text.get(..text.floor_char_boundary(160)).unwrap_or("");
    let tokens = tokens(head);
    let Some(order) = order(&tokens) else {
        return false;
    };
    match order {
        Order::SurnameFirst => tokens
            .iter()
            .take(7)
            .any(|token| token.kind == Kind::Initials),
        Order::Full => {
            // Names of institutions and places are capitalised too; only a list of names or a
            // year behind the name says that it is an author's.
            let end = tokens
                .iter()
                .position(|token| token.has_comma || token.has_stop);
            end.is_some_and(|end| {
                (1..=4).contains(&end)
                    && (is_author(&tokens[end + 1..], order)
                        || tokens
                            .get(end + 1)
                            .is_some_and(|token| token.kind == Kind::And || is_year(token.core)))
            })
        }
        Order::InitialsFirst | Order::Vancouver => true,
    }
}

fn is_year(word: &str) -> bool {
    word.len() >= 4
        && word.len() <= 5
        && word
            .get(..4)
            .is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()))
}

/// True where all of the text may be the names of people or of an institution; `strict` where
/// nothing but their place says so.
pub(super) fn are_names(text: &str, strict: bool) -> bool {
    let tokens = tokens(text);
    if tokens.is_empty() || text.len() > LONGEST {
        return false;
    }
    let mut others = 0;
    let mut lower_run = 0;
    for token in &tokens {
        if token.core.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        if token.kind == Kind::Other {
            others += 1;
            let is_lower = token.core.starts_with(char::is_lowercase);
            lower_run = if is_lower { lower_run + 1 } else { 0 };
        } else if !matches!(token.kind, Kind::Particle | Kind::And) {
            lower_run = 0;
        }
        if lower_run > if strict { 2 } else { 3 } {
            return false;
        }
        if token.has_comma {
            lower_run = 0;
        }
    }
    let share = if strict { 8 } else { 3 };
    others * share <= tokens.len() + usize::from(!strict) * 2
}

/// True where every word is one of a name.
pub(super) fn are_only_names(text: &str) -> bool {
    let tokens = tokens(text);
    !tokens.is_empty() && tokens.iter().all(|token| token.kind != Kind::Other)
}

/// The single names in a list of authors.
pub(super) fn split(list: &str) -> Vec<String> {
    let tokens = tokens(list);
    let order = order(&tokens);
    let mut names: Vec<String> = Vec::new();
    // Where the name that is being read starts, and the kind of its first word.
    let mut from: Option<(usize, Kind)> = None;
    let mut take = |from: &mut Option<(usize, Kind)>, end: usize| {
        if let Some((start, _)) = from.take() {
            let name = list.get(start..end).unwrap_or("").trim();
            let name = name.trim_end_matches([',', ';', ':']).trim();
            if name.chars().any(char::is_alphabetic) {
                names.push(name.to_owned());
            }
        }
    };
    let mut has_inner_comma = false;
    for (index, token) in tokens.iter().enumerate() {
        if matches!(token.kind, Kind::And | Kind::Others | Kind::Editors) {
            take(&mut from, token.start);
            continue;
        }
        let (_, first) = *from.get_or_insert_with(|| {
            has_inner_comma = false;
            (token.start, token.kind)
        });
        let next = tokens.get(index + 1);
        if !token.has_comma || next.is_some_and(|next| next.kind == Kind::Suffix) {
            continue;
        }
        let is_surname = order == Some(Order::SurnameFirst)
            && !has_inner_comma
            && first != Kind::Initials
            && token.kind != Kind::Initials
            && next.is_some_and(is_given);
        if is_surname {
            has_inner_comma = true;
        } else {
            take(&mut from, token.end);
        }
    }
    take(&mut from, list.len());
    if let Some(last) = names.last_mut() {
        // The stop after an initial stays, that after the list goes.
        let last_word = last.rsplit(char::is_whitespace).next().unwrap_or("");
        if last_word.trim_end_matches('.').chars().count() > 2
            && !last_word.trim_end_matches('.').contains('.')
        {
            *last = last.trim_end_matches('.').to_owned();
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end() {
        let check = |text: &str, list: &str| {
            let read = read(text);
            let found = read.as_ref().and_then(|names| text.get(..names.end));
            assert_eq!(found.unwrap_or(""), list, "{text}: {read:?}");
        };
        check(
            "Smith, J. A., and Doe, K. The title of it. Venue.",
            "Smith, J. A., and Doe, K.",
        );
        check(
            "Smith, J., Doe, K.: The title. In: Venue",
            "Smith, J., Doe, K.:",
        );
        check(
            "J. Smith, K. van der Berg, and L. Doe. The Title. Venue",
            "J. Smith, K. van der Berg, and L. Doe.",
        );
        check(
            "J. Smith and K. Doe, Title of the work, Journal",
            "J. Smith and K. Doe,",
        );
        check("D. Smith, Quantum Theory, the rest, Proc. X", "D. Smith,");
        check("Smith JA, Doe K. Title of it. J Abbr.", "Smith JA, Doe K.");
        check(
            "Jane Smith, John M. Doe, and Ann Li. Title of it. In X",
            "Jane Smith, John M. Doe, and Ann Li.",
        );
        check(
            "A. Smith, B. Doe, et al. The title",
            "A. Smith, B. Doe, et al.",
        );
        check(
            "SMITH, J., AND DOE, K. Title of it. In X",
            "SMITH, J., AND DOE, K.",
        );
        check(
            "MORA, THOMAS C. The influence of it. J. ACM",
            "MORA, THOMAS C.",
        );
        check("Jane Smith, Tidal Constructions in Ports. X", "Jane Smith,");
        check("the title of a page. 2010", "");
    }

    #[test]
    fn names_split() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text), expected, "{text}");
        check(
            "Mora, T. A., & Hill, S. M.",
            &["Mora, T. A.", "Hill, S. M."],
        );
        check(
            "J. Smith, K. van der Berg, and L. Doe.",
            &["J. Smith", "K. van der Berg", "L. Doe"],
        );
        check("Smith JA, Doe K.", &["Smith JA", "Doe K."]);
        check(
            "Jane Smith, John M. Doe, and Ann Lee.",
            &["Jane Smith", "John M. Doe", "Ann Lee"],
        );
        check("Lowe, T., Jr., & Doe, K.", &["Lowe, T., Jr.", "Doe, K."]);
        check("R Core Team", &["R Core Team"]);
        check("", &[]);
    }
}
