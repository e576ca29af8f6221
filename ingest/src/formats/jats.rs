//! JATS, the XML of PubMed Central and most publishers (ANSI/NISO Z39.96): what is what is marked,
//! so all that is needed is to put it into reading order. Element names are those of the tag
//! library of Journal Publishing 1.3; older NLM files use the same ones.

mod front;
mod references;

use super::inline::Inline;
use super::tree::{Child, Element, Tree};
use super::{Builder, encoding, math, table};
use crate::{BlockKind, Document, Error, Format};

/// Reads an article; of a collection of articles, the first.
pub(super) fn read(bytes: &[u8]) -> Result<Document, Error> {
    let (text, is_damaged) = encoding::decode(bytes, encoding::declared(bytes).as_deref());
    let tree = Tree::of_xml(&text);
    let article = tree
        .root()
        .find("article")
        .ok_or_else(|| Error::DamagedFile {
            reason: "no article element was found in it".to_owned(),
        })?;
    let mut builder = Builder::new(Format::Jats);
    encoding::warn(&mut builder, is_damaged);
    super::warn_of_tree(&mut builder, &tree);
    let mut reader = Reader {
        builder,
        notes: Vec::new(),
    };
    if let Some(meta) = article
        .path(&["front", "article-meta"])
        .or(article.child("front-stub"))
    {
        reader.builder.document.metadata = front::metadata(article, meta);
        reader.front(meta);
    }
    reader.article(article, 1);
    Ok(reader.builder.finish())
}

struct Reader<'t> {
    builder: Builder,
    /// Footnotes met inside the paragraph that is being read.
    notes: Vec<Element<'t>>,
}

impl<'t> Reader<'t> {
    fn front(&mut self, meta: Element<'t>) {
        let metadata = self.builder.document.metadata.clone();
        if let Some(title) = metadata.title() {
            self.builder.block(BlockKind::Title, title);
        }
        self.builder
            .block(BlockKind::Author, &metadata.authors().join(", "));
        // One in another language is marked as a translation.
        for part in meta.children_named("abstract") {
            let is_main = !part.has("abstract-type", &["graphical", "teaser", "toc"]);
            if is_main {
                self.blocks(part, 1, BlockKind::Abstract);
            }
        }
    }

    fn article(&mut self, article: Element<'t>, level: usize) {
        for part in article.elements() {
            match part.name() {
                "body" => self.blocks(part, level, BlockKind::Paragraph),
                "back" | "floats-group" | "floats-wrap" => {
                    self.blocks(part, level, BlockKind::Paragraph);
                }
                // Reviews, author's responses, translations.
                "sub-article" | "response" => {
                    let title = part.find("article-title").and_then(Element::some_text);
                    if let Some(title) = title {
                        self.builder.heading(level, &title);
                    }
                    self.article(part, level + 1);
                }
                _ => {}
            }
        }
    }

    /// The blocks in an element that holds blocks. `kind` is what paragraphs are.
    fn blocks(&mut self, parent: Element<'t>, level: usize, kind: BlockKind) {
        let mut inline = Inline::default();
        for child in parent.children() {
            match child {
                Child::Element(child) if is_block(child) => {
                    self.flush(&mut inline, kind);
                    self.block(child, level, kind);
                }
                Child::Element(child) => self.inline(child, &mut inline),
                Child::Text(text) => inline.push(text),
            }
        }
        self.flush(&mut inline, kind);
    }

    fn block(&mut self, element: Element<'t>, level: usize, kind: BlockKind) {
        match element.name() {
            "sec" | "ack" | "app" | "glossary" | "notes" | "bio" | "fn-group" | "app-group"
            | "ref-list" | "statement" | "boxed-text" => self.section(element, level, kind),
            // Of a section, read with it.
            "title" | "label" | "sec-meta" | "object-id" => {}
            "p" | "attrib" | "verse-line" | "speaker" => self.paragraph(element, level, kind),
            "list" => self.list(element, level),
            "def-list" => self.definitions(element),
            "fig" | "table-wrap" | "supplementary-material" | "media" | "chem-struct-wrap" => {
                self.float(element, level);
            }
            "table" => match table::rows(element) {
                rows if rows.is_empty() => self.blocks(element, level, kind),
                rows => self.builder.block(BlockKind::Table, &rows),
            },
            "table-wrap-foot" => self.blocks(element, level, BlockKind::Footnote),
            "disp-formula" => {
                let mut text = math::text(element);
                if let Some(label) = element.child("label").and_then(Element::some_text) {
                    text = format!("{text} {label}");
                }
                self.builder.block(BlockKind::Equation, &text);
            }
            "code" | "preformat" => self.builder.block(BlockKind::Code, &element.raw_text()),
            "fn" => self.footnote(element),
            "ref" => self.reference(element),
            "graphic" | "alternatives" if element.find("table").is_none() => {}
            _ => self.blocks(element, level, kind),
        }
    }

