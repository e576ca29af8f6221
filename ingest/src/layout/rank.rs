//! Which candidates are headings after all, and of which level, seen over the whole document.

use std::collections::{HashMap, HashSet};

use super::numbering::{self, Numerals};
use super::row::Row;
use super::wording;

/// How a heading looks, as far as others of its level look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Style {
    pub(super) half_points: u32,
    pub(super) bold: bool,
    pub(super) capitals: bool,
    pub(super) upright: bool,
}

impl Style {
    pub(super) fn of(row: &Row) -> Self {
        Style {
            half_points: (row.size * 2.0).round().max(0.0) as u32,
            bold: row.look.bold,
            capitals: row.look.capitals,
            upright: !row.look.italic,
        }
    }
}

pub(super) struct Candidate {
    pub(super) page: usize,
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) style: Style,
    pub(super) number: Option<(u8, Numerals)>,
    pub(super) label: String,
    pub(super) title: String,
    /// It looks otherwise than the text.
    pub(super) is_styled: bool,
    /// Its type is larger than the text's.
    pub(super) is_larger: bool,
    pub(super) is_main: bool,
    pub(super) outline: Option<u8>,
    pub(super) is_sure: bool,
}

/// Drops numbers that nothing counts up to: initials of names, amounts, items of lists.
pub(super) fn drop_odd_numbers(candidates: &mut Vec<Candidate>) {
    let labels: HashSet<String> = candidates
        .iter()
        .filter(|candidate| candidate.number.is_some_and(|(depth, _)| depth == 1))
        .map(|candidate| candidate.label.clone())
        .collect();
    // Numbers that begin anew, in the text's own size, below larger headings without numbers, are
    // those of lists whose items are set bold.
    let numbered = candidates
        .iter()
        .filter(|candidate| matches!(candidate.number, Some((1, Numerals::Arabic))));
    let mut seen = HashSet::new();
    let begins_anew = numbered
        .map(|candidate| candidate.label.clone())
        .any(|label| !seen.insert(label));
    let plain = candidates
        .iter()
        .filter(|candidate| candidate.is_main)
        .map(|candidate| candidate.style.half_points)
        .max()
        .unwrap_or(0);
    let is_listed = |candidate: &Candidate| {
        begins_anew && !candidate.is_larger && candidate.style.half_points < plain
    };
    // Appendices come last: what looks like one before the first section is part of the title.
    let first = candidates
        .iter()
        .position(|candidate| matches!(candidate.number, Some((1, Numerals::Arabic))))
        .unwrap_or(0);
    let mut index = 0;
    // Where sections are numbered, a name without a number in smaller type heads a table.
    let sections = candidates.iter().filter(|candidate| {
        matches!(
            candidate.number,
            Some((1, Numerals::Arabic | Numerals::Roman))
        )
    });
    let mut sizes: Vec<u32> = sections
        .map(|candidate| candidate.style.half_points)
        .collect();
    sizes.sort_unstable();
    let size = sizes
        .get(sizes.len() / 2)
        .copied()
        .filter(|_| sizes.len() >= 3)
        .unwrap_or(0);
    candidates.retain(|candidate| {
        index += 1;
        let Some((1, style)) = candidate.number else {
            return candidate.style.half_points >= size
                || candidate.outline.is_some()
                || !wording::names_body(&candidate.title)
                || candidate.number.is_some();
        };
        if style == Numerals::Letter && index <= first {
            return false;
        }
        if is_listed(candidate) {
            return false;
        }
        candidate.outline.is_some()
            || wording::section_name(&candidate.title).is_some()
            || numbering::neighbours(&candidate.label, style)
                .iter()
                .any(|label| labels.contains(label))
            // An appendix may be the only one.
            || (candidate.label == "A" && !sizes.is_empty() && candidate.is_styled)
    });
}

/// The level of each heading: by its number, else by that of the numbered ones that look like it, else
/// by the rank of its look.
pub(super) fn levels(candidates: &[Candidate]) -> Vec<u8> {
    let has_roman = candidates
        .iter()
        .filter(|candidate| {
            candidate
                .number
                .is_some_and(|(depth, style)| depth == 1 && style == Numerals::Roman)
        })
        .count()
        >= 2;
    let numbered = |candidate: &Candidate| {
        candidate.number.map(|(depth, style)| match style {
            Numerals::Letter if has_roman && depth == 1 => 2,
            _ => depth,
        })
    };
    let mut votes: HashMap<Style, HashMap<u8, usize>> = HashMap::new();
    for candidate in candidates {
        let level = candidate
            .outline
            .or_else(|| numbered(candidate))
            .or(candidate.is_main.then_some(1));
        if let Some(level) = level {
            *votes
                .entry(candidate.style)
                .or_default()
                .entry(level)
                .or_default() += 1;
        }
    }
    let styles: HashSet<Style> = candidates.iter().map(|candidate| candidate.style).collect();
    let mut styles: Vec<Style> = styles.into_iter().collect();
    styles.sort_by(|a, b| b.cmp(a));
    let mut of_style: HashMap<Style, u8> = HashMap::new();
    let mut last = 0;
    for style in styles {
        let known = votes
            .get(&style)
            .and_then(|votes| {
                votes
                    .iter()
                    .max_by_key(|&(level, count)| (*count, u8::MAX - *level))
            })
            .map(|(level, _)| *level);
        let level = known.unwrap_or_else(|| (last + 1).min(6));
        of_style.insert(style, level);
        last = last.max(level);
    }
    candidates
        .iter()
        .map(|candidate| {
            candidate
                .outline
                .or_else(|| numbered(candidate))
                .or(candidate.is_main.then_some(1))
                .unwrap_or_else(|| of_style.get(&candidate.style).copied().unwrap_or(1))
                .clamp(1, 6)
        })
        .collect()
}
