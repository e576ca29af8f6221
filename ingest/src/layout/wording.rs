//! What lines say that tells what they are: page numbers, imprints, names of sections, numbers of
//! headings, captions and lists, in the languages that papers are written in.

/// A page number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageNumber {
    pub(super) value: u32,
    pub(super) is_roman: bool,
    /// True for "Page 3 of 12", "3/12", "- 3 -", which are nothing else.
    pub(super) is_formal: bool,
}

/// Reads a page number that stands alone, if it is one.
pub(super) fn page_number(text: &str) -> Option<PageNumber> {
    let text = text.trim();
    if text.len() > 40 {
        return None;
    }
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| {
        matches!(c, '-' | '–' | '—' | '|' | '·' | '[' | ']' | '~') || c.is_whitespace()
    });
    let is_framed = bare.len() < lower.len();
    let number = |value: u32, is_roman: bool, is_formal: bool| {
        Some(PageNumber {
            value,
            is_roman,
            is_formal,
        })
    };
    if let Some(value) = small(bare) {
        return number(value, false, is_framed);
    }
    if let Some(value) = roman(bare) {
        return number(value, true, is_framed);
    }
    let words: Vec<&str> = bare
        .split(|c: char| c.is_whitespace() || c == '/' || c == '|' || c == '.')
        .filter(|word| !word.is_empty())
        .collect();
    const PAGE: &[&str] = &[
        "page", "p", "pg", "seite", "página", "pagina", "side", "sida", "стр",
    ];
    const OF: &[&str] = &["of", "von", "de", "sur", "di", "av"];
    match words.as_slice() {
        [page, n] if PAGE.contains(page) => number(small(n)?, false, true),
        [n, page] if PAGE.contains(page) => number(small(n)?, false, true),
        [page, n, of, all] if PAGE.contains(page) && OF.contains(of) && small(all).is_some() => {
            number(small(n)?, false, true)
        }
        [page, n, all] if PAGE.contains(page) && small(all).is_some() => {
            number(small(n)?, false, true)
        }
        [n, of, all] if OF.contains(of) && small(all).is_some() => number(small(n)?, false, true),
        [n, all] if bare.contains('/') && small(n)? <= small(all)? => {
            number(small(n)?, false, true)
        }
        _ => {
            let cjk = bare
                .strip_prefix('第')?
                .split_once('页')
                .or_else(|| bare.strip_prefix('第')?.split_once('頁'))?;
            number(small(cjk.0.trim())?, false, true)
        }
    }
}

fn small(word: &str) -> Option<u32> {
    (word.len() <= 5 && word.bytes().all(|b| b.is_ascii_digit()))
        .then(|| word.parse().ok())
        .flatten()
}

/// A roman number up to 399, in either case but not mixed.
pub(super) fn roman(word: &str) -> Option<u32> {
    let is_lower = word.bytes().all(|b| b"ivxlc".contains(&b));
    let is_upper = word.bytes().all(|b| b"IVXLC".contains(&b));
    if word.is_empty() || word.len() > 9 || !(is_lower || is_upper) {
        return None;
    }
    let mut total = 0;
    let mut rest = word.to_lowercase();
    const PARTS: &[(&str, u32)] = &[
        ("c", 100),
        ("xc", 90),
        ("l", 50),
        ("xl", 40),
        ("x", 10),
        ("ix", 9),
        ("v", 5),
        ("iv", 4),
        ("i", 1),
    ];
    for &(part, value) in PARTS {
        let mut times = 0;
        while let Some(tail) = rest.strip_prefix(part) {
            times += 1;
            if times > 3 {
                return None;
            }
            total += value;
            rest = tail.to_owned();
        }
    }
    rest.is_empty().then_some(total)
}

/// True for words that a publisher's line on the first page has.
pub(super) fn is_imprint(text: &str) -> bool {
    const MARKS: &[&str] = &[
        "©",
        "doi.org/",
        "doi:",
        "copyright",
        "issn",
        "isbn",
        "all rights reserved",
        "(c) 1",
        "(c) 2",
        "to appear in",
        "under review",
        "preprint",
        "published by",
        "published as",
        "vol.",
        "volume ",
        "proceedings of the",
        "available online",
        "journal homepage",
        "creative commons",
        "license",
        "licence",
        "received:",
        "accepted:",
        "arxiv:",
        "conference on",
        "workshop on",
        "symposium on",
    ];
    let lower = text.to_lowercase();
    MARKS.iter().any(|mark| lower.contains(mark))
}

