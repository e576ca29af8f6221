//! What the lines of a paper are: running heads, headings, paragraphs, tables, captions, notes.
//!
//! A PDF says where glyphs stand and nothing of what they mean, so meaning is read from what is
//! usual in this document: the size of most of its text, the distance of most of its lines, the
//! edges of its columns, what comes back on every page. [`lay_out`] moves heads, feet and page
//! numbers out of the text, puts the cells of a table's row on one line, says what each line is,
//! joins hyphens, and writes the text anew, blocks apart by an empty line.
//!
//! Every step is about linear in the number of lines, whatever they hold: files are hostile.

mod aside;
mod block;
mod caption;
mod cells;
mod front;
mod heading;
mod list;
mod margins;
mod measure;
mod numbering;
mod opening;
mod paragraph;
mod rank;
mod reference;
mod row;
mod special;
mod strip;
mod table;
mod text;
mod wording;

use std::collections::HashMap;
use std::ops::Range;

use crate::hyphen::Vocabulary;
use crate::{BlockKind, Document, OutlineEntry, PAGE_SEPARATOR, Page};
use block::{Flow, Marks};
use heading::View;
use margins::Sheet;
use measure::{Column, Measure};
pub(crate) use reference::mark as mark_references;
use row::Row;

/// What others have found out about the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hints<'a> {
    /// Index of the page that `front` speaks of.
    pub(crate) front_page: usize,
    /// Title, authors and abstract, as ranges of that page's lines before layout; empty where
    /// nobody looked.
    pub(crate) front: Vec<(BlockKind, Range<usize>)>,
    /// The file's own table of contents.
    pub(crate) outline: &'a [OutlineEntry],
}

/// Moves what stands in the margins out of the pages' text, makes blocks of the other lines and
/// writes the text anew.
pub(crate) fn lay_out(pages: &mut [Page], hints: &Hints<'_>) {
    let lines = clear_margins(pages);
    let measure = Measure::of(lines.iter().map(Vec::as_slice));
    let mut sheets = Vec::with_capacity(lines.len());
    let mut columns = Vec::with_capacity(lines.len());
    let mut marks = Vec::with_capacity(lines.len());
    let mut taken = Vec::with_capacity(lines.len());
    for (rows, page) in lines.into_iter().zip(pages.iter()) {
        let (mut rows, tables) = table::gather(rows, &measure);
        special::settle_code(&mut rows, &measure);
        let edges = measure::columns(&rows);
        let (page_marks, is_taken) = mark(&rows, &edges, page.height, &measure, tables);
        sheets.push(rows);
        columns.push(edges);
        marks.push(page_marks);
        taken.push(is_taken);
    }
    let outline: HashMap<String, u8> = hints
        .outline
        .iter()
        .map(|entry| {
            let title = numbering::split_number(&entry.title).1;
            (heading::squeezed(title), entry.level)
        })
        .collect();
    let views: Vec<View<'_>> = sheets
        .iter()
        .zip(&columns)
        .zip(&taken)
        .map(|((rows, columns), is_taken)| View {
            rows,
            columns,
            is_taken,
        })
        .collect();
    let headings = heading::find(&views, &measure, &outline);
    for (marks, headings) in marks.iter_mut().zip(headings) {
        marks.headings = headings;
    }
    if hints.front.is_empty() {
        if let Some(first) = sheets.iter().position(|rows| !rows.is_empty()) {
            let marks = &mut marks[first];
            marks.front = front::find(&sheets[first], &mut marks.headings, &measure);
        }
    } else if let Some((marks, rows)) = marks
        .get_mut(hints.front_page)
        .zip(sheets.get(hints.front_page))
    {
        // Rows keep the order of the lines that they were made of.
        let row_of = |line: usize| rows.partition_point(|row| row.line < line);
        marks.front = hints
            .front
            .iter()
            .map(|(kind, lines)| (*kind, row_of(lines.start)..row_of(lines.end)))
            .filter(|(_, rows)| !rows.is_empty())
            .collect();
    }
    let words = Vocabulary::of(sheets.iter().flatten().map(|row| row.text.as_str()));
    let mut flow = Flow::default();
    for (((page, rows), columns), marks) in pages.iter_mut().zip(sheets).zip(&columns).zip(&marks) {
        let pieces = block::blocks(&rows, columns, marks, &measure, &mut flow);
        text::write(page, rows, &pieces, &words);
    }
}

/// The rows of each page, without running heads, feet, page numbers, line numbers and sideways
/// stamps, which go to the pages' margins.
fn clear_margins(pages: &mut [Page]) -> Vec<Vec<Row>> {
    let mut sheets: Vec<Sheet> = pages
        .iter_mut()
        .enumerate()
        .map(|(index, page)| {
            let mut rows = row::take(page);
            let margins = aside::clear(&mut rows, page.width, page.height, index == 0);
            Sheet {
                number: page.number,
                width: page.width,
                height: page.height,
                rows,
                margins,
            }
        })
        .collect();
    // Slides, forms and exports may repeat all that they say on each page. What would leave a
    // document with less than half of its text is no margin.
    let before: Vec<(Vec<Row>, usize)> = sheets
        .iter()
        .map(|sheet| (sheet.rows.clone(), sheet.margins.len()))
        .collect();
    let letters = |rows: &[Row]| rows.iter().map(|row| row.text.len()).sum::<usize>();
    let all: usize = before.iter().map(|(rows, _)| letters(rows)).sum();
    margins::clear(&mut sheets);
    let left: usize = sheets.iter().map(|sheet| letters(&sheet.rows)).sum();
    if left * 2 < all {
        for (sheet, (rows, margins)) in sheets.iter_mut().zip(before) {
            sheet.rows = rows;
            sheet.margins.truncate(margins);
        }
    }
    pages
        .iter_mut()
        .zip(sheets)
        .map(|(page, sheet)| {
            page.margins.extend(sheet.margins);
            sheet.rows
        })
        .collect()
}

/// What can be said of a page's rows before headings are looked for, and which rows that takes.
fn mark(
    rows: &[Row],
    columns: &[Column],
    height: f32,
    measure: &Measure,
    tables: Vec<Range<usize>>,
) -> (Marks, Vec<bool>) {
    let mut is_taken: Vec<bool> = rows.iter().map(special::is_code).collect();
    for row in tables.iter().cloned().flatten() {
        is_taken[row] = true;
    }
    let captions = caption::find(rows, columns, measure, &is_taken);
    for row in captions.iter().cloned().flatten() {
        is_taken[row] = true;
    }
    let notes = special::footnotes(rows, height, measure, &is_taken);
    for (is_taken, note) in is_taken.iter_mut().zip(&notes) {
        *is_taken |= note.is_some();
    }
    for (row, column) in rows
        .iter()
        .zip(columns)
        .enumerate()
        .map(|(at, (row, column))| ((at, row), column))
    {
        is_taken[row.0] |= special::is_equation(row.1, column, measure);
    }
    let marks = Marks {
        tables,
        captions,
        notes,
        ..Marks::default()
    };
    (marks, is_taken)
}

/// Byte ranges of the headings in [`Document::text`], in order, with their levels.
pub(crate) fn headings(document: &Document) -> Vec<(Range<usize>, u8)> {
    let mut found = Vec::new();
    let mut offset = 0;
    for page in &document.pages {
        for block in &page.blocks {
            if block.kind == BlockKind::Heading {
                let range = offset + block.start..offset + block.end;
                found.push((range, block.level.unwrap_or(1)));
            }
        }
        offset += page.text.len() + PAGE_SEPARATOR.len();
    }
    found
}

#[cfg(test)]
mod tests;
