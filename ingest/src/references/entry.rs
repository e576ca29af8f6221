//! One entry of a reference list, taken apart: authors, year and title.
//!
//! Every style puts the authors first. Where the year comes next ("Smith, J. (2010). Title.",
//! "Jane Smith. 2010. Title."), the title is the sentence after it; otherwise the title is what is
//! in quotes, or the sentence after the authors. An entry of a style without titles ("Smith, J.
//! Nature 12, 34 (1999)") has none.

use super::{identifier, names};
use crate::Reference;

/// Longest title that is believed, in bytes.
const LONGEST_TITLE: usize = 500;

/// Fills in what the text of an entry says.
pub(super) fn parse(label: &str, text: &str) -> Reference {
    let text = text.trim();
    let years = years(text);
    let (authors, title, year) = author_year(text, &years)
        .or_else(|| quoted(text, &years))
        .or_else(|| author_title(text, &years))
        .unwrap_or_default();
    let year = year
        .or_else(|| best_year(text, &years))
        .or_else(|| arxiv_year(text));
    Reference {
        label: label.to_owned(),
        authors: names::split(&authors).into_iter().take(200).collect(),
        title: title.as_deref().and_then(clean_title),
        year,
        doi: identifier::doi(text),
        text: text.to_owned(),
        start: 0,
        end: 0,
    }
}

/// Authors, title, year.
type Parts = (String, Option<String>, Option<i32>);

/// A year in the text and where it stands.
#[derive(Debug, Clone, Copy)]
struct Year {
    value: i32,
    start: usize,
    /// One past its last digit or letter suffix.
    end: usize,
    /// A bracket stands before it, maybe with a month between.
    is_bracketed: bool,
}

/// Numbers that may be years: not parts of words, addresses or ranges of pages.
fn years(text: &str) -> Vec<Year> {
    let mut years = Vec::new();
    let mut from = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let word_start = from;
        from += word.len();
        let is_address = word.contains("://")
            || word.contains("www.")
            || word.contains("10.") && word.contains('/');
        if is_address || word.len() > 40 {
            continue;
        }
        let bytes = word.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let digits = bytes[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let start = at;
            at += digits;
            let before = word
                .get(..start)
                .and_then(|before| before.chars().next_back());
            let after = word.get(at..).and_then(|after| after.chars().next());
            let suffix = usize::from(
                after.is_some_and(|c| c.is_ascii_lowercase())
                    && !word
                        .get(at + 1..)
                        .is_some_and(|rest| rest.starts_with(char::is_alphanumeric)),
            );
            let is_part =
                |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "-–—/:".contains(c));
            let value = word
                .get(start..at)
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0);
            // Pages "1869–1873", reports "CS-1985", arXiv's "2404.07738".
            let is_decimal = after == Some('.')
                && word
                    .get(at + 1..)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                || before == Some('.') && start > 1;
            let after_suffix = if suffix > 0 { None } else { after };
            if digits == 4
                && (1500..=2099).contains(&value)
                && !is_part(before)
                && !is_part(after_suffix.filter(|c| *c != ':' || word.len() > at + 1))
                && !is_decimal
            {
                let start = word_start + start;
                years.push(Year {
                    value,
                    start,
                    end: word_start + at + suffix,
                    is_bracketed: is_bracketed(text.get(..start).unwrap_or("")),
                });
            }
        }
    }
    years
}

/// "(", "(May ", "(12 May ".
fn is_bracketed(before: &str) -> bool {
    let tail = before
        .get(before.ceil_char_boundary(before.len().saturating_sub(18))..)
        .unwrap_or("");
    tail.rfind(['(', '（']).is_some_and(|open| {
        tail.get(open..)
            .unwrap_or("")
            .chars()
            .skip(1)
            .all(|c| c.is_alphanumeric() || " .,–-/".contains(c))
    })
}

