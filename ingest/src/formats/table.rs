//! Tables of the XHTML model, which HTML and JATS share: one line a row, cells apart by a tab.

use super::facts::squeeze;
use super::math;
use super::tree::{Child, Element};

/// The rows of a `table` element; empty where no cell has text.
pub(super) fn rows(table: Element<'_>) -> String {
    let mut lines = Vec::new();
    add_rows(table, &mut lines);
    lines.join("\n")
}

fn add_rows(table: Element<'_>, lines: &mut Vec<String>) {
    for part in table.elements() {
        match part.name() {
            "tr" | "row" => lines.extend(row(part)),
            "thead" | "tbody" | "tfoot" | "tgroup" => add_rows(part, lines),
            _ => {}
        }
    }
}

fn row(row: Element<'_>) -> Option<String> {
    let mut cells: Vec<String> = row
        .elements()
        .filter(|cell| matches!(cell.name(), "td" | "th" | "entry" | "cell"))
        .map(cell_text)
        .collect();
    while cells.last().is_some_and(String::is_empty) {
        cells.pop();
    }
    (!cells.is_empty()).then(|| cells.join("\t"))
}

/// A cell's text on one line, its formulas readable.
pub(super) fn cell_text(cell: Element<'_>) -> String {
    let mut text = String::new();
    add_text(cell, &mut text);
    squeeze(&text)
}

fn add_text(element: Element<'_>, out: &mut String) {
    for child in element.children() {
        match child {
            Child::Text(text) => out.push_str(text),
            Child::Element(child) => match child.name() {
                "math" | "inline-formula" | "tex-math" | "disp-formula" => {
                    out.push_str(&math::text(child));
                }
                "script" | "style" | "template" => {}
                "br" | "break" | "lb" => out.push(' '),
                "p" | "div" | "li" | "tr" | "td" | "list-item" => {
                    out.push(' ');
                    add_text(child, out);
                    out.push(' ');
                }
                _ => add_text(child, out),
            },
        }
    }
}
