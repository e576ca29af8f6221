//! A document as the chunker sees it: stretches of text, each with what it is and the section
//! that it stands in.
//!
//! Where pages have blocks, their headings give the path. A heading's depth is that of its number
//! ("2.1" stands under "2") and else its level. Pages without blocks (a document read by an older
//! version, or one whose layout gave none) have headings known by their wording only.

use std::ops::Range;

use crate::{BlockKind, Document, PAGE_SEPARATOR, SECTION_SEPARATOR, section};

/// Longest heading in a path, in characters.
const MAX_HEADING: usize = 160;
/// Most headings in a path; what is deeper stands under the last of them.
const MAX_DEPTH: usize = 8;

/// A stretch of [`Document::text`].
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) kind: BlockKind,
    pub(super) range: Range<usize>,
    /// It goes on with a stretch of the same kind before it.
    pub(super) continues: bool,
    /// Index into [`Outline::paths`].
    pub(super) section: usize,
    /// No passage holds text of two groups.
    pub(super) group: usize,
}

/// The stretches of a document, in order, and the sections that they stand in.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) segments: Vec<Segment>,
    pub(super) paths: Vec<Option<String>>,
}

impl Outline {
    pub(super) fn of(document: &Document, text: &str) -> Self {
        if document.pages.iter().all(|page| page.blocks.is_empty()) {
            by_wording(document, text)
        } else {
            by_blocks(document, text)
        }
    }
}

/// Headings known by their wording are often wrong, so they part no groups.
fn by_wording(document: &Document, text: &str) -> Outline {
    let mut outline = Outline {
        segments: Vec::new(),
        paths: vec![None],
    };
    let mut at = 0;
    let add = |outline: &mut Outline, kind, range: Range<usize>| {
        outline.segments.push(Segment {
            kind,
            range,
            continues: false,
            section: outline.paths.len() - 1,
            group: 0,
        });
    };
    for heading in section::headings(document) {
        add(&mut outline, BlockKind::Paragraph, at..heading.start);
        outline.paths.push(Some(title(&text[heading.clone()])));
        at = heading.end;
        add(&mut outline, BlockKind::Heading, heading);
    }
    add(&mut outline, BlockKind::Paragraph, at..text.len());
    outline
}

fn by_blocks(document: &Document, text: &str) -> Outline {
    let mut reader = Reader {
        outline: Outline {
            segments: Vec::new(),
            paths: vec![None],
        },
        headings: Vec::new(),
        group: 0,
    };
    let mut offset = 0;
    for page in &document.pages {
        let end = offset + page.text.len();
        let mut at = offset;
        for block in &page.blocks {
            // A span that is none of this page's is cut to what is.
            let from = text.floor_char_boundary((offset + block.start).clamp(at, end));
            let to = text.floor_char_boundary((offset + block.end).clamp(from, end));
            reader.rest(text, at..from);
            if from < to {
                reader.block(text, block.kind, block.level, from..to, block.continues);
            }
            at = to;
        }
        reader.rest(text, at..end);
        offset = end + PAGE_SEPARATOR.len();
    }
    reader.outline
}

/// A heading that is in force.
struct Open {
    level: u8,
    number: Vec<String>,
    title: String,
}

struct Reader {
    outline: Outline,
    headings: Vec<Open>,
    group: usize,
}

impl Reader {
    /// Text that is in no block.
    fn rest(&mut self, text: &str, range: Range<usize>) {
        if !text[range.clone()].trim().is_empty() {
            self.block(text, BlockKind::Paragraph, None, range, false);
        }
    }

    fn block(
        &mut self,
        text: &str,
        kind: BlockKind,
        level: Option<u8>,
        range: Range<usize>,
        continues: bool,
    ) {
        let last = self.outline.segments.last();
        let follows_heading = last.is_some_and(|last| last.kind == BlockKind::Heading);
        if kind == BlockKind::Heading {
            self.open(&text[range.clone()], level.unwrap_or(1));
            // A heading without text of its own goes with what follows.
            if !follows_heading {
                self.group += 1;
            }
        }
        let path = self.path(kind);
        let current = self.outline.paths.last();
        if current.is_none_or(|current| *current != path) {
            self.outline.paths.push(path);
            if kind != BlockKind::Heading && !follows_heading {
                self.group += 1;
            }
        }
        self.outline.segments.push(Segment {
            kind,
            range,
            continues,
            section: self.outline.paths.len() - 1,
            group: self.group,
        });
    }

    fn open(&mut self, heading: &str, level: u8) {
        let title = title(heading);
        let number = number(&title);
        let parent = self
            .headings
            .iter()
            .rposition(|open| is_prefix(&open.number, &number));
        match parent {
            Some(parent) => self.headings.truncate(parent + 1),
            // "3" closes "2.1", whatever level the layout gave them.
            None => {
                while let Some(open) = self.headings.last() {
                    let is_closed =
                        open.level >= level || !number.is_empty() && !open.number.is_empty();
                    if !is_closed {
                        break;
                    }
                    self.headings.pop();
                }
            }
        }
        self.headings.truncate(MAX_DEPTH - 1);
        self.headings.push(Open {
            level,
            number,
            title,
        });
    }

    /// The path of a block of this kind under the headings in force.
    fn path(&self, kind: BlockKind) -> Option<String> {
        let innermost = self.headings.last().map(|open| open.title.to_lowercase());
        let is_named = |names: &[&str]| {
            innermost
                .as_deref()
                .is_some_and(|title| names.iter().any(|name| title.contains(name)))
        };
        match kind {
            BlockKind::Abstract if self.headings.is_empty() => Some("Abstract".to_owned()),
            BlockKind::Reference
                if !is_named(&["references", "bibliography", "literature", "works cited"]) =>
            {
                Some("References".to_owned())
            }
            _ if self.headings.is_empty() => None,
            _ => {
                let titles: Vec<&str> = self
                    .headings
                    .iter()
                    .map(|open| open.title.as_str())
                    .collect();
                Some(titles.join(SECTION_SEPARATOR))
            }
        }
    }
}

/// A heading's text on one line, cut where it is too long to be one.
fn title(heading: &str) -> String {
    let mut title = String::new();
    for word in heading.split_whitespace() {
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
        if title.len() > 4 * MAX_HEADING {
            break;
        }
    }
    title.chars().take(MAX_HEADING).collect()
}

/// The parts of the number that a heading starts with: "2.1" of "2.1. Data", "A.2" of "A.2 Proofs".
fn number(title: &str) -> Vec<String> {
    let Some((number, _)) = title.split_once(' ') else {
        return Vec::new();
    };
    let parts: Vec<String> = number
        .trim_end_matches(['.', ')', ':'])
        .split('.')
        .map(str::to_owned)
        .collect();
    let is_number = |part: &String| {
        part.len() <= 3 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_letter =
        |part: &String| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_roman = |part: &String| {
        part.len() <= 5 && part.bytes().all(|byte| matches!(byte, b'I' | b'V' | b'X'))
    };
    let Some((first, others)) = parts.split_first() else {
        return Vec::new();
    };
    // "A" alone may be a word; with a stop behind it ("A. Proofs") it is a number.
    let is_marked = !others.is_empty() || number.ends_with(['.', ')', ':']);
    let starts =
        is_number(first) || is_roman(first) && !first.is_empty() || is_letter(first) && is_marked;
    if starts && others.iter().all(is_number) {
        parts
    } else {
        Vec::new()
    }
}

fn is_prefix(outer: &[String], inner: &[String]) -> bool {
    !outer.is_empty() && outer.len() < inner.len() && inner.starts_with(outer)
}
