//! What the lines of a paper are: running heads, headings, paragraphs, tables, captions, notes.
//!
//! A PDF says where glyphs stand and nothing of what they mean, so meaning is read from what is
//! usual in this document: the size of most of its text, the distance of most of its lines, the
//! edges of its columns, what comes back on every page. It is done in two steps, so that titles
//! and authors can be looked for in between: [`clear_margins`] moves heads, feet and page numbers
//! out of the text and puts the cells of a row on one line; [`blocks`] then says what each line is,
//! joins hyphens and writes the text anew, blocks apart by an empty line.
//!
//! Every step is about linear in the number of lines, whatever they hold: files are hostile.

mod aside;
mod block;
mod front;
mod heading;
mod margins;
mod measure;
mod numbering;
mod paragraph;
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
use row::Row;

/// What others have found out about the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hints<'a> {
    /// Index of the page that `front` speaks of.
    pub(crate) front_page: usize,
    /// Title, authors and abstract, as ranges of that page's lines; empty where nobody looked.
    pub(crate) front: Vec<(BlockKind, Range<usize>)>,
    /// The file's own table of contents.
    pub(crate) outline: &'a [OutlineEntry],
}

/// Moves running heads, feet, page numbers, line numbers and sideways stamps from the pages' text
/// to their margins, and joins the pieces of a row to one line.
pub(crate) fn clear_margins(pages: &mut [Page]) {
    let mut sheets: Vec<Sheet> = pages
        .iter_mut()
        .enumerate()
        .map(|(index, page)| {
            let mut rows = row::take(page);
            let asides = aside::clear(&mut rows, page.width, page.height, index == 0);
            page.margins.extend(asides);
            Sheet {
                number: page.number,
                width: page.width,
                height: page.height,
                rows: row::merge(rows),
                margins: Vec::new(),
            }
        })
        .collect();
    margins::clear(&mut sheets);
    for (page, sheet) in pages.iter_mut().zip(sheets) {
        page.margins.extend(sheet.margins);
        row::put(page, sheet.rows);
    }
}

/// Makes blocks of the pages' lines and writes their text anew.
pub(crate) fn blocks(pages: &mut [Page], hints: &Hints<'_>) {
    let sheets: Vec<Vec<Row>> = pages.iter_mut().map(row::take).collect();
    let measure = Measure::of(sheets.iter().map(Vec::as_slice));
    let columns: Vec<Vec<Column>> = sheets.iter().map(|rows| measure::columns(rows)).collect();
    let mut marks = Vec::with_capacity(sheets.len());
    let mut taken = Vec::with_capacity(sheets.len());
    for ((rows, columns), page) in sheets.iter().zip(&columns).zip(pages.iter()) {
        let (page_marks, is_taken) = mark(rows, columns, page.height, &measure);
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
    if !hints.front.is_empty() {
        if let Some(marks) = marks.get_mut(hints.front_page) {
            marks.front.clone_from(&hints.front);
        }
    } else if let Some(first) = sheets.iter().position(|rows| !rows.is_empty()) {
        let marks = &mut marks[first];
        marks.front = front::find(&sheets[first], &mut marks.headings, &measure);
    }
    let words = Vocabulary::of(sheets.iter().flatten().map(|row| row.text.as_str()));
    let mut flow = Flow::default();
    for (((page, rows), columns), marks) in pages.iter_mut().zip(sheets).zip(&columns).zip(&marks) {
        let pieces = block::blocks(&rows, columns, marks, &measure, &mut flow);
        text::write(page, rows, &pieces, &words);
    }
}

/// What can be said of a page's rows before headings are looked for, and which rows that takes.
fn mark(rows: &[Row], columns: &[Column], height: f32, measure: &Measure) -> (Marks, Vec<bool>) {
    let mut is_taken: Vec<bool> = rows.iter().map(special::is_code).collect();
    let tables = table::find(rows, columns, measure);
    for row in tables.iter().cloned().flatten() {
        is_taken[row] = true;
    }
    let captions = block::captions(rows, columns, measure, &is_taken);
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
