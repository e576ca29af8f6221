//! What stands beside the text rather than above or below it: arXiv's stamp, line numbers of
//! review copies, the column of dates and licences that some journals print on their first page.

use super::row::{self, Row};
use super::wording;
use crate::{MarginKind, MarginLine};

/// Fewest line numbers on a page that make it a numbered copy.
const LEAST_NUMBERS: usize = 8;

/// A stamp has few lines.
const MOST_TURNED: usize = 4;

/// Takes asides out of a page's rows.
pub(super) fn clear(
    rows: &mut Vec<Row>,
    width: f32,
    height: f32,
    is_first: bool,
) -> Vec<MarginLine> {
    let mut is_aside = vec![false; rows.len()];
    let Some(body) = Body::of(rows) else {
        return Vec::new();
    };
    mark_turned(rows, &body, width, height, &mut is_aside);
    mark_line_numbers(rows, &body, &mut is_aside);
    if is_first {
        mark_side_column(rows, &body, height, &mut is_aside);
    }
    let mut asides = split_line_numbers(rows);
    let mut index = 0;
    rows.retain(|row| {
        index += 1;
        if is_aside[index - 1] {
            asides.push(MarginLine {
                kind: MarginKind::Aside,
                text: row.text.replace('\t', " "),
                rect: row.rect,
            });
        }
        !is_aside[index - 1]
    });
    asides
}

/// Where a page's longer lines stand.
struct Body {
    /// Left edge of most of them, in points.
    left: f32,
    /// Right edge of the outermost ones.
    right: f32,
    /// Size of most of their letters.
    size: f32,
}

impl Body {
    fn of(rows: &[Row]) -> Option<Body> {
        let long: Vec<&Row> = rows
            .iter()
            .filter(|row| !row::is_turned(row) && row.letters() >= 20)
            .collect();
        let mut lefts: Vec<f32> = long.iter().map(|row| row.rect.x0).collect();
        let mut rights: Vec<f32> = long.iter().map(|row| row.rect.x1).collect();
        let mut sizes: Vec<f32> = long.iter().map(|row| row.size).collect();
        for values in [&mut lefts, &mut rights, &mut sizes] {
            values.sort_by(f32::total_cmp);
        }
        Some(Body {
            // A few lines may stick out to the left.
            left: *lefts.get(lefts.len() / 20)?,
            right: *rights.get(rights.len() - 1 - rights.len() / 20)?,
            size: *sizes.get(sizes.len() / 2)?,
        })
    }
}

fn mark_turned(rows: &[Row], body: &Body, width: f32, height: f32, is_aside: &mut [bool]) {
    let turned = rows.iter().filter(|row| row::is_turned(row)).count();
    // A page that is set sideways as a whole, or in vertical writing, has no margin there.
    // So has a table that is.
    if turned * 5 > rows.len() * 2 || turned > MOST_TURNED {
        return;
    }
    for (row, is_aside) in rows.iter().zip(is_aside) {
        let is_outside = row.rect.x1 < body.left || row.rect.x0 > body.right;
        let is_at_edge = row.rect.x1 < 0.1 * width || row.rect.x0 > 0.9 * width;
        let is_stamp = row.rect.y1 - row.rect.y0 < 0.95 * height;
        *is_aside |= row::is_turned(row) && (is_outside || is_at_edge) && is_stamp;
    }
}

/// Marks numbers alone in a margin that count up down the page.
fn mark_line_numbers(rows: &[Row], body: &Body, is_aside: &mut [bool]) {
    for is_left in [true, false] {
        let mut numbers: Vec<(usize, u32)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| {
                if is_left {
                    row.rect.x1 < body.left
                } else {
                    row.rect.x0 > body.right
                }
            })
            .filter_map(|(index, row)| Some((index, row.text.trim().parse::<u32>().ok()?)))
            .collect();
        numbers.sort_by(|a, b| rows[a.0].rect.y0.total_cmp(&rows[b.0].rect.y0));
        let rising = numbers
            .windows(2)
            .filter(|pair| pair[1].1 > pair[0].1 && pair[1].1 - pair[0].1 <= 10);
        if numbers.len() >= LEAST_NUMBERS && rising.count() * 10 >= (numbers.len() - 1) * 9 {
            for (index, _) in numbers {
                is_aside[index] = true;
            }
        }
    }
}

/// Takes line numbers off the lines that they number, where extraction has made one line of both.
fn split_line_numbers(rows: &mut [Row]) -> Vec<MarginLine> {
    let number = |row: &Row| -> Option<u32> {
        let (number, rest) = row.text.split_once('\t')?;
        // Rows of a ranking have cells behind their number, and few words.
        let is_prose = !rest.contains('\t') && rest.chars().nth(15).is_some();
        number.parse().ok().filter(|_| is_prose)
    };
    let numbered: Vec<(usize, u32)> = rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| Some((index, number(row)?)))
        .collect();
    let counted = numbered
        .windows(2)
        .filter(|pair| pair[1].1 == pair[0].1.saturating_add(1))
        .count();
    let long = rows.iter().filter(|row| row.letters() >= 15).count();
    if numbered.len() < LEAST_NUMBERS
        || counted * 10 < (numbered.len() - 1) * 8
        || numbered.len() * 10 < long * 6
    {
        return Vec::new();
    }
    numbered
        .into_iter()
        .filter_map(|(index, _)| rows[index].split_first_cell())
        .map(|number| MarginLine {
            kind: MarginKind::Aside,
            text: number.text,
            rect: number.rect,
        })
        .collect()
}

/// Marks a narrow column left of the text, in smaller type, that speaks of dates and licences.
fn mark_side_column(rows: &[Row], body: &Body, height: f32, is_aside: &mut [bool]) {
    // The text's own left edge is where most long lines start; the side column's lines are short.
    let mut lefts: Vec<f32> = rows
        .iter()
        .filter(|row| row.text.len() > 40 && !row::is_turned(row))
        .map(|row| row.rect.x0)
        .collect();
    lefts.sort_by(f32::total_cmp);
    let Some(&left) = lefts.get(lefts.len() / 5) else {
        return;
    };
    let side: Vec<usize> = (0..rows.len())
        .filter(|&index| rows[index].rect.x1 < left - 2.0 && rows[index].size < body.size)
        // The foot may start as far left.
        .filter(|&index| rows[index].rect.y1 < 0.92 * height)
        .collect();
    let formal = side
        .iter()
        .filter(|&&index| wording::is_formality(&rows[index].text))
        .count();
    if formal >= 2 && side.len() * 5 < rows.len() * 3 {
        for index in side {
            is_aside[index] = true;
        }
    }
}
