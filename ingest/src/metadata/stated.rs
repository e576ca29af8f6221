//! What the file says of itself, told from what programs and templates left there.
//!
//! The information dictionary and the XMP packet hold the name of a Word file or of the secretary
//! as often as title and authors. These are only cleaned and sifted here; whether the first page
//! bears them out is for the callers to see.

use super::{names, squash};
use crate::Source;
use crate::extract::Info;

/// Longest title in bytes.
const MAX_LENGTH: usize = 400;

/// The titles that the file states, surest first.
pub(super) fn titles(info: &Info) -> Vec<(String, Source)> {
    let mut titles: Vec<(String, Source)> = Vec::new();
    for (title, source) in [(&info.xmp_title, Source::Xmp), (&info.title, Source::Info)] {
        if let Some(title) = title.as_deref().and_then(plausible)
            && !titles.iter().any(|(known, _)| *known == title)
        {
            titles.push((title, source));
        }
    }
    titles
}

/// The stated title in a clean form, if it can be one.
fn plausible(title: &str) -> Option<String> {
    const FILES: &[&str] = &[
        ".doc", ".docx", ".pdf", ".tex", ".dvi", ".ps", ".rtf", ".indd", ".qxd", ".fm", ".odt",
        ".txt", ".ppt", ".pptx", ".eps", ".pages", ".md", ".html", ".xml",
    ];
    const STARTS: &[&str] = &[
        "microsoft word",
        "microsoft powerpoint",
        "untitled",
        "template",
        "paper title",
        "powerpoint presentation",
        "presentation title",
        "document1",
        "latex",
        "acmart",
        "ieeetran",
        "elsarticle",
        "sigproc",
        "llncs",
        "instructions for",
        "manuscript",
        "doi:",
        "pii:",
        "http://",
        "https://",
        "www.",
        "title of",
        "your title",
        "no job name",
        "layout 1",
        "print layout",
        "camera-ready",
        "camera ready",
        "arxiv:",
        "proceedings of",
        "page ",
    ];
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = title.trim_end_matches(['.', '*']).trim();
    let lower = title.to_lowercase();
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    let is_cjk = title.chars().any(crate::extract::is_cjk);
    let is_long_enough = if is_cjk {
        letters >= 4
    } else {
        title.len() >= 8 && title.contains(' ')
    };
    let is_text = letters * 10 >= title.chars().count() * 6;
    (is_long_enough
        && is_text
        && title.len() <= MAX_LENGTH
        && !title.contains('\\')
        && !FILES.iter().any(|extension| lower.ends_with(extension))
        && !STARTS.iter().any(|start| lower.starts_with(start))
        && !lower.contains("template")
        && !lower.contains("insert title")
        && !super::masthead::is_label(title)
        && !super::masthead::is_journal(title))
    .then(|| title.to_owned())
}

/// The authors that the file states, if the first page names them all.
pub(super) fn authors(info: &Info, page_text: &str) -> Option<(Vec<String>, Source)> {
    let page_text = squash(page_text);
    let xmp: Vec<String> = info.xmp_authors.iter().flat_map(|a| split(a)).collect();
    let dictionary = info.author.as_deref().map(split).unwrap_or_default();
    let candidates = if dictionary.len() > xmp.len() {
        [(dictionary, Source::Info), (xmp, Source::Xmp)]
    } else {
        [(xmp, Source::Xmp), (dictionary, Source::Info)]
    };
    candidates.into_iter().find_map(|(authors, source)| {
        // Organisations are stated among people; strangers to the first page discredit the whole.
        let people: Vec<String> = authors
            .into_iter()
            .filter(|name| !names::is_organisation(name))
            .collect();
        (!people.is_empty() && people.iter().all(|name| is_borne_out(name, &page_text))).then(
            || {
                (
                    people.iter().map(|name| given_first(name)).collect(),
                    source,
                )
            },
        )
    })
}