    /// An element that may have a label and a title.
    fn section(&mut self, section: Element<'t>, level: usize, kind: BlockKind) {
        let label = section.child("label").and_then(Element::some_text);
        let title = section
            .child("title")
            .or_else(|| section.path(&["caption", "title"]))
            .map(|title| self.text_of(title))
            .filter(|title| !title.is_empty());
        let usual = match section.name() {
            "ref-list" => Some("References"),
            "ack" => Some("Acknowledgements"),
            _ => None,
        };
        // A heading within the abstract belongs to its paragraph.
        let heading = match (label, title) {
            (Some(label), Some(title)) => Some(format!("{label} {title}")),
            (label, title) => title.or(label).or(usual.map(str::to_owned)),
        };
        match heading {
            Some(heading) if kind == BlockKind::Abstract => {
                let text = self.text_of_blocks(section);
                self.builder.block(kind, &format!("{heading}: {text}"));
            }
            Some(heading) => {
                self.builder.heading(level, &heading);
                self.blocks(section, level + 1, kind);
            }
            None => self.blocks(section, level, kind),
        }
    }

    /// The text of a part of a structured abstract, on one line.
    fn text_of_blocks(&mut self, section: Element<'t>) -> String {
        let mut inline = Inline::default();
        for part in section.elements() {
            if !matches!(part.name(), "title" | "label") {
                self.inline(part, &mut inline);
                inline.push(" ");
            }
        }
        inline.take()
    }

    /// A paragraph, parted where a formula, list or figure stands inside it.
    fn paragraph(&mut self, paragraph: Element<'t>, level: usize, kind: BlockKind) {
        self.blocks(paragraph, level, kind);
    }

    /// Adds the text gathered so far, then the footnotes met in it.
    fn flush(&mut self, inline: &mut Inline, kind: BlockKind) {
        if !inline.is_empty() {
            let text = inline.take();
            // Pandoc leaves captions of tables outside of them.
            let kind = match kind {
                BlockKind::Paragraph if super::is_caption(&text) => BlockKind::Caption,
                kind => kind,
            };
            self.builder.block(kind, &text);
        }
        for note in std::mem::take(&mut self.notes) {
            self.footnote(note);
        }
    }

    fn footnote(&mut self, note: Element<'t>) {
        let mut inline = Inline::default();
        for part in note.elements() {
            self.inline(part, &mut inline);
            inline.push(" ");
        }
        self.builder.block(BlockKind::Footnote, &inline.take());
        // A footnote may have a footnote; it is read as part of no paragraph.
        for inner in std::mem::take(&mut self.notes) {
            self.builder.block(BlockKind::Footnote, &inner.text());
        }
    }

    fn list(&mut self, list: Element<'t>, level: usize) {
        if list.child("list-item").is_none() {
            return self.blocks(list, level, BlockKind::ListItem);
        }
        let is_numbered = list.has("list-type", &["order", "ordered", "arabic"]);
        let start = list
            .attr("start")
            .and_then(|start| start.parse().ok())
            .unwrap_or(1_u32);
        for (item, number) in list.children_named("list-item").zip(start..) {
            let label = item.child("label").and_then(Element::some_text);
            let mark = label.unwrap_or_else(|| match is_numbered {
                true => format!("{number}."),
                false => "•".to_owned(),
            });
            let mut inline = Inline::default();
            inline.push(&mark);
            inline.push(" ");
            for part in item.elements().filter(|part| part.name() != "label") {
                match part.name() {
                    "list" => {
                        self.flush(&mut inline, BlockKind::ListItem);
                        self.list(part, level);
                    }
                    "p" => {
                        for child in part.children() {
                            match child {
                                Child::Element(child) if child.name() == "list" => {
                                    self.flush(&mut inline, BlockKind::ListItem);
                                    self.list(child, level);
                                }
                                Child::Element(child) if is_block(child) => {
                                    self.flush(&mut inline, BlockKind::ListItem);
                                    self.block(child, level, BlockKind::Paragraph);
                                }
                                Child::Element(child) => self.inline(child, &mut inline),
                                Child::Text(text) => inline.push(text),
                            }
                        }
                        inline.push(" ");
                    }
                    _ => {
                        self.flush(&mut inline, BlockKind::ListItem);
                        self.block(part, level, BlockKind::Paragraph);
                    }
                }
            }
            self.flush(&mut inline, BlockKind::ListItem);
        }
    }

