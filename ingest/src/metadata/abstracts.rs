//! The abstract: what stands under its heading, or apart between the authors and the text.
//!
//! It is read in reading order, as it may run over a column's end, and stops at the first line
//! that cannot be its own: a label such as "Keywords", a heading, larger or bold type, a line that
//! begins further left, a wide gap.

use super::authors::is_end;
use super::first_page::{FirstPage, Words, joined};
use super::keywords;
use crate::{Field, Line, Page, Source, section};

/// Pages in which a heading "Abstract" is looked for; theses put it late.
const MAX_PAGES: usize = 8;
/// Longest abstract in bytes.
const MAX_LENGTH: usize = 8_000;
/// Shortest abstract without a heading, in bytes.
const MIN_LENGTH: usize = 250;

/// An abstract and where it stands.
#[derive(Debug)]
pub(super) struct Abstract {
    pub(super) field: Field<String>,
    /// Index of the page on which it begins.
    pub(super) page: usize,
    /// Indices into that page's lines.
    pub(super) lines: Vec<usize>,
}

/// Where an abstract begins.
struct Start {
    line: usize,
    /// Bytes of the line that are its heading.
    skip: usize,
    /// Size of the heading, if on a line of its own.
    heading: Option<f32>,
}

/// The abstract; `after` are the lines of title and authors on the first page.
pub(super) fn find(first: &FirstPage<'_>, pages: &[Page], after: &[usize]) -> Option<Abstract> {
    let last = pages.len().min(first.number + MAX_PAGES);
    for (number, page) in pages.iter().enumerate().take(last).skip(first.number) {
        let is_first = number == first.number;
        if let Some(start) = heading(page, is_first)
            && let Some(found) = read(pages, number, &start, 40, &first.words)
        {
            return Some(found);
        }
        // A thesis has its abstract before the text, not in it.
        if !is_first && page.lines.len() > 60 && number > first.number + 2 {
            break;
        }
    }
    unlabelled(first, pages, after)
}

/// The heading "Abstract" or "Summary", alone or before the first sentence.
fn heading(page: &Page, is_first: bool) -> Option<Start> {
    let starts = |i: usize, line: &Line| {
        let text = page.slice(line.start, line.end);
        let next = page.lines.get(i + 1);
        let skip = label(text)?;
        let rest = text.get(skip..).unwrap_or("").trim();
        if rest.is_empty() {
            return next.map(|_| Start {
                line: i + 1,
                skip: 0,
                heading: Some(line.font_size),
            });
        }
        is_first.then_some(Start {
            line: i,
            skip,
            heading: None,
        })
    };
    let lines = || page.lines.iter().enumerate().take(400);
    let is_summary = |line: &Line| {
        page.slice(line.start, line.end)
            .trim_start()
            .to_lowercase()
            .starts_with("summary")
    };
    lines()
        .filter(|(_, line)| !is_summary(line))
        .find_map(|(i, line)| starts(i, line))
        .or_else(|| {
            lines()
                .filter(|(_, line)| is_first && is_summary(line))
                .find_map(|(i, line)| starts(i, line))
        })
}

