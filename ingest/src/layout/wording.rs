//! What lines say that tells what they are: imprints, names of sections, openings of abstracts, in
//! the languages that papers are written in.

use super::numbering::split_number;

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
        "www.",
        "journal of",
        "annals of",
        "transactions on",
        "letters to",
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
    // Names are short; spaced-out ones have a word for each letter.
    if text.len() > 80 || (text.len() > 45 && text.split_whitespace().nth(6).is_some()) {
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

/// True for the beginning of the permission that publishers print at the foot of the first page.
pub(super) fn is_permission(text: &str) -> bool {
    text.starts_with("Permission to make digital") || text.starts_with("Permission to copy")
}

/// True where the text ends as a sentence does.
pub(super) fn is_ended(text: &str) -> bool {
    text.trim_end()
        .trim_end_matches([
            ')', ']', '"', '\u{201d}', '\u{2019}', '\'', '」', '』', '）',
        ])
        .ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '：', '；'])
}

/// True for the lines of keywords and classifications that follow an abstract.
pub(super) fn names_keywords(text: &str) -> bool {
    const OPENINGS: &[&str] = &[
        "keywords",
        "key words",
        "index terms",
        "ccs concepts",
        "categories and subject",
        "general terms",
        "subject classification",
        "mathematics subject",
        "msc ",
        "jel ",
        "pacs",
        "schlüsselwörter",
        "mots-clés",
        "mots clés",
        "palabras clave",
        "palavras-chave",
        "关键词",
        "關鍵詞",
        "キーワード",
        "ключевые слова",
    ];
    let lower: String = text
        .trim_start()
        .chars()
        .take(30)
        .flat_map(char::to_lowercase)
        .collect();
    OPENINGS.iter().any(|opening| lower.starts_with(opening))
}

/// True for the label of a theorem, a definition or their like, which is set as headings are and
/// starts no section: "Definition 3 (Levels)", "Proof".
pub(super) fn names_statement(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "theorem",
        "lemma",
        "corollary",
        "proposition",
        "definition",
        "remark",
        "example",
        "claim",
        "conjecture",
        "axiom",
        "observation",
        "fact",
        "exercise",
        "assumption",
        "property",
        "hypothesis",
        "notation",
        "question",
        "satz",
        "korollar",
        "bemerkung",
        "beispiel",
        "behauptung",
        "folgerung",
        "aufgabe",
        "hilfssatz",
        "théorème",
        "lemme",
        "corollaire",
        "définition",
        "remarque",
        "exemple",
        "teorema",
        "lema",
        "corolario",
        "definición",
        "ejemplo",
        "teorema",
        "definizione",
        "esempio",
        "теорема",
        "лемма",
        "определение",
        "пример",
        "定理",
        "引理",
        "定义",
        "定義",
    ];
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or("").to_lowercase();
    let next = words.next().unwrap_or("");
    let is_numbered = next
        .trim_start_matches(['A', 'B', 'C', 'D', '.'])
        .starts_with(|c: char| c.is_ascii_digit());
    let bare = name.trim_end_matches(['.', ':']);
    (NAMES.contains(&bare) && is_numbered)
        || (matches!(bare, "proof" | "beweis" | "démonstration") && next.is_empty())
}

/// True for the names of sections that tables have columns of too.
pub(super) fn names_body(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "analysis",
        "approach",
        "data",
        "datasets",
        "evaluation",
        "experiment",
        "experiments",
        "implementation",
        "materials",
        "method",
        "methods",
        "model",
        "results",
    ];
    section_name(text).is_some_and(|name| NAMES.contains(&name.as_str()))
}