    fn definitions(&mut self, list: Element<'t>) {
        if let Some(title) = list.child("title") {
            let title = self.text_of(title);
            self.builder.block(BlockKind::Paragraph, &title);
        }
        for item in list.children_named("def-item") {
            let term = item
                .child("term")
                .map(|term| self.text_of(term))
                .unwrap_or_default();
            let meaning: Vec<String> = item
                .children_named("def")
                .map(|def| self.text_of(def))
                .collect();
            let text = format!("{term}: {}", meaning.join("; "));
            self.builder.block(BlockKind::ListItem, &text);
        }
        for inner in list.children_named("def-list") {
            self.definitions(inner);
        }
    }

    /// A figure or table: its caption, then what it holds.
    fn float(&mut self, float: Element<'t>, level: usize) {
        let label = float.child("label").and_then(Element::some_text);
        let caption = float.child("caption").map(|caption| {
            let mut inline = Inline::default();
            for part in caption.elements() {
                self.inline(part, &mut inline);
                inline.push(" ");
            }
            inline.take()
        });
        let text = match (label, caption) {
            (Some(label), Some(caption)) if !caption.is_empty() => {
                let stop = if label.ends_with(['.', ':']) { "" } else { "." };
                format!("{label}{stop} {caption}")
            }
            (label, caption) => caption.or(label).unwrap_or_default(),
        };
        self.builder.block(BlockKind::Caption, &text);
        for part in float.elements() {
            if !matches!(part.name(), "label" | "caption" | "object-id" | "alt-text") {
                self.block(part, level, BlockKind::Paragraph);
            }
        }
    }

    fn reference(&mut self, reference: Element<'t>) {
        for (printed, found) in references::entries(reference) {
            self.builder.reference(&printed, found);
        }
    }

    fn text_of(&mut self, element: Element<'t>) -> String {
        let mut inline = Inline::default();
        self.inline(element, &mut inline);
        inline.take()
    }

    /// Running text; footnotes are put aside.
    fn inline(&mut self, element: Element<'t>, out: &mut Inline) {
        match element.name() {
            "inline-formula" | "disp-formula" | "math" | "tex-math" => {
                out.push(&math::text(element))
            }
            "break" => out.line_break(),
            "fn" => self.notes.push(element),
            "sup" => {
                let is_mark = element
                    .elements()
                    .any(|inner| inner.has("ref-type", &["bibr", "fn", "table-fn"]));
                if is_mark {
                    out.mark(&element.text());
                } else {
                    out.superscript(&element.text());
                }
            }
            "xref" if element.child("sup").is_some() => {
                if element.has("ref-type", &["bibr", "fn", "table-fn"]) {
                    out.mark(&element.text());
                } else {
                    out.superscript(&element.text());
                }
            }
            "index-term" | "alt-text" | "object-id" | "graphic" | "inline-graphic"
            | "processing-meta" => {}
            _ => {
                for child in element.children() {
                    match child {
                        Child::Text(text) => out.push(text),
                        Child::Element(child) => self.inline(child, out),
                    }
                }
            }
        }
    }
}

/// Elements that end a paragraph that they stand in.
fn is_block(element: Element<'_>) -> bool {
    match element.name() {
        "alternatives" => element.child("table").is_some(),
        name => matches!(
            name,
            "sec"
                | "ack"
                | "app"
                | "app-group"
                | "glossary"
                | "notes"
                | "bio"
                | "fn-group"
                | "ref-list"
                | "statement"
                | "boxed-text"
                | "title"
                | "label"
                | "sec-meta"
                | "p"
                | "attrib"
                | "verse-group"
                | "verse-line"
                | "speech"
                | "speaker"
                | "list"
                | "def-list"
                | "fig"
                | "fig-group"
                | "table-wrap"
                | "table-wrap-group"
                | "table"
                | "table-wrap-foot"
                | "supplementary-material"
                | "media"
                | "chem-struct-wrap"
                | "disp-formula"
                | "disp-formula-group"
                | "code"
                | "preformat"
                | "disp-quote"
                | "ref"
                | "graphic"
                | "list-item"
                | "floats-group"
                | "block-alternatives"
        ),
    }
}
