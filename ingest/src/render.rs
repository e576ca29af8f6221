//! A document written out for people: as Markdown, or as plain text.
//!
//! Both go block by block. Lines of running text become one line again, a paragraph that goes on
//! over a page or column break becomes one paragraph, and what stood between its halves (a note, a
//! figure's caption) follows it.

mod escape;

use std::fmt::Write;

use crate::extract::is_cjk;
use crate::hyphen::{self, Ending, Vocabulary};
use crate::{Block, BlockKind, Document, Page};
use escape::{escape, escape_cell, fence};

/// Deepest heading that Markdown knows.
const DEEPEST: u8 = 6;

/// Longest word that is made whole, in characters.
const LONGEST_WORD: usize = 60;

/// A block and the page that it is on.
type Placed<'a> = (&'a Page, &'a Block);

/// The document in Markdown: the title as `#`, its sections from `##` on, tables with pipes, program
/// text in fences, captions in italics, formulas between `$$`.
pub fn markdown(document: &Document) -> String {
    let mut out = String::new();
    let words = vocabulary(document);
    for run in runs(document) {
        let Some(&(page, block)) = run.first() else {
            continue;
        };
        let text = || escape(&running_text(&run, &words));
        let _ = match block.kind {
            BlockKind::Title => write!(out, "# {}", text()),
            BlockKind::Heading => {
                let depth = block.level.unwrap_or(1).clamp(1, DEEPEST - 1) + 1;
                write!(out, "{} {}", "#".repeat(usize::from(depth)), text())
            }
            BlockKind::Author => write!(
                out,
                "{}",
                lines(page, block)
                    .map(escape)
                    .collect::<Vec<_>>()
                    .join("  \n")
            ),
            BlockKind::Abstract | BlockKind::Paragraph => write!(out, "{}", text()),
            BlockKind::ListItem => write!(out, "{}", list_item(&running_text(&run, &words))),
            BlockKind::Caption => write!(out, "*{}*", text()),
            BlockKind::Table => write!(out, "{}", table(page, block)),
            BlockKind::Equation => write!(out, "$$\n{}\n$$", page.slice(block.start, block.end)),
            BlockKind::Code => write!(out, "{}", fence(page.slice(block.start, block.end))),
            BlockKind::Footnote => write!(out, "> {}", text()),
            BlockKind::Reference => write!(out, "- {}", text()),
        };
        out.push_str("\n\n");
    }
    tidy(out)
}

/// The document as plain text: one line a paragraph, an empty line between blocks, pages apart by
/// a form feed.
pub fn text(document: &Document) -> String {
    let mut out = String::new();
    let words = vocabulary(document);
    let mut last_page = None;
    for run in runs(document) {
        let Some(&(page, block)) = run.first() else {
            continue;
        };
        if last_page.is_some_and(|last| last != page.number) {
            out.push_str("\u{c}\n");
        }
        last_page = Some(page.number);
        match block.kind {
            BlockKind::Table | BlockKind::Equation | BlockKind::Code | BlockKind::Author => {
                out.push_str(page.slice(block.start, block.end));
            }
            _ => out.push_str(&running_text(&run, &words)),
        }
        out.push_str("\n\n");
    }
    tidy(out)
}

fn tidy(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Blocks in reading order, each with the blocks that go on with it. Formats and pages without
/// blocks give one paragraph for each of their parts between empty lines.
fn runs(document: &Document) -> Vec<Vec<Placed<'_>>> {
    let mut runs: Vec<Vec<Placed<'_>>> = Vec::new();
    // The run that running text of a kind may go on with.
    let mut open: Option<usize> = None;
    for page in &document.pages {
        for block in &page.blocks {
            let is_running = matches!(
                block.kind,
                BlockKind::Paragraph
                    | BlockKind::Abstract
                    | BlockKind::ListItem
                    | BlockKind::Reference
            );
            match open.filter(|_| block.continues && is_running) {
                Some(run) if !follows_formula(&runs, run) => runs[run].push((page, block)),
                _ => {
                    let is_aside = block.kind == BlockKind::ListItem
                        && open.is_some_and(|run| hangs_over(&runs[run], page, block));
                    runs.push(vec![(page, block)]);
                    if (is_running && !is_aside) || block.kind == BlockKind::Heading {
                        open = is_running.then_some(runs.len() - 1);
                    }
                }
            }
        }
    }
    runs
}