/// True for what a journal prints beside its first page: dates, editors, licences.
pub(super) fn is_formality(text: &str) -> bool {
    const OPENINGS: &[&str] = &[
        "doi:",
        "software",
        "submitted",
        "published",
        "received",
        "accepted",
        "revised",
        "license",
        "licence",
        "copyright",
        "editor",
        "reviewed by",
        "reviewers",
        "citation:",
        "correspondence",
        "open access",
        "specialty section",
        "funding",
        "data availability",
        "edited by",
        "creative commons",
        "available online",
        "keywords",
        "academic editor",
        "authors of papers",
    ];
    let lower = text
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    OPENINGS.iter().any(|opening| lower.starts_with(opening))
}

/// Names that papers give their sections, in lower case.
const SECTIONS: &[&str] = &[
    "abstract",
    "summary",
    "introduction",
    "background",
    "motivation",
    "preliminaries",
    "overview",
    "related work",
    "related works",
    "previous work",
    "prior work",
    "literature review",
    "theoretical background",
    "problem statement",
    "statement of need",
    "method",
    "methods",
    "methodology",
    "materials and methods",
    "methods and materials",
    "materials",
    "approach",
    "model",
    "our approach",
    "proposed method",
    "data",
    "datasets",
    "experiments",
    "experiment",
    "experimental setup",
    "experimental results",
    "experimental evaluation",
    "implementation",
    "evaluation",
    "results",
    "results and discussion",
    "analysis",
    "discussion",
    "limitations",
    "conclusion",
    "conclusions",
    "concluding remarks",
    "conclusion and future work",
    "conclusions and future work",
    "discussion and conclusion",
    "discussion and conclusions",
    "summary and conclusions",
    "future work",
    "acknowledgement",
    "acknowledgements",
    "acknowledgment",
    "acknowledgments",
    "references",
    "bibliography",
    "literature cited",
    "works cited",
    "appendix",
    "appendices",
    "supplementary material",
    "supplementary materials",
    "supplementary information",
    "supporting information",
    "author contributions",
    "competing interests",
    "conflict of interest",
    "conflicts of interest",
    "data availability",
    "data availability statement",
    "code availability",
    "funding",
    "ethics statement",
    "contents",
    "table of contents",
    "list of figures",
    "list of tables",
    // German, French, Spanish, Portuguese, Italian
    "zusammenfassung",
    "einleitung",
    "einführung",
    "grundlagen",
    "methoden",
    "methodik",
    "ergebnisse",
    "diskussion",
    "fazit",
    "ausblick",
    "literatur",
    "literaturverzeichnis",
    "inhaltsverzeichnis",
    "danksagung",
    "anhang",
    "résumé",
    "méthodes",
    "résultats",
    "remerciements",
    "références",
    "bibliographie",
    "annexe",
    "resumen",
    "introducción",
    "métodos",
    "resultados",
    "discusión",
    "conclusiones",
    "agradecimientos",
    "referencias",
    "resumo",
    "introdução",
    "resultados e discussão",
    "conclusão",
    "agradecimentos",
    "referências",
    "riassunto",
    "introduzione",
    "risultati",
    "conclusioni",
    "bibliografia",
    "ringraziamenti",
    // Chinese, Japanese, Korean, Russian
    "摘要",
    "引言",
    "绪论",
    "前言",
    "緒論",
    "方法",
    "结果",
    "結果",
    "讨论",
    "討論",
    "结论",
    "結論",
    "致谢",
    "致謝",
    "参考文献",
    "參考文獻",
    "附录",
    "附錄",
    "目录",
    "目錄",
    "要旨",
    "概要",
    "はじめに",
    "序論",
    "考察",
    "おわりに",
    "謝辞",
    "付録",
    "요약",
    "초록",
    "서론",
    "결론",
    "참고문헌",
    "аннотация",
    "введение",
    "методы",
    "результаты",
    "обсуждение",
    "заключение",
    "выводы",
    "литература",
    "список литературы",
    "благодарности",
    "приложение",
];

/// The name of a section in lower case, where the text is one and nothing else.
pub(super) fn section_name(text: &str) -> Option<String> {
    if text.len() > 80 {
        return None;
    }
    let name: String = text
        .trim()
        .trim_end_matches([':', '.', '\u{2014}', '：'])
        .trim()
        .to_lowercase();
    let squeezed: String = name.split_whitespace().collect();
    let is_name = SECTIONS.contains(&name.as_str())
        // "A B S T R A C T", "摘 要"
        || (name.contains(' ') && SECTIONS.contains(&squeezed.as_str()));
    is_name.then_some(if SECTIONS.contains(&name.as_str()) {
        name
    } else {
        squeezed
    })
}

