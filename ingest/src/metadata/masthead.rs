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
    // Wording that no title begins with.
    const SURE: &[&str] = &[
        "arxiv:",
        "doi:",
        "doi 10.",
        "http://",
        "https://",
        "www.",
        "table of contents",
        "list of figures",
        "see discussions",
        "a thesis submitted",
        "a dissertation submitted",
        "submitted in partial",
        "check for updates",
        "contents lists available",
    ];
    // Labels stand alone, but for a word or two: "Research Article Open Access".
    const SHORT: &[&str] = &[
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
        "acknowledg",
        "article info",
        "citation:",
    ];
    const DATED: &[&str] = &["published", "received", "accepted", "available online"];
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
    let starts = |list: &[&str]| list.iter().any(|start| lower.starts_with(start));
    let is_dated = text.contains(|c: char| c.is_ascii_digit());
    starts(SURE)
        || text.split_whitespace().count() <= 4 && starts(SHORT)
        || is_dated && starts(DATED)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_titles_that_begin_like_them() {
        for label in [
            "RESEARCH ARTICLE",
            "Original Article Open Access",
            "doi:10.1000/1",
            "Received 3 May 2010",
            "Chapter 3",
            "Letter",
        ] {
            assert!(is_label(label), "{label}");
        }
        for title in [
            "Doing More with Less",
            "HTTP Adaptive Streaming in Practice",
            "Abstract Interpretation: A Unified Lattice Model for Programs",
            "Open Access and the Citation of Small Papers",
            "Published Maps of the Mind",
            "Part of Speech Tagging",
        ] {
            assert!(!is_label(title), "{title}");
        }
        assert!(is_journal("IEEE Transactions on Small Things"));
        assert!(!is_journal("Volume Rendering of Small Things"));
        assert!(is_issue("August 2014, Volume 59, Issue 10."));
        assert!(!is_issue("Volume Rendering"));
    }
}
