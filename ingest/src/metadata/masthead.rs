//! What is set in large type at the head of a first page and is no title: names of journals and
//! series, kinds of article, notices.

/// True where the text names a journal, a series or a volume.
pub(super) fn is_journal(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "journal of",
        "international journal",
        "the journal of",
        "proceedings of",
        "proceedings",
        "transactions on",
        "transactions of",
        "ieee transactions",
        "acm transactions",
        "communications of the",
        "annals of",
        "advances in neural",
        "lecture notes in",
        "annual review of",
        "bulletin of",
        "archives of",
        "frontiers in",
        "volume ",
        "vol.",
        "issn",
        "isbn",
    ];
    const ANYWHERE: &[&str] = &["journal of", "transactions on", "proceedings of"];
    let lower = text.to_lowercase();
    STARTS.iter().any(|start| lower.starts_with(start))
        || ANYWHERE.iter().any(|words| lower.contains(words))
        || lower.ends_with(" journal")
        || lower.ends_with(" letters")
}

/// True where the text says what kind of article it is, or is a notice.
pub(super) fn is_label(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "arxiv:",
        "doi",
        "http",
        "www.",
        "research article",
        "original article",
        "original research",
        "original paper",
        "research paper",
        "review article",
        "short communication",
        "case report",
        "brief report",
        "brief communication",
        "letter to",
        "open access",
        "technical report",
        "working paper",
        "contents",
        "abstract",
        "table of contents",
        "list of figures",
        "acknowledg",
        "published",
        "received",
        "accepted",
        "available online",
        "a thesis submitted",
        "a dissertation submitted",
        "submitted in partial",
        "check for updates",
        "article info",
        "see discussions",
        "citation",
    ];
    const WHOLE: &[&str] = &[
        "article",
        "articles",
        "review",
        "reviews",
        "letter",
        "letters",
        "report",
        "reports",
        "research",
        "perspective",
        "commentary",
        "editorial",
        "paper",
        "preprint",
        "software",
        "dissertation",
        "thesis",
        "doctoral thesis",
        "phd thesis",
        "master thesis",
        "master's thesis",
        "masterarbeit",
        "bachelorarbeit",
        "opinion",
        "essay",
        "survey",
        "tutorial",
        "chapter",
        "sciencedirect",
        "elsevier",
        "springer",
        "nature",
        "science",
        "cell",
        "plos one",
        "ieee",
        "acm",
        "analysis",
        "resource",
        "methods",
        "technical note",
        "data descriptor",
        "full paper",
        "regular paper",
        "invited paper",
        "contents lists available at sciencedirect",
    ];
    let lower = text.trim().to_lowercase();
    STARTS.iter().any(|start| lower.starts_with(start))
        || WHOLE.contains(&lower.trim_end_matches([':', '.']))
        || is_chapter(&lower)
}

/// "Chapter 3", "Part II", "Article 12".
fn is_chapter(lower: &str) -> bool {
    ["chapter ", "part ", "article ", "section ", "paper "]
        .iter()
        .filter_map(|word| lower.strip_prefix(word))
        .any(|rest| {
            !rest.is_empty()
                && rest.len() <= 5
                && rest
                    .chars()
                    .all(|c| c.is_ascii_digit() || "ivx.:".contains(c))
        })
}

/// True where the text says which issue it is, as in "August 2014, Volume 59, Issue 10".
pub(super) fn is_issue(text: &str) -> bool {
    let lower = text.to_lowercase();
    let has_number = |word: &str| {
        lower.split(word).skip(1).any(|rest| {
            rest.trim_start_matches(['.', ' ', ':'])
                .starts_with(|c: char| c.is_ascii_digit())
        })
    };
    text.len() < 200 && (has_number("volume") || has_number("vol") || has_number("issue"))
}
