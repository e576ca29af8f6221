//! The title of a cited work: in quotes, or freed of what styles hang on it.

/// Longest title that is believed, in bytes.
const LONGEST: usize = 500;

/// Without what is no part of the title; none where nothing is left.
pub(super) fn clean(title: &str) -> Option<String> {
    let mut title = title.trim();
    if title.len() > 2 * LONGEST {
        return None;
    }
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
    (letters >= 2 && !is_address && title.len() <= LONGEST).then(|| title.to_owned())
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
        "latest",
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
        " // ",
        ", vol. ",
        ", Vol. ",
        ", 2nd ed",
        ", 3rd ed",
        ", second edition",
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

/// "Nature 12, 34–56 (1999)", "Phys. Rev. A 54(1996), 1034": a journal with its volume.
pub(super) fn is_venue(title: &str) -> bool {
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

/// The first quotation: where it begins, and what is in the quotes.
pub(super) fn quote(text: &str) -> Option<(usize, &str)> {
    const PAIRS: &[(&str, &[&str])] = &[
        ("“", &["”", "\"", "“"]),
        ("「", &["」"]),
        ("『", &["』"]),
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
    (!title.is_empty() && title.len() <= LONGEST).then_some((start, title))
}