/// The year of an entry that has it anywhere but after the authors: the last one in brackets or
/// at the end, rather than one in the title or the name of a conference.
fn best_year(text: &str, years: &[Year]) -> Option<i32> {
    let is_pages = |year: &Year| {
        let before = text
            .get(..year.start)
            .unwrap_or("")
            .trim_end()
            .to_lowercase();
        [
            "pp.", "pp", "p.", "pages", "page", "no.", "vol.", "art.", "article",
        ]
        .iter()
        .any(|word| before.ends_with(word))
    };
    let is_visit = |year: &Year| {
        let before = text.get(..year.start).unwrap_or("");
        let tail = before
            .get(before.ceil_char_boundary(before.len().saturating_sub(40))..)
            .unwrap_or("")
            .to_lowercase();
        ["accessed", "retrieved", "visited", "zugriff", "consulté"]
            .iter()
            .any(|word| tail.contains(word))
    };
    let usable = || years.iter().filter(|year| !is_pages(year));
    let dated = || usable().filter(|year| !is_visit(year));
    // "(Dec. 2002), 1-14", "(1966), 66-81", but not "(SIGMOD 2010), 2010."
    let last = dated().next_back();
    let bracketed = dated().filter(|year| year.is_bracketed).next_back();
    match (last, bracketed) {
        (Some(last), Some(bracketed)) => {
            let rest = text.get(last.end..).unwrap_or("");
            // A plain year near the end outweighs brackets before it.
            if rest.len() < 40 && !last.is_bracketed {
                last.value
            } else {
                bracketed.value
            }
            .into()
        }
        (Some(last), None) => Some(last.value),
        _ => usable().next_back().map(|year| year.value),
    }
}

/// "arXiv:2404.07738" says its year.
fn arxiv_year(text: &str) -> Option<i32> {
    let identifier = identifier::arxiv(text)?;
    let digits = identifier.rsplit('/').next()?;
    let year: i32 = digits.get(..2)?.parse().ok()?;
    Some(if year > 90 { 1900 + year } else { 2000 + year })
}

/// "Authors (2010). Title.", "Authors. 2010. Title.", "Authors, 2010. Title."
fn author_year(text: &str, years: &[Year]) -> Option<Parts> {
    let undated = [
        "(n.d.)",
        "(in press)",
        "(forthcoming)",
        "(submitted)",
        "(n. d.)",
    ]
    .iter()
    .filter_map(|mark| text.find(mark).map(|at| (at, at + mark.len())))
    .min();
    let dated = years.iter().take(4).filter_map(|year| {
        let before = text.get(..year.start).unwrap_or("");
        if year.is_bracketed {
            let open = before.rfind(['(', '（'])?;
            let close = text
                .get(year.end..)?
                .find([')', '）'])
                .filter(|at| *at < 40)?;
            Some((open, year.end + close + 1, Some(*year)))
        } else {
            // A year of a bracket that holds more, or at the end, is not the author's.
            let after = text.get(year.end..)?.chars().next()?;
            let is_apart = before.trim_end().ends_with(['.', ',', ':', '&']) || year.start < 60;
            (is_apart && matches!(after, '.' | ',' | ':' | ';' | ' ')).then_some((
                year.start,
                year.end,
                Some(*year),
            ))
        }
    });
    let (start, end, year) = dated
        .chain(undated.map(|(start, end)| (start, end, None)))
        .find(|(start, end, year)| {
            let authors = text.get(..*start).unwrap_or("");
            let is_bracketed = year.is_none_or(|year| year.is_bracketed);
            let rest = text.get(*end..).unwrap_or("");
            // "(2010)." is where a year stands after authors and seldom elsewhere.
            let is_sure = is_bracketed && rest.starts_with(['.', ':']);
            let has_title = rest.chars().filter(|c| c.is_alphabetic()).count() >= 4;
            has_title
                && names::are_names(authors, !is_bracketed)
                && (is_sure || is_all_authors(text, *start))
                && (is_bracketed
                    || !opens_address(rest.trim_start_matches([' ', '.', ',', ':', ';'])))
        })?;
    let authors = text
        .get(..start)?
        .trim()
        .trim_end_matches(['(', ',', ':'])
        .trim();
    let after = text.get(end..)?;
    let rest = after.trim_start_matches(|c: char| c.is_whitespace() || ").,:;]".contains(c));
    let is_comma = after.trim_start().starts_with(',');
    // A page or a film without an author is named in its place.
    if opens_address(rest) || rest.starts_with("In ") && sentence_end(rest) < 40 {
        let title = authors.trim_end_matches('.').to_owned();
        return Some((String::new(), Some(title), year.map(|year| year.value)));
    }
    let title = match quote(rest) {
        Some((0, title)) => Some(title.to_owned()),
        _ if is_comma => rest.get(..comma_end(rest)).map(str::to_owned),
        _ => rest.get(..sentence_end(rest)).map(str::to_owned),
    };
    Some((authors.to_owned(), title, year.map(|year| year.value)))
}

