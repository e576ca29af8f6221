//! What lines say that tells what they are: imprints, names of sections, captions, lists and notes,
//! in the languages that papers are written in.

use super::numbering::{roman, split_number};

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
