//! Labels of entries: `[12]`, `[Vas17]`, `12.`, `(12)`, `12)`, `12`.

use std::collections::HashSet;

use super::rows::Row;

/// Longest label, in bytes between its brackets.
const LONGEST: usize = 40;

/// How labels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bracket,
    Key,
    Parenthesis,
    Stop,
    Closing,
    Bare,
}

const STYLES: [Style; 6] = [
    Style::Bracket,
    Style::Stop,
    Style::Parenthesis,
    Style::Closing,
    Style::Key,
    Style::Bare,
];

/// The label at the start of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Label<'a> {
    style: Style,
    name: &'a str,
    number: Option<u32>,
    /// Bytes that it takes, with the space after it.
    length: usize,
}

fn label(text: &str) -> Option<Label<'_>> {
    let first = text.chars().next()?;
    let close = match first {
        '[' => Some(']'),
        '［' => Some('］'),
        '【' => Some('】'),
        '(' => Some(')'),
        '（' => Some('）'),
        _ => None,
    };
    if let Some(close) = close {
        let inner = text.get(first.len_utf8()..)?;
        let head = inner.get(..inner.floor_char_boundary(LONGEST + 4))?;
        let end = head.find(close)?;
        let name = head.get(..end)?.trim();
        let after = inner.get(end + close.len_utf8()..)?;
        let number = number(name);
        let style = match (first, number) {
            // "(2010)" at the start of a line is a year.
            ('(' | '（', Some(1000..)) => return None,
            ('(' | '（', Some(_)) => Style::Parenthesis,
            ('(' | '（', None) => return None,
            (_, Some(_)) => Style::Bracket,
            (_, None) => Style::Key,
        };
        if style == Style::Key && !is_key(name) {
            return None;
        }
        return Some(Label {
            style,
            name,
            number,
            length: text.len() - after.trim_start_matches(['.', ':', ' ', '\u{a0}']).len(),
        });
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let name = text.get(..digits)?;
    let number = number(name).filter(|number| *number < 1000)?;
    let after = text.get(digits..)?;
    let style = match after.chars().next() {
        Some('.') => Style::Stop,
        Some(')') => Style::Closing,
        // A raised number stands close: "1Smith".
        Some(c) if c.is_whitespace() || c.is_uppercase() => Style::Bare,
        _ => return None,
    };
    let rest = after.trim_start_matches(['.', ')']).trim_start();
    let starts_entry = rest.chars().next().is_none_or(|c| {
        c.is_uppercase() || (c.is_alphabetic() && !c.is_lowercase()) || "\"“‘«'`<".contains(c)
    });
    // "12.5" and "3 of" are no labels; "12." of one column of labels stands alone.
    let is_label = match style {
        Style::Bare => starts_entry && !rest.is_empty(),
        _ => !rest.starts_with(|c: char| c.is_ascii_digit()) || after.len() > rest.len() + 1,
    };
    is_label.then(|| Label {
        style,
        name,
        number: Some(number),
        length: text.len() - rest.len(),
    })
}

fn number(name: &str) -> Option<u32> {
    (!name.is_empty() && name.len() <= 4)
        .then(|| name.parse().ok())
        .flatten()
        .filter(|number| *number > 0)
}

/// "Vas17", "ABC+86", "Smith80", "Mora, 1969", "ABC".
fn is_key(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "online",
        "computer software",
        "internet",
        "cs",
        "accessed",
        "n.d.",
    ];
    let lower = name.to_lowercase();
    name.len() <= LONGEST
        && name.chars().next().is_some_and(char::is_alphabetic)
        && !OTHERS
            .iter()
            .any(|other| lower.starts_with(other) && lower.len() < other.len() + 8)
        && !lower.contains('/')
        && (name.chars().any(|c| c.is_ascii_digit())
            || (name.len() <= 8 && name.chars().next().is_some_and(char::is_uppercase)))
}

/// Where an entry starts, and the label that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// Index of its first row.
    pub(super) row: usize,
    pub(super) label: String,
    /// Bytes of the row's text that the label takes.
    pub(super) length: usize,
}