/// True where the list of authors at the start of the text reaches to `end`, but for a few words.
fn is_all_authors(text: &str, end: usize) -> bool {
    match names::read(text) {
        Some(names) => names.end + 25 >= end,
        None => {
            let before = text.get(..end).unwrap_or("").trim_end();
            sentence_end(before) + 2 >= before.len() && !before.contains(['"', '“', '”'])
        }
    }
}

/// True where no title but an address follows.
fn opens_address(rest: &str) -> bool {
    let lower: String = rest.chars().take(16).flat_map(char::to_lowercase).collect();
    [
        "http",
        "url",
        "www.",
        "doi",
        "retrieved ",
        "accessed ",
        "available ",
    ]
    .iter()
    .any(|word| lower.starts_with(word))
}

/// `Authors, "Title," Venue, 2010`
fn quoted(text: &str, years: &[Year]) -> Option<Parts> {
    let (start, title) = quote(text)?;
    let is_title = title.split_whitespace().nth(1).is_some() || title.chars().count() >= 8;
    if !is_title {
        return None;
    }
    let authors = text.get(..start).unwrap_or("").trim();
    // Quotes inside a title in plain type come after many words that are no names.
    let lower = authors
        .split_whitespace()
        .filter(|word| word.starts_with(char::is_lowercase) && !names::is_particle(word))
        .count();
    (lower <= 6).then(|| {
        (
            authors.to_owned(),
            Some(title.to_owned()),
            best_year(text, years),
        )
    })
}

/// The first quotation: where it begins, and what is in the quotes.
fn quote(text: &str) -> Option<(usize, &str)> {
    const PAIRS: &[(&str, &[&str])] = &[
        ("“", &["”", "\"", "“"]),
        ("``", &["''", "”", "\""]),
        ("\"", &["\"", "”"]),
        ("„", &["“", "”"]),
        ("«", &["»"]),
        ("‘", &[",’", ".’", "’,", "’."]),
        ("''", &["''"]),
    ];
    let (start, open, closes) = PAIRS
        .iter()
        .filter_map(|(open, closes)| text.find(open).map(|at| (at, *open, *closes)))
        .min_by_key(|(at, open, _)| (*at, usize::MAX - open.len()))?;
    let inner = text.get(start + open.len()..)?;
    let end = closes.iter().filter_map(|close| inner.find(close)).min()?;
    let title = inner.get(..end)?.trim();
    (!title.is_empty() && title.len() <= LONGEST_TITLE).then_some((start, title))
}

/// "Authors. Title. Venue, 2010", "Authors: Title. Venue", "Authors, Title, Venue"
fn author_title(text: &str, years: &[Year]) -> Option<Parts> {
    let year = best_year(text, years);
    let (authors, rest, by_comma) = match names::read(text) {
        Some(names) => (
            text.get(..names.end)?,
            text.get(names.end..)?
                .trim_start_matches(|c: char| c.is_whitespace() || ",.:;".contains(c)),
            names.ends_in_comma,
        ),
        None => {
            let (authors, rest) = institution(text);
            (authors, rest, false)
        }
    };
    let rest = rest
        .trim_start_matches("(Eds.)")
        .trim_start_matches([',', '.', ' ']);
    let end = if by_comma {
        comma_end(rest)
    } else {
        sentence_end(rest)
    };
    let title = rest.get(..end)?.trim();
    let title = (!is_venue(title)).then(|| title.to_owned());
    Some((authors.trim_end_matches([':', ',']).to_owned(), title, year))
}