/// True where a run ends a column in the middle of a sentence, so that an item of a list that
/// stands elsewhere is none of it.
fn hangs_over(run: &[Placed<'_>], page: &Page, item: &Block) -> bool {
    run.last().is_some_and(|(last_page, last)| {
        let text = last_page.slice(last.start, last.end).trim_end();
        let is_ended = text.ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '：', '；']);
        let is_elsewhere = last_page.number != page.number || item.rect.y0 < last.rect.y1;
        matches!(last.kind, BlockKind::Paragraph | BlockKind::Abstract) && !is_ended && is_elsewhere
    })
}

/// True where a formula, listing or table stands behind the run: the sentence goes on under it,
/// and must not be moved above.
fn follows_formula(runs: &[Vec<Placed<'_>>], run: usize) -> bool {
    runs[run + 1..]
        .iter()
        .rev()
        .take(8)
        .flatten()
        .any(|(_, block)| matches!(block.kind, BlockKind::Equation | BlockKind::Code))
}

fn lines<'a>(page: &'a Page, block: &Block) -> impl Iterator<Item = &'a str> {
    page.slice(block.start, block.end).lines()
}

fn vocabulary(document: &Document) -> Vocabulary {
    Vocabulary::of(document.pages.iter().flat_map(|page| page.text.lines()))
}

/// The lines of all parts as one line.
fn running_text(run: &[Placed<'_>], words: &Vocabulary) -> String {
    let mut out = String::new();
    let mut last: Option<(u32, usize)> = None;
    for (page, block) in run {
        // A word over a column break has been made whole, with nothing between its halves.
        let is_joined = last == Some((page.number, block.start));
        last = Some((page.number, block.end));
        let mut lines = lines(page, block)
            .map(str::trim)
            .filter(|line| !line.is_empty());
        // Within a block words have been made whole; those cut by a page break have not.
        if let Some(first) = lines.next() {
            // Texts without spaces have no last word, and would be searched again for each block.
            let from = out
                .char_indices()
                .rev()
                .nth(LONGEST_WORD)
                .map_or(0, |(at, _)| at);
            let last_word = out[from..].rsplit(char::is_whitespace).next().unwrap_or("");
            match hyphen::ending(last_word, first, words) {
                _ if is_joined => out.push_str(first),
                Ending::Keep => join(&mut out, first),
                Ending::KeepHyphen => out.push_str(first),
                Ending::DropHyphen => {
                    out.truncate(out.trim_end_matches(hyphen::is_hyphen).len());
                    out.push_str(first);
                }
            }
        }
        lines.for_each(|line| join(&mut out, line));
    }
    out
}

/// Adds a line; no space goes between ideographs.
fn join(out: &mut String, line: &str) {
    let is_cjk_joint =
        out.chars().next_back().is_some_and(is_cjk) && line.chars().next().is_some_and(is_cjk);
    if !(out.is_empty() || is_cjk_joint) {
        out.push(' ');
    }
    out.push_str(line);
}

/// A list item with Markdown's own marker where it has a bullet.
fn list_item(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !first.is_alphanumeric() && !matches!(first, '(' | '[') => {
            format!("- {}", escape(chars.as_str().trim_start()))
        }
        _ => {
            let (number, rest) = text.split_once(' ').unwrap_or((text, ""));
            let is_plain = number.strip_suffix(['.', ')']).is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            });
            if is_plain {
                format!("{number} {}", escape(rest))
            } else {
                format!("- {}", escape(text))
            }
        }
    }
}

/// Rows with pipes; the first is taken for the head, as Markdown knows no table without one.
fn table(page: &Page, block: &Block) -> String {
    let rows: Vec<Vec<&str>> = lines(page, block)
        .map(|line| line.split('\t').collect())
        .collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(1);
    // Rows that are shorter are filled up; a crafted row must not make all others huge.
    let width = width.min(200);
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push('|');
        for at in 0..width {
            let cell = row.get(at).map_or(String::new(), |cell| escape_cell(cell));
            let _ = write!(out, " {cell} |");
        }
        let rest = row.get(width..).unwrap_or(&[]);
        if !rest.is_empty() {
            let _ = write!(out, " {} |", escape_cell(&rest.join(" ")));
        }
        if index == 0 {
            out.push_str("\n|");
            out.push_str(&" --- |".repeat(width));
        }
    }
    out
}

#[cfg(test)]
mod tests;
