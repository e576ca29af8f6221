//! The first page as a reader sees it: lines from top to bottom and left to right.
//!
//! Reading order follows columns, and a title across two columns may come anywhere in it; what
//! stands below the title is a matter of geometry. So the front matter is read from the lines
//! sorted by place. Repositories put a sheet of their own before the paper; it is told by its
//! wording and passed over.

use std::collections::HashSet;

use crate::{Page, Rect};

/// Stands for a superscript that was taken out of a line: it parts names as a comma does.
pub(super) const MARK: char = '\u{1f}';

/// Lines of a page that are looked at; no front matter is longer.
const MAX_LINES: usize = 600;

/// Pages whose type is counted to know the size of running text.
const BODY_PAGES: usize = 6;

/// Pages whose words are known.
const WORD_PAGES: usize = 30;

/// A horizontal line of the page.
#[derive(Debug, Clone)]
pub(super) struct Printed<'a> {
    /// Index into [`Page::lines`].
    pub(super) index: usize,
    /// The line as it is in the page's text.
    pub(super) text: &'a str,
    /// Where it stands.
    pub(super) rect: Rect,
    /// Size of most of its type, in points.
    pub(super) size: f32,
    /// True where most of it is bold.
    pub(super) bold: bool,
    /// Number of the printed row, counted from the top; lines side by side share it.
    pub(super) row: usize,
}

impl Printed<'_> {
    /// True where the two share some horizontal extent.
    pub(super) fn overlaps(&self, x0: f32, x1: f32) -> bool {
        self.rect.x0 < x1 && self.rect.x1 > x0
    }
}

/// The page that carries title and authors.
#[derive(Debug)]
pub(super) struct FirstPage<'a> {
    /// Index of it among the pages.
    pub(super) number: usize,
    /// The page itself.
    pub(super) page: &'a Page,
    /// Its horizontal lines by place.
    pub(super) lines: Vec<Printed<'a>>,
    /// Size that most of the document's text has, in points.
    pub(super) body: f32,
    /// Words that the document uses.
    pub(super) words: Words,
}

impl<'a> FirstPage<'a> {
    /// Page `number` of `pages`, by place.
    pub(super) fn new(pages: &'a [Page], number: usize) -> Option<Self> {
        let page = pages.get(number)?;
        Some(FirstPage {
            number,
            page,
            lines: by_place(page),
            body: body_size(&pages[..pages.len().min(BODY_PAGES)])?,
            words: Words::of(&pages[..pages.len().min(WORD_PAGES)]),
        })
    }

    /// True where every word of it is also used as an ordinary one: "Data Compression" is no name.
    pub(super) fn is_vocabulary(&self, name: &str) -> bool {
        name.split(|c: char| !c.is_alphabetic())
            .filter(|word| word.chars().count() >= 3)
            .all(|word| self.words.has(&word.to_lowercase()))
    }

    /// True where some word of it is also used as an ordinary one.
    pub(super) fn has_vocabulary(&self, name: &str) -> bool {
        name.split(|c: char| !c.is_alphabetic())
            .filter(|word| word.chars().count() >= 3)
            .any(|word| self.words.has(&word.to_lowercase()))
    }

    /// The line's text with superscripts, where fonts tell of them, replaced by [`MARK`].
    pub(super) fn marked(&self, printed: &Printed<'_>) -> String {
        let Some(line) = self.page.lines.get(printed.index) else {
            return printed.text.to_owned();
        };
        let mut text = String::with_capacity(printed.text.len());
        let mut at = line.start;
        for span in &line.spans {
            let is_raised = span.rise > 0.12 * line.font_size && span.size < 0.92 * line.font_size;
            if !is_raised || span.start < at || span.end > line.end {
                continue;
            }
            text.push_str(self.page.slice(at, span.start));
            text.push(MARK);
            at = span.end;
        }
        text.push_str(self.page.slice(at, line.end));
        text
    }

    /// Bytes at the end of the line that are superscript; none where fonts do not tell.
    pub(super) fn trailing_mark(&self, printed: &Printed<'_>) -> Option<usize> {
        let line = self.page.lines.get(printed.index)?;
        line.spans.first()?;
        let mark = line
            .spans
            .iter()
            .rev()
            .take_while(|span| span.rise > 0.12 * line.font_size)
            .last();
        Some(mark.map_or(0, |span| line.end.saturating_sub(span.start)))
    }
}