/// An institution before the first stop, and the rest; an entry that is a title from its first
/// word on has no authors.
fn institution(text: &str) -> (&str, &str) {
    let end = sentence_end(text);
    let (first, rest) = (text.get(..end).unwrap_or(""), text.get(end..).unwrap_or(""));
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ".。．".contains(c));
    let is_short = first.split_whitespace().count() <= 6 && first.len() <= 60;
    let second = rest.get(..sentence_end(rest)).unwrap_or("");
    let goes_on = rest.len() > second.len() + 3;
    let is_title = second.split_whitespace().count() >= 2
        || second
            .chars()
            .filter(|c| crate::extract::is_cjk(*c))
            .count()
            >= 4;
    let starts_as_address = second.contains("://") || second.starts_with("www.");
    if is_short && is_title && goes_on && !starts_as_address && !first.contains(',') {
        (first, rest)
    } else {
        ("", text)
    }
}

/// "Nature 12, 34–56 (1999)", "Phys. Rev. A 54(1996), 1034": a journal with its volume.
fn is_venue(title: &str) -> bool {
    let mut words = title.split_whitespace().peekable();
    let mut before = 0;
    while let Some(word) = words.next() {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && before > 0 {
            let tail = word.get(digits..).unwrap_or("");
            let has_pages = words.peek().is_some_and(|next| {
                next.trim_start_matches('(')
                    .starts_with(|c: char| c.is_ascii_digit())
            });
            let follows_volume = tail.starts_with([',', '(', ':']);
            return follows_volume && (has_pages || tail.contains(|c: char| c.is_ascii_digit()));
        }
        if word.starts_with(char::is_lowercase)
            && !matches!(word, "of" | "the" | "and" | "in" | "für" | "de")
        {
            return false;
        }
        before += 1;
        if before > 8 {
            return false;
        }
    }
    false
}

/// Where the first sentence ends, before its stop.
fn sentence_end(text: &str) -> usize {
    let mut from = 0;
    while let Some(found) = text
        .get(from..)
        .and_then(|rest| rest.find(['.', '?', '!', '。', '．']))
    {
        let at = from + found;
        let stop = text
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .unwrap_or('.');
        let after_at = at + stop.len_utf8();
        from = after_at;
        let after = text.get(after_at..).unwrap_or("");
        if matches!(stop, '。' | '．') {
            return at;
        }
        let closing = after.trim_start_matches(['"', '”', '’', ')', ']']);
        let next = closing.trim_start();
        let Some(first) = next.chars().next() else {
            return at + if stop == '.' { 0 } else { stop.len_utf8() };
        };
        let has_space = closing.len() > next.len();
        if !has_space && !is_glued_cjk(text, at, first) {
            continue;
        }
        if first.is_lowercase()
            && !next.starts_with("http")
            && !next.starts_with("doi")
            && !next.starts_with("arXiv")
        {
            continue;
        }
        let word = text
            .get(..at)
            .and_then(|before| {
                before
                    .rsplit(|c: char| c.is_whitespace() || c == '(')
                    .next()
            })
            .unwrap_or("");
        match stop {
            '.' if is_abbreviation(word, text.get(..at).unwrap_or("")) => continue,
            '.' if is_numeral(next.split(['.', ' ']).next().unwrap_or(""))
                && next
                    .split(' ')
                    .next()
                    .is_some_and(|word| word.ends_with('.')) =>
            {
                continue;
            }
            '?' | '!' if !ends_after_question(next) => continue,
            '.' => return at,
            _ => return after_at,
        }
    }
    text.len()
}

