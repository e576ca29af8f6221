//! The title: the largest type at the top of the first page, unless it is a masthead.

use super::squash;
use crate::extract::Info;
use crate::{Line, Page, section};

/// A title and the lines of the first page that it stands on.
#[derive(Debug, Clone)]
pub(super) struct Title {
    pub(super) text: String,
    /// One past the last line of it on the page, where it was found there.
    pub(super) next_line: Option<usize>,
}

/// Longest title in bytes.
const MAX_LENGTH: usize = 300;

pub(super) fn find(info: &Info, page: &Page) -> Option<Title> {
    let printed = on_page(page);
    let text = squash(&page.text);
    let stated = [&info.title, &info.xmp_title]
        .into_iter()
        .flatten()
        .filter_map(|title| plausible(title))
        .filter(|title| !is_masthead(title))
        .find(|title| {
            // A title left over from a template is printed nowhere.
            text.is_empty() || text.contains(&squash(title))
        });
    match (stated, printed) {
        (Some(stated), Some(printed)) => {
            let is_same = squash(&printed.text).contains(&squash(&stated))
                || squash(&stated).contains(&squash(&printed.text));
            // The file's spelling has no line breaks or footnote marks, but may leave out a subtitle.
            let is_longer = stated.len() + 3 >= printed.text.len();
            let next_line = printed.next_line.filter(|_| is_same);
            let text = if is_same && !is_longer {
                printed.text
            } else {
                stated
            };
            Some(Title { text, next_line })
        }
        (Some(stated), None) => Some(Title {
            text: stated,
            next_line: None,
        }),
        (None, printed) => printed,
    }
}

/// The stated title in a clean form, if it can be one.
fn plausible(title: &str) -> Option<String> {
    let title = title.trim().trim_end_matches(['.', '*']);
    let lower = title.to_lowercase();
    let is_file = [
        ".doc", ".docx", ".pdf", ".tex", ".dvi", ".ps", ".rtf", ".indd", ".qxd", ".fm", ".odt",
        ".txt", ".ppt", ".pptx", ".eps", ".pages",
    ]
    .iter()
    .any(|extension| lower.ends_with(extension));
    let is_junk = [
        "microsoft word",
        "microsoft powerpoint",
        "untitled",
        "template",
        "insert title",
        "paper title",
        "powerpoint presentation",
        "document",
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
        "http",
        "www.",
        "title of",
        "your title",
        "no job name",
        "layout 1",
        "print layout",
        "camera-ready",
        "camera ready",
    ]
    .iter()
    .any(|junk| {
        lower.starts_with(junk)
            || (matches!(*junk, "template" | "insert title") && lower.contains(junk))
    });
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
        && !is_file
        && !is_junk
        && !title.contains('\\')
        && title.len() <= MAX_LENGTH)
        .then(|| title.to_owned())
}

/// The title as printed.
fn on_page(page: &Page) -> Option<Title> {
    let body = body_size(page)?;
    let mut sizes: Vec<f32> = candidates(page).map(|(_, line)| line.font_size).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    sizes.dedup_by(|a, b| (*a - *b).abs() < 0.25);
    let sizes = sizes
        .into_iter()
        .take_while(|size| *size >= 1.15 * body)
        .take(8);
    let groups: Vec<(f32, f32, Title)> = sizes.filter_map(|size| group(page, size)).collect();
    let largest = groups.first()?.0;
    let longest = groups.iter().map(|(_, _, title)| title.text.len()).max()?;
    // Words in a figure may be larger than the title, but the title stands above them. A few words
    // above a long title are a label.
    groups
        .into_iter()
        .filter(|(size, _, title)| *size >= 0.7 * largest && title.text.len() * 3 >= longest)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(_, _, title)| title)
}