/// Bytes of the label at the start of a line: "Abstract", "ABSTRACT—", "A B S T R A C T", "Summary:".
pub(super) fn label(text: &str) -> Option<usize> {
    const LABELS: &[&str] = &[
        "abstract",
        "summary",
        "zusammenfassung",
        "résumé",
        "resumen",
        "resumo",
        "摘要",
    ];
    let trimmed = text.trim_start();
    let lead = text.len() - trimmed.len();
    for word in LABELS {
        let mut left = word.chars().peekable();
        let mut end = 0;
        let mut is_whole = false;
        for (at, c) in trimmed.char_indices() {
            if c == ' ' && at > 0 && left.peek().is_some() {
                continue;
            }
            match left.next() {
                Some(expected) if c.to_lowercase().eq(std::iter::once(expected)) => {
                    end = at + c.len_utf8();
                    is_whole = left.peek().is_none();
                }
                _ => break,
            }
            if is_whole {
                break;
            }
        }
        if !is_whole {
            continue;
        }
        let rest = &trimmed[end..];
        let mark = rest
            .chars()
            .take_while(|c| {
                matches!(
                    c,
                    ' ' | '.' | ':' | '-' | '\u{2013}' | '\u{2014}' | '\u{2212}' | '\u{2015}' | '*'
                )
            })
            .map(char::len_utf8)
            .sum::<usize>();
        let body = &rest[mark..];
        let is_marked = rest[..mark].contains(|c: char| c != ' ');
        // "Abstract We present" is a label, "Abstract interpretation is" is not.
        let mut words = body.split_whitespace();
        let is_sentence = mark > 0
            && words
                .next()
                .is_some_and(|word| word.starts_with(char::is_uppercase))
            && words
                .next()
                .is_some_and(|word| word.starts_with(char::is_lowercase))
            && words.next().is_some();
        let is_title = body.starts_with(char::is_alphabetic) && !is_marked && !is_sentence;
        if is_title || !trimmed.starts_with(|c: char| c.is_uppercase() || crate::extract::is_cjk(c))
        {
            return None;
        }
        return Some(lead + end + mark);
    }
    None
}

/// Collects the abstract's lines from its start.
fn read(
    pages: &[Page],
    number: usize,
    start: &Start,
    min: usize,
    words: &Words,
) -> Option<Abstract> {
    let page = pages.get(number)?;
    let (mut lines, mut end) = collect(page, start.line, start.heading);
    let mut text = String::new();
    push_paragraphs(page, &lines, start.skip, words, &mut text);
    // It goes on at the top of the next page where this one ends before it does.
    if end == End::Page
        && let Some(next) = pages.get(number + 1)
        && !text.trim_end().ends_with(['.', '!', '?'])
    {
        let (more, next_end) = collect(next, 0, start.heading);
        if next_end == End::Sure && text.len() < MAX_LENGTH {
            text.push(' ');
            push_paragraphs(next, &more, 0, words, &mut text);
            end = next_end;
        }
    }
    let mut text = without_mark(text.trim()).to_owned();
    let mut confidence = if end == End::Sure { 0.93 } else { 0.75 };
    if text.len() > MAX_LENGTH {
        // Its end was missed; the first paragraph is the best guess.
        let cut = text.find("\n\n").filter(|at| *at <= MAX_LENGTH)?;
        let kept = text[..cut].split_whitespace().count();
        text.truncate(cut);
        let mut seen = 0;
        lines.retain(|&i| {
            let line = &page.lines[i];
            let is_kept = seen < kept;
            seen += page.slice(line.start, line.end).split_whitespace().count();
            is_kept
        });
        confidence = 0.5;
    }
    (text.len() >= min && !lines.is_empty()).then(|| Abstract {
        field: Field::new(text, Source::Layout, confidence),
        page: number,
        lines,
    })
}

/// The text without the number of a footnote glued to its last full stop.
fn without_mark(text: &str) -> &str {
    let bare = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_mark = text.len() - bare.len() == 1
        && bare.ends_with(['.', ')'])
        && !bare.ends_with("..")
        && bare[..bare.len() - 1].ends_with(char::is_alphabetic);
    if is_mark { bare } else { text }
}

/// How an abstract came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// At a label, a heading or other type.
    Sure,
    /// With the page.
    Page,
}