/// "IV. Title goes on", "1. Title goes on"
fn is_part_number(next: &str) -> bool {
    let word = next.split(' ').next().unwrap_or("");
    word.strip_suffix('.').is_some_and(|number| {
        is_numeral(number)
            || (number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// "5 technical report" after "Qwen2."
fn opens_decimal(next: &str) -> bool {
    let digits = next.bytes().take_while(u8::is_ascii_digit).count();
    digits == 1 && next.get(1..).is_some_and(|rest| rest.starts_with(' '))
}

/// True where the next sentence is still the title: venues and publishers are capitalised, and
/// none begins with "A".
fn is_subtitle(next: &str) -> bool {
    const OTHERS: &[&str] = &[
        "in ",
        "available",
        "retrieved",
        "unpublished",
        "technical",
        "tech",
        "phd",
        "ph",
        "master",
        "doctoral",
        "diploma",
        "report",
        "paper",
        "presented",
        "accepted",
        "submitted",
        "to appear",
        "arxiv",
        "edited",
        "translated",
        "published",
        "version",
        "final",
        "working",
        "university",
        "dissertation",
        "thesis",
        "preprint",
        "under review",
        "personal",
        "url",
        "http",
        "doi",
        "proceedings",
        "proc",
        "journal",
        "lecture",
        "special",
        "draft",
        "second",
        "third",
        "revised",
        "accessed",
        "last",
        "manuscript",
        "public",
        "national",
        "u.s",
        "department",
        "from ",
        "with ",
        "at ",
    ];
    const VENUES: &[&str] = &[
        "journal",
        "review",
        "proceedings",
        "conference",
        "university",
        "press",
        "science",
        "letters",
        "transactions",
        "institute",
        "society",
        "magazine",
        "press",
        "advances",
        "annals",
        "thesis",
        "report",
        "department",
        "research",
        "preprint",
        "edition",
        "publishing",
        "publishers",
        "symposium",
        "workshop",
    ];
    let end = plain_sentence_end(next);
    let segment = next.get(..end).unwrap_or("");
    let rest = next.get(end..).unwrap_or("").trim_start_matches(['.', ' ']);
    let goes_on = rest.chars().next().is_some_and(char::is_uppercase) && !rest.starts_with("URL");
    let lower = segment.to_lowercase();
    if !goes_on
        || segment.contains(|c: char| c.is_ascii_digit())
        || segment.len() > 150
        || OTHERS.iter().any(|other| lower.starts_with(other))
        || VENUES.iter().any(|venue| lower.contains(venue))
    {
        return false;
    }
    let is_article = segment.starts_with("A ") || segment.starts_with("An ");
    let plain = segment
        .split_whitespace()
        .filter(|word| {
            word.starts_with(char::is_lowercase)
                && word.len() >= 3
                && !matches!(
                    *word,
                    "and"
                        | "for"
                        | "the"
                        | "von"
                        | "van"
                        | "der"
                        | "und"
                        | "des"
                        | "del"
                        | "other"
                        | "from"
                        | "with"
                )
        })
        .count();
    is_article || plain >= 2
}

/// Where the next stop before a space is, abbreviations apart.
fn plain_sentence_end(text: &str) -> usize {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(". ")) {
        let at = from + found;
        from = at + 2;
        let before = text.get(..at).unwrap_or("");
        let word = before.rsplit(' ').next().unwrap_or("");
        if !is_abbreviation(word, before) {
            return at;
        }
    }
    text.len()
}

/// Chinese and Japanese have no space after a stop.
fn is_glued_cjk(text: &str, at: usize, next: char) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    before.is_some_and(|c| crate::extract::is_cjk(c) || c == ']') && (crate::extract::is_cjk(next))
}

/// "II", "IV", "XII"
fn is_numeral(word: &str) -> bool {
    !word.is_empty() && word.len() <= 5 && word.bytes().all(|byte| b"IVX".contains(&byte))
}

/// True where the stop after `word` does not end a sentence.
fn is_abbreviation(word: &str, before: &str) -> bool {
    const KNOWN: &[&str] = &[
        "vs", "v", "no", "vol", "st", "dr", "mr", "mrs", "prof", "e.g", "i.e", "cf", "ca",
        "approx", "fig", "sec", "ch", "eq", "jr", "inc", "et", "al", "dept", "nr", "bd", "ed",
        "eds", "ver",
    ];
    let word = word.trim_start_matches(['"', '“', '‘', '[', '(', '–', '—', '-']);
    let lower = word.to_lowercase();
    let mut letters = word.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        if !letter.is_uppercase() {
            return false;
        }
        // "in R." ends, "J. Smith" does not.
        let previous = before
            .get(..before.len() - word.len())
            .unwrap_or("")
            .split_whitespace()
            .next_back()
            .unwrap_or("");
        let is_ended = previous.starts_with(char::is_lowercase) && previous.chars().count() <= 8;
        return !is_ended;
    }
    // "inc" ends the names of firms that publish.
    let is_known = KNOWN.contains(&lower.as_str()) && !(lower == "inc" || lower == "al");
    let is_dotted = word.contains('.')
        && word
            .split('.')
            .all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic));
    let is_section = is_numeral(word) && {
        let previous = before
            .get(..before.len() - word.len())
            .unwrap_or("")
            .trim_end();
        previous.ends_with(['–', '—', '-', '.', ':'])
    };
    is_known || is_dotted || is_section
}