/// True for the headings that reference lists stand under.
pub(super) fn names_references(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "references",
        "bibliography",
        "literature cited",
        "works cited",
        "literatur",
        "literaturverzeichnis",
        "références",
        "bibliographie",
        "referencias",
        "referências",
        "bibliografia",
        "参考文献",
        "參考文獻",
        "참고문헌",
        "литература",
        "список литературы",
    ];
    section_name(split_number(text).1).is_some_and(|name| NAMES.contains(&name.as_str()))
}

/// True for the headings that abstracts stand under.
pub(super) fn names_abstract(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "abstract",
        "summary",
        "zusammenfassung",
        "résumé",
        "resumen",
        "resumo",
        "riassunto",
        "摘要",
        "要旨",
        "概要",
        "요약",
        "초록",
        "аннотация",
    ];
    section_name(text).is_some_and(|name| NAMES.contains(&name.as_str()))
}

/// The number of a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number<'a> {
    /// As printed, less the last stop: "3.2", "IV", "A.1".
    pub(super) label: &'a str,
    /// "3.2" is 2 deep.
    pub(super) depth: u8,
    pub(super) style: Numerals,
}

/// What the first part of a number is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Numerals {
    Arabic,
    Letter,
    Roman,
}

/// "3.2. Training" as ("3.2", "Training"); "Appendix B: Proofs" as ("B", "Proofs").
pub(super) fn split_number(text: &str) -> (Option<Number<'_>>, &str) {
    let text = text.trim();
    let Some((word, mut rest)) = text.split_once([' ', '\t']) else {
        return (None, text);
    };
    const OPENINGS: &[&str] = &[
        "appendix", "chapter", "section", "part", "anhang", "kapitel", "annexe", "chapitre", "§",
    ];
    let (mut label, mut is_named) = (word, false);
    if OPENINGS.contains(&word.to_lowercase().as_str()) {
        let (next, after) = rest
            .trim_start()
            .split_once([' ', '\t'])
            .unwrap_or((rest.trim(), ""));
        (label, rest, is_named) = (next, after, true);
    }
    let label = label.trim_end_matches(['.', ':', ')', '．']);
    let mut depth = 0u8;
    let mut style = None;
    for part in label.split('.') {
        depth = depth.saturating_add(1);
        let is_digits =
            !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
        let is_letter = part.len() == 1 && part.bytes().all(|b| b.is_ascii_uppercase());
        let is_roman = part.bytes().all(|b| b"IVX".contains(&b)) && roman(part).is_some();
        let numerals = if is_digits {
            Numerals::Arabic
        } else if is_roman {
            Numerals::Roman
        } else if is_letter {
            Numerals::Letter
        } else {
            return (None, text);
        };
        if is_digits && part.parse::<u32>().is_ok_and(|n| n > 40) {
            return (None, text);
        }
        style.get_or_insert(numerals);
    }
    match style {
        Some(style) if depth <= 5 && (is_named || !rest.trim().is_empty()) => (
            Some(Number {
                label,
                depth,
                style,
            }),
            rest.trim_start_matches(|c: char| {
                c.is_whitespace() || matches!(c, ':' | '.' | '-' | '–' | '—')
            }),
        ),
        _ => (None, text),
    }
}

/// Whether a line opens the caption of a figure, table, algorithm or listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CaptionOpening {
    /// "Figure 3: Levels": nothing else looks so.
    Sure,
    /// "Figure 3 shows": only where something else says that a block starts here.
    Likely,
}

