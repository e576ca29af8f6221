//! Plain text: paragraphs are lines between empty lines, form feeds part pages, and headings are
//! known by their wording or by a line of dashes below them.

use super::{Builder, encoding, facts};
use crate::{BlockKind, Document, Field, Format, Source, section};

/// Longest title in bytes.
const MAX_TITLE: usize = 250;

/// Reads a text file.
pub(super) fn read(bytes: &[u8]) -> Document {
    let (text, is_damaged) = encoding::decode(bytes, None);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut builder = Builder::by_wording(Format::Text);
    encoding::warn(&mut builder, is_damaged);
    let mut is_front = true;
    for (page, index) in text.split('\u{c}').zip(0..) {
        // Many a file ends in a form feed.
        if index > 0 && (!page.trim().is_empty()) {
            builder.page_break();
        }
        let paragraphs = paragraphs(page);
        let mut paragraphs = paragraphs.iter().peekable();
        while let Some(lines) = paragraphs.next() {
            if std::mem::take(&mut is_front)
                && paragraphs.peek().is_some()
                && let Some(title) = title(lines)
            {
                front(
                    &mut builder,
                    &title,
                    paragraphs.peek().map(|next| next.as_slice()),
                );
                if !builder.document.metadata.authors().is_empty() {
                    paragraphs.next();
                }
                continue;
            }
            paragraph(&mut builder, lines);
        }
    }
    builder.finish()
}

/// The lines between empty lines.
fn paragraphs(page: &str) -> Vec<Vec<&str>> {
    let mut found: Vec<Vec<&str>> = vec![Vec::new()];
    for line in page.split('\n') {
        if !line.trim().is_empty() {
            if let Some(lines) = found.last_mut() {
                lines.push(line);
            }
        } else if found.last().is_some_and(|lines| !lines.is_empty()) {
            found.push(Vec::new());
        }
    }
    found.retain(|lines| !lines.is_empty());
    found
}

/// The title that the first paragraph is, if it is short and no sentence.
fn title(lines: &[&str]) -> Option<String> {
    let lines = match lines {
        [over, title, under] if is_underline(over) && is_underline(under) => &[*title][..],
        [title, under] if is_underline(under) => &[*title],
        lines => lines,
    };
    let text = facts::squeeze(&lines.join(" "));
    let is_title = lines.len() <= 3
        && text.len() <= MAX_TITLE
        && text.chars().filter(|c| c.is_alphabetic()).count() >= 3
        && !text.ends_with(['.', ':', ';', ','])
        && !text.starts_with(['-', '*', '•', '#'])
        && !section::is_heading(&text, "");
    is_title.then_some(text)
}

fn front(builder: &mut Builder, title: &str, next: Option<&[&str]>) {
    let metadata = &mut builder.document.metadata;
    metadata.title = Some(Field::new(title.to_owned(), Source::Pattern, 0.6));
    let authors = next.map(facts::byline).unwrap_or_default();
    if !authors.is_empty() {
        metadata.authors = Some(Field::new(authors, Source::Pattern, 0.6));
    }
    builder.block(BlockKind::Title, title);
    if let (Some(lines), true) = (next, !builder.document.metadata.authors().is_empty()) {
        builder.block(BlockKind::Author, &lines.join("\n"));
    }
}

fn paragraph(builder: &mut Builder, lines: &[&str]) {
    let mut rest = lines;
    while let Some((first, others)) = rest.split_first() {
        let next = others.first().copied().unwrap_or("");
        // reStructuredText and Setext headings; `=` stands above `-`.
        if is_underline(next) && first.trim().len() <= MAX_TITLE && !is_underline(first) {
            builder.heading(
                if next.trim().starts_with('=') { 1 } else { 2 },
                first.trim(),
            );
            rest = &others[1..];
            continue;
        }
        if is_underline(first) {
            rest = others;
            continue;
        }
        let ends_paragraph = lines.len() == 1 || rest.len() == lines.len();
        if ends_paragraph && section::is_heading(first, next) {
            builder.heading(level(first), first.trim());
            rest = others;
            continue;
        }
        body(builder, rest);
        return;
    }
}

/// Paragraph text, a list or a table.
fn body(builder: &mut Builder, lines: &[&str]) {
    let underline = lines
        .iter()
        .position(|line| is_underline(line))
        .unwrap_or(lines.len());
    // A heading inside is left to its line above.
    let (lines, later) = match underline {
        at if at >= 2 && at < lines.len() => lines.split_at(at - 1),
        _ => (lines, &[][..]),
    };
    if lines.len() > 1 && lines.iter().all(|line| columns(line) > 1) {
        let rows: Vec<String> = lines.iter().map(|line| cells(line).join("\t")).collect();
        builder.block(BlockKind::Table, &rows.join("\n"));
    } else if lines.iter().any(|line| is_item(line)) && is_item(lines[0]) {
        let mut item = String::new();
        for line in lines {
            if is_item(line) {
                builder.block(BlockKind::ListItem, &item);
                item.clear();
            } else {
                item.push('\n');
            }
            item.push_str(line.trim());
        }
        builder.block(BlockKind::ListItem, &item);
    } else {
        let text = lines.join("\n");
        let kind = if super::is_caption(text.trim()) {
            BlockKind::Caption
        } else {
            BlockKind::Paragraph
        };
        builder.block(kind, &text);
    }
    if !later.is_empty() {
        // At most one heading of a paragraph is found a round, so rounds are bounded by lines.
        for part in split_at_underlines(later) {
            paragraph_part(builder, part);
        }
    }
}

/// Lines from each underlined heading up to the next one.
fn split_at_underlines<'a, 'l>(lines: &'a [&'l str]) -> Vec<&'a [&'l str]> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 2..lines.len() {
        if at + 1 < lines.len() && is_underline(lines[at + 1]) && at > start {
            parts.push(&lines[start..at]);
            start = at;
        }
    }
    parts.push(&lines[start..]);
    parts
}

fn paragraph_part(builder: &mut Builder, lines: &[&str]) {
    match lines {
        [heading, under, rest @ ..] if is_underline(under) && !is_underline(heading) => {
            builder.heading(
                if under.trim().starts_with('=') { 1 } else { 2 },
                heading.trim(),
            );
            let text: Vec<&str> = rest
                .iter()
                .copied()
                .filter(|line| !is_underline(line))
                .collect();
            builder.block(BlockKind::Paragraph, &text.join("\n"));
        }
        lines => builder.block(BlockKind::Paragraph, &lines.join("\n")),
    }
}

/// Depth of a numbered heading.
fn level(heading: &str) -> usize {
    let number = heading.split_whitespace().next().unwrap_or("");
    if number.starts_with(|c: char| c.is_ascii_digit()) {
        number.split('.').filter(|part| !part.is_empty()).count()
    } else {
        1
    }
}

fn is_underline(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3
        && ['=', '-', '~', '^', '#', '*']
            .iter()
            .any(|mark| line.chars().all(|c| c == *mark))
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let bullet = line.strip_prefix(['-', '*', '•', '+']);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_numbered = (1..=3).contains(&digits)
        && (line[digits..].starts_with(". ") || line[digits..].starts_with(") "));
    let is_labelled = facts::split_label(line).0.len() > digits && line.starts_with('[');
    bullet.is_some_and(|rest| rest.starts_with(' ')) || is_numbered || is_labelled
}

/// Cells stand apart by tabs or by three spaces and more.
fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let mut found: Vec<&str> = Vec::new();
    for part in line.split('\t') {
        found.extend(
            part.split("   ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty()),
        );
    }
    found
}

fn columns(line: &str) -> usize {
    cells(line).len()
}