/// After a question, the venue: "Is it so? Nature, 12(3)"; or more of the title: "Is it so? The
/// case of X. Nature, 12(3)".
fn ends_after_question(next: &str) -> bool {
    if next.starts_with("In ") || next.starts_with("http") || next.starts_with(['[', '(']) {
        return true;
    }
    let mut end = next.len();
    let mut from = 0;
    while let Some(found) = next.get(from..).and_then(|rest| rest.find(". ")) {
        let at = from + found;
        from = at + 2;
        let word = next
            .get(..at)
            .and_then(|before| before.rsplit(' ').next())
            .unwrap_or("");
        if !is_abbreviation(word, next.get(..at).unwrap_or("")) {
            end = at;
            break;
        }
    }
    let segment = next.get(..end).unwrap_or("");
    let rest = next.get(end..).unwrap_or("").trim_start_matches(['.', ' ']);
    let has_volume = segment.split(", ").skip(1).any(|part| {
        part.trim_start_matches("vol. ")
            .starts_with(|c: char| c.is_ascii_digit())
    });
    has_volume
        || rest.is_empty()
        || rest.starts_with(|c: char| c.is_ascii_digit())
        || rest.starts_with("http")
        || rest.starts_with("doi")
}

/// Where a title that a comma ends does so: before what begins as a venue, a number or a place
/// does, not before what goes on in lower case.
fn comma_end(text: &str) -> usize {
    let stop = sentence_end(text);
    let head = text.get(..stop).unwrap_or("");
    let mut from = 0;
    while let Some(found) = head.get(from..).and_then(|rest| rest.find([',', ';'])) {
        let at = from + found;
        from = at + 1;
        let next = head.get(from..).unwrap_or("").trim_start();
        let Some(first) = next.chars().next() else {
            break;
        };
        let word = next
            .split(|c: char| c.is_whitespace() || c == '.' || c == ',')
            .next()
            .unwrap_or("");
        let opens_venue = matches!(
            word,
            "in" | "to"
                | "pp"
                | "p"
                | "vol"
                | "ed"
                | "eds"
                | "pages"
                | "volume"
                | "http"
                | "https"
                | "no"
                | "arxiv"
                | "doi"
                | "available"
                | "edited"
        ) || next.starts_with("http");
        if !first.is_lowercase() || opens_venue {
            return at;
        }
    }
    stop
}

/// Without what is no part of the title; none where nothing is left.
fn clean_title(title: &str) -> Option<String> {
    let mut title = title.trim();
    loop {
        let before = title.len();
        title = title
            .trim_matches(|c: char| c.is_whitespace() || ",;:\"“”„«»`".contains(c))
            .trim_end_matches(['.', '’', '\'']);
        title = without_group(title, '[', ']', is_description);
        title = without_group(title, '(', ')', is_edition);
        title = without_date(title);
        title = without_venue(title);
        if title.len() == before {
            break;
        }
    }
    let title = title.trim_start_matches(['\'', '‘', '.']).trim();
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    let is_address = title.contains("://") || title.starts_with("www.");
    (letters >= 2 && !is_address && title.len() <= LONGEST_TITLE).then(|| title.to_owned())
}

