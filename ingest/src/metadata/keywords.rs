//! The keywords: the list behind "Keywords", "Index Terms" or a classification.

use super::first_page::{Words, joined};
use crate::extract::Info;
use crate::{Field, Line, Page, Source, section};

/// Longest list in bytes.
const MAX_LENGTH: usize = 900;
/// More keywords than these are something else.
const MAX_KEYWORDS: usize = 40;

/// The keywords of the pages at `numbers`, in order of preference.
pub(super) fn find(
    info: &Info,
    pages: &[Page],
    numbers: &[usize],
    words: &Words,
) -> Option<Field<Vec<String>>> {
    let on_pages = |is_kind: &dyn Fn(Kind) -> bool| {
        numbers
            .iter()
            .filter_map(|&number| pages.get(number))
            .find_map(|page| on_page(page, is_kind, words))
    };
    on_pages(&|kind| kind == Kind::Keywords)
        .map(|keywords| Field::new(keywords, Source::Layout, 0.92))
        .or_else(|| {
            let stated = split(info.keywords.as_deref()?, &[]);
            (stated.len() > 1).then(|| Field::new(stated, Source::Info, 0.85))
        })
        .or_else(|| {
            on_pages(&|kind| kind == Kind::Categories)
                .map(|keywords| Field::new(keywords, Source::Layout, 0.6))
        })
}

/// What a label announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The author's keywords.
    Keywords,
    /// A classification's terms.
    Categories,
}

/// Bytes of the label at the start of a line, and what it announces.
pub(super) fn label(text: &str) -> Option<(usize, Kind)> {
    const LABELS: &[(&str, Kind)] = &[
        ("keywords and phrases", Kind::Keywords),
        ("key words and phrases", Kind::Keywords),
        ("author keywords", Kind::Keywords),
        ("keywords", Kind::Keywords),
        ("key words", Kind::Keywords),
        ("key-words", Kind::Keywords),
        ("keyword", Kind::Keywords),
        ("index terms", Kind::Keywords),
        ("schlüsselwörter", Kind::Keywords),
        ("mots-clés", Kind::Keywords),
        ("palabras clave", Kind::Keywords),
        ("palavras-chave", Kind::Keywords),
        ("关键词", Kind::Keywords),
        ("categories and subject descriptors", Kind::Categories),
        ("ccs concepts", Kind::Categories),
        ("cr categories", Kind::Categories),
        ("acm classification", Kind::Categories),
    ];
    let lead = text.len() - text.trim_start().len();
    let text = text.get(lead..)?;
    if !text.starts_with(|c: char| {
        c.is_uppercase() || crate::extract::is_cjk(c) || matches!(c, '\u{2022}' | 'k')
    }) {
        return None;
    }
    for (label, kind) in LABELS {
        let Some(end) = prefix_end(text, label) else {
            continue;
        };
        let rest = &text[end..];
        let mark = rest
            .chars()
            .take_while(|c| {
                matches!(
                    c,
                    ' ' | ':'
                        | '.'
                        | '-'
                        | '\u{2013}'
                        | '\u{2014}'
                        | '\u{2212}'
                        | '\u{ff1a}'
                        | '\u{b7}'
                )
            })
            .map(char::len_utf8)
            .sum::<usize>();
        let is_marked = rest[..mark].contains(|c: char| c != ' ');
        let is_alone = rest[mark..].trim().is_empty();
        let has_capital = text.starts_with(|c: char| c.is_uppercase() || crate::extract::is_cjk(c));
        // "Keywords are" opens a sentence; "Keywords data cleaning · tidy data" is Springer's.
        let is_list =
            mark > 0 && rest.contains(['\u{b7}', ';', ',']) && !rest.trim_end().ends_with(" the");
        let is_sentence = rest[mark..].split_whitespace().next().is_some_and(|word| {
            matches!(
                word,
                "are" | "is" | "in" | "for" | "were" | "that" | "and" | "of" | "search"
            )
        });
        if has_capital && (is_marked || is_alone || is_list && !is_sentence) {
            return Some((lead + end + mark, *kind));
        }
    }
    None
}

/// Where `label` ends at the start of the text, whatever the case.
fn prefix_end(text: &str, label: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    for expected in label.chars() {
        let (_, c) = chars.next()?;
        if !c.to_lowercase().eq(std::iter::once(expected)) {
            return None;
        }
    }
    Some(chars.next().map_or(text.len(), |(at, _)| at))
        .filter(|at| !text[*at..].starts_with(char::is_alphabetic))
}

