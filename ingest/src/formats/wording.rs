//! What the headings of a document say of the blocks below them, for formats that have no element
//! for abstract, keywords or references: Markdown, plain text, most web pages and DOCX files.

use super::facts;
use crate::{BlockKind, Field, Metadata, Source};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Front,
    Abstract,
    Keywords,
    Body,
    References,
}

/// Follows the headings of a document and remembers what it saw.
pub(super) struct Wording {
    is_on: bool,
    part: Part,
    /// Level of the heading that opened the part.
    level: usize,
    abstract_text: Vec<String>,
    keywords: Vec<String>,
}

impl Wording {
    pub(super) fn on() -> Self {
        Wording {
            is_on: true,
            part: Part::Front,
            level: usize::MAX,
            abstract_text: Vec::new(),
            keywords: Vec::new(),
        }
    }

    pub(super) fn off() -> Self {
        Wording {
            is_on: false,
            ..Wording::on()
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// True for headings that open a part of their own, so that they are no title.
    pub(super) fn is_known(heading: &str) -> bool {
        part_of(heading) != Part::Body || crate::section::is_heading(heading, "")
    }

    pub(super) fn heading(&mut self, level: usize, text: &str) {
        // "Background" within a structured abstract, "Books" within the references.
        let is_inside =
            matches!(self.part, Part::Abstract | Part::References) && level > self.level;
        if !is_inside {
            self.part = part_of(text);
            self.level = level;
        }
    }

    pub(super) fn in_references(&mut self, is_inside: bool) {
        self.part = if is_inside {
            Part::References
        } else {
            Part::Body
        };
        self.level = 0;
    }

    /// What a block is, given what it looks like.
    pub(super) fn kind_of(&mut self, kind: BlockKind, text: &str) -> BlockKind {
        let is_text = matches!(kind, BlockKind::Paragraph | BlockKind::ListItem);
        match self.part {
            Part::Abstract if kind == BlockKind::Paragraph && keywords_of(text).is_none() => {
                BlockKind::Abstract
            }
            Part::References if is_text && is_entry(text) => BlockKind::Reference,
            Part::Front
                if kind == BlockKind::Paragraph && opening(text, &["abstract"]).is_some() =>
            {
                BlockKind::Abstract
            }
            _ => kind,
        }
    }

    /// Remembers a block of `kind` as it was added.
    pub(super) fn take(&mut self, kind: BlockKind, text: &str) {
        let text = text.replace('\n', " ");
        if let Some(list) = keywords_of(&text).or_else(|| {
            (self.part == Part::Keywords && self.keywords.is_empty()).then_some(text.as_str())
        }) {
            if self.keywords.is_empty() && kind == BlockKind::Paragraph {
                self.keywords = keywords(list);
            }
        } else if kind == BlockKind::Abstract && self.abstract_text.len() < 20 {
            let bare = opening(&text, &["abstract"]).unwrap_or(&text);
            self.abstract_text.push(bare.to_owned());
        }
    }

    /// Adds what was seen to what the format says itself.
    pub(super) fn tell(&mut self, metadata: &mut Metadata) {
        if metadata.abstract_text.is_none() && !self.abstract_text.is_empty() {
            metadata.abstract_text = Some(Field::new(
                self.abstract_text.join("\n\n"),
                Source::Pattern,
                0.9,
            ));
        }
        if metadata.keywords.is_none() && !self.keywords.is_empty() {
            let keywords = std::mem::take(&mut self.keywords);
            metadata.keywords = Some(Field::new(keywords, Source::Pattern, 0.9));
        }
    }
}

/// The keywords of a list in one text.
pub(super) fn keywords(list: &str) -> Vec<String> {
    let separators: &[char] = if list.contains([';', '·', '•', '；']) {
        &[';', '·', '•', '；']
    } else {
        &[',', '，', '、']
    };
    list.split(separators)
        .map(|word| facts::squeeze(word).trim_end_matches('.').to_owned())
        .filter(|word| !word.is_empty() && word.len() <= 100)
        .take(50)
        .collect()
}

fn part_of(heading: &str) -> Part {
    let name: String = heading
        .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))
        .trim_end_matches([':', '.', ' '])
        .to_lowercase();
    match name.as_str() {
        "abstract" | "résumé" | "zusammenfassung" | "resumen" | "摘要" | "要旨" => {
            Part::Abstract
        }
        "keywords" | "key words" | "index terms" | "关键词" => Part::Keywords,
        "references"
        | "bibliography"
        | "literature"
        | "literature cited"
        | "works cited"
        | "references cited"
        | "reference list"
        | "notes and references"
        | "literatur"
        | "literaturverzeichnis"
        | "références"
        | "referencias"
        | "参考文献" => Part::References,
        _ => Part::Body,
    }
}

/// What follows "Keywords:" at the start of a paragraph.
fn keywords_of(text: &str) -> Option<&str> {
    opening(text, &["keywords", "key words", "index terms"])
}

/// What follows one of the words and a colon, dash or stop at the start of `text`.
fn opening<'t>(text: &'t str, words: &[&str]) -> Option<&'t str> {
    let text = text.trim_start();
    words.iter().find_map(|word| {
        let head = text.get(..word.len())?;
        let rest = &text[word.len()..];
        let bare = rest
            .trim_start()
            .trim_start_matches([':', '.', '\u{2014}', '\u{2013}', '-', '：']);
        (head.eq_ignore_ascii_case(word) && bare.len() < rest.trim_start().len())
            .then(|| bare.trim_start())
    })
}

/// Entries name a year, an address or people; a remark between them does not.
fn is_entry(text: &str) -> bool {
    text.len() >= 20 && (text.chars().any(|c| c.is_ascii_digit()) || text.contains(". "))
}