/// Without brackets at the end, if `is_extra` says that what is in them is no part of it.
fn without_group(title: &str, open: char, close: char, is_extra: fn(&str) -> bool) -> &str {
    let Some(inner) = title.strip_suffix(close) else {
        return title;
    };
    let Some(at) = inner.rfind(open).filter(|at| *at > 0) else {
        return title;
    };
    if is_extra(inner.get(at + 1..).unwrap_or("")) {
        title.get(..at).unwrap_or(title).trim_end()
    } else {
        title
    }
}

/// "Computer software", "J", "Online"
fn is_description(inner: &str) -> bool {
    const WORDS: &[&str] = &[
        "software",
        "data set",
        "dataset",
        "program",
        "video",
        "blog",
        "web page",
        "webpage",
        "website",
        "film",
        "presentation",
        "poster",
        "preprint",
        "manuscript",
        "unpublished",
        "thesis",
        "dissertation",
        "online",
        "podcast",
        "report",
        "translat",
        "in ",
        "package",
        "apparatus",
        "tweet",
        "lecture",
        "slides",
        "notes",
        "specification",
    ];
    let lower = inner.to_lowercase();
    inner.len() <= 6 || WORDS.iter().any(|word| lower.contains(word))
}

/// "2nd ed.", "Version 1.0", "Vol. 3, pp. 1–20", "Doctoral dissertation"
fn is_edition(inner: &str) -> bool {
    const STARTS: &[&str] = &[
        "version",
        "vol.",
        "vols.",
        "p.",
        "pp.",
        "doctoral",
        "master",
        "phd",
        "ph.d",
        "unpublished",
        "tech",
        "report",
        "no.",
        "publication",
        "issue",
        "working paper",
        "ed.",
        "eds.",
        "1st",
        "2nd",
        "3rd",
        "research report",
    ];
    let lower = inner.trim().to_lowercase();
    STARTS.iter().any(|start| lower.starts_with(start))
        || lower.ends_with(" ed.")
        || lower.ends_with(" ed")
        || lower.ends_with("edition")
        || lower.ends_with("eds.")
        // "(2 Sub)", as editions get cut
        || (lower.len() <= 8
            && lower.split_once(' ').is_some_and(|(number, _)| number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit())))
}

/// Without a venue or publisher that a comma joins to it.
fn without_venue(title: &str) -> &str {
    const CUTS: &[&str] = &[
        ", in: ",
        ", In: ",
        ", In ",
        ", in Proc",
        ", Masters thesis",
        ", Master's thesis",
        ", Master’s thesis",
        ", PhD thesis",
        ", PhD dissertation",
        ", Ph.D",
        ", Ph. D",
        ", Doctoral",
        ", Technical Report",
        ", technical report",
        ", Tech. ",
        ", arXiv",
        ", CoRR",
        ", Springer",
        ", Wiley",
        ", John Wiley",
        ", MIT Press",
        ", Cambridge University Press",
        ", Oxford University Press",
        ", McGraw-Hill",
        ", Addison-Wesley",
        ", Prentice",
        ", Academic Press",
        ", Elsevier",
        ", Proceedings of",
        ", Proc. ",
        ", Journal of",
        ", Lecture Notes",
        ", Morgan Kaufmann",
        ", CRC Press",
    ];
    let cut = CUTS
        .iter()
        .filter_map(|cut| title.find(cut))
        .filter(|at| *at >= 8)
        .min();
    cut.and_then(|at| title.get(..at)).unwrap_or(title)
}

/// Without ", 2010" or ", May 2010" at the end.
fn without_date(title: &str) -> &str {
    // "2010a"
    let plain = title
        .strip_suffix(|c: char| c.is_ascii_lowercase())
        .unwrap_or(title);
    let digits = plain.len() - plain.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    if digits != 4 {
        return title;
    }
    let before = plain.get(..plain.len() - 4).unwrap_or("");
    let Some(comma) = before.rfind([',', ';']) else {
        return title;
    };
    let between = before.get(comma + 1..).unwrap_or("").trim();
    let is_date = between.split_whitespace().count() <= 2
        && between
            .chars()
            .all(|c| c.is_alphanumeric() || c == '.' || c == ' ');
    if is_date {
        title.get(..comma).unwrap_or(title)
    } else {
        title
    }
}