fn on_page(page: &Page, is_kind: &dyn Fn(Kind) -> bool, words: &Words) -> Option<Vec<String>> {
    let (i, skip) = page
        .lines
        .iter()
        .enumerate()
        .take(600)
        .find_map(|(i, line)| {
            let (skip, kind) = label(page.slice(line.start, line.end))?;
            is_kind(kind).then_some((i, skip))
        })?;
    let first = &page.lines[i];
    let is_alone = page.slice(first.start + skip, first.end).trim().is_empty();
    let begin = if is_alone { i + 1 } else { i };
    let mut lines: Vec<usize> = Vec::new();
    let mut length = 0;
    for (j, line) in page.lines.iter().enumerate().skip(begin).take(30) {
        let text = page.slice(line.start, line.end);
        if j > i {
            if !lines.is_empty() && !continues(page, &page.lines[j - 1], line) || is_stop(text) {
                break;
            }
            let opening = page
                .lines
                .get(begin)
                .map_or(line.font_size, |line| line.font_size);
            if (line.font_size - opening).abs() > 0.08 * opening {
                break;
            }
        }
        length += text.len();
        if length > MAX_LENGTH {
            break;
        }
        lines.push(j);
        // A list ends with a full stop.
        if text.trim_end().ends_with('.') {
            break;
        }
    }
    let text = joined(page, &lines, words);
    let text = if is_alone { &text } else { text.get(skip..)? };
    let rows: Vec<&str> = lines
        .iter()
        .filter(|_| is_alone)
        .map(|&j| page.slice(page.lines[j].start, page.lines[j].end))
        .collect();
    let keywords = split(text, &rows);
    (!keywords.is_empty()).then_some(keywords)
}

/// True where the line stands right under the one before it.
fn continues(page: &Page, above: &Line, line: &Line) -> bool {
    let gap = line.rect.y0 - above.rect.y1;
    let is_flat = page.height <= 0.0;
    is_flat && page.slice(above.end, line.start) == "\n"
        || gap < 0.85 * above.font_size
            && line.rect.y0 > above.rect.y0
            && line.rect.x0 < above.rect.x1
            && line.rect.x1 > above.rect.x0
}

fn is_stop(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    label(text).is_some()
        || section::is_heading(text, "")
        || super::authors::is_end(text)
        || [
            "general terms",
            "acm reference",
            "permission",
            "\u{a9}",
            "copyright",
            "received",
            "published",
            "accepted",
            "doi",
            "http",
            "cr categor",
            "msc",
            "jel ",
            "pacs",
            "ams ",
            "abstract",
            "available online",
            "article history",
        ]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// The list in parts: by the strongest separator in it, else one a row.
fn split(text: &str, rows: &[&str]) -> Vec<String> {
    let separators: &[&[char]] = &[
        &[';', '\u{ff1b}'],
        &['\u{b7}', '\u{2022}', '\u{22c5}', '\u{2219}', '|'],
        &[',', '\u{ff0c}', '\u{3001}'],
        &['\u{2014}'],
    ];
    let found = separators
        .iter()
        .find(|separators| text.contains(**separators));
    let parts: Vec<&str> = match found {
        Some(separators) => text.split(*separators).collect(),
        None if text.contains(" - ") => text.split(" - ").collect(),
        None if text.contains(" \u{2013} ") => text.split(" \u{2013} ").collect(),
        None if rows.len() > 1 => rows.to_vec(),
        None => vec![text],
    };
    parts
        .into_iter()
        .map(|part| {
            part.trim()
                .trim_start_matches("and ")
                .trim_matches(|c: char| {
                    c.is_whitespace() || ".,;:'\u{2022}*\u{2217}\u{2020}\u{2021}".contains(c)
                })
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .filter(|part| part.chars().any(char::is_alphanumeric) && part.len() <= 120)
        .take(MAX_KEYWORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_keywords() {
        for (text, keywords) in [
            (
                "Keywords: data cleaning, data tidying, R.",
                "data cleaning|data tidying|R",
            ),
            (
                "Index Terms—machine learning; neural, deep nets",
                "machine learning|neural, deep nets",
            ),
            (
                "Keywords Tidy data · Data cleaning",
                "Tidy data|Data cleaning",
            ),
            (
                "KEY WORDS AND PHRASES: axiomatic method, proofs",
                "axiomatic method|proofs",
            ),
            ("Key words. one thing, another", "one thing|another"),
        ] {
            let (skip, kind) = label(text).expect(text);
            assert_eq!(kind, Kind::Keywords);
            assert_eq!(split(&text[skip..], &[]).join("|"), keywords);
        }
        for text in [
            "Keywords are searched, often",
            "keywords: x",
            "Keywordless",
            "Index",
        ] {
            assert_eq!(label(text), None, "{text}");
        }
        assert_eq!(split("one two", &["one", "two"]), ["one", "two"]);
    }
}
