//! Puts a document together block by block, for formats that mark up what is what.
//!
//! The reader of a format says "a heading of level 2", "a paragraph", "a page break"; this keeps
//! text, lines and blocks in step, so that what holds for the pages of a PDF holds for every
//! format: lines do not overlap, each is in exactly one block, blocks stand apart by an empty line.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::facts;
use super::wording::Wording;
use crate::{
    Block, BlockKind, Document, Format, Line, PAGE_SEPARATOR, Page, Rect, Reference, Warning,
};

/// Most bytes of text that are kept of one file.
pub(super) const MAX_TEXT: usize = 64 << 20;

/// A document in the making.
pub(super) struct Builder {
    pub(super) document: Document,
    page: Page,
    /// Where the page's text starts in the document's.
    page_start: usize,
    max_text: usize,
    is_cut: bool,
    /// What kinds of blocks follow from the headings above them.
    wording: Wording,
    /// The first heading may be the title.
    headings_hold_title: bool,
}

impl Builder {
    /// For a format that marks abstract and references itself.
    pub(super) fn new(format: Format) -> Self {
        Builder {
            document: Document {
                format,
                ..Document::default()
            },
            page: Page {
                number: 1,
                ..Page::default()
            },
            page_start: 0,
            max_text: MAX_TEXT,
            is_cut: false,
            wording: Wording::off(),
            headings_hold_title: false,
        }
    }

    /// For a format whose abstract, keywords and references are known by their headings only, and
    /// whose title may be its first heading.
    pub(super) fn by_wording(format: Format) -> Self {
        Builder {
            wording: Wording::on(),
            headings_hold_title: true,
            ..Builder::new(format)
        }
    }

    /// Says that something went wrong.
    pub(super) fn warn(&mut self, code: &str, message: impl Into<String>) {
        self.document.warnings.push(Warning {
            code: code.to_owned(),
            message: message.into(),
            page: None,
        });
    }

    /// Adds a heading, from level 1.
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        let text = text.replace('\n', " ");
        self.wording.heading(level, &text);
        let level = level.clamp(1, 9) as u8;
        self.push(BlockKind::Heading, Some(level), &text);
    }

    /// Adds a block that is no heading; its lines are parted by newlines. Nothing where it is all
    /// space.
    pub(super) fn block(&mut self, kind: BlockKind, text: &str) {
        if !self.wording.is_on() {
            self.push(kind, None, text);
            return;
        }
        match self.wording.kind_of(kind, text) {
            BlockKind::Reference => {
                let (label, entry) = facts::split_label(facts::strip_bullet(text));
                let entry = entry.replace('\n', " ");
                let mut reference = facts::reference(&entry);
                reference.label = label.to_owned();
                self.reference(&text.replace('\n', " "), reference);
            }
            kind => {
                if let Some((start, end)) = self.push(kind, None, text) {
                    let added = self.page.slice(start, end);
                    self.wording.take(kind, added);
                }
            }
        }
    }

    /// Adds an entry of the reference list, printed as `printed`.
    pub(super) fn reference(&mut self, printed: &str, reference: Reference) {
        if let Some((start, end)) = self.push(BlockKind::Reference, None, printed) {
            let text = self.page.slice(start, end).replace('\n', " ");
            self.document.references.push(Reference {
                text: if reference.text.is_empty() {
                    text
                } else {
                    reference.text
                },
                start: self.page_start + start,
                end: self.page_start + end,
                ..reference
            });
        }
    }

    /// What follows is (or is no longer) entries of a reference list, whatever its heading.
    pub(super) fn in_references(&mut self, is_inside: bool) {
        self.wording.in_references(is_inside);
    }

    /// Starts a new page, also where nothing stands on the one before.
    pub(super) fn page_break(&mut self) {
        let next = Page {
            number: self.page.number.saturating_add(1),
            ..Page::default()
        };
        let done = std::mem::replace(&mut self.page, next);
        self.page_start += done.text.len() + PAGE_SEPARATOR.len();
        self.document.pages.push(done);
    }

    /// The document, with its warnings.
    pub(super) fn finish(mut self) -> Document {
        let last = std::mem::take(&mut self.page);
        self.document.pages.push(last);
        if self.headings_hold_title {
            take_title(&mut self.document);
        }
        raise_headings(&mut self.document.pages);
        self.wording.tell(&mut self.document.metadata);
        if self.is_cut {
            self.warn(
                "text_cut",
                format!(
                    "the file has more than {} MiB of text; the rest is left out",
                    self.max_text >> 20
                ),
            );
        }
        if self.document.is_textless() {
            self.warn("no_text", "no text was found in the file");
        }
        self.document
    }

    /// Adds a block and gives its span in the page.
    fn push(&mut self, kind: BlockKind, level: Option<u8>, text: &str) -> Option<(usize, usize)> {
        let text = clean(text, kind);
        if text.is_empty() {
            return None;
        }
        if self.page_start + self.page.text.len() + text.len() > self.max_text {
            self.is_cut = true;
            return None;
        }
        let page = &mut self.page;
        if !page.text.is_empty() {
            page.text.push_str("\n\n");
        }
        let (start, first_line) = (page.text.len(), page.lines.len());
        let mut at = start;
        for line in text.split('\n') {
            page.lines.push(Line {
                rect: Rect::default(),
                start: at,
                end: at + line.len(),
                font_size: 0.0,
                spans: Vec::new(),
            });
            at += line.len() + 1;
        }
        page.text.push_str(&text);
        page.blocks.push(Block {
            kind,
            level,
            start,
            end: page.text.len(),
            first_line,
            end_line: page.lines.len(),
            rect: Rect::default(),
            continues: false,
        });
        Some((start, page.text.len()))
    }
}