/// Reads the opening of a caption.
pub(super) fn caption(text: &str) -> Option<CaptionOpening> {
    const LABELS: &[&str] = &[
        "figure",
        "fig.",
        "fig",
        "table",
        "tab.",
        "algorithm",
        "listing",
        "scheme",
        "chart",
        "exhibit",
        "plate",
        "box",
        "supplementary figure",
        "supplementary table",
        "extended data fig.",
        "extended data figure",
        "extended data table",
        "abbildung",
        "abb.",
        "tabelle",
        "tableau",
        "figura",
        "tabla",
        "tabela",
        "tabella",
        "рис.",
        "рисунок",
        "таблица",
        "图",
        "圖",
        "表",
        "図",
        "그림",
        "표",
    ];
    let lower: String = text
        .trim_start()
        .chars()
        .take(60)
        .flat_map(char::to_lowercase)
        .collect();
    let rest = LABELS
        .iter()
        .filter_map(|label| lower.strip_prefix(label))
        .min_by_key(|rest| rest.len())?;
    let rest = rest.trim_start();
    let number_end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
        .unwrap_or(rest.len());
    let (number, after) = rest.split_at_checked(number_end)?;
    let bare = number.trim_end_matches(['.', '-']);
    let is_number = bare.len() <= 8
        && (bare.bytes().any(|b| b.is_ascii_digit())
            || (!bare.is_empty() && roman(bare).is_some())
            || (bare.len() == 1 && bare.bytes().all(|b| b.is_ascii_alphabetic())));
    if !is_number {
        return None;
    }
    let is_marked = number.ends_with('.')
        || after
            .trim_start()
            .starts_with([':', '.', '|', '：', '．', '—', '–'])
        || after.trim().is_empty();
    // "Table 2. The" is sure; "figure 2." may end a sentence that wraps, so it must be capital.
    let is_capital = !text.trim_start().starts_with(|c: char| c.is_lowercase());
    match (is_marked, is_capital) {
        (true, true) => Some(CaptionOpening::Sure),
        (false, true) => Some(CaptionOpening::Likely),
        _ => None,
    }
}

/// The marker of a list item: how many bytes it takes, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// A bullet or dash.
    Bullet,
    /// "1.", "(a)", "iv)".
    Number,
    /// "[12]", as entries of reference lists have.
    Bracketed,
}

/// Reads the marker of a list item at the start of a line.
pub(super) fn list_marker(text: &str) -> Option<(Marker, usize)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let is_bullet = matches!(
        first,
        '•' | '◦'
            | '▪'
            | '▫'
            | '■'
            | '□'
            | '●'
            | '○'
            | '◆'
            | '◇'
            | '►'
            | '▶'
            | '➢'
            | '✓'
            | '✔'
            | '⋄'
            | '∙'
            | '‣'
            | '\u{f0b7}'
            | '\u{f0a7}'
            | '–'
            | '—'
            | '-'
            | '*'
            | '·'
            | '★'
            | '➤'
            | '→'
    );
    if is_bullet {
        let rest = chars.as_str();
        let is_dash = matches!(first, '–' | '—' | '-' | '*' | '·' | '→');
        let follows = rest.trim_start().chars().next()?;
        let is_item = rest.starts_with([' ', '\t']) || !is_dash;
        return (is_item && !follows.is_numeric() || !is_dash)
            .then_some((Marker::Bullet, first.len_utf8()));
    }
    let end = text.find([' ', '\t'])?;
    let word = text.get(..end)?;
    if let Some(inner) = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
    {
        let is_label = !inner.is_empty()
            && inner.len() <= 12
            && inner.chars().all(|c| c.is_alphanumeric() || c == '+');
        return is_label.then_some((Marker::Bracketed, end));
    }
    let (inner, is_closed) = match word.strip_prefix('(') {
        Some(inner) => (inner.strip_suffix(')')?, true),
        None => match word.strip_suffix(')') {
            Some(inner) => (inner, true),
            None => (word.strip_suffix('.')?, false),
        },
    };
    let is_digits =
        !inner.is_empty() && inner.len() <= 3 && inner.bytes().all(|b| b.is_ascii_digit());
    let is_letter = inner.len() == 1
        && inner
            .bytes()
            .all(|b| b.is_ascii_lowercase() || (is_closed && b.is_ascii_uppercase()));
    let is_roman =
        inner.len() <= 5 && inner.bytes().all(|b| b"ivx".contains(&b)) && roman(inner).is_some();
    (is_digits || is_letter || is_roman).then_some((Marker::Number, end))
}

/// True where a line starts with the mark of a footnote.
pub(super) fn footnote_mark(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some('*' | '∗' | '†' | '‡' | '§' | '¶' | '♯' | '⋆') => true,
        Some(c) if c.is_ascii_digit() => {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            text.len() - rest.len() <= 3
                && rest
                    .trim_start()
                    .chars()
                    .next()
                    .is_some_and(|c| c.is_alphabetic() || matches!(c, '“' | '"' | '‘' | '('))
        }
        _ => false,
    }
}

/// True where the text ends as a sentence does.
pub(super) fn is_ended(text: &str) -> bool {
    text.trim_end()
        .trim_end_matches([
            ')', ']', '"', '\u{201d}', '\u{2019}', '\'', '」', '』', '）',
        ])
        .ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '：', '；'])
}
