//! Strips: what stands at one height near the top or bottom edge of a page, as one text.

use super::numbering;
use super::row::{self, Row};

/// Heads and feet stand in this share of the page's height, at either edge.
const BAND: f32 = 0.18;
/// A strip's text is cut here, in bytes: heads are short.
const MAX_TEXT: usize = 300;

/// The edge that strips are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Heads.
    Top,
    /// Feet.
    Bottom,
}

/// Everything at one height.
#[derive(Debug)]
pub(super) struct Strip {
    /// Indices of its rows.
    pub(super) rows: Vec<usize>,
    /// Its text, left to right.
    pub(super) text: String,
    /// Its text in lower case, each number a `#`; as it is where it has no letters.
    pub(super) key: String,
    /// Lower edge, in points.
    pub(super) y: f32,
    /// Largest type in it.
    pub(super) size: f32,
    /// White space between it and what comes next, inwards; large where nothing does.
    pub(super) gap: f32,
    /// Number of pieces with wide gaps between them.
    pub(super) cells: usize,
    /// The number, where it is a page number alone, and whether it is roman.
    pub(super) page_number: Option<(u32, bool)>,
    /// True for "Page 3 of 12" and the like, which are nothing else.
    pub(super) is_formal_number: bool,
    /// True where it starts or ends with a number, as heads with page numbers do.
    pub(super) has_outer_number: bool,
    /// True where it stands in the outermost tenth of the page.
    pub(super) is_at_edge: bool,
}

/// The outermost strips of a page at an edge, outermost first, at most `count`.
pub(super) fn strips(
    rows: &[Row],
    width: f32,
    height: f32,
    edge: Edge,
    count: usize,
) -> Vec<Strip> {
    let inward = |row: &Row| match edge {
        Edge::Top => row.rect.y1,
        Edge::Bottom => height - row.rect.y0,
    };
    let mut order: Vec<usize> = (0..rows.len())
        .filter(|&index| !row::is_turned(&rows[index]))
        .collect();
    order.sort_by(|&a, &b| inward(&rows[a]).total_cmp(&inward(&rows[b])));

    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &index in &order {
        if let Some(group) = groups.last_mut()
            && rows[group[0]].is_level_with(&rows[index])
        {
            group.push(index);
            continue;
        }
        // One more than wanted, for the gap of the last.
        if groups.len() > count {
            break;
        }
        groups.push(vec![index]);
    }
    let near = |group: &[usize]| {
        group
            .iter()
            .map(|&index| match edge {
                Edge::Top => rows[index].rect.y0,
                Edge::Bottom => height - rows[index].rect.y1,
            })
            .fold(f32::MAX, f32::min)
    };
    let far = |group: &[usize]| {
        group
            .iter()
            .map(|&index| inward(&rows[index]))
            .fold(f32::MIN, f32::max)
    };
    (0..groups.len().min(count))
        .take_while(|&at| far(&groups[at]) <= BAND * height)
        .map(|at| {
            let gap = groups
                .get(at + 1)
                .map_or(f32::MAX, |next| near(next) - far(&groups[at]));
            let is_at_edge = far(&groups[at]) <= 0.1 * height;
            strip(rows, groups[at].clone(), gap, is_at_edge, width)
        })
        .collect()
}

fn strip(rows: &[Row], mut members: Vec<usize>, gap: f32, is_at_edge: bool, width: f32) -> Strip {
    members.sort_by(|&a, &b| rows[a].rect.x0.total_cmp(&rows[b].rect.x0));
    let mut text = String::new();
    let mut cells = 0;
    for &index in &members {
        if text.len() < MAX_TEXT {
            if !text.is_empty() {
                text.push('\t');
            }
            text.extend(rows[index].text.chars().take(MAX_TEXT));
        }
        cells += rows[index].cells();
    }
    let page_number = numbering::page_number(&text);
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let edge_of = |pick: fn(f32, f32) -> f32, of: fn(&Row) -> f32, start: f32| {
        members
            .iter()
            .map(|&index| of(&rows[index]))
            .fold(start, pick)
    };
    let span =
        edge_of(f32::max, |row| row.rect.x1, 0.0) - edge_of(f32::min, |row| row.rect.x0, width);
    let is_worded = text.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    let trimmed = text.trim_matches(|c: char| !c.is_alphanumeric());
    Strip {
        key: if is_worded { key(&text) } else { text.clone() },
        y: members
            .iter()
            .map(|&index| rows[index].rect.y1)
            .fold(f32::MIN, f32::max),
        size: members
            .iter()
            .map(|&index| rows[index].size)
            .fold(0.0, f32::max),
        gap,
        cells,
        page_number: page_number.map(|number| (number.value, number.is_roman)),
        is_formal_number: page_number.is_some_and(|number| number.is_formal),
        has_outer_number: (digit(trimmed.chars().next()) || digit(trimmed.chars().next_back()))
            // A full line of prose may start with a number too.
            && (cells > 1 || span < 0.6 * width),
        is_at_edge,
        rows: members,
        text,
    }
}

/// A text in which numbers do not matter.
fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    let mut in_number = false;
    for word in text.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        if numbering::roman(word).is_some() {
            key.push('#');
            continue;
        }
        for c in word.chars() {
            if c.is_numeric() {
                if !in_number {
                    key.push('#');
                }
                in_number = true;
            } else {
                in_number = false;
                key.extend(c.to_lowercase());
            }
        }
        in_number = false;
    }
    // The number stands left on even pages and right on odd ones.
    key.trim_matches(['#', ' ']).to_owned()
}