/// The indices of the abstract's lines from `from` on, in reading order.
fn collect(page: &Page, from: usize, heading: Option<f32>) -> (Vec<usize>, End) {
    let mut lines: Vec<usize> = Vec::new();
    // The first heading inside a structured abstract is in other type than its text.
    let is_text = |line: &&Line| !is_structured(page.slice(line.start, line.end));
    let Some(opening) = page
        .lines
        .get(from..)
        .and_then(|rest| rest.iter().take(3).find(is_text))
    else {
        return (lines, End::Page);
    };
    let size = opening.font_size.max(1.0);
    let is_bold = bold(page, opening);
    let (mut length, mut skipped, mut left) = (0, 0, f32::INFINITY);
    for (i, line) in page.lines.iter().enumerate().skip(from) {
        let text = page.slice(line.start, line.end);
        let last = lines.last().map(|&last: &usize| &page.lines[last]);
        if length > MAX_LENGTH * 2 {
            return (lines, End::Page);
        }
        if text.trim().is_empty() {
            continue;
        }
        if i > from {
            let is_part = is_structured(text) && heading.is_some_and(|h| line.font_size <= h + 0.1);
            let is_label = keywords::label(text).is_some() || is_notice(text);
            if is_label || !is_part && (section::is_heading(text, "") || is_end(text) && length > 0)
            {
                return (lines, End::Sure);
            }
            let words = text.split_whitespace().count();
            let is_larger = line.font_size > 1.08 * size && words <= 14 && !is_part;
            let is_title = !is_bold && bold(page, line) && words <= 9 && !is_part;
            if is_larger || is_title {
                return (lines, End::Sure);
            }
            // Margins, footnotes and labels of figures between its lines.
            let is_smaller = line.font_size < 0.93 * size && !is_part;
            let is_beside = last
                .is_some_and(|last| line.rect.x1 < last.rect.x0 || line.rect.x0 > last.rect.x1)
                && line.font_size < 0.97 * size;
            if is_smaller || is_beside {
                skipped += 1;
                if skipped > 60 {
                    return (lines, End::Page);
                }
                continue;
            }
        }
        if let Some(last) = last {
            let is_below = line.rect.y0 >= last.rect.y0
                && line.rect.x0 < last.rect.x1
                && line.rect.x1 > last.rect.x0;
            let gap = line.rect.y0 - last.rect.y1;
            let is_apart = is_below && gap > 2.2 * size && length >= 200;
            let is_outside = is_below && lines.len() >= 2 && line.rect.x0 < left - 0.9 * size;
            if is_apart || is_outside {
                return (lines, End::Sure);
            }
            if !is_below {
                // In another column the left edge is another.
                left = f32::INFINITY;
            }
        }
        left = left.min(line.rect.x0);
        length += text.len();
        lines.push(i);
    }
    (lines, End::Page)
}

/// The headings inside structured abstracts.
fn is_structured(text: &str) -> bool {
    let name: String = text.trim().trim_end_matches([':', '.']).to_lowercase();
    matches!(
        name.as_str(),
        "background"
            | "objective"
            | "objectives"
            | "aim"
            | "aims"
            | "purpose"
            | "methods"
            | "method"
            | "design"
            | "setting"
            | "participants"
            | "results"
            | "findings"
            | "principal findings"
            | "methodology/principal findings"
            | "conclusion"
            | "conclusions"
            | "conclusions/significance"
            | "interpretation"
            | "context"
            | "significance"
            | "methods and findings"
            | "discussion"
    )
}

/// What the publisher puts under an abstract.
fn is_notice(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "permission to make",
        "\u{a9}",
        "copyright",
        "general terms",
        "acm reference format",
        "received",
        "published online",
        "doi:",
        "pacs",
        "msc",
        "jel ",
        "mathematics subject",
        "correspondence",
        "this work is licensed",
        "*corresponding",
        "article info",
    ];
    let lower = text.trim().to_lowercase();
    let is_prose = text.trim().starts_with(char::is_lowercase)
        || lower.starts_with("received") && !lower.contains(|c: char| c.is_ascii_digit());
    STARTS.iter().any(|start| lower.starts_with(start)) && !is_prose
        || lower.contains("all rights reserved")
}

fn bold(page: &Page, line: &Line) -> bool {
    let is_bold = |font: u16| {
        page.fonts
            .get(usize::from(font))
            .is_some_and(|font| font.bold)
    };
    !line.spans.is_empty() && line.spans.iter().all(|span| is_bold(span.font))
}