/// Lines that a title can stand on: horizontal, in the upper part of the page.
fn candidates(page: &Page) -> impl Iterator<Item = (usize, &Line)> {
    page.lines.iter().enumerate().filter(|(_, line)| {
        let (width, height) = (line.rect.x1 - line.rect.x0, line.rect.y1 - line.rect.y0);
        width > height && line.rect.y0 < 0.6 * page.height
    })
}

/// The size in points that most of the page's text has.
fn body_size(page: &Page) -> Option<f32> {
    let mut sizes: Vec<(f32, usize)> = page
        .lines
        .iter()
        .map(|line| (line.font_size, line.end - line.start))
        .collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = sizes.iter().map(|(_, length)| length).sum::<usize>() / 2;
    let mut seen = 0;
    sizes
        .into_iter()
        .find(|(_, length)| {
            seen += length;
            seen >= half
        })
        .map(|(size, _)| size)
}

/// The first run of lines of this size that reads like a title, with size and top edge in points.
fn group(page: &Page, size: f32) -> Option<(f32, f32, Title)> {
    let is_size = |line: &Line| (line.font_size - size).abs() <= 0.05 * size;
    let mut start = 0;
    loop {
        start = candidates(page)
            .find(|(index, line)| *index >= start && is_size(line))
            .map(|(index, _)| index)?;
        let mut end = start + 1;
        while let Some(line) = page.lines.get(end) {
            let above = &page.lines[end - 1];
            let is_near =
                line.rect.y0 >= above.rect.y0 - 1.0 && line.rect.y0 - above.rect.y1 < 1.2 * size;
            if !is_size(line) || !is_near {
                break;
            }
            end += 1;
        }
        let lines: Vec<&str> = page.lines[start..end]
            .iter()
            .map(|line| text_of(page, line))
            .collect();
        let text = join(&lines);
        if !is_masthead(&text)
            && !section::is_heading(&text, "")
            && let Some(text) = plausible(&text)
        {
            return Some((
                size,
                page.lines[start].rect.y0,
                Title {
                    text,
                    next_line: Some(end),
                },
            ));
        }
        start = end;
    }
}

pub(super) fn text_of<'a>(page: &'a Page, line: &Line) -> &'a str {
    page.text.get(line.start..line.end).unwrap_or("")
}

/// Lines of a title to one; a hyphen at a line's end stays, as titles are rarely hyphenated.
fn join(lines: &[&str]) -> String {
    let mut title = String::new();
    for line in lines {
        let is_joined = title.is_empty()
            || title.ends_with('-')
            || (title
                .chars()
                .next_back()
                .is_some_and(crate::extract::is_cjk)
                && line.chars().next().is_some_and(crate::extract::is_cjk));
        if !is_joined {
            title.push(' ');
        }
        title.push_str(line.trim());
    }
    // Footnote marks after the last word.
    let title = title.trim_end_matches(['∗', '*', '†', '‡', '§', '¶', ' ']);
    match title.strip_suffix(|c: char| c.is_ascii_digit()) {
        Some(word) if word.ends_with(char::is_lowercase) => word.to_owned(),
        _ => title.to_owned(),
    }
}

/// Names of journals, series and kinds of article, which are often set larger than the title.
fn is_masthead(text: &str) -> bool {
    let lower = text.to_lowercase();
    let starts = [
        "journal of",
        "international journal",
        "proceedings",
        "transactions",
        "ieee trans",
        "acm trans",
        "volume ",
        "vol.",
        "arxiv:",
        "issn",
        "doi",
        "http",
        "www.",
        "jss",
        "research article",
        "original article",
        "review article",
        "open access",
        "technical report",
        "communications of",
        "annals of",
        "contents",
        "abstract",
        "advances in",
        "lecture notes",
    ];
    starts.iter().any(|start| lower.starts_with(start))
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
        ] {
            assert_eq!(plausible(junk), None, "{junk}");
        }
        assert_eq!(
            plausible(" Tidy Data for All. ").as_deref(),
            Some("Tidy Data for All")
        );
        assert!(is_masthead("Journal of Statistical Software"));
    }
}