/// Index of the page to read: the first with text that is no repository's cover sheet.
pub(super) fn find(pages: &[Page]) -> Option<usize> {
    let has_text = |page: &&Page| page.lines.iter().any(|line| line.end > line.start);
    let first = pages.iter().take(4).position(|page| has_text(&page))?;
    let next = first + 1;
    let is_cover =
        is_cover(&pages[first]) && pages.get(next).is_some_and(|page| page.lines.len() >= 5);
    Some(if is_cover { next } else { first })
}

/// Wording of the sheets that archives put before a paper.
fn is_cover(page: &Page) -> bool {
    const SURE: &[&str] = &[
        "see discussions, stats, and author profiles",
        "jstor is a not-for-profit",
        "your use of the jstor archive",
        "hal is a multi-disciplinary open access",
        "hal open science",
        "this document is downloaded from",
        "citation for published version",
        "this is the author's version of a work that was",
        "document version:",
        "follow this and additional works at",
        "link to publication",
        "recommended citation",
        "this version is available at",
        "the university of edinburgh research explorer",
        "downloaded from",
        "link to published version",
        "take down policy",
        "please scroll down for article",
        "provided for non-commercial research and education",
    ];
    // A cover is mostly notices, a paper's own first page has far more words.
    if page.text.len() > 6_000 {
        return false;
    }
    let text = page.text.to_lowercase().replace(['\n', '\u{2019}'], " ");
    let text = text.replace('\'', " ");
    let found = SURE
        .iter()
        .filter(|words| text.contains(&words.replace('\'', " ")))
        .count();
    // A line such as "Downloaded from ..." stands on the pages of papers too.
    found >= 2 || (found == 1 && page.text.len() < 2_500 && !has_abstract(page))
}

fn has_abstract(page: &Page) -> bool {
    page.lines.iter().any(|line| {
        let text = page.slice(line.start, line.end).trim();
        text.len() < 12 && text.to_lowercase().starts_with("abstract")
    })
}

fn by_place(page: &Page) -> Vec<Printed<'_>> {
    let mut lines: Vec<Printed<'_>> = page
        .lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| {
            let text = page.slice(line.start, line.end);
            let (width, height) = (line.rect.x1 - line.rect.x0, line.rect.y1 - line.rect.y0);
            let is_upright = width >= height || text.chars().count() <= 2;
            (is_upright && !text.trim().is_empty()).then(|| Printed {
                index,
                text,
                rect: line.rect,
                size: line.font_size,
                bold: page.is_bold(line),
                row: 0,
            })
        })
        .collect();
    // Without geometry the order of the text is all there is; the sort is stable.
    lines.sort_by(|a, b| middle(&a.rect).total_cmp(&middle(&b.rect)));
    lines.truncate(MAX_LINES);
    let (mut row, mut bottom) = (0, f32::NEG_INFINITY);
    let mut has_row = false;
    for line in &mut lines {
        let is_flat = line.rect.y1 <= line.rect.y0;
        if is_flat || middle(&line.rect) > bottom {
            row += usize::from(has_row);
            has_row = true;
            // Half of the line's height: what is centred lower starts a row of its own.
            bottom = middle(&line.rect) + 0.5 * (line.rect.y1 - line.rect.y0);
        }
        line.row = row;
    }
    lines.sort_by(|a, b| a.row.cmp(&b.row).then(a.rect.x0.total_cmp(&b.rect.x0)));
    lines
}

fn middle(rect: &Rect) -> f32 {
    0.5 * (rect.y0 + rect.y1)
}