/// The starts of entries as labels tell them, if these make sense as a sequence.
pub(super) fn starts(rows: &[Row<'_>]) -> Option<Vec<Start>> {
    let labels: Vec<Option<Label<'_>>> = rows.iter().map(|row| label(row.text)).collect();
    STYLES
        .iter()
        .filter_map(|style| match style {
            Style::Key => keyed(rows, &labels),
            style => numbered(rows, &labels, *style),
        })
        .reduce(|best, other| {
            if other.len() > best.len() + best.len() / 4 {
                other
            } else {
                best
            }
        })
}

fn start(row: usize, label: &Label<'_>) -> Start {
    Start {
        row,
        label: label.name.to_owned(),
        length: label.length,
    }
}

/// Numbers that ascend by one, from a row near the top of the list.
fn numbered(rows: &[Row<'_>], labels: &[Option<Label<'_>>], style: Style) -> Option<Vec<Start>> {
    let of_style = || {
        labels.iter().enumerate().filter_map(move |(row, label)| {
            let label = label.as_ref().filter(|label| label.style == style)?;
            Some((row, label, label.number?))
        })
    };
    let mut chain: Vec<Start> = Vec::new();
    let mut next = None;
    let mut missed = 0;
    for (row, label, number) in of_style() {
        let expected = *next.get_or_insert(number);
        // One label or two may have been lost to recognition or a font; the style that can't be
        // mistaken for text may skip.
        let is_aligned = style != Style::Stop
            && chain.iter().rev().take(3).any(|start: &Start| {
                let other = &rows[start.row];
                other.run == rows[row].run && (other.rect.x0 - rows[row].rect.x0).abs() < 1.0
            });
        let reach = match style {
            Style::Bracket => 2,
            _ if is_aligned && chain.len() >= 3 => 1,
            _ => 0,
        };
        if (expected..=expected + reach).contains(&number) {
            missed += number - expected;
            chain.push(start(row, label));
            next = Some(number + 1);
        }
    }
    if style == Style::Bracket {
        // Columns read out of order leave numbers out of order.
        let mut seen = HashSet::new();
        let all: Vec<Start> = of_style()
            .filter(|(_, _, number)| seen.insert(*number))
            .map(|(row, label, _)| start(row, label))
            .collect();
        if chain.len() * 5 < all.len() * 4 {
            chain = all;
            missed = 0;
        }
    }
    let first = chain.first()?;
    let first_number: u32 = first.label.parse().ok()?;
    let least = match style {
        Style::Bracket => 1,
        Style::Bare => 4,
        _ => 3,
    };
    let is_sound = chain.len() >= least
        && first.row <= 4
        && (missed as usize) * 5 <= chain.len()
        && rows.len() <= 25 * (chain.len() + 1)
        && (first_number <= 3 || first.row == 0 || style == Style::Bracket || chain.len() >= 8);
    if !is_sound {
        return None;
    }
    // The first label may be misread ("i." for "1.").
    if first.row > 0 && first_number == 2 {
        let text = rows.first().map_or("", |row| row.text);
        let misread = text
            .split_once(' ')
            .filter(|(word, _)| word.len() <= 3 && word.ends_with(['.', ']', ')']));
        chain.insert(
            0,
            Start {
                row: 0,
                label: "1".to_owned(),
                length: misread.map_or(0, |(_, rest)| text.len() - rest.len()),
            },
        );
    }
    Some(chain)
}

/// Keys in brackets, at the left edge of their column.
fn keyed(rows: &[Row<'_>], labels: &[Option<Label<'_>>]) -> Option<Vec<Start>> {
    let of_style = |row: usize| {
        labels
            .get(row)
            .and_then(Option::as_ref)
            .filter(|label| label.style == Style::Key)
    };
    let mut starts: Vec<Start> = Vec::new();
    let mut left: Option<(usize, f32)> = None;
    for (index, row) in rows.iter().enumerate() {
        let Some(label) = of_style(index) else {
            continue;
        };
        match left {
            Some((run, edge)) if run == row.run && row.rect.x0 > edge + 3.0 => continue,
            _ => left = Some((row.run, row.rect.x0)),
        }
        starts.push(start(index, label));
    }
    let is_sound = starts.len() >= 3 && starts[0].row <= 4 && rows.len() <= 25 * (starts.len() + 1);
    is_sound.then_some(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let read = |text| label(text).map(|label| (label.name, label.length));
        assert_eq!(read("[12] A. Author"), Some(("12", 5)));
        assert_eq!(read("[ABC+86] Daniel"), Some(("ABC+86", 9)));
        assert_eq!(read("12. Author"), Some(("12", 4)));
        assert_eq!(read("(3) Author"), Some(("3", 4)));
        assert_eq!(read("3) Author"), Some(("3", 3)));
        assert_eq!(read("3 Author"), Some(("3", 2)));
        assert_eq!(read("[3]"), Some(("3", 3)));
        assert_eq!(read("［3］王"), Some(("3", 7)));
        assert_eq!(read("3Author, A."), Some(("3", 1)));
        assert_eq!(read("3 of the"), None);
        assert_eq!(read("12.5 percent"), None);
        assert_eq!(read("[Online]. Available"), None);
        assert_eq!(read("(2010) Title"), None);
        assert_eq!(read("2010. Title"), None);
        assert_eq!(read("("), None);
        assert_eq!(read(""), None);
    }
}