/// "Ann Lee; Bo Ray", "Ann Lee, Bo Ray and Cy Doe", "Lee, Ann".
pub(super) fn split(author: &str) -> Vec<String> {
    let parts: Vec<&str> = if author.contains(';') {
        author.split(';').flat_map(split_group).collect()
    } else {
        let parts: Vec<&str> = author
            .split([',', '&'])
            .flat_map(|part| part.split(" and "))
            .collect();
        match parts.as_slice() {
            // One name, family name first.
            [last, first]
                if !last.trim().contains(' ')
                    && !first.trim().contains(' ')
                    && author.contains(',') =>
            {
                vec![author]
            }
            _ => parts,
        }
    };
    parts
        .into_iter()
        .map(|part| {
            let part = part.trim().trim_start_matches("and ").trim();
            names::without_title(part)
        })
        .filter(|part| !part.is_empty() && !names::is_degree(part))
        .map(str::to_owned)
        .collect()
}

/// "Ann Lee, Bo Ray" in two, "Lee, Ann" whole.
fn split_group(group: &str) -> Vec<&str> {
    let parts: Vec<&str> = group.split(',').map(str::trim).collect();
    if parts.len() > 1 && parts.iter().all(|part| part.contains(' ')) {
        parts
    } else {
        vec![group]
    }
}

/// "Lee, Ann" as "Ann Lee".
pub(super) fn given_first(name: &str) -> String {
    match name.split_once(',') {
        Some((family, given)) if !given.trim().is_empty() && !given.contains(',') => {
            format!("{} {}", given.trim(), family.trim())
        }
        _ => name.trim().to_owned(),
    }
}

/// Shaped like a name, and its family name is printed on the first page.
fn is_borne_out(name: &str, page_text: &str) -> bool {
    let has_shape = name.contains(' ') || name.chars().any(crate::extract::is_cjk);
    has_shape
        && name.len() < 60
        && !name.contains(['@', '/', '\\'])
        && name
            .split([' ', ','])
            .filter(|word| word.chars().count() > 1)
            .max_by_key(|word| word.len())
            .is_some_and(|word| page_text.contains(&squash(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_no_title() {
        for junk in [
            "Microsoft Word - paper_final.doc",
            "untitled",
            "main.tex",
            "P07-1088",
            "sig-alternate template",
            "10.1.1.37",
            "LaTeX Article",
            "Untitled Document",
            "Short",
            "Journal of Small Things",
        ] {
            assert_eq!(plausible(junk), None, "{junk}");
        }
        assert_eq!(
            plausible(" Tidy Data for All. ").as_deref(),
            Some("Tidy Data for All")
        );
    }

    #[test]
    fn stated_authors_are_split() {
        assert_eq!(split("Ann Lee; Bo Ray"), ["Ann Lee", "Bo Ray"]);
        assert_eq!(
            split("Ann Lee, Bo Ray, and Cy Doe"),
            ["Ann Lee", "Bo Ray", "Cy Doe"]
        );
        assert_eq!(split("Lee, Ann"), ["Lee, Ann"]);
        assert_eq!(
            split("Ann Lee, Bo Ray; Some University"),
            ["Ann Lee", "Bo Ray", "Some University"]
        );
        assert_eq!(given_first("Lee, Ann B."), "Ann B. Lee");
    }

    #[test]
    fn strangers_discredit_the_statement() {
        let info = |author: &str| Info {
            author: Some(author.to_owned()),
            ..Info::default()
        };
        let page = "A Study\nAnn Lee and Bo Ray\nSome University";
        let found = |author: &str| authors(&info(author), page).map(|(names, _)| names);
        assert_eq!(found("Lee, Ann; Ray, Bo").unwrap(), ["Ann Lee", "Bo Ray"]);
        assert_eq!(found("Ann Lee; Some University").unwrap(), ["Ann Lee"]);
        assert_eq!(found("Some Secretary"), None);
        assert_eq!(found("admin"), None);
    }
}
