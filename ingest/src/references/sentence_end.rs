//! Where a title ends: at a stop, but not at each.
//!
//! Stops also end initials, abbreviations and numbers of parts, and a title may be a question with
//! an answer, or two sentences. Venues and publishers, which follow a title, are capitalised and
//! have volumes; that tells them from a subtitle.

use super::title;

/// Where the first sentence ends, before its stop.
pub(super) fn sentence_end(text: &str) -> usize {
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
            '.' if is_part_number(next)
                || (word.ends_with(|c: char| c.is_ascii_digit()) && opens_decimal(next))
                || is_subtitle(next) =>
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

/// "5 report" after "Tide2."
fn opens_decimal(next: &str) -> bool {
    let digits = next.bytes().take_while(u8::is_ascii_digit).count();
    digits == 1 && next.get(1..).is_some_and(|rest| rest.starts_with(' '))
}

/// True where the next sentence is still the title: venues and publishers are capitalised, and
/// none begins with "A".
fn is_subtitle(next: &str) -> bool {
    const OTHERS: &[&str] = &[
        "in ",
        "in:",
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
pub(super) fn plain_sentence_end(text: &str) -> usize {
    // A longer sentence is no title and no venue.
    let text = text.get(..text.floor_char_boundary(600)).unwrap_or("");
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
        // "in R." and "vitamin D." end, "J. Smith" and "of J. Smith" do not.
        let previous = before
            .get(..before.len() - word.len())
            .unwrap_or("")
            .split_whitespace()
            .next_back()
            .unwrap_or("");
        let is_name = matches!(
            previous,
            "of" | "by" | "after" | "and" | "the" | "de" | "von" | "van"
        );
        return is_name || !previous.starts_with(char::is_lowercase);
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
    let end = plain_sentence_end(next);
    let segment = next.get(..end).unwrap_or("");
    let rest = next.get(end..).unwrap_or("").trim_start_matches(['.', ' ']);
    let has_volume = segment.split(", ").skip(1).any(|part| {
        part.trim_start_matches("vol. ")
            .starts_with(|c: char| c.is_ascii_digit())
    });
    has_volume
        || title::is_venue(next)
        || rest.is_empty()
        || rest.starts_with(|c: char| c.is_ascii_digit())
        || rest.starts_with("http")
        || rest.starts_with("doi")
}

/// Where a title that a comma ends does so: before what begins as a venue, a number or a place
/// does, not before what goes on in lower case.
pub(super) fn comma_end(text: &str) -> usize {
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
                | "technical"
                | "unpublished"
                | "manuscript"
                | "thesis"
                | "phd"
                | "personal"
        ) || next.starts_with("http")
            || next.split_whitespace().take(2).any(|word| {
                matches!(
                    word.trim_end_matches([',', '.']),
                    "preprint" | "e-print" | "eprint"
                )
            });
        if !first.is_lowercase() || opens_venue {
            return at;
        }
    }
    stop
}