/// The size in points that most of the pages' text has.
fn body_size(pages: &[Page]) -> Option<f32> {
    let mut sizes: Vec<(f32, usize)> = pages
        .iter()
        .flat_map(|page| &page.lines)
        .map(|line| (line.font_size, line.end.saturating_sub(line.start)))
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

/// The words that a document uses in lower case, compounds whole and in parts.
///
/// They tell names from phrases, and hyphens that a line break brought from those of compounds.
#[derive(Debug, Default)]
pub(super) struct Words(HashSet<String>);

impl Words {
    /// The words of the pages' lines, but for those that a line break cut.
    pub(super) fn of(pages: &[Page]) -> Self {
        const AROUND: [char; 9] = [',', '.', ';', ':', ')', '(', '"', '\u{201c}', '\u{201d}'];
        let is_plain = |word: &&str| {
            word.len() >= 3 && word.len() < 40 && word.chars().all(|c| c.is_lowercase() || c == '-')
        };
        let mut words = HashSet::new();
        for page in pages {
            let mut is_cut = false;
            for line in &page.lines {
                let text = page.slice(line.start, line.end).trim();
                let found = text
                    .split_whitespace()
                    .skip(usize::from(is_cut))
                    .map(|word| word.trim_matches(AROUND))
                    .filter(|word| is_plain(word) && !word.ends_with('-'));
                for word in found {
                    words.extend(word.split('-').map(str::to_owned));
                    words.insert(word.to_owned());
                }
                is_cut = text.ends_with(is_hyphen);
            }
        }
        Words(words)
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// True where the hyphen between the two parts of a word is only the line break's.
    fn is_hyphenation(&self, left: &str, right: &str) -> bool {
        const PREFIXES: &[&str] = &[
            "inter", "super", "under", "over", "trans", "multi", "micro", "hyper", "semi", "anti",
            "counter", "electro", "photo", "hydro", "thermo", "psycho", "intro", "meta",
        ];
        let is_capital = left.starts_with(char::is_uppercase);
        let (left, right) = (left.to_lowercase(), right.to_lowercase());
        // "Python-based": what has a capital of its own is rarely cut.
        let is_name = is_capital && left.len() >= 4 && !PREFIXES.contains(&left.as_str());
        if self.has(&format!("{left}{right}")) {
            return true;
        }
        let is_compound = self.has(&format!("{left}-{right}"))
            || left.chars().count() >= 3 && (self.has(&left) || is_name) && self.has(&right);
        !is_compound
    }
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{ad}' | '\u{2010}')
}

/// Texts of lines that follow each other, as one: words that line breaks cut are whole again.
pub(super) fn joined(page: &Page, indices: &[usize], words: &Words) -> String {
    let mut text = String::new();
    let mut last: Option<usize> = None;
    for &index in indices {
        let Some(line) = page.lines.get(index) else {
            continue;
        };
        let piece = page.slice(line.start, line.end).trim();
        // Where the page's text has the word whole already.
        let is_glued = last.is_some_and(|last| {
            last + 1 == index
                && page.lines[last].end <= line.start
                && page.slice(page.lines[last].end, line.start).is_empty()
        });
        let is_cjk_seam = text.chars().next_back().is_some_and(crate::extract::is_cjk)
            && piece.chars().next().is_some_and(crate::extract::is_cjk);
        if !text.is_empty() && !is_glued && !is_cjk_seam && !close_hyphen(&mut text, piece, words) {
            text.push(' ');
        }
        text.push_str(piece);
        last = Some(index);
    }
    text
}

/// True where `text` ends in a word that goes on with `next`; its hyphen is gone if it was only
/// the line break's.
fn close_hyphen(text: &mut String, next: &str, words: &Words) -> bool {
    let Some(bare) = text.strip_suffix(is_hyphen) else {
        return false;
    };
    let left: &str = bare.rfind(|c: char| !c.is_alphabetic()).map_or(bare, |at| {
        bare[at..].trim_start_matches(|c: char| !c.is_alphabetic())
    });
    if left.is_empty() && !bare.ends_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let end = next
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(next.len());
    let right = &next[..end];
    if right.starts_with(char::is_lowercase)
        && !left.is_empty()
        && words.is_hyphenation(left, right)
    {
        let length = bare.len();
        text.truncate(length);
    }
    true
}

/// The run of consecutive indices that starts at the first of them.
pub(super) fn run(indices: &[usize]) -> Option<std::ops::Range<usize>> {
    let mut sorted = indices.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let first = *sorted.first()?;
    let length = sorted
        .iter()
        .zip(first..)
        .take_while(|(index, expected)| **index == *expected)
        .count();
    Some(first..first + length)
}