/// Text as it is kept: composed, no control characters, no empty lines.
fn clean(text: &str, kind: BlockKind) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_code = kind == BlockKind::Code;
    let mut kept = String::with_capacity(text.len());
    for line in text.split('\n') {
        let line: String = line
            .chars()
            .filter(|&c| c == '\t' || !c.is_control() && !is_invisible(c))
            .collect();
        let line = match kind {
            // Columns count, so empty first cells stay.
            BlockKind::Table if !line.trim().is_empty() => line.as_str(),
            BlockKind::Code => line.trim_end(),
            _ => line.trim(),
        };
        if !kept.is_empty() {
            kept.push('\n');
        }
        match (line.is_empty(), is_code) {
            (false, _) => kept.push_str(line),
            // An empty line would end the block, and code has them.
            (true, true) if !kept.is_empty() => kept.push(' '),
            _ => {
                kept.pop();
            }
        }
    }
    kept.truncate(kept.trim_end().len());
    match is_nfc_quick(kept.chars()) {
        IsNormalized::Yes => kept,
        _ => kept.nfc().collect(),
    }
}

/// Characters that only advise where to break a line.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// Makes the heading that is the paper's title a title, and takes the title from it where the
/// format says none.
fn take_title(document: &mut Document) {
    let mut headings = Vec::new();
    for (at, page) in document.pages.iter().enumerate() {
        for (index, block) in page.blocks.iter().enumerate() {
            if block.kind == BlockKind::Title {
                return;
            }
            if let Some(level) = block.level {
                headings.push((at, index, level));
            }
        }
    }
    let Some(&(at, index, level)) = headings.first() else {
        return;
    };
    let block = &document.pages[at].blocks[index];
    let text = document.pages[at]
        .slice(block.start, block.end)
        .replace('\n', " ");
    let is_titled = document
        .metadata
        .title()
        .is_some_and(|title| facts::is_same(title, &text));
    // One heading above all others, with nothing much before it.
    let stands_out = headings[1..].iter().all(|(_, _, other)| *other > level)
        && at == 0
        && index <= 3
        && !Wording::is_known(&text);
    if !is_titled && !stands_out {
        return;
    }
    let block = &mut document.pages[at].blocks[index];
    block.kind = BlockKind::Title;
    block.level = None;
    if document.metadata.title.is_none() {
        document.metadata.title = Some(crate::Field::new(text, crate::Source::Markup, 0.8));
    }
}

/// Main sections have level 1 and none is skipped below, whatever levels the file gives: web pages
/// choose theirs by looks.
fn raise_headings(pages: &mut [Page]) {
    let blocks = pages.iter_mut().flat_map(|page| &mut page.blocks);
    let mut open: Vec<u8> = Vec::new();
    for level in blocks.filter_map(|block| block.level.as_mut()) {
        while open.last().is_some_and(|outer| *outer >= *level) {
            open.pop();
        }
        open.push(*level);
        *level = open.len() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_blocks_keep_in_step_with_the_text() {
        let mut builder = Builder::new(Format::Markdown);
        builder.heading(3, "1 First\n");
        builder.block(BlockKind::Paragraph, " one \r\n\n two\u{ad}three\u{0}");
        builder.block(BlockKind::Paragraph, " \n ");
        builder.page_break();
        builder.block(BlockKind::Code, "if a:\n\n    b\n\n");
        builder.block(BlockKind::Table, "\tx\n \na\t1");
        let document = builder.finish();
        assert_eq!(
            document.text(),
            "1 First\n\none\ntwothree\nif a:\n \n    b\n\n\tx\na\t1"
        );
        assert_eq!(document.pages[0].blocks[0].level, Some(1));
        assert_eq!(document.pages[1].number, 2);
        super::super::tests::check_invariants(&document);
    }

    #[test]
    fn text_past_the_limit_is_left_out_with_a_warning() {
        let mut builder = Builder::new(Format::Text);
        builder.max_text = 20;
        builder.block(BlockKind::Paragraph, "as long as it may");
        builder.block(BlockKind::Paragraph, "too long");
        let document = builder.finish();
        assert_eq!(document.text(), "as long as it may");
        assert_eq!(document.warnings[0].code, "text_cut");
    }
}