/// Adds the lines as text, paragraphs apart by an empty line.
fn push_paragraphs(page: &Page, lines: &[usize], skip: usize, words: &Words, out: &mut String) {
    let mut paragraph: Vec<usize> = Vec::new();
    let flush = |paragraph: &mut Vec<usize>, out: &mut String| {
        let text = joined(page, paragraph, words);
        paragraph.clear();
        if text.is_empty() {
            return;
        }
        if !out.is_empty() && !out.ends_with(' ') {
            out.push_str("\n\n");
        }
        out.push_str(&text);
    };
    for (at, &i) in lines.iter().enumerate() {
        if let Some(&last) = paragraph.last() {
            let (above, line) = (&page.lines[last], &page.lines[i]);
            let is_apart = line.rect.y0 - above.rect.y1 > 0.75 * above.font_size.max(1.0)
                && line.rect.x0 < above.rect.x1;
            let ends = page
                .slice(above.start, above.end)
                .trim_end()
                .ends_with(['.', '!', '?', ':']);
            let is_split = page.slice(above.end, line.start).contains("\n\n")
                // A short last line, then an indented or flush new one.
                || above.rect.x1 < line.rect.x1 - 4.0 * above.font_size && lines.get(at + 1).is_some()
                    && line.rect.y0 > above.rect.y1 - 1.0;
            if ends && (is_apart || is_split) {
                flush(&mut paragraph, out);
            }
        }
        paragraph.push(i);
    }
    flush(&mut paragraph, out);
    if skip > 0
        && let Some(rest) = out.get(skip..)
    {
        // The label opened the first line.
        *out = rest.trim_start().to_owned();
    }
}

/// An abstract without heading: prose after the authors in type of its own, or before keywords.
fn unlabelled(first: &FirstPage<'_>, pages: &[Page], after: &[usize]) -> Option<Abstract> {
    let page = first.page;
    let begin = after.iter().max().map(|last| last + 1)?;
    let is_prose = |line: &Line| {
        let text = page.slice(line.start, line.end);
        text.split_whitespace().count() >= 7
            && text
                .split_whitespace()
                .filter(|word| word.starts_with(char::is_lowercase))
                .count()
                >= 3
            && !text.contains('@')
    };
    let from = (begin..page.lines.len())
        .take(60)
        .find(|&i| is_prose(&page.lines[i]) && page.lines.get(i + 1).is_some_and(is_prose))?;
    // A heading on the way means that the text has begun.
    let has_heading = (begin..from).any(|i| {
        let line = &page.lines[i];
        section::is_heading(page.slice(line.start, line.end), "")
    });
    if has_heading {
        return None;
    }
    let start = Start {
        line: from,
        skip: 0,
        heading: None,
    };
    let mut found = read(pages, first.number, &start, MIN_LENGTH, &first.words)?;
    let next = found
        .lines
        .last()
        .and_then(|last| page.lines.get(last + 1))?;
    let ends_in_label = keywords::label(page.slice(next.start, next.end)).is_some();
    let size = page.lines[from].font_size;
    let is_other_type = (size - first.body).abs() > 0.05 * first.body
        || bold(page, &page.lines[from]) && found.lines.iter().all(|&i| bold(page, &page.lines[i]));
    let is_sure = ends_in_label || is_other_type && found.field.value.len() < 3_000;
    found.field.confidence = 0.75;
    (is_sure && found.field.value.ends_with(['.', '!', '?', ')'])).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_abstracts() {
        for (text, rest) in [
            ("Abstract", Some("")),
            ("A B S T R A C T", Some("")),
            ("ABSTRACT—We study", Some("We study")),
            ("Abstract. A purely", Some("A purely")),
            ("Abstract We present a thing", Some("We present a thing")),
            ("Summary: Small things", Some("Small things")),
            ("Abstract interpretation is a theory", None),
            ("Abstract Syntax Notation One", None),
            ("Abstracts of papers", None),
            ("abstract. In lower case", None),
            ("Abs", None),
        ] {
            assert_eq!(label(text).map(|skip| &text[skip..]), rest, "{text}");
        }
    }
}
