//! The words of a list of authors: which may be part of a name, and which end it.

/// Longest list of authors that is read, in bytes: papers of large collaborations name thousands.
pub(super) const LONGEST: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A capitalised word.
    Name,
    /// "J.", "J.-P.", "R.C."
    Initials,
    /// "JA", as Vancouver style has initials, or a name in capitals.
    Capitals,
    Particle,
    And,
    /// "et al.", "others".
    Others,
    /// "Jr.", "III".
    Suffix,
    /// "(Eds.)", "editors".
    Editors,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) core: &'a str,
    /// Punctuation behind the word.
    pub(super) has_comma: bool,
    pub(super) has_stop: bool,
    pub(super) has_colon: bool,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) fn is_particle(word: &str) -> bool {
    matches!(
        word.trim_end_matches('.'),
        "van"
            | "von"
            | "der"
            | "den"
            | "de"
            | "del"
            | "della"
            | "di"
            | "da"
            | "dos"
            | "das"
            | "du"
            | "la"
            | "le"
            | "el"
            | "al"
            | "bin"
            | "ibn"
            | "ben"
            | "ter"
            | "ten"
            | "te"
            | "zu"
            | "zur"
            | "zum"
            | "af"
            | "av"
            | "do"
            | "dal"
            | "dalla"
            | "degli"
            | "d’"
            | "d'"
            | "vom"
            | "op"
            | "het"
            | "'t"
            | "’t"
            | "st"
            | "y"
            | "e"
    )
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let text = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or("");
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut from = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let start = from;
        from += word.len();
        let word = word.trim();
        if word.is_empty() {
            continue;
        }
        let core = word.trim_end_matches([',', ';', '.', ':']);
        let tail = word.get(core.len()..).unwrap_or("");
        let mut token = Token {
            kind: Kind::Other,
            core,
            has_comma: tail.contains([',', ';']),
            has_stop: tail.contains('.'),
            has_colon: tail.contains(':'),
            start,
            end: start + word.len(),
        };
        token.kind = kind(core, &token, tokens.last());
        tokens.push(token);
    }
    tokens
}

fn kind(core: &str, token: &Token<'_>, last: Option<&Token<'_>>) -> Kind {
    match core {
        "and" | "&" | "AND" | "And" | "und" | "et" | "…" | "..." | ". . ." => return Kind::And,
        "" => {
            return if token.has_stop {
                Kind::And
            } else {
                Kind::Other
            };
        }
        "al" if last.is_some_and(|last| last.core == "et") => return Kind::Others,
        "others" => return Kind::Others,
        "Jr" | "Sr" | "II" | "III" | "IV" | "JR" | "SR" => return Kind::Suffix,
        "(Eds.)" | "(Ed.)" | "(eds.)" | "(ed.)" | "(Eds" | "(Hrsg.)" | "Eds" | "Ed" | "editors"
        | "editor" | "eds" | "ed" | "(eds" | "(editors)" | "(Eds)" | "(eds)" => {
            return Kind::Editors;
        }
        _ => {}
    }
    if is_particle(core) {
        return Kind::Particle;
    }
    let Some(first) = core.chars().next() else {
        return Kind::Other;
    };
    let mut letters = 0;
    let (mut upper, mut stops, mut strange) = (0, 0, 0);
    for c in core.chars() {
        match c {
            _ if c.is_alphabetic() => {
                letters += 1;
                upper += usize::from(c.is_uppercase());
            }
            '.' => stops += 1,
            '-' | '’' | '\'' | '‐' | '‑' | '`' | '´' | '~' | '\u{ad}' => {}
            _ if unicode_normalization::char::is_combining_mark(c) => {}
            _ => strange += 1,
        }
    }
    if strange > 0 || letters == 0 {
        return Kind::Other;
    }
    if !first.is_uppercase() {
        // "d’Alembert", "al-Khwarizmi"
        let has_capital = upper > 0 && core.contains(['’', '\'', '-']);
        return if has_capital { Kind::Name } else { Kind::Other };
    }
    if upper == letters && (stops > 0 || letters == 1) && letters <= 5 {
        return Kind::Initials;
    }
    if stops > 0 {
        // "Th.J." or a glued "P.Hoyer"
        return Kind::Name;
    }
    if upper == letters && letters <= 3 {
        return Kind::Capitals;
    }
    Kind::Name
}
