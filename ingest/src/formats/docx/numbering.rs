//! The numbers and bullets of lists, which a DOCX file does not contain as text: each list has
//! levels, each with a format ("decimal") and a pattern ("%1.%2"), and Word counts when it draws.

use std::collections::HashMap;

use crate::formats::tree::{Element, Tree};

/// Deepest level that Word knows.
const MAX_LEVELS: usize = 9;

#[derive(Clone)]
struct Level {
    format: String,
    pattern: String,
    start: u32,
}

/// The lists of a file and how far each has counted.
pub(super) struct Numbering {
    /// Levels of each abstract list.
    levels: HashMap<String, Vec<Level>>,
    /// The abstract list of each list; lists of the same one count on.
    lists: HashMap<String, String>,
    counts: HashMap<String, Vec<Option<u32>>>,
}

impl Numbering {
    pub(super) fn read(tree: &Tree) -> Self {
        let mut numbering = Numbering {
            levels: HashMap::new(),
            lists: HashMap::new(),
            counts: HashMap::new(),
        };
        let Some(root) = tree.root().find("numbering") else {
            return numbering;
        };
        for list in root.children_named("abstractNum") {
            let levels = list
                .children_named("lvl")
                .take(MAX_LEVELS)
                .map(level)
                .collect();
            if let Some(id) = list.attr("abstractNumId") {
                numbering.levels.insert(id.to_owned(), levels);
            }
        }
        for list in root.children_named("num") {
            let base = list
                .child("abstractNumId")
                .and_then(|base| base.attr("val"));
            if let (Some(id), Some(base)) = (list.attr("numId"), base) {
                numbering.lists.insert(id.to_owned(), base.to_owned());
            }
        }
        numbering
    }

    /// The mark of the next item of a list: "2.1", "(a)", "•". None where it shows none.
    pub(super) fn next(&mut self, list: &str, level: usize) -> Option<String> {
        let level = level.min(MAX_LEVELS - 1);
        let Some(base) = self.lists.get(list) else {
            return Some("•".to_owned());
        };
        let Some(levels) = self.levels.get(base) else {
            return Some("•".to_owned());
        };
        let counts = self
            .counts
            .entry(base.clone())
            .or_insert_with(|| vec![None; MAX_LEVELS]);
        let start = levels.get(level).map_or(1, |level| level.start);
        let count = counts[level].map_or(start, |count| count.saturating_add(1));
        counts[level] = Some(count);
        counts[level + 1..].fill(None);
        let own = levels.get(level)?;
        match own.format.as_str() {
            "bullet" => return Some("•".to_owned()),
            "none" => return None,
            _ => {}
        }
        let mut mark = own.pattern.clone();
        for (at, count) in counts.iter().enumerate().take(level + 1) {
            let place = format!("%{}", at + 1);
            if mark.contains(&place) {
                let of_level = levels.get(at).unwrap_or(own);
                let number = written(count.unwrap_or(of_level.start), &of_level.format);
                mark = mark.replace(&place, &number);
            }
        }
        let mark = mark.trim();
        (!mark.is_empty()).then(|| mark.to_owned())
    }
}

fn level(level: Element<'_>) -> Level {
    let value = |name: &str| level.child(name).and_then(|element| element.attr("val"));
    Level {
        format: value("numFmt").unwrap_or("decimal").to_owned(),
        pattern: value("lvlText").unwrap_or("").chars().take(40).collect(),
        start: value("start")
            .and_then(|start| start.parse().ok())
            .unwrap_or(1),
    }
}

fn written(number: u32, format: &str) -> String {
    let upper = |text: String| text.to_uppercase();
    match format {
        "lowerLetter" => letters(number),
        "upperLetter" => upper(letters(number)),
        "lowerRoman" => roman(number),
        "upperRoman" => upper(roman(number)),
        _ => number.to_string(),
    }
}

/// a to z, then aa, bb and so on, as Word counts.
fn letters(number: u32) -> String {
    let Some(index) = number.checked_sub(1) else {
        return "0".to_owned();
    };
    let letter = char::from(b'a' + (index % 26) as u8);
    std::iter::repeat_n(letter, (index / 26 + 1).min(8) as usize).collect()
}

fn roman(number: u32) -> String {
    const PARTS: &[(u32, &str)] = &[
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if number >= 4000 {
        return number.to_string();
    }
    let (mut rest, mut text) = (number, String::new());
    for (value, sign) in PARTS {
        while rest >= *value {
            text.push_str(sign);
            rest -= value;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_numbered_as_word_draws_them() {
        let tree = Tree::of_xml(
            "<w:numbering><w:abstractNum w:abstractNumId='7'>\
             <w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>\
             <w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='%1.%2)'/></w:lvl>\
             </w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num></w:numbering>",
        );
        let mut numbering = Numbering::read(&tree);
        let marks: Vec<Option<String>> = [0, 1, 1, 0, 1]
            .iter()
            .map(|level| numbering.next("1", *level))
            .collect();
        assert_eq!(
            marks.into_iter().flatten().collect::<Vec<_>>(),
            ["1.", "1.a)", "1.b)", "2.", "2.a)"]
        );
        assert_eq!(numbering.next("5", 0).as_deref(), Some("•"));
        assert_eq!(
            (roman(1994), letters(28)),
            ("mcmxciv".to_owned(), "bb".to_owned())
        );
    }
}
